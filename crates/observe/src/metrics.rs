//! Metrics: what services have measured, added up by the minute.
//!
//! A metric is a name with its dimensions, within a namespace. Of all samples of a minute their number, sum, smallest and
//! largest are kept, for [`KEPT_MS`]; samples themselves are not, so there are no percentiles. A metric is listed for
//! [`LISTED_MS`] after its last sample.
//!
//! Source: Amazon CloudWatch API Reference and User Guide ("Concepts": resolution, statistics, retention).

use std::collections::BTreeMap;

use store::{Row, Scope, StoreError, Tx, params};

use crate::ObserveError;

/// Milliseconds of the shortest time that points are kept for.
pub const MINUTE_MS: i64 = 60_000;
/// How long points are kept: 63 days. CloudWatch keeps minutes for 15 days, five minutes for 63.
pub const KEPT_MS: i64 = 63 * 86_400_000;
/// How long a metric without new samples is listed: two weeks, as by CloudWatch.
pub const LISTED_MS: i64 = 14 * 86_400_000;
/// Metrics looked at for one page; a page that has found fewer than were asked for ends there.
const LOOKED_AT: i64 = 10_000;

/// Names and values of dimensions.
pub type Dimensions = BTreeMap<String, String>;

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its dimensions.
    pub dimensions: Dimensions,
    /// As CloudWatch writes it: `Bytes`, `Count`, `Milliseconds`. The metric's first sample decides.
    pub unit: &'static str,
    /// A finite number.
    pub value: f64,
}

/// A metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    number: i64,
    /// Where its name is from.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub dimensions: Dimensions,
    /// Of its values.
    pub unit: String,
}

/// What came of a metric within a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When the period begins, in milliseconds since the epoch.
    pub start_ms: i64,
    /// How many samples there are, at least one.
    pub samples: i64,
    /// Their sum.
    pub sum: f64,
    /// The smallest of them.
    pub minimum: f64,
    /// The largest of them.
    pub maximum: f64,
}

impl Point {
    /// The mean of the samples.
    pub fn average(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
        let samples = self.samples as f64;
        self.sum / samples
    }
}

fn written(dimensions: &Dimensions) -> Result<String, ObserveError> {
    serde_json::to_string(dimensions).map_err(|error| ObserveError::invalid(error.to_string()))
}

/// Adds samples of a namespace that were taken at `at_ms`; makes their metrics when they are new. The transaction's
/// commit makes them visible, all at once.
///
/// # Errors
/// The store's.
pub async fn put(
    tx: &mut Tx,
    scope: &Scope,
    namespace: &str,
    at_ms: i64,
    samples: &[Sample],
) -> Result<(), StoreError> {
    for sample in samples {
        // A map of texts can always be written.
        let dimensions = written(&sample.dimensions).unwrap_or_default();
        tx.execute(
            "INSERT INTO observe_metrics (account, region, namespace, name, dimensions, unit, last_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (account, region, namespace, name, dimensions) DO UPDATE SET last_ms =
               CASE WHEN excluded.last_ms > observe_metrics.last_ms THEN excluded.last_ms
               ELSE observe_metrics.last_ms END",
            &params![&scope.account, &scope.region, namespace, &sample.name, &dimensions, sample.unit, at_ms],
        )
        .await?;
        tx.execute(
            "INSERT INTO observe_points (metric_no, minute_ms, samples, total, smallest, largest)
             SELECT metric_no, $6, 1, $7, $7, $7 FROM observe_metrics
               WHERE account = $1 AND region = $2 AND namespace = $3 AND name = $4 AND dimensions = $5
             ON CONFLICT (metric_no, minute_ms) DO UPDATE SET samples = observe_points.samples + 1,
               total = observe_points.total + excluded.total,
               smallest = CASE WHEN excluded.smallest < observe_points.smallest THEN excluded.smallest
                 ELSE observe_points.smallest END,
               largest = CASE WHEN excluded.largest > observe_points.largest THEN excluded.largest
                 ELSE observe_points.largest END",
            &params![
                &scope.account,
                &scope.region,
                namespace,
                &sample.name,
                &dimensions,
                at_ms - at_ms.rem_euclid(MINUTE_MS),
                sample.value
            ],
        )
        .await?;
    }
    Ok(())
}

/// Which metrics to list.
#[derive(Debug, Clone, Default)]
pub struct MetricQuery<'a> {
    /// Of this namespace.
    pub namespace: Option<&'a str>,
    /// Of this name.
    pub name: Option<&'a str>,
    /// With all of these dimensions, whatever others they have; without a value: with any.
    pub dimensions: Vec<(&'a str, Option<&'a str>)>,
    /// With a sample at this time or later.
    pub since_ms: i64,
    /// The `next` of the page before.
    pub after: Option<&'a str>,
    /// Largest number of metrics, at least 1.
    pub limit: usize,
}

impl MetricQuery<'_> {
    fn fits(&self, metric: &Metric) -> bool {
        self.dimensions.iter().all(|(name, value)| {
            let own = metric.dimensions.get(*name);
            own.is_some_and(|own| value.is_none_or(|value| value == own))
        })
    }
}

/// Returns metrics in the order in which they were made, and the token of the next page when there may be more.
///
/// # Errors
/// [`ObserveError::InvalidParameter`] for a token of something else; the store's.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    query: &MetricQuery<'_>,
) -> Result<(Vec<Metric>, Option<String>), ObserveError> {
    let after: i64 = match query.after {
        None | Some("") => 0,
        Some(token) => token.parse().map_err(|_| ObserveError::invalid_token())?,
    };
    let rows = tx
        .query(
            "SELECT metric_no, namespace, name, dimensions, unit FROM observe_metrics
             WHERE account = $1 AND region = $2 AND metric_no > $3 AND last_ms >= $4
               AND ($5 = '' OR namespace = $5) AND ($6 = '' OR name = $6) ORDER BY metric_no LIMIT $7",
            &params![
                &scope.account,
                &scope.region,
                after,
                query.since_ms,
                query.namespace.unwrap_or(""),
                query.name.unwrap_or(""),
                LOOKED_AT
            ],
        )
        .await?;
    let mut found: Vec<Metric> = Vec::new();
    let mut last = after;
    for row in &rows {
        let metric = from_row(row)?;
        let fits = query.fits(&metric);
        if fits && found.len() == query.limit {
            return Ok((found, Some(last.to_string())));
        }
        last = metric.number;
        if fits {
            found.push(metric);
        }
    }
    let is_cut = i64::try_from(rows.len()).is_ok_and(|rows| rows == LOOKED_AT);
    Ok((found, is_cut.then(|| last.to_string())))
}

fn from_row(row: &Row) -> Result<Metric, ObserveError> {
    let dimensions: String = row.get(3)?;
    let dimensions = serde_json::from_str(&dimensions)
        .map_err(|error| ObserveError::invalid(format!("A metric's dimensions cannot be read: {error}")))?;
    Ok(Metric {
        number: row.get(0)?,
        namespace: row.get(1)?,
        name: row.get(2)?,
        dimensions,
        unit: row.get(4)?,
    })
}

/// Returns the metric of exactly these dimensions; `None` when there never was a sample of it.
///
/// # Errors
/// The store's.
pub async fn find(
    tx: &mut Tx,
    scope: &Scope,
    namespace: &str,
    name: &str,
    dimensions: &Dimensions,
) -> Result<Option<Metric>, ObserveError> {
    let dimensions = written(dimensions)?;
    let row = tx
        .query_opt(
            "SELECT metric_no, namespace, name, dimensions, unit FROM observe_metrics
             WHERE account = $1 AND region = $2 AND namespace = $3 AND name = $4 AND dimensions = $5",
            &params![&scope.account, &scope.region, namespace, name, &dimensions],
        )
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// Which points of a metric to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From here on, in milliseconds since the epoch; periods are counted from the beginning of this minute.
    pub start_ms: i64,
    /// Up to here, which does not belong to it.
    pub end_ms: i64,
    /// Milliseconds of a period, at least one.
    pub period_ms: i64,
    /// Whether the newest come first.
    pub newest_first: bool,
    /// How many points to pass over.
    pub skip: i64,
    /// Largest number of points.
    pub limit: i64,
}

/// Returns what came of a metric in each period that has samples.
///
/// # Errors
/// The store's.
pub async fn points(tx: &mut Tx, metric: &Metric, window: &Window) -> Result<Vec<Point>, ObserveError> {
    let start_ms = window.start_ms - window.start_ms.rem_euclid(MINUTE_MS);
    let order = if window.newest_first { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT (minute_ms - $2) / $4, sum(samples), sum(total), min(smallest), max(largest) FROM observe_points
         WHERE metric_no = $1 AND minute_ms >= $2 AND minute_ms < $3
         GROUP BY (minute_ms - $2) / $4 ORDER BY 1 {order} LIMIT $5 OFFSET $6"
    );
    let params =
        params![metric.number, start_ms, window.end_ms, window.period_ms.max(1), window.limit, window.skip];
    let rows = tx.query(&sql, &params).await?;
    rows.iter()
        .map(|row| {
            Ok(Point {
                start_ms: start_ms + row.get::<i64>(0)? * window.period_ms,
                samples: row.get(1)?,
                sum: row.get(2)?,
                minimum: row.get(3)?,
                maximum: row.get(4)?,
            })
        })
        .collect()
}

/// Whether there is something for [`purge`] to do.
///
/// # Errors
/// The store's.
pub async fn is_stale(tx: &mut Tx) -> Result<bool, ObserveError> {
    let oldest = params![tx.now_ms() - KEPT_MS];
    let points = tx.query_opt("SELECT 1 FROM observe_points WHERE minute_ms < $1 LIMIT 1", &oldest).await?;
    Ok(points.is_some())
}

/// Deletes up to `limit` points that are past their time, and metrics that have none left; returns how many points.
///
/// # Errors
/// The store's.
pub async fn purge(tx: &mut Tx, limit: u32) -> Result<u64, ObserveError> {
    let oldest_ms = tx.now_ms() - KEPT_MS;
    let deleted = tx
        .execute(
            "DELETE FROM observe_points WHERE (metric_no, minute_ms) IN
               (SELECT metric_no, minute_ms FROM observe_points WHERE minute_ms < $1 LIMIT $2)",
            &params![oldest_ms, i64::from(limit)],
        )
        .await?;
    // Their last sample is older than the oldest minute that is kept.
    if deleted < u64::from(limit) {
        tx.execute("DELETE FROM observe_metrics WHERE last_ms < $1", &params![oldest_ms - MINUTE_MS]).await?;
    }
    Ok(deleted)
}
