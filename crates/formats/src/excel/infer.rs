//! The columns of a sheet, from all its cells.

use std::sync::Arc;

use super::sheet::load;
use crate::compression::Compression;
use crate::error::FormatError;
use crate::hive::HiveType;
use crate::infer::{InferOptions, Inferred, InferredField, Seen, merge_types};
use crate::options::{ExcelOptions, Format};
use crate::source::ByteSource;

pub(crate) async fn infer(
    source: Arc<dyn ByteSource>,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    let stated = match &options.format {
        Some(Format::Excel(excel)) => excel.clone(),
        _ => ExcelOptions::default(),
    };
    let sheet = load(&source, &stated).await?;
    let mut types: Vec<Option<HiveType>> = vec![None; sheet.names.len()];
    let mut filled = vec![0; sheet.names.len()];
    for (_, cells) in &sheet.rows {
        for (column, cell) in cells.iter().enumerate() {
            let Some(cell) = cell else { continue };
            filled[column] += 1;
            types[column] = Some(match &types[column] {
                None => cell.kind.ty(),
                Some(known) => merged(known, &cell.kind.ty()),
            });
        }
    }
    let fields = sheet.names.iter().zip(types).zip(&filled);
    let fields = fields.map(|((name, ty), filled)| InferredField {
        name: options.spelling(name),
        seen: Seen::of_any(ty.is_some()),
        ty: ty.unwrap_or(HiveType::String),
        nullable: *filled < sheet.rows.len(),
    });
    let format = ExcelOptions { header: Some(sheet.header), ..stated };
    Ok(Inferred {
        format: Format::Excel(format),
        compression: Compression::None,
        fields: fields.collect(),
        records: sheet.rows.len() as u64,
        record_bytes: source.size(),
        complete: true,
        titled: None,
        quoted: false,
        backslashes: false,
        unseen: 0,
        certainty: 1.0,
        problems: Vec::new(),
    })
}

fn merged(a: &HiveType, b: &HiveType) -> HiveType {
    match (a, b) {
        (HiveType::Date, HiveType::Timestamp) | (HiveType::Timestamp, HiveType::Date) => HiveType::Timestamp,
        _ => merge_types(a, b),
    }
}
