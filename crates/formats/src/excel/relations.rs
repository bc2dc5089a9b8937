//! Which parts a workbook in a zip archive consists of. Layout: ECMA-376 part 2, 6.5 (relationships).

use std::collections::HashMap;

use super::xml::{Attributes, Xml};
use super::{MAX_SHEETS, flaw, unsupported};
use crate::archive::Parts;
use crate::error::Problem;

/// A part that the workbook refers to.
pub(super) struct Relation {
    kind: String,
    /// Its path in the archive.
    pub(super) part: String,
}

impl Relation {
    /// Whether it is one of the given kind, such as `worksheet`.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind.rsplit('/').next() == Some(kind)
    }
}

/// What the part `path` lists, by id; targets are relative to `folder`. Nothing where there is no such part.
pub(super) fn relations(
    parts: &Parts,
    path: &str,
    folder: &str,
) -> Result<HashMap<String, Relation>, Problem> {
    let mut found = HashMap::new();
    let Some(part) = parts.open(path).map_err(|e| e.problem)? else { return Ok(found) };
    let mut xml = Xml::new(part);
    while let Some(mut attributes) = next(&mut xml)? {
        let mut take =
            |name: &str| attributes.remove(name).ok_or_else(|| flaw(format!("{path} lacks a {name}")));
        let (id, kind, target) = (take("Id")?, take("Type")?, take("Target")?);
        let part = match target.strip_prefix('/') {
            Some(whole) => whole.to_owned(),
            None => format!("{folder}/{target}"),
        };
        found.insert(id, Relation { kind, part });
        if found.len() > 2 * MAX_SHEETS {
            return Err(unsupported("a workbook of so many parts"));
        }
    }
    Ok(found)
}

/// The attributes of the next relation.
fn next(xml: &mut Xml) -> Result<Option<Attributes>, Problem> {
    xml.find("Relationship")
}
