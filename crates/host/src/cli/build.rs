//! `kopilka build`.

use std::process::ExitCode;

use anyhow::Result;

use super::shop::ShopArguments;

/// What `build` takes.
#[derive(clap::Args, Debug)]
pub struct BuildArguments {
    #[command(flatten)]
    shop: ShopArguments,
}

/// Builds what is stale and compiles all of it.
pub async fn run(arguments: BuildArguments) -> Result<ExitCode> {
    let (manifest, data) = (arguments.shop.manifest()?, arguments.shop.data()?);
    let built = tokio::task::spawn_blocking(move || host::build(&manifest, &data)).await??;
    match built.as_slice() {
        [] => eprintln!("Everything is up to date"),
        built => eprintln!("Built {}", built.join(", ")),
    }
    Ok(ExitCode::SUCCESS)
}
