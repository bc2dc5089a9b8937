//! The grammar: `name`, `name(n[,m])`, `array<T>`, `map<K,V>`, `struct<name:T,…>`, `uniontype<T,…>`; white space and
//! case do not matter. Names of struct fields are kept as written and may be quoted with backticks.

use std::borrow::Cow;
use std::str::FromStr;

use super::HiveType;

/// Deeper nesting of types within types is refused.
pub(crate) const MAX_NESTING: usize = 64;

/// The text is not a Hive type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a Hive type: {what} at character {at}")]
pub struct ParseError {
    /// The whole text.
    pub text: String,
    /// What was expected.
    pub what: &'static str,
    /// Byte offset, from 0.
    pub at: usize,
}

impl FromStr for HiveType {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { text, at: 0 };
        let parsed = parser.ty(0).and_then(|ty| {
            parser.space();
            if parser.at == text.len() { Ok(ty) } else { Err("the end of the type is expected") }
        });
        parsed.map_err(|what| ParseError { text: text.to_owned(), what, at: parser.at })
    }
}

/// A field name as it must be written within `struct<…>`.
pub(super) fn quoted_if_needed(name: &str) -> Cow<'_, str> {
    if !name.is_empty() && name.trim() == name && !name.contains([':', ',', '<', '>', '`', '(', ')']) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("`{}`", name.replace('`', "``")))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

type Parsed<T> = Result<T, &'static str>;

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: char) -> bool {
        self.space();
        if self.rest().starts_with(token) {
            self.at += token.len_utf8();
            return true;
        }
        false
    }

    fn need(&mut self, token: char, what: &'static str) -> Parsed<()> {
        if self.eat(token) { Ok(()) } else { Err(what) }
    }

    fn word(&mut self) -> &'a str {
        self.space();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn ty(&mut self, depth: usize) -> Parsed<HiveType> {
        if depth > MAX_NESTING {
            return Err("types within types at most 64 levels deep are expected");
        }
        let start = self.at;
        let word = self.word().to_ascii_lowercase();
        Ok(match word.as_str() {
            "boolean" => HiveType::Boolean,
            "tinyint" | "byte" => HiveType::TinyInt,
            "smallint" | "short" => HiveType::SmallInt,
            "int" | "integer" => HiveType::Int,
            "bigint" | "long" => HiveType::BigInt,
            "float" | "real" => HiveType::Float,
            "double" => {
                self.phrase(&["precision"]);
                HiveType::Double
            }
            "string" => HiveType::String,
            "binary" => HiveType::Binary,
            "date" => HiveType::Date,
            "timestamp" => self.timestamp(),
            "timestamptz" => HiveType::TimestampTz,
            "decimal" | "dec" | "numeric" => self.decimal()?,
            "char" => HiveType::Char(self.length(255)?),
            "varchar" => HiveType::Varchar(self.length(65_535)?),
            "array" => {
                self.need('<', "'<' is expected")?;
                let item = self.ty(depth + 1)?;
                self.need('>', "'>' is expected")?;
                HiveType::Array(Box::new(item))
            }
            "map" => {
                self.need('<', "'<' is expected")?;
                let key = self.ty(depth + 1)?;
                self.need(',', "',' is expected")?;
                let value = self.ty(depth + 1)?;
                self.need('>', "'>' is expected")?;
                HiveType::Map(Box::new(key), Box::new(value))
            }
            "struct" => HiveType::Struct(self.fields(depth)?),
            "uniontype" => HiveType::Union(self.types(depth)?),
            _ => {
                self.at = start;
                return Err("a type name is expected");
            }
        })
    }

    /// Takes the words when they all follow.
    fn phrase(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        for word in words {
            if !self.word().eq_ignore_ascii_case(word) {
                self.at = start;
                return false;
            }
        }
        true
    }

    fn timestamp(&mut self) -> HiveType {
        if self.phrase(&["with", "local", "time", "zone"]) || self.phrase(&["with", "time", "zone"]) {
            return HiveType::TimestampTz;
        }
        self.phrase(&["without", "time", "zone"]);
        HiveType::Timestamp
    }

    fn number(&mut self) -> Parsed<u32> {
        self.word().parse().map_err(|_| "a number is expected")
    }

    fn length(&mut self, max: u32) -> Parsed<u32> {
        self.need('(', "'(' is expected")?;
        let n = self.number()?;
        if n == 0 || n > max {
            return Err("a permitted length is expected before this");
        }
        self.need(')', "')' is expected")?;
        Ok(n)
    }

    fn decimal(&mut self) -> Parsed<HiveType> {
        if !self.eat('(') {
            return Ok(HiveType::Decimal(10, 0));
        }
        let precision = self.number()?;
        let scale = if self.eat(',') { self.number()? } else { 0 };
        if precision == 0 || precision > 38 || scale > precision {
            return Err("precision 1 to 38 and a scale no larger are expected before this");
        }
        self.need(')', "')' is expected")?;
        Ok(HiveType::Decimal(precision as u8, scale as u8))
    }

    fn fields(&mut self, depth: usize) -> Parsed<Vec<(String, HiveType)>> {
        self.need('<', "'<' is expected")?;
        let mut fields = Vec::new();
        if self.eat('>') {
            return Ok(fields);
        }
        loop {
            let name = self.field_name()?;
            self.need(':', "':' is expected")?;
            fields.push((name, self.ty(depth + 1)?));
            if !self.eat(',') {
                self.need('>', "',' or '>' is expected")?;
                return Ok(fields);
            }
        }
    }

    fn types(&mut self, depth: usize) -> Parsed<Vec<HiveType>> {
        self.need('<', "'<' is expected")?;
        let mut types = vec![self.ty(depth + 1)?];
        while self.eat(',') {
            types.push(self.ty(depth + 1)?);
        }
        self.need('>', "',' or '>' is expected")?;
        Ok(types)
    }

    fn field_name(&mut self) -> Parsed<String> {
        if self.eat('`') {
            let mut name = String::new();
            loop {
                let end = self.rest().find('`').ok_or("a closing backtick is expected")?;
                name.push_str(&self.rest()[..end]);
                self.at += end + 1;
                if !self.rest().starts_with('`') {
                    return Ok(name);
                }
                name.push('`');
                self.at += 1;
            }
        }
        self.space();
        let rest = self.rest();
        let end = rest.find([':', ',', '<', '>', '`', '(', ')']).unwrap_or(rest.len());
        let name = rest[..end].trim_end();
        if name.is_empty() {
            return Err("a field name is expected");
        }
        self.at += end;
        Ok(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn types() -> impl Strategy<Value = HiveType> {
        let leaf = prop_oneof![
            Just(HiveType::Boolean),
            Just(HiveType::TinyInt),
            Just(HiveType::SmallInt),
            Just(HiveType::Int),
            Just(HiveType::BigInt),
            Just(HiveType::Float),
            Just(HiveType::Double),
            Just(HiveType::String),
            Just(HiveType::Binary),
            Just(HiveType::Date),
            Just(HiveType::Timestamp),
            Just(HiveType::TimestampTz),
            (1u8..=38, 0u8..=38).prop_map(|(p, s)| HiveType::Decimal(p, s.min(p))),
            (1u32..=255).prop_map(HiveType::Char),
            (1u32..=65_535).prop_map(HiveType::Varchar),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                inner.clone().prop_map(|t| HiveType::Array(Box::new(t))),
                (inner.clone(), inner.clone()).prop_map(|(k, v)| HiveType::Map(Box::new(k), Box::new(v))),
                prop::collection::vec((".{1,8}", inner.clone()), 0..4).prop_map(HiveType::Struct),
                prop::collection::vec(inner, 1..4).prop_map(HiveType::Union),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_back(ty in types()) {
            prop_assert_eq!(ty.to_string().parse::<HiveType>().unwrap(), ty);
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = text.parse::<HiveType>();
        }
    }

    #[test]
    fn spellings() {
        let parse = |text: &str| text.parse::<HiveType>().map(|t| t.to_string());
        assert_eq!(
            parse(" STRUCT< a : INT , `b c`: array < decimal > > ").unwrap(),
            "struct<a:int,b c:array<decimal(10,0)>>"
        );
        assert_eq!(parse("timestamp with local time zone").unwrap(), "timestamp with local time zone");
        assert_eq!(parse("double precision").unwrap(), "double");
        for bad in [
            "",
            "int4",
            "array<int",
            "decimal(39,0)",
            "decimal(5,6)",
            "varchar",
            "char(0)",
            "int int",
            "map<int>",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let deep = |levels: usize| parse(&format!("{}int{}", "array<".repeat(levels), ">".repeat(levels)));
        assert!(deep(MAX_NESTING).is_ok());
        for levels in [MAX_NESTING + 1, 10_000] {
            let refused = deep(levels).unwrap_err().to_string();
            assert!(refused.contains(&format!("at most {MAX_NESTING} levels deep")), "{refused}");
        }
    }
}
