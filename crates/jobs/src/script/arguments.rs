//! Which arguments of a run are for the server, and how the rest reaches the script.
//!
//! Source: AWS Glue Developer Guide, "Using job parameters in AWS Glue jobs".

use scripts::Engine;

use super::ScriptOptions;
use crate::arguments::ArgumentMap;
use crate::run::{Run, RunKind};

pub(crate) const EXTRA_PYTHON: &str = "--extra-py-files";
const EXTRA_FILES: &str = "--extra-files";
const MODULES: &str = "--additional-python-modules";
const INSTALLER: &str = "--python-modules-installer-option";
const CONF: &str = "--conf";
const EXTRA_JARS: &str = "--extra-jars";
/// Which engine runs the frames of this run, when it names one; with another value it is the script's own argument.
pub(super) const ENGINE: &str = "--engine";
/// When what the script writes becomes visible: see [`super::atomic`].
pub(super) const OUTPUT_COMMIT: &str = "--output-commit";

/// What acts here, or is for a part of AWS that is not here; the script does not get them, as on AWS.
const CONSUMED: [&str; 22] = [
    OUTPUT_COMMIT,
    EXTRA_PYTHON,
    EXTRA_FILES,
    MODULES,
    INSTALLER,
    CONF,
    EXTRA_JARS,
    "--user-jars-first",
    "--class",
    "--job-language",
    "--enable-metrics",
    "--enable-observability-metrics",
    "--enable-continuous-cloudwatch-log",
    "--enable-continuous-log-filter",
    "--continuous-log-logGroup",
    "--continuous-log-logStreamPrefix",
    "--continuous-log-conversionPattern",
    "--enable-spark-ui",
    "--spark-event-logs-path",
    "--enable-job-insights",
    "--enable-glue-datacatalog",
    "--enable-auto-scaling",
];

/// What a run's arguments ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `--extra-py-files`, addresses.
    pub(super) python_files: Vec<String>,
    /// `--extra-files`, addresses.
    pub(super) files: Vec<String>,
    /// `--additional-python-modules`.
    pub(super) modules: Vec<String>,
    /// `--python-modules-installer-option`.
    pub(super) installer: Vec<String>,
    /// `--conf`: Spark's settings.
    pub(super) conf: Vec<(String, String)>,
    /// `--engine`.
    pub(super) engine: Option<Engine>,
    /// `--extra-jars`, addresses.
    pub(super) jars: Vec<String>,
}

/// The engine that a run asks for, or that of the server.
pub(super) fn engine(arguments: &ArgumentMap, options: &ScriptOptions) -> Engine {
    asked_engine(arguments).unwrap_or_else(|| options.engine.clone())
}

fn asked_engine(arguments: &ArgumentMap) -> Option<Engine> {
    arguments.get(ENGINE).and_then(|name| name.trim().parse().ok())
}

impl Asked {
    /// Whether the script finds the same modules as every other: nothing of its own can stand before them.
    pub(super) fn is_plain(&self) -> bool {
        let is_module = |file: &String| [".py", ".pyc", ".so"].iter().any(|ending| file.ends_with(ending));
        self.python_files.is_empty() && self.modules.is_empty() && !self.files.iter().any(is_module)
    }

    /// Reads the arguments. Errors: what is wrong with `--conf`.
    pub(crate) fn read(arguments: &ArgumentMap) -> Result<Self, String> {
        let list = |name: &str| -> Vec<String> {
            let text = arguments.get(name).map_or("", String::as_str);
            text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
        };
        let installer = arguments.get(INSTALLER).map_or("", String::as_str);
        Ok(Self {
            python_files: list(EXTRA_PYTHON),
            files: list(EXTRA_FILES),
            modules: list(MODULES),
            installer: installer.split_whitespace().map(str::to_owned).collect(),
            conf: conf(arguments.get(CONF).map_or("", String::as_str))?,
            engine: asked_engine(arguments),
            jars: list(EXTRA_JARS),
        })
    }
}

/// `a=b --conf c=d`, as one argument holds several settings.
fn conf(text: &str) -> Result<Vec<(String, String)>, String> {
    let parts = text.split("--conf").map(str::trim).filter(|part| !part.is_empty());
    let pair = |part: &str| match part.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(format!("--conf: {part:?} is not name=value")),
    };
    parts.map(pair).collect()
}

/// The arguments that the script is started with: for PySpark those of the run itself first.
pub(super) fn for_script(run: &Run, arguments: &ArgumentMap) -> Vec<String> {
    let mut all = Vec::new();
    if run.details.kind == RunKind::Etl {
        let own = [
            ("--JOB_ID", format!("j_{}", run.incarnation.replace('-', ""))),
            ("--JOB_RUN_ID", run.id.clone()),
            ("--JOB_NAME", run.details.job.clone()),
        ];
        all.extend(
            own.into_iter()
                .filter(|(name, _)| !arguments.contains_key(*name))
                .flat_map(|(name, value)| [name.to_owned(), value]),
        );
    }
    all.extend(passed(arguments));
    all
}

/// The arguments that are for the script alone, as it gets them.
pub(crate) fn passed(arguments: &ArgumentMap) -> impl Iterator<Item = String> {
    let has_engine = asked_engine(arguments).is_some();
    let is_ours = move |name: &str| CONSUMED.contains(&name) || (has_engine && name == ENGINE);
    let own = arguments.iter().filter(move |(name, _)| !is_ours(name));
    own.flat_map(|(name, value)| [name.clone(), value.clone()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> ArgumentMap {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn lists_and_settings_are_read() {
        let asked = Asked::read(&map(&[
            ("--extra-py-files", "s3://b/a.py, s3://b/c.zip"),
            ("--additional-python-modules", "a==1,b"),
            ("--conf", "spark.sql.x=1 --conf spark.y=a=b"),
            ("--extra-jars", "s3://b/x.jar,s3://b/y.jar"),
            ("--engine", "spark"),
        ]));
        let asked = asked.unwrap();
        assert_eq!(asked.python_files, ["s3://b/a.py", "s3://b/c.zip"]);
        assert_eq!(asked.modules, ["a==1", "b"]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(asked.conf, [pair("spark.sql.x", "1"), pair("spark.y", "a=b")]);
        assert_eq!(asked.jars, ["s3://b/x.jar", "s3://b/y.jar"]);
        assert_eq!(asked.engine, Some(Engine::Spark));
        assert!(!asked.is_plain());
        let plain = |name: &str, value: &str| Asked::read(&map(&[(name, value)])).unwrap().is_plain();
        assert!(plain("--extra-files", "s3://b/a.json") && plain("--conf", "a=b") && plain("--x", "a.py"));
        assert!(!plain("--extra-files", "s3://b/a.json,s3://b/x.py"));
        assert!(!plain("--additional-python-modules", "a") && !plain("--extra-py-files", "s3://b/a.zip"));
        assert_eq!(Asked::read(&map(&[("--conf", "x")])).unwrap_err(), "--conf: \"x\" is not name=value");
        assert_eq!(Asked::read(&map(&[])).unwrap(), Asked::default());
    }

    #[test]
    fn an_argument_that_names_no_engine_is_the_scripts_own() {
        let given = |value: &str| passed(&map(&[("--engine", value), ("--x", "1")])).collect::<Vec<_>>();
        assert_eq!(given("sc://h:1"), ["--x", "1"]);
        assert_eq!(given("postgres"), ["--engine", "postgres", "--x", "1"]);
    }
}
