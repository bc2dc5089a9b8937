//! Parquet columns of types that Hive does not have.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal256Array, DurationNanosecondArray, Int64Array, RecordBatch, Time32MillisecondArray,
    Time64MicrosecondArray,
};
use arrow::datatypes::i256;
use formats::{ByteSource, InferOptions, Problem, ReadOptions, infer};
use futures::executor::block_on;
use parquet::arrow::ArrowWriter;

use super::{read_all, rows, schema, source};

fn file(columns: Vec<(&str, ArrayRef)>) -> Arc<dyn ByteSource> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    source("s3://b/t.parquet", writer.into_inner().unwrap())
}

fn wide() -> ArrayRef {
    let values = Decimal256Array::from(vec![i256::from_i128(7)]);
    Arc::new(values.with_precision_and_scale(50, 2).unwrap())
}

#[test]
fn times_and_durations_are_the_numbers_that_they_are_stored_as() {
    let file = file(vec![
        ("id", Arc::new(Int64Array::from(vec![1]))),
        ("ms", Arc::new(Time32MillisecondArray::from(vec![3_723_004]))),
        ("us", Arc::new(Time64MicrosecondArray::from(vec![86_399_999_999]))),
        ("took", Arc::new(DurationNanosecondArray::from(vec![-5]))),
    ]);
    let found = block_on(infer(Arc::clone(&file), &InferOptions::default())).unwrap();
    let columns: Vec<String> = found.fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
    assert_eq!(columns, ["id bigint", "ms int", "us bigint", "took bigint"]);
    assert!(found.problems.is_empty());
    let table = schema(&[("took", "bigint"), ("us", "bigint"), ("ms", "int")]);
    let batch = read_all(&file, &found.format, &table, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["-5", "86399999999", "3723004"]]);
}

#[test]
fn a_column_that_has_no_type_is_left_out_with_a_remark() {
    let file_of = |columns| block_on(infer(file(columns), &InferOptions::default()));
    let found =
        file_of(vec![("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef), ("w", wide())]).unwrap();
    assert_eq!(found.fields.len(), 1);
    let remarks: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        remarks,
        [
            "s3://b/t.parquet, column w: the column is left out, because its type decimal(50,2) is not supported"
        ]
    );
    let nothing = file_of(vec![("w", wide())]).unwrap_err();
    assert!(matches!(nothing.problem, Problem::ColumnLeftOut { .. }), "{nothing}");
}
