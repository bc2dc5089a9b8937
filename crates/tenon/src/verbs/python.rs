//! `tenon python setup`: the Python environment that scripts run in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use scripts::{Environment, Installer, Setup};
use serde_json::json;

use super::{Outcome, print, remark};
use crate::config::{InstallerChoice, ScriptsConfig};

/// Makes the environment, or says that it is ready. pip sees the caller's own variables and settings.
pub(crate) async fn setup(
    config: &ScriptsConfig,
    wheels: Option<PathBuf>,
    variables: BTreeMap<String, String>,
    json: bool,
) -> Result<Outcome> {
    let environment = Environment::new(config.environment.clone());
    let wheels = match wheels {
        None => None,
        Some(folder) => {
            Some(folder.canonicalize().with_context(|| format!("no folder of wheels {}", folder.display()))?)
        }
    };
    let folder = environment.folder().display().to_string();
    let installer = installer(&config.installer, &variables)?;
    let how = installer.name();
    if environment.python().is_err() {
        remark(&format!("making {folder} with {how}; this takes a minute"));
    }
    let setup = Setup { python: config.python.clone(), installer, wheels, variables };
    let made = environment.setup(&setup).await?;
    if let Some(cause) = &made.was_broken {
        let cause = cause.lines().last().unwrap_or_default();
        remark(&format!("{folder} no longer worked ({cause}) and was made anew with {how}"));
    }
    if json {
        let document = json!({ "folder": folder, "versions": made.versions, "made": !made.was_ready });
        print(&format!("{document:#}\n"))?;
    } else {
        let how = if made.was_ready { "was ready" } else { "is ready" };
        print(&format!("{folder} {how}: {}\n", made.versions))?;
    }
    Ok(Outcome::Succeeded)
}

/// What the configuration chooses. Errors: uv is wanted and not there.
fn installer(choice: &InstallerChoice, variables: &BTreeMap<String, String>) -> Result<Installer> {
    match choice {
        InstallerChoice::Auto => Ok(Installer::choose(variables)),
        InstallerChoice::Pip => Ok(Installer::Pip),
        InstallerChoice::UvAt(program) => Ok(Installer::Uv(program.clone())),
        InstallerChoice::Uv => match Installer::uv(variables) {
            Some(uv) => Ok(uv),
            None => bail!(
                "scripts.installer is uv, and no uv is in PATH: install it, name its path, or choose pip"
            ),
        },
    }
}
