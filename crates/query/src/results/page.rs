//! Reads pages of a result file.

use bytes::BytesMut;
use lake::Object;

use crate::error::QueryError;

/// A value of a result; `None` is NULL.
pub type Cell = Option<String>;

/// A page of a result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResultPage {
    /// Rows; on the first page of a SELECT the first one holds the column names.
    pub rows: Vec<Vec<Cell>>,
    /// Where the next page begins, in bytes; `None` on the last.
    pub next: Option<u64>,
}

/// How a result file is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Of CSV, from this byte.
    Csv(u64),
    /// Of lines, from this byte.
    Lines(u64),
}

/// Bytes to read at once; a row may be longer, then more are read.
const WINDOW_BYTES: u64 = 512 * 1024;

/// Up to `limit` rows from `start`.
pub(crate) async fn read_page(object: &Object, start: Start, limit: usize) -> Result<ResultPage, QueryError> {
    let (mut at, csv) = match start {
        Start::Csv(at) => (at, true),
        Start::Lines(at) => (at, false),
    };
    let size = object.info().size;
    let (mut page, mut window, mut window_end) = (ResultPage::default(), BytesMut::new(), at);
    while page.rows.len() < limit {
        let parsed = if csv { csv_row(&window) } else { line(&window) };
        match parsed {
            Some((row, used)) => {
                let _ = window.split_to(used);
                at += used as u64;
                page.rows.push(row);
            }
            None if window_end < size => {
                let end = (window_end + WINDOW_BYTES).min(size);
                window.extend_from_slice(&object.read_range(window_end..end).await?);
                window_end = end;
            }
            None => break,
        }
    }
    page.next = (at < size && !page.rows.is_empty()).then_some(at);
    Ok(page)
}

/// A row of our own CSV and the bytes that it takes; `None` when its end is not there.
fn csv_row(bytes: &[u8]) -> Option<(Vec<Cell>, usize)> {
    let (mut row, mut at) = (Vec::new(), 0);
    loop {
        let cell = if bytes.get(at) == Some(&b'"') {
            let (text, used) = quoted(bytes.get(at + 1..)?)?;
            at += used + 1;
            Some(text)
        } else {
            None
        };
        row.push(cell);
        match bytes.get(at)? {
            b',' => at += 1,
            _ => return Some((row, at + 1)),
        }
    }
}

/// Text up to its closing quote, and the bytes up to and with it.
fn quoted(bytes: &[u8]) -> Option<(String, usize)> {
    let (mut text, mut at) = (Vec::new(), 0);
    loop {
        let length = memchr::memchr(b'"', bytes.get(at..)?)?;
        text.extend_from_slice(&bytes[at..at + length]);
        at += length + 1;
        // What follows decides whether the quote ends the text: it must be there.
        if *bytes.get(at)? != b'"' {
            return Some((String::from_utf8_lossy(&text).into_owned(), at));
        }
        text.push(b'"');
        at += 1;
    }
}

fn line(bytes: &[u8]) -> Option<(Vec<Cell>, usize)> {
    let end = memchr::memchr(b'\n', bytes)?;
    Some((vec![Some(String::from_utf8_lossy(&bytes[..end]).into_owned())], end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_the_empty_text_stay_apart() {
        let text = b"\"a\",,\"\",\"q\"\"q, \nx\"\n\"next\"\n";
        let (row, used) = csv_row(text).expect("a row");
        assert_eq!(row, [Some("a".into()), None, Some(String::new()), Some("q\"q, \nx".into())]);
        assert_eq!(&text[used..], b"\"next\"\n");
    }

    #[test]
    fn a_row_that_is_cut_anywhere_is_not_taken() {
        let text = b"\"a\"\"b\",,\"\"\n";
        for length in 0..text.len() {
            assert_eq!(csv_row(&text[..length]), None, "{length}");
        }
        assert!(csv_row(text).is_some());
    }

    #[test]
    fn a_row_of_one_null_is_an_empty_line() {
        assert_eq!(csv_row(b"\n"), Some((vec![None], 1)));
    }
}
