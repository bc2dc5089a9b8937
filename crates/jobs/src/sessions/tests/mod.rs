//! Sessions whose process is the true one, run by the machine's Python on an engine that is none.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lake::Lake;
use serde_json::{Value, json};
use store::{Clock, Scope, Store, TestClock};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::log::BoxError;
use crate::{RunKey, RunKeys, ScriptOptions, Traffic};

mod ends;
mod statements;

const DEADLINE: Duration = Duration::from_secs(60);
const MINUTE_MS: i64 = 60_000;
/// What the process imports before it is ready.
const STUBS: [(&str, &str); 5] = [
    ("awsglue/__init__.py", ""),
    (
        "awsglue/context.py",
        "class GlueContext:\n    spark_session = 'spark'\n    def __init__(self, sc): pass\n",
    ),
    ("pyspark/__init__.py", ""),
    ("pyspark/context.py", "class SparkContext:\n    @classmethod\n    def getOrCreate(cls): return cls()\n"),
    ("pyspark/sql.py", "def SQLContext(sc): return 'sql'\n"),
];

struct Keys;

impl RunKeys for Keys {
    fn issue(&self, scope: &Scope, _: Option<&lake::Overlay>, _: Option<&Arc<Traffic>>) -> RunKey {
        RunKey { access_key_id: scope.account.clone(), secret: "s".to_owned(), session_token: None }
    }

    fn revoke(&self, _: &str) {}
}

/// Log lines in memory, with their groups.
#[derive(Default)]
struct Memory(Mutex<Vec<(String, String)>>);

#[async_trait]
impl Logs for Memory {
    async fn append(
        &self,
        _: &Scope,
        group: &str,
        _: &str,
        messages: &[(i64, String)],
    ) -> Result<(), BoxError> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend(messages.iter().map(|(_, line)| (group.to_owned(), line.clone())));
        Ok(())
    }
}

struct World {
    store: Store,
    clock: Arc<TestClock>,
    sessions: Sessions,
    logs: Arc<Memory>,
    served: Mutex<JoinSet<()>>,
    dir: TempDir,
    _store_dir: TempDir,
}

fn scope() -> Scope {
    Scope::new("000000000000", "us-east-1").unwrap()
}

/// An environment whose interpreter finds `stubs` before anything else.
fn environment(folder: &Path, stubs: &[(&str, &str)]) -> scripts::Environment {
    let (made, found) = (folder.join("environment"), folder.join("stubs"));
    for (name, text) in stubs {
        let path = found.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::create_dir_all(made.join("bin")).unwrap();
    let python = made.join("bin/python");
    let text = format!(
        "#!/bin/sh\nPATH=/usr/local/bin:/usr/bin:/bin PYTHONPATH=\"{}:$PYTHONPATH\" exec python3 \"$@\"\n",
        found.display()
    );
    std::fs::write(&python, text).unwrap();
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    scripts::Environment::new(made)
}

impl World {
    async fn new() -> Self {
        Self::with(&STUBS).await
    }

    async fn with(stubs: &[(&str, &str)]) -> Self {
        let clock = Arc::new(TestClock::new(1_700_000_000_000));
        let migrations = [lake::MIGRATIONS, SESSION_MIGRATIONS];
        let (store, store_dir) = store::testing::temp_with(
            &migrations,
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::new(store::RandomIds),
        )
        .await;
        let dir = tempfile::tempdir().unwrap();
        let options = lake::Options { dir: dir.path().join("objects"), durable: false };
        let lake = Lake::open(store.clone(), options).await.unwrap();
        let scripts = Arc::new(Scripts::new(ScriptOptions {
            enabled: true,
            environment: environment(dir.path(), stubs),
            layers: scripts::Layers::new(dir.path().join("modules"), Default::default()),
            folder: dir.path().join("runs"),
            engine: scripts::Engine::Sail,
            spark: Default::default(),
            memory_bytes: 1 << 30,
            pool: 0,
            endpoint: "http://127.0.0.1:9".to_owned(),
            keys: Arc::new(Keys),
        }));
        let logs = Arc::new(Memory::default());
        let options = SessionOptions { holder: "local".to_owned(), max_active: 3, lease_ms: 400 };
        let sessions = Sessions::new(store.clone(), lake, Arc::clone(&logs) as _, scripts, options);
        Self { store, clock, sessions, logs, served: Mutex::default(), dir, _store_dir: store_dir }
    }

    fn serve(&self) -> CancellationToken {
        let (stop, sessions) = (CancellationToken::new(), self.sessions.clone());
        let stopping = stop.clone();
        self.served.lock().unwrap().spawn(async move { sessions.run(stopping).await.unwrap() });
        stop
    }

    /// Waits for the end of what serves.
    async fn ended(&self) {
        let mut served = std::mem::take(&mut *self.served.lock().unwrap());
        while served.join_next().await.is_some() {}
    }

    async fn create(&self, id: &str, spec: Value) -> Result<Session, SessionError> {
        let mut tx = self.store.begin().await?;
        let spec = serde_json::from_value(spec).unwrap();
        let made = self.sessions.create(&mut tx, &scope(), id, spec, &BTreeMap::new()).await?;
        tx.commit().await?;
        Ok(made)
    }

    async fn get(&self, id: &str) -> Session {
        get(&mut self.store.read().await.unwrap(), &scope(), id).await.unwrap()
    }

    async fn reaches(&self, id: &str, state: SessionState) -> Session {
        let waiting = async {
            loop {
                let session = self.get(id).await;
                if session.details.state == state {
                    return session;
                }
                assert!(!session.details.state.is_final(), "{:?}", session.details);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("{id} is never {state:?}"))
    }

    async fn ready(&self, id: &str) {
        self.create(id, json!({})).await.unwrap();
        self.reaches(id, SessionState::Ready).await;
    }

    async fn submit(&self, id: &str, code: &str) -> Result<i64, SessionError> {
        let mut tx = self.store.begin().await?;
        let number = self.sessions.run_statement(&mut tx, &scope(), id, code).await?;
        tx.commit().await?;
        Ok(number)
    }

    async fn statement(&self, id: &str, number: i64) -> Statement {
        statement(&mut self.store.read().await.unwrap(), &scope(), id, number).await.unwrap().1
    }

    async fn comes_to(&self, id: &str, number: i64, done: impl Fn(&Statement) -> bool) -> Statement {
        let waiting = async {
            loop {
                let statement = self.statement(id, number).await;
                if done(&statement) {
                    return statement;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("{id} {number} goes on"))
    }

    /// Runs a statement to its end: its text, and what it raised.
    async fn run(&self, id: &str, code: &str) -> (String, Option<String>) {
        let number = self.submit(id, code).await.unwrap();
        let statement = self.comes_to(id, number, |statement| statement.state.is_final()).await;
        assert_eq!(statement.state, StatementState::Available, "{statement:?}");
        let output = statement.output.unwrap();
        (output.text, output.raised.map(|raised| format!("{}: {}", raised.name, raised.value)))
    }

    async fn cancel(&self, id: &str, number: i64) -> Result<(), SessionError> {
        let mut tx = self.store.begin().await?;
        self.sessions.cancel(&mut tx, &scope(), id, number).await?;
        Ok(tx.commit().await?)
    }

    async fn stop(&self, id: &str) -> Result<(), SessionError> {
        let mut tx = self.store.begin().await?;
        self.sessions.stop(&mut tx, &scope(), id).await?;
        Ok(tx.commit().await?)
    }

    /// Waits until a statement has made a file: a statement that is RUNNING may not have begun in its process.
    async fn has_made(&self, id: &str, name: &str) {
        let file = self.dir.path().join("runs").join(self.get(id).await.uid).join(name);
        let waiting = async {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("{id} never makes {name}"));
    }

    fn folders(&self) -> usize {
        let all = std::fs::read_dir(self.dir.path().join("runs")).unwrap();
        all.filter(|entry| entry.as_ref().unwrap().file_name() != "packages").count()
    }
}

fn printed(text: &str) -> (String, Option<String>) {
    (text.to_owned(), None)
}
