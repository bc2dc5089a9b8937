//! Parquet files whose types are not the table's: what can be converted without loss is, everything else is an error
//! that names file and column.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
        RecordBatch, StringArray, StructArray,
    },
    datatypes::{DataType, Field},
};
use formats::Strictness;

use super::{World, lazy_csv, parquet, parquet_bytes};
use crate::{EngineError, SessionOptions};

async fn world_of(values: ArrayRef, hive: &str) -> World {
    let world = World::new().await;
    let batch = RecordBatch::try_from_iter([("V", values)]).expect("a batch");
    world.put("t/x.parquet", parquet_bytes(&batch)).await;
    world.table("t", parquet(), &format!("v {hive}"), "", "t/").await;
    world
}

fn doubles() -> ArrayRef {
    Arc::new(Float64Array::from(vec![1.9, -2.5]))
}

fn texts() -> ArrayRef {
    Arc::new(StringArray::from(vec!["5", "6"]))
}

fn cents() -> ArrayRef {
    Arc::new(Decimal128Array::from(vec![125]).with_precision_and_scale(10, 2).expect("a decimal"))
}

fn long(value: i64) -> ArrayRef {
    Arc::new(Int64Array::from(vec![value]))
}

fn structure() -> ArrayRef {
    Arc::new(StructArray::from(vec![(Arc::new(Field::new("x", DataType::Int64, true)), long(1))]))
}

#[tokio::test]
async fn what_could_change_values_is_refused() {
    for (values, hive) in [
        (doubles(), "int"),
        (doubles(), "bigint"),
        (doubles(), "float"),
        (doubles(), "decimal(10,2)"),
        (texts(), "int"),
        (texts(), "boolean"),
        (texts(), "array<string>"),
        (cents(), "decimal(10,1)"),
        (cents(), "int"),
        (long(3), "boolean"),
        (long(1 << 40), "int"),
        (long((1 << 53) + 1), "double"),
        (structure(), "string"),
        (structure(), "struct<x:boolean>"),
    ] {
        let held = values.data_type().clone();
        let world = world_of(values, hive).await;
        for statement in ["SELECT v FROM t", "SELECT count(*) FROM t WHERE v IS NOT NULL"] {
            let error = world.error(statement).await;
            assert!(matches!(error, EngineError::File { .. }), "{held} as {hive}: {error}");
            let text = error.to_string();
            assert!(text.contains("s3://test-bucket/t/x.parquet: column v: the file holds"), "{text}");
        }
    }
}

#[tokio::test]
async fn what_loses_nothing_is_converted() {
    let ints = || Arc::new(Int32Array::from(vec![7])) as ArrayRef;
    let days = || Arc::new(Date32Array::from(vec![1])) as ArrayRef;
    for (values, hive, wanted) in [
        (ints(), "bigint", "7"),
        (ints(), "double", "7.0"),
        (ints(), "decimal(12,2)", "7.00"),
        (ints(), "string", "7"),
        (long(7), "int", "7"),
        (long(1 << 53), "double", "9007199254740992.0"),
        (cents(), "decimal(12,4)", "1.2500"),
        (days(), "string", "1970-01-02"),
        (structure(), "struct<new:string,X:double>", "{new: , x: 1.0}"),
    ] {
        let held = values.data_type().clone();
        let (rows, _) = world_of(values, hive).await.sql("SELECT v FROM t").await.expect("sql");
        assert_eq!(rows, wanted, "{held} as {hive}");
    }
}

#[tokio::test]
async fn bytes_are_text_where_they_are_and_nowhere_else() {
    let bytes = |value: &[u8]| Arc::new(BinaryArray::from(vec![value])) as ArrayRef;
    let world = world_of(bytes("größe".as_bytes()), "string").await;
    assert_eq!(world.sql("SELECT v FROM t").await.expect("sql").0, "größe");
    let world = world_of(bytes(b"\xff\xfe"), "string").await;
    for statement in ["SELECT v FROM t", "SELECT upper(v) FROM t"] {
        let error = world.error(statement).await;
        assert!(matches!(&error, EngineError::File { file, .. } if file.ends_with("t/x.parquet")), "{error}");
    }
}

#[tokio::test]
async fn sessions_may_want_rows_of_one_width() {
    let world = World::new().await;
    world.table("t", lazy_csv(), "id bigint;v string;more string", "", "t/").await;
    world.put("t/a.csv", "1,a\n\n2,b\n").await;
    assert_eq!(world.sql("SELECT count(*) FROM t").await.expect("sql").0, "3");
    let strict = || {
        world.session_with(SessionOptions { strictness: Strictness::EvenRows, ..SessionOptions::default() })
    };
    let count = || async {
        let session = strict();
        let frame = session.sql("SELECT count(id) FROM shop.t").await?;
        session.collect(frame).await
    };
    count().await.expect("files may have fewer columns than the table, and empty lines");
    for (text, problem) in
        [("1,a\n2,b,c\n", "expected 2 fields, found 3"), ("1,a,x\n2\n", "expected 3 fields, found 1")]
    {
        world.put("t/a.csv", text).await;
        let error = count().await.expect_err(problem).to_string();
        assert!(error.contains("t/a.csv, line 2") && error.contains(problem), "{error}");
    }
}
