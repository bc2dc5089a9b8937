//! The binary encoding: every value says its type and length.

use std::borrow::Cow;

use super::cursor::{Failure, Item, Kind, Parsed};
use super::scalar::{Decimal, Scalar, digits_of, integer};
use super::symbols::Symbols;
use super::timestamp::Parts;
use super::{MARKER, MAX_DEPTH};

/// What lies at the front of a window.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// The mark of a version, and where symbols begin anew.
    Marker(usize),
    /// Bytes that mean nothing.
    Padding(usize),
    /// A value of so many bytes.
    Value(usize),
}

/// Measures what begins at the window's first byte. `complete` says that nothing follows the window.
pub(super) fn front(window: &[u8], complete: bool) -> Parsed<Front> {
    let short = || if complete { Failure::Truncated { at: 0 } } else { Failure::Open };
    if window.first() == Some(&MARKER[0]) {
        return match window.get(..MARKER.len()) {
            None => Err(short()),
            Some(marker) if marker == MARKER => Ok(Front::Marker(MARKER.len())),
            Some([_, major, minor, 0xea]) => {
                Err(Failure::Unsupported { what: format!("Ion {major}.{minor}") })
            }
            Some(_) => Err(malformed("a mark of a version that is none", 0)),
        };
    }
    let header = Header::read(window, 0, u64::MAX).map_err(|failure| match failure {
        Failure::Truncated { .. } => short(),
        other => other,
    })?;
    let Some(end) = usize::try_from(header.end).ok().filter(|end| *end <= window.len()) else {
        return Err(short());
    };
    Ok(if header.is_padding() { Front::Padding(end) } else { Front::Value(end) })
}

fn malformed(message: impl Into<Cow<'static, str>>, at: usize) -> Failure {
    Failure::Malformed { message: message.into(), at }
}

/// A value's type and extent.
#[derive(Clone, Copy)]
struct Header {
    ty: u8,
    /// The low half of the first byte.
    low: u8,
    /// Where the value's content begins and ends.
    content: usize,
    end: u64,
}

const NULL: u8 = 15;

impl Header {
    /// Errors: `Truncated` when the header does not end before `limit` or the bytes do.
    fn read(bytes: &[u8], at: usize, limit: u64) -> Parsed<Self> {
        let Some(first) = bytes.get(at) else { return Err(Failure::Truncated { at }) };
        let (ty, low) = (first >> 4, first & 15);
        let mut content = at + 1;
        let len = match (ty, low) {
            (_, NULL) | (1, _) => 0,
            (13, 1) | (_, 14) => var_uint(bytes, &mut content)?,
            _ => u64::from(low),
        };
        let end = (content as u64).checked_add(len).filter(|end| *end <= limit);
        let Some(end) = end else { return Err(malformed("a value that reaches beyond its container", at)) };
        Ok(Self { ty, low, content, end })
    }

    fn is_padding(self) -> bool {
        self.ty == 0 && self.low != NULL
    }
}

/// An unsigned number, seven bits per byte, the last byte marked.
fn var_uint(bytes: &[u8], at: &mut usize) -> Parsed<u64> {
    let start = *at;
    let mut value = 0u64;
    loop {
        let Some(byte) = bytes.get(*at) else { return Err(Failure::Truncated { at: start }) };
        *at += 1;
        if value >> 57 != 0 {
            return Err(malformed("a number of more than 64 bits", start));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            return Ok(value);
        }
    }
}

/// As [`var_uint`], with a sign in the first byte; whether it is negative, and its magnitude.
fn var_int(bytes: &[u8], at: &mut usize) -> Parsed<(bool, i64)> {
    let start = *at;
    let Some(first) = bytes.get(*at) else { return Err(Failure::Truncated { at: start }) };
    let negative = first & 0x40 != 0;
    let mut value = i64::from(first & 0x3f);
    *at += 1;
    if first & 0x80 == 0 {
        loop {
            let Some(byte) = bytes.get(*at) else { return Err(Failure::Truncated { at: start }) };
            *at += 1;
            if value >> 55 != 0 {
                return Err(malformed("a number of more than 62 bits", start));
            }
            value = value << 7 | i64::from(byte & 0x7f);
            if byte & 0x80 != 0 {
                break;
            }
        }
    }
    Ok((negative, value))
}

/// Walks one value.
#[derive(Clone)]
pub(crate) struct BinaryCursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    symbols: &'a Symbols,
    /// Containers around the cursor, and where they end.
    open: Vec<(Kind, usize)>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) annotations: Vec<Option<Cow<'a, str>>>,
    pub(super) start: usize,
    pub(super) max_depth: usize,
}

impl<'a> BinaryCursor<'a> {
    pub(super) fn new(bytes: &'a [u8], symbols: &'a Symbols) -> Self {
        Self {
            bytes,
            at: 0,
            symbols,
            open: Vec::new(),
            name: None,
            annotations: Vec::new(),
            start: 0,
            max_depth: MAX_DEPTH,
        }
    }

    pub(super) fn next(&mut self) -> Parsed<Item<'a>> {
        loop {
            let container = self.open.last().copied();
            self.name = None;
            self.annotations.clear();
            let limit = container.map_or(self.bytes.len(), |(_, end)| end);
            if self.at >= limit {
                self.open.pop().ok_or(Failure::Truncated { at: self.at })?;
                return Ok(Item::End);
            }
            if let Some((Kind::Struct, _)) = container {
                let at = self.at;
                let number = var_uint(self.bytes, &mut self.at)?;
                self.name = self.symbols.text(number, at)?.map(Cow::Borrowed);
            }
            self.start = self.at;
            let mut header = Header::read(self.bytes, self.at, limit as u64)?;
            if header.is_padding() {
                self.at = header.end as usize;
                continue;
            }
            if header.ty == 14 {
                header = self.annotated(header)?;
            }
            return self.value(header);
        }
    }

    /// Moves behind the container that was begun last.
    pub(super) fn leave(&mut self) {
        if let Some((_, end)) = self.open.pop() {
            self.at = end;
        }
    }

    /// Takes the annotations of a wrapper; gives the header of the value within.
    fn annotated(&mut self, wrapper: Header) -> Parsed<Header> {
        let bad = |at: usize| malformed("annotations that are not well-formed", at);
        if wrapper.low < 3 || wrapper.low == NULL {
            return Err(bad(self.at));
        }
        let mut at = wrapper.content;
        let len = var_uint(self.bytes, &mut at)?;
        let end = usize::try_from(len).ok().and_then(|len| at.checked_add(len));
        let end = end.filter(|end| *end as u64 <= wrapper.end && len > 0).ok_or_else(|| bad(at))?;
        while at < end {
            let place = at;
            let number = var_uint(self.bytes, &mut at)?;
            self.annotations.push(self.symbols.text(number, place)?.map(Cow::Borrowed));
        }
        let header = Header::read(self.bytes, at, wrapper.end)?;
        if at != end || header.end != wrapper.end || header.ty == 14 || header.is_padding() {
            return Err(bad(at));
        }
        Ok(header)
    }

    fn value(&mut self, header: Header) -> Parsed<Item<'a>> {
        let (start, end) = (header.content, header.end as usize);
        let kind = match header.ty {
            11 => Some(Kind::List),
            12 => Some(Kind::Sexp),
            13 => Some(Kind::Struct),
            _ => None,
        };
        if let Some(kind) = kind.filter(|_| header.low != NULL) {
            if self.open.len() >= self.max_depth {
                let message = format!("nested more than {} levels deep", self.max_depth);
                return Err(malformed(message, self.start));
            }
            self.open.push((kind, end));
            self.at = start;
            return Ok(Item::Begin(kind));
        }
        let content = self.bytes.get(start..end).ok_or(Failure::Truncated { at: start })?;
        self.at = end;
        if header.low == NULL && header.ty < 14 {
            return Ok(Item::Scalar(Scalar::Null));
        }
        self.scalar(header, content).map(Item::Scalar)
    }

    fn scalar(&self, header: Header, content: &'a [u8]) -> Parsed<Scalar<'a>> {
        let at = header.content;
        Ok(match header.ty {
            1 if header.low < 2 => Scalar::Bool(header.low == 1),
            2 | 3 => {
                let negative = header.ty == 3;
                if negative && content.iter().all(|byte| *byte == 0) {
                    return Err(malformed("a negative zero among the integers", at));
                }
                integer(negative, content)
                    .ok_or_else(|| malformed("an integer of more than 4096 bits", at))?
            }
            4 => match content {
                [] => Scalar::Float(0.0),
                [a, b, c, d] => Scalar::Float(f64::from(f32::from_be_bytes([*a, *b, *c, *d]))),
                [a, b, c, d, e, f, g, h] => {
                    Scalar::Float(f64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))
                }
                _ => return Err(malformed("a float of neither 4 nor 8 bytes", at)),
            },
            5 => Scalar::Decimal(decimal(content, at)?),
            6 => Scalar::Timestamp(
                timestamp(content)?.moment().ok_or_else(|| malformed("a timestamp that is no moment", at))?,
            ),
            7 => {
                let number = uint(content).ok_or_else(|| malformed("a symbol beyond 64 bits", at))?;
                match self.symbols.text(number, at)? {
                    Some(text) => Scalar::Text(Cow::Borrowed(text)),
                    None => Scalar::Unknown,
                }
            }
            8 => match std::str::from_utf8(content) {
                Ok(text) => Scalar::Text(Cow::Borrowed(text)),
                Err(_) => return Err(malformed("a string that is not valid UTF-8", at)),
            },
            9 | 10 => Scalar::Bytes(Cow::Borrowed(content)),
            _ => return Err(malformed("a value of no type", at.saturating_sub(1))),
        })
    }
}

fn uint(bytes: &[u8]) -> Option<u64> {
    let from = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let bytes = &bytes[from..];
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

fn decimal(content: &[u8], at: usize) -> Parsed<Decimal> {
    if content.is_empty() {
        return Ok(Decimal { digits: "0".to_owned(), exponent: 0 });
    }
    let mut place = 0;
    let (negative, exponent) = var_int(content, &mut place)?;
    let (sign, magnitude) = signed(&content[place..]);
    let digits = digits_of(&magnitude).ok_or_else(|| malformed("a decimal of more than 4096 bits", at))?;
    let digits = if sign { format!("-{digits}") } else { digits };
    Ok(Decimal { digits, exponent: if negative { -exponent } else { exponent } })
}

/// A number with its sign in the highest bit.
fn signed(bytes: &[u8]) -> (bool, Vec<u8>) {
    let mut magnitude = bytes.to_vec();
    let Some(first) = magnitude.first_mut() else { return (false, magnitude) };
    let negative = *first & 0x80 != 0;
    *first &= 0x7f;
    (negative, magnitude)
}

/// Parts of a timestamp in UTC; the offset only says how it was written.
fn timestamp(content: &[u8]) -> Parsed<Parts> {
    let bad = || malformed("a timestamp that is not well-formed", 0);
    let mut at = 0;
    var_int(content, &mut at)?;
    let mut numbers = [0u32; 6];
    let mut count = 0;
    while count < numbers.len() && at < content.len() {
        numbers[count] = u32::try_from(var_uint(content, &mut at)?).map_err(|_| bad())?;
        count += 1;
    }
    let [year, month, day, hour, minute, second] = numbers;
    let mut parts = Parts::of_year(year);
    match count {
        1 => {}
        2 => parts.month = month,
        3 => (parts.month, parts.day) = (month, day),
        5 | 6 => {
            (parts.month, parts.day) = (month, day);
            parts.time = Some((hour, minute));
            parts.second = second;
        }
        // An hour has its minute.
        _ => return Err(bad()),
    }
    if at < content.len() {
        let (negative, exponent) = var_int(content, &mut at)?;
        let (sign, magnitude) = signed(content.get(at..).unwrap_or_default());
        let exponent = if negative { -exponent } else { exponent };
        parts.nanos = nanos(sign, &magnitude, exponent).ok_or_else(bad)?;
    }
    Ok(parts)
}

/// A fraction of a second as nanoseconds; what is finer is cut off.
fn nanos(negative: bool, magnitude: &[u8], exponent: i64) -> Option<u32> {
    let Scalar::Int(coefficient) = integer(false, magnitude)? else { return None };
    if coefficient == 0 {
        return Some(0);
    }
    let digits = u32::try_from(exponent.checked_neg()?).ok()?;
    // A fraction is less than a second.
    if negative || 10i128.checked_pow(digits).is_some_and(|one| coefficient >= one) {
        return None;
    }
    let nanos = if digits <= 9 {
        coefficient.checked_mul(10i128.pow(9 - digits))?
    } else {
        10i128.checked_pow(digits - 9).map_or(0, |unit| coefficient / unit)
    };
    u32::try_from(nanos).ok()
}
