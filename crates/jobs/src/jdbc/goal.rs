//! Tables that rows are added to: which of their columns take which of a frame's.

use arrow::datatypes::Schema;
use sources::SourceError;
use sources::jdbc::{Column, Database, Landed, Landing};

use super::{Fit, declared, fit};

/// A table that rows are added to; it may be missing.
pub(crate) struct Goal<'g> {
    /// The schema; of MySQL: the database.
    pub(crate) schema: &'g str,
    /// The table.
    pub(crate) table: &'g str,
    /// What errors call it.
    pub(crate) label: &'g str,
}

/// The columns of the target for those of the frame, and how values go into them.
pub(crate) async fn shape(
    database: &mut Database,
    goal: &Goal<'_>,
    frame: &Schema,
    staging: String,
) -> Result<(Landing, Vec<(String, Fit)>), String> {
    let failed = |error: SourceError| format!("{}: {error}", goal.label);
    if !database.takes_transactions(goal.schema, goal.table).await.map_err(failed)? {
        return Err(format!(
            "rows cannot be added to {} within a transaction, so they could arrive in part",
            goal.label
        ));
    }
    let engine = database.engine();
    let found = database.columns(goal.schema, goal.table).await.map_err(failed)?;
    let creates = found.is_empty();
    let (mut columns, mut fits) = (Vec::new(), Vec::new());
    for field in frame.fields() {
        let column = match creates {
            true => made(declared(engine, field.name(), field.data_type())?),
            false => find(&found, field.name()).cloned().ok_or_else(|| {
                let names: Vec<&str> = found.iter().map(|own| own.name.as_str()).collect();
                format!("{} has no column {}; it has {}", goal.label, field.name(), names.join(", "))
            })?,
        };
        fits.push((column.name.clone(), fit(engine, &column, field.data_type())?));
        columns.push(Landed { name: column.name, native_type: column.native_type });
    }
    let (schema, table) = (goal.schema.to_owned(), goal.table.to_owned());
    Ok((Landing { schema, table, staging, columns, creates }, fits))
}

fn find<'c>(found: &'c [Column], name: &str) -> Option<&'c Column> {
    let exact = found.iter().find(|own| own.name == name);
    exact.or_else(|| found.iter().find(|own| own.name.eq_ignore_ascii_case(name)))
}

/// A column that is going to be there.
fn made(declared: Landed) -> Column {
    Column {
        name: declared.name,
        native_type: declared.native_type,
        hive_type: "string".to_owned(),
        nullable: true,
        comment: None,
    }
}
