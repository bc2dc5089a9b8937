//! A choice of objects that was made earlier, by a bookmark: exactly these are read, and as they were.

use std::collections::HashMap;

use crate::{EngineError, ObjectRef};

/// The objects that were chosen and not met yet.
pub(crate) struct Selection<'a> {
    chosen: HashMap<String, Chosen<'a>>,
}

struct Chosen<'a> {
    known: &'a ObjectRef,
    met: Met,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    No,
    AsKnown,
    Changed,
}

impl<'a> Selection<'a> {
    pub(crate) fn new(objects: &'a [ObjectRef]) -> Self {
        let chosen = objects.iter().map(|known| (known.uri(), Chosen { known, met: Met::No }));
        Self { chosen: chosen.collect() }
    }

    /// Whether a listed object was chosen and is still what it was then.
    pub(crate) fn take(&mut self, listed: &ObjectRef) -> bool {
        let Some(chosen) = self.chosen.get_mut(&listed.uri()) else { return false };
        let same =
            chosen.known.etag == listed.etag && chosen.known.last_modified_ms == listed.last_modified_ms;
        chosen.met = if same { Met::AsKnown } else { Met::Changed };
        same
    }

    /// Checks what was met. `all` says that the listing covered every object that was chosen.
    /// Errors: `ObjectMissing`, or `File` for an object that was replaced since it was chosen: reading something else
    /// than the bookmark will remember would lose rows or repeat them.
    pub(crate) fn check(&self, all: bool) -> Result<(), EngineError> {
        let wrong = |met| met == Met::Changed || (all && met == Met::No);
        let mut left: Vec<&Chosen<'_>> = self.chosen.values().filter(|chosen| wrong(chosen.met)).collect();
        left.sort_by(|a, b| a.known.key.cmp(&b.known.key));
        match left.first() {
            None => Ok(()),
            Some(first) if first.met == Met::No => {
                Err(EngineError::ObjectMissing { file: first.known.uri() })
            }
            Some(first) => {
                let what = "it was replaced after it was chosen for this run".to_owned();
                Err(EngineError::File { file: first.known.uri(), what })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lake::{BucketName, Key};

    use super::*;

    fn object(key: &str, etag: &str) -> ObjectRef {
        let bucket = BucketName::new("bucket").expect("bucket");
        ObjectRef {
            bucket,
            key: Key::new(key).expect("key"),
            size: 1,
            etag: etag.to_owned(),
            last_modified_ms: 7,
        }
    }

    #[test]
    fn takes_what_was_chosen_as_it_was() {
        let objects = [object("a", "1"), object("b", "1")];
        let mut selection = Selection::new(&objects);
        assert!(selection.take(&objects[0]));
        assert!(!selection.take(&object("c", "1")));
        assert!(matches!(selection.check(true), Err(EngineError::ObjectMissing { .. })));
        assert!(selection.check(false).is_ok());
        assert!(!selection.take(&object("b", "2")));
        assert!(matches!(selection.check(false), Err(EngineError::File { .. })));
        assert!(selection.take(&objects[1]));
        assert!(selection.check(true).is_ok());
    }
}
