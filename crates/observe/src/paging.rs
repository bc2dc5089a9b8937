//! Pages of names.

/// Returns the smallest text that is greater than every text with this prefix, in byte order of UTF-8 (which
/// is the order of code points); `None` when there is none.
pub(crate) fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // U+D800..=U+DFFF are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_end_of_a_prefix() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
        assert_eq!(after_prefix(""), None);
    }

    proptest! {
        #[test]
        fn splits_what_has_the_prefix_from_what_follows(prefix in "\\PC{1,4}", text in "\\PC{0,8}") {
            let end = after_prefix(&prefix).unwrap();
            let longer = format!("{prefix}{text}");
            prop_assert!(longer < end);
            prop_assert_eq!(text.starts_with(&prefix), text >= prefix && text < end);
        }
    }
}
