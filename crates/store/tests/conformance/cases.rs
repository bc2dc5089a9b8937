//! What every back end promises.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use store::{ConstraintKind, Outcome, Retry, Row, Store, StoreError, Tx, Value, lease, outbox, params, tags};
use tokio::task::JoinSet;

use crate::{Fresh, START_MS};

const INSERT: &str = "INSERT INTO test_values (id, text_value) VALUES ($1, $2)";

async fn count(tx: &mut Tx) -> i64 {
    tx.query("SELECT count(*) FROM test_values", &[]).await.unwrap()[0].get(0).unwrap()
}

pub(crate) async fn commit_shows_and_drop_rolls_back(fresh: Fresh) {
    let store = fresh.open().await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.now_ms(), START_MS);
    assert_eq!(tx.execute(INSERT, &params![1, "kept"]).await.unwrap(), 1);
    assert_eq!(count(&mut tx).await, 1);
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.execute(INSERT, &params![2, "lost"]).await.unwrap();
    drop(tx);
    assert_eq!(count(&mut store.read().await.unwrap()).await, 1);
    let mut tx = store.begin().await.unwrap();
    let row = tx.query_opt("SELECT text_value FROM test_values WHERE id = $1", &params![1]).await.unwrap();
    assert_eq!(row.unwrap().get::<String>(0).unwrap(), "kept");
    let none = tx.query_opt("SELECT text_value FROM test_values WHERE id = $1", &params![2]).await.unwrap();
    assert!(none.is_none());
    tx.commit().await.unwrap();
    store.close().await;
    assert_eq!(count(&mut fresh.open().await.read().await.unwrap()).await, 1);
}

pub(crate) async fn a_reader_keeps_its_snapshot(fresh: Fresh) {
    let store = fresh.open().await;
    let mut before = store.read().await.unwrap();
    assert_eq!(count(&mut before).await, 0);
    for id in 0..20 {
        let mut tx = store.begin().await.unwrap();
        tx.execute(INSERT, &params![id, "x"]).await.unwrap();
        // A reader beside an open writer neither waits nor sees its work.
        assert_eq!(count(&mut store.read().await.unwrap()).await, id);
        tx.commit().await.unwrap();
        assert_eq!(count(&mut store.read().await.unwrap()).await, id + 1);
    }
    assert_eq!(count(&mut before).await, 0);
    before.commit().await.unwrap();
}

pub(crate) async fn a_reader_cannot_write(fresh: Fresh) {
    let store = fresh.open().await;
    let mut tx = store.read().await.unwrap();
    assert!(matches!(tx.execute(INSERT, &params![1, "x"]).await, Err(StoreError::ReadOnly)));
    let sneaky = "INSERT INTO test_values (id) VALUES (7) RETURNING id";
    assert!(matches!(tx.query(sneaky, &[]).await, Err(StoreError::ReadOnly)));
    drop(tx);
    assert_eq!(count(&mut store.read().await.unwrap()).await, 0);
}

pub(crate) async fn a_failed_statement_ends_the_transaction(fresh: Fresh) {
    let store = fresh.open().await;
    let mut tx = store.begin().await.unwrap();
    tx.execute(INSERT, &params![1, "x"]).await.unwrap();
    let wrong = tx.execute("INSERT INTO no_such_table VALUES (1)", &[]).await.unwrap_err();
    assert!(matches!(wrong, StoreError::Statement { .. }), "{wrong:?}");
    assert_eq!((wrong.outcome(), wrong.retry()), (Outcome::NotApplied, Retry::Never));
    assert!(matches!(tx.execute(INSERT, &params![2, "x"]).await, Err(StoreError::Failed)));
    assert!(matches!(tx.query("SELECT 1", &[]).await, Err(StoreError::Failed)));
    assert!(matches!(tx.commit().await, Err(StoreError::Failed)));
    let mut tx = store.begin().await.unwrap();
    assert_eq!(count(&mut tx).await, 0);
}

pub(crate) async fn constraints_are_told_apart(fresh: Fresh) {
    let store = fresh.open().await;
    let mut tx = store.begin().await.unwrap();
    tx.execute(INSERT, &params![1, "x"]).await.unwrap();
    tx.commit().await.unwrap();
    let cases = [
        (INSERT, params![1, "again"], ConstraintKind::Unique),
        ("INSERT INTO test_counter (name, n) VALUES ($2, $1)", params![-1, "a"], ConstraintKind::Check),
        (
            "INSERT INTO test_counter (name, n) VALUES ($2, $1)",
            params![None::<i64>, "a"],
            ConstraintKind::NotNull,
        ),
    ];
    for (sql, params, wanted) in cases {
        let mut tx = store.begin().await.unwrap();
        let error = tx.execute(sql, &params).await.unwrap_err();
        assert!(matches!(error, StoreError::Constraint { kind, .. } if kind == wanted), "{error:?}");
        assert_eq!(error.is_unique_violation(), wanted == ConstraintKind::Unique);
    }
    // The way to try and go on.
    let mut tx = store.begin().await.unwrap();
    let sql = "INSERT INTO test_values (id, text_value) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    assert_eq!(tx.execute(sql, &params![1, "again"]).await.unwrap(), 0);
    assert_eq!(tx.execute(sql, &params![2, "new"]).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

pub(crate) async fn nulls_need_no_type(fresh: Fresh) {
    let store = fresh.open().await;
    let mut tx = store.begin().await.unwrap();
    let sql = "INSERT INTO test_values (id, text_value, bytes_value, int_value, real_value)
               VALUES ($1, $2, $3, $4, $5)";
    // The same statement with every pattern of NULLs, so that no cached type survives from another pattern.
    for pattern in 0..16i64 {
        let pick = |bit: i64, value: Value| if pattern & bit == 0 { Value::Null } else { value };
        let row = params![
            pattern,
            pick(1, "t".into()),
            pick(2, vec![0u8, 255].into()),
            pick(4, 7.into()),
            pick(8, 0.5.into())
        ];
        tx.execute(sql, &row).await.unwrap();
        let select =
            "SELECT id, text_value, bytes_value, int_value, real_value FROM test_values WHERE id = $1";
        let found = tx.query(select, &params![pattern]).await.unwrap().remove(0);
        assert_eq!(found.into_values(), row);
    }
    // The same text with another kind of parameter.
    let compare = "SELECT count(*) FROM test_values WHERE real_value > $1";
    for param in [Value::Int(0), Value::Real(0.25), Value::Null] {
        let wanted = if param == Value::Null { 0 } else { 8 };
        assert_eq!(tx.query(compare, &[param]).await.unwrap()[0].get::<i64>(0).unwrap(), wanted);
    }
}

pub(crate) async fn values_round_trip(fresh: Fresh) {
    let store = fresh.open().await;
    let strategy = (
        vec(any::<u8>(), 0..300),
        "\\PC{0,80}",
        any::<i64>(),
        any::<f64>().prop_filter("a number", |real| !real.is_nan()),
    );
    let mut runner = TestRunner::deterministic();
    let mut tx = store.begin().await.unwrap();
    let mut rows = Vec::new();
    for id in 0..200 {
        let (bytes, text, int, real) = strategy.new_tree(&mut runner).unwrap().current();
        rows.push(params![id, text, bytes, int, real].to_vec());
    }
    rows.push(params![-1, "", Vec::new(), i64::MIN, f64::INFINITY].to_vec());
    rows.push(
        params![-2, "a\u{301}\u{10ffff}'; --", vec![0u8; 100_000], i64::MAX, f64::MIN_POSITIVE].to_vec(),
    );
    let columns = ["id", "text_value", "bytes_value", "int_value", "real_value"];
    assert_eq!(tx.insert_many("test_values", &columns, &rows).await.unwrap(), 202);
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    let sql = "SELECT id, text_value, bytes_value, int_value, real_value FROM test_values WHERE id = $1";
    for row in rows {
        let found = tx.query(sql, &row[..1]).await.unwrap().into_iter().next().map(Row::into_values);
        assert_eq!(found, Some(row));
    }
}

pub(crate) async fn bytes_and_text_sort_by_byte(fresh: Fresh) {
    let store = fresh.open().await;
    let mut runner = TestRunner::deterministic();
    let mut keys: Vec<String> =
        ["a", "a/", "a//b", "a/b", "a-b", "A", "B", "b", "Z", "é", "e", "\u{ffff}", "\u{10000}", ""]
            .map(str::to_owned)
            .to_vec();
    let strategy = "[a-cA-C/ _é\u{ffff}\u{10000}-]{1,6}";
    keys.extend((0..300).map(|_| strategy.new_tree(&mut runner).unwrap().current()));
    keys.sort();
    keys.dedup();
    let mut rows: Vec<Vec<Value>> = keys.iter().map(|key| params![key.as_bytes(), key].to_vec()).collect();
    rows.reverse();
    let mut tx = store.begin().await.unwrap();
    tx.insert_many("test_keys", &["k", "t"], &rows).await.unwrap();
    let by_key = tx.query("SELECT t FROM test_keys ORDER BY k", &[]).await.unwrap();
    let by_key: Vec<String> = by_key.iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(by_key, keys);
    let by_text = tx.query("SELECT t FROM test_keys ORDER BY t", &[]).await.unwrap();
    let by_text: Vec<String> = by_text.iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(by_text, keys);
    for (index, key) in keys.iter().enumerate() {
        let after = "SELECT count(*) FROM test_keys WHERE k > $1 AND t > $2";
        let found = tx.query(after, &params![key.as_bytes(), key]).await.unwrap()[0].get::<i64>(0).unwrap();
        assert_eq!(found, i64::try_from(keys.len() - index - 1).unwrap());
    }
}

pub(crate) async fn rows_go_in_by_the_thousand(fresh: Fresh) {
    let store = fresh.open().await;
    let mut tx = store.begin().await.unwrap();
    let rows: Vec<Vec<Value>> =
        (0..10_000).map(|id| params![id, (id % 3 == 0).then(|| format!("row {id}"))].to_vec()).collect();
    assert_eq!(tx.insert_many("test_values", &["id", "text_value"], &rows).await.unwrap(), 10_000);
    assert_eq!(tx.insert_many("test_values", &["id", "text_value"], &[]).await.unwrap(), 0);
    let short = [params![1].to_vec()];
    let refused = tx.insert_many("test_values", &["id", "text_value"], &short).await;
    assert!(matches!(refused, Err(StoreError::RowWidth { row: 0, wanted: 2, found: 1 })));
    let refused = tx.insert_many("test_values; --", &["id"], &[]).await;
    assert!(matches!(refused, Err(StoreError::Identifier { .. })));
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.query("SELECT id, text_value FROM test_values", &[]).await.unwrap().len(), 10_000);
    let nulls = "SELECT count(*) FROM test_values WHERE text_value IS NULL";
    assert_eq!(tx.query(nulls, &[]).await.unwrap()[0].get::<i64>(0).unwrap(), 6_666);
}

pub(crate) async fn sums_counts_and_truths_are_integers(fresh: Fresh) {
    let store = fresh.open().await;
    let mut tx = store.begin().await.unwrap();
    let values = [0, 1, -1, 9_999, 10_000, 123_456_789, -20_000, 1 << 53];
    let rows: Vec<Vec<Value>> =
        (0..).zip(values).map(|(id, n): (i64, i64)| params![id, n].to_vec()).collect();
    tx.insert_many("test_values", &["id", "int_value"], &rows).await.unwrap();
    for n in 0..values.len() {
        let sql =
            "SELECT sum(int_value), sum(0 - int_value), count(*), max(int_value), $1 = 3 FROM test_values
                   WHERE id <= $1";
        let row = tx.query(sql, &params![i64::try_from(n).unwrap()]).await.unwrap().remove(0);
        let sum: i64 = values[..=n].iter().sum();
        assert_eq!((row.get::<i64>(0).unwrap(), row.get::<i64>(1).unwrap()), (sum, -sum));
        assert_eq!(row.get::<i64>(2).unwrap(), i64::try_from(n + 1).unwrap());
        assert_eq!(row.get::<i64>(3).unwrap(), *values[..=n].iter().max().unwrap());
        assert_eq!(row.get::<bool>(4).unwrap(), n == 3);
    }
    let none = tx.query("SELECT sum(int_value) FROM test_values WHERE id > 99", &[]).await.unwrap().remove(0);
    assert_eq!(none.get::<Option<i64>>(0).unwrap(), None);
}

pub(crate) async fn values_that_one_back_end_lacks_are_refused(fresh: Fresh) {
    let store = fresh.open().await;
    let mut tx = store.begin().await.unwrap();
    let nul = tx.execute(INSERT, &params![1, "a\0b"]).await;
    assert!(matches!(nul, Err(StoreError::NulInText { index: 2 })));
    let nan =
        tx.execute("INSERT INTO test_values (id, real_value) VALUES ($1, $2)", &params![1, f64::NAN]).await;
    assert!(matches!(nan, Err(StoreError::NotANumber { index: 2 })));
    // Nothing was sent, so the transaction is still good.
    tx.execute(INSERT, &params![1, "ab"]).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn effects_follow_the_commit(fresh: Fresh) {
    let store = fresh.open().await;
    let ran = Arc::new(AtomicUsize::new(0));
    for (commit, wanted) in [(false, 0), (true, 1), (true, 2)] {
        let mut tx = store.begin().await.unwrap();
        let ran_then = Arc::clone(&ran);
        tx.on_commit(Box::new(move || {
            ran_then.fetch_add(1, Ordering::SeqCst);
        }));
        assert_eq!(ran.load(Ordering::SeqCst), wanted - usize::from(commit));
        if commit {
            tx.commit().await.unwrap();
        } else {
            drop(tx);
        }
        assert_eq!(ran.load(Ordering::SeqCst), wanted);
    }
}

pub(crate) async fn a_panicking_effect_changes_no_answer(fresh: Fresh) {
    let store = fresh.open().await;
    let ran = Arc::new(AtomicUsize::new(0));
    let mut tx = store.begin().await.unwrap();
    tx.execute(INSERT, &params![1, "a"]).await.unwrap();
    tx.on_commit(Box::new(|| panic!("an effect with a bug")));
    let ran_then = Arc::clone(&ran);
    tx.on_commit(Box::new(move || {
        ran_then.fetch_add(1, Ordering::SeqCst);
    }));
    tx.commit().await.unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 1, "later effects run all the same");
}

async fn acquire(store: &Store, name: &str, holder: &str) -> Option<lease::Lease> {
    let mut tx = store.begin().await.unwrap();
    let lease = lease::acquire(&mut tx, name, holder, 1_000).await.unwrap();
    tx.commit().await.unwrap();
    lease
}

async fn held(store: &Store, name: &str) -> bool {
    let mut tx = store.read().await.unwrap();
    lease::held(&mut tx, name).await.unwrap()
}

pub(crate) async fn leases_fence(fresh: Fresh) {
    let store = fresh.open().await;
    let first = acquire(&store, "job", "a").await.unwrap();
    assert_eq!(first.fence, 1);
    assert!(acquire(&store, "job", "b").await.is_none());
    assert!(acquire(&store, "job", "a").await.is_none());
    assert!(acquire(&store, "other", "b").await.is_some());
    fresh.clock.advance(999);
    assert!(acquire(&store, "job", "b").await.is_none());
    let mut tx = store.begin().await.unwrap();
    assert!(lease::renew(&mut tx, &first).await.unwrap());
    tx.commit().await.unwrap();
    fresh.clock.advance(999);
    assert!(acquire(&store, "job", "b").await.is_none());
    assert!(held(&store, "job").await);
    fresh.clock.advance(1);
    assert!(!held(&store, "job").await, "its time is over, whoever acquires it");
    let second = acquire(&store, "job", "b").await.unwrap();
    assert_eq!(second.fence, 2);
    let mut tx = store.begin().await.unwrap();
    assert!(!lease::renew(&mut tx, &first).await.unwrap());
    assert!(matches!(lease::check(&mut tx, &first).await, Err(StoreError::LeaseLost { .. })));
    lease::release(&mut tx, &first).await.unwrap();
    lease::check(&mut tx, &second).await.unwrap();
    lease::release(&mut tx, &second).await.unwrap();
    assert!(!lease::held(&mut tx, "job").await.unwrap());
    assert!(matches!(lease::check(&mut tx, &second).await, Err(StoreError::LeaseLost { .. })));
    assert!(!lease::renew(&mut tx, &second).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(acquire(&store, "job", "c").await.unwrap().fence, 3);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(lease::release_all(&mut tx, "c").await.unwrap(), 1);
    assert_eq!(lease::release_all(&mut tx, "").await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(acquire(&store, "job", "d").await.unwrap().fence, 4);
}

pub(crate) async fn outbox_keeps_order_until_acknowledged(fresh: Fresh) {
    let store = fresh.open().await;
    let mut tx = store.begin().await.unwrap();
    for n in 0..5 {
        outbox::push(&mut tx, "events", &serde_json::json!({ "n": n })).await.unwrap();
        outbox::push(&mut tx, "elsewhere", &serde_json::json!(null)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut seen = Vec::new();
    loop {
        let mut tx = store.begin().await.unwrap();
        let messages = outbox::take(&mut tx, "events", 2).await.unwrap();
        assert_eq!(messages, outbox::take(&mut tx, "events", 2).await.unwrap());
        if messages.is_empty() {
            break;
        }
        for message in messages {
            assert_eq!((message.topic.as_str(), message.created_ms), ("events", START_MS));
            seen.push(message.body["n"].as_i64().unwrap());
            outbox::ack(&mut tx, message.id).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

pub(crate) async fn tags_of_a_resource(fresh: Fresh) {
    let store = fresh.open().await;
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let mut tx = store.begin().await.unwrap();
    tags::set(&mut tx, "arn:a", &map(&[("x", "1"), ("y", "")])).await.unwrap();
    tags::set(&mut tx, "arn:a", &map(&[("x", "2"), ("z", "3")])).await.unwrap();
    tags::set(&mut tx, "arn:b", &map(&[("x", "9")])).await.unwrap();
    assert_eq!(tags::get(&mut tx, "arn:a").await.unwrap(), map(&[("x", "2"), ("y", ""), ("z", "3")]));
    tags::remove(&mut tx, "arn:a", &["y", "none"]).await.unwrap();
    assert_eq!(tags::get(&mut tx, "arn:a").await.unwrap(), map(&[("x", "2"), ("z", "3")]));
    tags::clear(&mut tx, "arn:a").await.unwrap();
    assert_eq!(tags::get(&mut tx, "arn:a").await.unwrap(), map(&[]));
    assert_eq!(tags::get(&mut tx, "arn:b").await.unwrap(), map(&[("x", "9")]));
}

async fn increment(store: &Store) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let row = tx.query_opt("SELECT n FROM test_counter WHERE name = $1", &params!["c"]).await?;
    let n: i64 = row.map_or(Ok(0), |row| row.get(0))?;
    let sql = "INSERT INTO test_counter (name, n) VALUES ($1, $2)
               ON CONFLICT (name) DO UPDATE SET n = excluded.n";
    tx.execute(sql, &params!["c", n + 1]).await?;
    tx.commit().await
}

pub(crate) async fn concurrent_increments_all_count(fresh: Fresh) {
    let store = fresh.open().await;
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut done = 0;
            while done < 25 {
                match increment(&store).await {
                    Ok(()) => done += 1,
                    Err(error) => assert_eq!(error.retry(), Retry::Backoff, "{error:?}"),
                }
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.query("SELECT n FROM test_counter", &[]).await.unwrap()[0].get::<i64>(0).unwrap(), 400);
}

/// Two processes on one store: the second writer begins when the first has ended, and sees what it wrote.
pub(crate) async fn writers_take_turns(fresh: Fresh) {
    let (here, there) = (fresh.open().await, fresh.open().await);
    let mut first = here.begin().await.unwrap();
    assert_eq!(count(&mut first).await, 0);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut second = there.begin().await.unwrap();
        let seen = count(&mut second).await;
        second.commit().await.unwrap();
        seen
    });
    first.execute(INSERT, &params![0i64, "only one"]).await.unwrap();
    // Readers do not wait.
    assert_eq!(count(&mut here.read().await.unwrap()).await, 0);
    assert!(tasks.try_join_next().is_none());
    first.commit().await.unwrap();
    assert_eq!(tasks.join_next().await.unwrap().unwrap(), 1);
}

pub(crate) async fn a_closed_store_says_so(fresh: Fresh) {
    let store = fresh.open().await;
    store.close().await;
    assert!(matches!(store.begin().await, Err(StoreError::Closed)));
    assert!(matches!(store.read().await, Err(StoreError::Closed)));
}
