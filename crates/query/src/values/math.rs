//! Functions of doubles. Outside of their domain they give NaN or an infinity, as Java's do, never an error.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{on_arrays, wrong_arguments};

/// Which function.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DoubleFunction {
    /// Of one double to a double.
    One(&'static str, fn(f64) -> f64),
    /// Of two doubles to a double.
    Two(&'static str, fn(f64, f64) -> f64),
    /// A question about a double.
    Is(&'static str, fn(f64) -> bool),
}

/// All of them.
pub(super) const FUNCTIONS: &[DoubleFunction] = &[
    DoubleFunction::One("acos", f64::acos),
    DoubleFunction::One("asin", f64::asin),
    DoubleFunction::One("atan", f64::atan),
    DoubleFunction::Two("atan2", f64::atan2),
    DoubleFunction::One("cbrt", f64::cbrt),
    DoubleFunction::One("cos", f64::cos),
    DoubleFunction::One("cosh", f64::cosh),
    DoubleFunction::One("degrees", f64::to_degrees),
    DoubleFunction::One("exp", f64::exp),
    DoubleFunction::Is("is_finite", f64::is_finite),
    DoubleFunction::Is("is_infinite", f64::is_infinite),
    DoubleFunction::Is("is_nan", f64::is_nan),
    DoubleFunction::One("ln", f64::ln),
    DoubleFunction::One("log10", f64::log10),
    DoubleFunction::One("log2", log2),
    DoubleFunction::Two("power", power),
    DoubleFunction::One("radians", f64::to_radians),
    DoubleFunction::One("sin", f64::sin),
    DoubleFunction::One("sinh", f64::sinh),
    DoubleFunction::One("sqrt", f64::sqrt),
    DoubleFunction::One("tan", f64::tan),
    DoubleFunction::One("tanh", f64::tanh),
];

fn log2(x: f64) -> f64 {
    x.log2()
}

/// Java's `Math.pow` gives NaN where C's gives 1: for an exponent of NaN, and for ±1 to an infinite power.
fn power(base: f64, exponent: f64) -> f64 {
    if exponent.is_nan() || (exponent.is_infinite() && base.abs() == 1.0) {
        return f64::NAN;
    }
    base.powf(exponent)
}

impl DoubleFunction {
    /// The function of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        FUNCTIONS.iter().find(|function| function.name() == name).copied()
    }

    fn name(self) -> &'static str {
        match self {
            Self::One(name, _) | Self::Two(name, _) | Self::Is(name, _) => name,
        }
    }
}

/// A function as our engine calls it.
#[derive(Debug)]
pub(crate) struct DoubleMath {
    function: DoubleFunction,
    signature: Signature,
}

impl DoubleMath {
    pub(crate) fn new(function: DoubleFunction) -> Self {
        let arguments = if matches!(function, DoubleFunction::Two(..)) { 2 } else { 1 };
        let signature = Signature::exact(vec![DataType::Float64; arguments], Volatility::Immutable);
        Self { function, signature }
    }
}

impl PartialEq for DoubleMath {
    fn eq(&self, other: &Self) -> bool {
        self.function.name() == other.function.name()
    }
}

impl Eq for DoubleMath {}

impl std::hash::Hash for DoubleMath {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.function.name().hash(state);
    }
}

impl ScalarUDFImpl for DoubleMath {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(if matches!(self.function, DoubleFunction::Is(..)) {
            DataType::Boolean
        } else {
            DataType::Float64
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| match (self.function, arrays) {
            (DoubleFunction::One(_, compute), [x]) => {
                Ok(Arc::new(x.as_primitive::<Float64Type>().unary::<_, Float64Type>(compute)))
            }
            (DoubleFunction::Two(_, compute), [x, y]) => {
                let (x, y) = (x.as_primitive::<Float64Type>(), y.as_primitive::<Float64Type>());
                let values: Float64Array = arrow::compute::binary::<_, _, _, Float64Type>(x, y, compute)?;
                Ok(Arc::new(values))
            }
            (DoubleFunction::Is(_, asks), [x]) => {
                let x = x.as_primitive::<Float64Type>();
                Ok(Arc::new(x.iter().map(|value| value.map(asks)).collect::<BooleanArray>()))
            }
            _ => wrong_arguments(self.name()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_its_domain_a_function_gives_no_number() {
        let of = |name: &str, x: f64| match DoubleFunction::named(name) {
            Some(DoubleFunction::One(_, compute)) => compute(x),
            other => panic!("{name}: {other:?}"),
        };
        for (name, x) in
            [("sqrt", -1.0), ("ln", -1.0), ("log2", -1.0), ("log10", -1.0), ("acos", 2.0), ("asin", -2.0)]
        {
            assert!(of(name, x).is_nan(), "{name}({x})");
        }
        assert_eq!(of("ln", 0.0), f64::NEG_INFINITY);
        assert_eq!(of("exp", 1e9), f64::INFINITY);
        assert_eq!(of("cbrt", -8.0), -2.0);
        assert!(power(1.0, f64::NAN).is_nan() && power(-1.0, f64::INFINITY).is_nan());
        assert_eq!((power(0.0, -1.0), power(f64::NAN, 0.0)), (f64::INFINITY, 1.0));
    }
}
