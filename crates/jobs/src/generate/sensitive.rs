//! PIIDetection, by `EntityDetector`: rows by `detect` and its actions, columns by `classify_columns`.

use super::nodes::Names;
use super::python::{dictionary, list, text, texts};
use crate::graph::{Pii, PiiAction, PiiScope};

/// What scripts with such nodes begin with.
pub(super) const HEAD: &str = r#"
from awsglueml.transforms import EntityDetector


def _change_columns(frame, found, change, transformation_ctx):
    """The frame with all values of the found columns changed."""
    df = frame.toDF()
    quoted = {name: F.col("`" + name.replace("`", "``") + "`") for name in df.columns}
    columns = [(change(column) if name in found else column).alias(name) for name, column in quoted.items()]
    return DynamicFrame.fromDF(df.select(*columns), glueContext, transformation_ctx)


def _tell_columns(found, transformation_ctx):
    """A row for each column that was found."""
    kinds = "columnName string, entityTypes array<string>"
    return DynamicFrame.fromDF(spark.createDataFrame(list(found.items()), kinds), glueContext, transformation_ctx)
"#;

/// The lines of a node.
pub(super) fn statements(pii: &Pii, names: &Names<'_>) -> Result<String, String> {
    let (own, input, context) = (names.own()?, names.input(0)?, names.context());
    let entities = pii.entities.iter().map(|entity| entity.name());
    match &pii.scope {
        PiiScope::Columns { sample, threshold } => {
            let then = match &pii.action {
                PiiAction::Audit => format!("_tell_columns({own}, {context})"),
                PiiAction::Mask(mask) => {
                    format!(
                        "_change_columns({input}, {own}, lambda column: F.lit({}), {context})",
                        text(mask)
                    )
                }
                PiiAction::Hash => {
                    format!("_change_columns({input}, {own}, lambda column: F.sha2(column, 256), {context})")
                }
                PiiAction::Partial { .. } => return Err("columns are not masked in part".to_owned()),
            };
            Ok(format!(
                "{own} = EntityDetector().classify_columns({input}, {}, {sample:?}, {threshold:?})\n{own} = {then}\n",
                texts(entities)
            ))
        }
        PiiScope::Rows { output } => {
            // `detect` always tells what it has found.
            let aside = format!("{own}_found");
            let column = text(output.as_deref().unwrap_or(&aside));
            let actions = list([action(&pii.action)]);
            let wanted = match &pii.action {
                PiiAction::Audit => texts(entities),
                _ => dictionary(entities.map(|entity| (entity, actions.clone()))),
            };
            let mut lines = format!("{own} = EntityDetector().detect({input}, {wanted}, {column})\n");
            if output.is_none() {
                lines.push_str(&format!(
                    "{own} = DropFields.apply(frame={own}, paths=[{column}], transformation_ctx={context})\n"
                ));
            }
            Ok(lines)
        }
    }
}

/// An action as `detect` takes it.
fn action(action: &PiiAction) -> String {
    let (name, options) = match action {
        PiiAction::Audit => ("DETECT", Vec::new()),
        PiiAction::Mask(mask) => ("REDACT", vec![("redactText", text(mask))]),
        PiiAction::Hash => ("SHA256_HASH", Vec::new()),
        PiiAction::Partial { with, left, right, pattern } => {
            let mut options = vec![("redactChar", text(&with.to_string()))];
            match pattern {
                Some(pattern) => options.push(("matchPattern", text(pattern))),
                None => options.extend([
                    ("numLeftCharsToExclude", left.to_string()),
                    ("numRightCharsToExclude", right.to_string()),
                ]),
            }
            ("PARTIAL_REDACT", options)
        }
    };
    dictionary([("action", text(name)), ("actionOptions", dictionary(options))])
}
