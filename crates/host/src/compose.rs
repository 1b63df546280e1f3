//! Puts a component and its dependencies together into one component.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use wac_graph::types::{Package, SubtypeChecker, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

/// A component that another one imports something from.
pub(crate) struct Dependency {
    /// What is imported from it: an interface (`shop:rules/engine@1.0.0`), a package (`shop:rules`), or a plain name.
    pub(crate) import: String,
    /// Its id in the manifest.
    pub(crate) id: String,
    /// Its Wasm.
    pub(crate) bytes: Vec<u8>,
}

/// Composes the component. Names match as on Spin; a dependency that matches no import is an error there, too.
pub(crate) fn compose(id: &str, bytes: Vec<u8>, dependencies: Vec<Dependency>) -> Result<Vec<u8>> {
    ensure_component(id, &bytes)?;
    if dependencies.is_empty() {
        return Ok(bytes);
    }
    let mut graph = CompositionGraph::new();
    let package = Package::from_bytes(id, None, bytes, graph.types_mut())?;
    let world = package.ty();
    let main = {
        let package = graph.register_package(package)?;
        graph.instantiate(package)
    };
    let imports: Vec<String> = graph.types()[world].imports.keys().cloned().collect();
    let mut satisfied: Vec<&str> = vec![];
    // A dependency that satisfies several imports is instantiated once.
    let mut instances = BTreeMap::new();
    for Dependency { import: name, id: dependency, bytes } in dependencies {
        if !instances.contains_key(&dependency) {
            instances.insert(dependency.clone(), instantiate(&mut graph, &dependency, bytes)?);
        }
        let (instance, exported) = instances[&dependency];
        let matched: Vec<&String> = imports.iter().filter(|import| matches(&name, import)).collect();
        ensure!(!matched.is_empty(), "the dependency {name:?} doesn't match any import of the component {id:?}");
        for import in matched {
            ensure!(!satisfied.contains(&import.as_str()), "two dependencies of {id:?} match its import {import:?}");
            satisfied.push(import);
            let types = graph.types();
            let Some(export) = types[exported].exports.get(import) else {
                bail!("the dependency {dependency:?} doesn't export {import:?}, which {id:?} imports");
            };
            let mut cache = Default::default();
            SubtypeChecker::new(&mut cache)
                .is_subtype(*export, types, types[world].imports[import], types)
                .with_context(|| format!("{dependency:?} exports {import:?} with other types than {id:?} imports"))?;
            let export = graph.alias_instance_export(instance, import)?;
            graph.set_instantiation_argument(main, import, export)?;
        }
    }
    let exports: Vec<String> = graph.types()[world].exports.keys().cloned().collect();
    for name in exports {
        let export = graph.alias_instance_export(main, &name)?;
        graph.export(export, &name)?;
    }
    graph.encode(EncodeOptions::default()).with_context(|| format!("cannot compose {id:?}"))
}

/// Puts a component around another one that exports the same interface: what it imports is the inner one's, what the
/// result exports is its own. For what is itself to be a dependency, which can't have dependencies: so the result must
/// import nothing.
///
/// # Errors
/// One that names what does not fit, or what the result would still import.
pub fn wrap(interface: &str, wrapper: Vec<u8>, inner: Vec<u8>) -> Result<Vec<u8>> {
    let inner = Dependency { import: interface.to_owned(), id: "the wrapped component".to_owned(), bytes: inner };
    let wrapped = compose("the wrapper", wrapper, vec![inner])?;
    let mut graph = CompositionGraph::new();
    let world = Package::from_bytes("the result", None, wrapped.clone(), graph.types_mut())?.ty();
    let world = &graph.types()[world];
    if let Some(asked) = world.imports.keys().next() {
        bail!("the wrapper imports {asked:?} as well: a dependency that imports anything is not supported");
    }
    ensure!(world.exports.contains_key(interface), "the wrapper doesn't export {interface:?}");
    Ok(wrapped)
}

fn instantiate(graph: &mut CompositionGraph, dependency: &str, bytes: Vec<u8>) -> Result<(NodeId, WorldId)> {
    ensure_component(dependency, &bytes)?;
    let package = Package::from_bytes(&format!("dependency:{dependency}"), None, bytes, graph.types_mut());
    let package = package.with_context(|| format!("the dependency {dependency:?} cannot be read"))?;
    let world = package.ty();
    // Spin denies a dependency everything that it imports; here it must not ask in the first place.
    if let Some(asked) = graph.types()[world].imports.keys().next() {
        bail!("the dependency {dependency:?} imports {asked:?}: a dependency that imports anything is not supported");
    }
    let package = graph.register_package(package)?;
    Ok((graph.instantiate(package), world))
}

fn ensure_component(id: &str, bytes: &[u8]) -> Result<()> {
    match bytes.get(..8) {
        Some(b"\0asm\x0d\0\x01\0") => Ok(()),
        Some(b"\0asm\x01\0\0\0") => bail!("the source of {id:?} is a core module, not a component"),
        _ => bail!("the source of {id:?} is not a Wasm component"),
    }
}

/// Whether a dependency's name covers an import: the same name, or the package of it, with or without its version.
fn matches(dependency: &str, import: &str) -> bool {
    let split = |name: &str| -> (String, Option<String>, Option<String>) {
        let (name, version) = match name.split_once('@') {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (name, None),
        };
        match name.split_once('/') {
            Some((package, interface)) => (package.to_owned(), Some(interface.to_owned()), version),
            None => (name.to_owned(), None, version),
        }
    };
    let (package, interface, version) = split(dependency);
    let (import_package, import_interface, import_version) = split(import);
    package == import_package
        && (interface.is_none() || interface == import_interface)
        && (version.is_none() || version == import_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_on_spin() {
        for (dependency, import) in [
            ("foo:bar/baz@0.1.0", "foo:bar/baz@0.1.0"),
            ("foo:bar/baz", "foo:bar/baz@0.1.0"),
            ("foo:bar/baz", "foo:bar/baz"),
            ("foo:bar", "foo:bar/baz@0.1.0"),
            ("foo:bar@0.1.0", "foo:bar/baz@0.1.0"),
            ("foo-bar", "foo-bar"),
        ] {
            assert!(matches(dependency, import), "{dependency} {import}");
        }
        for (dependency, import) in [
            ("foo:bar/baz@0.1.0", "foo:bar/baz"),
            ("foo:bar/baz", "foo:bar/bub@0.1.0"),
            ("foo:bar", "foo:bub/bib"),
            ("foo:bar@0.1.0", "foo:bar/baz"),
            ("foo:bar/baz", "foo-bar"),
        ] {
            assert!(!matches(dependency, import), "{dependency} {import}");
        }
    }

    #[test]
    fn what_is_not_a_component_is_named() {
        let refused = |bytes: &[u8]| compose("till", bytes.to_vec(), vec![]).unwrap_err().to_string();
        assert!(refused(b"\0asm\x01\0\0\0").contains("\"till\" is a core module"));
        assert!(refused(b"hello").contains("\"till\" is not a Wasm component"));
    }

    const ENGINE: &str = "shop:rules/engine@1.0.0";

    fn component(text: &str) -> Vec<u8> {
        wat::parse_str(format!("(component {text})")).expect("a component in text")
    }

    /// Exports the engine: one function, which answers with its argument.
    fn engine() -> Vec<u8> {
        component(
            r#"(core module $m (func (export "rate") (param i32) (result i32) local.get 0))
               (core instance $i (instantiate $m))
               (func $rate (param "of" u32) (result u32) (canon lift (core func $i "rate")))
               (instance $e (export "rate" (func $rate)))
               (export "shop:rules/engine@1.0.0" (instance $e))"#,
        )
    }

    /// Imports the engine and hands it on; `more` is what else it imports.
    fn wrapper(more: &str) -> Vec<u8> {
        component(&format!(
            r#"(import "shop:rules/engine@1.0.0" (instance $e (export "rate" (func (param "of" u32) (result u32)))))
               {more}
               (alias export $e "rate" (func $rate))
               (instance $mine (export "rate" (func $rate)))
               (export "shop:rules/engine@1.0.0" (instance $mine))"#
        ))
    }

    #[test]
    fn a_wrapper_and_what_it_wraps_become_one_component_without_imports() {
        let once = wrap(ENGINE, wrapper(""), engine()).unwrap();
        let twice = wrap(ENGINE, wrapper(""), once).unwrap();
        // and so it can be a dependency
        compose("till", component(&format!("(import \"{ENGINE}\" (instance))")), vec![dependency(twice)]).unwrap();
    }

    fn dependency(bytes: Vec<u8>) -> Dependency {
        Dependency { import: ENGINE.to_owned(), id: "rules".to_owned(), bytes }
    }

    #[test]
    fn a_wrapper_that_asks_for_more_than_the_engine_is_refused() {
        let clock = r#"(import "wasi:clocks/wall-clock@0.2.0" (instance))"#;
        let refused = |wrapper, engine| format!("{:#}", wrap(ENGINE, wrapper, engine).unwrap_err());
        assert!(refused(wrapper(clock), engine()).contains("wasi:clocks/wall-clock@0.2.0"));
        assert!(refused(wrapper(""), wrapper("")).contains("imports \"shop:rules/engine@1.0.0\""), "the engine is no engine");
        assert!(refused(engine(), engine()).contains("doesn't match any import of the component \"the wrapper\""));
        assert!(refused(wrapper(""), component("")).contains("doesn't export \"shop:rules/engine@1.0.0\""));
    }

    #[test]
    fn a_dependency_that_imports_anything_is_refused_by_the_name_of_the_import() {
        let rules = component(r#"(import "spin:sqlite/sqlite@3.0.0" (instance))"#);
        let till = component(&format!("(import \"{ENGINE}\" (instance))"));
        let error = compose("till", till, vec![dependency(rules)]).unwrap_err().to_string();
        assert!(error.contains("\"rules\" imports \"spin:sqlite/sqlite@3.0.0\""), "{error}");
    }
}
