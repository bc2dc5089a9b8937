//! The types of partition keys that a table has already.
//!
//! Folders say nothing about types: a new table's keys are `string`. A table that a job or a person made may have others,
//! which queries rely on; they stay as long as every value is one of the type.

use catalog::expression::DEFAULT_PARTITION;
use catalog::{Column, TableInput};
use formats::hive::HiveType;

use crate::plan::Part;

/// Gives the input's keys the definitions of `old`, when those are the same names in the same order. Returns remarks on
/// types that cannot stay.
pub(super) fn keep_types(input: &mut TableInput, old: &[Column], parts: &[Part]) -> Vec<String> {
    let mut notes = Vec::new();
    let Some(keys) = input.partition_keys.as_mut() else { return notes };
    let same = keys.len() == old.len()
        && keys.iter().zip(old).all(|(key, known)| key.name.eq_ignore_ascii_case(&known.name));
    if !same {
        return notes;
    }
    for (at, (key, known)) in keys.iter_mut().zip(old).enumerate() {
        let hive = known.hive_type().parse::<HiveType>().ok();
        let mut values = parts.iter().filter_map(|part| part.values.get(at));
        let odd = values.find(|value| !hive.as_ref().is_some_and(|hive| fits(value, hive)));
        match odd {
            None => key.clone_from(known),
            Some(value) => {
                key.name.clone_from(&known.name);
                notes.push(format!(
                    "partition key {} has the type {}, which its value {value:?} does not fit: it needs the type string",
                    known.name,
                    known.hive_type()
                ));
            }
        }
    }
    notes
}

/// Whether readers can take the text for a value of the type.
fn fits(value: &str, hive: &HiveType) -> bool {
    // Hive's NULL is a value of every type.
    if value == DEFAULT_PARTITION {
        return true;
    }
    let number = !value.starts_with('+');
    match hive {
        HiveType::String => true,
        HiveType::Char(most) | HiveType::Varchar(most) => {
            u32::try_from(value.chars().count()).is_ok_and(|count| count <= *most)
        }
        HiveType::TinyInt => number && value.parse::<i8>().is_ok(),
        HiveType::SmallInt => number && value.parse::<i16>().is_ok(),
        HiveType::Int => number && value.parse::<i32>().is_ok(),
        HiveType::BigInt => number && value.parse::<i64>().is_ok(),
        HiveType::Float => number && value.parse::<f32>().is_ok(),
        HiveType::Double => number && value.parse::<f64>().is_ok(),
        HiveType::Decimal(precision, scale) => is_decimal(value, *precision, *scale),
        HiveType::Boolean => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
        HiveType::Date => is_date(value),
        HiveType::Timestamp => {
            value.split_once(' ').is_some_and(|(date, time)| is_date(date) && is_time(time))
        }
        HiveType::Binary
        | HiveType::TimestampTz
        | HiveType::Array(_)
        | HiveType::Map(..)
        | HiveType::Struct(_)
        | HiveType::Union(_) => false,
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_decimal(value: &str, precision: u8, scale: u8) -> bool {
    let value = value.strip_prefix('-').unwrap_or(value);
    let (whole, fraction) = match value.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
        Some(_) => return false,
        None => (value, ""),
    };
    let places = usize::from(precision.saturating_sub(scale));
    is_digits(whole) && whole.trim_start_matches('0').len() <= places && fraction.len() <= usize::from(scale)
}

/// A number of two digits up to `most`.
fn is_part(text: &str, least: u32, most: u32) -> bool {
    text.len() == 2 && is_digits(text) && text.parse().is_ok_and(|n: u32| (least..=most).contains(&n))
}

/// `2024-02-29`
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    if year.len() != 4 || !is_digits(year) || !is_part(month, 1, 12) {
        return false;
    }
    let leap = year
        .parse()
        .is_ok_and(|y: u32| (y.is_multiple_of(4) && !y.is_multiple_of(100)) || y.is_multiple_of(400));
    let days = match month {
        "02" if leap => 29,
        "02" => 28,
        "04" | "06" | "09" | "11" => 30,
        _ => 31,
    };
    is_part(day, 1, days)
}

/// `23:59:59`, with a fraction or without.
fn is_time(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let (Some(hour), Some(minute), Some(second), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let clock_fits = is_part(hour, 0, 23) && is_part(minute, 0, 59) && is_part(second, 0, 59);
    clock_fits && is_digits(fraction) && fraction.len() <= 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_types() {
        for (hive, good, bad) in [
            (
                "bigint",
                vec!["3", "-7", "07", DEFAULT_PARTITION],
                vec!["x", "", "+1", "1.0", "9223372036854775808"],
            ),
            ("int", vec!["2147483647"], vec!["2147483648"]),
            ("tinyint", vec!["-128"], vec!["128"]),
            ("double", vec!["1.5", "1e3"], vec!["one"]),
            ("decimal(5,2)", vec!["123.45", "-0.5", "0123"], vec!["1234", "1.234", "1.", "-", ".5"]),
            ("boolean", vec!["true", "FALSE"], vec!["yes", "1"]),
            (
                "date",
                vec!["2024-02-29", "1999-12-31"],
                vec!["2023-02-29", "2024-1-1", "2024-13-01", "20240101"],
            ),
            (
                "timestamp",
                vec!["2024-01-01 00:00:00", "2024-01-01 23:59:59.500"],
                vec!["2024-01-01", "2024-01-01 24:00:00"],
            ),
            ("varchar(2)", vec!["ab"], vec!["abc"]),
            ("string", vec!["", "anything"], vec![]),
            ("binary", vec![DEFAULT_PARTITION], vec!["a"]),
        ] {
            let ty: HiveType = hive.parse().unwrap();
            for value in good {
                assert!(fits(value, &ty), "{value:?} is a {hive}");
            }
            for value in bad {
                assert!(!fits(value, &ty), "{value:?} is no {hive}");
            }
        }
    }
}
