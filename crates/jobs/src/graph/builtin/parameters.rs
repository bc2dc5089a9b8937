//! The parameters of a function by name.

use super::super::custom::Literal;
use super::super::parse::Parsed;

/// What a function is called with; each is taken once, and what nobody asked for is refused.
pub(super) struct Parameters {
    given: Vec<(String, Literal)>,
    asked: Vec<&'static str>,
}

impl Parameters {
    pub(super) fn new(given: Vec<(String, Literal)>) -> Self {
        Self { given, asked: Vec::new() }
    }

    fn take(&mut self, name: &'static str) -> Option<Literal> {
        self.asked.push(name);
        let at = self.given.iter().position(|(other, _)| other == name)?;
        Some(self.given.remove(at).1)
    }

    /// A text; `None` when it is not given, null or blank.
    pub(super) fn text(&mut self, name: &'static str) -> Parsed<Option<String>> {
        match self.take(name) {
            None | Some(Literal::Null) => Ok(None),
            Some(Literal::Text(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
            Some(_) => Err(format!("Parameters {name} is not of the type str")),
        }
    }

    /// A list of texts, which one text is, too; `None` when it is not given, null or empty.
    pub(super) fn texts(&mut self, name: &'static str) -> Parsed<Option<Vec<String>>> {
        let items = match self.take(name) {
            None | Some(Literal::Null) => return Ok(None),
            Some(Literal::Text(text)) if text.trim().is_empty() => return Ok(None),
            Some(Literal::List(items)) => items,
            Some(item) => vec![item],
        };
        let texts = items.into_iter().map(|item| match item {
            Literal::Text(text) => Ok(text),
            _ => Err(format!("Parameters {name} is not a list of str")),
        });
        let texts: Vec<String> = texts.collect::<Parsed<_>>()?;
        Ok(Some(texts).filter(|texts| !texts.is_empty()))
    }

    /// Refuses parameters that were not asked for.
    pub(super) fn refuse_others(&self) -> Parsed<()> {
        match self.given.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!(
                "Parameters {name} is none of the function's, which are {}",
                self.asked.join(", ")
            )),
        }
    }
}
