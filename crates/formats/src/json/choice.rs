//! Values of columns that hold several types: each goes to the column of its own type.
//!
//! A number goes to the first type that holds it, without losing a digit; what no type holds goes, as it is written, to a column of
//! text. Where there is none, a number goes to the first type that takes it at all, as in a column of that type alone, and anything else
//! does not fit.

use super::lex::{Parsed, Parser};
use super::parse::scalar;
use crate::builder::{Column, StructColumn, value};

impl Parser<'_> {
    /// Appends the value that begins with `first` to the column of its type, and NULL to the others. False, and nothing is
    /// appended, when it is of none.
    pub(super) fn choice(&mut self, inner: &mut StructColumn, first: u8, name: &str) -> Parsed<bool> {
        let len = inner.valid.len();
        let start = self.at;
        let place = match first {
            b'{' | b'[' | b'"' => inner.columns.iter().position(|column| is_for(column, first)),
            _ => None,
        };
        let fits = match place {
            Some(at) => {
                self.value(&mut inner.columns[at], name)?;
                true
            }
            None => {
                self.skip()?;
                let value = &self.bytes[start..self.at];
                let columns = &mut inner.columns;
                columns.iter_mut().any(|c| is_for(c, first) && holds(c, value) && scalar(c, value))
                    || columns.iter_mut().any(|c| self.as_written(c, start))
                    || columns.iter_mut().any(|c| is_for(c, first) && scalar(c, value))
            }
        };
        if fits {
            for column in inner.columns.iter_mut().filter(|column| column.len() == len) {
                column.append_null();
            }
            inner.valid.append(true);
        }
        Ok(fits)
    }
}

/// Whether a column is for values that begin so.
fn is_for(column: &Column, first: u8) -> bool {
    match first {
        b'{' => matches!(column, Column::Struct(_) | Column::Map(..)),
        b'[' => matches!(column, Column::List(..)),
        b'"' => matches!(column, Column::Text(_)),
        b't' | b'f' => matches!(column, Column::Bool(_)),
        b'-' | b'0'..=b'9' => is_number(column),
        _ => false,
    }
}

fn is_number(column: &Column) -> bool {
    use Column as C;
    matches!(column, C::Int8(_) | C::Int16(_) | C::Int32(_) | C::Int64(_))
        || matches!(column, C::Float32(_) | C::Float64(_) | C::Decimal(..))
}

/// Whether a column has a number as it is written, should it take it at all.
fn holds(column: &Column, number: &[u8]) -> bool {
    let shortest = |text: String| Digits::of(text.as_bytes()) == Digits::of(number);
    match column {
        Column::Float64(_) => {
            value::float(number).is_some_and(|n| n.is_finite() && shortest(format!("{n:e}")))
        }
        Column::Float32(_) => {
            value::float32(number).is_some_and(|n| n.is_finite() && shortest(format!("{n:e}")))
        }
        Column::Decimal(_, scale, _) => Digits::of(number).is_some_and(|n| n.fraction <= i64::from(*scale)),
        _ => true,
    }
}

/// The digits of a number without zeros at either end, and how many of them are behind the point (negative: how many zeros follow them).
#[derive(Debug, PartialEq, Eq)]
struct Digits {
    digits: Vec<u8>,
    fraction: i64,
}

impl Digits {
    /// Of a number as JSON writes them; its sign does not matter. `None`: its exponent is beyond all bounds.
    fn of(number: &[u8]) -> Option<Self> {
        let end = number.iter().position(|b| matches!(b, b'e' | b'E')).unwrap_or(number.len());
        let exponent = match number.get(end + 1..) {
            None | Some([]) => 0,
            Some(text) => value::int(text)?,
        };
        let mantissa = &number[..end];
        let behind = mantissa.iter().position(|b| *b == b'.').map_or(0, |point| mantissa.len() - point - 1);
        let all = mantissa.iter().copied().filter(u8::is_ascii_digit);
        let mut digits: Vec<u8> = all.skip_while(|digit| *digit == b'0').collect();
        let mut fraction = i64::try_from(behind).ok()?.checked_sub(exponent)?;
        while digits.last() == Some(&b'0') {
            digits.pop();
            fraction = fraction.checked_sub(1)?;
        }
        if digits.is_empty() {
            fraction = 0;
        }
        Some(Self { digits, fraction })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_shortest_is_held(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let column = Column::new(&arrow::datatypes::DataType::Float64).unwrap();
            prop_assert!(holds(&column, number.to_string().as_bytes()));
            let text = format!("{number:e}");
            prop_assert!(holds(&column, text.as_bytes()), "{}", text);
        }

        #[test]
        fn whole_numbers_are_doubles_when_their_digits_come_back(number in any::<i64>()) {
            let column = Column::new(&arrow::datatypes::DataType::Float64).unwrap();
            // Of the numbers that are the same double one has the fewest digits: it alone is as written.
            let text = number.to_string();
            prop_assert_eq!((number as f64).to_string() == text, holds(&column, text.as_bytes()));
        }
    }

    #[test]
    fn digits_are_compared_as_they_are_written() {
        let of = |text: &str| {
            Digits::of(text.as_bytes()).map(|n| (String::from_utf8(n.digits).unwrap(), n.fraction))
        };
        assert_eq!(of("-1.50"), Some(("15".to_owned(), 1)));
        assert_eq!(of("1500"), Some(("15".to_owned(), -2)));
        assert_eq!(of("0.0015e2"), Some(("15".to_owned(), 2)));
        assert_eq!(of("0.000"), Some((String::new(), 0)));
        assert_eq!(of("1e99999999999999999999"), None);
    }
}
