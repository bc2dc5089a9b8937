//! White space, symbols, strings and large objects.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{TextCursor, Word, malformed};
use crate::ion::cursor::{Failure, Parsed};
use crate::ion::scalar::Scalar;

/// What ends a text in quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    Double,
    Single,
    /// Three single ones, which line breaks may stand between.
    Long,
}

impl<'a> TextCursor<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The window ends where more has to come.
    fn short<T>(&self) -> Parsed<T> {
        Err(if self.complete { Failure::Truncated { at: self.start } } else { Failure::Open })
    }

    pub(super) fn expected<T>(&self, what: &str) -> Parsed<T> {
        if self.at >= self.bytes.len() {
            return self.short();
        }
        let rest = &self.bytes[self.at..];
        let found = crate::error::excerpt(&rest[..rest.len().min(20)]);
        Err(malformed(format!("expected {what}, found {found}"), self.at))
    }

    /// Whether `wanted` comes next; the window must not end within it.
    pub(super) fn looking_at(&self, wanted: &[u8]) -> Parsed<bool> {
        let rest = &self.bytes[self.at..];
        if rest.len() < wanted.len() && !self.complete && wanted.starts_with(rest) {
            return Err(Failure::Open);
        }
        Ok(rest.starts_with(wanted))
    }

    /// Moves behind white space and comments.
    pub(super) fn space(&mut self) -> Parsed<()> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) => self.at += 1,
                Some(b'/') if self.looking_at(b"//")? => {
                    match memchr::memchr2(b'\n', b'\r', &self.bytes[self.at..]) {
                        Some(len) => self.at += len,
                        None if self.complete => self.at = self.bytes.len(),
                        None => return Err(Failure::Open),
                    }
                }
                Some(b'/') if self.looking_at(b"/*")? => {
                    match memchr::memmem::find(&self.bytes[self.at + 2..], b"*/") {
                        Some(len) => self.at += len + 4,
                        None => return self.short(),
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// A symbol, if one comes next.
    pub(super) fn word(&mut self, operators: bool) -> Parsed<Option<Word<'a>>> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
        let is_operator = |byte: &u8| b"!#%&*+-./;<=>?@^`|~".contains(byte);
        let rest = &self.bytes[self.at..];
        let (len, is_plain) = match rest.first() {
            Some(b'\'') => return self.quoted(Quote::Single).map(|text| Some(Word::Quoted(text))),
            Some(byte) if is_part(byte) && !byte.is_ascii_digit() => {
                (rest.iter().position(|byte| !is_part(byte)), true)
            }
            Some(byte) if operators && is_operator(byte) => {
                (rest.iter().position(|byte| !is_operator(byte)), false)
            }
            _ => return Ok(None),
        };
        let Some(len) = len.or(self.complete.then_some(rest.len())) else { return Err(Failure::Open) };
        self.at += len;
        // Of ASCII alone.
        let text = std::str::from_utf8(&rest[..len]).unwrap_or_default();
        Ok(Some(if is_plain { Word::Plain(text) } else { Word::Operator(text) }))
    }

    pub(super) fn string(&mut self) -> Parsed<Cow<'a, str>> {
        self.quoted(Quote::Double)
    }

    /// Texts in three quotes, one after the other, are one.
    pub(super) fn long_string(&mut self) -> Parsed<Cow<'a, str>> {
        let mut text = self.quoted(Quote::Long)?;
        loop {
            let before = self.at;
            self.space()?;
            if self.at == self.bytes.len() && !self.complete {
                return Err(Failure::Open);
            }
            if !self.looking_at(b"'''")? {
                self.at = before;
                return Ok(text);
            }
            let more = self.quoted(Quote::Long)?;
            text.to_mut().push_str(&more);
        }
    }

    fn quoted(&mut self, quote: Quote) -> Parsed<Cow<'a, str>> {
        let from = self.at;
        let bytes = self.quoted_bytes(quote)?;
        let text = match bytes {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        };
        text.ok_or_else(|| malformed("a text that is not valid UTF-8", from))
    }

    /// The bytes between quotes, taken out of their escapes.
    fn quoted_bytes(&mut self, quote: Quote) -> Parsed<Cow<'a, [u8]>> {
        let (mark, len): (u8, usize) = match quote {
            Quote::Double => (b'"', 1),
            Quote::Single => (b'\'', 1),
            Quote::Long => (b'\'', 3),
        };
        let mut at = self.at + len;
        let mut from = at;
        let mut taken: Vec<u8> = Vec::new();
        let mut is_plain = true;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let Some(found) =
                rest.iter().position(|b| *b == mark || *b == b'\\' || matches!(b, b'\n' | b'\r'))
            else {
                return self.short();
            };
            at += found;
            match self.bytes[at] {
                b'\n' | b'\r' if quote != Quote::Long => {
                    return Err(malformed("a line break within quotes", at));
                }
                b'\n' => at += 1,
                byte @ (b'\\' | b'\r') => {
                    is_plain = false;
                    taken.extend_from_slice(&self.bytes[from..at]);
                    at = match byte {
                        b'\r' => self.line_break(at, &mut taken),
                        _ => self.escape(at + 1, &mut taken)?,
                    };
                    from = at;
                }
                _ if quote == Quote::Long && !self.bytes[at..].starts_with(b"'''") => {
                    if self.bytes.len() < at + 3 {
                        return self.short();
                    }
                    at += 1;
                }
                _ => break,
            }
        }
        self.at = at + len;
        let tail = &self.bytes[from..at];
        if is_plain {
            return Ok(Cow::Borrowed(tail));
        }
        taken.extend_from_slice(tail);
        Ok(Cow::Owned(taken))
    }

    /// Takes a line break, which is the same whatever the system; gives where it ends.
    fn line_break(&self, at: usize, out: &mut Vec<u8>) -> usize {
        out.push(b'\n');
        at + 1 + usize::from(self.bytes.get(at + 1) == Some(&b'\n'))
    }

    /// Takes the escape behind a backslash; gives where it ends.
    fn escape(&self, at: usize, out: &mut Vec<u8>) -> Parsed<usize> {
        let Some(&byte) = self.bytes.get(at) else { return self.short() };
        let plain = match byte {
            b'0' => 0,
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 12,
            b'r' => b'\r',
            b'v' => 11,
            b'"' | b'\'' | b'?' | b'\\' | b'/' => byte,
            b'\n' => return Ok(at + 1),
            b'\r' => return Ok(at + 1 + usize::from(self.bytes.get(at + 1) == Some(&b'\n'))),
            b'x' => return self.code(at + 1, 2, out),
            b'u' => return self.code(at + 1, 4, out),
            b'U' => return self.code(at + 1, 8, out),
            _ => return Err(malformed("an escape of no meaning", at - 1)),
        };
        out.push(plain);
        Ok(at + 1)
    }

    /// A character by its number in `digits` digits; surrogates come in pairs.
    fn code(&self, at: usize, digits: usize, out: &mut Vec<u8>) -> Parsed<usize> {
        let bad = || malformed("an escape of no character", at);
        let first = self.hex(at, digits)?;
        let mut end = at + digits;
        let code = if (0xd800..0xdc00).contains(&first) {
            if !self.bytes[end..].starts_with(b"\\u") {
                return if self.bytes.len() < end + 2 { self.short() } else { Err(bad()) };
            }
            let second = self.hex(end + 2, 4)?;
            end += 6;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(bad());
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        let character = char::from_u32(code).ok_or_else(bad)?;
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(end)
    }

    fn hex(&self, at: usize, digits: usize) -> Parsed<u32> {
        let Some(text) = self.bytes.get(at..at + digits) else { return self.short() };
        let text = std::str::from_utf8(text).ok().filter(|t| t.bytes().all(|b| b.is_ascii_hexdigit()));
        text.and_then(|text| u32::from_str_radix(text, 16).ok())
            .ok_or_else(|| malformed("an escape of no character", at))
    }

    /// A blob in base64, or a clob in quotes, between double braces.
    pub(super) fn lob(&mut self) -> Parsed<Scalar<'a>> {
        let from = self.at;
        self.at += 2;
        // No comments are allowed here.
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
        let is_clob = match self.peek() {
            None => return self.short(),
            Some(byte) => matches!(byte, b'"' | b'\''),
        };
        if !is_clob {
            let Some(len) = memchr::memchr(b'}', &self.bytes[self.at..]) else { return self.short() };
            let text: Vec<u8> = self.bytes[self.at..self.at + len]
                .iter()
                .copied()
                .filter(|b| !b.is_ascii_whitespace())
                .collect();
            let bytes = STANDARD.decode(text).map_err(|_| malformed("a blob that is not in base64", from))?;
            self.at += len;
            self.end_of_lob()?;
            return Ok(Scalar::Bytes(Cow::Owned(bytes)));
        }
        let mut bytes = Vec::new();
        while self.peek().is_some_and(|byte| matches!(byte, b'"' | b'\'')) {
            let quote = if self.peek() == Some(b'"') { Quote::Double } else { Quote::Long };
            if quote == Quote::Long && !self.looking_at(b"'''")? {
                return self.expected("a clob's text");
            }
            bytes.extend_from_slice(&self.clob(quote)?);
            while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
                self.at += 1;
            }
            if quote == Quote::Double {
                break;
            }
        }
        self.end_of_lob()?;
        Ok(Scalar::Bytes(Cow::Owned(bytes)))
    }

    /// The bytes of a clob's text: ASCII, other bytes as `\xHH`.
    fn clob(&mut self, quote: Quote) -> Parsed<Vec<u8>> {
        let from = self.at;
        let text = self.quoted(quote)?;
        // An escape of one byte was taken for the character of that number.
        let byte = |c: char| u8::try_from(u32::from(c)).ok();
        text.chars()
            .map(byte)
            .collect::<Option<_>>()
            .ok_or_else(|| malformed("a clob of other than bytes", from))
    }

    fn end_of_lob(&mut self) -> Parsed<()> {
        if !self.looking_at(b"}}")? {
            return self.expected("'}}'");
        }
        self.at += 2;
        Ok(())
    }
}
