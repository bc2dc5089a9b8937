//! Choices: columns whose values are of several types, `uniontype<…>` in the catalog.
//!
//! A reader that finds the type value by value gives a structure with a field per type, of which one is set, as Glue's dynamic
//! frames become data frames: `uniontype<bigint,string>` is `struct<long:bigint,string:string>`. Source: Glue Developer Guide,
//! ResolveChoice, `make_struct`.

use std::collections::{HashMap, HashSet};

use arrow::datatypes::{DataType, Field, Fields};

use super::{HiveType, TypeError};

/// Marks the fields of such a structure: only by it a reader can tell it from the structures that are in files.
const MARK: &str = "tenon.choice";

/// Whether a structure stands for a choice.
pub fn is_choice(fields: &Fields) -> bool {
    !fields.is_empty() && fields.iter().all(|field| field.metadata().contains_key(MARK))
}

impl HiveType {
    /// As [`HiveType::to_arrow`], with a structure for every union. Only readers that tell types value by value take it: JSON's.
    /// Errors: unions with two types of one name.
    pub fn to_arrow_with_choices(&self) -> Result<DataType, TypeError> {
        self.arrow(&union)
    }

    /// As [`HiveType::from_arrow`], with a union for every structure that stands for a choice; within maps there are none.
    pub fn from_arrow_with_choices(data_type: &DataType) -> Result<Self, TypeError> {
        let of = |field: &Field| Self::from_arrow_with_choices(field.data_type());
        Ok(match data_type {
            DataType::Struct(fields) if is_choice(fields) => {
                Self::Union(fields.iter().map(|field| of(field)).collect::<Result<_, _>>()?)
            }
            DataType::Struct(fields) => {
                let fields = fields.iter().map(|field| Ok((field.name().clone(), of(field)?)));
                Self::Struct(fields.collect::<Result<_, TypeError>>()?)
            }
            DataType::List(item) => Self::Array(Box::new(of(item)?)),
            other => Self::from_arrow(other)?,
        })
    }

    /// Whether it is a union, or holds one.
    pub fn has_union(&self) -> bool {
        match self {
            Self::Union(_) => true,
            Self::Array(item) => item.has_union(),
            Self::Map(key, value) => key.has_union() || value.has_union(),
            Self::Struct(fields) => fields.iter().any(|(_, field)| field.has_union()),
            _ => false,
        }
    }

    /// What dynamic frames call the type. Source: Glue Developer Guide, DynamicFrame types.
    pub fn frame_name(&self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::TinyInt => "byte",
            Self::SmallInt => "short",
            Self::Int => "int",
            Self::BigInt => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Decimal(..) => "decimal",
            Self::String | Self::Char(_) | Self::Varchar(_) => "string",
            Self::Binary => "binary",
            Self::Date => "date",
            Self::Timestamp | Self::TimestampTz => "timestamp",
            Self::Array(_) => "array",
            Self::Map(..) => "map",
            Self::Struct(_) => "struct",
            Self::Union(_) => "choice",
        }
    }
}

fn union(types: &[HiveType]) -> Result<DataType, TypeError> {
    let mut names = HashSet::new();
    let whole = || HiveType::Union(types.to_vec()).to_string();
    let fields = types.iter().map(|ty| {
        let name = ty.frame_name();
        if !names.insert(name) || matches!(ty, HiveType::Union(_)) {
            return Err(TypeError(whole()));
        }
        let mark = HashMap::from([(MARK.to_owned(), String::new())]);
        Ok(Field::new(name, ty.to_arrow_with_choices()?, true).with_metadata(mark))
    });
    Ok(DataType::Struct(fields.collect::<Result<Fields, TypeError>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_for_each_type() {
        let arrow = |text: &str| text.parse::<HiveType>().unwrap().to_arrow_with_choices();
        let found = arrow("uniontype<bigint,string,array<int>>").unwrap();
        assert_eq!(
            HiveType::from_arrow_with_choices(&found).unwrap().to_string(),
            "uniontype<bigint,string,array<int>>"
        );
        let DataType::Struct(fields) = &found else { panic!("{found}") };
        assert!(is_choice(fields));
        assert_eq!(
            HiveType::from_arrow(&found).unwrap().to_string(),
            "struct<long:bigint,string:string,array:array<int>>"
        );
        let DataType::Struct(plain) = arrow("struct<long:bigint>").unwrap() else { panic!() };
        assert!(!is_choice(&plain));
        for refused in ["uniontype<string,varchar(3)>", "uniontype<int,uniontype<int,string>>"] {
            assert!(arrow(refused).is_err(), "{refused}");
        }
        assert!("array<uniontype<int,string>>".parse::<HiveType>().unwrap().to_arrow().is_err());
    }
}
