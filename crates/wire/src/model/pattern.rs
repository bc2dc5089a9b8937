//! Patterns of the models, which are Java's, for the `regex` crate.
//!
//! Differences that matter: Java writes code points as `\uXXXX` and astral ones as surrogate pairs; its `\w`, `\d`,
//! `\s` are ASCII; AWS matches the whole value. `regex` has no look-around: the few patterns with it are listed in
//! [`BY_HAND`] with a check of our own, so that no constraint is silently dropped.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

use super::Shape;

/// A compiled pattern may take this much memory.
const SIZE_LIMIT_BYTES: usize = 4 << 20;

/// A check in place of a pattern.
type Check = fn(&str) -> bool;

/// Patterns with look-around, and what they mean.
const BY_HAND: &[(&str, Check)] = &[
    // Glue's CatalogNameString.
    ("^(?!(.*[.\\/\\\\]|aws:)).*$", |text| {
        !text.contains(['.', '/', '\\', '\n', '\r']) && !text.starts_with("aws:")
    }),
    // Athena's NotebookName: the class is checked by the model's other half, controls are refused here.
    ("(?!.*[/:\\\\])[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]+", |text| {
        !text.is_empty() && !text.contains(['/', ':', '\\']) && text.chars().all(|c| c >= ' ' || c == '\t')
    }),
    // Not blank, on however many lines: Glue takes definitions of schemas as they are written.
    (".*\\S.*", |text| text.chars().any(|c| !" \t\n\x0B\x0C\r".contains(c))),
    // Firehose: not blank, one line.
    ("^(?!\\s*$).+", |text| !text.trim().is_empty() && !text.contains(['\n', '\r'])),
    // Firehose's TagKey: letters, separators, digits of any script and a few signs; not AWS's own.
    ("^(?!aws:)[\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@%]*$", |text| {
        !text.starts_with("aws:")
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || c == ' ' || c.is_whitespace() || "_.:/=+-@%".contains(c))
    }),
    // Glue's AssetTypeName: a name in ASCII that begins with a letter, or with an underscore and is more than underscores.
    ("^(?![0-9_])\\w+$|^_\\w*[a-zA-Z0-9]\\w*$", |text| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && text
                .trim_start_matches('_')
                .bytes()
                .next()
                .is_some_and(|first| first.is_ascii_alphabetic() || text.starts_with('_'))
    }),
    // Firehose's ClusterJDBCURL: labels of host names neither begin nor end with a hyphen.
    (
        "jdbc:(redshift|postgresql)://((?!-)[A-Za-z0-9-]{1,63}(?<!-)\\.)+(redshift(-serverless)?)\\.([a-zA-Z0-9\\.\\-]+):\\d{1,5}/[a-zA-Z0-9_$-]+",
        redshift_url,
    ),
];

fn redshift_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let Some((host, rest)) = rest.split_once(':') else { return false };
    let Some((port, database)) = rest.split_once('/') else { return false };
    let labels: Vec<&str> = host.split('.').collect();
    let service = labels.iter().position(|label| matches!(*label, "redshift" | "redshift-serverless"));
    let hyphens = |label: &&str| !label.starts_with('-') && !label.ends_with('-') && !label.is_empty();
    let plain = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    matches!(scheme, "jdbc:redshift" | "jdbc:postgresql")
        && service.is_some_and(|at| at > 0 && at + 1 < labels.len() && labels[..at].iter().all(hyphens))
        && plain(host, ".-")
        && (1..=5).contains(&port.len())
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && !database.is_empty()
        && plain(database, "_$-")
}

/// Whether a text satisfies a shape's pattern; true when the shape has none.
pub(crate) fn matches(shape: &Shape, text: &str) -> bool {
    let Some(pattern) = shape.pattern.as_deref() else { return true };
    if let Some((_, check)) = BY_HAND.iter().find(|(known, _)| *known == pattern) {
        return check(text);
    }
    match shape.regex.get_or_init(|| compile(pattern)) {
        Some(regex) => regex.is_match(text),
        None => true,
    }
}

/// Compiles a pattern; `None` (and a log line) when it has something that `regex` lacks.
fn compile(pattern: &str) -> Option<Regex> {
    let anchored = format!("\\A(?:{})\\z", translate(pattern));
    match RegexBuilder::new(&anchored).size_limit(SIZE_LIMIT_BYTES).build() {
        Ok(regex) => Some(regex),
        Err(error) => {
            tracing::warn!(pattern, %error, "a model's pattern cannot be checked");
            None
        }
    }
}

/// Rewrites Java's notation into `regex`'s.
fn translate(pattern: &str) -> Cow<'_, str> {
    // Pairs of surrogates first: they stand for everything beyond the basic plane.
    let plane = "\\x{10000}-\\x{10FFFF}";
    let text = pattern
        .replace("\\uD800\\uDC00-\\uDBFF\\uDFFF", plane)
        .replace("\\uD800\\uDBFF-\\uDC00\\uDFFF", plane)
        .replace("\\u10000-\\u10FFFF", plane);
    let mut out = String::with_capacity(text.len() + 16);
    let mut class_depth = 0_u32;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, class_depth > 0, &mut out),
            '[' if class_depth > 0 => out.push_str("\\["),
            '[' => {
                class_depth = 1;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                }
                if chars.peek() == Some(&']') {
                    chars.next();
                    out.push_str("\\]");
                }
            }
            ']' if class_depth > 0 => {
                class_depth = 0;
                out.push(']');
            }
            // In a class `regex` reads `&&`, `--` and `~~` as set operators; Java's models mean the signs.
            '&' | '~' if class_depth > 0 => {
                out.push('\\');
                out.push(c);
            }
            '-' if class_depth > 0 && chars.peek() == Some(&'-') => out.push_str("\\-"),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, in_class: bool, out: &mut String) {
    let Some(c) = chars.next() else {
        out.push_str("\\\\");
        return;
    };
    match c {
        'u' => {
            let digits: String = chars.by_ref().take(4).collect();
            out.push_str(&format!("\\x{{{digits}}}"));
        }
        'w' => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
        'd' => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
        's' => out.push_str(if in_class { " \\t\\n\\x0B\\f\\r" } else { "[ \\t\\n\\x0B\\f\\r]" }),
        'S' if !in_class => out.push_str("[^ \\t\\n\\x0B\\f\\r]"),
        'W' if !in_class => out.push_str("[^0-9A-Za-z_]"),
        // Java lets any sign be escaped; `regex` knows only some.
        '"' | '\'' | '@' | '=' | ':' | ',' | '%' | ';' | '!' | '<' | '>' | '`' | '/' | '_' | ' ' => {
            out.push(c)
        }
        other => {
            out.push('\\');
            out.push(other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model;

    #[test]
    fn every_pattern_of_every_model_can_be_checked() {
        let mut failed = Vec::new();
        for name in model::names() {
            for shape in &model::get(name).unwrap().shapes {
                let Some(pattern) = shape.pattern.as_deref() else { continue };
                if BY_HAND.iter().any(|(known, _)| *known == pattern) {
                    continue;
                }
                if compile(pattern).is_none() {
                    failed.push(format!("{name} {}: {pattern}", shape.name));
                }
            }
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }

    #[test]
    fn java_notation() {
        let check = |pattern: &str, text: &str| compile(pattern).unwrap().is_match(text);
        let glue = "[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]*";
        assert!(check(glue, "tab\tand 🦀 and ü"));
        assert!(!check(glue, "line\nbreak"));
        assert!(check("\\w+", "abc_1") && !check("\\w+", "ü") && !check("\\w+", "a b"));
        assert!(check("[\\w-]+", "a-b") && check("[a-z--]+", "a-") && check("[&~]+", "&&~~"));
        assert!(check("[a[]+", "a["));
    }

    #[test]
    fn by_hand() {
        let of = |pattern: &str| BY_HAND.iter().find(|(known, _)| known.contains(pattern)).unwrap().1;
        assert!(of("aws:)).*$")("sales") && !of("aws:)).*$")("a.b") && !of("aws:)).*$")("aws:x"));
        assert!(of("\\s*$).+")("x") && !of("\\s*$).+")("  "));
        let asset = of("(?![0-9_])");
        for (text, expected) in [
            ("a", true),
            ("A_1", true),
            ("_1", true),
            ("__a_", true),
            ("", false),
            ("1a", false),
            ("__", false),
            ("a-b", false),
            ("\u{fc}", false),
        ] {
            assert_eq!(asset(text), expected, "{text}");
        }
        assert!(of(".*\\S.*")("{\n}") && !of(".*\\S.*")(" \n") && !of(".*\\S.*")(""));
        let jdbc = of("jdbc:");
        assert!(jdbc("jdbc:redshift://c.abc.us-east-1.redshift.amazonaws.com:5439/dev"));
        assert!(!jdbc("jdbc:redshift://-c.redshift.amazonaws.com:5439/dev") && !jdbc("jdbc:mysql://x:1/y"));
    }
}
