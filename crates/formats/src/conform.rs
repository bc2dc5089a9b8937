//! From the types that a file holds to the types that a table wants: columns and fields of structures by name, wider
//! numbers, NULL for what the file lacks. For the formats that carry their own types (Parquet, Avro, ORC).
//!
//! A conversion that would change a value is an error: a number that does not fit, digits behind the point that would be
//! cut off, text that would have to be parsed. Everything may become text.

mod digits;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, ListArray, MapArray, RecordBatch, RecordBatchOptions,
    StringBuilder, StructArray, UnionArray, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{CastOptions, cast_with_options, is_not_null, is_null, nullif, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, SchemaRef, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::error::{FormatError, Problem};
use crate::hive::{HiveType, shown};

/// Puts a file's columns in the wanted order and types; what the file does not have is NULL. For `spelling` see [`place`].
pub(crate) fn conform_batch(
    source: &str,
    batch: &RecordBatch,
    wanted: &SchemaRef,
    spelling: Spelling,
) -> Result<RecordBatch, FormatError> {
    let schema = batch.schema();
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(wanted.fields().len());
    for field in wanted.fields() {
        let found = place(schema.fields().iter().map(|f| f.name()), field.name(), spelling)
            .map_err(|message| unclear(source, message))?;
        arrays.push(match found {
            None => new_null_array(field.data_type(), batch.num_rows()),
            Some(index) => {
                let array = batch.column(index);
                conform(array, field.data_type()).map_err(|why| {
                    let message = not_conforming(array.data_type(), field.data_type(), &why);
                    let mut error = FormatError::new(source, Problem::Schema { message });
                    error.place.column = Some(field.name().clone());
                    error
                })?
            }
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(wanted), arrays, &options)
        .map_err(|e| FormatError::new(source, Problem::Schema { message: e.to_string() }))
}

/// Whether names that differ in case only are different ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Spelling {
    /// No: of two such names in a file nobody knows which one is meant.
    #[default]
    Folded,
    /// Yes, where they are spelled alike: the columns that are wanted have been told apart by it.
    Exact,
}

impl Spelling {
    /// That of columns or fields with these names: exact when two of them differ in case only.
    pub fn of<'a>(names: impl Iterator<Item = &'a String>) -> Self {
        let mut folded: Vec<String> = names.map(|name| name.to_lowercase()).collect();
        folded.sort_unstable();
        if folded.windows(2).any(|pair| pair[0] == pair[1]) { Self::Exact } else { Self::Folded }
    }
}

/// Finds `wanted` among `names`: the only one that is it but for case; where spelling counts, that which is spelled so.
/// Errors: several could be meant; the text names two of them.
pub(crate) fn place<'a>(
    names: impl Iterator<Item = &'a String> + Clone,
    wanted: &str,
    spelling: Spelling,
) -> Result<Option<usize>, String> {
    if spelling == Spelling::Exact
        && let Some(exact) = names.clone().position(|n| n == wanted)
    {
        return Ok(Some(exact));
    }
    let lower = wanted.to_lowercase();
    let mut alike = names.enumerate().filter(|(_, name)| *name == wanted || name.to_lowercase() == lower);
    match (alike.next(), alike.next()) {
        (Some((_, one)), Some((_, other))) => {
            Err(format!("the file has {one} and {other}, and {wanted} can mean either"))
        }
        (found, _) => Ok(found.map(|(at, _)| at)),
    }
}

/// The error of a column that cannot be told.
pub(crate) fn unclear(source: &str, message: String) -> FormatError {
    FormatError::new(source, Problem::Schema { message })
}

/// Converts what a file holds to what a table wants, without loss: fields of structures by name, numbers to wider ones,
/// anything but structures, lists and maps to text.
/// Errors: why it cannot be, for people.
pub fn conform(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    let held = array.data_type();
    if held == wanted {
        return Ok(Arc::clone(array));
    }
    match (held, wanted) {
        (DataType::Null, _) => Ok(new_null_array(wanted, array.len())),
        (DataType::Dictionary(_, values), _) => conform(&cast(array, values)?, wanted),
        (DataType::Union(_, _), _) => {
            conform(&from_union(array.as_any().downcast_ref(), array.len())?, wanted)
        }
        (DataType::FixedSizeBinary(_), wanted) if wanted.is_string() => {
            conform(&cast(array, &DataType::Binary)?, wanted)
        }
        (DataType::Struct(_), DataType::Struct(fields)) => structs(array.as_struct(), fields),
        (DataType::List(_), DataType::List(item)) => lists(array.as_list::<i32>(), item),
        (DataType::LargeList(item) | DataType::FixedSizeList(item, _), DataType::List(_)) => {
            conform(&cast(array, &DataType::List(Arc::clone(item)))?, wanted)
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => maps(array.as_map(), entries, *sorted),
        (DataType::Timestamp(unit, _), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => {
            cast(&moments_as_text(&cast(array, &DataType::Timestamp(*unit, None))?)?, wanted)
        }
        // Times of day and durations are the numbers that they are stored as, also beside other numbers.
        (DataType::Time32(_), DataType::Float64 | DataType::Decimal128(..)) => {
            conform(&cast(array, &DataType::Int32)?, wanted)
        }
        (DataType::Time64(_) | DataType::Duration(_), DataType::Float64 | DataType::Decimal128(..)) => {
            conform(&cast(array, &DataType::Int64)?, wanted)
        }
        (held, DataType::Float64) if digits::of(held) > digits::EXACT => digits::doubles(array),
        _ if loses_nothing(held, wanted) => cast(array, wanted),
        _ => Err("that could change values".to_owned()),
    }
    .and_then(|made| digits::kept(array, made))
}

/// The error of [`conform`] for people, with both types.
pub fn not_conforming(held: &DataType, wanted: &DataType, why: &str) -> String {
    format!("the file holds {} where {} is wanted: {why}", shown(held), shown(wanted))
}

fn cast(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    // Not the lenient cast: a value that does not fit must not become NULL unnoticed.
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, wanted, &strict).map_err(|e| e.to_string())
}

/// Moments as Hive and Trino spell them: `2024-01-02 03:04:05`, with as many digits of a second as there are.
fn moments_as_text(array: &ArrayRef) -> Result<ArrayRef, String> {
    let options = FormatOptions::new().with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.9f"));
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options).map_err(|e| e.to_string())?;
    let mut texts = StringBuilder::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
            continue;
        }
        let text = formatter.value(row).try_to_string().map_err(|e| e.to_string())?;
        texts.append_value(text.trim_end_matches('0').trim_end_matches('.'));
    }
    Ok(Arc::new(texts.finish()))
}

/// Whether a strict cast of single values either keeps them or fails.
fn loses_nothing(held: &DataType, wanted: &DataType) -> bool {
    use DataType as D;
    let is_text = |t: &D| matches!(t, D::Utf8 | D::LargeUtf8 | D::Utf8View);
    let is_bytes = |t: &D| matches!(t, D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_));
    match (held, wanted) {
        (h, w) if is_text(h) => is_text(w) || is_bytes(w),
        (h, w) if is_bytes(h) => is_bytes(w) || is_text(w),
        (h, w) if is_text(w) => !h.is_nested(),
        (h, D::Float64) if h.is_integer() => true,
        (h, w) if h.is_integer() => w.is_integer() || w.is_decimal() || *w == D::Float32,
        (D::Float16 | D::Float32, D::Float32 | D::Float64) => true,
        (h, D::Float64) if h.is_decimal() => true,
        (h, w) if h.is_decimal() && w.is_decimal() => scale(w) >= scale(h),
        (D::Date32 | D::Date64, D::Date32 | D::Timestamp(..)) => true,
        (D::Timestamp(..), D::Timestamp(unit, _)) => *unit == TimeUnit::Microsecond,
        (D::Time32(_), D::Int32 | D::Int64) | (D::Time64(_) | D::Duration(_), D::Int64) => true,
        _ => false,
    }
}

fn scale(data_type: &DataType) -> i8 {
    match data_type {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    }
}

fn structs(array: &StructArray, fields: &Fields) -> Result<ArrayRef, String> {
    let mut columns = Vec::with_capacity(fields.len());
    let spelling = Spelling::of(fields.iter().map(|field| field.name()));
    for field in fields {
        let found = place(array.fields().iter().map(|f| f.name()), field.name(), spelling)?;
        columns.push(match found {
            None => new_null_array(field.data_type(), array.len()),
            Some(index) => within(array, index)
                .and_then(|values| conform(&values, field.data_type()))
                .map_err(|why| format!("field {}: {why}", field.name()))?,
        });
    }
    if fields.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(array.len(), array.nulls().cloned())));
    }
    let made = StructArray::try_new(fields.clone(), columns, array.nulls().cloned());
    Ok(Arc::new(made.map_err(|e| e.to_string())?))
}

/// The values of a field, null where the structure is: there, a field that may not be null has some value all the same, which
/// nobody shall take for one.
fn within(array: &StructArray, index: usize) -> Result<ArrayRef, String> {
    let values = array.column(index);
    let is_required = array.fields().get(index).is_some_and(|field| !field.is_nullable());
    if !is_required || array.null_count() == 0 {
        return Ok(Arc::clone(values));
    }
    let missing = is_null(array).map_err(|e| e.to_string())?;
    nullif(values, &missing).map_err(|e| e.to_string())
}

fn lists(array: &ListArray, item: &FieldRef) -> Result<ArrayRef, String> {
    let values = conform(array.values(), item.data_type())?;
    let made = ListArray::try_new(Arc::clone(item), array.offsets().clone(), values, array.nulls().cloned());
    Ok(Arc::new(made.map_err(|e| e.to_string())?))
}

fn maps(array: &MapArray, entries: &FieldRef, sorted: bool) -> Result<ArrayRef, String> {
    let DataType::Struct(pair) = entries.data_type() else { return Err("it is no map".to_owned()) };
    let [key, value] = pair.as_ref() else { return Err("it is no map".to_owned()) };
    let columns = vec![conform(array.keys(), key.data_type())?, conform(array.values(), value.data_type())?];
    let made = StructArray::try_new(pair.clone(), columns, None).map_err(|e| e.to_string())?;
    let (offsets, nulls) = (array.offsets().clone(), array.nulls().cloned());
    let made = MapArray::try_new(Arc::clone(entries), offsets, made, nulls, sorted);
    Ok(Arc::new(made.map_err(|e| e.to_string())?))
}

/// A union as the column that [`HiveType::from_arrow`] gives it: its only branch, the wider of two numbers, or a
/// structure with a field per branch, of which one is set.
fn from_union(array: Option<&UnionArray>, rows: usize) -> Result<ArrayRef, String> {
    let Some(array) = array else { return Err("it is no union".to_owned()) };
    let DataType::Union(fields, _) = array.data_type() else { return Err("it is no union".to_owned()) };
    let mut branches = Vec::new();
    for (id, field) in fields.iter().filter(|(_, field)| *field.data_type() != DataType::Null) {
        let at = |row: usize| (array.type_id(row) == id).then(|| array.value_offset(row) as i32);
        let places: Int32Array = (0..rows).map(at).collect();
        let values = take(array.child(id), &places, None).map_err(|e| e.to_string())?;
        branches.push((Arc::clone(field), values));
    }
    if branches.is_empty() {
        return Ok(new_null_array(&DataType::Null, rows));
    }
    let hive = HiveType::from_arrow(array.data_type()).map_err(|e| e.to_string())?;
    let data_type = hive.to_arrow().map_err(|e| e.to_string())?;
    let in_struct = branches.len() > 1 && matches!(data_type, DataType::Struct(_));
    if !in_struct {
        let mut merged = new_null_array(&data_type, rows);
        for (_, values) in &branches {
            let values = conform(values, &data_type)?;
            let has = is_not_null(&values).map_err(|e| e.to_string())?;
            merged = zip(&has, &values, &merged).map_err(|e| e.to_string())?;
        }
        return Ok(merged);
    }
    let mut fields = Vec::with_capacity(branches.len());
    let mut columns = Vec::with_capacity(branches.len());
    for (number, (_, values)) in branches.into_iter().enumerate() {
        fields.push(Field::new(format!("member{number}"), values.data_type().clone(), true));
        columns.push(values);
    }
    let null_id = array.fields_null_id();
    let nulls: NullBuffer = (0..rows).map(|row| Some(array.type_id(row)) != null_id).collect();
    let made = StructArray::try_new(fields.into(), columns, Some(nulls)).map_err(|e| e.to_string())?;
    Ok(Arc::new(made))
}

/// The branch that stands for NULL.
trait NullBranch {
    fn fields_null_id(&self) -> Option<i8>;
}

impl NullBranch for UnionArray {
    fn fields_null_id(&self) -> Option<i8> {
        let DataType::Union(fields, _) = self.data_type() else { return None };
        fields.iter().find(|(_, field)| *field.data_type() == DataType::Null).map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Decimal128Array, Float64Array, Int64Array, StringArray, TimestampMillisecondArray};

    use super::*;

    fn to(array: ArrayRef, hive: &str) -> Result<ArrayRef, String> {
        conform(&array, &hive.parse::<HiveType>().unwrap().to_arrow().unwrap())
    }

    #[test]
    fn a_part_of_no_structure_is_null_also_where_it_never_is() {
        let inner = Fields::from(vec![Field::new("n", DataType::Int64, false)]);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![5, 0, 0]));
        let parts: ArrayRef = Arc::new(StructArray::new(inner.clone(), vec![numbers], None));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "", ""]));
        let fields = Fields::from(vec![
            Field::new("t", DataType::Utf8, false),
            Field::new("p", DataType::Struct(inner), false),
        ]);
        let there = NullBuffer::from(vec![true, false, true]);
        let array: ArrayRef = Arc::new(StructArray::new(fields, vec![texts, parts], Some(there)));
        let made = to(array, "struct<p:struct<n:bigint>,t:string>").unwrap();
        let (part, text) = (made.as_struct().column(0).as_struct(), made.as_struct().column(1));
        assert_eq!(part.column(0).as_ref(), &Int64Array::from(vec![Some(5), None, Some(0)]));
        assert_eq!(text.as_ref(), &StringArray::from(vec![Some("a"), None, Some("")]));
    }

    #[test]
    fn wider_is_right_and_narrower_only_where_it_fits() {
        let longs = || Arc::new(Int64Array::from(vec![Some(7), None, Some(300)])) as ArrayRef;
        assert_eq!(
            to(longs(), "double").unwrap().as_ref(),
            &Float64Array::from(vec![Some(7.0), None, Some(300.0)])
        );
        assert!(to(longs(), "int").is_ok());
        assert!(to(longs(), "tinyint").unwrap_err().contains("300"));
        assert!(to(longs(), "date").is_err());
        assert_eq!(to(longs(), "string").unwrap().as_string::<i32>().value(2), "300");
        let halves = || Arc::new(Float64Array::from(vec![1.5])) as ArrayRef;
        for narrower in ["bigint", "float", "decimal(10,0)"] {
            assert_eq!(to(halves(), narrower).unwrap_err(), "that could change values");
        }
        let cents = Decimal128Array::from(vec![123]).with_precision_and_scale(5, 2).unwrap();
        let cents = Arc::new(cents) as ArrayRef;
        assert!(to(Arc::clone(&cents), "decimal(9,4)").is_ok());
        assert!(to(Arc::clone(&cents), "decimal(9,1)").is_err());
        assert!(to(Arc::new(StringArray::from(vec!["1"])), "int").is_err());
        let millis = TimestampMillisecondArray::from(vec![1500]).with_timezone("+00:00");
        let micros = to(Arc::new(millis), "timestamp").unwrap();
        assert_eq!(micros.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().value(0), 1_500_000);
    }

    #[test]
    fn moments_as_text_have_no_t_and_no_zone() {
        let millis =
            || TimestampMillisecondArray::from(vec![Some(1_577_934_245_670), None, Some(600_000), Some(-1)]);
        let wanted = [
            Some("2020-01-02 03:04:05.67"),
            None,
            Some("1970-01-01 00:10:00"),
            Some("1969-12-31 23:59:59.999"),
        ];
        for array in [millis(), millis().with_timezone("+00:00")] {
            let text = to(Arc::new(array), "string").unwrap();
            assert_eq!(text.as_ref(), &StringArray::from(wanted.to_vec()));
        }
    }

    #[test]
    fn whole_numbers_become_floating_point_only_where_they_are_exact() {
        let longs = |value: i64| Arc::new(Int64Array::from(vec![Some(value), None])) as ArrayRef;
        assert!(to(longs(1 << 53), "double").is_ok());
        assert!(to(longs(i64::MIN), "double").is_ok());
        for (value, wanted) in [((1 << 53) + 1, "double"), (i64::MAX, "double"), ((1 << 24) + 1, "float")] {
            assert_eq!(to(longs(value), wanted).unwrap_err(), "digits of a whole number would be lost");
        }
    }

    #[test]
    fn names_that_could_mean_either_are_an_error() {
        let names = ["ID".to_owned(), "Id".to_owned(), "v".to_owned()];
        let place = |wanted, spelling| place(names.iter(), wanted, spelling);
        assert_eq!(place("Id", Spelling::Exact), Ok(Some(1)));
        assert_eq!(place("V", Spelling::Folded), Ok(Some(2)));
        assert_eq!(place("x", Spelling::Folded), Ok(None));
        for (wanted, spelling) in
            [("id", Spelling::Exact), ("id", Spelling::Folded), ("Id", Spelling::Folded)]
        {
            let said = format!("the file has ID and Id, and {wanted} can mean either");
            assert_eq!(place(wanted, spelling).unwrap_err(), said);
        }
        assert_eq!(Spelling::of(names.iter()), Spelling::Exact);
        assert_eq!(Spelling::of(names.iter().skip(1)), Spelling::Folded);
    }

    #[test]
    fn fields_of_structures_could_be_either_too() {
        let field = |name: &str| Arc::new(Field::new(name, DataType::Int64, true));
        let values = |n: i64| Arc::new(Int64Array::from(vec![n])) as ArrayRef;
        let both = || Arc::new(StructArray::from(vec![(field("A"), values(1)), (field("a"), values(2))]));
        assert_eq!(
            to(both(), "struct<a:bigint>").unwrap_err(),
            "the file has A and a, and a can mean either"
        );
        let fields = Fields::from(vec![field("a"), field("A")]);
        let apart = conform(&(both() as ArrayRef), &DataType::Struct(fields)).unwrap();
        assert_eq!(apart.as_struct().column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0), 2);
    }

    #[test]
    fn structures_by_name_at_any_depth() {
        let inner = StructArray::from(vec![
            (
                Arc::new(Field::new("B", DataType::Int64, true)),
                Arc::new(Int64Array::from(vec![1])) as ArrayRef,
            ),
            (
                Arc::new(Field::new("gone", DataType::Int64, true)),
                Arc::new(Int64Array::from(vec![2])) as ArrayRef,
            ),
        ]);
        let made = to(Arc::new(inner), "struct<new:string,b:double>").unwrap();
        let made = made.as_struct();
        assert!(made.column(0).is_null(0));
        assert_eq!(made.column(1).as_primitive::<arrow::datatypes::Float64Type>().value(0), 1.0);
    }
}
