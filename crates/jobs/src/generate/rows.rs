//! Nodes that choose whole rows or whole fields: collections and what is taken of them, samples, empty fields.

use formats::hive::HiveType;

use super::condition;
use super::nodes::{Names, dotted_all};
use super::python::{dictionary, flag, list, text, texts};
use crate::graph::{Destination, FieldPath, Group, NullValues, Spigot};
use crate::plan;

/// What scripts with a DropNullFields begin with.
pub(super) const NULLS_HEAD: &str = r#"

def _drop_null_fields(frame, texts, minus_one, typed, transformation_ctx):
    """Drops the fields that hold nothing but null and what stands for it. Of a frame without rows all are kept."""
    df, counts = frame.toDF(), {}

    def quoted(path):
        return ".".join("`" + name.replace("`", "``") + "`" for name in path)

    def look(schema, above=()):
        for field in schema.fields:
            path = above + (field.name,)
            if hasattr(field.dataType, "fields"):
                look(field.dataType, path)
            else:
                counts[path] = F.count(F.when(holds(F.col(quoted(path)), field.dataType.simpleString()), 1))

    def holds(value, kind):
        stand_ins = [F.lit(word).cast(of) for word, of in typed if of == kind]
        if minus_one and kind in ("int", "bigint", "double"):
            stand_ins.append(F.lit(-1))
        there = value.isNotNull()
        if kind == "string":
            value, stand_ins = F.trim(value), [F.lit(word) for word in texts]
        for stand_in in stand_ins:
            there = there & (value != stand_in)
        return there

    def is_empty(field, path):
        if hasattr(field.dataType, "fields"):
            return all(is_empty(inner, path + (inner.name,)) for inner in field.dataType.fields)
        return found[path] == 0

    def empty(schema, above=()):
        for field in schema.fields:
            path = above + (field.name,)
            if is_empty(field, path):
                yield quoted(path)
            elif hasattr(field.dataType, "fields"):
                yield from empty(field.dataType, path)

    look(df.schema)
    rows, *held = df.agg(F.count(F.lit(1)), *counts.values()).collect()[0]
    found = dict(zip(counts, held))
    paths = list(empty(df.schema)) if rows else []
    return DropFields.apply(frame=frame, paths=paths, transformation_ctx=transformation_ctx) if paths else frame
"#;

/// These fields, and the others.
pub(super) fn split(paths: &[FieldPath], names: &Names<'_>) -> Result<String, String> {
    let own = names.own()?;
    let named = |number: u8| text(&format!("{own}{number}"));
    names.transform("SplitFields", &[("paths", dotted_all(paths)), ("name1", named(1)), ("name2", named(2))])
}

/// A frame for each group; the conditions have two values, so what fits no group is what NOT says.
pub(super) fn route(groups: &[Group], names: &Names<'_>) -> Result<String, String> {
    let input = names.input(0)?;
    let mut predicates = Vec::new();
    for group in groups {
        predicates.push(match &group.filter {
            Some((any, conditions)) if !conditions.is_empty() => {
                Some(condition::predicate(input, *any, conditions)?)
            }
            _ => None,
        });
    }
    let taken: Vec<String> = predicates.iter().flatten().map(|it| format!("({it})")).collect();
    let rest = match taken.is_empty() {
        true => "F.lit(True)".to_owned(),
        false => format!("~({})", taken.join(" | ")),
    };
    let frames = groups.iter().zip(&predicates).map(|(group, own)| {
        let rows = own.as_ref().unwrap_or(&rest);
        (group.name.as_str(), names.of_frame(&format!("{input}.toDF().where({rows})")))
    });
    Ok(format!("DynamicFrameCollection({}, glueContext)", dictionary(frames)))
}

/// The frame at a place of a collection.
pub(super) fn select(index: usize, names: &Names<'_>) -> Result<String, String> {
    let input = names.input(0)?;
    let context = names.context();
    Ok(format!(
        "SelectFromCollection.apply(dfc={input}, key=list({input}.keys())[{index}], transformation_ctx={context})"
    ))
}

/// Fields that hold something.
pub(super) fn drop_nulls(values: &NullValues, names: &Names<'_>) -> Result<String, String> {
    let mut typed = Vec::new();
    for (value, of) in &values.typed {
        typed.push(format!("({}, {})", text(value.trim()), text(&spark_type(of)?)));
    }
    Ok(format!(
        "_drop_null_fields({}, {}, {}, {}, {})",
        names.input(0)?,
        texts(values.texts.iter().map(String::as_str)),
        flag(values.minus_one),
        list(typed),
        names.context()
    ))
}

/// What Spark calls a type of Glue's.
fn spark_type(name: &str) -> Result<String, String> {
    let unknown = || format!("Datatype.Id {name} is not the type of single values");
    let data_type = plan::glue_type(name).map_err(|error| error.to_string())?.ok_or_else(unknown)?;
    Ok(HiveType::from_arrow(&data_type).map_err(|error| error.to_string())?.to_string())
}

/// A sample is written, all rows are handed on.
pub(super) fn spigot(spigot: &Spigot, names: &Names<'_>) -> Result<String, String> {
    let Destination::Path { path, .. } = &spigot.target.destination else {
        return Err("a Spigot writes to a path".to_owned());
    };
    let topk = spigot.rows.map(|rows| ("topk", rows.to_string()));
    let prob = spigot.probability.map(|probability| ("prob", format!("{probability:?}")));
    names.transform(
        "Spigot",
        &[("path", text(&path.to_string())), ("options", dictionary(topk.into_iter().chain(prob)))],
    )
}
