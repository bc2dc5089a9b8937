//! Goes through a file, value by value, and keeps its symbol table.

use super::binary::{self, Front};
use super::cursor::{Cursor, Failure, Item, Parsed};
use super::is_binary;
use super::scalar::Scalar;
use super::symbols::{Symbols, TABLE};
use super::text::TextCursor;
use crate::error::{FormatError, Problem};

/// What is at the front of the window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A value of so many bytes, white space in front included.
    Value(usize),
    /// Something else, of so many bytes.
    Pass(usize),
    /// The window ends within the value.
    More,
    /// The file has ended.
    End,
}

/// A file's state between two values.
pub(crate) struct Stream {
    binary: bool,
    symbols: Symbols,
    /// What the symbol table may take.
    max_bytes: usize,
}

impl Stream {
    /// At the start of a file; `head` is its first four bytes.
    pub(crate) fn new(head: &[u8], max_bytes: usize) -> Self {
        Self { binary: is_binary(head), symbols: Symbols::default(), max_bytes }
    }

    /// Looks at the front of the window; `complete` says that nothing follows it. Declarations of symbols are heeded.
    pub(crate) fn step(&mut self, window: &[u8], complete: bool) -> Parsed<Step> {
        match self.look(window, complete) {
            Err(Failure::Open) => Ok(Step::More),
            other => other,
        }
    }

    /// Over a value that [`Self::step`] found.
    pub(crate) fn cursor<'a>(&'a self, value: &'a [u8]) -> Cursor<'a> {
        Cursor::new(value, self.binary, &self.symbols)
    }

    fn look(&mut self, window: &[u8], complete: bool) -> Parsed<Step> {
        let len = if self.binary {
            if window.is_empty() {
                return if complete { Ok(Step::End) } else { Err(Failure::Open) };
            }
            match binary::front(window, complete)? {
                Front::Marker(len) => {
                    self.symbols.reset();
                    return Ok(Step::Pass(len));
                }
                Front::Padding(len) => return Ok(Step::Pass(len)),
                Front::Value(len) => len,
            }
        } else {
            let space = crate::json::leading_space(window);
            if space > 0 {
                return Ok(Step::Pass(space));
            }
            match TextCursor::new(window, complete, &self.symbols).extent()? {
                Some(len) => len,
                None => return Ok(if window.is_empty() { Step::End } else { Step::Pass(window.len()) }),
            }
        };
        if self.is_system(&window[..len])? {
            return Ok(Step::Pass(len));
        }
        Ok(Step::Value(len))
    }

    /// Whether a value is for readers, not for whoever reads: a mark of a version, or a table of symbols, which is taken.
    fn is_system(&mut self, value: &[u8]) -> Parsed<bool> {
        // Few values are annotated, and fewer are symbols: the common ones are not looked at twice.
        let likely = if self.binary {
            value.first().is_some_and(|byte| byte >> 4 == 14)
        } else {
            value.trim_ascii_start().first().is_none_or(|byte| !matches!(byte, b'{' | b'[' | b'"'))
        };
        if !likely {
            return Ok(false);
        }
        let mut cursor = self.cursor(value);
        let mut probe = cursor.clone();
        let item = probe.next()?;
        let annotation = probe.annotations().first().and_then(Option::as_deref);
        match (item, annotation) {
            (Item::Begin(super::Kind::Struct), Some(TABLE)) => {
                let change = self.symbols.declared(&mut cursor)?;
                self.symbols.apply(change);
                Ok(true)
            }
            (Item::Scalar(Scalar::Text(text)), None) if !self.binary && text.starts_with("$ion_1_") => {
                if text != "$ion_1_0" {
                    return Err(Failure::Unsupported { what: format!("the version {text} of Ion") });
                }
                self.symbols.reset();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Errors: the symbol table has grown beyond the limit.
    pub(crate) fn check_size(&self, source: &str) -> Result<(), FormatError> {
        if self.symbols.bytes() <= self.max_bytes {
            return Ok(());
        }
        let what = format!("a symbol table of Ion beyond {} bytes", self.max_bytes);
        Err(FormatError::new(source, Problem::Unsupported { what }))
    }
}

/// The error of a file that is no Ion at its byte `offset` and what follows, so that nothing more can be read.
pub(crate) fn damaged(source: &str, failure: Failure, offset: u64) -> FormatError {
    let (problem, at) = match failure {
        Failure::Malformed { message, at } => {
            (Problem::Damaged { format: "Ion", message: message.into_owned() }, at)
        }
        Failure::Truncated { at } => {
            let message = "the file ends within a value".to_owned();
            (Problem::Damaged { format: "Ion", message }, at)
        }
        other => (other.problem(|_| String::new()), 0),
    };
    let mut error = FormatError::new(source, problem);
    error.place.offset = Some(offset + at as u64);
    error
}
