//! DynamicTransform nodes whose function every frame has: they run on the engine, not as Python.
//!
//! A node is one of these when its `Path` is empty, so that no module gives frames the method, or lies where AWS keeps the
//! modules of AWS Glue Studio's own transforms ([`super::studio`]). Each function is declared once, in
//! [`FUNCTIONS`]; what it does is the match in `plan::builtin`, what a script calls that in `generate::builtin`.

mod parameters;
mod resolve;

use std::fmt;

use super::custom::Literal;
use super::parse::Parsed;
use super::studio::{self, Studio};
use parameters::Parameters;

pub use resolve::{Action, Resolution, ResolveChoice, Spec};

/// A function that every frame has, with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum BuiltIn {
    /// What becomes of fields that hold several types.
    ResolveChoice(ResolveChoice),
    /// A transform of AWS Glue Studio's, by the name of its function.
    Studio(&'static str, Studio),
}

/// Reads the parameters of a function; an error says what is wrong without naming the node.
type Parse = fn(&mut Parameters) -> Parsed<BuiltIn>;

/// The functions, by name.
const FUNCTIONS: &[(&str, Parse)] =
    &[("resolveChoice", |parameters| resolve::parse(parameters).map(BuiltIn::ResolveChoice))];

/// Whether a node with this `Path` means a function that every frame has.
pub(super) fn is_built_in(path: &str) -> bool {
    path.trim().is_empty() || studio::is_of_aws(path)
}

/// Reads a node's function and what it is called with.
pub(super) fn parse(function: &str, arguments: Vec<(String, Literal)>) -> Parsed<BuiltIn> {
    if let Some((name, parsed)) = studio::parse(function, &arguments) {
        return parsed.map(|own| BuiltIn::Studio(name, own));
    }
    let Some((_, parse)) = FUNCTIONS.iter().find(|(name, _)| *name == function) else {
        let known: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).chain(studio::names()).collect();
        return Err(format!(
            "FunctionName {function} is none that every frame has, which are {}; a function of a module of yours needs \
             its Path, s3://bucket/key of a .py file",
            known.join(", ")
        ));
    };
    let mut parameters = Parameters::new(arguments);
    let parsed = parse(&mut parameters)?;
    parameters.refuse_others()?;
    Ok(parsed)
}

impl BuiltIn {
    /// Whether it gives a collection, of as many frames as its input has it.
    pub fn gives_collection(&self) -> bool {
        matches!(self, Self::Studio(_, Studio::Relationalize { .. }))
    }

    /// The function's name.
    pub fn function(&self) -> &'static str {
        match self {
            Self::ResolveChoice(_) => "resolveChoice",
            Self::Studio(name, _) => name,
        }
    }
}

impl fmt::Display for BuiltIn {
    /// The call, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResolveChoice(own) => write!(f, "{}: {own}", self.function()),
            Self::Studio(name, own) => write!(f, "{name}: {own}"),
        }
    }
}
