//! `date_format` and `date_parse`, whose formats are MySQL's. Source: Trino documentation, Date and time functions,
//! MySQL date functions.
//!
//! Parsing takes what Joda's formatter takes that Trino builds of the format: as many digits as the field may have,
//! fewer are fine, names and literal text in any case, and the whole text. What is not given is 1970-01-01 00:00:00.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray, TimestampMillisecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMillisecondType};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use engine::EngineError;

use super::{MILLIS, on_arrays};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A part of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(char),
    Field(char),
}

/// The parts of a format; `%T` and `%r` are what they stand for.
/// Errors: what Trino does not support.
fn parts(format: &str) -> Result<Vec<Part>, String> {
    let mut out = Vec::new();
    let mut characters = format.chars();
    while let Some(c) = characters.next() {
        if c != '%' {
            out.push(Part::Literal(c));
            continue;
        }
        match characters.next() {
            Some('T') => out.extend(parts("%H:%i:%s")?),
            Some('r') => out.extend(parts("%h:%i:%s %p")?),
            Some(field) if "abcdefHhIijklMmpSsvWxYy".contains(field) => out.push(Part::Field(field)),
            Some(field) if "DUuVwX".contains(field) => {
                return Err(format!("%{field} not supported in date format string"));
            }
            Some(literal) => out.push(Part::Literal(literal)),
            None => return Err("Invalid format: a single % at its end".to_owned()),
        }
    }
    Ok(out)
}

/// Why `date_parse` does not take a format, if it does not: fields that contradict each other, or name a week or a day
/// of the week, are resolved in ways of Joda's own.
pub(crate) fn unparsable(format: &str) -> Option<String> {
    let parts = match parts(format) {
        Ok(parts) => parts,
        Err(what) => return Some(what),
    };
    let mut kinds: Vec<&str> = Vec::new();
    for part in &parts {
        let Part::Field(field) = part else { continue };
        let kind = match field {
            'Y' | 'y' => "year",
            'm' | 'c' | 'M' | 'b' => "month",
            'd' | 'e' => "day",
            'H' | 'k' => "hour",
            'h' | 'I' | 'l' => "clock hour",
            'p' => "half of the day",
            'i' => "minute",
            's' | 'S' => "second",
            'f' => "fraction",
            _ => return Some(format!("%{field} in date_parse")),
        };
        if kinds.contains(&kind) {
            return Some(format!("a second {kind} in the format of date_parse"));
        }
        kinds.push(kind);
    }
    let has = |kind| kinds.contains(&kind);
    (has("hour") && (has("half of the day") || has("clock hour")))
        .then(|| "two kinds of hours in the format of date_parse".to_owned())
}

fn short(names: &[&'static str], index: u32) -> &'static str {
    names.get(index as usize).and_then(|name| name.get(..3)).unwrap_or_default()
}

fn write(parts: &[Part], at: NaiveDateTime) -> String {
    let mut out = String::new();
    let name = |names: &[&'static str], index: u32| names.get(index as usize).copied().unwrap_or_default();
    let clock = at.hour12().1;
    let weekday = at.weekday().num_days_from_monday();
    for part in parts {
        let field = match part {
            Part::Literal(c) => {
                out.push(*c);
                continue;
            }
            Part::Field(field) => *field,
        };
        // Writing to a string does not fail.
        let _ = match field {
            'a' => write!(out, "{}", short(&DAYS, weekday)),
            'b' => write!(out, "{}", short(&MONTHS, at.month0())),
            'c' => write!(out, "{}", at.month()),
            'd' => write!(out, "{:02}", at.day()),
            'e' => write!(out, "{}", at.day()),
            'f' => write!(out, "{:06}", at.and_utc().timestamp_subsec_micros()),
            'H' => write!(out, "{:02}", at.hour()),
            'h' | 'I' => write!(out, "{clock:02}"),
            'i' => write!(out, "{:02}", at.minute()),
            'j' => write!(out, "{:03}", at.ordinal()),
            'k' => write!(out, "{}", at.hour()),
            'l' => write!(out, "{clock}"),
            'M' => write!(out, "{}", name(&MONTHS, at.month0())),
            'm' => write!(out, "{:02}", at.month()),
            'p' => write!(out, "{}", if at.hour() < 12 { "AM" } else { "PM" }),
            'S' | 's' => write!(out, "{:02}", at.second()),
            'v' => write!(out, "{:02}", at.iso_week().week()),
            'W' => write!(out, "{}", name(&DAYS, weekday)),
            'x' => write!(out, "{:04}", at.iso_week().year()),
            'y' => write!(out, "{:02}", at.year().rem_euclid(100)),
            _ => write!(out, "{:04}", at.year()),
        };
    }
    out
}

/// What was read of a text so far.
struct Read<'t> {
    rest: &'t str,
    year: i32,
    month: u32,
    day: u32,
    hour: u32,
    clock: Option<u32>,
    afternoon: bool,
    minute: u32,
    second: u32,
    millis: u32,
}

impl<'t> Read<'t> {
    fn new(text: &'t str) -> Self {
        let (minute, second, millis) = (0, 0, 0);
        Self {
            rest: text,
            year: 1970,
            month: 1,
            day: 1,
            hour: 0,
            clock: None,
            afternoon: false,
            minute,
            second,
            millis,
        }
    }

    fn digits(&mut self, most: usize) -> Option<&'t str> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        (count > 0).then_some(digits)
    }

    fn number(&mut self, most: usize) -> Option<u32> {
        self.digits(most)?.parse().ok()
    }

    /// The index of the name that the text goes on with, the longest one.
    fn name(&mut self, names: &[&str]) -> Option<u32> {
        let begins =
            |name: &str| self.rest.get(..name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name));
        let of = |(index, name): (usize, &&'_ str)| {
            let short = name.get(..3).unwrap_or(name);
            let length = [*name, short].into_iter().find(|form| begins(form)).map(str::len)?;
            Some((index as u32, length))
        };
        let (index, length) = names.iter().enumerate().find_map(of)?;
        self.rest = self.rest.get(length..)?;
        Some(index)
    }

    fn literal(&mut self, c: char) -> Option<()> {
        let own = self.rest.chars().next()?;
        let alike = own == c || own.to_lowercase().eq(c.to_lowercase());
        self.rest = self.rest.get(own.len_utf8()..)?;
        alike.then_some(())
    }

    fn field(&mut self, field: char) -> Option<()> {
        match field {
            'Y' => self.year = i32::try_from(self.number(4)?).ok()?,
            // Two digits are within fifty years of 2020.
            'y' => {
                let two = self.digits(2).filter(|digits| digits.len() == 2)?;
                let two: i32 = two.parse().ok()?;
                self.year = if two < 70 { 2000 + two } else { 1900 + two };
            }
            'm' | 'c' => self.month = self.number(2)?,
            'M' | 'b' => self.month = self.name(&MONTHS)? + 1,
            'd' | 'e' => self.day = self.number(2)?,
            'H' | 'k' => self.hour = self.number(2)?,
            'h' | 'I' | 'l' => self.clock = Some(self.number(2).filter(|hour| (1..=12).contains(hour))?),
            'p' => self.afternoon = self.name(&["AM", "PM"])? == 1,
            'i' => self.minute = self.number(2)?,
            's' | 'S' => self.second = self.number(2).filter(|second| *second < 60)?,
            'f' => {
                let digits = self.digits(9)?;
                self.millis = format!("{digits:0<3}").get(..3)?.parse().ok()?;
            }
            _ => return None,
        }
        Some(())
    }

    fn end(self) -> Option<i64> {
        if !self.rest.is_empty() {
            return None;
        }
        let clock = self.clock.map(|hour| hour % 12);
        let hour = clock.unwrap_or(self.hour) + if self.afternoon { 12 } else { 0 };
        let date = NaiveDate::from_ymd_opt(self.year, self.month, self.day)?;
        Some(
            date.and_hms_milli_opt(hour, self.minute, self.second, self.millis)?.and_utc().timestamp_millis(),
        )
    }
}

fn read(parts: &[Part], text: &str) -> Option<i64> {
    let mut read = Read::new(text);
    for part in parts {
        match part {
            Part::Literal(c) => read.literal(*c)?,
            Part::Field(field) => read.field(*field)?,
        }
    }
    read.end()
}

fn invalid(what: String) -> datafusion::common::DataFusionError {
    EngineError::InvalidArgument { what }.into_datafusion()
}

/// `date_format(timestamp, format)`, or `date_parse(text, format)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct MysqlDates {
    parses: bool,
    signature: Signature,
}

impl MysqlDates {
    pub(crate) fn format() -> Self {
        Self { parses: false, signature: Signature::user_defined(Volatility::Immutable) }
    }

    pub(crate) fn parse() -> Self {
        Self { parses: true, ..Self::format() }
    }
}

impl ScalarUDFImpl for MysqlDates {
    fn name(&self) -> &str {
        if self.parses { "date_parse" } else { "date_format" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(if self.parses { MILLIS } else { DataType::Utf8 })
    }

    fn coerce_types(&self, _arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![if self.parses { DataType::Utf8 } else { MILLIS }, DataType::Utf8])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let formats = cast(&arrays[1], &DataType::Utf8)?;
            let formats = formats.as_string::<i32>();
            if self.parses {
                let texts = cast(&arrays[0], &DataType::Utf8)?;
                let rows = texts.as_string::<i32>().iter().zip(formats).map(|row| {
                    let (Some(text), Some(format)) = row else { return Ok(None) };
                    let found = read(&parts(format).map_err(invalid)?, text);
                    found
                        .map(Some)
                        .ok_or_else(|| invalid(format!("Invalid format: \"{text}\" is not as {format}")))
                });
                let rows = rows.collect::<Result<Vec<_>>>()?;
                return Ok(Arc::new(rows.into_iter().collect::<TimestampMillisecondArray>()) as ArrayRef);
            }
            let moments = arrays[0].as_primitive::<TimestampMillisecondType>();
            let rows = moments.iter().zip(formats).map(|row| {
                let (Some(ms), Some(format)) = row else { return Ok(None) };
                let moment = DateTime::from_timestamp_millis(ms);
                let moment = moment.ok_or_else(|| invalid(format!("{ms} ms is no timestamp")))?;
                if !(0..=9999).contains(&moment.year()) {
                    return Err(invalid("date_format takes years 0 to 9999".to_owned()));
                }
                Ok(Some(write(&parts(format).map_err(invalid)?, moment.naive_utc())))
            });
            Ok(Arc::new(rows.collect::<Result<Vec<_>>>()?.into_iter().collect::<StringArray>()) as ArrayRef)
        })
    }
}
