//! What planning a transform is given and leaves behind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::LogicalPlan;
use engine::Session;

use super::fill::Model;
use super::{Accused, PlanError};
use crate::graph::{FieldPath, Node};

/// Fields that a node chose after a look at its rows, each with what it saw there.
pub(crate) type Choice = Vec<(FieldPath, Vec<&'static str>)>;

/// What the nodes of a run have decided after a look at their input, so that all targets see one decision.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    made: Mutex<BTreeMap<String, Choice>>,
    learned: Mutex<BTreeMap<String, Arc<Model>>>,
    tables: Mutex<BTreeMap<String, Vec<DataFrame>>>,
    names: Mutex<BTreeMap<String, Vec<String>>>,
}

impl Decisions {
    /// What the node has decided before.
    pub(crate) fn of(&self, node: &Node) -> Option<Choice> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&node.id).cloned()
    }

    /// Notes a decision.
    pub(crate) fn make(&self, node: &Node, choice: &Choice) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(node.id.clone(), choice.clone());
    }

    /// What the node has learned before.
    pub(super) fn model(&self, node: &Node) -> Option<Arc<Model>> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).get(&node.id).cloned()
    }

    /// Notes what a node has learned.
    pub(super) fn learn(&self, node: &Node, model: &Arc<Model>) {
        self.learned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(node.id.clone(), Arc::clone(model));
    }

    /// The tables that the node has made before.
    pub(super) fn tables(&self, node: &Node) -> Option<Vec<DataFrame>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).get(&node.id).cloned()
    }

    /// Keeps the tables that a node has made.
    pub(super) fn keep(&self, node: &Node, tables: &[DataFrame]) {
        let mut kept = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(node.id.clone(), tables.to_vec());
    }

    /// The columns that the node has found it makes.
    pub(super) fn names(&self, node: &Node) -> Option<Vec<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&node.id).cloned()
    }

    /// Notes the columns that a node makes.
    pub(super) fn note_names(&self, node: &Node, names: &[String]) {
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(node.id.clone(), names.to_vec());
    }

    /// Forgets everything, because the sources have more columns now.
    pub(crate) fn begin_again(&self) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The planning of one node.
pub(crate) struct Planning<'a> {
    /// The node as errors name it.
    pub(crate) accused: Accused,
    /// Those of the run.
    pub(crate) decisions: &'a Decisions,
    /// Lines for the run's log.
    pub(crate) notes: Vec<String>,
    /// Lines for it that somebody should see.
    pub(crate) warnings: Vec<String>,
    /// The plans that were run.
    pub(crate) looks: Vec<LogicalPlan>,
    /// Whether any may be.
    pub(crate) may_look: bool,
    /// Whether what the node gives is read more than once, and has to be the same each time.
    pub(crate) is_shared: bool,
}

impl<'a> Planning<'a> {
    /// The planning of a node that may look at its rows.
    pub(crate) fn new(accused: Accused, decisions: &'a Decisions) -> Self {
        Self {
            accused,
            decisions,
            notes: Vec::new(),
            warnings: Vec::new(),
            looks: Vec::new(),
            may_look: true,
            is_shared: false,
        }
    }

    /// The planning of a node of which no row is computed: one that has to look at them fails with `Unseen`.
    pub(crate) fn without_looks(accused: Accused, decisions: &'a Decisions) -> Self {
        Self { may_look: false, ..Self::new(accused, decisions) }
    }
}

impl Planning<'_> {
    /// Runs a frame of few rows, to know of the node's input what its plan depends on.
    pub(super) async fn look(
        &mut self,
        session: &Session,
        frame: DataFrame,
    ) -> Result<Vec<RecordBatch>, PlanError> {
        if !self.may_look {
            return Err(PlanError::Unseen);
        }
        self.looks.push(frame.logical_plan().clone());
        Ok(session.collect(frame).await?.0)
    }
}
