//! The strict grammar of JSON over one record, which is UTF-8 already: walking objects and arrays, skipping values,
//! decoding strings. What is done with the values is up to the callers.

use super::quick::short_end;
use crate::error::{Problem, excerpt};
use crate::options::JsonOptions;

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 128;

/// Why a record could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Not JSON: what was expected, at which byte of the record.
    Syntax { expected: &'static str, at: usize },
    /// Well-formed, but a value does not fit its column.
    Mismatch { column: String, value: std::ops::Range<usize> },
    /// More levels of objects and arrays than `limit`, from byte `at` of the record on.
    TooDeep { limit: usize, at: usize },
    /// More different names in one place than `limit`.
    TooWide { limit: usize },
    /// Two names of one object mean the same column, and have different values.
    Repeated { first: String, second: String },
    /// A name with a value, where all names have to be known.
    Unknown { name: String },
}

impl Failure {
    /// What is wrong with `record`, in words; the value itself is the problem of a mismatch, whose column the caller knows.
    pub(crate) fn problem(&self, record: &[u8], wanted: impl FnOnce(&str) -> String) -> Problem {
        match self {
            Self::Syntax { expected: "valid UTF-8", .. } => Problem::InvalidUtf8,
            // A line with nothing else: the rest of the record is on the next ones.
            Self::Syntax { .. } if matches!(record.trim_ascii(), b"{" | b"[") => {
                let message = "the record goes over several lines, in a file whose first does not".to_owned();
                Problem::Json { message }
            }
            Self::Syntax { expected, at } => {
                let rest = &record[(*at).min(record.len())..];
                let found = if rest.is_empty() {
                    "the end of the record".to_owned()
                } else {
                    excerpt(&rest[..rest.len().min(20)])
                };
                let message = format!("expected {expected}, found {found} (byte {} of the record)", at + 1);
                Problem::Json { message }
            }
            Self::TooDeep { limit, at } => {
                let message = format!("nested more than {limit} levels deep (byte {} of the record)", at + 1);
                Problem::Json { message }
            }
            Self::TooWide { limit } => {
                let place = "in one object, or at one place of the records together";
                let message =
                    format!("more than {limit} different names {place}: such names are data, no columns");
                Problem::Schema { message }
            }
            Self::Repeated { first, second } => {
                Problem::RepeatedName { first: first.clone(), second: second.clone() }
            }
            Self::Unknown { name } => Problem::UnknownName { name: name.clone() },
            Self::Mismatch { column, value } => Problem::BadValue {
                value: excerpt(record.get(value.clone()).unwrap_or_default()),
                wanted: wanted(column),
            },
        }
    }
}

pub(crate) struct Parser<'a> {
    text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    depth: usize,
    max_depth: usize,
    pub(super) options: &'a JsonOptions,
    /// The name of the member that is being walked.
    pub(crate) name: String,
    /// Whether [`Parser::record`] compares the values of names that repeat, instead of refusing them.
    pub(super) compares: bool,
}

pub(crate) type Parsed<T> = Result<T, Failure>;

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, options: &'a JsonOptions) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            depth: 0,
            max_depth: MAX_DEPTH,
            options,
            name: String::new(),
            compares: false,
        }
    }

    /// Refuses more than `levels` of objects and arrays.
    pub(crate) fn with_depth(mut self, levels: usize) -> Self {
        self.max_depth = levels;
        self
    }

    /// Compares the values of names that repeat: slower, for records that were found to have such names.
    pub(crate) fn comparing(mut self) -> Self {
        self.compares = true;
        self
    }

    /// Whether names are told apart without their case.
    pub(crate) fn folds_case(&self) -> bool {
        self.options.case_insensitive
    }

    /// The text between two positions.
    pub(crate) fn between(&self, start: usize, end: usize) -> &'a [u8] {
        &self.bytes[start..end]
    }

    pub(super) fn expected<T>(&self, expected: &'static str) -> Parsed<T> {
        Err(Failure::Syntax { expected, at: self.at })
    }

    fn space(&mut self) {
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

    /// Walks an object; `member` is called behind each colon, with the name in `self.name`, and passes a hint on.
    pub(crate) fn object(&mut self, mut member: impl FnMut(&mut Self, usize) -> Parsed<usize>) -> Parsed<()> {
        self.members(|parser, hint| {
            parser.take_name()?;
            member(parser, hint)
        })
    }

    /// Walks an object; `member` is called in front of each name, and passes a hint on.
    #[inline]
    pub(super) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, usize) -> Parsed<usize>,
    ) -> Parsed<()> {
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
    pub(crate) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
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
        let limit = self.max_depth;
        if self.depth > limit { Err(Failure::TooDeep { limit, at: self.at - 1 }) } else { Ok(()) }
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

    /// Takes a name, which is in `self.name` then, and its colon.
    pub(super) fn take_name(&mut self) -> Parsed<()> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return self.expected("a name in quotes");
        }
        self.name.clear();
        let start = self.at + 1;
        let short = self.bytes[start..].first_chunk().and_then(short_end);
        match short.or_else(|| memchr::memchr2(b'"', b'\\', &self.bytes[start..])) {
            Some(length) if self.bytes[start + length] == b'"' => {
                self.name.push_str(&self.text[start..start + length]);
                self.at = start + length + 1;
            }
            _ => {
                let mut bytes = Vec::new();
                self.string_bytes(&mut bytes)?;
                self.name.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
        self.take(b':', "':'")
    }

    /// Decodes the string at the cursor into `out`.
    pub(super) fn string_bytes(&mut self, out: &mut impl Collect) -> Parsed<()> {
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
pub(super) trait Collect {
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
