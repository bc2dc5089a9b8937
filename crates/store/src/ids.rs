//! Identity as an injected dependency, so that tests see the same ids in every run.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of unique ids.
pub trait Ids: Send + Sync + 'static {
    /// Returns a new UUID as 36 lower-case characters (`8-4-4-4-12`).
    fn uuid(&self) -> String;
}

/// Random version-4 UUIDs from the operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn uuid(&self) -> String {
        uuid::Uuid::new_v4().hyphenated().to_string()
    }
}

/// Counts up from 1 in ids that have the form of version-4 UUIDs; for tests.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl SequentialIds {
    /// Returns a counter whose first id ends in 1.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Ids for SequentialIds {
    fn uuid(&self) -> String {
        let next = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        format!("00000000-0000-4000-8000-{:012x}", next & 0xffff_ffff_ffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_version_4_uuids() {
        let counted = SequentialIds::new();
        assert_eq!(counted.uuid(), "00000000-0000-4000-8000-000000000001");
        assert_eq!(counted.uuid(), "00000000-0000-4000-8000-000000000002");
        for id in [RandomIds.uuid(), counted.uuid()] {
            assert_eq!(id.len(), 36);
            assert_eq!(&id[14..15], "4");
            assert_eq!(id, id.to_lowercase());
        }
        assert_ne!(RandomIds.uuid(), RandomIds.uuid());
    }
}
