//! Types of which one holds what the other does not: a union of both.

use super::{Seen, merge_seen};
use crate::hive::HiveType;

/// The type of values of both types, where values of different types stay what they are: integers become the larger of the two,
/// structures have the members of both, and others a union, in the order they came. What was only guessed yields.
pub fn merge_unions(a: (&HiveType, &Seen), b: (&HiveType, &Seen)) -> (HiveType, Seen) {
    use HiveType as T;
    match (a, b) {
        (_, (_, Seen::Nothing)) => (a.0.clone(), a.1.clone()),
        ((_, Seen::Nothing), _) => (b.0.clone(), b.1.clone()),
        ((T::Struct(_), _), (_, Seen::Objects)) => (a.0.clone(), a.1.clone()),
        ((_, Seen::Objects), (T::Struct(_), _)) => (b.0.clone(), b.1.clone()),
        ((T::Array(x), _), (T::Array(y), _)) => {
            let (item, seen) = merge_unions((x, a.1.items()), (y, b.1.items()));
            (T::Array(Box::new(item)), Seen::of_items(seen))
        }
        ((T::Struct(x), _), (T::Struct(y), _)) => members((x, a.1), (y, b.1)),
        (x, y) if is_integer(x.0) && is_integer(y.0) => merge_seen(x, y, None),
        (x, y) if x.0 == y.0 => (x.0.clone(), if x.1 == y.1 { x.1.clone() } else { Seen::Values }),
        (x, y) => (union(x.0, y.0), Seen::Values),
    }
}

fn is_integer(ty: &HiveType) -> bool {
    matches!(ty, HiveType::TinyInt | HiveType::SmallInt | HiveType::Int | HiveType::BigInt)
}

fn members(
    (x, of_x): (&[(String, HiveType)], &Seen),
    (y, of_y): (&[(String, HiveType)], &Seen),
) -> (HiveType, Seen) {
    let mut merged: Vec<(String, HiveType)> = Vec::new();
    let mut told = Vec::new();
    for (name, ty) in x {
        let own = (ty, of_x.member(name));
        let other = y.iter().find(|(other, _)| other == name);
        let (ty, seen) = match other {
            Some((_, theirs)) => merge_unions(own, (theirs, of_y.member(name))),
            None => (ty.clone(), own.1.clone()),
        };
        merged.push((name.clone(), ty));
        told.push((name.clone(), seen));
    }
    for (name, ty) in y.iter().filter(|(name, _)| !x.iter().any(|(own, _)| own == name)) {
        merged.push((name.clone(), ty.clone()));
        told.push((name.clone(), of_y.member(name).clone()));
    }
    (HiveType::Struct(merged), Seen::of_members(told))
}

fn union(a: &HiveType, b: &HiveType) -> HiveType {
    let mut types: Vec<HiveType> = Vec::new();
    for ty in types_of(a).iter().chain(types_of(b)) {
        let is_alike =
            |one: &HiveType| one.frame_name() == ty.frame_name() || (is_integer(one) && is_integer(ty));
        match types.iter_mut().find(|one| is_alike(one)) {
            Some(one) => *one = merge_unions((one, &Seen::Values), (ty, &Seen::Values)).0,
            None => types.push(ty.clone()),
        }
    }
    match types.len() {
        1 => types.remove(0),
        _ => HiveType::Union(types),
    }
}

fn types_of(ty: &HiveType) -> &[HiveType] {
    match ty {
        HiveType::Union(types) => types,
        one => std::slice::from_ref(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(a: &str, b: &str) -> String {
        let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
        merge_unions((&a, &Seen::Values), (&b, &Seen::Values)).0.to_string()
    }

    #[test]
    fn what_is_alike_stays_one_type() {
        for (a, b, wanted) in [
            ("int", "bigint", "bigint"),
            ("int", "double", "uniontype<int,double>"),
            ("string", "int", "uniontype<string,int>"),
            ("uniontype<int,string>", "uniontype<bigint,boolean>", "uniontype<bigint,string,boolean>"),
            ("string", "uniontype<int,string>", "uniontype<string,int>"),
            ("struct<a:int>", "struct<a:string,b:int>", "struct<a:uniontype<int,string>,b:int>"),
            ("array<int>", "array<double>", "array<uniontype<int,double>>"),
            ("uniontype<int,array<int>>", "array<string>", "uniontype<int,array<uniontype<int,string>>>"),
        ] {
            assert_eq!(merged(a, b), wanted, "{a} and {b}");
        }
        let (int, text) = (HiveType::Int, HiveType::String);
        assert_eq!(merge_unions((&text, &Seen::Nothing), (&int, &Seen::Values)), (int, Seen::Values));
    }
}
