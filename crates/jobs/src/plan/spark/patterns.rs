//! Patterns and words of Java and Spark as those of the engine.

use std::iter::Peekable;
use std::str::Chars;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions::utils::make_scalar_function;
use datafusion::logical_expr::{Expr, ScalarUDF, Volatility, create_udf};

use super::refused;

/// Names of classes that are of ASCII in Java.
const POSIX: [&str; 13] = [
    "Lower", "Upper", "ASCII", "Alpha", "Digit", "Alnum", "Punct", "Graph", "Print", "Blank", "Cntrl",
    "XDigit", "Space",
];
const LETTERS: &str =
    "yyyy, y, MM, MMM, MMMM, dd, DDD, HH, hh, mm, ss, SSS, a, E, EEEE, and text in single quotes";

/// A Java date pattern as a pattern of the engine; letters without an exact counterpart are refused.
pub(super) fn java_pattern(format: &ScalarValue) -> Result<String> {
    let Some(Some(format)) = format.try_as_str() else {
        return Err(refused("date_format needs its format as text".to_owned()));
    };
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('\'') {
            let Some((literal, after)) = quoted.split_once('\'') else {
                return Err(refused(format!("date_format {format}: a quote is not closed")));
            };
            out.push_str(&literal.replace('%', "%%"));
            rest = after;
            continue;
        }
        let run = rest.len() - rest.trim_start_matches(first).len();
        let (letters, after) = rest.split_at(run);
        out.push_str(&match letters {
            "yyyy" | "y" => "%Y".to_owned(),
            "MM" => "%m".to_owned(),
            "MMM" => "%b".to_owned(),
            "MMMM" => "%B".to_owned(),
            "dd" => "%d".to_owned(),
            "DDD" => "%j".to_owned(),
            "HH" => "%H".to_owned(),
            "hh" => "%I".to_owned(),
            "mm" => "%M".to_owned(),
            "ss" => "%S".to_owned(),
            "SSS" => "%3f".to_owned(),
            "a" => "%p".to_owned(),
            "E" | "EE" | "EEE" => "%a".to_owned(),
            "EEEE" => "%A".to_owned(),
            other if !first.is_ascii_alphabetic() => other.replace('%', "%%"),
            other => {
                let what = format!("date_format {format}: {other} is not supported; there are {LETTERS}");
                return Err(refused(what));
            }
        });
        rest = after;
    }
    Ok(out)
}

/// A regular expression of Java as one of the engine, be it a literal or not.
pub(super) fn java_regex(pattern: Expr) -> Expr {
    match pattern {
        Expr::Literal(ScalarValue::Utf8(Some(text)), metadata) => {
            Expr::Literal(ScalarValue::Utf8(Some(ascii_classes(&text))), metadata)
        }
        other => JAVA_REGEX.call(vec![other]),
    }
}

/// The class of ASCII that stands behind `\p` or `\P` as `{Alpha}`, which is taken from `letters` then.
fn posix_class(escaped: char, letters: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut ahead = letters.clone();
    ahead.next_if_eq(&'{')?;
    let name: String = ahead.by_ref().take_while(|letter| *letter != '}').collect();
    if !POSIX.contains(&name.as_str()) {
        return None;
    }
    *letters = ahead;
    let not = if escaped == 'P' { "^" } else { "" };
    Some(format!("[[:{not}{}:]]", name.to_lowercase()))
}

/// Regular expressions of Java that are known only while rows flow.
static JAVA_REGEX: LazyLock<ScalarUDF> = LazyLock::new(|| {
    let text = || DataType::Utf8;
    let regexes = |arrays: &[ArrayRef]| {
        let patterns = arrays.first().and_then(|array| array.as_string_opt::<i32>());
        let patterns = patterns.ok_or_else(|| refused("java_regex takes one text".to_owned()))?;
        let patterns: StringArray = patterns.iter().map(|pattern| pattern.map(ascii_classes)).collect();
        Ok(Arc::new(patterns) as ArrayRef)
    };
    let regexes = Arc::new(make_scalar_function(regexes, Vec::new()));
    create_udf("java_regex", vec![text()], text(), Volatility::Immutable, regexes)
});

/// A regular expression whose `\w`, `\d` and `\s` are of ASCII, as in Java, and not of Unicode.
///
/// A class in brackets stands for each: it may stand within other brackets, too, and a dash behind it is a dash there, as in
/// Java.
pub(super) fn ascii_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut depth = 0_usize;
    // Within brackets: whether the letter before may begin a range, and whether the dash of a range is before.
    let (mut begun, mut dashed) = (false, false);
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let Some(escaped) = letters.next() else {
                    out.push(letter);
                    break;
                };
                let class = match escaped {
                    'p' | 'P' => posix_class(escaped, &mut letters),
                    _ => ascii_class(escaped).map(str::to_owned),
                };
                match class {
                    Some(class) if !dashed => {
                        out.push_str(&class);
                        begun = false;
                    }
                    // To the engine a word begins or ends there.
                    _ if matches!(escaped, '<' | '>') => {
                        out.push(escaped);
                        begun = depth > 0 && !dashed;
                    }
                    // A class that ends a range stays, to be refused, as in Java.
                    _ => {
                        out.extend([letter, escaped]);
                        begun = depth > 0 && !dashed;
                    }
                }
                dashed = false;
            }
            '[' if !dashed => {
                depth += 1;
                out.push(letter);
                out.extend(letters.next_if_eq(&'^'));
                // Where a class begins, a bracket does not end it.
                let first = letters.next_if_eq(&']');
                out.extend(first);
                begun = first.is_some();
            }
            ']' => {
                depth = depth.saturating_sub(1);
                out.push(letter);
                (begun, dashed) = (false, false);
            }
            '-' => {
                out.push(letter);
                (begun, dashed) = (false, begun);
            }
            other => {
                out.push(other);
                (begun, dashed) = (depth > 0 && !dashed, false);
            }
        }
    }
    out
}

/// What Java means by a class. The blank is written by its code, because `(?x)` leaves out blanks.
fn ascii_class(letter: char) -> Option<&'static str> {
    Some(match letter {
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => r"[\x20\t\n\x0B\f\r]",
        'S' => r"[^\x20\t\n\x0B\f\r]",
        'v' => r"[\n\x0B\f\r\x{85}\x{2028}\x{2029}]",
        'V' => r"[^\n\x0B\f\r\x{85}\x{2028}\x{2029}]",
        _ => return None,
    })
}

/// The replacement text of `regexp_replace`: `$1` is a group, a backslash makes the next letter plain.
pub(super) fn replacement(text: &ScalarValue) -> Result<String> {
    let Some(Some(text)) = text.try_as_str() else {
        return Err(refused("regexp_replace needs its replacement as text".to_owned()));
    };
    let mut out = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(
                letters.next().map(|plain| if plain == '$' { "$$".to_owned() } else { plain.to_string() }),
            ),
            '$' => {
                let group = letters.next().filter(char::is_ascii_digit);
                let Some(group) = group.filter(|_| !letters.peek().is_some_and(char::is_ascii_digit)) else {
                    let what = format!("regexp_replace with {text:?} is not supported: groups are $0 to $9");
                    return Err(refused(what));
                };
                out.push_str(&format!("${{{group}}}"));
            }
            other => out.push(other),
        }
    }
    // The engine reads a backslash and a digit as a group, too.
    if out.contains('\\') {
        return Err(refused(format!("regexp_replace with {text:?} is not supported: it gives a backslash")));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_patterns() {
        let pattern = |text: &str| java_pattern(&ScalarValue::from(text));
        assert_eq!(pattern("yyyy-MM-dd").unwrap(), "%Y-%m-%d");
        assert_eq!(pattern("dd/MM/yyyy 'at' HH:mm").unwrap(), "%d/%m/%Y at %H:%M");
        assert!(pattern("YYYY").is_err());
        assert!(pattern("'x").is_err());
    }

    #[test]
    fn classes_are_of_ascii() {
        let cases = [
            (r"\w+", "[0-9A-Za-z_]+"),
            (r"^\d{3}\D", "^[0-9]{3}[^0-9]"),
            (r"[^\w]", "[^[0-9A-Za-z_]]"),
            (r"[\w-]", "[[0-9A-Za-z_]-]"),
            (r"[a-\w]", r"[a-\w]"),
            (r"[a-z-\d]", "[a-z-[0-9]]"),
            (r"[a\-\d]", r"[a\-[0-9]]"),
            (r"[]-\d]", r"[]-\d]"),
            (r"a-\d", "a-[0-9]"),
            (r"\[a-\d", r"\[a-[0-9]"),
            (r"\\w\\\d", r"\\w\\[0-9]"),
            (r"\", r"\"),
            (r"\<p\>", "<p>"),
            (r"[\<-\>]", "[<->]"),
            (r"\p{Alpha}[\P{Upper}x]", "[[:alpha:]][[[:^upper:]]x]"),
            (r"\p{Lu}\pL\p{Al", r"\p{Lu}\pL\p{Al"),
        ];
        for (pattern, expected) in cases {
            assert_eq!(ascii_classes(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn classes_match_as_in_java() {
        let cases = [
            (r"[^\w]", "a_9", false),
            (r"[^\w]", "\u{e9}", true),
            (r"\W", "\u{e9}", true),
            (r"\d", "\u{663}", false),
            (r"[\w-z]", "-", true),
            (r"[\w.-]", "-", true),
            (r"[^\W\d]", "1", false),
            (r"[^\W\d]", "x", true),
            (r"[\w&&[^\d]]", "1", false),
            (r"[\w&&[^\d]]", "x", true),
            (r"\s", "\u{a0}", false),
            (r"(?x) a \s", "a ", true),
            (r"[\S]", "\u{b}", false),
            (r"\<b\>", "<b>", true),
            (r"^\p{Alpha}$", "\u{c0}", false),
            (r"^[\p{Punct}]$", "+", true),
            (r"\P{Space}", "\u{a0}", true),
            (r"\v", "\n", true),
            (r"[\V]", "\u{2028}", false),
        ];
        for (pattern, text, expected) in cases {
            let found = regex::Regex::new(&ascii_classes(pattern)).unwrap();
            assert_eq!(found.is_match(text), expected, "{pattern} in {text:?}");
        }
        assert!(regex::Regex::new(&ascii_classes(r"[+-\w]")).is_err());
    }

    #[test]
    fn replacements() {
        let of = |text: &str| replacement(&ScalarValue::from(text));
        assert_eq!(of("<$1a>").unwrap(), "<${1}a>");
        assert_eq!(of("\\$1").unwrap(), "$$1");
        assert!(of("$x").is_err());
        assert!(of("$12").is_err());
    }
}
