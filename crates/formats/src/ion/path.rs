//! Where in a value a column is: the search paths of the Ion Hive SerDe, such as `(identification name)`.
//!
//! A path is an S-expression or list of components: a name matches fields, a number the place within whatever holds values,
//! `*` everything. Annotations of a component are those that the value has to have, all of them, in that order.

use std::fmt;
use std::str::FromStr;

use super::MAX_DEPTH;
use super::cursor::{Cursor, Item, Kind};
use super::scalar::Scalar;
use super::symbols::Symbols;

/// The component of a search path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Component {
    step: Step,
    annotations: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Any,
    Place(usize),
    Name(String),
}

/// A search path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IonPath {
    text: String,
    /// Annotations of the value at the top.
    annotations: Vec<String>,
    components: Vec<Component>,
}

/// The text is no search path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a search path of Ion, such as (a b 0)")]
pub struct IonPathError;

impl IonPath {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn len(&self) -> usize {
        self.components.len()
    }

    /// Whether a value that the first `depth` components led to has the annotations that it has to have.
    pub(super) fn has_annotations<T: AsRef<str>>(&self, depth: usize, found: &[Option<T>]) -> bool {
        let wanted = match depth.checked_sub(1) {
            None => &self.annotations,
            Some(at) => match self.components.get(at) {
                Some(component) => &component.annotations,
                None => return false,
            },
        };
        wanted.is_empty()
            || (wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(w, f)| f.as_ref().is_some_and(|f| f.as_ref() == w)))
    }

    /// Whether component `depth` leads to the value at `place` of a container, which may have a name.
    pub(super) fn leads(&self, depth: usize, name: Option<&str>, place: usize, ignore_case: bool) -> bool {
        match self.components.get(depth).map(|component| &component.step) {
            None => false,
            Some(Step::Any) => true,
            Some(Step::Place(wanted)) => *wanted == place,
            Some(Step::Name(wanted)) => name.is_some_and(|name| {
                name == wanted || (ignore_case && name.to_lowercase() == wanted.to_lowercase())
            }),
        }
    }
}

impl FromStr for IonPath {
    type Err = IonPathError;

    fn from_str(text: &str) -> Result<Self, IonPathError> {
        let symbols = Symbols::default();
        let trimmed = text.trim();
        let mut cursor = Cursor::new(trimmed.as_bytes(), false, &symbols).with_depth(1);
        let mut next = || {
            let item = cursor.next().map_err(|_| IonPathError)?;
            let annotations =
                cursor.annotations().iter().cloned().map(|a| a.map(std::borrow::Cow::into_owned));
            let annotations: Option<Vec<String>> = annotations.collect();
            // That annotation means a field that is called `*`.
            let annotations = annotations.filter(|all| all.iter().all(|a| a != "$ion_extractor_field"));
            Ok((item, annotations.ok_or(IonPathError)?, cursor.position()))
        };
        let (begin, annotations, _) = next()?;
        if !matches!(begin, Item::Begin(Kind::Sexp | Kind::List)) {
            return Err(IonPathError);
        }
        let mut components = Vec::new();
        let end = loop {
            let (item, annotations, position) = next()?;
            let step = match item {
                Item::End => break position,
                Item::Scalar(Scalar::Text(name)) if name == "*" => Step::Any,
                Item::Scalar(Scalar::Text(name)) => Step::Name(name.into_owned()),
                Item::Scalar(Scalar::Int(place)) => {
                    Step::Place(usize::try_from(place).map_err(|_| IonPathError)?)
                }
                _ => return Err(IonPathError),
            };
            components.push(Component { step, annotations });
        };
        if end != trimmed.len() || components.len() > MAX_DEPTH {
            return Err(IonPathError);
        }
        Ok(Self { text: trimmed.to_owned(), annotations, components })
    }
}

impl fmt::Display for IonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
