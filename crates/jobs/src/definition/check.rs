//! Checks a definition and fills in the defaults that AWS documents.
//!
//! Source: AWS Glue Web API reference, CreateJob.

use super::{ExecutionProperty, JobSpec, workers};
use crate::{JobsError, generate};

/// Glue's longest timeout: seven days.
pub(crate) const MAX_TIMEOUT_MINUTES: i64 = 10_080;
const TIMEOUT_MINUTES_BEFORE_5: i64 = 2_880;
const TIMEOUT_MINUTES_FROM_5: i64 = 480;
const MAX_RETRIES: i64 = 10;
const DEFAULT_GLUE_VERSION: &str = "5.1";
const COMMANDS: [&str; 4] = ["glueetl", "gluestreaming", "pythonshell", "glueray"];
const GLUE_VERSIONS: [&str; 8] = ["0.9", "1.0", "2.0", "3.0", "4.0", "5.0", "5.1", "6.0"];

/// Checks `spec` and completes it; the graph is parsed and checked too.
pub(crate) fn complete(mut spec: JobSpec) -> Result<JobSpec, JobsError> {
    check_command(&spec)?;
    check_numbers(&spec)?;
    let graph = spec.graph()?;
    if let Some(graph) = graph.as_ref().filter(|graph| graph.is_python()) {
        // Such a graph runs by its script or not at all.
        generate::pyspark(graph)?;
    }
    if graph.is_none() && spec.job_mode.as_deref() == Some("VISUAL") {
        // A visual job that Glue Studio has only begun: stored like a script job, never run.
        tracing::debug!("a visual job without nodes is stored");
    }
    spec.job_mode.get_or_insert_with(|| "SCRIPT".to_owned());
    let version = spec.glue_version.get_or_insert_with(|| DEFAULT_GLUE_VERSION.to_owned()).clone();
    if !GLUE_VERSIONS.contains(&version.as_str()) {
        return Err(JobsError::invalid(format!("Glue version {version} is not supported")));
    }
    let before_5 = matches!(version.as_bytes().first(), Some(b'0'..=b'4'));
    let timeout = if before_5 { TIMEOUT_MINUTES_BEFORE_5 } else { TIMEOUT_MINUTES_FROM_5 };
    spec.timeout.get_or_insert(timeout);
    spec.max_retries.get_or_insert(0);
    spec.execution_class.get_or_insert_with(|| "STANDARD".to_owned());
    spec.execution_property
        .get_or_insert_with(ExecutionProperty::default)
        .max_concurrent_runs
        .get_or_insert(1);
    complete_capacity(&mut spec)?;
    Ok(spec)
}

fn check_command(spec: &JobSpec) -> Result<(), JobsError> {
    let name = spec.command.as_ref().and_then(|c| c.name.as_deref());
    let Some(name) = name else {
        return Err(JobsError::invalid(
            "Command.Name is required: glueetl, gluestreaming, pythonshell or glueray",
        ));
    };
    if !COMMANDS.contains(&name) {
        return Err(JobsError::invalid(format!(
            "Command.Name {name} is not one of glueetl, gluestreaming, pythonshell, glueray"
        )));
    }
    let has_graph = spec.code_gen_configuration_nodes.as_ref().is_some_and(|nodes| !nodes.is_empty());
    if has_graph && name != "glueetl" {
        return Err(JobsError::invalid(format!(
            "CodeGenConfigurationNodes need Command.Name glueetl, not {name}"
        )));
    }
    Ok(())
}

fn check_numbers(spec: &JobSpec) -> Result<(), JobsError> {
    if let Some(minutes) = spec.timeout {
        check_timeout(minutes)?;
    }
    if let Some(n) = spec.max_retries.filter(|n| !(0..=MAX_RETRIES).contains(n)) {
        return Err(JobsError::invalid(format!("MaxRetries {n} is not between 0 and {MAX_RETRIES}")));
    }
    let concurrent = spec.execution_property.as_ref().and_then(|p| p.max_concurrent_runs);
    if let Some(n) = concurrent.filter(|n| *n < 1) {
        return Err(JobsError::invalid(format!("ExecutionProperty.MaxConcurrentRuns {n} is less than 1")));
    }
    Ok(())
}

/// Refuses a timeout of no minutes or of more than seven days.
pub(crate) fn check_timeout(minutes: i64) -> Result<(), JobsError> {
    if (1..=MAX_TIMEOUT_MINUTES).contains(&minutes) {
        return Ok(());
    }
    Err(JobsError::invalid(format!("Timeout {minutes} is not between 1 and {MAX_TIMEOUT_MINUTES} minutes")))
}

/// Fills `MaxCapacity` and `AllocatedCapacity` from the workers, or the other way round.
pub(crate) fn complete_capacity(spec: &mut JobSpec) -> Result<(), JobsError> {
    match (&spec.worker_type, spec.number_of_workers) {
        (None, None) => {
            let fallback = match spec.command.as_ref().and_then(|c| c.name.as_deref()) {
                Some("pythonshell") => 0.0625,
                _ => 10.0,
            };
            #[expect(clippy::cast_precision_loss, reason = "a few hundred units at most")]
            let asked = spec.max_capacity.or(spec.allocated_capacity.map(|n| n as f64));
            let asked = asked.unwrap_or(fallback);
            if asked.is_nan() || asked <= 0.0 {
                return Err(JobsError::invalid(format!("MaxCapacity {asked} is not greater than 0")));
            }
            spec.max_capacity = Some(asked);
        }
        (Some(worker_type), Some(count)) => {
            if spec.max_capacity.is_some() {
                return Err(JobsError::invalid(
                    "Please do not set Max Capacity if using Worker Type and Number of Workers",
                ));
            }
            let Some(each) = workers::worker(worker_type) else {
                return Err(JobsError::invalid(format!("WorkerType {worker_type} is not known")));
            };
            if count < 1 {
                return Err(JobsError::invalid(format!("NumberOfWorkers {count} is less than 1")));
            }
            #[expect(clippy::cast_precision_loss, reason = "a few hundred workers at most")]
            let total = each.units * count as f64;
            spec.max_capacity = Some(total);
        }
        _ => return Err(JobsError::invalid("WorkerType and NumberOfWorkers must be given together")),
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole units, as AWS echoes them")]
    let whole = spec.max_capacity.map(|n| n as i64);
    spec.allocated_capacity = whole;
    Ok(())
}
