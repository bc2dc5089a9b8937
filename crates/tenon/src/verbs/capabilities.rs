//! `tenon capabilities`: what every operation does with every field of its request, made from the operation tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Map, Value};

use super::{Outcome, print};
use crate::compose;
use crate::config::{self, Layers, Sources};
use crate::data_dir::DataDir;
use crate::metrics::Metrics;

/// Prints the document; as Markdown it is `docs/compatibility.md`.
pub(crate) async fn run(markdown: bool) -> Result<Outcome> {
    let document = document().await?;
    print(&if markdown { page(&document) } else { format!("{document:#}\n") })?;
    Ok(Outcome::Succeeded)
}

/// The tables belong to the faces, so a node is put together in a temporary folder; it serves nothing.
async fn document() -> Result<Value> {
    let flags = vec![("ephemeral".to_owned(), "true".to_owned(), "--ephemeral".to_owned())];
    let config = config::resolve(&Layers::read(Sources { file: None, environment: BTreeMap::new(), flags }))?;
    let data_dir = DataDir::open(&config.place)?;
    let node = compose::open(&config, &data_dir, config.listen, &Arc::new(Metrics::new())).await?;
    node.store.close().await;
    Ok(node.capabilities)
}

fn page(document: &Value) -> String {
    let mut out = String::from(
        "# Compatibility\n\nMade by `tenon capabilities --markdown` from the operation tables; do not edit.\n\n\
         A field *acts* when it has the effect that AWS documents; what is *refused* answers with an error when it is \
         given; what is *ignored* is accepted and dropped, for the reason that stands beside it; every other field of a \
         built operation is stored and returned. Operations that are not built answer with an error.\n",
    );
    for (name, service) in members(document, "services") {
        // Writing to a String cannot fail.
        let count = |member: &str| service.get(member).and_then(Value::as_u64).unwrap_or(0);
        let _ =
            write!(out, "\n## {name}\n\n{} of {} operations are built.\n\n", count("built"), count("total"));
        let _ = writeln!(out, "| operation | acts | stored | refused | ignored |\n|---|---|---|---|---|");
        let mut unbuilt = Vec::new();
        for (operation, about) in members(&service, "operations") {
            if about.get("built").and_then(Value::as_bool) == Some(true) {
                let _ = writeln!(out, "{}", row(&operation, &about));
            } else {
                unbuilt.push(operation);
            }
        }
        if !unbuilt.is_empty() {
            let _ = writeln!(out, "\nNot built: {}.", unbuilt.join(", "));
        }
    }
    out
}

fn members(document: &Value, member: &str) -> Map<String, Value> {
    document.get(member).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn row(operation: &str, about: &Value) -> String {
    let fields = members(about, "fields");
    let of = |state: &str, before: &str| -> Vec<String> {
        let names = fields.iter().filter(|(_, value)| value.as_str() == Some(state));
        names.map(|(name, _)| format!("{before}`{name}`")).collect()
    };
    let explained = |state: &str| -> String {
        let listed = fields.iter().filter_map(|(name, value)| {
            let why = value.get(state)?.as_str()?;
            Some(format!("`{name}` ({why})"))
        });
        listed.collect::<Vec<_>>().join(", ")
    };
    let stored = [of("stored", ""), of("mixed", "the rest of ")].concat().join(", ");
    let (acts, refused, ignored) = (of("acts", "").join(", "), explained("refused"), explained("ignored"));
    format!("| {operation} | {acts} | {stored} | {refused} | {ignored} |")
}
