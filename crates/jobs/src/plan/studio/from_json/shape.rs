//! What type documents have, learnt document by document.
//!
//! As in Spark: whole numbers are bigint, with fractions among them double, members stand in the order of their names, and values of
//! several kinds are text. Otherwise than there, whole numbers beyond bigint are text, which keeps their digits.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility};
use engine::EngineError;
use formats::hive::HiveType;
use serde::{Deserialize, Serialize};

use super::values::{elements, members, whole};

/// Objects and arrays deeper than this within others are text.
const MAX_LEVELS: usize = 32;
/// The most members of all structures. More are data rather than names.
const MAX_NAMES: usize = 10_000;

/// The type of values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
enum Shape {
    #[default]
    Null,
    Bool,
    Long,
    Double,
    Text,
    Array(Box<Shape>),
    Object(BTreeMap<String, Shape>),
}

/// What was found in the texts of a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    /// Objects and arrays.
    pub(super) documents: u64,
    /// Texts that are neither, nor JSON's null.
    pub(super) others: u64,
    shape: Shape,
}

/// What is in the texts, as text that [`Found::read`] reads.
pub(super) fn found_in(text: Expr) -> Expr {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    AggregateUDF::new_from_impl(FoundIn { signature }).call(vec![text])
}

impl Shape {
    fn of(value: &str, levels: usize) -> Self {
        match value.as_bytes().first() {
            Some(b'n') | None => Self::Null,
            Some(b't' | b'f') => Self::Bool,
            Some(b'{') if levels > 0 => members(value).map_or(Self::Null, |members| {
                Self::Object(
                    members
                        .into_iter()
                        .map(|(name, value)| (name.0.into_owned(), Self::of(value.get(), levels - 1)))
                        .collect(),
                )
            }),
            Some(b'[') if levels > 0 => elements(value).map_or(Self::Null, |items| {
                let items = items.into_iter().map(|item| Self::of(item.get(), levels - 1));
                Self::Array(Box::new(items.fold(Self::Null, Self::merge)))
            }),
            Some(b'"' | b'{' | b'[') => Self::Text,
            _ if value.contains(['.', 'e', 'E']) => Self::Double,
            _ => value.parse::<i64>().map_or(Self::Text, |_| Self::Long),
        }
    }

    fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Null, shape) | (shape, Self::Null) => shape,
            (Self::Long | Self::Double, Self::Double) | (Self::Double, Self::Long) => Self::Double,
            (Self::Array(one), Self::Array(other)) => Self::Array(Box::new(one.merge(*other))),
            (Self::Object(mut one), Self::Object(other)) => {
                for (name, shape) in other {
                    let known = one.entry(name).or_default();
                    *known = std::mem::take(known).merge(shape);
                }
                Self::Object(one)
            }
            (one, other) if one == other => one,
            _ => Self::Text,
        }
    }

    fn names(&self) -> usize {
        match self {
            Self::Array(item) => item.names(),
            Self::Object(members) => members.values().map(|shape| 1 + shape.names()).sum(),
            _ => 0,
        }
    }

    fn size(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Array(item) => item.size(),
                Self::Object(members) => {
                    members.iter().map(|(name, shape)| 64 + name.len() + shape.size()).sum()
                }
                _ => 0,
            }
    }

    /// Errors: names that no table could tell apart.
    fn ty(&self) -> std::result::Result<HiveType, String> {
        Ok(match self {
            Self::Null | Self::Text => HiveType::String,
            Self::Bool => HiveType::Boolean,
            Self::Long => HiveType::BigInt,
            Self::Double => HiveType::Double,
            Self::Array(item) => HiveType::Array(Box::new(item.ty()?)),
            // There is no structure without fields.
            Self::Object(members) if members.is_empty() => HiveType::String,
            Self::Object(members) => {
                let mut known = BTreeSet::new();
                for name in members.keys() {
                    if name.trim().is_empty() {
                        return Err("has a member without a name; give a schema without it".to_owned());
                    }
                    if !known.insert(name.to_lowercase()) {
                        return Err(format!(
                            "has members named {name} whose names differ in case only; give a schema with one of them"
                        ));
                    }
                }
                let fields = members.iter().map(|(name, shape)| Ok((name.clone(), shape.ty()?)));
                HiveType::Struct(fields.collect::<std::result::Result<_, String>>()?)
            }
        })
    }
}

impl Found {
    /// Reads what an aggregate gave.
    pub(super) fn read(state: &str) -> Result<Self> {
        serde_json::from_str(state).map_err(|error| DataFusionError::External(Box::new(error)))
    }

    /// Takes in what was found in other texts.
    pub(super) fn merge(&mut self, other: Self) {
        self.documents += other.documents;
        self.others += other.others;
        self.shape = std::mem::take(&mut self.shape).merge(other.shape);
    }

    fn add(&mut self, text: &str) {
        match whole(text) {
            Some(value) if value.starts_with(['{', '[']) => {
                let shape = Shape::of(value, MAX_LEVELS);
                self.merge(Self { documents: 1, others: 0, shape });
            }
            Some("null") => {}
            _ => self.others += 1,
        }
    }

    /// The type of the documents; text where there are none.
    /// Errors: what is wrong with the column, to be said behind its name.
    pub(super) fn ty(&self) -> std::result::Result<HiveType, String> {
        match self.shape {
            _ if self.documents == 0 && self.others == 0 => Ok(HiveType::String),
            _ if self.documents == 0 => {
                Err(format!("has no JSON: none of its {} texts is an object or an array", self.others))
            }
            Shape::Text => {
                Err("has objects in some rows and arrays in others, which no one type holds; give the \
                                schema of those that are wanted, the others become null"
                    .to_owned())
            }
            _ => self.shape.ty(),
        }
    }

    fn checked(&self) -> Result<()> {
        if self.shape.names() <= MAX_NAMES {
            return Ok(());
        }
        let message = format!(
            "the documents of JSON have more than {MAX_NAMES} different members, which are data rather than names; give a schema \
             such as MAP<STRING,STRING>, or take values with gs_extract_json"
        );
        Err(EngineError::Unsupported { message }.into_datafusion())
    }

    fn shown(&self) -> Result<ScalarValue> {
        let text = serde_json::to_string(self).map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(ScalarValue::Utf8(Some(text)))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FoundIn {
    signature: Signature,
}

impl AggregateUDFImpl for FoundIn {
    fn name(&self) -> &str {
        "json_type_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::<Found>::default())
    }

    fn state_fields(&self, _: StateFieldsArgs<'_>) -> Result<Vec<arrow::datatypes::FieldRef>> {
        Ok(vec![Field::new("found", DataType::Utf8, true).into()])
    }
}

impl Accumulator for Found {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for texts in values.iter().filter_map(|texts| texts.as_string_opt::<i32>()) {
            texts.iter().flatten().for_each(|text| self.add(text));
        }
        self.checked()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for states in states.iter().filter_map(|states| states.as_string_opt::<i32>()) {
            for state in states.iter().flatten() {
                self.merge(Self::read(state)?);
            }
        }
        self.checked()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.shown()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.shown()?])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.shape.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str]) -> Found {
        let mut found = Found::default();
        texts.iter().for_each(|text| found.add(text));
        found
    }

    #[test]
    fn types_are_those_of_all_documents() {
        for (texts, wanted) in [
            (&["{\"b\":1,\"a\":null}", "no", "{\"a\":true,\"b\":1.5}"][..], "struct<a:boolean,b:double>"),
            (&["[1, null]", "[]"], "array<bigint>"),
            (&["[]"], "array<string>"),
            (
                &["{\"a\":1}", "{\"a\":\"x\",\"c\":{\"d\":[{\"e\":1}]}}"],
                "struct<a:string,c:struct<d:array<struct<e:bigint>>>>",
            ),
            (&["{\"a\":12345678901234567890,\"b\":{}}"], "struct<a:string,b:string>"),
            (&[" {\"a\" : [1, 2.5] } "], "struct<a:array<double>>"),
            (&["null"], "string"),
            (&[], "string"),
        ] {
            assert_eq!(found(texts).ty().unwrap().to_string(), wanted);
            let mut halves = found(&texts[..texts.len() / 2]);
            halves.merge(
                Found::read(&serde_json::to_string(&found(&texts[texts.len() / 2..])).unwrap()).unwrap(),
            );
            assert_eq!(halves, found(texts));
        }
        for (texts, what) in [
            (&["no", "1"][..], "none of its 2 texts"),
            (&["{\"a\":1}", "[1]"], "objects in some rows and arrays in others"),
            (&["{\"a\":1,\"A\":2}"], "differ in case only"),
            (&["{\" \":1}"], "without a name"),
        ] {
            let error = found(texts).ty().expect_err(what);
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn deep_documents_are_text_and_many_names_are_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let state = serde_json::to_string(&found(&[&deep])).unwrap();
        assert_eq!(
            Found::read(&state).unwrap().ty().unwrap().to_string().matches("array").count(),
            MAX_LEVELS - 1
        );
        let objects = "{\"a\":".repeat(MAX_LEVELS + 1) + "1" + &"}".repeat(MAX_LEVELS + 1);
        let state = serde_json::to_string(&found(&[&objects])).unwrap();
        assert_eq!(
            Found::read(&state).unwrap().ty().unwrap().to_string().matches("struct").count(),
            MAX_LEVELS
        );
        let many: Vec<String> = (0..=MAX_NAMES).map(|at| format!("\"n{at}\":1")).collect();
        assert!(
            found(&[&format!("{{{}}}", many.join(","))]).checked().unwrap_err().to_string().contains("10000")
        );
    }
}
