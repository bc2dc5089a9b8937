//! Files of one row: records where the table that they lie in, as the catalog has it, or the files beside them have no header.

use std::collections::BTreeMap;

use catalog::Table;

use super::changed::tables_of;
use super::incremental::with_slash;
use super::{Ended, Job, reads};
use crate::plan::{Folder, Likeness, Lone, Shape, take_lone};

/// Takes in those of the files of one row below `home` that are records, and returns them; and those that are none.
pub(super) async fn settle(
    job: &Job<'_>,
    folders: &mut BTreeMap<String, Folder>,
    likeness: Likeness,
    home: &str,
) -> Result<(Vec<(String, Shape)>, Vec<Lone>), Ended> {
    if !folders.values().any(Folder::has_lone) {
        return Ok(Default::default());
    }
    let tables = tables(job).await?;
    Ok(take_lone(folders, likeness, |path, row| record(&tables, &format!("{home}{path}"), row)))
}

/// The tables that may say so: of the databases that the crawl writes to.
async fn tables(job: &Job<'_>) -> Result<Vec<Table>, Ended> {
    let targets = job.definition.targets.catalog_targets.iter();
    let mut databases: Vec<&str> = targets.map(|target| target.database_name.as_str()).collect();
    if databases.is_empty() {
        databases.push(job.database());
    }
    databases.sort_unstable();
    databases.dedup();
    let mut tables = Vec::new();
    for database in databases {
        let is_csv = |table: &Table| table.parameter("classification") == Some("csv");
        tables.extend(tables_of(job, database, is_csv).await?);
    }
    Ok(tables)
}

/// One row of a file in a folder, or at a place, as a record of the table around it: of the deepest one.
fn record(tables: &[Table], place: &str, row: &Shape) -> Option<Shape> {
    let place = with_slash(place);
    let around = tables.iter().filter_map(|table| {
        let location = with_slash(table.location()?);
        place.starts_with(&location).then_some((location.len(), table))
    });
    let (_, table) = around.max_by_key(|(len, _)| *len)?;
    reads::record(&table.input, row)
}
