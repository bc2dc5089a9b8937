//! The commands about scripts and their Python.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;

use super::{ConfigArgs, ServerArgs};
use crate::client::Target;
use crate::config;
use crate::host::Host;
use crate::logging;
use crate::verbs::{self, Outcome};

#[derive(Debug, Subcommand)]
pub(crate) enum ScriptAction {
    /// Runs a script on this machine, as a client of a running server, or, with --ephemeral, of one that is started for it with
    /// no data and is gone afterwards. Exit code: 0 succeeded, 1 failed. For runs with bookmarks, retries and logs make it a job.
    Run {
        #[command(flatten)]
        server: ServerArgs,
        #[command(flatten)]
        settings: ConfigArgs,
        /// The script, and after it its arguments, such as --JOB_NAME x.
        #[arg(
            value_name = "SCRIPT.py [ARGUMENT]...",
            required = true,
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        script: Vec<String>,
    },
    /// Lists the calls of a script that need Apache Spark or are not supported. Exit code 1 when there is one.
    Check {
        #[command(flatten)]
        settings: ConfigArgs,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        /// The script.
        #[arg(value_name = "SCRIPT.py")]
        script: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PythonAction {
    /// Makes the Python environment that scripts run in, once; afterwards no network is needed.
    Setup {
        /// Folder of wheels to take everything from, instead of the package index that pip is set to.
        #[arg(long, value_name = "WHEELS_DIR")]
        from: Option<PathBuf>,
        #[command(flatten)]
        settings: ConfigArgs,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
}

impl ScriptAction {
    pub(super) async fn execute(self, environment: BTreeMap<String, String>) -> Result<Outcome> {
        logging::client();
        match self {
            Self::Run { server, settings, script } => {
                let own = settings.ephemeral.then(|| settings.set.clone());
                let config = config::resolve(&settings.layers(environment.clone()))?;
                let Some(settings) = own else {
                    let target = server.target(&environment);
                    return verbs::script::run(&config.scripts, &target, &environment, &script).await;
                };
                ensure!(server.endpoint.is_none(), "give either --endpoint or --ephemeral");
                let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
                let host = Host::start(folder.path(), &settings).await?;
                let target = Target { endpoint: host.endpoint().to_owned(), ..server.target(&environment) };
                let outcome = verbs::script::run(&config.scripts, &target, &environment, &script).await;
                host.stop().await?;
                outcome
            }
            Self::Check { settings, json, script } => {
                let config = config::resolve(&settings.layers(environment.clone()))?;
                verbs::script::check(&config.scripts, &script, json).await
            }
        }
    }
}

impl PythonAction {
    pub(super) async fn execute(self, environment: BTreeMap<String, String>) -> Result<Outcome> {
        logging::client();
        let Self::Setup { from, settings, json } = self;
        let config = config::resolve(&settings.layers(environment.clone()))?;
        verbs::python::setup(&config.scripts, from, environment, json).await
    }
}
