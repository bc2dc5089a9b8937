//! The names that numbers in a file stand for.

use super::cursor::{Cursor, Failure, Item, Kind, Parsed};
use super::scalar::Scalar;

/// The symbols of the system, from number 1 on.
const SYSTEM: [&str; 9] = [
    "$ion",
    "$ion_1_0",
    TABLE,
    "name",
    "version",
    "imports",
    "symbols",
    "max_id",
    "$ion_shared_symbol_table",
];
/// The annotation of a struct that declares symbols.
pub(super) const TABLE: &str = "$ion_symbol_table";
/// What a symbol counts for beside its own bytes.
const OVERHEAD: usize = 32;

/// A symbol table: the system's symbols, and the file's own behind them.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    own: Vec<Option<Box<str>>>,
    bytes: usize,
}

impl Symbols {
    /// Back to the system's symbols.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// What the symbols take, for a limit.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The text of a number; the inner `None` when the symbol is known to have none. Errors: a number that is not declared.
    pub(super) fn text(&self, number: u64, at: usize) -> Parsed<Option<&str>> {
        let Some(place) = number.checked_sub(1) else { return Ok(None) };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some(text) = SYSTEM.get(place) {
            return Ok(Some(text));
        }
        match self.own.get(place - SYSTEM.len()) {
            Some(text) => Ok(text.as_deref()),
            None => {
                let message = format!("the symbol ${number} is not in the file's symbol table");
                Err(Failure::Malformed { message: message.into(), at })
            }
        }
    }

    /// What the table at `cursor`, in front of its struct, makes of these symbols. Errors: it imports shared ones.
    pub(super) fn declared(&self, cursor: &mut Cursor<'_>) -> Parsed<Change> {
        let mut change = Change::default();
        if !matches!(cursor.next()?, Item::Begin(Kind::Struct)) {
            // A null table declares nothing.
            return Ok(change);
        }
        loop {
            let item = cursor.next()?;
            match (cursor.name(), item) {
                (_, Item::End) => return Ok(change),
                (Some("symbols"), Item::Begin(Kind::List)) => change.take_symbols(cursor)?,
                (Some("imports"), Item::Begin(Kind::List)) => imports(cursor)?,
                (Some("imports"), Item::Scalar(Scalar::Text(from))) => change.appends |= from == TABLE,
                (_, item) => cursor.pass(&item)?,
            }
        }
    }

    /// Makes the change.
    pub(super) fn apply(&mut self, change: Change) {
        if !change.appends {
            self.reset();
        }
        self.bytes +=
            change.symbols.iter().map(|text| text.as_deref().map_or(0, str::len) + OVERHEAD).sum::<usize>();
        self.own.extend(change.symbols);
    }
}

/// What a declaration says.
#[derive(Debug, Default)]
pub(super) struct Change {
    appends: bool,
    symbols: Vec<Option<Box<str>>>,
}

impl Change {
    fn take_symbols(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        loop {
            let item = cursor.next()?;
            match &item {
                Item::End => return Ok(()),
                Item::Scalar(Scalar::Text(text)) => self.symbols.push(Some(text.as_ref().into())),
                // Whatever else is a symbol without a text.
                _ => {
                    cursor.pass(&item)?;
                    self.symbols.push(None);
                }
            }
        }
    }
}

/// Tables elsewhere cannot be fetched; the system's own may be named.
fn imports(cursor: &mut Cursor<'_>) -> Parsed<()> {
    loop {
        match cursor.next()? {
            Item::End => return Ok(()),
            Item::Begin(Kind::Struct) => {
                let mut name = String::new();
                loop {
                    let item = cursor.next()?;
                    match (cursor.name(), &item) {
                        (_, Item::End) => break,
                        (Some("name"), Item::Scalar(Scalar::Text(text))) => {
                            text.as_ref().clone_into(&mut name)
                        }
                        _ => cursor.pass(&item)?,
                    }
                }
                if !name.is_empty() && name != SYSTEM[0] {
                    return Err(Failure::Unsupported {
                        what: format!("the shared symbol table {name:?} of Ion"),
                    });
                }
            }
            other => cursor.pass(&other)?,
        }
    }
}
