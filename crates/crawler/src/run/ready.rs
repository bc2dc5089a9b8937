//! What a survey found, as one thing that is written in one way: files that make a table, and tables that a target describes.

use catalog::{Table, TableInput};

use super::survey::Found;
use super::{Job, describe, reads};
use crate::definition::Configuration;
use crate::plan::{file_table, folder_table, plain_table, take_header};
use crate::targets::{CONNECTION, Described};

/// A table that a survey found.
pub(super) enum Discovery {
    Files(Box<Found>),
    Other(Box<Described>),
}

impl Discovery {
    /// Tells what is behind a table from everything else: targets may overlap.
    pub(super) fn key(&self) -> (String, String) {
        match self {
            Self::Files(found) => {
                let owner = found.owner.as_ref().map(|table| format!("{:?}", table.uid));
                (describe::location(found.bucket.as_str(), &found.plan.path), owner.unwrap_or_default())
            }
            Self::Other(described) => {
                let connection = described.input.parameters.as_ref();
                let connection = connection.and_then(|all| all.get(CONNECTION));
                (location(&described.input), connection.cloned().unwrap_or_default())
            }
        }
    }
}

/// A table that is ready to be written but for its name.
pub(super) struct Ready {
    /// Where it goes.
    pub(super) database: String,
    /// The name to give it when nobody else has it, prefix included.
    pub(super) name: String,
    /// Where it is.
    pub(super) location: String,
    /// The definition, without a name.
    pub(super) input: TableInput,
    /// What the log says of it.
    pub(super) facts: Vec<String>,
    /// Remarks for the log.
    pub(super) notes: Vec<String>,
    /// The table that a catalog target names.
    pub(super) owner: Option<Box<Table>>,
    /// The files that it is made of; their partitions follow.
    pub(super) files: Option<Box<Found>>,
}

impl Ready {
    pub(super) fn of(job: &Job<'_>, settings: &Configuration, discovery: Discovery) -> Self {
        let prefix = job.definition.table_prefix.as_deref().unwrap_or_default();
        match discovery {
            Discovery::Files(found) => {
                let (input, notes) = describe::table(&job.definition.name, &found, settings);
                let path = &found.plan.path;
                let name = if path.ends_with('/') || path.is_empty() {
                    folder_table(prefix, found.bucket.as_str(), path)
                } else {
                    file_table(prefix, path)
                };
                Self {
                    database: found.database.clone(),
                    name,
                    location: describe::location(found.bucket.as_str(), path),
                    input,
                    facts: describe::unseen(&found.plan.shape)
                        .into_iter()
                        .chain(describe::passed_over(&found))
                        .chain(describe::uncertain(&found.plan.shape))
                        .collect(),
                    notes,
                    owner: found.owner.clone(),
                    files: Some(found),
                }
            }
            Discovery::Other(described) => Self {
                database: job.database().to_owned(),
                name: plain_table(prefix, &described.name),
                location: location(&described.input),
                input: described.input,
                facts: described.facts,
                notes: described.notes,
                owner: None,
                files: None,
            },
        }
    }
}

impl Ready {
    /// Makes headers of the files' first rows when the table that is there names its columns so.
    pub(super) fn take_header(&mut self, job: &Job<'_>, settings: &Configuration, old: &Table) {
        let named = |found: &mut Box<Found>| reads::names_columns(&old.input, &found.plan.shape);
        if let Some(mut found) = self.files.take_if(named) {
            take_header(&mut found.plan.shape, &mut found.plan.parts);
            *self = Self::of(job, settings, Discovery::Files(found));
        }
    }
}

fn location(input: &TableInput) -> String {
    input.storage_descriptor.as_ref().and_then(|found| found.location.clone()).unwrap_or_default()
}
