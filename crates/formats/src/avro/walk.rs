//! Walks over a block's records without decoding them: does it hold exactly so many?
//!
//! Bounded: types refer to each other by number, so that a schema that holds itself is no endless type, and values are
//! followed to a depth; items without bytes (NULLs in an array) are counted against a limit, because a few bytes can
//! claim any number of them.

use std::collections::HashMap;

use serde_json::Value;

use super::container::number;

/// Depth of values within each other.
const MAX_DEPTH: usize = 128;
/// Items of arrays in one block that may take no bytes.
const MAX_EMPTY_ITEMS: u64 = 1 << 20;

#[derive(Debug)]
enum Shape {
    /// So many bytes.
    Fixed(usize),
    Number,
    /// A length, then so many bytes.
    Bytes,
    /// Blocks of items; of a map, each with a name before it.
    Items {
        item: usize,
        named: bool,
    },
    Union(Vec<usize>),
    Record(Vec<usize>),
}

/// The types of a schema, the record first.
#[derive(Debug)]
pub(super) struct Shapes {
    shapes: Vec<Shape>,
    root: usize,
}

impl Shapes {
    /// Errors: for people, what the schema lacks.
    pub(super) fn new(schema: &Value) -> Result<Self, String> {
        let mut builder = Builder { shapes: Vec::new(), named: HashMap::new() };
        let root = builder.add(schema, "")?;
        Ok(Self { shapes: builder.shapes, root })
    }

    /// Checks that `data` holds `count` records, to its last byte. Errors: what is wrong.
    pub(super) fn check(&self, mut data: &[u8], count: u64) -> Result<(), &'static str> {
        let mut empty_items = 0;
        for _ in 0..count {
            if data.is_empty() {
                return Err("a block holds fewer records than it says, or records without bytes");
            }
            self.skip(self.root, &mut data, 0, &mut empty_items)?;
        }
        if data.is_empty() { Ok(()) } else { Err("a block holds more than the records that it says") }
    }

    fn skip(
        &self,
        shape: usize,
        data: &mut &[u8],
        depth: usize,
        empty_items: &mut u64,
    ) -> Result<(), &'static str> {
        if depth > MAX_DEPTH {
            return Err("a value is nested too deep");
        }
        match &self.shapes[shape] {
            Shape::Fixed(length) => take(data, *length),
            Shape::Number => take_number(data).map(|_| ()),
            Shape::Bytes => {
                let length = take_number(data)?;
                take(data, usize::try_from(length).map_err(|_| "a length is negative")?)
            }
            Shape::Items { item, named } => loop {
                let count = take_number(data)?;
                if count == 0 {
                    return Ok(());
                }
                if count < 0 {
                    take_number(data)?;
                }
                for _ in 0..count.unsigned_abs() {
                    let before = data.len();
                    if *named {
                        let length = take_number(data)?;
                        take(data, usize::try_from(length).map_err(|_| "a length is negative")?)?;
                    }
                    self.skip(*item, data, depth + 1, empty_items)?;
                    *empty_items += u64::from(before == data.len());
                    if *empty_items > MAX_EMPTY_ITEMS {
                        return Err("a block holds too many items without bytes");
                    }
                }
            },
            Shape::Union(branches) => {
                let branch = take_number(data)?;
                let branch = usize::try_from(branch).ok().and_then(|branch| branches.get(branch));
                self.skip(*branch.ok_or("a union has no such branch")?, data, depth + 1, empty_items)
            }
            Shape::Record(fields) => {
                fields.iter().try_for_each(|field| self.skip(*field, data, depth + 1, empty_items))
            }
        }
    }
}

fn take(data: &mut &[u8], length: usize) -> Result<(), &'static str> {
    *data = data.get(length..).ok_or("a value reaches beyond its block")?;
    Ok(())
}

fn take_number(data: &mut &[u8]) -> Result<i64, &'static str> {
    let (value, length) = number(data)?.ok_or("a value reaches beyond its block")?;
    *data = &data[length..];
    Ok(value)
}

struct Builder {
    shapes: Vec<Shape>,
    named: HashMap<String, usize>,
}

impl Builder {
    fn push(&mut self, shape: Shape) -> usize {
        self.shapes.push(shape);
        self.shapes.len() - 1
    }

    fn add(&mut self, schema: &Value, namespace: &str) -> Result<usize, String> {
        match schema {
            Value::String(name) => self.primitive(name, namespace),
            Value::Array(branches) => {
                let branches =
                    branches.iter().map(|branch| self.add(branch, namespace)).collect::<Result<_, _>>()?;
                Ok(self.push(Shape::Union(branches)))
            }
            Value::Object(object) => match object.get("type") {
                Some(Value::String(kind)) => self.complex(kind, schema, namespace),
                Some(inner) => self.add(inner, namespace),
                None => Err("the schema has a type without a kind".to_owned()),
            },
            other => Err(format!("the schema has {other} for a type")),
        }
    }

    fn primitive(&mut self, name: &str, namespace: &str) -> Result<usize, String> {
        let shape = match name {
            "null" => Shape::Fixed(0),
            "boolean" => Shape::Fixed(1),
            "int" | "long" => Shape::Number,
            "float" => Shape::Fixed(4),
            "double" => Shape::Fixed(8),
            "bytes" | "string" => Shape::Bytes,
            other => {
                let found = self.named.get(&full(other, namespace)).or_else(|| self.named.get(other));
                return found.copied().ok_or_else(|| format!("the schema does not say what {other} is"));
            }
        };
        Ok(self.push(shape))
    }

    fn complex(&mut self, kind: &str, schema: &Value, namespace: &str) -> Result<usize, String> {
        let part = |key: &str| schema.get(key).ok_or_else(|| format!("the schema has {kind} without {key}"));
        match kind {
            "record" | "error" => {
                let (place, inner) = self.name(schema, namespace, Shape::Record(Vec::new()));
                let mut fields = Vec::new();
                for field in part("fields")?.as_array().into_iter().flatten() {
                    let ty = field.get("type").ok_or("the schema has a field without a type")?;
                    fields.push(self.add(ty, &inner)?);
                }
                self.shapes[place] = Shape::Record(fields);
                Ok(place)
            }
            "enum" => Ok(self.name(schema, namespace, Shape::Number).0),
            "fixed" => {
                let size = part("size")?.as_u64().and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or("the schema has fixed with a size that is none")?;
                Ok(self.name(schema, namespace, Shape::Fixed(size)).0)
            }
            "array" | "map" => {
                let item = self.add(part(if kind == "map" { "values" } else { "items" })?, namespace)?;
                Ok(self.push(Shape::Items { item, named: kind == "map" }))
            }
            other => self.primitive(other, namespace),
        }
    }

    /// Enters a named type; gives its place and the namespace within it.
    fn name(&mut self, schema: &Value, namespace: &str, shape: Shape) -> (usize, String) {
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let name = text("name").unwrap_or_default();
        let full = full(name, text("namespace").unwrap_or(namespace));
        let inner = full.rsplit_once('.').map_or(String::new(), |(namespace, _)| namespace.to_owned());
        let place = self.push(shape);
        self.named.insert(full, place);
        (place, inner)
    }
}

fn full(name: &str, namespace: &str) -> String {
    if namespace.is_empty() || name.contains('.') { name.to_owned() } else { format!("{namespace}.{name}") }
}
