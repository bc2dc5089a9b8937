//! Runs one statement and says how it went.

mod ddl;
mod failure;
mod repair;
mod select;
mod show;
mod statement;

pub(crate) use failure::RunError;
pub(crate) use statement::{Ground, Outcome, Request, run};
