//! Transforms of columns of JSON.

use formats::hive::HiveType;

use super::given::{self, Given};
use super::{Computed, FromJson, Studio, functions, sql};
use crate::graph::parse::Parsed;

pub(super) fn extract(given: &Given<'_>) -> Parsed<Studio> {
    let column = given.path("colName")?;
    let paths = given.texts("jsonPaths")?;
    let names = given.texts("colList")?;
    if paths.len() != names.len() || paths.is_empty() {
        let (names, paths) = (names.len(), paths.len());
        return Err(format!(
            "Parameters colList has {names} names, and jsonPaths has {paths} paths; give one for each"
        ));
    }
    let without = match (given.flag("dropCol")?, column.as_slice()) {
        (false, _) => None,
        (true, [own]) => Some(own.clone()),
        (true, _) => {
            return Err("Parameters dropCol: colName lies in a structure, and cannot be dropped".to_owned());
        }
    };
    let mut columns = Vec::new();
    for (path, name) in paths.iter().zip(names) {
        let name = given::bare("colList", &name)?;
        if column.first() == Some(&name) {
            return Err(format!(
                "Parameters colList has {name}, which is colName; give the new column another name"
            ));
        }
        let path = whole(path);
        crate::plan::check_json_path(&path).map_err(|what| format!("Parameters jsonPaths: {what}"))?;
        let expression = format!("get_json_object({}, {})", sql::column(&column), sql::text(&path));
        columns.push(Computed { name, expression });
    }
    Ok(Studio::With { columns, without })
}

/// A path from the document on: a name alone is that of a member.
fn whole(path: &str) -> String {
    if path.starts_with('$') { path.to_owned() } else { format!("$.{path}") }
}

pub(super) fn parse(given: &Given<'_>) -> Parsed<Studio> {
    let column = given.path("colName")?;
    let name = functions::goal(given, "newColName", &column)?;
    let schema = given.text("schema")?.map(schema).transpose()?;
    Ok(Studio::FromJson(FromJson { column, name, schema }))
}

/// The type of documents: one of Hive's, or the members of a structure as columns are declared.
fn schema(text: &str) -> Parsed<HiveType> {
    let wrong = |what: String| format!("Parameters schema: {what}");
    let ty: HiveType = match text.parse() {
        Ok(ty) => ty,
        Err(_) => members(text).parse().map_err(|error| wrong(format!("{error}")))?,
    };
    match &ty {
        HiveType::Struct(_) | HiveType::Array(_) | HiveType::Map(..) => {}
        other => return Err(wrong(format!("{other} is no type of objects or arrays"))),
    }
    match unread(&ty) {
        None => Ok(ty),
        Some(what) => {
            Err(wrong(format!("{what} is not read from JSON; take string, and cast what comes of it")))
        }
    }
}

/// `a INT, b ARRAY<STRING>` as `struct<a:INT, b:ARRAY<STRING>>`.
fn members(text: &str) -> String {
    let (mut depth, mut start, mut quoted) = (0_i32, 0, false);
    let mut parts = Vec::new();
    for (at, letter) in text.char_indices() {
        match letter {
            '`' => quoted = !quoted,
            _ if quoted => {}
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            ',' if depth == 0 => parts.push(&text[std::mem::replace(&mut start, at + 1)..at]),
            _ => {}
        }
    }
    parts.push(&text[start..]);
    format!("struct<{}>", parts.into_iter().map(member).collect::<Vec<_>>().join(","))
}

/// `name TYPE` as `name:TYPE`; the name may stand in backticks, in which two are one.
fn member(text: &str) -> String {
    let text = text.trim();
    let mut quoted = false;
    let end = text.find(|letter: char| {
        quoted ^= letter == '`';
        !quoted && letter.is_whitespace()
    });
    match end {
        Some(end) if !text[..end].ends_with(':') => format!("{}:{}", &text[..end], text[end..].trim_start()),
        _ => text.to_owned(),
    }
}

/// What of a type is not read.
fn unread(ty: &HiveType) -> Option<String> {
    match ty {
        HiveType::Array(item) => unread(item),
        HiveType::Map(key, value) if **key == HiveType::String => unread(value),
        HiveType::Struct(fields) => fields.iter().find_map(|(_, ty)| unread(ty)),
        HiveType::Boolean
        | HiveType::TinyInt
        | HiveType::SmallInt
        | HiveType::Int
        | HiveType::BigInt
        | HiveType::Float
        | HiveType::Double
        | HiveType::String => None,
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_given_as_in_sql() {
        for (text, wanted) in [
            ("a STRING, b INT", "struct<a:string,b:int>"),
            ("a: string, `b c`  map<string, bigint>", "struct<a:string,b c:map<string,bigint>>"),
            ("ARRAY<STRUCT<x: INT, y: DOUBLE>>", "array<struct<x:int,y:double>>"),
            (
                "x ARRAY<STRUCT<a: INT, b: FLOAT>>,y BOOLEAN",
                "struct<x:array<struct<a:int,b:float>>,y:boolean>",
            ),
        ] {
            assert_eq!(schema(text).unwrap().to_string(), wanted);
        }
        for (text, what) in [
            ("STRING", "string is no type of objects or arrays"),
            ("a", "is not a Hive type"),
            ("a DATE", "date is not read from JSON"),
            ("map<int,string>", "map<int,string> is not read"),
            ("a nope", "is not a Hive type"),
        ] {
            let error = schema(text).expect_err(text);
            assert!(error.contains(what), "{error}");
        }
    }
}
