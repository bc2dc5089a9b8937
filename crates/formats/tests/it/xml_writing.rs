//! XML that was written is read as what it was, and a crawler's inference finds the rows.

use std::sync::Arc;

use arrow::array::RecordBatch;
use formats::{
    ByteSource, Compression, Format, InferOptions, JsonOptions, MemorySink, MemorySource, ReadOptions,
    WriteOptions, Writer, XmlOptions, infer,
};
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{read_all, rows, schema, source};

/// A column of every kind that XML has a form for.
const COLUMNS: &[(&str, &str)] = &[
    ("_id", "bigint"),
    ("_note", "string"),
    ("_VALUE", "string"),
    ("text", "string"),
    ("number", "double"),
    ("amount", "decimal(12,3)"),
    ("ok", "boolean"),
    ("day", "date"),
    ("at", "timestamp"),
    ("price", "struct<_currency:string,_VALUE:double,net:int>"),
    ("tags", "array<string>"),
    ("parts", "array<struct<_n:int,name:string,sizes:array<int>,deep:struct<x:string>>>"),
    ("by", "map<string,struct<_a:string,b:boolean>>"),
];

/// Every character that XML has, above all those that it reads otherwise.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        '<', '>', '&', '"', '\'', ']', ' ', '\n', '\r', '\t', '\u{85}', '\u{2028}', '\u{feff}', 'é',
    ]);
    let held = any::<char>().prop_filter(
        "XML has it",
        |c| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'),
    );
    prop::collection::vec(prop_oneof![3 => special, 1 => held], 0..6)
        .prop_map(|all| all.into_iter().collect())
}

fn maybe(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Null), 3 => value].boxed()
}

fn texts() -> BoxedStrategy<Value> {
    maybe(text().prop_map(Value::from))
}

fn list(item: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    maybe(prop::collection::vec(item, 1..4).prop_map(Value::from))
}

fn numbers() -> BoxedStrategy<Value> {
    maybe(any::<i32>().prop_map(Value::from))
}

fn record(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    let named = move |values: Vec<Value>| {
        Value::Object(names.iter().map(|name| (*name).to_owned()).zip(values).collect::<Map<_, _>>())
    };
    values.prop_map(named).boxed()
}

fn row() -> BoxedStrategy<Value> {
    let moment = (0i64..253_402_300_799_999_999).prop_map(|us| {
        let (days, us) = (us / 86_400_000_000, us % 86_400_000_000);
        let day =
            arrow::temporal_conversions::date32_to_datetime(days as i32).map(|at| at.date().to_string());
        let (secs, us) = (us / 1_000_000, us % 1_000_000);
        json!(format!(
            "{} {:02}:{:02}:{:02}.{us:06}",
            day.unwrap_or_default(),
            secs / 3600,
            secs / 60 % 60,
            secs % 60
        ))
    });
    let part = record(vec![
        ("_n", numbers()),
        ("name", texts()),
        ("sizes", list(numbers())),
        ("deep", maybe(record(vec![("x", texts())]))),
    ]);
    let entry = maybe(record(vec![("_a", texts()), ("b", maybe(any::<bool>().prop_map(Value::from)))]));
    record(vec![
        ("_id", maybe(any::<i64>().prop_map(Value::from))),
        ("_note", texts()),
        ("_VALUE", texts()),
        ("text", texts()),
        ("number", maybe((-1e300f64..1e300).prop_map(Value::from))),
        (
            "amount",
            maybe(
                (-99_999_999i64..99_999_999).prop_map(|n| json!(format!("{}.{:03}", n, n.rem_euclid(1000)))),
            ),
        ),
        ("ok", maybe(any::<bool>().prop_map(Value::from))),
        (
            "day",
            maybe(
                (1i32..9999, 1u32..13, 1u32..29).prop_map(|(y, m, d)| json!(format!("{y:04}-{m:02}-{d:02}"))),
            ),
        ),
        ("at", maybe(moment)),
        (
            "price",
            maybe(record(vec![
                ("_currency", texts()),
                ("_VALUE", maybe((-1e9f64..1e9).prop_map(Value::from))),
                ("net", numbers()),
            ])),
        ),
        ("tags", list(texts())),
        ("parts", list(maybe(part))),
        (
            "by",
            maybe(
                prop::collection::btree_map("[a-zé_][a-z0-9.é-]{0,5}", entry, 0..4)
                    .prop_map(|all| Value::Object(all.into_iter().collect())),
            ),
        ),
    ])
}

fn batch_of(rows: &[Value]) -> RecordBatch {
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let json = Format::Json(JsonOptions::default());
    read_all(&source("f.json", lines), &json, &schema(COLUMNS), ReadOptions::default()).unwrap()
}

fn written(batch: &RecordBatch, format: &Format, compression: Compression) -> Vec<u8> {
    let options = WriteOptions { compression, ..WriteOptions::default() };
    let mut writer = Writer::new("f", format, batch.schema(), &options, MemorySink::default()).unwrap();
    for start in (0..batch.num_rows()).step_by(3) {
        block_on(writer.write(&batch.slice(start, 3.min(batch.num_rows() - start)))).unwrap();
    }
    block_on(writer.finish()).unwrap().0.data
}

proptest! {
    #[test]
    fn what_is_written_is_read(data in prop::collection::vec(row(), 1..12), piece in 1usize..200) {
        let batch = batch_of(&data);
        let format = Format::Xml(XmlOptions::default());
        let file = written(&batch, &format, Compression::None);
        let text = String::from_utf8(file.clone()).unwrap();
        let file: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f.xml", file).with_piece(piece));
        let back = read_all(&file, &format, &batch.schema(), ReadOptions { batch_rows: 5, ..ReadOptions::default() }).unwrap();
        prop_assert_eq!(&back, &batch, "{}", text);
        let found = block_on(infer(file, &InferOptions::default())).unwrap();
        prop_assert_eq!(found.format, format);
        prop_assert_eq!(found.records as usize, data.len());
    }
}

/// Inference alone would take the only element of a file's only row for the rows.
#[test]
fn a_single_row_is_found() {
    for text in [
        "<ROWS><ROW><name>x</name></ROW></ROWS>",
        "<ROWS><ROW><tag>x</tag><tag>y</tag></ROW></ROWS>",
        "<ROWS><other/><other/><ROW><tag>x</tag></ROW></ROWS>",
        "<ROWS><ROW id='1'/></ROWS>",
    ] {
        let found = block_on(infer(source("f.xml", text), &InferOptions::default())).unwrap();
        assert_eq!(found.format, Format::Xml(XmlOptions::new("ROW", "xml")), "{text}");
        assert_eq!(found.records, 1, "{text}");
    }
    let found =
        block_on(infer(source("f.xml", "<a><ROWS><x>1</x><x>2</x></ROWS></a>"), &InferOptions::default()));
    assert_eq!(found.unwrap().format, Format::Xml(XmlOptions::new("x", "xml")));
}

#[test]
fn compressed_documents_come_back() {
    let batch = batch_of(&[json!({"_id": 1, "text": "x".repeat(300_000)}), json!({"text": "é"})]);
    let format = Format::Xml(XmlOptions::default());
    for compression in [Compression::Bzip2, Compression::Xz, Compression::HadoopLz4, Compression::Zlib] {
        let name = format!("f.xml{}", compression.extension());
        let file: Arc<dyn ByteSource> =
            Arc::new(MemorySource::new(name, written(&batch, &format, compression)));
        let back = read_all(&file, &format, &batch.schema(), ReadOptions::default()).unwrap();
        assert_eq!(rows(&back), rows(&batch), "{compression:?}");
    }
}
