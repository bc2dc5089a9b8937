//! Formats survive the catalog; spellings of parameters.

use super::*;
use crate::options::{CsvOptions, LineOptions, Malformed, XmlOptions};

#[test]
fn xml_survives_the_catalog() {
    let xml = XmlOptions { attribute_prefix: "@".to_owned(), ..XmlOptions::new("row", "books") };
    let info = describe(&Format::Xml(xml.clone()), &[]);
    let table = BTreeMap::from([("classification".to_owned(), "books".to_owned())]);
    assert_eq!(xml_of(&info.parameters, &table), Ok(Format::Xml(xml)));
    assert_eq!(xml_of(&BTreeMap::new(), &table), Err(SerdeError::Missing("rowTag")));
}

#[test]
fn formats_survive_the_catalog() {
    let columns = vec!["a".to_owned(), "b".to_owned()];
    let formats = [
        Format::Csv(CsvOptions { delimiter: b'|', ..CsvOptions::lazy_simple(columns.clone()) }),
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
        Format::Orc(OrcOptions { columns: columns.clone() }),
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
    for (text, wanted) in
        [("\t", 9), ("\\t", 9), ("\u{1}", 1), ("\\u0001", 1), ("\\001", 1), ("9", b'9'), ("44", 44)]
    {
        let Ok(Format::Csv(csv)) = lazy(text) else { panic!("{text}") };
        assert_eq!(csv.delimiter, wanted, "{text}");
    }
    assert!(lazy("||").is_err());
    assert!(format_of("com.example.SerDe", &BTreeMap::new(), &BTreeMap::new(), Vec::new()).is_err());
}
