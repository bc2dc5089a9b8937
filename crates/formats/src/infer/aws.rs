//! Logs of AWS services in formats that are known anyway: CloudFront (tabs) and CloudTrail (JSON).
//!
//! Source: Athena User Guide, Querying AWS service logs.

use super::json::{self, Verdict};
use super::{InferOptions, Inferred, InferredField, Seen};
use crate::compression::Compression;
use crate::error::FormatError;
use crate::hive::HiveType;
use crate::input::Input;
use crate::options::{ColumnNames, CsvOptions, Format, JsonOptions};

/// Columns of CloudFront's logs that are no text.
const CLOUDFRONT_TYPES: &[(&str, HiveType)] = &[
    ("date", HiveType::Date),
    ("sc_bytes", HiveType::BigInt),
    ("sc_status", HiveType::Int),
    ("cs_bytes", HiveType::BigInt),
    ("time_taken", HiveType::Float),
    ("fle_encrypted_fields", HiveType::Int),
    ("c_port", HiveType::Int),
    ("time_to_first_byte", HiveType::Float),
    ("sc_content_len", HiveType::BigInt),
    ("sc_range_start", HiveType::BigInt),
    ("sc_range_end", HiveType::BigInt),
];
/// Members of CloudTrail's records that differ from event to event: AWS's table has them as text.
const CLOUDTRAIL_TEXT: [&str; 4] =
    ["requestparameters", "responseelements", "additionaleventdata", "serviceeventdetails"];
/// Where CloudTrail's records are.
const CLOUDTRAIL_PATH: &str = "$.Records[*]";

/// A log of CloudFront, which names its fields in its second line.
pub(super) fn cloudfront(input: &Input, compression: Compression) -> Option<Inferred> {
    let sample = std::str::from_utf8(input.pending()).ok();
    let sample = sample.filter(|text| text.starts_with("#Version:"))?;
    let mut lines = sample.split_inclusive('\n');
    lines.next()?;
    let names = lines.next()?.strip_prefix("#Fields:")?.split_whitespace().map(column_name);
    let names: Vec<String> = names.collect();
    if !names.iter().any(|name| name == "x_edge_location") {
        return None;
    }
    let ty = |name: &str| {
        let known = CLOUDFRONT_TYPES.iter().find(|(known, _)| *known == name);
        known.map_or(HiveType::String, |(_, ty)| ty.clone())
    };
    let fields = names.iter().map(|name| InferredField {
        name: name.clone(),
        ty: ty(name),
        nullable: true,
        seen: Seen::Values,
    });
    let records: Vec<&str> = lines.filter(|line| input.at_eof() || line.ends_with('\n')).collect();
    Some(Inferred {
        fields: fields.collect(),
        format: Format::Csv(CsvOptions {
            delimiter: b'\t',
            header_lines: 2,
            names: ColumnNames::Given(names),
            ..CsvOptions::lazy_simple(Vec::new())
        }),
        compression,
        records: records.len() as u64,
        record_bytes: records.iter().map(|line| line.len() as u64).sum(),
        complete: input.at_eof(),
        titled: None,
        quoted: false,
        backslashes: false,
        unseen: 0,
        certainty: 1.0,
        problems: Vec::new(),
    })
}

/// `cs(Referer)` is `cs_referrer`, as AWS's own table has it.
fn column_name(field: &str) -> String {
    let name = field.to_lowercase().replace(['-', '('], "_").replace(')', "");
    if name == "cs_referer" { "cs_referrer".to_owned() } else { name }
}

/// Looks again at JSON that was found to be documents of CloudTrail: its records are the rows.
pub(super) async fn cloudtrail(
    input: &mut Input,
    found: &Inferred,
    options: &InferOptions,
) -> Result<Option<Inferred>, FormatError> {
    let [InferredField { name, ty: HiveType::Array(item), .. }] = &found.fields[..] else { return Ok(None) };
    let HiveType::Struct(members) = &**item else { return Ok(None) };
    let has = |wanted: &str| members.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    if !name.eq_ignore_ascii_case("records")
        || !["eventversion", "eventsource", "eventname"].iter().all(|n| has(n))
    {
        return Ok(None);
    }
    let Ok(path) = CLOUDTRAIL_PATH.parse() else { return Ok(None) };
    let known = Format::Json(JsonOptions { path: Some(path), ..JsonOptions::default() });
    let again = InferOptions { format: Some(known.clone()), ..options.clone() };
    let Verdict::Json(mut inferred) = json::infer(input, found.compression, &again).await? else {
        return Ok(None);
    };
    for field in &mut inferred.fields {
        if CLOUDTRAIL_TEXT.iter().any(|text| field.name.eq_ignore_ascii_case(text)) {
            field.ty = HiveType::String;
        }
    }
    inferred.format = known;
    Ok(Some(*inferred))
}
