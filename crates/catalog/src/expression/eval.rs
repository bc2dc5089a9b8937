//! Whether a partition's values match.

use std::cmp::Ordering;

use crate::error::CatalogError;
use crate::expression::{Comparison, DEFAULT_PARTITION, Expr, Key, KeyType, Node, TypedValue};

/// An answer of three-valued logic; `None` is unknown.
type Answer = Result<Option<bool>, CatalogError>;

impl Expr {
    /// Whether a partition of these values is selected.
    /// Errors: `ValueNotOfType` when a value that matters is not of its key's declared type.
    pub fn matches<S: AsRef<str>>(&self, values: &[S]) -> Result<bool, CatalogError> {
        Ok(self.0.answer(values)? == Some(true))
    }
}

impl Node {
    fn answer<S: AsRef<str>>(&self, values: &[S]) -> Answer {
        match self {
            Node::Compare { key, comparison, value } => {
                let found = typed(key, values)?;
                Ok(found.and_then(|found| found.compare(value)).map(|order| comparison.holds(order)))
            }
            Node::In { key, values: wanted, negated } => {
                let found = typed(key, values)?;
                Ok(found.map(|found| wanted.iter().any(|one| equal(&found, one)) != *negated))
            }
            Node::Between { key, low, high, negated } => {
                let found = typed(key, values)?;
                Ok(found.map(|found| within(&found, low, high) != *negated))
            }
            Node::Like { key, pattern, negated } => {
                let text = values.get(key.position).map(AsRef::as_ref);
                Ok(text.map(|text| pattern.matches(text) != *negated))
            }
            Node::IsNull { key, negated } => Ok(Some(is_null(key, values) != *negated)),
            Node::And(parts) => all(parts, values),
            Node::Or(parts) => any(parts, values),
            Node::Not(inner) => Ok(inner.answer(values)?.map(|answer| !answer)),
        }
    }
}

/// Every part is evaluated, so that an unreadable value is always found.
fn all<S: AsRef<str>>(parts: &[Node], values: &[S]) -> Answer {
    let mut joined = Some(true);
    for part in parts {
        joined = match (joined, part.answer(values)?) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
    }
    Ok(joined)
}

fn any<S: AsRef<str>>(parts: &[Node], values: &[S]) -> Answer {
    let mut joined = Some(false);
    for part in parts {
        joined = match (joined, part.answer(values)?) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        };
    }
    Ok(joined)
}

/// The value of a key; `None` when it is NULL, or when the partition is older than the key.
fn typed<S: AsRef<str>>(key: &Key, values: &[S]) -> Result<Option<TypedValue>, CatalogError> {
    let Some(text) = values.get(key.position).map(AsRef::as_ref) else {
        return Ok(None);
    };
    if key.key_type != KeyType::Text && text == DEFAULT_PARTITION {
        return Ok(None);
    }
    match key.key_type.read(text) {
        Ok(value) => Ok(Some(value)),
        Err(message) => Err(CatalogError::ValueNotOfType { message }),
    }
}

fn is_null<S: AsRef<str>>(key: &Key, values: &[S]) -> bool {
    values.get(key.position).is_none_or(|text| text.as_ref() == DEFAULT_PARTITION)
}

fn equal(a: &TypedValue, b: &TypedValue) -> bool {
    a.compare(b) == Some(Ordering::Equal)
}

fn within(value: &TypedValue, low: &TypedValue, high: &TypedValue) -> bool {
    let above = value.compare(low).is_some_and(Ordering::is_ge);
    above && value.compare(high).is_some_and(Ordering::is_le)
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }
}
