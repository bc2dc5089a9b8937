//! Checks the arrows between our crates: which may depend on which, and that no domain crate knows HTTP.
//!
//! The table is the one of ARCHITECTURE.md. A crate that is missing from it fails the check, so that adding one is a
//! decision. Only normal dependencies count: tests may look sideways.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// What each crate may depend on, of ours.
const ALLOWED: &[(&str, &[&str])] = &[
    ("store", &[]),
    ("formats", &[]),
    ("wire", &[]),
    ("lake", &["store"]),
    ("schemas", &[]),
    ("quality", &[]),
    ("scripts", &[]),
    ("catalog", &["store", "schemas"]),
    ("observe", &["store"]),
    ("queues", &["store"]),
    ("sources", &["store"]),
    ("tables", &["store", "lake", "catalog", "formats"]),
    ("engine", &["store", "lake", "catalog", "formats", "tables"]),
    ("crawler", &["store", "lake", "catalog", "formats", "sources", "tables"]),
    ("jobs", &["store", "lake", "catalog", "formats", "sources", "tables", "engine", "quality", "scripts"]),
    ("query", &["store", "lake", "catalog", "formats", "engine"]),
    (
        "api",
        &[
            "wire", "store", "lake", "catalog", "observe", "sources", "formats", "engine", "crawler", "jobs",
            "query", "queues", "tables",
        ],
    ),
    (
        "tenon",
        &[
            "api", "wire", "store", "lake", "catalog", "observe", "sources", "formats", "engine", "crawler",
            "jobs", "query", "queues", "scripts", "tables",
        ],
    ),
    ("xtask", &[]),
];

/// Crates that may use HTTP themselves; `sources` as a client of services outside.
const HTTP_ALLOWED: &[&str] = &["wire", "api", "tenon", "sources"];

/// Dependencies that a crate names only to have their features switched on as elsewhere: its code may not use them.
const UNUSED: &[(&str, &[&str])] = &[("engine", &["hyper", "hyper-util"])];

/// Dependencies that mean HTTP.
const HTTP: &[&str] = &["http", "http-body", "http-body-util", "hyper", "hyper-util", "reqwest"];

/// Fails with one line per forbidden arrow.
pub(crate) fn run(root: &Path) -> Result<()> {
    let found = dependencies(root)?;
    let mut problems = problems(&found);
    for (name, unused) in UNUSED {
        for file in sources(&root.join("crates").join(name).join("src"))? {
            let text = fs::read_to_string(&file)?;
            let used =
                unused.iter().filter(|unused| text.contains(&format!("{}::", unused.replace('-', "_"))));
            problems.extend(used.map(|used| format!("{name} must not use {used}: {}", file.display())));
        }
    }
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    println!("arrows: {} crates, all arrows point down", found.len());
    Ok(())
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

type Dependencies = BTreeMap<String, BTreeSet<String>>;

fn dependencies(root: &Path) -> Result<Dependencies> {
    let output = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    parse(&serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")?)
}

fn parse(metadata: &Value) -> Result<Dependencies> {
    let Some(packages) = metadata["packages"].as_array() else { bail!("cargo metadata lists no packages") };
    let mut found = Dependencies::new();
    for package in packages {
        let name = package["name"].as_str().context("a package has no name")?;
        let entries = package["dependencies"].as_array().context("a package has no dependencies")?;
        let normal = entries.iter().filter(|entry| entry["kind"].is_null());
        let names = normal.filter_map(|entry| entry["name"].as_str()).map(str::to_owned).collect();
        found.insert(name.to_owned(), names);
    }
    Ok(found)
}

fn problems(found: &Dependencies) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut problems = Vec::new();
    for (name, dependencies) in found {
        let Some(may) = allowed.get(name.as_str()) else {
            problems.push(format!("{name} is not in the table of arrows (xtask/src/arrows.rs)"));
            continue;
        };
        for dependency in dependencies {
            if found.contains_key(dependency) && !may.contains(&dependency.as_str()) {
                problems.push(format!("{name} must not depend on {dependency}"));
            }
            let is_unused =
                UNUSED.iter().any(|(one, unused)| one == name && unused.contains(&dependency.as_str()));
            if HTTP.contains(&dependency.as_str()) && !HTTP_ALLOWED.contains(&name.as_str()) && !is_unused {
                problems.push(format!("{name} must not know HTTP: it depends on {dependency}"));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(edges: &[(&str, &[&str])]) -> Vec<String> {
        let found = edges
            .iter()
            .map(|(name, dependencies)| {
                ((*name).to_owned(), dependencies.iter().map(|one| (*one).to_owned()).collect())
            })
            .collect();
        problems(&found)
    }

    #[test]
    fn downward_arrows_pass() {
        assert!(check(&[("store", &["sqlx"]), ("lake", &["store"]), ("wire", &["http"])]).is_empty());
    }

    #[test]
    fn upward_sideways_http_and_unknown_fail() {
        assert_eq!(check(&[("store", &["lake"]), ("lake", &[])]), ["store must not depend on lake"]);
        assert_eq!(check(&[("catalog", &["lake"]), ("lake", &[])]), ["catalog must not depend on lake"]);
        assert_eq!(check(&[("jobs", &["hyper"])]), ["jobs must not know HTTP: it depends on hyper"]);
        assert_eq!(check(&[("lake", &["wire"]), ("wire", &[])]), ["lake must not depend on wire"]);
        assert_eq!(check(&[("new", &[])]).len(), 1);
    }

    #[test]
    fn the_table_has_no_cycle() {
        let mut done: BTreeSet<&str> = BTreeSet::new();
        while done.len() < ALLOWED.len() {
            let before = done.len();
            for (name, may) in ALLOWED {
                if may.iter().all(|one| done.contains(one)) {
                    done.insert(name);
                }
            }
            assert!(done.len() > before, "cycle among the crates outside {done:?}");
        }
    }
}
