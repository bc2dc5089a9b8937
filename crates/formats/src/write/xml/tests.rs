use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use futures::executor::block_on;

use super::*;
use crate::compression::Compression;
use crate::hive::HiveType;
use crate::options::{Format, JsonOptions, ReadOptions};
use crate::read;
use crate::source::{ByteSource, MemorySink, MemorySource};
use crate::write::{Writer, check_writable};

fn schema(columns: &[(&str, &str)]) -> Arc<Schema> {
    let fields = columns.iter().map(|(name, ty)| {
        arrow::datatypes::Field::new(*name, ty.parse::<HiveType>().unwrap().to_arrow().unwrap(), true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn all(data: Vec<u8>, format: &Format, schema: &Arc<Schema>) -> RecordBatch {
    use futures::TryStreamExt;
    let file: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f", data));
    let stream = read(file, 0..u64::MAX, format, Arc::clone(schema), ReadOptions::default());
    let batches: Result<Vec<_>, _> = block_on(stream.try_collect());
    arrow::compute::concat_batches(schema, &batches.unwrap()).unwrap()
}

/// Rows as JSON lines have them.
fn rows(columns: &[(&str, &str)], lines: &str) -> RecordBatch {
    all(lines.as_bytes().to_vec(), &Format::Json(JsonOptions::default()), &schema(columns))
}

fn written(batch: &RecordBatch, options: &XmlOptions) -> Result<String, String> {
    let format = Format::Xml(options.clone());
    let write = WriteOptions::default();
    let mut writer = Writer::new("f", &format, batch.schema(), &write, MemorySink::default())
        .map_err(|error| error.to_string())?;
    block_on(writer.write(batch)).map_err(|error| error.to_string())?;
    let (sink, _) = block_on(writer.finish()).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(sink.data).unwrap())
}

/// There and back; gives the text.
fn back(batch: &RecordBatch, options: &XmlOptions) -> String {
    let text = written(batch, options).unwrap();
    let again = all(text.clone().into_bytes(), &Format::Xml(options.clone()), &batch.schema());
    assert_eq!(&again, batch, "{text}");
    text
}

const NESTED: &[(&str, &str)] = &[
    ("_id", "bigint"),
    ("name", "string"),
    ("price", "struct<_currency:string,_VALUE:double>"),
    ("tags", "array<string>"),
    ("parts", "array<struct<n:int,at:timestamp,more:array<boolean>>>"),
    ("by", "map<string,decimal(10,2)>"),
    ("_list", "array<date>"),
];

#[test]
fn rows_are_elements() {
    let lines = r#"{"_id":1,"name":"a<b> & \"c\" 'd'","price":{"_currency":"E\"<\n","_VALUE":1.5},"tags":["x","",null],"parts":[{"n":1,"at":"2024-01-02 03:04:05.006"},null,{"more":[true,null]}],"by":{"k":1.5,"l-m":null},"_list":["2024-01-02"]}
{"name":"","price":{},"by":{}}
{"_id":3,"price":{"_VALUE":2}}
"#;
    let text = back(&rows(NESTED, lines), &XmlOptions::default());
    let wanted = r#"<?xml version="1.0" encoding="UTF-8"?>
<ROWS xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<ROW id="1"><name>a&lt;b&gt; &amp; "c" 'd'</name><price currency="E&quot;&lt;&#10;">1.5</price><tags>x</tags><tags></tags><tags xsi:nil="true"/><parts><n>1</n><at>2024-01-02 03:04:05.006</at></parts><parts xsi:nil="true"/><parts><more>true</more><more xsi:nil="true"/></parts><by><k>1.50</k><l-m xsi:nil="true"/></by><_list>2024-01-02</_list></ROW>
<ROW><name></name><price></price><by></by></ROW>
<ROW id="3"><price>2.0</price></ROW>
</ROWS>
"#;
    assert_eq!(text, wanted);
}

#[test]
fn a_table_says_what_its_files_look_like() {
    let options = XmlOptions {
        attribute_prefix: "@".to_owned(),
        value_tag: "#text".to_owned(),
        root_tag: Some("books".to_owned()),
        ..XmlOptions::new("book", "books")
    };
    let columns = [("@Id", "int"), ("_x", "string"), ("#TEXT", "string")];
    let text = back(&rows(&columns, "{\"@Id\":1,\"_x\":\"a\",\"#TEXT\":\"b\"}\n"), &options);
    assert!(text.contains("<books>\n<book Id=\"1\">b<_x>a</_x></book>\n</books>\n"), "{text}");
    let error = written(&rows(&columns, "{\"#TEXT\":\" b\"}\n"), &options).unwrap_err();
    assert!(error.starts_with("f, column #TEXT: in row 1 the value \" b\" begins or ends with"), "{error}");
    // Attributes without a prefix could not be told from elements.
    let bare = XmlOptions { attribute_prefix: String::new(), ..XmlOptions::default() };
    let text = back(&rows(&[("a", "int")], "{\"a\":1}\n"), &bare);
    assert!(text.contains("<ROW><a>1</a></ROW>"), "{text}");
}

#[test]
fn text_that_white_space_would_change_is_an_element() {
    let columns = [("_VALUE", "string"), ("s", "struct<_value:string,_a:string>")];
    let lines = "{\"_VALUE\":\" \",\"s\":{\"_value\":\"\",\"_a\":\" \\r\\n\\t\"}}\n{\"_VALUE\":\"a b\",\"s\":{\"_value\":\"c\\r\"}}\n";
    let text = back(&rows(&columns, lines), &XmlOptions::default());
    let first = "<ROW><_VALUE> </_VALUE><s a=\" &#13;&#10;&#9;\"><_VALUE></_VALUE></s></ROW>";
    assert!(text.contains(first), "{text}");
    assert!(text.contains("<ROW>a b<s><_VALUE>c&#13;</_VALUE></s></ROW>"), "{text}");
}

#[test]
fn what_xml_has_no_form_for_is_refused_before_it_is_written() {
    let xml = Format::Xml(XmlOptions::default());
    for (name, ty, said) in [
        ("c", "binary", "column c: binary cannot be written as XML; use parquet, or drop it"),
        ("c", "struct<a:array<binary>>", "column c.a: binary cannot be written"),
        ("c", "array<array<int>>", "column c: XML has no form for an array within an array"),
        ("c", "map<string,array<int>>", "column c: XML has no form for an array within a map"),
        ("c", "map<int,string>", "column c: the keys of its maps are no text"),
        ("a b", "int", "column a b: an element of XML cannot be called \"a b\"; rename it"),
        ("1", "int", "column 1: an element of XML cannot be called \"1\""),
        ("a:b", "int", "cannot be called"),
        ("", "int", "cannot be called"),
        ("_1", "int", "column _1: an attribute of XML cannot be called \"1\""),
        ("_xmlns", "string", "an attribute of XML cannot be called \"xmlns\""),
        ("c", "struct<a:int,A:int>", "column c.A: readers take it and a for one"),
    ] {
        let error = check_writable(&xml, &schema(&[(name, ty)])).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let times = arrow::datatypes::Field::new(
        "t",
        arrow::datatypes::DataType::Time32(arrow::datatypes::TimeUnit::Second),
        true,
    );
    assert!(check_writable(&xml, &Schema::new(vec![times])).is_err());
    let of = |row: &str, root: Option<&str>| {
        let options = XmlOptions { root_tag: root.map(str::to_owned), ..XmlOptions::new(row, "xml") };
        check_writable(&Format::Xml(options), &schema(&[("é", "int"), ("_", "int")]))
    };
    assert_eq!(of("row", None), Ok(()));
    assert!(of("ROWS", None).unwrap_err().contains("rowTag and rootTag are both ROWS"));
    assert!(of("m:book", None).unwrap_err().contains("rowTag \"m:book\" is not the name"));
    assert!(of("row", Some("a b")).unwrap_err().contains("rootTag \"a b\" is not the name"));
    let encoding = crate::encoding::Encoding::of_label("ISO-8859-1").unwrap();
    let latin = Format::Xml(XmlOptions { encoding, ..XmlOptions::default() });
    assert_eq!(
        check_writable(&latin, &schema(&[("c", "int")])).unwrap_err(),
        "text is written as UTF-8 only"
    );
}

#[test]
fn values_that_would_not_come_back_are_refused_by_column_and_row() {
    let refused = |ty: &str, lines: &str| {
        let mut batch = rows(&[("c", ty)], lines);
        // Rows count over batches.
        let options = XmlOptions::default();
        let format = Format::Xml(options);
        let mut writer =
            Writer::new("f", &format, batch.schema(), &WriteOptions::default(), MemorySink::default())
                .unwrap();
        block_on(writer.write(&batch.slice(0, 1))).unwrap();
        batch = batch.slice(1, batch.num_rows() - 1);
        block_on(writer.write(&batch)).unwrap_err().to_string()
    };
    let error = refused("string", "{}\n{\"c\":\"a\\u0001\"}\n");
    let wanted = "f, column c: in row 2 the value \"a\\u{1}\" holds U+0001, which XML cannot: remove it, or write json or parquet";
    assert_eq!(error, wanted);
    let error = refused("struct<_a:string>", "{}\n{}\n{\"c\":{\"_a\":\"\u{ffff}\"}}\n");
    assert!(error.starts_with("f, column c._a: in row 3 the value \"\\u{ffff}\" holds U+FFFF"), "{error}");
    let error = refused("array<int>", "{}\n{\"c\":[]}\n");
    assert!(
        error.starts_with("f, column c: in row 2 the array is empty, for which XML has no form"),
        "{error}"
    );
    let error = refused("map<string,int>", "{}\n{\"c\":{\"a b\":1}}\n");
    assert!(error.starts_with("f, column c: in row 2 the value \"a b\" is a key of a map"), "{error}");
    let late = arrow::array::Date32Array::from(vec![0, 3_000_000]);
    let batch = RecordBatch::try_from_iter([("d", Arc::new(late) as arrow::array::ArrayRef)]).unwrap();
    let error = written(&batch, &XmlOptions::default()).unwrap_err();
    assert!(error.starts_with("f, column d: in row 2 the value \"+10183-09-21\" is of a year"), "{error}");
}

#[test]
fn files_without_rows_and_compressed_ones() {
    let none = rows(&[("a", "int")], "").slice(0, 0);
    let text = back(&none, &XmlOptions::default());
    assert_eq!(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ROWS>\n</ROWS>\n");
    let batch = rows(&[("a", "int")], &"{\"a\":1}\n".repeat(5000));
    let format = Format::Xml(XmlOptions::default());
    for compression in [Compression::Gzip, Compression::Zstd, Compression::HadoopSnappy] {
        let options = WriteOptions { compression, ..WriteOptions::default() };
        let mut writer = Writer::new("f", &format, batch.schema(), &options, MemorySink::default()).unwrap();
        assert!(writer.state_bytes() > 0);
        block_on(writer.write(&batch)).unwrap();
        let data = block_on(writer.finish()).unwrap().0.data;
        let name = format!("f.xml{}", compression.extension());
        let file: Arc<dyn ByteSource> = Arc::new(MemorySource::new(name, data));
        let found = block_on(crate::infer(file, &crate::InferOptions::default())).unwrap();
        assert_eq!((found.compression, found.format), (compression, format.clone()));
    }
}
