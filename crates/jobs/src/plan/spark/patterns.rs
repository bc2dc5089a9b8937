//! Patterns and words of Java and Spark as those of the engine.

use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::refused;

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

/// A unit of `date_trunc` as the engine calls it.
pub(super) fn unit_of(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "year" | "yyyy" | "yy" => "year",
        "quarter" => "quarter",
        "month" | "mm" | "mon" => "month",
        "week" => "week",
        "day" | "dd" => "day",
        "hour" => "hour",
        "minute" => "minute",
        "second" => "second",
        "millisecond" => "millisecond",
        "microsecond" => "microsecond",
        _ => return None,
    })
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
    fn replacements() {
        let of = |text: &str| replacement(&ScalarValue::from(text));
        assert_eq!(of("<$1a>").unwrap(), "<${1}a>");
        assert_eq!(of("\\$1").unwrap(), "$$1");
        assert!(of("$x").is_err());
        assert!(of("$12").is_err());
    }
}
