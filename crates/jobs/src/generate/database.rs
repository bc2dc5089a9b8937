//! Nodes that read and write tables of databases.

use sources::jdbc::Engine;

use super::nodes::Names;
use super::python::{dictionary, text, texts};
use crate::graph::{DatabasePlace, DatabaseTarget, JdbcSource};

/// A table as a frame. What is new of it the script knows as the engine does: by the same keys.
pub(super) fn read(source: &JdbcSource, names: &Names<'_>) -> String {
    let schema = match source.engine {
        Engine::Postgres => Some(source.schema.as_deref().unwrap_or("public")),
        Engine::MySql => None,
    };
    let parts = source.database.as_deref().into_iter().chain(schema).chain([source.table.as_str()]);
    let table = parts.map(quoted).collect::<Vec<_>>().join(".");
    let mut options = vec![
        ("useConnectionProperties", text("true")),
        ("connectionName", text(&source.connection)),
        ("dbtable", text(&table)),
    ];
    if !source.keys.is_empty() {
        let order = if source.descending { "desc" } else { "asc" };
        options.push(("jobBookmarkKeys", texts(source.keys.iter().map(String::as_str))));
        options.push(("jobBookmarkKeysSortOrder", text(order)));
    }
    format!(
        "glueContext.create_dynamic_frame.from_options(connection_type={}, connection_options={}, transformation_ctx={})",
        text(source.engine.glue_name()),
        dictionary(options),
        names.context()
    )
}

/// Rows that are added to a table. A script adds them at once, where the engine does it as the run ends.
pub(super) fn write(target: &DatabaseTarget, frame: &str, names: &Names<'_>) -> String {
    let (call, place) = match &target.place {
        DatabasePlace::Catalog { database, table } => {
            ("from_catalog", format!("database={}, table_name={}", text(database), text(table)))
        }
        DatabasePlace::Connection { connection, schema, table } => {
            let parts = schema.as_deref().into_iter().chain([table.as_str()]);
            let table = parts.map(quoted).collect::<Vec<_>>().join(".");
            let options = dictionary([("dbtable", text(&table))]);
            let connection = text(connection);
            ("from_jdbc_conf", format!("catalog_connection={connection}, connection_options={options}"))
        }
    };
    let context = names.context();
    format!("glueContext.write_dynamic_frame.{call}(frame={frame}, {place}, transformation_ctx={context})\n")
}

fn quoted(part: &str) -> String {
    match part.contains(['.', '"']) {
        true => format!("\"{}\"", part.replace('"', "\"\"")),
        false => part.to_owned(),
    }
}
