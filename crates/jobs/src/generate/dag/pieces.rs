//! Pieces of Python that stand in a list: where one ends and the next begins.

/// Python's own words, which are no names.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Whether a text is a name of Python.
pub(super) fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !KEYWORDS.contains(&text)
}

/// Where a text is divided, outside of brackets and quotes.
///
/// # Errors
/// A bracket or a quote that is not closed, or not open; a line break.
fn divided(text: &str, at: char) -> Result<Vec<&str>, String> {
    let (mut open, mut quote) = (Vec::new(), None);
    let (mut from, mut escaped) = (0, false);
    let mut pieces = Vec::new();
    for (place, letter) in text.char_indices() {
        if letter == '\n' || letter == '\r' {
            return Err("it goes over several lines".to_owned());
        }
        if let Some(closing) = quote {
            if escaped {
                escaped = false;
            } else if letter == '\\' {
                escaped = true;
            } else if letter == closing {
                quote = None;
            }
            continue;
        }
        match letter {
            '"' | '\'' => quote = Some(letter),
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.pop() != Some(letter) => return Err(format!("{letter} is not open")),
            '#' => return Err("a comment begins in it".to_owned()),
            _ if letter == at && open.is_empty() => {
                pieces.push(text.get(from..place).unwrap_or_default());
                from = place + letter.len_utf8();
            }
            _ => {}
        }
    }
    match (quote, open.pop()) {
        (Some(quote), _) => Err(format!("{quote} is not closed")),
        (None, Some(closing)) => Err(format!("{closing} is missing")),
        (None, None) => {
            pieces.push(text.get(from..).unwrap_or_default());
            Ok(pieces)
        }
    }
}

/// The items of a list that was written with its brackets.
///
/// # Errors
/// What is wrong with it.
pub(super) fn items(list: &str) -> Result<Vec<&str>, String> {
    let inner = list.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let inner = inner.ok_or_else(|| format!("{list:?} is no list in [ ]"))?;
    let items = divided(inner, ',')?.into_iter().map(str::trim);
    let items: Vec<&str> = items.collect();
    match items.as_slice() {
        [""] => Ok(Vec::new()),
        _ if items.contains(&"") => Err(format!("{list:?} has an empty item")),
        _ => Ok(items),
    }
}

/// Name and value of `name = value`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn pair(item: &str) -> Result<(&str, &str), String> {
    let (name, value) = item.split_once('=').ok_or_else(|| format!("{item:?} is not name = value"))?;
    let (name, value) = (name.trim(), value.trim());
    if !is_name(name) || value.is_empty() || value.starts_with('=') {
        return Err(format!("{item:?} is not name = value"));
    }
    Ok((name, value))
}

/// Refuses what is no single piece of Python in a list, as far as brackets and quotes tell.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(value: &str) -> Result<(), String> {
    match divided(value, ',')?.as_slice() {
        [only] if !only.trim().is_empty() => Ok(()),
        [_] => Err("it is empty".to_owned()),
        _ => Err("it is several values; put them into brackets".to_owned()),
    }
}
