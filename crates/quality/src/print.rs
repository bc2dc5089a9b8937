//! Rulesets as text again: what [`crate::Ruleset::parse`] reads as the same ruleset.

use std::fmt::{Display, Formatter, Result};

use crate::rules::{Check, Entry, Rule, Ruleset, Test};
use crate::value::{Condition, Moment, Operand, Span};

/// A text in quotes. A backslash is doubled only where it would be read as something else: patterns stay readable.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        if next == '"' || (next == '\\' && matches!(rest.peek(), None | Some('"' | '\\'))) {
            out.push('\\');
        }
        out.push(next);
    }
    out.push('"');
    out
}

fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Display for Ruleset {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (name, entries) in [("Metadata", &self.metadata), ("DataSources", &self.sources)] {
            if entries.is_empty() {
                continue;
            }
            let entries: Vec<String> =
                entries.iter().map(|(key, entry)| format!("{}: {entry}", quoted(key))).collect();
            writeln!(f, "{name} = {{ {} }}", entries.join(", "))?;
        }
        let block = |name: &str, lines: Vec<String>| match lines.is_empty() {
            true => format!("{name} = []"),
            false => format!("{name} = [\n    {}\n]", lines.join(",\n    ")),
        };
        let rules = self.rules.iter().map(ToString::to_string).collect();
        let analyzers: Vec<String> = self.analyzers.iter().map(ToString::to_string).collect();
        if !self.rules.is_empty() || analyzers.is_empty() {
            f.write_str(&block("Rules", rules))?;
        }
        if !analyzers.is_empty() {
            let between = if self.rules.is_empty() { "" } else { "\n" };
            write!(f, "{between}{}", block("Analyzers", analyzers))?;
        }
        Ok(())
    }
}

impl Display for Entry {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
                write!(f, "[{}]", texts.join(", "))
            }
        }
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.labels.is_empty() {
            return Display::fmt(&self.test, f);
        }
        match &self.test {
            // Labels of several checks belong to all of them, which only parentheses say.
            Test::One(check) => Display::fmt(check, f)?,
            test => write!(f, "({test})")?,
        }
        let labels: Vec<String> =
            self.labels.iter().map(|(key, value)| format!("{}={}", quoted(key), quoted(value))).collect();
        write!(f, " labels=[{}]", labels.join(", "))
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (tests, word) = match self {
            Self::One(check) => return Display::fmt(check, f),
            Self::All(tests) => (tests, " and "),
            Self::Any(tests) => (tests, " or "),
        };
        let parts: Vec<String> = tests.iter().map(|test| format!("({test})")).collect();
        f.write_str(&parts.join(word))
    }
}

impl Display for Check {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.kind.facts().name)?;
        for parameter in &self.parameters {
            write!(f, " {}", quoted(parameter))?;
        }
        if let Some(condition) = &self.condition {
            write!(f, " {condition}")?;
        }
        if let Some(filter) = &self.filter {
            write!(f, " where {}", quoted(filter))?;
        }
        match &self.threshold {
            Some(threshold) => write!(f, " with threshold {threshold}"),
            None => Ok(()),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let not = |negated: &bool| if *negated { "not " } else { "" };
        match self {
            Self::Compare(comparison, operand) => write!(f, "{} {operand}", comparison.sign()),
            Self::Between { negated, low, high } => write!(f, "{}between {low} and {high}", not(negated)),
            Self::In { negated, values } => write!(f, "{}in [{}]", not(negated), list(values)),
            Self::Matches { negated, pattern } => write!(f, "{}matches {}", not(negated), quoted(pattern)),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Number(number) => f.write_str(number.text()),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Keyword(keyword) => f.write_str(keyword.as_str()),
            Self::Moment(moment) => Display::fmt(moment, f),
            Self::Span(span) => Display::fmt(span, f),
        }
    }
}

impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.offset {
            None => f.write_str("now()"),
            Some((before, span)) => write!(f, "(now() {} {span})", if before { "-" } else { "+" }),
        }
    }
}

impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} {}", self.count, self.unit.as_str())
    }
}
