//! Searching the events of a group.
//!
//! The search goes through the group in order of time and looks at a bounded number of events per call; the
//! token says where to go on, so an empty page with a token is not the end.

use std::collections::BTreeMap;

use store::{Scope, Tx, Value, params};

use crate::events::{EVENT_OVERHEAD_BYTES, MAX_BATCH_BYTES, MAX_EVENTS, text};
use crate::groups::{self, Group};
use crate::paging::after_prefix;
use crate::pattern::Pattern;
use crate::{ObserveError, streams};

/// Events looked at per call.
const MAX_SCANNED: usize = 100_000;
const READ_ROWS: usize = 1_000;
/// Streams that can be named in one search. Source: CloudWatch Logs API Reference, FilterLogEvents.
pub const MAX_STREAM_NAMES: usize = 100;

/// Which events of a group to find.
#[derive(Debug, Clone, Default)]
pub struct FilterQuery<'a> {
    /// Only these streams, at most [`MAX_STREAM_NAMES`]; not together with `stream_prefix`.
    pub streams: &'a [String],
    /// Only streams whose names start with this.
    pub stream_prefix: Option<&'a str>,
    /// The oldest timestamp, inclusive.
    pub start_ms: Option<i64>,
    /// The newest timestamp, inclusive (other than in [`events::get`](crate::events::get), as on AWS).
    pub end_ms: Option<i64>,
    /// Only events that match.
    pub pattern: Pattern,
    /// The `next` of the page before.
    pub token: Option<&'a str>,
    /// Most events; at most and by default [`MAX_EVENTS`].
    pub limit: Option<usize>,
}

/// An event that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEvent {
    /// The name of its stream.
    pub stream: String,
    /// When it happened, in milliseconds since the epoch.
    pub ts_ms: i64,
    /// When it arrived.
    pub ingestion_ms: i64,
    /// What it says.
    pub message: String,
    /// Unique in the store: 56 decimal digits.
    pub id: String,
}

/// A page of found events, in the order of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPage {
    /// The events.
    pub events: Vec<FoundEvent>,
    /// The token of the next page; `None` at the end.
    pub next: Option<String>,
}

/// Where an event stands in its group: timestamp, ingestion time, stream, number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position([i64; 4]);

/// Digits of each part in an id: together 56.
const WIDTHS: [usize; 4] = [14, 14, 14, 14];

impl Position {
    fn digits(self) -> String {
        self.0.iter().zip(WIDTHS).map(|(part, width)| format!("{part:0width$}")).collect()
    }

    fn parse(token: &str) -> Option<Self> {
        if token.len() != WIDTHS.iter().sum::<usize>() || !token.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut parts = [0; 4];
        let mut rest = token;
        for (part, width) in parts.iter_mut().zip(WIDTHS) {
            let (digits, after) = rest.split_at(width);
            *part = digits.parse().ok()?;
            rest = after;
        }
        Some(Self(parts))
    }
}

/// Finds events of a group.
///
/// # Errors
/// [`ObserveError::GroupNotFound`]; [`ObserveError::StreamNotFound`] for a stream that is named and not there;
/// [`ObserveError::InvalidParameter`] for names together with a prefix, too many names, or a bad token.
pub async fn find(
    tx: &mut Tx,
    scope: &Scope,
    group: &str,
    query: &FilterQuery<'_>,
) -> Result<FoundPage, ObserveError> {
    if !query.streams.is_empty() && query.stream_prefix.is_some() {
        return Err(ObserveError::invalid(
            "logStreamNamePrefix and logStreamNames are mutually exclusive parameters.",
        ));
    }
    if query.streams.len() > MAX_STREAM_NAMES {
        return Err(ObserveError::invalid(format!("At most {MAX_STREAM_NAMES} logStreamNames are allowed.")));
    }
    let from = match query.token {
        Some(token) => Some(Position::parse(token).ok_or_else(ObserveError::invalid_token)?),
        None => None,
    };
    let group = groups::get(tx, scope, group).await?;
    let mut search = Search::new(tx, &group, query).await?;
    search.run(tx, from, query).await
}

/// The statement of a search with its fixed parameters, and what was found so far.
struct Search {
    sql: String,
    fixed: Vec<Value>,
    found: Vec<FoundEvent>,
}

impl Search {
    async fn new(tx: &mut Tx, group: &Group, query: &FilterQuery<'_>) -> Result<Self, ObserveError> {
        let start_ms = query.start_ms.unwrap_or(0).max(group.oldest_kept_ms(tx.now_ms()));
        let end_ms = query.end_ms.unwrap_or(i64::MAX);
        let mut fixed = params![group.number, start_ms, end_ms].to_vec();
        let mut names = BTreeMap::new();
        let mut only = String::new();
        for name in query.streams {
            let stream = streams::find(tx, group, name).await?;
            names.insert(stream.number, stream.name);
        }
        if !names.is_empty() {
            let mut list = Vec::with_capacity(names.len());
            for number in names.keys() {
                fixed.push((*number).into());
                list.push(format!("${}", fixed.len()));
            }
            only = format!(" AND e.stream_no IN ({})", list.join(", "));
        }
        if let Some(prefix) = query.stream_prefix {
            fixed.push(prefix.into());
            only += &format!(" AND s.name >= ${}", fixed.len());
            if let Some(end) = after_prefix(prefix) {
                fixed.push(end.into());
                only += &format!(" AND s.name < ${}", fixed.len());
            }
        }
        let place = fixed.len();
        let sql = format!(
            "SELECT e.ts_ms, e.ingestion_ms, e.stream_no, e.seq, e.message, s.name FROM observe_events e
               JOIN observe_streams s ON s.stream_no = e.stream_no
             WHERE e.group_no = $1 AND e.ts_ms >= $2 AND e.ts_ms <= $3{only}
               AND (e.ts_ms, e.ingestion_ms, e.stream_no, e.seq) > (${}, ${}, ${}, ${})
             ORDER BY e.ts_ms, e.ingestion_ms, e.stream_no, e.seq LIMIT {READ_ROWS}",
            place + 1,
            place + 2,
            place + 3,
            place + 4
        );
        Ok(Self { sql, fixed, found: Vec::new() })
    }

    async fn run(
        &mut self,
        tx: &mut Tx,
        from: Option<Position>,
        query: &FilterQuery<'_>,
    ) -> Result<FoundPage, ObserveError> {
        let limit = query.limit.unwrap_or(MAX_EVENTS).clamp(1, MAX_EVENTS);
        let mut last = from.unwrap_or(Position([-1; 4]));
        let mut scanned = 0;
        let mut bytes = 0;
        while scanned < MAX_SCANNED {
            let mut params = self.fixed.clone();
            params.extend(last.0.map(Value::Int));
            let rows = tx.query(&self.sql, &params).await?;
            let got = rows.len();
            for mut row in rows {
                let position = Position([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
                let message = text(row.take(4)?);
                if query.pattern.matches(&message) {
                    bytes += message.len() + EVENT_OVERHEAD_BYTES;
                    let full =
                        self.found.len() == limit || (bytes > MAX_BATCH_BYTES && !self.found.is_empty());
                    if full {
                        return Ok(self.page(Some(last)));
                    }
                    self.found.push(FoundEvent {
                        stream: row.take(5)?,
                        ts_ms: position.0[0],
                        ingestion_ms: position.0[1],
                        message,
                        id: position.digits(),
                    });
                }
                last = position;
            }
            if got < READ_ROWS {
                return Ok(self.page(None));
            }
            scanned += got;
        }
        Ok(self.page(Some(last)))
    }

    fn page(&mut self, next: Option<Position>) -> FoundPage {
        FoundPage { events: std::mem::take(&mut self.found), next: next.map(Position::digits) }
    }
}
