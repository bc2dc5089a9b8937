//! XML: which elements are rows, and what they hold.
//!
//! Values are `int`, `bigint`, `double`, `boolean` or `string`.

use std::collections::HashMap;

use super::row_tag::{other_rows, row_tag};
use super::seen::Seen as OfValues;
use super::{InferOptions, Inferred, InferredField};
use crate::builder::value;
use crate::compression::Compression;
use crate::csv::names::number_repeats;
use crate::error::{FormatError, Problem};
use crate::hive::HiveType;
use crate::input::Input;
use crate::options::{BadRecords, Format, XmlOptions};
use crate::xml::append::{own_text, repeated};
use crate::xml::read::{bad_row, malformed};
use crate::xml::rows::{Rows, Step};
use crate::xml::tree::{Node, parse};

/// The most different members of one element.
pub(super) const MAX_NAMES: usize = 10_000;

/// Whether text begins as XML does.
pub(super) fn looks_like_xml(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let Some(rest) = text.strip_prefix(b"<") else { return false };
    // Names may begin with letters of any script.
    rest.first()
        .is_some_and(|b| b.is_ascii_alphabetic() || !b.is_ascii() || matches!(b, b'?' | b'!' | b'_' | b':'))
}

/// Infers XML; `known` says which elements are rows. Needs one whole row, however long.
pub(super) async fn infer(
    input: &mut Input,
    compression: Compression,
    known: Option<&XmlOptions>,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    refuse_others(input)?;
    let (found, others) = match known {
        Some(known) => (known.clone(), Vec::new()),
        None => loop {
            if let Some((tag, others)) = row_tag(input)? {
                break (XmlOptions::new(tag, "xml"), others);
            }
            if !input.more().await? {
                let found = "XML without an element below its root".to_owned();
                return Err(FormatError::new(input.name(), Problem::NoRecords { found }));
            }
        },
    };
    loop {
        let sample = look(input, &found)?;
        if sample.records + sample.bad.len() as u64 > 0 || !input.more().await? {
            let problem = other_rows(input, &found, &others);
            let mut inferred = describe(input, compression, found, sample, options)?;
            inferred.problems.extend(problem);
            return Ok(inferred);
        }
    }
}

/// Refuses what is no XML, or is XML that is no data.
fn refuse_others(input: &Input) -> Result<(), FormatError> {
    let text = input.pending().trim_ascii_start();
    let head = text[..text.len().min(15)].to_ascii_lowercase();
    let reason = if !looks_like_xml(text) {
        "it does not begin as XML does"
    } else if head.starts_with(b"<!doctype html") || head.starts_with(b"<html") {
        "it is a page of HTML"
    } else {
        return Ok(());
    };
    Err(FormatError::new(input.name(), Problem::Unrecognised { reason: reason.to_owned() }))
}

#[derive(Default)]
struct Sample {
    root: Seen,
    records: u64,
    bytes: u64,
    /// Rows that are not well-formed: the first ten, and how many there are.
    bad: Vec<FormatError>,
    bad_count: u64,
    end: usize,
    complete: bool,
}

/// Looks at the rows of the sample.
fn look(input: &Input, options: &XmlOptions) -> Result<Sample, FormatError> {
    let mut sample = Sample::default();
    let mut rows = Rows::new(Some(&options.row_tag));
    let window = input.pending();
    loop {
        let at = sample.end;
        let len = match rows.step(&window[at..], input.at_eof()) {
            Ok(Step::Row(len)) => {
                add(input, options, &rows, &window[at..at + len], &mut sample);
                len
            }
            Ok(Step::Pass(len)) => len,
            Ok(Step::More) => return Ok(sample),
            Ok(Step::End) => {
                sample.complete = true;
                return Ok(sample);
            }
            Err(bad) => return Err(malformed(input.name(), bad)),
        };
        rows.advance(&window[at..at + len]);
        sample.end += len;
    }
}

fn add(input: &Input, options: &XmlOptions, rows: &Rows, row: &[u8], sample: &mut Sample) {
    sample.bytes += row.len() as u64;
    let parsed = match std::str::from_utf8(row) {
        Ok(text) => parse(text).map_err(|bad| bad_row(input.name(), rows, row, &bad)).and_then(|node| {
            match repeated_anywhere(&node, options) {
                None => Ok(node),
                Some((first, second)) => {
                    let mut error = FormatError::new(input.name(), Problem::RepeatedName { first, second });
                    error.place.line = Some(rows.line);
                    Err(error)
                }
            }
        }),
        Err(_) => {
            let mut error = FormatError::new(input.name(), Problem::InvalidUtf8);
            error.place.line = Some(rows.line);
            Err(error)
        }
    };
    match parsed {
        Ok(node) => {
            sample.records += 1;
            sample.root.observe(&node, options);
        }
        Err(error) => {
            sample.bad_count += 1;
            if sample.bad.len() < BadRecords::MAX_EXAMPLES {
                sample.bad.push(error);
            }
        }
    }
}

/// Two names of one element in the row that mean the same column.
fn repeated_anywhere(node: &Node, options: &XmlOptions) -> Option<(String, String)> {
    repeated(node, options)
        .or_else(|| node.children.iter().find_map(|child| repeated_anywhere(child, options)))
}

fn describe(
    input: &Input,
    compression: Compression,
    found: XmlOptions,
    sample: Sample,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    if sample.bad_count > sample.records
        && let Some(error) = sample.bad.first()
    {
        return Err(error.clone());
    }
    if sample.records == 0 {
        let reason = format!("there is no element <{}>", found.row_tag);
        return Err(FormatError::new(input.name(), Problem::Unrecognised { reason }));
    }
    let records = sample.records;
    let own = sample
        .root
        .own_text
        .then(|| (found.value_tag.clone(), (sample.root.kind.ty(), sample.root.kind.seen()), records));
    let members = sample.root.members.into_iter().map(|(name, seen)| {
        let rows = seen.parents;
        (name, seen.ty(&found), rows)
    });
    let mut fields: Vec<InferredField> = members
        .chain(own)
        .map(|(name, (ty, seen), rows)| InferredField {
            name: options.spelling(&name),
            ty: options.spelling_of(ty),
            nullable: rows < records,
            seen,
        })
        .collect();
    if fields.is_empty() {
        let found = format!("elements <{}> without content", found.row_tag);
        return Err(FormatError::new(input.name(), Problem::NoRecords { found }));
    }
    number_repeats(fields.iter_mut().map(|f| &mut f.name), str::to_owned);
    Ok(Inferred {
        format: Format::Xml(found),
        compression,
        fields,
        records,
        record_bytes: sample.bytes,
        complete: sample.complete && input.at_eof(),
        titled: None,
        quoted: false,
        backslashes: false,
        unseen: 0,
        problems: sample.bad,
    })
}

/// What the text of one place has been so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Empty,
    Bool,
    Int,
    BigInt,
    Double,
    String,
}

impl Kind {
    fn of(text: &str) -> Self {
        let text = text.trim().as_bytes();
        if text.is_empty() {
            return Self::Empty;
        }
        if let Some(number) = value::int(text) {
            return if i32::try_from(number).is_ok() { Self::Int } else { Self::BigInt };
        }
        if value::boolean(text).is_some() {
            return Self::Bool;
        }
        let numeric =
            text.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
        let fraction = text.iter().any(|b| matches!(b, b'.' | b'e' | b'E'));
        if numeric && fraction && value::float(text).is_some() { Self::Double } else { Self::String }
    }

    fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Empty, kind) | (kind, Self::Empty) => kind,
            (a, b) if a == b => a,
            (Self::Int | Self::BigInt, Self::Int | Self::BigInt) => Self::BigInt,
            (Self::Int | Self::BigInt | Self::Double, Self::Int | Self::BigInt | Self::Double) => {
                Self::Double
            }
            _ => Self::String,
        }
    }

    fn seen(self) -> OfValues {
        OfValues::of_any(self != Self::Empty)
    }

    fn ty(self) -> HiveType {
        match self {
            Self::Empty | Self::String => HiveType::String,
            Self::Bool => HiveType::Boolean,
            Self::Int => HiveType::Int,
            Self::BigInt => HiveType::BigInt,
            Self::Double => HiveType::Double,
        }
    }
}

/// What the elements (or attributes) of one name have been so far.
#[derive(Debug, Default)]
struct Seen {
    kind: Kind,
    /// Whether elements of this name held text of their own.
    own_text: bool,
    members: Vec<(String, Seen)>,
    places: HashMap<String, usize>,
    /// Whether one element held several of this name.
    repeated: bool,
    /// Elements that held one of this name.
    parents: u64,
}

impl Seen {
    fn observe(&mut self, node: &Node, options: &XmlOptions) {
        if node.is_nil {
            return;
        }
        for (name, value) in &node.attributes {
            if let Some(member) = self.member(&format!("{}{name}", options.attribute_prefix)) {
                member.parents += 1;
                member.kind = member.kind.merge(Kind::of(value));
            }
        }
        // Readers do not tell names apart by case.
        let mut counts: HashMap<String, u32> = HashMap::new();
        for child in &node.children {
            let Some(member) = self.member(&child.name) else { continue };
            let count = counts.entry(child.name.to_lowercase()).or_default();
            *count += 1;
            member.parents += u64::from(*count == 1);
            member.repeated |= *count > 1;
            member.observe(child, options);
        }
        if node.has_text() {
            self.own_text = true;
            self.kind = self.kind.merge(Kind::of(own_text(node)));
        }
    }

    /// The member of a name, ignoring case; `None` when there are too many already.
    fn member(&mut self, name: &str) -> Option<&mut Self> {
        let lower = name.to_lowercase();
        let place = match self.places.get(&lower) {
            Some(place) => *place,
            None if self.members.len() == MAX_NAMES => return None,
            None => {
                self.places.insert(lower, self.members.len());
                self.members.push((name.to_owned(), Self::default()));
                self.members.len() - 1
            }
        };
        self.members.get_mut(place).map(|(_, seen)| seen)
    }

    /// The type, and what was seen of it.
    fn ty(self, options: &XmlOptions) -> (HiveType, OfValues) {
        let (single, seen) = if self.members.is_empty() {
            (self.kind.ty(), self.kind.seen())
        } else {
            let own = self.own_text.then(|| (options.value_tag.clone(), (self.kind.ty(), self.kind.seen())));
            let members = self.members.into_iter().map(|(name, seen)| (name, seen.ty(options))).chain(own);
            let (types, seen): (Vec<_>, Vec<_>) =
                members.map(|(name, (ty, seen))| ((name.clone(), ty), (name, seen))).unzip();
            (HiveType::Struct(types), OfValues::of_members(seen))
        };
        match self.repeated {
            true => (HiveType::Array(Box::new(single)), OfValues::of_items(seen)),
            false => (single, seen),
        }
    }
}
