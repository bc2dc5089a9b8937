//! Reading tokens; options, which are skipped but have to be well formed.

use super::lex::Kind;
use super::parse::Parser;
use crate::Invalid;

/// Aggregates within aggregates.
const MAX_NESTING: usize = 32;

impl Parser<'_> {
    pub(super) fn error(&self, reason: &str) -> Invalid {
        let token = self.tokens().get(self.position()).or_else(|| self.tokens().last());
        Invalid::new(format!("line {}: {reason}", token.map_or(1, |token| token.line)))
    }

    fn next(&mut self) -> Option<Kind> {
        let kind = self.tokens().get(self.position()).map(|token| token.kind.clone());
        if kind.is_some() {
            self.advance();
        }
        kind
    }

    fn wanted<T>(&self, what: &str) -> Result<T, Invalid> {
        Err(self.error(&format!("{what} was expected")))
    }

    /// Takes a sign if it is next.
    pub(super) fn sign(&mut self, sign: char) -> bool {
        let is_next = self.at_sign(sign);
        if is_next {
            self.advance();
        }
        is_next
    }

    /// Whether a sign is next.
    pub(super) fn at_sign(&self, sign: char) -> bool {
        self.tokens().get(self.position()).is_some_and(|token| token.kind == Kind::Sign(sign))
    }

    /// Whether a sign is the one after the next token.
    pub(super) fn follows(&self, sign: char) -> bool {
        self.tokens().get(self.position() + 1).is_some_and(|token| token.kind == Kind::Sign(sign))
    }

    pub(super) fn expect(&mut self, sign: char) -> Result<(), Invalid> {
        if self.sign(sign) { Ok(()) } else { self.wanted(&format!("{sign:?}")) }
    }

    pub(super) fn end(&mut self) -> Result<(), Invalid> {
        self.expect(';')
    }

    /// Takes a word if it is next.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let next = self.tokens().get(self.position()).map(|token| &token.kind);
        let is_next = matches!(next, Some(Kind::Word(word)) if word == keyword);
        if is_next {
            self.advance();
        }
        is_next
    }

    pub(super) fn word(&mut self, what: &str) -> Result<String, Invalid> {
        match self.tokens().get(self.position()).map(|token| &token.kind) {
            Some(Kind::Word(word)) => {
                let word = word.clone();
                let parts_well = word
                    .trim_start_matches('.')
                    .split('.')
                    .all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
                if !parts_well {
                    return Err(self.error(&format!("{word} is not a name")));
                }
                self.advance();
                Ok(word)
            }
            _ => self.wanted(what),
        }
    }

    /// A word without dots.
    pub(super) fn identifier(&mut self, what: &str) -> Result<String, Invalid> {
        let word = self.word(what)?;
        if word.contains('.') { Err(self.error(&format!("{word} is not {what}"))) } else { Ok(word) }
    }

    pub(super) fn text(&mut self) -> Result<String, Invalid> {
        match self.next() {
            Some(Kind::Text(text)) => Ok(text),
            _ => self.wanted("a text"),
        }
    }

    pub(super) fn integer(&mut self) -> Result<i64, Invalid> {
        let negative = self.sign('-');
        match self.next() {
            Some(Kind::Integer(number)) => match i64::try_from(number) {
                Ok(number) => Ok(if negative { -number } else { number }),
                Err(_) => Err(self.error(&format!("{number} is out of range"))),
            },
            _ => self.wanted("a whole number"),
        }
    }

    /// An option's name and value, after the word `option`.
    pub(super) fn option(&mut self) -> Result<(), Invalid> {
        self.option_name()?;
        self.expect('=')?;
        self.constant(0)?;
        self.end()
    }

    /// Options of a field, if there are.
    pub(super) fn options(&mut self) -> Result<(), Invalid> {
        if !self.sign('[') {
            return Ok(());
        }
        loop {
            self.option_name()?;
            self.expect('=')?;
            self.constant(0)?;
            if !self.sign(',') {
                return self.expect(']');
            }
        }
    }

    fn option_name(&mut self) -> Result<(), Invalid> {
        if self.sign('(') {
            self.word("an option's name")?;
            self.expect(')')?;
            // `(custom).part`
            let rest = matches!(self.tokens().get(self.position()).map(|token| &token.kind), Some(Kind::Word(word)) if word.starts_with('.'));
            if rest {
                self.advance();
            }
            return Ok(());
        }
        self.word("an option's name").map(|_| ())
    }

    fn constant(&mut self, nesting: usize) -> Result<(), Invalid> {
        if self.sign('{') {
            return self.aggregate(nesting, '}');
        }
        let _ = self.sign('-') || self.sign('+');
        match self.next() {
            Some(Kind::Word(_) | Kind::Integer(_) | Kind::Real(_)) => Ok(()),
            Some(Kind::Text(_)) => {
                // Texts beside each other are one.
                while matches!(
                    self.tokens().get(self.position()).map(|token| &token.kind),
                    Some(Kind::Text(_))
                ) {
                    self.advance();
                }
                Ok(())
            }
            _ => self.wanted("a value"),
        }
    }

    /// A value in the text format, up to its closing sign. It has no bearing on the data: only its brackets are matched.
    fn aggregate(&mut self, nesting: usize, close: char) -> Result<(), Invalid> {
        if nesting >= MAX_NESTING {
            return Err(self.error("a value is nested too deeply"));
        }
        loop {
            match self.next() {
                Some(Kind::Sign(sign)) if sign == close => return Ok(()),
                Some(Kind::Sign('{')) => self.aggregate(nesting + 1, '}')?,
                Some(Kind::Sign('[')) => self.aggregate(nesting + 1, ']')?,
                Some(Kind::Sign('<')) => self.aggregate(nesting + 1, '>')?,
                Some(Kind::Sign('}' | ']' | '>' | '(' | ')' | '=')) | None => {
                    return self.wanted(&format!("{close:?}"));
                }
                Some(_) => {}
            }
        }
    }
}
