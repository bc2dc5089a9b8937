//! Text, compressed or not: what a known format makes of it, or which format it is.

use std::sync::Arc;

use super::{InferOptions, Inferred, aws, beyond, csv, foreign, ion, json, lines, xml};
use crate::compression::Compression;
use crate::error::{FormatError, Problem};
use crate::input::Input;
use crate::options::Format;
use crate::source::ByteSource;

/// Infers a file of text, or of Ion, which may be binary.
pub(super) async fn infer_text(
    source: &Arc<dyn ByteSource>,
    compression: Compression,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    let name = source.name();
    let mut input = Input::open(&**source, 0, compression, options.max_record_bytes)?;
    input.begin(options.encoding()).await?;
    if matches!(options.format, None | Some(Format::Xml(_))) {
        // A document of XML says its encoding itself.
        crate::xml::read::begin_declared(&mut input).await?;
    }
    while input.pending().len() < options.sample_bytes && input.more().await? {}
    match &options.format {
        Some(Format::Ion(_)) => return ion::infer(&mut input, compression, options).await,
        None if options.csv.is_none() && ion::is_marked(&input) => {
            return ion::infer(&mut input, compression, options).await;
        }
        _ => refuse_binary(&input, options)?,
    }
    if input.pending().trim_ascii_start().is_empty() {
        let reason = format!("its first {} bytes are white space", input.pending().len());
        let problem = if input.at_eof() { Problem::Empty } else { Problem::Unrecognised { reason } };
        return Err(FormatError::new(name, problem));
    }
    if let Some(hints) = &options.csv {
        return csv::infer_hinted(&input, compression, hints, options);
    }
    let mut found = as_text(&mut input, compression, options).await?;
    if !found.complete && !input.at_eof() {
        found.unseen = source.size().saturating_sub(input.fetched());
    }
    if options.format.is_none()
        && aws::cloudfront(&input, compression).is_none()
        && beyond::has_quotes(source, &mut input, compression, &found, options).await?
    {
        let quoted = csv::infer(&mut input, compression, options, true).await?;
        found = Inferred { unseen: found.unseen, ..quoted };
    }
    Ok(found)
}

/// Infers text of the known format, or finds out which one it is.
async fn as_text(
    input: &mut Input,
    compression: Compression,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    let name = input.name().to_owned();
    match &options.format {
        Some(Format::Csv(known)) => Ok(csv::infer_as(input, compression, known, options)),
        Some(Format::Xml(known)) => xml::infer(input, compression, Some(known), options).await,
        Some(Format::Lines(known)) => lines::infer_as(input, compression, known, options),
        Some(Format::Excel(_)) => {
            let reason = "it is not an Excel workbook".to_owned();
            Err(FormatError::new(&name, Problem::Unrecognised { reason }))
        }
        Some(known) => known_json(input, compression, known, options).await,
        None => recognise(input, compression, options).await,
    }
}

/// What may be JSON is looked at as such; the error says what speaks against it.
fn may_be_json(input: &Input) -> bool {
    matches!(input.pending().trim_ascii_start().first(), Some(b'{' | b'['))
}

async fn known_json(
    input: &mut Input,
    compression: Compression,
    known: &Format,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    let taken = options.skips_bad || may_be_json(input);
    let not_json = match json::infer(input, compression, options).await? {
        json::Verdict::Json(inferred) if taken => return Ok(Inferred { format: known.clone(), ..*inferred }),
        json::Verdict::Json(inferred) => inferred.problems.into_iter().next(),
        json::Verdict::Other(why) => why,
    };
    let reason = "it is not JSON".to_owned();
    Err(not_json.unwrap_or_else(|| FormatError::new(input.name(), Problem::Unrecognised { reason })))
}

/// Finds out which format the text is in.
async fn recognise(
    input: &mut Input,
    compression: Compression,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    if xml::looks_like_xml(input.pending()) {
        return xml::infer(input, compression, None, options).await;
    }
    foreign::refuse_settings(input)?;
    let mut not_json = None;
    if may_be_json(input) {
        let verdict = json::infer(input, compression, options).await;
        // What is no JSON may still be Ion, which has more ways to write a struct.
        if !matches!(verdict, Ok(json::Verdict::Json(_)))
            && let Some(found) = ion::guess(input, compression, options)
        {
            return Ok(found);
        }
        // And lines that begin with a number in brackets may be a log.
        if verdict.is_err()
            && let Some(inferred) = lines::infer_known(input, compression, options)?
        {
            return Ok(inferred);
        }
        match verdict? {
            json::Verdict::Json(inferred) => {
                let records = aws::cloudtrail(input, &inferred, options).await?;
                return Ok(records.unwrap_or(*inferred));
            }
            json::Verdict::Other(why) => not_json = why,
        }
    }
    if let Some(inferred) = aws::cloudfront(input, compression) {
        return Ok(inferred);
    }
    if let Some(inferred) = lines::infer_known(input, compression, options)? {
        return Ok(inferred);
    }
    if foreign::is_bracketed(input.pending()) {
        return Err(not_json.unwrap_or_else(|| foreign::bracketed(input)));
    }
    foreign::refuse_statements(input)?;
    foreign::refuse_ruled(input)?;
    foreign::refuse_lists(input)?;
    foreign::refuse_named(input)?;
    // What begins like JSON is more likely bad JSON than bad CSV.
    csv::infer(input, compression, options, false).await.map_err(|error| not_json.unwrap_or(error))
}

/// What holds other files or tables, and is not looked into.
fn container(head: &[u8]) -> Option<&'static str> {
    match head {
        _ if head.get(257..262) == Some(b"ustar") => {
            Some("a tar archive (put its files into the bucket instead)")
        }
        _ if head.starts_with(b"SQLite format 3\0") => {
            Some("a database of SQLite (export its tables instead)")
        }
        _ => None,
    }
}

fn refuse_binary(input: &Input, options: &InferOptions) -> Result<(), FormatError> {
    let sample = input.pending();
    let head = &sample[..sample.len().min(64 * 1024)];
    if let Some(what) = container(head) {
        return Err(FormatError::new(input.name(), Problem::Unsupported { what: what.to_owned() }));
    }
    if let Some(at) = memchr::memchr(0, head) {
        let zeros = memchr::memchr_iter(0, head).count();
        // Text in two bytes per character has a zero in nearly every second byte.
        let hint = if zeros * 3 > head.len() && zeros < head.len() {
            ": perhaps UTF-16, without its mark"
        } else {
            ""
        };
        let reason = format!("it holds binary data (a NUL byte at offset {at}{hint})");
        return Err(FormatError::new(input.name(), Problem::Unrecognised { reason }));
    }
    // What is broken is left out record by record, where the format says what a record is.
    if options.skips_bad && options.format.is_some() {
        return Ok(());
    }
    // A sample may end within a character.
    if let Err(e) = std::str::from_utf8(sample)
        && (e.error_len().is_some() || input.at_eof())
    {
        let mut error = FormatError::new(input.name(), Problem::InvalidUtf8);
        error.place.line = Some(memchr::memchr_iter(b'\n', &sample[..e.valid_up_to()]).count() as u64 + 1);
        error.place.offset = Some(input.offset() + e.valid_up_to() as u64);
        return Err(error);
    }
    Ok(())
}
