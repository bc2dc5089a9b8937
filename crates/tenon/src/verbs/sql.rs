//! `tenon sql "…"`: runs a statement and prints its result as a table, CSV or JSON.

use anyhow::{Context as _, Result, bail};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::progress::{Poll, Progress};
use super::{Outcome, print, remark};
use crate::client::{ATHENA, Client, ClientError};

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Table,
    Csv,
    Json,
}

/// What to run.
pub(crate) struct Sql {
    pub(crate) statement: String,
    pub(crate) database: Option<String>,
    pub(crate) work_group: Option<String>,
    pub(crate) output_location: Option<String>,
    pub(crate) style: Style,
}

/// A result: column names and types, and rows of texts; `None` is NULL.
struct ResultRows {
    columns: Vec<(String, String)>,
    rows: Vec<Vec<Option<String>>>,
}

impl Sql {
    pub(crate) async fn execute(self, client: &Client) -> Result<Outcome> {
        let mut input = json!({ "QueryString": self.statement });
        if let Some(database) = &self.database {
            input["QueryExecutionContext"] = json!({ "Database": database });
        }
        if let Some(work_group) = &self.work_group {
            input["WorkGroup"] = json!(work_group);
        }
        let location = match (&self.output_location, &self.work_group) {
            (Some(location), _) => Some(location.clone()),
            (None, Some(_)) => None,
            (None, None) => default_location(client).await?,
        };
        if let Some(location) = location {
            input["ResultConfiguration"] = json!({ "OutputLocation": location });
        }
        let started = client.call(ATHENA, "StartQueryExecution", &input).await?;
        let missing = ClientError::Member { operation: "StartQueryExecution", member: "QueryExecutionId" };
        let id = started.get("QueryExecutionId").and_then(Value::as_str).ok_or(missing)?.to_owned();
        let execution = wait(client, &id).await?;
        let at = |path: &str| execution.pointer(path).and_then(Value::as_str);
        match at("/Status/State") {
            Some("SUCCEEDED") => {}
            state => {
                let reason = at("/Status/StateChangeReason").unwrap_or("no reason given");
                remark(&format!("tenon: query {id} {}: {reason}", state.unwrap_or("UNKNOWN")));
                return Ok(if state == Some("CANCELLED") { Outcome::Stopped } else { Outcome::Failed });
            }
        }
        // Athena puts the column names into the first row of a query's result, and of nothing else's.
        let has_header = at("/StatementType") == Some("DML");
        let result = fetch(client, &id, has_header).await?;
        print(&self.render(&result))?;
        Ok(Outcome::Succeeded)
    }

    fn render(&self, result: &ResultRows) -> String {
        match self.style {
            Style::Json => format!("{:#}\n", as_json(result)),
            // A statement such as CREATE TABLE that has no result.
            _ if result.columns.is_empty() && result.rows.is_empty() => "OK\n".to_owned(),
            Style::Table => as_table(result),
            Style::Csv => as_csv(result),
        }
    }
}

/// Runs a query and returns its rows, for callers that compute with them. Errors: it fails, with its reason.
pub(crate) async fn rows(
    client: &Client,
    statement: &str,
    location: &str,
) -> Result<Vec<Vec<Option<String>>>> {
    let input = json!({
        "QueryString": statement,
        "ResultConfiguration": { "OutputLocation": location },
    });
    let started = client.call(ATHENA, "StartQueryExecution", &input).await?;
    let id = started.get("QueryExecutionId").and_then(Value::as_str).unwrap_or_default();
    let execution = wait(client, id).await?;
    let at = |path: &str| execution.pointer(path).and_then(Value::as_str).unwrap_or_default();
    if at("/Status/State") != "SUCCEEDED" {
        bail!("{statement}: {}", at("/Status/StateChangeReason"));
    }
    Ok(fetch(client, id, true).await?.rows)
}

/// Where results go when nobody says: a bucket of the account, made when it is missing; `None` when the account's
/// primary work group has a place for them.
async fn default_location(client: &Client) -> Result<Option<String>> {
    let group = client.call(ATHENA, "GetWorkGroup", &json!({ "WorkGroup": "primary" })).await?;
    if group.pointer("/WorkGroup/Configuration/ResultConfiguration/OutputLocation").is_some() {
        return Ok(None);
    }
    let catalog = client.call(ATHENA, "GetDataCatalog", &json!({ "Name": "AwsDataCatalog" })).await?;
    let account = catalog.pointer("/DataCatalog/Parameters/catalog-id").and_then(Value::as_str);
    let missing = ClientError::Member { operation: "GetDataCatalog", member: "catalog-id" };
    let bucket = format!("tenon-query-results-{}", account.ok_or(missing)?);
    client.make_bucket(&bucket).await.with_context(|| format!("cannot make bucket {bucket}"))?;
    Ok(Some(format!("s3://{bucket}/")))
}

async fn wait(client: &Client, id: &str) -> Result<Value> {
    let progress = Progress::new("QUEUED");
    let mut poll = Poll::new();
    loop {
        let reply = client.call(ATHENA, "GetQueryExecution", &json!({ "QueryExecutionId": id })).await?;
        let execution = reply.get("QueryExecution").cloned().unwrap_or_default();
        match execution.pointer("/Status/State").and_then(Value::as_str) {
            Some("SUCCEEDED" | "FAILED" | "CANCELLED") => return Ok(execution),
            Some(state) => progress.say(state),
            None => bail!(ClientError::Member { operation: "GetQueryExecution", member: "Status.State" }),
        }
        poll.pause().await;
    }
}

async fn fetch(client: &Client, id: &str, has_header: bool) -> Result<ResultRows> {
    let mut result = ResultRows { columns: Vec::new(), rows: Vec::new() };
    let mut token: Option<String> = None;
    loop {
        let mut input = json!({ "QueryExecutionId": id, "MaxResults": 1000 });
        if let Some(token) = &token {
            input["NextToken"] = json!(token);
        }
        let page = client.call(ATHENA, "GetQueryResults", &input).await?;
        let list = |path: &str| page.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default();
        if token.is_none() {
            result.columns = list("/ResultSet/ResultSetMetadata/ColumnInfo").iter().map(column).collect();
        }
        let skip = usize::from(has_header && token.is_none());
        let columns = result.columns.len();
        result.rows.extend(list("/ResultSet/Rows").iter().skip(skip).map(|found| cells(row(found), columns)));
        token = page.get("NextToken").and_then(Value::as_str).map(str::to_owned);
        if token.is_none() {
            return Ok(result);
        }
    }
}

fn column(info: &Value) -> (String, String) {
    let text = |member: &str| info.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("Name"), text("Type"))
}

fn row(row: &Value) -> Vec<Option<String>> {
    let data = row.get("Data").and_then(Value::as_array);
    let value = |datum: &Value| datum.get("VarCharValue").and_then(Value::as_str).map(str::to_owned);
    data.into_iter().flatten().map(value).collect()
}

/// Athena gives what Hive's statements print (DESCRIBE, SHOW TBLPROPERTIES) as one text with tabs, whatever the columns.
fn cells(row: Vec<Option<String>>, columns: usize) -> Vec<Option<String>> {
    let [Some(line)] = row.as_slice() else { return row };
    if columns < 2 {
        return row;
    }
    let mut cells: Vec<Option<String>> =
        line.splitn(columns, '\t').map(|cell| Some(cell.trim().to_owned())).collect();
    cells.resize(columns, Some(String::new()));
    cells
}

fn as_table(result: &ResultRows) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(result.columns.iter().map(|(name, _)| name.clone()));
    for row in &result.rows {
        table.add_row(row.iter().map(|value| value.as_deref().unwrap_or("NULL").to_owned()));
    }
    let count = result.rows.len();
    format!("{table}\n{count} row{}\n", if count == 1 { "" } else { "s" })
}

fn as_csv(result: &ResultRows) -> String {
    let header = result.columns.iter().map(|(name, _)| csv_field(Some(name))).collect();
    let rows = result.rows.iter().map(|row| row.iter().map(|value| csv_field(value.as_deref())).collect());
    std::iter::once(header).chain(rows).map(|fields: Vec<String>| fields.join(",") + "\n").collect()
}

/// NULL is nothing and an empty text is `""`, as in Athena's own result files.
fn csv_field(value: Option<&str>) -> String {
    match value {
        None => String::new(),
        Some(text) if text.is_empty() || text.contains(['"', ',', '\n', '\r']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Some(text) => text.to_owned(),
    }
}

/// An array of objects; numbers and booleans as such where JSON has them.
fn as_json(result: &ResultRows) -> Value {
    let names = member_names(&result.columns);
    let object = |row: &Vec<Option<String>>| {
        let members = names.iter().zip(&result.columns).zip(row).map(|((name, (_, kind)), value)| {
            let value = value.as_deref().map_or(Value::Null, |text| typed(kind, text));
            (name.clone(), value)
        });
        Value::from(members.collect::<serde_json::Map<_, _>>())
    };
    result.rows.iter().map(object).collect()
}

/// A result may have columns of one name, an object may not: the later ones get a number (`a`, `a_1`).
fn member_names(columns: &[(String, String)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for (column, _) in columns {
        let is_taken = |name: &String| {
            names.contains(name) || *name != *column && columns.iter().any(|(other, _)| other == name)
        };
        let numbered = (1..).map(|number| format!("{column}_{number}"));
        let name = std::iter::once(column.clone()).chain(numbered).find(|name| !is_taken(name));
        names.push(name.unwrap_or_else(|| column.clone()));
    }
    names
}

/// What JSON cannot hold exactly (decimals, NaN, large integers beyond i64) stays a text.
fn typed(kind: &str, text: &str) -> Value {
    let exact = match kind {
        "tinyint" | "smallint" | "integer" | "bigint" => text.parse::<i64>().ok().map(Value::from),
        "float" | "real" | "double" => {
            text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from)
        }
        "boolean" => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    exact.unwrap_or_else(|| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result() -> ResultRows {
        ResultRows {
            columns: [("n", "bigint"), ("t", "varchar"), ("d", "decimal"), ("b", "boolean"), ("f", "double")]
                .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
                .to_vec(),
            rows: vec![
                ["7", "a,\"b\"", "1.10", "true", "NaN"].map(|text| Some(text.to_owned())).to_vec(),
                vec![None; 5],
            ],
        }
    }

    #[test]
    fn formats() {
        assert_eq!(as_csv(&result()), "n,t,d,b,f\n7,\"a,\"\"b\"\"\",1.10,true,NaN\n,,,,\n");
        let rows = as_json(&result());
        assert_eq!(rows[0], json!({ "n": 7, "t": "a,\"b\"", "d": "1.10", "b": true, "f": "NaN" }));
        assert_eq!(rows[1]["n"], Value::Null);
        let table = as_table(&result());
        assert!(table.contains("NULL") && table.ends_with("2 rows\n"), "{table}");
    }

    #[test]
    fn columns_of_one_name_are_all_in_json() {
        let result = ResultRows {
            columns: ["a", "a", "a_1", "a"].map(|name| (name.to_owned(), "integer".to_owned())).to_vec(),
            rows: vec![["1", "2", "3", "4"].map(|text| Some(text.to_owned())).to_vec()],
        };
        assert_eq!(as_json(&result)[0], json!({ "a": 1, "a_2": 2, "a_1": 3, "a_3": 4 }));
    }

    #[test]
    fn csv_tells_null_from_empty() {
        let columns = ["a", "b"].map(|name| (name.to_owned(), "varchar".to_owned())).to_vec();
        let result = ResultRows { columns, rows: vec![vec![None, Some(String::new())]] };
        assert_eq!(as_csv(&result), "a,b\n,\"\"\n");
    }

    #[test]
    fn lines_of_hive_become_cells() {
        let line = |text: &str| vec![Some(text.to_owned())];
        assert_eq!(
            cells(line("a \tbigint\t a column"), 3),
            ["a", "bigint", "a column"].map(|c| Some(c.to_owned()))
        );
        assert_eq!(cells(line("a"), 2), [Some("a".to_owned()), Some(String::new())]);
        assert_eq!(cells(line("a\tb"), 1), line("a\tb"));
    }

    #[test]
    fn null_is_an_absent_value() {
        let parsed = row(&json!({ "Data": [{ "VarCharValue": "" }, {}] }));
        assert_eq!(parsed, [Some(String::new()), None]);
    }
}
