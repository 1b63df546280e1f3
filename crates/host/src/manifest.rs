//! Reads `spin.toml` (manifest version 2): the part of it that this host runs.
//!
//! Whatever it does not run is an error that names the key by its path in the file, so that an application never
//! behaves differently here than on Spin without anyone noticing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::outbound::AllowedHost;
use crate::section::Section;
use crate::variables::Template;

/// An application as its manifest describes it; every name in it is known to refer to something.
#[derive(Debug)]
pub struct Manifest {
    /// The manifest itself.
    pub file: PathBuf,
    /// The folder that every path in the manifest is relative to.
    pub folder: PathBuf,
    /// `application.name`.
    pub name: String,
    /// The variables of the application, by name.
    pub variables: BTreeMap<String, Variable>,
    /// Every component, those without a trigger included, by id.
    pub components: BTreeMap<String, Component>,
    /// `[[trigger.http]]`, in the order of the file.
    pub http: Vec<HttpTrigger>,
    /// `[[trigger.cron]]`, in the order of the file.
    pub cron: Vec<CronTrigger>,
}

/// A variable of the application.
#[derive(Debug, Default)]
pub struct Variable {
    /// Its value when nobody gives one; without it the variable is required.
    pub default: Option<String>,
    /// Whether its value must never be printed.
    pub secret: bool,
}

/// A component: where its Wasm lies, what it may use, how it is built.
#[derive(Debug)]
pub struct Component {
    /// The Wasm file.
    pub source: PathBuf,
    /// The databases it may open.
    pub sqlite_databases: Vec<String>,
    /// The key-value stores it may open.
    pub key_value_stores: Vec<String>,
    /// Its own variables, as templates over those of the application.
    pub variables: BTreeMap<String, Template>,
    /// Environment variables it sees.
    pub environment: BTreeMap<String, String>,
    /// Whom it may call over HTTP, as templates over the variables of the application.
    pub allowed_outbound_hosts: Vec<Template>,
    /// What it imports from other components: import name (or a package of imports) to component id.
    pub dependencies: BTreeMap<String, String>,
    /// How it is built; without it the source is taken as it is.
    pub build: Option<Build>,
}

/// How a component is built.
#[derive(Debug)]
pub struct Build {
    /// Commands for `sh -c`, run one after another.
    pub commands: Vec<String>,
    /// Where they are run.
    pub workdir: PathBuf,
    /// Globs of the files that the component is made from.
    pub watch: Vec<String>,
}

/// A path, or everything below a path, that a component answers.
#[derive(Debug)]
pub struct HttpTrigger {
    /// An exact path, or a path and `/...`.
    pub route: String,
    /// The component's id.
    pub component: String,
}

/// A component that is run at certain times.
#[derive(Debug)]
pub struct CronTrigger {
    /// The component's id.
    pub component: String,
    /// Six fields, seconds first.
    pub expression: String,
}

impl Manifest {
    /// Reads and checks a manifest.
    pub fn load(file: &Path) -> Result<Self> {
        let file = std::path::absolute(file)?;
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read the manifest {}", file.display()))?;
        let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
        Self::parse(&text, file.clone(), folder).with_context(|| format!("in the manifest {}", file.display()))
    }

    fn parse(text: &str, file: PathBuf, folder: PathBuf) -> Result<Self> {
        let mut root = Section::parse(text)?;
        match root.integer("spin_manifest_version")? {
            Some(2) => {}
            Some(other) => bail!("spin_manifest_version = {other}: only version 2 is supported"),
            None => bail!("spin_manifest_version is missing"),
        }
        let mut application = root.required_section("application")?;
        let name = application.required_string("name")?;
        for described in ["version", "description"] {
            application.string(described)?;
        }
        application.strings("authors")?;
        application.finish()?;

        let variables = read_variables(root.section("variables")?)?;
        let mut components = BTreeMap::new();
        for (id, section) in root.sections("component")? {
            components.insert(id, read_component(section, &folder, &variables)?);
        }
        let mut manifest = Self { file, folder, name, variables, components, http: vec![], cron: vec![] };
        if let Some(triggers) = root.section("trigger")? {
            manifest.read_triggers(triggers)?;
        }
        root.finish()?;
        manifest.check_dependencies()?;
        manifest.check_chaining()?;
        Ok(manifest)
    }

    fn read_triggers(&mut self, mut triggers: Section) -> Result<()> {
        for mut section in triggers.list("http")? {
            let route = section.required_string("route")?;
            check_route(&route).with_context(|| section.path_of("route"))?;
            let component = self.read_reference(&mut section)?;
            ensure!(
                self.http.iter().all(|other| other.route != route),
                "{}: a second trigger for {route:?}",
                section.path_of("route")
            );
            section.finish()?;
            self.http.push(HttpTrigger { route, component });
        }
        for mut section in triggers.list("cron")? {
            let expression = section.required_string("cron_expression")?;
            crate::cron::parse_expression(&expression).with_context(|| section.path_of("cron_expression"))?;
            let component = self.read_reference(&mut section)?;
            section.finish()?;
            self.cron.push(CronTrigger { component, expression });
        }
        triggers.finish()
    }

    fn read_reference(&self, section: &mut Section) -> Result<String> {
        let component = section.required_string("component")?;
        ensure!(
            self.components.contains_key(&component),
            "{}: there is no component {component:?}",
            section.path_of("component")
        );
        Ok(component)
    }

    fn check_dependencies(&self) -> Result<()> {
        for (id, component) in &self.components {
            for (import, dependency) in &component.dependencies {
                let path = format!("component.{id}.dependencies.{import:?}");
                let Some(found) = self.components.get(dependency) else {
                    bail!("{path}: there is no component {dependency:?}");
                };
                ensure!(found.dependencies.is_empty(), "{path}: {dependency:?} has dependencies itself, which is not supported");
            }
        }
        Ok(())
    }

    /// A component that others may call has a trigger by which it answers.
    fn check_chaining(&self) -> Result<()> {
        for (id, component) in &self.components {
            // those with a variable are read when its value is known
            for template in component.allowed_outbound_hosts.iter().filter(|template| template.names().next().is_none()) {
                let allowed = AllowedHost::parse(&template.fill(&BTreeMap::new())?)?;
                let Some(called) = allowed.component() else { continue };
                ensure!(
                    self.http.iter().any(|trigger| trigger.component == called),
                    "component.{id}.allowed_outbound_hosts: there is no component {called:?} with an HTTP trigger"
                );
            }
        }
        Ok(())
    }

    /// Every database that some component may open.
    pub fn databases(&self) -> impl Iterator<Item = &str> {
        self.components.values().flat_map(|component| &component.sqlite_databases).map(String::as_str)
    }

    /// Every key-value store that some component may open.
    pub fn key_value_stores(&self) -> impl Iterator<Item = &str> {
        self.components.values().flat_map(|component| &component.key_value_stores).map(String::as_str)
    }
}

/// The folder `target` that a built file lies in, if it lies in one. What is made from the file is kept there too, so that
/// applications of the same files, which lie in different folders, share it.
pub(crate) fn target_of(source: &Path) -> Option<&Path> {
    source.ancestors().skip(1).find(|folder| folder.file_name().is_some_and(|name| name == "target"))
}

fn read_variables(section: Option<Section>) -> Result<BTreeMap<String, Variable>> {
    let mut variables = BTreeMap::new();
    let Some(mut section) = section else { return Ok(variables) };
    for name in section.keys() {
        crate::variables::check_name(&name).with_context(|| section.path_of(&name))?;
        let mut one = section.required_section(&name)?;
        let default = one.string("default")?;
        let required = one.boolean("required")?.unwrap_or(false);
        let secret = one.boolean("secret")?.unwrap_or(false);
        one.string("description")?;
        ensure!(required != default.is_some(), "{}: either a default or required = true", section.path_of(&name));
        one.finish()?;
        variables.insert(name, Variable { default, secret });
    }
    Ok(variables)
}

fn read_component(mut section: Section, folder: &Path, known: &BTreeMap<String, Variable>) -> Result<Component> {
    section.string("description")?;
    let source = folder.join(section.required_string("source")?);
    let mut allowed_outbound_hosts = vec![];
    for host in section.strings("allowed_outbound_hosts")? {
        let path = section.path_of("allowed_outbound_hosts");
        let template = read_template(&host, known).with_context(|| path.clone())?;
        // one with a variable is read when its value is known
        if template.names().next().is_none() {
            AllowedHost::parse(&host).with_context(|| path)?;
        }
        allowed_outbound_hosts.push(template);
    }
    let mut granted = |key: &str| -> Result<Vec<String>> {
        let names = section.strings(key)?;
        for name in &names {
            check_label(name).with_context(|| section.path_of(key))?;
        }
        Ok(names)
    };
    let sqlite_databases = granted("sqlite_databases")?;
    let key_value_stores = granted("key_value_stores")?;
    let mut variables = BTreeMap::new();
    if let Some(mut own) = section.section("variables")? {
        for name in own.keys() {
            let path = own.path_of(&name);
            crate::variables::check_name(&name).with_context(|| path.clone())?;
            let template = read_template(&own.required_string(&name)?, known).with_context(|| path)?;
            variables.insert(name, template);
        }
    }
    let mut environment = BTreeMap::new();
    if let Some(mut own) = section.section("environment")? {
        for name in own.keys() {
            environment.insert(name.clone(), own.required_string(&name)?);
        }
    }
    let mut dependencies = BTreeMap::new();
    if let Some(mut own) = section.section("dependencies")? {
        for import in own.keys() {
            let mut one = own.required_section(&import)?;
            dependencies.insert(import, one.required_string("component")?);
            one.finish()?;
        }
    }
    let build = section.section("build")?.map(|build| read_build(build, folder)).transpose()?;
    section.finish()?;
    Ok(Component {
        source,
        sqlite_databases,
        key_value_stores,
        variables,
        environment,
        allowed_outbound_hosts,
        dependencies,
        build,
    })
}

/// A text with the application's variables in it.
fn read_template(text: &str, known: &BTreeMap<String, Variable>) -> Result<Template> {
    let template = Template::parse(text)?;
    if let Some(unknown) = template.names().find(|name| !known.contains_key(*name)) {
        bail!("there is no variable {unknown:?}");
    }
    Ok(template)
}

fn read_build(mut section: Section, folder: &Path) -> Result<Build> {
    let commands = section.string_or_strings("command")?;
    ensure!(!commands.is_empty(), "{} is missing", section.path_of("command"));
    let workdir = section.string("workdir")?.map_or_else(|| folder.to_path_buf(), |own| folder.join(own));
    let watch = section.strings("watch")?;
    section.finish()?;
    Ok(Build { commands, workdir, watch })
}

/// Labels become file names: they must not be able to lead anywhere else.
pub(crate) fn check_label(label: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    ensure!(!label.is_empty() && label.chars().all(plain), "{label:?}: a name has letters, digits, '-' and '_' only");
    Ok(())
}

fn check_route(route: &str) -> Result<()> {
    ensure!(route.starts_with('/'), "{route:?}: a route starts with '/'");
    let fixed = route.strip_suffix("/...").unwrap_or(route);
    ensure!(
        !fixed.contains("...") && !fixed.contains(['*', ':']),
        "{route:?}: only exact routes and a trailing \"/...\" are supported"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"shop\"\n";
    const COMPONENT: &str = "[component.till]\nsource = \"till.wasm\"\n";

    fn parse(body: &str) -> Result<Manifest> {
        Manifest::parse(&format!("{HEAD}{body}"), "spin.toml".into(), ".".into())
    }

    /// The manifest is refused, and the reason names what is at fault.
    #[track_caller]
    fn refused(body: &str, names: &[&str]) {
        let error = format!("{:#}", parse(body).expect_err("the manifest must be refused"));
        for name in names {
            assert!(error.contains(name), "{error:?} does not name {name:?}");
        }
    }

    #[test]
    fn everything_that_is_supported_is_read() {
        let manifest = parse(
            r#"
            [variables]
            key = { required = true, secret = true }
            country = { default = "RU" }
            hosts = { default = "https://*" }
            [component.rules]
            source = "rules.wasm"
            [component.till]
            source = "till.wasm"
            sqlite_databases = ["default", "people"]
            key_value_stores = ["default"]
            allowed_outbound_hosts = ["https://bank.example", "{{ hosts }}"]
            environment = { LANG = "ru" }
            [component.till.variables]
            key = "Bearer {{ key }} of {{ country }}"
            [component.till.dependencies]
            "shop:rules/engine@1.0.0" = { component = "rules" }
            [component.till.build]
            command = ["one", "two"]
            workdir = "sub"
            watch = ["**/*.rs"]
            [[trigger.http]]
            route = "/v1/..."
            component = "till"
            [[trigger.cron]]
            component = "till"
            cron_expression = "0 0 * * * *"
            "#,
        )
        .unwrap();
        let till = &manifest.components["till"];
        assert_eq!(till.sqlite_databases, ["default", "people"]);
        assert_eq!(till.allowed_outbound_hosts.len(), 2);
        assert_eq!(till.dependencies["shop:rules/engine@1.0.0"], "rules");
        assert_eq!(till.build.as_ref().unwrap().commands, ["one", "two"]);
        assert_eq!(manifest.databases().collect::<Vec<_>>(), ["default", "people"]);
        assert!(manifest.variables["key"].secret && manifest.variables["key"].default.is_none());
        assert_eq!(manifest.cron[0].expression, "0 0 * * * *");
    }

    #[test]
    fn unknown_keys_are_named_by_their_path() {
        refused("[shop]\n", &["shop"]);
        refused(&format!("{COMPONENT}files = [\"a\"]\n"), &["component.till.files"]);
        refused(&format!("{COMPONENT}[component.till.tool.x]\n"), &["component.till.tool"]);
        refused(&format!("{COMPONENT}[component.till.build]\ncommand = \"x\"\nprofile = 1\n"), &["component.till.build.profile"]);
        refused(&format!("{COMPONENT}[[trigger.redis]]\nchannel = \"x\"\n"), &["trigger.redis"]);
        refused(
            &format!("{COMPONENT}[[trigger.http]]\nroute = \"/\"\ncomponent = \"till\"\nexecutor = \"wagi\"\n"),
            &["trigger.http[0].executor"],
        );
        refused("[application.trigger.redis]\naddress = \"x\"\n", &["application.trigger"]);
    }

    #[test]
    fn what_this_host_cannot_do_is_named() {
        refused("[component.till]\nsource = { url = \"https://x\", digest = \"y\" }\n", &["component.till.source", "text"]);
        refused(
            &format!("{COMPONENT}allowed_outbound_hosts = [\"redis://cache.example\"]\n"),
            &["component.till.allowed_outbound_hosts", "redis://cache.example"],
        );
        refused(
            &format!("{COMPONENT}[component.till.dependencies]\n\"a:b\" = {{ path = \"x.wasm\" }}\n"),
            &["component.till.dependencies", "a:b", "component"],
        );
        refused(&format!("{COMPONENT}[component.till.dependencies]\n\"a:b\" = \"1.0\"\n"), &["component.till.dependencies"]);
        refused(
            &format!("{COMPONENT}[[trigger.http]]\nroute = \"/:id\"\ncomponent = \"till\"\n"),
            &["trigger.http[0].route", "/:id"],
        );
        refused(
            &format!("{COMPONENT}[[trigger.http]]\nroute = {{ private = true }}\ncomponent = \"till\"\n"),
            &["trigger.http[0].route"],
        );
    }

    #[test]
    fn what_is_made_from_a_file_is_kept_in_the_target_that_it_lies_in() {
        let of = |source: &str| target_of(Path::new(source)).map(|target| target.display().to_string());
        assert_eq!(of("/shop/tenants/a/../../target/wasm/till.wasm").as_deref(), Some("/shop/tenants/a/../../target"));
        assert_eq!(of("/target/shop/target/wasm/target/till.wasm").as_deref(), Some("/target/shop/target/wasm/target"));
        assert_eq!(of("/shop/dist/target"), None, "a file of that name");
    }

    #[test]
    fn references_to_nothing_are_named() {
        refused(
            &format!("{COMPONENT}[component.till.variables]\nkey = \"{{{{ key }}}}\"\n"),
            &["component.till.variables.key", "\"key\""],
        );
        refused(
            &format!("{COMPONENT}allowed_outbound_hosts = [\"https://{{{{ hosts }}}}\"]\n"),
            &["component.till.allowed_outbound_hosts", "\"hosts\""],
        );
        refused("[[trigger.http]]\nroute = \"/\"\ncomponent = \"till\"\n", &["trigger.http[0].component", "till"]);
        refused(
            &format!("{COMPONENT}[component.till.dependencies]\n\"a:b\" = {{ component = \"rules\" }}\n"),
            &["\"a:b\"", "rules"],
        );
        refused(
            &format!("{COMPONENT}allowed_outbound_hosts = [\"http://office.spin.internal\"]\n"),
            &["component.till.allowed_outbound_hosts", "office"],
        );
        refused("[component.till]\n", &["component.till.source", "missing"]);
        refused(&format!("{COMPONENT}sqlite_databases = [\"../x\"]\n"), &["component.till.sqlite_databases", "../x"]);
        refused(
            &format!("{COMPONENT}[[trigger.cron]]\ncomponent = \"till\"\ncron_expression = \"hourly\"\n"),
            &["trigger.cron[0].cron_expression"],
        );
        refused("[variables]\nkey = {}\n", &["variables.key"]);
    }
}
