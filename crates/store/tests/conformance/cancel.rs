//! Futures that are dropped half-way, as when a client hangs up.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use store::{Store, StoreError, params};

use crate::Fresh;

/// Lets a future be polled so many times, then ends as `None`.
struct Polls<F> {
    left: usize,
    future: F,
}

impl<F: Future + Unpin> Future for Polls<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Pin::new(&mut self.future).poll(context).map(Some)
    }
}

async fn two_rows(store: Store, id: i64) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    for half in [0, 1] {
        let sql = "INSERT INTO test_values (id, int_value) VALUES ($1, $2)";
        tx.execute(sql, &params![2 * id + half, id]).await?;
    }
    tx.commit().await
}

pub(crate) async fn dropped_at_any_await(fresh: Fresh) {
    let store = fresh.open().await;
    let mut finished = 0;
    for polls in 0..40i64 {
        // Neighbours share the group that the dropped one leaves.
        let (left, right) = (store.clone(), store.clone());
        let dropped = Polls {
            left: usize::try_from(polls).unwrap(),
            future: Box::pin(two_rows(store.clone(), 1_000 + polls)),
        };
        let (dropped, left, right) = tokio::join!(
            dropped,
            two_rows(left, 10 * polls + 100_000),
            two_rows(right, 10 * polls + 100_001)
        );
        for result in [Some(left), Some(right), dropped.inspect(|_| finished += 1)].into_iter().flatten() {
            // On PostgreSQL neighbours may conflict, which changes nothing.
            assert!(matches!(result, Ok(()) | Err(StoreError::Conflict { .. })), "{result:?}");
        }
    }
    assert!(finished > 0, "no run got to its end");
    assert!(finished < 40, "no run was dropped");
    let mut tx = store.begin().await.unwrap();
    let halves = "SELECT int_value FROM test_values GROUP BY int_value HAVING count(*) <> 2";
    assert!(tx.query(halves, &[]).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

pub(crate) async fn an_abandoned_statement_ends_the_transaction(fresh: Fresh) {
    let store = fresh.open().await;
    // Now and then the statement is done before it can be abandoned: then there is nothing to see, and another is tried.
    for _ in 0..100 {
        let mut tx = store.begin().await.unwrap();
        let abandoned =
            Polls { left: 1, future: Box::pin(tx.execute("INSERT INTO test_values (id) VALUES (1)", &[])) };
        if abandoned.await.is_some() {
            continue;
        }
        assert!(matches!(tx.query("SELECT 1", &[]).await, Err(StoreError::Failed)));
        assert!(matches!(tx.commit().await, Err(StoreError::Failed)));
        two_rows(store, 1).await.unwrap();
        return;
    }
    panic!("no statement could be abandoned");
}

pub(crate) async fn a_commit_goes_on_without_its_caller(fresh: Fresh) {
    let store = fresh.open().await;
    // Now and then the commit is done before its caller can go: then another is tried.
    for id in 1..=100_i64 {
        let mut tx = store.begin().await.unwrap();
        tx.execute("INSERT INTO test_values (id) VALUES ($1)", &params![id]).await.unwrap();
        let ran = Arc::new(AtomicBool::new(false));
        let ran_then = Arc::clone(&ran);
        tx.on_commit(Box::new(move || ran_then.store(true, Ordering::SeqCst)));
        let commit = Polls { left: 1, future: Box::pin(tx.commit()) };
        if commit.await.is_some() {
            continue;
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while !ran.load(Ordering::SeqCst) {
            assert!(Instant::now() < deadline, "the commit was lost");
            tokio::task::yield_now().await;
        }
        let rows = store.read().await.unwrap().query("SELECT id FROM test_values", &[]).await.unwrap();
        assert_eq!(rows.len(), usize::try_from(id).unwrap());
        return;
    }
    panic!("no commit was left alone");
}
