//! Parts of texts by regular expressions: `split` and `regexp_extract`.
//!
//! `split` gives what lies between the matches, empty texts at both ends included. `regexp_extract` gives a group of the first
//! match, and the empty text where nothing matches.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use regex::Regex;

use super::patterns::ascii_classes;
use super::{per_row, refused};

/// The function of that name.
pub(super) fn of(function: &str, text: Expr, rest: &[Expr]) -> Result<Expr> {
    match (function, rest) {
        ("split", [Expr::Literal(pattern, _)]) => split(text, pattern),
        ("regexp_extract", [Expr::Literal(pattern, _), rest @ ..]) => extract(text, pattern, rest),
        _ => Err(refused(format!("{function} is supported with a literal pattern"))),
    }
}

/// The texts between the matches of a pattern.
fn split(text: Expr, pattern: &ScalarValue) -> Result<Expr> {
    let pattern = compiled("split", pattern)?;
    if pattern.is_match("") {
        return Err(refused(format!("split with {pattern} is not supported: it matches the empty text")));
    }
    Ok(call(What::Split, pattern, text))
}

/// A group of the first match, the first group where none is said.
fn extract(text: Expr, pattern: &ScalarValue, rest: &[Expr]) -> Result<Expr> {
    let pattern = compiled("regexp_extract", pattern)?;
    let group = match rest {
        [] => Some(1),
        [Expr::Literal(ScalarValue::Int32(Some(group)), _)] => usize::try_from(*group).ok(),
        [Expr::Literal(ScalarValue::Int64(Some(group)), _)] => usize::try_from(*group).ok(),
        _ => None,
    };
    match group.filter(|group| *group < pattern.captures_len()) {
        Some(group) => Ok(call(What::Extract(group), pattern, text)),
        None => {
            let groups = pattern.captures_len() - 1;
            Err(refused(format!(
                "regexp_extract with {pattern} needs the number of a group from 0 to {groups}"
            )))
        }
    }
}

fn compiled(function: &str, pattern: &ScalarValue) -> Result<Regex> {
    let Some(Some(pattern)) = pattern.try_as_str() else {
        return Err(refused(format!("{function} needs its pattern as text")));
    };
    let compiled = Regex::new(&ascii_classes(pattern));
    compiled.map_err(|error| refused(format!("{function} with {pattern}: {error}")))
}

fn call(what: What, pattern: Regex, text: Expr) -> Expr {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    ScalarUDF::new_from_impl(Parts { what, pattern, signature }).call(vec![text])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    Split,
    Extract(usize),
}

#[derive(Debug)]
struct Parts {
    what: What,
    pattern: Regex,
    signature: Signature,
}

impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what && self.pattern.as_str() == other.pattern.as_str()
    }
}

impl Eq for Parts {}

impl Hash for Parts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.what.hash(state);
        self.pattern.as_str().hash(state);
    }
}

impl ScalarUDFImpl for Parts {
    fn name(&self) -> &str {
        match self.what {
            What::Split => "split_by_pattern",
            What::Extract(_) => "extract_by_pattern",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.what {
            What::Split => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            What::Extract(_) => DataType::Utf8,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        per_row(arguments, |arrays, _| {
            let texts = arrays.first().and_then(|array| array.as_string_opt::<i32>());
            let texts = texts.ok_or_else(|| refused(format!("{} takes one text", self.name())))?;
            Ok(match self.what {
                What::Split => split_all(texts, &self.pattern),
                What::Extract(group) => extract_all(texts, &self.pattern, group),
            })
        })
    }
}

fn split_all(texts: &StringArray, pattern: &Regex) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for text in texts {
        for part in text.into_iter().flat_map(|text| pattern.split(text)) {
            lists.values().append_value(part);
        }
        lists.append(text.is_some());
    }
    Arc::new(lists.finish())
}

fn extract_all(texts: &StringArray, pattern: &Regex, group: usize) -> ArrayRef {
    let found = |text| {
        let found = pattern.captures(text).and_then(|found| found.get(group));
        found.map_or("", |part| part.as_str())
    };
    Arc::new(texts.iter().map(|text| text.map(found)).collect::<StringArray>())
}
