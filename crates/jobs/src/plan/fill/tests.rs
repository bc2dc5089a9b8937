//! What models learn.

use proptest::prelude::*;

use super::model::{Learned, Model, learn};
use super::sample::{Cells, Known, Sample};

fn key(text: &str) -> Option<i64> {
    text.bytes().next().map(i64::from)
}

fn numbers(of: impl Fn(i64) -> f64, rows: i64) -> Vec<f64> {
    (0..rows).map(of).collect()
}

/// Numbers without a pattern, the same every time.
fn noise(at: i64) -> f64 {
    (at * 7919 % 104_729) as f64 / 104_729.0
}

fn learned(cells: Vec<Cells>, known: Known) -> Learned {
    let there = vec![1.0; cells.len()];
    learn(Sample { cells, known, there })
}

#[test]
fn sums_of_other_fields_are_learned() {
    let rows = 200;
    let kinds = ["a", "b", "c"];
    let base = [0.0, 100.0, -50.0];
    let kind = |at: i64| usize::try_from(at * 31 % 3).unwrap();
    let cells = vec![
        Cells::Numbers(numbers(|at| 1_000.0 * noise(at), rows)),
        Cells::Keys((0..rows).map(|at| key(kinds[kind(at)])).collect()),
        Cells::Numbers(numbers(|at| noise(at + 500), rows)),
    ];
    let wanted = |at: i64| 3.0 * 1_000.0 * noise(at) + base[kind(at)] + 7.0;
    let learned = learned(cells.clone(), Known::Numbers(numbers(wanted, rows)));
    assert!(!learned.is_poor && learned.told.contains("explains 99 %"), "{}", learned.told);
    for at in 0..rows {
        let number = learned.model.number(&cells, usize::try_from(at).unwrap()).unwrap();
        assert!((number - wanted(at)).abs() < 0.1, "{number} for {}", wanted(at));
    }
}

#[test]
fn values_are_told_by_texts_and_by_ranges_of_numbers() {
    let rows = 400;
    let at = |row: i64| noise(row) * 100.0;
    let town = |row: i64| (noise(row + 9) * 50.0) as i64;
    let cells = vec![
        Cells::Numbers(numbers(at, rows)),
        Cells::Keys((0..rows).map(|row| Some(town(row))).collect()),
        Cells::Numbers(numbers(|row| noise(row + 77), rows)),
    ];
    let size = |row: i64| if at(row) < 50.0 { "small" } else { "large" }.to_owned();
    let found = learned(cells.clone(), Known::Values((0..rows).map(size).collect()));
    assert!(!found.is_poor, "{}", found.told);
    let right = (0..rows)
        .filter(|row| found.model.value(&cells, usize::try_from(*row).unwrap()) == Some(&size(*row)));
    assert!(right.count() > 380, "{}", found.told);
    // Of fifty towns, each in one of ten countries.
    let country = |row: i64| format!("country {}", town(row) / 5);
    let found = learned(cells.clone(), Known::Values((0..rows).map(country).collect()));
    for row in 0..rows {
        assert_eq!(
            found.model.value(&cells, usize::try_from(row).unwrap()),
            Some(country(row).as_str()),
            "{row}"
        );
    }
    assert!(found.told.contains("100 % right, of 10 values"), "{}", found.told);
}

#[test]
fn what_the_others_do_not_tell_is_said() {
    let cells = |rows: i64| vec![Cells::Numbers(numbers(noise, rows))];
    let values =
        |of: &dyn Fn(i64) -> i64, rows: i64| Known::Values((0..rows).map(|at| of(at).to_string()).collect());
    let cases: [(Vec<Cells>, Known, Model, &str, bool); 8] = [
        (cells(0), Known::Numbers(Vec::new()), Model::Nothing, "has no value of it", true),
        (cells(0), Known::Values(Vec::new()), Model::Nothing, "has no value of it", true),
        (cells(4), Known::Numbers(vec![1.0, 2.0, 3.0, 4.0]), Model::Mean(2.5), "only 4 rows", true),
        (cells(9), values(&|at| at % 2, 9), Model::Value("0".to_owned()), "only 9 rows", true),
        (cells(50), values(&|at| at, 50), Model::Nothing, "none of the 50 values occurs twice", true),
        (cells(50), Known::Numbers(vec![3.0; 50]), Model::Mean(3.0), "are the same", false),
        (cells(50), values(&|_| 1, 50), Model::Value("1".to_owned()), "are the same", false),
        (Vec::new(), Known::Numbers(numbers(|at| at as f64, 21)), Model::Mean(10.0), "no other field", true),
    ];
    for (cells, known, model, told, is_poor) in cases {
        let learned = learned(cells, known);
        assert!(learned.told.contains(told), "{}", learned.told);
        assert_eq!((learned.is_poor, learned.model), (is_poor, model), "{}", learned.told);
    }
    // A fifth is kept aside: by chance a line would fit its rows as well.
    let chance = |at: i64| noise(at * at + 3);
    let learned = learned(cells(500), Known::Numbers(numbers(chance, 500)));
    let number = learned.model.number(&cells(500), 3).unwrap();
    assert!((0.2..0.8).contains(&number), "{number}: {}", learned.told);
}

#[test]
fn rows_where_other_fields_are_missing_are_learned_from_and_filled() {
    let rows = 300;
    let cells = vec![
        Cells::Numbers(numbers(|at| if at % 4 == 0 { f64::NAN } else { noise(at) }, rows)),
        Cells::Keys((0..rows).map(|at| (at % 3 > 0).then_some(at % 3)).collect()),
    ];
    let wanted = |at: i64| if at % 4 == 0 { 20.0 } else { 10.0 * noise(at) };
    let found = learned(cells.clone(), Known::Numbers(numbers(wanted, rows)));
    for at in 0..rows {
        let number = found.model.number(&cells, usize::try_from(at).unwrap()).unwrap();
        assert!((number - wanted(at)).abs() < 0.01, "{number} for {}", wanted(at));
    }
    // What nobody has seen says nothing.
    let odd = vec![Cells::Numbers(vec![f64::NAN]), Cells::Keys(vec![Some(99)])];
    assert!((found.model.number(&odd, 0).unwrap() - 20.0).abs() < 0.1);
}

/// Two fields tell it, and the better one is missing where it is.
#[test]
fn numbers_are_told_by_what_is_there_where_they_are_missing() {
    let rows = 100;
    let cells = |better: fn(i64) -> f64| {
        vec![Cells::Numbers(numbers(noise, rows)), Cells::Numbers(numbers(better, rows))]
    };
    let known = Known::Numbers(numbers(|at| 10.0 * noise(at), rows));
    let model = learn(Sample { cells: cells(noise), known, there: vec![1.0, 0.0] }).model;
    let asked = cells(|_| f64::NAN);
    for at in 0..rows {
        let number = model.number(&asked, usize::try_from(at).unwrap()).unwrap();
        assert!((number - 10.0 * noise(at)).abs() < 0.01, "{number} for {}", 10.0 * noise(at));
    }
}

prop_compose! {
    fn field(rows: usize)(
        numbers in prop::collection::vec(prop_oneof![any::<f64>(), -9.0..9.0_f64, Just(1.0)], rows),
        keys in prop::collection::vec(prop::option::of(0..6_i64), rows),
        is_number in any::<bool>(),
    ) -> Cells {
        // Cells are finite, or NaN.
        let numbers = numbers.into_iter().map(|n| if n.is_finite() { n } else { f64::NAN }).collect();
        if is_number { Cells::Numbers(numbers) } else { Cells::Keys(keys) }
    }
}

fn samples() -> impl Strategy<Value = (Vec<Cells>, Vec<f64>, Vec<u8>)> {
    (0..60_usize).prop_flat_map(|rows| {
        let huge = prop_oneof![-5.0..5.0_f64, any::<f64>().prop_filter("finite", |n| n.is_finite())];
        (
            prop::collection::vec(field(rows), 0..4),
            prop::collection::vec(huge, rows),
            prop::collection::vec(0..5_u8, rows),
        )
    })
}

proptest! {
    /// Any sample is learned from; a number that is expected is one, and a value is one that was there.
    #[test]
    fn any_sample_is_learned_from((cells, known, values) in samples()) {
        let rows = known.len();
        let model = learned(cells.clone(), Known::Numbers(known.clone())).model;
        prop_assert_eq!(&model, &learned(cells.clone(), Known::Numbers(known)).model);
        for row in 0..rows {
            prop_assert!(model.number(&cells, row).is_some_and(f64::is_finite), "{:?}", model);
        }
        let values: Vec<String> = values.iter().map(u8::to_string).collect();
        let model = learned(cells.clone(), Known::Values(values.clone())).model;
        for row in 0..rows {
            prop_assert!(model.value(&cells, row).is_none_or(|value| values.iter().any(|known| known == value)));
        }
    }
}
