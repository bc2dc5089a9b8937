//! What both encodings hand out, item by item.

use std::borrow::Cow;

use super::binary::BinaryCursor;
use super::scalar::Scalar;
use super::symbols::Symbols;
use super::text::TextCursor;
use crate::error::{Problem, excerpt};

/// A container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    List,
    /// An S-expression: a list, as far as tables are concerned.
    Sexp,
    Struct,
}

/// The next thing in a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item<'a> {
    Begin(Kind),
    End,
    Scalar(Scalar<'a>),
}

/// Why a value could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The window ends within the value, and is not the file's end.
    Open,
    /// The file ends within the value, which begins at byte `at`.
    Truncated { at: usize },
    /// Not Ion: what is wrong, at which byte of the window or record.
    Malformed { message: Cow<'static, str>, at: usize },
    /// Ion that is not read here.
    Unsupported { what: String },
    /// Well-formed, but a value does not fit its column.
    Mismatch { column: String, value: String },
    /// Two values of one struct, or of one path, mean the same column, and differ.
    Repeated { first: String, second: String },
}

pub(crate) type Parsed<T> = Result<T, Failure>;

impl Failure {
    /// What is wrong within a record, in words.
    pub(crate) fn problem(&self, wanted: impl FnOnce(&str) -> String) -> Problem {
        match self {
            Self::Malformed { message, at } => {
                Problem::Ion { message: format!("{message} (byte {} of the value)", at + 1) }
            }
            Self::Open | Self::Truncated { .. } => Problem::Ion { message: "it ends too early".to_owned() },
            Self::Unsupported { what } => Problem::Unsupported { what: what.clone() },
            Self::Mismatch { column, value } => {
                Problem::BadValue { value: excerpt(value.as_bytes()), wanted: wanted(column) }
            }
            Self::Repeated { first, second } => {
                Problem::RepeatedName { first: first.clone(), second: second.clone() }
            }
        }
    }
}

/// Walks one value at the top of a file.
#[derive(Clone)]
pub(crate) enum Cursor<'a> {
    Text(TextCursor<'a>),
    Binary(BinaryCursor<'a>),
}

impl<'a> Cursor<'a> {
    /// Over a value that is there in full.
    pub(crate) fn new(value: &'a [u8], binary: bool, symbols: &'a Symbols) -> Self {
        if binary {
            Self::Binary(BinaryCursor::new(value, symbols))
        } else {
            Self::Text(TextCursor::new(value, true, symbols))
        }
    }

    /// Refuses more than `levels` of containers.
    pub(crate) fn with_depth(mut self, levels: usize) -> Self {
        match &mut self {
            Self::Text(cursor) => cursor.max_depth = levels,
            Self::Binary(cursor) => cursor.max_depth = levels,
        }
        self
    }

    /// The next item. Behind the end of the value: an error.
    pub(crate) fn next(&mut self) -> Parsed<Item<'a>> {
        match self {
            Self::Text(cursor) => cursor.next(),
            Self::Binary(cursor) => cursor.next(),
        }
    }

    /// The field name of the newest item, if it begins or is a field with a name.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Text(cursor) => cursor.name.as_deref(),
            Self::Binary(cursor) => cursor.name.as_deref(),
        }
    }

    /// The annotations of the newest item, if it begins or is a value.
    pub(crate) fn annotations(&self) -> &[Option<Cow<'a, str>>] {
        match self {
            Self::Text(cursor) => &cursor.annotations,
            Self::Binary(cursor) => &cursor.annotations,
        }
    }

    /// Where the newest value begins, its annotations included.
    pub(crate) fn start(&self) -> usize {
        match self {
            Self::Text(cursor) => cursor.start,
            Self::Binary(cursor) => cursor.start,
        }
    }

    /// Behind the newest item.
    pub(crate) fn position(&self) -> usize {
        match self {
            Self::Text(cursor) => cursor.at,
            Self::Binary(cursor) => cursor.at,
        }
    }

    /// The bytes between two positions.
    pub(crate) fn between(&self, start: usize, end: usize) -> &'a [u8] {
        let bytes = match self {
            Self::Text(cursor) => cursor.bytes,
            Self::Binary(cursor) => cursor.bytes,
        };
        bytes.get(start..end).unwrap_or_default()
    }

    /// Moves behind the value that `item` is or begins.
    pub(crate) fn pass(&mut self, item: &Item<'_>) -> Parsed<()> {
        if !matches!(item, Item::Begin(_)) {
            return Ok(());
        }
        match self {
            Self::Text(cursor) => cursor.leave(),
            Self::Binary(cursor) => {
                cursor.leave();
                Ok(())
            }
        }
    }
}
