//! A zip archive is what its members are, when they are all alike.

use std::sync::Arc;

use super::{InferOptions, Inferred, infer_text, merge_seen};
use crate::archive::{self, Document};
use crate::compression::Compression;
use crate::error::{FormatError, Problem};
use crate::excel;
use crate::options::Format;
use crate::read::{detect_compression, refuse_archive};
use crate::source::ByteSource;

/// Members that are looked at; the rest is taken to be like them.
const MAX_SAMPLED: usize = 16;

/// Infers from the archive's members. Errors: members of different formats or columns, so that one table could not read
/// them; whatever a member is refused for.
pub(super) async fn infer(
    source: &Arc<dyn ByteSource>,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    let stated = options.format.as_ref();
    match archive::document(source).await? {
        Some(Document::Workbook | Document::BinaryWorkbook | Document::Spreadsheet)
            if options.csv.is_none() && stated.is_none_or(|format| matches!(format, Format::Excel(_))) =>
        {
            return excel::infer(Arc::clone(source), options).await;
        }
        None if !matches!(stated, Some(Format::Excel(_))) => {}
        Some(Document::Workbook | Document::BinaryWorkbook | Document::Spreadsheet) => {
            let reason = "it is an Excel workbook".to_owned();
            return Err(FormatError::new(source.name(), Problem::Unrecognised { reason }));
        }
        None => {
            let reason = "it is not an Excel workbook".to_owned();
            return Err(FormatError::new(source.name(), Problem::Unrecognised { reason }));
        }
        Some(Document::Office | Document::Open) => {
            let what = "an office document other than a workbook".to_owned();
            return Err(FormatError::new(source.name(), Problem::Unsupported { what }));
        }
    }
    let members = archive::members(source).await?;
    let share = InferOptions {
        sample_bytes: options.sample_bytes / members.len().min(MAX_SAMPLED),
        ..options.clone()
    };
    let mut found: Option<Inferred> = None;
    for member in members.iter().take(MAX_SAMPLED) {
        let compression = detect_compression(&**member).await?;
        refuse_archive(&**member, compression)?;
        let inferred = infer_text(member, compression, &share).await?;
        found = Some(match found {
            None => inferred,
            Some(known) => both(known, inferred, options).map_err(|message| {
                let message =
                    format!("{message}: {} and {} cannot be one table", members[0].name(), member.name());
                FormatError::new(source.name(), Problem::Schema { message })
            })?,
        });
    }
    let mut found = found.ok_or_else(|| FormatError::new(source.name(), Problem::Empty))?;
    found.complete &= members.len() <= MAX_SAMPLED;
    found.compression = Compression::Zip;
    Ok(found)
}

/// Both as one. Errors: why they are not.
fn both(mut a: Inferred, b: Inferred, options: &InferOptions) -> Result<Inferred, &'static str> {
    match (&mut a.format, &b.format) {
        (Format::Csv(ours), Format::Csv(theirs)) => {
            if ours.delimiter != theirs.delimiter
                || ours.header_lines != theirs.header_lines
                || ours.comment != theirs.comment
            {
                return Err("the members' separators, headers or comments differ");
            }
            let clash = ours.escape.is_some() && theirs.escape.is_some() && ours.escape != theirs.escape;
            if clash || (a.backslashes && theirs.escapes()) || (b.backslashes && ours.escapes()) {
                return Err("the members escape quotes differently");
            }
            let escape = ours.escape.or(theirs.escape);
            if !a.fields.iter().map(|f| &f.name).eq(b.fields.iter().map(|f| &f.name)) {
                return Err("the members' columns differ");
            }
            // Which member's first row could be a header is not known any more.
            a.titled = None;
            if theirs.quote.is_some() {
                *ours = theirs.clone();
            }
            ours.escape = escape.filter(|_| ours.quote.is_some());
        }
        (Format::Json(ours), Format::Json(theirs)) if ours.path == theirs.path => {}
        (Format::Lines(ours), Format::Lines(theirs)) if ours.layout == theirs.layout => {}
        (Format::Xml(ours), Format::Xml(theirs)) if ours == theirs => {}
        (Format::Ion(_), Format::Ion(_)) => {}
        _ => return Err("the members' formats differ"),
    }
    let value_tag = a.format.value_tag().map(|tag| options.spelling(tag));
    for field in b.fields {
        match a.fields.iter_mut().find(|known| known.name == field.name) {
            None => a.fields.push(super::InferredField { nullable: true, ..field }),
            Some(known) => {
                let both = ((&known.ty, &known.seen), (&field.ty, &field.seen));
                (known.ty, known.seen) = merge_seen(both.0, both.1, value_tag.as_deref());
                known.nullable |= field.nullable;
            }
        }
    }
    a.records += b.records;
    a.record_bytes += b.record_bytes;
    a.complete &= b.complete;
    a.quoted |= b.quoted;
    a.backslashes |= b.backslashes;
    a.unseen += b.unseen;
    a.certainty = a.certainty.min(b.certainty);
    a.problems.extend(b.problems);
    Ok(a)
}
