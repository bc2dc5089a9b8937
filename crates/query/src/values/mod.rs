//! Functions of our engine that compute what Trino computes, where the engine's own do not.

mod arithmetic;
mod bits;
mod bound_sum;
mod bounded;
mod dates;
mod decimals;
mod extreme;
mod floats;
mod letters;
mod math;
mod millis;
mod mysql_dates;
mod number_cast;
mod pieces;
mod sum;
mod text;
mod text_cast;
mod to_text;

pub(crate) use arithmetic::{Arithmetic, CheckedArithmetic};
pub(crate) use bits::{Bit, Truth};
use bound_sum::BoundSum;
pub(crate) use bounded::{Unread, VarcharCut};
use dates::{DateFunction, Dates};
pub(crate) use decimals::{DecimalOperation, Decimals};
pub(crate) use extreme::Extreme;
pub(crate) use floats::{Canonical, Comparison, FloatComparison, FloatIn, common_float};
use letters::Letters;
pub(crate) use math::DoubleFunction;
use math::DoubleMath;
pub(crate) use millis::{MILLIS, ToMillis};
use mysql_dates::MysqlDates;
pub(crate) use mysql_dates::unparsable;
pub(crate) use number_cast::NumberCast;
use pieces::{Replace, Substr};
pub(crate) use sum::CheckedSum;
use text::{TextFunction, Texts};
pub(crate) use text_cast::{Target, TextCast};
pub(crate) use to_text::ToText;

use arrow::array::ArrayRef;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{AggregateUDF, ColumnarValue, ScalarFunctionArgs, ScalarUDF};
use datafusion::prelude::SessionContext;
use engine::NamedCast;

/// Makes the functions known that queries call by name.
pub(crate) fn register(context: &SessionContext) {
    for function in math::FUNCTIONS {
        context.register_udf(ScalarUDF::from(DoubleMath::new(*function)));
    }
    for function in [DateFunction::Truncate, DateFunction::Add, DateFunction::Difference] {
        context.register_udf(ScalarUDF::from(Dates::new(function)));
    }
    for function in [TextFunction::SplitPart, TextFunction::PadLeft, TextFunction::PadRight] {
        context.register_udf(ScalarUDF::from(Texts::new(function)));
    }
    context.register_udf(ScalarUDF::from(Replace::default()));
    context.register_udf(ScalarUDF::from(Substr::default()));
    context.register_udf(ScalarUDF::from(MysqlDates::format()));
    context.register_udf(ScalarUDF::from(MysqlDates::parse()));
    context.register_udf(ScalarUDF::from(Letters::upper()));
    context.register_udf(ScalarUDF::from(Letters::lower()));
    context.register_udf(ScalarUDF::from(NamedCast::default()));
    context.register_udaf(AggregateUDF::from(BoundSum::default()));
}

/// Computes on arrays of one length; from constants alone comes a constant.
pub(crate) fn on_arrays(
    args: &ScalarFunctionArgs,
    compute: impl FnOnce(&[ArrayRef]) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    let arrays = ColumnarValue::values_to_arrays(&args.args)?;
    let result = compute(&arrays)?;
    let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    if constant && !args.args.is_empty() {
        return ScalarValue::try_from_array(&result, 0).map(ColumnarValue::Scalar);
    }
    Ok(ColumnarValue::Array(result))
}

/// A call that the planner should not have let through.
pub(crate) fn wrong_arguments<T>(function: &str) -> Result<T> {
    Err(DataFusionError::Plan(format!("Unexpected parameters for function {function}")))
}
