//! Words and signs of a ruleset.

use crate::error::DqdlError;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name or keyword.
    Word(String),
    /// Digits, with a fraction perhaps.
    Number(String),
    /// A quoted text, unescaped.
    Text(String),
    /// `$name`.
    Constant(String),
    Sign(&'static str),
    End,
}

impl Token {
    /// For messages.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Word(word) | Self::Number(word) => word.clone(),
            Self::Text(text) => crate::quoted(text),
            Self::Constant(name) => format!("${name}"),
            Self::Sign(sign) => (*sign).to_owned(),
            Self::End => "the end".to_owned(),
        }
    }
}

/// A place in the text; both numbers from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    pub(crate) fn error(self, message: impl Into<String>) -> DqdlError {
        DqdlError { line: self.line, column: self.column, message: message.into() }
    }
}

/// Two-letter signs stand before those that they begin with.
const SIGNS: &[&str] =
    &["!=", ">=", "<=", "=", ">", "<", "[", "]", "(", ")", "{", "}", ",", ":", "+", "-", "*", "/"];

/// Splits a text into tokens; the last one is [`Token::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, Place)>, DqdlError> {
    let mut lexer = Lexer { rest: text, place: Place { line: 1, column: 1 } };
    let mut found = Vec::new();
    loop {
        lexer.skip();
        let place = lexer.place;
        let token = lexer.next(place)?;
        let end = token == Token::End;
        found.push((token, place));
        if end {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    place: Place,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn advance(&mut self) -> Option<char> {
        let first = self.peek()?;
        self.rest = &self.rest[first.len_utf8()..];
        if first == '\n' {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(first)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(next) = self.peek().filter(|next| wanted(*next)) {
            taken.push(next);
            self.advance();
        }
        taken
    }

    /// Blanks, and comments from `#` to the end of their line.
    fn skip(&mut self) {
        while let Some(next) = self.peek() {
            if next == '#' {
                self.take_while(|c| c != '\n');
            } else if next.is_whitespace() {
                self.advance();
            } else {
                return;
            }
        }
    }

    fn next(&mut self, place: Place) -> Result<Token, DqdlError> {
        let Some(first) = self.peek() else { return Ok(Token::End) };
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        match first {
            '"' => self.text(place),
            '0'..='9' => self.number(place),
            'a'..='z' | 'A'..='Z' | '_' => Ok(Token::Word(self.take_while(is_part))),
            '$' => {
                self.advance();
                match self.take_while(is_part) {
                    name if name.is_empty() => Err(place.error("a constant's name follows $")),
                    name => Ok(Token::Constant(name)),
                }
            }
            _ => self.sign(place),
        }
    }

    fn sign(&mut self, place: Place) -> Result<Token, DqdlError> {
        let Some(sign) = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) else {
            let found = self.peek().unwrap_or_default();
            return Err(place.error(format!("{found:?} has no meaning here")));
        };
        for _ in 0..sign.len() {
            self.advance();
        }
        Ok(Token::Sign(sign))
    }

    fn number(&mut self, place: Place) -> Result<Token, DqdlError> {
        let mut number = self.take_while(|c| c.is_ascii_digit());
        if self.peek() == Some('.') {
            self.advance();
            let fraction = self.take_while(|c| c.is_ascii_digit());
            if fraction.is_empty() {
                return Err(place.error(format!("{number}. is no number: digits follow the point")));
            }
            number = format!("{number}.{fraction}");
        }
        if let Some(next) = self.peek().filter(|c| c.is_alphanumeric() || *c == '_') {
            return Err(place.error(format!("{number}{next} is neither a number nor a name")));
        }
        Ok(Token::Number(number))
    }

    /// `\"` and `\\` stand for a quote and a backslash; before anything else a backslash is itself, as patterns need it.
    fn text(&mut self, place: Place) -> Result<Token, DqdlError> {
        self.advance();
        let mut text = String::new();
        loop {
            match self.advance() {
                None => return Err(place.error("the text that begins here has no closing quote")),
                Some('"') => return Ok(Token::Text(text)),
                Some('\\') => match self.peek() {
                    Some(escaped @ ('"' | '\\')) => {
                        text.push(escaped);
                        self.advance();
                    }
                    _ => text.push('\\'),
                },
                Some(other) => text.push(other),
            }
        }
    }
}
