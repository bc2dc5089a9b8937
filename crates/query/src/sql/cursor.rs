//! Reads tokens one after the other: what the statements' parsers are written on.

use super::token::{Position, Token};
use super::{Name, SqlError};

pub(crate) struct Cursor<'a> {
    tokens: &'a [(Token, Position)],
    next: usize,
    end: Position,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(tokens: &'a [(Token, Position)], end: Position) -> Self {
        Self { tokens, next: 0, end }
    }

    pub(crate) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    pub(crate) fn position(&self) -> Position {
        self.tokens.get(self.next).map_or(self.end, |(_, position)| *position)
    }

    pub(crate) fn advance(&mut self) {
        self.next += 1;
    }

    /// The next token as an upper-case word, when it is one.
    pub(crate) fn peek_word(&self) -> Option<String> {
        match self.peek() {
            Some(Token::Word(word)) => Some(word.to_ascii_uppercase()),
            _ => None,
        }
    }

    /// Takes the words when all of them come next.
    pub(crate) fn accept(&mut self, words: &[&str]) -> bool {
        let comes = words.iter().enumerate().all(|(n, word)| {
            matches!(self.tokens.get(self.next + n), Some((Token::Word(found), _)) if found.eq_ignore_ascii_case(word))
        });
        if comes {
            self.next += words.len();
        }
        comes
    }

    pub(crate) fn expect(&mut self, words: &[&str]) -> Result<(), SqlError> {
        if self.accept(words) { Ok(()) } else { Err(self.unexpected(&format!("'{}'", words.join(" ")))) }
    }

    pub(crate) fn accept_mark(&mut self, mark: char) -> bool {
        let comes = self.peek() == Some(&Token::Mark(mark));
        if comes {
            self.advance();
        }
        comes
    }

    pub(crate) fn expect_mark(&mut self, mark: char) -> Result<(), SqlError> {
        if self.accept_mark(mark) { Ok(()) } else { Err(self.unexpected(&format!("'{mark}'"))) }
    }

    /// An identifier, lower-cased as Athena does with all names.
    pub(crate) fn identifier(&mut self, what: &str) -> Result<String, SqlError> {
        match self.peek() {
            Some(Token::Word(name) | Token::Quoted(name)) if !name.is_empty() => {
                self.advance();
                Ok(name.to_lowercase())
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// `[catalog.][database.]table`; the catalog can only be ours.
    pub(crate) fn name(&mut self, what: &str) -> Result<Name, SqlError> {
        let position = self.position();
        let mut parts = vec![self.identifier(what)?];
        while self.accept_mark('.') {
            parts.push(self.identifier(what)?);
        }
        if parts.len() == 3 && parts[0] == "awsdatacatalog" {
            parts.remove(0);
        }
        match (parts.pop(), parts.pop(), parts.is_empty()) {
            (Some(table), database, true) => Ok(Name { database, table, position }),
            _ => Err(SqlError::unsupported(position, "a catalog other than awsdatacatalog")),
        }
    }

    pub(crate) fn text(&mut self, what: &str) -> Result<String, SqlError> {
        match self.peek() {
            Some(Token::Text(text)) => {
                self.advance();
                Ok(text.clone())
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// Nothing but a `;` may follow.
    pub(crate) fn finish(&mut self) -> Result<(), SqlError> {
        self.accept_mark(';');
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end of the statement")),
        }
    }

    pub(crate) fn unexpected(&self, expected: &str) -> SqlError {
        let found = self.peek().map_or_else(|| "<EOF>".to_owned(), ToString::to_string);
        SqlError::syntax(self.position(), format!("mismatched input '{found}'. Expecting: {expected}"))
    }
}
