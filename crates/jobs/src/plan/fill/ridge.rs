//! Numbers: ridge regression on the other fields.
//!
//! A field of numbers is one variable, in units of its standard deviation, and a second one where values are missing. A field
//! of texts is one variable for each of its frequent values. Rows are kept as their variables that are not zero.

use std::collections::BTreeMap;

use super::sample::Cells;

/// The most variables; and of the values of one field.
const MAX_VARIABLES: usize = 400;
const MAX_VALUES: usize = 200;
/// How often a value must be there to be a variable.
const MIN_COUNT: usize = 2;

/// How fields become variables. The first variable is one in every row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Design {
    fields: Vec<Field>,
    variables: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Field {
    /// Nothing can be learned from it.
    Unused,
    Number {
        mean: f64,
        scale: f64,
        at: usize,
    },
    Values(BTreeMap<i64, usize>),
}

impl Design {
    /// What these rows let learn of the fields that are usable.
    pub(super) fn of(cells: &[Cells], usable: &[bool], rows: &[usize]) -> Self {
        let mut design = Self { fields: Vec::new(), variables: 1 };
        for (field, is_usable) in cells.iter().zip(usable) {
            let field = match field {
                _ if !is_usable => Field::Unused,
                Cells::Numbers(numbers) => design.numbers(numbers, rows),
                Cells::Keys(keys) => design.values(keys, rows),
            };
            design.fields.push(field);
        }
        design
    }

    fn numbers(&mut self, numbers: &[f64], rows: &[usize]) -> Field {
        let there: Vec<f64> =
            rows.iter().filter_map(|row| numbers.get(*row).copied()).filter(|n| n.is_finite()).collect();
        let (mean, scale) = (mean(&there), variance(&there).sqrt());
        // What hardly varies is as good as constant.
        if !scale.is_finite() || scale <= 1e-12 * mean.abs() || self.variables + 2 > MAX_VARIABLES {
            return Field::Unused;
        }
        let at = self.variables;
        self.variables += 2;
        Field::Number { mean, scale, at }
    }

    fn values(&mut self, keys: &[Option<i64>], rows: &[usize]) -> Field {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for key in rows.iter().filter_map(|row| keys.get(*row).copied().flatten()) {
            *counts.entry(key).or_default() += 1;
        }
        let mut frequent: Vec<(i64, usize)> =
            counts.into_iter().filter(|(_, count)| *count >= MIN_COUNT).collect();
        frequent.sort_by_key(|(key, count)| (std::cmp::Reverse(*count), *key));
        frequent.truncate(MAX_VALUES.min(MAX_VARIABLES - self.variables));
        if frequent.len() < 2 {
            return Field::Unused;
        }
        let first = self.variables;
        self.variables += frequent.len();
        Field::Values(frequent.into_iter().enumerate().map(|(at, (key, _))| (key, first + at)).collect())
    }

    /// Whether there is a variable that a row can differ in.
    pub(super) fn is_empty(&self) -> bool {
        self.variables == 1
    }

    /// The variables of a row that are not zero.
    fn row(&self, cells: &[Cells], row: usize, into: &mut Vec<(usize, f64)>) {
        into.clear();
        into.push((0, 1.0));
        for (field, cells) in self.fields.iter().zip(cells) {
            match (field, cells) {
                (Field::Number { mean, scale, at }, Cells::Numbers(numbers)) => {
                    let number = numbers.get(row).copied().unwrap_or(f64::NAN);
                    into.push(match number.is_finite() {
                        true => (*at, (number - mean) / scale),
                        false => (at + 1, 1.0),
                    });
                }
                (Field::Values(places), Cells::Keys(keys)) => {
                    let key = keys.get(row).copied().flatten();
                    into.extend(key.and_then(|key| places.get(&key)).map(|at| (*at, 1.0)));
                }
                _ => {}
            }
        }
    }
}

/// Weights of variables.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::plan) struct Ridge {
    design: Design,
    weights: Vec<f64>,
    mean: f64,
    scale: f64,
}

impl Ridge {
    /// What is expected in a row.
    pub(super) fn number(&self, cells: &[Cells], row: usize) -> f64 {
        let mut variables = Vec::new();
        self.design.row(cells, row, &mut variables);
        let weight = |(at, value): &(usize, f64)| self.weights.get(*at).copied().unwrap_or(0.0) * value;
        let number = self.mean + self.scale * variables.iter().map(weight).sum::<f64>();
        // A row may be further away from the others than numbers go.
        if number.is_finite() { number } else { self.mean }
    }
}

/// The sums over rows that every solution begins with.
pub(super) struct Sums {
    design: Design,
    /// The products of variables: of a row those up to the diagonal, row by row.
    products: Vec<f64>,
    with_known: Vec<f64>,
    rows: usize,
    mean: f64,
    scale: f64,
}

impl Sums {
    /// Adds up rows whose value is known.
    pub(super) fn of(design: Design, cells: &[Cells], known: &[f64], rows: &[usize]) -> Self {
        let width = design.variables;
        let values: Vec<f64> = rows.iter().filter_map(|row| known.get(*row).copied()).collect();
        let (mean, deviation) = (mean(&values), variance(&values).sqrt());
        let scale = if deviation > 0.0 && deviation.is_finite() { deviation } else { 1.0 };
        let mut products = vec![0.0; width * width];
        let mut with_known = vec![0.0; width];
        let mut variables = Vec::new();
        for (row, value) in rows.iter().zip(values) {
            design.row(cells, *row, &mut variables);
            let value = (value - mean) / scale;
            for (at, one) in &variables {
                with_known[*at] += one * value;
                for (other, two) in variables.iter().filter(|(other, _)| other <= at) {
                    products[at * width + other] += one * two;
                }
            }
        }
        Self { design, products, with_known, rows: rows.len(), mean, scale }
    }

    /// The weights when their squares cost `penalty` as much as the mean error; `None` where numbers do not allow any.
    pub(super) fn solve(&self, penalty: f64) -> Option<Ridge> {
        let width = self.design.variables;
        let mut matrix = self.products.clone();
        for at in 0..width {
            matrix[at * width + at] += penalty * self.rows as f64;
        }
        let weights = solve(matrix, self.with_known.clone(), width)?;
        Some(Ridge { design: self.design.clone(), weights, mean: self.mean, scale: self.scale })
    }
}

/// Solves a symmetric system by Cholesky's factors; of the matrix only what is up to the diagonal is looked at.
fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>, width: usize) -> Option<Vec<f64>> {
    for row in 0..width {
        for column in 0..=row {
            let inner: f64 =
                (0..column).map(|at| matrix[row * width + at] * matrix[column * width + at]).sum();
            let rest = matrix[row * width + column] - inner;
            matrix[row * width + column] = match row == column {
                true if rest > 0.0 && rest.is_finite() => rest.sqrt(),
                true => return None,
                false => rest / matrix[column * width + column],
            };
        }
    }
    for row in 0..width {
        let inner: f64 = (0..row).map(|at| matrix[row * width + at] * right[at]).sum();
        right[row] = (right[row] - inner) / matrix[row * width + row];
    }
    for row in (0..width).rev() {
        let inner: f64 = (row + 1..width).map(|at| matrix[at * width + row] * right[at]).sum();
        right[row] = (right[row] - inner) / matrix[row * width + row];
    }
    right.iter().all(|weight| weight.is_finite()).then_some(right)
}

/// NaN of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let sum: f64 = values.iter().sum();
    // A sum may be too large where a mean is not.
    if sum.is_finite() { sum / count } else { values.iter().map(|value| value / count).sum() }
}

pub(super) fn variance(values: &[f64]) -> f64 {
    let middle = mean(values);
    mean(&values.iter().map(|value| (value - middle) * (value - middle)).collect::<Vec<_>>())
}
