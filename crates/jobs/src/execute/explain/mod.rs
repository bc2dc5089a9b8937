//! What a run of a graph would do, without doing it: each node with its columns, sources with what they hold and what the
//! bookmark leaves out, targets with what their tables say to what they would get.
//!
//! It goes the way of a run as far as planning goes: objects are listed, samples of files are read for their columns, queries
//! are planned. No row is computed, nothing is written, no lease is taken. A node whose columns depend on its rows
//! (DropNullFields, some of PIIDetection) says so, and those behind it are described without columns. A problem is told
//! at its node; the others are explained all the same.

mod condition;
mod describe;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::dataframe::DataFrame;
use formats::hive::HiveType;
use serde::Serialize;
use store::Scope;
use store::lease::Lease;

use super::sources::{self, Source};
use super::{Asked, RunFailure, Task, outside, quality, target};
use crate::arguments::{ArgumentMap, BookmarkOption, merge};
use crate::graph::{Destination, Node, NodeKind};
use crate::jobs::Active;
use crate::log::{BoxError, Logs, RunLog};
use crate::plan::{self, PlanError};
use crate::run::Run;
use crate::service::Context;
use crate::{JobsError, definition};

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as Hive writes it.
    pub r#type: String,
}

/// How much a source has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Files {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What a source has, and what a run would read of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SourceFiles {
    /// Everything there is.
    pub listed: Files,
    /// What would be read.
    pub to_read: Files,
    /// Files that the bookmark leaves out.
    pub left_out: u64,
    /// Files to read that an earlier run has read when they had other bytes.
    pub rewritten: u64,
    /// Files that the source's bounds leave for later runs.
    pub out_of_bounds: u64,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeExplained {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its kind as AWS writes it.
    pub r#type: String,
    /// The ids of the nodes that it reads.
    pub inputs: Vec<String>,
    /// What it does, in a line.
    pub detail: String,
    /// What it has, when it is a source of files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceFiles>,
    /// Its columns; of a collection of frames those of each. Empty when they are not known.
    pub columns: Vec<Vec<Column>>,
    /// What a run's log would say of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Why a run would fail at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Explained {
    /// The job.
    pub job_name: String,
    /// `engine`, or `script` when a node is Python of the user's.
    pub runs_as: String,
    /// `enabled`, `disabled` or `paused`.
    pub bookmark: String,
    /// The version of the bookmark; 0 when there is none.
    pub bookmark_version: i64,
    /// The nodes, each after those that it reads.
    pub nodes: Vec<NodeExplained>,
    /// The ids of nodes that no target reads.
    pub unused: Vec<String>,
}

/// What would go to a run's log.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Logs for Notes {
    async fn append(&self, _: &Scope, _: &str, _: &str, messages: &[(i64, String)]) -> Result<(), BoxError> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend(messages.iter().map(|(_, line)| line.clone()));
        Ok(())
    }
}

/// What a run would be asked to do, and the run that it would be.
async fn given(
    context: &Context,
    scope: &Scope,
    name: &str,
    arguments: Option<&ArgumentMap>,
) -> Result<(Asked, Run), JobsError> {
    let mut tx = context.store.read().await?;
    let job = definition::get(&mut tx, scope, name).await?;
    let Some(graph) = job.spec.graph()? else {
        return Err(JobsError::invalid(format!(
            "job {name} has no visual graph: what its script does is not known"
        )));
    };
    let fixed = job.spec.non_overridable_arguments.as_ref();
    let arguments = merge(job.spec.default_arguments.as_ref(), arguments, fixed);
    let asked = Asked::of(&mut tx, &job.incarnation, graph, &arguments).await?;
    Ok((asked, Run::imagined(&job, scope, tx.now_ms())))
}

/// Explains what a run of the job with these arguments would do.
///
/// # Errors
/// `JobNotFound`; `InvalidInput` for a job without a graph, and for arguments that mean nothing.
pub(crate) async fn explain(
    context: &Context,
    scope: &Scope,
    name: &str,
    arguments: Option<&ArgumentMap>,
) -> Result<Explained, JobsError> {
    let (asked, run) = given(context, scope, name, arguments).await?;
    let notes = Arc::new(Notes::default());
    let log = RunLog::new(Arc::clone(&notes) as _, context.store.clock().clone(), &run);
    let active = Active::new(&context.engine, &run);
    let lease = Lease { name: run.lease_name(), holder: String::new(), fence: 0, ttl_ms: 0 };
    let task = Task::new(context, &run, &lease, &log, &active, asked);
    let nodes = Box::pin(nodes(&task, &notes)).await?;
    let unused = task.graph.unused().map(|node| node.id.clone()).collect();
    let bookmark = match &task.options.bookmark {
        BookmarkOption::Enable => "enabled",
        BookmarkOption::Disable => "disabled",
        BookmarkOption::Pause { .. } => "paused",
    };
    Ok(Explained {
        job_name: run.details.job.clone(),
        runs_as: if task.graph.is_python() { "script" } else { "engine" }.to_owned(),
        bookmark: bookmark.to_owned(),
        bookmark_version: task.planned_version,
        nodes,
        unused,
    })
}

/// The frames of a node; `None` when they are not known.
type Frames = Option<Vec<DataFrame>>;

async fn nodes(task: &Task<'_>, notes: &Notes) -> Result<Vec<NodeExplained>, JobsError> {
    let mut frames: BTreeMap<&str, Frames> = BTreeMap::new();
    let mut explained = Vec::new();
    for node in task.graph.needed() {
        let mut own = NodeExplained {
            id: node.id.clone(),
            name: node.name.clone(),
            r#type: node.label.to_owned(),
            inputs: node.inputs.clone(),
            detail: describe::node(node),
            source: None,
            columns: Vec::new(),
            notes: Vec::new(),
            problem: None,
        };
        let known = match Box::pin(plan_node(task, node, &frames, &mut own)).await {
            Ok(known) => known,
            Err(RunFailure::Store(error)) => return Err(error.into()),
            Err(RunFailure::Jobs(error)) => return Err(error),
            Err(failure) => {
                own.problem = Some(failure.to_string());
                None
            }
        };
        if let Some(known) = &known {
            own.columns = known.iter().map(columns).collect();
        }
        task.log.flush().await;
        own.notes.extend(notes.take());
        frames.insert(&node.id, known);
        explained.push(own);
    }
    Ok(explained)
}

/// The frames that a node gives; a target's are what it writes.
async fn plan_node(
    task: &Task<'_>,
    node: &Node,
    frames: &BTreeMap<&str, Frames>,
    own: &mut NodeExplained,
) -> Result<Frames, RunFailure> {
    if node.kind.is_source() {
        let source: Source = sources::prepare(task, node).await?;
        own.source = source.files();
        let (frame, _) = source.frame(task, node).await?;
        return Ok(Some(vec![frame]));
    }
    if node.kind.is_python() {
        own.notes.push("it is Python of the user's: what it gives is not known before it runs".to_owned());
        return Ok(None);
    }
    let mut inputs = Vec::new();
    for input in &node.inputs {
        match frames.get(input.as_str()) {
            Some(Some(known)) => inputs.extend(known.iter().cloned()),
            _ => return Ok(None),
        }
    }
    let planned = match &node.kind {
        NodeKind::Quality(own) => {
            let planned = quality::frames(task, node, own, inputs, None).await;
            planned.map_err(|error| RunFailure::node(node, error))?
        }
        NodeKind::Target(_) => inputs,
        _ => {
            let mut planning = plan::Planning::without_looks(task.blame.accuse(&node.id), &task.decisions);
            let planned = plan::transform(&task.session, node, inputs, &mut planning).await;
            own.notes.append(&mut planning.notes);
            match planned {
                Err(PlanError::Unseen) => {
                    own.notes.push(PlanError::Unseen.to_string());
                    return Ok(None);
                }
                planned => planned.map_err(|error| RunFailure::node(node, error))?,
            }
        }
    };
    if let (Some(wanted), Some(frame)) = (node.kind.target(), planned.first()) {
        let schema = Arc::clone(frame.schema().inner());
        if let Destination::Database(to) = &wanted.destination {
            own.notes.push(outside::look(task, node, to, &schema).await?);
            return Ok(Some(planned));
        }
        let resolved = target::resolve(task, node, wanted, &schema).await?;
        own.notes.extend(resolved.notes.iter().cloned());
        if matches!(node.kind, NodeKind::Target(_)) {
            let accused = task.blame.accuse(&node.id);
            let frame = resolved.conform(frame.clone(), &accused);
            let frame = frame.map_err(|error| RunFailure::node(node, error))?;
            return Ok(Some(vec![frame]));
        }
    }
    Ok(Some(planned))
}

fn columns(frame: &DataFrame) -> Vec<Column> {
    let fields = frame.schema().fields().iter();
    fields
        .map(|field| {
            let hive = HiveType::from_arrow(field.data_type());
            let r#type = hive.map_or_else(|_| field.data_type().to_string(), |hive| hive.to_string());
            Column { name: field.name().clone(), r#type }
        })
        .collect()
}
