//! First rows that may be headers. Where a file has nothing but text, or nothing at all, below its first row, this row looks
//! like any other. It is a header all the same when files beside it, or the table that the file is to belong to, have
//! columns of just these names.

use std::collections::HashMap;
use std::sync::Arc;

use formats::InferredField;

use super::kind::Kind;
use super::shape::{Likeness, Shape, merge_positions};
use super::tree::Part;

/// Columns that are told apart by fewer names could be named alike by chance.
const MIN_NAMES: usize = 2;

impl Shape {
    /// The same files with their first rows as headers; none when these are none for sure, or are not alike.
    pub(crate) fn with_header(&self) -> Option<Self> {
        let (titled, kind) = (self.titled.as_ref()?, titled_kind(&self.kind)?);
        let records = self.records.saturating_sub(self.files);
        Some(Self { kind, fields: Arc::clone(titled), titled: None, records, ..self.clone() })
    }
}

/// Makes headers of the first rows of a table's files. Its partitions are made of the same files.
pub(crate) fn take_header(shape: &mut Shape, parts: &mut [Part]) {
    let Some(titled) = shape.with_header() else { return };
    for part in parts {
        part.fields = part.titled.take().unwrap_or_else(|| Arc::clone(&titled.fields));
        part.records = part.records.saturating_sub(part.files);
    }
    *shape = titled;
}

/// The kind of files whose first row is a header after all.
fn titled_kind(kind: &Kind) -> Option<Kind> {
    let Kind::Csv { delimiter, header_lines, quote, comment } = *kind else { return None };
    Some(Kind::Csv { delimiter, header_lines: header_lines + 1, quote, comment })
}

/// What first rows of two groups say together: nothing, unless they are the same names.
pub(super) fn merged(
    own: Option<Arc<Vec<InferredField>>>,
    other: Option<&Arc<Vec<InferredField>>>,
) -> Option<Arc<Vec<InferredField>>> {
    let (own, other) = (own?, other?);
    if Arc::ptr_eq(&own, other) || own == *other {
        return Some(own);
    }
    merge_positions(&own, other, true, Likeness::Compatible).map(Arc::new)
}

/// Files with a header, and its columns.
type Titled = (Kind, Arc<Vec<InferredField>>);

/// Columns of files that have a header for sure.
#[derive(Default)]
pub(super) struct Headers {
    /// By their first names.
    known: HashMap<[String; MIN_NAMES], Vec<Titled>>,
}

impl Headers {
    pub(super) fn of<'a>(shapes: impl Iterator<Item = &'a Shape>) -> Self {
        let mut all = Self::default();
        for shape in shapes.filter(|shape| shape.titled.is_none()) {
            let (Kind::Csv { header_lines: 1.., .. }, Some(names)) = (&shape.kind, first(&shape.fields))
            else {
                continue;
            };
            let known = all.known.entry(names).or_default();
            if !known.iter().any(|(kind, fields)| *kind == shape.kind && same(fields, &shape.fields)) {
                known.push((shape.kind.clone(), Arc::clone(&shape.fields)));
            }
        }
        all
    }

    /// Whether the first rows of a group are such a header, or as much of it as they have columns.
    pub(super) fn name(&self, shape: &Shape) -> bool {
        let Some((titled, kind)) = shape.titled.as_ref().zip(titled_kind(&shape.kind)) else { return false };
        let known = first(titled).and_then(|names| self.known.get(&names));
        known.into_iter().flatten().any(|(known, fields)| *known == kind && begin_alike(fields, titled))
    }
}

fn first(fields: &[InferredField]) -> Option<[String; MIN_NAMES]> {
    match fields {
        [first, second, ..] => Some([first.name.clone(), second.name.clone()]),
        _ => None,
    }
}

fn begin_alike(a: &[InferredField], b: &[InferredField]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.name == b.name)
}

fn same(a: &Arc<Vec<InferredField>>, b: &Arc<Vec<InferredField>>) -> bool {
    Arc::ptr_eq(a, b) || (a.len() == b.len() && begin_alike(a, b))
}
