//! Words and signs of a `.proto` file.

use crate::Invalid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword, also with dots: `google.protobuf.Any`.
    Word(String),
    /// A whole number, as it is written.
    Integer(u64),
    /// Another number, as it is written.
    Real(String),
    /// A text, unescaped.
    Text(String),
    Sign(char),
}

/// A token and the line that it stands on, from 1.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

/// Splits a file into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Invalid> {
    let mut lexer = Lexer { rest: text, line: 1 };
    let mut found = Vec::new();
    while let Some(kind) = lexer.next()? {
        found.push(Token { kind, line: lexer.line });
    }
    Ok(found)
}

/// The tokens again as a text, a space between every two.
pub(super) fn canonical(tokens: &[Token]) -> String {
    let text = |token: &Token| match &token.kind {
        Kind::Word(word) => word.clone(),
        Kind::Integer(number) => number.to_string(),
        Kind::Real(number) => number.clone(),
        Kind::Text(text) => format!("{text:?}"),
        Kind::Sign(sign) => sign.to_string(),
    };
    tokens.iter().map(text).collect::<Vec<_>>().join(" ")
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Option<Kind>, Invalid> {
        self.skip()?;
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        Ok(Some(match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
                Kind::Word(self.take(is_part))
            }
            '0'..='9' => self.number()?,
            '.' if self.rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number()?,
            '.' => {
                self.rest = &self.rest[1..];
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
                Kind::Word(format!(".{}", self.take(is_part)))
            }
            '"' | '\'' => self.text(first)?,
            c if "{}[]()<>=;,:-+/".contains(c) => {
                self.rest = &self.rest[1..];
                Kind::Sign(c)
            }
            c => return Err(self.error(&format!("the character {c:?} is not expected"))),
        }))
    }

    fn error(&self, reason: &str) -> Invalid {
        Invalid::new(format!("line {}: {reason}", self.line))
    }

    fn take(&mut self, is_part: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    /// Skips white space and comments.
    fn skip(&mut self) -> Result<(), Invalid> {
        loop {
            let trimmed = self.rest.trim_start();
            self.pass(self.rest.len() - trimmed.len());
            if self.rest.starts_with("//") {
                self.pass(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    return Err(self.error("a comment does not end"));
                };
                self.pass(end + 4);
            } else {
                return Ok(());
            }
        }
    }

    /// Goes on by some bytes, counting lines.
    fn pass(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }

    fn number(&mut self) -> Result<Kind, Invalid> {
        let mut written = String::new();
        let mut before = ' ';
        let end = self
            .rest
            .find(|c: char| {
                let sign = (c == '+' || c == '-') && matches!(before, 'e' | 'E') && !is_hex(self.rest);
                before = c;
                !(c.is_ascii_alphanumeric() || c == '.' || sign)
            })
            .unwrap_or(self.rest.len());
        written.push_str(&self.rest[..end]);
        self.rest = &self.rest[end..];
        let whole = if let Some(digits) = written.strip_prefix("0x").or_else(|| written.strip_prefix("0X")) {
            u64::from_str_radix(digits, 16).ok()
        } else if written.len() > 1 && written.starts_with('0') && written.bytes().all(|b| b.is_ascii_digit())
        {
            u64::from_str_radix(&written, 8).ok()
        } else {
            written.parse().ok()
        };
        if let Some(whole) = whole {
            return Ok(Kind::Integer(whole));
        }
        if written.trim_end_matches(['f', 'F']).parse::<f64>().is_ok() {
            return Ok(Kind::Real(written));
        }
        Err(self.error(&format!("{written} is not a number")))
    }

    fn text(&mut self, quote: char) -> Result<Kind, Invalid> {
        let mut found = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\n' => break,
                // What an escape stands for does not matter to a definition: it is kept as it is written.
                '\\' => {
                    found.push(c);
                    found.extend(chars.next().map(|(_, escaped)| escaped));
                }
                c if c == quote => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(Kind::Text(found));
                }
                c => found.push(c),
            }
        }
        Err(self.error("a text does not end"))
    }
}

fn is_hex(text: &str) -> bool {
    text.starts_with("0x") || text.starts_with("0X")
}
