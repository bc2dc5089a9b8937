//! The functions of PIIDetection on columns of text.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListArray, MapArray, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use regex::Regex;
use sha2::{Digest, Sha256};

use super::super::{column, spark};
use super::rules::{Found, Rules};
use crate::graph::PiiAction;

/// The text with what was found in it changed.
pub(super) fn rewrite(
    rules: &Rules,
    action: &PiiAction,
    text: Expr,
) -> std::result::Result<Expr, regex::Error> {
    let pattern = match action {
        PiiAction::Partial { pattern: Some(pattern), .. } => Some(Regex::new(pattern)?),
        _ => None,
    };
    Ok(call(
        What::Rewrite { rules: rules.clone(), action: action.clone(), pattern: Pattern(pattern) },
        vec![text],
    ))
}

/// What was found in these columns: a map from their names to lists of what, what was done, and where.
pub(super) fn tell(rules: &Rules, action: &PiiAction, columns: &[String]) -> Expr {
    let what = What::Tell { rules: rules.clone(), action: name_of(action), columns: columns.to_vec() };
    call(what, columns.iter().map(|name| column(name)).collect())
}

/// Whether the text holds something.
pub(super) fn holds(rules: &Rules, text: Expr) -> Expr {
    call(What::Holds { rules: rules.clone() }, vec![text])
}

/// The SHA-256 of the whole text, in hexadecimal.
pub(super) fn hash(text: Expr) -> Expr {
    call(What::Hash, vec![text])
}

fn call(what: What, arguments: Vec<Expr>) -> Expr {
    let signature = match arguments.len() {
        0 => Signature::nullary(Volatility::Immutable),
        several => Signature::exact(vec![DataType::Utf8; several], Volatility::Immutable),
    };
    ScalarUDF::new_from_impl(Function { what, signature }).call(arguments)
}

/// AWS's names of what was done.
fn name_of(action: &PiiAction) -> &'static str {
    match action {
        PiiAction::Audit => "DETECT",
        PiiAction::Mask(_) => "REDACT",
        PiiAction::Hash => "SHA256_HASH",
        PiiAction::Partial { .. } => "PARTIAL_REDACT",
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Function {
    what: What,
    signature: Signature,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum What {
    Rewrite { rules: Rules, action: PiiAction, pattern: Pattern },
    Tell { rules: Rules, action: &'static str, columns: Vec<String> },
    Holds { rules: Rules },
    Hash,
}

/// The compiled pattern of an action, which is the same when the action is.
#[derive(Debug)]
struct Pattern(Option<Regex>);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().map(Regex::as_str) == other.0.as_ref().map(Regex::as_str)
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_ref().map(Regex::as_str).hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        match self.what {
            What::Rewrite { .. } => "pii_rewrite",
            What::Tell { .. } => "pii_tell",
            What::Holds { .. } => "pii_holds",
            What::Hash => "pii_hash",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.what {
            What::Rewrite { .. } | What::Hash => DataType::Utf8,
            What::Holds { .. } => DataType::Boolean,
            What::Tell { .. } => map_type(),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        spark::per_row(arguments, |arrays, rows| {
            let texts: Vec<&StringArray> =
                arrays.iter().filter_map(|array| array.as_string_opt::<i32>()).collect();
            self.of(&texts, rows)
        })
    }
}

impl Function {
    fn of(&self, texts: &[&StringArray], rows: usize) -> Result<ArrayRef> {
        Ok(match (&self.what, texts) {
            (What::Rewrite { rules, action, pattern }, [texts]) => {
                let change = |text: &str| changed(text, rules, action, pattern.0.as_ref());
                Arc::new(texts.iter().map(|text| text.map(change)).collect::<StringArray>())
            }
            (What::Holds { rules }, [texts]) => {
                let holds = texts.iter().map(|text| text.map(|text| !rules.find(text).is_empty()));
                Arc::new(holds.collect::<BooleanArray>())
            }
            (What::Hash, [texts]) => {
                Arc::new(texts.iter().map(|text| text.map(sha256)).collect::<StringArray>())
            }
            (What::Tell { rules, action, columns }, texts) if texts.len() == columns.len() => {
                told(rules, action, columns, texts, rows)?
            }
            _ => return Err(DataFusionError::Internal(format!("arguments of {}", self.name()))),
        })
    }
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn changed(text: &str, rules: &Rules, action: &PiiAction, pattern: Option<&Regex>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for Found { start, end, .. } in rules.find(text) {
        let found = text.get(start..end).unwrap_or_default();
        out.push_str(text.get(at..start).unwrap_or_default());
        match action {
            PiiAction::Audit => out.push_str(found),
            PiiAction::Mask(mask) => out.push_str(mask),
            PiiAction::Hash => out.push_str(&sha256(found)),
            PiiAction::Partial { with, left, right, .. } => match pattern {
                Some(pattern) => {
                    let by = |part: &regex::Captures<'_>| {
                        let part = part.get(0).map_or("", |part| part.as_str());
                        with.to_string().repeat(part.chars().count())
                    };
                    out.push_str(&pattern.replace_all(found, by));
                }
                None => {
                    let kept = found.chars().count().saturating_sub(*right);
                    let by = |(place, c)| if place < *left || place >= kept { c } else { *with };
                    out.extend(found.chars().enumerate().map(by));
                }
            },
        }
        at = end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn entity_fields() -> Fields {
    Fields::from(vec![
        Field::new("entityType", DataType::Utf8, true),
        Field::new("actionUsed", DataType::Utf8, true),
        Field::new("start", DataType::Int32, true),
        Field::new("end", DataType::Int32, true),
    ])
}

fn list_field() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Struct(entity_fields()), true))
}

fn pair_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::List(list_field()), true),
    ])
}

fn map_field() -> Arc<Field> {
    Arc::new(Field::new("key_value", DataType::Struct(pair_fields()), false))
}

/// `map<string,array<struct<entityType:string,actionUsed:string,start:int,end:int>>>`, as readers give it.
fn map_type() -> DataType {
    DataType::Map(map_field(), false)
}

/// The maps of all rows; places are counted in characters.
fn told(
    rules: &Rules,
    action: &str,
    columns: &[String],
    texts: &[&StringArray],
    rows: usize,
) -> Result<ArrayRef> {
    let (mut keys, mut entities) = (Vec::new(), Vec::new());
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    let (mut per_key, mut per_row) = (Vec::new(), Vec::with_capacity(rows));
    for row in 0..rows {
        let mut in_row = 0;
        for (name, texts) in columns.iter().zip(texts) {
            let text = if texts.is_null(row) { "" } else { texts.value(row) };
            let found = rules.find(text);
            if found.is_empty() {
                continue;
            }
            in_row += 1;
            keys.push(name.as_str());
            per_key.push(found.len());
            for one in found {
                entities.push(one.entity.name());
                starts.push(characters(text, one.start));
                ends.push(characters(text, one.end));
            }
        }
        per_row.push(in_row);
    }
    let actions = StringArray::from(vec![action; entities.len()]);
    let parts: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(entities)),
        Arc::new(actions),
        Arc::new(Int32Array::from(starts)),
        Arc::new(Int32Array::from(ends)),
    ];
    let structs = Arc::new(StructArray::try_new(entity_fields(), parts, None)?);
    let lists = ListArray::try_new(list_field(), OffsetBuffer::from_lengths(per_key), structs, None)?;
    let pairs: Vec<ArrayRef> = vec![Arc::new(StringArray::from(keys)), Arc::new(lists)];
    let pairs = StructArray::try_new(pair_fields(), pairs, None)?;
    let maps = MapArray::try_new(map_field(), OffsetBuffer::from_lengths(per_row), pairs, None, false)?;
    Ok(Arc::new(maps))
}

fn characters(text: &str, bytes: usize) -> i32 {
    let before = text.get(..bytes).unwrap_or(text).chars().count();
    i32::try_from(before).unwrap_or(i32::MAX)
}
