//! Elements of XML that are one thing in one file and another in the next: a file says neither that an element may come
//! several times, nor that it may have attributes and elements, before it does.

use super::Seen;
use crate::hive::HiveType;

/// What a column or member is in a file, and what was seen of it, where `table` says more of its elements: as it is read
/// there. One element where several may be is an array of one; text where attributes and elements may be is the member
/// `value_tag`. `None`: it stays as it is.
pub fn as_elements_of(
    table: &HiveType,
    (ty, seen): (&HiveType, &Seen),
    value_tag: &str,
) -> Option<(HiveType, Seen)> {
    use HiveType as T;
    let (ty_of, seen_of) = (ty.clone(), seen.clone());
    match (table, ty) {
        (T::Array(_), T::Array(_)) => None,
        (T::Array(_), _) => Some((T::Array(Box::new(ty_of)), Seen::of_items(seen_of))),
        (T::Struct(_), T::Array(_) | T::Map(..) | T::Struct(_) | T::Union(_)) => None,
        (T::Struct(_), _) => {
            let tag = value_tag.to_owned();
            Some((T::Struct(vec![(tag.clone(), ty_of)]), Seen::of_members([(tag, seen_of)])))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::merge_seen;

    fn member(name: &str, seen: Seen) -> Seen {
        Seen::of_members([(name.to_owned(), seen)])
    }

    #[test]
    fn files_say_together_what_one_with_all_their_elements_would() {
        for (a, of_a, b, of_b, wanted, of_wanted) in [
            ("int", Seen::Values, "array<int>", Seen::Values, "array<int>", Seen::Values),
            ("int", Seen::Wide, "array<double>", Seen::Values, "array<double>", Seen::of_items(Seen::Wide)),
            ("string", Seen::Nothing, "array<int>", Seen::Values, "array<int>", Seen::Values),
            ("int", Seen::Values, "array<string>", Seen::of_items(Seen::Nothing), "array<int>", Seen::Values),
            (
                "bigint",
                Seen::Wide,
                "struct<_x:int,_value:double>",
                Seen::Values,
                "struct<_x:int,_value:double>",
                member("_value", Seen::Wide),
            ),
            ("string", Seen::Nothing, "struct<p:int>", Seen::Values, "struct<p:int>", Seen::Values),
            (
                "string",
                Seen::Values,
                "struct<p:int>",
                Seen::Values,
                "struct<p:int,_value:string>",
                Seen::Values,
            ),
            (
                "string",
                Seen::Values,
                "array<struct<p:int>>",
                Seen::Values,
                "array<struct<p:int,_value:string>>",
                Seen::Values,
            ),
            (
                "struct<s:struct<l:int>,t:int>",
                Seen::Values,
                "array<struct<s:struct<l:array<int>>,t:struct<_x:int>>>",
                Seen::Values,
                "array<struct<s:struct<l:array<int>>,t:struct<_x:int,_value:int>>>",
                Seen::Values,
            ),
        ] {
            let (a, b): (HiveType, HiveType) = (a.parse().unwrap(), b.parse().unwrap());
            let (a, b) = ((&a, &of_a), (&b, &of_b));
            for (ty, seen) in [merge_seen(a, b, Some("_value")), merge_seen(b, a, Some("_value"))] {
                assert_eq!((ty.to_string().as_str(), &seen), (wanted, &of_wanted));
            }
        }
    }

    #[test]
    fn other_formats_know_no_elements() {
        let (a, b): (HiveType, HiveType) = ("int".parse().unwrap(), "array<int>".parse().unwrap());
        let (ty, _) = merge_seen((&a, &Seen::Values), (&b, &Seen::Values), None);
        assert_eq!(ty, HiveType::String);
    }
}
