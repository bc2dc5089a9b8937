//! How partition values become bytes whose order is the order of the values.
//!
//! # Layout
//! A key position is *text* (its value's UTF-8) or *number* (`0x10` and an order-preserving
//! double; `0x20` and the text when the value is no number). Which one is decided when the table's
//! first partition is stored and stays, whatever the declared type becomes later: so stored bytes
//! never have to be rewritten. A filter may only be turned into byte ranges where the declared
//! type still wants the stored encoding, and where every stored partition has a value. (Stores of
//! earlier versions know *gappy* positions, which came or went with the keys while partitions were
//! stored: these are never sought, and encoded as before.)
//!
//! A component longer than [`MAX_COMPONENT_BYTES`] is cut; cutting keeps the order (a range stays
//! a superset), and the exact comparison follows in Rust.
//!
//! A `vkey` joins the components (`00` → `00 FF`, end `00 01`) and, where bytes do not tell values
//! apart (numbers: `1` and `01`; cut text), a digest of the exact values.

use sha2::{Digest, Sha256};

use crate::expression::KeyType;
use crate::model::Column;

/// The most bytes of one component that are kept in keys.
pub(crate) const MAX_COMPONENT_BYTES: usize = 128;
/// A filter is not extended beyond a prefix of so many bytes.
pub(crate) const MAX_PREFIX_BYTES: usize = 1024;
/// The most bytes of a `vkey` before its digest.
const MAX_VKEY_BYTES: usize = 1500;
/// Segments are ranges of this many buckets: divisible by every number of segments up to 10.
pub(crate) const BUCKETS: i64 = 2520;

pub(crate) const TAG_NUMBER: u8 = 0x10;
pub(crate) const TAG_OTHER: u8 = 0x20;

/// How the values of one key position are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Text,
    Number,
}

/// A key position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    encoding: Encoding,
    /// Some stored partitions have no value here.
    gappy: bool,
}

impl Position {
    /// A position that some stored partitions do not have, and none had before.
    const NEW: Position = Position { encoding: Encoding::Text, gappy: true };
}

/// The encodings of a table's key positions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Layout(Vec<Position>);

impl Layout {
    /// The layout that suits the declared types of keys.
    pub(crate) fn of(keys: &[Column]) -> Layout {
        let encodings = keys.iter().map(|key| KeyType::parse(key.hive_type()).encoding());
        Layout(encodings.map(|encoding| Position { encoding, gappy: false }).collect())
    }

    /// Reads a letter for each position: `T`ext, `N`umber; gappy `L` (text) and `M` (number).
    pub(crate) fn from_text(text: &str) -> Layout {
        let position = |letter| match letter {
            'T' => Position { encoding: Encoding::Text, gappy: false },
            'N' => Position { encoding: Encoding::Number, gappy: false },
            'M' => Position { encoding: Encoding::Number, gappy: true },
            _ => Position::NEW,
        };
        Layout(text.chars().map(position).collect())
    }

    pub(crate) fn to_text(&self) -> String {
        let letter = |position: &Position| match (position.encoding, position.gappy) {
            (Encoding::Text, false) => 'T',
            (Encoding::Number, false) => 'N',
            (Encoding::Text, true) => 'L',
            (Encoding::Number, true) => 'M',
        };
        self.0.iter().map(letter).collect()
    }

    fn position(&self, position: usize) -> Position {
        self.0.get(position).copied().unwrap_or(Position::NEW)
    }

    /// The encoding of a position.
    pub(crate) fn at(&self, position: usize) -> Encoding {
        self.position(position).encoding
    }

    /// Whether a filter on a position that is declared to be encoded like `wanted` may become
    /// byte ranges.
    pub(crate) fn can_seek(&self, position: usize, wanted: Encoding) -> bool {
        self.position(position) == Position { encoding: wanted, gappy: false }
    }

    /// The component of a value.
    pub(crate) fn component(&self, position: usize, value: &str) -> Vec<u8> {
        let mut bytes = match self.at(position) {
            Encoding::Text => value.as_bytes().to_vec(),
            Encoding::Number => match number(value) {
                Some(found) => number_component(found),
                None => [&[TAG_OTHER], value.as_bytes()].concat(),
            },
        };
        bytes.truncate(MAX_COMPONENT_BYTES);
        bytes
    }

    /// The unique key of a partition's values.
    pub(crate) fn vkey<S: AsRef<str>>(&self, values: &[S]) -> Vec<u8> {
        let mut key = Vec::with_capacity(64);
        let mut exact = true;
        for (position, value) in values.iter().enumerate() {
            let value = value.as_ref();
            let component = self.component(position, value);
            exact &= self.at(position) != Encoding::Number && component.len() == value.len();
            push_component(&mut key, &component);
        }
        if key.len() > MAX_VKEY_BYTES {
            key.truncate(MAX_VKEY_BYTES);
            exact = false;
        }
        if !exact {
            key.extend_from_slice(&digest(values)[..16]);
        }
        key
    }
}

/// Appends a component and its end.
pub(crate) fn push_component(key: &mut Vec<u8>, component: &[u8]) {
    push_open(key, component);
    key.extend_from_slice(&[0x00, 0x01]);
}

/// Appends a component without its end: a prefix of every component that begins so.
pub(crate) fn push_open(key: &mut Vec<u8>, component: &[u8]) {
    for byte in component {
        key.push(*byte);
        if *byte == 0x00 {
            key.push(0xFF);
        }
    }
}

/// The bytes of a number; their order is the order of numbers.
pub(crate) fn number_component(value: f64) -> Vec<u8> {
    let value = if value == 0.0 { 0.0 } else { value };
    let bits = value.to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    let mut bytes = vec![TAG_NUMBER];
    bytes.extend_from_slice(&ordered.to_be_bytes());
    bytes
}

/// Reads a value as a number; `None` for text. What is too large for a double becomes the largest
/// one, so that the order is kept.
pub(crate) fn number(value: &str) -> Option<f64> {
    let unsigned = value.strip_prefix(['+', '-']).unwrap_or(value);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let found = value.parse::<f64>().ok()?;
    Some(found.clamp(f64::MIN, f64::MAX))
}

/// A digest of exact values, which tells `["a","b"]` from `["ab"]`.
fn digest<S: AsRef<str>>(values: &[S]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for value in values {
        let bytes = value.as_ref().as_bytes();
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    hash.finalize().into()
}

/// The bucket of values: spreads them evenly, and depends on nothing else.
pub(crate) fn bucket<S: AsRef<str>>(values: &[S]) -> i64 {
    let [a, b, c, d, ..] = digest(values);
    i64::from(u32::from_be_bytes([a, b, c, d])) % BUCKETS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layout(text: &str) -> Layout {
        Layout::from_text(text)
    }

    proptest! {
        #[test]
        fn numbers_keep_their_order(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(a.is_finite() && b.is_finite());
            let order = number_component(a).cmp(&number_component(b));
            prop_assert_eq!(Some(order), a.partial_cmp(&b));
        }

        #[test]
        fn text_tuples_keep_their_order(a in "\\PC{0,6}", b in "\\PC{0,6}", c in "\\PC{0,6}", d in "\\PC{0,6}") {
            let (left, right) = ([a, b], [c, d]);
            prop_assert_eq!(layout("TT").vkey(&left).cmp(&layout("TT").vkey(&right)), left.cmp(&right));
        }

        #[test]
        fn different_values_have_different_keys(
            a in prop::collection::vec("[0-9a.]{1,4}", 2), b in prop::collection::vec("[0-9a.]{1,4}", 2)
        ) {
            for classes in ["TT", "TN", "NN"] {
                prop_assert_eq!(layout(classes).vkey(&a) == layout(classes).vkey(&b), a == b);
            }
        }
    }

    #[test]
    fn long_values_stay_apart() {
        let (a, b) = (format!("{}a", "x".repeat(1000)), format!("{}b", "x".repeat(1000)));
        let key = layout("T").vkey(&[&a]);
        assert_ne!(key, layout("T").vkey(&[&b]));
        assert!(key.len() < 200, "keys fit into an index row of every back end");
    }

    #[test]
    fn gappy_positions_keep_their_encoding_and_are_not_sought() {
        let gappy = layout("NM");
        assert_eq!(gappy.to_text(), "NM");
        assert_eq!(gappy.vkey(&["2024", "1"]), layout("NN").vkey(&["2024", "1"]));
        assert!(gappy.can_seek(0, Encoding::Number) && !gappy.can_seek(1, Encoding::Number));
        assert!(!layout("N").can_seek(0, Encoding::Text) && !layout("N").can_seek(1, Encoding::Text));
    }

    #[test]
    fn one_number_written_twice_is_two_values() {
        assert_ne!(layout("N").vkey(&["1"]), layout("N").vkey(&["01"]));
        assert_eq!(layout("N").component(0, "1"), layout("N").component(0, "01.0"));
        assert_eq!(number("inf"), None);
        assert_eq!(number("nan"), None);
    }
}
