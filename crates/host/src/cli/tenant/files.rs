//! The files of a tenant's folder: templates beside this file, in which words in `@` stand for what is the tenant's.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use host::Manifest;

use super::{Tenant, manifest, shell};

/// Makes the manifest that SpinKube takes of the one that is there: no executor of SpinKube has a cron trigger, and the shim
/// refuses an application that has one.
pub const WITHOUT_CRON: &str = r"sed '/^\[\[trigger\.cron\]\]/,/^cron_expression/d' spin.toml > spinkube.toml";

/// The jobs of an hour, in the order of the cron trigger.
const JOBS: &str = "holds activate expire tiers occasions triggers remind annulment notify deliver sweep reseal";

/// The wrapper that a tenant's rules begin as.
const WRAPPER: &str = include_str!("../../../../../examples/holiday-rules/src/lib.rs");
const HOLIDAY: &str = include_str!("../../../../../examples/holiday-rules/src/holiday.rs");
/// Where the contract lies, as the wrapper says it.
const CONTRACT: &str = "path: \"../../wit/rules.wit\"";

impl Tenant {
    /// Every file of the folder, with its path in it.
    pub fn files(&self, application: &Manifest) -> Result<Vec<(PathBuf, String)>> {
        let file = application.file.display();
        let text = std::fs::read_to_string(&application.file).with_context(|| format!("cannot read {file}"))?;
        let (head, of_rules) = (self.fill(include_str!("files/head.toml")), self.fill(include_str!("files/of-rules.toml")));
        let manifest =
            manifest::of_tenant(&text, &self.name, &self.up, &head, &of_rules).with_context(|| format!("in {file}"))?;
        let contract = format!("path: \"../{}/wit/rules.wit\"", self.up.display());
        // The libraries of its rules are those that the application's own are tried with. Cargo leaves out what they don't need.
        let lock = application.folder.join("Cargo.lock");
        let lock = std::fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
        let app = self.fill(include_str!("files/spinapp.yaml")).replace("@variables@", &self.variables(application));
        let files = [
            ("spin.toml", manifest),
            ("runtime-config.toml", self.fill(include_str!("files/runtime-config.toml"))),
            ("program.json", self.program.to_owned()),
            ("rules/rules.toml", self.fill(include_str!("files/rules.toml"))),
            ("rules/Cargo.toml", self.fill(include_str!("files/rules-cargo.toml"))),
            ("rules/Cargo.lock", lock),
            ("rules/src/lib.rs", WRAPPER.replace(CONTRACT, &contract)),
            ("rules/src/holiday.rs", HOLIDAY.to_owned()),
            ("spinapp.yaml", app),
            ("README.md", self.fill(include_str!("files/readme.md"))),
            (".gitignore", self.fill(include_str!("files/gitignore"))),
        ];
        Ok(files.map(|(file, text)| (PathBuf::from(file), text)).into())
    }

    fn fill(&self, template: &str) -> String {
        [
            ("@name@", self.name.as_str()),
            // a crate's name in the names of what it is built to
            ("@name_@", &self.name.replace('-', "_")),
            ("@preset@", &self.preset),
            ("@up@", &self.up.display().to_string()),
            // only in commands
            ("@down@", &shell(&self.down)),
            ("@port@", &self.port.to_string()),
            ("@jobs@", JOBS),
            ("@without_cron@", WITHOUT_CRON),
        ]
        .iter()
        .fold(template.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    /// The variables of the application, for SpinKube: those that must be given come from the tenant's Secret, the others are
    /// shown with what they are.
    fn variables(&self, application: &Manifest) -> String {
        let mut text = String::new();
        for (name, variable) in &application.variables {
            let key = name.replace('_', "-");
            let from_secret = format!("valueFrom:\n        secretKeyRef:\n          name: {}\n          key: {key}", self.name);
            let given = match &variable.default {
                Some(default) if !variable.secret => format!("value: {default:?}"),
                _ => from_secret,
            };
            let entry = format!("    - name: {name}\n      {given}\n");
            for line in entry.lines() {
                // no failure: it is a text that is written to
                let _ = match variable.default {
                    Some(_) => writeln!(text, "    # {}", line.strip_prefix("    ").unwrap_or(line)),
                    None => writeln!(text, "{line}"),
                };
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

    fn made() -> Vec<(PathBuf, String)> {
        let tenant = Tenant {
            name: "acme-shoes".into(),
            preset: "dodo".into(),
            program: super::super::presets::preset("dodo").unwrap(),
            folder: "tenants/acme-shoes".into(),
            up: "../..".into(),
            down: "tenants/acme-shoes".into(),
            command: "kopilka".into(),
            port: 3001,
        };
        tenant.files(&Manifest::load(&Path::new(ROOT).join("spin.toml")).unwrap()).unwrap()
    }

    fn text(file: &str) -> String {
        made().into_iter().find(|(path, _)| path == Path::new(file)).unwrap_or_else(|| panic!("there is {file}")).1
    }

    #[test]
    fn every_word_of_the_templates_is_filled_and_nothing_tells_of_this_machine() {
        let root = Path::new(ROOT).canonicalize().unwrap();
        for (file, text) in made().into_iter().filter(|(file, _)| file != Path::new("rules/Cargo.lock")) {
            let words: Vec<_> = text.split('@').collect();
            for word in words.windows(3).map(|parts| parts[1]) {
                let placeholder = !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                assert!(!placeholder, "{}: @{word}@", file.display());
            }
            assert!(!text.contains(&*root.to_string_lossy()), "{}", file.display());
        }
    }

    #[test]
    fn the_jobs_of_an_hour_are_those_of_the_cron_trigger_in_its_order() {
        let source = std::fs::read_to_string(Path::new(ROOT).join("components/jobs/src/work.rs")).unwrap();
        let quoted = |line: &str| line.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let of_books = source.lines().filter(|line| line.trim().starts_with("Self::") && line.contains("=> \"")).flat_map(quoted);
        let of_persons = source.lines().filter(|line| line.starts_with("const OF_PERSONS")).flat_map(quoted);
        let jobs: Vec<String> = of_books.chain(of_persons).collect();
        assert_eq!(JOBS.split(' ').collect::<Vec<_>>(), jobs);
    }

    #[test]
    fn what_must_be_given_comes_from_the_secret_and_the_rest_is_shown() {
        let app = text("spinapp.yaml");
        let key = "    - name: people_key\n      valueFrom:\n        secretKeyRef:\n          name: acme-shoes\n          key: people-key\n";
        assert!(app.contains(key), "{app}");
        assert!(app.contains("    # - name: default_country\n    #   value: \"RU\"\n"), "{app}");
        assert!(app.contains("    # - name: telegram_token\n    #   valueFrom:\n"), "{app}");
    }

    #[test]
    fn the_rules_are_the_example_s_with_the_contract_of_the_application() {
        let wrapper = text("rules/src/lib.rs");
        assert_ne!(wrapper, WRAPPER);
        assert!(wrapper.contains("path: \"../../../wit/rules.wit\""), "{wrapper}");
        let of_example = std::fs::read_to_string(Path::new(ROOT).join("examples/holiday-rules/Cargo.toml")).unwrap();
        let version = "wit-bindgen = { version = \"0.61\"";
        assert!(of_example.contains(version) && text("rules/Cargo.toml").contains(version), "one version");
    }
}
