//! DropNullFields and FillMissingValues: what is done about what is missing.

use super::super::{FillMissing, NodeKind, NullValues, raw};
use super::Parsed;

pub(in crate::graph) fn drop_null_fields(raw: raw::DropNullFields) -> Parsed<NodeKind> {
    let boxes = raw.null_check_box_list.unwrap_or_default();
    let mut values = NullValues { minus_one: boxes.is_neg_one, ..NullValues::default() };
    if boxes.is_empty {
        values.texts.push(String::new());
    }
    if boxes.is_null_string {
        values.texts.push("null".to_owned());
    }
    for field in raw.null_text_list.unwrap_or_default() {
        let data_type = field.datatype.id.trim().to_lowercase();
        match data_type.as_str() {
            "string" => values.texts.push(field.value.trim().to_owned()),
            "" => return Err("NullTextList.Datatype.Id is missing".to_owned()),
            _ => {
                crate::plan::check_value(&field.value, &data_type)
                    .map_err(|what| format!("NullTextList: {what}"))?;
                values.typed.push((field.value, data_type));
            }
        }
    }
    Ok(NodeKind::DropNullFields(values))
}

/// What AWS appends when the filled field is not named.
const FILLED: &str = "_filled";

pub(in crate::graph) fn fill_missing_values(raw: raw::FillMissingValues) -> Parsed<NodeKind> {
    let from = name(&raw.imputed_path).to_owned();
    if from.is_empty() {
        return Err("ImputedPath names no field".to_owned());
    }
    let to = raw.filled_path.as_deref().map(name).filter(|to| !to.is_empty());
    let to = to.map_or_else(|| format!("{from}{FILLED}"), str::to_owned);
    Ok(NodeKind::FillMissing(FillMissing { from, to }))
}

/// The field of a JSON path; those within others are not filled in.
fn name(path: &str) -> &str {
    path.strip_prefix("$.").unwrap_or(path)
}
