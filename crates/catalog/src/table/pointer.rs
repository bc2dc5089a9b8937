//! The pointer of an Iceberg table: `metadata_location` among its parameters names the metadata that holds every commit, so
//! whoever writes the table's definition may lose commits with it.
//!
//! A definition that was read before others committed is told by its pointer. It moves on only for a caller who shows what
//! it moves from: by the version that was read (Iceberg's and Trino's catalogs, PyIceberg), or by
//! `previous_metadata_location`, which is today's pointer (Iceberg for Java where a lock of its own takes the version's
//! place). What leaves the pointer alone may change all else.

use crate::error::CatalogError;
use crate::model::{Parameters, TableInput};
use crate::table::Table;

const LOCATION: &str = "metadata_location";
const PREVIOUS: &str = "previous_metadata_location";

/// Refuses an update that would lose commits. `versioned`: the caller has named the table's version.
/// Errors: `PointerMoved`, `InvalidInput` for an Iceberg table without its pointer.
pub(super) fn check(table: &Table, input: &TableInput, versioned: bool) -> Result<(), CatalogError> {
    let (Some("iceberg"), Some(current)) = (table.open_format(), table.parameter(LOCATION)) else {
        return Ok(());
    };
    let given = |name: &str| input.parameters.as_ref().and_then(|all: &Parameters| all.get(name));
    let Some(next) = given(LOCATION) else {
        let stays = given("table_type").is_some_and(|kind| kind.eq_ignore_ascii_case("iceberg"));
        return if versioned && !stays { Ok(()) } else { Err(without(&table.name)) };
    };
    let follows = given(PREVIOUS).is_some_and(|previous| previous == current);
    match versioned || next == current || follows {
        true => Ok(()),
        false => Err(CatalogError::PointerMoved { table: table.name.clone(), current: current.to_owned() }),
    }
}

fn without(table: &str) -> CatalogError {
    CatalogError::invalid(format!(
        "Table {table} is an Iceberg table: send its parameter metadata_location along. (To make it a table of another \
         kind, leave table_type out, too, and give the VersionId that was read.)"
    ))
}
