//! The `tenon` binary: command line, configuration, composition, supervision, HTTP server, operator endpoints.
//!
//! ```text
//! cli ──► serve ──► config, data_dir, compose (all crates), supervisor, server, ops
//!    └──► verbs ──► client ──HTTP──► a running server
//! ```
//!
//! The environment and the command line are read here and nowhere else in the workspace; errors are printed here, and
//! become the exit code: 0 done, 1 failed, 2 wrong arguments or configuration, 3 stopped, 4 timed out.

mod cli;
mod client;
mod compose;
mod config;
mod data_dir;
mod demo;
mod host;
mod logging;
mod metrics;
mod node;
mod ops;
mod serve;
mod server;
mod supervisor;
mod verbs;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser as _;

use crate::config::{Problem, Problems};

/// Gives memory that a large run has freed back to the system; the C library's allocator keeps most of it, spread over
/// the arenas of many threads.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Stack of a thread: plans of statements are walked recursively. Only what is used takes memory.
const STACK_BYTES: usize = 16 << 20;

/// Wrong arguments or configuration; clap uses the same.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let environment = match environment() {
        Ok(environment) => environment,
        Err(problems) => return failed(&problems.into()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("tenon")
        .thread_stack_size(STACK_BYTES)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start the runtime")),
    };
    let result = runtime.block_on(cli::run(cli.command, environment));
    // Nothing that still blocks a thread may hold the end up; all that matters is on disk.
    runtime.shutdown_background();
    match result {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => failed(&error),
    }
}

/// The variables that are text. Errors: one of ours is not; leaving it out would start another server than was asked for.
fn environment() -> Result<BTreeMap<String, String>, Problems> {
    let (mut variables, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => {
                variables.insert(name, value);
            }
            Err(_) if name.starts_with("TENON_") => problems.push(Problem {
                path: name,
                source: "environment".to_owned(),
                what: "is not UTF-8 text".to_owned(),
            }),
            Err(_) => {}
        }
    }
    if problems.is_empty() { Ok(variables) } else { Err(Problems(problems)) }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    verbs::remark(&format!("tenon: {error:#}"));
    ExitCode::from(if error.is::<Problems>() { USAGE } else { 1 })
}
