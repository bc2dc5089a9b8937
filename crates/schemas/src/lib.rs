//! Schema definitions in Avro, JSON Schema and Protobuf: what they say, whether one can read what another wrote, which
//! columns they make. No I/O and no clock.
//!
//! # Invariants
//! - **Compatible means proven.** [`Schema::can_read`] answers `Ok` only when every datum that the writer's definition
//!   allows is read by the reader's without loss. What the rules cannot decide (a pattern against a pattern, a
//!   definition too deep or too tangled) is a [`Mismatch`] that says so.
//! - **Everything is bounded**: depth, steps, what a definition may hold. No definition makes these functions run long
//!   or deep, so they may be called on input from anybody.
//! - A definition can read itself.
//!
//! Each format has a module that owns its grammar, its rules and its mapping to Hive types. Directions and modes are
//! here alone: a mode is a list of "who reads whom" ([`Mode::directions`]).

mod avro;
mod diff;
mod json;
mod proto;
mod strict;

use std::fmt;

pub use diff::patch;

/// How a definition is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Apache Avro, specification 1.11.
    Avro,
    /// JSON Schema, drafts 4, 6 and 7.
    Json,
    /// Protocol Buffers, proto2 and proto3, without groups and extensions.
    Protobuf,
}

impl Format {
    /// Glue's name of the format.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Avro => "AVRO",
            Format::Json => "JSON",
            Format::Protobuf => "PROTOBUF",
        }
    }

    /// Reads Glue's name.
    pub fn parse(text: &str) -> Option<Format> {
        [Format::Avro, Format::Json, Format::Protobuf].into_iter().find(|format| format.as_str() == text)
    }
}

/// What a new version of a schema has to satisfy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    None,
    /// There are no new versions.
    Disabled,
    /// The new version reads data of the last one.
    Backward,
    /// The new version reads data of all.
    BackwardAll,
    /// The last version reads data of the new one.
    Forward,
    /// All versions read data of the new one.
    ForwardAll,
    /// Both, with the last version.
    Full,
    /// Both, with all versions.
    FullAll,
}

/// Who reads what the other wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The new version reads data of the earlier one.
    NewReadsOld,
    /// The earlier version reads data of the new one.
    OldReadsNew,
}

impl Mode {
    /// All modes.
    pub const ALL: [Mode; 8] = [
        Mode::None,
        Mode::Disabled,
        Mode::Backward,
        Mode::BackwardAll,
        Mode::Forward,
        Mode::ForwardAll,
        Mode::Full,
        Mode::FullAll,
    ];

    /// Glue's name of the mode.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::None => "NONE",
            Mode::Disabled => "DISABLED",
            Mode::Backward => "BACKWARD",
            Mode::BackwardAll => "BACKWARD_ALL",
            Mode::Forward => "FORWARD",
            Mode::ForwardAll => "FORWARD_ALL",
            Mode::Full => "FULL",
            Mode::FullAll => "FULL_ALL",
        }
    }

    /// Reads Glue's name.
    pub fn parse(text: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.as_str() == text)
    }

    /// What is checked against an earlier version.
    pub fn directions(self) -> &'static [Direction] {
        match self {
            Mode::None | Mode::Disabled => &[],
            Mode::Backward | Mode::BackwardAll => &[Direction::NewReadsOld],
            Mode::Forward | Mode::ForwardAll => &[Direction::OldReadsNew],
            Mode::Full | Mode::FullAll => &[Direction::NewReadsOld, Direction::OldReadsNew],
        }
    }

    /// Whether all earlier versions count, not only the last.
    pub fn is_transitive(self) -> bool {
        matches!(self, Mode::BackwardAll | Mode::ForwardAll | Mode::FullAll)
    }
}

/// A definition that is not acceptable, with the reason for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// What is wrong, and where.
    pub message: String,
}

impl Invalid {
    pub(crate) fn new(message: impl Into<String>) -> Invalid {
        Invalid { message: message.into() }
    }
}

/// Why a definition cannot be shown to read another's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mismatch {
    /// Where, in the words of the format: `Person.address`.
    pub path: String,
    /// What is there.
    pub reason: String,
}

impl Mismatch {
    pub(crate) fn new(path: impl Into<String>, reason: impl Into<String>) -> Mismatch {
        Mismatch { path: path.into(), reason: reason.into() }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return out.write_str(&self.reason);
        }
        write!(out, "{}: {}", self.path, self.reason)
    }
}

/// A column of a table whose rows a definition describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name, as the definition writes it.
    pub name: String,
    /// The Hive type.
    pub hive_type: String,
    /// The field's documentation.
    pub comment: Option<String>,
}

/// A definition that was understood.
#[derive(Debug, Clone)]
pub struct Schema(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Avro(avro::Avro),
    Json(json::Doc),
    Protobuf(proto::File),
}

impl Schema {
    /// Reads a definition.
    ///
    /// # Errors
    /// [`Invalid`] says what is wrong with it.
    pub fn parse(format: Format, definition: &str) -> Result<Schema, Invalid> {
        Ok(Schema(match format {
            Format::Avro => Kind::Avro(avro::parse(definition)?),
            Format::Json => Kind::Json(json::parse(definition)?),
            Format::Protobuf => Kind::Protobuf(proto::parse(definition)?),
        }))
    }

    /// Reads a definition that is not stored yet, and refuses what no reader could use.
    ///
    /// # Errors
    /// [`Invalid`] says what is wrong with it.
    pub fn parse_new(format: Format, definition: &str) -> Result<Schema, Invalid> {
        let parsed = Schema::parse(format, definition)?;
        if let Kind::Json(doc) = &parsed.0 {
            json::check_new(doc)?;
        }
        Ok(parsed)
    }

    /// How it was written.
    pub fn format(&self) -> Format {
        match &self.0 {
            Kind::Avro(_) => Format::Avro,
            Kind::Json(_) => Format::Json,
            Kind::Protobuf(_) => Format::Protobuf,
        }
    }

    /// The definition in a form that is the same for texts that differ in nothing but layout: white space, the order of
    /// keys, comments of Protobuf. Nothing that has a meaning is left out.
    pub fn canonical(&self) -> String {
        match &self.0 {
            Kind::Avro(schema) => strict::canonical(&schema.json),
            Kind::Json(schema) => strict::canonical(&schema.root),
            Kind::Protobuf(file) => file.canonical.clone(),
        }
    }

    /// Whether a reader with this definition reads everything that `writer`'s definition allows to write.
    ///
    /// # Errors
    /// [`Mismatch`] when it does not, or when it cannot be decided.
    pub fn can_read(&self, writer: &Schema) -> Result<(), Mismatch> {
        match (&self.0, &writer.0) {
            (Kind::Avro(reader), Kind::Avro(writer)) => avro::can_read(reader, writer),
            (Kind::Json(reader), Kind::Json(writer)) => json::can_read(reader, writer),
            (Kind::Protobuf(reader), Kind::Protobuf(writer)) => proto::can_read(reader, writer),
            _ => Err(Mismatch::new("", "the definitions are of different formats")),
        }
    }

    /// Whether this definition may follow `earlier` in the directions of a mode.
    ///
    /// # Errors
    /// As [`Schema::can_read`], for the first direction that fails.
    pub fn may_follow(&self, earlier: &Schema, mode: Mode) -> Result<(), Mismatch> {
        for direction in mode.directions() {
            match direction {
                Direction::NewReadsOld => self.can_read(earlier)?,
                Direction::OldReadsNew => earlier.can_read(self)?,
            }
        }
        Ok(())
    }

    /// The columns of a table of such records.
    ///
    /// # Errors
    /// [`Invalid`] when records of it are not rows of named columns, or a type has no Hive type.
    pub fn columns(&self) -> Result<Vec<Column>, Invalid> {
        match &self.0 {
            Kind::Avro(schema) => avro::columns(schema),
            Kind::Json(schema) => json::columns(schema),
            Kind::Protobuf(file) => proto::columns(file),
        }
    }
}

#[cfg(test)]
mod tests;
