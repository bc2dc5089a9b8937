//! The operation tables that faces hand to [`crate::Wire`].
//!
//! A face is one model's operations over one state; several faces may serve one model (Glue's catalog,
//! crawlers and jobs) as long as no operation appears twice. Handlers are plain functions:
//!
//! ```
//! use wire::{Call, Fault, Fields, Operation, Reply, Service};
//!
//! struct State;
//!
//! async fn get_caller_identity(_state: &State, call: Call) -> Result<Reply, Fault> {
//!     Ok(Reply::from(serde_json::json!({ "Account": call.scope_account })))
//! }
//!
//! const OPERATIONS: &[Operation<State>] = &[Operation {
//!     name: "GetCallerIdentity",
//!     fields: Fields { acts: &[], refused: &[], ignored: &[] },
//!     run: |state, call| Box::pin(get_caller_identity(state, call)),
//! }];
//!
//! let face = Service { model: "sts", state: State, operations: OPERATIONS };
//! ```

use futures::future::BoxFuture;

use crate::{Call, Fault, Reply};

/// What an operation does with the members of its request. Members that are in no list are *stored*:
/// kept and returned, without further effect.
///
/// A name is a member of the request, or a dotted path into it (`Targets.JdbcTargets`; lists are
/// passed through).
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields {
    /// Members that have an effect.
    pub acts: &'static [&'static str],
    /// Members that are refused when present (and not an empty list or map), each with the reason.
    pub refused: &'static [(&'static str, &'static str)],
    /// Members that are accepted and dropped, each with the reason why the answer is right all the same.
    pub ignored: &'static [(&'static str, &'static str)],
}

/// A built operation of a service with state `S`.
pub struct Operation<S: 'static> {
    /// Name as in the model.
    pub name: &'static str,
    /// What it does with its request members.
    pub fields: Fields,
    /// The handler.
    pub run: for<'a> fn(&'a S, Call) -> BoxFuture<'a, Result<Reply, Fault>>,
}

/// A model's operations over a state.
pub struct Service<S: 'static> {
    /// Name of the model, such as `glue`.
    pub model: &'static str,
    /// What handlers work on.
    pub state: S,
    /// The built operations; every other one of the model answers that it is not built.
    pub operations: &'static [Operation<S>],
}

/// One row of a face's table, without its handler.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Operation name.
    pub name: &'static str,
    /// What it does with its request members.
    pub fields: Fields,
}

/// A [`Service`] of any state.
pub trait Face: Send + Sync + 'static {
    /// Name of the model.
    fn model(&self) -> &'static str;

    /// The table, in a fixed order.
    fn entries(&self) -> Vec<Entry>;

    /// Runs the operation at `index` of [`Face::entries`]; an index out of range is an internal fault.
    fn run(&self, index: usize, call: Call) -> BoxFuture<'_, Result<Reply, Fault>>;
}

impl<S: Send + Sync + 'static> Face for Service<S> {
    fn model(&self) -> &'static str {
        self.model
    }

    fn entries(&self) -> Vec<Entry> {
        self.operations
            .iter()
            .map(|operation| Entry { name: operation.name, fields: operation.fields })
            .collect()
    }

    fn run(&self, index: usize, call: Call) -> BoxFuture<'_, Result<Reply, Fault>> {
        match self.operations.get(index) {
            Some(operation) => (operation.run)(&self.state, call),
            None => Box::pin(async move { Err(Fault::internal(format!("no operation {index}"))) }),
        }
    }
}
