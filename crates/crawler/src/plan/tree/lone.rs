//! Files of one row of delimited text. By itself such a row may be a header as well as a record, and its file is left out. It
//! is a record where files beside it have none for a header and columns that take it in.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use formats::hive::HiveType;
use formats::{InferredField, merge_types};

use super::super::kind::Kind;
use super::super::names::{is_date_like, key_value};
use super::super::shape::{Likeness, Shape};
use super::Folder;

/// A file of one row.
#[derive(Debug, Clone)]
pub(crate) struct Lone {
    /// Its key, whole.
    pub(crate) key: String,
    /// The file if the row is a record.
    pub(crate) shape: Shape,
    /// Why it is left out if it is not: kind of reason, message.
    pub(crate) kind: String,
    pub(crate) why: String,
}

impl Shape {
    /// One row as a record of columns of these types: it has as many fields, and each type `takes` its own. What a column of text
    /// has is text.
    pub(crate) fn as_record<'a>(
        &self,
        types: impl ExactSizeIterator<Item = &'a HiveType>,
        takes: impl Fn(&HiveType, &InferredField) -> bool,
    ) -> Option<Self> {
        if types.len() != self.fields.len() {
            return None;
        }
        let field = |(ty, field): (&HiveType, &InferredField)| {
            let text = *ty == HiveType::String;
            let own = if text { HiveType::String } else { field.ty.clone() };
            (text || takes(ty, field)).then(|| InferredField { ty: own, ..field.clone() })
        };
        let fields = types.zip(self.fields.iter()).map(field).collect::<Option<Vec<_>>>()?;
        Some(Self { fields: Arc::new(fields), titled: None, ..self.clone() })
    }

    /// One row as a record of files that have no header for sure.
    fn as_record_of(&self, other: &Self) -> Option<Self> {
        let headless = matches!(other.kind, Kind::Csv { header_lines: 0, .. }) && other.titled.is_none();
        if !headless || self.kind != other.kind || self.fields.len() != other.fields.len() {
            return None;
        }
        // Where nothing was seen, anything may come.
        let fields = other.fields.iter().zip(self.fields.iter());
        let types: Vec<&HiveType> =
            fields.map(|(known, own)| if known.seen.is_nothing() { &own.ty } else { &known.ty }).collect();
        // A column of numbers may become one of wider numbers.
        self.as_record(types.into_iter(), |ty, field| {
            field.seen.is_nothing() || merge_types(ty, &field.ty) != HiveType::String
        })
    }
}

/// Takes in the files of one row that are records: `known` may say so first (of the folder's path, the catalog), then files in the
/// same folder, then those of folders that are named alike. Returns those that are, as they are now, and those that are not.
pub(crate) fn take_lone(
    folders: &mut BTreeMap<String, Folder>,
    likeness: Likeness,
    known: impl Fn(&str, &Shape) -> Option<Shape>,
) -> (Vec<(String, Shape)>, Vec<Lone>) {
    let mut beside: HashMap<String, Vec<Shape>> = HashMap::new();
    for (path, folder) in folders.iter() {
        let shapes = beside.entry(pattern(path)).or_default();
        for group in folder.groups() {
            if !shapes.iter().any(|shape| shape.kind == group.kind && shape.fields == group.fields) {
                shapes.push(group.clone());
            }
        }
    }
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for (path, folder) in folders.iter_mut() {
        let own = folder.groups().to_vec();
        let alike = beside.get(&pattern(path)).filter(|_| own.is_empty());
        let around = alike.unwrap_or(&own);
        for lone in std::mem::take(&mut folder.lone) {
            let record = known(path, &lone.shape)
                .or_else(|| around.iter().find_map(|shape| lone.shape.as_record_of(shape)));
            match record.filter(|record| folder.add_late(&lone.key, record, likeness)) {
                Some(record) => taken.push((lone.key, record)),
                None => left.push(lone),
            }
        }
    }
    (taken, left)
}

/// What folders of one table's partitions have in common: values of keys, numbers and dates are left out.
fn pattern(path: &str) -> String {
    let names = path.split('/').map(|name| match key_value(name) {
        Some((key, _)) => format!("{key}="),
        None if is_date_like(name) => "#".to_owned(),
        None => name.to_owned(),
    });
    names.collect::<Vec<_>>().join("/")
}
