//! DQDL, the language in which data quality rules are written.
//!
//! [`Ruleset::parse`] is the only way from text to a ruleset, so that whoever holds one may rely on this: every rule is
//! of a type that can be evaluated, has as many parameters as its type takes, a condition of the kind that the type
//! answers to, and a filter or a threshold only where the type has one. What depends on data (does a column exist, can
//! it be compared) is found when the ruleset is evaluated.
//!
//! Printing gives the canonical text: constants are filled in, defaults of labels are written out, and parsing it again
//! gives an equal ruleset. Nothing here reads data or does I/O.
//!
//! - [`Kind`]: the types of rules, and in [`Facts`] what each takes and answers
//! - [`Condition`]: what an answer is compared with
//!
//! Source: AWS Glue Developer Guide, Data Quality Definition Language (DQDL) reference.

mod error;
mod kind;
mod names;
mod parse;
mod print;
mod rules;
mod token;
mod value;

#[cfg(test)]
mod tests;

pub use error::DqdlError;
pub use kind::{Facts, Kind, Response, RowLevel, kinds};
pub use names::{AggregateOf, Reference, mappings};
pub use print::quoted;
pub use rules::{Check, Entry, Labels, Rule, Ruleset, Test};
pub use value::{Comparison, Condition, Keyword, Moment, Number, Operand, Span, Unit, is_date};

/// The longest text of a ruleset. Source: AWS Glue API Reference, `DataQualityRulesetString`.
pub const MAX_TEXT: usize = 65_536;
/// The most rules, and the most analyzers, of a ruleset. Source: AWS Glue API Reference, `DataQualityRuleResults`.
pub const MAX_RULES: usize = 2_000;
/// How deep rules may be nested in parentheses.
pub const MAX_DEPTH: usize = 32;
