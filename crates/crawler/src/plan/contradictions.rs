//! Nested columns of files that say their own types, and contradict each other there.
//!
//! A table has one type per column. Where scalars differ, values are converted as they are read; within arrays, maps and
//! structs they are not, so that a query on such a column refuses the files that have another type than the table. Nor are bytes that
//! are no text, where text stands for them and for numbers.

use std::collections::HashMap;

use formats::InferredField;
use formats::hive::HiveType;

/// The columns of `merged` in which text stands for what `one` has more of than text, below the top or instead of
/// something nested or of bytes.
pub(super) fn of<'a>(
    one: &'a [InferredField],
    merged: &'a [InferredField],
) -> impl Iterator<Item = String> + 'a {
    let merged: HashMap<&str, &HiveType> =
        merged.iter().map(|field| (field.name.as_str(), &field.ty)).collect();
    // Bytes are read as text where text stands for both: those that are none fail the query.
    let told = one
        .iter()
        .filter(|field| !field.seen.is_nothing() && (is_nested(&field.ty) || field.ty == HiveType::Binary));
    let lost =
        told.filter(move |field| merged.get(field.name.as_str()).is_some_and(|now| is_lost(&field.ty, now)));
    lost.map(|field| field.name.clone())
}

fn is_nested(ty: &HiveType) -> bool {
    matches!(ty, HiveType::Array(_) | HiveType::Map(..) | HiveType::Struct(_))
}

/// Whether a type was given up for text.
fn is_lost(was: &HiveType, is: &HiveType) -> bool {
    match (was, is) {
        (HiveType::Array(was), HiveType::Array(is)) => is_lost(was, is),
        (HiveType::Map(key, value), HiveType::Map(now, then)) => is_lost(key, now) || is_lost(value, then),
        (HiveType::Struct(was), HiveType::Struct(is)) => was.iter().any(|(name, ty)| {
            let now = is.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            now.is_some_and(|(_, now)| is_lost(ty, now))
        }),
        (HiveType::String | HiveType::Char(_) | HiveType::Varchar(_), _) => false,
        (_, is) => *is == HiveType::String,
    }
}

#[cfg(test)]
mod tests {
    use formats::{Seen, merge_types};

    use super::*;

    fn field(ty: &HiveType) -> Vec<InferredField> {
        vec![InferredField { name: "c".to_owned(), ty: ty.clone(), nullable: true, seen: Seen::Values }]
    }

    #[test]
    fn nested_types_that_no_type_holds_are_told() {
        for (a, b, told) in [
            ("struct<x:int>", "struct<x:string>", true),
            ("array<struct<x:int,y:date>>", "array<struct<X:array<int>>>", true),
            ("map<string,int>", "map<string,boolean>", true),
            ("struct<x:int>", "array<int>", true),
            ("array<int>", "string", true),
            ("struct<x:int>", "struct<x:bigint,y:string>", false),
            ("array<float>", "array<double>", false),
            ("array<varchar(3)>", "array<string>", false),
            ("int", "string", false),
            ("binary", "int", true),
            ("binary", "string", false),
        ] {
            let (a, b): (HiveType, HiveType) = (a.parse().unwrap(), b.parse().unwrap());
            let merged = field(&merge_types(&a, &b));
            let (a, b) = (field(&a), field(&b));
            assert_eq!(of(&a, &merged).chain(of(&b, &merged)).next().is_some(), told, "{a:?} {b:?}");
        }
    }
}
