//! Patterns of ECMA 262 that mean the same to our regular expressions.
//!
//! Only what is certain is translated: literals, classes, groups without `?`, counts, `\d`, `\w` and escaped
//! punctuation. Anything else is `None`, and its owner compares the text alone.

use regex::{Regex, RegexBuilder};

/// The memory of a compiled pattern, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Compiles a pattern whose meaning is certain.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(&translate(pattern)?).size_limit(MAX_BYTES).build().ok()
}

/// Why a text is no regular expression of ECMA 262, in whichever of its modes; `None` where it may be one. Not everything
/// that is wrong is seen.
pub(super) fn problem(pattern: &str) -> Option<&'static str> {
    let mut depth = 0_usize;
    // Whether there is something that a quantifier may follow.
    let mut repeatable = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next().is_none() => return Some("it ends in a backslash"),
            '[' if !class_ends(&mut chars) => return Some("a class is not closed"),
            '(' => depth += 1,
            ')' if depth == 0 => return Some("a group is closed that is not open"),
            ')' => depth -= 1,
            '*' | '+' | '?' if !repeatable => return Some("there is nothing to repeat"),
            _ => {}
        }
        repeatable = match c {
            '(' if chars.next_if_eq(&'?').is_some() => true,
            '(' | '|' => false,
            '*' | '+' | '?' => {
                // Of a lazy one the mark belongs to it.
                chars.next_if_eq(&'?');
                false
            }
            _ => true,
        };
    }
    (depth > 0).then_some("a group is not closed")
}

/// Skips a class to its end; tells whether there is one.
fn class_ends(chars: &mut impl Iterator<Item = char>) -> bool {
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next().is_none() => return false,
            ']' => return true,
            _ => {}
        }
    }
    false
}

fn translate(pattern: &str) -> Option<String> {
    let mut found = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'd' if in_class => found.push_str("0-9"),
                'd' => found.push_str("[0-9]"),
                'w' if in_class => found.push_str("A-Za-z0-9_"),
                'w' => found.push_str("[A-Za-z0-9_]"),
                other if other.is_ascii_punctuation() && !"<>".contains(other) => {
                    found.push('\\');
                    found.push(other);
                }
                _ => return None,
            },
            // Set operations and nested classes are ours alone.
            '[' | '&' | '~' if in_class => return None,
            '[' => {
                in_class = true;
                found.push('[');
                if chars.peek() == Some(&'^') {
                    chars.next();
                    found.push('^');
                }
                // An empty class means something to ECMA and nothing to us.
                if chars.peek() == Some(&']') {
                    return None;
                }
            }
            ']' => {
                in_class = false;
                found.push(']');
            }
            '-' if in_class && chars.peek() == Some(&'-') => return None,
            '(' if chars.peek() == Some(&'?') => return None,
            '.' if !in_class => found.push_str("[^\\n\\r\\u{2028}\\u{2029}]"),
            other => found.push(other),
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_expression_is_told() {
        for bad in ["[", "[a\\]", "(", "(a", "a)", "*", "a|*", "(+)", "a**", "a+*", "\\", "^[0-9"] {
            assert!(problem(bad).is_some(), "{bad}");
        }
        for good in [
            "", "a*", "a*?", "a+?b", "[]]", "[(*]", "\\[", "(?:a)?", "(?<n>a)+", "(?=a)b", "a{2}", "{", "]",
            "^$", "x??", "\\p{L}*", "[^\\]]+", "(a|b)*", "a|", "()*",
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
    }
}
