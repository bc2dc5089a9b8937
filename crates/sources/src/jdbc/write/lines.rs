//! Rows as each engine takes many of them at once: lines of `COPY` in its text format, or the lists of an `INSERT`.

use std::fmt::Write as _;

use super::super::Engine;

/// How much is sent at once, in bytes; a longer row is sent by itself.
const FULL: usize = 1 << 20;

/// A value. Numbers, days, moments and truth values are texts; the database reads them as its column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// A text, whatever it holds.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// Rows that wait to be sent.
#[derive(Debug)]
pub struct Lines {
    engine: Engine,
    text: String,
}

impl Lines {
    /// None yet.
    pub fn new(engine: Engine) -> Lines {
        Lines { engine, text: String::new() }
    }

    /// Adds a row, its cells in the order of the columns.
    pub fn push<'a>(&mut self, row: impl IntoIterator<Item = Cell<'a>>) {
        match self.engine {
            Engine::Postgres => {
                for (at, cell) in row.into_iter().enumerate() {
                    if at > 0 {
                        self.text.push('\t');
                    }
                    copied(&mut self.text, cell);
                }
                self.text.push('\n');
            }
            Engine::MySql => {
                self.text.push_str(if self.text.is_empty() { "(" } else { ",(" });
                for (at, cell) in row.into_iter().enumerate() {
                    if at > 0 {
                        self.text.push(',');
                    }
                    literal(&mut self.text, cell);
                }
                self.text.push(')');
            }
        }
    }

    /// Whether it is time to send them.
    pub fn is_full(&self) -> bool {
        self.text.len() >= FULL
    }

    /// How much there is to send.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    pub(super) fn take(&mut self) -> Option<String> {
        (!self.text.is_empty()).then(|| std::mem::take(&mut self.text))
    }
}

/// Source: PostgreSQL, COPY, "Text Format".
fn copied(out: &mut String, cell: Cell<'_>) {
    match cell {
        Cell::Null => out.push_str("\\N"),
        Cell::Text(text) => {
            let mut rest = text;
            while let Some(at) = rest.find(['\\', '\n', '\r', '\t']) {
                let (before, after) = rest.split_at(at);
                out.push_str(before);
                out.push_str(match after.as_bytes().first() {
                    Some(b'\\') => "\\\\",
                    Some(b'\n') => "\\n",
                    Some(b'\r') => "\\r",
                    _ => "\\t",
                });
                rest = after.get(1..).unwrap_or_default();
            }
            out.push_str(rest);
        }
        Cell::Bytes(bytes) => {
            out.push_str("\\\\x");
            hexadecimal(out, bytes);
        }
    }
}

/// The session says that a backslash is one.
fn literal(out: &mut String, cell: Cell<'_>) {
    match cell {
        Cell::Null => out.push_str("NULL"),
        Cell::Text(text) => {
            out.push('\'');
            for (at, piece) in text.split('\'').enumerate() {
                if at > 0 {
                    out.push_str("''");
                }
                out.push_str(piece);
            }
            out.push('\'');
        }
        Cell::Bytes(bytes) => {
            out.push_str("X'");
            hexadecimal(out, bytes);
            out.push('\'');
        }
    }
}

fn hexadecimal(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a text does not fail.
        let _ = write!(out, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(engine: Engine) -> String {
        let mut lines = Lines::new(engine);
        lines.push([Cell::Text("a\tb\\N\n\r'"), Cell::Null, Cell::Bytes(&[0, 255])]);
        lines.push([Cell::Text(""), Cell::Text("ü"), Cell::Bytes(&[])]);
        assert!(!lines.is_full());
        let text = lines.take().unwrap();
        assert!(lines.take().is_none());
        text
    }

    #[test]
    fn whatever_a_row_holds_it_stays_one() {
        assert_eq!(lines(Engine::Postgres), "a\\tb\\\\N\\n\\r'\t\\N\t\\\\x00ff\n\tü\t\\\\x\n");
        assert_eq!(lines(Engine::MySql), "('a\tb\\N\n\r''',NULL,X'00ff'),('','ü',X'')");
    }
}
