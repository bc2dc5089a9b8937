//! Query executions and their results.

use query::{Execution, NewQuery, ResultColumn};
use serde_json::{Value, json};
use wire::{Call, Document, Fault, Reply, epoch_seconds};

use super::{Athena, ENGINE_VERSION, NEWEST, check_owner, errors, scope};

/// Source: Athena API Reference, GetQueryResults (MaxResults).
const MAX_ROWS: i64 = 1_000;
/// Source: Athena API Reference, ListQueryExecutions (MaxResults).
const MAX_EXECUTIONS: i64 = 50;

pub(super) async fn start(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    check_owner(&call, call.input.get("ResultConfiguration"))?;
    let text = |path: &[&str]| -> Option<String> {
        let mut at = call.input.get(*path.first()?)?;
        for member in &path[1..] {
            at = at.get(member)?;
        }
        at.as_str().filter(|found| !found.is_empty()).map(str::to_owned)
    };
    let new = NewQuery {
        query: call.text("QueryString").unwrap_or_default().to_owned(),
        token: text(&["ClientRequestToken"]),
        database: text(&["QueryExecutionContext", "Database"]),
        catalog: text(&["QueryExecutionContext", "Catalog"]),
        output_location: text(&["ResultConfiguration", "OutputLocation"]),
        work_group: text(&["WorkGroup"]),
    };
    let id = athena.queries.start(&scope(&call)?, new).await.map_err(errors::query)?;
    Ok(Reply::from(json!({ "QueryExecutionId": id })))
}

pub(super) async fn get(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let id = call.text("QueryExecutionId").unwrap_or_default();
    let execution = athena.queries.get(&scope(&call)?, id).await.map_err(errors::query)?;
    Ok(Reply::from(json!({ "QueryExecution": described(&execution) })))
}

pub(super) async fn batch_get(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let ids: Vec<&str> = call
        .input
        .get("QueryExecutionIds")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for id in ids {
        match athena.queries.get(&scope, id).await {
            Ok(execution) => found.push(described(&execution)),
            Err(error @ query::QueryError::ExecutionNotFound { .. }) => missing.push(json!({
                "QueryExecutionId": id,
                "ErrorCode": "INVALID_QUERY_EXECUTION_ID",
                "ErrorMessage": error.to_string(),
            })),
            Err(error) => return Err(errors::query(error)),
        }
    }
    Ok(Reply::from(json!({ "QueryExecutions": found, "UnprocessedQueryExecutionIds": missing })))
}

pub(super) async fn list(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let limit = call.integer("MaxResults").unwrap_or(MAX_EXECUTIONS).clamp(1, MAX_EXECUTIONS) as usize;
    let page =
        athena.queries.list(&scope(&call)?, call.text("WorkGroup"), call.text("NextToken"), limit).await;
    let (ids, next) = page.map_err(errors::query)?;
    Ok(Reply::from(json!({ "QueryExecutionIds": ids, "NextToken": next })))
}

pub(super) async fn stop(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let id = call.text("QueryExecutionId").unwrap_or_default();
    athena.queries.stop(&scope(&call)?, id).await.map_err(errors::query)?;
    Ok(Reply::empty())
}

pub(super) async fn results(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let limit = call.integer("MaxResults").unwrap_or(MAX_ROWS);
    if !(1..=MAX_ROWS).contains(&limit) {
        return Err(errors::invalid(format!("MaxResults is more than maximum allowed length {MAX_ROWS}.")));
    }
    let id = call.text("QueryExecutionId").unwrap_or_default();
    let page = athena.queries.results(&scope(&call)?, id, call.text("NextToken"), limit as usize).await;
    let (execution, page, next) = page.map_err(errors::query)?;
    let rows: Vec<Document> = page.rows.into_iter().map(row).collect();
    let columns: Vec<Document> = execution.columns.iter().map(column_info).collect();
    Ok(Reply::from(json!({
        "UpdateCount": 0,
        "ResultSet": { "Rows": rows, "ResultSetMetadata": { "ColumnInfo": columns } },
        "NextToken": next,
    })))
}

/// NULL is a datum without a value.
fn row(cells: Vec<query::Cell>) -> Document {
    let data: Vec<Document> = cells
        .into_iter()
        .map(|cell| match cell {
            Some(text) => json!({ "VarCharValue": text }),
            None => json!({}),
        })
        .collect();
    json!({ "Data": data })
}

fn column_info(column: &ResultColumn) -> Document {
    json!({
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": column.name,
        "Label": column.name,
        "Type": column.type_name,
        "Precision": column.precision,
        "Scale": column.scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": matches!(column.type_name.as_str(), "varchar" | "char" | "string"),
    })
}

fn described(execution: &Execution) -> Document {
    let statistics = &execution.statistics;
    let total_ms = statistics.queued_ms + statistics.execution_ms;
    json!({
        "QueryExecutionId": execution.id,
        "Query": execution.query,
        "StatementType": execution.statement_type,
        "ResultConfiguration": { "OutputLocation": execution.output_location },
        "ResultReuseConfiguration": { "ResultReuseByAgeConfiguration": { "Enabled": false } },
        "QueryExecutionContext": { "Database": execution.database, "Catalog": execution.catalog },
        "Status": {
            "State": execution.state.as_str(),
            "StateChangeReason": execution.reason(),
            "SubmissionDateTime": epoch_seconds(execution.submitted_ms),
            "CompletionDateTime": execution.completed_ms.map(epoch_seconds),
            "AthenaError": execution.failure.as_ref().map(|failure| json!({
                "ErrorCategory": failure.category,
                "ErrorType": 0,
                "Retryable": false,
                "ErrorMessage": failure.to_string(),
            })),
        },
        "Statistics": {
            "EngineExecutionTimeInMillis": statistics.execution_ms,
            "DataScannedInBytes": statistics.scanned_bytes,
            "TotalExecutionTimeInMillis": total_ms,
            "QueryQueueTimeInMillis": statistics.queued_ms,
            "QueryPlanningTimeInMillis": statistics.planning_ms,
            "ServiceProcessingTimeInMillis": 0,
            "ResultReuseInformation": { "ReusedPreviousResult": false },
        },
        "WorkGroup": execution.work_group,
        "EngineVersion": {
            "SelectedEngineVersion": NEWEST,
            "EffectiveEngineVersion": ENGINE_VERSION,
        },
    })
}
