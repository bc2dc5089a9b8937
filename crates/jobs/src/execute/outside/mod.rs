//! Targets in databases outside, whose transactions are not ours.
//!
//! ```text
//! run:    plan ─► rows staged beside the target, and committed there ─► landed, in a transaction of the database that
//!                                                                       stays open: every constraint has spoken
//! then:   our transaction: files, catalog, bookmark, and the decision that the staged rows land
//! then:   the database's transaction is committed ─► our second one: the run is SUCCEEDED
//! ```
//!
//! What decides is our transaction alone. What a crash leaves:
//!
//! - before it is committed: nothing of the run is seen anywhere. The database takes the landing back; its staging table is
//!   taken away by the recovery of the run, or by the next run that writes through the connection (MySQL, whose tables know
//!   no transactions: a target that was missing is there, and empty);
//! - between the two commits: all else is published, the run is RUNNING, its rows wait in the staging table. Recovery lands
//!   them ([`resume`]), once: what says that they wait goes with them ([`sources::jdbc::Landing`]);
//! - after both: the run is RUNNING until recovery has seen that the rows have landed.
//!
//! A database that cannot be reached is asked again until the run's timeout is over, or somebody asks to stop the run; one
//! that refuses the rows by then, though it took them before the decision, is not. Either way the run is FAILED, its
//! message names the staging table, and that stays.

mod deliver;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::datatypes::Schema;
use engine::EngineError;
use sources::jdbc::Database;

pub(crate) use deliver::{DELIVERED, deliver, land, resume, throw_away};

use super::databases;
use super::frames::plan_target;
use super::sources::Source;
use super::target::refuse_alike;
use super::{RunFailure, Task, lineage, name_of};
use crate::delivery::{self, Delivery, Whose};
use crate::graph::{DatabaseTarget, Node};
use crate::jdbc::{Load, shape};
use crate::lineage::Dataset;
use crate::plan::PlanError;

/// Rows of a target that are staged in its database.
pub(crate) struct Outside {
    pub(crate) delivery: Delivery,
    /// What logs call the table.
    pub(crate) label: String,
    /// What lineage says of it.
    pub(crate) dataset: Dataset,
}

fn refused(node: &Node, what: impl Into<String>) -> RunFailure {
    RunFailure::node(node, PlanError::Refused(what.into()))
}

/// Plans a target and stages its rows.
pub(super) async fn stage(
    task: &Task<'_>,
    sources: &BTreeMap<String, Source>,
    index: usize,
    node: &Node,
    to: &DatabaseTarget,
) -> Result<Outside, RunFailure> {
    let frame = plan_target(task, sources, node).await?;
    let schema = Arc::clone(frame.schema().inner());
    refuse_alike(node, &schema)?;
    let goal = databases::goal(task, node, to).await?;
    throw_away(task.context, &task.run.scope, Whose::Connection(&goal.connection)).await;
    let failed = |error: sources::SourceError| refused(node, format!("{}: {error}", goal.label));
    let mut database = Database::open(&goal.config).await.map_err(failed)?;
    database.begin_writing().await.map_err(failed)?;
    let run = task.run;
    let staging = delivery::staging(&run.id, run.details.attempt, task.lease.fence, index);
    let shaped = shape(&mut database, &goal.table(), &schema, staging).await;
    let (landing, fits) = shaped.map_err(|what| refused(node, what))?;
    let delivery = Delivery {
        node: name_of(node),
        connection: goal.connection.clone(),
        database: goal.config.database.clone(),
        landing: landing.clone(),
    };
    let mut tx = task.context.store.begin().await?;
    delivery::intend(&mut tx, run, &delivery).await?;
    tx.commit().await?;
    database.stage(&landing).await.map_err(failed)?;
    let made = if landing.creates { ", which is made" } else { "" };
    task.log.info(format!("{}: writing to {}{made}", name_of(node), goal.label));
    let stats = task.counters.target();
    let blamed = |error: EngineError| task.blame(sources, node, error);
    let execution = task.session.execute(frame).await.map_err(blamed)?;
    let place = format!("writing to {}", goal.label);
    let load = Load { database, landing, fits, place, stats: Arc::clone(&stats) };
    let session = &task.session;
    session.engine().run(session.cancel_token(), load.run(execution)).await.map_err(blamed)?;
    let bad = task.counters.totals().bad_records;
    if bad > task.options.max_bad_records {
        return Err(task.too_many_bad(bad));
    }
    let rows = stats.rows.load(Ordering::Relaxed);
    task.log.info(format!("{}: {rows} rows staged", name_of(node)));
    let dataset = lineage::outside_of(node, to, goal.address(), rows);
    Ok(Outside { delivery, label: goal.label, dataset })
}

/// Says what would become of rows of a frame, as far as its columns tell; stages none.
pub(super) async fn look(
    task: &Task<'_>,
    node: &Node,
    to: &DatabaseTarget,
    frame: &Schema,
) -> Result<String, RunFailure> {
    refuse_alike(node, frame)?;
    let goal = databases::goal(task, node, to).await?;
    let opened = Database::open(&goal.config).await;
    let mut database = opened.map_err(|error| refused(node, format!("{}: {error}", goal.label)))?;
    let shaped = shape(&mut database, &goal.table(), frame, String::new()).await;
    database.close().await;
    let (landing, _) = shaped.map_err(|what| refused(node, what))?;
    Ok(match landing.creates {
        true => format!("the table {} is missing and would be made", goal.label),
        false => format!("rows would be added to {}", goal.label),
    })
}
