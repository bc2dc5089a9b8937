//! The commands about jobs and their bookmarks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use super::ServerArgs;
use crate::verbs::{self, Outcome, bookmark, job};

#[derive(Debug, Subcommand)]
pub(crate) enum JobAction {
    /// Starts a run. With --watch, exit code: 0 succeeded, 1 failed, 3 stopped, 4 timed out.
    Run {
        /// Name of the job.
        name: String,
        /// Follows the run's log until it ends.
        #[arg(long)]
        watch: bool,
        /// Argument of the run, such as --argument day=2026-01-01; may be repeated.
        #[arg(long = "argument", value_name = "KEY=VALUE", value_parser = job::argument)]
        arguments: Vec<(String, String)>,
        #[command(flatten)]
        server: ServerArgs,
        /// Prints JSON; the log then goes to standard error.
        #[arg(long)]
        json: bool,
    },
    /// Says what a run would do: nodes with their columns, sources with their files, what the bookmark leaves out. Runs nothing.
    /// Exit code 1 when a run would fail, as far as that is known.
    Explain {
        /// Name of the job.
        name: String,
        /// Argument of the run, such as --argument job-bookmark-option=job-bookmark-disable; may be repeated.
        #[arg(long = "argument", value_name = "KEY=VALUE", value_parser = job::argument)]
        arguments: Vec<(String, String)>,
        #[command(flatten)]
        server: ServerArgs,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints the PySpark script that does what a visual job does.
    Script {
        /// Name of the job.
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Prints which kinds of nodes visual jobs may have, and what happens to each of their fields.
    Nodes {
        /// Prints the page of the documentation. The only form there is.
        #[arg(long, required = true)]
        markdown: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BookmarkAction {
    /// Shows which files count as read, and which runs have read them.
    Show {
        /// Name of the job.
        job: String,
        #[command(flatten)]
        server: ServerArgs,
        /// Prints JSON, with every file.
        #[arg(long)]
        json: bool,
    },
    /// Makes the bookmark what the JSON of `show` says. Refused while a run of the job has not ended.
    Set {
        /// Name of the job.
        job: String,
        /// The JSON, after changes to its Sources; - reads it from standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
        #[command(flatten)]
        server: ServerArgs,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Brings the bookmark back to how a run left it: what later runs have read is read again. Refused while a run of the job has
    /// not ended.
    Rewind {
        /// Name of the job.
        job: String,
        /// The run.
        #[arg(long, value_name = "RUN_ID")]
        to: String,
        #[command(flatten)]
        server: ServerArgs,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
}

impl JobAction {
    pub(super) async fn execute(self, environment: &BTreeMap<String, String>) -> Result<Outcome> {
        match self {
            Self::Run { name, watch, arguments, server, json } => {
                let run = job::Run { name, watch, json, arguments: arguments.into_iter().collect() };
                run.execute(&server.client(environment)?).await
            }
            Self::Explain { name, arguments, server, json } => {
                let arguments = arguments.into_iter().collect();
                verbs::explain::run(&server.client(environment)?, &name, &arguments, json).await
            }
            Self::Script { name, server } => job::script(&server.client(environment)?, &name).await,
            Self::Nodes { markdown: _ } => {
                verbs::print(&jobs::graph::markdown())?;
                Ok(Outcome::Succeeded)
            }
        }
    }
}

impl BookmarkAction {
    pub(super) async fn execute(self, environment: &BTreeMap<String, String>) -> Result<Outcome> {
        match self {
            Self::Show { job, server, json } => {
                bookmark::show(&server.client(environment)?, &job, json).await
            }
            Self::Set { job, file, server, json } => {
                bookmark::set(&server.client(environment)?, &job, &file, json).await
            }
            Self::Rewind { job, to, server, json } => {
                bookmark::rewind(&server.client(environment)?, &job, &to, json).await
            }
        }
    }
}
