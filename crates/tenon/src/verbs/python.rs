//! `tenon python setup`: the Python environment that scripts run in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use scripts::{Environment, Setup};
use serde_json::json;

use super::{Outcome, print, remark};
use crate::config::ScriptsConfig;

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
    if environment.python().is_err() {
        remark(&format!("making {folder}; this takes a minute"));
    }
    let setup = Setup { python: config.python.clone(), wheels, variables };
    let made = environment.setup(&setup).await?;
    if json {
        let document = json!({ "folder": folder, "versions": made.versions, "made": !made.was_ready });
        print(&format!("{document:#}\n"))?;
    } else {
        let how = if made.was_ready { "was ready" } else { "is ready" };
        print(&format!("{folder} {how}: {}\n", made.versions))?;
    }
    Ok(Outcome::Succeeded)
}
