//! Nodes that are Python of the user's.
//!
//! CustomCode is a function of the context and of a collection of the node's inputs, in their order, by the names of their
//! variables; it gives a collection. DynamicTransform is a module that gives frames a method.

use super::nodes::Names;
use super::python::{dictionary, flag, list, text};
use crate::graph::{CustomCode, DynamicTransform, Graph, Literal, NodeKind};

/// What scripts with CustomCode begin with.
pub(super) const CODE_HEAD: &str = r#"

def _collection(made, node):
    """What the code of a node has given, which must be a collection of frames."""
    if not isinstance(made, DynamicFrameCollection):
        raise TypeError(f"{node} gave {type(made).__name__}; it must return a DynamicFrameCollection")
    return made
"#;

/// What scripts with DynamicTransform begin with.
pub(super) const DYNAMIC_HEAD: &str = r#"

def _frame(made, node):
    """What the function of a node has given, which must be a frame."""
    if not isinstance(made, DynamicFrame):
        raise TypeError(f"{node} gave {type(made).__name__}; it must return a DynamicFrame")
    return made
"#;

/// The names that scripts use themselves, their helpers and what these use of Python's included. Helpers begin with `_`, which
/// functions of users hardly do.
const TAKEN: [&str; 98] = [
    "args",
    "sc",
    "glueContext",
    "spark",
    "job",
    "sys",
    "F",
    "_spark_sql",
    "_drop_null_fields",
    "_collection",
    "_frame",
    "_not_passed",
    "_require",
    "_rules_not_passed",
    "DynamicFrame",
    "DynamicFrameCollection",
    "EvaluateDataQuality",
    "ApplyMapping",
    "SelectFields",
    "DropFields",
    "RenameField",
    "SplitFields",
    "SelectFromCollection",
    "Spigot",
    "FillMissingValues",
    "EvaluateDataQualityMultiFrame",
    "EntityDetector",
    "GlueContext",
    "Job",
    "SparkContext",
    "getResolvedOptions",
    "_VIEWS",
    "boto3",
    "re",
    "decimal",
    "_constant",
    "_holds",
    "_united",
    "_merged",
    "_one_type",
    "_steps",
    "_path",
    "_field",
    "_aside",
    "_distinct",
    "_joined",
    "_as_it_is",
    "_as_table",
    "_flattened",
    "_without_null_rows",
    "_pivoted",
    "_unpivoted",
    "_looked_up",
    "json",
    "pandas",
    "_Number",
    "_MAX_NAMES",
    "_parsed",
    "_unescaped",
    "_members",
    "_without_blanks",
    "_is_whole",
    "_fitted",
    "_with_documents",
    "_shape",
    "_widened",
    "_count_names",
    "_look",
    "_sql_type",
    "_type_of_documents",
    "_change_columns",
    "_tell_columns",
    "zip",
    "any",
    "all",
    "set",
    "dict",
    "list",
    "str",
    "int",
    "float",
    "len",
    "type",
    "hasattr",
    "isinstance",
    "Exception",
    "ValueError",
    "TypeError",
    "max",
    "min",
    "range",
    "enumerate",
    "map",
    "sorted",
    "sum",
    "bool",
    "tuple",
    "RecursionError",
];

/// Whether a script uses a name itself, so that no function of the user's can have it.
pub(super) fn is_taken(name: &str) -> bool {
    TAKEN.contains(&name)
}

/// The functions that nodes of a graph define.
pub(super) fn functions(graph: &Graph) -> impl Iterator<Item = &str> {
    graph.needed().filter_map(|node| match &node.kind {
        NodeKind::Code(own) => Some(own.function.as_str()),
        _ => None,
    })
}

/// The modules of a graph's transforms, each once. They come before everything else, so that none of their names hides one of
/// the script's.
pub(super) fn imports(graph: &Graph) -> String {
    let mut lines = Vec::new();
    for node in graph.needed() {
        let NodeKind::Dynamic(own) = &node.kind else { continue };
        let line = format!("import {}  # {}\n", own.module, own.location);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    match lines.is_empty() {
        true => String::new(),
        false => format!("# Modules of --extra-py-files, which give frames methods.\n{}\n", lines.concat()),
    }
}

/// The function, and its call.
pub(super) fn code(own: &CustomCode, names: &Names<'_>) -> Result<String, String> {
    if is_taken(&own.function) {
        return Err(format!("ClassName {} is a name that the script uses itself", own.function));
    }
    if let Some(line) = code_lines(&own.code).find(|line| line.trim_start().starts_with("from __future__ ")) {
        return Err(format!(
            "Code has {:?}, which Python takes at the begin of a script only; leave it out",
            line.trim()
        ));
    }
    let mut frames = Vec::new();
    for at in 0..names.node.inputs.len() {
        let input = names.input(at)?;
        if !frames.iter().any(|(name, _)| *name == input) {
            frames.push((input, input.to_owned()));
        }
    }
    Ok(format!(
        "{}{} = _collection({}(glueContext, DynamicFrameCollection({}, glueContext)), {})\n",
        definition(own),
        names.own()?,
        own.function,
        dictionary(frames),
        called("CustomCode", names)
    ))
}

/// The method of its input.
pub(super) fn dynamic(own: &DynamicTransform, names: &Names<'_>) -> Result<String, String> {
    let arguments: Vec<String> =
        own.arguments.iter().map(|(name, value)| format!("{name}={}", literal(value))).collect();
    Ok(format!(
        "_frame({}.{}({}), {})",
        names.input(0)?,
        own.function,
        arguments.join(", "),
        called("DynamicTransform", names)
    ))
}

/// A node for messages.
fn called(kind: &str, names: &Names<'_>) -> String {
    text(&format!("{kind} {} ({})", names.node.id, names.title()))
}

fn literal(value: &Literal) -> String {
    match value {
        Literal::Text(value) => text(value),
        Literal::Int(digits) => digits.clone(),
        Literal::Float(value) if value.is_finite() => format!("{value:?}"),
        Literal::Float(value) => format!("float({})", text(&value.to_string())),
        Literal::Complex(value) => format!("complex({})", text(value)),
        Literal::Flag(value) => flag(*value),
        Literal::Null => "None".to_owned(),
        Literal::List(values) => list(values.iter().map(literal)),
    }
}

/// The definition as it is given; a body gets its head.
fn definition(own: &CustomCode) -> String {
    let code = own.code.replace("\r\n", "\n");
    let code = code.trim_end();
    let name = own.function.as_str();
    let defines = |line: &str| {
        let rest = line.strip_prefix("def").filter(|rest| rest.starts_with([' ', '\t']));
        let rest = rest.and_then(|rest| rest.trim_start().strip_prefix(name));
        rest.is_some_and(|rest| rest.trim_start().starts_with('('))
    };
    let whole = dedented(code);
    if code_lines(&whole).any(defines) {
        return format!("{whole}\n\n");
    }
    format!("def {name}(glueContext, dfc) -> DynamicFrameCollection:\n{}\n\n", indented(code))
}

/// The lines that begin outside of texts of several lines.
fn code_lines(code: &str) -> impl Iterator<Item = &str> {
    let mut quotes = Quotes::default();
    code.lines().filter(move |line| {
        let is_code = quotes.open.is_none();
        quotes.read(line);
        is_code
    })
}

/// Code whose lines are all moved to the right, moved back. Lines within texts of several lines stay.
fn dedented(code: &str) -> String {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let Some(first) = code.lines().find(is_code) else { return code.to_owned() };
    let margin = first.get(..first.len() - first.trim_start().len()).unwrap_or_default();
    if margin.is_empty() || !code_lines(code).filter(is_code).all(|line| line.starts_with(margin)) {
        return code.to_owned();
    }
    let mut quotes = Quotes::default();
    let mut lines = Vec::new();
    for line in code.lines() {
        let moves = quotes.open.is_none();
        lines.push(if moves { line.strip_prefix(margin).unwrap_or(line) } else { line });
        quotes.read(line);
    }
    lines.join("\n")
}

/// A body with its lines moved to the right, unless they are there already. Lines within texts of several lines stay.
fn indented(code: &str) -> String {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    if code.lines().find(is_code).is_some_and(|line| line.starts_with([' ', '\t'])) {
        return code.to_owned();
    }
    let mut quotes = Quotes::default();
    let mut lines = Vec::new();
    for line in code.lines() {
        let moves = quotes.open.is_none() && !line.trim().is_empty();
        lines.push(if moves { format!("    {line}") } else { line.to_owned() });
        quotes.read(line);
    }
    lines.join("\n")
}

/// Whether a line of Python ends within a text that goes on in the next one.
#[derive(Default)]
struct Quotes {
    /// What ends the text that is open.
    open: Option<&'static str>,
}

impl Quotes {
    fn read(&mut self, line: &str) {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let ends = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote));
            let step = match (self.open, ends) {
                _ if first == '\\' => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
                (None, _) if first == '#' => break,
                (None, Some(quote)) => {
                    self.open = Some(quote);
                    quote.len()
                }
                (Some(quote), _) if rest.starts_with(quote) => {
                    self.open = None;
                    quote.len()
                }
                _ => first.len_utf8(),
            };
            rest = rest.get(step..).unwrap_or_default();
        }
        // A text of one line goes on only behind a backslash.
        if self.open.is_some_and(|quote| quote.len() == 1) && !line.ends_with('\\') {
            self.open = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defined(code: &str) -> String {
        definition(&CustomCode { function: "MyTransform".to_owned(), code: code.to_owned() })
    }

    #[test]
    fn a_body_gets_its_head_and_a_definition_stays() {
        let head = "def MyTransform(glueContext, dfc) -> DynamicFrameCollection:\n";
        assert_eq!(defined("x = 1\n\nreturn dfc\n"), format!("{head}    x = 1\n\n    return dfc\n\n"));
        assert_eq!(defined("# Why\n    return dfc"), format!("{head}# Why\n    return dfc\n\n"));
        let whole =
            "import re\ndef MyTransform (glueContext, dfc) -> DynamicFrameCollection:\r\n    return dfc";
        assert_eq!(defined(whole), format!("{}\n\n", whole.replace('\r', "")));
        // A function of another name is part of the body.
        assert!(defined("def MyTransforms(x):\n    return x").starts_with(head));
    }

    #[test]
    fn a_definition_is_found_where_it_is_code() {
        let moved =
            "    import re\n    def MyTransform(a, b):\n        x = \"\"\"\n  t\"\"\"\n        return b";
        assert_eq!(
            defined(moved),
            "import re\ndef MyTransform(a, b):\n    x = \"\"\"\n  t\"\"\"\n    return b\n\n"
        );
        let quoted = "\"\"\"\ndef MyTransform(a, b):\n\"\"\"\nreturn dfc";
        assert!(defined(quoted).starts_with("def MyTransform(glueContext, dfc)"), "{}", defined(quoted));
    }

    #[test]
    fn texts_of_several_lines_stay_as_they_are() {
        let code = "q = \"\"\"select '\n  # no comment\nfrom t\"\"\"  # a 'comment\nx = 'it\\'s'\ny = 'a\\\nb'\nreturn q";
        let wanted = "    q = \"\"\"select '\n  # no comment\nfrom t\"\"\"  # a 'comment\n    x = 'it\\'s'\n    y = 'a\\\nb'\n    return q";
        assert_eq!(indented(code), wanted);
    }
}
