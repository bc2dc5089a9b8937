//! Formats survive the catalog; spellings of parameters.

use super::*;
use crate::options::{CsvOptions, LineOptions, Malformed, XmlOptions};

#[test]
fn xml_survives_the_catalog() {
    let xml = XmlOptions { attribute_prefix: "@".to_owned(), ..XmlOptions::new("row", "books") };
    let info = describe(&Format::Xml(xml.clone()), &[]);
    let table = BTreeMap::from([("classification".to_owned(), "books".to_owned())]);
    assert_eq!(xml_of(&info.parameters, &table), Ok(Format::Xml(xml)));
    let rooted = XmlOptions { root_tag: Some("all".to_owned()), ..XmlOptions::new("row", "books") };
    let info = describe(&Format::Xml(rooted.clone()), &[]);
    assert_eq!(xml_of(&info.parameters, &table), Ok(Format::Xml(rooted)));
    assert!(is_xml(&info.parameters, &table) && !is_xml(&BTreeMap::new(), &table));
    assert_eq!(xml_of(&BTreeMap::new(), &table), Err(SerdeError::Missing("rowTag")));
}

#[test]
fn formats_survive_the_catalog() {
    let columns = vec!["a".to_owned(), "b".to_owned()];
    let formats = [
        Format::Csv(CsvOptions { delimiter: b'|', ..CsvOptions::lazy_simple(columns.clone()) }),
        Format::Csv(CsvOptions { delimiter: b'7', ..CsvOptions::lazy_simple(columns.clone()) }),
        Format::Csv(CsvOptions { delimiter: b'\t', escape: None, ..CsvOptions::open_csv(columns.clone()) }),
        Format::Csv(CsvOptions::open_csv(columns.clone())),
        Format::Csv(CsvOptions { comment: Some(b'#'), ..CsvOptions::open_csv(columns.clone()) }),
        Format::Csv(CsvOptions { comment: Some(b'%'), ..CsvOptions::lazy_simple(columns.clone()) }),
        Format::Json(JsonOptions::default()),
        Format::Json(JsonOptions {
            dots_in_keys: true,
            case_insensitive: false,
            malformed_record: Malformed::Null,
            malformed_value: Malformed::Null,
            mapping: BTreeMap::from([("a".to_owned(), "A-1".to_owned())]),
            ..JsonOptions::default()
        }),
        Format::Csv(CsvOptions {
            escape: Some(b'\\'),
            null_text: Some("NULL".to_owned()),
            nested: vec![b'|', b':', 4, 5, 6, 7, 8],
            encoding: Encoding::of_label("shift_jis").unwrap(),
            ..CsvOptions::lazy_simple(columns.clone())
        }),
        Format::Json(JsonOptions { path: "$.a[*]".parse().ok(), ..JsonOptions::default() }),
        Format::Parquet(ParquetOptions {}),
        Format::Lines(LineOptions::new(
            LineLayout::Grok { pattern: "%{A} %{INT:a}".to_owned(), custom: "A x\nB y".to_owned() },
            "",
            columns.clone(),
        )),
        Format::Lines(LineOptions::new(
            LineLayout::Regex { pattern: "(.)(.)".to_owned(), ignore_case: true },
            "",
            columns.clone(),
        )),
        Format::Orc(OrcOptions { columns: columns.clone(), ..OrcOptions::default() }),
        Format::Orc(OrcOptions { columns: columns.clone(), by_position: true }),
        Format::Avro(AvroOptions { schema: None }),
        Format::Excel(ExcelOptions::default()),
        Format::Excel(ExcelOptions {
            sheet: Some("A b".to_owned()),
            header: Some(false),
            ..ExcelOptions::default()
        }),
        Format::Avro(AvroOptions { schema: Some("{}".to_owned()) }),
    ];
    for format in formats {
        let info = describe(&format, &columns);
        let back = format_of(&info.library, &info.parameters, &BTreeMap::new(), columns.clone()).unwrap();
        assert_eq!(back, format);
    }
}

#[test]
fn spellings_of_characters() {
    let lazy = |delim: &str| {
        let serde = BTreeMap::from([("field.delim".to_owned(), delim.to_owned())]);
        format_of(LAZY_SIMPLE, &serde, &BTreeMap::new(), Vec::new())
    };
    for (text, wanted) in [
        ("\t", 9),
        ("\\t", 9),
        ("\u{1}", 1),
        ("\\u0001", 1),
        ("\\001", 1),
        ("9", 9),
        ("57", b'9'),
        ("44", 44),
    ] {
        let Ok(Format::Csv(csv)) = lazy(text) else { panic!("{text}") };
        assert_eq!(csv.delimiter, wanted, "{text}");
    }
    assert!(lazy("||").is_err());
    assert!(format_of("com.example.SerDe", &BTreeMap::new(), &BTreeMap::new(), Vec::new()).is_err());
}

#[test]
fn settings_stand_with_the_serde_or_with_the_table() {
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    };
    let empty = BTreeMap::new();
    for (library, settings) in [
        (
            LAZY_SIMPLE,
            map(&[("Field.delim", ";"), ("escape.delim", "\\"), ("serialization.null.format", "NA")]),
        ),
        (
            OPEN_CSV,
            map(&[("separatorChar", ";"), ("quoteChar", "'"), ("escapeChar", "!"), ("commentChar", "#")]),
        ),
        (
            OPENX_JSON,
            map(&[("ignore.malformed.json", "true"), ("mapping.a", "A b"), ("dots.in.keys", "true")]),
        ),
        (GROK, map(&[("input.format", "%{INT:a}")])),
        (REGEX, map(&[("input.regex", "(a)"), ("input.regex.case.insensitive", "true")])),
        (ORC, map(&[("orc.column.index.access", "true")])),
        (ION, map(&[("ion.a.path_extractor", "(b)")])),
    ] {
        let of = |serde: &BTreeMap<String, String>, table: &BTreeMap<String, String>| {
            format_of(library, serde, table, vec!["a".to_owned()])
        };
        let told = of(&settings, &empty).unwrap();
        assert_eq!(of(&empty, &settings), Ok(told.clone()), "{library}");
        assert_eq!(of(&settings, &settings), Ok(told), "{library}");
        let (name, value) = settings.first_key_value().unwrap();
        let other = map(&[(&name.to_uppercase(), "other")]);
        let differs = SerdeError::Differs {
            name: name.to_uppercase(),
            serde: value.clone(),
            table: "other".to_owned(),
        };
        assert_eq!(of(&settings, &other), Err(differs), "{library}");
    }
}

#[test]
fn settings_with_another_meaning_are_refused_by_name() {
    let of = |library: &str, name: &str, value: &str| {
        let serde = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        format_of(library, &serde, &BTreeMap::new(), Vec::new())
    };
    for (library, name) in [
        (LAZY_SIMPLE, "serialization.last.column.takes.rest"),
        (LAZY_SIMPLE, "serialization.escape.crlf"),
        (LAZY_SIMPLE, "hive.lazysimple.extended_boolean_literal"),
        (PARQUET, "parquet.column.index.access"),
    ] {
        assert_eq!(of(library, name, "TRUE"), Err(bad(name, "true")), "{name}");
        assert!(of(library, name, "false").is_ok(), "{name}");
    }
    for library in [LAZY_SIMPLE, OPENX_JSON, HIVE_JSON] {
        for other in ["dd/MM/yyyy", "yyyy-MM-dd'T'HH:mm:ss,millis", "yyyy-MM-dd hh:mm", "yyyy-MM-ddHH:mm"] {
            assert_eq!(
                of(library, "timestamp.formats", other),
                Err(bad("timestamp.formats", other)),
                "{other}"
            );
        }
        for read_anyway in
            ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z', yyyy-MM-dd HH:mm:ss,", "yyyy-MM-dd'T'HH:mmXXX"]
        {
            assert!(of(library, "timestamp.formats", read_anyway).is_ok(), "{read_anyway}");
        }
    }
}
