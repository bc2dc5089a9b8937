//! Hive types ↔ Arrow types.
//!
//! `timestamp` is microseconds without a zone, `char` and `varchar` are strings (their length is not enforced on
//! reading). From Arrow, everything with a Hive counterpart of at least its range maps to it.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use super::HiveType;
use super::choice::is_choice;

/// An Arrow type for people: its Hive name, or that of its like where Hive has no such type.
pub fn shown(data_type: &DataType) -> String {
    if let DataType::Struct(fields) = data_type
        && is_choice(fields)
    {
        let types = fields.iter().map(|field| shown(field.data_type()));
        return format!("uniontype<{}>", types.collect::<Vec<_>>().join(","));
    }
    HiveType::from_arrow(data_type).map_or_else(|_| without_hive(data_type), |hive| hive.to_string())
}

/// What is said of a type that Hive lacks.
fn without_hive(data_type: &DataType) -> String {
    match data_type {
        DataType::Interval(_) => "interval".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::FixedSizeList(item, _) => format!("array<{}>", shown(item.data_type())),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| format!("{}:{}", field.name(), shown(field.data_type())));
            format!("struct<{}>", fields.collect::<Vec<_>>().join(","))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                format!("map<{},{}>", shown(pair[0].data_type()), shown(pair[1].data_type()))
            }
            _ => "map".to_owned(),
        },
        other => other.to_string(),
    }
}

/// A type without a counterpart on the other side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the type {0} is not supported")]
pub struct TypeError(pub String);

impl HiveType {
    /// The Arrow type that readers give for this column type. Errors: union types.
    pub fn to_arrow(&self) -> Result<DataType, TypeError> {
        self.arrow(&|types| Err(TypeError(Self::Union(types.to_vec()).to_string())))
    }

    /// As [`Self::to_arrow`], with what `union` says of union types.
    pub(super) fn arrow(
        &self,
        union: &impl Fn(&[Self]) -> Result<DataType, TypeError>,
    ) -> Result<DataType, TypeError> {
        Ok(match self {
            Self::Boolean => DataType::Boolean,
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Int => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale as i8),
            Self::String | Self::Char(_) | Self::Varchar(_) => DataType::Utf8,
            Self::Binary => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Array(item) => DataType::List(Arc::new(Field::new("element", item.arrow(union)?, true))),
            Self::Map(key, value) => {
                let pair = Fields::from(vec![
                    Field::new("key", key.arrow(union)?, false),
                    Field::new("value", value.arrow(union)?, true),
                ]);
                DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(pair), false)), false)
            }
            Self::Struct(fields) => {
                let fields = fields.iter().map(|(name, ty)| Ok(Field::new(name, ty.arrow(union)?, true)));
                DataType::Struct(fields.collect::<Result<Fields, TypeError>>()?)
            }
            Self::Union(types) => union(types)?,
        })
    }

    /// The Hive type that holds every value of an Arrow type. Errors: types without one, such as intervals.
    pub fn from_arrow(data_type: &DataType) -> Result<Self, TypeError> {
        Ok(match data_type {
            DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::String,
            DataType::Boolean => Self::Boolean,
            DataType::Int8 => Self::TinyInt,
            DataType::Int16 | DataType::UInt8 => Self::SmallInt,
            // Hive has no times of day and no durations: they are the numbers that they are stored as.
            DataType::Int32 | DataType::UInt16 | DataType::Time32(_) => Self::Int,
            DataType::Int64 | DataType::UInt32 | DataType::Time64(_) | DataType::Duration(_) => Self::BigInt,
            DataType::UInt64 => Self::Decimal(20, 0),
            DataType::Float16 | DataType::Float32 => Self::Float,
            DataType::Float64 => Self::Double,
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale)
                if *scale >= 0 =>
            {
                Self::Decimal(*precision, *scale as u8)
            }
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Binary,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(_, _) => Self::Timestamp,
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::FixedSizeList(item, _) => Self::Array(Box::new(Self::from_arrow(item.data_type())?)),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => Self::Map(
                    Box::new(Self::from_arrow(pair[0].data_type())?),
                    Box::new(Self::from_arrow(pair[1].data_type())?),
                ),
                other => return Err(TypeError(without_hive(other))),
            },
            DataType::Struct(fields) => {
                let fields = fields.iter().map(|f| Ok((f.name().clone(), Self::from_arrow(f.data_type())?)));
                Self::Struct(fields.collect::<Result<_, TypeError>>()?)
            }
            DataType::Dictionary(_, value) => Self::from_arrow(value)?,
            DataType::Union(branches, _) => {
                let branches = branches.iter().map(|(_, field)| field.data_type());
                union(branches.filter(|branch| **branch != DataType::Null))?
            }
            other => return Err(TypeError(without_hive(other))),
        })
    }
}

/// A union's column, as Spark reads Avro's: its only branch; `bigint` or `double` for numbers that one of them holds; else
/// a structure with a field per branch, of which one is set.
fn union<'a>(branches: impl Iterator<Item = &'a DataType>) -> Result<HiveType, TypeError> {
    let types = branches.map(HiveType::from_arrow).collect::<Result<Vec<HiveType>, TypeError>>()?;
    Ok(match types.as_slice() {
        [] => HiveType::String,
        [only] => only.clone(),
        [HiveType::Int, HiveType::BigInt] | [HiveType::BigInt, HiveType::Int] => HiveType::BigInt,
        [HiveType::Float, HiveType::Double] | [HiveType::Double, HiveType::Float] => HiveType::Double,
        _ => {
            let named = |(i, ty): (usize, HiveType)| (format!("member{i}"), ty);
            HiveType::Struct(types.into_iter().enumerate().map(named).collect())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in [
            "boolean",
            "tinyint",
            "smallint",
            "int",
            "bigint",
            "float",
            "double",
            "decimal(38,18)",
            "string",
            "binary",
            "date",
            "timestamp",
            "array<int>",
            "map<string,double>",
            "struct<a:int,b:array<struct<c:date>>>",
        ] {
            let ty: HiveType = text.parse().unwrap();
            assert_eq!(HiveType::from_arrow(&ty.to_arrow().unwrap()).unwrap(), ty);
        }
        assert!("uniontype<int,string>".parse::<HiveType>().unwrap().to_arrow().is_err());
        assert!(HiveType::from_arrow(&DataType::Decimal256(50, 2)).is_err());
        let stored = [
            (DataType::Time32(TimeUnit::Millisecond), HiveType::Int),
            (DataType::Time64(TimeUnit::Microsecond), HiveType::BigInt),
            (DataType::Duration(TimeUnit::Nanosecond), HiveType::BigInt),
        ];
        for (arrow, hive) in stored {
            assert_eq!(HiveType::from_arrow(&arrow), Ok(hive));
        }
    }

    #[test]
    fn people_read_the_names_of_hive() {
        let list = |item: DataType| DataType::List(Arc::new(Field::new("item", item, true)));
        let cases = [
            (DataType::Int32, "int"),
            (DataType::Utf8View, "string"),
            (DataType::Timestamp(TimeUnit::Microsecond, None), "timestamp"),
            (DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano), "interval"),
            (DataType::Decimal256(50, 2), "decimal(50,2)"),
            (list(DataType::Int64), "array<bigint>"),
            (list(DataType::Decimal256(50, 2)), "array<decimal(50,2)>"),
        ];
        for (arrow, name) in cases {
            assert_eq!(shown(&arrow), name);
        }
    }
}
