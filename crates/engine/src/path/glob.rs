//! Glob patterns of exclusions, with the meaning that AWS Glue gives them.
//!
//! `*` any characters within a folder, `**` across folders, `?` one character within a folder, `[a-c]` and `[!a]`
//! one character of a set, `{a,b}` alternatives, `\` takes the next character as it is.
//! Source: AWS Glue Developer Guide, "Include and exclude patterns".

use regex::Regex;

use crate::EngineError;

/// Compiled patterns stay below this size: a pattern is a user's text.
const MAX_BYTES: usize = 1 << 20;

/// A pattern that matches whole texts.
#[derive(Debug)]
pub(super) struct Glob(Regex);

impl Glob {
    /// Errors: `OptionsInvalid` for a pattern that is not one.
    pub(super) fn new(pattern: &str) -> Result<Self, EngineError> {
        let invalid =
            |why: &str| EngineError::OptionsInvalid { what: format!("exclusion {pattern:?}: {why}") };
        let text = translate(pattern).ok_or_else(|| invalid("a bracket or brace is not closed"))?;
        let built = regex::RegexBuilder::new(&text).size_limit(MAX_BYTES).dot_matches_new_line(true).build();
        built.map(Self).map_err(|error| invalid(&error.to_string()))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

fn translate(pattern: &str) -> Option<String> {
    let mut out = String::from(r"\A(?:");
    let mut chars = pattern.chars().peekable();
    let mut braces = 0;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => out.push_str(&set(&mut chars)?),
            '{' => {
                braces += 1;
                out.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                out.push(')');
            }
            ',' if braces > 0 => out.push('|'),
            '\\' => out.push_str(&regex::escape(&chars.next()?.to_string())),
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out.push_str(r")\z");
    (braces == 0).then_some(out)
}

/// The rest of a set of characters, as a class.
fn set(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut out = String::from("[");
    if chars.next_if_eq(&'!').is_some() {
        out.push_str("^/");
    }
    loop {
        match chars.next()? {
            ']' => break,
            '-' => out.push('-'),
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out.push(']');
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).expect("pattern").matches(text)
    }

    #[test]
    fn means_what_glue_means() {
        assert!(matches("*.csv", "a.csv") && !matches("*.csv", "x/a.csv"));
        assert!(matches("**.pdf", "x/y/a.pdf") && matches("**/tmp/**", "x/tmp/y"));
        assert!(matches("{a,b}?.csv", "b1.csv") && !matches("{a,b}?.csv", "c1.csv"));
        assert!(matches("[a-c]x", "bx") && matches("[!a]x", "bx") && !matches("[!a]x", "ax"));
        assert!(matches(r"a\*", "a*") && !matches(r"a\*", "ab") && !matches("a.c", "abc"));
        assert!(Glob::new("{a").is_err() && Glob::new("[a").is_err() && Glob::new("[]").is_err());
    }
}
