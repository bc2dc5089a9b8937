//! What the tests of the logs share.

use std::sync::Arc;

use observe::events::{self, EventQuery, Rejected};
use observe::filter::{self, FilterQuery};
use observe::{MIGRATIONS, ObserveError};
use store::{Location, RandomIds, Scope, Store, TestClock, Tx};

pub(crate) const NOW: i64 = 1_800_000_000_000;
pub(crate) const DAY: i64 = 86_400_000;

pub(crate) struct Logs {
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) scope: Scope,
}

pub(crate) async fn open(location: Location) -> Logs {
    let clock = Arc::new(TestClock::new(NOW));
    let store = Store::open(location, &[MIGRATIONS], clock.clone(), Arc::new(RandomIds)).await.unwrap();
    Logs { store, clock, scope: Scope::new("000000000000", "us-east-1").unwrap() }
}

/// Every case on both back ends.
macro_rules! suite {
    ($($case:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $case() {
                let folder = tempfile::TempDir::new().unwrap();
                let path = folder.path().join("store.db");
                let location = store::Location::Sqlite { path, durable: false };
                super::$case(crate::common::open(location).await).await;
            })*
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn on_postgres() {
            let server = crate::server::Server::start();
            $(
                eprintln!("case {}", stringify!($case));
                let schema = stringify!($case).to_owned();
                let location = store::Location::Postgres { url: server.url(), schema };
                let logs = crate::common::open(location).await;
                let store = logs.store.clone();
                $case(logs).await;
                store.close().await;
            )*
        }
    };
}

pub(crate) use suite;

impl Logs {
    pub(crate) async fn tx(&self) -> Tx {
        self.store.begin().await.unwrap()
    }

    pub(crate) async fn append(&self, stream: &str, events: &[(i64, &str)]) {
        let events: Vec<(i64, String)> = events.iter().map(|(ts, text)| (*ts, (*text).to_owned())).collect();
        let mut tx = self.tx().await;
        events::append(&mut tx, &self.scope, "g", stream, &events).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn get(&self, stream: &str, query: EventQuery<'_>) -> (Vec<String>, String, String) {
        let mut tx = self.store.read().await.unwrap();
        let page = events::get(&mut tx, &self.scope, "g", stream, &query).await.unwrap();
        let texts = page.events.into_iter().map(|event| event.message).collect();
        (texts, page.next_forward, page.next_backward)
    }

    pub(crate) async fn find(&self, query: FilterQuery<'_>) -> (Vec<String>, Option<String>) {
        let mut tx = self.store.read().await.unwrap();
        let page = filter::find(&mut tx, &self.scope, "g", &query).await.unwrap();
        (page.events.into_iter().map(|event| event.message).collect(), page.next)
    }

    pub(crate) async fn put(&self, events: &[(i64, String)]) -> Result<Rejected, ObserveError> {
        let mut tx = self.tx().await;
        let rejected = events::put(&mut tx, &self.scope, "g", "s", events).await?;
        tx.commit().await?;
        Ok(rejected)
    }
}

pub(crate) fn invalid<T: std::fmt::Debug>(result: Result<T, ObserveError>, part: &str) {
    match result {
        Err(ObserveError::InvalidParameter { message }) => assert!(message.contains(part), "{message}"),
        other => panic!("{other:?}"),
    }
}
