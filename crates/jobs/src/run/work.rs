//! What a run does: the graph of its job, or its script.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::JobsError;
use crate::arguments::ArgumentMap;
use crate::definition::Job;

/// What executes a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// The engine, from the job's visual graph.
    #[default]
    Graph,
    /// Python, from a `glueetl` job's script.
    Etl,
    /// Python, from a `pythonshell` job's script.
    PythonShell,
}

impl RunKind {
    /// Where logs go; the groups are this name with `/output` and `/error`.
    pub(crate) fn log_group(self) -> &'static str {
        match self {
            Self::Graph | Self::Etl => "/aws-glue/jobs",
            Self::PythonShell => "/aws-glue/python-jobs",
        }
    }
}

/// What a run does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work {
    /// `CodeGenConfigurationNodes` that were checked.
    Graph(Map<String, Value>),
    /// A script in Python.
    Script {
        /// `Etl` or `PythonShell`.
        kind: RunKind,
        /// `s3://bucket/key`.
        location: String,
    },
}

impl Work {
    /// Decides what a run of the job with these effective arguments does.
    ///
    /// # Errors
    /// `InvalidInput` for a graph or a kind of script that this version cannot run.
    pub(super) fn of(job: &Job, arguments: &ArgumentMap) -> Result<Self, JobsError> {
        if let Some(nodes) = job.spec.code_gen_configuration_nodes.clone().filter(|nodes| !nodes.is_empty()) {
            job.spec.graph()?;
            return Ok(Self::Graph(nodes));
        }
        let refused = |what: String| Err(JobsError::invalid(format!("Job {}: {what}", job.name)));
        let command = job.spec.command.clone().unwrap_or_default();
        let kind = match command.name.as_deref() {
            Some("glueetl") => RunKind::Etl,
            Some("pythonshell") => RunKind::PythonShell,
            other => {
                let name = other.unwrap_or_default();
                return refused(format!("{name} jobs are not executed; glueetl and pythonshell jobs are"));
            }
        };
        if let Some(language) =
            arguments.get("--job-language").filter(|it| !it.eq_ignore_ascii_case("python"))
        {
            return refused(format!("scripts in {language} are not executed; those in python are"));
        }
        crate::script::atomic::wanted(arguments)?;
        if command.other.get("PythonVersion").and_then(Value::as_str).is_some_and(|it| it.starts_with('2')) {
            return refused(
                "Command.PythonVersion 2 is not supported; scripts are run by Python 3".to_owned(),
            );
        }
        if let Some(version) = job.spec.glue_version.as_deref()
            && kind == RunKind::Etl
            && matches!(version, "0.9" | "1.0")
        {
            return refused(format!(
                "scripts of Glue version {version} are not executed; those from 2.0 on are"
            ));
        }
        let location = command.script_location.unwrap_or_default();
        if !crate::script::is_location(&location) {
            return refused(format!("Command.ScriptLocation {location:?} is no s3://bucket/key"));
        }
        Ok(Self::Script { kind, location })
    }

    pub(super) fn kind(&self) -> RunKind {
        match self {
            Self::Graph(_) => RunKind::Graph,
            Self::Script { kind, .. } => *kind,
        }
    }
}
