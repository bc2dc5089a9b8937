//! Delimited text: which separator, is there a header, what are the columns.

use super::types::make_unique;
use super::{InferOptions, Inferred, InferredField};
use crate::builder::value;
use crate::compression::Compression;
use crate::csv::scan::{Dialect, Field, Scan, scan};
use crate::error::{FormatError, Problem};
use crate::hive::HiveType;
use crate::input::Input;
use crate::options::{ColumnNames, CsvOptions, Format};

/// The separators that Glue's built-in classifier tries.
const DELIMITERS: [u8; 5] = [b',', b'|', b'\t', b';', 1];
/// A share of this many records must have the usual number of fields.
const MIN_CONSISTENCY: f64 = 0.7;
/// The longest header name, from Glue's rules.
const MAX_HEADER_CHARS: usize = 150;

/// A way to read the sample, and how well it fits.
struct Candidate {
    options: CsvOptions,
    /// Share of records with `width` fields.
    consistency: f64,
    width: usize,
    records: usize,
    quoted: bool,
}

pub(super) async fn infer(
    input: &mut Input,
    compression: Compression,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    // At least two lines are needed, however long they are.
    while memchr::memchr_iter(b'\n', input.pending()).nth(1).is_none() && input.more().await? {}
    let Some(best) = best_candidate(input.pending(), input.at_eof()) else {
        let reason = "it is not JSON or Parquet, and no separator (comma, pipe, tab, semicolon, Ctrl-A) \
                      gives two or more columns and rows"
            .to_owned();
        return Err(FormatError::new(input.name(), Problem::Unrecognised { reason }));
    };
    Ok(describe(input, best, compression, options))
}

/// Infers the columns of a file in a known dialect, one column wide or more.
pub(super) fn infer_as(
    input: &mut Input,
    compression: Compression,
    known: &CsvOptions,
    options: &InferOptions,
) -> Inferred {
    let sample = input.pending();
    let (mut width, mut records, mut quoted) = (0, 0, false);
    each_record(sample, input.at_eof(), known, |_, fields| {
        let Some(fields) = fields else { return };
        width = if records == 0 { fields.len() } else { width };
        records += 1;
        quoted |= fields.iter().any(|f| f.quoted);
    });
    if let ColumnNames::Given(names) = &known.names {
        width = names.len();
    }
    let best = Candidate { options: known.clone(), consistency: 1.0, width, records, quoted };
    let (columns, end) = study(sample, input.at_eof(), &best);
    let header = known.header_lines > 0;
    let mut fields = columns_of(&columns, &best, header, options);
    if let ColumnNames::Given(names) = &known.names {
        fields.iter_mut().zip(names).for_each(|(field, name)| field.name.clone_from(name));
    }
    make_unique(&mut fields);
    Inferred {
        format: Format::Csv(known.clone()),
        compression,
        fields,
        records: records.saturating_sub(usize::from(header)) as u64,
        record_bytes: end as u64,
        complete: input.at_eof() && end == input.pending().len(),
        quoted,
        problems: ragged_problem(input, width, columns.ragged),
    }
}

fn best_candidate(sample: &[u8], complete: bool) -> Option<Candidate> {
    let mut best: Option<Candidate> = None;
    for delimiter in DELIMITERS {
        if !sample.contains(&delimiter) {
            continue;
        }
        for (quote, escape) in [(Some(b'"'), None), (Some(b'"'), Some(b'\\')), (None, None)] {
            if quote.is_some() && !sample.contains(&b'"') {
                continue;
            }
            if escape.is_some() && !sample.contains(&b'\\') {
                continue;
            }
            let base = CsvOptions::open_csv(Vec::new());
            let options = CsvOptions { delimiter, quote, escape, multiline: quote.is_some(), ..base };
            let Some(candidate) = measure(sample, complete, options) else { continue };
            let better = best.as_ref().is_none_or(|b| {
                let (new, old) = (candidate.consistency, b.consistency);
                new > old + 0.02
                    || (new > old - 0.02
                        && candidate.options.delimiter != b.options.delimiter
                        && candidate.width > b.width)
            });
            if better {
                best = Some(candidate);
            }
        }
    }
    best
}

fn measure(sample: &[u8], complete: bool, options: CsvOptions) -> Option<Candidate> {
    let mut widths: Vec<usize> = Vec::new();
    let mut quoted = false;
    let mut broken = false;
    each_record(sample, complete, &options, |_, fields| match fields {
        Some(fields) => {
            quoted |= fields.iter().any(|f| f.quoted);
            widths.push(fields.len());
        }
        None => broken = true,
    });
    let mut sorted = widths.clone();
    sorted.sort_unstable();
    let (mut width, mut count) = (0, 0);
    for group in sorted.chunk_by(|a, b| a == b) {
        if group.len() >= count {
            (width, count) = (group[0], group.len());
        }
    }
    let consistency = count as f64 / widths.len().max(1) as f64;
    let fits = width >= 2 && widths.len() >= 2 && consistency >= MIN_CONSISTENCY && !broken;
    fits.then_some(Candidate { options, consistency, width, records: widths.len(), quoted })
}

/// Calls `each` for every whole record that is not a blank line; with `None` where a quote is never closed.
fn each_record(
    sample: &[u8],
    complete: bool,
    options: &CsvOptions,
    mut each: impl FnMut(&[u8], Option<&[Field]>),
) -> usize {
    let dialect = Dialect::new(options);
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let window = &sample[at..];
        match scan(&dialect, window, complete, &mut fields) {
            Scan::Record { len, .. } => {
                if !(fields.len() == 1 && fields[0].span(window).trim_ascii().is_empty()) {
                    each(window, Some(&fields));
                }
                at += len;
            }
            Scan::Comment { len } => at += len,
            Scan::OpenQuote => {
                each(window, None);
                return at;
            }
            Scan::More | Scan::End => return at,
        }
    }
}

/// What a column's values have been so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Empty,
    BigInt,
    Double,
    String,
}

fn kind_of(text: &[u8]) -> Kind {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Kind::Empty;
    }
    if value::int(text).is_some() {
        return Kind::BigInt;
    }
    // Words such as "nan" or "inf" are text; so are integers too large for bigint, which double would round.
    let numeric = text.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    let fraction = text.iter().any(|b| matches!(b, b'.' | b'e' | b'E'));
    if numeric && fraction && value::float(text).is_some() { Kind::Double } else { Kind::String }
}

fn merge(a: Kind, b: Kind) -> Kind {
    match (a, b) {
        (Kind::Empty, other) | (other, Kind::Empty) => other,
        (Kind::BigInt, Kind::BigInt) => Kind::BigInt,
        (Kind::BigInt | Kind::Double, Kind::BigInt | Kind::Double) => Kind::Double,
        _ => Kind::String,
    }
}

struct Columns {
    first: Vec<String>,
    first_kinds: Vec<Kind>,
    rest_kinds: Vec<Kind>,
    nullable: Vec<bool>,
    /// Records with more or fewer fields than usual, with their line's number in the sample.
    ragged: u64,
}

fn study(sample: &[u8], complete: bool, best: &Candidate) -> (Columns, usize) {
    let dialect = Dialect::new(&best.options);
    let mut columns = Columns {
        first: Vec::new(),
        first_kinds: Vec::new(),
        rest_kinds: vec![Kind::Empty; best.width],
        nullable: vec![false; best.width],
        ragged: 0,
    };
    let mut scratch = Vec::new();
    let end = each_record(sample, complete, &best.options, |window, fields| {
        let Some(fields) = fields else { return };
        let is_first = columns.first_kinds.is_empty();
        for (i, field) in fields.iter().enumerate() {
            let value = field.decode(window, &dialect, &mut scratch);
            let kind = kind_of(value);
            if is_first {
                columns.first.push(single_line(value));
                columns.first_kinds.push(kind);
            } else if i < best.width {
                columns.rest_kinds[i] = merge(columns.rest_kinds[i], kind);
                columns.nullable[i] |= kind == Kind::Empty;
            }
        }
        if fields.len() != best.width {
            columns.ragged += 1;
            columns.nullable.iter_mut().skip(fields.len()).for_each(|n| *n = true);
        }
    });
    (columns, end)
}

/// A value as a column's name, which the catalog wants on one line.
fn single_line(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Glue's conditions for the first row to be a header.
fn has_header(columns: &Columns, width: usize) -> bool {
    let names = &columns.first;
    if names.len() > width || names.len() + 1 < width {
        return false;
    }
    let last = names.len() - 1;
    // A name may be missing in the first place (the row names that R and pandas write) and in the last.
    let named = |i: usize, name: &String| match columns.first_kinds[i] {
        Kind::String => i == last || name.chars().count() < MAX_HEADER_CHARS,
        Kind::Empty => i == 0 || i == last,
        Kind::BigInt | Kind::Double => false,
    };
    let all_named = names.iter().enumerate().all(|(i, name)| named(i, name));
    let some_named = columns.first_kinds.contains(&Kind::String);
    let differs = columns.rest_kinds.iter().any(|k| matches!(k, Kind::BigInt | Kind::Double));
    all_named && some_named && differs
}

fn columns_of(
    columns: &Columns,
    best: &Candidate,
    header: bool,
    options: &InferOptions,
) -> Vec<InferredField> {
    let mut fields = Vec::with_capacity(best.width);
    for i in 0..best.width {
        let name = columns.first.get(i).filter(|n| header && !n.is_empty());
        let first_kind = columns.first_kinds.get(i).copied().unwrap_or(Kind::Empty);
        let kind = if header { columns.rest_kinds[i] } else { merge(first_kind, columns.rest_kinds[i]) };
        let ty = match kind {
            Kind::BigInt => HiveType::BigInt,
            Kind::Double => HiveType::Double,
            Kind::String | Kind::Empty => HiveType::String,
        };
        let nullable = columns.nullable[i] || (!header && first_kind == Kind::Empty);
        fields.push(InferredField {
            name: name.map_or(format!("col{i}"), |n| options.spelling(n)),
            ty,
            nullable,
        });
    }
    fields
}

fn describe(
    input: &Input,
    mut best: Candidate,
    compression: Compression,
    options: &InferOptions,
) -> Inferred {
    let (columns, end) = study(input.pending(), input.at_eof(), &best);
    let header = has_header(&columns, best.width);
    let mut fields = columns_of(&columns, &best, header, options);
    make_unique(&mut fields);
    let names: Vec<String> = fields.iter().map(|f| f.name.clone()).collect();
    best.options = dialect(&best, names, header);
    let complete = input.at_eof() && end == input.pending().len();
    Inferred {
        format: Format::Csv(best.options),
        compression,
        fields,
        records: (best.records - usize::from(header)) as u64,
        record_bytes: end as u64,
        complete,
        quoted: best.quoted,
        problems: ragged_problem(input, best.width, columns.ragged),
    }
}

/// Quoted files go to OpenCSVSerde, others to LazySimpleSerDe, which would keep quotes as part of the value.
fn dialect(best: &Candidate, names: Vec<String>, header: bool) -> CsvOptions {
    let base = if best.quoted {
        CsvOptions { quote: Some(b'"'), escape: best.options.escape, ..CsvOptions::open_csv(Vec::new()) }
    } else {
        CsvOptions::lazy_simple(Vec::new())
    };
    CsvOptions {
        delimiter: best.options.delimiter,
        header_lines: u64::from(header),
        names: ColumnNames::Given(names),
        ..base
    }
}

fn ragged_problem(input: &Input, width: usize, ragged: u64) -> Vec<FormatError> {
    if ragged == 0 {
        return Vec::new();
    }
    let message = format!("{ragged} records of the sample have more or fewer than {width} fields");
    vec![FormatError::new(input.name(), Problem::Schema { message })]
}
