//! AWS Glue Studio's own transforms.

mod explode;
mod flatten;
mod from_json;
mod lookup;
mod pivot;
mod relationalize;
mod unpivot;

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::functions::string::expr_fn::uuid;
use datafusion::functions_nested::expr_fn::{array_length, cardinality};
use datafusion::logical_expr::{Expr, lit};
use engine::Session;

pub(super) use from_json::from_json;
pub(super) use pivot::pivot;

use super::paths::{Found, names, position, resolve_single};
use super::{Accused, PlanError, Planning, aside, column, sql};
use crate::graph::{Computed, Node, Studio};

/// The name that computed columns know their input by.
const INPUT: &str = "__input";
/// The numbers of rows that are written aside.
const KEY: &str = "__key";

/// The frame that the transform makes.
pub(super) async fn apply(
    session: &Session,
    own: &Studio,
    frame: DataFrame,
    accused: &Accused,
) -> Result<DataFrame, PlanError> {
    match own {
        Studio::Flatten { levels, separator } => flatten::flatten(frame, *levels, separator),
        Studio::Explode { column, names, outer } => explode::explode(frame, column, names, *outer),
        Studio::With { columns, without } => {
            let mut frame = frame;
            for column in columns {
                frame = with(session, frame, column, accused).await?;
            }
            match without {
                None => Ok(frame),
                Some(name) => {
                    let gone = whole(&frame, name)?.path;
                    let kept = others(&frame, &gone);
                    Ok(frame.select(kept.iter().map(|name| column(name)).collect::<Vec<_>>())?)
                }
            }
        }
        Studio::NullRows { extended } => without_null_rows(frame, *extended),
        // The engine spreads rows over its threads by itself.
        Studio::Repartition { .. } => Ok(frame),
        Studio::Lookup(own) => lookup::look_up(session, frame, own, accused).await,
        Studio::Unpivot(own) => unpivot::unpivot(frame, own),
        Studio::Relationalize { .. }
        | Studio::FromJson(_)
        | Studio::Pivot(_)
        | Studio::Numbers(_)
        | Studio::Uuids(_) => {
            Err(PlanError::Refused("its rows are planned with a look, and were asked for without".to_owned()))
        }
    }
}

/// Whether what it gives would be something else each time.
pub(super) fn is_made_once(own: &Studio) -> bool {
    matches!(own, Studio::Relationalize { .. } | Studio::Numbers(_) | Studio::Uuids(_))
}

/// The frames of such a transform. All targets of a run see the same rows.
pub(super) async fn made_once(
    session: &Session,
    node: &Node,
    own: &Studio,
    frame: DataFrame,
    planning: &mut Planning<'_>,
) -> Result<Vec<DataFrame>, PlanError> {
    if let Some(tables) = planning.decisions.tables(node) {
        return Ok(tables);
    }
    let tables = match own {
        Studio::Numbers(name) => {
            let rows = aside::numbered(session, frame, KEY, planning).await?;
            vec![with_exprs(rows, vec![(name, column(KEY) - lit(1_i64))], KEY)?]
        }
        Studio::Uuids(name) => {
            let rows = with_exprs(frame, vec![(name, uuid())], "")?;
            vec![with_exprs(aside::numbered(session, rows, KEY, planning).await?, Vec::new(), KEY)?]
        }
        _ => relationalize::tables(session, frame, planning).await?,
    };
    planning.decisions.keep(node, &tables);
    Ok(tables)
}

/// The frame with a column: in the place of the one of its name, else behind all.
async fn with(
    session: &Session,
    frame: DataFrame,
    own: &Computed,
    accused: &Accused,
) -> Result<DataFrame, PlanError> {
    // Behind an expression there may be a comment.
    let value = format!("{}\n AS {}", own.expression, quoted(&own.name));
    let replaced = position(frame.schema().fields(), &own.name);
    let mut columns = Vec::new();
    for (at, field) in frame.schema().fields().iter().enumerate() {
        columns.push(if replaced == Some(at) { value.clone() } else { quoted(field.name()) });
    }
    if replaced.is_none() {
        columns.push(value);
    }
    let text = format!("SELECT {} FROM {INPUT}", columns.join(", "));
    // Planning holds much; whoever plans several columns need not carry it along.
    let planned = Box::pin(sql::query(session, &text, vec![(INPUT.to_owned(), frame)], accused)).await;
    planned.map_err(|error| match error {
        PlanError::Refused(what) => PlanError::Refused(what.replace(
            &format!("its inputs are known as {INPUT}"),
            "an expression has no name for its input, and tables of the Data Catalog are database.table",
        )),
        other => other,
    })
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// All columns, and these: each in the place of the one of its name, else behind all.
fn with_exprs(frame: DataFrame, own: Vec<(&str, Expr)>, without: &str) -> Result<DataFrame, PlanError> {
    let fields = frame.schema().fields().clone();
    let places: Vec<_> = own.iter().map(|(name, _)| position(&fields, name)).collect();
    let mut columns = Vec::new();
    for (at, field) in fields.iter().enumerate().filter(|(_, field)| field.name() != without) {
        let mut replaced = own.iter().zip(&places).filter(|(_, place)| **place == Some(at));
        columns.push(match replaced.next() {
            Some(((name, expr), _)) => expr.clone().alias(*name),
            None => column(field.name()),
        });
    }
    for ((name, expr), _) in own.into_iter().zip(&places).filter(|(_, place)| place.is_none()) {
        columns.push(expr.alias(name));
    }
    Ok(frame.select(columns)?)
}

/// How many elements an array has, or entries a map; null where it is null.
/// Of arrays in arrays, the engine's `cardinality` is the number of innermost elements.
fn length(value: Expr, data_type: &DataType) -> Expr {
    match data_type {
        DataType::Map(..) => cardinality(value),
        _ => array_length(value),
    }
}

/// The rows that hold something.
fn without_null_rows(frame: DataFrame, extended: bool) -> Result<DataFrame, PlanError> {
    let holds = |name: &str, data_type: &DataType| {
        let there = column(name).is_not_null();
        match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if extended => {
                there.and(column(name).not_eq(lit("")))
            }
            kind if extended && explode::has_elements(kind) => {
                there.and(length(column(name), kind).gt(lit(0_u64)))
            }
            _ => there,
        }
    };
    let fields = frame.schema().fields().clone();
    match fields.iter().map(|field| holds(field.name(), field.data_type())).reduce(Expr::or) {
        Some(any) => Ok(frame.filter(any)?),
        None => Ok(frame),
    }
}

/// The columns that are none of these.
fn others(frame: &DataFrame, gone: &[String]) -> Vec<String> {
    names(frame.schema().fields()).into_iter().filter(|name| !gone.contains(name)).collect()
}

/// A column by its name, no field of a structure and no choice.
fn whole(frame: &DataFrame, name: &str) -> Result<Found, PlanError> {
    let found = resolve_single(frame.schema(), &[name.to_owned()])?;
    match found.path.len() {
        1 => Ok(found),
        _ => Err(PlanError::NoField { field: name.to_owned(), known: names(frame.schema().fields()) }),
    }
}

/// Refuses two columns of one name.
fn unique<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), PlanError> {
    let mut known = BTreeSet::new();
    match names.into_iter().find(|name| !known.insert(*name)) {
        None => Ok(()),
        Some(name) => Err(PlanError::Refused(format!(
            "its result would have two columns named {name}; rename one of them before"
        ))),
    }
}
