//! What this server builds, as JSON: every operation of each served service, and what becomes of each request field.
//!
//! ```json
//! {"services": {"glue": {"protocol": "json", "version": "2017-03-31", "built": 2, "total": 265, "operations": {
//!     "GetTable": {"built": true, "fields": {"Name": "acts", "CatalogId": "stored", "Schedule": {"refused": "why"},
//!                                            "AuditContext": {"ignored": "why"}}},
//!     "GetMLTransform": {"built": false}}}}}
//! ```
//! A member is `mixed` when paths below it are listed by themselves; the rest of it is stored.

use serde_json::{Map, json};

use crate::call::Document;
use crate::model::{Model, Operation, Protocol};
use crate::service::Fields;
use crate::table::Table;

/// The document; services and operations sorted by name.
pub(crate) fn document(table: &Table) -> Document {
    let services: Map<String, Document> =
        table.models().iter().map(|model| (model.name.to_owned(), service(table, model))).collect();
    json!({ "services": services })
}

fn service(table: &Table, model: &'static Model) -> Document {
    let mut operations = Map::new();
    let mut built = 0;
    for operation in &model.operations {
        let row = match table.built(model, operation.name) {
            Some(row) => {
                built += 1;
                json!({"built": true, "fields": fields(model, operation, &row.entry.fields)})
            }
            None => json!({"built": false}),
        };
        operations.insert(operation.name.to_owned(), row);
    }
    let protocol = match model.protocol {
        Protocol::Json => "json",
        Protocol::RestJson => "rest-json",
        Protocol::RestXml => "rest-xml",
        Protocol::Query => "query",
    };
    let total = model.operations.len();
    json!({"protocol": protocol, "version": model.version, "built": built, "total": total, "operations": operations})
}

/// Every member of the request, and every path into it that the table names.
fn fields(model: &Model, operation: &Operation, listed: &Fields) -> Map<String, Document> {
    let mut out = Map::new();
    for member in model.input(operation).into_iter().flat_map(|shape| &shape.members) {
        let explained = listed.refused.iter().chain(listed.ignored).map(|(path, _)| *path);
        let below = |path: &str| path.split_once('.').is_some_and(|(first, _)| first == member.name);
        let mixed = listed.acts.iter().copied().chain(explained).any(below);
        out.insert(member.name.to_owned(), Document::from(if mixed { "mixed" } else { "stored" }));
    }
    for path in listed.acts {
        out.insert((*path).to_owned(), Document::from("acts"));
    }
    for (path, why) in listed.refused {
        out.insert((*path).to_owned(), json!({ "refused": why }));
    }
    for (path, why) in listed.ignored {
        out.insert((*path).to_owned(), json!({ "ignored": why }));
    }
    out
}
