//! XML: which elements are rows, and what they hold.
//!
//! Values are `int`, `bigint`, `double`, `boolean` or `string`.

mod kind;

use std::collections::HashMap;

use self::kind::Kind;
use super::row_tag::{other_rows, row_tag};
use super::seen::Seen as OfValues;
use super::types::inexact;
use super::{InferOptions, Inferred, InferredField};
use crate::compression::Compression;
use crate::csv::names::number_repeats;
use crate::error::{FormatError, Problem};
use crate::hive::HiveType;
use crate::input::Input;
use crate::options::{BadRecords, Format, XmlOptions};
use crate::xml::append::{own_text, repeated};
use crate::xml::read::{bad_row, malformed};
use crate::xml::rows::{Rows, Step};
use crate::xml::tree::{Node, row as row_of};

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
    let sample = sampled(input, &found, options.whole).await?;
    let problem = other_rows(input, &found, &others);
    let mut inferred = describe(input, compression, found, sample, options)?;
    inferred.problems.extend(problem);
    Ok(inferred)
}

/// Looks at what there is, and on until there is a row; `whole`: to the end of the file, letting go of what was looked at.
async fn sampled(input: &mut Input, found: &XmlOptions, whole: bool) -> Result<Sample, FormatError> {
    let mut sample = Sample::default();
    let mut rows = Rows::new(Some(&found.row_tag));
    loop {
        look(input, found, &mut rows, &mut sample)?;
        let enough = !whole && sample.records + sample.bad_count > 0;
        if enough || sample.complete {
            return Ok(sample);
        }
        if whole {
            input.consume(std::mem::take(&mut sample.end));
        }
        if !input.more().await? {
            look(input, found, &mut rows, &mut sample)?;
            return Ok(sample);
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

/// Looks at the rows of the sample that were not looked at before.
fn look(
    input: &Input,
    options: &XmlOptions,
    rows: &mut Rows,
    sample: &mut Sample,
) -> Result<(), FormatError> {
    let window = input.pending();
    loop {
        let at = sample.end;
        let len = match rows.step(&window[at..], input.at_eof()) {
            Ok(Step::Row(len)) => {
                add(input, options, rows, &window[at..at + len], sample);
                len
            }
            Ok(Step::Pass(len)) => len,
            Ok(Step::More) => return Ok(()),
            Ok(Step::End) => {
                sample.complete = true;
                return Ok(());
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
        Ok(text) => {
            row_of(text, options).map_err(|bad| bad_row(input.name(), rows, row, &bad)).and_then(|node| {
                match repeated_anywhere(&node, options) {
                    None => Ok(node),
                    Some((first, second)) => {
                        let mut error =
                            FormatError::new(input.name(), Problem::RepeatedName { first, second });
                        error.place.line = Some(rows.line);
                        Err(error)
                    }
                }
            })
        }
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
    mut sample: Sample,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    if sample.bad_count > sample.records
        && let Some(error) = sample.bad.first()
    {
        return Err(error.clone());
    }
    if sample.records == 0 && options.whole {
        let found = format!("XML without an element <{}>", found.row_tag);
        return Err(FormatError::new(input.name(), Problem::NoRecords { found }));
    }
    if options.whole && sample.root.is_full() {
        let message = format!("an element has {MAX_NAMES} or more different attributes and elements");
        return Err(FormatError::new(input.name(), Problem::Schema { message }));
    }
    if sample.records == 0 {
        let reason = format!("there is no element <{}>", found.row_tag);
        return Err(FormatError::new(input.name(), Problem::Unrecognised { reason }));
    }
    let records = sample.records;
    let mut problems = sample.bad;
    sample.root.settle(&found);
    sample.root.each_inexact("", &found, &mut |place| {
        problems.push(inexact(input.name(), options.spelling(&place)));
    });
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
        certainty: super::certainty(records, sample.bad_count),
        problems,
    })
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

    /// Where an element is called as the text is, the text is the element's: so readers have it, and so writers keep text
    /// that would not stay as it is (blanks at its ends, or nothing).
    fn settle(&mut self, options: &XmlOptions) {
        self.members.iter_mut().for_each(|(_, member)| member.settle(options));
        let place = self.places.get(&options.value_tag.to_lowercase()).filter(|_| self.own_text);
        let named = place.and_then(|place| self.members.get_mut(*place));
        if let Some((_, text)) = named.filter(|(_, text)| text.members.is_empty() && !text.repeated) {
            text.kind = text.kind.merge(std::mem::take(&mut self.kind));
            self.own_text = false;
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

    /// Whether it, or something within, has as many members as are told apart: there may be more.
    fn is_full(&self) -> bool {
        self.members.len() == MAX_NAMES || self.members.iter().any(|(_, member)| member.is_full())
    }

    /// Calls `each` with the name of every place at and below `name` where a double loses something.
    fn each_inexact(&self, name: &str, options: &XmlOptions, each: &mut impl FnMut(String)) {
        let below = |member: &str| match name {
            "" => member.to_owned(),
            _ => format!("{name}.{member}"),
        };
        if self.kind.is_inexact() {
            // A row is no value: its own text is a column.
            let is_value = self.members.is_empty() && !name.is_empty();
            each(if is_value { name.to_owned() } else { below(&options.value_tag) });
        }
        for (member, seen) in &self.members {
            seen.each_inexact(&below(member), options, each);
        }
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
