//! Delimited text of which some things are known, as a custom classifier says them.

use super::candidate::{
    Candidate, DELIMITERS, MIN_CONSISTENCY, best_of, each_record, measure, measure_padded,
};
use super::columns::{Columns, has_header, inexact_problems, study};
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
    let mut fields = typed(sample, complete, &best, header, hints);
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
    problems.extend(inexact_problems(input.name(), &columns, &fields));
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

/// The columns' types: the narrowest of those looked for that all values have.
fn typed(
    sample: &[u8],
    complete: bool,
    best: &Candidate,
    header: bool,
    hints: &CsvHints,
) -> Vec<InferredField> {
    let mut types = hints.types.clone();
    types.sort_unstable();
    types.dedup();
    let mut left: Vec<Vec<Detected>> = vec![types; best.width];
    let (mut seen, mut empty) = (vec![false; best.width], vec![false; best.width]);
    let dialect = Dialect::new(&best.options);
    let (mut scratch, mut at_header) = (Vec::new(), header);
    each_record(sample, complete, &best.options, |window, fields| {
        let Some(fields) = fields else { return };
        if std::mem::take(&mut at_header) {
            return;
        }
        for at in 0..best.width {
            let value = fields.get(at).map(|f| f.decode(window, &dialect, &mut scratch)).unwrap_or_default();
            if value.trim_ascii().is_empty() {
                empty[at] = true;
                continue;
            }
            seen[at] = true;
            let spaced = hints.keep_space && value.trim_ascii().len() < value.len();
            left[at].retain(|ty| !spaced && ty.fits(value));
        }
    });
    let field = |at: usize| InferredField {
        name: String::new(),
        ty: left[at].first().filter(|_| seen[at]).map_or(HiveType::String, |ty| ty.ty()),
        nullable: empty[at],
        seen: Seen::of_any(seen[at]),
    };
    (0..best.width).map(field).collect()
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
            Self::Decimal => number() && value::decimal(text, 38, 18).is_some(),
            // A date's reader passes over a time: where there is one, it is no column of dates.
            Self::Date => !text.trim_ascii().contains(&b' ') && value::date(text).is_some(),
            Self::Timestamp => value::timestamp(text).is_some(),
            Self::Binary => false,
            Self::String => true,
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
            Self::Decimal => HiveType::Decimal(38, 18),
            Self::Date => HiveType::Date,
            Self::Timestamp => HiveType::Timestamp,
            Self::Binary => HiveType::Binary,
            Self::String => HiveType::String,
        }
    }
}
