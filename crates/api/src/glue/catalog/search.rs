//! SearchTables.

use catalog::search::{self, Comparator, Filter, SearchQuery};
use serde::Deserialize;
use serde_json::{Value, json};
use wire::{Call, Fault, Reply};

use super::{Catalog, limit, scope, structure};
use crate::glue::errors;

/// Tables on a page that names no size.
const PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Predicate {
    key: Option<String>,
    value: Option<String>,
    comparator: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Criterion {
    field_name: Option<String>,
    sort: Option<String>,
}

fn filters(call: &mut Call) -> Result<Vec<Filter>, Fault> {
    if !call.input.contains_key("Filters") {
        return Ok(Vec::new());
    }
    let given: Vec<Predicate> = structure(call, "Filters")?;
    given.into_iter().map(filter).collect()
}

fn filter(given: Predicate) -> Result<Filter, Fault> {
    let (Some(key), Some(value)) = (given.key, given.value) else {
        return Err(errors::invalid("A filter needs Key and Value."));
    };
    let comparator = match given.comparator.as_deref() {
        None => None,
        Some("EQUALS") => Some(Comparator::Equals),
        Some("GREATER_THAN") => Some(Comparator::GreaterThan),
        Some("LESS_THAN") => Some(Comparator::LessThan),
        Some("GREATER_THAN_EQUALS") => Some(Comparator::GreaterThanEquals),
        Some("LESS_THAN_EQUALS") => Some(Comparator::LessThanEquals),
        Some(other) => return Err(errors::invalid(format!("{other} is not a comparator."))),
    };
    Ok(Filter { key, value, comparator })
}

fn sort(call: &mut Call) -> Result<Option<(String, bool)>, Fault> {
    if !call.input.contains_key("SortCriteria") {
        return Ok(None);
    }
    let given: Vec<Criterion> = structure(call, "SortCriteria")?;
    match given.into_iter().next() {
        None => Ok(None),
        Some(Criterion { field_name: None, .. }) => Err(errors::invalid("SortCriteria needs FieldName.")),
        Some(Criterion { field_name: Some(field), sort }) => {
            Ok(Some((field, sort.as_deref() == Some("DESC"))))
        }
    }
}

pub(super) async fn tables(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (filters, sort) = (filters(&mut call)?, sort(&mut call)?);
    let share = call.text("ResourceShareType").unwrap_or("ALL");
    if share == "FOREIGN" {
        // Accounts share nothing with each other here, so none is foreign.
        return Ok(Reply::from(json!({ "TableList": [] })));
    }
    let query = SearchQuery {
        text: call.text("SearchText"),
        filters,
        federated_only: share == "FEDERATED",
        sort: sort.as_ref().map(|(field, descending)| (field.as_str(), *descending)),
        token: call.text("NextToken"),
        limit: limit(&call, PAGE),
    };
    let mut tx = catalog.read().await?;
    let page = search::tables(&mut tx, &scope, &query).await.map_err(errors::catalog)?;
    let tables: Vec<Value> = page.items.iter().map(|found| found.to_json(&scope)).collect();
    Ok(Reply::from(json!({ "TableList": tables, "NextToken": page.next })))
}
