//! Conditions and what they compare with.

use super::{Parsed, Parser};
use crate::token::Token;
use crate::value::{Comparison, Condition, Keyword, Moment, Number, Operand, Span, Unit};

/// Functions of rules that compare with earlier runs.
const DYNAMIC: &[&str] = &["last", "avg", "median", "max", "min", "sum", "std", "abs", "index", "percentile"];

impl Parser {
    /// A condition, when there is one.
    pub(super) fn condition(&mut self) -> Parsed<Option<Condition>> {
        let comparison = Comparison::ALL.into_iter().find(|comparison| self.is_sign(comparison.sign()));
        if let Some(comparison) = comparison {
            self.advance();
            return Ok(Some(Condition::Compare(comparison, self.operand()?)));
        }
        let negated = self.take_word(&["not"]);
        if self.take_word(&["between"]) {
            let low = self.operand()?;
            if !self.take_word(&["and", "AND"]) {
                return self.wanted("and: the other end of between");
            }
            let high = self.operand()?;
            return Ok(Some(Condition::Between { negated, low, high }));
        }
        let place = self.place();
        if self.take_word(&["in"]) {
            let values = self.list(Self::operand)?;
            if values.is_empty() {
                return Err(place.error("in [] holds for nothing: name at least one value"));
            }
            return Ok(Some(Condition::In { negated, values }));
        }
        if self.take_word(&["matches"]) {
            let pattern = self.text("a quoted pattern")?;
            return Ok(Some(Condition::Matches { negated, pattern }));
        }
        if negated { self.wanted("between, in or matches") } else { Ok(None) }
    }

    fn operand(&mut self) -> Parsed<Operand> {
        let place = self.place();
        let operand = match self.peek().clone() {
            Token::Text(text) => {
                self.advance();
                Operand::Text(text)
            }
            Token::Number(_) => self.amount()?,
            Token::Sign("-") => {
                self.advance();
                match self.advance() {
                    Token::Number(digits) => number(&format!("-{digits}"), place)?,
                    _ => return Err(place.error("expected a number behind -")),
                }
            }
            Token::Word(word) if word == "now" => Operand::Moment(self.now()?),
            Token::Sign("(") => {
                self.advance();
                let moment = self.now()?;
                self.sign(")")?;
                Operand::Moment(moment)
            }
            Token::Word(word) => match Keyword::parse(&word) {
                Some(keyword) => {
                    self.advance();
                    Operand::Keyword(keyword)
                }
                None if DYNAMIC.contains(&word.as_str()) => {
                    let what = "compares with what earlier runs have measured, which is not supported";
                    return Err(place.error(format!("{word}(…) {what}")));
                }
                None => return self.wanted("a value; texts stand in quotes"),
            },
            _ => return self.wanted("a value"),
        };
        if ["+", "-", "*", "/"].iter().any(|sign| self.is_sign(sign)) {
            return Err(self.place().error("values are not computed: write the result"));
        }
        Ok(operand)
    }

    /// A number, or a length of time where a unit follows.
    fn amount(&mut self) -> Parsed<Operand> {
        let place = self.place();
        let Token::Number(digits) = self.advance() else { return self.wanted("a number") };
        match self.peek() {
            Token::Word(word) if Unit::parse(word).is_some() => {
                let unit = self.unit()?;
                let count = digits.parse().map_err(|_| {
                    place.error(format!(
                        "{digits} {} is no length of time: write a whole number",
                        unit.as_str()
                    ))
                })?;
                Ok(Operand::Span(Span { count, unit }))
            }
            _ => number(&digits, place),
        }
    }

    fn unit(&mut self) -> Parsed<Unit> {
        match self.peek() {
            Token::Word(word) => match Unit::parse(word) {
                Some(unit) => {
                    self.advance();
                    Ok(unit)
                }
                None => self.wanted("days, hours or minutes"),
            },
            _ => self.wanted("days, hours or minutes"),
        }
    }

    /// `now()`, with a length of time before or after it.
    fn now(&mut self) -> Parsed<Moment> {
        if !self.take_word(&["now"]) {
            return self.wanted("now()");
        }
        self.sign("(")?;
        self.sign(")")?;
        let before = self.is_sign("-");
        if !before && !self.is_sign("+") {
            return Ok(Moment { offset: None });
        }
        self.advance();
        match self.amount()? {
            Operand::Span(span) => Ok(Moment { offset: Some((before, span)) }),
            _ => self.wanted("days, hours or minutes"),
        }
    }
}

fn number(text: &str, place: crate::token::Place) -> Parsed<Operand> {
    let number = Number::parse(text).map(Operand::Number);
    number.ok_or_else(|| place.error(format!("{text} is no number")))
}
