//! Whether a reader's definition resolves a writer's, by "Schema Resolution" of the Avro specification.
//!
//! Where implementations differ (two types of one short name in a union, an alias that is also a field) the answer is
//! no. Beyond the specification, two different logical types of one shape do not match: milliseconds read as
//! microseconds are wrong values, not an error that anybody would see.

use std::collections::{BTreeMap, BTreeSet};

use super::{Avro, Field, Logical, Named, NamedKind, Primitive, Shape, Type};
use crate::{Mismatch, strict};

/// Types within types that are looked into; named types that hold themselves are looked into once.
const MAX_DEPTH: usize = 200;

/// Whether `reader` reads everything that `writer` writes.
pub(crate) fn can_read(reader: &Avro, writer: &Avro) -> Result<(), Mismatch> {
    if strict::canonical(&reader.json) == strict::canonical(&writer.json) {
        return Ok(());
    }
    let mut resolver = Resolver { reader, writer, seen: BTreeSet::new(), path: Vec::new() };
    resolver.resolve(&reader.root, &writer.root)
}

struct Resolver<'a> {
    reader: &'a Avro,
    writer: &'a Avro,
    /// Pairs of named types that were resolved, or are being resolved further up. A pair that does not resolve ends
    /// the whole search, so none of these can turn out wrong.
    seen: BTreeSet<(usize, usize)>,
    path: Vec<String>,
}

impl<'a> Resolver<'a> {
    fn resolve(&mut self, reader: &'a Type, writer: &'a Type) -> Result<(), Mismatch> {
        if self.path.len() > MAX_DEPTH {
            return Err(self.mismatch("the definitions are nested too deeply to be compared"));
        }
        if let Shape::Union(branches) = &writer.shape {
            // Whatever branch was written has to be read.
            return branches.iter().try_for_each(|branch| self.resolve(reader, branch));
        }
        if let Shape::Union(branches) = &reader.shape {
            return self.resolve_into_union(branches, writer);
        }
        match (&reader.shape, &writer.shape) {
            (Shape::Primitive(to), Shape::Primitive(from)) => {
                if to != from && !promotes(*from, *to) {
                    return Err(self.no_match(reader, writer));
                }
                self.same_meaning(reader.logical, writer.logical)
            }
            (Shape::Array(to), Shape::Array(from)) => self.within("[]", |this| this.resolve(to, from)),
            (Shape::Map(to), Shape::Map(from)) => self.within("{}", |this| this.resolve(to, from)),
            (Shape::Named(to), Shape::Named(from)) => self.resolve_named(*to, *from),
            _ => Err(self.no_match(reader, writer)),
        }
    }

    /// The writer's type is not a union: finds the branch that reads it.
    fn resolve_into_union(&mut self, branches: &'a [Type], writer: &'a Type) -> Result<(), Mismatch> {
        let same_kind: Vec<&Type> = branches.iter().filter(|branch| self.matches(branch, writer)).collect();
        if let Shape::Named(from) = &writer.shape {
            let full_name = &self.named(self.writer, *from)?.full_name;
            let exact = same_kind.iter().find(|branch| match &branch.shape {
                Shape::Named(to) => {
                    self.reader.named.get(*to).is_some_and(|named| named.full_name == *full_name)
                }
                _ => false,
            });
            if let Some(exact) = exact.copied() {
                return self.resolve(exact, writer);
            }
        }
        if !same_kind.is_empty() {
            // Several only when they share a short name: then which one is taken depends on the implementation.
            return same_kind.into_iter().try_for_each(|branch| self.resolve(branch, writer));
        }
        let promoted = branches.iter().find(|branch| match (&branch.shape, &writer.shape) {
            (Shape::Primitive(to), Shape::Primitive(from)) => promotes(*from, *to),
            _ => false,
        });
        match promoted {
            Some(branch) => self.same_meaning(branch.logical, writer.logical),
            None => {
                let what = describe(self.writer, writer);
                Err(self.mismatch(format!("the reader's union has no branch for {what}")))
            }
        }
    }

    /// Whether two types are of one kind and, if named, of one name; what is inside is not looked at.
    fn matches(&self, reader: &Type, writer: &Type) -> bool {
        match (&reader.shape, &writer.shape) {
            (Shape::Primitive(to), Shape::Primitive(from)) => to == from,
            (Shape::Array(_), Shape::Array(_)) | (Shape::Map(_), Shape::Map(_)) => true,
            (Shape::Named(to), Shape::Named(from)) => {
                match (self.reader.named.get(*to), self.writer.named.get(*from)) {
                    (Some(to), Some(from)) => {
                        let kinds = (&to.kind, &from.kind);
                        let same_kind = matches!(
                            kinds,
                            (NamedKind::Record(_), NamedKind::Record(_))
                                | (NamedKind::Enum { .. }, NamedKind::Enum { .. })
                                | (NamedKind::Fixed { .. }, NamedKind::Fixed { .. })
                        );
                        same_kind && names_match(to, from)
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn resolve_named(&mut self, to: usize, from: usize) -> Result<(), Mismatch> {
        if !self.seen.insert((to, from)) {
            return Ok(());
        }
        let (reader, writer) = (self.named(self.reader, to)?, self.named(self.writer, from)?);
        if !names_match(reader, writer) {
            let reason = format!("{} is not {}, nor an alias of it", writer.full_name, reader.full_name);
            return Err(self.mismatch(reason));
        }
        match (&reader.kind, &writer.kind) {
            (NamedKind::Record(to), NamedKind::Record(from)) => self.resolve_record(reader, to, from),
            (NamedKind::Enum { symbols, default }, NamedKind::Enum { symbols: written, .. }) => {
                let missing = written.iter().find(|symbol| !symbols.contains(symbol));
                match missing {
                    Some(symbol) if default.is_none() => Err(self.mismatch(format!(
                        "the reader's enum {} has neither the symbol {symbol} nor a default",
                        reader.full_name
                    ))),
                    _ => Ok(()),
                }
            }
            (
                NamedKind::Fixed { size, logical },
                NamedKind::Fixed { size: written, logical: written_logical },
            ) => {
                if size != written {
                    let reason = format!(
                        "the fixed {} has {size} bytes for the reader, {written} for the writer",
                        reader.full_name
                    );
                    return Err(self.mismatch(reason));
                }
                self.same_meaning(*logical, *written_logical)
            }
            _ => Err(self.mismatch(format!("{} is a type of another kind for the writer", reader.full_name))),
        }
    }

    fn resolve_record(
        &mut self,
        reader: &'a Named,
        to: &'a [Field],
        from: &'a [Field],
    ) -> Result<(), Mismatch> {
        let mut taken = BTreeSet::new();
        let from: BTreeMap<&str, &Field> = from.iter().map(|field| (field.name.as_str(), field)).collect();
        for field in to {
            let owner = if self.path.is_empty() { reader.full_name.as_str() } else { "" };
            let step = format!("{owner}.{}", field.name);
            self.within(&step, |this| match this.written(field, &from)? {
                Some(written) if !taken.insert(written.name.as_str()) => Err(this.mismatch(format!(
                    "the writer's field {} would be read as two fields, by an alias",
                    written.name
                ))),
                Some(written) => this.resolve(&field.kind, &written.kind),
                None if field.has_default => Ok(()),
                None => Err(this.mismatch("the writer has no such field, and the reader gives no default")),
            })?;
        }
        Ok(())
    }

    /// The writer's field that a reader's field is read from.
    fn written(
        &self,
        field: &Field,
        from: &BTreeMap<&str, &'a Field>,
    ) -> Result<Option<&'a Field>, Mismatch> {
        let names: BTreeSet<&String> = std::iter::once(&field.name).chain(&field.aliases).collect();
        let mut found = names.into_iter().filter_map(|name| from.get(name.as_str()).copied());
        let first = found.next();
        match found.next() {
            Some(second) => Err(self.mismatch(format!(
                "it could be read from several fields of the writer by its aliases, {} among them",
                second.name
            ))),
            None => Ok(first),
        }
    }

    fn same_meaning(&self, reader: Option<Logical>, writer: Option<Logical>) -> Result<(), Mismatch> {
        match (reader, writer) {
            (Some(to), Some(from)) if to != from => {
                Err(self.mismatch(format!("the logical type {from:?} would be read as {to:?}")))
            }
            _ => Ok(()),
        }
    }

    fn named(&self, schema: &'a Avro, place: usize) -> Result<&'a Named, Mismatch> {
        schema.named.get(place).ok_or_else(|| self.mismatch("a type has no definition"))
    }

    fn within(
        &mut self,
        step: &str,
        look: impl FnOnce(&mut Self) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        self.path.push(step.to_owned());
        let answer = look(self);
        self.path.pop();
        answer
    }

    fn mismatch(&self, reason: impl Into<String>) -> Mismatch {
        Mismatch::new(self.path.concat(), reason)
    }

    fn no_match(&self, reader: &Type, writer: &Type) -> Mismatch {
        let (to, from) = (describe(self.reader, reader), describe(self.writer, writer));
        self.mismatch(format!("{from} cannot be read as {to}"))
    }
}

/// The writer's type by the reader's name for it: the short names agree, or the reader has the writer's as an alias.
fn names_match(reader: &Named, writer: &Named) -> bool {
    reader.short_name() == writer.short_name() || reader.aliases.contains(&writer.full_name)
}

/// Whether a written `from` may be read as `to`.
fn promotes(from: Primitive, to: Primitive) -> bool {
    use Primitive::{Bytes, Double, Float, Int, Long, String};
    matches!(
        (from, to),
        (Int, Long | Float | Double)
            | (Long, Float | Double)
            | (Float, Double)
            | (String, Bytes)
            | (Bytes, String)
    )
}

fn describe(schema: &Avro, kind: &Type) -> String {
    match &kind.shape {
        Shape::Primitive(primitive) => primitive.as_str().to_owned(),
        Shape::Array(_) => "array".to_owned(),
        Shape::Map(_) => "map".to_owned(),
        Shape::Union(_) => "union".to_owned(),
        Shape::Named(place) => {
            schema.named.get(*place).map_or_else(String::new, |named| named.full_name.clone())
        }
    }
}
