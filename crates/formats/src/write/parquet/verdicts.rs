//! Which columns have had dictionaries lately that were not worth having.
//!
//! An output of a thousand files has thousands of small chunks of each column. That the values of one hardly repeat is found
//! out by coding some hundreds of them, which takes longer than writing all: what the last chunks of the column have shown,
//! of whichever file, is taken for true most of the time.

/// So many chunks without a dictionary in a row, and the next are taken to have none …
const FAILED: u32 = 8;
/// … but for one in so many.
const RETRY: u32 = 16;

/// By column, chunks in a row without a dictionary.
#[derive(Default)]
pub(super) struct Verdicts(Vec<u32>);

impl Verdicts {
    /// Whether to try a dictionary for a chunk of the column.
    pub(super) fn tries(&mut self, column: usize) -> bool {
        let Some(failed) = self.0.get_mut(column).filter(|failed| **failed >= FAILED) else { return true };
        *failed = failed.wrapping_add(1).max(FAILED);
        failed.is_multiple_of(RETRY)
    }

    /// Notes how it went.
    pub(super) fn note(&mut self, column: usize, is_worth: bool) {
        if self.0.len() <= column {
            self.0.resize(column + 1, 0);
        }
        let failed = &mut self.0[column];
        *failed = if is_worth { 0 } else { failed.saturating_add(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_without_dictionaries_is_tried_now_and_then() {
        let mut verdicts = Verdicts::default();
        for _ in 0..FAILED {
            assert!(verdicts.tries(3));
            verdicts.note(3, false);
        }
        let tried = (0..160).filter(|_| verdicts.tries(3)).count();
        assert_eq!(tried, 10);
        assert!(verdicts.tries(2));
        verdicts.note(3, true);
        assert!(verdicts.tries(3));
    }
}
