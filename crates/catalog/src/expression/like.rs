//! `LIKE` patterns.

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// Exactly this character.
    Char(char),
    /// Any one character (`_`).
    One,
    /// Any text (`%`).
    Any,
}

/// A compiled pattern: `%` is any text, `_` any one character; the escape character makes either
/// (or itself) literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LikePattern(Vec<Piece>);

impl LikePattern {
    /// Compiles a pattern. Errors: what follows the escape character is not `%`, `_` or itself.
    pub(crate) fn compile(text: &str, escape: Option<char>) -> Result<LikePattern, &'static str> {
        let mut pieces = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let piece = if Some(c) == escape {
                let escaped = chars.next().filter(|next| matches!(next, '%' | '_') || Some(*next) == escape);
                Piece::Char(escaped.ok_or("'%', '_' or the escape character after the escape character")?)
            } else {
                match c {
                    '%' => Piece::Any,
                    '_' => Piece::One,
                    other => Piece::Char(other),
                }
            };
            if !(piece == Piece::Any && pieces.last() == Some(&Piece::Any)) {
                pieces.push(piece);
            }
        }
        Ok(LikePattern(pieces))
    }

    /// Whether a text matches as a whole. Takes time of at most pattern × text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        let (mut at, mut piece) = (0, 0);
        // Where to go on when the text after the last `%` does not fit.
        let mut retry: Option<(usize, usize)> = None;
        while at < chars.len() {
            match self.0.get(piece) {
                Some(Piece::Any) => {
                    retry = Some((piece + 1, at));
                    piece += 1;
                }
                Some(Piece::One) => (at, piece) = (at + 1, piece + 1),
                Some(Piece::Char(c)) if *c == chars[at] => (at, piece) = (at + 1, piece + 1),
                _ => match retry {
                    Some((resume, from)) => {
                        retry = Some((resume, from + 1));
                        (at, piece) = (from + 1, resume);
                    }
                    None => return false,
                },
            }
        }
        self.0[piece..].iter().all(|rest| *rest == Piece::Any)
    }

    /// The text that every match begins with.
    pub(crate) fn prefix(&self) -> String {
        let literal = self.0.iter().map_while(|piece| match piece {
            Piece::Char(c) => Some(*c),
            Piece::One | Piece::Any => None,
        });
        literal.collect()
    }

    /// Whether the prefix is the whole pattern, so that only that text matches.
    pub(crate) fn is_exact(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Char(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::LikePattern;

    fn matches(pattern: &str, text: &str) -> bool {
        LikePattern::compile(pattern, None).unwrap().matches(text)
    }

    #[test]
    fn matches_as_a_whole() {
        assert!(matches("2024-%", "2024-05"));
        assert!(!matches("2024", "2024-05"));
        assert!(matches("%", ""));
        assert!(matches("_%", "a"));
        assert!(!matches("_%", ""));
        assert!(matches("a%b%c", "a-b-b-c"));
        assert!(!matches("a%b%c", "a-b-b"));
        assert!(matches("%é_", "caféx"));
        assert!(matches("a.c", "a.c"));
        assert!(!matches("a.c", "abc"));
    }

    #[test]
    fn escapes_wildcards() {
        let pattern = LikePattern::compile("50!%!!%", Some('!')).unwrap();
        assert!(pattern.matches("50%!x"));
        assert!(!pattern.matches("50x!x"));
        assert!(LikePattern::compile("a!b", Some('!')).is_err());
        assert!(LikePattern::compile("a!", Some('!')).is_err());
    }

    #[test]
    fn hostile_patterns_end() {
        let pattern = "%a".repeat(200);
        assert!(!matches(&pattern, &"a".repeat(199)));
        assert!(!matches(&format!("{}b", "a%".repeat(500)), &"a".repeat(3000)));
    }
}
