//! A first line `sep=;`, by which files tell Excel their separator. It is no row and no header.

use super::candidate::{Candidate, best_with};
use crate::error::{FormatError, Problem};
use crate::input::Input;
use crate::options::{ColumnNames, CsvOptions};

/// The separator, and how long the line is with its end.
fn separator(sample: &[u8]) -> Option<(u8, usize)> {
    let end = memchr::memchr(b'\n', sample)?;
    let line = sample[..end].trim_ascii_end();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (word, separator) = line.split_at_checked(b"sep=".len())?;
    match separator {
        [byte] if word.eq_ignore_ascii_case(b"sep=") && !byte.is_ascii_alphanumeric() => {
            Some((*byte, end + 1))
        }
        // A tab or a blank was cut off with the end of the line.
        [] if word.eq_ignore_ascii_case(b"sep=") => match sample.get(word.len()) {
            Some(byte @ (b'\t' | b' ')) => Some((*byte, end + 1)),
            _ => None,
        },
        _ => None,
    }
}

/// The candidate for what lies below such a line, which counts as one to be skipped; `None` where there is none, or the
/// rest is not divided so.
pub(super) fn below(sample: &[u8], complete: bool) -> Option<Candidate> {
    let (delimiter, skip) = separator(sample)?;
    Some(Candidate { skip, ..best_with(&sample[skip..], complete, delimiter)? })
}

/// Such a line in a file whose dialect is known, and would make a row or a header of it.
pub(super) fn problem(input: &Input, known: &CsvOptions) -> Option<FormatError> {
    let read = match known.names {
        ColumnNames::Given(_) => return None,
        ColumnNames::Generated => known.header_lines == 0,
        ColumnNames::Header | ColumnNames::HeaderAmong(_) => known.header_lines <= 1,
    };
    let (_, len) = separator(input.pending()).filter(|_| read)?;
    let line = String::from_utf8_lossy(input.pending()[..len].trim_ascii_end());
    let message =
        format!("its first line, {line}, tells programs the separator and is no row: skip it (SkipFirst)");
    let mut error = FormatError::new(input.name(), Problem::Undivided { message });
    error.place.line = Some(1);
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_say_a_separator() {
        for (text, expected) in [
            ("sep=;\nid;n\n", Some((b';', 6))),
            ("SEP=,\r\nid,n\r\n", Some((b',', 7))),
            ("\"sep=|\"\nid|n\n", Some((b'|', 8))),
            ("sep=\t\r\nid\tn\n", Some((b'\t', 7))),
            ("sep=a\nb\n", None),
            ("sep=;id\n1;2\n", None),
            ("sep=\n1\n", None),
            ("sep;n\n", None),
            ("sep=;", None),
        ] {
            assert_eq!(separator(text.as_bytes()), expected, "{text:?}");
        }
    }
}
