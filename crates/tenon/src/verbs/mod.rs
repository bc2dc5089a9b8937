//! The verbs of the command line: thin clients of a running server. Each parses its arguments into a struct, runs, and
//! answers an [`Outcome`], which is the exit code.
//!
//! Results go to standard output; progress and remarks to standard error, and only when that is a terminal, so that
//! pipes carry results alone. `--json` is on every verb.

pub(crate) mod bookmark;
pub(crate) mod capabilities;
pub(crate) mod config;
pub(crate) mod crawl;
pub(crate) mod crawl_plan;
pub(crate) mod env;
pub(crate) mod explain;
pub(crate) mod job;
pub(crate) mod lineage;
mod members;
mod output;
pub(crate) mod progress;
pub(crate) mod python;
pub(crate) mod script;
pub(crate) mod sql;
pub(crate) mod status;

pub(crate) use output::{print, remark};

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What was asked for was done.
    Succeeded,
    /// It was tried and failed; also when the server cannot be reached.
    Failed,
    /// Somebody stopped or cancelled it.
    Stopped,
    /// It took longer than it may.
    TimedOut,
}

impl Outcome {
    /// The exit code. 2 is for wrong arguments and configuration.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::Failed => 1,
            Self::Stopped => 3,
            Self::TimedOut => 4,
        }
    }
}
