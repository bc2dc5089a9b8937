//! Delimited text of which some things are known, as a custom classifier says them.

use super::candidate::{
    Candidate, DELIMITERS, MIN_CONSISTENCY, best_of, each_record, measure, measure_padded,
};
use super::columns::{Columns, has_header, inexact_problems, study};
use super::digits;
use super::{dialect, ragged_problem};
use crate::builder::value;
use crate::compression::Compression;
use crate::csv::names::number_repeats;
use crate::csv::scan::Dialect;
use crate::error::{FormatError, Problem};
use crate::hive::HiveType;
use crate::infer::{InferOptions, Inferred, InferredField, Seen};
use crate::input::Input;
use crate::options::{CsvOptions, Format};

/// Whether files begin with a line of names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Header {
    /// To be found out.
    #[default]
    Unknown,
    /// Always.
    Present,
    /// Never.
    Absent,
}

/// The types that a column can be found to have, the narrower ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detected {
    /// `true` and `false`.
    Boolean,
    /// 16 bits.
    Short,
    /// 32 bits.
    Int,
    /// 64 bits.
    Long,
    /// `float`
    Float,
    /// `double`
    Double,
    /// `decimal(38,18)`
    Decimal,
    /// `yyyy-MM-dd`
    Date,
    /// `yyyy-MM-dd HH:mm:ss`
    Timestamp,
    /// Never found by looking: a column is text before it is bytes.
    Binary,
    /// Anything.
    String,
}

/// Digits of the decimals that are found, and how many of them are behind the point.
const DECIMAL: (u8, u8) = (38, 18);

/// What is known of a file of delimited text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvHints {
    /// The separator; one of the usual ones when absent.
    pub delimiter: Option<u8>,
    /// The quote; `"` when absent.
    pub quote: Option<u8>,
    /// Whether there is a header.
    pub header: Header,
    /// Names of the columns; a header in the file is then passed over.
    pub names: Vec<String>,
    /// Whether white space around a value keeps it from being a number.
    pub keep_space: bool,
    /// Whether one column is enough.
    pub single_column: bool,
    /// The types to look for besides `string`.
    pub types: Vec<Detected>,
    /// Whether the table is read with quotes (OpenCSVSerde) or without (LazySimpleSerDe); as the file is when absent.
    pub quoted: Option<bool>,
}

impl Default for CsvHints {
    fn default() -> Self {
        Self {
            delimiter: None,
            quote: None,
            header: Header::Unknown,
            names: Vec::new(),
            keep_space: true,
            single_column: false,
            types: vec![Detected::Boolean, Detected::Long, Detected::Double],
            quoted: None,
        }
    }
}

/// Infers with `hints`. Errors: `Unrecognised` when the text does not fit them, `HeaderWidth` when all but the header's names does.
pub(crate) fn infer(
    input: &Input,
    compression: Compression,
    hints: &CsvHints,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    let (sample, complete) = (input.pending(), input.at_eof());
    let refused = |reason: String| FormatError::new(input.name(), Problem::Unrecognised { reason });
    let given = hints.delimiter.map(|d| vec![d]);
    let tried = given.unwrap_or_else(|| DELIMITERS.to_vec()).into_iter().map(|delimiter| {
        let base = CsvOptions::open_csv(Vec::new());
        let quote = Some(hints.quote.unwrap_or(b'"'));
        measure_padded(sample, complete, CsvOptions { delimiter, quote, escape: None, ..base })
    });
    let Some(mut best) = best_of(tried.filter(|c| c.records > 0)) else {
        return Err(refused("it holds no whole record".to_owned()));
    };
    if let Some(at) = best.unclosed {
        let mut error = FormatError::new(input.name(), Problem::UnterminatedQuote);
        let before = memchr::memchr_iter(b'\n', &sample[..at]).count();
        error.place.line = Some(before as u64 + 1);
        return Err(error);
    }
    check(&best, hints).map_err(refused)?;
    if !hints.names.is_empty() && hints.names.len() != best.width {
        let problem = Problem::HeaderWidth { expected: hints.names.len(), found: best.width };
        return Err(FormatError::new(input.name(), problem));
    }
    if let Some(quoted) = hints.quoted {
        best.quoted = quoted;
        best.options.quote = best.options.quote.filter(|_| quoted);
        best.options.multiline = quoted;
        best = measure(sample, complete, best.options);
        best.quoted = quoted;
    }
    let (columns, end) = study(sample, complete, &best);
    let header = begins_with_header(&columns, &best, hints);
    if best.records <= usize::from(header) {
        let found = format!("a header of {} names, and no data", best.width);
        return Err(FormatError::new(input.name(), Problem::NoRecords { found }));
    }
    let (mut fields, rounded) = typed(input, &best, header, hints);
    for (at, field) in fields.iter_mut().enumerate() {
        if field.ty == HiveType::BigInt && columns.inexact.get(at).is_some_and(Option::is_some) {
            field.seen = Seen::Wide;
        }
        let own = hints.names.get(at).or_else(|| columns.first.get(at).filter(|_| header));
        let name = own.map(|n| n.trim()).filter(|n| !n.is_empty());
        field.name = name.map_or_else(|| format!("col{at}"), |n| options.spelling(n));
    }
    number_repeats(fields.iter_mut().map(|f| &mut f.name), str::to_owned);
    let names = fields.iter().map(|f| f.name.clone()).collect();
    let mut problems = ragged_problem(input, best.width, columns.ragged);
    let inexact = inexact_problems(input.name(), &columns, &fields);
    for (field, error) in fields.iter().zip(rounded) {
        let known = inexact.iter().any(|known| known.place.column.as_ref() == Some(&field.name));
        if let (Some(mut error), false) = (error, known) {
            error.place.column = Some(field.name.clone());
            problems.push(error);
        }
    }
    problems.extend(inexact);
    let mut found = dialect(&best, names, columns.lead + u64::from(header));
    if best.quoted {
        found.quote = best.options.quote.or(hints.quote).or(found.quote);
    }
    Ok(Inferred {
        format: Format::Csv(found),
        compression,
        fields,
        records: (best.records - usize::from(header)) as u64,
        record_bytes: end as u64,
        complete: complete && end == sample.len(),
        titled: None,
        quoted: best.quoted,
        backslashes: !best.quoted && sample.contains(&b'\\'),
        unseen: 0,
        certainty: best.consistency,
        problems,
    })
}

fn begins_with_header(columns: &Columns, best: &Candidate, hints: &CsvHints) -> bool {
    let first = &columns.first;
    let named_alike = !hints.names.is_empty()
        && first.len() == hints.names.len()
        && first.iter().zip(&hints.names).all(|(a, b)| a.eq_ignore_ascii_case(b.trim()));
    match hints.header {
        Header::Present => true,
        Header::Absent => false,
        Header::Unknown => named_alike || (best.records > 1 && has_header(columns, best.width)),
    }
}

/// Whether the text fits the hints.
fn check(best: &Candidate, hints: &CsvHints) -> Result<(), String> {
    if best.width < 2 && !hints.single_column {
        return Err("the separator does not divide its lines into columns".to_owned());
    }
    if best.consistency < MIN_CONSISTENCY {
        return Err(format!(
            "only {:.0} % of its rows have the same number of fields",
            best.consistency * 100.0
        ));
    }
    Ok(())
}

/// What is left of the types that a column could have.
#[derive(Clone)]
struct Tried {
    left: Vec<Detected>,
    /// Those of them that round a value, and the line of the first one.
    rounding: Vec<(Detected, u64)>,
    seen: bool,
    empty: bool,
}

impl Tried {
    /// Takes a value; `line` is asked for where a type rounds it.
    fn take(&mut self, value: &[u8], keep_space: bool, line: impl Fn() -> u64) {
        let trimmed = value.trim_ascii();
        if trimmed.is_empty() {
            self.empty = true;
            return;
        }
        self.seen = true;
        let spaced = keep_space && trimmed.len() < value.len();
        self.left.retain(|ty| !spaced && ty.fits(value));
        for ty in self.left.iter().filter(|ty| ty.rounds(value)) {
            if !self.rounding.iter().any(|(known, _)| known == ty) {
                self.rounding.push((*ty, line()));
            }
        }
    }

    /// The narrowest type that holds all values; where none does, the widest of those that round some, with the line.
    fn found(&self) -> (Option<Detected>, Option<u64>) {
        const WIDEST: [Detected; 3] = [Detected::Double, Detected::Decimal, Detected::Float];
        let rounds =
            |ty: &Detected| self.rounding.iter().find(|(known, _)| known == ty).map(|(_, line)| *line);
        let exact = self.left.iter().find(|ty| rounds(ty).is_none());
        let ty = exact.or_else(|| WIDEST.iter().find(|ty| self.left.contains(ty))).filter(|_| self.seen);
        (ty.copied(), ty.and_then(rounds))
    }
}

/// The columns' types by the values, and a remark on each column whose type rounds some.
fn typed(
    input: &Input,
    best: &Candidate,
    header: bool,
    hints: &CsvHints,
) -> (Vec<InferredField>, Vec<Option<FormatError>>) {
    let sample = input.pending();
    let mut types = hints.types.clone();
    types.sort_unstable();
    types.dedup();
    let none = Tried { left: types, rounding: Vec::new(), seen: false, empty: false };
    let mut tried = vec![none; best.width];
    let dialect = Dialect::new(&best.options);
    let (mut scratch, mut at_header) = (Vec::new(), header);
    each_record(sample, input.at_eof(), &best.options, |window, fields| {
        let Some(fields) = fields else { return };
        if std::mem::take(&mut at_header) {
            return;
        }
        let before = &sample[..sample.len() - window.len()];
        let line = || memchr::memchr_iter(b'\n', before).count() as u64 + 1;
        for (at, column) in tried.iter_mut().enumerate() {
            let value = fields.get(at).map(|f| f.decode(window, &dialect, &mut scratch)).unwrap_or_default();
            column.take(value, hints.keep_space, line);
        }
    });
    let found = |column: &Tried| {
        let (ty, line) = column.found();
        let ty = ty.map_or(HiveType::String, Detected::ty);
        let remark = line.map(|line| rounding(input.name(), &ty, line));
        let seen = Seen::of_any(column.seen);
        (InferredField { name: String::new(), ty, nullable: column.empty, seen }, remark)
    };
    tried.iter().map(found).unzip()
}

/// The remark on a column whose type rounds the value in a line.
fn rounding(source: &str, ty: &HiveType, line: u64) -> FormatError {
    let message = format!(
        "it is {ty}, and none of the types looked for holds all digits of its numbers: some are rounded"
    );
    let mut error = FormatError::new(source, Problem::Schema { message });
    error.place.line = Some(line);
    error
}

impl Detected {
    /// The type of a name that Glue uses: `BINARY`, `BOOLEAN`, `DATE`, `DECIMAL`, `DOUBLE`, `FLOAT`, `INT`, `LONG`,
    /// `SHORT`, `STRING`, `TIMESTAMP`.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_uppercase().as_str() {
            "BINARY" => Self::Binary,
            "BOOLEAN" => Self::Boolean,
            "DATE" => Self::Date,
            "DECIMAL" => Self::Decimal,
            "DOUBLE" => Self::Double,
            "FLOAT" => Self::Float,
            "INT" => Self::Int,
            "LONG" => Self::Long,
            "SHORT" => Self::Short,
            "STRING" => Self::String,
            "TIMESTAMP" => Self::Timestamp,
            _ => return None,
        })
    }

    fn fits(self, text: &[u8]) -> bool {
        let number = || {
            let text = text.trim_ascii();
            text.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'))
                && value::float(text).is_some_and(f64::is_finite)
        };
        let integer = || value::int(text);
        // Integers beyond bigint are text: a floating point number would round them.
        let digits_only = || text.trim_ascii().iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+'));
        match self {
            Self::Boolean => value::boolean(text).is_some(),
            Self::Short => integer().is_some_and(|n| i16::try_from(n).is_ok()),
            Self::Int => integer().is_some_and(|n| i32::try_from(n).is_ok()),
            Self::Long => integer().is_some(),
            Self::Float | Self::Double => number() && (integer().is_some() || !digits_only()),
            Self::Decimal => number() && value::decimal(text, DECIMAL.0, DECIMAL.1 as i8).is_some(),
            // A date's reader passes over a time: where there is one, it is no column of dates.
            Self::Date => !text.trim_ascii().contains(&b' ') && value::date(text).is_some(),
            Self::Timestamp => value::timestamp(text).is_some(),
            Self::Binary => false,
            Self::String => true,
        }
    }

    /// Whether it holds a number that fits, but not all of its digits.
    fn rounds(self, text: &[u8]) -> bool {
        let text = text.trim_ascii();
        match self {
            // Few digits come back from any.
            Self::Float if text.len() <= 6 => false,
            Self::Double if text.len() <= 15 => false,
            Self::Float => {
                value::float32(text).is_none_or(|number| digits::differ(text, &format!("{number:e}")))
            }
            Self::Double => digits::rounded_by_double(text),
            Self::Decimal => digits::behind_point(text) > i64::from(DECIMAL.1),
            _ => false,
        }
    }

    fn ty(self) -> HiveType {
        match self {
            Self::Boolean => HiveType::Boolean,
            Self::Short => HiveType::SmallInt,
            Self::Int => HiveType::Int,
            Self::Long => HiveType::BigInt,
            Self::Float => HiveType::Float,
            Self::Double => HiveType::Double,
            Self::Decimal => HiveType::Decimal(DECIMAL.0, DECIMAL.1),
            Self::Date => HiveType::Date,
            Self::Timestamp => HiveType::Timestamp,
            Self::Binary => HiveType::Binary,
            Self::String => HiveType::String,
        }
    }
}
