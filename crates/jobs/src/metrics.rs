//! What runs have measured, as Glue's metrics: names, dimensions and units.
//!
//! Counts are what came since the last report: every [`REPORT_MS`] while a run goes on, and in the transaction that ends it,
//! so that whoever sees the end finds all of it. What was reported is kept with the run, in the same transaction; nothing is
//! reported twice, whoever goes on with the run. Only what was measured is there: of a graph what the engine counted, of a
//! script how long it took, and the bytes of objects that its requests moved: its rows are known to nobody here.
//!
//! Each measurement is reported for the run and for all runs of the job (`JobRunId` `ALL`).
//!
//! Source: AWS Glue Developer Guide, "Monitoring AWS Glue using Amazon CloudWatch metrics", "Monitoring with AWS Glue
//! Observability metrics".

use async_trait::async_trait;
use engine::MemoryUse;
use serde::{Deserialize, Serialize};
use store::{Scope, StoreError, Tx};

use crate::arguments::ArgumentMap;
use crate::progress::Totals;
use crate::run::{self, Run, RunKind, RunState};
use crate::service::Context;
use crate::{JobsError, retry};

/// Milliseconds between reports of a run that goes on.
pub(crate) const REPORT_MS: u64 = 30_000;
/// Stands for all runs of a job, all sources and all targets.
const ALL: &str = "ALL";

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The metric.
    pub name: &'static str,
    /// Names and values of its dimensions.
    pub dimensions: Vec<(&'static str, String)>,
    /// As CloudWatch writes units.
    pub unit: &'static str,
    /// How much.
    pub value: f64,
}

/// Where measurements go; the binary joins it to the service that keeps metrics.
#[async_trait]
pub trait MetricSink: Send + Sync {
    /// Adds measurements of one moment (epoch milliseconds) to the metrics of Glue, in this transaction.
    ///
    /// # Errors
    /// The store's.
    async fn put(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        at_ms: i64,
        measured: &[Measurement],
    ) -> Result<(), StoreError>;
}

/// How much of a run was reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Reported {
    totals: Totals,
    object_bytes_in: u64,
    elapsed_ms: i64,
}

impl Reported {
    /// With what was reported now. Work that is done anew is counted from nothing, and reported once it gets beyond what
    /// was reported before.
    fn and(self, counted: Counted, elapsed_ms: i64) -> Self {
        Self {
            totals: self.totals.or_more(counted.totals),
            object_bytes_in: self.object_bytes_in.max(counted.object_bytes_in.unwrap_or(0)),
            elapsed_ms,
        }
    }
}

/// Which metrics the arguments of a run ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// `--enable-metrics`.
    profile: bool,
    /// `--enable-observability-metrics`.
    observability: bool,
}

impl Wanted {
    /// As on AWS, naming an argument is enough; Python shell jobs have no metrics.
    pub(crate) fn of(kind: RunKind, arguments: &ArgumentMap) -> Self {
        let on = |name| arguments.get(name).is_some_and(|value| !value.trim().eq_ignore_ascii_case("false"));
        match kind {
            RunKind::PythonShell => Self::default(),
            RunKind::Graph | RunKind::Etl => {
                Self { profile: on("--enable-metrics"), observability: on("--enable-observability-metrics") }
            }
        }
    }

    pub(crate) fn anything(self) -> bool {
        self.profile || self.observability
    }
}

/// Where a run is.
#[derive(Debug, Clone, Copy)]
struct Now {
    wanted: Wanted,
    reported: Reported,
    /// What was counted, if anything was.
    counted: Option<Counted>,
    elapsed_ms: i64,
    state: RunState,
}

/// What was counted of a run.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    /// Whether the engine has counted. Of a script nothing is known but the bytes of objects in and out.
    by_engine: bool,
    totals: Totals,
    /// Bytes read of objects; not known of a run that another process has executed.
    object_bytes_in: Option<u64>,
    memory: Option<MemoryUse>,
}

/// Collects measurements for a run and for all of its job.
struct Sheet<'a> {
    run: &'a Run,
    measured: Vec<Measurement>,
}

impl Sheet<'_> {
    fn add(
        &mut self,
        name: &'static str,
        kind: &str,
        unit: &'static str,
        more: &[(&'static str, &str)],
        value: u64,
    ) {
        #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
        let value = value as f64;
        self.put(name, kind, unit, more, value);
    }

    fn put(
        &mut self,
        name: &'static str,
        kind: &str,
        unit: &'static str,
        more: &[(&'static str, &str)],
        value: f64,
    ) {
        for run in [self.run.id.as_str(), ALL] {
            let own = [("JobName", self.run.details.job.as_str()), ("JobRunId", run), ("Type", kind)];
            let dimensions = own.iter().chain(more).map(|(name, value)| (*name, (*value).to_owned()));
            self.measured.push(Measurement { name, dimensions: dimensions.collect(), unit, value });
        }
    }
}

impl Now {
    /// What the run has done since the last report.
    fn measure(&self, run: &Run) -> Vec<Measurement> {
        let mut sheet = Sheet { run, measured: Vec::new() };
        if self.wanted.profile {
            self.profile(&mut sheet);
        }
        if self.wanted.observability {
            self.observe(&mut sheet);
        }
        sheet.measured
    }

    fn profile(&self, sheet: &mut Sheet<'_>) {
        let elapsed = u64::try_from(self.elapsed_ms - self.reported.elapsed_ms).unwrap_or(0);
        sheet.add("glue.driver.aggregate.elapsedTime", "count", "Milliseconds", &[], elapsed);
        let Some(counted) = &self.counted else { return };
        let (totals, before) = (&counted.totals, &self.reported.totals);
        if counted.by_engine {
            let rows = totals.rows_in.saturating_sub(before.rows_in);
            sheet.add("glue.driver.aggregate.recordsRead", "count", "Count", &[], rows);
            let bytes = totals.bytes_in.saturating_sub(before.bytes_in);
            sheet.add("glue.driver.aggregate.bytesRead", "count", "Bytes", &[], bytes);
        }
        if let Some(bytes) = counted.object_bytes_in {
            let bytes = bytes.saturating_sub(self.reported.object_bytes_in);
            sheet.add("glue.ALL.s3.filesystem.read_bytes", "gauge", "Bytes", &[], bytes);
        }
        let bytes = totals.bytes_out.saturating_sub(before.bytes_out);
        sheet.add("glue.ALL.s3.filesystem.write_bytes", "gauge", "Bytes", &[], bytes);
    }

    fn observe(&self, sheet: &mut Sheet<'_>) {
        let ends = [("ObservabilityGroup", "error")];
        match self.state {
            RunState::Succeeded => sheet.add("glue.succeed.ALL", "count", "Count", &ends, 1),
            RunState::Failed | RunState::Timeout => sheet.add("glue.error.ALL", "count", "Count", &ends, 1),
            _ => {}
        }
        let Some(counted) = self.counted.as_ref().filter(|counted| counted.by_engine) else { return };
        let (totals, before) = (&counted.totals, &self.reported.totals);
        let group = ("ObservabilityGroup", "throughput");
        let source = [group, ("Source", ALL)];
        let since = |now: u64, before: u64| now.saturating_sub(before);
        sheet.add(
            "glue.driver.recordsRead",
            "gauge",
            "Count",
            &source,
            since(totals.rows_in, before.rows_in),
        );
        sheet.add(
            "glue.driver.bytesRead",
            "gauge",
            "Bytes",
            &source,
            since(totals.bytes_in, before.bytes_in),
        );
        sheet.add(
            "glue.driver.filesRead",
            "gauge",
            "Count",
            &source,
            since(totals.files_in, before.files_in),
        );
        // Ours: Glue does not count what it leaves out.
        let bad = since(totals.bad_records, before.bad_records);
        sheet.add("glue.driver.badRecords", "gauge", "Count", &source, bad);
        let sink = [group, ("Sink", ALL)];
        let rows = since(totals.rows_out, before.rows_out);
        sheet.add("glue.driver.recordsWritten", "gauge", "Count", &sink, rows);
        // AWS spells it so.
        let bytes = since(totals.bytes_out, before.bytes_out);
        sheet.add("glue.driver.bytesWrittten", "gauge", "Bytes", &sink, bytes);
        let files = since(totals.files_out, before.files_out);
        sheet.add("glue.driver.filesWritten", "gauge", "Count", &sink, files);
        if let Some(memory) = &counted.memory {
            let group = [("ObservabilityGroup", "resource_utilization")];
            sheet.add("glue.driver.memory.total.used", "gauge", "Bytes", &group, memory.most_bytes);
            #[expect(clippy::cast_precision_loss, reason = "a percentage")]
            let part = memory.most_bytes as f64 * 100.0 / memory.limit_bytes.max(1) as f64;
            sheet.put("glue.driver.memory.total.used.percentage", "gauge", "Percent", &group, part);
        }
    }
}

/// Reports what a run that was read in this transaction has done since the last report, and keeps that with the run.
/// Does nothing when the run wants no metrics.
pub(crate) async fn report(context: &Context, tx: &mut Tx, run: &mut Run) -> Result<(), JobsError> {
    let Some(sink) = &context.metrics else { return Ok(()) };
    let Some(input) = run::input(tx, &run.id).await? else { return Ok(()) };
    let wanted = Wanted::of(run.details.kind, &input.arguments);
    if !wanted.anything() {
        return Ok(());
    }
    let at_ms = tx.now_ms();
    let details = &run.details;
    let elapsed_ms = details.executed_ms + details.executing_ms(at_ms);
    let counted = if details.kind == RunKind::Graph { counted(context, run) } else { moved(context, run) };
    let now = Now { wanted, reported: details.reported, counted, elapsed_ms, state: details.state };
    let measured = now.measure(run);
    sink.put(tx, &run.scope, at_ms, &measured).await?;
    run.details.reported = now.reported.and(counted.unwrap_or_default(), elapsed_ms);
    run::keep(tx, run).await
}

fn counted(context: &Context, run: &Run) -> Option<Counted> {
    let Some(active) = context.shared.get(&run.id).filter(|active| active.counters.has_sources()) else {
        // Executed by another process, which may have left behind what it had counted.
        let totals = run.details.totals;
        let counted = Counted { by_engine: true, totals, object_bytes_in: None, memory: None };
        return (totals != Totals::default()).then_some(counted);
    };
    Some(Counted {
        by_engine: true,
        totals: active.counters.totals(),
        object_bytes_in: Some(active.counters.object_bytes_in()),
        memory: Some(active.engine.memory()),
    })
}

/// What the requests of a script that this process runs have moved; of a script elsewhere that is not known.
fn moved(context: &Context, run: &Run) -> Option<Counted> {
    let traffic = context.shared.get(&run.id)?.traffic;
    let totals = Totals { bytes_out: traffic.written(), ..Totals::default() };
    Some(Counted { by_engine: false, totals, object_bytes_in: Some(traffic.read()), memory: None })
}

/// Whether a run that has begun wants metrics.
pub(crate) async fn wanted(context: &Context, run: &Run) -> Result<Wanted, JobsError> {
    let mut tx = context.store.read().await?;
    let input = run::input(&mut tx, &run.id).await?;
    Ok(input.map_or_else(Wanted::default, |input| Wanted::of(run.details.kind, &input.arguments)))
}

/// Reports how far a run is that goes on. A report that fails is given up: the next one has all of it.
pub(crate) async fn report_progress(context: &Context, id: &str) {
    let report = || async {
        let mut tx = context.store.begin().await?;
        let Some(mut run) = run::load(&mut tx, id).await? else { return Ok(()) };
        if !matches!(run.details.state, RunState::Running | RunState::Stopping) {
            return Ok(());
        }
        report(context, &mut tx, &mut run).await?;
        tx.commit().await.map_err(JobsError::from)
    };
    if let Err(error) = retry::backoff(report).await {
        tracing::warn!(run = id, %error, "the metrics of a run could not be reported");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(rows_in: u64) -> Totals {
        Totals { rows_in, bytes_in: rows_in * 10, ..Totals::default() }
    }

    #[test]
    fn naming_an_argument_is_enough() {
        let of = |kind, pairs: &[(&str, &str)]| {
            let map = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let wanted = Wanted::of(kind, &map);
            (wanted.profile, wanted.observability)
        };
        assert_eq!(of(RunKind::Graph, &[]), (false, false));
        assert_eq!(of(RunKind::Graph, &[("--enable-metrics", "")]), (true, false));
        assert_eq!(of(RunKind::Etl, &[("--enable-observability-metrics", "TRUE")]), (false, true));
        assert_eq!(of(RunKind::Etl, &[("--enable-metrics", " FALSE ")]), (false, false));
        assert_eq!(of(RunKind::PythonShell, &[("--enable-metrics", "true")]), (false, false));
    }

    #[test]
    fn counts_that_begin_anew_are_not_reported_twice() {
        let counted =
            |rows| Counted { totals: totals(rows), object_bytes_in: Some(rows), ..Counted::default() };
        let mut reported = Reported::default();
        let mut rows = 0;
        for (now, elapsed_ms) in [(100, 30), (50, 60), (120, 90)] {
            rows += totals(now).rows_in.saturating_sub(reported.totals.rows_in);
            reported = reported.and(counted(now), elapsed_ms);
        }
        assert_eq!((rows, reported.totals, reported.elapsed_ms), (120, totals(120), 90));
    }
}
