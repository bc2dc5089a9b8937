//! The four sources of settings, brought into one map by path; the last source wins.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::setting::{self, OTHER_VARIABLES, SETTINGS};
use super::{Problem, Problems};

/// A value and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Layered {
    pub(crate) value: Value,
    pub(crate) source: String,
    pub(crate) rank: Rank,
}

/// Which of the sources; later ones win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    File,
    Environment,
    Flag,
}

/// What the process was started with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// `--config`; the environment's `TENON_CONFIG` comes next.
    pub(crate) file: Option<PathBuf>,
    /// All environment variables that are text.
    pub(crate) environment: BTreeMap<String, String>,
    /// Setting paths and values from flags, with the flag's name.
    pub(crate) flags: Vec<(String, String, String)>,
}

/// Settings that some source has set, and what was wrong with the sources.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    pub(crate) values: BTreeMap<&'static str, Layered>,
    pub(crate) problems: Vec<Problem>,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    /// The environment, for defaults that depend on it.
    pub(crate) environment: BTreeMap<String, String>,
}

impl Layers {
    /// Reads all sources.
    pub(crate) fn read(sources: Sources) -> Self {
        let mut layers = Self { environment: sources.environment, ..Self::default() };
        let from_environment = || layers.environment.get("TENON_CONFIG").map(PathBuf::from);
        if let Some(file) = sources.file.or_else(from_environment) {
            layers.file(&file);
            layers.file = Some(file);
        }
        layers.environment();
        for (path, value, flag) in sources.flags {
            layers.set(&path, Value::String(value), flag, Rank::Flag);
        }
        layers
    }

    /// The problems as an error, if there are any.
    pub(crate) fn check(problems: Vec<Problem>) -> Result<(), Problems> {
        if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
    }

    fn file(&mut self, file: &Path) {
        let source = file.display().to_string();
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => return self.problem(&source, "", format!("cannot be read: {error}")),
        };
        match text.parse::<Table>() {
            Ok(table) => self.table("", table, &source),
            // The error's own display quotes the line, which may hold a secret.
            Err(error) => {
                let place = error.span().map(|span| place(&text, span.start)).unwrap_or_default();
                self.problem(&source, "", format!("is not TOML: {place}{}", error.message().trim_end()));
            }
        }
    }

    fn table(&mut self, prefix: &str, table: Table, source: &str) {
        for (key, value) in table {
            let path = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            let is_section = SETTINGS.iter().any(|setting| {
                setting.path.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('.'))
            });
            match value {
                Value::Table(inner) if is_section => self.table(&path, inner, source),
                other => self.set(&path, other, source.to_owned(), Rank::File),
            }
        }
    }

    fn environment(&mut self) {
        let variables: Vec<(String, String)> = self
            .environment
            .iter()
            .filter(|(name, _)| name.starts_with("TENON_") && !OTHER_VARIABLES.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for (name, value) in variables {
            match SETTINGS.iter().find(|setting| setting::environment_name(setting.path) == name) {
                Some(setting) => {
                    let source = format!("environment {name}");
                    self.set(setting.path, Value::String(value), source, Rank::Environment);
                }
                None => {
                    self.problem(&name, "environment", "is no setting; see `tenon config show`".to_owned())
                }
            }
        }
    }

    fn set(&mut self, path: &str, value: Value, source: String, rank: Rank) {
        match setting::find(path) {
            Some(setting) => {
                self.values.insert(setting.path, Layered { value, source, rank });
            }
            None => {
                let near = nearest(path).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                self.problem(path, &source, format!("is no setting{near}"));
            }
        }
    }

    fn problem(&mut self, path: &str, source: &str, what: String) {
        self.problems.push(Problem { path: path.to_owned(), source: source.to_owned(), what });
    }
}

/// `line 3, column 9: ` of a byte of a text.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    format!("line {line}, column {column}: ")
}

/// The setting whose name is most alike, when it is alike enough.
fn nearest(path: &str) -> Option<&'static str> {
    SETTINGS
        .iter()
        .map(|setting| (distance(path, setting.path), setting.path))
        .min()
        .filter(|(distance, path)| *distance * 3 <= path.len())
        .map(|(_, path)| path)
}

/// Edits between two words.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, b) in to.bytes().enumerate() {
            let replace = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = replace.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
