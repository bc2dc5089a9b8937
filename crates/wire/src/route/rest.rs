//! Operations of restJson1 services by method and path template (`/recipes/{name}/recipeVersion/{recipeVersion}`).

use http::request::Parts;

use super::{Routed, unknown_operation};
use crate::codec::form;
use crate::fault::Fault;
use crate::model::{Model, Operation};

/// The operation whose template fits best: the one with the most literal segments.
pub(crate) fn operation(model: &'static Model, parts: &Parts) -> Result<Routed, Fault> {
    let malformed = |error: crate::codec::Malformed| Fault::new("SerializationException", error.message);
    let query = form::pairs(parts.uri.query().unwrap_or_default()).map_err(malformed)?;
    let path: Vec<&str> = segments(parts.uri.path());
    let mut best: Option<(usize, &'static Operation, Labels)> = None;
    for operation in &model.operations {
        let (template, literals) = operation.uri.split_once('?').unwrap_or((operation.uri, ""));
        if operation.method != parts.method.as_str() || !has_all(literals, &query) {
            continue;
        }
        let Some((literal, labels)) = fit(template, &path).map_err(malformed)? else { continue };
        if best.as_ref().is_none_or(|(most, _, _)| literal > *most) {
            best = Some((literal, operation, labels));
        }
    }
    match best {
        Some((_, operation, labels)) => Ok(Routed { labels, query, ..Routed::named(operation) }),
        None => {
            let sent = format!("{} {}", parts.method, parts.uri.path());
            Err(unknown_operation(model, &sent).with_status(http::StatusCode::NOT_FOUND))
        }
    }
}

/// Whether the literal keys of a URI template are in the query.
pub(super) fn has_all(literals: &str, query: &[(String, String)]) -> bool {
    literals.split('&').filter(|literal| !literal.is_empty()).all(|literal| {
        let (name, value) =
            literal.split_once('=').map_or((literal, None), |(name, value)| (name, Some(value)));
        query.iter().any(|(key, sent)| key == name && value.is_none_or(|value| value == sent))
    })
}

fn segments(path: &str) -> Vec<&str> {
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

type Labels = Vec<(&'static str, String)>;
type Fit = Option<(usize, Labels)>;

/// Fits path segments to a template: number of literal segments, and the labels.
fn fit(template: &'static str, path: &[&str]) -> Result<Fit, crate::codec::Malformed> {
    let pattern = segments(template);
    let mut labels = Vec::new();
    let mut literal = 0;
    for (at, part) in pattern.iter().enumerate() {
        let label = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        match (label, path.get(at)) {
            (Some(name), Some(_)) if name.ends_with('+') => {
                labels.push((name.trim_end_matches('+'), form::unescape(&path[at..].join("/"), false)?));
                return Ok(Some((literal, labels)));
            }
            (Some(name), Some(segment)) if !segment.is_empty() => {
                labels.push((name, form::unescape(segment, false)?))
            }
            (None, Some(segment)) if segment == part => literal += 1,
            _ => return Ok(None),
        }
    }
    Ok((pattern.len() == path.len()).then_some((literal, labels)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model;

    fn route(method: &str, uri: &str) -> Result<Routed, Fault> {
        let request = http::Request::builder().method(method).uri(uri).body(()).unwrap();
        operation(model::get("databrew").unwrap(), &request.into_parts().0)
    }

    #[test]
    fn databrew_paths() {
        let routed = route("GET", "/recipes/my%20recipe?recipeVersion=1.0").unwrap();
        assert_eq!(routed.operation.name, "DescribeRecipe");
        assert_eq!(routed.labels, [("name", "my recipe".to_owned())]);
        assert_eq!(routed.query, [("recipeVersion".to_owned(), "1.0".to_owned())]);
        assert_eq!(
            route("DELETE", "/recipes/r/recipeVersion/1.0").unwrap().operation.name,
            "DeleteRecipeVersion"
        );
        assert_eq!(route("POST", "/profileJobs").unwrap().operation.name, "CreateProfileJob");
        for (method, uri) in
            [("GET", "/nowhere"), ("PATCH", "/recipes"), ("GET", "/recipes/"), ("GET", "/recipes/%zz")]
        {
            assert!(route(method, uri).is_err(), "{method} {uri}");
        }
    }

    #[test]
    fn every_operation_is_reached_by_its_own_uri() {
        let model = model::get("databrew").unwrap();
        for operation in &model.operations {
            let uri = operation.uri.replace(['{', '}'], "");
            assert_eq!(route(operation.method, &uri).unwrap().operation.name, operation.name, "{uri}");
        }
    }
}
