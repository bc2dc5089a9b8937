//! `skewness` and `kurtosis` as Spark computes them: of the whole population, kurtosis without the
//! normal distribution's 3. Null for no rows, not a number where all values are equal.
//!
//! Central moments are updated and merged by Pébay's formulas, which stay accurate for large offsets.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility};

/// `skewness` of a double.
pub(super) fn skewness(value: Expr) -> Expr {
    AggregateUDF::new_from_impl(Moments::new(Which::Skewness)).call(vec![value])
}

/// Excess `kurtosis` of a double.
pub(super) fn kurtosis(value: Expr) -> Expr {
    AggregateUDF::new_from_impl(Moments::new(Which::Kurtosis)).call(vec![value])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Which {
    Skewness,
    Kurtosis,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Moments {
    which: Which,
    signature: Signature,
}

impl Moments {
    fn new(which: Which) -> Self {
        Self { which, signature: Signature::exact(vec![DataType::Float64], Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for Moments {
    fn name(&self) -> &str {
        match self.which {
            Which::Skewness => "skewness",
            Which::Kurtosis => "kurtosis",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, _arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(State { which: self.which, ..State::empty(self.which) }))
    }

    fn state_fields(&self, _arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let names = ["n", "mean", "m2", "m3", "m4"];
        Ok(names.iter().map(|name| Arc::new(Field::new(*name, DataType::Float64, true))).collect())
    }
}

/// Count, mean, and the sums of the second to fourth powers of the distances from the mean.
#[derive(Debug, Clone, Copy)]
struct State {
    which: Which,
    n: f64,
    mean: f64,
    m2: f64,
    m3: f64,
    m4: f64,
}

impl State {
    fn empty(which: Which) -> Self {
        Self { which, n: 0.0, mean: 0.0, m2: 0.0, m3: 0.0, m4: 0.0 }
    }

    fn add(&mut self, value: f64) {
        self.merge(State { n: 1.0, mean: value, ..State::empty(self.which) });
    }

    fn merge(&mut self, other: State) {
        if other.n == 0.0 {
            return;
        }
        if self.n == 0.0 {
            *self = State { which: self.which, ..other };
            return;
        }
        let (a, b) = (*self, other);
        let n = a.n + b.n;
        let d = b.mean - a.mean;
        let d_n = d / n;
        self.n = n;
        self.mean = a.mean + d_n * b.n;
        self.m2 = a.m2 + b.m2 + d * d_n * a.n * b.n;
        self.m3 =
            a.m3 + b.m3 + d * d_n * d_n * a.n * b.n * (a.n - b.n) + 3.0 * d_n * (a.n * b.m2 - b.n * a.m2);
        self.m4 = a.m4
            + b.m4
            + d * d_n * d_n * d_n * a.n * b.n * (a.n * a.n - a.n * b.n + b.n * b.n)
            + 6.0 * d_n * d_n * (a.n * a.n * b.m2 + b.n * b.n * a.m2)
            + 4.0 * d_n * (a.n * b.m3 - b.n * a.m3);
    }

    fn result(&self) -> Option<f64> {
        // Without any spread both are a division by zero, which is NULL.
        if self.n == 0.0 || self.m2 == 0.0 {
            return None;
        }
        Some(match self.which {
            Which::Skewness => self.n.sqrt() * self.m3 / self.m2.powf(1.5),
            Which::Kurtosis => self.n * self.m4 / (self.m2 * self.m2) - 3.0,
        })
    }
}

impl Accumulator for State {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if let [values] = values {
            for value in values.as_primitive::<Float64Type>().iter().flatten() {
                self.add(value);
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        if let [n, mean, m2, m3, m4] = states {
            let columns = [n, mean, m2, m3, m4].map(|array| array.as_primitive::<Float64Type>());
            for row in 0..n.len() {
                let [n, mean, m2, m3, m4] = columns.map(|column| column.value(row));
                self.merge(State { which: self.which, n, mean, m2, m3, m4 });
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.result()))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok([self.n, self.mean, self.m2, self.m3, self.m4]
            .map(|value| ScalarValue::Float64(Some(value)))
            .to_vec())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state(which: Which, values: &[f64]) -> State {
        let mut state = State::empty(which);
        for value in values {
            state.add(*value);
        }
        state
    }

    /// Spark's own answers: `select skewness(col), kurtosis(col) from values (-10), (-20), (100), (1000)`.
    /// Source: Apache Spark SQL reference, aggregate functions.
    #[test]
    fn known_answers() {
        let values = [-10.0, -20.0, 100.0, 1000.0];
        let skewness = state(Which::Skewness, &values).result().unwrap();
        let kurtosis = state(Which::Kurtosis, &values).result().unwrap();
        assert!((skewness - 1.113_810_736_639_949).abs() < 1e-3, "{skewness}");
        assert!((kurtosis - -0.701_436_800_903_771_4).abs() < 1e-2, "{kurtosis}");
        assert_eq!(state(Which::Skewness, &[]).result(), None);
        assert_eq!(state(Which::Kurtosis, &[5.0, 5.0]).result(), None);
    }

    proptest! {
        #[test]
        fn merging_equals_adding(a in prop::collection::vec(-1e3..1e3_f64, 1..30), b in prop::collection::vec(-1e3..1e3_f64, 1..30)) {
            let mut merged = state(Which::Kurtosis, &a);
            merged.merge(state(Which::Kurtosis, &b));
            let whole = state(Which::Kurtosis, &[a, b].concat());
            prop_assert!((merged.m4 - whole.m4).abs() <= 1e-6 * whole.m4.abs().max(1.0));
            prop_assert!((merged.m3 - whole.m3).abs() <= 1e-6 * whole.m4.abs().max(1.0));
        }
    }
}
