//! Include paths, exclusions and places of JDBC targets.
//!
//! Source: Glue Developer Guide, Include and exclude patterns: `database/schema/table`, or `database/table` where the
//! engine has no schemas; `%` may stand for a schema or a table, not for the database; case matters.

use crate::error::CrawlerError;
use crate::exclusion::Exclusions;

/// An include path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Include {
    pub(super) database: String,
    /// `None` in a path of two parts.
    pub(super) schema: Option<Pattern>,
    pub(super) table: Pattern,
}

/// A name in which `%` stands for any characters. `_` is itself: names are full of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    pub(super) fn is_exact(&self) -> bool {
        !self.0.contains('%')
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('%') else { return self.0 == name };
        let Some(mut name) = name.strip_prefix(first) else { return false };
        let mut parts: Vec<&str> = rest.split('%').collect();
        let last = parts.pop().unwrap_or_default();
        // The earliest place for each part leaves the most to those that follow.
        for part in parts {
            let Some(at) = name.find(part) else { return false };
            name = &name[at + part.len()..];
        }
        name.ends_with(last)
    }
}

impl Include {
    /// Errors: `Invalid`.
    pub(crate) fn parse(path: &str) -> Result<Self, CrawlerError> {
        let refused = |why: &str| Err(CrawlerError::invalid(format!("The JDBC path {path:?} {why}")));
        let parts: Vec<&str> = path.split('/').collect();
        let (database, schema, table) = match parts.as_slice() {
            [database, table] => (*database, None, *table),
            [database, schema, table] => (*database, Some(*schema), *table),
            _ => {
                return refused("is not database/schema/table or database/table (% stands for all of them)");
            }
        };
        if parts.iter().any(|part| part.trim().is_empty()) {
            return refused("has an empty part");
        }
        if database.contains('%') {
            return refused("has % for the database: only schemas and tables may have it");
        }
        let pattern = |text: &str| Pattern(text.to_owned());
        Ok(Self { database: database.to_owned(), schema: schema.map(pattern), table: pattern(table) })
    }

    /// Whether a schema may hold tables of the path. Engines without schemas have none.
    pub(super) fn takes_schema(&self, schema: &str) -> bool {
        self.schema.as_ref().is_none_or(|pattern| pattern.matches(schema))
    }
}

/// A table's place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) database: String,
    /// `None` where the engine has no schemas.
    pub(super) schema: Option<String>,
    pub(super) table: String,
}

impl Place {
    fn parts(&self) -> impl Iterator<Item = &str> {
        [Some(self.database.as_str()), self.schema.as_deref(), Some(self.table.as_str())]
            .into_iter()
            .flatten()
    }

    /// `database/schema/table`, for people and for patterns.
    pub(super) fn path(&self) -> String {
        self.parts().collect::<Vec<_>>().join("/")
    }

    /// `database_schema_table`.
    pub(super) fn name(&self) -> String {
        self.parts().collect::<Vec<_>>().join("_")
    }

    /// `database.schema.table`, as Glue's crawlers have it. A part that holds a dot or quote is quoted as in SQL: else two
    /// tables could have one place.
    pub(super) fn location(&self) -> String {
        let quoted = self.parts().map(|part| {
            if part.contains(['.', '"']) {
                format!("\"{}\"", part.replace('"', "\"\""))
            } else {
                part.to_owned()
            }
        });
        quoted.collect::<Vec<_>>().join(".")
    }

    /// The inverse of [`Place::location`]; `None` for text that is no location of an engine with so many parts.
    pub(super) fn parse(location: &str, has_schemas: bool) -> Option<Self> {
        let mut parts = sources::jdbc::parts_of(location)?.into_iter();
        let place = match (has_schemas, parts.len()) {
            (true, 3) => Self { database: parts.next()?, schema: parts.next(), table: parts.next()? },
            (false, 2) => Self { database: parts.next()?, schema: None, table: parts.next()? },
            _ => return None,
        };
        Some(place)
    }

    /// Whether a pattern excludes the table: by its path below the database, or by its name alone.
    pub(super) fn is_excluded(&self, exclusions: &Exclusions) -> bool {
        exclusions.exclude(&self.table)
            || self.schema.as_ref().is_some_and(|s| exclusions.exclude(&format!("{s}/{}", self.table)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percent_stands_for_anything_and_underscore_for_itself() {
        for (pattern, name, wanted) in [
            ("%", "", true),
            ("%", "any", true),
            ("orders", "orders", true),
            ("orders", "Orders", false),
            ("or%", "orders", true),
            ("%s", "orders", true),
            ("o%d%s", "orders", true),
            ("o%d%d", "ord", false),
            ("a%a", "a", false),
            ("a_b", "axb", false),
            ("a%", "ba", false),
        ] {
            assert_eq!(Pattern(pattern.to_owned()).matches(name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn paths() {
        let two = Include::parse("shop/%").unwrap();
        assert!(two.schema.is_none() && two.takes_schema("any") && !two.table.is_exact());
        let three = Include::parse("shop/public/orders").unwrap();
        assert!(three.takes_schema("public") && !three.takes_schema("Public") && three.table.is_exact());
        for bad in ["shop", "", "/shop/t", "shop//t", "%/t", "a/b/c/d", "shop/ "] {
            assert!(Include::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn exclusions_name_tables_or_paths_below_the_database() {
        let place = |schema: Option<&str>, table: &str| Place {
            database: "d".to_owned(),
            schema: schema.map(str::to_owned),
            table: table.to_owned(),
        };
        for (pattern, schema, table, wanted) in [
            ("tmp_*", Some("public"), "tmp_1", true),
            ("public/tmp_*", Some("public"), "tmp_1", true),
            ("public/tmp_*", Some("other"), "tmp_1", false),
            ("other/**", Some("other"), "t", true),
            ("orders", None, "orders", true),
            ("orders", None, "orders2", false),
        ] {
            let exclusions = Exclusions::new(&[pattern.to_owned()]).unwrap();
            assert_eq!(place(schema, table).is_excluded(&exclusions), wanted, "{pattern} {schema:?} {table}");
        }
    }

    #[test]
    fn dots_do_not_make_two_tables_one() {
        let place = |schema: &str, table: &str| Place {
            database: "d".to_owned(),
            schema: Some(schema.to_owned()),
            table: table.to_owned(),
        };
        assert_eq!(place("public", "Orders").location(), "d.public.Orders");
        assert_eq!(place("a.b", "c").location(), "d.\"a.b\".c");
        assert_eq!(place("a", "b.c").location(), "d.a.\"b.c\"");
    }

    proptest! {
        #[test]
        fn locations_lead_back(parts in proptest::collection::vec("[a.\"/ é]{1,5}", 3)) {
            let place = Place {
                database: parts[0].clone(),
                schema: Some(parts[1].clone()),
                table: parts[2].clone(),
            };
            prop_assert_eq!(Place::parse(&place.location(), true), Some(place.clone()));
            let flat = Place { schema: None, ..place };
            prop_assert_eq!(Place::parse(&flat.location(), false), Some(flat));
        }
    }
}
