//! Log events of one stream: writing them and reading them in pages.
//!
//! # Tokens
//! A token is a place between two events of a stream, `f/` or `b/` (the direction to read on in) with the stream's
//! number, and the timestamp and the number that the next event there would at least have. It stays valid for as long
//! as the stream, and is refused by every other one. Reading on from the last place gives the same token back, as on
//! AWS; events that arrive later are found from there.

use store::{Scope, Tx, Value, params};

use crate::ObserveError;
use crate::groups::{self, Group};
use crate::streams::{self, Stream};

/// Largest sum of message bytes and [`EVENT_OVERHEAD_BYTES`] in one put, and largest page.
///
/// Source of all limits here: CloudWatch Logs API Reference, PutLogEvents and GetLogEvents.
pub const MAX_BATCH_BYTES: usize = 1_048_576;
/// What an event counts beside its message.
pub const EVENT_OVERHEAD_BYTES: usize = 26;
/// Most events in one put and on one page.
pub const MAX_EVENTS: usize = 10_000;
/// Longest time between the first and the last event of one put.
pub const MAX_SPAN_MS: i64 = 24 * 3_600_000;
/// How far in the future an event may be.
pub const MAX_AHEAD_MS: i64 = 2 * 3_600_000;
/// How far in the past an event may be.
pub const MAX_AGE_MS: i64 = 14 * 86_400_000;

/// Rows read per statement while a page fills.
const READ_ROWS: usize = 1_000;

/// Which events of a put were not kept. Indexes count the events of the put from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rejected {
    /// The first event that is too far in the future.
    pub too_new_start: Option<usize>,
    /// The end (exclusive) of those that are more than 14 days old.
    pub too_old_end: Option<usize>,
    /// The end (exclusive) of those that are past the group's retention.
    pub expired_end: Option<usize>,
}

/// Adds events of a service, making group and stream when missing. Any number, any order, any age; a message
/// that is longer than an event may be is split. Empty messages are kept.
///
/// # Errors
/// [`ObserveError::InvalidParameter`] for names that are not well formed or a negative time.
pub async fn append(
    tx: &mut Tx,
    scope: &Scope,
    group: &str,
    stream: &str,
    messages: &[(i64, String)],
) -> Result<(), ObserveError> {
    if messages.iter().any(|(ts_ms, _)| *ts_ms < 0) {
        return Err(ObserveError::invalid("A timestamp is negative."));
    }
    let group = groups::ensure(tx, scope, group).await?;
    let stream = streams::ensure(tx, &group, stream).await?;
    let mut parts = Vec::with_capacity(messages.len());
    for (ts_ms, message) in messages {
        let mut rest = message.as_str();
        while rest.len() > MAX_BATCH_BYTES - EVENT_OVERHEAD_BYTES {
            let (part, after) =
                rest.split_at(rest.floor_char_boundary(MAX_BATCH_BYTES - EVENT_OVERHEAD_BYTES));
            parts.push((*ts_ms, part));
            rest = after;
        }
        parts.push((*ts_ms, rest));
    }
    insert(tx, &group, &stream, &parts).await
}

/// Adds a client's events to a stream that exists, under the limits of PutLogEvents, and tells which events it
/// did not keep because of their age.
///
/// # Errors
/// [`ObserveError::GroupNotFound`], [`ObserveError::StreamNotFound`]; [`ObserveError::InvalidParameter`] when the
/// batch is out of order, too large, too long or spans more than a day. Nothing is kept then.
pub async fn put(
    tx: &mut Tx,
    scope: &Scope,
    group: &str,
    stream: &str,
    events: &[(i64, String)],
) -> Result<Rejected, ObserveError> {
    check(events)?;
    let group = groups::get(tx, scope, group).await?;
    let stream = streams::find(tx, &group, stream).await?;
    let now_ms = tx.now_ms();
    let too_old = events.partition_point(|(ts_ms, _)| *ts_ms < now_ms - MAX_AGE_MS);
    let expired = events.partition_point(|(ts_ms, _)| *ts_ms < group.oldest_kept_ms(now_ms));
    let kept_end = events.partition_point(|(ts_ms, _)| *ts_ms <= now_ms + MAX_AHEAD_MS);
    let kept = &events[too_old.max(expired).min(kept_end)..kept_end];
    if let (Some(first), Some(last)) = (kept.first(), kept.last())
        && last.0 - first.0 > MAX_SPAN_MS
    {
        return Err(ObserveError::invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    let kept: Vec<(i64, &str)> = kept.iter().map(|(ts_ms, message)| (*ts_ms, message.as_str())).collect();
    insert(tx, &group, &stream, &kept).await?;
    Ok(Rejected {
        too_new_start: (kept_end < events.len()).then_some(kept_end),
        too_old_end: (too_old > 0).then_some(too_old),
        expired_end: (expired > too_old).then_some(expired),
    })
}

/// Checks the limits that need no clock.
fn check(events: &[(i64, String)]) -> Result<(), ObserveError> {
    if events.is_empty() || events.len() > MAX_EVENTS {
        return Err(ObserveError::invalid(format!(
            "The number of log events in a batch must be between 1 and {MAX_EVENTS}, not {}.",
            events.len()
        )));
    }
    let mut bytes = 0;
    let mut last_ms = 0;
    for (ts_ms, message) in events {
        if message.is_empty() {
            return Err(ObserveError::invalid("Log event message is empty."));
        }
        if *ts_ms < last_ms {
            return Err(ObserveError::invalid(
                "Log events in a single PutLogEvents request must be in chronological order.",
            ));
        }
        last_ms = *ts_ms;
        bytes += message.len() + EVENT_OVERHEAD_BYTES;
    }
    if bytes > MAX_BATCH_BYTES {
        return Err(ObserveError::invalid(format!(
            "Upload too large: {bytes} bytes exceeds limit of {MAX_BATCH_BYTES}"
        )));
    }
    Ok(())
}

async fn insert(
    tx: &mut Tx,
    group: &Group,
    stream: &Stream,
    events: &[(i64, &str)],
) -> Result<(), ObserveError> {
    let times = events.iter().map(|(ts_ms, _)| *ts_ms);
    let (Some(first_ms), Some(last_ms)) = (times.clone().min(), times.max()) else { return Ok(()) };
    let now_ms = tx.now_ms();
    let columns = ["stream_no", "ts_ms", "seq", "group_no", "ingestion_ms", "message"];
    let mut seq = stream.next_seq;
    let mut bytes = 0usize;
    // In slices, so that a million lines do not exist twice in memory.
    for slice in events.chunks(READ_ROWS * 4) {
        let mut rows: Vec<Vec<Value>> = Vec::with_capacity(slice.len());
        for (ts_ms, message) in slice {
            bytes += message.len() + EVENT_OVERHEAD_BYTES;
            rows.push(params![stream.number, *ts_ms, seq, group.number, now_ms, message.as_bytes()].to_vec());
            seq += 1;
        }
        tx.insert_many("observe_events", &columns, &rows).await?;
    }
    let first_ms = stream.first_event_ms.map_or(first_ms, |known| known.min(first_ms));
    let last_ms = stream.last_event_ms.map_or(last_ms, |known| known.max(last_ms));
    tx.execute(
        "UPDATE observe_streams SET first_event_ms = $2, last_event_ms = $3, recency_ms = $3,
           last_ingestion_ms = $4, next_seq = $5, stored_bytes = stored_bytes + $6 WHERE stream_no = $1",
        &params![stream.number, first_ms, last_ms, now_ms, seq, i64::try_from(bytes).unwrap_or(i64::MAX)],
    )
    .await?;
    Ok(())
}

/// A log event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it happened, in milliseconds since the epoch.
    pub ts_ms: i64,
    /// When it arrived.
    pub ingestion_ms: i64,
    /// What it says.
    pub message: String,
}

/// Which events of a stream to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventQuery<'a> {
    /// The oldest timestamp, inclusive.
    pub start_ms: Option<i64>,
    /// The newest timestamp, exclusive.
    pub end_ms: Option<i64>,
    /// Without a token: whether to start with the oldest events instead of the newest.
    pub from_head: bool,
    /// A token of an earlier page.
    pub token: Option<&'a str>,
    /// Most events; at most [`MAX_EVENTS`], which is the default.
    pub limit: Option<usize>,
}

/// A page of a stream's events, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// Reads what follows the page.
    pub next_forward: String,
    /// Reads what precedes the page.
    pub next_backward: String,
}

/// A place between events: before the event `seq` of `ts_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    ts_ms: i64,
    seq: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

impl Place {
    fn token(self, stream: i64, direction: Direction) -> String {
        let letter = if direction == Direction::Forward { 'f' } else { 'b' };
        format!("{letter}/{stream:019}{:019}{:019}/s", self.ts_ms, self.seq)
    }

    /// The place in a token of the stream; `None` for any other text.
    fn parse(token: &str, stream: i64) -> Option<(Direction, Self)> {
        let (letter, rest) = token.split_once('/')?;
        let digits = rest.strip_suffix("/s")?;
        if digits.len() != 57 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (of, digits) = digits.split_at(19);
        if of.parse() != Ok(stream) {
            return None;
        }
        let direction = match letter {
            "f" => Direction::Forward,
            "b" => Direction::Backward,
            _ => return None,
        };
        Some((direction, Self { ts_ms: digits[..19].parse().ok()?, seq: digits[19..].parse().ok()? }))
    }
}

/// Returns a page of a stream's events; it ends at the limit, at 1 MB, or with the events.
///
/// # Errors
/// [`ObserveError::GroupNotFound`], [`ObserveError::StreamNotFound`]; [`ObserveError::InvalidParameter`] for a
/// token that is none of the stream's.
pub async fn get(
    tx: &mut Tx,
    scope: &Scope,
    group: &str,
    stream: &str,
    query: &EventQuery<'_>,
) -> Result<EventPage, ObserveError> {
    let group = groups::get(tx, scope, group).await?;
    let stream = streams::find(tx, &group, stream).await?;
    let start_ms = query.start_ms.unwrap_or(0).max(group.oldest_kept_ms(tx.now_ms()));
    let end_ms = query.end_ms.unwrap_or(i64::MAX);
    let (direction, from) = match query.token {
        Some(token) => Place::parse(token, stream.number).ok_or_else(ObserveError::invalid_token)?,
        None if query.from_head => (Direction::Forward, Place { ts_ms: start_ms.max(0), seq: 0 }),
        None => (Direction::Backward, Place { ts_ms: end_ms.max(0), seq: 0 }),
    };
    let limit = query.limit.unwrap_or(MAX_EVENTS).clamp(1, MAX_EVENTS);
    let found = collect(tx, stream.number, direction, from, (start_ms, end_ms), limit).await?;
    let (after, before) = match (found.first(), found.last()) {
        (Some((first, _)), Some((last, _))) => (Place { ts_ms: last.ts_ms, seq: last.seq + 1 }, *first),
        // Nothing there: both directions go on from the same place. Without a token from the newest events,
        // that is where the first event will be, not the end of time.
        _ if query.token.is_none() => {
            let place = Place { ts_ms: start_ms.max(0), seq: 0 };
            (place, place)
        }
        _ => (from, from),
    };
    let events = found.into_iter().map(|(_, event)| event).collect();
    Ok(EventPage {
        events,
        next_forward: after.token(stream.number, Direction::Forward),
        next_backward: before.token(stream.number, Direction::Backward),
    })
}

/// Reads events from a place on, and returns them oldest first.
async fn collect(
    tx: &mut Tx,
    stream: i64,
    direction: Direction,
    from: Place,
    range: (i64, i64),
    limit: usize,
) -> Result<Vec<(Place, Event)>, ObserveError> {
    let (compare, order) = match direction {
        Direction::Forward => (">=", "ASC"),
        Direction::Backward => ("<", "DESC"),
    };
    let sql = format!(
        "SELECT ts_ms, seq, ingestion_ms, message FROM observe_events WHERE stream_no = $1 AND ts_ms >= $2
           AND ts_ms < $3 AND (ts_ms, seq) {compare} ($4, $5) ORDER BY ts_ms {order}, seq {order} LIMIT $6"
    );
    let mut from = from;
    let mut found: Vec<(Place, Event)> = Vec::new();
    let mut bytes = 0;
    'fill: while found.len() < limit {
        let rows_wanted = READ_ROWS.min(limit - found.len());
        let wanted = i64::try_from(rows_wanted).unwrap_or(i64::MAX);
        let params = params![stream, range.0, range.1, from.ts_ms, from.seq, wanted];
        let rows = tx.query(&sql, &params).await?;
        let got = rows.len();
        for mut row in rows {
            let place = Place { ts_ms: row.get(0)?, seq: row.get(1)? };
            let message: Vec<u8> = row.take(3)?;
            bytes += message.len() + EVENT_OVERHEAD_BYTES;
            if bytes > MAX_BATCH_BYTES && !found.is_empty() {
                break 'fill;
            }
            from = match direction {
                Direction::Forward => Place { ts_ms: place.ts_ms, seq: place.seq + 1 },
                Direction::Backward => place,
            };
            let event = Event { ts_ms: place.ts_ms, ingestion_ms: row.get(2)?, message: text(message) };
            found.push((place, event));
        }
        if got < rows_wanted {
            break;
        }
    }
    if direction == Direction::Backward {
        found.reverse();
    }
    Ok(found)
}

/// Messages were text when they were written.
pub(crate) fn text(message: Vec<u8>) -> String {
    String::from_utf8(message).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip() {
        let place = Place { ts_ms: 1_800_000_000_000, seq: 7 };
        for direction in [Direction::Forward, Direction::Backward] {
            let token = place.token(3, direction);
            assert_eq!(Place::parse(&token, 3), Some((direction, place)));
            assert_eq!(Place::parse(&token, 4), None, "a token of another stream");
        }
        let (short, long) = (format!("f/{}/s", "0".repeat(56)), format!("f/{}1/s ", "0".repeat(56)));
        for token in ["", "f", "f/", "f//s", "x/1/s", &short, &long, &format!("f/{}/s", "9".repeat(57))] {
            assert_eq!(Place::parse(token, 0), None, "{token}");
        }
    }
}
