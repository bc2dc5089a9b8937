//! Which index a filtered listing walks, and over which ranges.
//!
//! `vkey` serves filters on leading keys, in any combination; `k1` … `k4` serve a later key alone.
//! When several could serve, the one with the fewest rows (counted up to [`PROBE_ROWS`]) wins. The
//! other limited keys are checked on the rows that are met.

use store::{Tx, Value};

use crate::error::CatalogError;
use crate::expression::{Ranges, Span};
use crate::layout::{MAX_PREFIX_BYTES, push_component, push_open};
use crate::schema::INDEXED_POSITIONS;
use crate::table::Table;

/// Rows that a probe counts at most.
const PROBE_ROWS: i64 = 2_000;
/// Spans that a probe looks into; an index with more is taken to be as good as they show.
const PROBE_SPANS: usize = 16;
/// Combinations of leading values that are sought one by one.
const MAX_COMBINATIONS: usize = 1_000;

/// The walk of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// 0 walks `vkey`; another position walks that key's column.
    pub(crate) driver: usize,
    /// Ordered, disjoint ranges of the driver's column.
    pub(crate) spans: Vec<Span>,
    /// Further limits: a column position and the range that holds all its spans.
    pub(crate) filters: Vec<(usize, Span)>,
}

/// The column that a driver walks.
pub(crate) fn column(driver: usize) -> &'static str {
    match driver {
        1 => "k1",
        2 => "k2",
        3 => "k3",
        4 => "k4",
        _ => "vkey",
    }
}

/// The candidates for walking under some ranges; the first is always `vkey`.
fn candidates(ranges: &Ranges) -> Vec<(usize, Vec<Span>)> {
    let mut found = vec![(0, leading(ranges))];
    for (position, spans) in ranges {
        if (1..INDEXED_POSITIONS).contains(position) {
            found.push((*position, spans.clone()));
        }
    }
    found
}

/// The spans of `vkey` for the limits on leading keys.
fn leading(ranges: &Ranges) -> Vec<Span> {
    let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
    for position in 0.. {
        let Some(spans) = ranges.get(&position) else { break };
        let too_many = prefixes.len() * spans.len() > MAX_COMBINATIONS;
        if too_many || prefixes.iter().any(|prefix| prefix.len() > MAX_PREFIX_BYTES) {
            break;
        }
        if !spans.iter().all(Span::is_point) {
            return prefixes.iter().flat_map(|prefix| within(prefix, spans)).collect();
        }
        prefixes = prefixes.iter().flat_map(|prefix| extended(prefix, spans)).collect();
    }
    prefixes.iter().map(|prefix| below(prefix)).collect()
}

fn extended(prefix: &[u8], points: &[Span]) -> Vec<Vec<u8>> {
    let bytes = points.iter().filter_map(|point| point.low.as_deref());
    bytes
        .map(|component| {
            let mut longer = prefix.to_vec();
            push_component(&mut longer, component);
            longer
        })
        .collect()
}

fn within(prefix: &[u8], spans: &[Span]) -> Vec<Span> {
    let all = below(prefix);
    let open = |component: &Vec<u8>| {
        let mut key = prefix.to_vec();
        push_open(&mut key, component);
        key
    };
    let bounded = |span: &Span| Span {
        low: span.low.as_ref().map(open).or_else(|| all.low.clone()),
        // Above every key that ends the component here (`00 01`), below every longer one (`00 FF`).
        high: span
            .high
            .as_ref()
            .map(|high| [open(high).as_slice(), &[0x00, 0x02]].concat())
            .or_else(|| all.high.clone()),
    };
    spans.iter().map(bounded).collect()
}

/// Every key with a prefix of whole components.
fn below(prefix: &[u8]) -> Span {
    match prefix.split_last() {
        None => Span { low: None, high: None },
        Some((_, head)) => Span { low: Some(prefix.to_vec()), high: Some([head, &[0x02]].concat()) },
    }
}

impl Plan {
    /// The plan of a walk that a token names; `None` when these ranges have no such walk.
    pub(crate) fn resumed(ranges: &Ranges, driver: usize) -> Option<Plan> {
        let found = candidates(ranges).into_iter().find(|(position, _)| *position == driver);
        found.map(|(driver, spans)| Plan::new(ranges, driver, spans))
    }

    /// The best plan for new listing.
    pub(crate) async fn choose(tx: &mut Tx, table: &Table, ranges: &Ranges) -> Result<Plan, CatalogError> {
        let mut candidates = candidates(ranges);
        let mut best = candidates.remove(0);
        if candidates.is_empty() {
            return Ok(Plan::new(ranges, best.0, best.1));
        }
        let mut fewest = probe(tx, table, &best).await?;
        for candidate in candidates {
            let rows = probe(tx, table, &candidate).await?;
            if rows < fewest {
                (best, fewest) = (candidate, rows);
            }
        }
        Ok(Plan::new(ranges, best.0, best.1))
    }

    fn new(ranges: &Ranges, driver: usize, spans: Vec<Span>) -> Plan {
        let others = ranges
            .iter()
            .filter(|(position, _)| **position != driver && (1..INDEXED_POSITIONS).contains(*position));
        let filters = others.filter_map(|(position, spans)| Some((*position, hull(spans)?)));
        Plan { driver, spans, filters: filters.collect() }
    }
}

fn hull(spans: &[Span]) -> Option<Span> {
    let (first, last) = (spans.first()?, spans.last()?);
    Some(Span { low: first.low.clone(), high: last.high.clone() })
}

async fn probe(
    tx: &mut Tx,
    table: &Table,
    (driver, spans): &(usize, Vec<Span>),
) -> Result<i64, CatalogError> {
    let column = column(*driver);
    let mut rows = 0;
    for span in spans.iter().take(PROBE_SPANS) {
        let mut parameters = vec![Value::from(table.uid.0), Value::from(PROBE_ROWS - rows)];
        let mut limits = String::new();
        for (operator, bound) in [(">=", &span.low), ("<=", &span.high)] {
            if let Some(bytes) = bound {
                parameters.push(Value::from(bytes.clone()));
                limits.push_str(&format!(" AND {column} {operator} ${}", parameters.len()));
            }
        }
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 AS one FROM catalog_partitions \
             WHERE table_uid = $1{limits} LIMIT $2) AS some_rows"
        );
        if let Some(row) = tx.query_opt(&sql, &parameters).await? {
            rows += row.get::<i64>(0)?;
        }
        if rows >= PROBE_ROWS {
            break;
        }
    }
    Ok(rows)
}
