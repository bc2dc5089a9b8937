//! Where the measurements of job runs go: the metrics of CloudWatch, in the run's own transactions.

use async_trait::async_trait;
use jobs::metrics::Measurement;
use observe::metrics::{self, Sample};
use store::{Scope, StoreError, Tx};

/// The namespace of Glue's metrics.
const NAMESPACE: &str = "Glue";

/// Fills the trait of the jobs.
pub(super) struct MetricLink;

#[async_trait]
impl jobs::metrics::MetricSink for MetricLink {
    async fn put(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        at_ms: i64,
        measured: &[Measurement],
    ) -> Result<(), StoreError> {
        let samples: Vec<Sample> = measured.iter().map(sample).collect();
        metrics::put(tx, scope, NAMESPACE, at_ms, &samples).await
    }
}

fn sample(measured: &Measurement) -> Sample {
    let dimensions = measured.dimensions.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Sample {
        name: measured.name.to_owned(),
        dimensions: dimensions.collect(),
        unit: measured.unit,
        value: measured.value,
    }
}
