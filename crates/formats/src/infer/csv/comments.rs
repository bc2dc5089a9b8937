//! Lines of comments (`#`) in delimited text, where they cannot be anything else.
//!
//! They are comments when all other records have the same number of fields, and none of the lines in question has. In front
//! of the first record they count as lines to be skipped, which every reader of the table does; only elsewhere is the
//! dialect one with comments, which is a parameter of our own.

use super::candidate::{Candidate, best_candidate, each_record};
use crate::csv::scan::{Dialect, Scan, scan};
use crate::error::{FormatError, Problem};
use crate::input::Input;
use crate::options::CsvOptions;

/// What a comment begins with.
const MARK: u8 = b'#';

/// The candidate that fits what is left without comments; `None` where there are none, or where they could be records.
pub(super) fn without(sample: &[u8], complete: bool) -> Option<Candidate> {
    let may_begin = |at: usize| at == 0 || sample.get(at - 1) == Some(&b'\n');
    if !memchr::memchr_iter(MARK, sample).any(may_begin) {
        return None;
    }
    let best = best_candidate(sample, complete, Some(MARK))?;
    let plain = CsvOptions { comment: None, ..best.options.clone() };
    let (mut lines, mut are_comments) = (0, best.consistency >= 1.0);
    each_comment(sample, complete, &best.options, |line, _| {
        lines += 1;
        each_record(line, true, &plain, |_, fields| {
            are_comments &= fields.is_none_or(|fields| fields.len() != best.width);
        });
    });
    (are_comments && lines > 0).then_some(best)
}

/// Calls `each` for every line that is a comment; says whether it stands before all records.
fn each_comment(sample: &[u8], complete: bool, options: &CsvOptions, mut each: impl FnMut(&[u8], bool)) {
    let dialect = Dialect::new(options);
    let (mut fields, mut at, mut leads) = (Vec::new(), 0, true);
    loop {
        let window = sample.get(at..).unwrap_or_default();
        match scan(&dialect, window, complete, &mut fields) {
            Scan::Comment { len } => {
                each(&window[..len], leads);
                at += len;
            }
            Scan::Record { len, .. } => {
                leads &= window[..len].trim_ascii().is_empty();
                at += len;
            }
            Scan::OpenQuote | Scan::More | Scan::End => return,
        }
    }
}

/// Lines that all stand before the first record are skipped without a word of comments. What becomes of the dialect, and a
/// remark for the log.
pub(super) fn settle(input: &Input, best: &mut Candidate) -> Option<FormatError> {
    best.options.comment?;
    let quote = best.options.quote;
    let (mut lines, mut can_be_counted) = (0, true);
    each_comment(input.pending(), input.at_eof(), &best.options, |line, leads| {
        lines += 1;
        // A quote may open a header of several lines.
        can_be_counted &= leads && !quote.is_some_and(|quote| line.contains(&quote));
    });
    if can_be_counted {
        best.options.comment = None;
    }
    let message =
        format!("{lines} lines of the sample begin with # and are taken for comments, not for rows");
    Some(FormatError::new(input.name(), Problem::Schema { message }))
}
