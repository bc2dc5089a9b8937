//! Column types from items, learnt value by value: memory grows with names, not with items.
//!
//! | DynamoDB | column |
//! |---|---|
//! | `S` | `string` |
//! | `N` | `bigint` when all values are such; else `double` while no value has more than 15 digits, which a double keeps; else `decimal(38,s)`; else `string` |
//! | `B`, `BOOL` | `binary`, `boolean` |
//! | `M`, `L` | `struct<…>`, `array<…>` of what all members and elements have in common |
//! | `SS`, `NS`, `BS` | `array<…>` |
//! | `NULL` | no type: `string` when there is nothing else |
//!
//! Values of different types in one place have `string` in common. Names that only case tells apart are one column.

use std::collections::{BTreeMap, BTreeSet};

use formats::hive::HiveType;
use sources::dynamodb::{Attribute, KeyKind};

/// The most names in one place: more are data rather than columns.
const MAX_NAMES: usize = 10_000;
/// Decimal digits that survive being a double and back.
const DOUBLE_DIGITS: usize = 15;
/// Digits of the widest decimal.
const DECIMAL_DIGITS: usize = 38;

/// More names than a table can have columns.
#[derive(Debug, thiserror::Error)]
#[error("items have more than {MAX_NAMES} different attributes in one place")]
pub(super) struct TooWide;

/// The numbers of one place.
#[derive(Debug, Clone, Default, PartialEq)]
struct Numbers {
    /// Whether some value is no `bigint`.
    beyond: bool,
    /// The most digits before the point, behind it, and in one value.
    whole: usize,
    fraction: usize,
    digits: usize,
}

/// What the values of one place have been so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    text: bool,
    bytes: bool,
    boolean: bool,
    number: Option<Numbers>,
    list: Option<Box<Seen>>,
    map: Option<Members>,
}

/// The members of one place, by their names in lower case.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    places: BTreeMap<String, Seen>,
    /// Spellings in which a name came, when there are several.
    spellings: BTreeMap<String, BTreeSet<String>>,
}

impl Numbers {
    /// Source: DynamoDB Developer Guide, Data types: up to 38 digits, from 1E-130 to 9.99…E+125.
    fn take(&mut self, text: &str) {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i64 = exponent.parse().unwrap_or(0);
        let unsigned = mantissa.trim_start_matches(['-', '+']);
        let (before, behind) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let joined = format!("{before}{behind}");
        let leading = joined.len() - joined.trim_start_matches('0').len();
        let digits = joined.trim_matches('0').len();
        // The value is 0.<digits> times ten to the power of `point`.
        let point = before.len() as i64 + exponent - leading as i64;
        let count = |n: i64| usize::try_from(n).unwrap_or(0);
        let (whole, fraction) = (count(point), count(digits as i64 - point));
        self.beyond |= text.parse::<i64>().is_err() && (fraction > 0 || whole > 18);
        self.whole = self.whole.max(whole);
        self.fraction = self.fraction.max(fraction);
        self.digits = self.digits.max(digits);
    }

    fn hive(&self) -> HiveType {
        if !self.beyond {
            return HiveType::BigInt;
        }
        let fits = self.whole + self.fraction <= DECIMAL_DIGITS;
        match u8::try_from(self.fraction) {
            Ok(0) if fits => HiveType::Decimal(DECIMAL_DIGITS as u8, 0),
            _ if self.digits <= DOUBLE_DIGITS => HiveType::Double,
            Ok(scale) if fits => HiveType::Decimal(DECIMAL_DIGITS as u8, scale),
            _ if self.digits <= DOUBLE_DIGITS => HiveType::Double,
            _ => HiveType::String,
        }
    }
}

impl Seen {
    /// What a key attribute is, before any item was seen.
    pub(super) fn key(kind: KeyKind) -> Self {
        match kind {
            KeyKind::S => Self { text: true, ..Self::default() },
            KeyKind::N => Self { number: Some(Numbers::default()), ..Self::default() },
            KeyKind::B => Self { bytes: true, ..Self::default() },
        }
    }

    fn take(&mut self, value: &Attribute) -> Result<(), TooWide> {
        match value {
            Attribute::Null(_) => {}
            Attribute::S(_) => self.text = true,
            Attribute::B(_) => self.bytes = true,
            Attribute::Bool(_) => self.boolean = true,
            Attribute::N(number) => self.number.get_or_insert_default().take(number),
            Attribute::M(members) => self.map.get_or_insert_default().take(members)?,
            Attribute::L(items) => {
                let list = self.list.get_or_insert_default();
                items.iter().try_for_each(|item| list.take(item))?;
            }
            Attribute::Texts(_) => self.list.get_or_insert_default().text = true,
            Attribute::Binaries(_) => self.list.get_or_insert_default().bytes = true,
            Attribute::Numbers(numbers) => {
                let known = self.list.get_or_insert_default().number.get_or_insert_default();
                numbers.iter().for_each(|number| known.take(number));
            }
        }
        Ok(())
    }

    /// The kinds that were seen, in DynamoDB's words.
    fn kinds(&self) -> Vec<&'static str> {
        let all = [
            (self.text, "S"),
            (self.number.is_some(), "N"),
            (self.bytes, "B"),
            (self.boolean, "BOOL"),
            (self.list.is_some(), "a list or set"),
            (self.map.is_some(), "M"),
        ];
        all.into_iter().filter(|(seen, _)| *seen).map(|(_, name)| name).collect()
    }

    fn hive(&self) -> HiveType {
        if self.kinds().len() != 1 {
            return HiveType::String;
        }
        match self {
            Self { number: Some(numbers), .. } => numbers.hive(),
            Self { list: Some(item), .. } => HiveType::Array(Box::new(item.hive())),
            // Hive has no struct without fields.
            Self { map: Some(members), .. } if members.places.is_empty() => HiveType::String,
            Self { map: Some(members), .. } => HiveType::Struct(members.hive()),
            Self { bytes: true, .. } => HiveType::Binary,
            Self { boolean: true, .. } => HiveType::Boolean,
            _ => HiveType::String,
        }
    }

    /// Places within whose values contradict each other, with the kinds that were seen there.
    fn contradictions(&self, path: &str, found: &mut Vec<String>) {
        let kinds = self.kinds();
        if kinds.len() > 1 {
            found.push(format!("{path} holds {}: it is string", kinds.join(" and ")));
        } else if let Some(item) = &self.list {
            item.contradictions(&format!("{path}[]"), found);
        } else if let Some(members) = &self.map {
            members.contradictions(path, found);
        }
    }
}

impl Members {
    /// Adds a member that is there in any case.
    pub(super) fn expect(&mut self, name: &str, seen: Seen) {
        self.places.insert(name.to_lowercase(), seen);
    }

    /// Learns from an item, or the members of a map.
    pub(super) fn take(&mut self, members: &BTreeMap<String, Attribute>) -> Result<(), TooWide> {
        for (name, value) in members {
            let lower = name.to_lowercase();
            if !self.places.contains_key(&lower) && self.places.len() == MAX_NAMES {
                return Err(TooWide);
            }
            let spellings = self.spellings.entry(lower.clone()).or_default();
            if spellings.len() < 2 && !spellings.contains(name) {
                spellings.insert(name.clone());
            }
            self.places.entry(lower).or_default().take(value)?;
        }
        Ok(())
    }

    /// Names with their types, by name.
    pub(super) fn hive(&self) -> Vec<(String, HiveType)> {
        self.places.iter().map(|(name, seen)| (name.clone(), seen.hive())).collect()
    }

    /// What somebody should know: places where values contradict each other, and names that only case tells apart.
    pub(super) fn remarks(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.contradictions("", &mut found);
        found
    }

    fn contradictions(&self, path: &str, found: &mut Vec<String>) {
        for (name, seen) in &self.places {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if let Some(several) = self.spellings.get(name).filter(|known| known.len() > 1) {
                let names: Vec<&str> = several.iter().map(String::as_str).collect();
                found.push(format!("attributes {} are one column, {path}", names.join(" and ")));
            }
            seen.contradictions(&path, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(items: &[&str]) -> Members {
        let mut members = Members::default();
        for item in items {
            members.take(&serde_json::from_str(item).unwrap()).unwrap();
        }
        members
    }

    fn ty(values: &[&str]) -> String {
        let items: Vec<String> = values.iter().map(|value| format!("{{\"a\":{value}}}")).collect();
        let items: Vec<&str> = items.iter().map(String::as_str).collect();
        seen(&items).hive()[0].1.to_string()
    }

    #[test]
    fn every_type_has_its_column() {
        for (values, wanted) in [
            (vec![r#"{"S":"x"}"#], "string"),
            (vec![r#"{"B":"AA=="}"#], "binary"),
            (vec![r#"{"BOOL":true}"#], "boolean"),
            (vec![r#"{"NULL":true}"#], "string"),
            (vec![r#"{"NULL":true}"#, r#"{"BOOL":true}"#], "boolean"),
            (vec![r#"{"SS":["x"]}"#], "array<string>"),
            (vec![r#"{"NS":["1","2.5"]}"#], "array<double>"),
            (vec![r#"{"BS":["AA=="]}"#], "array<binary>"),
            (vec![r#"{"L":[]}"#], "array<string>"),
            (vec![r#"{"L":[{"N":"1"},{"N":"2"}]}"#], "array<bigint>"),
            (vec![r#"{"L":[{"N":"1"},{"S":"2"}]}"#], "array<string>"),
            (vec![r#"{"M":{}}"#], "string"),
            (
                vec![r#"{"M":{"B":{"N":"1"}}}"#, r#"{"M":{"c":{"M":{"d":{"S":"x"}}}}}"#],
                "struct<b:bigint,c:struct<d:string>>",
            ),
            (vec![r#"{"S":"x"}"#, r#"{"N":"1"}"#], "string"),
            (vec![r#"{"M":{"b":{"S":"x"}}}"#, r#"{"L":[]}"#], "string"),
        ] {
            assert_eq!(ty(&values), wanted, "{values:?}");
        }
    }

    #[test]
    fn numbers_keep_every_digit() {
        for (numbers, wanted) in [
            (vec!["1", "-9223372036854775808"], "bigint"),
            (vec!["9223372036854775808"], "decimal(38,0)"),
            (vec!["1", "99999999999999999999999999999999999999"], "decimal(38,0)"),
            (vec!["1.5", "-2"], "double"),
            (vec!["0.1", "123456789012345"], "double"),
            (vec!["0.1", "12345678901234567"], "decimal(38,1)"),
            (vec!["1234567890.1234567"], "decimal(38,7)"),
            (vec!["1E-130"], "double"),
            (vec!["9.9999999999999999999999999999999999999E+125"], "string"),
            (vec!["1E+125"], "double"),
            (vec!["1E-30", "1234567890123456789"], "string"),
            (vec!["1E+2", "1.0"], "bigint"),
            (vec!["0"], "bigint"),
        ] {
            let values: Vec<String> =
                numbers.iter().map(|number| format!("{{\"N\":\"{number}\"}}")).collect();
            assert_eq!(ty(&values.iter().map(String::as_str).collect::<Vec<_>>()), wanted, "{numbers:?}");
        }
    }

    #[test]
    fn contradictions_are_named() {
        let found = seen(&[
            r#"{"id":{"S":"x"},"a":{"L":[{"S":"x"},{"N":"1"}]},"m":{"M":{"k":{"BOOL":true}}}}"#,
            r#"{"ID":{"S":"y"},"m":{"M":{"k":{"S":"z"}}}}"#,
        ]);
        assert_eq!(
            found.remarks(),
            [
                "a[] holds S and N: it is string",
                "attributes ID and id are one column, id",
                "m.k holds S and BOOL: it is string",
            ]
        );
        let wide: BTreeMap<String, Attribute> =
            (0..=MAX_NAMES).map(|n| (format!("a{n}"), Attribute::Bool(true))).collect();
        assert!(Members::default().take(&wide).is_err());
    }
}
