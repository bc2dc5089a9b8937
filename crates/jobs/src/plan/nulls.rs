//! DropNullFields: leaves out the fields that hold nothing.
//!
//! A field holds nothing when each of its values is null or one of those that the node says stand for null. Fields of
//! structures are looked at one by one, arrays and maps as a whole. The rows are read once for that before the run goes
//! on. Of an input without rows every field is kept: nothing can be said of it, and a target needs columns.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Fields, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::functions::expr_fn::btrim;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, lit, when};
use engine::Session;

use super::cast::glue_type;
use super::paths::resolve;
use super::planning::Choice;
use super::{PlanError, Planning, fields};
use crate::graph::{FieldPath, Node, NullValues};

/// The frame without the fields that hold nothing.
pub(super) async fn drop(
    session: &Session,
    node: &Node,
    frame: DataFrame,
    values: &NullValues,
    planning: &mut Planning<'_>,
) -> Result<DataFrame, PlanError> {
    let empty = match planning.decisions.of(node) {
        Some(empty) => empty,
        None => {
            let empty = find(session, &frame, values, planning).await?;
            planning.decisions.make(node, &empty);
            empty
        }
    };
    let empty: Vec<FieldPath> = empty.into_iter().map(|(path, _)| path).collect();
    if empty.is_empty() {
        return Ok(frame);
    }
    let names: Vec<String> = empty.iter().map(|path| path.join(".")).collect();
    planning.notes.push(format!("fields that hold nothing are dropped: {}", names.join(", ")));
    fields::drop(frame, &empty, planning)
}

async fn find(
    session: &Session,
    frame: &DataFrame,
    values: &NullValues,
    planning: &mut Planning<'_>,
) -> Result<Choice, PlanError> {
    let mut leaves = Vec::new();
    collect(frame.schema().fields(), &[], &mut leaves);
    let mut counts = vec![count(lit(1_i64)).alias("rows")];
    for (at, path) in leaves.iter().enumerate() {
        let found = resolve(frame.schema(), path)?;
        let holds = holds(found.expr, &found.data_type, values)?;
        counts.push(count(when(holds, lit(1_i64)).end()?).alias(format!("field_{at}")));
    }
    let batches = planning.look(session, frame.clone().aggregate(Vec::new(), counts)?).await?;
    let counted = |column: usize| {
        let batch = batches.iter().find(|batch| batch.num_rows() > 0)?;
        let counts = batch.column(column).as_primitive_opt::<Int64Type>()?;
        Some(counts.value(0))
    };
    let missing = || PlanError::Refused("its input could not be counted".to_owned());
    if counted(0).ok_or_else(missing)? == 0 {
        planning.notes.push("its input has no rows: every field is kept".to_owned());
        return Ok(Choice::new());
    }
    let mut empty = Choice::new();
    for (at, path) in leaves.into_iter().enumerate() {
        if counted(at + 1).ok_or_else(missing)? == 0 {
            empty.push((path, Vec::new()));
        }
    }
    Ok(empty)
}

/// The paths of the fields that are no structures.
fn collect(fields: &Fields, prefix: &[String], leaves: &mut Vec<FieldPath>) {
    for field in fields {
        let path = [prefix, std::slice::from_ref(field.name())].concat();
        match field.data_type() {
            DataType::Struct(children) => collect(children, &path, leaves),
            _ => leaves.push(path),
        }
    }
}

/// Whether a value is there and stands for nothing else than itself.
fn holds(value: Expr, data_type: &DataType, values: &NullValues) -> Result<Expr, PlanError> {
    let mut placeholders = Vec::new();
    let text = matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    if text {
        placeholders.extend(values.texts.iter().map(|text| lit(text.clone())));
    }
    let counts = matches!(data_type, DataType::Int32 | DataType::Int64 | DataType::Float64);
    if values.minus_one && counts {
        placeholders.push(Expr::Literal(ScalarValue::Int64(Some(-1)).cast_to(data_type)?, None));
    }
    for (text, name) in &values.typed {
        let scalar = parse(text, name).map_err(PlanError::Refused)?;
        if scalar.data_type() == *data_type {
            placeholders.push(Expr::Literal(scalar, None));
        }
    }
    let there = value.clone().is_not_null();
    if placeholders.is_empty() {
        return Ok(there);
    }
    let compared = if text { btrim(vec![value]) } else { value };
    Ok(there.and(compared.in_list(placeholders, true)))
}

/// A value that stands for null, of a Glue type.
fn parse(text: &str, name: &str) -> Result<ScalarValue, String> {
    let unknown = || format!("Datatype.Id {name} is not the type of single values");
    let data_type = glue_type(name).map_err(|error| error.to_string())?.ok_or_else(unknown)?;
    if data_type.is_nested() || data_type == DataType::Binary {
        return Err(unknown());
    }
    match ScalarValue::try_from_string(text.trim().to_owned(), &data_type) {
        Ok(scalar) if !scalar.is_null() => Ok(scalar),
        _ => Err(format!("Value {text:?} is not of the type {name}")),
    }
}

/// Refuses a value that is not of its type.
pub(crate) fn check_value(text: &str, name: &str) -> Result<(), String> {
    parse(text, name).map(|_| ())
}
