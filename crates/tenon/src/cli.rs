//! The command line, parsed; and which verb it means.

mod jobs;
mod scripts;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use self::jobs::{BookmarkAction, JobAction};
use self::scripts::{PythonAction, ScriptAction};
use crate::client::{Client, Target};
use crate::config::{self, Layers, Sources};
use crate::demo::Demo;
use crate::verbs::{self, Outcome, sql};
use crate::{compose, logging, serve};

/// Data integration that speaks AWS: files, catalog, crawlers, jobs and SQL in one binary.
#[derive(Debug, Parser)]
#[command(name = "tenon", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the server.
    Serve(ServeArgs),
    /// Prints what to export so that AWS clients use the server: eval "$(tenon env)".
    Env {
        #[command(flatten)]
        server: ServerArgs,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows or checks the configuration that `serve` would use.
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Shows what a running server says about itself. Exit code 1 when it is not ready.
    Status {
        #[command(flatten)]
        server: ServerArgs,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Runs a crawler to its end. Exit code: 0 succeeded, 1 failed, 3 cancelled.
    Crawl {
        /// Name of the crawler.
        name: String,
        /// Says what the crawl would do, and why, and changes nothing.
        #[arg(long)]
        dry_run: bool,
        /// Takes back what the last crawl changed in the catalog, unless somebody has changed it since.
        #[arg(long, conflicts_with = "dry_run")]
        undo: bool,
        #[command(flatten)]
        server: ServerArgs,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Works with jobs.
    Job {
        #[command(subcommand)]
        action: JobAction,
    },
    /// Looks into and changes what a job's runs count as read.
    Bookmark {
        #[command(subcommand)]
        action: BookmarkAction,
    },
    /// Shows which jobs data comes from, and which have read it.
    Lineage {
        /// A table as database.table, s3://bucket/folder/ or s3://bucket/key, or a job.
        name: String,
        #[command(flatten)]
        server: ServerArgs,
        /// Prints JSON, with objects and partitions.
        #[arg(long)]
        json: bool,
    },
    /// Works with Glue scripts.
    Script {
        #[command(subcommand)]
        action: ScriptAction,
    },
    /// Works with the Python environment of scripts.
    Python {
        #[command(subcommand)]
        action: PythonAction,
    },
    /// Runs the retail pipeline end to end and says what it does.
    Demo(DemoArgs),
    /// Prints every operation and field: acts, stored or refused; without a server.
    Capabilities {
        /// Prints Markdown, as in docs/compatibility.md; JSON without it.
        #[arg(long)]
        markdown: bool,
    },
    /// Prints the named crash points.
    #[command(hide = true)]
    CrashPoints,
    /// Runs a SQL statement and prints its result. Exit code: 0 succeeded, 1 failed, 3 cancelled.
    Sql(SqlArgs),
}

/// Where settings come from.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// TOML file of settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of all data.
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    data_dir: Option<String>,
    /// Keeps data in a temporary folder that is removed at the end.
    #[arg(long)]
    ephemeral: bool,
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Any other setting, such as --set engine.memory=2GiB; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    settings: ConfigArgs,
    /// File to write {"address": …, "pid": …} to once the server is ready.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Stops when standard input, a pipe, is closed: with the command that has started this server for itself.
    #[arg(long, hide = true)]
    until_input_ends: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Prints every setting with its value and source; secrets are masked.
    Show {
        #[command(flatten)]
        settings: ConfigArgs,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Reports every problem at once. Exit code 2 when there is one.
    Check {
        #[command(flatten)]
        settings: ConfigArgs,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Which server.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Address of the server; default $AWS_ENDPOINT_URL, then http://127.0.0.1:4566.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Size of the data: 1 is a million orders. At least an order a day, at most 1000.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Days of data; the last one arrives late.
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// The same seed gives the same data.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Folder that the demo's own server keeps its data in.
    #[arg(long, value_name = "DIR", default_value = "tenon-demo")]
    data_dir: PathBuf,
    /// Uses a running server at this address instead of an own one.
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    endpoint: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    /// The statement; - reads it from standard input.
    #[arg(allow_hyphen_values = true)]
    statement: String,
    /// Database of names without one.
    #[arg(long)]
    database: Option<String>,
    /// Workgroup.
    #[arg(long)]
    workgroup: Option<String>,
    /// Where the result is kept, such as s3://results/.
    #[arg(long, value_name = "S3_URL")]
    output_location: Option<String>,
    /// Prints an array of objects.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Prints CSV.
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    server: ServerArgs,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not key=value"))?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

impl ConfigArgs {
    fn layers(self, environment: BTreeMap<String, String>) -> Layers {
        let mut flags = Vec::new();
        let mut flag = |path: &str, value: Option<String>, name: &str| {
            flags.extend(value.map(|value| (path.to_owned(), value, name.to_owned())));
        };
        flag("data_dir", self.data_dir, "--data-dir");
        flag("ephemeral", self.ephemeral.then(|| "true".to_owned()), "--ephemeral");
        flag("listen", self.listen, "--listen");
        for (path, value) in self.set {
            flag(&path, Some(value), "--set");
        }
        Layers::read(Sources { file: self.config, environment, flags })
    }
}

impl ServerArgs {
    fn target(self, environment: &BTreeMap<String, String>) -> Target {
        Target::new(self.endpoint, environment)
    }

    fn client(self, environment: &BTreeMap<String, String>) -> Result<Client> {
        Ok(Client::new(self.target(environment))?)
    }
}

/// Runs what the command line says.
pub(crate) async fn run(command: Command, environment: BTreeMap<String, String>) -> Result<Outcome> {
    match command {
        Command::Serve(args) => {
            let config = config::resolve(&args.settings.layers(environment))?;
            logging::server(&config);
            serve::run(config, args.ready_file, args.until_input_ends).await.map(|()| Outcome::Succeeded)
        }
        Command::Config { action: ConfigAction::Show { settings, json } } => {
            verbs::config::show(&settings.layers(environment), json)
        }
        Command::Config { action: ConfigAction::Check { settings, json } } => {
            verbs::config::check(&settings.layers(environment), json)
        }
        Command::Demo(args) => {
            logging::client();
            let demo = Demo {
                scale: args.scale,
                days: args.days,
                seed: args.seed,
                data_dir: args.data_dir,
                use_running: args.endpoint.is_some(),
                target: Target::new(args.endpoint, &environment),
            };
            demo.execute().await
        }
        Command::Capabilities { markdown } => verbs::capabilities::run(markdown).await,
        Command::CrashPoints => {
            verbs::print(&(compose::crash_points().join("\n") + "\n"))?;
            Ok(Outcome::Succeeded)
        }
        Command::Script { action } => action.execute(environment).await,
        Command::Python { action } => action.execute(environment).await,
        Command::Env { server, json } => verbs::env::run(&server.target(&environment), &environment, json),
        client => {
            logging::client();
            ask(client, &environment).await
        }
    }
}

/// Verbs that ask a running server.
async fn ask(command: Command, environment: &BTreeMap<String, String>) -> Result<Outcome> {
    match command {
        Command::Status { server, json } => verbs::status::run(&server.client(environment)?, json).await,
        Command::Crawl { name, dry_run, undo, server, json } => {
            let client = server.client(environment)?;
            match (dry_run, undo) {
                (true, _) => verbs::crawl_plan::dry_run(&client, &name, json).await,
                (_, true) => verbs::crawl_plan::undo(&client, &name, json).await,
                _ => verbs::crawl::run(&client, &name, json).await,
            }
        }
        Command::Job { action } => action.execute(environment).await,
        Command::Bookmark { action } => action.execute(environment).await,
        Command::Lineage { name, server, json } => {
            verbs::lineage::run(&server.client(environment)?, &name, json).await
        }
        Command::Sql(args) => {
            let client = args.server.client(environment)?;
            let style = match (args.json, args.csv) {
                (true, _) => sql::Style::Json,
                (_, true) => sql::Style::Csv,
                _ => sql::Style::Table,
            };
            let statement = sql::Sql {
                statement: statement(args.statement)?,
                database: args.database,
                work_group: args.workgroup,
                output_location: args.output_location,
                style,
            };
            statement.execute(&client).await
        }
        Command::Serve(_)
        | Command::Env { .. }
        | Command::Config { .. }
        | Command::Demo(_)
        | Command::Script { .. }
        | Command::Python { .. }
        | Command::Capabilities { .. }
        | Command::CrashPoints => {
            anyhow::bail!("this command asks no server")
        }
    }
}

fn statement(argument: String) -> Result<String> {
    if argument != "-" {
        return Ok(argument);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read the statement from standard input")?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("tenon serve --ephemeral --data-dir x").is_err());
        assert!(parse("tenon sql select --json --csv").is_err());
        assert!(parse("tenon serve --set engine.memory").is_err());
        let serve =
            parse("tenon serve --listen 127.0.0.1:0 --set log.level=debug --data-dir d").expect("fine");
        let Command::Serve(args) = serve.command else { panic!("serve") };
        let layers = args.settings.layers(BTreeMap::new());
        let config = config::resolve(&layers).expect("fine");
        assert_eq!((config.listen.port(), config.log_level.as_str()), (0, "debug"));
        assert!(parse("tenon job run nightly --watch --argument day=1 --argument --x=2").is_err());
        assert!(parse("tenon job run nightly --watch --argument day=1 --argument=--x=2 --json").is_ok());
        let script =
            parse("tenon script run --endpoint http://h:1 s.py --JOB_NAME x --endpoint y").expect("fine");
        let Command::Script { action: ScriptAction::Run { script, .. } } = script.command else {
            panic!("run")
        };
        assert_eq!(script, ["s.py", "--JOB_NAME", "x", "--endpoint", "y"]);
    }
}
