//! Tables and partitions as engines ask for them that apply Lake Formation's grants themselves.
//!
//! There is no Lake Formation here: no location is registered with it, no column withheld and no row filtered. So the answer
//! is what GetTable, GetPartition and GetPartitions give, with all columns, and `IsRegisteredWithLakeFormation` false, which
//! tells an engine to read with its own credentials. No `QueryAuthorizationId` is issued: there is nothing to authorize.
//!
//! Source: AWS Glue API Reference, GetUnfilteredTableMetadata, GetUnfilteredPartitionMetadata,
//! GetUnfilteredPartitionsMetadata; AWS Lake Formation Developer Guide, "Lake Formation workflow for application integration
//! API operations" (an empty list of columns means: may describe, not select) and "Data filtering limitations" (partition
//! keys cannot be withheld).

use catalog::{Table, partition, table};
use serde_json::{Value, json};
use store::{Scope, Tx};
use wire::{Call, Fault, Fields, Reply};

use super::operations::AUDIT;
use super::{Catalog, partitions, required, scope, structure, tables};
use crate::glue::{errors, tags};

const FILTERS: &str = "no table has a filter that the caller would have to be able to apply";
const GRANTS: &str = "Lake Formation grants and withholds nothing here, so that no grant can be missing";
const DIALECT: &str = "a view comes with all of its dialects";
const CONTEXT: &str = "nothing is withheld from any query, whoever makes it";
const AUTHORIZED: &str = "Lake Formation authorizes no queries here, so that no id of it can be known";

const REFUSED: &[(&str, &str)] =
    &[("AuditContext", AUDIT), ("QuerySessionContext.QueryAuthorizationId", AUTHORIZED)];
const IGNORED: &[(&str, &str)] = &[("SupportedPermissionTypes", FILTERS), ("QuerySessionContext", CONTEXT)];

pub(super) const TABLE: Fields = Fields {
    acts: &["Region", "CatalogId", "DatabaseName", "Name", "ParentResourceArn", "RootResourceArn"],
    refused: REFUSED,
    ignored: &[
        ("SupportedPermissionTypes", FILTERS),
        ("QuerySessionContext", CONTEXT),
        ("SupportedDialect", DIALECT),
        ("Permissions", GRANTS),
    ],
};

pub(super) const PARTITION: Fields = Fields {
    acts: &["Region", "CatalogId", "DatabaseName", "TableName", "PartitionValues"],
    refused: REFUSED,
    ignored: IGNORED,
};

pub(super) const PARTITIONS: Fields = Fields {
    acts: &[
        "Region",
        "CatalogId",
        "DatabaseName",
        "TableName",
        "Expression",
        "NextToken",
        "Segment.SegmentNumber",
        "Segment.TotalSegments",
        "MaxResults",
    ],
    refused: REFUSED,
    ignored: IGNORED,
};

/// Whose catalog the call is about. Errors: another account's or region's.
fn place(call: &Call) -> Result<Scope, Fault> {
    let scope = scope(call)?;
    match call.text("Region") {
        Some(region) if region != scope.region => Err(errors::invalid(format!(
            "Region {region} is another one than the request's, {}: tables of other regions are not built. Ask there.",
            scope.region
        ))),
        _ => Ok(scope),
    }
}

/// Adds what the caller may see of a table: all of it. Without any column the list is left out: an empty one would say that
/// nothing may be selected.
fn with_all_allowed(mut shown: Value, table: &Table) -> Value {
    let columns = table.columns().iter().chain(table.partition_keys());
    let names: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
    if !names.is_empty() {
        shown["AuthorizedColumns"] = json!(names);
    }
    shown["IsRegisteredWithLakeFormation"] = json!(false);
    shown
}

/// The ARN of the view that the table is read through, if it is given. Errors: it, or that of the view at the root of
/// nested ones, is none of a table's.
async fn parent(tx: &mut Tx, scope: &Scope, call: &Call) -> Result<Option<String>, Fault> {
    if let Some(root) = call.text("RootResourceArn") {
        tags::table_arn(tx, scope, root).await?;
    }
    match call.text("ParentResourceArn") {
        Some(parent) => tags::table_arn(tx, scope, parent).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn table(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = place(&call)?;
    let (database, name) = (required(&call, "DatabaseName"), required(&call, "Name"));
    let mut tx = catalog.read().await?;
    let shown = tables::shown(&mut tx, &scope, database, name).await?;
    let resource = match parent(&mut tx, &scope, &call).await? {
        Some(parent) => parent,
        None => own_arn(&scope, &shown),
    };
    let found = table::get(&mut tx, &scope, database, name).await.map_err(errors::catalog)?;
    let answer = json!({
        "IsMultiDialectView": shown["IsMultiDialectView"],
        "IsProtected": is_protected(&shown),
        "Table": shown,
        "CellFilters": [],
        "ResourceArn": resource,
    });
    Ok(Reply::from(with_all_allowed(answer, &found)))
}

/// The ARN of a table as it is shown: a resource link's own.
fn own_arn(scope: &Scope, shown: &Value) -> String {
    let text = |member: &str| shown[member].as_str().unwrap_or_default();
    ::catalog::arn::table(scope, text("DatabaseName"), text("Name"))
}

/// What the definition of a view says of it; no other table is.
fn is_protected(shown: &Value) -> bool {
    shown.pointer("/ViewDefinition/IsProtected").and_then(Value::as_bool).unwrap_or(false)
}

pub(super) async fn partition(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = place(&call)?;
    let values: Vec<String> = structure(&mut call, "PartitionValues")?;
    let (database, name) = partitions::table(&call);
    let mut tx = catalog.read().await?;
    let found = partition::get(&mut tx, &scope, database, name, &values).await.map_err(errors::catalog)?;
    let table = table::get(&mut tx, &scope, database, name).await.map_err(errors::catalog)?;
    Ok(Reply::from(with_all_allowed(json!({ "Partition": found.to_json(&scope) }), &table)))
}

pub(super) async fn partitions(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = place(&call)?;
    let mut tx = catalog.read().await?;
    let page = partitions::page(&mut tx, &scope, &mut call, errors::unfiltered).await?;
    let (database, name) = partitions::table(&call);
    let table = table::get(&mut tx, &scope, database, name).await.map_err(errors::catalog)?;
    let shown =
        |one: &partition::Partition| with_all_allowed(json!({ "Partition": one.to_json(&scope) }), &table);
    let found: Vec<Value> = page.items.iter().map(shown).collect();
    Ok(Reply::from(json!({ "UnfilteredPartitions": found, "NextToken": page.next })))
}
