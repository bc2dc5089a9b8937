//! One suite for both back ends. On SQLite each case is a test of its own; on PostgreSQL one test starts a
//! server of its own and runs every case in its own schema.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at its first surprise")]

mod cancel;
mod cases;
mod server;
mod upgrade;

use std::sync::Arc;

use store::{Location, Migrations, RandomIds, Store, StoreError, TestClock};
use tempfile::TempDir;

/// When the tests' clock starts.
const START_MS: i64 = 1_800_000_000_000;

const TABLES: Migrations = Migrations {
    owner: "test",
    steps: &["CREATE TABLE test_values (
  id {int} PRIMARY KEY,
  text_value {text},
  bytes_value {bytes},
  int_value {int},
  real_value {real}
);
CREATE TABLE test_keys (k {bytes} PRIMARY KEY, t {text} NOT NULL) {clustered};
CREATE TABLE test_counter (name {text} PRIMARY KEY, n {int} NOT NULL, CHECK (n >= 0));
"],
};

/// An empty database that a case may open several times.
struct Fresh {
    location: Location,
    clock: Arc<TestClock>,
}

impl Fresh {
    async fn open(&self) -> Store {
        self.open_with(&[TABLES]).await.unwrap()
    }

    async fn open_with(&self, migrations: &[Migrations]) -> Result<Store, StoreError> {
        let clock: Arc<TestClock> = Arc::clone(&self.clock);
        Store::open(self.location.clone(), migrations, clock, Arc::new(RandomIds)).await
    }
}

macro_rules! suite {
    ($($module:ident::$case:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let folder = tempfile::TempDir::new().unwrap();
                super::$module::$case(super::sqlite(&folder)).await;
            })*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn on_postgres() {
            let server = server::Server::start();
            $(
                eprintln!("case {}", stringify!($case));
                $module::$case(postgres(&server, stringify!($case))).await;
            )*
            cases::writers_take_turns(postgres(&server, "write_skew")).await;
            upgrade::a_step_takes_its_turn(postgres(&server, "upgrade_turn")).await;
        }
    };
}

suite! {
    cases::commit_shows_and_drop_rolls_back,
    cases::a_reader_keeps_its_snapshot,
    cases::a_reader_cannot_write,
    cases::a_failed_statement_ends_the_transaction,
    cases::constraints_are_told_apart,
    cases::nulls_need_no_type,
    cases::values_round_trip,
    cases::bytes_and_text_sort_by_byte,
    cases::rows_go_in_by_the_thousand,
    cases::sums_counts_and_truths_are_integers,
    cases::values_that_one_back_end_lacks_are_refused,
    cases::effects_follow_the_commit,
    cases::a_panicking_effect_changes_no_answer,
    cases::leases_fence,
    cases::outbox_keeps_order_until_acknowledged,
    cases::tags_of_a_resource,
    cases::concurrent_increments_all_count,
    cases::a_closed_store_says_so,
    cancel::dropped_at_any_await,
    cancel::an_abandoned_statement_ends_the_transaction,
    cancel::a_commit_goes_on_without_its_caller,
    upgrade::steps_go_on_where_they_ended,
    upgrade::a_newer_store_is_refused,
    upgrade::a_failing_step_leaves_nothing,
}

fn sqlite(folder: &TempDir) -> Fresh {
    let location = Location::Sqlite { path: folder.path().join("deep/store.db"), durable: true };
    Fresh { location, clock: Arc::new(TestClock::new(START_MS)) }
}

fn postgres(server: &server::Server, schema: &str) -> Fresh {
    let location = Location::Postgres { url: server.url(), schema: schema.to_owned() };
    Fresh { location, clock: Arc::new(TestClock::new(START_MS)) }
}
