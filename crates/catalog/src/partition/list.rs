//! Listing partitions by expression, segment and page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use store::{Scope, Tx, params};

use crate::error::CatalogError;
use crate::expression::{self, Expr, KeyType, Ranges, Span, readable};
use crate::layout::{BUCKETS, TAG_OTHER};
use crate::page::{self, Page};
use crate::partition::Partition;
use crate::partition::parts::Parts;
use crate::partition::plan::Plan;
use crate::partition::read::{Shapes, Stored, load};
use crate::partition::scan::{Cursor, Hit, Walk};
use crate::table::{self, Table};

/// The most partitions on a page. Source: Glue's `PageSize` for GetPartitions.
pub const MAX_PAGE: usize = 1_000;
/// Rows that one round of a filtered walk looks at, at most.
const MAX_SCAN_ROWS: usize = 5_000;
/// Rows whose documents are read at once.
const LOAD_ROWS: usize = 250;
/// A page ends before its documents pass this size (but holds one partition at least).
const MAX_PAGE_BYTES: usize = 8 << 20;

/// One of several disjoint parts of a table's partitions, which together are all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// From 0, below `total`.
    pub number: u32,
    /// 1 to 10.
    pub total: u32,
}

impl Segment {
    fn buckets(self) -> Result<(i64, i64), CatalogError> {
        if self.total == 0 || self.total > 10 {
            return Err(CatalogError::invalid("TotalSegments must be between 1 and 10."));
        }
        if self.number >= self.total {
            let message = "SegmentNumber must be less than TotalSegments.";
            return Err(CatalogError::invalid(message));
        }
        let width = BUCKETS / i64::from(self.total);
        let from = width * i64::from(self.number);
        Ok((from, from + width))
    }
}

/// What to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct PartitionQuery<'a> {
    /// Only partitions that match; blank filters nothing. See [`crate::expression`].
    pub expression: Option<&'a str>,
    /// Only one part of the partitions.
    pub segment: Option<Segment>,
    /// Where the page before ended.
    pub after: Option<&'a str>,
    /// The most partitions on the page, up to [`MAX_PAGE`]; 0 for as many as fit.
    pub limit: usize,
    /// Whether to leave the columns out.
    pub exclude_column_schema: bool,
}

#[derive(Serialize, Deserialize)]
struct Position {
    /// The table's incarnation.
    t: i64,
    /// Which of the listing's walks, and its driver.
    p: usize,
    d: usize,
    /// The cursor's component and key.
    c: String,
    k: String,
}

/// Lists partitions; a page may hold fewer than asked for and still not be the last.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `ExpressionInvalid`, `ValueNotOfType` when a stored
/// value of a key that the expression names is not of the key's type, `InvalidToken`,
/// `InvalidInput` for the segment.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    query: &PartitionQuery<'_>,
) -> Result<Page<Partition>, CatalogError> {
    let table = table::stored(tx, scope, database, name).await?;
    let filter = match query.expression {
        Some(text) => expression::parse(text, table.partition_keys())?,
        None => None,
    };
    let buckets = query.segment.map(Segment::buckets).transpose()?;
    if let Some(filter) = &filter {
        check_values(tx, &table, filter).await?;
    }
    let parts = Parts::new(&table, filter);
    let limit = if query.limit == 0 { MAX_PAGE } else { query.limit.min(MAX_PAGE) };
    let mut start = start(&table, query, &parts)?;
    let mut found = Vec::new();
    while let Some(ranges) = parts.ranges(start.part) {
        let plan = match start.driver {
            Some(driver) => Plan::resumed(ranges, driver).ok_or(CatalogError::InvalidToken)?,
            None => Plan::choose(tx, &table, ranges).await?,
        };
        let walk = Walk::new(&table, &plan, buckets, parts.takes_all(), start.after.as_ref());
        let wanted = limit + 1 - found.len();
        let hits = matching(tx, walk, &parts, start.part, wanted).await?;
        found.extend(hits.into_iter().map(|hit| Met { part: start.part, driver: plan.driver, hit }));
        if found.len() > limit {
            break;
        }
        start = Start { part: start.part + 1, ..Start::default() };
    }
    finish(tx, &table, query, found, limit).await
}

/// A partition that was met, and by which walk.
struct Met {
    part: usize,
    driver: usize,
    hit: Hit,
}

/// Where a page begins.
#[derive(Default)]
struct Start {
    part: usize,
    /// The walk's driver and place, behind a page before.
    driver: Option<usize>,
    after: Option<Cursor>,
}

fn start(table: &Table, query: &PartitionQuery<'_>, parts: &Parts) -> Result<Start, CatalogError> {
    let Some(position) = page::position::<Position>(query.after)? else {
        return Ok(Start::default());
    };
    if position.t != table.uid.0 || parts.ranges(position.p).is_none() {
        return Err(CatalogError::InvalidToken);
    }
    let bytes = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_| CatalogError::InvalidToken);
    let after = Some(Cursor { component: bytes(&position.c)?, vkey: bytes(&position.k)? });
    Ok(Start { part: position.p, driver: Some(position.d), after })
}

/// The next partitions of one walk.
async fn matching(
    tx: &mut Tx,
    mut walk: Walk<'_>,
    parts: &Parts,
    part: usize,
    wanted: usize,
) -> Result<Vec<Hit>, CatalogError> {
    let mut found = Vec::new();
    let mut rows = wanted;
    while found.len() < wanted {
        let hits = walk.next(tx, rows).await?;
        if hits.is_empty() {
            break;
        }
        for hit in hits {
            if parts.selects(part, &hit.values)? && found.len() < wanted {
                found.push(hit);
            }
        }
        rows = if parts.takes_all() { wanted - found.len() } else { (rows * 2).min(MAX_SCAN_ROWS) };
    }
    Ok(found)
}

/// Reads the documents of the hits, as far as they fit on a page.
async fn finish(
    tx: &mut Tx,
    table: &Table,
    query: &PartitionQuery<'_>,
    mut found: Vec<Met>,
    limit: usize,
) -> Result<Page<Partition>, CatalogError> {
    let mut more = page::cut(&mut found, limit);
    let mut shapes = Shapes::new(query.exclude_column_schema);
    let mut items = Vec::with_capacity(found.len());
    let mut last = None;
    let mut bytes = 0;
    let mut pending = found.into_iter().peekable();
    while pending.peek().is_some() && bytes < MAX_PAGE_BYTES {
        let mut rows = Vec::new();
        let chunk: Vec<Met> = pending.by_ref().take(LOAD_ROWS).collect();
        last = chunk.last().map(|met| position(table, met)).or(last);
        let mut chunk: Vec<Hit> = chunk.into_iter().map(|met| met.hit).collect();
        if chunk.iter().all(|hit| hit.stored.is_some()) {
            rows.extend(chunk.iter_mut().filter_map(|hit| hit.stored.take()));
        } else {
            let keys: Vec<_> = chunk.iter().map(|hit| hit.cursor.vkey.clone()).collect();
            rows = load(tx, table, &keys).await?;
        }
        bytes += rows.iter().map(Stored::bytes).sum::<usize>();
        items.extend(shapes.join(tx, table, rows).await?);
    }
    more |= pending.peek().is_some();
    let next = match last {
        Some(position) if more => Some(page::token(&position)?),
        _ => None,
    };
    Ok(Page { items, next })
}

/// Where the page behind a partition begins.
fn position(table: &Table, met: &Met) -> Position {
    Position {
        t: table.uid.0,
        p: met.part,
        d: met.driver,
        c: STANDARD_NO_PAD.encode(&met.hit.cursor.component),
        k: STANDARD_NO_PAD.encode(&met.hit.cursor.vkey),
    }
}

/// Refuses to filter on a key with a stored value that is not of the key's type: whatever the
/// answer, it would be wrong. Glue does the same.
async fn check_values(tx: &mut Tx, table: &Table, filter: &Expr) -> Result<(), CatalogError> {
    let typed: Vec<_> = filter.keys().into_iter().filter(|key| key.key_type != KeyType::Text).collect();
    if typed.is_empty() {
        return Ok(());
    }
    let rows = tx
        .query(
            "SELECT pos, kind FROM catalog_value_kinds WHERE table_uid = $1 AND refs > 0",
            &params![table.uid.0],
        )
        .await?;
    for row in rows {
        let (position, kind): (i64, i64) = (row.get(0)?, row.get(1)?);
        let unreadable =
            |key: &&expression::Key| key.position as i64 == position && !readable(kind, &key.key_type);
        if let Some(key) = typed.iter().find(unreadable)
            && let Some(error) = first_unreadable(tx, table, key).await?
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Finds a value to name in the error. `None` when there is none after all: all that is no number is a double that can be
/// compared, such as NaN.
async fn first_unreadable(
    tx: &mut Tx,
    table: &Table,
    key: &expression::Key,
) -> Result<Option<CatalogError>, CatalogError> {
    let mut ranges = Ranges::new();
    let is_double = key.key_type == KeyType::Double;
    if is_double && table.layout.can_seek(key.position, key.key_type.encoding()) {
        let no_numbers = Span { low: Some(vec![TAG_OTHER]), high: None };
        ranges.insert(key.position, vec![no_numbers]);
    }
    let plan = Plan::choose(tx, table, &ranges).await?;
    let mut walk = Walk::new(table, &plan, None, false, None);
    loop {
        let hits = walk.next(tx, MAX_SCAN_ROWS).await?;
        if hits.is_empty() {
            let message = "A partition value is not of its key's type.".to_owned();
            return Ok((!is_double).then_some(CatalogError::ValueNotOfType { message }));
        }
        for hit in hits {
            let value = hit.values.get(key.position).filter(|text| **text != expression::DEFAULT_PARTITION);
            if let Some(Err(message)) = value.map(|text| key.key_type.read(text)) {
                let message = format!("For input string: {message}");
                return Ok(Some(CatalogError::ValueNotOfType { message }));
            }
        }
    }
}
