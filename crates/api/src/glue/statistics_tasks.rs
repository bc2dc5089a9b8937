//! Glue's column statistics tasks: runs that compute the statistics of a table's columns.
//!
//! Source: AWS Glue API Reference, Column statistics.

use query::statistics::{NewTask, Settings, SettingsChange, StatisticsError, StatisticsTasks, Task};
use serde_json::{Value, json};
use wire::{Call, Fault, Fields, Operation, Reply, Service, epoch_seconds};

use super::catalog::{required, scope};
use super::errors;

/// What the handlers work on.
pub struct StatisticsFace {
    tasks: StatisticsTasks,
}

/// Makes the face.
pub fn face(tasks: StatisticsTasks) -> Service<StatisticsFace> {
    Service { model: "glue", state: StatisticsFace { tasks }, operations: OPERATIONS }
}

fn fault(error: StatisticsError) -> Fault {
    match error {
        StatisticsError::RunNotFound { .. } | StatisticsError::SettingsNotFound { .. } => {
            errors::not_found(error.to_string())
        }
        StatisticsError::SettingsExist { .. } => Fault::new("AlreadyExistsException", error.to_string()),
        StatisticsError::Running { .. } => {
            Fault::new("ColumnStatisticsTaskRunningException", error.to_string())
        }
        StatisticsError::NotRunning { .. } => {
            Fault::new("ColumnStatisticsTaskNotRunningException", error.to_string())
        }
        StatisticsError::Stopping { .. } => {
            Fault::new("ColumnStatisticsTaskStoppingException", error.to_string())
        }
        StatisticsError::Invalid { .. } => errors::invalid(error.to_string()),
        StatisticsError::Catalog(inner) => errors::catalog(inner),
        StatisticsError::Store(inner) => errors::store(&inner),
        StatisticsError::Corrupt { .. } => errors::internal(&error),
    }
}

/// Entries of a page when the request does not say, and at most.
const PAGE: usize = 100;
const MAX_PAGE: usize = 1_000;

fn limit(call: &Call) -> usize {
    let asked = call.integer("MaxResults").and_then(|n| usize::try_from(n).ok());
    asked.unwrap_or(PAGE).clamp(1, MAX_PAGE)
}

fn table(call: &Call) -> (&str, &str) {
    (required(call, "DatabaseName"), required(call, "TableName"))
}

async fn start(face: &StatisticsFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (database, name) = table(&call);
    let columns = call.input.get("ColumnNameList").and_then(Value::as_array).into_iter().flatten();
    let new = NewTask {
        database: database.to_owned(),
        table: name.to_owned(),
        columns: columns.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        role: required(&call, "Role").to_owned(),
        sample_size: call.input.get("SampleSize").and_then(Value::as_f64),
    };
    let id = face.tasks.start(&scope, new).await.map_err(fault)?;
    Ok(Reply::from(json!({ "ColumnStatisticsTaskRunId": id })))
}

async fn get(face: &StatisticsFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let id = required(&call, "ColumnStatisticsTaskRunId");
    let task = face.tasks.get(&scope, id).await.map_err(fault)?;
    Ok(Reply::from(json!({ "ColumnStatisticsTaskRun": shown(&scope.account, &task) })))
}

async fn of_table(face: &StatisticsFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (tasks, next) = face
        .tasks
        .of_table(&scope, table(&call), call.text("NextToken"), limit(&call))
        .await
        .map_err(fault)?;
    let tasks: Vec<Value> = tasks.iter().map(|task| shown(&scope.account, task)).collect();
    Ok(Reply::from(json!({ "ColumnStatisticsTaskRuns": tasks, "NextToken": next })))
}

async fn list(face: &StatisticsFace, call: Call) -> Result<Reply, Fault> {
    let (ids, next) =
        face.tasks.list(&scope(&call)?, call.text("NextToken"), limit(&call)).await.map_err(fault)?;
    Ok(Reply::from(json!({ "ColumnStatisticsTaskRunIds": ids, "NextToken": next })))
}

async fn stop(face: &StatisticsFace, call: Call) -> Result<Reply, Fault> {
    face.tasks.stop(&scope(&call)?, table(&call)).await.map_err(fault)?;
    Ok(Reply::empty())
}

fn shown(account: &str, task: &Task) -> Value {
    let mut shown = json!({
        "CustomerId": account,
        "CatalogID": account,
        "ColumnStatisticsTaskRunId": task.id,
        "DatabaseName": task.database,
        "TableName": task.table,
        "ColumnNameList": task.columns,
        "Role": task.role,
        "ComputationType": "FULL",
        "Status": task.state.as_str(),
        "CreationTime": epoch_seconds(task.created_ms),
        "LastUpdated": epoch_seconds(task.updated_ms),
        "DPUSeconds": 0.0,
    });
    for (name, ms) in [("StartTime", task.started_ms), ("EndTime", task.ended_ms)] {
        if let Some(ms) = ms {
            shown[name] = epoch_seconds(ms);
        }
    }
    if let Some(size) = task.sample_size {
        shown["SampleSize"] = json!(size);
    }
    if let Some(error) = &task.error {
        shown["ErrorMessage"] = json!(errors::cut(error));
    }
    shown
}

fn change(call: &Call) -> SettingsChange {
    let text = |name: &str| call.text(name).map(str::to_owned);
    let columns = call.input.get("ColumnNameList").and_then(Value::as_array);
    let names = |all: &Vec<Value>| all.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    SettingsChange {
        role: text("Role"),
        columns: columns.map(names),
        sample_size: call.input.get("SampleSize").and_then(Value::as_f64),
        schedule: text("Schedule"),
    }
}

async fn create_settings(face: &StatisticsFace, call: Call) -> Result<Reply, Fault> {
    face.tasks.create_settings(&scope(&call)?, table(&call), change(&call)).await.map_err(fault)?;
    Ok(Reply::empty())
}

async fn update_settings(face: &StatisticsFace, call: Call) -> Result<Reply, Fault> {
    face.tasks.update_settings(&scope(&call)?, table(&call), change(&call)).await.map_err(fault)?;
    Ok(Reply::empty())
}

async fn delete_settings(face: &StatisticsFace, call: Call) -> Result<Reply, Fault> {
    face.tasks.delete_settings(&scope(&call)?, table(&call)).await.map_err(fault)?;
    Ok(Reply::empty())
}

async fn get_settings(face: &StatisticsFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let settings = face.tasks.settings(&scope, table(&call)).await.map_err(fault)?;
    Ok(Reply::from(json!({ "ColumnStatisticsTaskSettings": shown_settings(&scope.account, &settings) })))
}

async fn start_schedule(face: &StatisticsFace, call: Call) -> Result<Reply, Fault> {
    face.tasks.set_schedule(&scope(&call)?, table(&call), true).await.map_err(fault)?;
    Ok(Reply::empty())
}

async fn stop_schedule(face: &StatisticsFace, call: Call) -> Result<Reply, Fault> {
    face.tasks.set_schedule(&scope(&call)?, table(&call), false).await.map_err(fault)?;
    Ok(Reply::empty())
}

fn shown_settings(account: &str, settings: &Settings) -> Value {
    let mut shown = json!({
        "DatabaseName": settings.database,
        "TableName": settings.table,
        "ColumnNameList": settings.columns,
        "CatalogID": account,
        "Role": settings.role,
        "SettingSource": "TABLE",
    });
    if let Some(schedule) = &settings.schedule {
        let state = if settings.scheduled { "SCHEDULED" } else { "NOT_SCHEDULED" };
        shown["Schedule"] = json!({ "ScheduleExpression": schedule, "State": state });
        shown["ScheduleType"] = json!("CRON");
    }
    if let Some(size) = settings.sample_size {
        shown["SampleSize"] = json!(size);
    }
    if let Some(last) = &settings.last {
        let mut attempt = json!({
            "Status": if last.run.is_some() { "STARTED" } else { "FAILED" },
            "ExecutionTimestamp": epoch_seconds(last.at_ms),
        });
        if let Some(run) = &last.run {
            attempt["ColumnStatisticsTaskRunId"] = json!(run);
        }
        if let Some(error) = &last.error {
            attempt["ErrorMessage"] = json!(errors::cut(error));
        }
        shown["LastExecutionAttempt"] = attempt;
    }
    shown
}

macro_rules! operation {
    ($name:literal, $run:path, [$($acts:literal),*], [$($refused:expr),*]) => {
        Operation {
            name: $name,
            fields: Fields { acts: &[$($acts),*], refused: &[$($refused),*], ignored: &[] },
            run: |state, call| Box::pin($run(state, call)),
        }
    };
}

const NO_SECURITY: (&str, &str) = ("SecurityConfiguration", "security configurations are not built");

const OPERATIONS: &[Operation<StatisticsFace>] = &[
    operation!(
        "StartColumnStatisticsTaskRun",
        start,
        ["DatabaseName", "TableName", "ColumnNameList", "SampleSize", "CatalogID"],
        [NO_SECURITY]
    ),
    operation!("GetColumnStatisticsTaskRun", get, ["ColumnStatisticsTaskRunId"], []),
    operation!(
        "GetColumnStatisticsTaskRuns",
        of_table,
        ["DatabaseName", "TableName", "MaxResults", "NextToken", "CatalogID"],
        []
    ),
    operation!("ListColumnStatisticsTaskRuns", list, ["MaxResults", "NextToken"], []),
    operation!("StopColumnStatisticsTaskRun", stop, ["DatabaseName", "TableName", "CatalogID"], []),
    operation!(
        "CreateColumnStatisticsTaskSettings",
        create_settings,
        ["DatabaseName", "TableName", "Schedule", "ColumnNameList", "SampleSize", "CatalogID"],
        [NO_SECURITY, ("Tags", "settings of column statistics tasks have no tags")]
    ),
    operation!(
        "UpdateColumnStatisticsTaskSettings",
        update_settings,
        ["DatabaseName", "TableName", "Schedule", "ColumnNameList", "SampleSize", "CatalogID"],
        [NO_SECURITY]
    ),
    operation!(
        "GetColumnStatisticsTaskSettings",
        get_settings,
        ["DatabaseName", "TableName", "CatalogID"],
        []
    ),
    operation!(
        "DeleteColumnStatisticsTaskSettings",
        delete_settings,
        ["DatabaseName", "TableName", "CatalogID"],
        []
    ),
    operation!(
        "StartColumnStatisticsTaskRunSchedule",
        start_schedule,
        ["DatabaseName", "TableName", "CatalogID"],
        []
    ),
    operation!(
        "StopColumnStatisticsTaskRunSchedule",
        stop_schedule,
        ["DatabaseName", "TableName", "CatalogID"],
        []
    ),
];
