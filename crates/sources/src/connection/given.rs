//! The properties of a definition as its type reads them ([`kinds`](super::kinds)).

use std::collections::BTreeMap;

use super::kinds::{Kind, Needed};
use crate::SourceError;

/// The properties of a definition as its type reads them.
pub(crate) struct Given<'a> {
    kind: &'static Kind,
    properties: &'a BTreeMap<String, String>,
}

impl<'a> Given<'a> {
    /// Errors: [`SourceError::Property`] for one that is refused.
    pub(crate) fn new(
        kind: &'static Kind,
        properties: &'a BTreeMap<String, String>,
    ) -> Result<Self, SourceError> {
        match kind.refused.iter().find(|(name, _)| properties.contains_key(*name)) {
            Some((property, why)) => Err(SourceError::Property { property, problem: (*why).to_owned() }),
            None => Ok(Self { kind, properties }),
        }
    }

    /// A property; nothing for one that is none of the type's.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let known = self.kind.property(name)?;
        self.properties.get(known.name).map(String::as_str)
    }

    /// A property without which the connection cannot be opened. Errors: [`SourceError::Property`] when it is missing.
    pub(crate) fn needed(&self, name: &'static str) -> Result<&'a str, SourceError> {
        self.get(name).ok_or_else(|| self.missing(name))
    }

    /// The error of a property that is missing, in the table's words.
    pub(crate) fn missing(&self, property: &'static str) -> SourceError {
        let problem = match self.kind.property(property).map(|known| known.needed) {
            Some(Needed::Unless(other)) => format!("is needed, unless {other}"),
            _ => "is needed".to_owned(),
        };
        SourceError::Property { property, problem }
    }

    /// One of the values that a property may have. Errors: [`SourceError::Property`] for any other.
    pub(crate) fn choice(&self, property: &'static str) -> Result<Option<&'static str>, SourceError> {
        let (Some(known), Some(text)) = (self.kind.property(property), self.get(property)) else {
            return Ok(None);
        };
        let chosen = known.allowed.iter().find(|allowed| allowed.eq_ignore_ascii_case(text));
        chosen.copied().map(Some).ok_or_else(|| SourceError::Property {
            property,
            problem: format!("is none of {}", known.allowed.join(", ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::kinds::find;

    #[test]
    fn a_property_that_the_table_does_not_name_is_not_read() {
        let properties =
            BTreeMap::from([("HOST".to_owned(), "h".to_owned()), ("X".to_owned(), "y".to_owned())]);
        let jdbc = Given::new(find("JDBC").unwrap(), &properties).unwrap();
        assert_eq!((jdbc.get("HOST"), jdbc.get("X")), (Some("h"), None));
        let api = Given::new(find("CUSTOM").unwrap(), &properties).unwrap();
        assert_eq!(api.get("HOST"), None);
        assert_eq!(api.missing("CONNECTION_URL").to_string(), "CONNECTION_URL is needed");
        let told = jdbc.missing("JDBC_ENGINE").to_string();
        assert_eq!(told, "JDBC_ENGINE is needed, unless JDBC_CONNECTION_URL is given");
    }
}
