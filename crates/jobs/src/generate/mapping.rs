//! ApplyMapping. Types stand in its mappings; of a field that keeps its own, the script looks which that is.

use super::nodes::{Names, dotted};
use super::python::{flag, list, text, texts};
use crate::graph::{FieldPath, Mapping, NodeKind};

/// What scripts begin with that map fields which keep their types.
pub(super) const HEAD: &str = r#"

def _as_it_is(frame, path, target):
    """The mapping of a field that keeps its type, whatever that is."""
    def fields(kind):
        return kind.choices if hasattr(kind, "choices") else {field.name: field.dataType for field in getattr(kind, "fields", [])}

    def find(names):
        kind, steps = frame.schema(), []
        for name in names:
            known = fields(kind)
            alike = [own for own in known if own == name] or [own for own in known if own.lower() == name.lower()]
            if len(alike) != 1:
                return None
            kind = known[alike[0]]
            steps.append(f"`{alike[0]}`" if "." in alike[0] else alike[0])
        return ".".join(steps), kind

    # One name with dots that no field has is a path.
    found = find(path) or find(".".join(path).split("."))
    if found is None:
        raise ValueError(f"there is no field {'.'.join(path)} to map")
    source, kind = found
    name = kind.typeName()
    if name == "decimal":
        name = f"decimal({kind.precision},{kind.scale})"
    return source, name, target, name
"#;

/// Whether a node maps a field that keeps its type.
pub(super) fn keeps_types(kind: &NodeKind) -> bool {
    matches!(kind, NodeKind::ApplyMapping(mappings) if mappings.iter().any(keeps_type))
}

fn keeps_type(mapping: &Mapping) -> bool {
    match mapping.children.as_slice() {
        [] => wanted(mapping).is_none(),
        children => children.iter().any(keeps_type),
    }
}

/// The type that a field gets, if it gets one. To what has parts, without saying which, nothing is cast.
fn wanted(mapping: &Mapping) -> Option<&str> {
    let found = mapping.from_type.as_deref().map_or("", str::trim);
    let is_type = |name: &&str| match name.trim().to_ascii_lowercase().as_str() {
        "choice" | "null" => false,
        "struct" | "array" | "map" => found.is_empty() || found.eq_ignore_ascii_case(name.trim()),
        _ => true,
    };
    mapping.to_type.as_deref().filter(is_type)
}

/// The call of a node.
pub(super) fn apply(mappings: &[Mapping], names: &Names<'_>) -> Result<String, String> {
    let mut entries = Vec::new();
    flatten(mappings, &[], &[], names.input(0)?, &mut entries);
    // The engine finds names in another case, too.
    let any_case = ("case_sensitive", flag(false));
    names.transform("ApplyMapping", &[("mappings", list(entries)), any_case])
}

/// The mappings of a list, those of structures as paths.
fn flatten(mappings: &[Mapping], from: &[String], to: &[String], frame: &str, entries: &mut Vec<String>) {
    for mapping in mappings {
        let from: FieldPath = [from, mapping.from.as_slice()].concat();
        let to: FieldPath = [to, mapping.to.as_slice()].concat();
        if !mapping.children.is_empty() {
            flatten(&mapping.children, &from, &to, frame, entries);
            continue;
        }
        let target = text(&dotted(&to));
        let Some(wanted) = wanted(mapping) else {
            let path = texts(from.iter().map(String::as_str));
            entries.push(format!("_as_it_is({frame}, {path}, {target})"));
            continue;
        };
        let found = mapping.from_type.as_deref().unwrap_or(wanted);
        let parts = [text(&dotted(&from)), text(found), target, text(wanted)];
        entries.push(format!("({})", parts.join(", ")));
    }
}
