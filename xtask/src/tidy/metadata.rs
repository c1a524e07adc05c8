//! The part of `cargo metadata`'s answer that the rules ask about.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

/// A workspace and everything it depends on.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

/// One package, as its manifest says.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    id: String,
    /// Its name.
    pub(crate) name: String,
    /// The native library it claims, if any.
    pub(crate) links: Option<String>,
    /// What it names as dependencies, of every kind and feature.
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency as a manifest names it.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The package's name.
    pub(crate) name: String,
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Debug, Deserialize)]
struct NodeDependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    kind: Option<String>,
}

impl Dependency {
    /// Whether it is for tests, examples and benchmarks only.
    pub(crate) fn is_for_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

impl Metadata {
    /// Reads the answer of `cargo metadata --format-version 1`.
    pub(crate) fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).context("cannot read the answer of `cargo metadata`")
    }

    /// The workspace's own packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        let is_member = |package: &&Package| self.workspace_members.contains(&package.id);
        self.packages.iter().filter(is_member)
    }

    /// What a plain build of the workspace compiles, by way of normal and build dependencies, each
    /// with the package that first led to it.
    pub(crate) fn built(&self) -> Vec<(&Package, Option<&Package>)> {
        let by_id: BTreeMap<&str, &Package> =
            self.packages.iter().map(|package| (package.id.as_str(), package)).collect();
        let nodes: BTreeMap<&str, &Node> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let members = self.workspace_members.iter();
        let mut waiting: Vec<(&str, Option<&str>)> = members.map(|id| (id.as_str(), None)).collect();
        let mut seen = BTreeSet::new();
        let mut built = Vec::new();
        while let Some((id, parent)) = waiting.pop() {
            if !seen.insert(id) {
                continue;
            }
            if let Some(package) = by_id.get(id) {
                let parent = parent.and_then(|parent| by_id.get(parent).copied());
                built.push((*package, parent));
            }
            let dependencies = nodes.get(id).map_or(&[][..], |node| &node.deps);
            for dependency in dependencies {
                if dependency.dep_kinds.iter().any(Kind::is_built) {
                    waiting.push((&dependency.pkg, Some(id)));
                }
            }
        }
        built
    }
}

impl Kind {
    fn is_built(&self) -> bool {
        self.kind.as_deref() != Some("dev")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A workspace on paper: `("a", &["b", "dev:c"])` is a member `a` that depends on `b`, and on
    /// `c` for its tests. Names that are no member are packages from elsewhere; `links:x` makes
    /// the package claim the library `x`.
    pub(crate) fn workspace(members: &[&str], packages: &[(&str, &[&str])]) -> Metadata {
        let mut listed = Vec::new();
        let mut nodes = Vec::new();
        for (name, dependencies) in packages {
            let links = dependencies.iter().find_map(|word| word.strip_prefix("links:"));
            let named: Vec<(&str, &str)> = dependencies
                .iter()
                .filter(|word| !word.starts_with("links:"))
                .map(|word| word.split_once(':').unwrap_or(("normal", word)))
                .collect();
            let kind = |kind: &str| match kind {
                "normal" => "null".to_owned(),
                other => format!("{other:?}"),
            };
            let of_manifest: Vec<String> =
                named.iter().map(|(k, d)| format!(r#"{{"name": {d:?}, "kind": {}}}"#, kind(k))).collect();
            let resolved: Vec<String> = named
                .iter()
                .map(|(k, d)| format!(r#"{{"pkg": {d:?}, "dep_kinds": [{{"kind": {}}}]}}"#, kind(k)))
                .collect();
            let links = links.map_or("null".to_owned(), |links| format!("{links:?}"));
            listed.push(format!(
                r#"{{"id": {name:?}, "name": {name:?}, "links": {links}, "dependencies": [{}]}}"#,
                of_manifest.join(", ")
            ));
            nodes.push(format!(r#"{{"id": {name:?}, "deps": [{}]}}"#, resolved.join(", ")));
        }
        let json = format!(
            r#"{{"packages": [{}], "workspace_members": {members:?}, "resolve": {{"nodes": [{}]}}}}"#,
            listed.join(", "),
            nodes.join(", ")
        );
        Metadata::parse(&json).unwrap()
    }

    #[test]
    fn what_is_built_leaves_out_what_tests_need() {
        let metadata =
            workspace(&["a"], &[("a", &["b", "dev:c"]), ("b", &["build:d"]), ("c", &[]), ("d", &["a"])]);
        let mut built: Vec<_> = metadata.built().iter().map(|(p, _)| p.name.clone()).collect();
        built.sort();
        assert_eq!(built, ["a", "b", "d"]);
        assert_eq!(metadata.members().count(), 1);
    }

    #[test]
    fn another_answer_is_an_error() {
        assert!(Metadata::parse("{}").is_err());
    }
}
