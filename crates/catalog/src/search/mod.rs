//! Searching tables in all databases: words, filters on properties, order, pages.
//!
//! The store narrows by plain substrings where it can, so that a search reads the documents of candidates only; whether
//! a table really matches is decided here ([`matching`]). Only the places of matches are kept, and the documents of one
//! page are read again. A page's token is a place in the order, so tables that come and go between two pages neither
//! repeat nor hide others. Resource links are found as they are, not followed.

mod matching;

use serde::{Deserialize, Serialize};
use store::{Row, Scope, Tx, Value, params};

use crate::database::Database;
use crate::error::CatalogError;
use crate::model::DatabaseInput;
use crate::page::{self, Page};
use crate::registry::reference;
use crate::table::{self, Table};

pub use matching::{Comparator, Filter};
use matching::{Words, check, check_sort, sort_text};

/// Tables that one round reads.
const SCAN_ROWS: i64 = 500;

/// What to search for; all of it must match.
#[derive(Debug, Clone, Default)]
pub struct SearchQuery<'a> {
    /// Words that a table's texts must all hold; in quotes: one text that must be exactly this. An empty one asks for none.
    pub text: Option<&'a str>,
    /// Conditions on properties.
    pub filters: Vec<Filter>,
    /// Only tables of a federated catalog.
    pub federated_only: bool,
    /// The member of the table to sort by (by database and name without one), and whether from high to low.
    pub sort: Option<(&'a str, bool)>,
    /// Where the page before ended.
    pub token: Option<&'a str>,
    /// The most tables on a page; at least 1.
    pub limit: usize,
}

/// A match: its place in the order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    key: String,
    database: String,
    name: String,
}

/// Searches tables.
/// Errors: `InvalidToken`, `InvalidInput` for a filter that cannot be compared and a property that cannot be sorted by.
pub async fn tables(
    tx: &mut Tx,
    scope: &Scope,
    query: &SearchQuery<'_>,
) -> Result<Page<Table>, CatalogError> {
    query.filters.iter().try_for_each(check)?;
    query.sort.map_or(Ok(()), |(field, _)| check_sort(field))?;
    let limit = query.limit.max(1);
    let after = page::position::<Place>(query.token)?;
    // In the natural order the search may begin where the page before ended, and end with the page.
    let natural = query.sort.is_none();
    let start = if natural { after.clone() } else { None };
    let enough = if natural { limit + 1 } else { usize::MAX };
    let mut places = matches(tx, scope, query, start, enough).await?;
    if let Some((_, descending)) = query.sort {
        places.sort();
        if descending {
            places.sort_by(|a, b| {
                b.key.cmp(&a.key).then_with(|| (&a.database, &a.name).cmp(&(&b.database, &b.name)))
            });
        }
        if let Some(after) = &after {
            let behind = |place: &Place| match place.key.cmp(&after.key) {
                std::cmp::Ordering::Equal => (&place.database, &place.name) > (&after.database, &after.name),
                other => other.is_gt() != descending,
            };
            places.retain(behind);
        }
    }
    let more = page::cut(&mut places, limit);
    let next = match places.last() {
        Some(last) if more => Some(page::token(last)?),
        _ => None,
    };
    let mut items = Vec::with_capacity(places.len());
    for place in places {
        items.push(table::get_entry_of(tx, scope, &place.database, &place.name).await?);
    }
    Ok(Page { items: items.into_iter().flatten().collect(), next })
}

/// The places of matches behind `start`, in the order of database and name, up to `enough`.
async fn matches(
    tx: &mut Tx,
    scope: &Scope,
    query: &SearchQuery<'_>,
    start: Option<Place>,
    enough: usize,
) -> Result<Vec<Place>, CatalogError> {
    let words = Words::parse(query.text.unwrap_or_default());
    if words == Words::Nothing {
        return Ok(Vec::new());
    }
    let needles: Vec<String> =
        words.needles().chain(query.filters.iter().filter_map(Filter::needle)).collect();
    let mut at = start.map_or_else(|| (String::new(), String::new()), |place| (place.database, place.name));
    let mut found = Vec::new();
    loop {
        let rows = candidates(tx, scope, &at, &needles).await?;
        for row in &rows {
            let mut table = from_row(row)?;
            reference::fill_listed(tx, scope, &mut table).await?;
            at = (table.database_name.clone(), table.name.clone());
            let fits = words.match_table(&table)
                && query.filters.iter().all(|filter| filter.matches(&table))
                && (!query.federated_only || table.input.other.contains_key("FederatedTable"));
            if fits {
                let key = query.sort.map(|(field, _)| sort_text(&table, field)).unwrap_or_default();
                found.push(Place { key, database: at.0.clone(), name: at.1.clone() });
            }
            if found.len() >= enough {
                return Ok(found);
            }
        }
        if (rows.len() as i64) < SCAN_ROWS {
            return Ok(found);
        }
    }
}

/// Tables behind a place whose document or database's name holds all needles, and those whose columns are elsewhere: in a
/// schema version.
async fn candidates(
    tx: &mut Tx,
    scope: &Scope,
    (database, name): &(String, String),
    needles: &[String],
) -> Result<Vec<Row>, CatalogError> {
    let mut parameters =
        params![scope.account.as_str(), scope.region.as_str(), database.as_str(), name.as_str(), SCAN_ROWS]
            .to_vec();
    let mut conditions = String::new();
    for needle in needles {
        parameters.push(Value::from(format!("%{}%", escaped(needle))));
        let number = parameters.len();
        conditions.push_str(&format!(
            " AND (lower(t.doc) LIKE ${number} ESCAPE '!' OR d.name LIKE ${number} ESCAPE '!' \
             OR t.doc LIKE '%\"SchemaReference\"%')"
        ));
    }
    let sql = format!(
        "SELECT t.uid, t.name, t.version, t.created_ms, t.updated_ms, t.created_by, t.layout, t.doc, t.archived, \
         d.uid, d.name FROM catalog_databases d JOIN catalog_tables t ON t.database_uid = d.uid \
         WHERE d.account = $1 AND d.region = $2 AND d.name >= $3 AND (d.name > $3 OR t.name > $4){conditions} \
         ORDER BY d.name, t.name LIMIT $5"
    );
    Ok(tx.query(&sql, &parameters).await?)
}

fn escaped(needle: &str) -> String {
    needle.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

fn from_row(row: &Row) -> Result<Table, CatalogError> {
    let database =
        Database { uid: row.get(9)?, name: row.get(10)?, created_ms: 0, input: DatabaseInput::default() };
    table::from_row(&database, row)
}
