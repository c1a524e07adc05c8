//! Crates depend downward only, and only two of them name candle.

use std::collections::{BTreeMap, BTreeSet};

use super::metadata::{Metadata, Package};

/// Every library, which is what the crates on top may depend on.
const LIBRARIES: &[&str] = &[
    "demo-core",
    "demo-data",
    "demo-engine",
    "demo-eval",
    "demo-interpret",
    "demo-models",
    "demo-motifmatch",
    "demo-report",
    "demo-suite",
];

/// Each crate with those of the workspace that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("demo-core", &[]),
    ("demo-engine", &[]),
    ("demo-data", &["demo-core"]),
    ("demo-motifmatch", &["demo-core"]),
    ("demo-eval", &["demo-core"]),
    ("demo-models", &["demo-engine", "demo-data", "demo-core"]),
    ("demo-interpret", &["demo-models", "demo-core"]),
    ("demo-report", &["demo-eval", "demo-motifmatch", "demo-core"]),
    ("demo-suite", LIBRARIES),
    ("demo-cli", LIBRARIES),
    ("xtask", LIBRARIES),
    ("demo-benches", LIBRARIES),
];

/// The crates that may name candle.
const CANDLE: [&str; 2] = ["demo-engine", "demo-models"];

/// Complains of arrows that point up or across, and of candle where it does not belong.
pub(crate) fn check(metadata: &Metadata) -> Vec<String> {
    let members: BTreeMap<&str, &Package> =
        metadata.members().map(|package| (package.name.as_str(), package)).collect();
    let mut complaints = Vec::new();
    for (name, package) in &members {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == name) else {
            complaints.push(format!(
                "{name}: found a crate that the table of arrows does not know, wanted a line for it in xtask/src/tidy/arrows.rs"
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let target = dependency.name.as_str();
            if target.starts_with("candle") && !CANDLE.contains(name) {
                complaints.push(format!(
                    "{name}: found a dependency on {target}, wanted candle in {} only",
                    CANDLE.join(" and ")
                ));
            }
            if !members.contains_key(target) {
                continue;
            }
            if dependency.is_for_tests() {
                if depends_on(&members, target, name) {
                    complaints.push(format!(
                        "{name}: found a dev-dependency on {target}, which depends on {name}; wanted no circle"
                    ));
                }
            } else if !allowed.contains(&target) {
                let allowed = match allowed {
                    [] => "none of the workspace".to_owned(),
                    some => some.join(", "),
                };
                complaints.push(format!("{name}: found a dependency on {target}, wanted {allowed}"));
            }
        }
    }
    complaints
}

/// Whether `from` reaches `to` by arrows that are not for tests.
fn depends_on(members: &BTreeMap<&str, &Package>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(name) = waiting.pop() {
        if name == to {
            return true;
        }
        let Some(package) = members.get(name) else {
            continue;
        };
        if seen.insert(name) {
            let arrows = package.dependencies.iter();
            waiting.extend(arrows.filter(|d| !d.is_for_tests()).map(|d| d.name.as_str()));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::metadata::tests::workspace;

    #[track_caller]
    fn assert_complains(packages: &[(&str, &[&str])], wanted: &[&str]) {
        let members: Vec<&str> =
            packages.iter().map(|(name, _)| *name).filter(|name| !name.starts_with("candle")).collect();
        let found = check(&workspace(&members, packages));
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(found.contains(wanted), "{found:?} does not say {wanted:?}");
        }
    }

    #[test]
    fn downward_arrows_pass() {
        assert_complains(
            &[
                ("demo-core", &[]),
                ("demo-data", &["demo-core"]),
                ("demo-engine", &["candle-core"]),
                ("demo-models", &["demo-engine", "demo-data", "candle-core"]),
                ("candle-core", &[]),
            ],
            &[],
        );
    }

    #[test]
    fn upward_and_sideward_arrows_fail() {
        assert_complains(
            &[("demo-core", &["demo-data"]), ("demo-data", &["demo-eval"]), ("demo-eval", &[])],
            &[
                "demo-core: found a dependency on demo-data, wanted none",
                "demo-data: found a dependency on demo-eval, wanted demo-core",
            ],
        );
    }

    #[test]
    fn candle_stays_below() {
        assert_complains(
            &[("demo-interpret", &["candle-nn"]), ("demo-eval", &["dev:candle-core"]), ("candle-nn", &[])],
            &[
                "demo-eval: found a dependency on candle-core",
                "demo-interpret: found a dependency on candle-nn",
            ],
        );
    }

    #[test]
    fn tests_may_reach_across_but_not_in_a_circle() {
        assert_complains(
            &[
                ("demo-core", &[]),
                ("demo-data", &["demo-core"]),
                ("demo-motifmatch", &["demo-core", "dev:demo-data"]),
            ],
            &[],
        );
        assert_complains(
            &[("demo-core", &["dev:demo-data"]), ("demo-data", &["demo-core"])],
            &["demo-core: found a dev-dependency on demo-data, which depends on demo-core"],
        );
    }

    #[test]
    fn a_new_crate_needs_a_line() {
        assert_complains(&[("demo-new", &[])], &["demo-new: found a crate"]);
    }

    #[test]
    fn the_table_itself_has_no_circle() {
        // Each crate stands after all it may depend on, those on top apart.
        for (index, (name, allowed)) in ALLOWED.iter().enumerate() {
            for target in allowed.iter().filter(|target| *target != name) {
                let at = ALLOWED.iter().position(|(known, _)| known == target).unwrap();
                assert!(at < index, "{name} may depend on {target}, which stands below it");
            }
        }
    }
}
