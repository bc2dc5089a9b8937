//! PIIDetection.

use super::super::{EntityType, NodeKind, Pii, PiiAction, PiiScope, raw};
use super::Parsed;
use super::rows::fraction;

/// What AWS takes when nothing is said.
const OUTPUT_COLUMN: &str = "DetectedEntities";
const THRESHOLD: f64 = 0.1;

pub(in crate::graph) fn detection(raw: raw::PiiDetection) -> Parsed<NodeKind> {
    let entities = entities(&raw.entity_types_to_detect)?;
    let action = action(&raw)?;
    let of_rows = raw.pii_type.starts_with("Row");
    refuse_stray(&raw, of_rows, &action)?;
    let output = raw.output_column_name.filter(|name| !name.is_empty());
    let scope = match (of_rows, &action) {
        (true, PiiAction::Audit) => {
            PiiScope::Rows { output: Some(output.unwrap_or_else(|| OUTPUT_COLUMN.to_owned())) }
        }
        (true, _) => PiiScope::Rows { output },
        (false, _) => PiiScope::Columns {
            sample: fraction("SampleFraction", raw.sample_fraction)?.unwrap_or(1.0),
            threshold: fraction("ThresholdFraction", raw.threshold_fraction)?.unwrap_or(THRESHOLD),
        },
    };
    Ok(NodeKind::Pii(Box::new(Pii { entities, scope, action })))
}

fn entities(names: &[String]) -> Parsed<Vec<EntityType>> {
    let mut entities = Vec::new();
    for name in names {
        let Some(entity) = EntityType::parse(name) else {
            let known: Vec<_> = EntityType::ALL.iter().map(|entity| entity.name()).collect();
            return Err(format!(
                "EntityTypesToDetect {name} is not supported: there is no public rule to tell it by, or it is a pattern \
                 of your own; supported are {}",
                known.join(", ")
            ));
        };
        if !entities.contains(&entity) {
            entities.push(entity);
        }
    }
    if entities.is_empty() {
        return Err("EntityTypesToDetect is empty".to_owned());
    }
    Ok(entities)
}

fn action(raw: &raw::PiiDetection) -> Parsed<PiiAction> {
    Ok(match raw.pii_type.as_str() {
        "RowAudit" | "ColumnAudit" => PiiAction::Audit,
        "RowHashing" | "ColumnHashing" => PiiAction::Hash,
        "RowMasking" | "ColumnMasking" => match &raw.mask_value {
            Some(text) => PiiAction::Mask(text.clone()),
            None => return Err(format!("{} needs its MaskValue", raw.pii_type)),
        },
        "RowPartialMasking" => partial(raw)?,
        other => {
            return Err(format!(
                "PiiType {other} is not one of RowAudit, RowHashing, RowMasking, RowPartialMasking, ColumnAudit, \
                 ColumnHashing, ColumnMasking"
            ));
        }
    })
}

fn partial(raw: &raw::PiiDetection) -> Parsed<PiiAction> {
    let mut chars = raw.redact_char.as_deref().filter(|text| !text.is_empty()).unwrap_or("*").chars();
    let (Some(with), None) = (chars.next(), chars.next()) else {
        return Err("RedactChar must be one character".to_owned());
    };
    let count = |field: &str, given: Option<i64>| {
        usize::try_from(given.unwrap_or(0)).map_err(|_| format!("{field} is negative"))
    };
    let left = count("NumLeftCharsToExclude", raw.num_left_chars_to_exclude)?;
    let right = count("NumRightCharsToExclude", raw.num_right_chars_to_exclude)?;
    let pattern = raw.match_pattern.clone().filter(|text| !text.is_empty());
    if let Some(pattern) = &pattern {
        regex::Regex::new(pattern).map_err(|error| format!("MatchPattern {pattern}: {error}"))?;
        if left + right > 0 {
            return Err("MatchPattern together with NumLeftCharsToExclude or NumRightCharsToExclude is not \
                        supported"
                .to_owned());
        }
    }
    Ok(PiiAction::Partial { with, left, right, pattern })
}

/// A field that the kind of detection does not use would silently do nothing.
fn refuse_stray(raw: &raw::PiiDetection, of_rows: bool, action: &PiiAction) -> Parsed<()> {
    let partial = matches!(action, PiiAction::Partial { .. });
    let text = |given: &Option<String>| given.as_ref().is_some_and(|text| !text.is_empty());
    let stray = [
        ("OutputColumnName", text(&raw.output_column_name) && !of_rows),
        ("SampleFraction", raw.sample_fraction.is_some() && of_rows),
        ("ThresholdFraction", raw.threshold_fraction.is_some() && of_rows),
        ("MaskValue", text(&raw.mask_value) && !matches!(action, PiiAction::Mask(_))),
        ("RedactChar", text(&raw.redact_char) && !partial),
        ("MatchPattern", text(&raw.match_pattern) && !partial),
        ("NumLeftCharsToExclude", raw.num_left_chars_to_exclude.is_some_and(|n| n != 0) && !partial),
        ("NumRightCharsToExclude", raw.num_right_chars_to_exclude.is_some_and(|n| n != 0) && !partial),
    ];
    match stray.iter().find(|(_, stray)| *stray) {
        Some((field, _)) => Err(format!("{field} means nothing with PiiType {}", raw.pii_type)),
        None => Ok(()),
    }
}
