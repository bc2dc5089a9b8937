//! The operation tables of all faces, joined and checked against the models once, at start.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::call::Document;
use crate::fault::Fault;
use crate::model::{self, Kind, Model, Shape};
use crate::service::{Entry, Face};

/// A table that does not fit its model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// No such model is embedded.
    #[error("no service model '{model}'")]
    UnknownModel {
        /// The name that a face gave.
        model: String,
    },
    /// The model has no such operation.
    #[error("{model} has no operation {operation}")]
    UnknownOperation {
        /// Name of the model.
        model: String,
        /// The name in the table.
        operation: String,
    },
    /// Two faces, or two rows, build one operation.
    #[error("{model} {operation} is built twice")]
    Twice {
        /// Name of the model.
        model: String,
        /// Name of the operation.
        operation: String,
    },
    /// A listed field is not in the request's model.
    #[error("{model} {operation} has no request field {field}")]
    UnknownField {
        /// Name of the model.
        model: String,
        /// Name of the operation.
        operation: String,
        /// The path in the table.
        field: String,
    },
}

/// A built operation: which face runs it, and where it is in that face's table.
#[derive(Clone)]
pub(crate) struct Built {
    pub(crate) face: Arc<dyn Face>,
    pub(crate) index: usize,
    pub(crate) entry: Entry,
}

/// All built operations.
pub(crate) struct Table {
    built: HashMap<(&'static str, &'static str), Built>,
    models: Vec<&'static Model>,
}

impl Table {
    /// Joins the tables of faces; faces of one model may not overlap.
    pub(crate) fn new(faces: Vec<Arc<dyn Face>>) -> Result<Self, TableError> {
        let mut built = HashMap::new();
        let mut models = BTreeMap::new();
        for face in faces {
            let name = face.model();
            let model =
                model::get(name).ok_or_else(|| TableError::UnknownModel { model: name.to_owned() })?;
            models.insert(model.name, model);
            for (index, entry) in face.entries().into_iter().enumerate() {
                check(model, &entry)?;
                let row = Built { face: Arc::clone(&face), index, entry };
                if built.insert((model.name, entry.name), row).is_some() {
                    return Err(TableError::Twice {
                        model: name.to_owned(),
                        operation: entry.name.to_owned(),
                    });
                }
            }
        }
        Ok(Self { built, models: models.into_values().collect() })
    }

    /// Models with a face, by name.
    pub(crate) fn models(&self) -> &[&'static Model] {
        &self.models
    }

    /// The built operation of that name.
    pub(crate) fn built(&self, model: &'static Model, operation: &'static str) -> Option<&Built> {
        self.built.get(&(model.name, operation))
    }
}

fn check(model: &Model, entry: &Entry) -> Result<(), TableError> {
    let (name, operation) = (|| model.name.to_owned(), || entry.name.to_owned());
    let Some(found) = model.operation(entry.name) else {
        return Err(TableError::UnknownOperation { model: name(), operation: operation() });
    };
    let explained = entry.fields.refused.iter().chain(entry.fields.ignored).map(|(field, _)| *field);
    for field in entry.fields.acts.iter().copied().chain(explained) {
        if !model.input(found).is_some_and(|shape| has_path(model, shape, field)) {
            return Err(TableError::UnknownField {
                model: name(),
                operation: operation(),
                field: field.to_owned(),
            });
        }
    }
    Ok(())
}

fn has_path(model: &Model, shape: &Shape, path: &str) -> bool {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some(member) = shape.member(name) else { return false };
    let Some(rest) = rest else { return true };
    let mut inner = model.shape(member.shape);
    while let Some(element) =
        inner.member.as_ref().or(inner.value.as_ref()).filter(|_| inner.kind != Kind::Structure)
    {
        inner = model.shape(element.shape);
    }
    has_path(model, inner, rest)
}

/// Refuses a request that holds a field which the operation refuses; empty lists and maps, and flags that are false, ask
/// for nothing.
pub(crate) fn refuse(
    service: &str,
    entry: &Entry,
    input: &serde_json::Map<String, Document>,
) -> Result<(), Fault> {
    for (field, why) in entry.fields.refused {
        let (name, rest) = field.split_once('.').map_or((*field, None), |(name, rest)| (name, Some(rest)));
        if input.get(name).is_some_and(|value| asks(value, rest)) {
            let message = format!("{service} {}: {field} is not built on this server: {why}", entry.name);
            return Err(Fault::not_implemented(message));
        }
    }
    Ok(())
}

/// Whether a value holds something at a path.
fn asks(value: &Document, path: Option<&str>) -> bool {
    match (value, path) {
        (Document::Null | Document::Bool(false), _) => false,
        (Document::Array(values), None) => !values.is_empty(),
        (Document::Object(object), None) => !object.is_empty(),
        (_, None) => true,
        (Document::Array(values), Some(_)) => values.iter().any(|value| asks(value, path)),
        (Document::Object(object), Some(path)) => {
            let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
            // A map's values are passed through, as a list's are.
            object.get(name).is_some_and(|value| asks(value, rest))
                || object
                    .values()
                    .any(|value| value.is_object() && !object.contains_key(name) && asks(value, Some(path)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::{Fields, Operation, Service};
    use crate::{Call, Reply};

    async fn nothing(_: &(), _: Call) -> Result<Reply, Fault> {
        Ok(Reply::empty())
    }

    const FIELDS: Fields = Fields {
        acts: &["Name", "Targets.S3Targets.Path"],
        refused: &[("Targets.JdbcTargets", "no JDBC"), ("Schedule", "no schedules")],
        ignored: &[],
    };

    fn face(name: &'static str, fields: Fields, model: &'static str) -> Arc<dyn Face> {
        let row = Operation::<()> { name, fields, run: |state, call| Box::pin(nothing(state, call)) };
        let operations: &'static [Operation<()>] = Box::leak(vec![row].into_boxed_slice());
        Arc::new(Service { model, state: (), operations })
    }

    #[test]
    fn tables_are_checked() {
        let crawler = || face("CreateCrawler", FIELDS, "glue");
        assert!(Table::new(vec![crawler(), face("GetCrawler", Fields::default(), "glue")]).is_ok());
        let error = |faces| Table::new(faces).err().unwrap().to_string();
        assert_eq!(error(vec![crawler(), crawler()]), "glue CreateCrawler is built twice");
        assert_eq!(error(vec![face("X", Fields::default(), "glue")]), "glue has no operation X");
        assert_eq!(error(vec![face("X", Fields::default(), "y")]), "no service model 'y'");
        for bad in [
            Fields { acts: &["Targets.S3Targets.Nope"], ..Fields::default() },
            Fields { refused: &[("Targets.S3Targets.Nope", "why")], ..Fields::default() },
            Fields { ignored: &[("Targets.S3Targets.Nope", "why")], ..Fields::default() },
        ] {
            let text = error(vec![face("CreateCrawler", bad, "glue")]);
            assert_eq!(text, "glue CreateCrawler has no request field Targets.S3Targets.Nope");
        }
    }

    #[test]
    fn refused_fields() {
        let entry = Entry { name: "CreateCrawler", fields: FIELDS };
        let code = |input: Document| refuse("glue", &entry, input.as_object().unwrap()).err();
        assert!(
            code(json!({"Name": "c", "Targets": {"S3Targets": [{"Path": "x"}], "JdbcTargets": []}}))
                .is_none()
        );
        let fault = code(json!({"Targets": {"JdbcTargets": [{"Path": "x"}]}})).unwrap();
        assert_eq!((fault.code(), fault.status().unwrap().as_u16()), (NOT, 501));
        assert!(fault.message().contains("glue CreateCrawler: Targets.JdbcTargets"), "{}", fault.message());
        assert!(code(json!({"Schedule": "cron(0 0 * * ? *)"})).is_some());
    }

    const NOT: &str = crate::NOT_IMPLEMENTED;
}
