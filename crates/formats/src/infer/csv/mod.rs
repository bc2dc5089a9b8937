//! Delimited text: which separator, is there a header, what are the columns.

mod candidate;
mod columns;
mod comments;
mod declared;
mod digits;
mod doubled;
mod hinted;
mod prose;
mod refusal;
mod undivided;
mod widths;

use super::{InferOptions, Inferred};
use crate::compression::Compression;
use crate::csv::names;
use crate::error::{FormatError, Problem};
use crate::input::Input;
use crate::options::{ColumnNames, CsvOptions, Format};

use candidate::{Candidate, best_candidate, each_record, only_row};
pub(super) use hinted::infer as infer_hinted;
pub use hinted::{CsvHints, Detected, Header};

use columns::{columns_of, has_header, inexact_problems, may_be_header, study};

/// Infers delimited text. `quoted`: fields in quotes are known to be in the file, if not in its sample.
pub(super) async fn infer(
    input: &mut Input,
    compression: Compression,
    options: &InferOptions,
    quoted: bool,
) -> Result<Inferred, FormatError> {
    // At least two lines are needed, however long they are. Lines that end otherwise would never come to an end.
    while memchr::memchr_iter(b'\n', input.pending()).nth(1).is_none()
        && !refusal::lone_returns(input.pending())
        && input.more().await?
    {}
    let (sample, complete) = (input.pending(), input.at_eof());
    let best = declared::below(sample, complete).or_else(|| comments::without(sample, complete));
    let best = best.or_else(|| best_candidate(sample, complete, None));
    let best = best.or_else(|| only_row(sample, complete).filter(|_| options.one_row));
    let Some(mut best) = best else { return Err(refusal::refusal(input)) };
    if !quoted && prose::is_prose(sample, &best) {
        return Err(refusal::prose(input));
    }
    if quoted && !best.quoted {
        best.quoted = true;
        best.options.quote = Some(b'"');
    }
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
    let best = Candidate {
        options: known.clone(),
        consistency: 1.0,
        width,
        records,
        quoted,
        stray: 0,
        unclosed: None,
        skip: 0,
    };
    let (columns, end) = study(sample, input.at_eof(), &best);
    let header = known.header_lines > 0;
    let mut fields = columns_of(&columns, &best, header, options);
    if known.names == ColumnNames::Generated {
        // What stands in lines that are skipped names nothing.
        fields.iter_mut().enumerate().for_each(|(place, field)| field.name = names::of_place(place));
    }
    if let ColumnNames::Given(names) = &known.names {
        fields.iter_mut().zip(names).for_each(|(field, name)| field.name.clone_from(name));
    }
    names::number_repeats(fields.iter_mut().map(|field| &mut field.name), str::to_lowercase);
    let mut problems = ragged_problem(input, width, columns.ragged);
    problems.extend(declared::problem(input, known).or_else(|| undivided::problem(input, known)));
    problems.extend(doubled::problem(input, known, &columns, width));
    problems.extend(inexact_problems(input.name(), &columns, &fields));
    Inferred {
        format: Format::Csv(known.clone()),
        compression,
        fields,
        records: records.saturating_sub(usize::from(header)) as u64,
        record_bytes: end as u64,
        complete: input.at_eof() && end == input.pending().len(),
        titled: None,
        quoted,
        // A known dialect says what they are.
        backslashes: false,
        unseen: 0,
        certainty: best.consistency,
        problems,
    }
}

fn describe(
    input: &Input,
    mut best: Candidate,
    compression: Compression,
    options: &InferOptions,
) -> Inferred {
    let (columns, end) = study(input.pending(), input.at_eof(), &best);
    let header = has_header(&columns, best.width);
    let named = |header: bool| {
        let mut fields = columns_of(&columns, &best, header, options);
        names::number_repeats(fields.iter_mut().map(|field| &mut field.name), str::to_lowercase);
        fields
    };
    let fields = named(header);
    let titled = (!header && may_be_header(&columns, best.width)).then(|| named(true));
    let own: Vec<String> = fields.iter().map(|f| f.name.clone()).collect();
    let mut problems = ragged_problem(input, best.width, columns.ragged);
    problems.extend(doubled::problem(input, &best.options, &columns, best.width));
    problems.extend(inexact_problems(input.name(), &columns, &fields));
    problems.extend(comments::settle(input, &mut best));
    problems.extend(settle_escape(input, &mut best));
    best.options = dialect(&best, own, columns.lead + u64::from(header));
    let complete = input.at_eof() && end == input.pending().len();
    Inferred {
        format: Format::Csv(best.options),
        compression,
        fields,
        records: (best.records - usize::from(header)) as u64,
        record_bytes: end as u64,
        complete,
        titled,
        quoted: best.quoted,
        backslashes: !best.quoted && input.pending().contains(&b'\\'),
        unseen: 0,
        certainty: best.consistency,
        problems,
    }
}

/// Of quoted files, says what a backslash is. A remark where the SerDe will drop some that escape nothing.
fn settle_escape(input: &Input, best: &mut Candidate) -> Option<FormatError> {
    let sample = input.pending();
    if !best.quoted {
        return None;
    }
    match best.options.escape {
        None => {
            // A file that escapes with them must not become one table with this one.
            best.options.escape = best.options.quote.filter(|_| sample.contains(&b'\\'));
            None
        }
        Some(escape) => {
            let escapes_other = |at: usize| {
                sample.get(at + 1).is_some_and(|next| *next != escape && Some(*next) != best.options.quote)
                    && at.checked_sub(1).and_then(|at| sample.get(at)) != Some(&escape)
            };
            let at = memchr::memchr_iter(escape, sample).find(|at| escapes_other(*at))?;
            let message =
                "quotes are escaped with a backslash, and OpenCSVSerde drops a backslash in front of other \
                           characters, too"
                    .to_owned();
            let mut error = FormatError::new(input.name(), Problem::Schema { message });
            error.place.line = Some(memchr::memchr_iter(b'\n', &sample[..at]).count() as u64 + 1);
            Some(error)
        }
    }
}

/// Quoted files go to OpenCSVSerde, others to LazySimpleSerDe, which would keep quotes as part of the value.
fn dialect(best: &Candidate, names: Vec<String>, header_lines: u64) -> CsvOptions {
    let base = if best.quoted {
        CsvOptions { quote: Some(b'"'), escape: best.options.escape, ..CsvOptions::open_csv(Vec::new()) }
    } else {
        CsvOptions::lazy_simple(Vec::new())
    };
    CsvOptions {
        delimiter: best.options.delimiter,
        comment: best.options.comment,
        header_lines,
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
