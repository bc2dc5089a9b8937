//! Lines whose fields have a width each, in characters.

use crate::options::RaggedLines;

/// The widths of a dialect.
pub(crate) struct Fixed {
    widths: Vec<usize>,
    total: usize,
    trims: bool,
    ragged: RaggedLines,
}

impl Fixed {
    pub(crate) fn new(widths: &[u32], trims: bool, ragged: RaggedLines) -> Self {
        let widths: Vec<usize> = widths.iter().map(|width| *width as usize).collect();
        let total = widths.iter().fold(0, |sum: usize, width| sum.saturating_add(*width));
        Self { widths, total, trims, ragged }
    }

    pub(crate) fn columns(&self) -> usize {
        self.widths.len()
    }

    /// The length of a line that has all fields in full.
    pub(crate) fn characters(&self) -> usize {
        self.total
    }

    /// The fields of a line, `None` for those behind its end; nothing when the line is of another length than it may be.
    pub(crate) fn cut<'t>(&self, line: &'t str) -> Option<Vec<Option<&'t str>>> {
        let mut rest = line;
        let mut fields = Vec::with_capacity(self.widths.len());
        for width in &self.widths {
            if rest.is_empty() {
                fields.push(None);
                continue;
            }
            let (field, tail) = rest.split_at(end_of(rest, *width));
            fields.push(Some(if self.trims { field.trim() } else { field }));
            rest = tail;
        }
        let fits = match self.ragged {
            RaggedLines::Pad => true,
            // What is nothing but blanks is no field.
            RaggedLines::Short => rest.trim().is_empty(),
            RaggedLines::Bad => rest.is_empty() && line.chars().count() == self.total,
        };
        fits.then_some(fields)
    }
}

/// Where the first `count` characters of a text end.
fn end_of(text: &str, count: usize) -> usize {
    if text.as_bytes().get(..count).is_some_and(<[u8]>::is_ascii) {
        return count;
    }
    text.char_indices().nth(count).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_by_characters() {
        let cut = |ragged, line: &str| {
            let fields = Fixed::new(&[2, 3], true, ragged).cut(line)?;
            Some(fields.iter().map(|field| field.unwrap_or("-").to_owned()).collect::<Vec<_>>().join("|"))
        };
        for ragged in [RaggedLines::Short, RaggedLines::Bad, RaggedLines::Pad] {
            assert_eq!(cut(ragged, "a  b ").as_deref(), Some("a|b"));
            assert_eq!(cut(ragged, "äöüßé").as_deref(), Some("äö|üßé"));
        }
        for (line, short, pad) in [
            ("a", Some("a|-"), Some("a|-")),
            ("ab", Some("ab|-"), Some("ab|-")),
            ("äbc", Some("äb|c"), Some("äb|c")),
            ("ab cd  ", Some("ab|cd"), Some("ab|cd")),
            ("ab cd x", None, Some("ab|cd")),
        ] {
            assert_eq!(cut(RaggedLines::Short, line).as_deref(), short, "{line}");
            assert_eq!(cut(RaggedLines::Pad, line).as_deref(), pad, "{line}");
            assert_eq!(cut(RaggedLines::Bad, line), None, "{line}");
        }
        assert_eq!(
            Fixed::new(&[2, 2], false, RaggedLines::Bad).cut("a  b").unwrap(),
            [Some("a "), Some(" b")]
        );
    }
}
