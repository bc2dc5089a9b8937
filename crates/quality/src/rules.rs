//! A ruleset and its rules.

use crate::kind::Kind;
use crate::value::Condition;

/// Pairs of key and value, in the order of their keys.
pub type Labels = std::collections::BTreeMap<String, String>;

/// A ruleset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ruleset {
    /// `Metadata = { … }`, kept and printed.
    pub metadata: Vec<(String, Entry)>,
    /// `DataSources = { … }`, kept and printed: which data a name stands for is the caller's to say.
    pub sources: Vec<(String, Entry)>,
    /// `Rules = [ … ]`.
    pub rules: Vec<Rule>,
    /// `Analyzers = [ … ]`: checks without a condition, for their numbers alone.
    pub analyzers: Vec<Check>,
}

/// A value of a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// One text.
    Text(String),
    /// Several.
    List(Vec<String>),
}

/// A rule: one check, or several put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What has to hold.
    pub test: Test,
    /// Its labels, those that all rules have by default among them.
    pub labels: Labels,
}

/// What has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// One check.
    One(Check),
    /// All of these; at least two.
    All(Vec<Test>),
    /// Any of these; at least two.
    Any(Vec<Test>),
}

impl Test {
    /// The checks in it, in order.
    pub fn checks(&self) -> Vec<&Check> {
        match self {
            Self::One(check) => vec![check],
            Self::All(tests) | Self::Any(tests) => tests.iter().flat_map(Self::checks).collect(),
        }
    }
}

/// A single rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its type.
    pub kind: Kind,
    /// What it is about: mostly names of columns.
    pub parameters: Vec<String>,
    /// What its answer is compared with; `None` where the answer is yes or no by itself.
    pub condition: Option<Condition>,
    /// `where "…"`: a condition in SQL that leaves rows out.
    pub filter: Option<String>,
    /// `with threshold …`: a condition on the part of the rows that hold, from 0 to 1.
    pub threshold: Option<Condition>,
}
