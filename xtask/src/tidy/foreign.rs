//! Nothing but Rust is compiled, and no library of the system is looked for.
//!
//! A machine with Rust and a C linker has to build everything. Cargo knows two ways in which a
//! package reaches for something else, and both leave a trace that is checked here on the default
//! features, on every platform, along normal and build dependencies:
//!
//! - its build script compiles or finds foreign code, with one of a few helper packages: those may
//!   not be in the tree at all;
//! - it declares a native library with the `links` key, or is by custom a `-sys` package: it has to
//!   be on a list of exceptions, with the reason.
//!
//! The feature `cuda` asks for more by its nature and is not looked at.
//!
//! `cargo metadata` also lists optional packages that a feature of the form `package?/feature` names
//! although nothing asks for the package; `cargo tree` lists what is compiled. Only what both know is
//! complained of.

use std::collections::BTreeSet;

use super::metadata::Metadata;

/// Helpers of build scripts that compile C or C++, or look for libraries of the system.
const HELPERS: &[&str] = &[
    "autotools",
    "bindgen",
    "bindgen_cuda",
    "cc",
    "clang-sys",
    "cmake",
    "cpp_build",
    "cudaforge",
    "cxx-build",
    "metadeps",
    "nasm-rs",
    "pkg-config",
    "swig",
    "system-deps",
    "vcpkg",
];

/// Packages that declare or are named after a library although they need none.
const HARMLESS: &[(&str, &str)] = &[
    ("js-sys", "declarations of JavaScript, for WebAssembly only"),
    ("linux-raw-sys", "constants of the kernel, written in Rust"),
    ("rayon-core", "the key keeps two versions out of one program"),
    ("wasm-bindgen-shared", "the key keeps two versions out of one program"),
    ("web-sys", "declarations of the browser, for WebAssembly only"),
    ("windows-sys", "declarations of Windows, for Windows only"),
];

/// Complains of packages that need more than Rust and a linker.
///
/// `compiled` is what [`compiled`] reads from `cargo tree`.
pub(crate) fn check(metadata: &Metadata, compiled: &BTreeSet<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (package, parent) in metadata.built() {
        let name = package.name.as_str();
        if !compiled.contains(name) {
            continue;
        }
        let by = parent.map_or(String::new(), |parent| format!(", by way of {}", parent.name));
        if HELPERS.contains(&name) {
            complaints.push(format!(
                "Cargo.lock: found {name}{by}, which builds or finds foreign code; wanted Rust only"
            ));
        }
        if HARMLESS.iter().any(|(known, _)| *known == name) {
            continue;
        }
        if let Some(library) = &package.links {
            complaints.push(format!(
                "Cargo.lock: found {name}{by}, which links the library {library:?}; wanted none"
            ));
        } else if name.ends_with("-sys") || name.ends_with("_sys") {
            complaints
                .push(format!("Cargo.lock: found {name}{by}, by its name a system library; wanted none"));
        }
    }
    complaints.sort();
    complaints
}

/// The names in the answer of `cargo tree --prefix none --format {p}`, whose lines begin with them.
pub(crate) fn compiled(tree: &str) -> BTreeSet<String> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::metadata::tests::workspace;

    const TREE: &str = "a v0.1.0 (/a)\ntokens v1.0.0\nonig_sys v1.0.0\nfontconfig-sys v1.0.0\ncc v1.0.0 (*)\n\n\
                        rayon-core v1.0.0\nlinux-raw-sys v1.0.0\n";

    fn check(metadata: &Metadata) -> Vec<String> {
        super::check(metadata, &compiled(TREE))
    }

    #[test]
    fn what_is_listed_but_not_compiled_passes() {
        let metadata =
            workspace(&["a"], &[("a", &["ring"]), ("ring", &["links:ring", "build:cc"]), ("cc", &[])]);
        let found = check(&metadata);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("found cc"), "{found:?}");
        let tree = "a v0.1.0 (/a)";
        assert!(super::check(&metadata, &compiled(tree)).is_empty());
    }

    #[test]
    fn rust_alone_passes() {
        let metadata = workspace(
            &["a"],
            &[
                ("a", &["rayon-core", "dev:cmake"]),
                ("rayon-core", &["links:rayon-core", "linux-raw-sys"]),
                ("linux-raw-sys", &[]),
                ("cmake", &[]),
            ],
        );
        assert!(check(&metadata).is_empty());
    }

    #[test]
    fn what_compiles_or_links_is_named_with_its_parent() {
        let metadata = workspace(
            &["a"],
            &[
                ("a", &["tokens"]),
                ("tokens", &["onig_sys", "fontconfig-sys"]),
                ("onig_sys", &["links:onig", "build:cc"]),
                ("fontconfig-sys", &[]),
                ("cc", &[]),
            ],
        );
        let found = check(&metadata);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("cc, by way of onig_sys, which builds"), "{found:?}");
        assert!(found[1].contains("fontconfig-sys, by way of tokens, by its name"), "{found:?}");
        assert!(found[2].contains("links the library \"onig\""), "{found:?}");
    }

    #[test]
    fn the_lists_are_sorted() {
        assert!(HELPERS.is_sorted());
        assert!(HARMLESS.is_sorted());
    }
}
