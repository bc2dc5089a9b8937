//! Nodes that are Python of the user's: CustomCode, and DynamicTransform unless its function is one that every frame has
//! ([`super::builtin`]). A graph that has one runs by its generated script.
//!
//! Source: AWS Glue Web API reference (`CustomCode`, `DynamicTransform`, `TransformConfigParameter`); AWS Glue Developer
//! Guide, "Custom visual transforms".

use std::collections::BTreeMap;

use serde::Deserialize;

use super::kinds::FieldUse::{self, Acts, Stored};
use super::parse::fault;
use super::{Node, NodeKind, builtin};
use crate::JobsError;

/// A CustomCode node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomCode {
    /// The function that the script calls with the context and the collection of its inputs.
    pub function: String,
    /// Its definition, or its body.
    pub code: String,
}

/// A DynamicTransform node.
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicTransform {
    /// The method of frames that its module registers.
    pub function: String,
    /// `s3://bucket/…/module.py`.
    pub location: String,
    /// The name that the module is imported by.
    pub module: String,
    /// What the method is called with, by name.
    pub arguments: Vec<(String, Literal)>,
}

/// A value of Python.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `str`.
    Text(String),
    /// `int` of any size, its digits.
    Int(String),
    /// `float`.
    Float(f64),
    /// `complex`, as it was written.
    Complex(String),
    /// `bool`.
    Flag(bool),
    /// `None`.
    Null,
    /// `list`.
    List(Vec<Literal>),
}

const SCHEMA: FieldUse = Stored("the schema is what the code gives");
const BY_EDITOR: FieldUse =
    Stored("it is for AWS Glue Studio's editor, which checks values by it; runs do not");

pub(super) const CUSTOM_CODE: &[(&str, FieldUse)] =
    &[("Name", Acts), ("Inputs", Acts), ("Code", Acts), ("ClassName", Acts), ("OutputSchemas", SCHEMA)];

pub(super) const DYNAMIC_TRANSFORM: &[(&str, FieldUse)] = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("TransformName", Stored("it is the transform's name in AWS Glue Studio's editor")),
    ("Parameters.Name", Acts),
    ("Parameters.Type", Acts),
    ("Parameters.Value", Acts),
    ("Parameters.ListType", Acts),
    ("Parameters.IsOptional", Acts),
    ("Parameters.ValidationRule", BY_EDITOR),
    ("Parameters.ValidationMessage", BY_EDITOR),
    ("FunctionName", Acts),
    ("Path", Acts),
    ("Version", Stored("AWS does not use it")),
    ("OutputSchemas", SCHEMA),
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RawCode {
    code: String,
    class_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RawDynamic {
    function_name: String,
    path: String,
    parameters: Option<Vec<RawParameter>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawParameter {
    name: String,
    r#type: String,
    value: Option<Vec<String>>,
    list_type: Option<String>,
    is_optional: Option<bool>,
}

pub(super) fn custom_code(raw: RawCode) -> Result<NodeKind, String> {
    identifier("ClassName", &raw.class_name)?;
    if raw.code.trim().is_empty() {
        return Err("Code is empty".to_owned());
    }
    Ok(NodeKind::Code(Box::new(CustomCode { function: raw.class_name, code: raw.code })))
}

pub(super) fn dynamic_transform(raw: RawDynamic) -> Result<NodeKind, String> {
    identifier("FunctionName", &raw.function_name)?;
    if builtin::is_built_in(&raw.path) {
        let arguments = arguments(raw.parameters.unwrap_or_default())?;
        return Ok(NodeKind::BuiltIn(Box::new(builtin::parse(&raw.function_name, arguments)?)));
    }
    let file = raw.path.rsplit('/').next().unwrap_or_default();
    let module = file.strip_suffix(".py").filter(|_| crate::script::is_location(&raw.path));
    let Some(module) = module else {
        return Err(format!("Path {:?} is no s3://bucket/key of a .py file", raw.path));
    };
    identifier("Path: the module", module)?;
    if super::modules::is_needed(module) {
        return Err(format!(
            "Path: a module {module} would hide Python's or the library's own of this name; give the file another one"
        ));
    }
    let arguments = arguments(raw.parameters.unwrap_or_default())?;
    let module = module.to_owned();
    let dynamic = DynamicTransform { function: raw.function_name, location: raw.path, module, arguments };
    Ok(NodeKind::Dynamic(Box::new(dynamic)))
}

/// What a function is called with, by name.
fn arguments(parameters: Vec<RawParameter>) -> Result<Vec<(String, Literal)>, String> {
    let mut arguments: Vec<(String, Literal)> = Vec::new();
    for parameter in parameters {
        identifier("Parameters.Name", &parameter.name)?;
        if parameter.name == "self" || arguments.iter().any(|(name, _)| *name == parameter.name) {
            return Err(format!("Parameters.Name {} is given twice, or the frame itself", parameter.name));
        }
        let value = value(&parameter).map_err(|what| format!("Parameters {}: {what}", parameter.name))?;
        arguments.extend(value.map(|value| (parameter.name, value)));
    }
    Ok(arguments)
}

/// The value of a parameter; `None` leaves it to the function's default.
fn value(parameter: &RawParameter) -> Result<Option<Literal>, String> {
    let values = parameter.value.as_deref().unwrap_or_default();
    let optional = parameter.is_optional == Some(true);
    let kind = parameter.r#type.as_str();
    // Of an optional parameter that nobody has filled in, the editor leaves an empty text.
    let blank = values.iter().all(|value| value.trim().is_empty()) && kind != "str";
    match kind {
        "null" => return Ok(Some(Literal::Null)),
        _ if optional && (values.is_empty() || blank) => return Ok(None),
        "list" => {
            let of = parameter.list_type.as_deref().unwrap_or("str");
            let items = values.iter().map(|text| single(of, text));
            return Ok(Some(Literal::List(items.collect::<Result<_, _>>()?)));
        }
        _ => {}
    }
    match values {
        [only] => single(kind, only).map(Some),
        [] => Err("Value is missing, and it is not IsOptional".to_owned()),
        several => Err(format!("a {kind} has one Value, not {}", several.len())),
    }
}

fn single(kind: &str, text: &str) -> Result<Literal, String> {
    let trimmed = text.trim();
    let not_one = || format!("Value {text:?} is no {kind}");
    Ok(match kind {
        "str" => Literal::Text(text.to_owned()),
        "int" => {
            let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
            if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(not_one());
            }
            let digits = digits.trim_start_matches('0');
            let digits = if digits.is_empty() { "0" } else { digits };
            let sign = if trimmed.starts_with('-') { "-" } else { "" };
            Literal::Int(format!("{sign}{digits}"))
        }
        "float" => Literal::Float(trimmed.parse().map_err(|_| not_one())?),
        "complex" => Literal::Complex(complex(trimmed).ok_or_else(not_one)?.to_owned()),
        "bool" => match trimmed.to_ascii_lowercase().as_str() {
            "true" => Literal::Flag(true),
            "false" => Literal::Flag(false),
            _ => return Err(not_one()),
        },
        "null" => Literal::Null,
        other => {
            return Err(format!(
                "{other} is not one of the types str, int, float, complex, bool, list, null (a list of lists is none)"
            ));
        }
    })
}

/// `1`, `2j` or `1.5-2j`, as Python's `complex` reads it.
fn complex(text: &str) -> Option<&str> {
    let is_number = |part: &str| !part.is_empty() && part.parse::<f64>().is_ok_and(f64::is_finite);
    let Some(rest) = text.strip_suffix(['j', 'J']) else { return is_number(text).then_some(text) };
    // The sign between the two parts is not that of an exponent.
    let between = rest.char_indices().skip(1).filter(|(at, sign)| {
        matches!(sign, '+' | '-') && !rest.get(..*at).is_some_and(|before| before.ends_with(['e', 'E']))
    });
    let parts = match between.last() {
        Some((at, _)) => rest.split_at(at),
        None => ("0", rest),
    };
    let imaginary = matches!(parts.1, "" | "+" | "-") || is_number(parts.1);
    (is_number(parts.0) && imaginary).then_some(text)
}

const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Refuses what is no name of Python's; those in other letters than ASCII's too.
fn identifier(field: &str, name: &str) -> Result<(), String> {
    let safe = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let begins = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if safe && begins && !KEYWORDS.contains(&name) {
        return Ok(());
    }
    Err(format!("{field} {name:?} is no name of Python's: letters, digits and _, and none of its own words"))
}

/// Two modules of one name cannot both be imported, and of two methods of one name frames have one.
pub(super) fn check(nodes: &BTreeMap<String, Node>) -> Result<(), JobsError> {
    let mut known: BTreeMap<&str, (&Node, &DynamicTransform)> = BTreeMap::new();
    for node in nodes.values() {
        let NodeKind::Dynamic(own) = &node.kind else { continue };
        for (what, name) in [("module", &own.module), ("FunctionName", &own.function)] {
            match known.get(name.as_str()) {
                Some((other, same)) if same.location != own.location => {
                    let what = format!(
                        "its {what} {name} is that of node {} at another Path, {}; give one of them another name",
                        other.id, same.location
                    );
                    return Err(fault(&node.id, node.label, &what));
                }
                _ => {
                    known.insert(name, (node, own));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parameter(given: Value) -> Result<Option<Literal>, String> {
        value(&serde_json::from_value(given).expect("a parameter"))
    }

    #[test]
    fn values_are_of_their_types() {
        let text = |text: &str| Literal::Text(text.to_owned());
        let int = |digits: &str| Literal::Int(digits.to_owned());
        for (given, wanted) in [
            (json!({"Name": "p", "Type": "str", "Value": [""], "IsOptional": true}), Some(text(""))),
            (json!({"Name": "p", "Type": "int", "Value": ["-0012"]}), Some(int("-12"))),
            (json!({"Name": "p", "Type": "int", "Value": ["+0"]}), Some(int("0"))),
            (json!({"Name": "p", "Type": "int", "Value": [" "], "IsOptional": true}), None),
            (json!({"Name": "p", "Type": "float", "Value": ["1e-3"]}), Some(Literal::Float(0.001))),
            (json!({"Name": "p", "Type": "bool", "Value": ["TRUE"]}), Some(Literal::Flag(true))),
            (json!({"Name": "p", "Type": "null"}), Some(Literal::Null)),
            (json!({"Name": "p", "Type": "list", "Value": []}), Some(Literal::List(Vec::new()))),
            (
                json!({"Name": "p", "Type": "list", "ListType": "int", "Value": ["1", "2"]}),
                Some(Literal::List(vec![int("1"), int("2")])),
            ),
        ] {
            assert_eq!(parameter(given.clone()), Ok(wanted), "{given}");
        }
        for (given, what) in [
            (json!({"Name": "p", "Type": "int", "Value": ["1.5"]}), "no int"),
            (json!({"Name": "p", "Type": "list", "ListType": "list", "Value": ["x"]}), "a list of lists"),
            (json!({"Name": "p", "Type": "str"}), "Value is missing"),
            (json!({"Name": "p", "Type": "set", "Value": ["x"]}), "set is not one of"),
        ] {
            assert!(parameter(given).expect_err("refused").contains(what), "{what}");
        }
    }

    #[test]
    fn modules_that_scripts_need_are_not_hidden() {
        let transform = |file: &str| {
            let raw = json!({"FunctionName": "clean", "Path": format!("s3://code/{file}")});
            dynamic_transform(serde_json::from_value(raw).expect("a node"))
        };
        for file in ["json.py", "awsglue.py", "pyspark.py"] {
            assert!(transform(file).expect_err("refused").contains("would hide"), "{file}");
        }
        assert!(transform("clean_up.py").is_ok());
    }

    #[test]
    fn complex_numbers_are_those_of_python() {
        for text in ["1", "-2.5", "3j", "-j", "1+2j", "1e-3-2.5e+2j", "1-j"] {
            assert_eq!(complex(text), Some(text));
        }
        for text in ["", "1+", "1 + 2j", "1+2", "j+1", "1++2j", "x"] {
            assert_eq!(complex(text), None, "{text}");
        }
    }
}
