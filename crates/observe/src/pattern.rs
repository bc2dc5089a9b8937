//! Filter patterns over unstructured messages.
//!
//! A pattern is a list of terms, matched with case as parts of the message:
//!
//! | term | matches messages that |
//! |---|---|
//! | `word`, `"a phrase"` | contain it; all such terms must |
//! | `-word`, `-"a phrase"` | do not contain it |
//! | `?word ?"a phrase"` | contain at least one of these |
//!
//! An unquoted term is made of letters, digits and underscores; anything else needs quotes, in which `\"` and
//! `\\` stand for themselves. The empty pattern matches everything.
//!
//! Refused rather than approximated: JSON patterns (`{ $.x = … }`), space-delimited patterns (`[a, b]`),
//! regular expressions (`%…%`), and `?` terms beside others (CloudWatch Logs documents that it ignores them
//! there, which surprises everybody).
//!
//! Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax".

use crate::ObserveError;

/// A parsed filter pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pattern {
    all: Vec<String>,
    none: Vec<String>,
    any: Vec<String>,
}

#[derive(Clone, Copy)]
enum Role {
    Include,
    Exclude,
    Optional,
}

/// Parses a filter pattern.
///
/// # Errors
/// [`ObserveError::InvalidParameter`] for what is not well formed and for the kinds of pattern that are refused.
pub fn parse(text: &str) -> Result<Pattern, ObserveError> {
    let mut rest = text.trim();
    let unsupported = match rest.as_bytes().first() {
        Some(b'{') => Some("JSON"),
        Some(b'[') => Some("Space-delimited"),
        Some(b'%') => Some("Regular expression"),
        _ => None,
    };
    if let Some(kind) = unsupported {
        return Err(ObserveError::invalid(format!(
            "Invalid filter pattern: {kind} filter patterns are not supported by this server"
        )));
    }
    let mut pattern = Pattern::default();
    while !rest.is_empty() {
        let (role, after) = match rest.as_bytes().first() {
            Some(b'-') => (Role::Exclude, &rest[1..]),
            Some(b'?') => (Role::Optional, &rest[1..]),
            _ => (Role::Include, rest),
        };
        let (term, after) = term(after)?;
        match role {
            Role::Include => pattern.all.push(term),
            Role::Exclude => pattern.none.push(term),
            Role::Optional => pattern.any.push(term),
        }
        rest = after.trim_start();
    }
    let has_others = !pattern.all.is_empty() || !pattern.none.is_empty();
    if has_others && !pattern.any.is_empty() {
        return Err(ObserveError::invalid(
            "Invalid filter pattern: '?' terms cannot be combined with other terms",
        ));
    }
    Ok(pattern)
}

/// Splits the first term off.
fn term(text: &str) -> Result<(String, &str), ObserveError> {
    if let Some(quoted) = text.strip_prefix('"') {
        return phrase(quoted);
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let ends_well = rest.is_empty() || rest.starts_with(char::is_whitespace);
    if word.is_empty() || !ends_well {
        let found: String = rest.chars().take(1).collect();
        return Err(ObserveError::invalid(format!(
            "Invalid filter pattern: unexpected character {found:?}; terms with other characters than letters, \
             digits and underscores must be quoted"
        )));
    }
    Ok((word.to_owned(), rest))
}

fn phrase(text: &str) -> Result<(String, &str), ObserveError> {
    let mut phrase = String::new();
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' if phrase.is_empty() => {
                return Err(ObserveError::invalid("Invalid filter pattern: empty phrase"));
            }
            '"' => return Ok((phrase, &text[index + 1..])),
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => phrase.push(escaped),
                Some((_, other)) => phrase.extend(['\\', other]),
                None => break,
            },
            _ => phrase.push(c),
        }
    }
    Err(ObserveError::invalid("Invalid filter pattern: a quote is not closed"))
}

impl Pattern {
    /// Whether a message matches.
    pub fn matches(&self, message: &str) -> bool {
        self.all.iter().all(|term| message.contains(term.as_str()))
            && !self.none.iter().any(|term| message.contains(term.as_str()))
            && (self.any.is_empty() || self.any.iter().any(|term| message.contains(term.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The messages and patterns of the user guide.
    #[test]
    fn matches_as_the_user_guide_says() {
        let messages =
            ["[ERROR 400] BAD REQUEST", "[ERROR 401] UNAUTHORIZED REQUEST", "[ERROR 419] MISSING ARGUMENTS"];
        let cases: [(&str, [bool; 3]); 10] = [
            ("", [true; 3]),
            (" ", [true; 3]),
            ("ERROR", [true; 3]),
            ("error", [false; 3]),
            ("ERROR ARGUMENTS", [false, false, true]),
            ("?ARGUMENTS ?400", [true, false, true]),
            ("\"BAD REQUEST\"", [true, false, false]),
            ("ERROR -REQUEST", [false, false, true]),
            ("-\"ERROR 40\"", [false, false, true]),
            ("?\"BAD REQUEST\" ?\"MISSING ARGUMENTS\"", [true, false, true]),
        ];
        for (pattern, wanted) in cases {
            let parsed = parse(pattern).unwrap();
            assert_eq!(messages.map(|message| parsed.matches(message)), wanted, "{pattern}");
        }
    }

    #[test]
    fn quotes_and_escapes() {
        let pattern = parse(r#" "say \"hi\"" "a\\b" "#).unwrap();
        assert!(pattern.matches(r#"they say "hi" to a\b"#));
        assert!(!pattern.matches("they say hi"));
    }

    #[test]
    fn refuses_what_it_would_get_wrong() {
        for pattern in [
            "{ $.level = \"ERROR\" }",
            "[ip, user]",
            "%[0-9]+%",
            "\"open",
            "\"\"",
            "-",
            "?",
            "a=b",
            "a?b",
            "ERROR ?WARN",
            "?WARN -x",
            "a\"b\"c",
            "\\",
        ] {
            assert!(matches!(parse(pattern), Err(ObserveError::InvalidParameter { .. })), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(text in "\\PC{0,40}", message in "\\PC{0,40}") {
            if let Ok(pattern) = parse(&text) {
                let _ = pattern.matches(&message);
            }
        }

        #[test]
        fn a_quoted_text_finds_itself(text in "\\PC{1,20}", around in "\\PC{0,10}") {
            let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            let message = format!("{around}{text}{around}");
            prop_assert!(parse(&quoted).unwrap().matches(&message));
            let negated = format!("-{quoted}");
            prop_assert!(!parse(&negated).unwrap().matches(&message));
        }
    }
}
