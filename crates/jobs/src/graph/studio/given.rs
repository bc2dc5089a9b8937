//! The arguments of a function.

use super::Parameter;
use crate::graph::FieldPath;
use crate::graph::custom::Literal;
use crate::graph::parse::transforms::split_key;

/// The arguments of a function, all of them known and none missing.
pub(super) struct Given<'a> {
    arguments: &'a [(String, Literal)],
}

impl<'a> Given<'a> {
    /// Errors: an argument that the function has no parameter for, and a needed one that is not given.
    pub(super) fn new(arguments: &'a [(String, Literal)], parameters: &[Parameter]) -> Result<Self, String> {
        let known = |name: &str| parameters.iter().any(|(parameter, ..)| *parameter == name);
        if let Some((name, _)) = arguments.iter().find(|(name, _)| !known(name)) {
            let names: Vec<_> = parameters.iter().map(|(parameter, ..)| *parameter).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(format!("Parameters {name} is not one of its parameters, which are: {names}"));
        }
        let given = Self { arguments };
        match parameters.iter().find(|(name, needed, _)| *needed && given.value(name).is_none()) {
            Some((name, ..)) => Err(format!("Parameters {name} is missing")),
            None => Ok(given),
        }
    }

    /// What is given; of an empty text, nothing is.
    fn value(&self, name: &str) -> Option<&'a Literal> {
        let given = self.arguments.iter().find(|(own, _)| own == name).map(|(_, value)| value);
        given.filter(|value| {
            !matches!(value, Literal::Null) && !matches!(value, Literal::Text(text) if text.is_empty())
        })
    }

    /// A text, as it is.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.value(name) {
            None => Ok(None),
            Some(Literal::Text(text)) => Ok(Some(text)),
            Some(_) => Err(format!("Parameters {name} is no str")),
        }
    }

    /// A text that has to be there.
    pub(super) fn needed(&self, name: &str) -> Result<&'a str, String> {
        self.text(name)?.ok_or_else(|| format!("Parameters {name} is missing"))
    }

    /// The name of a column that is made, without backticks around it.
    pub(super) fn name(&self, name: &str) -> Result<Option<String>, String> {
        self.text(name)?.map(|text| bare(name, text)).transpose()
    }

    /// The same of one that has to be there.
    pub(super) fn needed_name(&self, name: &str) -> Result<String, String> {
        self.name(name)?.ok_or_else(|| format!("Parameters {name} is missing"))
    }

    /// A column of the input.
    pub(super) fn path(&self, name: &str) -> Result<FieldPath, String> {
        path(name, self.needed(name)?)
    }

    /// Texts, from a list or from one text with commas, without blanks around them.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        let one = |item: &Literal| match item {
            Literal::Text(text) => Ok(text.trim().to_owned()),
            _ => Err(format!("Parameters {name} is no list of str")),
        };
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Literal::List(items)) => items.iter().map(one).collect(),
            Some(Literal::Text(text)) => Ok(text.split(',').map(|part| part.trim().to_owned()).collect()),
            Some(_) => Err(format!("Parameters {name} is neither a list nor a str")),
        }
    }

    /// A number that is not negative.
    pub(super) fn count(&self, name: &str) -> Result<Option<usize>, String> {
        let digits = match self.value(name) {
            None => return Ok(None),
            Some(Literal::Int(digits)) => digits.as_str(),
            Some(Literal::Text(text)) => text.trim(),
            Some(_) => "",
        };
        let number = digits.parse().map_err(|_| format!("Parameters {name} is no whole number from 0 on"))?;
        Ok(Some(number))
    }

    /// Whether it is set.
    pub(super) fn flag(&self, name: &str) -> Result<bool, String> {
        match self.value(name) {
            None => Ok(false),
            Some(Literal::Flag(flag)) => Ok(*flag),
            Some(_) => Err(format!("Parameters {name} is no bool")),
        }
    }
}

/// A column by its name as Spark reads it.
pub(super) fn path(name: &str, text: &str) -> Result<FieldPath, String> {
    split_key(text.trim()).ok_or_else(|| format!("Parameters {name} {text:?} is no column"))
}

/// The name of a column that is made, without backticks around it.
pub(super) fn bare(name: &str, text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('`').and_then(|text| text.strip_suffix('`')).unwrap_or(text);
    match bare.trim().is_empty() {
        true => Err(format!("Parameters {name} {text:?} is no name")),
        false => Ok(bare.to_owned()),
    }
}

/// The name of a column that is no field of a structure.
pub(super) fn whole(parameter: &str, text: &str) -> Result<String, String> {
    // The editor gives names, which may have any letters.
    let path = path(parameter, text).unwrap_or_else(|_| vec![text.to_owned()]);
    match <[String; 1]>::try_from(path) {
        Ok([name]) if name.is_empty() => Err(format!("Parameters {parameter} has an empty name")),
        Ok([name]) => Ok(name),
        Err(_) => Err(format!(
            "Parameters {parameter} {text} lies in a structure; make it a column before, with gs_flatten (a name with dots \
             stands in backticks)"
        )),
    }
}
