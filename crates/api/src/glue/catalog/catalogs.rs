//! The catalog itself: one per account, the root. Nested catalogs are not built, so that there are no others.

use serde_json::{Value, json};
use store::Scope;
use wire::{Call, Fault, Reply};

use super::{Catalog, required};
use crate::glue::errors;

pub(super) async fn get(_catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = own(&call)?;
    match required(&call, "CatalogId") {
        id if id == scope.account => Ok(Reply::from(json!({ "Catalog": root(&scope) }))),
        id => Err(errors::not_found(format!("Catalog {id} not found."))),
    }
}

pub(super) async fn list(_catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = own(&call)?;
    if let Some(parent) = call.text("ParentCatalogId").filter(|parent| *parent != scope.account) {
        return Err(errors::not_found(format!("Catalog {parent} not found.")));
    }
    if call.input.contains_key("NextToken") {
        // There is never a second page.
        return Err(errors::invalid("Invalid pagination token."));
    }
    let catalogs = if call.flag("IncludeRoot") { vec![root(&scope)] } else { Vec::new() };
    Ok(Reply::from(json!({ "CatalogList": catalogs })))
}

fn own(call: &Call) -> Result<Scope, Fault> {
    Scope::new(call.scope_account.as_str(), call.region.as_str())
        .map_err(|error| errors::invalid(error.to_string()))
}

/// Glue's `Catalog` structure of an account's own catalog. Who may do what is not built: everybody may, as on AWS where
/// Lake Formation is not used.
fn root(scope: &Scope) -> Value {
    let open = json!([{ "Principal": { "DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS" }, "Permissions": ["ALL"] }]);
    json!({
        "CatalogId": scope.account,
        "Name": scope.account,
        "ResourceArn": format!("arn:aws:glue:{}:{}:catalog", scope.region, scope.account),
        "CreateTableDefaultPermissions": open,
        "CreateDatabaseDefaultPermissions": open,
    })
}
