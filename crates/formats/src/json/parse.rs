//! A strict JSON parser over one record, which appends values to column builders as it goes.
//!
//! Input is UTF-8 already. Coercions are those of the JSON SerDes: a text column takes any scalar's text, and an
//! object or array as it is written; a number column takes a number in a string; a timestamp column takes a number
//! as milliseconds since the epoch, or, with a point, as seconds. Whatever else does not fit is a mismatch: NULL or
//! a bad record, as the options say. Of repeated names the last wins.

use super::frame::string_end;
use crate::builder::value::{self, Instant};
use crate::builder::{Column, Mismatch, StructColumn};
use crate::options::{JsonOptions, Malformed};

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 128;

/// Why a record could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Not JSON: what was expected, at which byte of the record.
    Syntax {
        expected: &'static str,
        at: usize,
    },
    /// Well-formed, but a value does not fit its column.
    Mismatch {
        column: String,
        value: std::ops::Range<usize>,
    },
    TooDeep,
}

pub(crate) struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    options: &'a JsonOptions,
    name: String,
}

type Parsed<T> = Result<T, Failure>;

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, options: &'a JsonOptions) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, depth: 0, options, name: String::new() }
    }

    fn expected<T>(&self, expected: &'static str) -> Parsed<T> {
        Err(Failure::Syntax { expected, at: self.at })
    }

    pub(crate) fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is not white space.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.space();
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    fn take(&mut self, byte: u8, expected: &'static str) -> Parsed<()> {
        if self.peek() != Some(byte) {
            return self.expected(expected);
        }
        self.at += 1;
        Ok(())
    }

    /// Parses an object into `row`, one value for each of its columns.
    pub(crate) fn record(&mut self, row: &mut StructColumns<'_>) -> Parsed<()> {
        let len = row.len;
        self.object(|parser, hint| {
            let found = parser.find(row, hint);
            match found {
                Some(index) => {
                    let column = &mut row.columns[index];
                    column.truncate(len);
                    parser.value(column, &row.names[index])?;
                }
                None => parser.skip()?,
            }
            Ok(found.map_or(hint, |i| i + 1))
        })?;
        for column in row.columns.iter_mut() {
            if column.len() == len {
                column.append_null();
            }
        }
        Ok(())
    }

    fn find(&self, row: &StructColumns<'_>, hint: usize) -> Option<usize> {
        row.index.find(&self.name, self.options, hint)
    }

    /// Walks an object; `member` is called behind each colon, with the name in `self.name`, and passes a hint on.
    fn object(&mut self, mut member: impl FnMut(&mut Self, usize) -> Parsed<usize>) -> Parsed<()> {
        self.take(b'{', "'{'")?;
        self.enter()?;
        let mut hint = 0;
        if self.peek() == Some(b'}') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            self.space();
            let mut name = std::mem::take(&mut self.name);
            name.clear();
            let parsed = self.string_into(&mut name);
            self.name = name;
            parsed?;
            self.take(b':', "':'")?;
            hint = member(self, hint)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.expected("',' or '}'"),
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// Walks an array; `element` is called in front of each value.
    fn array(&mut self, mut element: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.take(b'[', "'['")?;
        self.enter()?;
        if self.peek() == Some(b']') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            element(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return self.expected("',' or ']'"),
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(Failure::TooDeep) } else { Ok(()) }
    }

    /// Appends exactly one value to `column`.
    fn value(&mut self, column: &mut Column, name: &str) -> Parsed<()> {
        let Some(first) = self.peek() else { return self.expected("a value") };
        let start = self.at;
        if first == b'n' {
            self.skip()?;
            column.append_null();
            return Ok(());
        }
        let fits = match (&mut *column, first) {
            (Column::List(list, item), b'[') => {
                self.array(|parser| parser.value(item, name))?;
                list.close(item.len(), true);
                true
            }
            (Column::Map(map, keys, values), b'{') => {
                self.object(|parser, hint| {
                    let key = std::mem::take(&mut parser.name);
                    let appended = keys.append_text(key.as_bytes());
                    parser.name = key;
                    if appended.is_err() {
                        return parser.mismatch(name, parser.at..parser.at);
                    }
                    parser.value(values, name)?;
                    Ok(hint)
                })?;
                map.close(keys.len(), true);
                true
            }
            (Column::Struct(inner), b'{') => {
                self.structure(inner)?;
                true
            }
            (_, b'{' | b'[') => {
                self.skip()?;
                self.as_written(column, start)
            }
            (_, b'"') => self.string_value(column)?,
            _ => {
                self.skip()?;
                scalar(column, &self.bytes[start..self.at])
            }
        };
        if fits {
            return Ok(());
        }
        if self.options.malformed_value == Malformed::Null {
            column.append_null();
            return Ok(());
        }
        self.mismatch(name, start..self.at)
    }

    fn mismatch<T>(&self, name: &str, value: std::ops::Range<usize>) -> Parsed<T> {
        Err(Failure::Mismatch { column: name.to_owned(), value })
    }

    fn structure(&mut self, inner: &mut StructColumn) -> Parsed<()> {
        let len = inner.valid.len();
        let ignore_case = self.options.case_insensitive;
        self.object(|parser, hint| {
            let found = inner.find(&parser.name, ignore_case, hint);
            match found {
                Some(index) => {
                    inner.columns[index].truncate(len);
                    parser.value(&mut inner.columns[index], &inner.names[index])?;
                }
                None => parser.skip()?,
            }
            Ok(found.map_or(hint, |i| i + 1))
        })?;
        for column in &mut inner.columns {
            if column.len() == len {
                column.append_null();
            }
        }
        inner.valid.append(true);
        Ok(())
    }

    fn as_written(&self, column: &mut Column, start: usize) -> bool {
        match column {
            Column::Text(text) => {
                text.push(&self.bytes[start..self.at]);
                true
            }
            _ => false,
        }
    }

    fn string_value(&mut self, column: &mut Column) -> Parsed<bool> {
        match column {
            Column::Text(text) => {
                // A failing string leaves bytes behind; the caller's truncate takes them back.
                self.string_bytes(&mut text.data)?;
                text.close(true);
                Ok(true)
            }
            other => {
                let mut decoded = Vec::new();
                self.string_bytes(&mut decoded)?;
                if decoded.is_empty() && !other.is_text() {
                    other.append_null();
                    return Ok(true);
                }
                Ok(other.append_text(&decoded).is_ok())
            }
        }
    }

    /// Checks one value and moves behind it.
    pub(crate) fn skip(&mut self) -> Parsed<()> {
        match self.peek() {
            Some(b'{') => self.object(|parser, hint| parser.skip().map(|()| hint)),
            Some(b'[') => self.array(Self::skip),
            Some(b'"') => {
                self.string_bytes(&mut Discard)?;
                Ok(())
            }
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.expected("a value"),
        }
    }

    fn word(&mut self, word: &'static str) -> Parsed<()> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return self.expected("true, false or null");
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Parsed<()> {
        let count = self.bytes[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0 {
            return self.expected("a digit");
        }
        self.at += count;
        Ok(())
    }

    fn number(&mut self) -> Parsed<()> {
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn string_into(&mut self, out: &mut String) -> Parsed<()> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return self.expected("a name in quotes");
        }
        let end = string_end(self.bytes, self.at);
        match end {
            Some(end) if !self.bytes[self.at..end].contains(&b'\\') => {
                out.push_str(&self.text[self.at + 1..end - 1]);
                self.at = end;
                Ok(())
            }
            _ => {
                let mut bytes = Vec::new();
                self.string_bytes(&mut bytes)?;
                out.push_str(&String::from_utf8_lossy(&bytes));
                Ok(())
            }
        }
    }

    /// Decodes the string at the cursor into `out`.
    fn string_bytes(&mut self, out: &mut impl Collect) -> Parsed<()> {
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.bytes.len();
                return self.expected("a closing quote");
            };
            out.collect(&rest[..found]);
            self.at += found + 1;
            if rest[found] == b'"' {
                return Ok(());
            }
            self.escape(out)?;
        }
    }

    fn escape(&mut self, out: &mut impl Collect) -> Parsed<()> {
        let Some(&byte) = self.bytes.get(self.at) else { return self.expected("an escape") };
        self.at += 1;
        let plain = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let c = self.unicode()?;
                out.collect(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return self.expected("a known escape"),
        };
        out.collect(&[plain]);
        Ok(())
    }

    /// The character of `\uXXXX`, or of a pair; a lone surrogate becomes U+FFFD.
    fn unicode(&mut self) -> Parsed<char> {
        let unit = self.hex4()?;
        if (0xd800..0xdc00).contains(&unit) && self.bytes[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Parsed<u32> {
        let Some(digits) = self.bytes.get(self.at..self.at + 4) else {
            return self.expected("four hex digits");
        };
        let mut unit = 0;
        for digit in digits {
            let Some(value) = char::from(*digit).to_digit(16) else {
                return self.expected("four hex digits");
            };
            unit = unit * 16 + value;
        }
        self.at += 4;
        Ok(unit)
    }
}

/// Takes decoded string bytes.
trait Collect {
    fn collect(&mut self, bytes: &[u8]);
}

impl Collect for Vec<u8> {
    fn collect(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

struct Discard;

impl Collect for Discard {
    fn collect(&mut self, _: &[u8]) {}
}

/// The top-level columns of a record.
pub(crate) struct StructColumns<'a> {
    pub(crate) columns: &'a mut [Column],
    pub(crate) names: &'a [String],
    pub(crate) index: &'a super::read::NameIndex,
    pub(crate) len: usize,
}

/// Appends a number or boolean that was checked already; false when it does not fit.
fn scalar(column: &mut Column, text: &[u8]) -> bool {
    match column {
        Column::Timestamp(unit, times) => {
            let at =
                if let Some(ms) = value::int(text) { Some(Instant::from_millis(ms)) } else { seconds(text) };
            match at.and_then(|at| at.in_unit(*unit)) {
                Some(v) => {
                    times.push(v);
                    true
                }
                None => false,
            }
        }
        Column::Date32(_) => false,
        other => match other.append_text(text) {
            Ok(()) => true,
            Err(Mismatch::Value | Mismatch::Utf8) => false,
        },
    }
}

fn seconds(text: &[u8]) -> Option<Instant> {
    const SCALE: i8 = 9;
    let nanos = value::decimal(text, 38, SCALE)?;
    let secs = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    Some(Instant { secs, nanos: nanos.rem_euclid(1_000_000_000) as u32 })
}
