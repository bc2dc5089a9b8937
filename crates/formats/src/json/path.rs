//! JSON paths: where in a document the records are.
//!
//! `$`, `.name`, `.*`, `['name']`, `['a','b']`, `[*]`, `[n]`. Source: AWS Glue Developer Guide, Writing JSON custom
//! classifiers.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::lex::{Parsed, Parser};
use crate::options::JsonOptions;

/// The most steps of a path.
const MAX_STEPS: usize = 64;

/// A path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JsonPath {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Members of these names.
    Names(Vec<String>),
    /// Every member or element.
    Any,
    /// One element, from 0.
    Index(usize),
}

/// The text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a JSON path: {reason} at character {at}")]
pub struct JsonPathError {
    text: String,
    reason: &'static str,
    at: usize,
}

impl std::str::FromStr for JsonPath {
    type Err = JsonPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let error = |reason, rest: &str| JsonPathError {
            text: text.to_owned(),
            reason,
            at: trimmed[..trimmed.len() - rest.len()].chars().count() + 1,
        };
        let mut rest = trimmed.strip_prefix('$').ok_or_else(|| error("$ is expected", trimmed))?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if steps.len() == MAX_STEPS {
                return Err(error("too many steps", rest));
            }
            let (step, behind) = if let Some(dotted) = rest.strip_prefix('.') {
                let end = dotted.find(['.', '[']).unwrap_or(dotted.len());
                match &dotted[..end] {
                    "" => return Err(error("a name is expected", dotted)),
                    "*" => (Step::Any, &dotted[end..]),
                    name => (Step::Names(vec![name.to_owned()]), &dotted[end..]),
                }
            } else if let Some(inner) = rest.strip_prefix('[') {
                bracket(inner)
                    .ok_or_else(|| error("*, a number or names in quotes and ] are expected", inner))?
            } else {
                return Err(error(". or [ is expected", rest));
            };
            steps.push(step);
            rest = behind;
        }
        Ok(Self { text: trimmed.to_owned(), steps })
    }
}

impl TryFrom<String> for JsonPath {
    type Error = JsonPathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<JsonPath> for String {
    fn from(path: JsonPath) -> Self {
        path.text
    }
}

/// What stands in brackets, and what follows them.
fn bracket(inner: &str) -> Option<(Step, &str)> {
    if let Some(rest) = inner.strip_prefix("*]") {
        return Some((Step::Any, rest));
    }
    if inner.starts_with(|c: char| c.is_ascii_digit()) {
        let (number, rest) = inner.split_once(']')?;
        return Some((Step::Index(number.trim().parse().ok()?), rest));
    }
    let (mut names, mut rest) = (Vec::new(), inner);
    loop {
        rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (name, behind) = rest[1..].split_once(quote)?;
        names.push(name.to_owned());
        rest = behind.trim_start();
        if let Some(behind) = rest.strip_prefix(']') {
            return Some((Step::Names(names), behind));
        }
        rest = rest.strip_prefix(',')?;
    }
}

impl JsonPath {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The places of the values that the path leads to, in the document's order. Checks the whole document.
    pub(crate) fn select(&self, parser: &mut Parser<'_>) -> Parsed<Vec<Range<usize>>> {
        let mut found = Vec::new();
        walk(parser, &self.steps, &mut found)?;
        Ok(found)
    }

    /// Whether the records are the elements or members of something that the document has, which may have none, or be null.
    pub(crate) fn leads_to_list(&self, document: &[u8]) -> bool {
        let (Some((Step::Any | Step::Index(_), list)), Ok(text)) =
            (self.steps.split_last(), std::str::from_utf8(document))
        else {
            return false;
        };
        let (mut found, options) = (Vec::new(), JsonOptions::default());
        let walked = walk(&mut Parser::new(text, &options), list, &mut found);
        let is_list = |place: &Range<usize>| matches!(text.as_bytes()[place.start], b'[' | b'{' | b'n');
        walked.is_ok() && found.iter().any(is_list)
    }
}

fn walk(parser: &mut Parser<'_>, steps: &[Step], found: &mut Vec<Range<usize>>) -> Parsed<()> {
    let first = parser.peek();
    let Some((step, rest)) = steps.split_first() else {
        let start = parser.position();
        parser.skip()?;
        found.push(start..parser.position());
        return Ok(());
    };
    match (step, first) {
        (Step::Names(names), Some(b'{')) => parser.object(|parser, hint| {
            if names.contains(&parser.name) {
                walk(parser, rest, found)?
            } else {
                parser.skip()?
            }
            Ok(hint)
        }),
        (Step::Any, Some(b'{')) => parser.object(|parser, hint| walk(parser, rest, found).map(|()| hint)),
        (Step::Any, Some(b'[')) => parser.array(|parser| walk(parser, rest, found)),
        (Step::Index(wanted), Some(b'[')) => {
            let mut at = 0;
            parser.array(|parser| {
                at += 1;
                if at == wanted + 1 { walk(parser, rest, found) } else { parser.skip() }
            })
        }
        _ => parser.skip(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::JsonOptions;

    fn select(path: &str, text: &str) -> Vec<String> {
        let path: JsonPath = path.parse().unwrap();
        let options = JsonOptions::default();
        let places = path.select(&mut Parser::new(text, &options)).unwrap();
        places.into_iter().map(|place| text[place].to_owned()).collect()
    }

    #[test]
    fn paths_lead_to_values() {
        let text = r#"{"a":[{"b":1},{"b":2}],"c":{"d e":[3,4],"f":5},"a.b":6}"#;
        for (path, wanted) in [
            ("$", vec![text]),
            ("$.a[*]", vec![r#"{"b":1}"#, r#"{"b":2}"#]),
            ("$.a[1].b", vec!["2"]),
            ("$.a[*].b", vec!["1", "2"]),
            ("$['c']['d e'][*]", vec!["3", "4"]),
            ("$.c.*", vec!["[3,4]", "5"]),
            ("$['a.b']", vec!["6"]),
            ("$.c['f', \"d e\"]", vec!["[3,4]", "5"]),
            ("$.none[*]", vec![]),
            ("$[*]", vec![r#"[{"b":1},{"b":2}]"#, r#"{"d e":[3,4],"f":5}"#, "6"]),
        ] {
            assert_eq!(select(path, text), wanted, "{path}");
        }
    }

    #[test]
    fn what_is_no_path() {
        for (text, at) in [("a", 1), ("$.", 3), ("$a", 2), ("$[x]", 3), ("$['a]", 3), ("$.a..b", 5)] {
            assert_eq!(text.parse::<JsonPath>().unwrap_err().at, at, "{text}");
        }
    }
}
