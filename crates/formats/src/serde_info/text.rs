//! Formats that Hive has no SerDe for, or one with a pattern: XML, lines, documents of CloudTrail.

use std::collections::BTreeMap;

use super::{ENCODING, SerdeError, bad, encoding, flag, get, skipped_lines};
use crate::encoding::Encoding;
use crate::options::{Format, JsonOptions, LineLayout, LineOptions, Malformed, RaggedLines, XmlOptions};

/// The widths of a line's fields.
const WIDTHS: &str = "widths";
/// Whether white space around them is no part of values.
const TRIM: &str = "trim";
/// What lines of another length mean.
const RAGGED: &str = "raggedLines";
const RAGGED_WORDS: [(&str, RaggedLines); 3] =
    [("short", RaggedLines::Short), ("fail", RaggedLines::Bad), ("pad", RaggedLines::Pad)];
/// The elements of XML that are rows.
const ROW_TAG: &str = "rowTag";
/// The root of XML that is written.
const ROOT_TAG: &str = "rootTag";

pub(super) fn xml_parameters(xml: &XmlOptions) -> BTreeMap<String, String> {
    let defaults = XmlOptions::new("", "");
    let mut parameters = BTreeMap::from([(ROW_TAG.to_owned(), xml.row_tag.clone())]);
    if xml.attribute_prefix != defaults.attribute_prefix {
        parameters.insert("attributePrefix".to_owned(), xml.attribute_prefix.clone());
    }
    if xml.value_tag != defaults.value_tag {
        parameters.insert("valueTag".to_owned(), xml.value_tag.clone());
    }
    if let Some(root) = &xml.root_tag {
        parameters.insert(ROOT_TAG.to_owned(), root.clone());
    }
    if let Some(encoding) = xml.encoding {
        parameters.insert("encoding".to_owned(), encoding.name().to_owned());
    }
    parameters
}

/// Whether a table without a SerDe is one of XML: its `classification` says so, or (a classifier may have given it one of
/// its own) its SerDe's parameters do.
pub fn is_xml(serde: &BTreeMap<String, String>, table: &BTreeMap<String, String>) -> bool {
    get(table, "classification") == Some("xml") || serde.contains_key(ROW_TAG)
}

/// The format of a table of XML, whose `classification` says so: it has no SerDe. Parameters are those of the SerDe or
/// of the table. Errors: `rowTag` is missing, or an encoding is not known.
pub fn xml_of(
    serde: &BTreeMap<String, String>,
    table: &BTreeMap<String, String>,
) -> Result<Format, SerdeError> {
    let find = |name: &str| get(serde, name).or_else(|| get(table, name)).filter(|value| !value.is_empty());
    let row_tag = find(ROW_TAG).ok_or(SerdeError::Missing(ROW_TAG))?;
    let mut xml = XmlOptions::new(row_tag, get(table, "classification").unwrap_or("xml"));
    if let Some(prefix) = find("attributePrefix") {
        prefix.clone_into(&mut xml.attribute_prefix);
    }
    if let Some(tag) = find("valueTag") {
        tag.clone_into(&mut xml.value_tag);
    }
    xml.root_tag = find(ROOT_TAG).map(str::to_owned);
    if let Some(label) = find("encoding") {
        xml.encoding = Encoding::of_label(label).map_err(|_| bad("encoding", label))?;
    }
    Ok(Format::Xml(xml))
}

pub(super) fn line_parameters(lines: &LineOptions) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    match &lines.layout {
        LineLayout::Grok { pattern, custom } => {
            parameters.insert("input.format".to_owned(), pattern.clone());
            if !custom.is_empty() {
                parameters.insert("input.grokCustomPatterns".to_owned(), custom.clone());
            }
        }
        LineLayout::Regex { pattern, ignore_case } => {
            parameters.insert("input.regex".to_owned(), pattern.clone());
            if *ignore_case {
                parameters.insert("input.regex.case.insensitive".to_owned(), "true".to_owned());
            }
        }
        LineLayout::Fixed { widths, trim, ragged } => {
            let widths: Vec<String> = widths.iter().map(u32::to_string).collect();
            parameters.insert(WIDTHS.to_owned(), widths.join(","));
            if !trim {
                parameters.insert(TRIM.to_owned(), "false".to_owned());
            }
            let word = RAGGED_WORDS.iter().find(|(_, policy)| policy == ragged).map(|(word, _)| *word);
            parameters.extend(word.map(|word| (RAGGED.to_owned(), word.to_owned())));
        }
    }
    if let Some(encoding) = lines.encoding {
        parameters.insert(ENCODING.to_owned(), encoding.name().to_owned());
    }
    parameters
}

pub(super) fn line_format(
    layout: LineLayout,
    serde: &BTreeMap<String, String>,
    table: &BTreeMap<String, String>,
    columns: Vec<String>,
) -> Result<Format, SerdeError> {
    let classification = table.get("classification").map_or("", String::as_str);
    let (header_lines, footer_lines) = skipped_lines(serde)?;
    let lines = LineOptions {
        header_lines,
        footer_lines,
        encoding: encoding(serde)?,
        ..LineOptions::new(layout, classification, columns)
    };
    Ok(Format::Lines(lines))
}

pub(super) fn grok(serde: &BTreeMap<String, String>) -> Result<LineLayout, SerdeError> {
    const NAME: &str = "input.format";
    let pattern = get(serde, NAME).ok_or(SerdeError::Missing(NAME))?.to_owned();
    let custom = get(serde, "input.grokCustomPatterns").unwrap_or_default().to_owned();
    Ok(LineLayout::Grok { pattern, custom })
}

/// Lines of fixed width: parameters may stand on the table, too. What does not fit is an error, not NULL.
pub(super) fn fixed(
    serde: &BTreeMap<String, String>,
    table: &BTreeMap<String, String>,
    columns: Vec<String>,
) -> Result<Format, SerdeError> {
    let find = |name: &str| get(serde, name).or_else(|| get(table, name)).map(str::trim);
    let text = find(WIDTHS).ok_or(SerdeError::Missing(WIDTHS))?;
    let width = |word: &str| word.trim().parse().ok().filter(|width: &u32| *width > 0);
    let widths: Option<Vec<u32>> = text.split(',').map(width).collect();
    let trim = match find(TRIM) {
        None => true,
        Some(word) => word.to_lowercase().parse().map_err(|_| bad(TRIM, word))?,
    };
    let ragged = match find(RAGGED) {
        None => RaggedLines::Short,
        Some(word) => {
            let known = RAGGED_WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
            known.map(|(_, policy)| *policy).ok_or_else(|| bad(RAGGED, word))?
        }
    };
    let layout = LineLayout::Fixed { widths: widths.ok_or_else(|| bad(WIDTHS, text))?, trim, ragged };
    match line_format(layout, serde, table, columns)? {
        Format::Lines(lines) => {
            Ok(Format::Lines(LineOptions { unmatched: Malformed::Bad, malformed: Malformed::Bad, ..lines }))
        }
        other => Ok(other),
    }
}

pub(super) fn regex(serde: &BTreeMap<String, String>) -> Result<LineLayout, SerdeError> {
    const NAME: &str = "input.regex";
    let pattern = get(serde, NAME).ok_or(SerdeError::Missing(NAME))?.to_owned();
    Ok(LineLayout::Regex { pattern, ignore_case: flag(serde, "input.regex.case.insensitive", false)? })
}

/// The format of files of CloudTrail: JSON, of which the records are the rows.
pub fn within_cloudtrail(format: Format) -> Format {
    match format {
        Format::Json(json) => Format::Json(JsonOptions { path: "$.Records[*]".parse().ok(), ..json }),
        other => other,
    }
}
