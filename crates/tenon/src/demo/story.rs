//! What the demo says: steps, facts, the AWS CLI commands that do the same, and where to go from there.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;

use crate::client::Client;
use crate::verbs::print;

/// Prints to standard output; in bold and grey when that is a terminal.
pub(super) struct Story {
    endpoint: String,
    step: AtomicUsize,
    colours: bool,
}

impl Story {
    pub(super) fn new(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            step: AtomicUsize::new(0),
            colours: std::io::stdout().is_terminal(),
        }
    }

    /// Begins a step.
    pub(super) fn step(&self, title: &str) -> Result<()> {
        let number = self.step.fetch_add(1, Ordering::Relaxed) + 1;
        print(&format!("\n{}\n", self.styled("1", &format!("{number}. {title}"))))
    }

    /// A fact about what was just done.
    pub(super) fn fact(&self, text: &str) -> Result<()> {
        print(&format!("   {text}\n"))
    }

    /// The command that does the same.
    pub(super) fn command(&self, text: &str) -> Result<()> {
        print(&format!("   {}\n", self.styled("2", &format!("$ {text}"))))
    }

    /// How to get at the server with other clients.
    ///
    /// Account and region are those of the demo's own requests: catalogs of others do not show its tables.
    pub(super) fn introduce(&self, client: &Client) -> Result<()> {
        print(&format!("The retail pipeline, on {}\n", self.endpoint))?;
        self.fact("The commands below do the same from another shell, after:")?;
        let id = client.access_key_id().unwrap_or("test");
        self.command(&format!("export AWS_ENDPOINT_URL={} AWS_ACCESS_KEY_ID={id}", self.endpoint))?;
        let secret = if client.access_key_id().is_some() { "…" } else { "test" };
        self.command(&format!("export AWS_SECRET_ACCESS_KEY={secret} AWS_DEFAULT_REGION={}", client.region()))
    }

    /// What to try next.
    pub(super) fn what_next(&self, data_dir: Option<&Path>) -> Result<()> {
        print(&format!("\n{}\n", self.styled("1", "What next?")))?;
        if let Some(dir) = data_dir {
            self.fact("The data stays for exploring. Serve it again:")?;
            self.command(&format!("tenon serve --data-dir {}", dir.display()))?;
        }
        self.fact("then, from another shell:")?;
        self.command("eval \"$(tenon env)\"")?;
        self.command("tenon sql \"SELECT segment, sum(revenue) AS revenue FROM demo_gold.daily_sales GROUP BY segment\"")?;
        self.command("aws s3 ls --recursive s3://demo-lake/gold/")?;
        self.command("aws glue get-tables --database-name demo_silver --query 'TableList[].Name'")?;
        self.command("tenon job run demo-gold --watch        # nothing new: it reads no order")
    }

    fn styled(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
