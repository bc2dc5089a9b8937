//! A server that says what a test wants, and keeps what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

#[derive(Debug, Clone)]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Bytes of the body that are never sent.
    missing: usize,
}

impl Answer {
    pub(super) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), missing: 0 }
    }

    fn of(kind: &str, body: &str) -> Self {
        Self::bytes(kind, body.as_bytes())
    }

    pub(super) fn bytes(kind: &str, body: &[u8]) -> Self {
        Self { body: body.to_owned(), ..Self::status(200) }.header("Content-Type", kind)
    }

    pub(super) fn json(body: &str) -> Self {
        Self::of("application/json; charset=utf-8", body)
    }

    pub(super) fn csv(body: &str) -> Self {
        Self::of("text/csv", body)
    }

    pub(super) fn html(body: &str) -> Self {
        Self::of("text/html", body)
    }

    pub(super) fn plain(body: &str) -> Self {
        Self::of("text/plain", body)
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn cut(self, missing: usize) -> Self {
        Self { missing, ..self }
    }

    fn written(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("Connection: close\r\n\r\n");
        [head.as_bytes(), &self.body[..self.body.len() - self.missing]].concat()
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// With its query.
    pub(super) path: String,
    headers: Vec<(String, String)>,
}

impl Asked {
    fn read(text: &str) -> Self {
        let mut lines = text.lines();
        let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
        let pairs = lines.filter_map(|line| line.split_once(": "));
        Self {
            path,
            headers: pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

pub(super) struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Asked>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// `answer` gets the number of the request, from 0.
    pub(super) async fn start(answer: impl Fn(usize) -> Answer + Send + 'static) -> Self {
        Self::knowing(move |number, _| answer(number)).await
    }

    /// `answer` gets the number of the request, from 0, and its path.
    pub(super) async fn knowing(answer: impl Fn(usize, &str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut text = Vec::new();
                while !text.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => text.push(byte),
                        Err(_) => break,
                    }
                }
                let asked = Asked::read(&String::from_utf8_lossy(&text));
                let number = kept.lock().unwrap().len();
                let reply = answer(number, &asked.path).written();
                kept.lock().unwrap().push(asked);
                stream.write_all(&reply).await.unwrap();
                stream.shutdown().await.ok();
            }
        });
        Self { port, seen, _tasks: tasks }
    }

    /// The base of the API.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub(super) fn seen(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }
}
