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

use crate::config::Problems;

/// Stack of a thread: plans of statements are walked recursively. Only what is used takes memory.
const STACK_BYTES: usize = 16 << 20;

/// Wrong arguments or configuration; clap uses the same.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("tenon")
        .thread_stack_size(STACK_BYTES)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start the runtime")),
    };
    let result = runtime.block_on(cli::run(cli.command, environment()));
    // Nothing that still blocks a thread may hold the end up; all that matters is on disk.
    runtime.shutdown_background();
    match result {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => failed(&error),
    }
}

/// The variables that are text.
fn environment() -> BTreeMap<String, String> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("tenon: {error:#}");
    ExitCode::from(if error.is::<Problems>() { USAGE } else { 1 })
}
