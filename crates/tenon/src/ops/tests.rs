//! The endpoints' answers.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::time::Instant;

use super::*;
use crate::metrics::Metrics;
use crate::supervisor::Tasks;

fn node() -> Node {
    Node {
        started: Instant::now(),
        started_ms: 0,
        address: ([127, 0, 0, 1], 4566).into(),
        data: "/data/<x>".to_owned(),
        durable: true,
        open: true,
        access: "anybody".to_owned(),
        services: vec![
            ServiceSummary { name: "s3".to_owned(), built: 2, known: 99 },
            ServiceSummary { name: "kms".to_owned(), built: 0, known: 50 },
        ],
        capabilities: json!({ "services": {} }),
        tasks: Tasks::default(),
        metrics: Arc::new(Metrics::new()),
        ready: AtomicBool::new(false),
        clock: Arc::new(store::TestClock::new(0)),
    }
}

async fn ask(method: &str, path: &str, node: &Node) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("valid");
    let response = answer(&request, node);
    let status = response.status();
    let bytes = response.into_body().read_all(1 << 20).await.expect("a body");
    (status, String::from_utf8(bytes.to_vec()).expect("text"))
}

#[tokio::test]
async fn endpoints() {
    let node = node();
    assert_eq!(
        ask("GET", "/_/ready", &node).await,
        (StatusCode::SERVICE_UNAVAILABLE, "{\"ready\":false}".to_owned())
    );
    node.set_ready(true);
    assert_eq!(ask("GET", "/_/ready", &node).await.0, StatusCode::OK);
    assert_eq!(ask("GET", "/_/health", &node).await.0, StatusCode::OK);
    assert_eq!(ask("GET", "/_/nothing", &node).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask("PUT", "/_/health", &node).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let (status, page) = ask("GET", "/_/", &node).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("/data/&lt;x&gt; (durable)") && page.contains("<td>s3</td><td>2</td><td>99</td>"));
    let (_, health) = ask("GET", "/_localstack/health", &node).await;
    let health: Value = serde_json::from_str(&health).expect("JSON");
    assert_eq!(health["services"], json!({ "s3": "running" }));
    assert!(ask("GET", "/_localstack/info", &node).await.1.contains("1970-01-01T00:00:00"));
    let (_, text) = ask("GET", "/_/metrics", &node).await;
    assert!(text.contains("tenon_http_connections") && !text.contains("# EOF"), "{text}");
    assert!(
        text.contains("# TYPE tenon_task_restarts_total counter\ntenon_task_restarts_total 0\n"),
        "{text}"
    );
}

#[test]
fn operators_have_their_paths_on_the_servers_own_hosts() {
    let bases = ["localhost".to_owned(), "lake.example".to_owned()];
    let is_owned = |host: &str, target: &str| {
        let mut request = Request::builder().uri(target);
        if !host.is_empty() {
            request = request.header("host", host);
        }
        owns(&request.body(()).expect("valid"), &bases)
    };
    for path in ["/_", "/_/", "/_/x", "/_localstack/health"] {
        for host in ["", "localhost:4566", "127.0.0.1:4566", "[::1]:1", "s3.localhost", "elsewhere.example"] {
            assert!(is_owned(host, path), "{host}{path}");
        }
        // Every path is a key there.
        for host in ["b.localhost:4566", "b.s3.localhost", "b.c.LAKE.example"] {
            assert!(!is_owned(host, path), "{host}{path}");
            assert!(!is_owned("", &format!("http://{host}{path}")), "{host}{path}");
        }
    }
    for path in ["/bucket/_/x", "/_x", "/"] {
        assert!(!is_owned("localhost", path), "{path}");
    }
}
