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
