//! Files by which a group of files is what it is, so that remarks can name one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use formats::hive::HiveType;
use formats::{InferredField, Seen};

/// So many types of one column are kept.
const KEPT: usize = 8;

/// Keys of files of a group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Examples {
    /// The first one. It has every column that `columns` does not tell of, and of the group's type.
    pub(crate) first: Option<Arc<str>>,
    /// One with a field in quotes.
    pub(crate) quoted: Option<Arc<str>>,
    /// One with a backslash.
    pub(crate) escaped: Option<Arc<str>>,
    /// One that was not looked at.
    pub(crate) passed_over: Option<Arc<str>>,
    /// Columns that are not alike in all files, or not in the first one.
    columns: BTreeMap<String, Vec<Vote>>,
}

/// What a column is in a file.
#[derive(Debug, Clone)]
struct Vote {
    ty: HiveType,
    seen: Seen,
    file: Option<Arc<str>>,
}

impl Examples {
    /// Of one file.
    pub(crate) fn of(key: &str, quoted: bool, escaped: bool) -> Self {
        let key: Arc<str> = key.into();
        Self {
            quoted: quoted.then(|| Arc::clone(&key)),
            escaped: escaped.then(|| Arc::clone(&key)),
            first: Some(key),
            ..Self::default()
        }
    }

    /// The first file in which a column is as it is meant.
    pub(crate) fn of_column(
        &self,
        name: &str,
        is_meant: impl Fn(&HiveType, &Seen) -> bool,
    ) -> Option<&Arc<str>> {
        match self.columns.get(name) {
            Some(votes) => votes.iter().find(|vote| is_meant(&vote.ty, &vote.seen))?.file.as_ref(),
            None => self.first.as_ref(),
        }
    }

    /// Takes in those of another group. `fields`: the columns of both, before either knows of the other.
    pub(super) fn merge(&mut self, fields: (&[InferredField], &[InferredField]), other: &Self) {
        if !std::ptr::eq(fields.0, fields.1) || !other.columns.is_empty() {
            self.merge_columns(fields, other);
        }
        for (own, theirs) in [
            (&mut self.first, &other.first),
            (&mut self.quoted, &other.quoted),
            (&mut self.escaped, &other.escaped),
            (&mut self.passed_over, &other.passed_over),
        ] {
            if own.is_none() {
                own.clone_from(theirs);
            }
        }
    }

    fn merge_columns(&mut self, (own, theirs): (&[InferredField], &[InferredField]), other: &Self) {
        let own: HashMap<&str, &InferredField> =
            own.iter().map(|field| (field.name.as_str(), field)).collect();
        for field in theirs {
            let mine = own.get(field.name.as_str());
            let told = other.columns.get(&field.name);
            if told.is_none() && mine.is_some_and(|mine| mine.ty == field.ty && mine.seen == field.seen) {
                continue;
            }
            if !self.columns.contains_key(&field.name) {
                let mut votes = Vec::new();
                mine.into_iter().for_each(|mine| vote(&mut votes, &mine.ty, &mine.seen, self.first.as_ref()));
                self.columns.insert(field.name.clone(), votes);
            }
            let Some(votes) = self.columns.get_mut(&field.name) else { continue };
            match told {
                Some(told) => told.iter().for_each(|one| vote(votes, &one.ty, &one.seen, one.file.as_ref())),
                None => vote(votes, &field.ty, &field.seen, other.first.as_ref()),
            }
        }
    }
}

/// Adds what a column is in a file, unless that is known. A file without a value has no say.
fn vote(votes: &mut Vec<Vote>, ty: &HiveType, seen: &Seen, file: Option<&Arc<str>>) {
    let is_known = votes.iter().any(|known| known.ty == *ty && known.seen == *seen);
    if !seen.is_nothing() && !is_known && votes.len() < KEPT {
        votes.push(Vote { ty: ty.clone(), seen: seen.clone(), file: file.cloned() });
    }
}
