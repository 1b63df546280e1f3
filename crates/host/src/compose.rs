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
}
