//! Rules about single files: module docs, length, where `unsafe` may stand, shared lints, and no
//! paths of one machine.

use super::code::{blank_out, has_word};

/// Lines a Rust file may have before its tests.
const LONGEST: usize = 500;

/// Where `unsafe` may stand: these files, and the folders of the same name.
const UNSAFE: [&str; 5] = [
    "crates/demo-engine/src/cuda",
    "crates/demo-engine/src/product",
    "crates/demo-engine/src/kernels/simd",
    "crates/demo-engine/tests/allocations",
    "crates/demo-motifmatch/src/simd",
];

/// First folders of paths that exist on somebody's machine only.
const MACHINE_FOLDERS: [&str; 4] = ["Users", "home", "root", "work"];

/// Complains of whatever is wrong with one file, given by its path from the root.
pub(crate) fn check(path: &str, text: &str) -> Vec<String> {
    let mut complaints = machine_paths(path, text);
    let folder = path.split('/').next().unwrap_or_default();
    let own_crate = ["benches", "crates", "xtask"].contains(&folder);
    if own_crate && has_extension(path, "rs") {
        complaints.extend(module_docs(path, text));
        complaints.extend(length(path, text));
        complaints.extend(unsafe_code(path, text));
    }
    if own_crate && path.ends_with("/Cargo.toml") {
        complaints.extend(shared_lints(path, text));
    }
    complaints
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
}

/// A Rust file opens by saying what it is.
fn module_docs(path: &str, text: &str) -> Option<String> {
    let opens = text.trim_start().starts_with("//!");
    (!opens).then(|| format!("{path}:1: found no module docs, wanted a `//!` line first"))
}

/// A Rust file is short enough to be read, its tests apart.
fn length(path: &str, text: &str) -> Option<String> {
    let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
    let lines = lines_before_tests(text);
    (!is_test && lines > LONGEST).then(|| {
        format!("{path}: found {lines} lines before the tests, wanted at most {LONGEST}: one concept a file")
    })
}

/// Lines up to the `#[cfg(test)]` that opens a module.
fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let opens_tests = |&at: &usize| {
        let mut after = lines[at + 1..].iter().filter(|line| !line.starts_with("#["));
        lines[at] == "#[cfg(test)]"
            && after.next().is_some_and(|line| has_word(line, "mod") && line.ends_with('{'))
    };
    (0..lines.len()).find(opens_tests).unwrap_or(lines.len())
}

/// `unsafe` stands only where kernels need it.
fn unsafe_code(path: &str, text: &str) -> Vec<String> {
    let allowed = UNSAFE.iter().any(|module| {
        let rest = path.strip_prefix(module);
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    });
    if allowed {
        return Vec::new();
    }
    blank_out(text)
        .lines()
        .enumerate()
        .filter(|(_, line)| has_word(line, "unsafe"))
        .map(|(index, _)| {
            let modules = UNSAFE.join(", ");
            format!("{path}:{}: found `unsafe`, wanted it in {modules} only", index + 1)
        })
        .collect()
}

/// Every crate takes the workspace's lints.
fn shared_lints(path: &str, text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != "[lints]");
    let shared = lines.nth(1) == Some("workspace = true");
    (!shared).then(|| format!("{path}: found no shared lints, wanted `[lints]` with `workspace = true`"))
}

/// Nothing names a folder of the machine it was written on.
fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(folder) = MACHINE_FOLDERS.iter().find(|folder| names_root_folder(line, folder)) {
            complaints.push(format!(
                "{path}:{}: found a path below {folder:?} at the root of a machine, wanted a relative one",
                index + 1
            ));
        }
    }
    complaints
}

/// Whether a line holds `/folder/` or `C:\folder\` as the beginning of a path.
fn names_root_folder(line: &str, folder: &str) -> bool {
    let unix = format!("/{folder}/");
    let windows = format!(":\\{folder}\\");
    let begins = |at: usize| {
        let before = line[..at].chars().next_back();
        // What goes on before the slash is a longer path, a web address or a word.
        before.is_none_or(|c| !(c.is_alphanumeric() || "._-/}~*)>]".contains(c)))
    };
    line.contains(&windows) || line.match_indices(&unix).any(|(at, _)| begins(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_complains(path: &str, text: &str, wanted: &[&str]) {
        let found = check(path, text);
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(found.contains(wanted), "{found:?} does not say {wanted:?}");
        }
    }

    #[test]
    fn modules_open_with_docs() {
        assert_complains("xtask/src/a.rs", "//! What.\n", &[]);
        assert_complains("xtask/src/a.rs", "\n//! What.\n", &[]);
        assert_complains("xtask/src/a.rs", "// What.\n", &["a.rs:1: found no module docs"]);
        assert_complains("xtask/src/a.rs", "use std::fs;\n//! What.\n", &["no module docs"]);
        assert_complains("docs/a.rs", "fn main() {}\n", &[]);
    }

    #[test]
    fn files_are_short_without_their_tests() {
        let code = format!("//! What.\n{}", "fn f() {}\n".repeat(499));
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(300));
        assert_complains("crates/a/src/a.rs", &code, &[]);
        assert_complains("crates/a/src/a.rs", &format!("{code}{tests}"), &[]);
        let long = format!("{code}fn g() {{}}\n");
        assert_complains("crates/a/src/a.rs", &long, &["found 501 lines"]);
        assert_complains("crates/a/src/a.rs", &format!("{long}{tests}"), &["found 501 lines"]);
        assert_complains("crates/a/tests/a.rs", &long, &[]);
        // A test-only import or a module in another file does not end the count.
        let early = format!("//! What.\n#[cfg(test)]\nuse a::b;\n#[cfg(test)]\nmod tests;\n{long}");
        assert_complains("crates/a/src/a.rs", &early, &["found 506 lines"]);
        let expected = "#[cfg(test)]\n#[expect(lint)]\npub(crate) mod tests {\n}\n";
        assert_eq!(lines_before_tests(&format!("{code}{expected}")), 500);
    }

    #[test]
    fn unsafe_has_its_places() {
        let text = "//! What.\nfn f() { unsafe { g() } }\n";
        assert_complains("crates/demo-engine/src/kernels/simd.rs", text, &[]);
        assert_complains("crates/demo-engine/src/kernels/simd/lstm.rs", text, &[]);
        assert_complains("crates/demo-motifmatch/src/simd.rs", text, &[]);
        assert_complains("crates/demo-engine/src/kernels/simdly.rs", text, &["simdly.rs:2: found `unsafe`"]);
        assert_complains("crates/demo-data/src/simd.rs", text, &["found `unsafe`"]);
        assert_complains("xtask/src/a.rs", "//! Not unsafe.\nconst A: &str = \"unsafe\";\n", &[]);
    }

    #[test]
    fn crates_share_lints() {
        assert_complains("xtask/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n", &[]);
        assert_complains("xtask/Cargo.toml", "[package]\n", &["found no shared lints"]);
        assert_complains("Cargo.toml", "[workspace]\n", &[]);
    }

    #[test]
    fn paths_of_a_machine_are_refused() {
        let [users, home, root, work] = MACHINE_FOLDERS;
        for line in [
            format!("see /{home}/ann/data"),
            format!("\"/{root}/data\""),
            format!("(/{work}/x)"),
            format!("C:\\{users}\\ann"),
            format!("/{users}/ann"),
        ] {
            assert_complains("docs/a.md", &format!("\n{line}\n"), &["docs/a.md:2: found a path"]);
        }
        for line in [
            format!("https://example.org/{home}/page"),
            format!("docs/{work}/a.md"),
            format!("$DIR/../{root}/x ./{work}/y"),
            "/usr/bin/env".to_owned(),
        ] {
            assert_complains("docs/a.md", &line, &[]);
        }
    }
}
