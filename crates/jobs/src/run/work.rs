//! What a run does: the graph of its job, or its script.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::arguments::ArgumentMap;
use crate::definition::Job;
use crate::graph::Graph;
use crate::script::EXTRA_PYTHON;
use crate::{JobsError, generate};

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
    /// The same of a graph that runs by its generated script, with the modules that this imports.
    Generated {
        /// The nodes.
        nodes: Map<String, Value>,
        /// Addresses of Python files.
        modules: Vec<String>,
    },
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
            return match job.spec.graph()? {
                Some(graph) if graph.is_python() => Self::generated(job, &graph, nodes, arguments),
                _ => Ok(Self::Graph(nodes)),
            };
        }
        let refused = |what: String| Err(refusal(job, &what));
        let command = job.spec.command.clone().unwrap_or_default();
        let kind = match command.name.as_deref() {
            Some("glueetl") => RunKind::Etl,
            Some("pythonshell") => RunKind::PythonShell,
            other => {
                let name = other.unwrap_or_default();
                return refused(format!("{name} jobs are not executed; glueetl and pythonshell jobs are"));
            }
        };
        check_python(job, kind, arguments)?;
        let location = command.script_location.unwrap_or_default();
        if !crate::script::is_location(&location) {
            return refused(format!("Command.ScriptLocation {location:?} is no s3://bucket/key"));
        }
        Ok(Self::Script { kind, location })
    }

    /// A run of a graph by its script. What only the engine can do for it is refused.
    fn generated(
        job: &Job,
        graph: &Graph,
        nodes: Map<String, Value>,
        arguments: &ArgumentMap,
    ) -> Result<Self, JobsError> {
        for (name, nothing) in [("--max-bad-records", "0"), ("--bookmark-full-sources", "")] {
            if arguments.get(name).is_some_and(|value| value.trim() != nothing) {
                return Err(refusal(
                    job,
                    &format!(
                        "{name} acts on runs of the engine, and this job runs as a script: it has nodes of Python"
                    ),
                ));
            }
        }
        check_python(job, RunKind::Etl, arguments)?;
        generate::pyspark(graph)?;
        Ok(Self::Generated { nodes, modules: graph.modules().into_iter().map(str::to_owned).collect() })
    }

    /// The arguments of the run, with what its script needs besides.
    pub(super) fn arguments(&self, mut given: ArgumentMap) -> ArgumentMap {
        if let Self::Generated { modules, .. } = self
            && !modules.is_empty()
        {
            let of_job = given.get(EXTRA_PYTHON).cloned().unwrap_or_default();
            let others = of_job.split(',').map(str::trim).filter(|file| !modules.iter().any(|it| it == file));
            let others = others.filter(|file| !file.is_empty());
            let all: Vec<&str> = modules.iter().map(String::as_str).chain(others).collect();
            given.insert(EXTRA_PYTHON.to_owned(), all.join(","));
        }
        given
    }

    pub(super) fn kind(&self) -> RunKind {
        match self {
            Self::Graph(_) => RunKind::Graph,
            Self::Generated { .. } => RunKind::Etl,
            Self::Script { kind, .. } => *kind,
        }
    }
}

fn refusal(job: &Job, what: &str) -> JobsError {
    JobsError::invalid(format!("Job {}: {what}", job.name))
}

/// Refuses what no script of a job can be run with.
fn check_python(job: &Job, kind: RunKind, arguments: &ArgumentMap) -> Result<(), JobsError> {
    if let Some(language) = arguments.get("--job-language").filter(|it| !it.eq_ignore_ascii_case("python")) {
        return Err(refusal(job, &format!("scripts in {language} are not executed; those in python are")));
    }
    crate::script::atomic::wanted(arguments)?;
    let version = job.spec.command.as_ref().and_then(|command| command.other.get("PythonVersion"));
    if version.and_then(Value::as_str).is_some_and(|it| it.starts_with('2')) {
        return Err(refusal(job, "Command.PythonVersion 2 is not supported; scripts are run by Python 3"));
    }
    if let Some(version) = job.spec.glue_version.as_deref()
        && kind == RunKind::Etl
        && matches!(version, "0.9" | "1.0")
    {
        return Err(refusal(
            job,
            &format!("scripts of Glue version {version} are not executed; those from 2.0 on are"),
        ));
    }
    Ok(())
}
