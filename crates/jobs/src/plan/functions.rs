//! Functions of Spark that the engine lacks or would bind otherwise, known here by name and type only.
//!
//! They are registered so that SQL with them can be bound; [`super::spark`] replaces each by an expression that can
//! be computed before anything runs. Computing one is therefore an error.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;
use engine::NamedCast;

use super::operators::{Minus, Operators};
use super::spark::{NUMBER, loose, number_literal};

/// Name, number of arguments (any, where there is none), type of the result (`None`: of the second argument).
const FUNCTIONS: &[(&str, Option<usize>, Option<DataType>)] = &[
    ("year", Some(1), Some(DataType::Int32)),
    ("quarter", Some(1), Some(DataType::Int32)),
    ("month", Some(1), Some(DataType::Int32)),
    ("weekofyear", Some(1), Some(DataType::Int32)),
    ("day", Some(1), Some(DataType::Int32)),
    ("dayofmonth", Some(1), Some(DataType::Int32)),
    ("dayofweek", Some(1), Some(DataType::Int32)),
    ("dayofyear", Some(1), Some(DataType::Int32)),
    ("hour", Some(1), Some(DataType::Int32)),
    ("minute", Some(1), Some(DataType::Int32)),
    ("second", Some(1), Some(DataType::Int32)),
    ("date_add", Some(2), Some(DataType::Date32)),
    ("date_sub", Some(2), Some(DataType::Date32)),
    ("datediff", Some(2), Some(DataType::Int32)),
    ("date_format", Some(2), Some(DataType::Utf8)),
    ("to_date", None, Some(DataType::Date32)),
    ("to_timestamp", None, Some(super::spark::TIMESTAMP)),
    ("timestamp_seconds", Some(1), Some(super::spark::TIMESTAMP)),
    ("timestamp_millis", Some(1), Some(super::spark::TIMESTAMP)),
    ("timestamp_micros", Some(1), Some(super::spark::TIMESTAMP)),
    ("substr", None, Some(DataType::Utf8)),
    ("substring", None, Some(DataType::Utf8)),
    ("round", None, Some(DataType::Float64)),
    ("if", Some(3), None),
    ("regexp_extract", None, Some(DataType::Utf8)),
    ("get_json_object", Some(2), Some(DataType::Utf8)),
];
/// Aggregates that take text as numbers.
const AGGREGATES: &[&str] = &[
    "sum",
    "avg",
    "mean",
    "stddev",
    "stddev_samp",
    "stddev_pop",
    "var",
    "var_samp",
    "var_pop",
    "corr",
    "covar_samp",
    "covar_pop",
];

/// Makes the names known to the session; again is the same.
pub(super) fn register(context: &SessionContext) {
    if context.udf("datediff").is_ok() {
        return;
    }
    // Cheap: the clone shares its state.
    let _ = context.clone().register_expr_planner(Arc::new(Operators));
    for (name, arguments, result) in FUNCTIONS {
        context.register_udf(named(name, *arguments, result.clone()));
    }
    let texts = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    context.register_udf(named("split", Some(2), Some(texts)));
    for (name, result) in loose() {
        if let Ok(inner) = context.udf(name) {
            let signature = Signature::variadic_any(Volatility::Immutable);
            context.register_udf(ScalarUDF::new_from_impl(Loose { inner, result, signature }));
        }
    }
    context.register_udf(ScalarUDF::new_from_impl(Minus::default()));
    context.register_udf(ScalarUDF::new_from_impl(NamedCast::default()));
    context.register_udf(ScalarUDF::new_from_impl(Number {
        signature: Signature::any(1, Volatility::Immutable),
    }));
    for name in AGGREGATES {
        if let Ok(inner) = context.udaf(name) {
            let signature = Signature::variadic_any(Volatility::Immutable);
            context.register_udaf(AggregateUDF::new_from_impl(Numeric { name, inner, signature }));
        }
    }
}

pub(super) fn named(name: &'static str, arguments: Option<usize>, result: Option<DataType>) -> ScalarUDF {
    let signature = match arguments {
        Some(count) => Signature::any(count, Volatility::Immutable),
        None => Signature::variadic_any(Volatility::Immutable),
    };
    ScalarUDF::new_from_impl(Named { name, result, signature })
}

pub(super) fn not_replaced(name: &str) -> DataFusionError {
    DataFusionError::Internal(format!("{name} was not replaced by the planner"))
}

/// A function of the engine that is bound with arguments of any type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Loose {
    /// The engine's own.
    pub(super) inner: Arc<ScalarUDF>,
    result: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Loose {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.result.clone())
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(not_replaced(self.name()))
    }
}

/// A number's literal, as it was written.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Number {
    signature: Signature,
}

impl ScalarUDFImpl for Number {
    fn name(&self) -> &str {
        NUMBER
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Err(not_replaced(NUMBER))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let text = arguments.scalar_arguments.first().copied().flatten();
        let text = text.and_then(|text| text.try_as_str().flatten()).unwrap_or_default();
        // A number that only fits with its minus: what counts here is its type.
        let value = number_literal(text, false).or_else(|_| number_literal(text, true))?;
        Ok(Arc::new(arrow::datatypes::Field::new(NUMBER, value.data_type(), true)))
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(not_replaced(NUMBER))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Named {
    name: &'static str,
    result: Option<DataType>,
    signature: Signature,
}

impl ScalarUDFImpl for Named {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let own = self.result.clone().or_else(|| arguments.get(1).cloned());
        own.ok_or_else(|| DataFusionError::Plan(format!("{} needs more arguments", self.name)))
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(not_replaced(self.name))
    }
}

/// An aggregate of numbers that is bound with anything.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Numeric {
    name: &'static str,
    /// The engine's own.
    pub(super) inner: Arc<AggregateUDF>,
    signature: Signature,
}

impl AggregateUDFImpl for Numeric {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        // Whatever it is in the end, it is a number.
        Ok(DataType::Float64)
    }

    fn accumulator(&self, _arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Err(not_replaced(self.name))
    }

    fn state_fields(&self, _arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Err(not_replaced(self.name))
    }
}
