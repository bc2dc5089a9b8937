//! What is kept of what a statement prints: the beginning and the end, when it is much.

/// Of each of the two.
const KEPT_BYTES: usize = 100_000;

/// Text that grows and stays small.
#[derive(Debug, Default)]
pub(super) struct Text {
    head: String,
    tail: String,
    left_out: usize,
}

impl Text {
    /// Adds to its end.
    pub(super) fn push(&mut self, text: &str) {
        let mut rest = text;
        if self.tail.is_empty() && self.left_out == 0 {
            let (fits, beyond) = text.split_at(boundary(text, KEPT_BYTES - self.head.len()));
            self.head.push_str(fits);
            rest = beyond;
        }
        self.tail.push_str(rest);
        if self.tail.len() > 2 * KEPT_BYTES {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let from = self.tail.len().saturating_sub(KEPT_BYTES);
        let from = (from..self.tail.len()).find(|at| self.tail.is_char_boundary(*at)).unwrap_or(from);
        self.left_out += from;
        self.tail.drain(..from);
    }

    /// The text without blanks at its end, as notebooks show it; `log` says where all of it is.
    pub(super) fn whole(mut self, log: &str) -> String {
        if self.left_out > 0 || self.tail.len() > KEPT_BYTES {
            self.cut();
        }
        let mut whole = self.head;
        if self.left_out > 0 {
            whole.push_str(&format!(
                "\n… {} bytes are left out here; all of it is in {log} …\n",
                self.left_out
            ));
        }
        whole.push_str(&self.tail);
        whole.truncate(whole.trim_end().len());
        whole
    }
}

/// The last place up to `end` that is not inside a character.
fn boundary(text: &str, end: usize) -> usize {
    if text.len() <= end {
        return text.len();
    }
    (0..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_kept_as_it_is() {
        let mut text = Text::default();
        for piece in ["a\n", "", "  é\n", "\n \n"] {
            text.push(piece);
        }
        assert_eq!(text.whole("the log"), "a\n  é");
        assert_eq!(Text::default().whole("x"), "");
    }

    #[test]
    fn of_much_the_beginning_and_the_end_are_kept() {
        let mut text = Text::default();
        text.push("first\n");
        let mut all = 6;
        for at in 0..200_000 {
            let line = format!("é {at}\n");
            all += line.len();
            text.push(&line);
            assert!(text.tail.len() <= 2 * KEPT_BYTES && text.head.len() <= KEPT_BYTES);
        }
        let whole = text.whole("group g, stream s");
        assert!(whole.starts_with("first\né 0\n") && whole.ends_with("é 199999"), "{}", whole.len());
        let (_, rest) = whole.split_once("\n… ").unwrap();
        let (left_out, rest) =
            rest.split_once(" bytes are left out here; all of it is in group g, stream s …\n").unwrap();
        let kept = whole.split_once("\n… ").unwrap().0.len() + rest.len() + 1;
        assert_eq!(left_out.parse::<usize>().unwrap() + kept, all);
    }

    #[test]
    fn one_text_that_is_too_long_is_cut_too() {
        let mut text = Text::default();
        text.push(&"é".repeat(5_000_000));
        let whole = text.whole("x");
        assert!(whole.len() < 2 * KEPT_BYTES + 200 && whole.contains(" bytes are left out "));
    }
}
