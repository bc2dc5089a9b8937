//! What requests name: tables, data to read, moments.

use jobs::quality::service::{DataSource, TableName};
use serde_json::{Map, Value};
use store::Scope;
use wire::{Fault, epoch_ms};

use crate::glue::errors;

/// Options of a table that filter its partitions. Source: AWS Glue API Reference, GlueTable.
const PREDICATES: [&str; 2] = ["pushDownPredicate", "catalogPartitionPredicate"];

pub(super) fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}

pub(super) fn moment(value: Option<&Value>, member: &str) -> Option<i64> {
    value.and_then(|value| value.get(member)).and_then(epoch_ms)
}

/// A table as it is named in requests.
pub(super) fn table(scope: &Scope, value: &Value) -> Result<TableName, Fault> {
    if let Some(id) = text(value, "CatalogId")
        && id != scope.account
    {
        return Err(errors::invalid(format!(
            "Catalog {id} is not the catalog of account {}.",
            scope.account
        )));
    }
    let name = |member: &str| text(value, member).unwrap_or_default().to_lowercase();
    Ok(TableName { database: name("DatabaseName"), table: name("TableName") })
}

/// The table of a `DataSource`, in either of its forms.
fn given(value: &Value) -> Result<&Value, Fault> {
    match (value.get("GlueTable"), value.get("DataQualityGlueTable")) {
        (Some(table), None) | (None, Some(table)) => Ok(table),
        _ => Err(errors::invalid("DataSource needs one of GlueTable and DataQualityGlueTable")),
    }
}

/// The table of a filter's `DataSource`.
pub(super) fn filtered(scope: &Scope, filter: Option<&Value>) -> Result<Option<TableName>, Fault> {
    let source = filter.and_then(|filter| filter.get("DataSource"));
    source.map(|source| table(scope, given(source)?)).transpose()
}

/// Data to read.
pub(super) fn source(scope: &Scope, value: &Value) -> Result<DataSource, Fault> {
    let given = given(value)?;
    if given.get("ConnectionName").is_some() {
        return Err(errors::invalid(
            "ConnectionName is refused: tables are read where the catalog says they lie",
        ));
    }
    let nothing = Map::new();
    let options = given.get("AdditionalOptions").and_then(Value::as_object).unwrap_or(&nothing);
    let mut predicates = Vec::new();
    for (name, value) in options {
        if !PREDICATES.contains(&name.as_str()) {
            let known = PREDICATES.join(", ");
            return Err(errors::invalid(format!(
                "AdditionalOptions.{name} is refused: {known} can be honoured"
            )));
        }
        predicates.extend(value.as_str().filter(|text| !text.trim().is_empty()));
    }
    let predicate = match predicates.as_slice() {
        [] => None,
        [one] => Some((*one).to_owned()),
        both => Some(format!("({})", both.join(") AND ("))),
    };
    let query = text(given, "PreProcessingQuery").filter(|query| !query.trim().is_empty()).map(str::to_owned);
    if query.is_some() && predicate.is_some() {
        return Err(errors::invalid(
            "PreProcessingQuery says itself which rows it reads: AdditionalOptions cannot",
        ));
    }
    Ok(DataSource { table: table(scope, given)?, given: value.clone(), predicate, query })
}
