//! The partitions of Iceberg tables: which of them a row belongs to, and what they are called in a commit.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use tables::metadata::Transform;
use tables::{PartitionColumn, PartitionValue};

use crate::plan::{PlanError, column};

/// How an output is divided: a column per partition field that is not always null.
#[derive(Debug, Clone, Default)]
pub(super) struct Divided {
    columns: Vec<PartitionColumn>,
}

impl Divided {
    /// By the fields of the table's partition spec.
    pub(super) fn by(columns: Vec<PartitionColumn>) -> Self {
        Self { columns }
    }

    /// Whether the table has partitions at all.
    pub(super) fn is_divided(&self) -> bool {
        !self.columns.is_empty()
    }

    /// The columns whose values the output is divided by, and those of them that are columns of the table.
    pub(super) fn keys(&self) -> (Vec<String>, Vec<String>) {
        let mut all = Vec::new();
        let mut kept = Vec::new();
        for own in &self.columns {
            match (&own.source, &own.transform) {
                (Some(source), Transform::Identity) => {
                    all.push(source.clone());
                    kept.push(source.clone());
                }
                (Some(_), _) => all.push(own.name.clone()),
                (None, _) => {}
            }
        }
        (all, kept)
    }

    /// The fields as a person writes them: `day`, `bucket[4](id)`.
    pub(super) fn described(&self) -> Vec<String> {
        let described = self.columns.iter().map(|own| match (&own.source, &own.transform) {
            (Some(source), Transform::Identity) => source.clone(),
            (Some(source), by) => format!("{by}({source})"),
            (None, _) => format!("{} (void)", own.name),
        });
        described.collect()
    }

    /// The frame with a column per partition field that is none of the table's.
    pub(super) fn apply(&self, frame: DataFrame) -> Result<DataFrame, PlanError> {
        let mut exprs: Vec<Expr> = frame.schema().fields().iter().map(|field| column(field.name())).collect();
        for own in &self.columns {
            if let (Some(source), by) = (&own.source, &own.transform)
                && *by != Transform::Identity
            {
                let from =
                    frame.schema().as_arrow().field_with_name(source).map_err(DataFusionError::from)?;
                exprs.push(value(by, from.data_type(), column(source)).alias(own.name.as_str()));
            }
        }
        Ok(frame.select(exprs)?)
    }

    /// The partition of a file, by the values of [`Divided::keys`].
    pub(super) fn partition(&self, values: &[ScalarValue]) -> Result<Vec<PartitionValue>, String> {
        let mut values = values.iter();
        let partition = self.columns.iter().map(|own| match &own.source {
            None => Ok(PartitionValue::Null),
            Some(_) => {
                values.next().map_or_else(|| Err("a file has no partition".to_owned()), partition_value)
            }
        });
        partition.collect()
    }
}

fn partition_value(value: &ScalarValue) -> Result<PartitionValue, String> {
    if value.is_null() {
        return Ok(PartitionValue::Null);
    }
    Ok(match value {
        ScalarValue::Boolean(Some(yes)) => PartitionValue::Boolean(*yes),
        ScalarValue::Int32(Some(number)) | ScalarValue::Date32(Some(number)) => {
            PartitionValue::Number((*number).into())
        }
        ScalarValue::Int64(Some(number)) | ScalarValue::TimestampMicrosecond(Some(number), None) => {
            PartitionValue::Number(*number)
        }
        ScalarValue::Decimal128(Some(number), _, _) => PartitionValue::Decimal(*number),
        ScalarValue::Utf8(Some(text)) => PartitionValue::Text(text.clone()),
        other => return Err(format!("a partition value is of type {}", other.data_type())),
    })
}

/// What a transform makes of values of a type.
fn value(by: &Transform, from: &DataType, of: Expr) -> Expr {
    let signature = Signature::exact(vec![from.clone()], Volatility::Immutable);
    ScalarUDF::new_from_impl(PartitionOf { by: by.clone(), signature }).call(vec![of])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PartitionOf {
    by: Transform,
    signature: Signature,
}

impl ScalarUDFImpl for PartitionOf {
    fn name(&self) -> &str {
        "iceberg_partition"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let made = arguments.first().and_then(|from| tables::transformed_type(&self.by, from));
        made.ok_or_else(|| {
            let shown = arguments.first().map(ToString::to_string).unwrap_or_default();
            DataFusionError::Plan(format!("{} cannot be applied to values of type {shown}", self.by))
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let source = arrays.first().ok_or_else(|| DataFusionError::Plan("no value was given".to_owned()))?;
        Ok(ColumnarValue::Array(tables::transform(&self.by, source)?))
    }
}
