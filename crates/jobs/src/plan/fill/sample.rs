//! The rows that are learned from.
//!
//! Of the rows that have a value those are taken whose contents have the smallest hashes: the same ones in the same order,
//! however the input is split among threads. Rows with one hash are alike.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, lit};

use super::super::{PlanError, column};
use super::features::{Features, is_text};
use super::functions::{known, order};

/// By how much less often a cell may be there where the field is missing.
const MAX_LESS: f64 = 0.1;
/// The most rows, and the most cells that hold all of them.
const MAX_ROWS: usize = 10_000;
const MAX_CELLS: usize = 1_000_000;
const KNOWN: &str = "known";
const ORDER: &str = "order";

/// The rows that have a value, cut down to their cells.
pub(super) fn frame(frame: &DataFrame, features: &Features) -> Result<DataFrame, PlanError> {
    let mut columns = vec![known(column(&features.target), &features.target_type).alias(KNOWN)];
    let cells = features.cells();
    let rows = MAX_ROWS.min(MAX_CELLS / (cells.len() + 1));
    columns.extend(cells.into_iter().enumerate().map(|(at, cell)| cell.alias(name(at))));
    let names: Vec<String> =
        std::iter::once(KNOWN.to_owned()).chain((0..columns.len() - 1).map(name)).collect();
    let frame = frame.clone().select(columns)?.filter(column(KNOWN).is_not_null())?;
    let types: Vec<DataType> =
        frame.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    let place = order(names.iter().map(|name| column(name)).collect(), types);
    let sorted = frame.with_column(ORDER, place)?.sort(vec![column(ORDER).sort(true, false)])?;
    Ok(sorted.limit(0, Some(rows))?)
}

fn name(at: usize) -> String {
    format!("cell_{at}")
}

/// A field of some rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cells {
    /// What is no number is NaN.
    Numbers(Vec<f64>),
    /// Keys that tell values apart.
    Keys(Vec<Option<i64>>),
}

/// What is there in the field that is filled in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known {
    Numbers(Vec<f64>),
    Values(Vec<String>),
}

impl Known {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Values(values) => values.len(),
        }
    }
}

/// Rows to learn from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) cells: Vec<Cells>,
    /// Of each row.
    pub(super) known: Known,
    /// In which share of the rows to be filled in each cell is there.
    pub(super) there: Vec<f64>,
}

impl Sample {
    /// Whether numbers may be told by each cell. One that is mostly missing where it would be needed would be weighed as if it
    /// were there, and leave what it stands for to chance.
    pub(super) fn usable(&self) -> Vec<bool> {
        let share = |cells: &Cells| {
            let (rows, there) = match cells {
                Cells::Numbers(numbers) => (numbers.len(), numbers.iter().filter(|n| n.is_finite()).count()),
                Cells::Keys(keys) => (keys.len(), keys.iter().flatten().count()),
            };
            there as f64 / rows.max(1) as f64
        };
        self.cells.iter().zip(&self.there).map(|(cells, there)| share(cells) - there <= MAX_LESS).collect()
    }
}

/// How many rows lack the field, and in how many of them each cell is there.
pub(super) fn gaps(frame: &DataFrame, features: &Features) -> Result<DataFrame, PlanError> {
    let target = column(&features.target);
    let is_empty = match is_text(&features.target_type) {
        true => target.clone().is_null().or(target.eq(lit(""))),
        false => target.is_null(),
    };
    let cells = features.cells().into_iter().enumerate();
    let columns: Vec<Expr> = std::iter::once(lit(1_i64).alias(KNOWN))
        .chain(cells.map(|(at, cell)| cell.alias(name(at))))
        .collect();
    let counts = (0..columns.len() - 1).map(|at| count(column(&name(at))).alias(name(at)));
    let counts = std::iter::once(count(column(KNOWN)).alias(KNOWN)).chain(counts).collect();
    Ok(frame.clone().filter(is_empty)?.select(columns)?.aggregate(Vec::new(), counts)?)
}

/// What was counted: how many rows there are, and the share of each cell.
pub(super) fn shares(batches: &[RecordBatch]) -> (i64, Vec<f64>) {
    let batch = batches.iter().find(|batch| batch.num_rows() > 0);
    let counts = batch.map(RecordBatch::columns).unwrap_or_default().iter();
    let mut counts =
        counts.filter_map(|column| column.as_primitive_opt::<Int64Type>()).map(|column| column.value(0));
    let rows = counts.next().unwrap_or(0);
    (rows, counts.map(|there| there as f64 / rows.max(1) as f64).collect())
}

/// The sample that was read.
pub(super) fn of(batches: &[RecordBatch], features: &Features, there: Vec<f64>) -> Result<Sample, PlanError> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    let width = batches.first().map_or(0, RecordBatch::num_columns);
    // The last one is what they are ordered by.
    for at in 0..width.saturating_sub(1) {
        let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(at).as_ref()).collect();
        let column = arrow::compute::concat(&parts);
        columns.push(column.map_err(|error| PlanError::Refused(error.to_string()))?);
    }
    let known = match (columns.first(), features.is_number()) {
        (None, true) => Known::Numbers(Vec::new()),
        (None, false) => Known::Values(Vec::new()),
        (Some(column), true) => Known::Numbers(numbers(column)),
        (Some(column), false) => {
            let texts = column.as_string_opt::<i32>().into_iter().flatten();
            Known::Values(texts.map(|text| text.unwrap_or_default().to_owned()).collect())
        }
    };
    Ok(Sample { cells: cells(columns.get(1..).unwrap_or_default()), known, there })
}

/// The cells of columns: numbers, or keys.
pub(super) fn cells(columns: &[ArrayRef]) -> Vec<Cells> {
    let of_column = |column: &ArrayRef| match column.as_primitive_opt::<Int64Type>() {
        Some(keys) => Cells::Keys(keys.iter().collect()),
        None => Cells::Numbers(numbers(column)),
    };
    columns.iter().map(of_column).collect()
}

fn numbers(column: &ArrayRef) -> Vec<f64> {
    let numbers = column.as_primitive_opt::<Float64Type>();
    numbers
        .map(|numbers| numbers.iter().map(|number| number.unwrap_or(f64::NAN)).collect())
        .unwrap_or_default()
}
