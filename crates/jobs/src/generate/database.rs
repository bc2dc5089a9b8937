//! Nodes that read tables of databases.

use sources::jdbc::Engine;

use super::python::{dictionary, text};
use crate::graph::JdbcSource;

/// A table as a frame. The call has no `transformation_ctx`: on the engine such a source has no bookmark either.
pub(super) fn read(source: &JdbcSource) -> String {
    let schema = source.schema.as_deref().unwrap_or("public");
    let parts = match source.engine {
        Engine::Postgres => vec![source.database.as_str(), schema, &source.table],
        Engine::MySql => vec![source.database.as_str(), &source.table],
    };
    let quoted = parts.iter().map(|part| match part.contains(['.', '"']) {
        true => format!("\"{}\"", part.replace('"', "\"\"")),
        false => (*part).to_owned(),
    });
    let table = quoted.collect::<Vec<_>>().join(".");
    let options = dictionary([
        ("useConnectionProperties", text("true")),
        ("connectionName", text(&source.connection)),
        ("dbtable", text(&table)),
    ]);
    format!(
        "glueContext.create_dynamic_frame.from_options(connection_type={}, connection_options={options})",
        text(source.engine.glue_name())
    )
}
