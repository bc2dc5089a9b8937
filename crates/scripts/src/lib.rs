//! Python for Glue scripts: the environment that they need, and the processes that run them. Knows neither jobs nor HTTP.
//!
//! # What it owns
//! - [`package`]: our Python packages (`awsglue` and its neighbours), inside this binary.
//! - [`Environment`]: a virtual environment with the engine and the clients, made once ([`Environment::setup`]), used
//!   without network from then on; [`Installer`]: uv or pip; [`layers`]: modules that a job wants besides, installed once per set.
//! - [`Engine`]: what runs the frames of scripts.
//! - [`process`]: one script as a process group with limits, its output as lines.
//! - [`Waiting`]: a process with the engine's libraries in it, which waits for the one script that it will be.
//! - [`failure`]: what an exit code and an error output say about why a script ended.
//!
//! # Invariants
//! - A script's process group ends with the server, however the server ends: its first process reads a pipe whose other
//!   end only the server has, and kills the group when the pipe closes.
//! - A script inherits no variable that was not meant for it.
//! - Whatever a script prints, little of it is in memory at one time: who reads slowly makes it wait.
//!
//! # What a crash leaves behind
//! An environment that was being made is marked as unfinished and refused until it is made again; the same holds for a
//! layer. Working folders of scripts are the caller's to remove.

mod engine;
mod environment;
pub mod failure;
mod installer;
mod layers;
pub mod package;
pub mod process;
mod python;
mod waiting;

pub use engine::{Engine, UnknownEngine};
pub use environment::{Environment, EnvironmentError, Made, Setup};
pub use installer::Installer;
pub use layers::{Layer, Layers, Modules};
pub use process::{Ended, Exit, Limits, Lines, Output, ProcessError, Program, Sink, Started};
pub use waiting::{Taken, Waiting};
