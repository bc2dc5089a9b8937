//! Text whose records are single lines, taken apart by Grok, by a regular expression or at fixed places.

pub(crate) mod fixed;
pub(crate) mod grok;
mod java;
pub(crate) mod known;
pub(crate) mod read;

use crate::error::{FormatError, Problem};
use crate::hive::HiveType;
use crate::options::{LineLayout, LineOptions};
use fixed::Fixed;
use grok::{Match, Pattern, TooHard};

/// How lines are taken apart, ready for use.
pub(crate) enum Splitter {
    Pattern(Pattern),
    Fixed(Fixed),
}

/// The fields of a line.
pub(crate) enum Fields<'p, 't> {
    Match(Match<'p, 't>),
    Cut(Vec<Option<&'t str>>),
}

impl<'t> Fields<'_, 't> {
    pub(crate) fn field(&self, index: usize) -> Option<&'t str> {
        match self {
            Self::Match(found) => found.field(index),
            Self::Cut(fields) => fields.get(index).copied().flatten(),
        }
    }
}

impl Splitter {
    /// The splitter of a dialect. Errors: its pattern is none.
    pub(crate) fn new(options: &LineOptions, source: &str) -> Result<Self, FormatError> {
        let compiled = match &options.layout {
            LineLayout::Grok { pattern, custom } => Pattern::grok(pattern, custom),
            LineLayout::Regex { pattern, ignore_case } => Pattern::regex(pattern, *ignore_case),
            LineLayout::Fixed { widths, trim, ragged } => {
                return Ok(Self::Fixed(Fixed::new(widths, *trim, *ragged)));
            }
        };
        compiled.map(Self::Pattern).map_err(|error| {
            FormatError::new(source, Problem::Schema { message: format!("the table's pattern: {error}") })
        })
    }

    /// Takes a line apart; `None` when it does not fit.
    pub(crate) fn split<'t>(&self, line: &'t str) -> Result<Option<Fields<'_, 't>>, TooHard> {
        Ok(match self {
            Self::Pattern(pattern) => pattern.capture(line)?.map(Fields::Match),
            Self::Fixed(fixed) => fixed.cut(line).map(Fields::Cut),
        })
    }

    /// The columns that lines give, for inference.
    pub(crate) fn columns(&self) -> Vec<(String, HiveType)> {
        let pattern = match self {
            Self::Pattern(pattern) => pattern,
            Self::Fixed(fixed) => {
                return (0..fixed.columns()).map(|at| (format!("col{at}"), HiveType::String)).collect();
            }
        };
        // Patterns without names are kept under their own.
        let any_named = pattern.fields().iter().any(|field| field.named);
        let kept = pattern.fields().iter().filter(|field| field.named || !any_named);
        kept.map(|field| (field.name.clone(), field.ty.clone())).collect()
    }
}
