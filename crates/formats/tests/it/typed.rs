//! Avro and ORC: files that other libraries wrote (fastavro, pyarrow), ours there and back, and damaged ones.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use formats::{
    AvroOptions, ByteSource, Compression, Format, InferOptions, Inferred, MemorySink, OrcOptions,
    ParquetOptions, Problem, ReadOptions, Spelling, WriteOptions, Writer, check_writable, infer, plan_splits,
    read,
};
use futures::TryStreamExt;
use futures::executor::block_on;

use super::{read_all, rows, schema, source};

pub(super) fn fixture(name: &str) -> Arc<dyn ByteSource> {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    source(&format!("s3://b/{name}"), std::fs::read(path).unwrap())
}

pub(super) fn inferred(file: &Arc<dyn ByteSource>) -> Inferred {
    block_on(infer(Arc::clone(file), &InferOptions::default())).unwrap()
}

pub(super) fn table(found: &Inferred) -> SchemaRef {
    let columns: Vec<(String, String)> =
        found.fields.iter().map(|f| (f.name.clone(), f.ty.to_string())).collect();
    let columns: Vec<(&str, &str)> = columns.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    schema(&columns)
}

pub(super) fn types(found: &Inferred) -> String {
    let columns: Vec<String> = found.fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
    columns.join(", ")
}

pub(super) fn all(file: &Arc<dyn ByteSource>, format: &Format, schema: &SchemaRef) -> RecordBatch {
    read_all(file, format, schema, ReadOptions::default()).unwrap()
}

const AVRO_TYPES: &str = "id bigint, n int, f float, d double, ok boolean, s string, b binary, fx binary, \
    color string, price decimal(12,2), pricef decimal(18,4), day date, ms timestamp, us timestamp, t int, u string, \
    tags array<string>, m map<string,double>, r struct<x:int,y:string>, r2 struct<x:int,y:string>, num bigint, \
    un struct<member0:int,member1:string>";

#[test]
fn avro_of_another_writer() {
    for codec in ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"] {
        let file = fixture(&format!("all-{codec}.avro"));
        let found = inferred(&file);
        assert_eq!(types(&found), AVRO_TYPES);
        assert_eq!((found.records, found.complete), (if codec == "null" { 300 } else { 20 }, true));
        let batch = all(&file, &found.format, &table(&found));
        assert_eq!(batch.num_rows() as u64, found.records);
        let rows = rows(&batch);
        let row = |i: usize| rows[i].join("|");
        assert_eq!(
            row(0),
            "0|0|0.0|0.0|∅|∅|00ff|61626364|RED|0.00|0.0000|1969-12-30|2020-01-01T00:00:00|∅|3723000|\
             00000000-0000-0000-0000-000000000000|[]|{}|{x: 0, y: ∅}|{x: 1, y: z}|∅|∅"
        );
        assert_eq!(
            row(1),
            "1|-1|0.5|0.25|true|é1|01ff|61626364|GREEN|0.25|∅|1969-12-31|2020-01-01T00:00:00.005|\
             1960-01-01T00:00:00.000001|3723000|00000000-0000-0000-0000-000000000001|[a]|{k: 1.0}|{x: 1, y: ∅}|∅|5|\
             {member0: 7, member1: ∅}"
        );
        assert_eq!(
            rows[2][16..],
            ["[a, ∅]", "{}", "{x: 2, y: ∅}", "{x: 1, y: z}", "1099511627776", "{member0: ∅, member1: seven}"]
        );
    }
}

#[test]
fn avro_columns_by_name_added_dropped_reordered_widened() {
    let file = fixture("all-null.avro");
    let plain = Format::Avro(AvroOptions::default());
    let wanted = schema(&[
        ("new", "string"),
        ("n", "bigint"),
        ("f", "double"),
        ("id", "double"),
        ("r", "struct<y:string,z:int,x:bigint>"),
        ("price", "decimal(20,4)"),
    ]);
    let batch = all(&file, &plain, &wanted);
    assert_eq!(rows(&batch)[3], ["∅", "-3", "1.5", "3.0", "{y: ∅, z: ∅, x: 3}", "0.7500"]);
    // A type that a dropped column defines, in a wanted one.
    assert_eq!(rows(&all(&file, &plain, &schema(&[("r2", "struct<x:int>")])))[0], ["{x: 1}"]);
    assert_eq!(all(&file, &plain, &schema(&[])).num_rows(), 300);
    let nothing = all(&file, &plain, &schema(&[("zz", "int")]));
    assert_eq!((nothing.num_rows(), nothing.column(0).null_count()), (300, 300));
    let error = read_all(&file, &plain, &schema(&[("d", "int")]), ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("column d: the file holds double where int is wanted"), "{error}");
}

#[test]
fn avro_through_the_tables_own_schema() {
    let file = fixture("all-null.avro");
    let literal = r#"{"type":"record","name":"Row","namespace":"a.b","fields":[
        {"name":"num2","type":"long","aliases":["Id"]},
        {"name":"extra","type":"string","default":"none"},
        {"name":"n","type":"long"}]}"#;
    let format = Format::Avro(AvroOptions { schema: Some(literal.to_owned()) });
    let batch = all(&file, &format, &schema(&[("num2", "bigint"), ("extra", "string"), ("n", "bigint")]));
    assert_eq!(rows(&batch)[7], ["7", "none", "-7"]);
    let narrow = literal.replace("\"n\",\"type\":\"long\"", "\"s\",\"type\":\"int\"");
    let format = Format::Avro(AvroOptions { schema: Some(narrow) });
    let error = read_all(&file, &format, &schema(&[("s", "int")]), ReadOptions::default()).unwrap_err();
    let said = "s3://b/all-null.avro, column s: the file holds string where int is wanted";
    assert!(error.to_string().starts_with(said), "{error}");
    let format = Format::Avro(AvroOptions { schema: Some("{".to_owned()) });
    let error = read_all(&file, &format, &schema(&[("s", "int")]), ReadOptions::default()).unwrap_err();
    assert!(
        error.to_string().contains("avro.schema.literal of the table: the schema is not JSON"),
        "{error}"
    );
}

/// Two programs that write one table need not agree on what they call its records.
#[test]
fn avro_through_a_schema_with_other_names() {
    let file_schema = r#"{"type":"record","name":"Producer","namespace":"p","fields":[
        {"name":"a","type":{"type":"record","name":"Inner","fields":[{"name":"x","type":"int"},{"name":"y","type":"string"}]}},
        {"name":"b","type":["null","Inner"]},
        {"name":"e","type":{"type":"enum","name":"Colour","symbols":["red","blue"]}},
        {"name":"l","type":{"type":"array","items":"int"}},{"name":"m","type":{"type":"map","values":["null","int"]}}]}"#;
    let mut file = avro_with(file_schema);
    // One record in a block: {7, "y"}, {8, "z"}, blue, [3, 4], {"k": 5, "j": NULL}.
    let record = [14, 2, b'y', 2, 16, 2, b'z', 2, 4, 6, 8, 0, 4, 2, b'k', 2, 10, 2, b'j', 0, 0];
    file.extend([2, record.len() as u8 * 2]);
    file.extend(record);
    file.extend([7; 16]);
    let file = source("s3://b/f.avro", file);
    let literal = r#"{"type":"record","name":"Table","fields":[
        {"name":"e","type":{"type":"enum","name":"t.Paint","symbols":["blue","red"]}},
        {"name":"b","type":["null",{"type":"record","name":"First","fields":[{"name":"y","type":"string"},{"name":"x","type":"long"}]}]},
        {"name":"l","type":{"type":"array","items":["null","long"]}},{"name":"m","type":{"type":"map","values":"long"}},
        {"name":"a","type":"First"}]}"#;
    let format = Format::Avro(AvroOptions { schema: Some(literal.to_owned()) });
    let columns = [
        ("a", "struct<y:string,x:bigint>"),
        ("b", "struct<y:string,x:bigint>"),
        ("e", "string"),
        ("l", "array<bigint>"),
        ("m", "map<string,bigint>"),
    ];
    let batch = all(&file, &format, &schema(&columns));
    assert_eq!(rows(&batch), [["{y: y, x: 7}", "{y: z, x: 8}", "blue", "[3, 4]", "{k: 5, j: ∅}"]]);
    // What the file has fits the columns, whatever the table's schema calls it.
    let other = literal.replace("\"x\",\"type\":\"long\"", "\"x\",\"type\":\"string\"");
    let format = Format::Avro(AvroOptions { schema: Some(other) });
    assert_eq!(rows(&all(&file, &format, &schema(&columns))), rows(&batch));
}

/// What is written for a table with a schema of its own is read through it.
#[test]
fn avro_written_for_a_schema() {
    let literal = r#"{"type":"record","name":"Row","namespace":"x.y","fields":[
        {"name":"Id","type":"long"},{"name":"s","type":["null","string"]},
        {"name":"p","type":["null",{"type":"record","name":"P","fields":[{"name":"B","type":"string"},{"name":"a","type":["null","int"]}]}]},
        {"name":"l","type":{"type":"array","items":"int"}},{"name":"more","type":"int","default":5}]}"#;
    let format = Format::Avro(AvroOptions { schema: Some(literal.to_owned()) });
    let columns = [("id", "int"), ("s", "string"), ("p", "struct<a:int,b:string>"), ("l", "array<int>")];
    let json = |text: &str| {
        let file = source("f.json", text);
        let json = Format::Json(formats::JsonOptions::default());
        read_all(&file, &json, &schema(&columns), ReadOptions::default()).unwrap()
    };
    let good = json(
        "{\"id\":1,\"s\":null,\"p\":{\"a\":null,\"b\":\"z\"},\"l\":[3,4]}\n{\"id\":2,\"s\":\"q\",\"p\":null,\"l\":[]}\n",
    );
    let file = source("f.avro", written(&good, &format, Compression::None));
    let batch = read_all(
        &file,
        &format,
        &schema(&[columns[0], columns[1], columns[2], columns[3], ("more", "int")]),
        ReadOptions::default(),
    );
    assert_eq!(
        rows(&batch.unwrap())[..2],
        [["1", "∅", "{a: ∅, b: z}", "[3, 4]", "5"], ["2", "q", "∅", "[]", "5"]]
    );
    let refused = |text: &str| {
        let batch = json(text);
        let mut writer =
            Writer::new("f", &format, batch.schema(), &WriteOptions::default(), MemorySink::default())
                .unwrap();
        block_on(writer.write(&batch)).unwrap_err().to_string()
    };
    for (text, column) in [
        ("{\"id\":null,\"l\":[]}", "Id"),
        ("{\"id\":1,\"p\":{\"a\":1},\"l\":[]}", "p"),
        ("{\"id\":1,\"l\":[1,null]}", "l"),
        ("{\"id\":1}", "l"),
    ] {
        let wanted = format!(
            "f: column {column}: NULL where avro.schema.literal of the table has a type without null"
        );
        assert_eq!(refused(text), wanted);
    }
    let refusal = |columns: &[(&str, &str)]| check_writable(&format, &schema(columns)).unwrap_err();
    let other = refusal(&[("id", "string"), ("s", "string"), ("p", columns[2].1), ("l", "array<int>")]);
    assert!(other.contains("column id: Int64 there, which is not written from Utf8"), "{other}");
    let fewer = refusal(&columns[..3]);
    assert!(fewer.contains("l has no default there, and is not among the columns written"), "{fewer}");
    // A schema that lacks a column is not what files are read by.
    assert_eq!(check_writable(&format, &schema(&[("id", "string"), ("new", "int")])), Ok(()));
}

fn in_ranges(file: &Arc<dyn ByteSource>, format: &Format, schema: &SchemaRef, target: u64) -> RecordBatch {
    let ranges = block_on(plan_splits(&**file, format, target)).unwrap();
    let mut batches = Vec::new();
    for range in ranges {
        let part = read(Arc::clone(file), range, format, Arc::clone(schema), ReadOptions::default());
        batches.extend(block_on(part.try_collect::<Vec<_>>()).unwrap());
    }
    concat_batches(schema, &batches).unwrap()
}

#[test]
fn any_cut_gives_the_same_rows() {
    for name in ["all-null.avro", "stripes.orc"] {
        let file = fixture(name);
        let found = inferred(&file);
        let wanted = table(&found);
        let whole = all(&file, &found.format, &wanted);
        for target in [file.size() / 2, file.size() / 7, 1000, 577] {
            assert!(in_ranges(&file, &found.format, &wanted, target) == whole, "{name} by {target}");
        }
    }
}

const ORC_TYPES: &str = "id bigint, n int, i8 tinyint, i16 smallint, f float, d double, ok boolean, s string, \
    b binary, price decimal(12,2), day date, ts timestamp, tags array<string>, m map<string,double>, \
    r struct<x:int,y:string>";

#[test]
fn orc_of_another_writer() {
    for codec in ["uncompressed", "zlib", "snappy", "lz4", "zstd"] {
        let file = fixture(&format!("all-{codec}.orc"));
        let found = inferred(&file);
        assert_eq!(types(&found), ORC_TYPES);
        assert_eq!((found.records, found.complete), (3, true));
        let rows = rows(&all(&file, &found.format, &table(&found)));
        let row = |i: usize| rows[i].join("|");
        assert_eq!(
            row(0),
            "1|1|1|1|0.5|0.25|true|é|00ff|1.25|1969-12-31|1960-01-01T00:00:01|[a, ∅]|{k: 1.0}|{x: 1, y: z}"
        );
        assert_eq!(row(1), "2|∅|2|2|∅|1.0|∅|∅|∅|∅|∅|∅|[]|∅|∅");
        assert_eq!(
            row(2),
            "∅|-3|3|3|2.5|∅|false|||-9999999.99|2024-02-29|2024-02-29T23:59:59.999999|∅|{}|{x: ∅, y: ∅}"
        );
    }
}

#[test]
fn orc_moments_of_any_precision() {
    let file = fixture("moments.orc");
    let found = inferred(&file);
    assert_eq!(types(&found), "t timestamp, z timestamp, l array<timestamp>");
    let read = rows(&all(&file, &found.format, &schema(&[("t", "timestamp"), ("l", "array<timestamp>")])));
    let moments = ["2026-01-01T01:02:03.123456", "1970-01-01T00:00:00.500", "2038-01-19T03:14:08.000001"];
    for (row, moment) in read.iter().zip(moments) {
        assert_eq!(*row, [moment.to_owned(), format!("[{moment}]")]);
    }
    assert_eq!(read[3], ["∅", "∅"]);

    // 1960-05-05T05:05:05.123456789, which the decoder takes for 2033, and a whole second.
    let early = fixture("early.orc");
    let format = inferred(&early).format;
    let error =
        read_all(&early, &format, &schema(&[("t", "timestamp")]), ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("in a column that has timestamps before 1970"), "{error}");
    let whole = rows(&all(&early, &format, &schema(&[("w", "timestamp")])));
    assert_eq!(whole, [["1960-05-05T05:05:05".to_owned()]]);

    // 1960-05-05T05:05:05.5, of pyarrow, which makes the decoder panic.
    let earlier = fixture("earlier.orc");
    let found = inferred(&earlier);
    // So that a crawl says it, not the first query only.
    let remarks: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        remarks,
        [
            "s3://b/earlier.orc, column t: reading this column, which has timestamps before 1970 with a fraction of a \
          second, is not supported"
        ]
    );
    let format = found.format;
    let wanted = schema(&[("n", "bigint"), ("t", "timestamp")]);
    let error = read_all(&earlier, &format, &wanted, ReadOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "s3://b/earlier.orc, column t: a column of timestamps before 1970 of which some have a fraction of a second \
         is not supported"
    );
    assert_eq!(rows(&all(&earlier, &format, &schema(&[("n", "bigint")]))), [["1"], ["2"]]);
}

#[test]
fn of_two_names_that_differ_in_case_only_neither_is_read() {
    let flat = schema(&[("ID", "bigint"), ("id", "bigint")]);
    let deep = schema(&[("s", "struct<A:bigint,a:bigint>")]);
    let format = Format::Parquet(ParquetOptions {});
    for (own, wanted, said) in [
        (&flat, schema(&[("id", "bigint")]), "the file has ID and id, and id can mean either"),
        (&deep, schema(&[("s", "struct<a:bigint>")]), "the file has A and a, and a can mean either"),
    ] {
        let row = arrow::array::new_null_array(own.field(0).data_type(), 1);
        let row = RecordBatch::try_new(Arc::clone(own), vec![row; own.fields().len()]).unwrap();
        let mut data = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut data, Arc::clone(own), None).unwrap();
        writer.write(&row).unwrap();
        writer.close().unwrap();
        let file = source("f", data);
        let error = read_all(&file, &format, &wanted, ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        // Who tells them apart reads both, or one.
        let exact = || ReadOptions { spelling: Spelling::Exact, ..ReadOptions::default() };
        assert_eq!(read_all(&file, &format, own, exact()).unwrap().num_rows(), 1);
        if own.fields().len() == 2 {
            assert_eq!(read_all(&file, &format, &wanted, exact()).unwrap().num_rows(), 1);
        }
    }
}

#[test]
fn orc_columns_by_name_and_of_old_hive_by_position() {
    let file = fixture("all-zlib.orc");
    let plain = Format::Orc(OrcOptions::default());
    let wanted =
        schema(&[("zz", "int"), ("r", "struct<y:string,x:bigint>"), ("n", "bigint"), ("f", "double")]);
    assert_eq!(rows(&all(&file, &plain, &wanted))[0], ["∅", "{y: z, x: 1}", "1", "0.5"]);
    assert_eq!(all(&file, &plain, &schema(&[])).num_rows(), 3);
    assert_eq!(rows(&all(&file, &plain, &schema(&[("zz", "int")]))), [["∅"], ["∅"], ["∅"]]);
    let error = read_all(&file, &plain, &schema(&[("s", "int")]), ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("column s: the file holds string where int is wanted"), "{error}");

    let hive = fixture("hive.orc");
    let columns = vec!["number".to_owned(), "word".to_owned(), "later".to_owned()];
    let by_position = Format::Orc(OrcOptions { columns, ..OrcOptions::default() });
    let wanted = schema(&[("later", "int"), ("word", "string"), ("number", "double")]);
    assert_eq!(rows(&all(&hive, &by_position, &wanted)), [["∅", "a", "1.0"], ["∅", "b", "2.0"]]);
    assert_eq!(rows(&all(&hive, &plain, &schema(&[("_col1", "string")]))), [["a"], ["b"]]);
    // Asked to, files with names go by position as well: the fifth is `f`.
    let columns: Vec<String> = ["a", "b", "c", "e", "d"].map(str::to_owned).to_vec();
    for (by_position, value) in [(false, "0.25"), (true, "0.5")] {
        let format = Format::Orc(OrcOptions { columns: columns.clone(), by_position });
        assert_eq!(rows(&all(&file, &format, &schema(&[("d", "double")])))[0], [value]);
    }
}

#[test]
fn cut_short_and_damaged() {
    for name in ["all-null.avro", "all-snappy.avro", "all-deflate.avro", "all-zstd.orc", "stripes.orc"] {
        let whole = fixture(name);
        let found = inferred(&whole);
        let wanted = table(&found);
        let expected = all(&whole, &found.format, &wanted);
        let data = block_on(whole.read(0..whole.size())).unwrap().to_vec();
        for len in (1..data.len()).step_by(data.len() / 40).chain([data.len() - 1]) {
            let file = source("s3://b/cut", data[..len].to_vec());
            let error = read_all(&file, &found.format, &wanted, ReadOptions::default());
            let Err(error) = error else { panic!("{name} cut to {len} of {}", data.len()) };
            assert!(error.to_string().starts_with("s3://b/cut"), "{error}");
            let _ = block_on(infer(file, &InferOptions::default()));
        }
        for at in (0..data.len()).step_by(data.len() / 200 + 1) {
            let mut damaged = data.clone();
            damaged[at] ^= 0x24;
            let file = source("s3://b/damaged", damaged);
            let _ = block_on(infer(Arc::clone(&file), &InferOptions::default()));
            let got = read_all(&file, &found.format, &wanted, ReadOptions::default());
            if name == "all-snappy.avro"
                && let Ok(got) = got
            {
                // The blocks have checksums; what the header says of names and codecs has none.
                assert!(got == expected || at < 2500, "{name} at {at}");
            }
        }
    }
    let fake = Format::Avro(AvroOptions::default());
    let error = read_all(
        &source("s3://b/f.avro", "id,name\n"),
        &fake,
        &schema(&[("a", "int")]),
        ReadOptions::default(),
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "s3://b/f.avro: damaged or unreadable Avro: it does not begin as an Avro file does"
    );
}

fn storable(columns: &[(&str, &str)]) -> RecordBatch {
    use arrow::array::*;
    let schema = schema(columns);
    let arrays = schema.fields().iter().map(|field| -> ArrayRef {
        use arrow::datatypes::DataType as D;
        match field.data_type() {
            D::Int8 => Arc::new(Int8Array::from(vec![Some(-128), None, Some(127)])),
            D::Int16 => Arc::new(Int16Array::from(vec![Some(-7), None, Some(32767)])),
            D::Int32 => Arc::new(Int32Array::from(vec![Some(-7), None, Some(i32::MAX)])),
            D::Int64 => Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)])),
            D::Float32 => Arc::new(Float32Array::from(vec![Some(0.1), None, Some(f32::MIN)])),
            D::Float64 => Arc::new(Float64Array::from(vec![Some(0.1), None, Some(f64::MAX)])),
            D::Boolean => Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            D::Utf8 => Arc::new(StringArray::from(vec![Some("é,\n"), None, Some("")])),
            D::Binary => Arc::new(BinaryArray::from(vec![Some(&b"\xff\0"[..]), None, Some(&b""[..])])),
            D::Date32 => Arc::new(Date32Array::from(vec![Some(-1), None, Some(20_000)])),
            D::Decimal128(p, s) => Arc::new(
                Decimal128Array::from(vec![Some(-12345), None, Some(5)])
                    .with_precision_and_scale(*p, *s)
                    .unwrap(),
            ),
            D::Timestamp(_, _) => Arc::new(TimestampMicrosecondArray::from(vec![
                Some(-3_000_000),
                None,
                Some(1_700_000_000_123_456),
            ])),
            other => unreachable!("a type that these tests do not store: {other}"),
        }
    });
    RecordBatch::try_new(Arc::clone(&schema), arrays.collect()).unwrap()
}

fn written(batch: &RecordBatch, format: &Format, compression: Compression) -> Vec<u8> {
    let options = WriteOptions { compression, ..WriteOptions::default() };
    let mut writer = Writer::new("f", format, batch.schema(), &options, MemorySink::default()).unwrap();
    block_on(writer.write(batch)).unwrap();
    block_on(writer.write(batch)).unwrap();
    block_on(writer.finish()).unwrap().0.data
}

const PLAIN: [(&str, &str); 11] = [
    ("a", "tinyint"),
    ("b", "smallint"),
    ("c", "int"),
    ("d", "bigint"),
    ("e", "float"),
    ("f", "double"),
    ("g", "boolean"),
    ("h", "string"),
    ("i", "binary"),
    ("j", "date"),
    ("k", "timestamp"),
];

#[test]
fn there_and_back() {
    let avro = Format::Avro(AvroOptions::default());
    let orc = Format::Orc(OrcOptions::default());
    let with_decimal: Vec<_> = PLAIN.into_iter().chain([("l", "decimal(20,3)")]).collect();
    use Compression as C;
    for (format, columns, codecs) in [
        (&avro, &with_decimal[..], &[C::None, C::Deflate, C::Snappy, C::Zstd, C::Bzip2, C::Xz][..]),
        (&orc, &PLAIN[..], &[C::None, C::Zlib, C::Snappy, C::Lz4, C::Zstd][..]),
    ] {
        let batch = storable(columns);
        for codec in codecs {
            let file = source("f", written(&batch, format, *codec));
            let back = all(&file, format, &batch.schema());
            assert_eq!(back.num_rows(), 6);
            assert!(back.slice(3, 3) == batch, "{codec:?}");
            let nested = rows(&back);
            assert_eq!(nested[..3], rows(&batch)[..], "{codec:?}");
        }
    }
    let options = WriteOptions { compression: C::Lz4, ..WriteOptions::default() };
    let refused = Writer::new("f", &avro, schema(&PLAIN), &options, MemorySink::default()).err().unwrap();
    assert!(matches!(refused.problem, Problem::Unsupported { .. }), "{refused}");
}

#[test]
fn nested_avro_there_and_back() {
    let file = fixture("all-null.avro");
    let found = inferred(&file);
    let batch = all(&file, &found.format, &table(&found));
    let avro = Format::Avro(AvroOptions::default());
    let back = source("back", written(&batch, &avro, Compression::Snappy));
    let again = inferred(&back);
    assert_eq!(types(&again), AVRO_TYPES);
    assert!(all(&back, &avro, &batch.schema()).slice(300, 300) == batch);
}

#[test]
fn what_a_writer_cannot_hold_is_refused_before_a_byte() {
    let avro = Format::Avro(AvroOptions::default());
    let orc = Format::Orc(OrcOptions::default());
    let refusal =
        |format: &Format, name: &str, ty: &str| check_writable(format, &schema(&[(name, ty)])).err();
    for ty in ["decimal(10,2)", "array<int>", "map<string,int>", "struct<a:int>"] {
        let wanted = format!("column c ({ty}) cannot be written as ORC; use parquet, or drop it");
        assert_eq!(refusal(&orc, "c", ty), Some(wanted));
        assert_eq!(refusal(&avro, "c", ty), None);
    }
    let zoned = refusal(&orc, "c", "timestamp with local time zone").unwrap();
    assert_eq!(
        zoned,
        "column c (timestamp with a time zone) cannot be written as ORC; use parquet, or drop it"
    );
    assert!(refusal(&avro, "two words", "int").unwrap().contains("Avro has no name \"two words\""));
    assert!(refusal(&avro, "c", "struct<1a:int>").unwrap().contains("column c: Avro has no name"));
    assert!(refusal(&avro, "c", "map<int,int>").unwrap().contains("the keys of Avro's maps are text"));
}

/// An Avro file without blocks.
fn avro_with(schema: &str) -> Vec<u8> {
    fn text(out: &mut Vec<u8>, text: &str) {
        let mut length = text.len() as u64 * 2;
        while length >= 0x80 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend_from_slice(text.as_bytes());
    }
    let mut out = b"Obj\x01\x02".to_vec();
    text(&mut out, "avro.schema");
    text(&mut out, schema);
    out.push(0);
    out.extend_from_slice(&[7; 16]);
    out
}

#[test]
fn strange_avro_schemas_are_refused() {
    let refusal = |schema: &str| {
        let file = source("s3://b/f.avro", avro_with(schema));
        let inferred = block_on(infer(Arc::clone(&file), &InferOptions::default()));
        let plain = Format::Avro(AvroOptions::default());
        let _ = read_all(&file, &plain, &super::schema(&[("a", "int")]), ReadOptions::default());
        inferred.unwrap_err().to_string()
    };
    let itself = r#"{"type":"record","name":"Node","fields":[{"name":"a","type":"int"},{"name":"next","type":["null","Node"]}]}"#;
    let said = "s3://b/f.avro: an Avro schema that contains itself (the record Node) is not supported";
    assert_eq!(refusal(itself), said);
    assert!(refusal("\"string\"").contains("the schema is not a record's"));
    assert!(refusal("{").contains("the schema is not JSON"));
    let unknown = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"Elsewhere"}]}"#;
    assert!(
        refusal(unknown).starts_with("s3://b/f.avro: damaged or unreadable Avro: "),
        "{}",
        refusal(unknown)
    );
    let none = r#"{"type":"record","name":"R","fields":[]}"#;
    assert!(refusal(none).contains("a schema without columns"), "{}", refusal(none));
    let wide =
        r#"{"type":"record","name":"R","fields":[{"name":"A","type":"int"},{"name":"a","type":"int"}]}"#;
    assert!(refusal(wide).contains("two columns are named a"), "{}", refusal(wide));
    let big = r#"{"type":"record","name":"R","fields":[{"name":"p","type":{"type":"bytes","logicalType":"decimal","precision":60,"scale":2}}]}"#;
    assert!(refusal(big).contains("column p"), "{}", refusal(big));
}
