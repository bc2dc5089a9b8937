//! `tenon script`: runs and checks Glue scripts on this machine, with the Python environment of scripts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use scripts::{Environment, package};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

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
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut child = command.spawn().context("cannot start Python")?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.context("cannot wait for Python")?,
            // What is typed at a terminal reaches the script without us.
            _ = interrupt.recv() => if !std::io::stdin().is_terminal() { tell(&child, "-INT").await },
            _ = terminate.recv() => tell(&child, "-TERM").await,
        }
    };
    drop(packages);
    if let Some(signal) = status.signal() {
        bail!("the script was ended by signal {signal}");
    }
    Ok(if status.success() { Outcome::Succeeded } else { Outcome::Failed })
}

/// Hands a signal on. A script that has ended meanwhile needs none.
async fn tell(child: &Child, signal: &str) {
    if let Some(pid) = child.id() {
        let _ = Command::new("kill").args([signal, &pid.to_string()]).status().await;
    }
}
