//! What is learned, and whether it is better than no look at the other fields.
//!
//! Every fifth row of the sample is kept aside. What was learned from the others is asked for these; the best way is taken,
//! with all rows, when it is better than the mean or the most frequent value, which are taken otherwise.

use std::collections::BTreeMap;

use super::bayes::{Bayes, MAX_CLASSES};
use super::ridge::{Design, Ridge, Sums, mean};
use super::sample::{Cells, Known, Sample};

/// How many rows must have a value for more than the mean or the most frequent one.
const MIN_ROWS: usize = 10;
/// Every row of this number is kept aside.
const ASIDE: usize = 5;
/// What the squares of weights may cost, for each row.
const PENALTIES: [f64; 5] = [1e-8, 1e-4, 1e-2, 1e-1, 1.0];

/// What is expected where nothing is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::plan) enum Model {
    /// It knows nothing: what is missing stays so.
    #[default]
    Nothing,
    /// Always the same number.
    Mean(f64),
    /// Always the same value.
    Value(String),
    /// A number by the other fields.
    Ridge(Ridge),
    /// One of these values by the other fields.
    Bayes(Bayes, Vec<String>),
}

impl Model {
    /// Whether it expects anything.
    pub(super) fn knows(&self) -> bool {
        *self != Self::Nothing
    }

    /// The number that is expected in a row.
    pub(super) fn number(&self, cells: &[Cells], row: usize) -> Option<f64> {
        match self {
            Self::Mean(mean) => Some(*mean),
            Self::Ridge(ridge) => Some(ridge.number(cells, row)),
            _ => None,
        }
    }

    /// The value that is expected in a row.
    pub(super) fn value(&self, cells: &[Cells], row: usize) -> Option<&str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Bayes(bayes, values) => values.get(bayes.class(cells, row)).map(String::as_str),
            _ => None,
        }
    }
}

/// A model, and what people are told of it.
pub(super) struct Learned {
    pub(super) model: Model,
    pub(super) told: String,
    /// Whether nothing was learned of the other fields, although there is something to be learned.
    pub(super) is_poor: bool,
}

impl Learned {
    fn well(model: Model, told: String) -> Self {
        Self { model, told, is_poor: false }
    }

    fn poorly(model: Model, told: String) -> Self {
        Self { model, told, is_poor: true }
    }
}

/// The best that can be made of a sample.
pub(super) fn learn(sample: Sample) -> Learned {
    let rows = sample.known.len();
    match &sample.known {
        _ if rows == 0 => Learned::poorly(
            Model::Nothing,
            "its input has no value of it to learn from: what is missing stays so".to_owned(),
        ),
        Known::Numbers(known) => of_numbers(&sample.cells, &sample.usable(), known),
        Known::Values(known) => of_values(&sample.cells, known),
    }
}

/// The rows that are learned from, and those that are kept aside.
fn split(rows: usize) -> (Vec<usize>, Vec<usize>) {
    (0..rows).partition(|row| row % ASIDE != 0)
}

fn of_numbers(cells: &[Cells], usable: &[bool], known: &[f64]) -> Learned {
    let mean_of_all = mean(known);
    let by_mean = |told: &str| {
        Learned::poorly(Model::Mean(mean_of_all), format!("{told}: what is missing becomes the mean"))
    };
    if let Some(first) = known.first().filter(|first| known.iter().all(|number| number == *first)) {
        return Learned::well(Model::Mean(*first), "all values that are there are the same".to_owned());
    }
    if known.len() < MIN_ROWS {
        return by_mean(&format!("only {} rows have a value", known.len()));
    }
    let all: Vec<usize> = (0..known.len()).collect();
    let design = Design::of(cells, usable, &all);
    if design.is_empty() {
        return by_mean("no other field tells rows apart");
    }
    let sums = Sums::of(design, cells, known, &all);
    match penalty(cells, usable, known).and_then(|(penalty, share)| Some((sums.solve(penalty)?, share))) {
        Some((ridge, share)) => {
            let told = format!(
                "learned by linear regression from {} rows; of every fifth, kept aside, it explains {} % of the variance",
                known.len(),
                (100.0 * share).floor()
            );
            Learned::well(Model::Ridge(ridge), told)
        }
        None => by_mean("the other fields do not tell it"),
    }
}

/// The penalty by which the rows kept aside are told best, and the share of their variance that is explained; `None` where
/// the mean tells them as well.
fn penalty(cells: &[Cells], usable: &[bool], known: &[f64]) -> Option<(f64, f64)> {
    let (rows, aside) = split(known.len());
    let of_rows: Vec<f64> = rows.iter().filter_map(|row| known.get(*row).copied()).collect();
    let mean_of_rows = mean(&of_rows);
    let without = error(known, &aside, |_| mean_of_rows);
    let sums = Sums::of(Design::of(cells, usable, &rows), cells, known, &rows);
    let mut best: Option<(f64, f64)> = None;
    for penalty in PENALTIES {
        let Some(ridge) = sums.solve(penalty) else { continue };
        let with = error(known, &aside, |row| ridge.number(cells, row));
        if with < best.map_or(without, |(_, least)| least) {
            best = Some((penalty, with));
        }
    }
    best.map(|(penalty, least)| (penalty, 1.0 - least / without))
}

/// The mean of the squared differences in these rows.
fn error(known: &[f64], rows: &[usize], expected: impl Fn(usize) -> f64) -> f64 {
    let squares = rows.iter().filter_map(|row| Some((known.get(*row)? - expected(*row)).powi(2)));
    mean(&squares.collect::<Vec<_>>())
}

/// The values that are told apart, the most frequent first, and of each row which it has; others have none of them.
fn classes(known: &[String]) -> (Vec<String>, Vec<usize>, usize) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for value in known {
        *counts.entry(value).or_default() += 1;
    }
    let mut values: Vec<(&str, usize)> = counts.into_iter().collect();
    values.sort_by_key(|(value, count)| (std::cmp::Reverse(*count), *value));
    values.truncate(MAX_CLASSES);
    let most = values.first().map_or(0, |(_, count)| *count);
    let places: BTreeMap<&str, usize> =
        values.iter().enumerate().map(|(at, (value, _))| (*value, at)).collect();
    let of_rows =
        known.iter().map(|value| places.get(value.as_str()).copied().unwrap_or(usize::MAX)).collect();
    (values.into_iter().map(|(value, _)| value.to_owned()).collect(), of_rows, most)
}

fn of_values(cells: &[Cells], known: &[String]) -> Learned {
    let (values, classes, most) = classes(known);
    let first = || Model::Value(values.first().cloned().unwrap_or_default());
    let by_first = |told: &str| {
        Learned::poorly(first(), format!("{told}: what is missing becomes the most frequent value"))
    };
    if values.len() == 1 {
        return Learned::well(first(), "all values that are there are the same".to_owned());
    }
    if most == 1 {
        let told = format!("none of the {} values occurs twice: what is missing stays so", known.len());
        return Learned::poorly(Model::Nothing, told);
    }
    if known.len() < MIN_ROWS {
        return by_first(&format!("only {} rows have a value", known.len()));
    }
    let Some((fields, share)) = fields(cells, &classes, values.len()) else {
        return by_first("the other fields do not tell it");
    };
    let all: Vec<usize> = (0..known.len()).filter(|row| is_told(&classes, *row)).collect();
    let bayes = Bayes::of(cells, &classes, values.len(), &all);
    let bayes = bayes.with(fields).unwrap_or(bayes);
    let told = format!(
        "learned by naive Bayes from {} rows; of every fifth, kept aside, it tells {} % right, of {} values",
        known.len(),
        (100.0 * share).floor(),
        values.len()
    );
    Learned::well(Model::Bayes(bayes, values), told)
}

/// Whether the row has one of the values that are told apart.
fn is_told(classes: &[usize], row: usize) -> bool {
    classes.get(row).is_some_and(|class| *class != usize::MAX)
}

/// By how many fields the rows kept aside are told best, and the share that is told right; `None` where the most frequent
/// value tells them as well.
fn fields(cells: &[Cells], classes: &[usize], count: usize) -> Option<(usize, f64)> {
    let (mut rows, aside) = split(classes.len());
    rows.retain(|row| is_told(classes, *row));
    let right = |expected: &dyn Fn(usize) -> usize| {
        aside.iter().filter(|row| classes.get(**row) == Some(&expected(**row))).count()
    };
    let whole = Bayes::of(cells, classes, count, &rows);
    let mut best = (right(&|_| 0), None);
    for candidate in [whole.with(1), whole.with(3), Some(whole)].into_iter().flatten() {
        let found = right(&|row| candidate.class(cells, row));
        if found > best.0 {
            best = (found, Some(candidate.fields()));
        }
    }
    Some((best.1?, best.0 as f64 / aside.len().max(1) as f64))
}
