//! What the values of one place have been so far, learnt value by value: memory grows with names, not with values.

use std::collections::HashMap;
use std::ops::Range;

use crate::builder::value;
use crate::csv::names;
use crate::error::{FormatError, Problem};
use crate::hive::HiveType;
use crate::infer::types::{inexact, is_beyond_double};
use crate::infer::{InferOptions, InferredField, Seen, merge_types};
use crate::input::Input;
use crate::json::lex::{Failure, Parsed, Parser};

/// The most different names in one object. More are data rather than columns, and no table could be used.
pub(in crate::infer) const MAX_NAMES: usize = 10_000;

/// The values of one place.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::infer) enum Shape {
    #[default]
    Null,
    Bool,
    Int,
    BigInt,
    /// A `BigInt` with values of which a double loses digits.
    Wide,
    Double,
    /// A `Double` that does so, or has values beyond its range.
    Inexact,
    String,
    /// A scalar that JSON does not have, such as a timestamp.
    Other(HiveType),
    Array(Box<Shape>),
    Struct(Members),
    /// Values of several kinds: a shape of each, in the order they came. Of JSON, whole numbers and those with fractions are two
    /// kinds here; who does not ask for choices has them together as numbers.
    Choice(Vec<Shape>),
}

/// Kinds of values of which none is also one of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nothing,
    Bool,
    Number,
    Text,
    Moment,
    Bytes,
    Array,
    Struct,
    Several,
}

/// The members of objects of one place. Names that differ in case only are one, unless the reader tells them apart; it
/// keeps its first spelling.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::infer) struct Members {
    list: Vec<Member>,
    /// Places in `list` by the name, in lower case where that does not count.
    places: HashMap<String, usize>,
    /// Objects begun so far.
    objects: u64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::infer) struct Member {
    name: String,
    pub(in crate::infer) shape: Shape,
    /// The newest object that has it, by number; how it is spelled there, and where in the record its value is.
    pub(in crate::infer) object: u64,
    pub(in crate::infer) spelled: String,
    pub(in crate::infer) value: Range<usize>,
}

impl Members {
    /// Takes in the object at the parser's cursor. `each` hears of every member: its place, and whether it has a value.
    /// Errors: names that mean the same and have different values.
    pub(super) fn observe(
        &mut self,
        parser: &mut Parser<'_>,
        mut each: impl FnMut(usize, bool),
    ) -> Parsed<()> {
        let object = self.begin();
        parser.object(|parser, hint| {
            let place = self.place(&parser.name, parser.folds_case(), hint)?;
            each(place, parser.peek() != Some(b'n'));
            let member = &mut self.list[place];
            let before = (member.object == object)
                .then(|| (std::mem::take(&mut member.spelled), member.value.clone()));
            member.object = object;
            member.spelled.clone_from(&parser.name);
            let start = parser.position();
            observe(parser, &mut member.shape)?;
            member.value = start..parser.position();
            if let Some((first, value)) = before {
                const NULL: &[u8] = b"null";
                let old = parser.between(value.start, value.end);
                let new = parser.between(member.value.start, member.value.end);
                if new != NULL && old != NULL && old != new {
                    return Err(Failure::Repeated { first, second: member.spelled.clone() });
                }
                if new == NULL {
                    member.value = value;
                }
            }
            Ok(place + 1)
        })
    }

    /// Begins the next object; gives its number.
    pub(in crate::infer) fn begin(&mut self) -> u64 {
        self.objects += 1;
        self.objects
    }

    /// The member at a place that [`Self::place`] gave.
    pub(in crate::infer) fn member(&mut self, place: usize) -> &mut Member {
        &mut self.list[place]
    }

    /// The place of `name`, made when it is new. `hint` is tried first: objects repeat their order.
    pub(in crate::infer) fn place(&mut self, name: &str, fold: bool, hint: usize) -> Parsed<usize> {
        if self.list.get(hint).is_some_and(|member| member.name == name) {
            return Ok(hint);
        }
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        let key = if fold { name.to_lowercase() } else { name.to_owned() };
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        if self.list.len() == MAX_NAMES {
            return Err(Failure::TooWide { limit: MAX_NAMES });
        }
        self.places.insert(key, self.list.len());
        self.list.push(Member { name: name.to_owned(), ..Member::default() });
        Ok(self.list.len() - 1)
    }

    pub(in crate::infer) fn into_list(self) -> impl Iterator<Item = (String, Shape)> {
        self.list.into_iter().map(|member| (member.name, member.shape))
    }
}

impl Shape {
    fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::BigInt | Self::Wide | Self::Double | Self::Inexact)
    }

    /// Of numbers, whether they have no fractions.
    fn is_whole(&self) -> bool {
        matches!(self, Self::Int | Self::BigInt | Self::Wide)
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Nothing,
            Self::Bool => Kind::Bool,
            Self::Int | Self::BigInt | Self::Wide | Self::Double | Self::Inexact => Kind::Number,
            Self::String => Kind::Text,
            Self::Other(HiveType::Date | HiveType::Timestamp) => Kind::Moment,
            Self::Other(HiveType::Binary) => Kind::Bytes,
            Self::Other(_) => Kind::Number,
            Self::Array(_) => Kind::Array,
            Self::Struct(_) => Kind::Struct,
            Self::Choice(_) => Kind::Several,
        }
    }

    /// The shape of the values of one kind: `new` when there were none yet.
    pub(in crate::infer) fn branch(&mut self, new: Self) -> &mut Self {
        if *self == Self::Null {
            *self = new;
            return self;
        }
        if self.kind() == new.kind() {
            return self;
        }
        if !matches!(self, Self::Choice(_)) {
            *self = Self::Choice(vec![std::mem::take(self)]);
        }
        let Self::Choice(branches) = self else { return self };
        let at = branches.iter().position(|one| one.kind() == new.kind()).unwrap_or_else(|| {
            branches.push(new);
            branches.len() - 1
        });
        &mut branches[at]
    }

    /// What was seen beyond what the type says. Of an inexact number that is said already.
    fn seen(&self, options: &InferOptions) -> Seen {
        match self {
            Self::Null => Seen::Nothing,
            Self::Wide => Seen::Wide,
            Self::Array(item) => Seen::of_items(item.seen(options)),
            Self::Struct(members) if members.list.is_empty() => Seen::Objects,
            Self::Struct(members) => {
                let members =
                    members.list.iter().map(|member| (member.name.clone(), member.shape.seen(options)));
                Seen::of_members(members)
            }
            Self::Choice(_) if options.choices => Seen::Values,
            Self::Choice(branches) => match numbers(branches) {
                Some(numbers) => numbers.seen(options),
                None => Seen::of_choice(branches.iter().map(|one| hive(one.clone(), options))),
            },
            _ => Seen::Values,
        }
    }

    /// Calls `each` with the name of every place below `name` where a double loses something.
    fn each_inexact(&self, name: &str, each: &mut impl FnMut(String)) {
        match self {
            Self::Inexact => each(name.to_owned()),
            Self::Choice(branches) if numbers(branches) == Some(Self::Inexact) => each(name.to_owned()),
            Self::Array(item) => item.each_inexact(name, each),
            Self::Struct(members) => {
                for member in &members.list {
                    member.shape.each_inexact(&format!("{name}.{}", member.name), each);
                }
            }
            _ => {}
        }
    }
}

/// Learns from the value at the parser's cursor, and moves behind it.
pub(super) fn observe(parser: &mut Parser<'_>, known: &mut Shape) -> Parsed<()> {
    match parser.peek() {
        Some(b'{') => match known.branch(Shape::Struct(Members::default())) {
            Shape::Struct(members) => members.observe(parser, |_, _| {}),
            _ => parser.skip(),
        },
        Some(b'[') => match known.branch(Shape::Array(Box::default())) {
            Shape::Array(item) => parser.array(|parser| observe(parser, item)),
            _ => parser.skip(),
        },
        _ => {
            let start = parser.position();
            parser.skip()?;
            let seen = scalar(parser.between(start, parser.position()));
            *known = merge_apart(std::mem::take(known), seen);
            Ok(())
        }
    }
}

/// The shape of a string, number or word that the parser accepted.
fn scalar(text: &[u8]) -> Shape {
    match text.first() {
        Some(b'"') => Shape::String,
        Some(b't' | b'f') => Shape::Bool,
        Some(b'n') => Shape::Null,
        _ if text.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) => match value::float(text) {
            Some(number) if number.is_infinite() => Shape::Inexact,
            _ => Shape::Double,
        },
        _ => match value::int(text) {
            Some(i) if is_beyond_double(i) => Shape::Wide,
            Some(i) if i32::try_from(i).is_ok() => Shape::Int,
            Some(_) => Shape::BigInt,
            // Beyond bigint: text keeps every digit.
            None => Shape::String,
        },
    }
}

/// Merges a scalar's shape into what is known.
pub(in crate::infer) fn merge(known: Shape, seen: Shape) -> Shape {
    use Shape as S;
    match (known, seen) {
        (S::Null, other) | (other, S::Null) => other,
        (S::Int, S::Int) => S::Int,
        (S::Int | S::BigInt, S::Int | S::BigInt) => S::BigInt,
        (S::Int | S::BigInt | S::Wide, S::Int | S::BigInt | S::Wide) => S::Wide,
        (S::Int | S::BigInt | S::Double, S::Int | S::BigInt | S::Double) => S::Double,
        (known, seen) if known.is_number() && seen.is_number() => S::Inexact,
        (S::Choice(branches), seen) => merge_branch(branches, seen),
        (known, seen) if known.kind() != seen.kind() => S::Choice(vec![known, seen]),
        (known @ S::Other(_), other) | (known, other @ S::Other(_)) => merge_other(known, other),
        (known, _) => known,
    }
}

/// As [`merge`], with whole numbers and those with fractions kept apart.
fn merge_apart(known: Shape, seen: Shape) -> Shape {
    if !seen.is_number() {
        return merge(known, seen);
    }
    match known {
        Shape::Choice(mut branches) => {
            let is_alike = |one: &Shape| one.is_number() && one.is_whole() == seen.is_whole();
            match branches.iter_mut().find(|one| is_alike(one)) {
                Some(one) => *one = merge(std::mem::take(one), seen),
                None => branches.push(seen),
            }
            Shape::Choice(branches)
        }
        known if known.is_number() && known.is_whole() != seen.is_whole() => Shape::Choice(vec![known, seen]),
        known => merge(known, seen),
    }
}

/// The one shape of branches that are all numbers.
fn numbers(branches: &[Shape]) -> Option<Shape> {
    let all = branches.iter().all(Shape::is_number);
    branches.iter().filter(|_| all).cloned().reduce(merge)
}

/// The types of a choice, no two of one name; of a single one, that.
fn union(branches: Vec<Shape>, options: &InferOptions) -> HiveType {
    let mut types: Vec<HiveType> = Vec::new();
    for ty in branches.into_iter().map(|one| hive(one, options)) {
        if types.iter().all(|other| other.frame_name() != ty.frame_name()) {
            types.push(ty);
        }
    }
    match types.len() {
        1 => types.remove(0),
        _ => HiveType::Union(types),
    }
}

/// Merges a scalar's shape into the branch of its kind.
fn merge_branch(mut branches: Vec<Shape>, seen: Shape) -> Shape {
    let Some(at) = branches.iter().position(|one| one.kind() == seen.kind()) else {
        branches.push(seen);
        return Shape::Choice(branches);
    };
    let merged = merge(branches[at].clone(), seen);
    let is_there = |(other, one): (usize, &Shape)| other != at && one.kind() == merged.kind();
    if branches.iter().enumerate().any(is_there) {
        // Numbers that only text holds.
        branches.remove(at);
    } else {
        branches[at] = merged;
    }
    Shape::Choice(branches)
}

/// Merges scalars of one kind of which one is none of JSON's.
fn merge_other(known: Shape, seen: Shape) -> Shape {
    let scalar = |shape: Shape| match shape {
        Shape::Int => Some(HiveType::Int),
        Shape::BigInt | Shape::Wide => Some(HiveType::BigInt),
        Shape::Double | Shape::Inexact => Some(HiveType::Double),
        Shape::Other(ty) => Some(ty),
        _ => None,
    };
    let (Some(known), Some(seen)) = (scalar(known), scalar(seen)) else { return Shape::String };
    match (&known, &seen) {
        (HiveType::Date, HiveType::Timestamp) | (HiveType::Timestamp, HiveType::Date) => {
            Shape::Other(HiveType::Timestamp)
        }
        _ => match merge_types(&known, &seen) {
            HiveType::String => Shape::String,
            HiveType::Double => Shape::Double,
            other => Shape::Other(other),
        },
    }
}

/// The columns of records, of which `seen` had each. The catalog has no column without a name: a problem says so.
pub(in crate::infer) fn fields(
    input: &Input,
    columns: Members,
    seen: &[u64],
    records: u64,
    options: &InferOptions,
    problems: &mut Vec<FormatError>,
) -> Vec<InferredField> {
    let mut fields = Vec::new();
    for ((name, shape), seen) in columns.into_list().zip(seen) {
        if name.trim().is_empty() {
            let message = "a member without a name gives no column".to_owned();
            problems.push(FormatError::new(input.name(), Problem::Schema { message }));
            continue;
        }
        let mut lossy = |place| problems.push(inexact(input.name(), place));
        shape.each_inexact(&options.spelling(&name), &mut lossy);
        fields.push(InferredField {
            name: options.spelling(&name),
            seen: shape.seen(options),
            ty: hive(shape, options),
            nullable: *seen < records,
        });
    }
    names::number_repeats(fields.iter_mut().map(|field| &mut field.name), str::to_owned);
    fields
}

fn hive(shape: Shape, options: &InferOptions) -> HiveType {
    match shape {
        Shape::Choice(branches) if options.choices => union(branches, options),
        // Text is all that values of several kinds have in common.
        Shape::Choice(branches) => {
            numbers(&branches).map_or(HiveType::String, |numbers| hive(numbers, options))
        }
        Shape::Null | Shape::String => HiveType::String,
        Shape::Bool => HiveType::Boolean,
        Shape::Int => HiveType::Int,
        Shape::BigInt | Shape::Wide => HiveType::BigInt,
        Shape::Double | Shape::Inexact => HiveType::Double,
        Shape::Other(ty) => ty,
        Shape::Array(item) => HiveType::Array(Box::new(hive(*item, options))),
        // Hive has no struct without fields.
        Shape::Struct(members) if members.list.is_empty() => HiveType::String,
        Shape::Struct(members) => {
            let members = members.into_list().map(|(n, s)| (options.spelling(&n), hive(s, options)));
            HiveType::Struct(members.collect())
        }
    }
}
