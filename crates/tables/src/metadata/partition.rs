//! Partition specs, sort orders and the transforms that both use.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::schema::{FieldInfo, Schema};
use super::types::Primitive;
use crate::error::MetadataError;

/// Partition fields have ids from here on. Source: Iceberg table specification, "Partition Evolution".
pub const FIRST_PARTITION_FIELD_ID: i32 = 1000;

/// How rows are divided into partitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartitionSpec {
    /// Its id in the table; a client that adds a spec may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_id: Option<i32>,
    /// Its fields; none for a table that is not partitioned.
    pub fields: Vec<PartitionField>,
    /// Members that this code does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One field of a partition spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartitionField {
    /// The column that it is made of.
    pub source_id: i32,
    /// Its own id; a client that adds a spec may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_id: Option<i32>,
    /// Its name.
    pub name: String,
    /// How its value is made.
    pub transform: Transform,
    /// Members that this code does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How rows are sorted within files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SortOrder {
    /// Its id in the table; 0 is "not sorted".
    #[serde(default)]
    pub order_id: i32,
    /// What is sorted by, first to last.
    pub fields: Vec<SortField>,
    /// Members that this code does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One field of a sort order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SortField {
    /// How the sorted value is made.
    pub transform: Transform,
    /// The column that it is made of.
    pub source_id: i32,
    /// Up or down.
    pub direction: Direction,
    /// Where nulls are.
    pub null_order: NullOrder,
    /// Members that this code does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Ascending.
    Asc,
    /// Descending.
    Desc,
}

/// Where nulls are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NullOrder {
    /// Before everything else.
    NullsFirst,
    /// After everything else.
    NullsLast,
}

/// How a partition or sort value is made of a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Transform {
    /// The value itself.
    Identity,
    /// A hash modulo this number.
    Bucket(u32),
    /// Cut to this width.
    Truncate(u32),
    /// Years since 1970.
    Year,
    /// Months since 1970-01.
    Month,
    /// Days since 1970-01-01.
    Day,
    /// Hours since then.
    Hour,
    /// Always null.
    Void,
    /// One that this code does not know: kept, never added.
    Other(String),
}

impl Transform {
    /// Reads a transform; what is not known is kept as it is.
    pub fn parse(text: &str) -> Transform {
        let argument = |name: &str| {
            let inside = text.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            inside.trim().parse::<u32>().ok().filter(|number| *number > 0)
        };
        match text {
            "identity" => Self::Identity,
            "year" => Self::Year,
            "month" => Self::Month,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "void" => Self::Void,
            _ => argument("bucket")
                .map(Self::Bucket)
                .or_else(|| argument("truncate").map(Self::Truncate))
                .unwrap_or_else(|| Self::Other(text.to_owned())),
        }
    }

    /// Whether values of this type can be transformed. Source: Iceberg table specification, "Partition Transforms".
    pub fn accepts(&self, source: &Primitive) -> bool {
        use Primitive as P;
        match self {
            Self::Identity => !matches!(source, P::Variant | P::Geometry(_) | P::Geography(_)),
            Self::Bucket(_) => !matches!(
                source,
                P::Boolean
                    | P::Float
                    | P::Double
                    | P::Unknown
                    | P::Variant
                    | P::Geometry(_)
                    | P::Geography(_)
            ),
            Self::Truncate(_) => {
                matches!(source, P::Int | P::Long | P::Decimal(..) | P::String | P::Binary)
            }
            Self::Year | Self::Month | Self::Day => *source == P::Date || source.is_timestamp(),
            Self::Hour => source.is_timestamp(),
            Self::Void => true,
            Self::Other(_) => false,
        }
    }

    /// Checks a use of the transform on a field of the schema.
    fn check(&self, source_id: i32, source: Option<&FieldInfo<'_>>, what: &str) -> Result<(), MetadataError> {
        if let Self::Other(text) = self {
            return Err(MetadataError::invalid(format!("{what}: {text:?} is not a transform")));
        }
        if *self == Self::Void {
            return Ok(());
        }
        let Some(source) = source else {
            return Err(MetadataError::invalid(format!("{what}: the schema has no field {source_id}")));
        };
        let path = &source.path;
        if source.repeated {
            return Err(MetadataError::invalid(format!("{what}: {path} is inside a list or map")));
        }
        match source.primitive() {
            Some(primitive) if self.accepts(primitive) => Ok(()),
            Some(primitive) => Err(MetadataError::invalid(format!(
                "{what}: {self} cannot be applied to {path}, which is of type {primitive}"
            ))),
            None => Err(MetadataError::invalid(format!("{what}: {path} is not of a primitive type"))),
        }
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => out.write_str("identity"),
            Self::Bucket(count) => write!(out, "bucket[{count}]"),
            Self::Truncate(width) => write!(out, "truncate[{width}]"),
            Self::Year => out.write_str("year"),
            Self::Month => out.write_str("month"),
            Self::Day => out.write_str("day"),
            Self::Hour => out.write_str("hour"),
            Self::Void => out.write_str("void"),
            Self::Other(text) => out.write_str(text),
        }
    }
}

impl Serialize for Transform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Transform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

impl PartitionSpec {
    /// The spec of a table that is not partitioned.
    pub fn unpartitioned(spec_id: i32) -> PartitionSpec {
        PartitionSpec { spec_id: Some(spec_id), fields: Vec::new(), other: Map::new() }
    }

    /// Its id; 0 when it was given none.
    pub fn id(&self) -> i32 {
        self.spec_id.unwrap_or(0)
    }

    /// The highest id of its fields; 999 when it has none.
    pub fn highest_field_id(&self) -> i32 {
        let ids = self.fields.iter().filter_map(|field| field.field_id);
        ids.max().unwrap_or(FIRST_PARTITION_FIELD_ID - 1)
    }

    /// Whether two specs divide rows alike and call it alike.
    pub fn same_as(&self, other: &PartitionSpec) -> bool {
        self.fields == other.fields
    }

    /// Checks the spec against the schema that its columns come from.
    pub fn check(&self, schema: &Schema) -> Result<(), MetadataError> {
        let index = schema.index()?;
        let columns: BTreeMap<&str, i32> =
            schema.fields.iter().map(|field| (field.name.as_str(), field.id)).collect();
        let (mut names, mut ids, mut uses) = (HashSet::new(), HashSet::new(), HashSet::new());
        for field in &self.fields {
            let what = format!("partition field {}", field.name);
            let bad = |problem: &str| Err(MetadataError::invalid(format!("{what} {problem}")));
            if field.name.is_empty() {
                return bad("has no name");
            }
            field.transform.check(field.source_id, index.get(&field.source_id), &what)?;
            if !names.insert(field.name.as_str()) {
                return bad("is given twice");
            }
            if field.field_id.is_some_and(|id| !ids.insert(id)) {
                return bad("has the id of another field");
            }
            if field.transform != Transform::Void
                && !uses.insert((field.source_id, field.transform.to_string()))
            {
                return bad("repeats another field");
            }
            let keeps_values = matches!(field.transform, Transform::Identity | Transform::Void);
            let column = columns.get(field.name.as_str());
            if column.is_some_and(|column| *column != field.source_id || !keeps_values) {
                return bad("has the name of a column that it is not");
            }
        }
        Ok(())
    }
}

impl SortOrder {
    /// The order of rows that are not sorted.
    pub fn unsorted() -> SortOrder {
        SortOrder { order_id: 0, fields: Vec::new(), other: Map::new() }
    }

    /// Checks the order against the schema that its columns come from.
    pub fn check(&self, schema: &Schema) -> Result<(), MetadataError> {
        let index = schema.index()?;
        for field in &self.fields {
            let what = format!("sort field {} of {}", field.transform, field.source_id);
            field.transform.check(field.source_id, index.get(&field.source_id), &what)?;
        }
        Ok(())
    }
}
