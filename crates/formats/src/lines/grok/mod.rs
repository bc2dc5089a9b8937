//! Grok: expressions made of named patterns, compiled to one regular expression.
//!
//! `%{PATTERN}` stands for the pattern of that name, `%{PATTERN:field}` keeps what it matched as a field of type string,
//! `%{PATTERN:field:type}` as a field of another type; `(?<field>…)` keeps a field too. At the top of an expression a
//! pattern without a field is kept under its own name, so that a table may have a column of that name.
//!
//! Hostile patterns end in an error: patterns are expanded to [`MAX_DEPTH`] levels and [`MAX_BYTES`] of text, compiled
//! within a limit of memory, and a line that takes more than [`MAX_STEPS`] of backtracking is refused.
//!
//! Source: AWS Glue Developer Guide, Writing grok custom classifiers; Athena User Guide, Grok SerDe.

mod library;

use std::collections::HashMap;

use fancy_regex::{Captures, Regex, RegexBuilder};

use super::java::translated;
use crate::hive::HiveType;

/// Patterns within patterns.
const MAX_DEPTH: usize = 40;
/// The longest regular expression, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Steps back that one line may take.
const MAX_STEPS: usize = 200_000;
/// Memory of a compiled expression, in bytes.
const MAX_PROGRAM_BYTES: usize = 32 << 20;
/// The most fields of one expression.
const MAX_FIELDS: usize = 1000;

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// `%{NAME}` names nothing.
    #[error("the Grok pattern {0} is not defined")]
    Unknown(String),
    /// A pattern that leads back to itself, or too deep.
    #[error(
        "the Grok pattern {0} refers to itself, or patterns refer to each other more than {MAX_DEPTH} levels deep"
    )]
    TooDeep(String),
    /// Too long when expanded, or with too many fields.
    #[error("the pattern is too large: at most {MAX_BYTES} bytes when expanded, and {MAX_FIELDS} fields")]
    TooLarge,
    /// A field's type is not one.
    #[error("{0} is not a type for a field: byte, boolean, double, short, int, string, long or float is")]
    Type(String),
    /// A line of the custom patterns is not `NAME pattern`.
    #[error("the custom patterns' line {0:?} is not a name, a space and a pattern")]
    Definition(String),
    /// The regular expression is not one.
    #[error("the pattern is not a regular expression: {0}")]
    Syntax(String),
}

/// A field that an expression keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternField {
    /// As the expression spells it.
    pub name: String,
    /// `string` unless the expression says otherwise.
    pub ty: HiveType,
    /// False for a pattern at the top of the expression that is kept under its own name only.
    pub named: bool,
    /// Groups of the regular expression that give it; the first that took part counts.
    groups: Vec<usize>,
}

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    fields: Vec<PatternField>,
}

/// A line took more backtracking than is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooHard;

fn build(expression: &str, ignore_case: bool) -> Result<Regex, PatternError> {
    RegexBuilder::new(expression)
        .case_insensitive(ignore_case)
        .backtrack_limit(MAX_STEPS)
        .delegate_size_limit(MAX_PROGRAM_BYTES)
        .max_prog_size(MAX_PROGRAM_BYTES)
        .build()
        .map_err(|error| PatternError::Syntax(error.to_string()))
}

impl Pattern {
    /// Compiles a Grok expression; `custom` holds definitions, one `NAME pattern` on each line, which come before the
    /// built-in ones. Errors: see [`PatternError`].
    pub fn grok(expression: &str, custom: &str) -> Result<Self, PatternError> {
        let mut expansion = Expansion { custom: definitions(custom)?, ..Expansion::default() };
        expansion.text(expression, 0, true)?;
        let regex = build(&expansion.out, false)?;
        let numbers: HashMap<&str, usize> = regex
            .capture_names()
            .enumerate()
            .filter_map(|(number, name)| name.map(|name| (name, number)))
            .collect();
        let mut fields = expansion.fields;
        for field in &mut fields {
            let names = std::mem::take(&mut field.groups);
            field.groups =
                names.into_iter().filter_map(|n| numbers.get(group(n).as_str()).copied()).collect();
        }
        Ok(Self { regex, fields })
    }

    /// Compiles a regular expression of Java's that has to match whole lines; its groups are the fields, by position.
    pub fn regex(expression: &str, ignore_case: bool) -> Result<Self, PatternError> {
        let expression = translated(expression);
        if expression.len() > MAX_BYTES {
            return Err(PatternError::TooLarge);
        }
        let regex = build(&format!("^(?:{expression})$"), ignore_case)?;
        let groups = regex.captures_len().saturating_sub(1);
        let field = |group: usize| PatternField {
            name: format!("col{}", group - 1),
            ty: HiveType::String,
            named: true,
            groups: vec![group],
        };
        Ok(Self { fields: (1..=groups).map(field).collect(), regex })
    }

    /// The fields, in the order of the expression.
    pub fn fields(&self) -> &[PatternField] {
        &self.fields
    }

    /// Matches a line: its fields' places; `None` when it does not match.
    pub(crate) fn capture<'t>(&self, line: &'t str) -> Result<Option<Match<'_, 't>>, TooHard> {
        let found = self.regex.captures(line).map_err(|_| TooHard)?;
        Ok(found.map(|captures| Match { fields: &self.fields, captures }))
    }
}

/// A line that matched.
pub(crate) struct Match<'p, 't> {
    fields: &'p [PatternField],
    captures: Captures<'t, str>,
}

impl<'t> Match<'_, 't> {
    /// The text of a field; `None` when no part of the expression that gives it took part.
    pub(crate) fn field(&self, index: usize) -> Option<&'t str> {
        let groups = &self.fields.get(index)?.groups;
        groups.iter().find_map(|group| self.captures.get(*group)).map(|found| found.as_str())
    }
}

/// The name of a field's group: names of fields may hold what names of groups may not.
fn group(number: usize) -> String {
    format!("f{number}")
}

/// Definitions by name. Line breaks may also be written as `\n`, as statements in SQL have them.
fn definitions(custom: &str) -> Result<HashMap<String, String>, PatternError> {
    let mut found = HashMap::new();
    let mut lines: Vec<String> = Vec::new();
    for line in custom.lines() {
        for (nth, part) in line.split("\\n").enumerate() {
            // Only what looks like a definition begins one: a pattern may hold `\n` itself.
            let begins = part.split_once(' ').is_some_and(|(name, _)| is_name(name.trim()));
            match lines.last_mut() {
                Some(last) if nth > 0 && !begins => {
                    last.push_str("\\n");
                    last.push_str(part);
                }
                _ => lines.push(part.to_owned()),
            }
        }
    }
    for line in lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()) {
        let bad = || PatternError::Definition(line.to_owned());
        let (name, pattern) = line.split_once(char::is_whitespace).ok_or_else(bad)?;
        if !is_name(name) {
            return Err(bad());
        }
        found.insert(name.to_owned(), pattern.trim_start().to_owned());
    }
    Ok(found)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[derive(Default)]
struct Expansion {
    custom: HashMap<String, String>,
    out: String,
    /// While expanding, `groups` holds the numbers behind [`group`].
    fields: Vec<PatternField>,
    next: usize,
}

impl Expansion {
    /// Appends `text` with its references expanded.
    fn text(&mut self, text: &str, depth: usize, top: bool) -> Result<(), PatternError> {
        let mut rest = text;
        while let Some(at) = rest.find("%{").into_iter().chain(rest.find("(?<")).min() {
            self.push(&rest[..at])?;
            rest = &rest[at..];
            let taken = if rest.starts_with("%{") {
                self.reference(rest, depth, top)?
            } else {
                self.inline_group(rest)?
            };
            rest = &rest[taken..];
        }
        self.push(rest)
    }

    fn push(&mut self, text: &str) -> Result<(), PatternError> {
        if self.out.len() + text.len() > MAX_BYTES {
            return Err(PatternError::TooLarge);
        }
        self.out.push_str(text);
        Ok(())
    }

    /// `%{NAME:field:type}` at the front; how many bytes it takes.
    fn reference(&mut self, text: &str, depth: usize, top: bool) -> Result<usize, PatternError> {
        let whole = text.find('}').map(|end| (&text[2..end], end + 1));
        let Some((inner, taken)) = whole else {
            return Err(PatternError::Syntax(format!("{text} is not closed by }}")));
        };
        let mut parts = inner.splitn(3, ':').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let field = parts.next().filter(|f| !f.is_empty());
        let ty = parts.next().filter(|t| !t.is_empty()).map_or(Ok(HiveType::String), field_type)?;
        if depth >= MAX_DEPTH {
            return Err(PatternError::TooDeep(name.to_owned()));
        }
        let pattern = match self.custom.get(name) {
            Some(own) => own.clone(),
            None => library::find(name).ok_or_else(|| PatternError::Unknown(name.to_owned()))?.to_owned(),
        };
        match field {
            Some(field) => self.open(field, ty, true)?,
            None if top => self.open(name, ty, false)?,
            None => self.push("(?:")?,
        }
        self.text(&pattern, depth + 1, false)?;
        self.push(")")?;
        Ok(taken)
    }

    /// `(?<field>` at the front; what only looks like it is passed on.
    fn inline_group(&mut self, text: &str) -> Result<usize, PatternError> {
        let name = text[3..].split_once('>').map(|(name, _)| name);
        match name.filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')) {
            Some(name) => {
                self.open(name, HiveType::String, true)?;
                Ok(name.len() + 4)
            }
            None => {
                self.push(&text[..3])?;
                Ok(3)
            }
        }
    }

    /// Begins the group of a field.
    fn open(&mut self, name: &str, ty: HiveType, named: bool) -> Result<(), PatternError> {
        let number = self.next;
        self.next += 1;
        if number >= MAX_FIELDS {
            return Err(PatternError::TooLarge);
        }
        match self.fields.iter_mut().find(|field| field.name.eq_ignore_ascii_case(name)) {
            Some(known) => {
                known.groups.push(number);
                known.named |= named;
            }
            None => {
                self.fields.push(PatternField { name: name.to_owned(), ty, named, groups: vec![number] });
            }
        }
        self.push(&format!("(?<{}>", group(number)))
    }
}

fn field_type(name: &str) -> Result<HiveType, PatternError> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "byte" => HiveType::TinyInt,
        "boolean" => HiveType::Boolean,
        "double" => HiveType::Double,
        "short" => HiveType::SmallInt,
        "int" => HiveType::Int,
        "string" => HiveType::String,
        "long" => HiveType::BigInt,
        "float" => HiveType::Float,
        _ => return Err(PatternError::Type(name.to_owned())),
    })
}

#[cfg(test)]
mod tests;
