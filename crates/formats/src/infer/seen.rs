//! What was seen of a column's values beyond what its type says: where no value was, the type is a guess.

use serde::{Deserialize, Serialize};

use super::elements::as_elements_of;
use super::merge_types;
use crate::hive::HiveType;

/// What was seen at one place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seen {
    /// Values of the type.
    #[default]
    Values,
    /// Numbers of which a `double` loses digits: whole ones beyond 2^53, decimals of more than 15 digits. In files that carry their
    /// types: numbers of which nothing says that it does not.
    Wide,
    /// No value at all, so that the type is a guess that yields to what another file says.
    Nothing,
    /// Objects without members: they are text until another file says what they hold.
    Objects,
    /// An array's items, or a map's values.
    Items(Box<Seen>),
    /// Members of a structure; of those that are not here values were seen.
    Members(Vec<(String, Seen)>),
    /// Values of several types, so that the type is text: at least two, in the order they came. Glue's dynamic frames call
    /// that a choice.
    Choice(#[serde(with = "texts")] Vec<HiveType>),
}

/// Types as the catalog writes them.
mod texts {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::HiveType;

    pub(super) fn serialize<S: Serializer>(types: &[HiveType], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(types.iter().map(HiveType::to_string))
    }

    /// Without those that do not read back: names of fields may hold anything, and what was seen is for remarks.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<HiveType>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        Ok(texts.iter().filter_map(|text| text.parse().ok()).collect())
    }
}

static VALUES: Seen = Seen::Values;

impl Seen {
    /// Whether the whole type is a guess.
    pub fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }

    /// What was seen of an array's items, or of a map's values.
    pub fn items(&self) -> &Self {
        match self {
            Self::Items(items) => items,
            _ => &VALUES,
        }
    }

    /// Calls `each` with every place at and below `name` whose values are of several types, and these types.
    pub fn each_choice(&self, name: &str, each: &mut impl FnMut(&str, &[HiveType])) {
        match self {
            Self::Choice(types) => each(name, types),
            Self::Items(items) => items.each_choice(&format!("{name}[]"), each),
            Self::Members(members) => {
                members.iter().for_each(|(member, seen)| seen.each_choice(&format!("{name}.{member}"), each));
            }
            Self::Values | Self::Wide | Self::Nothing | Self::Objects => {}
        }
    }

    /// What was seen of a structure's member.
    pub fn member(&self, name: &str) -> &Self {
        let Self::Members(members) = self else { return &VALUES };
        let found = members.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map_or(&VALUES, |(_, seen)| seen)
    }

    /// Values, where there were any.
    pub(crate) fn of_any(any: bool) -> Self {
        if any { Self::Values } else { Self::Nothing }
    }

    /// Of values of these types, each of which is text or what text alone has in common with the others.
    pub(crate) fn of_choice(types: impl IntoIterator<Item = HiveType>) -> Self {
        let mut all: Vec<HiveType> = Vec::new();
        for ty in types {
            match all.iter_mut().find(|one| **one == ty || merge_types(one, &ty) != HiveType::String) {
                Some(one) => *one = merge_types(one, &ty),
                None => all.push(ty),
            }
        }
        if all.len() < 2 { Self::Values } else { Self::Choice(all) }
    }

    /// Of an array with such items, or a map with such values.
    pub(crate) fn of_items(items: Self) -> Self {
        if items == Self::Values { Self::Values } else { Self::Items(Box::new(items)) }
    }

    /// Of a structure with such members.
    pub(crate) fn of_members(members: impl IntoIterator<Item = (String, Self)>) -> Self {
        let told: Vec<(String, Self)> =
            members.into_iter().filter(|(_, seen)| *seen != Self::Values).collect();
        if told.is_empty() { Self::Values } else { Self::Members(told) }
    }
}

/// The narrowest type that holds the values of both, as [`merge_types`] finds it, with guesses yielding to what was seen; and
/// what was seen of it. `value_tag`: of XML, what the text of elements is called that have more than text; such files say
/// together what one file with the elements of both would. `None` of other formats.
pub fn merge_seen(a: (&HiveType, &Seen), b: (&HiveType, &Seen), value_tag: Option<&str>) -> (HiveType, Seen) {
    use HiveType as T;
    let own = |(ty, seen): (&HiveType, &Seen)| (ty.clone(), seen.clone());
    let has_members = |ty: &HiveType| matches!(ty, T::Struct(_) | T::Map(..));
    match (a.1, b.1) {
        _ if a == b => return own(a),
        (_, Seen::Nothing) => return own(a),
        (Seen::Nothing, _) => return own(b),
        (Seen::Objects, _) if has_members(b.0) => return own(b),
        (_, Seen::Objects) if has_members(a.0) => return own(a),
        _ => {}
    }
    if let Some(tag) = value_tag {
        if let Some((ty, seen)) = as_elements_of(a.0, b, tag) {
            return merge_seen(a, (&ty, &seen), value_tag);
        }
        if let Some((ty, seen)) = as_elements_of(b.0, a, tag) {
            // The names come in the order of the one that has more of them.
            return merge_seen(b, (&ty, &seen), value_tag);
        }
    }
    match (a.0, b.0) {
        (T::Array(x), T::Array(y)) => {
            let (item, seen) = merge_seen((x, a.1.items()), (y, b.1.items()), value_tag);
            (T::Array(Box::new(item)), Seen::of_items(seen))
        }
        (T::Map(k, x), T::Map(l, y)) => {
            let (value, seen) = merge_seen((x, a.1.items()), (y, b.1.items()), value_tag);
            (T::Map(Box::new(merge_types(k, l)), Box::new(value)), Seen::of_items(seen))
        }
        (T::Struct(x), T::Struct(y)) => merge_members((x, a.1), (y, b.1), value_tag),
        (x, y) => {
            let ty = merge_types(x, y);
            let is_wide = *a.1 == Seen::Wide || *b.1 == Seen::Wide;
            let seen = match ty {
                T::BigInt | T::Decimal(..) | T::Double if is_wide => Seen::Wide,
                T::String => Seen::of_choice(types_of(a).iter().chain(types_of(b)).cloned()),
                _ => Seen::Values,
            };
            (ty, seen)
        }
    }
}

/// The types of values at a place.
fn types_of<'a>((ty, seen): (&'a HiveType, &'a Seen)) -> &'a [HiveType] {
    match seen {
        Seen::Choice(types) => types,
        _ => std::slice::from_ref(ty),
    }
}

fn merge_members(
    (x, of_x): (&[(String, HiveType)], &Seen),
    (y, of_y): (&[(String, HiveType)], &Seen),
    value_tag: Option<&str>,
) -> (HiveType, Seen) {
    let (mut merged, mut told) = (Vec::with_capacity(x.len()), Vec::new());
    for (name, ty) in x {
        let own = (ty, of_x.member(name));
        let other = y.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        let (ty, seen) = match other {
            Some((_, theirs)) => merge_seen(own, (theirs, of_y.member(name)), value_tag),
            None => (own.0.clone(), own.1.clone()),
        };
        merged.push((name.clone(), ty));
        told.push((name.clone(), seen));
    }
    for (name, ty) in y.iter().filter(|(name, _)| !x.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))) {
        merged.push((name.clone(), ty.clone()));
        told.push((name.clone(), of_y.member(name).clone()));
    }
    (HiveType::Struct(merged), Seen::of_members(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(seen: Seen) -> Seen {
        Seen::of_items(seen)
    }

    fn member(name: &str, seen: Seen) -> Seen {
        Seen::of_members([(name.to_owned(), seen)])
    }

    fn choice(types: &[&str]) -> Seen {
        Seen::Choice(types.iter().map(|ty| ty.parse().unwrap()).collect())
    }

    /// As a set: which came first is the order of the files.
    fn sorted(seen: Seen) -> Seen {
        match seen {
            Seen::Choice(mut types) => {
                types.sort_by_key(ToString::to_string);
                Seen::Choice(types)
            }
            Seen::Items(one) => items(sorted(*one)),
            other => other,
        }
    }

    #[test]
    fn guesses_yield_to_what_was_seen() {
        for (a, of_a, b, of_b, wanted, of_wanted) in [
            ("string", Seen::Nothing, "int", Seen::Values, "int", Seen::Values),
            ("array<string>", items(Seen::Nothing), "array<int>", Seen::Values, "array<int>", Seen::Values),
            (
                "array<string>",
                Seen::Values,
                "array<int>",
                Seen::Values,
                "array<string>",
                items(choice(&["string", "int"])),
            ),
            (
                "struct<a:string>",
                member("a", Seen::Nothing),
                "struct<a:int,b:string>",
                member("b", Seen::Nothing),
                "struct<a:int,b:string>",
                member("b", Seen::Nothing),
            ),
            (
                "map<int,string>",
                items(Seen::Nothing),
                "map<bigint,int>",
                Seen::Values,
                "map<bigint,int>",
                Seen::Values,
            ),
            (
                "map<string,array<string>>",
                items(items(Seen::Nothing)),
                "map<string,string>",
                items(Seen::Nothing),
                "map<string,array<string>>",
                items(items(Seen::Nothing)),
            ),
            ("string", Seen::Objects, "struct<a:int>", Seen::Values, "struct<a:int>", Seen::Values),
            ("string", Seen::Objects, "int", Seen::Values, "string", choice(&["string", "int"])),
            ("string", Seen::Objects, "string", Seen::Nothing, "string", Seen::Objects),
            (
                "array<string>",
                items(Seen::Objects),
                "array<struct<a:int>>",
                Seen::Values,
                "array<struct<a:int>>",
                Seen::Values,
            ),
            ("bigint", Seen::Wide, "double", Seen::Values, "double", Seen::Wide),
            ("bigint", Seen::Wide, "string", Seen::Values, "string", choice(&["bigint", "string"])),
            (
                "string",
                choice(&["int", "string"]),
                "bigint",
                Seen::Values,
                "string",
                choice(&["bigint", "string"]),
            ),
            (
                "string",
                choice(&["int", "boolean"]),
                "string",
                Seen::Nothing,
                "string",
                choice(&["int", "boolean"]),
            ),
            ("bigint", Seen::Wide, "int", Seen::Values, "bigint", Seen::Wide),
            ("bigint", Seen::Wide, "decimal(20,0)", Seen::Values, "decimal(20,0)", Seen::Wide),
            ("decimal(38,2)", Seen::Wide, "double", Seen::Values, "double", Seen::Wide),
        ] {
            let (a, b): (HiveType, HiveType) = (a.parse().unwrap(), b.parse().unwrap());
            let (a, b) = ((&a, &of_a), (&b, &of_b));
            let both = [merge_seen(a, b, None), merge_seen(b, a, None)];
            for (ty, seen) in both {
                let found = (ty.to_string().to_lowercase(), sorted(seen));
                assert_eq!(found, (wanted.to_owned(), sorted(of_wanted.clone())));
            }
        }
    }
}
