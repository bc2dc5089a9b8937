//! Columns of a table of the catalog for rows that have its keys.

use super::given::{self, Given};
use super::{Lookup, Studio};
use crate::graph::parse::Parsed;

pub(super) fn lookup(given: &Given<'_>) -> Parsed<Studio> {
    let text = given.needed("lookupTable")?;
    let Ok([database, table]) = <[String; 2]>::try_from(given::path("lookupTable", text)?) else {
        return Err(format!("Parameters lookupTable {text:?} is no database.table"));
    };
    let mut keys = Vec::new();
    for pair in given.texts("keyCols")? {
        let (own, other) = pair.split_once('=').unwrap_or((&pair, &pair));
        keys.push((given::whole("keyCols", own.trim())?, given::whole("keyCols", other.trim())?));
    }
    let mut columns: Vec<String> = Vec::new();
    for text in given.texts("takeCols")? {
        let column = given::whole("takeCols", &text)?;
        if columns.contains(&column) {
            return Err(format!("Parameters takeCols has {column} twice"));
        }
        columns.push(column);
    }
    match () {
        () if keys.is_empty() => Err("Parameters keyCols is empty".to_owned()),
        () if columns.is_empty() => Err("Parameters takeCols is empty".to_owned()),
        () => Ok(Studio::Lookup(Lookup { database, table, keys, columns })),
    }
}
