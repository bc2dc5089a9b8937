//! User-defined functions.

use catalog::function::{self, FunctionInput, FunctionQuery};
use catalog::table::NamePattern;
use serde_json::{Value, json};
use wire::{Call, Fault, Reply};

use super::{Catalog, commit, limit, required, scope, structure};
use crate::glue::errors;

/// Functions on a page that names no size. Source: the largest `MaxResults` of GetUserDefinedFunctions.
const PAGE: usize = 100;

pub(super) async fn create(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let input: FunctionInput = structure(&mut call, "FunctionInput")?;
    let mut tx = catalog.begin().await?;
    function::create(&mut tx, &scope, required(&call, "DatabaseName"), input)
        .await
        .map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn get(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (database, name) = (required(&call, "DatabaseName"), required(&call, "FunctionName"));
    let mut tx = catalog.read().await?;
    let found = function::get(&mut tx, &scope, database, name).await.map_err(errors::catalog)?;
    Ok(Reply::from(json!({ "UserDefinedFunction": found.to_json(&scope) })))
}

pub(super) async fn list(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let query = FunctionQuery {
        database: call.text("DatabaseName"),
        pattern: NamePattern::parse(required(&call, "Pattern")).map_err(errors::catalog)?,
        function_type: call.text("FunctionType"),
        token: call.text("NextToken"),
        limit: limit(&call, PAGE),
    };
    let mut tx = catalog.read().await?;
    let page = function::list(&mut tx, &scope, &query).await.map_err(errors::catalog)?;
    let functions: Vec<Value> = page.items.iter().map(|found| found.to_json(&scope)).collect();
    Ok(Reply::from(json!({ "UserDefinedFunctions": functions, "NextToken": page.next })))
}

pub(super) async fn update(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let input: FunctionInput = structure(&mut call, "FunctionInput")?;
    let (database, name) = (required(&call, "DatabaseName"), required(&call, "FunctionName"));
    let mut tx = catalog.begin().await?;
    function::update(&mut tx, &scope, database, name, input).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn delete(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (database, name) = (required(&call, "DatabaseName"), required(&call, "FunctionName"));
    let mut tx = catalog.begin().await?;
    function::delete(&mut tx, &scope, database, name).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}
