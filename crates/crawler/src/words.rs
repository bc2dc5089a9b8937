//! Phrases that several messages have.

/// The names, or the first `most` of more.
pub(crate) fn named_some(names: &[String], most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names[..names.len().min(most)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_counted() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(named_some(&names, 3), "a, b, c");
        assert_eq!(named_some(&names, 1), "a and 2 more");
        assert_eq!(named_some(&[], 1), "");
    }
}
