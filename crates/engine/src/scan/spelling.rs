//! Fields of structures are matched by name ignoring case, at every depth, as columns are.
//!
//! A file's type is first given the table's spelling ([`respelled`]), and the values that are read get that type, which
//! copies nothing; then they become what the table wants ([`Converted`]).

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait,
        StructArray,
    },
    datatypes::{DataType, Field, FieldRef, Fields, Schema},
    record_batch::RecordBatch,
};
use datafusion::{
    error::{DataFusionError, Result},
    logical_expr::ColumnarValue,
    physical_expr::PhysicalExpr,
};

/// The file's fields with the table's spelling of those that differ in case only.
/// Errors: [`TwoMeanings`] when two fields of the file differ in case only and the table means one.
pub(super) fn respelled_fields(file: &Fields, table: &Fields) -> Result<Fields> {
    file.iter().map(|field| respelled_field(field, file, table)).collect()
}

fn respelled_field(field: &FieldRef, file: &Fields, table: &Fields) -> Result<FieldRef> {
    let exact = |field: &FieldRef| table.iter().find(|wanted| wanted.name() == field.name());
    let alike = || table.iter().filter(|wanted| same(wanted.name(), field.name()));
    // A table with both spellings tells its columns apart by them.
    let is_apart = alike().nth(1).is_some();
    let wanted = match exact(field) {
        None if is_apart => alike().find(|wanted| !file.iter().any(|other| other.name() == wanted.name())),
        found => found.or_else(|| alike().next()),
    };
    let Some(wanted) = wanted else { return Ok(Arc::clone(field)) };
    let has_its_own = |field: &FieldRef| is_apart && exact(field).is_some();
    let rival = file.iter().find(|other| {
        other.name() != field.name() && same(other.name(), wanted.name()) && !has_its_own(other)
    });
    if let Some(rival) = rival.filter(|_| !has_its_own(field)) {
        let [one, other, wanted] = [field, rival, wanted].map(|field| field.name().clone());
        return Err(DataFusionError::External(Box::new(TwoMeanings { one, other, wanted })));
    }
    let data_type = respelled(field.data_type(), wanted.data_type())?;
    Ok(Arc::new(field.as_ref().clone().with_name(wanted.name()).with_data_type(data_type)))
}

fn same(left: &str, right: &str) -> bool {
    let is_ascii = left.is_ascii() && right.is_ascii();
    left.eq_ignore_ascii_case(right) || (!is_ascii && left.to_lowercase() == right.to_lowercase())
}

/// A field of the file, at any depth, that the table does not have.
pub(super) fn unknown(file: &Fields, table: &Fields) -> Option<String> {
    file.iter().find_map(|field| match table.iter().find(|wanted| same(wanted.name(), field.name())) {
        None => Some(field.name().clone()),
        Some(wanted) => unknown_within(field.data_type(), wanted.data_type()),
    })
}

fn unknown_within(file: &DataType, table: &DataType) -> Option<String> {
    match (file, table) {
        (DataType::Struct(own), DataType::Struct(wanted)) => unknown(own, wanted),
        (
            DataType::List(own) | DataType::LargeList(own) | DataType::FixedSizeList(own, _),
            DataType::List(wanted),
        ) => unknown_within(own.data_type(), wanted.data_type()),
        (DataType::Map(own, _), DataType::Map(wanted, _)) => match (own.data_type(), wanted.data_type()) {
            // Key and value go by position.
            (DataType::Struct(own), DataType::Struct(wanted)) => own
                .iter()
                .zip(wanted)
                .find_map(|(own, wanted)| unknown_within(own.data_type(), wanted.data_type())),
            _ => None,
        },
        _ => None,
    }
}

/// The file's type with the table's spelling of fields.
fn respelled(file: &DataType, table: &DataType) -> Result<DataType> {
    let item = |field: &FieldRef, wanted: &DataType| -> Result<FieldRef> {
        let data_type = respelled(field.data_type(), wanted)?;
        Ok(Arc::new(field.as_ref().clone().with_data_type(data_type)))
    };
    Ok(match (file, table) {
        (DataType::Struct(fields), DataType::Struct(wanted)) => {
            DataType::Struct(respelled_fields(fields, wanted)?)
        }
        (DataType::List(field), DataType::List(wanted)) => DataType::List(item(field, wanted.data_type())?),
        (DataType::LargeList(field), DataType::List(wanted)) => {
            DataType::LargeList(item(field, wanted.data_type())?)
        }
        (DataType::FixedSizeList(field, size), DataType::List(wanted)) => {
            DataType::FixedSizeList(item(field, wanted.data_type())?, *size)
        }
        (DataType::Map(entries, sorted), DataType::Map(wanted, _)) => {
            let (DataType::Struct(pair), DataType::Struct(wanted)) =
                (entries.data_type(), wanted.data_type())
            else {
                return Ok(file.clone());
            };
            // Key and value go by position, whatever the file calls them.
            let pair = pair.iter().zip(wanted).map(|(field, wanted)| item(field, wanted.data_type()));
            let pair = DataType::Struct(pair.collect::<Result<_>>()?);
            DataType::Map(Arc::new(entries.as_ref().clone().with_data_type(pair)), *sorted)
        }
        _ => file.clone(),
    })
}

/// Fields of some file that differ in case only, of which the table means one. Whoever reads the file adds its name.
#[derive(Debug, thiserror::Error)]
#[error("it has the fields {one} and {other}, and the table's {wanted} can mean either")]
pub(super) struct TwoMeanings {
    one: String,
    other: String,
    wanted: String,
}

/// A column of some file that cannot become what the table wants. Whoever reads the file adds its name.
#[derive(Debug, thiserror::Error)]
#[error("column {column}: {what}")]
pub(super) struct NotConforming {
    column: String,
    what: String,
}

/// The values of a file's column as the table wants them.
#[derive(Debug, Clone, Eq)]
pub(super) struct Converted {
    inner: Arc<dyn PhysicalExpr>,
    /// What the table calls the column.
    column: String,
    /// The file's type with the table's names of fields.
    renamed: DataType,
    /// The table's type.
    wanted: DataType,
}

impl Converted {
    /// `types` are the file's with the table's names of fields, and the table's.
    pub(super) fn new(inner: Arc<dyn PhysicalExpr>, column: &str, types: (DataType, DataType)) -> Self {
        Self { inner, column: column.to_owned(), renamed: types.0, wanted: types.1 }
    }
}

impl PartialEq for Converted {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
            && (&self.column, &self.renamed, &self.wanted) == (&other.column, &other.renamed, &other.wanted)
    }
}

impl Hash for Converted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
        (&self.column, &self.renamed, &self.wanted).hash(state);
    }
}

impl fmt::Display for Converted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "converted({})", self.inner)
    }
}

impl PhysicalExpr for Converted {
    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        let inner = self.inner.return_field(input_schema)?;
        Ok(Arc::new(inner.as_ref().clone().with_data_type(self.wanted.clone())))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let values = retyped(&self.inner.evaluate(batch)?.into_array(batch.num_rows())?, &self.renamed)?;
        let converted = formats::conform(&values, &self.wanted).map_err(|why| {
            let what = formats::not_conforming(&self.renamed, &self.wanted, &why);
            DataFusionError::External(Box::new(NotConforming { column: self.column.clone(), what }))
        })?;
        Ok(ColumnarValue::Array(converted))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let inner = children.pop().unwrap_or_else(|| Arc::clone(&self.inner));
        Ok(Arc::new(Self { inner, ..self.as_ref().clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

/// The same values under a type that differs in names of fields only.
fn retyped(values: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    Ok(match wanted {
        DataType::Struct(fields) if values.as_struct_opt().is_some() => {
            Arc::new(retyped_struct(values.as_struct(), fields)?)
        }
        DataType::List(field) if values.as_list_opt::<i32>().is_some() => {
            Arc::new(retyped_list(values.as_list::<i32>(), field)?)
        }
        DataType::LargeList(field) if values.as_list_opt::<i64>().is_some() => {
            Arc::new(retyped_list(values.as_list::<i64>(), field)?)
        }
        DataType::FixedSizeList(field, size) if values.as_fixed_size_list_opt().is_some() => {
            let list = values.as_fixed_size_list();
            let items = retyped(list.values(), field.data_type())?;
            Arc::new(FixedSizeListArray::try_new(Arc::clone(field), *size, items, list.nulls().cloned())?)
        }
        DataType::Map(entries, sorted) if values.as_map_opt().is_some() => {
            let map = values.as_map();
            let DataType::Struct(pair) = entries.data_type() else { return Ok(Arc::clone(values)) };
            let pairs = retyped_struct(map.entries(), pair)?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Arc::new(MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *sorted)?)
        }
        _ => Arc::clone(values),
    })
}

fn retyped_struct(values: &StructArray, fields: &Fields) -> Result<StructArray> {
    let columns = values.columns().iter().zip(fields);
    let columns = columns.map(|(column, field)| retyped(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(StructArray::try_new_with_length(fields.clone(), columns, values.nulls().cloned(), values.len())?)
}

fn retyped_list<O: OffsetSizeTrait>(
    values: &GenericListArray<O>,
    field: &FieldRef,
) -> Result<GenericListArray<O>> {
    let items = retyped(values.values(), field.data_type())?;
    let (offsets, nulls) = (values.offsets().clone(), values.nulls().cloned());
    Ok(GenericListArray::try_new(Arc::clone(field), offsets, items, nulls)?)
}

/// Lower-case names of all fields inside a type, as Trino has them. `None` when two of one structure become the same.
pub(crate) fn folded(data_type: &DataType) -> Option<DataType> {
    let item = |field: &FieldRef| -> Option<FieldRef> {
        Some(Arc::new(field.as_ref().clone().with_data_type(folded(field.data_type())?)))
    };
    Some(match data_type {
        DataType::Struct(fields) => {
            let mut lower: Vec<Field> = Vec::with_capacity(fields.len());
            for field in fields {
                let name = field.name().to_lowercase();
                if lower.iter().any(|known| *known.name() == name) {
                    return None;
                }
                lower.push(item(field)?.as_ref().clone().with_name(name));
            }
            DataType::Struct(lower.into())
        }
        DataType::List(field) => DataType::List(item(field)?),
        // The names of a map's key and value are not its user's.
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(pair) => {
                let pair = DataType::Struct(pair.iter().map(item).collect::<Option<_>>()?);
                DataType::Map(Arc::new(entries.as_ref().clone().with_data_type(pair)), *sorted)
            }
            _ => data_type.clone(),
        },
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[(&str, DataType)]) -> DataType {
        DataType::Struct(fields.iter().map(|(name, of)| Field::new(*name, of.clone(), true)).collect())
    }

    #[test]
    fn fields_get_the_tables_spelling_at_every_depth() {
        let list = |of: DataType| DataType::List(Arc::new(Field::new("item", of, true)));
        let file = row(&[("Inner", list(row(&[("City", DataType::Utf8), ("Other", DataType::Int32)])))]);
        let table = row(&[("inner", list(row(&[("city", DataType::Utf8)])))]);
        let wanted = row(&[("inner", list(row(&[("city", DataType::Utf8), ("Other", DataType::Int32)])))]);
        assert_eq!(respelled(&file, &table).expect("one meaning"), wanted);
    }

    #[test]
    fn what_could_mean_two_fields_is_an_error() {
        let table = row(&[("city", DataType::Utf8)]);
        let two = row(&[("City", DataType::Utf8), ("CITY", DataType::Utf8)]);
        assert!(respelled(&two, &table).is_err());
        // One of them being spelled as the table has it says nothing: catalogs fold names.
        let exact = row(&[("City", DataType::Utf8), ("city", DataType::Utf8)]);
        assert!(respelled(&exact, &table).is_err());
        let apart = row(&[("city", DataType::Utf8), ("City", DataType::Utf8)]);
        assert_eq!(respelled(&exact, &apart).expect("both are wanted"), exact);
    }

    #[test]
    fn folding_refuses_what_becomes_the_same() {
        let nested = row(&[("A", row(&[("B", DataType::Utf8)]))]);
        assert_eq!(folded(&nested), Some(row(&[("a", row(&[("b", DataType::Utf8)]))])));
        assert_eq!(folded(&row(&[("a", DataType::Utf8), ("A", DataType::Utf8)])), None);
    }
}
