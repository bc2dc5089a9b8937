//! Which types of a table take in which values of files.

use catalog::{Column, TableInput};
use formats::hive::HiveType;
use formats::{Seen, XmlOptions, as_elements_of, merge_types};

use crate::plan::Kind;
use crate::words::named_some;

/// So many columns are named.
const NAMED: usize = 5;

/// Whether every value of a column of files, of which this was seen, is one of `table` as readers of this kind of files
/// convert them.
pub(super) fn takes(kind: &Kind, table: &HiveType, (file, seen): (&HiveType, &Seen)) -> bool {
    match (seen, table) {
        (Seen::Nothing, _) | (Seen::Objects, HiveType::Struct(_) | HiveType::Map(..)) => return true,
        _ => {}
    }
    if let Kind::Xml(xml) = kind {
        if loses_elements(xml, table, file) {
            return false;
        }
        if let Some((file, seen)) = as_elements_of(table, (file, seen), &value_tag(xml)) {
            return takes(kind, table, (&file, &seen));
        }
    }
    let says_types = says_types(kind);
    if table == file || (!says_types && !is_inferred(kind, table)) {
        // Of CSV, text says that some value is no number.
        let is_text =
            matches!(kind, Kind::Csv { .. }) && matches!(file, HiveType::String | HiveType::Boolean);
        return table == file || !(is_text && is_number(table));
    }
    match (table, file) {
        (HiveType::String | HiveType::Char(_) | HiveType::Varchar(_), _) => {
            let is_nested = matches!(file, HiveType::Array(_) | HiveType::Map(..) | HiveType::Struct(_));
            // Bytes are read as text: those that are none fail the query, and say so.
            !(says_types && is_nested)
        }
        _ => nests(kind, table, (file, seen)),
    }
}

/// Whether a column of a table of XML has no place for what its elements are in files: several of one, or text beside what
/// the table knows. Text is read of elements as they are written, without their attributes.
fn loses_elements(xml: &XmlOptions, table: &HiveType, file: &HiveType) -> bool {
    use HiveType as T;
    let tag = value_tag(xml);
    match (table, file) {
        (T::Array(_), _) => false,
        (_, T::Array(_)) => true,
        (T::Struct(_), T::Struct(_)) => false,
        (T::Struct(fields), _) => !fields.iter().any(|(name, _)| name.eq_ignore_ascii_case(&tag)),
        (T::String | T::Char(_) | T::Varchar(_), T::Struct(members)) => members.iter().any(|(name, _)| {
            let attribute = name.strip_prefix(&xml.attribute_prefix);
            attribute.is_some() && !name.eq_ignore_ascii_case(&tag)
        }),
        _ => false,
    }
}

/// As crawls write it.
fn value_tag(xml: &XmlOptions) -> String {
    xml.value_tag.to_lowercase()
}

fn nests(kind: &Kind, table: &HiveType, (file, seen): (&HiveType, &Seen)) -> bool {
    // Below the top, files that say their types are read as they say.
    let below = |table: &HiveType, file: (&HiveType, &Seen)| match says_types(kind) && is_text(table) {
        true => is_text(file.0) || *file.0 == HiveType::Binary,
        false => takes(kind, table, file),
    };
    match (table, file) {
        (HiveType::Array(table), HiveType::Array(file)) => below(table, (file, seen.items())),
        (HiveType::Map(key, value), HiveType::Map(of, to)) => {
            below(key, (of, &Seen::Values)) && below(value, (to, seen.items()))
        }
        (HiveType::Struct(table), HiveType::Struct(file)) => file.iter().all(|(name, ty)| {
            let known = table.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            known.is_none_or(|(_, known)| below(known, (ty, seen.member(name))))
        }),
        (table, file) => merge_types(table, file) == *table,
    }
}

/// Whether files of this kind have, or may have, numbers in a column of which a `double` of the table loses digits. Files that
/// say their types are read without loss, or not at all.
pub(super) fn loses(kind: &Kind, table: &HiveType, (file, seen): (&HiveType, &Seen)) -> bool {
    use HiveType as T;
    if let Kind::Xml(xml) = kind
        && let Some((file, seen)) = as_elements_of(table, (file, seen), &value_tag(xml))
    {
        return loses(kind, table, (&file, &seen));
    }
    match (table, file) {
        (T::Float, _) if says_types(kind) => false,
        (T::Double | T::Float, T::BigInt | T::Decimal(..) | T::Double) => *seen == Seen::Wide,
        (T::Array(table), T::Array(file)) | (T::Map(_, table), T::Map(_, file)) => {
            loses(kind, table, (file, seen.items()))
        }
        (T::Struct(table), T::Struct(file)) => file.iter().any(|(name, ty)| {
            let known = table.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            known.is_some_and(|(_, known)| loses(kind, known, (ty, seen.member(name))))
        }),
        _ => false,
    }
}

/// A remark on columns of a table that is no files whose types do not take in what the source has there: the table keeps its own.
pub(super) fn kept_types(found: &TableInput, table: &TableInput) -> Option<String> {
    fn columns(input: &TableInput) -> &[Column] {
        input.storage_descriptor.as_ref().and_then(|d| d.columns.as_deref()).unwrap_or_default()
    }
    // Sources say their types, as files of Parquet do.
    let misses = |column: &Column| {
        let of_source = columns(found).iter().find(|c| c.name.eq_ignore_ascii_case(&column.name))?;
        let (own, has): (HiveType, HiveType) =
            (column.hive_type().parse().ok()?, of_source.hive_type().parse().ok()?);
        let said = format!("{} is {has} in the source and {own} in it", column.name);
        (!takes(&Kind::Parquet, &own, (&has, &Seen::Values))).then_some(said)
    };
    let said: Vec<String> = columns(table).iter().filter_map(misses).collect();
    (!said.is_empty())
        .then(|| format!("it keeps types that do not take in the values: {}", named_some(&said, NAMED)))
}

/// Whether what was of a type with more digits is `double` now.
pub(super) fn gives_up_digits(was: &HiveType, is: &HiveType) -> bool {
    use HiveType as T;
    match (was, is) {
        (T::BigInt | T::Decimal(..), T::Double) => true,
        (T::Array(was), T::Array(is)) | (T::Map(_, was), T::Map(_, is)) => gives_up_digits(was, is),
        (T::Struct(was), T::Struct(is)) => was.iter().any(|(name, was)| {
            let now = is.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            now.is_some_and(|(_, is)| gives_up_digits(was, is))
        }),
        _ => false,
    }
}

pub(super) fn says_types(kind: &Kind) -> bool {
    matches!(kind, Kind::Parquet | Kind::Avro | Kind::Orc)
}

fn is_number(ty: &HiveType) -> bool {
    use HiveType as T;
    matches!(ty, T::TinyInt | T::SmallInt | T::Int | T::BigInt | T::Float | T::Double | T::Decimal(..))
}

fn is_text(ty: &HiveType) -> bool {
    matches!(ty, HiveType::String | HiveType::Char(_) | HiveType::Varchar(_))
}

/// Whether a crawler would write such a type for a column of text of this kind.
fn is_inferred(kind: &Kind, ty: &HiveType) -> bool {
    match ty {
        HiveType::BigInt | HiveType::Double | HiveType::Boolean | HiveType::String => true,
        HiveType::Int | HiveType::Array(_) | HiveType::Struct(_) => !matches!(kind, Kind::Csv { .. }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_take_others_in() {
        let csv = Kind::Csv { delimiter: b',', header_lines: 1, quote: b'"', comment: None };
        for (kind, table, file, wanted) in [
            (&csv, "bigint", "string", false),
            (&csv, "bigint", "double", false),
            (&csv, "double", "bigint", true),
            (&csv, "string", "boolean", true),
            (&csv, "date", "string", true),
            (&csv, "int", "bigint", true),
            (&csv, "decimal(10,2)", "double", true),
            (&csv, "decimal(10,2)", "string", false),
            (&Kind::Json, "decimal(10,2)", "string", true),
            (&Kind::Json, "int", "bigint", false),
            (&Kind::Json, "bigint", "int", true),
            (&Kind::Json, "int", "string", false),
            (&Kind::Json, "string", "struct<a:int>", true),
            (&Kind::Json, "struct<a:int>", "struct<A:int,b:string>", true),
            (&Kind::Json, "struct<a:int>", "struct<a:string>", false),
            (&Kind::Json, "array<int>", "int", false),
            (&Kind::Parquet, "bigint", "string", false),
            (&Kind::Parquet, "bigint", "int", true),
            (&Kind::Parquet, "string", "bigint", true),
            (&Kind::Parquet, "string", "array<int>", false),
            (&Kind::Parquet, "array<string>", "array<int>", false),
            (&Kind::Parquet, "date", "string", false),
            (&Kind::Parquet, "string", "binary", true),
            (&Kind::Parquet, "binary", "string", true),
            (&Kind::Parquet, "struct<a:string>", "struct<a:binary>", true),
            (&Kind::Parquet, "int", "binary", false),
            (&Kind::Parquet, "decimal(10,2)", "decimal(5,2)", true),
        ] {
            let (known, found): (HiveType, HiveType) = (table.parse().unwrap(), file.parse().unwrap());
            assert_eq!(takes(kind, &known, (&found, &Seen::Values)), wanted, "{table} of {file}");
        }
    }

    #[test]
    fn elements_fit_where_their_column_has_a_place_for_all_of_them() {
        let xml = Kind::Xml(Box::new(XmlOptions::new("row", "xml")));
        for (table, file, wanted) in [
            ("array<int>", "int", true),
            ("array<int>", "string", false),
            ("int", "array<int>", false),
            ("string", "array<int>", false),
            ("date", "array<string>", false),
            ("array<date>", "string", true),
            ("struct<_x:int,_VALUE:string>", "int", true),
            ("struct<_x:int,_value:int>", "string", false),
            ("struct<_x:int>", "string", false),
            ("struct<p:int>", "struct<p:array<int>>", false),
            ("array<struct<p:array<int>>>", "struct<p:int>", true),
            ("array<struct<_x:int,_value:int>>", "int", true),
            // As it is written.
            ("string", "struct<p:int,_value:string>", true),
            ("string", "struct<_x:int,_value:string>", false),
        ] {
            let (known, found): (HiveType, HiveType) = (table.parse().unwrap(), file.parse().unwrap());
            assert_eq!(takes(&xml, &known, (&found, &Seen::Values)), wanted, "{table} of {file}");
        }
        for (table, lossy) in
            [("array<double>", true), ("struct<_value:double>", true), ("array<bigint>", false)]
        {
            let known: HiveType = table.parse().unwrap();
            assert_eq!(loses(&xml, &known, (&HiveType::BigInt, &Seen::Wide)), lossy, "{table}");
        }
    }

    #[test]
    fn guesses_fit_everything_that_could_be_there() {
        let items = |seen: Seen| Seen::Items(Box::new(seen));
        let member = |name: &str, seen: Seen| Seen::Members(vec![(name.to_owned(), seen)]);
        for (table, file, seen, wanted) in [
            ("array<int>", "array<string>", items(Seen::Nothing), true),
            ("array<array<int>>", "array<array<string>>", items(items(Seen::Nothing)), true),
            ("int", "array<string>", items(Seen::Nothing), false),
            ("struct<a:int>", "struct<A:string>", member("A", Seen::Nothing), true),
            ("struct<a:int,b:int>", "struct<a:string,b:string>", member("a", Seen::Nothing), false),
            ("struct<a:array<int>>", "struct<a:string>", member("a", Seen::Nothing), true),
            ("struct<a:int>", "string", Seen::Objects, true),
            ("map<string,int>", "string", Seen::Objects, true),
            ("array<struct<a:int>>", "array<string>", items(Seen::Objects), true),
            ("array<int>", "string", Seen::Objects, false),
            ("int", "string", Seen::Objects, false),
            ("int", "string", Seen::Nothing, true),
        ] {
            let (known, found): (HiveType, HiveType) = (table.parse().unwrap(), file.parse().unwrap());
            assert_eq!(takes(&Kind::Json, &known, (&found, &seen)), wanted, "{table} of {file}, {seen:?}");
        }
        let [known, found] =
            ["map<string,int>", "map<string,string>"].map(|ty| ty.parse::<HiveType>().unwrap());
        for (seen, wanted) in [(items(Seen::Nothing), true), (Seen::Values, false)] {
            assert_eq!(takes(&Kind::Parquet, &known, (&found, &seen)), wanted);
        }
    }

    #[test]
    fn types_that_stay_are_told_when_a_source_has_others() {
        let table = |columns: &[(&str, &str)]| {
            let columns: Vec<_> =
                columns.iter().map(|(name, ty)| serde_json::json!({ "Name": name, "Type": ty })).collect();
            let table = serde_json::json!({ "Name": "t", "StorageDescriptor": { "Columns": columns } });
            serde_json::from_value::<TableInput>(table).unwrap()
        };
        let kept = table(&[("id", "int"), ("n", "bigint"), ("s", "string"), ("gone", "int")]);
        let alike = table(&[("ID", "int"), ("n", "int"), ("s", "bigint"), ("new", "date")]);
        assert_eq!(kept_types(&alike, &kept), None);
        let other = table(&[("id", "string"), ("n", "decimal(10,2)"), ("s", "date")]);
        let said = "it keeps types that do not take in the values: id is string in the source and int in it, n is \
                    decimal(10,2) in the source and bigint in it";
        assert_eq!(kept_types(&other, &kept).as_deref(), Some(said));
    }

    #[test]
    fn doubles_lose_digits_of_whole_numbers_beyond_them() {
        let member = Seen::Members(vec![("a".to_owned(), Seen::Wide)]);
        for (kind, table, file, seen, wanted) in [
            (&Kind::Json, "double", "bigint", Seen::Wide, true),
            (&Kind::Json, "double", "bigint", Seen::Values, false),
            (&Kind::Json, "bigint", "bigint", Seen::Wide, false),
            (&Kind::Json, "decimal(20,0)", "bigint", Seen::Wide, false),
            (&Kind::Json, "struct<A:double>", "struct<a:bigint>", member.clone(), true),
            (&Kind::Json, "struct<A:double,b:double>", "struct<b:bigint>", member, false),
            (&Kind::Json, "array<double>", "array<bigint>", Seen::Items(Box::new(Seen::Wide)), true),
            (&Kind::Parquet, "double", "bigint", Seen::Wide, true),
            (&Kind::Parquet, "double", "decimal(38,2)", Seen::Wide, true),
            (&Kind::Parquet, "double", "double", Seen::Values, false),
            // It takes none in, and that is said.
            (&Kind::Parquet, "float", "bigint", Seen::Wide, false),
        ] {
            let (known, found): (HiveType, HiveType) = (table.parse().unwrap(), file.parse().unwrap());
            assert_eq!(loses(kind, &known, (&found, &seen)), wanted, "{table} of {file}");
        }
    }
}
