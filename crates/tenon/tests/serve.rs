//! The server as a process: start, readiness, raw HTTP, one owner per data folder, graceful and forced stop.

#![expect(clippy::expect_used, clippy::panic, reason = "a test stops at its first surprise")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(20);

fn tenon() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenon"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("TENON_") || name.starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
}

/// Polls until there is a value.
fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "waited too long for {what}");
        std::thread::yield_now();
    }
}

struct Server {
    dir: TempDir,
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("data");
        Self::start_in(dir, &["--data-dir", data.to_str().expect("text")], arguments)
    }

    fn start_in(dir: TempDir, place: &[&str], arguments: &[&str]) -> Self {
        let ready = dir.path().join("ready.json");
        let log = std::fs::File::create(dir.path().join("log")).expect("a log");
        let mut child = tenon()
            .args(["serve", "--listen", "127.0.0.1:0", "--ready-file"])
            .arg(&ready)
            .args(place)
            .args(arguments)
            .stdout(std::fs::File::create(dir.path().join("banner")).expect("a file"))
            .stderr(log)
            .spawn()
            .expect("starts");
        let address = wait_for("the ready file", || {
            if let Some(status) = child.try_wait().expect("waits") {
                let log = std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
                panic!("the server ended with {status}: {log}");
            }
            let text = std::fs::read_to_string(&ready).ok()?;
            let document: serde_json::Value = serde_json::from_str(&text).expect("whole JSON");
            assert_eq!(document["pid"], child.id());
            Some(document["address"].as_str().expect("a text").parse().expect("an address"))
        });
        Self { dir, child, address }
    }

    fn banner(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("banner")).expect("a banner")
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    fn wait(&mut self) -> ExitStatus {
        wait_for("the end of the server", || self.child.try_wait().expect("waits"))
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("connects");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        stream
    }

    /// Sends bytes and reads to the end of the connection.
    fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).expect("sends");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).expect("reads");
        String::from_utf8_lossy(&reply).into_owned()
    }

    fn get(&self, path: &str) -> String {
        self.raw(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.child.kill().expect("killed");
            self.child.wait().expect("waited");
        }
    }
}

fn run(arguments: &[&str]) -> Output {
    tenon().args(arguments).stdin(Stdio::null()).output().expect("runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn starts_answers_and_stops() {
    let mut server = Server::start(&[]);
    let banner = server.banner();
    let address = format!("http://{}", server.address);
    assert!(banner.contains(&address) && banner.contains("(durable)"), "{banner}");
    assert!(banner.contains(&format!("export AWS_ENDPOINT_URL={address}")), "{banner}");
    for path in ["/_/health", "/_/ready", "/_/", "/_/metrics", "/_/capabilities", "/_localstack/health"] {
        assert!(server.get(path).starts_with("HTTP/1.1 200 "), "{path}: {}", server.get(path));
    }
    assert!(server.get("/_/unknown").starts_with("HTTP/1.1 404 "));
    let status = run(&["status", "--endpoint", &address]);
    assert!(status.status.success(), "{}", text(&status.stderr));
    assert!(text(&status.stdout).contains("lake collector"), "{}", text(&status.stdout));
    server.signal("-TERM");
    assert_eq!(server.wait().code(), Some(0));
    assert!(!server.dir.path().join("ready.json").exists());
    let gone = run(&["status", "--endpoint", &address]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains("cannot reach a server"), "{}", text(&gone.stderr));
}

#[test]
fn a_data_folder_has_one_server() {
    let server = Server::start(&[]);
    let data = server.dir.path().join("data");
    let second = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().expect("text")]);
    assert_eq!(second.status.code(), Some(1));
    let error = text(&second.stderr);
    assert!(error.contains(&format!("another server (process {})", server.child.id())), "{error}");
    assert!(server.get("/_/ready").starts_with("HTTP/1.1 200 "), "the first one is untouched");
}

#[test]
fn a_killed_server_leaves_no_lock_behind() {
    let mut first = Server::start(&[]);
    first.signal("-KILL");
    assert_eq!(first.wait().signal(), Some(9));
    let data = first.dir.path().join("data");
    let place = [String::from("--data-dir"), data.to_str().expect("text").to_owned()];
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    let second = Server::start_in(tempfile::tempdir().expect("a folder"), &place, &[]);
    assert!(second.get("/_/ready").starts_with("HTTP/1.1 200 "));
}

#[test]
fn ephemeral_data_goes_with_the_server() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = Server::start_in(dir, &["--ephemeral"], &[]);
    let banner = server.banner();
    assert!(banner.contains("(ephemeral"), "{banner}");
    let line = banner.lines().find(|line| line.trim_start().starts_with("data ")).expect("a line");
    let data = PathBuf::from(line.split_whitespace().nth(1).expect("a path"));
    assert!(data.join("tenon.db").exists(), "{}", data.display());
    server.signal("-INT");
    assert_eq!(server.wait().code(), Some(0));
    assert!(!Path::new(&data).exists());
}

#[test]
fn a_request_in_flight_ends_before_the_server_does() {
    let mut server = Server::start(&[]);
    let mut stream = server.connect();
    // Half of a head: the server waits for the rest of it.
    stream.write_all(b"GET /_/health HTTP/1.1\r\nHost: localhost\r\n").expect("sends");
    wait_for("the connection to be counted", || {
        server.get("/_/metrics").contains("tenon_http_connections 2").then_some(())
    });
    server.signal("-TERM");
    wait_for("the listener to close", || TcpStream::connect(server.address).is_err().then_some(()));
    stream.write_all(b"\r\n").expect("sends");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("reads");
    // A head that was not complete when the stop began may be dropped, a whole one is answered.
    assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 200 "), "{reply}");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut server = Server::start(&["--set", "server.drain_timeout=1h"]);
    let made = server
        .raw(b"PUT /bucket HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert!(made.starts_with("HTTP/1.1 200 "), "{made}");
    let mut stream = server.connect();
    // A body that never ends keeps the first stop waiting.
    let head =
        "PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sends");
    let mut first = [0_u8; 12];
    stream.read_exact(&mut first).expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 100");
    server.signal("-TERM");
    wait_for("the listener to close", || TcpStream::connect(server.address).is_err().then_some(()));
    assert!(server.child.try_wait().expect("waits").is_none(), "the first stop waits for the request");
    server.signal("-TERM");
    assert_eq!(server.wait().code(), Some(130));
}

#[test]
fn an_upload_in_flight_is_finished_before_the_end() {
    let mut server = Server::start(&[]);
    server.raw(b"PUT /bucket HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let mut stream = server.connect();
    stream
        .write_all(
            b"PUT /bucket/key HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
        )
        .expect("sends");
    let mut go_on = [0_u8; 25];
    stream.read_exact(&mut go_on).expect("100 Continue");
    server.signal("-TERM");
    wait_for("the listener to close", || TcpStream::connect(server.address).is_err().then_some(()));
    stream.write_all(b"data").expect("sends");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("reads");
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn raw_requests() {
    let server = Server::start(&["--set", "server.header_timeout=300ms"]);
    assert!(server.raw(b"nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert!(server.raw(b"GET / HTTP/9.9\r\n\r\n").starts_with("HTTP/1.1 "));
    // A head that never ends is given up.
    let began = Instant::now();
    let silent = server.raw(b"GET /_/health HTTP/1.1\r\nHost: a\r\n");
    assert!(silent.is_empty() || silent.starts_with("HTTP/1.1 4"), "{silent}");
    assert!(began.elapsed() < DEADLINE);
    // HTTP/2 with prior knowledge: the server answers the preface with its settings frame (type 4).
    let mut stream = server.connect();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("sends");
    let mut frame = [0_u8; 9];
    stream.read_exact(&mut frame).expect("a frame");
    assert_eq!(frame[3], 4);
    // Two requests on one connection, sent together.
    let one = "GET /_/health HTTP/1.1\r\nHost: a\r\n\r\n";
    let two = "GET /_/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let replies = server.raw(format!("{one}{two}").as_bytes());
    assert_eq!(replies.matches("HTTP/1.1 200 OK").count(), 2, "{replies}");
}

#[test]
fn configuration_problems_come_together() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("tenon.toml");
    std::fs::write(&file, "listen = '0.0.0.0:0'\nlimtis = 'aws'\n[server]\nbody_timeout = 'long'\n")
        .expect("written");
    let file = file.to_str().expect("text");
    for arguments in [["serve", "--config", file].as_slice(), &["config", "check", "--config", file]] {
        let output = run(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("3 problems"), "{error}");
        for part in ["limtis", "did you mean limits?", "server.body_timeout", "is not loopback"] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
    let shown = run(&["config", "show", "--json", "--set", "keys=A:hunter2", "--set", "auth=sigv4"]);
    let document: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(document["keys"]["value"][0]["secret"], "***");
    assert_eq!(document["auth"]["source"], "--set");
}

#[test]
fn env_prints_exports() {
    let output = run(&["env", "--endpoint", "http://127.0.0.1:1234"]);
    let lines = text(&output.stdout);
    assert!(lines.starts_with("export AWS_ENDPOINT_URL=http://127.0.0.1:1234\n"), "{lines}");
    assert!(lines.contains("export AWS_ACCESS_KEY_ID=test\n"), "{lines}");
}
