//! Nodes that read tables of the catalog, and files.

use super::nodes::{Names, Options};
use super::python::{dictionary, flag, text, texts};
use crate::graph::{Bounds, CatalogSource, FileFormat, FileSource, Graph, Node, NodeKind};

/// What scripts begin with whose sources may find values of several types in one field.
pub(super) const TYPES_HEAD: &str = r#"

def _one_type(frame, transformation_ctx, **table):
    """The frame with one type for each field, as visual jobs read it: that of the table, else double for numbers and text for the rest."""
    specs = []

    def look(kind, path):
        if hasattr(kind, "choices"):
            kinds = set(kind.choices)
            if not kinds & {"struct", "array", "map", "binary"}:
                numbers = kinds <= {"byte", "short", "int", "long", "float", "double"}
                specs.append((path, "cast:double" if numbers else "cast:string"))
        elif hasattr(kind, "elementType"):
            look(kind.elementType, path + "[]")
        elif hasattr(kind, "fields"):
            for field in kind.fields:
                name = f"`{field.name}`" if "." in field.name else field.name
                look(field.dataType, f"{path}.{name}" if path else name)

    look(frame.schema(), "")
    if not specs:
        return frame
    how = {"choice": "match_catalog", **table} if table else {"specs": specs}
    return frame.resolveChoice(transformation_ctx=transformation_ctx, **how)
"#;

/// Whether a node reads values whose types are found in the data.
fn may_have_choices(kind: &NodeKind) -> bool {
    match kind {
        NodeKind::Catalog(_) => true,
        NodeKind::Files(source) => matches!(source.format, FileFormat::Json | FileFormat::Parquet),
        _ => false,
    }
}

/// Whether a node's fields each get one type.
pub(super) fn has_one_type(graph: &Graph, node: &Node) -> bool {
    may_have_choices(&node.kind) && !keeps_choices(graph, node)
}

/// Whether a node's fields of several types stay choices, as on the engine: there, files of Parquet have none.
fn keeps_choices(graph: &Graph, node: &Node) -> bool {
    let tells = match &node.kind {
        NodeKind::Catalog(_) => true,
        NodeKind::Files(source) => matches!(source.format, FileFormat::Json),
        _ => false,
    };
    tells && graph.keeps_choices(&node.id)
}

/// The line behind a source's own that leaves each field one type.
pub(super) fn of_one_type(names: &Names<'_>) -> Result<String, String> {
    let own = names.own()?;
    if keeps_choices(names.graph, names.node) {
        return Ok(String::new());
    }
    let table = match &names.node.kind {
        NodeKind::Catalog(source) => {
            format!(", database={}, table_name={}", text(&source.database), text(&source.table))
        }
        kind if may_have_choices(kind) => String::new(),
        _ => return Ok(String::new()),
    };
    let context = text(&format!("{}_types", names.node.id));
    Ok(format!("{own} = _one_type({own}, {context}{table})\n"))
}

fn bounds(bounds: Bounds) -> Vec<(&'static str, String)> {
    let files = bounds.files.map(|most| ("boundedFiles", text(&most.to_string())));
    let bytes = bounds.bytes.map(|most| ("boundedSize", text(&most.to_string())));
    files.into_iter().chain(bytes).collect()
}

pub(super) fn catalog(source: &CatalogSource, names: &Names<'_>) -> Result<String, String> {
    let mut options = bounds(source.bounds);
    if let Some(predicate) = &source.predicate {
        // The catalog's own grammar, as the engine takes it.
        options.push(("catalogPartitionPredicate", text(predicate)));
    }
    let options = match options.is_empty() {
        true => String::new(),
        false => format!(", additional_options={}", dictionary(options)),
    };
    Ok(format!(
        "glueContext.create_dynamic_frame.from_catalog(database={}, table_name={}{options}, transformation_ctx={})",
        text(&source.database),
        text(&source.table),
        names.context()
    ))
}

pub(super) fn files(source: &FileSource, names: &Names<'_>) -> String {
    let (format, format_options) = read_format(&source.format);
    let paths: Vec<String> = source.paths.iter().map(ToString::to_string).collect();
    let mut options =
        vec![("paths", texts(paths.iter().map(String::as_str))), ("recurse", flag(source.recurse))];
    if !source.exclusions.is_empty() {
        let patterns: Vec<String> = source.exclusions.iter().map(ToString::to_string).collect();
        options.push(("exclusions", text(&texts(patterns.iter().map(String::as_str)))));
    }
    options.extend(bounds(source.bounds));
    format!(
        "glueContext.create_dynamic_frame.from_options(connection_type=\"s3\", connection_options={}, \
         format=\"{format}\", format_options={}, transformation_ctx={})",
        dictionary(options),
        dictionary(format_options),
        names.context()
    )
}

fn read_format(format: &FileFormat) -> (&'static str, Options) {
    let letter = |byte: u8| text(&char::from(byte).to_string());
    match format {
        FileFormat::Csv { separator, quote, escape, header, skip_first } => {
            let mut options = vec![
                ("withHeader", flag(*header)),
                ("separator", letter(*separator)),
                ("quoteChar", quote.map_or_else(|| "-1".to_owned(), letter)),
            ];
            options.extend(escape.map(|escape| ("escaper", letter(escape))));
            options.extend(skip_first.then(|| ("skipFirst", flag(true))));
            ("csv", options)
        }
        FileFormat::Json => ("json", Vec::new()),
        FileFormat::Parquet => ("parquet", Vec::new()),
        FileFormat::Excel { max_rows, skip_footer } => {
            let mut options: Options =
                max_rows.iter().map(|most| ("numberRows", text(&most.to_string()))).collect();
            if *skip_footer > 0 {
                options.push(("skipFooter", text(&skip_footer.to_string())));
            }
            ("excel", options)
        }
    }
}
