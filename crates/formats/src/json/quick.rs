//! Names and values as files mostly have them, taken in a few steps of fixed length: without a call or a branch for each byte.
//! What is otherwise is left to the grammar, which takes everything.

use super::lex::Parser;
use crate::builder::value::{first_in, matching};
use crate::builder::{Column, Var, leading};
use crate::texts::SHORT_TEXT;

/// A name as files mostly spell it: `"name":`, to be compared where it is expected.
pub(super) struct Spelling {
    bytes: Vec<u8>,
    /// The first sixteen bytes, and ones for those that are there.
    front: u128,
    known: u128,
}

impl Spelling {
    /// Never found are names that need escapes.
    pub(super) fn new(name: &str) -> Self {
        let escaped = name.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'));
        let bytes = if escaped { Vec::new() } else { format!("\"{name}\":").into_bytes() };
        let (mut front, mut known) = ([0; 16], [0; 16]);
        for ((byte, front), known) in bytes.iter().zip(&mut front).zip(&mut known) {
            (*front, *known) = (*byte, u8::MAX);
        }
        Self { bytes, front: u128::from_ne_bytes(front), known: u128::from_ne_bytes(known) }
    }

    /// How many bytes of the text it takes, if the text begins with it.
    #[inline]
    fn begins(&self, text: &[u8]) -> Option<usize> {
        let length = self.bytes.len();
        let is_there = match text.first_chunk::<16>() {
            Some(front) if length <= 16 => (u128::from_ne_bytes(*front) ^ self.front) & self.known == 0,
            _ => text.starts_with(&self.bytes),
        };
        (is_there && length > 0).then_some(length)
    }
}

impl Parser<'_> {
    /// Moves behind the name and its colon, if they are next.
    #[inline]
    pub(super) fn passes(&mut self, name: &Spelling) -> bool {
        let length = name.begins(&self.bytes[self.at..]);
        self.at += length.unwrap_or_default();
        length.is_some()
    }

    /// Takes the value that begins with `first`; false, and nothing is taken, where that needs the grammar.
    #[inline]
    pub(super) fn takes(&mut self, column: &mut Column, first: u8) -> bool {
        let rest = &self.bytes[self.at..];
        let length = match (column, first) {
            (Column::Text(text), b'"') => short_text(rest, text),
            (Column::Int64(values), b'-' | b'0'..=b'9') => leading::int(rest).map(|(value, length)| {
                values.push(value);
                length
            }),
            (Column::Int32(values), b'-' | b'0'..=b'9') => leading::int(rest).and_then(|(value, length)| {
                values.push(value.try_into().ok()?);
                Some(length)
            }),
            (Column::Float64(values), b'-' | b'0'..=b'9') => leading::float(rest).map(|(value, length)| {
                values.push(value);
                length
            }),
            _ => None,
        };
        self.at += length.unwrap_or_default();
        length.is_some()
    }
}

/// Appends a string without escapes; its length with its quotes.
#[inline]
fn short_text(rest: &[u8], text: &mut Var) -> Option<usize> {
    let chunk = rest.get(1..)?.first_chunk::<SHORT_TEXT>()?;
    let length = short_end(chunk)?;
    let start = text.data.len();
    text.data.extend_from_slice(chunk);
    text.data.truncate(start + length);
    text.close(true);
    Some(length + 2)
}

/// Where the quote is that ends a string, which these bytes follow the first quote of; nowhere, where an escape is before it.
#[inline]
pub(super) fn short_end(chunk: &[u8; SHORT_TEXT]) -> Option<usize> {
    for (number, word) in chunk.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // The lowest of each is a match; what follows it may be none.
        let found = matching(word, b'"') | matching(word, b'\\');
        if found != 0 {
            let at = 8 * number + first_in(found);
            return (chunk[at] == b'"').then_some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_they_are_spelt() {
        for name in
            ["a", "fourteen bytes", "fifteen bytes..", "a name of many more bytes than sixteen", "", "é"]
        {
            let spelling = Spelling::new(name);
            let text = format!("\"{name}\":1}}");
            assert_eq!(spelling.begins(text.as_bytes()), Some(name.len() + 3), "{name}");
            let longer = format!("{text}{:32}", "");
            assert_eq!(spelling.begins(longer.as_bytes()), Some(name.len() + 3), "{name}");
            for other in [
                format!("\"{name}x\":1"),
                format!("\"{name}\" :1"),
                format!("\"{name}\""),
                format!("'{name}\":1"),
            ] {
                assert_eq!(spelling.begins(other.as_bytes()), None, "{other}");
                let longer = format!("{other}{:32}", "");
                assert_eq!(spelling.begins(longer.as_bytes()), None, "{longer}");
            }
        }
        assert_eq!(Spelling::new("a\"b").begins(b"\"a\"b\":1"), None);
    }

    #[test]
    fn short_strings_end_at_their_quotes() {
        let end = |text: &str| {
            let mut chunk = [b' '; SHORT_TEXT];
            chunk[..text.len()].copy_from_slice(text.as_bytes());
            short_end(&chunk)
        };
        for length in 0..SHORT_TEXT {
            assert_eq!(end(&format!("{}\"", "x".repeat(length))), Some(length));
            assert_eq!(end(&format!("{}#\"\"", "!".repeat(length.min(29)))), Some(length.min(29) + 1));
        }
        assert_eq!(end("a\\\""), None);
        assert_eq!(end("a\"\\"), Some(1));
        assert_eq!(end("]\"\\"), Some(1));
        assert_eq!(end("endless"), None);
    }
}
