//! Python's literals and names.

/// A text literal.
pub(super) fn text(value: &str) -> String {
    let mut out = String::from("\"");
    for letter in value.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Below 0x100 all of them.
            control if control.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A list of what is written already.
pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

/// A list of texts.
pub(super) fn texts<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    list(items.into_iter().map(text))
}

/// A dictionary of text keys to what is written already.
pub(super) fn dictionary<'a>(entries: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let entries = entries.into_iter().map(|(key, value)| format!("{}: {value}", text(key)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

/// `True` or `False`.
pub(super) fn flag(value: bool) -> String {
    if value { "True" } else { "False" }.to_owned()
}

/// A field's name within a path: one with dots in it stands in backticks.
pub(super) fn segment(name: &str) -> String {
    if name.contains('.') { format!("`{name}`") } else { name.to_owned() }
}

/// A text as an identifier: what cannot be in one becomes `_`. It never is a word of the language: there is an `_` in
/// front of one that begins with a digit, and the caller joins two parts by `_`.
pub(super) fn identifier(wanted: &str) -> String {
    let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name: String = wanted.chars().map(safe).collect();
    match name.starts_with(|letter: char| letter.is_ascii_digit()) {
        true => format!("_{name}"),
        false => name,
    }
}
