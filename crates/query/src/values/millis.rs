//! Timestamps in milliseconds, as Athena has them.
//!
//! The catalog's type `timestamp` is Trino's `timestamp(3)`: what a file holds beyond that is rounded when it is read,
//! half up. Source: Trino's Hive connector (`hive.timestamp-precision`, MILLISECONDS unless set) and its Parquet
//! decoders, which round to the type's precision.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, TimestampMillisecondArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::preimage::PreimageResult;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{on_arrays, wrong_arguments};

/// The type of every timestamp in a query.
pub(crate) const MILLIS: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// Brings a timestamp to milliseconds.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ToMillis(Signature);

impl Default for ToMillis {
    fn default() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

/// Half up, also before 1970: -1.5 becomes -1.
fn rounded(value: i64, per_milli: i64) -> i64 {
    let (whole, rest) = (value.div_euclid(per_milli), value.rem_euclid(per_milli));
    whole + i64::from(rest * 2 >= per_milli)
}

fn to_millis(values: &ArrayRef) -> Result<ArrayRef> {
    let millis: TimestampMillisecondArray =
        match values.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, _) => values
                .as_primitive::<TimestampMicrosecondType>()
                .unary::<_, TimestampMillisecondType>(|value| rounded(value, 1_000)),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                values
                    .as_primitive::<TimestampNanosecondType>()
                    .unary::<_, TimestampMillisecondType>(|value| rounded(value, 1_000_000))
            }
            _ => return Ok(cast(values, &MILLIS)?),
        };
    Ok(Arc::new(millis))
}

impl ScalarUDFImpl for ToMillis {
    fn name(&self) -> &str {
        "to_millis"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(MILLIS)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [DataType::Timestamp(_, None)] => Ok(arg_types.to_vec()),
            _ => wrong_arguments(self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| to_millis(&arrays[0]))
    }

    /// Which microseconds give a millisecond: with it, comparisons are made on the column itself, by which files
    /// and their parts can be left out.
    fn preimage(&self, args: &[Expr], literal: &Expr, info: &SimplifyContext) -> Result<PreimageResult> {
        let [arg] = args else { return Ok(PreimageResult::None) };
        let Expr::Literal(ScalarValue::TimestampMillisecond(Some(millis), None), _) = literal else {
            return Ok(PreimageResult::None);
        };
        if info.get_data_type(arg)? != DataType::Timestamp(TimeUnit::Microsecond, None) {
            return Ok(PreimageResult::None);
        }
        let bounds =
            millis.checked_mul(1_000).and_then(|at| Some((at.checked_sub(500)?, at.checked_add(500)?)));
        let Some((from, to)) = bounds else { return Ok(PreimageResult::None) };
        let bound = |at: i64| ScalarValue::TimestampMicrosecond(Some(at), None);
        let interval = Box::new(Interval::try_new(bound(from), bound(to))?);
        Ok(PreimageResult::Range { expr: arg.clone(), interval })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_up_on_both_sides_of_1970() {
        let rounded_all = [499, 500, 1_499, -500, -501, -1_500, -1_501].map(|micros| rounded(micros, 1_000));
        assert_eq!(rounded_all, [0, 1, 1, 0, -1, -1, -2]);
    }
}
