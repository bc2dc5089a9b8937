//! Whether a reader's definition reads the data of a writer's, by "Updating A Message Type" of the Protocol Buffers
//! documentation.
//!
//! Data is known by field numbers. Changes that the documentation calls safe are allowed; of those that it calls
//! wire-compatible only the ones that keep every value (`int32` to `int64`, not back): another value than the one that
//! was written is worse than an error. A message that other messages hold may be missing for the reader: it is looked
//! at where it is held.

use std::collections::{BTreeMap, BTreeSet};

use super::{Enum, Field, File, Kind, Label, Message, Reserved, Scalar};
use crate::Mismatch;

/// Whether `reader` reads everything that `writer` writes.
pub(crate) fn can_read(reader: &File, writer: &File) -> Result<(), Mismatch> {
    if reader.canonical == writer.canonical {
        return Ok(());
    }
    if let Some(gone) = roots(writer).into_iter().find(|name| !reader.messages.contains_key(*name)) {
        return Err(Mismatch::new(gone, "the reader has no such message"));
    }
    let mut check = Check { reader, writer, work: Vec::new(), seen: BTreeSet::new() };
    for name in writer.messages.keys().filter(|name| reader.messages.contains_key(*name)) {
        check.pair(Kind::Message(name.clone()), Kind::Message(name.clone()));
    }
    for name in writer.enums.keys().filter(|name| reader.enums.contains_key(*name)) {
        check.pair(Kind::Enum(name.clone()), Kind::Enum(name.clone()));
    }
    check.run()
}

/// The messages at the top that no other message holds: data is made of them. All at the top, where they hold each
/// other.
pub(super) fn roots(file: &File) -> Vec<&String> {
    let held = |kind: &Kind| match kind {
        Kind::Message(name) => Some(name.clone()),
        Kind::Map(_, value) => match value.as_ref() {
            Kind::Message(name) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    };
    let mut inner = BTreeSet::new();
    for (name, message) in &file.messages {
        let by = message.fields.iter().filter_map(|field| held(&field.kind));
        inner.extend(by.filter(|one| one != name));
    }
    let found: Vec<&String> = file.top.iter().filter(|name| !inner.contains(*name)).collect();
    if found.is_empty() { file.top.iter().collect() } else { found }
}

struct Check<'a> {
    reader: &'a File,
    writer: &'a File,
    /// Types of the reader and the writer that are still to be compared.
    work: Vec<(String, String, bool)>,
    /// Those that were, or will be.
    seen: BTreeSet<(String, String, bool)>,
}

impl Check<'_> {
    fn pair(&mut self, reader: Kind, writer: Kind) {
        let (reader, writer, is_enum) = match (reader, writer) {
            (Kind::Message(reader), Kind::Message(writer)) => (reader, writer, false),
            (Kind::Enum(reader), Kind::Enum(writer)) => (reader, writer, true),
            _ => return,
        };
        let pair = (reader, writer, is_enum);
        if self.seen.insert(pair.clone()) {
            self.work.push(pair);
        }
    }

    fn run(&mut self) -> Result<(), Mismatch> {
        while let Some((to, from, is_enum)) = self.work.pop() {
            if is_enum {
                if let (Some(reader), Some(writer)) =
                    (self.reader.enums.get(&to), self.writer.enums.get(&from))
                {
                    enums(&to, reader, writer, self.reader.proto3)?;
                }
                continue;
            }
            if let (Some(reader), Some(writer)) =
                (self.reader.messages.get(&to), self.writer.messages.get(&from))
            {
                self.message(&to, reader, writer)?;
            }
        }
        Ok(())
    }

    fn message(&mut self, path: &str, reader: &Message, writer: &Message) -> Result<(), Mismatch> {
        let by_number: BTreeMap<i64, &Field> =
            writer.fields.iter().map(|field| (field.number, field)).collect();
        let by_name: BTreeMap<&str, &Field> =
            writer.fields.iter().map(|field| (field.name.as_str(), field)).collect();
        for field in &reader.fields {
            let at = format!("{path}.{}", field.name);
            if reuses(&writer.reserved, &field.name, field.number) {
                return Err(Mismatch::new(
                    at,
                    "the reader uses a number or name that the writer has reserved",
                ));
            }
            if let Some(same) = by_name.get(field.name.as_str()).filter(|same| same.number != field.number) {
                let reason =
                    format!("its number is {} for the reader, {} for the writer", field.number, same.number);
                return Err(Mismatch::new(at, reason));
            }
            match by_number.get(&field.number) {
                Some(written) => self.field(&at, field, written)?,
                None if field.label == Label::Required => {
                    return Err(Mismatch::new(
                        at,
                        "the reader requires a field that the writer does not know",
                    ));
                }
                None => {}
            }
        }
        groups(path, reader, writer)
    }

    fn field(&mut self, at: &str, reader: &Field, writer: &Field) -> Result<(), Mismatch> {
        let fails = |reason: &str| Err(Mismatch::new(at, reason));
        let is_repeated = |field: &Field| field.label == Label::Repeated;
        if reader.label == Label::Required && writer.label != Label::Required {
            return fails("the reader requires a field that the writer may leave out");
        }
        match (is_repeated(reader), is_repeated(writer)) {
            (false, true) => {
                return fails("the writer repeats a field of which the reader would keep only the last");
            }
            (true, false) if !has_length(&writer.kind) => {
                return fails("a single number cannot be told from none where the reader expects several");
            }
            _ => {}
        }
        self.kind(at, &reader.kind, &writer.kind)
    }

    fn kind(&mut self, at: &str, reader: &Kind, writer: &Kind) -> Result<(), Mismatch> {
        match (reader, writer) {
            (Kind::Scalar(to), Kind::Scalar(from)) if to == from || keeps(*from, *to) => Ok(()),
            // Values of enumerations are of 32 bits, with a sign.
            (Kind::Scalar(Scalar::Int32 | Scalar::Int64), Kind::Enum(_)) => Ok(()),
            (Kind::Scalar(Scalar::Bytes), Kind::Message(_) | Kind::Known(_)) => Ok(()),
            (Kind::Known(to), Kind::Known(from)) if to == from => Ok(()),
            (Kind::Message(_), Kind::Message(_)) | (Kind::Enum(_), Kind::Enum(_)) => {
                self.pair(reader.clone(), writer.clone());
                Ok(())
            }
            (Kind::Map(key, value), Kind::Map(written_key, written)) => {
                self.kind(at, &Kind::Scalar(*key), &Kind::Scalar(*written_key))?;
                self.kind(at, value, written)
            }
            _ => {
                let reason = format!("{} cannot be read as {}", describe(writer), describe(reader));
                Err(Mismatch::new(at, reason))
            }
        }
    }
}

/// Whether each value is preceded by its length, so that one is an element of several.
fn has_length(kind: &Kind) -> bool {
    matches!(kind, Kind::Scalar(Scalar::String | Scalar::Bytes) | Kind::Message(_) | Kind::Known(_))
}

/// Whether every value that was written as `from` is read as the same value.
fn keeps(from: Scalar, to: Scalar) -> bool {
    use Scalar::{Bool, Bytes, Int32, Int64, Sint32, Sint64, String, Uint32, Uint64};
    matches!(
        (from, to),
        (Bool, Int32 | Int64 | Uint32 | Uint64)
            | (Int32, Int64)
            | (Uint32, Uint64 | Int64)
            | (Sint32, Sint64)
            | (String, Bytes)
    )
}

fn reuses(reserved: &Reserved, name: &str, number: i64) -> bool {
    reserved.names.iter().any(|one| one == name)
        || reserved.numbers.iter().any(|(start, end)| (*start..=*end).contains(&number))
}

/// A `oneof` keeps the last of its fields: fields that could be set together must not be put into one, and a field that
/// is gone cannot be told from none.
fn groups(path: &str, reader: &Message, writer: &Message) -> Result<(), Mismatch> {
    let written: BTreeMap<i64, &Field> = writer.fields.iter().map(|field| (field.number, field)).collect();
    let mut members: BTreeMap<&str, Vec<&Field>> = BTreeMap::new();
    for field in &reader.fields {
        if let (Some(group), Some(written)) = (&field.group, written.get(&field.number)) {
            members.entry(group).or_default().push(written);
        }
    }
    for (group, fields) in &members {
        let first = fields.first().and_then(|field| field.group.as_ref());
        let together = first.is_some() && fields.iter().all(|field| field.group.as_ref() == first);
        if fields.len() > 1 && !together {
            let reason = "fields that the writer may set together would clear each other";
            return Err(Mismatch::new(format!("{path}.{group}"), reason));
        }
        let read: BTreeSet<i64> = reader.fields.iter().map(|field| field.number).collect();
        let gone = writer
            .fields
            .iter()
            .find(|field| first.is_some() && field.group.as_ref() == first && !read.contains(&field.number));
        if let Some(gone) = gone {
            let reason = "the reader could not tell this choice of the oneof from none";
            return Err(Mismatch::new(format!("{path}.{}", gone.name), reason));
        }
    }
    Ok(())
}

fn enums(path: &str, reader: &Enum, writer: &Enum, open: bool) -> Result<(), Mismatch> {
    for (name, number) in &reader.values {
        if reuses(&writer.reserved, name, *number) {
            let reason = "the reader uses a number or name that the writer has reserved";
            return Err(Mismatch::new(format!("{path}.{name}"), reason));
        }
    }
    for (name, number) in &writer.values {
        let at = || format!("{path}.{name}");
        if let Some((_, other)) = reader.values.iter().find(|(one, _)| one == name)
            && other != number
        {
            let reason = format!("its number is {other} for the reader, {number} for the writer");
            return Err(Mismatch::new(at(), reason));
        }
        // proto3 keeps numbers that it does not know; proto2 takes the field for unset.
        if !open && !reader.values.iter().any(|(_, one)| one == number) {
            return Err(Mismatch::new(at(), "the reader does not know this value, and would drop it"));
        }
    }
    Ok(())
}

fn describe(kind: &Kind) -> String {
    match kind {
        Kind::Scalar(scalar) => scalar.as_str().to_owned(),
        Kind::Message(name) => format!("the message {name}"),
        Kind::Enum(name) => format!("the enum {name}"),
        Kind::Known(name) | Kind::Unresolved(name) => name.clone(),
        Kind::Map(key, value) => format!("map<{}, {}>", key.as_str(), describe(value)),
    }
}
