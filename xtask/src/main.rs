//! The project's tooling: `cargo xtask <command>`.
//!
//! - `models [--check] [DATA_DIR]` extracts the service models into `crates/wire/models/`; see [`models`].
//! - `arrows` checks which crate depends on which; see [`arrows`].

mod arrows;
mod models;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const USAGE: &str = "usage: cargo xtask models [--check] [BOTOCORE_DATA_DIR] | cargo xtask arrows";

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let root = root()?;
    match arguments.split_first() {
        Some((command, rest)) if command == "models" => {
            let check = rest.iter().any(|argument| argument == "--check");
            let paths: Vec<&String> = rest.iter().filter(|argument| *argument != "--check").collect();
            match paths.as_slice() {
                [] => models::run(&root, None, check),
                [path] => models::run(&root, Some(Path::new(path)), check),
                _ => bail!("{USAGE}"),
            }
        }
        Some((command, [])) if command == "arrows" => arrows::run(&root),
        _ => bail!("{USAGE}"),
    }
}

/// The workspace: the folder above this crate's.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_path_buf).context("xtask lies in no folder")
}
