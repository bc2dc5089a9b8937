//! From text to [`Avro`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Avro, Field, Logical, Named, NamedKind, Primitive, Shape, Type};
use crate::{Invalid, strict};

/// Reads a definition: a JSON document, or the bare name of a primitive type.
pub(crate) fn parse(text: &str) -> Result<Avro, Invalid> {
    let json = match Primitive::parse(text.trim()) {
        Some(primitive) => Value::from(primitive.as_str()),
        None => strict::parse(text)?,
    };
    let mut reader = Reader { named: Vec::new(), places: BTreeMap::new(), defaults: Vec::new() };
    let root = reader.read(&json, "")?;
    // Defaults wait until all types are known: one may be of a type that holds itself.
    let mut steps = MAX_DEFAULT_STEPS;
    for (place, kind, default) in &reader.defaults {
        if !fits(&reader.named, kind, default, &mut steps) {
            return Err(Invalid::new(format!("{place}: the default {default} is not of the field's type")));
        }
    }
    Ok(Avro { named: reader.named, root, json })
}

struct Reader {
    named: Vec<Named>,
    /// Full name → place in `named`.
    places: BTreeMap<String, usize>,
    /// Field, its type, its default.
    defaults: Vec<(String, Type, Value)>,
}

impl Reader {
    fn read(&mut self, json: &Value, space: &str) -> Result<Type, Invalid> {
        match json {
            Value::String(name) => self.by_name(name, space),
            Value::Array(branches) => self.union(branches, space),
            Value::Object(members) => self.complex(members, space),
            other => Err(Invalid::new(format!("{other} is not a type"))),
        }
    }

    fn by_name(&self, name: &str, space: &str) -> Result<Type, Invalid> {
        if let Some(primitive) = Primitive::parse(name) {
            return Ok(plain(Shape::Primitive(primitive)));
        }
        // A bare name means the enclosing name space; Avro's own parser then tries the empty one.
        let found = self.places.get(&qualified(name, space)).or_else(|| self.places.get(name));
        match found {
            Some(place) => Ok(plain(Shape::Named(*place))),
            None => Err(Invalid::new(format!("{name:?} is not a defined name"))),
        }
    }

    fn union(&mut self, branches: &[Value], space: &str) -> Result<Type, Invalid> {
        let mut found = Vec::with_capacity(branches.len());
        let mut seen = BTreeSet::new();
        for branch in branches {
            let kind = self.read(branch, space)?;
            let label = match &kind.shape {
                Shape::Union(_) => return Err(Invalid::new("a union may not directly contain a union")),
                Shape::Primitive(primitive) => primitive.as_str().to_owned(),
                Shape::Array(_) => "array".to_owned(),
                Shape::Map(_) => "map".to_owned(),
                Shape::Named(place) => format!("{} (named)", self.name_of(*place)),
            };
            if !seen.insert(label.clone()) {
                return Err(Invalid::new(format!("a union has two branches of type {label}")));
            }
            found.push(kind);
        }
        Ok(plain(Shape::Union(found)))
    }

    fn name_of(&self, place: usize) -> &str {
        self.named.get(place).map_or("", |named| named.full_name.as_str())
    }

    fn complex(&mut self, members: &Map<String, Value>, space: &str) -> Result<Type, Invalid> {
        let Some(kind) = members.get("type") else {
            return Err(Invalid::new("a type is an object without \"type\""));
        };
        let Value::String(name) = kind else {
            return self.read(kind, space);
        };
        match name.as_str() {
            "record" | "error" => self.record(members, space),
            "enum" => self.enumeration(members, space),
            "fixed" => self.fixed(members, space),
            "array" => Ok(plain(Shape::Array(Box::new(self.part(members, "items", space)?)))),
            "map" => Ok(plain(Shape::Map(Box::new(self.part(members, "values", space)?)))),
            other => {
                let mut found = self.by_name(other, space)?;
                if let Shape::Primitive(primitive) = found.shape {
                    found.logical = logical(members, primitive);
                }
                Ok(found)
            }
        }
    }

    fn part(&mut self, members: &Map<String, Value>, member: &str, space: &str) -> Result<Type, Invalid> {
        match members.get(member) {
            Some(part) => self.read(part, space),
            None => Err(Invalid::new(format!("a type lacks {member:?}"))),
        }
    }

    /// Takes the place of a named type, and gives its name space for what is inside.
    fn declare(&mut self, members: &Map<String, Value>, space: &str) -> Result<(usize, String), Invalid> {
        let Some(name) = members.get("name").and_then(Value::as_str) else {
            return Err(Invalid::new("a named type lacks \"name\""));
        };
        let given = match members.get("namespace") {
            None | Some(Value::Null) => space,
            Some(Value::String(given)) => given,
            Some(other) => return Err(Invalid::new(format!("{other} is not a namespace"))),
        };
        let full_name = qualified(name, given);
        check_full_name(&full_name)?;
        if Primitive::parse(&full_name).is_some() {
            return Err(Invalid::new(format!("the name {full_name:?} is that of a primitive type")));
        }
        let inner = full_name.rsplit_once('.').map_or("", |(inner, _)| inner).to_owned();
        let mut aliases = Vec::new();
        for alias in texts(members, "aliases")? {
            let alias = qualified(&alias, &inner);
            check_full_name(&alias)?;
            aliases.push(alias);
        }
        let place = self.named.len();
        if self.places.insert(full_name.clone(), place).is_some() {
            return Err(Invalid::new(format!("{full_name:?} is defined twice")));
        }
        self.named.push(Named { full_name, aliases, kind: NamedKind::Pending });
        Ok((place, inner))
    }

    fn define(&mut self, place: usize, kind: NamedKind) -> Type {
        if let Some(named) = self.named.get_mut(place) {
            named.kind = kind;
        }
        plain(Shape::Named(place))
    }

    fn record(&mut self, members: &Map<String, Value>, space: &str) -> Result<Type, Invalid> {
        let (place, inner) = self.declare(members, space)?;
        let record = self.name_of(place).to_owned();
        let Some(given) = members.get("fields").and_then(Value::as_array) else {
            return Err(Invalid::new(format!("{record}: \"fields\" must be a list")));
        };
        let mut fields: Vec<Field> = Vec::with_capacity(given.len());
        let mut seen = BTreeSet::new();
        for field in given {
            let field = self.field(&record, field, &inner)?;
            if !seen.insert(field.name.clone()) {
                return Err(Invalid::new(format!("{record}: the field {:?} is given twice", field.name)));
            }
            fields.push(field);
        }
        Ok(self.define(place, NamedKind::Record(fields)))
    }

    fn field(&mut self, record: &str, json: &Value, space: &str) -> Result<Field, Invalid> {
        let Value::Object(members) = json else {
            return Err(Invalid::new(format!("{record}: {json} is not a field")));
        };
        let Some(name) = members.get("name").and_then(Value::as_str) else {
            return Err(Invalid::new(format!("{record}: a field lacks \"name\"")));
        };
        check_name(name)?;
        let kind = self
            .part(members, "type", space)
            .map_err(|error| Invalid::new(format!("{record}.{name}: {}", error.message)))?;
        let aliases = texts(members, "aliases")?;
        aliases.iter().try_for_each(|alias| check_name(alias))?;
        if let Some(default) = members.get("default") {
            self.defaults.push((format!("{record}.{name}"), kind.clone(), default.clone()));
        }
        Ok(Field {
            name: name.to_owned(),
            aliases,
            kind,
            has_default: members.contains_key("default"),
            doc: members.get("doc").and_then(Value::as_str).map(str::to_owned),
        })
    }

    fn enumeration(&mut self, members: &Map<String, Value>, space: &str) -> Result<Type, Invalid> {
        let (place, _) = self.declare(members, space)?;
        if !members.contains_key("symbols") {
            return Err(Invalid::new(format!("{}: an enum lacks \"symbols\"", self.name_of(place))));
        }
        let symbols = texts(members, "symbols")?;
        let mut seen = BTreeSet::new();
        for symbol in &symbols {
            check_name(symbol)?;
            if !seen.insert(symbol) {
                return Err(Invalid::new(format!("the symbol {symbol:?} is given twice")));
            }
        }
        let default = match members.get("default") {
            None => None,
            Some(Value::String(text)) if symbols.contains(text) => Some(text.clone()),
            Some(other) => return Err(Invalid::new(format!("the enum default {other} is not a symbol"))),
        };
        Ok(self.define(place, NamedKind::Enum { symbols, default }))
    }

    fn fixed(&mut self, members: &Map<String, Value>, space: &str) -> Result<Type, Invalid> {
        let (place, _) = self.declare(members, space)?;
        let Some(size) = members.get("size").and_then(Value::as_u64) else {
            return Err(Invalid::new(format!("{}: \"size\" must be a number", self.name_of(place))));
        };
        let logical = match members.get("logicalType").and_then(Value::as_str) {
            Some("decimal") => decimal(members),
            Some("duration") if size == 12 => Some(Logical::Duration),
            _ => None,
        };
        Ok(self.define(place, NamedKind::Fixed { size, logical }))
    }
}

fn plain(shape: Shape) -> Type {
    Type { shape, logical: None }
}

fn qualified(name: &str, space: &str) -> String {
    if name.contains('.') || space.is_empty() { name.to_owned() } else { format!("{space}.{name}") }
}

fn check_name(name: &str) -> Result<(), Invalid> {
    let mut chars = name.chars();
    let starts_well = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if starts_well && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(Invalid::new(format!("{name:?} is not a name: letters, digits and underscores, not a digit first")))
}

fn check_full_name(name: &str) -> Result<(), Invalid> {
    name.split('.').try_for_each(check_name)
}

/// A list of texts; absent counts as empty.
fn texts(members: &Map<String, Value>, member: &str) -> Result<Vec<String>, Invalid> {
    let wrong = || Invalid::new(format!("{member:?} must be a list of names"));
    match members.get(member) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// The logical type of a primitive. One that does not fit its primitive is ignored, as the specification demands.
fn logical(members: &Map<String, Value>, primitive: Primitive) -> Option<Logical> {
    let name = members.get("logicalType").and_then(Value::as_str)?;
    match (name, primitive) {
        ("decimal", Primitive::Bytes) => decimal(members),
        ("uuid", Primitive::String) => Some(Logical::Uuid),
        ("date", Primitive::Int) => Some(Logical::Date),
        ("time-millis", Primitive::Int) => Some(Logical::TimeMillis),
        ("time-micros", Primitive::Long) => Some(Logical::TimeMicros),
        ("timestamp-millis", Primitive::Long) => Some(Logical::TimestampMillis),
        ("timestamp-micros", Primitive::Long) => Some(Logical::TimestampMicros),
        ("local-timestamp-millis", Primitive::Long) => Some(Logical::LocalTimestampMillis),
        ("local-timestamp-micros", Primitive::Long) => Some(Logical::LocalTimestampMicros),
        _ => None,
    }
}

fn decimal(members: &Map<String, Value>) -> Option<Logical> {
    let precision = members.get("precision").and_then(Value::as_u64).filter(|precision| *precision > 0)?;
    let scale = match members.get("scale") {
        None => 0,
        Some(scale) => scale.as_u64()?,
    };
    (scale <= precision).then_some(Logical::Decimal { precision, scale })
}

/// Looks at types of unions, one after the other, within each other: the bound keeps a malicious definition short.
const MAX_DEFAULT_STEPS: u32 = 200_000;

/// Whether a default is of a type. Of a union it may be of any branch.
fn fits(named: &[Named], kind: &Type, value: &Value, steps: &mut u32) -> bool {
    let Some(left) = steps.checked_sub(1) else {
        return false;
    };
    *steps = left;
    match &kind.shape {
        Shape::Primitive(primitive) => fits_primitive(*primitive, value),
        Shape::Array(items) => {
            value.as_array().is_some_and(|values| values.iter().all(|value| fits(named, items, value, steps)))
        }
        Shape::Map(values) => value
            .as_object()
            .is_some_and(|members| members.values().all(|value| fits(named, values, value, steps))),
        Shape::Union(branches) => branches.iter().any(|branch| fits(named, branch, value, steps)),
        Shape::Named(place) => match named.get(*place).map(|found| &found.kind) {
            Some(NamedKind::Record(fields)) => value.as_object().is_some_and(|members| {
                fields.iter().all(|field| match members.get(&field.name) {
                    Some(value) => fits(named, &field.kind, value, steps),
                    None => field.has_default,
                })
            }),
            Some(NamedKind::Enum { symbols, .. }) => {
                value.as_str().is_some_and(|text| symbols.iter().any(|symbol| symbol == text))
            }
            Some(NamedKind::Fixed { size, .. }) => {
                is_bytes(value) && value.as_str().is_some_and(|text| text.chars().count() as u64 == *size)
            }
            Some(NamedKind::Pending) | None => false,
        },
    }
}

fn fits_primitive(primitive: Primitive, value: &Value) -> bool {
    match primitive {
        Primitive::Null => value.is_null(),
        Primitive::Boolean => value.is_boolean(),
        Primitive::Int => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Primitive::Long => value.as_i64().is_some(),
        Primitive::Float | Primitive::Double => value.is_number(),
        Primitive::Bytes => is_bytes(value),
        Primitive::String => value.is_string(),
    }
}

/// Bytes are written as text whose characters are the bytes.
fn is_bytes(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.chars().all(|c| u32::from(c) <= 0xff))
}
