//! The text encoding: a superset of JSON, with comments, symbols, annotations and more types.

mod lexer;
mod number;

use std::borrow::Cow;

use super::cursor::{Failure, Item, Kind, Parsed};
use super::scalar::Scalar;
use super::symbols::Symbols;
use super::{MAX_DEPTH, timestamp};

use number::number;

/// Walks one value, or the values at the top of a window.
#[derive(Clone)]
pub(crate) struct TextCursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    /// Whether nothing follows the bytes.
    complete: bool,
    symbols: &'a Symbols,
    /// Containers around the cursor.
    open: Vec<Kind>,
    /// Whether a comma or the container's end comes next.
    after_value: bool,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) annotations: Vec<Option<Cow<'a, str>>>,
    pub(super) start: usize,
    pub(super) max_depth: usize,
}

/// A symbol as it was written.
enum Word<'a> {
    /// In quotes: never a keyword.
    Quoted(Cow<'a, str>),
    Plain(&'a str),
    /// A run of operator characters, in an S-expression.
    Operator(&'a str),
}

impl<'a> TextCursor<'a> {
    pub(super) fn new(bytes: &'a [u8], complete: bool, symbols: &'a Symbols) -> Self {
        Self {
            bytes,
            at: 0,
            complete,
            symbols,
            open: Vec::new(),
            after_value: false,
            name: None,
            annotations: Vec::new(),
            start: 0,
            max_depth: MAX_DEPTH,
        }
    }

    /// Where the value at the window's front ends; nothing but white space and comments in front of it. `None` when there
    /// is no value until the file's end.
    pub(super) fn extent(&mut self) -> Parsed<Option<usize>> {
        self.space()?;
        if self.at == self.bytes.len() {
            return if self.complete { Ok(None) } else { Err(Failure::Open) };
        }
        let item = self.next()?;
        if let Item::Begin(_) = item {
            self.leave()?;
        }
        Ok(Some(self.at))
    }

    pub(super) fn next(&mut self) -> Parsed<Item<'a>> {
        self.name = None;
        self.annotations.clear();
        self.space()?;
        let container = self.open.last().copied();
        if self.after_value && container.is_some_and(|kind| kind != Kind::Sexp) && self.peek() == Some(b',') {
            self.at += 1;
            self.after_value = false;
            self.space()?;
        }
        if let Some(kind) = container {
            if self.peek() == Some(closing(kind)) {
                self.at += 1;
                self.open.pop();
                self.after_value = true;
                return Ok(Item::End);
            }
            if self.after_value && kind != Kind::Sexp {
                return self.expected(if kind == Kind::List { "',' or ']'" } else { "',' or '}'" });
            }
            if kind == Kind::Struct {
                self.field_name()?;
            }
        }
        self.start = self.at;
        let item = self.value()?;
        self.after_value = !matches!(item, Item::Begin(_));
        Ok(item)
    }

    /// Moves behind the container that was begun last.
    pub(super) fn leave(&mut self) -> Parsed<()> {
        let depth = self.open.len();
        while self.open.len() >= depth {
            self.next()?;
        }
        Ok(())
    }

    fn field_name(&mut self) -> Parsed<()> {
        let name = match self.peek() {
            Some(b'"') => Some(self.string()?),
            Some(b'\'') if self.looking_at(b"'''")? => Some(self.long_string()?),
            _ => {
                let at = self.at;
                match self.word(false)? {
                    Some(Word::Quoted(text)) => Some(text),
                    Some(Word::Plain(text)) if is_keyword(text) => {
                        return Err(malformed(format!("the keyword {text} as a field's name"), at));
                    }
                    Some(Word::Plain(text)) => self.symbol(text, at)?,
                    _ => return self.expected("a field's name or '}'"),
                }
            }
        };
        self.space()?;
        if self.peek() != Some(b':') {
            return self.expected("':'");
        }
        self.at += 1;
        self.space()?;
        self.name = name;
        Ok(())
    }

    /// A value with its annotations.
    fn value(&mut self) -> Parsed<Item<'a>> {
        loop {
            let at = self.at;
            match self.peek() {
                None => return self.expected("a value"),
                Some(b'{') if self.looking_at(b"{{")? => return self.lob().map(Item::Scalar),
                Some(b'{') => return self.begin(Kind::Struct),
                Some(b'[') => return self.begin(Kind::List),
                Some(b'(') => return self.begin(Kind::Sexp),
                Some(b'"') => return Ok(Item::Scalar(Scalar::Text(self.string()?))),
                Some(b'\'') if self.looking_at(b"'''")? => {
                    return Ok(Item::Scalar(Scalar::Text(self.long_string()?)));
                }
                Some(byte) if byte.is_ascii_digit() || byte == b'-' || byte == b'+' => {
                    if let Some(scalar) = self.numeric()? {
                        return Ok(Item::Scalar(scalar));
                    }
                }
                Some(_) => {}
            }
            let in_sexp = self.open.last() == Some(&Kind::Sexp);
            let Some(word) = self.word(in_sexp)? else { return self.expected("a value") };
            if matches!(word, Word::Operator(_)) || !self.annotates()? {
                return self.worded(word, at).map(Item::Scalar);
            }
            let annotation = match word {
                Word::Quoted(text) => Some(text),
                Word::Plain(text) if is_keyword(text) => {
                    return Err(malformed(format!("the keyword {text} as an annotation"), at));
                }
                Word::Plain(text) | Word::Operator(text) => self.symbol(text, at)?,
            };
            self.annotations.push(annotation);
        }
    }

    fn begin(&mut self, kind: Kind) -> Parsed<Item<'a>> {
        if self.open.len() >= self.max_depth {
            let message = format!("nested more than {} levels deep", self.max_depth);
            return Err(malformed(message, self.at));
        }
        self.at += 1;
        self.open.push(kind);
        self.after_value = false;
        Ok(Item::Begin(kind))
    }

    /// Whether a `::` follows, and moves behind it and the space around.
    fn annotates(&mut self) -> Parsed<bool> {
        let before = self.at;
        self.space()?;
        if self.looking_at(b"::")? {
            self.at += 2;
            self.space()?;
            return Ok(true);
        }
        self.at = before;
        Ok(false)
    }

    /// What a symbol is as a value.
    fn worded(&mut self, word: Word<'a>, at: usize) -> Parsed<Scalar<'a>> {
        let text = match word {
            Word::Quoted(text) => return Ok(Scalar::Text(text)),
            Word::Operator(text) => return Ok(Scalar::Text(Cow::Borrowed(text))),
            Word::Plain(text) => text,
        };
        Ok(match text {
            "true" => Scalar::Bool(true),
            "false" => Scalar::Bool(false),
            "nan" => Scalar::Float(f64::NAN),
            "null" => {
                if self.peek() == Some(b'.') {
                    self.null_type()?;
                }
                Scalar::Null
            }
            _ => match self.symbol(text, at)? {
                Some(text) => Scalar::Text(text),
                None => Scalar::Unknown,
            },
        })
    }

    fn null_type(&mut self) -> Parsed<()> {
        const TYPES: [&str; 13] = [
            "null",
            "bool",
            "int",
            "float",
            "decimal",
            "timestamp",
            "symbol",
            "string",
            "clob",
            "blob",
            "list",
            "sexp",
            "struct",
        ];
        self.at += 1;
        let at = self.at;
        match self.word(false)? {
            Some(Word::Plain(text)) if TYPES.contains(&text) => Ok(()),
            _ => Err(malformed("a null of no type", at)),
        }
    }

    /// The text of a plain symbol, `$12` by its number.
    fn symbol(&self, text: &'a str, at: usize) -> Parsed<Option<Cow<'a, str>>> {
        let digits =
            text.strip_prefix('$').filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
        match digits {
            None => Ok(Some(Cow::Borrowed(text))),
            Some(digits) => {
                let number = digits.parse().map_err(|_| malformed("a symbol beyond 64 bits", at))?;
                Ok(self.symbols.text(number, at)?.map(Cow::Borrowed))
            }
        }
    }

    /// A number, a timestamp or an infinity; `None` when it is an operator.
    fn numeric(&mut self) -> Parsed<Option<Scalar<'a>>> {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().position(|byte| ends_number(*byte));
        let Some(len) = len.or(self.complete.then_some(rest.len())) else { return Err(Failure::Open) };
        let token = match std::str::from_utf8(&rest[..len]) {
            Ok(token) => token,
            Err(_) => return Err(malformed("a number that is none", self.at)),
        };
        let scalar = match token {
            "+inf" => Some(Scalar::Float(f64::INFINITY)),
            "-inf" => Some(Scalar::Float(f64::NEG_INFINITY)),
            // A sign without a digit is an operator.
            _ if !token.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit()) => {
                return Ok(None);
            }
            _ => match timestamp::parse(token) {
                Some(moment) => Some(Scalar::Timestamp(moment)),
                None => number(token),
            },
        };
        let Some(scalar) = scalar else {
            let shown: String = token.chars().take(40).collect();
            return Err(malformed(format!("{shown:?} is no number or timestamp"), self.at));
        };
        self.at += len;
        Ok(Some(scalar))
    }
}

fn closing(kind: Kind) -> u8 {
    match kind {
        Kind::List => b']',
        Kind::Sexp => b')',
        Kind::Struct => b'}',
    }
}

fn is_keyword(text: &str) -> bool {
    matches!(text, "null" | "true" | "false" | "nan")
}

/// What can follow a number: white space, punctuation of containers and strings, or (of a comment) a slash.
fn ends_number(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b || b"{}[](),\"'/".contains(&byte)
}

fn malformed(message: impl Into<Cow<'static, str>>, at: usize) -> Failure {
    Failure::Malformed { message: message.into(), at }
}
