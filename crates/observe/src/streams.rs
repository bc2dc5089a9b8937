//! Log streams.

use store::{Row, Scope, Tx, Value, params};

use crate::groups::{self, Group};
use crate::paging::after_prefix;
use crate::{ObserveError, groups::arn as group_arn};

const MAX_NAME_CHARS: usize = 512;

/// A log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The incarnation.
    pub(crate) number: i64,
    /// Unique in the group; 1..=512 characters without `:` and `*`.
    pub name: String,
    /// When it was made, in milliseconds since the epoch.
    pub created_ms: i64,
    /// The oldest timestamp of its events, in milliseconds since the epoch.
    pub first_event_ms: Option<i64>,
    /// The newest timestamp of its events.
    pub last_event_ms: Option<i64>,
    /// When the newest event arrived.
    pub last_ingestion_ms: Option<i64>,
    /// The number that its next event gets.
    pub(crate) next_seq: i64,
    /// Bytes of its events (message and 26 bytes each).
    pub stored_bytes: i64,
}

/// Returns the ARN of a stream.
pub fn arn(scope: &Scope, group: &str, stream: &str) -> String {
    format!("{}:log-stream:{stream}", group_arn(scope, group))
}

const COLUMNS: &str =
    "stream_no, name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms, next_seq,
  stored_bytes";

fn from_row(row: &Row) -> Result<Stream, ObserveError> {
    Ok(Stream {
        number: row.get(0)?,
        name: row.get(1)?,
        created_ms: row.get(2)?,
        first_event_ms: row.get(3)?,
        last_event_ms: row.get(4)?,
        last_ingestion_ms: row.get(5)?,
        next_seq: row.get(6)?,
        stored_bytes: row.get(7)?,
    })
}

/// Makes a stream.
///
/// # Errors
/// [`ObserveError::GroupNotFound`], [`ObserveError::StreamExists`]; [`ObserveError::InvalidParameter`] for a
/// name that is not well formed.
pub async fn create(tx: &mut Tx, scope: &Scope, group: &str, name: &str) -> Result<(), ObserveError> {
    let found = groups::get(tx, scope, group).await?;
    if insert(tx, &found, name).await? {
        return Ok(());
    }
    Err(ObserveError::StreamExists { group: group.to_owned(), stream: name.to_owned() })
}

/// Returns the stream, making it when there is none.
pub(crate) async fn ensure(tx: &mut Tx, group: &Group, name: &str) -> Result<Stream, ObserveError> {
    insert(tx, group, name).await?;
    find(tx, group, name).await
}

async fn insert(tx: &mut Tx, group: &Group, name: &str) -> Result<bool, ObserveError> {
    let chars = name.chars().count();
    if chars == 0 || chars > MAX_NAME_CHARS || name.contains([':', '*', '\0']) {
        return Err(ObserveError::invalid(format!("The log stream name {name:?} is not valid.")));
    }
    let now_ms = tx.now_ms();
    let inserted = tx
        .execute(
            "INSERT INTO observe_streams (group_no, name, created_ms, recency_ms, next_seq, stored_bytes)
             VALUES ($1, $2, $3, 0, 0, 0) ON CONFLICT (group_no, name) DO NOTHING",
            &params![group.number, name, now_ms],
        )
        .await?;
    Ok(inserted == 1)
}

/// Returns a stream of a group.
///
/// # Errors
/// [`ObserveError::GroupNotFound`], [`ObserveError::StreamNotFound`].
pub async fn get(tx: &mut Tx, scope: &Scope, group: &str, name: &str) -> Result<Stream, ObserveError> {
    let group = groups::get(tx, scope, group).await?;
    find(tx, &group, name).await
}

pub(crate) async fn find(tx: &mut Tx, group: &Group, name: &str) -> Result<Stream, ObserveError> {
    let not_found = || ObserveError::StreamNotFound { group: group.name.clone(), stream: name.to_owned() };
    if name.contains('\0') {
        return Err(not_found());
    }
    let sql = format!("SELECT {COLUMNS} FROM observe_streams WHERE group_no = $1 AND name = $2");
    let row = tx.query_opt(&sql, &params![group.number, name]).await?;
    from_row(&row.ok_or_else(not_found)?)
}

/// The order of a list of streams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StreamOrder {
    /// By name, in byte order.
    #[default]
    Name,
    /// By the timestamp of the newest event; streams without events count as oldest.
    LastEventTime,
}

/// Which streams to list.
#[derive(Debug, Clone, Default)]
pub struct StreamQuery<'a> {
    /// Names that start with this; only with [`StreamOrder::Name`].
    pub prefix: Option<&'a str>,
    /// The order.
    pub order: StreamOrder,
    /// Whether the order is reversed.
    pub descending: bool,
    /// The `next` of the page before, from a query in the same order.
    pub after: Option<&'a str>,
    /// Largest number of streams, at least 1.
    pub limit: usize,
}

/// Returns streams of a group, and the token of the next page when there are more.
///
/// # Errors
/// [`ObserveError::GroupNotFound`]; [`ObserveError::InvalidParameter`] for a prefix in the order of time, or a
/// token that is not from a query in this order.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    group: &str,
    query: &StreamQuery<'_>,
) -> Result<(Vec<Stream>, Option<String>), ObserveError> {
    if query.order == StreamOrder::LastEventTime && query.prefix.is_some() {
        return Err(ObserveError::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let group = groups::get(tx, scope, group).await?;
    let (sql, params) = statement(&group, query)?;
    let rows = tx.query(&sql, &params).await?;
    let mut found = rows.iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
    if found.len() <= query.limit {
        return Ok((found, None));
    }
    found.truncate(query.limit);
    let next = found.last().map(|last| match query.order {
        StreamOrder::Name => format!("name:{}", last.name),
        StreamOrder::LastEventTime => format!("time:{}:{}", last.last_event_ms.unwrap_or(0), last.name),
    });
    Ok((found, next))
}

fn statement(group: &Group, query: &StreamQuery<'_>) -> Result<(String, Vec<Value>), ObserveError> {
    let (beyond, direction) = if query.descending { ("<", "DESC") } else { (">", "ASC") };
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX - 1) + 1;
    let mut sql = format!("SELECT {COLUMNS} FROM observe_streams WHERE group_no = $1");
    let mut params = params![group.number, limit].to_vec();
    match query.order {
        StreamOrder::Name => {
            if let Some(prefix) = query.prefix {
                params.push(prefix.into());
                sql += &format!(" AND name >= ${}", params.len());
                if let Some(end) = after_prefix(prefix) {
                    params.push(end.into());
                    sql += &format!(" AND name < ${}", params.len());
                }
            }
            if let Some(after) = query.after {
                let name = after.strip_prefix("name:").ok_or_else(ObserveError::invalid_token)?;
                params.push(name.into());
                sql += &format!(" AND name {beyond} ${}", params.len());
            }
            sql += &format!(" ORDER BY name {direction} LIMIT $2");
        }
        StreamOrder::LastEventTime => {
            if let Some(after) = query.after {
                let (time, name) = after
                    .strip_prefix("time:")
                    .and_then(|rest| rest.split_once(':'))
                    .ok_or_else(ObserveError::invalid_token)?;
                let time: i64 = time.parse().map_err(|_| ObserveError::invalid_token())?;
                params.push(time.into());
                params.push(name.into());
                sql += &format!(" AND (recency_ms, name) {beyond} ($3, $4)");
            }
            sql += &format!(" ORDER BY recency_ms {direction}, name {direction} LIMIT $2");
        }
    }
    Ok((sql, params))
}

/// Deletes a stream with its events, whose rows go later, with [`purge`](crate::retention::purge).
///
/// # Errors
/// [`ObserveError::GroupNotFound`], [`ObserveError::StreamNotFound`].
pub async fn delete(tx: &mut Tx, scope: &Scope, group: &str, name: &str) -> Result<(), ObserveError> {
    let stream = get(tx, scope, group, name).await?;
    tx.execute("INSERT INTO observe_garbage (stream_no) VALUES ($1)", &params![stream.number]).await?;
    tx.execute("DELETE FROM observe_streams WHERE stream_no = $1", &params![stream.number]).await?;
    Ok(())
}
