//! Partition expressions: the filter language of `GetPartitions`.
//!
//! ```text
//! expression := and { OR and }
//! and        := not { AND not }
//! not        := NOT not | '(' expression ')' | predicate
//! predicate  := operand ( = | <> | != | < | <= | > | >= ) operand   one a key, one a literal
//!             | key [NOT] IN '(' literal { ',' literal } ')'
//!             | key [NOT] BETWEEN literal AND literal
//!             | key [NOT] LIKE 'pattern' [ ESCAPE 'c' ]
//!             | key IS [NOT] NULL
//! key        := name | `name` | "name"          in any case
//! literal    := 'text' | "text" | [+-] number | TRUE | FALSE | DATE 'text' | TIMESTAMP 'text'
//! ```
//!
//! A quote is doubled inside quotes. Source: AWS Glue API Reference, GetPartitions, `Expression`.
//!
//! # Comparison
//! Values are compared as the key's declared type: integers by value (`10 > 9`, `01 = 1`), decimals
//! exactly, text by its UTF-8 bytes. Logic has three values, as in SQL. A value of a partition that
//! is not of the declared type has no answer, which is an error and never a silent mismatch.
//!
//! `__HIVE_DEFAULT_PARTITION__` is Hive's NULL: `IS NULL` is true for it under every type, and it
//! compares as unknown under all types but text. Under text it also compares as that text, because
//! Glue does so and clients (Trino) rely on `key = '__HIVE_DEFAULT_PARTITION__'`.
//!
//! # Seeking
//! [`Expr::ranges`] gives, for each key, byte ranges that hold every value that can match. They
//! narrow what is read; whether a partition matches is decided by [`Expr::matches`] alone.

mod alternatives;
mod decimal;
mod eval;
mod lex;
mod like;
mod parse;
mod ranges;
mod value;

pub use parse::parse;
pub(crate) use ranges::{Ranges, Span};
pub use value::KeyType;
pub(crate) use value::{TypedValue, kinds, readable};

use like::LikePattern;

/// The text that stands for NULL in a partition's values.
pub const DEFAULT_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A key that an expression names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) position: usize,
    pub(crate) key_type: KeyType,
}

/// A checked expression over the keys of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr(pub(crate) Node);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Compare { key: Key, comparison: Comparison, value: TypedValue },
    In { key: Key, values: Vec<TypedValue>, negated: bool },
    Between { key: Key, low: TypedValue, high: TypedValue, negated: bool },
    Like { key: Key, pattern: LikePattern, negated: bool },
    IsNull { key: Key, negated: bool },
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
}

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It does not follow the grammar.
    #[error("Unsupported expression '{expression}': expected {expected} at position {position}")]
    Syntax {
        /// The whole expression.
        expression: String,
        /// What the grammar asks for.
        expected: String,
        /// The character where reading stopped, from 1.
        position: usize,
    },
    /// It names something that is not a partition key of the table.
    #[error("Invalid partition expression!")]
    UnknownKey {
        /// The name as written.
        name: String,
        /// The first character of the name, from 1.
        position: usize,
    },
    /// A literal is not of the key's type.
    #[error("{message}")]
    LiteralNotOfType {
        /// Which literal, of which type.
        message: String,
        /// The first character of the literal, from 1.
        position: usize,
    },
    /// The key's type cannot be filtered on.
    #[error("Unknown type : '{key_type}'")]
    UnsupportedType {
        /// The declared type.
        key_type: String,
        /// The first character of the key, from 1.
        position: usize,
    },
    /// The key's type does not have this operation.
    #[error("{family} data type doesn't support operation 'LIKE'")]
    NoLike {
        /// The family of types.
        family: &'static str,
        /// The first character of the key, from 1.
        position: usize,
    },
}

impl ExpressionError {
    /// The character where the problem begins, from 1.
    pub fn position(&self) -> usize {
        match self {
            ExpressionError::Syntax { position, .. }
            | ExpressionError::UnknownKey { position, .. }
            | ExpressionError::LiteralNotOfType { position, .. }
            | ExpressionError::UnsupportedType { position, .. }
            | ExpressionError::NoLike { position, .. } => *position,
        }
    }
}

impl Expr {
    /// The keys that the expression names, each once, in order of position.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        self.0.collect_keys(&mut keys);
        keys.sort_by_key(|key| key.position);
        keys.dedup();
        keys
    }
}

impl Node {
    fn collect_keys(&self, keys: &mut Vec<Key>) {
        match self {
            Node::Compare { key, .. }
            | Node::In { key, .. }
            | Node::Between { key, .. }
            | Node::Like { key, .. }
            | Node::IsNull { key, .. } => keys.push(key.clone()),
            Node::And(parts) | Node::Or(parts) => {
                parts.iter().for_each(|part| part.collect_keys(keys));
            }
            Node::Not(inner) => inner.collect_keys(keys),
        }
    }
}

#[cfg(test)]
mod tests;
