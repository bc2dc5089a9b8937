//! How the parameters of each function are read.

use std::collections::BTreeSet;

use super::given::{self, Given};
use super::{Computed, Studio, patterns, sql};
use crate::graph::FieldPath;
use crate::graph::parse::Parsed;

type Read = Parsed<Studio>;

/// The column that gets a result: the one of that parameter, else the column itself.
pub(super) fn goal(given: &Given<'_>, parameter: &str, column: &FieldPath) -> Result<String, String> {
    match (given.name(parameter)?, column.as_slice()) {
        (Some(name), _) => Ok(name),
        (None, [own]) => Ok(own.clone()),
        (None, _) => Err(format!(
            "Parameters colName {} lies in a structure, and cannot be replaced; give {parameter}",
            column.join(".")
        )),
    }
}

fn computed(name: String, expression: String) -> Studio {
    Studio::With { columns: vec![Computed { name, expression }], without: None }
}

/// Of columns of one name only the last would be left; case does not tell them apart.
fn refuse_twice(parameter: &str, names: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let twice = names.iter().filter(|name| !name.is_empty()).find(|name| !seen.insert(name.to_lowercase()));
    twice.map_or(Ok(()), |name| Err(format!("Parameters {parameter} has the name {name} twice")))
}

pub(super) fn flatten(given: &Given<'_>) -> Read {
    let levels = given.count("maxLevels")?.filter(|levels| *levels > 0);
    let separator = given.text("separator")?.unwrap_or(".").to_owned();
    Ok(Studio::Flatten { levels, separator })
}

pub(super) fn unnest(_: &Given<'_>) -> Read {
    Ok(Studio::Flatten { levels: None, separator: ".".to_owned() })
}

pub(super) fn explode(given: &Given<'_>) -> Read {
    let column = given.path("colName")?;
    let names = given.texts("newCol")?;
    if !matches!(names.len(), 1 | 2) || names.iter().any(String::is_empty) {
        return Err(
            "Parameters newCol is a name, or two with a comma for the keys and values of a map".to_owned()
        );
    }
    refuse_twice("newCol", &names)?;
    Ok(Studio::Explode { column, names, outer: given.flag("outer")? })
}

pub(super) fn concatenate(given: &Given<'_>) -> Read {
    let columns = given.texts("colList")?;
    if columns.is_empty() {
        return Err("Parameters colList is empty".to_owned());
    }
    let null = sql::text(given.text("nullValue")?.unwrap_or_default());
    let mut parts = vec![sql::text(given.text("spacer")?.unwrap_or_default())];
    for column in columns {
        // The editor gives names, which may have any letters.
        let path = given::path("colList", &column).unwrap_or_else(|_| vec![column]);
        parts.push(format!("coalesce(CAST({} AS STRING), {null})", sql::column(&path)));
    }
    Ok(computed(given.needed_name("colName")?, format!("concat_ws({})", parts.join(", "))))
}

pub(super) fn derived(given: &Given<'_>) -> Read {
    let expression = given.needed("expr")?.trim().to_owned();
    crate::plan::check_expression(&expression).map_err(|what| format!("Parameters expr: {what}"))?;
    Ok(computed(given.needed_name("colName")?, expression))
}

pub(super) fn now(given: &Given<'_>) -> Read {
    let name = given.name("colName")?.unwrap_or_else(|| "timestamp".to_owned());
    let now = "current_timestamp()".to_owned();
    Ok(computed(
        name,
        match given.text("dateFormat")? {
            None => now,
            Some(format) => format!("date_format({now}, {})", sql::text(&pattern(format)?)),
        },
    ))
}

fn pattern(format: &str) -> Result<String, String> {
    let faulty = |what: String| format!("Parameters dateFormat: {what}");
    let spark = patterns::of_spark(format).map_err(faulty)?;
    let call = format!("date_format(now(), {})", sql::text(&spark));
    crate::plan::check_expression(&call).map_err(|error| faulty(error.to_string()))?;
    Ok(spark)
}

pub(super) fn format_timestamp(given: &Given<'_>) -> Read {
    let column = given.path("colName")?;
    let format = sql::text(&pattern(given.needed("dateFormat")?)?);
    let value = format!("date_format(CAST({} AS TIMESTAMP), {format})", sql::column(&column));
    Ok(computed(goal(given, "newColName", &column)?, value))
}

pub(super) fn to_timestamp(given: &Given<'_>) -> Read {
    let column = given.path("colName")?;
    let own = sql::column(&column);
    let moment = |cases: &[(&str, &str)]| moment(&own, cases);
    let text = format!("CAST(CAST({own} AS STRING) AS TIMESTAMP)");
    let value = match given.needed("colType")?.trim() {
        "seconds" => moment(&[("9000000000000", "1000000")]),
        "milliseconds" => moment(&[("9000000000000000", "1000")]),
        "microseconds" => moment(&[("9000000000000000000", "1")]),
        "iso" => text,
        // By their size: seconds up to the year 5138, milliseconds from 1973 on.
        "autodetect" => {
            let guessed = moment(&[
                ("100000000000", "1000000"),
                ("100000000000000", "1000"),
                ("9000000000000000000", "1"),
            ]);
            format!("coalesce({guessed}, {text})")
        }
        other => {
            return Err(format!(
                "Parameters colType {other:?} is not one of seconds, milliseconds, microseconds, iso, autodetect"
            ));
        }
    };
    Ok(computed(goal(given, "newColName", &column)?, value))
}

/// A number since the epoch as a timestamp: by what it is multiplied to be microseconds, up to which size. What is larger than all
/// of them, and text that is no number, is null.
fn moment(column: &str, cases: &[(&str, &str)]) -> String {
    // Text is looked at first: of one that is no number Sail makes an error.
    let number = format!(
        "CASE WHEN CAST({column} AS STRING) RLIKE '^-?[0-9]{{1,18}}([.][0-9]+)?(E[0-9]{{1,2}})?$' \
         THEN CAST({column} AS DECIMAL(30,6)) END"
    );
    let case =
        |(most, factor): &(&str, &str)| format!("WHEN abs({number}) < {most} THEN {number} * {factor}");
    let cases: Vec<String> = cases.iter().map(case).collect();
    format!("timestamp_micros(CAST(CASE {} END AS BIGINT))", cases.join(" "))
}

pub(super) fn split(given: &Given<'_>) -> Read {
    let column = given.path("colName")?;
    let pattern = given.needed("pattern")?;
    if regex("pattern", pattern)?.is_match("") {
        return Err("Parameters pattern matches the empty text, which lies between all letters".to_owned());
    }
    let value = format!("split({}, {})", sql::column(&column), sql::text(pattern));
    Ok(computed(goal(given, "newColName", &column)?, value))
}

fn regex(parameter: &str, text: &str) -> Result<regex::Regex, String> {
    regex::Regex::new(text).map_err(|error| format!("Parameters {parameter} {text}: {error}"))
}

pub(super) fn extract(given: &Given<'_>) -> Read {
    let column = given.path("colName")?;
    let pattern = regex("regex", given.needed("regex")?)?;
    let names = given.texts("newCols")?;
    // Without groups it is all that matches.
    let groups = pattern.captures_len() - 1;
    let first = usize::from(groups > 0);
    if names.len() != groups.max(1) {
        return Err(format!(
            "Parameters newCols has {} names, and regex has {groups} groups; give one for each, an empty one for a group \
             that is left out",
            names.len()
        ));
    }
    refuse_twice("newCols", &names)?;
    let (column, pattern) = (sql::column(&column), sql::text(pattern.as_str()));
    let mut columns = Vec::new();
    for (group, name) in (first..).zip(names).filter(|(_, name)| !name.is_empty()) {
        columns.push(Computed { name, expression: format!("regexp_extract({column}, {pattern}, {group})") });
    }
    match columns.is_empty() {
        true => Err("Parameters newCols names no column".to_owned()),
        false => Ok(Studio::With { columns, without: None }),
    }
}

pub(super) fn array_to_columns(given: &Given<'_>) -> Read {
    let column = given.path("colName")?;
    let names = given.texts("colList")?;
    let mut indexes = Vec::new();
    for index in given.texts("indexes")? {
        let number: Option<usize> =
            index.parse().ok().filter(|number| (1..=i32::MAX as usize).contains(number));
        indexes.push(number.ok_or_else(|| format!("Parameters indexes {index:?} is no number from 1 on"))?);
    }
    if indexes.is_empty() {
        indexes = (1..=names.len()).collect();
    }
    if names.len() != indexes.len() || names.iter().any(String::is_empty) {
        return Err(format!(
            "Parameters colList has {} names for {} elements; give one for each",
            names.len(),
            indexes.len()
        ));
    }
    refuse_twice("colList", &names)?;
    let elements = names.into_iter().zip(indexes);
    let element = |(name, index): (String, usize)| Computed {
        name,
        expression: format!("{}[{}]", sql::column(&column), index - 1),
    };
    Ok(Studio::With { columns: elements.map(element).collect(), without: None })
}

pub(super) fn relationalize(given: &Given<'_>) -> Read {
    let staging = given.text("staging_path")?.map(str::to_owned);
    Ok(Studio::Relationalize { root: given.needed("root_table_name")?.to_owned(), staging })
}

pub(super) fn numbers(given: &Given<'_>) -> Read {
    if given.flag("unique")? {
        return Err(
            "Parameters unique: numbers that no other run gives are not built; gs_uuid gives such".to_owned()
        );
    }
    Ok(Studio::Numbers(given.name("colName")?.unwrap_or_else(|| "id".to_owned())))
}

pub(super) fn uuids(given: &Given<'_>) -> Read {
    Ok(Studio::Uuids(given.name("colName")?.unwrap_or_else(|| "uuid".to_owned())))
}

pub(super) fn null_rows(given: &Given<'_>) -> Read {
    Ok(Studio::NullRows { extended: given.flag("extended")? })
}

pub(super) fn repartition(given: &Given<'_>) -> Read {
    match given.count("numPartitionsStr")? {
        Some(0) => Err("Parameters numPartitionsStr is no number from 1 on".to_owned()),
        partitions => Ok(Studio::Repartition { partitions }),
    }
}
