//! Executes one run of a graph: sources, plan, staged output, and one transaction that publishes everything.
//!
//! ```text
//! list sources ─► leave out what the bookmark knows ─► plan per target ─► staged files (invisible)
//!                                                                             │
//!      one transaction: lease checked, objects, tables, partitions, bookmark, run SUCCEEDED
//! ```
//!
//! Up to the commit of that transaction nothing of the run can be seen; a run that fails, is stopped,
//! or dies with its process leaves staged bytes that the lake removes. After it everything can.
//!
//! Rows for databases outside are staged there and land after that transaction, which decides it ([`outside`]).
//!
//! A target's plan reads its sources anew, so a graph with several targets reads a shared source once
//! for each. All of them read the same listed objects; an object that was replaced since makes the run
//! fail rather than read one thing and bookmark another.

mod again;
mod apart;
mod asked;
mod bounded;
mod counters;
mod databases;
mod delta;
pub(crate) mod explain;
mod failure;
mod frames;
mod iceberg;
mod lineage;
mod opened;
mod outside;
mod partitions;
mod publish;
mod quality;
mod reconcile;
mod registered;
mod rejects;
mod sources;
mod target;
mod upsert;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::write::{self, Output};
use engine::{BadRecordPolicy, Session, SessionOptions, SqlDialect};
use formats::Strictness;
use futures::FutureExt as _;
use store::crash;
use store::lease::Lease;

pub(crate) use apart::write_apart;
pub(crate) use counters::{Counters, Reading, SourceCount};
pub(crate) use failure::RunFailure;
pub(crate) use outside::{DELIVERED, resume, throw_away};
pub(crate) use publish::published;
pub(crate) use target::formats_of;
pub(crate) use writer::Writer;

use crate::arguments::{BookmarkOption, Options};
use crate::bookmark::Window;
use crate::definition::workers::Capacity;
use crate::graph::{Destination, Graph, Node, NodeKind, Target};
use crate::jobs::Active;
use crate::log::RunLog;
use crate::plan;
use crate::run::{self, Run};
use crate::service::Context;
use asked::Asked;
use frames::{paths_to, plan_target};
use sources::Source;
use target::Resolved;

/// Before anything is written.
pub(crate) const BEFORE_STAGING: &str = "jobs.run.before_staging";
/// All output is staged, nothing published.
pub(crate) const AFTER_STAGING: &str = "jobs.run.after_staging";
/// All changes are in the transaction, which is not committed.
pub(crate) const BEFORE_COMMIT: &str = "jobs.run.before_commit";
/// The transaction is committed, nobody was told.
pub(crate) const AFTER_COMMIT: &str = "jobs.run.after_commit";

/// How often a run begins its work anew because others have changed a table whose rows it replaces.
const MAX_OVERTAKEN: usize = 12;

/// What stays the same over one run.
pub(crate) struct Task<'a> {
    pub(crate) context: &'a Context,
    pub(crate) run: &'a Run,
    pub(crate) lease: &'a Lease,
    pub(crate) log: &'a RunLog,
    pub(crate) counters: &'a Counters,
    pub(crate) session: Session,
    pub(crate) options: Options,
    pub(crate) graph: Graph,
    /// The bookmark's version that the run was planned from.
    pub(crate) planned_version: i64,
    pub(crate) window: Window,
    /// Which node raised an error while rows flow.
    pub(crate) blame: plan::Blame,
    /// What nodes that evaluate rules have found.
    pub(crate) quality: quality::Found,
    /// What nodes have decided after a look at their input.
    pub(crate) decisions: plan::Decisions,
    /// Tables that queries name.
    pub(crate) named: lineage::Named,
}

impl<'a> Task<'a> {
    fn new(
        context: &'a Context,
        run: &'a Run,
        lease: &'a Lease,
        log: &'a RunLog,
        active: &'a Active,
        asked: Asked,
    ) -> Self {
        let Asked { graph, options, planned_version, window } = asked;
        Self {
            context,
            run,
            lease,
            log,
            counters: &active.counters,
            session: session(context, run, active, &options),
            options,
            graph,
            planned_version,
            window,
            blame: plan::Blame::default(),
            quality: quality::Found::default(),
            decisions: plan::Decisions::default(),
            named: lineage::Named::default(),
        }
    }
}

/// The staged output of one target.
pub(crate) struct Written {
    pub(crate) node: Node,
    pub(crate) resolved: Resolved,
    pub(crate) output: Output,
}

/// The staged output of all targets.
#[derive(Default)]
pub(crate) struct Staged {
    written: Vec<Written>,
    outside: Vec<outside::Outside>,
}

/// Executes the run; `Ok` means that it is published and SUCCEEDED.
pub(crate) async fn execute(
    context: &Context,
    run: &Run,
    lease: &Lease,
    active: &Active,
    log: &RunLog,
) -> Result<(), RunFailure> {
    if let Some(events) = &context.events {
        events.begun(run, context.store.clock().now_ms());
    }
    let task = open(context, run, lease, active, log).await?;
    rejects::check(&task).await?;
    crash::point(BEFORE_STAGING);
    let mut sources = BTreeMap::new();
    for node in task.graph.needed() {
        if node.kind.is_source() {
            sources.insert(node.id.clone(), sources::prepare(&task, node).await?);
        }
    }
    let mut overtaken = 0;
    loop {
        let staged = match stage_all(&task, &sources).boxed().await {
            Ok(staged) => staged,
            Err(failure) => {
                again::look(&task, &mut sources, failure).await?;
                continue;
            }
        };
        task.report_sources();
        crash::point(AFTER_STAGING);
        if active.cancel.is_cancelled() {
            return Err(RunFailure::Cancelled);
        }
        log.flush().await;
        match publish::publish(&task, &mut sources, staged).boxed().await {
            Err(failure @ RunFailure::Overtaken { .. }) if overtaken < MAX_OVERTAKEN => {
                overtaken += 1;
                log.info(format!("{failure}; the run begins its work anew on what it is now"));
                again::begin(&task, &mut sources);
            }
            ended => return ended,
        }
    }
}

async fn open<'a>(
    context: &'a Context,
    run: &'a Run,
    lease: &'a Lease,
    active: &'a Active,
    log: &'a RunLog,
) -> Result<Task<'a>, RunFailure> {
    let mut tx = context.store.read().await?;
    let input = run::input(&mut tx, &run.id).await?.ok_or(RunFailure::Gone)?;
    let asked = Asked::of(&mut tx, &run.incarnation, input.graph()?, &input.arguments).await?;
    drop(tx);
    let task = Task::new(context, run, lease, log, active, asked);
    task.greet();
    Ok(task)
}

fn session(context: &Context, run: &Run, active: &Active, options: &Options) -> Session {
    let policy = if options.max_bad_records > 0 { BadRecordPolicy::Skip } else { BadRecordPolicy::Fail };
    let sources = engine::Sources {
        store: context.store.clone(),
        lake: context.lake.clone(),
        scope: run.scope.clone(),
    };
    let options = SessionOptions {
        cancel: active.cancel.clone(),
        on_bad_record: policy,
        strictness: Strictness::EvenRows,
        dialect: SqlDialect::Spark,
        ..SessionOptions::default()
    };
    active.engine.session(sources, options)
}

async fn stage_all(task: &Task<'_>, sources: &BTreeMap<String, Source>) -> Result<Staged, RunFailure> {
    quality::evaluate(task, sources).await?;
    let mut staged = Staged::default();
    for (index, (node, target)) in task.graph.targets().enumerate() {
        match &target.destination {
            Destination::Database(to) => {
                staged.outside.push(Box::pin(outside::stage(task, sources, index, node, to)).await?);
            }
            _ => {
                let written = Box::pin(stage(task, sources, index, (node, target), &staged.written)).await?;
                staged.written.push(written);
            }
        }
    }
    Ok(staged)
}

/// Plans and stages one target, besides `others`.
async fn stage(
    task: &Task<'_>,
    sources: &BTreeMap<String, Source>,
    index: usize,
    (node, target): (&Node, &Target),
    others: &[Written],
) -> Result<Written, RunFailure> {
    let frame = plan_target(task, sources, node).await?;
    let frame = plan::sample(frame, &node.kind).map_err(|error| RunFailure::node(node, error))?;
    let schema = Arc::clone(frame.schema().inner());
    let resolved = target::resolve(task, node, target, &schema).await?;
    for other in others {
        resolved.refuse_shared(node, other)?;
    }
    let accused = task.blame.accuse(&name_of(node));
    let frame = resolved.conform(frame, &accused).map_err(|error| RunFailure::node(node, error))?;
    for note in &resolved.notes {
        task.log.info(format!("{}: {note}", name_of(node)));
    }
    let spec = resolved.spec(task, index);
    task.log.info(format!("{}: writing to {}", name_of(node), resolved.location()));
    let written = write::write_partitioned(&task.session, frame, &spec).await;
    let output = written.map_err(|error| task.blame(sources, node, error))?;
    let bad = task.counters.totals().bad_records;
    if bad > task.options.max_bad_records {
        return Err(task.too_many_bad(bad));
    }
    task.log.info(format!(
        "{}: {} rows, {} bytes in {} files, {} partitions staged",
        name_of(node),
        output.rows,
        output.bytes,
        output.files.len(),
        output.partitions().len()
    ));
    Ok(Written { node: node.clone(), resolved, output })
}

/// How a node is named in logs and messages.
pub(crate) fn name_of(node: &Node) -> String {
    if node.name == node.id {
        format!("{} {}", node.label, node.id)
    } else {
        format!("{} {} ({})", node.label, node.id, node.name)
    }
}

/// Whether an error is about values, not about files, memory or the store.
fn is_computed(error: &engine::EngineError) -> bool {
    use engine::EngineError::{Execution, InvalidCast, OutOfRange, Plan, Unsupported};
    matches!(
        error,
        Execution { .. } | InvalidCast { .. } | OutOfRange { .. } | Plan { .. } | Unsupported { .. }
    )
}

impl Task<'_> {
    fn greet(&self) {
        let details = &self.run.details;
        self.log.info(format!(
            "job {} run {} attempt {} begins: {} nodes, bookmark {}",
            details.job,
            self.run.id,
            details.attempt,
            self.graph.needed().count(),
            match &self.options.bookmark {
                BookmarkOption::Enable => "enabled",
                BookmarkOption::Disable => "disabled",
                BookmarkOption::Pause { .. } => "paused",
            }
        ));
        let (units, limits) = (Capacity::of(&details.echo).units, self.session.engine().options());
        let (bytes, threads) = (limits.memory_bytes, limits.threads);
        self.log.info(format!("workers: {units} DPU; at most {bytes} bytes of memory, threads: {threads}"));
        for node in self.graph.needed() {
            let inputs = if node.inputs.is_empty() {
                String::new()
            } else {
                format!(" <- {}", node.inputs.join(", "))
            };
            self.log.info(format!("plan: {}{inputs}", name_of(node)));
        }
        for node in self.graph.unused() {
            self.log.info(format!("plan: {} is not read by any target and does nothing", name_of(node)));
        }
    }

    fn report_sources(&self) {
        for source in self.counters.sources() {
            let counts = source.counts();
            self.log.info(format!(
                "{}: {} rows in from {} files, {} bytes read, {} bad records left out",
                source.name, counts.rows, counts.files, counts.bytes, counts.bad_records
            ));
            for example in source.examples() {
                self.log.error(format!("{}: bad record left out: {example}", source.name));
            }
        }
        let elapsed = self.run.details.executing_ms(self.context.store.clock().now_ms());
        self.log.progress(&self.counters.progress(u64::try_from(elapsed).unwrap_or(0)));
    }

    /// Finds the node that an error of execution belongs to: the one whose function raised it, the source of the file
    /// that it names, else the target.
    fn blame(
        &self,
        sources: &BTreeMap<String, Source>,
        target: &Node,
        error: engine::EngineError,
    ) -> RunFailure {
        if matches!(error, engine::EngineError::Cancelled) {
            return RunFailure::Cancelled;
        }
        if let Some(raised) = self.blame.of(&error) {
            return RunFailure::Node { node: raised.to_string(), error: error.into() };
        }
        let file = match &error {
            engine::EngineError::Format(format) => Some(format.place.source.clone()),
            engine::EngineError::File { file, .. } | engine::EngineError::ObjectMissing { file } => {
                Some(file.clone())
            }
            _ => None,
        };
        let source = file.and_then(|file| sources.values().find(|source| source.reads(&file)));
        if let Some(node) = source.and_then(|source| self.graph.node(&source.node)) {
            return RunFailure::node(node, error.into());
        }
        match self.computing(target) {
            Some(node) if is_computed(&error) => RunFailure::Node { node, error: error.into() },
            _ => RunFailure::node(target, error.into()),
        }
    }

    /// The nodes before a target that may fail on a row's values: only SQL can, beyond what names itself (a subquery
    /// that gives several rows).
    fn computing(&self, target: &Node) -> Option<String> {
        let paths = paths_to(&self.graph, target);
        let nodes = self.graph.needed().filter(|node| paths.contains(node.id.as_str()));
        let names: Vec<String> =
            nodes.filter(|node| matches!(node.kind, NodeKind::Sql { .. })).map(name_of).collect();
        (!names.is_empty()).then(|| names.join(" or "))
    }

    fn too_many_bad(&self, found: u64) -> RunFailure {
        let examples = self.counters.sources().iter().flat_map(|source| source.examples()).collect();
        RunFailure::BadRecords { found, allowed: self.options.max_bad_records, examples }
    }
}
