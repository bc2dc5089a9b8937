//! Merging the types that different values or files give one column.

use crate::error::{FormatError, Problem};
use crate::hive::HiveType;

/// The narrowest type of ours that holds the values of both; `string` when there is nothing closer.
pub fn merge_types(a: &HiveType, b: &HiveType) -> HiveType {
    use HiveType as T;
    if a == b {
        return a.clone();
    }
    match (a, b) {
        (T::Array(x), T::Array(y)) => T::Array(Box::new(merge_types(x, y))),
        (T::Map(k, v), T::Map(l, w)) => T::Map(Box::new(merge_types(k, l)), Box::new(merge_types(v, w))),
        (T::Struct(x), T::Struct(y)) => T::Struct(merge_fields(x, y)),
        // Text is bytes; bytes need not be text.
        (T::Binary, T::String | T::Char(_) | T::Varchar(_))
        | (T::String | T::Char(_) | T::Varchar(_), T::Binary) => T::Binary,
        _ => match (integer_rank(a), integer_rank(b)) {
            (Some(x), Some(y)) => {
                if x >= y {
                    a.clone()
                } else {
                    b.clone()
                }
            }
            (x, y) if (x.is_some() || is_floating(a)) && (y.is_some() || is_floating(b)) => T::Double,
            _ => merge_decimals(a, b).unwrap_or(T::String),
        },
    }
}

/// Whether a `double` loses digits of this whole number.
pub(super) fn is_beyond_double(number: i64) -> bool {
    number as f64 as i128 != i128::from(number)
}

/// The remark on a column of `double` with numbers that it does not hold.
pub(super) fn inexact(source: &str, column: String) -> FormatError {
    let message =
        "it is double, and some of its numbers are not: whole numbers beyond 2^53 lose digits, those beyond \
                   1.8e308 read as Infinity"
            .to_owned();
    let mut error = FormatError::new(source, Problem::Schema { message });
    error.place.column = Some(column);
    error
}

fn merge_fields(a: &[(String, HiveType)], b: &[(String, HiveType)]) -> Vec<(String, HiveType)> {
    let mut merged = a.to_vec();
    for (name, ty) in b {
        match merged.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            Some((_, known)) => *known = merge_types(known, ty),
            None => merged.push((name.clone(), ty.clone())),
        }
    }
    merged
}

fn integer_rank(ty: &HiveType) -> Option<u8> {
    match ty {
        HiveType::TinyInt => Some(0),
        HiveType::SmallInt => Some(1),
        HiveType::Int => Some(2),
        HiveType::BigInt => Some(3),
        _ => None,
    }
}

fn is_floating(ty: &HiveType) -> bool {
    matches!(ty, HiveType::Float | HiveType::Double)
}

fn merge_decimals(a: &HiveType, b: &HiveType) -> Option<HiveType> {
    if (is_floating(a) && matches!(b, HiveType::Decimal(..)))
        || (is_floating(b) && matches!(a, HiveType::Decimal(..)))
    {
        return Some(HiveType::Double);
    }
    let ((p, s), (q, t)) = (as_decimal(a)?, as_decimal(b)?);
    let scale = s.max(t);
    let precision = (p - s).max(q - t) + scale;
    (precision <= 38).then_some(HiveType::Decimal(precision, scale))
}

fn as_decimal(ty: &HiveType) -> Option<(u8, u8)> {
    match ty {
        HiveType::Decimal(precision, scale) => Some((*precision, *scale)),
        HiveType::TinyInt => Some((3, 0)),
        HiveType::SmallInt => Some((5, 0)),
        HiveType::Int => Some((10, 0)),
        HiveType::BigInt => Some((19, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widening() {
        let merge = |a: &str, b: &str| merge_types(&a.parse().unwrap(), &b.parse().unwrap()).to_string();
        assert_eq!(merge("int", "bigint"), "bigint");
        assert_eq!(merge("bigint", "double"), "double");
        assert_eq!(merge("bigint", "string"), "string");
        assert_eq!(merge("boolean", "int"), "string");
        assert_eq!(merge("decimal(10,2)", "int"), "decimal(12,2)");
        assert_eq!(merge("decimal(38,0)", "decimal(38,10)"), "string");
        assert_eq!(merge("array<int>", "array<double>"), "array<double>");
        assert_eq!(merge("struct<a:int>", "struct<b:string,a:double>"), "struct<a:double,b:string>");
        assert_eq!(merge("struct<a:int>", "string"), "string");
    }
}
