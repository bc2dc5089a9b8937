//! Who writes into tables of open formats: the run of a graph, or a script by a call of its own ([`super::apart`]).

use std::collections::BTreeMap;

use engine::Session;
use lake::Lake;
use store::{Scope, Store};
use tables::Tables;

use super::Task;

/// Through what a table is looked at and written, and in whose name.
pub(crate) struct Writer<'a> {
    /// Where rows of the metadata are.
    pub(crate) store: &'a Store,
    /// Where files go.
    pub(crate) lake: &'a Lake,
    /// Whose catalog it is.
    pub(crate) scope: &'a Scope,
    /// What reads and writes rows.
    pub(crate) session: &'a Session,
    /// The job; empty for a script that is none.
    pub(crate) job: &'a str,
    /// Its run; empty for a script that is none.
    pub(crate) run: &'a str,
}

impl Writer<'_> {
    /// The service of tables of open formats.
    pub(super) fn tables(&self) -> Tables {
        Tables::new(self.store.clone(), self.lake.clone())
    }

    /// What a commit says of who has made it.
    pub(super) fn summary(&self) -> BTreeMap<String, String> {
        self.named([("glue.job-name", self.job), ("glue.job-run-id", self.run)])
    }

    /// What a table of the catalog says of who has made it.
    pub(super) fn creator(&self) -> BTreeMap<String, String> {
        self.named([("CreatedByJob", self.job), ("CreatedByJobRun", self.run)])
    }

    fn named(&self, given: [(&str, &str); 2]) -> BTreeMap<String, String> {
        let known = given.into_iter().filter(|(_, value)| !value.is_empty());
        known.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl Task<'_> {
    /// The run as a writer.
    pub(super) fn writer(&self) -> Writer<'_> {
        Writer {
            store: &self.context.store,
            lake: &self.context.lake,
            scope: &self.run.scope,
            session: &self.session,
            job: &self.run.details.job,
            run: &self.run.id,
        }
    }
}
