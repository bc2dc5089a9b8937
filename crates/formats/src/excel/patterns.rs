//! What a number is shown as: a number, a moment or a duration, by the pattern that its cell is formatted with.
//!
//! Sources: ECMA-376 part 1, 18.8.30 (number formats that are built in) and 18.8.31 (the letters of patterns).

use std::collections::HashMap;

use calamine::{ExcelDateTime, ExcelDateTimeType};

use super::cell::{Cell, moment, number};

/// What a pattern makes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    Number,
    Moment,
    Duration,
}

impl Pattern {
    /// Of a pattern as it is written, such as `yyyy-mm-dd` or `[h]:mm`: the first sign of a time decides. Only the part for
    /// positive numbers counts, and neither what is quoted or escaped nor colours and conditions do.
    pub(super) fn of_code(code: &str) -> Self {
        let mut letters = code.chars();
        while let Some(letter) = letters.next() {
            match letter {
                ';' => break,
                // The next one stands for itself, is as wide as the gap, or fills the cell.
                '\\' | '_' | '*' => {
                    letters.next();
                }
                '"' => {
                    letters.find(|c| *c == '"');
                }
                '[' => {
                    let inside: String = letters.by_ref().take_while(|c| *c != ']').collect();
                    if is_elapsed(&inside) {
                        return Self::Duration;
                    }
                }
                'd' | 'D' | 'm' | 'M' | 'h' | 'H' | 'y' | 'Y' | 's' | 'S' => return Self::Moment,
                'a' | 'A' if is_half_day(letters.as_str()) => return Self::Moment,
                _ => {}
            }
        }
        Self::Number
    }

    /// Of a format that is built in.
    fn of_id(id: u16) -> Self {
        match id {
            14..=22 | 27..=36 | 45 | 47 | 50..=58 => Self::Moment,
            46 => Self::Duration,
            _ => Self::Number,
        }
    }
}

/// `h`, `mm` and the like in brackets: hours, minutes or seconds that count on.
fn is_elapsed(inside: &str) -> bool {
    let first = inside.chars().next().map(|c| c.to_ascii_lowercase());
    matches!(first, Some('h' | 'm' | 's')) && inside.chars().all(|c| Some(c.to_ascii_lowercase()) == first)
}

/// What follows the A of `AM/PM` or `A/P`.
fn is_half_day(rest: &str) -> bool {
    let starts = |with: &str| rest.get(..with.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(with));
    starts("m/p") || starts("/p")
}

/// The formats of a workbook's cells.
#[derive(Debug, Default)]
pub(super) struct Styles {
    named: HashMap<u16, Pattern>,
    of_cells: Vec<Pattern>,
    /// Whether days are counted from 1904.
    pub(super) from_1904: bool,
}

impl Styles {
    /// A pattern that the workbook defines.
    pub(super) fn define(&mut self, id: u16, code: &str) {
        self.named.insert(id, Pattern::of_code(code));
    }

    /// The next format of cells, which takes the pattern `id`. All patterns are defined before.
    pub(super) fn push(&mut self, id: u16) {
        let pattern = self.named.get(&id).copied().unwrap_or_else(|| Pattern::of_id(id));
        self.of_cells.push(pattern);
    }

    /// A number in a cell of the given format.
    pub(super) fn value(&self, format: usize, v: f64) -> Cell {
        let ty = match self.of_cells.get(format) {
            None | Some(Pattern::Number) => return number(v),
            Some(Pattern::Moment) => ExcelDateTimeType::DateTime,
            Some(Pattern::Duration) => ExcelDateTimeType::TimeDelta,
        };
        moment(&ExcelDateTime::new(v, ty, self.from_1904))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_numbers_moments_and_durations() {
        for code in [
            "General",
            "0.00",
            "#,##0 \"d\"",
            "\\d0",
            "0_m",
            "0*y",
            "[Red]0",
            "0;yyyy",
            "@",
            "[$-409]0",
            "0.0E+00",
            "0a",
        ] {
            assert_eq!(Pattern::of_code(code), Pattern::Number, "{code}");
        }
        for code in
            ["yyyy-mm-dd", "D/M/YY", "[$-409]h:mm AM/PM", "\"at\" hh:mm;@", "[Blue]mmm", "0 am/pm", "A/P"]
        {
            assert_eq!(Pattern::of_code(code), Pattern::Moment, "{code}");
        }
        for code in ["[h]:mm:ss", "[MM]:ss", "[Red][ss].00", "[>=1][h]"] {
            assert_eq!(Pattern::of_code(code), Pattern::Duration, "{code}");
        }
        for (id, pattern) in
            [(0, Pattern::Number), (14, Pattern::Moment), (46, Pattern::Duration), (49, Pattern::Number)]
        {
            assert_eq!(Pattern::of_id(id), pattern);
        }
    }
}
