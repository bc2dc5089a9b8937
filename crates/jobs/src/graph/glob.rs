//! The exclusion patterns of S3 sources: Unix-style globs.
//!
//! `*` matches within a folder, `**` across folders, `?` one character, `[a-z]` and `[!a-z]` a class,
//! `{a,b}` alternatives, `\` takes the next character as it is. A pattern excludes an object when it
//! matches its `s3://bucket/key`, its key, or its key below the source's path.

use regex::Regex;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Glob {
    text: String,
    regex: Regex,
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl std::fmt::Display for Glob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Glob {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// The text of what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let mut pattern = String::from("(?s)^(?:");
        pattern.push_str(&translate(text)?);
        pattern.push_str(")$");
        let regex = Regex::new(&pattern).map_err(|error| format!("pattern {text}: {error}"))?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// Whether the pattern matches all of `text`.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

fn translate(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut depth = 0_u32;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                out.push_str(".*");
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '{' => {
                depth += 1;
                out.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                out.push(')');
            }
            ',' if depth > 0 => out.push('|'),
            '[' => {
                out.push_str(&class(&mut chars).ok_or_else(|| format!("pattern {text}: [ is not closed"))?)
            }
            '\\' => match chars.next() {
                Some(next) => out.push_str(&regex::escape(&next.to_string())),
                None => return Err(format!("pattern {text}: \\ at the end")),
            },
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    if depth > 0 {
        return Err(format!("pattern {text}: {{ is not closed"));
    }
    Ok(out)
}

/// The class after `[`, as a regex class.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut out = String::from("[");
    if matches!(chars.peek(), Some('!' | '^')) {
        chars.next();
        out.push('^');
    }
    let mut empty = true;
    for c in chars.by_ref() {
        match c {
            ']' if !empty => {
                out.push(']');
                return Some(out);
            }
            '-' => out.push('-'),
            other => out.push_str(&regex::escape(&other.to_string())),
        }
        empty = false;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_described() {
        let cases = [
            ("**.pdf", "s3://b/a/x.pdf", true),
            ("**.pdf", "s3://b/a/x.csv", false),
            ("*.csv", "x.csv", true),
            ("*.csv", "a/x.csv", false),
            ("a/**", "a/b/c", true),
            ("a/?.csv", "a/x.csv", true),
            ("{a,b}/x", "b/x", true),
            ("[!a]x", "ax", false),
            ("[a-c]x", "bx", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("a.b", "axb", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Glob::new(pattern).unwrap().matches(text), expected, "{pattern} on {text}");
        }
        for bad in ["[a", "{a,b", "a\\"] {
            assert!(Glob::new(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_pattern_or_an_error(text in "\\PC*") {
            if let Ok(glob) = Glob::new(&text) {
                glob.matches(&text);
            }
        }
    }
}
