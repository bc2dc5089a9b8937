//! Ion: columns are the fields of the structs at the top.
//!
//! Binary files say what they are. Text is Ion when it begins with `$ion_1_0`; else when it begins with a struct whose first
//! name has no quotes, and is Ion as far as the sample goes, without a single bad record.

use super::json::shape::{Members, Shape, fields, merge};
use super::{InferOptions, Inferred};
use crate::compression::Compression;
use crate::error::{FormatError, Problem};
use crate::hive::{HiveType, MAX_NESTING};
use crate::input::Input;
use crate::ion::stream::{Step, Stream, damaged};
use crate::ion::{self, Cursor, Failure, Item, Kind, Scalar};
use crate::options::{BadRecords, Format, IonOptions, JsonOptions};

/// The mark of a version at the front of text.
const TEXT_MARK: &[u8] = b"$ion_1_";

/// What the sample gave.
#[derive(Default)]
struct Found {
    columns: Members,
    /// Per column, the records that had a value there.
    seen: Vec<u64>,
    records: u64,
    bytes: u64,
    bad: Vec<FormatError>,
    bad_count: u64,
    /// Where looking at the sample ended.
    end: usize,
    /// Why it ended there, if the file is damaged.
    damage: Option<FormatError>,
}

/// Whether the text, or the bytes, can only be Ion.
pub(super) fn is_marked(input: &Input) -> bool {
    let sample = input.pending();
    ion::is_binary(sample) || sample.trim_ascii_start().starts_with(TEXT_MARK)
}

/// Infers a file that is known to be Ion. Needs one whole value, however long. Errors: the file is damaged within the sample,
/// holds no struct, or is mostly malformed.
pub(super) async fn infer(
    input: &mut Input,
    compression: Compression,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    let known = match &options.format {
        Some(Format::Ion(known)) => known.clone(),
        _ => IonOptions::default(),
    };
    let mut found = sampled(input, &known, options).await?;
    if let Some(damage) = found.damage.take() {
        return Err(damage);
    }
    if found.bad_count > found.records
        && let Some(first) = found.bad.first()
    {
        return Err(first.clone());
    }
    if found.seen.is_empty() {
        let found = "Ion without a struct that has fields".to_owned();
        return Err(FormatError::new(input.name(), Problem::NoRecords { found }));
    }
    Ok(describe(input, found, known, compression, options))
}

/// Looks at what there is, and on until there is a value; if the file is to be looked at as a whole, to its end, letting go
/// of what was looked at.
async fn sampled(
    input: &mut Input,
    known: &IonOptions,
    options: &InferOptions,
) -> Result<Found, FormatError> {
    let mut found = Found::default();
    let mut stream = Stream::new(input.pending(), options.max_record_bytes);
    loop {
        let ended = look(input, &mut stream, known, &mut found);
        let enough = !options.whole && found.records + found.bad_count > 0;
        if enough || ended || found.damage.is_some() {
            return Ok(found);
        }
        if options.whole {
            input.consume(std::mem::take(&mut found.end));
        }
        if !input.more().await? {
            look(input, &mut stream, known, &mut found);
            return Ok(found);
        }
    }
}

/// What text that begins with a struct, and a name without quotes in it, is as Ion; `None` when it is none. With quotes it may
/// as well be broken JSON, or what Python prints, whose `None` would be a text.
pub(super) fn guess(input: &Input, compression: Compression, options: &InferOptions) -> Option<Inferred> {
    let inner = input.pending().trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start();
    let is_bare = inner.first().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'));
    // A sample that was let go of cannot be looked at again.
    if options.format.is_some() || options.whole || !is_bare {
        return None;
    }
    let known = IonOptions::default();
    let mut found = Found::default();
    let mut stream = Stream::new(input.pending(), options.max_record_bytes);
    look(input, &mut stream, &known, &mut found);
    let is_ion =
        found.damage.is_none() && found.bad_count == 0 && found.records > 0 && !found.seen.is_empty();
    is_ion.then(|| describe(input, found, known, compression, options))
}

/// Takes in all whole values of the window that were not looked at before; whether the file has ended.
fn look(input: &Input, stream: &mut Stream, known: &IonOptions, found: &mut Found) -> bool {
    let sample = input.pending();
    let naming = JsonOptions { case_insensitive: !known.case_sensitive, ..JsonOptions::default() };
    loop {
        let window = &sample[found.end..];
        match stream.step(window, input.at_eof()) {
            Ok(Step::Value(len)) => {
                add(input, stream, &window[..len], &naming, found);
                found.end += len;
            }
            Ok(Step::Pass(len)) => {
                if let Err(error) = stream.check_size(input.name()) {
                    found.damage = Some(error);
                    return false;
                }
                found.end += len;
            }
            Ok(Step::More) => return false,
            Ok(Step::End) => return true,
            Err(failure) => {
                found.damage = Some(damaged(input.name(), failure, input.offset() + found.end as u64));
                return false;
            }
        }
    }
}

fn add(input: &Input, stream: &Stream, value: &[u8], naming: &JsonOptions, found: &mut Found) {
    found.bytes += value.len() as u64;
    match learn(stream.cursor(value), naming, found) {
        Ok(()) => found.records += 1,
        Err(failure) => {
            found.bad_count += 1;
            if found.bad.len() < BadRecords::MAX_EXAMPLES {
                let mut error = FormatError::new(input.name(), failure.problem(|_| "value".to_owned()));
                error.place.offset = Some(input.offset() + found.end as u64);
                error.place.row = Some(found.records + found.bad_count);
                found.bad.push(error);
            }
        }
    }
}

/// Takes one value in. It is looked at twice, so that a broken one leaves no columns behind.
fn learn(cursor: Cursor<'_>, naming: &JsonOptions, found: &mut Found) -> Result<(), Failure> {
    // The record itself is one level, and a column's type begins at level 0.
    let mut cursor = cursor.with_depth(MAX_NESTING + 1);
    let mut first = cursor.clone();
    match first.next()? {
        Item::Begin(Kind::Struct) => whole(&mut first)?,
        Item::Scalar(Scalar::Null) => return Ok(()),
        _ => {
            let message = "expected a struct".into();
            return Err(Failure::Malformed { message, at: first.start() });
        }
    }
    cursor.next()?;
    let Found { columns, seen, .. } = found;
    members(&mut cursor, columns, naming, &mut |place, has_value| {
        if place == seen.len() {
            seen.push(0);
        }
        seen[place] += u64::from(has_value);
    })
}

/// Goes through everything that the container holds, which was begun.
fn whole(cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let mut depth = 1usize;
    while depth > 0 {
        match cursor.next()? {
            Item::Begin(_) => depth += 1,
            Item::End => depth -= 1,
            Item::Scalar(_) => {}
        }
    }
    Ok(())
}

/// Learns from the fields of the struct that was begun. `each` hears of every field: its place, and whether it has a value.
fn members(
    cursor: &mut Cursor<'_>,
    known: &mut Members,
    naming: &JsonOptions,
    each: &mut dyn FnMut(usize, bool),
) -> Result<(), Failure> {
    let object = known.begin();
    let mut hint = 0;
    loop {
        let item = cursor.next()?;
        if item == Item::End {
            return Ok(());
        }
        // A symbol without a text names nothing.
        let Some(name) = cursor.name().map(str::to_owned) else {
            cursor.pass(&item)?;
            continue;
        };
        let place = known.place(&name, naming.case_insensitive, hint).map_err(|_| {
            let message = "more different names in one struct than columns can be".into();
            Failure::Malformed { message, at: cursor.start() }
        })?;
        hint = place + 1;
        let is_null = item == Item::Scalar(Scalar::Null);
        each(place, !is_null);
        let member = known.member(place);
        let before =
            (member.object == object).then(|| (std::mem::take(&mut member.spelled), member.value.clone()));
        member.object = object;
        member.spelled.clone_from(&name);
        let start = cursor.start();
        observe(cursor, item, &mut member.shape, naming)?;
        // NULL says nothing: an empty range.
        member.value = if is_null { 0..0 } else { start..cursor.position() };
        let Some((first, old)) = before.filter(|(_, old)| !old.is_empty()) else { continue };
        if is_null {
            member.value = old;
        } else if cursor.between(old.start, old.end) != cursor.between(start, cursor.position()) {
            return Err(Failure::Repeated { first, second: name });
        }
    }
}

/// Learns from the value that `item` is or begins.
fn observe(
    cursor: &mut Cursor<'_>,
    item: Item<'_>,
    known: &mut Shape,
    naming: &JsonOptions,
) -> Result<(), Failure> {
    match item {
        Item::Scalar(scalar) => *known = merge(std::mem::take(known), shape_of(&scalar)),
        Item::End => {}
        Item::Begin(Kind::Struct) => match known.branch(Shape::Struct(Members::default())) {
            Shape::Struct(inner) => members(cursor, inner, naming, &mut |_, _| {})?,
            _ => cursor.pass(&item)?,
        },
        Item::Begin(_) => {
            let Shape::Array(inner) = known.branch(Shape::Array(Box::default())) else {
                return cursor.pass(&item);
            };
            loop {
                let next = cursor.next()?;
                if next == Item::End {
                    break;
                }
                observe(cursor, next, inner, naming)?;
            }
        }
    }
    Ok(())
}

fn shape_of(scalar: &Scalar<'_>) -> Shape {
    let decimal = |size: Option<(u8, u8)>| match size {
        Some((precision, scale)) => Shape::Other(HiveType::Decimal(precision, scale)),
        // Text keeps every digit.
        None => Shape::String,
    };
    match scalar {
        Scalar::Null => Shape::Null,
        Scalar::Bool(_) => Shape::Bool,
        Scalar::Int(value) if i32::try_from(*value).is_ok() => Shape::Int,
        Scalar::Int(value) if i64::try_from(*value).is_ok() => Shape::BigInt,
        Scalar::Int(value) => {
            let digits = value.unsigned_abs().to_string().len();
            decimal((digits <= 38).then_some((digits as u8, 0)))
        }
        Scalar::Float(_) => Shape::Double,
        Scalar::Decimal(value) => decimal(value.size()),
        Scalar::Timestamp(moment) if moment.is_date => Shape::Other(HiveType::Date),
        Scalar::Timestamp(_) => Shape::Other(HiveType::Timestamp),
        Scalar::Bytes(_) => Shape::Other(HiveType::Binary),
        Scalar::BigInt(_) | Scalar::Text(_) | Scalar::Unknown => Shape::String,
    }
}

fn describe(
    input: &Input,
    found: Found,
    known: IonOptions,
    compression: Compression,
    options: &InferOptions,
) -> Inferred {
    let records = found.records;
    let mut problems = found.bad;
    let fields = fields(input, found.columns, &found.seen, records, options, &mut problems);
    Inferred {
        format: Format::Ion(known),
        compression,
        fields,
        records,
        record_bytes: found.bytes,
        complete: input.at_eof() && found.end == input.pending().len(),
        titled: None,
        quoted: false,
        backslashes: false,
        unseen: 0,
        certainty: super::certainty(records, found.bad_count),
        problems,
    }
}
