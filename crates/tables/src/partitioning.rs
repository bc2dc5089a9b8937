//! The fields of a partition spec as a writer needs them, and the values of partitions.

use serde_json::{Value, json};

use crate::avro::Avro;
use crate::error::TablesError;
use crate::metadata::{PartitionField, Primitive, Schema, TableMetadata, Transform, Type};

/// A field of the partition spec that a table is written with.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionColumn {
    /// Its name.
    pub name: String,
    /// The column that its values are made of; `None` for a field that is always null.
    pub source: Option<String>,
    /// How they are made.
    pub transform: Transform,
    id: i32,
    /// The type of its values.
    result: Primitive,
}

/// The value of a partition field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartitionValue {
    /// None.
    Null,
    /// Of a boolean.
    Boolean(bool),
    /// Of a whole number; of dates and times in the units of the specification (days, microseconds).
    Number(i64),
    /// Of a decimal, without its point.
    Decimal(i128),
    /// Of text.
    Text(String),
}

impl TableMetadata {
    /// The fields of the default partition spec, in order; none for a table without partitions.
    /// Errors: `Unsupported` for fields whose values are not made here: of nested columns, of types such as float or binary.
    pub fn partition_columns(&self) -> Result<Vec<PartitionColumn>, TablesError> {
        let (Some(spec), Some(schema)) = (self.spec(self.default_spec_id), self.current_schema()) else {
            return Err(unsupported("its metadata has no current schema or partition spec".to_owned()));
        };
        spec.fields.iter().map(|field| column(field, schema)).collect()
    }
}

fn unsupported(what: String) -> TablesError {
    TablesError::Unsupported { what }
}

fn column(field: &PartitionField, schema: &Schema) -> Result<PartitionColumn, TablesError> {
    let PartitionField { name, transform, source_id, .. } = field;
    let refused = |why: &str| {
        Err(unsupported(format!("its partition field {name} ({transform}) is not written here: {why}")))
    };
    let Some(id) = field.field_id else { return refused("it has no id") };
    let Some(source) = schema.fields.iter().find(|column| column.id == *source_id) else {
        return refused("its column is gone, or within another");
    };
    let Type::Primitive(primitive) = &source.field_type else {
        return refused("its column is not of a primitive type");
    };
    let result = match transform {
        Transform::Bucket(_) | Transform::Year | Transform::Month | Transform::Hour => Primitive::Int,
        Transform::Day => Primitive::Date,
        _ => primitive.clone(),
    };
    if avro_type(&result, id).is_none() {
        return refused(&format!("it is of type {result}"));
    }
    let source = (*transform != Transform::Void).then(|| source.name.clone());
    Ok(PartitionColumn { name: name.clone(), source, transform: transform.clone(), id, result })
}

/// How values of a type lie in manifests; `None` for types that no value is written of.
fn avro_type(primitive: &Primitive, field_id: i32) -> Option<Value> {
    Some(match primitive {
        Primitive::Boolean => json!("boolean"),
        Primitive::Int => json!("int"),
        Primitive::Long => json!("long"),
        Primitive::Date => json!({"type": "int", "logicalType": "date"}),
        Primitive::Timestamp => {
            json!({"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": false})
        }
        Primitive::String => json!("string"),
        // A name must not be given twice in one schema.
        Primitive::Decimal(precision, scale) => json!({
            "type": "fixed", "name": format!("decimal_{precision}_{scale}_{field_id}"),
            "size": decimal_bytes(*precision), "logicalType": "decimal", "precision": precision, "scale": scale,
        }),
        _ => return None,
    })
}

/// The bytes that every number of so many digits fits into.
fn decimal_bytes(precision: u8) -> usize {
    let largest = 10_i128.pow(u32::from(precision.min(38))) - 1;
    (1..16).find(|bytes| largest >> (8 * bytes - 1) == 0).unwrap_or(16)
}

impl PartitionColumn {
    /// The field of a manifest's partitions.
    pub(crate) fn avro_field(&self) -> Option<Value> {
        let kind = avro_type(&self.result, self.id)?;
        let name = avro_name(&self.name);
        Some(json!({"name": name, "type": ["null", kind], "default": null, "field-id": self.id}))
    }

    /// A value as it lies in a manifest.
    pub(crate) fn avro_value(&self, value: &PartitionValue) -> (String, Avro) {
        let value = match value {
            PartitionValue::Null => Avro::Null,
            PartitionValue::Boolean(yes) => Avro::Boolean(*yes),
            PartitionValue::Number(number) => Avro::Long(*number),
            PartitionValue::Text(text) => Avro::String(text.clone()),
            PartitionValue::Decimal(number) => {
                let size = match self.result {
                    Primitive::Decimal(precision, _) => decimal_bytes(precision),
                    _ => 16,
                };
                let bytes = number.to_be_bytes();
                Avro::Bytes(bytes[bytes.len() - size..].to_vec())
            }
        };
        (avro_name(&self.name), value)
    }
}

/// The values of a partition in a manifest; `None` when one is of a type that is not written here.
pub(crate) fn values_of(partition: &Avro) -> Option<Vec<PartitionValue>> {
    let Avro::Record(fields) = partition else { return None };
    let value = |value: &Avro| {
        Some(match value {
            Avro::Null => PartitionValue::Null,
            Avro::Boolean(yes) => PartitionValue::Boolean(*yes),
            Avro::Long(number) => PartitionValue::Number(*number),
            Avro::String(text) => PartitionValue::Text(text.clone()),
            Avro::Bytes(bytes) if (1..=16).contains(&bytes.len()) => {
                let sign = if bytes[0] & 0x80 == 0 { 0 } else { -1_i128 };
                PartitionValue::Decimal(
                    bytes.iter().fold(sign, |number, byte| number << 8 | i128::from(*byte)),
                )
            }
            _ => return None,
        })
    };
    fields.iter().map(|(_, own)| value(own)).collect()
}

/// A name as Avro allows it, as other writers make it: a digit at the beginning gets an underscore, other characters become
/// `_x` and their number.
fn avro_name(name: &str) -> String {
    let mut out = String::new();
    for (at, c) in name.chars().enumerate() {
        match c {
            '_' | 'a'..='z' | 'A'..='Z' => out.push(c),
            '0'..='9' if at > 0 => out.push(c),
            '0'..='9' => {
                out.push('_');
                out.push(c);
            }
            other => out.push_str(&format!("_x{:X}", u32::from(other))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sizes_are_those_of_other_writers() {
        for (name, expected) in
            [("day", "day"), ("2day", "_2day"), ("a b", "a_x20b"), ("ü", "_xFC"), ("d_1", "d_1")]
        {
            assert_eq!(avro_name(name), expected);
        }
        for (precision, bytes) in [(1, 1), (2, 1), (3, 2), (9, 4), (10, 5), (18, 8), (19, 9), (38, 16)] {
            assert_eq!(decimal_bytes(precision), bytes, "{precision}");
        }
    }

    #[test]
    fn values_come_back_from_manifests() {
        let column = |result| PartitionColumn {
            name: "p".to_owned(),
            source: None,
            transform: Transform::Identity,
            id: 1000,
            result,
        };
        for (result, value) in [
            (Primitive::Decimal(9, 2), PartitionValue::Decimal(-1_420)),
            (Primitive::Decimal(38, 0), PartitionValue::Decimal(10_i128.pow(37))),
            (Primitive::Long, PartitionValue::Number(-7)),
            (Primitive::String, PartitionValue::Text(String::new())),
            (Primitive::String, PartitionValue::Null),
            (Primitive::Boolean, PartitionValue::Boolean(true)),
        ] {
            let lies = column(result).avro_value(&value);
            assert_eq!(values_of(&Avro::Record(vec![lies])), Some(vec![value]));
        }
    }
}
