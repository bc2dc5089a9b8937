//! `resolveChoice`: what becomes of fields that hold several types.
//!
//! A spec is one text, `path action`: `price cast:double`, `` `unit price` make_cols ``, `items[].id project:long`. Source of
//! the actions: AWS Glue Developer Guide, `resolveChoice`.

use std::fmt;

use super::parameters::Parameters;
use crate::graph::parse::{Parsed, transforms};
use crate::plan;

/// The parameters of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveChoice {
    /// How choices are resolved.
    pub how: Resolution,
}

impl fmt::Display for ResolveChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.how {
            Resolution::Specs(specs) => {
                let specs = specs.iter().map(|spec| format!("{} {}", spec.path, spec.action.text()));
                f.write_str(&specs.collect::<Vec<_>>().join(", "))
            }
            Resolution::All(action) => write!(f, "all choices {}", action.text()),
            Resolution::MatchCatalog { database, table } => write!(f, "all choices as in {database}.{table}"),
        }
    }
}

/// Which fields are resolved, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// These fields; at least one.
    Specs(Vec<Spec>),
    /// All that are choices.
    All(Action),
    /// All that are choices, each cast to the type that it has in a table.
    MatchCatalog {
        /// The table's database.
        database: String,
        /// The table.
        table: String,
    },
}

/// What becomes of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The path as it is written; of a column whose name it is, that column is meant.
    pub path: String,
    /// Its names, without what stands for the items of arrays.
    pub steps: Vec<String>,
    /// What becomes of it.
    pub action: Action,
}

/// What becomes of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Its values in this type.
    Cast(String),
    /// Its values that are of this type.
    Project(String),
    /// A column for each type.
    MakeCols,
    /// A structure with a field for each type.
    MakeStruct,
}

const ACTIONS: &str = "cast:<type>, project:<type>, make_cols, make_struct";

impl Action {
    fn parse(text: &str) -> Parsed<Self> {
        let (name, data_type) = match text.split_once(':') {
            Some((name, data_type)) => (name, Some(data_type.trim())),
            None => (text, None),
        };
        let name = name.trim().to_ascii_lowercase();
        match (name.as_str(), data_type) {
            ("make_cols", None) => Ok(Self::MakeCols),
            ("make_struct", None) => Ok(Self::MakeStruct),
            ("cast" | "project", Some("")) => Err(format!("{name}: needs a type behind its colon")),
            ("cast", Some(data_type)) => {
                let wanted = plan::glue_type(data_type).map_err(|error| error.to_string())?;
                match wanted.is_some_and(|wanted| !wanted.is_nested()) {
                    true => Ok(Self::Cast(data_type.to_owned())),
                    false => Err(format!("cast:{data_type}: values are cast to simple types")),
                }
            }
            ("project", Some(data_type)) => {
                plan::glue_type(data_type).map_err(|error| error.to_string())?;
                Ok(Self::Project(data_type.to_owned()))
            }
            _ => Err(format!("the action {text:?} is none of {ACTIONS}")),
        }
    }

    /// As it is written.
    pub fn text(&self) -> String {
        match self {
            Self::Cast(data_type) => format!("cast:{data_type}"),
            Self::Project(data_type) => format!("project:{data_type}"),
            Self::MakeCols => "make_cols".to_owned(),
            Self::MakeStruct => "make_struct".to_owned(),
        }
    }
}

pub(super) fn parse(parameters: &mut Parameters) -> Parsed<ResolveChoice> {
    let specs = parameters.texts("specs")?;
    let choice = parameters.text("choice")?;
    let database = parameters.text("database")?;
    let table = parameters.text("table_name")?;
    let is_catalog =
        choice.as_ref().is_some_and(|choice| choice.trim().eq_ignore_ascii_case("match_catalog"));
    if !is_catalog && (database.is_some() || table.is_some()) {
        return Err("Parameters database and table_name are for the choice match_catalog".to_owned());
    }
    let how = match (specs, choice) {
        (Some(_), Some(_)) => return Err("Parameters specs and choice exclude each other".to_owned()),
        (None, None) => {
            return Err(format!(
                "Parameters have neither specs (texts `path action`) nor choice; actions are {ACTIONS}, and the choice \
                 match_catalog"
            ));
        }
        (Some(specs), None) => Resolution::Specs(all(&specs)?),
        (None, Some(_)) if is_catalog => match (database, table) {
            (Some(database), Some(table)) => Resolution::MatchCatalog { database, table },
            _ => return Err("the choice match_catalog needs Parameters database and table_name".to_owned()),
        },
        (None, Some(choice)) => Resolution::All(
            Action::parse(choice.trim()).map_err(|what| format!("Parameters choice: {what}"))?,
        ),
    };
    Ok(ResolveChoice { how })
}

fn all(texts: &[String]) -> Parsed<Vec<Spec>> {
    let mut specs: Vec<Spec> = Vec::new();
    for text in texts {
        let spec = spec(text.trim()).map_err(|what| format!("Parameters specs {text:?}: {what}"))?;
        if specs.iter().any(|other| other.path == spec.path) {
            return Err(format!("Parameters specs say twice what becomes of {}", spec.path));
        }
        specs.push(spec);
    }
    Ok(specs)
}

fn spec(text: &str) -> Parsed<Spec> {
    let mut quoted = false;
    let gap = text.find(|letter: char| {
        quoted ^= letter == '`';
        !quoted && letter.is_whitespace()
    });
    let (path, action) = text.split_at(gap.unwrap_or(text.len()));
    if action.trim().is_empty() {
        return Err(format!("it is not `path action`, with one of the actions {ACTIONS}"));
    }
    Ok(Spec { path: path.to_owned(), steps: steps(path)?, action: Action::parse(action.trim())? })
}

/// The names of a path such as ``a.`b.c`[].d``; within back-ticks two of them stand for one.
fn steps(path: &str) -> Parsed<Vec<String>> {
    let unreadable = || format!("the path {path:?} cannot be read; it is like a.b, `a.b` or a[].b");
    let mut steps = Vec::new();
    let mut rest = path;
    loop {
        let (step, after) = match rest.strip_prefix('`') {
            Some(quoted) => transforms::quoted(quoted).ok_or_else(unreadable)?,
            None => {
                let (step, after) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
                (step.to_owned(), after)
            }
        };
        if step.is_empty() {
            return Err(unreadable());
        }
        steps.push(step);
        rest = after;
        while let Some(after) = rest.strip_prefix("[]") {
            rest = after;
        }
        if rest.is_empty() {
            return Ok(steps);
        }
        rest = rest.strip_prefix('.').ok_or_else(unreadable)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_paths_and_actions() {
        let read = |text: &str| spec(text).map(|spec| (spec.steps.join("|"), spec.action.text()));
        assert_eq!(read("price cast:double"), Ok(("price".into(), "cast:double".into())));
        assert_eq!(read("`a b.c`.d  Make_Cols"), Ok(("a b.c|d".into(), "make_cols".into())));
        assert_eq!(read("`q``t`.`` `.x`` cast:int").ok(), None);
        assert_eq!(read("`q``t`.`a``b ` cast:int"), Ok(("q`t|a`b ".into(), "cast:int".into())));
        assert_eq!(read("a[].b project: long"), Ok(("a|b".into(), "project:long".into())));
        assert_eq!(read("a cast:decimal(10, 2)"), Ok(("a".into(), "cast:decimal(10, 2)".into())));
        for (text, what) in [
            ("price", "it is not `path action`"),
            ("price cast", "\"cast\" is none of"),
            ("price cast:", "cast: needs a type"),
            ("price Project: ", "project: needs a type"),
            ("price cast:strnig", "strnig is not a type"),
            ("price cast:array<int>", "simple types"),
            ("price make_cols:int", "is none of"),
            ("a..b make_cols", "cannot be read"),
            ("a[0] make_cols", "cannot be read"),
            ("`a make_cols", "it is not `path action`"),
        ] {
            assert!(spec(text).expect_err(text).contains(what), "{text}: {:?}", spec(text));
        }
    }
}
