//! What the values of one place have been so far, learnt value by value: memory grows with names, not with values.

use std::collections::HashMap;

use crate::builder::value;
use crate::hive::HiveType;
use crate::infer::InferOptions;
use crate::json::lex::{Failure, Parsed, Parser};

/// The most different names in one object. More are data rather than columns, and no table could be used.
pub(super) const MAX_NAMES: usize = 10_000;

/// The values of one place.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Shape {
    #[default]
    Null,
    Bool,
    Int,
    BigInt,
    Double,
    String,
    Array(Box<Shape>),
    Struct(Members),
}

/// The members of objects of one place. Names that differ in case only are one; it keeps its first spelling.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Members {
    list: Vec<(String, Shape)>,
    /// Places in `list` by the name in lower case.
    places: HashMap<String, usize>,
}

impl Members {
    /// The place of `name`, made when it is new.
    pub(super) fn place(&mut self, name: &str) -> Parsed<usize> {
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        let lower = name.to_lowercase();
        if let Some(place) = self.places.get(&lower) {
            return Ok(*place);
        }
        if self.list.len() == MAX_NAMES {
            return Err(Failure::TooWide { limit: MAX_NAMES });
        }
        self.places.insert(lower, self.list.len());
        self.list.push((name.to_owned(), Shape::Null));
        Ok(self.list.len() - 1)
    }

    pub(super) fn at(&mut self, place: usize) -> &mut Shape {
        &mut self.list[place].1
    }

    pub(super) fn into_list(self) -> Vec<(String, Shape)> {
        self.list
    }
}

/// Learns from the value at the parser's cursor, and moves behind it.
pub(super) fn observe(parser: &mut Parser<'_>, known: &mut Shape) -> Parsed<()> {
    match parser.peek() {
        Some(b'{') => {
            if *known == Shape::Null {
                *known = Shape::Struct(Members::default());
            }
            let Shape::Struct(members) = known else { return other(parser, known) };
            parser.object(|parser, _| {
                let place = members.place(&parser.name)?;
                observe(parser, members.at(place))?;
                Ok(0)
            })
        }
        Some(b'[') => {
            if *known == Shape::Null {
                *known = Shape::Array(Box::default());
            }
            let Shape::Array(item) = known else { return other(parser, known) };
            parser.array(|parser| observe(parser, item))
        }
        _ => {
            let start = parser.position();
            parser.skip()?;
            let seen = scalar(parser.between(start, parser.position()));
            *known = merge(std::mem::take(known), seen);
            Ok(())
        }
    }
}

/// An object or array where other values were seen: text is all that they have in common.
fn other(parser: &mut Parser<'_>, known: &mut Shape) -> Parsed<()> {
    *known = Shape::String;
    parser.skip()
}

/// The shape of a string, number or word that the parser accepted.
fn scalar(text: &[u8]) -> Shape {
    match text.first() {
        Some(b'"') => Shape::String,
        Some(b't' | b'f') => Shape::Bool,
        Some(b'n') => Shape::Null,
        _ if text.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) => Shape::Double,
        _ => match value::int(text) {
            Some(i) if i32::try_from(i).is_ok() => Shape::Int,
            Some(_) => Shape::BigInt,
            // Beyond bigint: text keeps every digit.
            None => Shape::String,
        },
    }
}

/// Merges a scalar's shape into what is known.
fn merge(known: Shape, seen: Shape) -> Shape {
    use Shape as S;
    match (known, seen) {
        (S::Null, other) | (other, S::Null) => other,
        (S::Int, S::Int) => S::Int,
        (S::Int | S::BigInt, S::Int | S::BigInt) => S::BigInt,
        (S::Int | S::BigInt | S::Double, S::Int | S::BigInt | S::Double) => S::Double,
        (S::Bool, S::Bool) => S::Bool,
        _ => S::String,
    }
}

pub(super) fn hive(shape: Shape, options: &InferOptions) -> HiveType {
    match shape {
        Shape::Null | Shape::String => HiveType::String,
        Shape::Bool => HiveType::Boolean,
        Shape::Int => HiveType::Int,
        Shape::BigInt => HiveType::BigInt,
        Shape::Double => HiveType::Double,
        Shape::Array(item) => HiveType::Array(Box::new(hive(*item, options))),
        // Hive has no struct without fields.
        Shape::Struct(members) if members.list.is_empty() => HiveType::String,
        Shape::Struct(members) => {
            let members = members.list.into_iter().map(|(n, s)| (options.spelling(&n), hive(s, options)));
            HiveType::Struct(members.collect())
        }
    }
}
