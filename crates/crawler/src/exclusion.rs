//! Glue's exclude patterns.
//!
//! They match an object's key relative to the include path: `*` any characters but `/`, `**` any characters, `?` one
//! character but `/`, `[…]` one of a set (ranges, `!` negates, never `/`), `{a,b}` alternatives, `\` takes the next
//! character as it is. Source: Glue Developer Guide, Include and exclude patterns.

use regex::{Regex, RegexBuilder};

use crate::error::CrawlerError;

/// The patterns of one target.
#[derive(Debug, Clone)]
pub(crate) struct Exclusions {
    patterns: Vec<Regex>,
}

impl Exclusions {
    /// Errors: a pattern that is not one.
    pub(crate) fn new(patterns: &[String]) -> Result<Self, CrawlerError> {
        let compiled = patterns.iter().map(|pattern| {
            compile(pattern)
                .ok_or_else(|| CrawlerError::invalid(format!("{pattern:?} is not a valid exclusion pattern")))
        });
        Ok(Self { patterns: compiled.collect::<Result<_, _>>()? })
    }

    /// Whether the key, relative to the include path, is excluded.
    pub(crate) fn exclude(&self, relative: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.is_match(relative))
    }
}

fn compile(glob: &str) -> Option<Regex> {
    const MAX_SIZE: usize = 1 << 20;
    let mut regex = String::from("^");
    let mut chars = glob.chars().peekable();
    let mut in_braces = false;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                regex.push_str(".*");
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '\\' => regex.push_str(&regex::escape(&chars.next()?.to_string())),
            '[' => class(&mut chars, &mut regex)?,
            '{' if in_braces => return None,
            '{' => {
                in_braces = true;
                regex.push_str("(?:");
            }
            '}' if in_braces => {
                in_braces = false;
                regex.push(')');
            }
            ',' if in_braces => regex.push('|'),
            other => regex.push_str(&regex::escape(&other.to_string())),
        }
    }
    if in_braces {
        return None;
    }
    regex.push('$');
    RegexBuilder::new(&regex).dot_matches_new_line(true).size_limit(MAX_SIZE).build().ok()
}

fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, regex: &mut String) -> Option<()> {
    regex.push_str("[[");
    if chars.next_if_eq(&'!').is_some() {
        regex.push('^');
    }
    let mut members = 0;
    loop {
        let c = chars.next()?;
        match c {
            ']' if members > 0 => break,
            '-' if members > 0 && chars.peek().is_some_and(|next| *next != ']') => regex.push('-'),
            other => {
                regex.push('\\');
                if other.is_ascii_punctuation() {
                    regex.push(other);
                } else {
                    regex.pop();
                    regex.push(other);
                }
            }
        }
        members += 1;
    }
    // Never the separator.
    regex.push_str("]&&[^/]]");
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_guide() {
        let cases = [
            ("*.csv", "a.csv", true),
            ("*.csv", "x/a.csv", false),
            ("*.*", "a.b", true),
            ("*.*", "ab", false),
            ("*.{csv,avro}", "a.avro", true),
            ("*.{csv,avro}", "a.json", false),
            ("foo.?", "foo.x", true),
            ("foo.?", "foo.xy", false),
            ("myfolder/*", "myfolder/a", true),
            ("myfolder/*", "myfolder/x/a", false),
            ("myfolder/*/*", "myfolder/x/a", true),
            ("myfolder/**", "myfolder/x/a", true),
            ("myfolder**", "myfolder/x", true),
            ("Market*", "Market/a", false),
            ("Market*", "Marketing", true),
            ("a[b-d]e", "ace", true),
            ("a[!b-d]e", "ace", false),
            ("a[!b]e", "a/e", false),
            ("a[*?]e", "a*e", true),
            ("\\{x\\}", "{x}", true),
            ("**/tmp/**", "a/b/tmp/c", true),
            ("a.b", "axb", false),
        ];
        for (glob, key, wanted) in cases {
            let found = Exclusions::new(&[glob.to_owned()]).unwrap().exclude(key);
            assert_eq!(found, wanted, "{glob} {key}");
        }
        for bad in ["[a", "{a", "{a,{b}}", "a\\"] {
            assert!(Exclusions::new(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
