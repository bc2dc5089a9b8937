//! One of several values: naive Bayes on the other fields.
//!
//! Fields of numbers are cut into ranges with about as many rows each; missing values are a range of their own. What a field
//! says counts only where its value was there before.

use std::collections::{BTreeMap, BTreeSet};

use super::sample::Cells;

/// The most values that are told apart: the most frequent ones.
pub(super) const MAX_CLASSES: usize = 1000;
/// The most ranges of numbers, and the rows that each should have.
const MAX_RANGES: usize = 20;
const RANGE_ROWS: usize = 10;
/// What is added to every count, so that nothing is impossible.
const SMOOTHING: f64 = 0.1;
/// The range of what is missing.
const MISSING: i64 = i64::MIN;

/// How a field becomes one of several values.
#[derive(Debug, Clone, PartialEq)]
enum Cut {
    /// Below the first bound is range 0.
    Ranges(Vec<f64>),
    Keys,
}

impl Cut {
    fn of(cells: &Cells, rows: &[usize]) -> Self {
        let Cells::Numbers(numbers) = cells else { return Self::Keys };
        let mut there: Vec<f64> =
            rows.iter().filter_map(|row| numbers.get(*row).copied()).filter(|n| n.is_finite()).collect();
        there.sort_by(f64::total_cmp);
        let ranges = (there.len() / RANGE_ROWS).clamp(2, MAX_RANGES);
        let mut bounds: Vec<f64> =
            (1..ranges).filter_map(|at| there.get(at * there.len() / ranges).copied()).collect();
        bounds.dedup();
        Self::Ranges(bounds)
    }

    fn value(&self, cells: &Cells, row: usize) -> i64 {
        match (self, cells) {
            (Self::Ranges(bounds), Cells::Numbers(numbers)) => {
                let number = numbers.get(row).copied().filter(|number| number.is_finite());
                let range = |number| i64::try_from(bounds.partition_point(|bound| *bound <= number));
                number.and_then(|number| range(number).ok()).unwrap_or(MISSING)
            }
            (_, Cells::Keys(keys)) => keys.get(row).copied().flatten().unwrap_or(MISSING),
            _ => MISSING,
        }
    }
}

/// What one field says.
#[derive(Debug, Clone, PartialEq)]
struct Field {
    /// Its place among the cells.
    at: usize,
    cut: Cut,
    /// Of each value, in how many rows of which classes it is.
    counts: BTreeMap<i64, Vec<(usize, u32)>>,
    /// What it says for each class when its value is none of the class's.
    never: Vec<f64>,
    /// How much it tells of the class, in nats.
    information: f64,
}

impl Field {
    fn of(at: usize, cells: &Cells, classes: &[usize], rows: &[usize], sizes: &[u32]) -> Option<Self> {
        let cut = Cut::of(cells, rows);
        let mut counts: BTreeMap<i64, BTreeMap<usize, u32>> = BTreeMap::new();
        for row in rows {
            if let Some(class) = classes.get(*row) {
                *counts.entry(cut.value(cells, *row)).or_default().entry(*class).or_default() += 1;
            }
        }
        // What was there once tells nothing that may be there again.
        counts.retain(|_, of_classes| of_classes.values().sum::<u32>() > 1);
        if counts.len() < 2 {
            return None;
        }
        let values = counts.len() as f64;
        let never =
            sizes.iter().map(|size| (SMOOTHING / (f64::from(*size) + SMOOTHING * values)).ln()).collect();
        let counts = counts.into_iter().map(|(value, of)| (value, of.into_iter().collect())).collect();
        let mut field = Self { at, cut, counts, never, information: 0.0 };
        field.information = field.information(sizes);
        Some(field)
    }

    /// The mutual information with the class, less what chance alone would give (Miller and Madow).
    fn information(&self, sizes: &[u32]) -> f64 {
        let total: f64 = sizes.iter().map(|size| f64::from(*size)).sum();
        let (mut information, mut seen) = (0.0, BTreeSet::new());
        for of_classes in self.counts.values() {
            let of_value: f64 = of_classes.iter().map(|(_, count)| f64::from(*count)).sum();
            for (class, count) in of_classes {
                seen.insert(*class);
                let (both, size) = (f64::from(*count), sizes.get(*class).copied().map_or(1.0, f64::from));
                information += both / total * (both * total / (of_value * size)).ln();
            }
        }
        let by_chance = (self.counts.len() - 1) * seen.len().saturating_sub(1);
        information - by_chance as f64 / (2.0 * total)
    }

    /// Adds what the row's value says for each class.
    fn add(&self, cells: &[Cells], row: usize, scores: &mut [f64]) {
        let value = cells.get(self.at).map(|cells| self.cut.value(cells, row));
        let Some(of_classes) = value.and_then(|value| self.counts.get(&value)) else { return };
        scores.iter_mut().zip(&self.never).for_each(|(score, never)| *score += never);
        for (class, count) in of_classes {
            if let Some(score) = scores.get_mut(*class) {
                *score += ((f64::from(*count) + SMOOTHING) / SMOOTHING).ln();
            }
        }
    }
}

/// How often values were seen beside those of other fields.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::plan) struct Bayes {
    fields: Vec<Field>,
    /// The logarithms of the shares of classes.
    shares: Vec<f64>,
}

impl Bayes {
    /// Counts rows whose class is known; the `count` classes are numbered from 0. The fields that tell most come first.
    pub(super) fn of(cells: &[Cells], classes: &[usize], count: usize, rows: &[usize]) -> Self {
        let mut sizes = vec![0_u32; count];
        for size in rows.iter().filter_map(|row| classes.get(*row)) {
            if let Some(size) = sizes.get_mut(*size) {
                *size += 1;
            }
        }
        let all = cells.iter().enumerate();
        let mut fields: Vec<Field> =
            all.filter_map(|(at, cells)| Field::of(at, cells, classes, rows, &sizes)).collect();
        fields.sort_by(|one, two| two.information.total_cmp(&one.information).then(one.at.cmp(&two.at)));
        let total = rows.len().max(1) as f64;
        let shares = sizes.iter().map(|size| (f64::from(*size).max(SMOOTHING) / total).ln()).collect();
        Self { fields, shares }
    }

    /// With so many fields only, those that tell most; `None` where it has no more.
    pub(super) fn with(&self, fields: usize) -> Option<Self> {
        let most = self.fields.get(..fields).filter(|_| fields < self.fields.len())?;
        Some(Self { fields: most.to_vec(), shares: self.shares.clone() })
    }

    /// How many fields it looks at.
    pub(super) fn fields(&self) -> usize {
        self.fields.len()
    }

    /// The class that is expected in a row; of equal ones the first.
    pub(super) fn class(&self, cells: &[Cells], row: usize) -> usize {
        let mut scores = self.shares.clone();
        self.fields.iter().for_each(|field| field.add(cells, row, &mut scores));
        let best = scores.iter().enumerate().rev().max_by(|one, two| one.1.total_cmp(two.1));
        best.map_or(0, |(class, _)| class)
    }
}
