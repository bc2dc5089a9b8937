//! A command's own server: this very binary, as a child process on a free port.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::process::{Child, Command};

const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// Settings of somebody's own server that a command's server must not take over: it has a place and a store of its own
/// and lets the command in.
const FOREIGN: [&str; 8] = [
    "TENON_CONFIG",
    "TENON_LISTEN",
    "TENON_DATA_DIR",
    "TENON_EPHEMERAL",
    "TENON_STORE",
    "TENON_AUTH",
    "TENON_KEYS",
    "TENON_BASE_HOSTS",
];

/// A running server; killed when dropped without [`Host::stop`]. It stops by itself when this process is gone.
pub(crate) struct Host {
    child: Child,
    endpoint: String,
    data_dir: PathBuf,
}

impl Host {
    /// Starts a server that keeps its data in `data_dir`, with these settings besides, and waits until it is ready.
    /// Errors: it does not start; its own message goes to standard error.
    pub(crate) async fn start(data_dir: &Path, settings: &[(String, String)]) -> Result<Self> {
        std::fs::create_dir_all(data_dir).with_context(|| format!("cannot make {}", data_dir.display()))?;
        let data_dir = data_dir.canonicalize().context("cannot find the data folder")?;
        let ready = data_dir.join(format!("ready-{}.json", std::process::id()));
        let mut server = Command::new(std::env::current_exe().context("cannot find this program")?);
        for name in FOREIGN {
            server.env_remove(name);
        }
        let mut child = server
            .args(["serve", "--until-input-ends", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data_dir)
            .arg("--ready-file")
            .arg(&ready)
            .args(settings.iter().flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]))
            .env("TENON_LOG_LEVEL", "warn")
            // Held by the child's handle: the server stops when this process is gone, however it went.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a server")?;
        let endpoint = tokio::time::timeout(START_TIMEOUT, wait(&mut child, &ready)).await;
        // The file has done its service whether the server came up or not.
        let _ = std::fs::remove_file(&ready);
        Ok(Self { endpoint: endpoint.context("the server does not get ready")??, child, data_dir })
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Stops the server gracefully and waits for its end.
    pub(crate) async fn stop(mut self) -> Result<()> {
        // Waiting closes its input.
        let ended = tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await;
        ended.context("the server does not stop")?.context("cannot wait for the server")?;
        Ok(())
    }
}

async fn wait(child: &mut Child, ready: &Path) -> Result<String> {
    loop {
        if let Ok(text) = std::fs::read_to_string(ready) {
            let document: Value =
                serde_json::from_str(&text).context("the server's ready file is no JSON")?;
            let address =
                document.get("address").and_then(Value::as_str).context("the ready file has no address")?;
            return Ok(format!("http://{address}"));
        }
        if let Some(status) = child.try_wait().context("cannot watch the server")? {
            bail!("the server ended with {status} before it was ready");
        }
        tokio::time::sleep(POLL).await;
    }
}
