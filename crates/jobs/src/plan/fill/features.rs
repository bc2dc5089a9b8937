//! The fields that are learned from, and the one that is filled in.

use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::Expr;

use super::super::{PlanError, column};
use super::functions::{key, number};
use crate::graph::FillMissing;

/// The most fields that are learned from; the first ones are.
const MAX_FEATURES: usize = 100;

/// What a model is asked with.
pub(super) struct Features {
    /// The field with what is missing.
    pub(super) target: String,
    pub(super) target_type: DataType,
    /// The others, each with its type.
    pub(super) used: Vec<(String, DataType)>,
    /// Fields that nothing is learned from.
    pub(super) unused: Vec<String>,
}

impl Features {
    /// Those of a frame. Errors: `NoField`; `Refused` for a field that cannot be filled in, and a name that is taken.
    pub(super) fn of(frame: &DataFrame, fill: &FillMissing) -> Result<Self, PlanError> {
        let fields = frame.schema().fields();
        let known = || fields.iter().map(|field| field.name().clone()).collect();
        let Some(target) = fields.iter().find(|field| *field.name() == fill.from) else {
            return Err(PlanError::NoField { field: fill.from.clone(), known: known() });
        };
        if fields.iter().any(|field| *field.name() == fill.to) {
            let taken =
                format!("FilledPath {} is a field of its input; give the filled one a new name", fill.to);
            return Err(PlanError::Refused(taken));
        }
        let target_type = target.data_type().clone();
        if !is_number(&target_type) && !is_text(&target_type) && target_type != DataType::Boolean {
            return Err(PlanError::Refused(format!(
                "ImputedPath {} is of the type {target_type}; numbers, texts, booleans, dates and timestamps are filled in",
                fill.from
            )));
        }
        let mut features =
            Self { target: fill.from.clone(), target_type, used: Vec::new(), unused: Vec::new() };
        for field in fields.iter().filter(|field| *field.name() != fill.from) {
            let data_type = field.data_type();
            let is_plain = is_number(data_type) || is_text(data_type) || *data_type == DataType::Boolean;
            match is_plain && features.used.len() < MAX_FEATURES {
                true => features.used.push((field.name().clone(), data_type.clone())),
                false => features.unused.push(field.name().clone()),
            }
        }
        Ok(features)
    }

    /// Whether what is filled in is a number, not one of several values.
    pub(super) fn is_number(&self) -> bool {
        is_number(&self.target_type)
    }

    /// The cells of a row that a model is asked with: the number of each field, and of texts also a key that
    /// tells them apart.
    pub(super) fn cells(&self) -> Vec<Expr> {
        let mut cells = Vec::new();
        for (name, data_type) in &self.used {
            cells.push(number(column(name), data_type));
            if is_text(data_type) {
                cells.push(key(column(name), data_type));
            }
        }
        cells
    }
}

/// Whether it is one by itself or, like a date, has one.
pub(super) fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
        || matches!(data_type, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}
