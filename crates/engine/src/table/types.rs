//! Types that a partition's columns have of their own.
//!
//! Files are read as the table's types. Where a value that does not fit is NULL to the format, a partition of wider values
//! would lose them unseen: such a partition is refused, as by Athena.

use catalog::Column;
use formats::{Format, Malformed, hive::HiveType};

/// A column of a partition whose values the table's type does not hold.
pub(super) struct Narrower {
    pub(super) column: String,
    pub(super) own: HiveType,
    pub(super) wanted: HiveType,
}

/// The first of a partition's columns whose values may be lost in the column of its name of the table.
pub(super) fn narrower(format: &Format, own: &[Column], table: &[Column]) -> Option<Narrower> {
    if !loses_unseen(format) {
        return None;
    }
    own.iter().find_map(|column| {
        let wanted = table.iter().find(|wanted| wanted.name.eq_ignore_ascii_case(&column.name))?;
        // A type that is none is the table's affair; that of a partition says nothing.
        let (own, wanted): (HiveType, HiveType) =
            (column.hive_type().parse().ok()?, wanted.hive_type().parse().ok()?);
        (!holds(&wanted, &own)).then(|| Narrower { column: column.name.to_lowercase(), own, wanted })
    })
}

/// Whether what does not fit a column's type is NULL.
fn loses_unseen(format: &Format) -> bool {
    match format {
        Format::Csv(csv) => csv.malformed == Malformed::Null,
        Format::Lines(lines) => lines.malformed == Malformed::Null,
        Format::Json(json) => json.malformed_value == Malformed::Null,
        Format::Parquet(_)
        | Format::Avro(_)
        | Format::Orc(_)
        | Format::Excel(_)
        | Format::Xml(_)
        | Format::Ion(_) => false,
    }
}

/// Whether every value of type `own` is one of type `wanted`; of text, nobody knows.
fn holds(wanted: &HiveType, own: &HiveType) -> bool {
    use HiveType as H;
    match (wanted, own) {
        _ if wanted == own => true,
        (_, H::String | H::Char(_) | H::Varchar(_)) | (H::String | H::Char(_) | H::Varchar(_), _) => true,
        (H::Array(wanted), H::Array(own)) => holds(wanted, own),
        (H::Map(key, value), H::Map(own_key, own_value)) => holds(key, own_key) && holds(value, own_value),
        // In text, fields go by their places; one more is not read, one less is NULL.
        (H::Struct(wanted), H::Struct(own)) => {
            wanted.iter().zip(own).all(|((_, wanted), (_, own))| holds(wanted, own))
        }
        (H::Float | H::Double, H::Float | H::Double | H::Decimal(..)) => true,
        (H::Float | H::Double, own) => used(own).is_some(),
        (H::Timestamp, H::Date) => true,
        _ => match (held(wanted), used(own)) {
            (Some((whole, fraction)), Some((own_whole, own_fraction))) => {
                whole >= own_whole && fraction >= own_fraction
            }
            _ => false,
        },
    }
}

/// Of an exact type, the digits in front of the point and behind it of which it holds all numbers.
fn held(ty: &HiveType) -> Option<(u8, u8)> {
    match ty {
        HiveType::TinyInt => Some((2, 0)),
        HiveType::SmallInt => Some((4, 0)),
        HiveType::Int => Some((9, 0)),
        HiveType::BigInt => Some((18, 0)),
        other => used(other),
    }
}

/// The digits that its longest numbers have.
fn used(ty: &HiveType) -> Option<(u8, u8)> {
    match ty {
        HiveType::TinyInt => Some((3, 0)),
        HiveType::SmallInt => Some((5, 0)),
        HiveType::Int => Some((10, 0)),
        HiveType::BigInt => Some((19, 0)),
        HiveType::Decimal(precision, scale) => Some((precision.saturating_sub(*scale), *scale)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_hold_others() {
        let holds =
            |wanted: &str, own: &str| holds(&wanted.parse().expect("type"), &own.parse().expect("type"));
        for (wanted, own) in [
            ("bigint", "int"),
            ("double", "bigint"),
            ("double", "float"),
            ("string", "struct<a:int>"),
            ("int", "string"),
            ("decimal(12,2)", "decimal(10,2)"),
            ("decimal(10,0)", "int"),
            ("timestamp", "date"),
            ("array<bigint>", "array<int>"),
            ("struct<a:bigint>", "struct<b:int,c:int>"),
        ] {
            assert!(holds(wanted, own), "{own} as {wanted}");
        }
        for (wanted, own) in [
            ("int", "bigint"),
            ("bigint", "double"),
            ("boolean", "int"),
            ("decimal(10,2)", "decimal(10,3)"),
            ("decimal(9,0)", "int"),
            ("int", "decimal(10,0)"),
            ("date", "timestamp"),
            ("array<int>", "array<bigint>"),
            ("map<string,int>", "map<string,double>"),
            ("int", "array<int>"),
        ] {
            assert!(!holds(wanted, own), "{own} as {wanted}");
        }
    }
}
