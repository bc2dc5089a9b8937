//! `tenon script`: runs and checks Glue scripts on this machine, with the Python environment of scripts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result};
use scripts::{Environment, package};
use tempfile::TempDir;
use tokio::process::Command;

use super::{Outcome, env};
use crate::client::Target;
use crate::config::ScriptsConfig;

/// Runs a script with the terminal's input and output; the first of `script` is its file, the rest its arguments.
pub(crate) async fn run(
    config: &ScriptsConfig,
    target: &Target,
    environment: &BTreeMap<String, String>,
    script: &[String],
) -> Result<Outcome> {
    let (packages, mut command) = python(config, environment.get("PYTHONPATH").map(String::as_str))?;
    command.args(script).env("PYTHONUNBUFFERED", "1").envs(env::missing(target, environment));
    outcome(packages, command).await
}

/// Says which calls of a script need Spark or are not supported.
pub(crate) async fn check(config: &ScriptsConfig, script: &Path, json: bool) -> Result<Outcome> {
    let (packages, mut command) = python(config, None)?;
    command.args(["-m", "awsglue._check"]).arg(script);
    if json {
        command.arg("--json");
    }
    outcome(packages, command).await
}

/// The interpreter of scripts, with the packages of this program.
fn python(config: &ScriptsConfig, search: Option<&str>) -> Result<(TempDir, Command)> {
    let python = Environment::new(config.environment.clone()).python()?;
    let packages = tempfile::Builder::new().prefix("tenon-packages-").tempdir();
    let packages = packages.context("cannot make a temporary folder")?;
    package::unpack(packages.path()).context("cannot unpack the awsglue package")?;
    let mut paths = OsString::from(packages.path());
    if let Some(search) = search.filter(|search| !search.is_empty()) {
        paths.push(":");
        paths.push(search);
    }
    let mut command = Command::new(python);
    command.env("PYTHONPATH", paths).kill_on_drop(true);
    Ok((packages, command))
}

async fn outcome(packages: TempDir, mut command: Command) -> Result<Outcome> {
    let status = command.status().await.context("cannot start Python")?;
    drop(packages);
    Ok(if status.success() { Outcome::Succeeded } else { Outcome::Failed })
}
