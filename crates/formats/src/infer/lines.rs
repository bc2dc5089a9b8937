//! Log lines: those that are known, and those of a given pattern.

use super::misfits::Misfits;
use super::{InferOptions, Inferred, InferredField, Seen};
use crate::compression::Compression;
use crate::csv::names::number_repeats;
use crate::error::{FormatError, Problem};
use crate::input::Input;
use crate::lines::grok::Pattern;
use crate::lines::{Splitter, known};
use crate::options::{Format, LineLayout, LineOptions};

/// The share of lines that a pattern given by the user must match.
const MIN_SHARE: f64 = 0.7;
/// The share of lines that the pattern of a known log must match.
const MIN_KNOWN_SHARE: f64 = 0.9;
/// With this share of its lines, a text is that log and nothing else, whatever divides its lines.
const MIN_ALIKE_SHARE: f64 = 0.5;
/// How many lines are tried for one that a known log could have.
const FIRST_LINES: usize = 3;

/// What a pattern did to a sample.
struct Tried {
    lines: u64,
    matched: u64,
    bytes: u64,
    /// The first line that does not match, from 1.
    first_miss: Option<u64>,
    /// Values that are not of their columns' types.
    misfits: Misfits,
    /// Whether the sample's lines are all of the file's.
    complete: bool,
}

impl Tried {
    fn share(&self) -> f64 {
        self.matched as f64 / self.lines.max(1) as f64
    }
}

/// Recognises a known log; `None` when the text is none.
/// Errors: most lines are those of a known log, and too many are not.
pub(super) fn infer_known(
    input: &Input,
    compression: Compression,
    options: &InferOptions,
) -> Result<Option<Inferred>, FormatError> {
    let mut nearly = None;
    let firsts: Vec<&str> = lines(input).take(FIRST_LINES).filter_map(|(_, line)| line).collect();
    for known in known::KNOWN {
        let Some((splitter, tried)) = try_known(input, known, &firsts) else { continue };
        let layout = LineLayout::Grok { pattern: known.pattern.to_owned(), custom: known.custom.to_owned() };
        let found = LineOptions::new(layout, known.classification, Vec::new());
        if tried.share() >= MIN_KNOWN_SHARE {
            return Ok(Some(describe(input, &found, &splitter, &tried, compression, options)));
        }
        if tried.share() > MIN_ALIKE_SHARE {
            nearly.get_or_insert_with(|| too_few(input, known, &tried));
        }
    }
    nearly.map_or(Ok(None), Err)
}

/// What the pattern of a log makes of the text, if it matches one of the first lines.
fn try_known(input: &Input, known: &known::Known, firsts: &[&str]) -> Option<(Splitter, Tried)> {
    let mut likely = firsts.iter().filter(|first| known.may_begin_with(first)).peekable();
    likely.peek()?;
    let pattern = Pattern::grok(known.pattern, known.custom).ok()?;
    likely.find(|first| matches!(pattern.capture(first), Ok(Some(_))))?;
    let splitter = Splitter::Pattern(pattern);
    let tried = try_on(input, &splitter, 0).ok()?;
    Some((splitter, tried))
}

fn too_few(input: &Input, known: &known::Known, tried: &Tried) -> FormatError {
    let reason = format!(
        "it looks like a log of the kind {}, but {} of the {} lines looked at do not match its pattern, the first of \
         them line {}: take them out, or give the crawler a Grok classifier that they match",
        known.classification,
        tried.lines - tried.matched,
        tried.lines,
        tried.first_miss.unwrap_or(1),
    );
    let mut error = FormatError::new(input.name(), Problem::Unrecognised { reason });
    error.place.line = tried.first_miss;
    error
}

/// Infers lines in a given dialect. Errors: too few lines match.
pub(super) fn infer_as(
    input: &Input,
    compression: Compression,
    given: &LineOptions,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    let splitter = Splitter::new(given, input.name())?;
    let tried = try_on(input, &splitter, given.header_lines)?;
    if tried.share() < MIN_SHARE || tried.matched == 0 {
        let reason = format!("the pattern matches {} of the first {} lines", tried.matched, tried.lines);
        let mut error = FormatError::new(input.name(), Problem::Unrecognised { reason });
        error.place.line = tried.first_miss;
        return Err(error);
    }
    Ok(describe(input, given, &splitter, &tried, compression, options))
}

/// The whole lines of the sample with their numbers from 1; `None` for a line that is not UTF-8. Blank ones are left out.
fn lines(input: &Input) -> impl Iterator<Item = (u64, Option<&str>)> {
    let sample = input.pending();
    let end =
        if input.at_eof() { sample.len() } else { memchr::memrchr(b'\n', sample).map_or(0, |at| at + 1) };
    let text = &sample[..end];
    text.split(|b| *b == b'\n').zip(1..).filter_map(|(line, number)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (!line.trim_ascii().is_empty()).then(|| (number, std::str::from_utf8(line).ok()))
    })
}

fn try_on(input: &Input, splitter: &Splitter, header_lines: u64) -> Result<Tried, FormatError> {
    let misfits = Misfits::of(splitter);
    let mut tried =
        Tried { lines: 0, matched: 0, bytes: 0, first_miss: None, misfits, complete: input.at_eof() };
    for (number, line) in lines(input).filter(|(number, _)| *number > header_lines) {
        let Some(line) = line else {
            let mut error = FormatError::new(input.name(), Problem::InvalidUtf8);
            error.place.line = Some(number);
            return Err(error);
        };
        let found = splitter.split(line).map_err(|_| {
            let mut error = FormatError::new(input.name(), Problem::PatternTooHard);
            error.place.line = Some(number);
            error
        })?;
        tried.lines += 1;
        tried.bytes += line.len() as u64 + 1;
        if let Some(fields) = found {
            tried.matched += 1;
            tried.misfits.look(number, &fields);
        } else {
            tried.first_miss.get_or_insert(number);
        }
    }
    Ok(tried)
}

fn describe(
    input: &Input,
    found: &LineOptions,
    splitter: &Splitter,
    tried: &Tried,
    compression: Compression,
    options: &InferOptions,
) -> Inferred {
    let column = |(name, ty): (String, crate::hive::HiveType)| InferredField {
        name: options.spelling(&name),
        ty,
        nullable: true,
        seen: Seen::Values,
    };
    let mut fields: Vec<InferredField> = splitter.columns().into_iter().map(column).collect();
    number_repeats(fields.iter_mut().map(|f| &mut f.name), str::to_owned);
    let names = fields.iter().map(|field| field.name.clone()).collect();
    let mut problems = tried.misfits.problems(input.name());
    if let Some(line) = tried.first_miss {
        let message = format!(
            "{} of the {} lines looked at do not match the pattern of {}: they will be rows of NULLs",
            tried.lines - tried.matched,
            tried.lines,
            found.classification
        );
        let mut error = FormatError::new(input.name(), Problem::Schema { message });
        error.place.line = Some(line);
        problems.push(error);
    }
    Inferred {
        format: Format::Lines(LineOptions { names, ..found.clone() }),
        compression,
        fields,
        records: tried.lines,
        record_bytes: tried.bytes,
        complete: tried.complete,
        titled: None,
        quoted: false,
        backslashes: false,
        unseen: 0,
        certainty: super::certainty(tried.matched, tried.lines - tried.matched),
        problems,
    }
}
