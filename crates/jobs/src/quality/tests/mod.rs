//! Rules on small data, against values computed by hand.

mod outcomes;
mod row_level;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use engine::{Session, SessionOptions, Sources};

use super::{Evaluation, Input, Outcome, RuleOutcome, evaluate, parse};
use crate::tests::{World, scope};

/// 2026-01-10 12:00:00.
pub(super) const NOW_MS: i64 = 1_768_046_400_000;
const DAY: i32 = 20_463;
const MICROS_OF_DAY: i64 = 86_400_000_000;

/// A rule, how it ends, and numbers that were measured for it.
type Expected<'a> = (&'a str, Outcome, &'a [(&'a str, f64)]);

pub(super) struct Data {
    pub(super) session: Session,
    pub(super) by_row: bool,
    _world: World,
}

impl Data {
    pub(super) async fn new() -> Self {
        let world = World::idle().await;
        let sources = Sources { store: world.store.clone(), lake: world.lake.clone(), scope: scope() };
        let session = world.engine.session(sources, SessionOptions::default());
        Self { session, by_row: false, _world: world }
    }

    fn frame(&self, columns: Vec<(&str, Arc<dyn Array>)>) -> DataFrame {
        let fields: Vec<Field> =
            columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        self.session.context().read_batch(batch).unwrap()
    }

    /// Five rows.
    pub(super) fn orders(&self) -> DataFrame {
        let at = |days: i64, hours: i64| (i64::from(DAY) - days) * MICROS_OF_DAY + hours * 3_600_000_000;
        let seen = TimestampMicrosecondArray::from(vec![
            Some(at(0, 11)),
            Some(at(0, 1)),
            Some(at(1, 0)),
            Some(at(2, 23)),
            None,
        ]);
        assert_eq!(*seen.data_type(), DataType::Timestamp(TimeUnit::Microsecond, None));
        let price = Decimal128Array::from(vec![Some(150), Some(250), Some(350), None, Some(450)]);
        self.frame(vec![
            ("id", Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5])) as _),
            (
                "Name",
                Arc::new(StringArray::from(vec![Some("ann"), Some("bob"), Some("bob"), None, Some("  ")]))
                    as _,
            ),
            (
                "amount",
                Arc::new(Float64Array::from(vec![Some(1.0), Some(2.0), Some(3.0), Some(4.0), None])) as _,
            ),
            ("twice", Arc::new(Float64Array::from(vec![2.0, 4.0, 6.0, 8.0, 10.0])) as _),
            ("code", Arc::new(StringArray::from(vec!["10", "9", "x", "", "7.5"])) as _),
            (
                "day",
                Arc::new(Date32Array::from(vec![
                    Some(DAY),
                    Some(DAY - 1),
                    Some(DAY - 3),
                    Some(DAY - 9),
                    None,
                ])) as _,
            ),
            ("seen", Arc::new(seen) as _),
            (
                "paid",
                Arc::new(BooleanArray::from(vec![Some(true), Some(false), Some(true), None, Some(true)]))
                    as _,
            ),
            ("price", Arc::new(price.with_precision_and_scale(10, 2).unwrap()) as _),
        ])
    }

    /// The names that there are.
    fn names(&self) -> DataFrame {
        self.frame(vec![
            ("key", Arc::new(Int64Array::from(vec![1, 2, 3, 9])) as _),
            ("who", Arc::new(StringArray::from(vec![Some("ann"), Some("bob"), Some("cid"), None])) as _),
            ("sum", Arc::new(Float64Array::from(vec![2.0, 3.0, 0.0, 0.0])) as _),
        ])
    }

    pub(super) fn input(&self, primary: DataFrame) -> Input<'_> {
        let others = BTreeMap::from([("names".to_owned(), self.names()), ("same".to_owned(), self.orders())]);
        Input { session: &self.session, primary, others, now_ms: NOW_MS, by_row: self.by_row }
    }

    pub(super) async fn evaluate(&self, text: &str) -> Evaluation {
        let ruleset = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        evaluate(self.input(self.orders()), &ruleset).await.unwrap()
    }

    pub(super) async fn rules(&self, rules: &[&str]) -> Vec<RuleOutcome> {
        self.evaluate(&format!("Rules = [ {} ]", rules.join(",\n"))).await.rules
    }

    /// Checks how each rule ends, and numbers that were measured for it.
    pub(super) async fn check(&self, expected: &[Expected<'_>]) {
        let rules: Vec<&str> = expected.iter().map(|(rule, _, _)| *rule).collect();
        let found = self.rules(&rules).await;
        assert_eq!(found.len(), expected.len());
        for (outcome, (rule, wanted, metrics)) in found.iter().zip(expected) {
            assert_eq!(outcome.outcome, *wanted, "{rule}: {outcome:?}");
            assert_eq!(outcome.reason.is_none(), *wanted == Outcome::Passed, "{outcome:?}");
            let close = |name: &str, value: f64| {
                outcome.metrics.get(name).is_some_and(|found| (found - value).abs() < 1e-12)
            };
            for (name, value) in *metrics {
                assert!(close(name, *value), "{rule}: {name} is not {value} in {:?}", outcome.metrics);
            }
            if !metrics.is_empty() {
                assert_eq!(outcome.metrics.len(), metrics.len(), "{rule}: {:?}", outcome.metrics);
            }
        }
    }
}
