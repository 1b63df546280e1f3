//! Whether two answers are the same: the types of the contract are made twice, for the component and for its host, and are
//! written in the same way.

use std::fmt::Debug;

/// Both are written the same, to the last letter.
#[track_caller]
pub fn same(native: impl Debug, told: &impl Debug) {
    let (native, told) = (format!("{native:?}"), format!("{told:?}"));
    if native != told {
        let from = native.bytes().zip(told.bytes()).take_while(|(one, other)| one == other).count().saturating_sub(200);
        let around = |text: &str| {
            text.chars().skip(text.get(..from).map_or(0, |before| before.chars().count())).take(600).collect::<String>()
        };
        panic!("natively …{}…\nand through Wasm …{}…", around(&native), around(&told));
    }
}
