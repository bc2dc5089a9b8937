//! `tenon demo`: the retail pipeline, end to end, through the AWS APIs of a running server.
//!
//! A shop, a CRM and social media export files into buckets; a crawler finds their tables; one job cleans, the next
//! joins and aggregates; SQL answers three questions; then one more day arrives, and only that day is processed. Every
//! step prints the AWS CLI command that does the same, and the counts are checked against what the generator wrote.
//!
//! Without `--endpoint` the demo starts a server of its own on a free port; its data stays in the data folder. It may
//! be run again, on the same server too: it clears its own buckets, databases, crawlers and jobs first.

mod generator;
mod graph;
mod pipeline;
mod story;
mod upload;

use std::path::PathBuf;

use anyhow::Result;

use crate::client::{Client, Target};
use crate::host::Host;
use crate::verbs::Outcome;
use generator::Shop;
use pipeline::Pipeline;
use story::Story;

/// Orders at `--scale 1`.
const ORDERS: f64 = 1_000_000.0;

/// The most data.
const MAX_SCALE: f64 = 1_000.0;

/// What to run.
pub(crate) struct Demo {
    /// Multiplies the size of the data.
    pub(crate) scale: f64,
    /// Days of data; the last one arrives late.
    pub(crate) days: u32,
    /// The same seed gives the same data.
    pub(crate) seed: u64,
    /// Where the demo's own server keeps its data.
    pub(crate) data_dir: PathBuf,
    /// Whether to use the server of the target instead of an own one.
    pub(crate) use_running: bool,
    /// The server and the credentials to use.
    pub(crate) target: Target,
}

impl Demo {
    /// The data that was asked for. Errors: there would be a day without an order, or too much of it.
    fn shop(&self) -> Result<Shop> {
        let Self { scale, days, seed, .. } = *self;
        anyhow::ensure!((2..=366).contains(&days), "--days must be 2 to 366");
        let least = f64::from(days) / ORDERS;
        anyhow::ensure!(
            (least..=MAX_SCALE).contains(&scale),
            "--scale must be {least} (an order for each of {days} days) to {MAX_SCALE}, and is {scale}"
        );
        Ok(Shop { orders: (ORDERS * scale).ceil() as u64, days, seed })
    }

    pub(crate) async fn execute(self) -> Result<Outcome> {
        let shop = self.shop()?;
        let host = if self.use_running { None } else { Some(Host::start(&self.data_dir, &[]).await?) };
        let target = match &host {
            Some(host) => Target { endpoint: host.endpoint().to_owned(), ..self.target },
            None => self.target,
        };
        let client = Client::new(target)?;
        let story = Story::new(client.endpoint());
        let told = Pipeline { client: &client, shop: &shop, story: &story }.run().await;
        let data_dir = host.as_ref().map(|host| host.data_dir().to_owned());
        if let Some(host) = host {
            host.stop().await?;
        }
        told?;
        story.what_next(data_dir.as_deref())?;
        Ok(Outcome::Succeeded)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn demo(scale: f64, days: u32) -> Demo {
        let target = Target::new(None, &BTreeMap::new());
        Demo { scale, days, seed: 7, data_dir: PathBuf::new(), use_running: false, target }
    }

    #[test]
    fn every_day_has_an_order() {
        let shop = demo(0.000_03, 30).shop().expect("the least");
        assert!((0..30).all(|day| shop.orders_of(day).good > 0 && shop.interactions_of(day).rows > 0));
        for scale in [0.000_000_1, 0.0, -1.0, f64::NAN, 1_001.0] {
            let message = demo(scale, 30).shop().err().map(|error| error.to_string());
            let least = "--scale must be 0.00003 (an order for each of 30 days) to 1000, and is ";
            assert_eq!(message, Some(format!("{least}{scale}")));
        }
        assert!(demo(1.0, 1).shop().is_err());
    }
}
