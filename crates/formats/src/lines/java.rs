//! Regular expressions as Java reads them, which is what RegexSerDe's are: in another syntax than that of the matcher
//! here, or with another meaning.
//!
//! `\d`, `\w`, `\s` and the POSIX classes (`\p{Alpha}`) are of ASCII, `\h` and `\v` are white space, `\Q…\E` quotes, and a
//! letter beyond ASCII is itself alone where case does not count. `\b` goes by all letters and digits, as in Java up to 18.

use std::iter::Peekable;
use std::str::Chars;

/// What is within the brackets of classes that have a letter; the capital letter is what is not.
const LETTERS: [(char, &str); 5] = [
    ('d', "0-9"),
    ('w', "a-zA-Z0-9_"),
    ('s', r" \t\n\x0B\f\r"),
    ('h', r" \t\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}"),
    ('v', r"\n\x0B\f\r\x{85}\x{2028}\x{2029}"),
];
/// The same of those that have a name.
const NAMED: [(&str, &str); 13] = [
    ("Lower", "a-z"),
    ("Upper", "A-Z"),
    ("ASCII", r"\x00-\x7F"),
    ("Alpha", "a-zA-Z"),
    ("Digit", "0-9"),
    ("Alnum", "a-zA-Z0-9"),
    ("Punct", r"!-/:-@\[-`{-~"),
    ("Graph", "!-~"),
    ("Print", " -~"),
    ("Blank", r" \t"),
    ("Cntrl", r"\x00-\x1F\x7F"),
    ("XDigit", "0-9A-Fa-f"),
    ("Space", r" \t\n\x0B\f\r"),
];

/// The expression in the words of the matcher here.
pub(super) fn translated(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut rest = expression.chars().peekable();
    let mut brackets = 0_u32;
    while let Some(next) = rest.next() {
        match next {
            '\\' => escape(&mut rest, &mut out),
            _ if brackets == 0 && !next.is_ascii() && next.is_alphabetic() => {
                out.push_str("(?-i:");
                out.push(next);
                out.push(')');
            }
            _ => {
                match next {
                    '[' => brackets += 1,
                    ']' => brackets = brackets.saturating_sub(1),
                    _ => {}
                }
                out.push(next);
            }
        }
    }
    out
}

/// What follows a backslash.
fn escape(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let Some(letter) = rest.next() else {
        out.push('\\');
        return;
    };
    if letter == 'Q' {
        quoted(rest, out);
        return;
    }
    if let Some((_, within)) = LETTERS.iter().find(|(own, _)| own.eq_ignore_ascii_case(&letter)) {
        class(within, letter.is_ascii_uppercase(), out);
        return;
    }
    if matches!(letter, 'p' | 'P') && rest.peek() == Some(&'{') {
        let name: String = rest.clone().skip(1).take_while(|c| *c != '}').collect();
        if let Some((_, within)) = NAMED.iter().find(|(own, _)| *own == name) {
            class(within, letter == 'P', out);
            rest.by_ref().take(name.len() + 2).for_each(drop);
            return;
        }
    }
    out.push('\\');
    out.push(letter);
}

fn class(within: &str, is_negated: bool, out: &mut String) {
    out.push_str(if is_negated { "[^" } else { "[" });
    out.push_str(within);
    out.push(']');
}

/// Text up to `\E`, or to the end.
fn quoted(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    while let Some(next) = rest.next() {
        if next == '\\' && rest.peek() == Some(&'E') {
            rest.next();
            return;
        }
        if next.is_ascii_punctuation() && !matches!(next, '<' | '>') {
            out.push('\\');
        }
        out.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::super::grok::Pattern;

    fn matches(expression: &str, ignore_case: bool, line: &str) -> bool {
        Pattern::regex(expression, ignore_case).unwrap().capture(line).unwrap().is_some()
    }

    #[test]
    fn classes_are_of_ascii() {
        for (class, with, without) in [
            (r"\d", "7", "٣"),
            (r"\w", "_", "é"),
            (r"\s", "\t", "\u{a0}"),
            (r"\h", "\u{a0}", "a"),
            (r"\v", "\u{2028}", "v"),
            (r"\p{Upper}", "A", "É"),
            (r"\p{Alpha}", "z", "é"),
            (r"\p{Punct}", "]", "¿"),
            (r"\p{Print}", " ", "\t"),
            (r"\p{L}", "é", "1"),
        ] {
            assert!(matches(class, false, with) && !matches(class, false, without), "{class}");
            let within = format!("[{class}#-]");
            assert!(matches(&within, false, with) && matches(&within, false, "-"), "{within}");
            assert!(!matches(&within, false, without), "{within}");
            let negated = format!("{}{}", class[..2].to_uppercase(), &class[2..]);
            for negated in [negated.clone(), format!("[{negated}]"), format!("[^{class}]")] {
                assert!(matches(&negated, false, without) && !matches(&negated, false, with), "{negated}");
            }
        }
        assert!(matches(r"[\w&&[^a]]", false, "b") && !matches(r"[\w&&[^a]]", false, "a"));
        assert!(matches(r"\\d", false, r"\d"));
    }

    #[test]
    fn quotes_and_case() {
        assert!(matches(r"\Qa.<b>[\d\E.", false, r"a.<b>[\d!"));
        assert!(!matches(r"\Qa.\E", false, "ab"));
        assert!(matches(r"\Q.", false, "."));
        assert!(matches("é+x", true, "ééX"));
        assert!(!matches("é", true, "É"));
    }
}
