//! Columns of a table of the catalog for rows that have its keys: a left join.
//!
//! A row with several partners comes once for each of them; one without any has null. The table is read as a whole, as SparkSQL
//! reads tables that it names: no bookmark leaves any of it out.

use datafusion::dataframe::DataFrame;
use engine::Session;

use super::super::paths::names;
use super::super::{Accused, PlanError, sql};
use super::{INPUT, quoted, unique, whole};
use crate::graph::Lookup;

/// What the query calls the table.
const TABLE: &str = "__table";

/// The rows of `frame` with the columns of the table behind them.
pub(super) async fn look_up(
    session: &Session,
    frame: DataFrame,
    own: &Lookup,
    accused: &Accused,
) -> Result<DataFrame, PlanError> {
    let known = names(frame.schema().fields());
    unique(known.iter().chain(&own.columns).map(String::as_str))?;
    let of = |relation: &str, column: &str| format!("{relation}.{}", quoted(column));
    let mut columns: Vec<String> = known.iter().map(|name| of(INPUT, name)).collect();
    columns.extend(own.columns.iter().map(|name| format!("{} AS {}", of(TABLE, name), quoted(name))));
    let mut pairs = Vec::new();
    for (left, right) in &own.keys {
        let left = whole(&frame, left)?.path.concat();
        pairs.push(format!("{} = {}", of(INPUT, &left), of(TABLE, right)));
    }
    let text = format!(
        "SELECT {} FROM {INPUT} LEFT JOIN {}.{} AS {TABLE} ON {}",
        columns.join(", "),
        quoted(&own.database),
        quoted(&own.table),
        pairs.join(" AND ")
    );
    // Planning holds much; whoever plans several statements need not carry it along.
    Box::pin(sql::query(session, &text, vec![(INPUT.to_owned(), frame)], accused)).await
}
