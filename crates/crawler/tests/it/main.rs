//! Crawls from end to end in process, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at its first surprise")]

/// Makes each scenario a test on SQLite, and all of them together one function for another back end.
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            use crate::world::Backend;
            $(#[tokio::test]
            async fn $name() {
                super::$name(&Backend::Sqlite).await;
            })+
        }

        pub(crate) async fn all(on: &Backend) {
            $($name(on).await;)+
        }
    };
}

mod answers;
mod classify;
mod events;
mod events_model;
mod files;
mod guesses;
mod keeps;
mod layout;
mod named;
mod one_row;
mod ours;
mod policy;
mod runs;
#[path = "../../../store/tests/conformance/server.rs"]
mod server;
mod timed;
mod world;

use std::sync::atomic::AtomicU32;

use server::Server;
use world::Backend;

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    let on = Backend::Postgres(Server::start(), AtomicU32::new(0));
    layout::all(&on).await;
    answers::all(&on).await;
    files::all(&on).await;
    runs::all(&on).await;
    policy::all(&on).await;
    ours::all(&on).await;
    classify::all(&on).await;
    events::all(&on).await;
    keeps::all(&on).await;
    guesses::all(&on).await;
    named::all(&on).await;
    one_row::all(&on).await;
}
