//! From text to a ruleset.

mod check;
mod condition;

use std::collections::BTreeMap;

use crate::error::DqdlError;
use crate::kind::Kind;
use crate::rules::{Check, Entry, Labels, Rule, Ruleset, Test};
use crate::token::{Place, Token, tokens};
use crate::{MAX_DEPTH, MAX_RULES, MAX_TEXT};

type Parsed<T> = Result<T, DqdlError>;

/// Source: AWS Glue Developer Guide, Label constraints.
const MAX_LABELS: usize = 10;
const MAX_LABEL_KEY: usize = 128;
const MAX_LABEL_VALUE: usize = 256;

/// Words that end a rule's parameters.
const RESERVED: &[&str] =
    &["and", "AND", "or", "OR", "matches", "between", "in", "not", "where", "with", "labels", "of"];

impl Ruleset {
    /// Reads a ruleset.
    ///
    /// # Errors
    /// What is wrong, and where: text that is no DQDL, and rules that cannot be evaluated.
    pub fn parse(text: &str) -> Result<Self, DqdlError> {
        let begin = Place { line: 1, column: 1 };
        if text.len() > MAX_TEXT {
            return Err(begin.error(format!("a ruleset has at most {MAX_TEXT} bytes, not {}", text.len())));
        }
        let mut parser = Parser { tokens: tokens(text)?, at: 0, constants: BTreeMap::new() };
        let ruleset = parser.ruleset()?;
        if ruleset.rules.is_empty() && ruleset.analyzers.is_empty() {
            return Err(begin.error("a ruleset needs at least one rule: Rules = [ RowCount > 0 ]"));
        }
        Ok(ruleset)
    }
}

struct Parser {
    tokens: Vec<(Token, Place)>,
    at: usize,
    constants: BTreeMap<String, Token>,
}

impl Parser {
    /// The next token, constants filled in. The last token is never passed.
    fn peek(&self) -> &Token {
        let token = &self.tokens[self.at].0;
        match token {
            Token::Constant(name) => self.constants.get(name).unwrap_or(token),
            other => other,
        }
    }

    fn place(&self) -> Place {
        self.tokens[self.at].1
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn wanted<T>(&self, what: &str) -> Parsed<T> {
        Err(self.place().error(match self.peek() {
            Token::Constant(name) => format!("there is no constant {name}; define it before: {name} = \"…\""),
            other => format!("expected {what}, found {}", other.shown()),
        }))
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    fn is_word(&self, words: &[&str]) -> bool {
        matches!(self.peek(), Token::Word(word) if words.contains(&word.as_str()))
    }

    fn take_sign(&mut self, sign: &'static str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.advance();
        }
        found
    }

    fn take_word(&mut self, words: &[&str]) -> bool {
        let found = self.is_word(words);
        if found {
            self.advance();
        }
        found
    }

    fn sign(&mut self, sign: &'static str) -> Parsed<()> {
        if self.take_sign(sign) { Ok(()) } else { self.wanted(sign) }
    }

    fn text(&mut self, what: &str) -> Parsed<String> {
        match self.peek() {
            Token::Text(text) => {
                let text = text.clone();
                self.advance();
                Ok(text)
            }
            _ => self.wanted(what),
        }
    }

    fn ruleset(&mut self) -> Parsed<Ruleset> {
        let mut ruleset = Ruleset::default();
        let mut defaults = Labels::new();
        let mut seen = Vec::new();
        while *self.peek() != Token::End {
            let place = self.place();
            let Token::Word(name) = self.peek().clone() else {
                return self.wanted("Rules, Analyzers or another section");
            };
            self.advance();
            self.sign("=")?;
            if seen.contains(&name) {
                return Err(place.error(format!("{name} stands here for the second time")));
            }
            match name.as_str() {
                "Rules" => ruleset.rules = self.list(Self::rule)?,
                "Analyzers" => ruleset.analyzers = self.list(Self::analyzer)?,
                "Metadata" => ruleset.metadata = self.dictionary()?,
                "DataSources" => ruleset.sources = self.dictionary()?,
                "DefaultLabels" => defaults = self.labels()?,
                _ => self.constant(&name)?,
            }
            seen.push(name);
        }
        for rule in &mut ruleset.rules {
            let own = std::mem::take(&mut rule.labels);
            rule.labels = defaults.clone().into_iter().chain(own).collect();
            if rule.labels.len() > MAX_LABELS {
                let message =
                    format!("a rule has at most {MAX_LABELS} labels, and this one has more: {rule}");
                return Err(Place { line: 1, column: 1 }.error(message));
            }
        }
        Ok(ruleset)
    }

    fn constant(&mut self, name: &str) -> Parsed<()> {
        let negative = self.take_sign("-");
        match self.peek().clone() {
            Token::Number(digits) => {
                let sign = if negative { "-" } else { "" };
                self.constants.insert(name.to_owned(), Token::Number(format!("{sign}{digits}")));
            }
            text @ Token::Text(_) if !negative => {
                self.constants.insert(name.to_owned(), text);
            }
            _ => return self.wanted("a text or a number: the value of a constant"),
        }
        self.advance();
        Ok(())
    }

    /// `[ … , … ]`.
    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = Vec::new();
        self.sign("[")?;
        if self.take_sign("]") {
            return Ok(items);
        }
        loop {
            if items.len() == MAX_RULES {
                return Err(self.place().error(format!("a list has at most {MAX_RULES} entries")));
            }
            items.push(item(self)?);
            if self.take_sign("]") {
                return Ok(items);
            }
            if !self.take_sign(",") {
                return self.wanted(", or ]");
            }
        }
    }

    fn dictionary(&mut self) -> Parsed<Vec<(String, Entry)>> {
        let mut entries = Vec::new();
        self.sign("{")?;
        while !self.take_sign("}") {
            if !entries.is_empty() {
                self.sign(",")?;
            }
            let key = self.text("a quoted key")?;
            self.sign(":")?;
            let entry = match self.is_sign("[") {
                true => Entry::List(self.list(|parser| parser.text("a quoted text"))?),
                false => Entry::Text(self.text("a quoted text or a list")?),
            };
            entries.push((key, entry));
        }
        Ok(entries)
    }

    /// `["team"="finance", …]`.
    fn labels(&mut self) -> Parsed<Labels> {
        let place = self.place();
        let pairs = self.list(|parser| {
            let place = parser.place();
            let key = parser.text("a label's quoted key")?;
            parser.sign("=")?;
            let value = parser.text("a label's quoted value")?;
            if key.is_empty() || key.chars().count() > MAX_LABEL_KEY {
                return Err(place.error(format!("a label's key has 1 to {MAX_LABEL_KEY} characters")));
            }
            if value.chars().count() > MAX_LABEL_VALUE {
                return Err(place.error(format!("a label's value has at most {MAX_LABEL_VALUE} characters")));
            }
            Ok((key, value))
        })?;
        let count = pairs.len();
        let labels: Labels = pairs.into_iter().collect();
        if count > MAX_LABELS {
            return Err(place.error(format!("a rule has at most {MAX_LABELS} labels")));
        }
        if labels.len() < count {
            return Err(place.error("a label's key stands here twice"));
        }
        Ok(labels)
    }

    fn rule(&mut self) -> Parsed<Rule> {
        let test = self.test(0)?;
        let labels = match self.take_word(&["labels"]) {
            true => {
                self.sign("=")?;
                let composite = matches!(test, Test::All(_) | Test::Any(_));
                // `(a) and (b) labels=…` could mean the labels of `b` alone.
                if composite && !self.closed_before_labels() {
                    let what = "labels of a composite rule stand behind parentheses around all of it";
                    return Err(self.place().error(what));
                }
                self.labels()?
            }
            false => Labels::new(),
        };
        Ok(Rule { test, labels })
    }

    /// Whether what ended before `labels =` is one pair of parentheses around the whole rule: `((a) and (b))`.
    fn closed_before_labels(&self) -> bool {
        let is = |at: usize, sign: &str| matches!(&self.tokens[at].0, Token::Sign(found) if *found == sign);
        let Some(mut at) = self.at.checked_sub(3) else { return false };
        let mut depth = 0_usize;
        loop {
            if is(at, ")") {
                depth += 1;
            } else if is(at, "(") {
                depth = depth.saturating_sub(1);
            }
            let before = at.checked_sub(1);
            if depth == 0 {
                // What stands before the opening one separates rules, or connects two parts of this one.
                return before.is_some_and(|before| is(before, ",") || is(before, "["));
            }
            match before {
                Some(before) => at = before,
                None => return false,
            }
        }
    }

    fn test(&mut self, depth: usize) -> Parsed<Test> {
        if depth > MAX_DEPTH {
            return Err(self.place().error(format!("rules are nested deeper than {MAX_DEPTH} parentheses")));
        }
        if !self.is_sign("(") {
            let check = self.check(false)?;
            if self.is_word(&["and", "AND", "or", "OR"]) {
                let word = self.peek().shown();
                return Err(self
                    .place()
                    .error(format!("put both rules that {word} connects in parentheses")));
            }
            return Ok(Test::One(check));
        }
        let mut tests = vec![self.enclosed(depth)?];
        let all = self.is_word(&["and", "AND"]);
        while self.is_word(&["and", "AND", "or", "OR"]) {
            if self.is_word(&["and", "AND"]) != all {
                let what = "and stands beside or: put parentheses around what belongs together";
                return Err(self.place().error(what));
            }
            self.advance();
            tests.push(self.enclosed(depth)?);
        }
        Ok(match (tests.pop(), all) {
            (Some(only), _) if tests.is_empty() => only,
            (last, true) => Test::All(tests.into_iter().chain(last).collect()),
            (last, false) => Test::Any(tests.into_iter().chain(last).collect()),
        })
    }

    fn enclosed(&mut self, depth: usize) -> Parsed<Test> {
        self.sign("(")?;
        let test = self.test(depth + 1)?;
        self.sign(")")?;
        Ok(test)
    }

    fn analyzer(&mut self) -> Parsed<Check> {
        self.check(true)
    }

    fn check(&mut self, analyzer: bool) -> Parsed<Check> {
        let place = self.place();
        let Token::Word(name) = self.peek().clone() else { return self.wanted("a type of rule") };
        let kind = Kind::parse(&name).map_err(|what| place.error(what))?;
        self.advance();
        let mut parameters = Vec::new();
        loop {
            match self.peek() {
                Token::Text(text) => parameters.push(text.clone()),
                Token::Word(word) if !RESERVED.contains(&word.as_str()) => parameters.push(word.clone()),
                Token::Constant(_) => return self.wanted("a parameter"),
                _ => break,
            }
            self.advance();
        }
        let condition = self.condition()?;
        let (mut filter, mut threshold) = (None, None);
        loop {
            if filter.is_none() && self.take_word(&["where"]) {
                filter = Some(self.text("a quoted condition in SQL")?);
            } else if threshold.is_none() && self.take_word(&["with"]) {
                if !self.take_word(&["threshold"]) {
                    return self.wanted("threshold");
                }
                threshold = self.condition()?;
                if threshold.is_none() {
                    return self.wanted("a condition for the threshold, such as > 0.9");
                }
            } else {
                break;
            }
        }
        let check = Check { kind, parameters, condition, filter, threshold };
        check::check(&check, analyzer).map_err(|what| place.error(what))?;
        Ok(check)
    }
}
