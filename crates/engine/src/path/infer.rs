//! One format and one schema for many files, from a sample of them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use formats::{
    ByteSource, ColumnNames, Format, FormatError, InferOptions, Inferred, InferredField, Problem, Seen,
    hive::HiveType, merge_seen, merge_unions,
};

use super::{PathSource, TextTypes, stated_format};
use crate::{EngineError, object::SourceObject};

/// Bytes looked at of a file whose columns are all text: room for the widest header.
const TEXT_SAMPLE_BYTES: usize = 256 << 10;

/// The format and the columns to read. `skips_bad`: broken records will be left out.
/// Errors: `Format` for a sampled file that cannot be read; `OptionsInvalid` for files of different formats, and when
/// there is nothing to infer from.
pub(super) async fn schema(
    source: &PathSource,
    objects: &[Arc<SourceObject>],
    skips_bad: bool,
) -> Result<(Format, SchemaRef), EngineError> {
    let stated = stated_format(&source.format);
    if let (Some(format), Some(schema)) = (&stated, &source.schema) {
        return Ok((format.clone(), Arc::clone(schema)));
    }
    let wanted = if source.schema.is_some() { 1 } else { source.sample_files.max(1) };
    let mut merged: Option<Merged> = None;
    let mut empty = None;
    for object in sample(objects, wanted) {
        let options = InferOptions { skips_bad, ..infer_options(source, stated.as_ref()) };
        let inferred = match formats::infer(Arc::clone(&object) as Arc<dyn ByteSource>, &options).await {
            Ok(inferred) => inferred,
            // A file without records says nothing about the others; nor does one whose first records are all left out.
            Err(error) if error.is_empty_file() || skips_bad => {
                empty.get_or_insert(error);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        // Who reads all that a path holds must not lose a column to its type, nor all of them to a wrong separator.
        let loses = |problem: &&formats::FormatError| {
            matches!(problem.problem, Problem::ColumnLeftOut { .. } | Problem::Undivided { .. })
        };
        if let Some(problem) = inferred.problems.iter().find(loses).filter(|_| source.schema.is_none()) {
            return Err(problem.clone().into());
        }
        match &mut merged {
            None => merged = Some(Merged::new(inferred, object.name(), source)?),
            Some(merged) => merged.add(inferred, object.name())?,
        }
    }
    match (merged, stated, &source.schema) {
        (Some(merged), _, Some(schema)) => Ok((merged.format, Arc::clone(schema))),
        (Some(merged), ..) => merged.finish(source.text_types),
        // Nothing will be read, or only empty files: any format reads them alike.
        (None, format, schema) if let Some(schema) = schema.as_ref().or(source.known.as_ref()) => {
            Ok((format.unwrap_or(Format::Json(formats::JsonOptions::default())), Arc::clone(schema)))
        }
        (None, ..) => Err(nothing(source, objects, empty)),
    }
}

/// That there is nothing to take a schema from, and why as far as a file tells.
fn nothing(source: &PathSource, objects: &[Arc<SourceObject>], empty: Option<FormatError>) -> EngineError {
    let why = match (empty, objects.first()) {
        (Some(error), _) => format!(": {error}"),
        (None, Some(object)) => format!(": {}: {}", object.name(), Problem::Empty),
        (None, None) => String::new(),
    };
    let paths = source.paths.join(", ");
    EngineError::OptionsInvalid {
        what: format!("there is no file with records below {paths} to take a schema from{why}"),
    }
}

/// What is looked at of each file: where all columns are text, the first lines, which name them, are enough.
fn infer_options(source: &PathSource, stated: Option<&Format>) -> InferOptions {
    let default = InferOptions {
        format: stated.cloned(),
        keep_case: true,
        whole: source.whole_files,
        choices: source.choices,
        ..InferOptions::default()
    };
    match (source.text_types, stated) {
        (TextTypes::String, Some(Format::Csv(_))) => {
            InferOptions { sample_bytes: TEXT_SAMPLE_BYTES, ..default }
        }
        _ => default,
    }
}

/// Up to `wanted` objects, spread evenly, the first and the last among them; empty ones last.
fn sample(objects: &[Arc<SourceObject>], wanted: usize) -> Vec<Arc<SourceObject>> {
    let filled: Vec<&Arc<SourceObject>> = objects.iter().filter(|object| object.size() > 0).collect();
    if filled.len() <= wanted {
        return filled.into_iter().cloned().collect();
    }
    let last = filled.len() - 1;
    let steps = wanted.max(2) - 1;
    (0..wanted).map(|i| Arc::clone(filled[i * last / steps])).collect()
}

/// Columns of a schema as if they had been found in a file, with values of their types.
fn known_fields(known: &Schema, choices: bool) -> Result<Vec<InferredField>, EngineError> {
    let field = |field: &Arc<Field>| {
        let ty = match choices {
            true => HiveType::from_arrow_with_choices(field.data_type()),
            false => HiveType::from_arrow(field.data_type()),
        };
        let ty = ty.map_err(|error| EngineError::OptionsInvalid {
            what: format!("column {}: {error}", field.name()),
        })?;
        Ok(InferredField { name: field.name().clone(), ty, nullable: true, seen: Seen::Values })
    };
    known.fields().iter().map(field).collect()
}

struct Merged {
    format: Format,
    /// CSV: whether some file without quotes has backslashes.
    backslashes: bool,
    first: String,
    fields: Vec<(String, HiveType, Seen)>,
    /// Whether fields of several types are choices.
    choices: bool,
    /// Places in `fields` by the name, in lower case where that does not count.
    places: HashMap<String, usize>,
}

impl Merged {
    fn new(inferred: Inferred, name: &str, source: &PathSource) -> Result<Self, EngineError> {
        let format = match inferred.format {
            // One file's schema is not the others'.
            Format::Avro(_) => Format::Avro(formats::AvroOptions::default()),
            other => other,
        };
        let mut merged = Self {
            format,
            backslashes: inferred.backslashes,
            first: name.to_owned(),
            fields: Vec::new(),
            choices: source.choices,
            places: HashMap::new(),
        };
        if let Some(known) = &source.known {
            merged.add_fields(known_fields(known, source.choices)?);
        }
        merged.add_fields(inferred.fields);
        Ok(merged)
    }

    /// Readers that tell names apart by case need a column for each; for the others they are one.
    fn add_fields(&mut self, fields: Vec<InferredField>) {
        let exact = matches!(&self.format, Format::Json(json) if !json.case_insensitive);
        for field in fields {
            let key = if exact { field.name.clone() } else { field.name.to_lowercase() };
            match self.places.get(&key) {
                Some(place) => {
                    let (_, ty, seen) = &mut self.fields[*place];
                    let (own, new) = ((&*ty, &*seen), (&field.ty, &field.seen));
                    (*ty, *seen) = match self.choices {
                        true => merge_unions(own, new),
                        false => merge_seen(own, new, self.format.value_tag()),
                    };
                }
                None => {
                    self.places.insert(key, self.fields.len());
                    self.fields.push((field.name, field.ty, field.seen));
                }
            }
        }
    }

    fn add(&mut self, inferred: Inferred, name: &str) -> Result<(), EngineError> {
        let (ours, theirs) = (self.format.classification(), inferred.format.classification());
        if ours != theirs {
            let what =
                format!("{} is {ours}, {name} is {theirs}: one source reads files of one format", self.first);
            return Err(EngineError::OptionsInvalid { what });
        }
        self.merge_dialect(&inferred, name)?;
        self.backslashes |= inferred.backslashes;
        self.add_fields(inferred.fields);
        Ok(())
    }

    /// One dialect has to do for all files. The layout of JSON is found out file by file.
    fn merge_dialect(&mut self, other: &Inferred, name: &str) -> Result<(), EngineError> {
        match (&mut self.format, &other.format) {
            (Format::Csv(ours), Format::Csv(theirs)) => {
                if ours.delimiter != theirs.delimiter
                    || ours.header_lines != theirs.header_lines
                    || ours.comment != theirs.comment
                {
                    let what =
                        format!("{} and {name} differ in their separator, header or comments", self.first);
                    return Err(EngineError::OptionsInvalid { what });
                }
                let clash = ours.escape.is_some() && theirs.escape.is_some() && ours.escape != theirs.escape;
                if clash || (self.backslashes && theirs.escapes()) || (other.backslashes && ours.escapes()) {
                    let what = format!("{} and {name} differ in how quotes are escaped", self.first);
                    return Err(EngineError::OptionsInvalid { what });
                }
                if theirs.quote.is_some() {
                    (ours.quote, ours.multiline) = (theirs.quote, theirs.multiline);
                    ours.escape = ours.escape.or(theirs.escape);
                }
            }
            (Format::Excel(ours), Format::Excel(theirs)) if ours.header != theirs.header => {
                let what = format!("{} and {name} differ in having a header", self.first);
                return Err(EngineError::OptionsInvalid { what });
            }
            (Format::Xml(ours), Format::Xml(theirs)) if ours != theirs => {
                let what = format!("{} and {name} differ in the elements that are rows", self.first);
                return Err(EngineError::OptionsInvalid { what });
            }
            (Format::Lines(ours), Format::Lines(theirs)) if ours != theirs => {
                let what = format!("{} and {name} differ in the pattern of their lines", self.first);
                return Err(EngineError::OptionsInvalid { what });
            }
            (Format::Json(ours), Format::Json(theirs)) if ours.path != theirs.path => {
                let what = format!("{} and {name} differ in where their records are", self.first);
                return Err(EngineError::OptionsInvalid { what });
            }
            (Format::Json(ours), Format::Json(theirs)) if ours.layout != theirs.layout => {
                ours.layout = formats::JsonLayout::Auto;
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self, text_types: TextTypes) -> Result<(Format, SchemaRef), EngineError> {
        if self.fields.is_empty() {
            let what = format!(
                "no column was found in {}: its first record is empty, or longer than what is looked at of a file",
                self.first
            );
            return Err(EngineError::OptionsInvalid { what });
        }
        let mut all_text = false;
        if let Format::Csv(csv) = &mut self.format {
            all_text = text_types == TextTypes::String;
            // Each file's own header says where its columns are.
            if csv.header_lines > 0 && matches!(csv.names, ColumnNames::Given(_)) {
                csv.names = ColumnNames::Header;
            }
        }
        let mut fields = Vec::with_capacity(self.fields.len());
        for (name, ty, _) in self.fields {
            let ty = if all_text { HiveType::String } else { ty };
            let data_type = if self.choices { ty.to_arrow_with_choices() } else { ty.to_arrow() };
            let data_type = data_type.map_err(|error| EngineError::OptionsInvalid {
                what: format!("column {name} of {}: {error}", self.first),
            })?;
            fields.push(Field::new(name, data_type, true));
        }
        Ok((self.format, Arc::new(Schema::new(fields))))
    }
}
