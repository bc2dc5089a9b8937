//! The Hive columns of a message.

use super::check::roots;
use super::{Field, File, Kind, Label, Scalar};
use crate::{Column, Invalid};

/// Types within types.
const MAX_DEPTH: usize = 64;

/// The fields of the file's one message (that no other holds) as columns.
pub(crate) fn columns(file: &File) -> Result<Vec<Column>, Invalid> {
    let found = roots(file);
    let message = match found.as_slice() {
        [only] => file.messages.get(*only),
        _ => None,
    };
    let Some(message) = message else {
        return Err(Invalid::new("only a Protobuf definition with one outermost message has columns"));
    };
    let column = |field: &Field| {
        let hive_type = of_field(file, field, 0)
            .map_err(|error| Invalid::new(format!("{}: {}", field.name, error.message)))?;
        Ok(Column { name: field.name.clone(), hive_type, comment: None })
    };
    message.fields.iter().map(column).collect()
}

fn of_field(file: &File, field: &Field, depth: usize) -> Result<String, Invalid> {
    let one = of_kind(file, &field.kind, depth)?;
    let is_list = field.label == Label::Repeated && !matches!(field.kind, Kind::Map(..));
    Ok(if is_list { format!("array<{one}>") } else { one })
}

fn of_kind(file: &File, kind: &Kind, depth: usize) -> Result<String, Invalid> {
    if depth > MAX_DEPTH {
        return Err(Invalid::new("a message that holds itself has no Hive type"));
    }
    Ok(match kind {
        Kind::Scalar(scalar) => of_scalar(*scalar).to_owned(),
        Kind::Enum(_) => "string".to_owned(),
        Kind::Map(key, value) => {
            format!("map<{},{}>", of_scalar(*key), of_kind(file, value, depth + 1)?)
        }
        Kind::Message(name) => {
            let Some(message) = file.messages.get(name) else {
                return Err(Invalid::new(format!("{name} is not defined")));
            };
            let member = |field: &Field| Ok(format!("{}:{}", field.name, of_field(file, field, depth + 1)?));
            let members: Result<Vec<String>, Invalid> = message.fields.iter().map(member).collect();
            format!("struct<{}>", members?.join(","))
        }
        Kind::Known(name) | Kind::Unresolved(name) => known(name)?.to_owned(),
    })
}

fn of_scalar(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Double => "double",
        Scalar::Float => "float",
        Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32 => "int",
        // Hive has no unsigned types: the next wider one holds all values.
        Scalar::Uint32 | Scalar::Fixed32 | Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => "bigint",
        Scalar::Uint64 | Scalar::Fixed64 => "decimal(20,0)",
        Scalar::Bool => "boolean",
        Scalar::String => "string",
        Scalar::Bytes => "binary",
    }
}

fn known(name: &str) -> Result<&'static str, Invalid> {
    Ok(match name.trim_start_matches("google.protobuf.") {
        "Timestamp" => "timestamp",
        "DoubleValue" => "double",
        "FloatValue" => "float",
        "Int32Value" => "int",
        "Int64Value" | "UInt32Value" => "bigint",
        "UInt64Value" => "decimal(20,0)",
        "BoolValue" => "boolean",
        "StringValue" => "string",
        "BytesValue" => "binary",
        _ => return Err(Invalid::new(format!("{name} has no Hive type"))),
    })
}
