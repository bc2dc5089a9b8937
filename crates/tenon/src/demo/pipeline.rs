//! The steps of the demo.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::generator::Shop;
use super::graph::{self, BRONZE, GOLD, SILVER};
use super::story::Story;
use super::upload::{self, File};
use crate::client::{Client, ClientError, GLUE, LOGS};
use crate::verbs::progress::{Poll, Progress};
use crate::verbs::{Outcome, sql};

const CRAWLER: &str = "demo-bronze";
const SILVER_JOB: &str = "demo-silver";
const GOLD_JOB: &str = "demo-gold";
const BUCKETS: [&str; 5] = ["demo-shop", "demo-crm", "demo-social", "demo-lake", "demo-results"];
const RESULTS: &str = "s3://demo-results/";

/// Everything that a step needs.
pub(super) struct Pipeline<'a> {
    pub(super) client: &'a Client,
    pub(super) shop: &'a Shop,
    pub(super) story: &'a Story,
}

/// What a run read and wrote, from the last `progress` line of its log.
struct Totals {
    rows_in: u64,
    /// Malformed rows that were left out.
    bad_records: u64,
    files_in: u64,
    rows_out: u64,
    files_out: u64,
}

impl Pipeline<'_> {
    /// Runs all steps. Errors: a step fails, or a count is not what the generator wrote.
    pub(super) async fn run(&self) -> Result<()> {
        self.story.introduce(self.client)?;
        self.clear().await?;
        let last = self.shop.days - 1;
        let before = self.upload(0..last, true).await?;
        self.crawl(true).await?;
        self.make_jobs().await?;
        self.silver(None).await?;
        self.gold().await?;
        self.check_orders(before.good).await?;
        self.questions().await?;
        let day = self.upload(last..last + 1, false).await?;
        self.crawl(false).await?;
        self.silver(Some(&day)).await?;
        self.gold().await?;
        self.check_orders(before.good + day.good).await?;
        self.check_gold().await
    }

    async fn glue(&self, operation: &'static str, input: Value) -> Result<Value> {
        Ok(self.client.call(GLUE, operation, &input).await?)
    }

    /// Removes what an earlier demo left, so that this one starts from nothing.
    async fn clear(&self) -> Result<()> {
        for job in [SILVER_JOB, GOLD_JOB] {
            self.glue("DeleteJob", json!({ "JobName": job })).await?;
        }
        self.unless_missing(self.glue("DeleteCrawler", json!({ "Name": CRAWLER })).await)?;
        for database in [BRONZE, SILVER, GOLD] {
            self.unless_missing(self.glue("DeleteDatabase", json!({ "Name": database })).await)?;
        }
        upload::fresh_buckets(self.client, &BUCKETS).await
    }

    fn unless_missing(&self, result: Result<Value>) -> Result<()> {
        match result {
            Err(error) => match error.downcast_ref::<ClientError>() {
                Some(fault) if fault.is("EntityNotFoundException") => Ok(()),
                _ => Err(error),
            },
            Ok(_) => Ok(()),
        }
    }

    async fn upload(&self, days: std::ops::Range<u32>, crm: bool) -> Result<Arrived> {
        if crm {
            self.story.step("The shop, the CRM and social media export their files")?;
        } else {
            self.story.step("One more day arrives")?;
        }
        let mut arrived = Arrived::default();
        let first = self.shop.date(days.start);
        let count = u64::from(days.end - days.start) * 2 + u64::from(crm);
        let customers = crm
            .then(|| File { path: "demo-crm/customers/customers.jsonl".to_owned(), bytes: self.shop.crm() });
        let files = days.flat_map(|day| {
            let (date, orders) = (self.shop.date(day), self.shop.orders_of(day));
            let interactions = self.shop.interactions_of(day);
            arrived.rows += orders.rows;
            arrived.good += orders.good;
            arrived.interactions += interactions.rows;
            [
                File { path: format!("demo-shop/orders/dt={date}/orders.csv"), bytes: orders.bytes },
                File {
                    path: format!("demo-social/interactions/dt={date}/interactions.json"),
                    bytes: interactions.bytes,
                },
            ]
        });
        let bytes = upload::put(self.client, customers.into_iter().chain(files), count).await?;
        let megabytes = bytes as f64 / 1e6;
        self.story.fact(&format!(
            "{count} files, {megabytes:.1} MB: {} order rows ({} good ones; the rest is duplicated or malformed), {} interactions",
            arrived.rows, arrived.good, arrived.interactions
        ))?;
        self.story.command(&format!("aws s3 cp orders.csv s3://demo-shop/orders/dt={first}/orders.csv"))?;
        Ok(arrived)
    }

    async fn crawl(&self, first: bool) -> Result<()> {
        self.story.step(if first {
            "A crawler finds the tables"
        } else {
            "The crawler finds the new partitions"
        })?;
        if first {
            self.make_crawler().await?;
        }
        self.glue("StartCrawler", json!({ "Name": CRAWLER })).await?;
        self.story.command(&format!("aws glue start-crawler --name {CRAWLER}"))?;
        let crawler = self.wait_for_crawler().await?;
        let status = crawler.pointer("/LastCrawl/Status").and_then(Value::as_str).unwrap_or_default();
        ensure!(status == "SUCCEEDED", "the crawl ended with {status}: {crawler:#}");
        let tables = self.glue("GetTables", json!({ "DatabaseName": BRONZE })).await?;
        for table in tables.get("TableList").and_then(Value::as_array).into_iter().flatten() {
            self.story.fact(&describe(table))?;
        }
        self.story.command(&format!("aws glue get-tables --database-name {BRONZE}"))
    }

    async fn make_crawler(&self) -> Result<()> {
        for database in [BRONZE, SILVER, GOLD] {
            self.glue("CreateDatabase", json!({ "DatabaseInput": { "Name": database } })).await?;
        }
        let targets =
            ["s3://demo-shop/orders/", "s3://demo-crm/customers/", "s3://demo-social/interactions/"];
        let written: Vec<String> = targets.iter().map(|path| format!("{{Path={path}}}")).collect();
        let targets: Vec<Value> = targets.iter().map(|path| json!({ "Path": path })).collect();
        let crawler = json!({
            "Name": CRAWLER,
            "Role": "demo",
            "DatabaseName": BRONZE,
            "Targets": { "S3Targets": targets },
        });
        self.glue("CreateCrawler", crawler).await?;
        self.story.command(&format!(
            "aws glue create-crawler --name {CRAWLER} --role demo --database-name {BRONZE} \
             --targets 'S3Targets=[{}]'",
            written.join(",")
        ))
    }

    async fn wait_for_crawler(&self) -> Result<Value> {
        let progress = Progress::new("crawling");
        let mut poll = Poll::new();
        loop {
            let reply = self.glue("GetCrawler", json!({ "Name": CRAWLER })).await?;
            let crawler = reply.get("Crawler").cloned().unwrap_or_default();
            if crawler.get("State").and_then(Value::as_str) == Some("READY") {
                return Ok(crawler);
            }
            progress.say("crawling");
            poll.pause().await;
        }
    }

    async fn make_jobs(&self) -> Result<()> {
        self.story.step("Two jobs are made: bronze → silver, silver → gold")?;
        // The shop writes a row in 500 cut short; one in a hundred would be another matter.
        let most_bad = (self.shop.orders / 100).max(100).to_string();
        let jobs = [
            (
                SILVER_JOB,
                graph::silver(),
                json!({ "--job-bookmark-option": "job-bookmark-enable", "--max-bad-records": most_bad }),
            ),
            (
                GOLD_JOB,
                graph::gold(),
                // The customers are a dimension: every run joins with all of them, whatever the bookmark says.
                json!({ "--job-bookmark-option": "job-bookmark-enable", "--bookmark-full-sources": "Customers" }),
            ),
        ];
        for (name, nodes, arguments) in jobs {
            let job = json!({
                "Name": name,
                "Role": "demo",
                "Command": { "Name": "glueetl", "ScriptLocation": "s3://demo-lake/none.py" },
                "DefaultArguments": arguments,
                "CodeGenConfigurationNodes": nodes,
            });
            let path = format!("demo-lake/jobs/{name}.json");
            let definition = File { path: path.clone(), bytes: job.to_string().into_bytes() };
            upload::put(self.client, std::iter::once(definition), 1).await?;
            self.glue("CreateJob", job).await?;
            self.story.command(&format!(
                "aws s3 cp s3://{path} . && aws glue create-job --cli-input-json file://{name}.json"
            ))?;
        }
        self.story.command(&format!("aws glue get-job --job-name {SILVER_JOB}     # shows its graph"))
    }

    /// Runs the silver job; with `day`, checks that it read the rows of that day and no others.
    async fn silver(&self, day: Option<&Arrived>) -> Result<()> {
        self.story.step("Bronze → silver: clean, deduplicate, conform")?;
        let totals = self.run_job(SILVER_JOB).await?;
        let Some(day) = day else { return Ok(()) };
        let expected = day.rows + day.interactions;
        let read = totals.rows_in + totals.bad_records;
        ensure!(read == expected, "the run read {read} rows, not the {expected} of that day");
        self.story.fact(&format!(
            "rows in = rows of that day: {} orders ({} of them cut short, left out) + {} interactions ✓",
            day.rows, totals.bad_records, day.interactions
        ))
    }

    async fn gold(&self) -> Result<()> {
        self.story.step("Silver → gold: join, aggregate by day and segment")?;
        self.run_job(GOLD_JOB).await.map(drop)
    }

    async fn run_job(&self, job: &str) -> Result<Totals> {
        self.story.command(&format!("aws glue start-job-run --job-name {job}"))?;
        let started = self.glue("StartJobRun", json!({ "JobName": job })).await?;
        let id = started
            .get("JobRunId")
            .and_then(Value::as_str)
            .context("StartJobRun gave no JobRunId")?
            .to_owned();
        let run = self.wait_for_run(job, &id).await?;
        let state = run.get("JobRunState").and_then(Value::as_str).unwrap_or_default();
        if state != "SUCCEEDED" {
            bail!(
                "{job} is {state}: {}",
                run.get("ErrorMessage").and_then(Value::as_str).unwrap_or_default()
            );
        }
        let totals = self.totals(&id).await?;
        self.story.fact(&format!(
            "{} rows in from {} files ({} malformed ones left out), {} rows out to {} files",
            totals.rows_in, totals.files_in, totals.bad_records, totals.rows_out, totals.files_out
        ))?;
        self.story.command(&format!(
            "aws logs get-log-events --log-group-name /aws-glue/jobs/output --log-stream-name {id}"
        ))?;
        Ok(totals)
    }

    async fn wait_for_run(&self, job: &str, id: &str) -> Result<Value> {
        let progress = Progress::new(job);
        let mut poll = Poll::new();
        loop {
            let reply = self.glue("GetJobRun", json!({ "JobName": job, "RunId": id })).await?;
            let run = reply.get("JobRun").cloned().unwrap_or_default();
            let state = run.get("JobRunState").and_then(Value::as_str).unwrap_or_default();
            if !matches!(state, "STARTING" | "RUNNING" | "STOPPING" | "WAITING") {
                return Ok(run);
            }
            progress.say(format!("{job}: {state}"));
            poll.pause().await;
        }
    }

    async fn totals(&self, run: &str) -> Result<Totals> {
        let input = json!({ "logGroupName": "/aws-glue/jobs/output", "logStreamName": run });
        let page = self.client.call(LOGS, "GetLogEvents", &input).await?;
        let events = page.get("events").and_then(Value::as_array).context("the run has no log")?;
        let lines = events.iter().rev().filter_map(|event| event.get("message")?.as_str());
        let json = lines.filter_map(|line| line.strip_prefix("progress ")).next();
        let totals: Value = serde_json::from_str(json.context("the run's log has no progress line")?)?;
        let count = |member: &str| {
            totals
                .get(member)
                .and_then(Value::as_u64)
                .with_context(|| format!("the progress line has no {member}"))
        };
        Ok(Totals {
            rows_in: count("rows_in")?,
            bad_records: count("bad_records")?,
            files_in: count("files_in")?,
            rows_out: count("rows_out")?,
            files_out: count("files_out")?,
        })
    }

    async fn check_orders(&self, good: u64) -> Result<()> {
        let found = self.number(&format!("SELECT count(*) AS n FROM {SILVER}.orders")).await?;
        ensure!(found == good, "silver holds {found} orders, but the generator wrote {good} good ones");
        self.story.fact(&format!("silver holds {found} orders: just the good ones that the shop wrote ✓"))
    }

    async fn check_gold(&self) -> Result<()> {
        let gold = self.number(&format!("SELECT sum(orders) AS n FROM {GOLD}.daily_sales")).await?;
        let expected = self.shop.orders;
        ensure!(gold == expected, "gold counts {gold} orders, not {expected}");
        self.story.fact(&format!("gold counts {gold} orders over {} days ✓", self.shop.days))
    }

    async fn number(&self, statement: &str) -> Result<u64> {
        let rows = sql::rows(self.client, statement, RESULTS).await?;
        let text = rows.first().and_then(|row| row.first()).and_then(Option::as_deref).context("no row")?;
        text.parse().with_context(|| format!("{text} is no count"))
    }

    async fn questions(&self) -> Result<()> {
        let questions = [
            (
                "Which segment brings the most revenue?",
                format!(
                    "SELECT segment, sum(orders) AS orders, round(sum(revenue), 2) AS revenue \
                     FROM {GOLD}.daily_sales GROUP BY segment ORDER BY revenue DESC"
                ),
            ),
            (
                "Where do the best customers live?",
                format!(
                    "SELECT c.city, c.country, count(*) AS orders, round(sum(o.revenue), 2) AS revenue \
                     FROM {SILVER}.orders o JOIN {SILVER}.customers c ON o.customer_id = c.customer_id \
                     GROUP BY c.city, c.country ORDER BY revenue DESC LIMIT 5"
                ),
            ),
            (
                "Do the products that people talk about sell?",
                format!(
                    "WITH talk AS (SELECT product, count(*) AS interactions FROM {SILVER}.interactions GROUP BY product), \
                     sold AS (SELECT product, count(*) AS orders FROM {SILVER}.orders GROUP BY product) \
                     SELECT talk.product, interactions, orders FROM talk JOIN sold ON talk.product = sold.product \
                     ORDER BY interactions DESC, talk.product LIMIT 5"
                ),
            ),
        ];
        self.story.step("Three questions, answered by SQL")?;
        for (question, statement) in questions {
            self.story.fact(question)?;
            self.story.command(&format!("tenon sql \"{statement}\" --output-location {RESULTS}"))?;
            self.story.command(&format!(
                "aws athena start-query-execution --query-string \"{statement}\" \
                 --result-configuration OutputLocation={RESULTS}"
            ))?;
            let sql = sql::Sql {
                statement,
                database: None,
                work_group: None,
                output_location: Some(RESULTS.to_owned()),
                style: sql::Style::Table,
            };
            ensure!(sql.execute(self.client).await? == Outcome::Succeeded, "the question was not answered");
        }
        Ok(())
    }
}

/// What a batch of files holds.
#[derive(Default)]
struct Arrived {
    rows: u64,
    good: u64,
    interactions: u64,
}

/// A table in a line: its name, columns and partition keys.
fn describe(table: &Value) -> String {
    let text = |value: &Value, member: &str| {
        value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let columns = |pointer: &str| -> Vec<String> {
        let list = table.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        list.iter().map(|column| format!("{} {}", text(column, "Name"), text(column, "Type"))).collect()
    };
    let keys = columns("/PartitionKeys");
    let keys = if keys.is_empty() { String::new() } else { format!(", partitioned by {}", keys.join(", ")) };
    format!("{}({}){keys}", text(table, "Name"), columns("/StorageDescriptor/Columns").join(", "))
}
