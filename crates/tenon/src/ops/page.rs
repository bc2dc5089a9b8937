//! The status page: plain HTML, no script, nothing fetched from elsewhere.

use crate::metrics::resident_bytes;
use crate::node::{Node, VERSION};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;\
    color:#1d2530;background:#fff}h1{margin-bottom:0}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}\
    td,th{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #d8dee6;vertical-align:top}\
    th{font-weight:600}code,pre{font:13px ui-monospace,monospace;background:#f3f5f8;padding:.1rem .3rem}\
    pre{padding:.8rem}.bad{color:#a4262c}@media(prefers-color-scheme:dark){body{color:#e4e8ee;background:#14181d}\
    td,th{border-color:#333b45}code,pre{background:#20262e}.bad{color:#ff8a80}a{color:#8ab4f8}}";

/// Escapes text for HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn row(name: &str, value: &str) -> String {
    format!("<tr><th scope=row>{}</th><td>{}</td></tr>", escape(name), escape(value))
}

fn uptime(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// The page.
pub(super) fn render(node: &Node) -> String {
    let durable = if node.durable { "durable" } else { "ephemeral: removed when the server stops" };
    let memory =
        resident_bytes().map_or_else(|| "unknown".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
    let state = if node.is_ready() { "ready" } else { "not ready: starting or stopping" };
    let facts = [
        row("State", state),
        row("Version", VERSION),
        row("Address", &format!("http://{}", node.address)),
        row("Data", &format!("{} ({durable})", node.data)),
        row("Access", &node.access),
        row("Up for", &uptime(node.started.elapsed().as_secs())),
        row("Memory", &memory),
        row("Connections", &node.metrics.connections.get().to_string()),
    ];
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Tenon</title><style>{STYLE}</style><h1>Tenon</h1><p>Data integration that speaks AWS.</p>\
         <table>{}</table><h2>Point a client at it</h2><pre>export AWS_ENDPOINT_URL={}</pre>\
         <h2>Services</h2>{}<h2>Tasks</h2>{}<p><a href=/_/capabilities>capabilities</a> · \
         <a href=/_/metrics>metrics</a> · <a href=/_/status>status as JSON</a> · <a href=/_/health>health</a> · \
         <a href=/_/ready>ready</a></p></html>",
        facts.concat(),
        node.endpoint(),
        services(node),
        tasks(node),
    )
}

fn services(node: &Node) -> String {
    let rows: Vec<String> = node
        .services
        .iter()
        .map(|service| {
            format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&service.name),
                service.built,
                service.known
            )
        })
        .collect();
    format!(
        "<table><tr><th>Service</th><th>Operations built</th><th>in AWS's model</th></tr>{}</table>",
        rows.concat()
    )
}

fn tasks(node: &Node) -> String {
    let rows: Vec<String> = node
        .tasks
        .all()
        .iter()
        .map(|task| {
            let class = if task.state == "running" { "" } else { " class=bad" };
            format!(
                "<tr><td>{}</td><td{class}>{}</td><td>{}</td><td>{}</td></tr>",
                escape(task.name),
                task.state,
                task.restarts,
                escape(task.last_error.as_deref().unwrap_or(""))
            )
        })
        .collect();
    format!(
        "<table><tr><th>Task</th><th>State</th><th>Restarts</th><th>Last error</th></tr>{}</table>",
        rows.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escape("<a href='x'>&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
    }

    #[test]
    fn spans() {
        assert_eq!(uptime(5), "5 s");
        assert_eq!(uptime(125), "2 min 5 s");
        assert_eq!(uptime(7_260), "2 h 1 min");
        assert_eq!(uptime(180_000), "2 d 2 h");
    }
}
