//! ORC as it is written: values of every shape come back as they were.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use futures::executor::block_on;
use proptest::prelude::*;

use formats::{Compression, Format, MemorySink, OrcOptions, ReadOptions, WriteOptions, Writer};

use super::{read_all, rows, schema, source};

const ORC: Format = Format::Orc(OrcOptions { columns: Vec::new(), by_position: false });

fn written(batch: &RecordBatch, compression: Compression, stripe: usize) -> Result<Vec<u8>, String> {
    let options = WriteOptions { compression, row_group_bytes: stripe, ..WriteOptions::default() };
    let mut writer = Writer::new("f.orc", &ORC, batch.schema(), &options, MemorySink::default()).unwrap();
    for start in (0..batch.num_rows()).step_by(700) {
        let part = batch.slice(start, 700.min(batch.num_rows() - start));
        block_on(writer.write(&part)).map_err(|e| e.to_string())?;
    }
    Ok(block_on(writer.finish()).map_err(|e| e.to_string())?.0.data)
}

fn numbers(values: &[Option<i64>]) -> RecordBatch {
    let text = |value: &i64| "x".repeat(usize::try_from(value.rem_euclid(41)).unwrap());
    let texts: Vec<Option<String>> = values.iter().map(|value| value.as_ref().map(text)).collect();
    let moment = |value: &i64| value.rem_euclid(9_000_000_000_000_000);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(values.iter().map(|v| v.map(|v| v as i8)).collect::<Int8Array>()),
        Arc::new(values.iter().map(|v| v.map(|v| v as i16)).collect::<Int16Array>()),
        Arc::new(values.iter().map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
        Arc::new(values.iter().copied().collect::<Int64Array>()),
        Arc::new(values.iter().map(|v| v.map(|v| v as f32)).collect::<Float32Array>()),
        Arc::new(values.iter().map(|v| v.map(|v| v as f64)).collect::<Float64Array>()),
        Arc::new(values.iter().map(|v| v.map(|v| v % 3 == 0)).collect::<BooleanArray>()),
        Arc::new(texts.iter().map(|text| text.as_deref()).collect::<StringArray>()),
        Arc::new(texts.iter().map(|text| text.as_deref().map(str::as_bytes)).collect::<BinaryArray>()),
        Arc::new(values.iter().map(|v| v.map(|v| (v % 3_000_000) as i32)).collect::<Date32Array>()),
        Arc::new(values.iter().map(|v| v.as_ref().map(moment)).collect::<TimestampMicrosecondArray>()),
    ];
    let kinds = ["tinyint", "smallint", "int", "bigint", "float", "double", "boolean", "string", "binary"];
    let kinds: Vec<_> = kinds.into_iter().chain(["date", "timestamp"]).collect();
    let names: Vec<String> = (0..kinds.len()).map(|at| format!("c{at}")).collect();
    let pairs: Vec<_> = names.iter().map(String::as_str).zip(kinds).collect();
    RecordBatch::try_new(schema(&pairs), columns).unwrap()
}

fn comes_back(values: &[Option<i64>], compression: Compression, stripe: usize) {
    let batch = numbers(values);
    let file = source("f.orc", written(&batch, compression, stripe).unwrap());
    let back = read_all(&file, &ORC, &batch.schema(), ReadOptions::default()).unwrap();
    assert!(back == batch, "{:?} became {:?}", rows(&batch), rows(&back));
}

/// Values as tables have them: equal ones, rising and falling ones, small ones among which some are large.
fn piece() -> impl Strategy<Value = Vec<Option<i64>>> {
    let number = || prop_oneof![any::<i64>(), -300i64..300, Just(i64::MIN), Just(i64::MAX), Just(0)];
    let length = || prop_oneof![1usize..12, 1usize..600];
    let noise = (0u32..63, length(), any::<i64>()).prop_map(|(bits, length, seed)| {
        let next = |n: usize| {
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_mul(n as i64 * 2 + 1).wrapping_add(seed)
        };
        (0..length).map(|n| Some(next(n) >> bits)).collect::<Vec<_>>()
    });
    prop_oneof![
        (number(), length()).prop_map(|(value, length)| vec![Some(value); length]),
        (number(), -70_000i64..70_000, length()).prop_map(|(first, step, length)| {
            (0..length as i64).map(|n| Some(first.saturating_add(n * step))).collect()
        }),
        (number(), length()).prop_map(|(first, length)| {
            (0..length as i64).map(|n| Some(first.saturating_add(n * n))).collect()
        }),
        noise,
        (
            proptest::collection::vec(prop::option::of(0i64..10), 1..300),
            number(),
            any::<prop::sample::Index>()
        )
            .prop_map(|(mut small, large, at): (Vec<Option<i64>>, i64, prop::sample::Index)| {
                let at = at.index(small.len());
                small[at] = Some(large);
                small
            }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_values_come_back(pieces in proptest::collection::vec(piece(), 1..6), small in any::<bool>()) {
        let stripe = if small { 1 } else { 64 << 20 };
        comes_back(&pieces.concat(), if small { Compression::Zstd } else { Compression::None }, stripe);
    }
}

/// The shapes at which the writer of the library that reads ORC gives up.
#[test]
fn few_large_values_among_small_ones() {
    let small = [7, 1, 9, 6, 7, 9_264_919_462, 1, 9, 6, 1];
    let least = [i64::MIN, 5, 3, i64::MIN, 4, -1];
    let long: Vec<i64> = (0..2000).map(|n| if n % 37 == 5 { 1 << 52 } else { n % 11 }).collect();
    for values in [&small[..], &least[..], &long[..]] {
        let values: Vec<_> = values.iter().copied().map(Some).collect();
        for codec in [Compression::None, Compression::Zlib, Compression::Snappy, Compression::Lz4] {
            comes_back(&values, codec, 64 << 20);
        }
    }
}

#[test]
fn moments_before_1970() {
    let batch = |micros: Vec<i64>| {
        let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from(micros));
        RecordBatch::try_new(schema(&[("at", "timestamp")]), vec![moments]).unwrap()
    };
    let whole = batch(vec![7_258_118_400_000_000, -1_000_000, 0, 1, 1_500_000, 1_000_010, -86_400_000_000]);
    let file = source("f.orc", written(&whole, Compression::None, 1 << 20).unwrap());
    assert!(read_all(&file, &ORC, &whole.schema(), ReadOptions::default()).unwrap() == whole);
    let error = written(&batch(vec![5, -1_500_000]), Compression::None, 1 << 20).unwrap_err();
    assert_eq!(
        error,
        "f.orc: column at: timestamps before 1970 with a fraction of a second cannot be written as ORC"
    );
}
