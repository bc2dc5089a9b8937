//! The name filter of a listing of tables.
//!
//! Glue calls it a regular expression that must match the whole name. Its clients (the SDK for
//! pandas, Athena's `SHOW TABLES`) also send Hive's patterns, where `*` stands for any text:
//! `sales_*`, `*_raw`. So a `*` that quantifies `.`, a class, a group or an escape is a
//! quantifier, and any other `*` is any text.

use regex::{Regex, RegexBuilder};

use crate::error::CatalogError;

/// The most bytes that a compiled pattern may take.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// A filter on table names, ignoring case.
#[derive(Debug, Clone)]
pub struct NamePattern(Regex);

impl NamePattern {
    /// Compiles a pattern; `None` when it is blank.
    /// Errors: `InvalidInput` when it is not a regular expression.
    pub fn parse(text: &str) -> Result<Option<NamePattern>, CatalogError> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let compiled = RegexBuilder::new(&format!("^(?:{})$", with_any_text(text)))
            .case_insensitive(true)
            .size_limit(MAX_COMPILED_BYTES)
            .build();
        match compiled {
            Ok(regex) => Ok(Some(NamePattern(regex))),
            Err(_) => {
                Err(CatalogError::invalid(format!("Expression {text:?} is not a valid regular expression.")))
            }
        }
    }

    /// Whether a name matches as a whole.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

/// Writes Hive's `*` as `.*`.
fn with_any_text(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 8);
    let mut escaped = false;
    let mut in_class = false;
    let mut quantifiable = false;
    for c in text.chars() {
        if c == '*' && !escaped && !in_class && !quantifiable {
            written.push('.');
        }
        written.push(c);
        quantifiable = escaped || matches!(c, '.' | ')' | ']' | '}');
        in_class = !escaped && (c == '[' || (in_class && c != ']')) || (escaped && in_class);
        escaped = c == '\\' && !escaped;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::NamePattern;

    fn matches(pattern: &str, name: &str) -> bool {
        NamePattern::parse(pattern).unwrap().unwrap().matches(name)
    }

    #[test]
    fn reads_regular_expressions_and_hive_patterns() {
        assert!(matches("sales_*", "sales_2024"));
        assert!(matches("*_raw", "orders_raw"));
        assert!(matches("*mid*", "amidst"));
        assert!(matches("sales_.*", "sales_2024"));
        assert!(matches("[a-c]*", "abcabc"));
        assert!(!matches("[a-c]*", "abd"));
        assert!(matches(r"t\d*", "t123"));
        assert!(matches("a|b", "b"));
        assert!(matches("SALES", "sales"));
        assert!(!matches("sale", "sales"), "a name matches as a whole");
        assert!(matches("(ab)*", "abab"));
    }

    #[test]
    fn refuses_what_is_no_expression() {
        assert!(NamePattern::parse("(").is_err());
        assert!(NamePattern::parse(r"(?=x)").is_err());
        assert!(NamePattern::parse("  ").unwrap().is_none());
    }
}
