//! What a classifier of each kind says, checked, as options of inference.

use formats::{
    CsvHints, Detected, Format, Header, InferOptions, JsonOptions, JsonPath, LineLayout, LineOptions,
    Pattern, XmlOptions,
};
use serde_json::{Map, Value};

use super::{Classifier, Kind};
use crate::error::CrawlerError;

type Members = Map<String, Value>;

fn text<'a>(members: &'a Members, name: &str) -> &'a str {
    members.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn refused<T>(message: String) -> Result<T, CrawlerError> {
    Err(CrawlerError::Invalid { message })
}

/// Errors: `Invalid` for what could never classify a file.
pub(super) fn check(kind: Kind, members: &Members) -> Result<(), CrawlerError> {
    options(kind, members).map(|_| ())
}

impl Classifier {
    /// How a file is looked at by this classifier. Errors: `Invalid`, for one that was stored by other rules.
    pub(crate) fn way(&self) -> Result<InferOptions, CrawlerError> {
        options(self.kind, &self.definition)
    }
}

fn options(kind: Kind, members: &Members) -> Result<InferOptions, CrawlerError> {
    let format = match kind {
        Kind::Grok => grok(members)?,
        Kind::Xml => xml(members)?,
        Kind::Json => json(members)?,
        Kind::Csv => {
            return Ok(InferOptions { csv: Some(csv(members)?), ..InferOptions::default() });
        }
    };
    Ok(InferOptions { format: Some(format), ..InferOptions::default() })
}

fn classification(members: &Members) -> Result<&str, CrawlerError> {
    match text(members, "Classification").trim() {
        "" => refused("Classification must not be empty".to_owned()),
        given => Ok(given),
    }
}

fn grok(members: &Members) -> Result<Format, CrawlerError> {
    let (pattern, custom) = (text(members, "GrokPattern"), text(members, "CustomPatterns"));
    let compiled = match Pattern::grok(pattern, custom) {
        Ok(compiled) => compiled,
        Err(error) => return refused(format!("GrokPattern: {error}")),
    };
    if compiled.fields().is_empty() {
        return refused("GrokPattern keeps no field: write %{PATTERN:field}".to_owned());
    }
    let layout = LineLayout::Grok { pattern: pattern.to_owned(), custom: custom.to_owned() };
    Ok(Format::Lines(LineOptions::new(layout, classification(members)?, Vec::new())))
}

fn xml(members: &Members) -> Result<Format, CrawlerError> {
    let tag = text(members, "RowTag").trim();
    let tag = tag.strip_prefix('<').and_then(|t| t.strip_suffix('>')).unwrap_or(tag);
    if tag.is_empty()
        || tag.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '/' | '"' | '\''))
    {
        return refused(format!("RowTag {tag:?} is not the name of an element"));
    }
    Ok(Format::Xml(XmlOptions::new(tag, classification(members)?)))
}

fn json(members: &Members) -> Result<Format, CrawlerError> {
    let path: JsonPath = match text(members, "JsonPath").parse() {
        Ok(path) => path,
        Err(error) => return refused(format!("JsonPath: {error}")),
    };
    // The elements of an outermost array, and whole documents, are what is read without a path.
    let path = Some(path).filter(|path| !matches!(path.as_str(), "$" | "$[*]"));
    Ok(Format::Json(JsonOptions { path, ..JsonOptions::default() }))
}

fn character(members: &Members, name: &str) -> Result<Option<u8>, CrawlerError> {
    match text(members, name).as_bytes() {
        [] => Ok(None),
        [one] if one.is_ascii() => Ok(Some(*one)),
        _ => refused(format!("{name} must be one ASCII character")),
    }
}

fn list(members: &Members, name: &str) -> Vec<String> {
    let given = members.get(name).and_then(Value::as_array).into_iter().flatten();
    given.filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

fn csv(members: &Members) -> Result<CsvHints, CrawlerError> {
    let flag = |name: &str| members.get(name).and_then(Value::as_bool);
    let mut hints = CsvHints {
        delimiter: character(members, "Delimiter")?,
        quote: character(members, "QuoteSymbol")?,
        names: list(members, "Header"),
        // Glue's default is true.
        keep_space: flag("DisableValueTrimming").unwrap_or(true),
        single_column: flag("AllowSingleColumn").unwrap_or(false),
        header: match text(members, "ContainsHeader") {
            "PRESENT" => Header::Present,
            "ABSENT" => Header::Absent,
            _ => Header::Unknown,
        },
        quoted: match text(members, "Serde") {
            "OpenCSVSerDe" => Some(true),
            "LazySimpleSerDe" => Some(false),
            _ => None,
        },
        ..CsvHints::default()
    };
    if hints.delimiter.is_some() && hints.delimiter == Some(hints.quote.unwrap_or(b'"')) {
        return refused("Delimiter and QuoteSymbol must differ".to_owned());
    }
    let mut taken: Vec<String> = Vec::new();
    for name in &hints.names {
        let lower = name.trim().to_lowercase();
        if lower.is_empty() || taken.contains(&lower) {
            return refused(format!("Header holds the name {name:?} twice, or an empty one"));
        }
        taken.push(lower);
    }
    let types = list(members, "CustomDatatypes");
    let configured = flag("CustomDatatypeConfigured").unwrap_or(false);
    if configured && types.is_empty() {
        return refused("CustomDatatypeConfigured needs CustomDatatypes".to_owned());
    }
    let mut detected = Vec::with_capacity(types.len());
    for name in &types {
        match Detected::parse(name) {
            Some(ty) => detected.push(ty),
            None => return refused(format!("CustomDatatypes: {name} is not one of Glue's types")),
        }
    }
    if configured {
        hints.types = detected;
    }
    Ok(hints)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(kind: Kind, definition: Value) -> Result<(), String> {
        check(kind, definition.as_object().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_can_never_classify_is_refused() {
        for (kind, definition, word) in [
            (Kind::Grok, json!({"GrokPattern": "%{NONE:x}", "Classification": "c"}), "NONE"),
            (Kind::Grok, json!({"GrokPattern": "plain", "Classification": "c"}), "no field"),
            (Kind::Grok, json!({"GrokPattern": "%{INT:x}", "Classification": " "}), "Classification"),
            (Kind::Xml, json!({"RowTag": "a b", "Classification": "c"}), "RowTag"),
            (Kind::Xml, json!({"Classification": "c"}), "RowTag"),
            (Kind::Json, json!({"JsonPath": "a.b"}), "JsonPath"),
            (Kind::Csv, json!({"Delimiter": "ü"}), "ASCII"),
            (Kind::Csv, json!({"Delimiter": "\""}), "differ"),
            (Kind::Csv, json!({"Header": ["a", "A"]}), "twice"),
            (Kind::Csv, json!({"CustomDatatypes": ["NUMBER"]}), "NUMBER"),
            (Kind::Csv, json!({"CustomDatatypeConfigured": true}), "CustomDatatypes"),
        ] {
            let error = checked(kind, definition.clone()).unwrap_err();
            assert!(error.contains(word), "{definition}: {error}");
        }
        for (kind, definition) in [
            (Kind::Grok, json!({"GrokPattern": "%{A:x}", "CustomPatterns": "A .", "Classification": "c"})),
            (Kind::Xml, json!({"RowTag": "<row>", "Classification": "c"})),
            (Kind::Json, json!({"JsonPath": "$.a[*]"})),
            (Kind::Csv, json!({})),
        ] {
            assert_eq!(checked(kind, definition), Ok(()));
        }
    }
}
