//! Files written by hand: what is read, and what is refused.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;

use super::*;

const SCHEMA: &str = r#"{"type": "record", "name": "entry", "fields": [
    {"name": "status", "type": "int"}, {"name": "gone", "type": ["null", "long"]},
    {"name": "file", "type": {"type": "record", "name": "r2", "fields": [
        {"name": "path", "type": "string"}, {"name": "sizes", "type": {"type": "array", "items": {
            "type": "record", "name": "kv", "fields": [{"name": "key", "type": "int"}, {"name": "value", "type": "bytes"}]}}},
        {"name": "hash", "type": {"type": "fixed", "name": "h", "size": 2}}, {"name": "other", "type": ["null", "kv"]}]}}]}"#;

fn long(out: &mut Vec<u8>, value: i64) {
    let mut bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while bits >= 0x80 {
        out.push((bits & 0x7f) as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

fn text(out: &mut Vec<u8>, value: &[u8]) {
    long(out, value.len() as i64);
    out.extend_from_slice(value);
}

/// One record: status −3, no `gone`, a path, two sizes, a hash, another pair.
fn record() -> Vec<u8> {
    let mut out = Vec::new();
    long(&mut out, -3);
    long(&mut out, 0);
    text(&mut out, b"s3://lake/a");
    // A block with its size, as some writers have it.
    long(&mut out, -2);
    long(&mut out, 8);
    for key in [1, 300] {
        long(&mut out, key);
        text(&mut out, b"v");
    }
    long(&mut out, 0);
    out.extend_from_slice(&[7, 8]);
    long(&mut out, 1);
    long(&mut out, 9);
    text(&mut out, b"");
    out
}

fn file(schema: &str, codec: &str, count: i64, block: &[u8]) -> Vec<u8> {
    let mut out = b"Obj\x01".to_vec();
    long(&mut out, 2);
    for (key, value) in [("avro.schema", schema), ("avro.codec", codec)] {
        text(&mut out, key.as_bytes());
        text(&mut out, value.as_bytes());
    }
    long(&mut out, 0);
    out.extend_from_slice(&[5; 16]);
    long(&mut out, count);
    text(&mut out, block);
    out.extend_from_slice(&[5; 16]);
    out
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

#[test]
fn records_are_read() {
    let two = [record(), record()].concat();
    for bytes in [file(SCHEMA, "null", 2, &two), file(SCHEMA, "deflate", 2, &deflated(&two))] {
        let records = read(&bytes).expect("records");
        assert_eq!((records.len(), &records[0]), (2, &records[1]));
        assert_eq!((records[0].long("status"), records[0].field("gone")), (Some(-3), None));
        let inner = records[0].field("file").expect("file");
        assert_eq!(inner.text("path"), Some("s3://lake/a"));
        let Some(Avro::Array(sizes)) = inner.field("sizes") else { panic!("{inner:?}") };
        assert_eq!((sizes.len(), sizes[1].long("key")), (2, Some(300)));
        assert_eq!(inner.field("hash"), Some(&Avro::Bytes(vec![7, 8])));
        assert_eq!(inner.field("other").and_then(|other| other.long("key")), Some(9));
    }
}

#[test]
fn hostile_files_are_refused() {
    let endless = r#"{"type": "record", "name": "r", "fields": [{"name": "r", "type": "r"}]}"#;
    let nothing = r#"{"type": "array", "items": "null"}"#;
    let mut many = Vec::new();
    long(&mut many, i64::MAX);
    let bomb = deflated(&vec![0; (MAX_BLOCK_BYTES + 1) as usize]);
    let cases = [
        (file(endless, "null", 1, &[]), "nested too deeply"),
        (file(nothing, "null", 1, &many), "too many values"),
        (file("\"null\"", "null", i64::MAX, &[]), "too many values"),
        (file("\"nonesuch\"", "null", 1, &[]), "no type"),
        (file("{", "null", 1, &[]), "not JSON"),
        (file(SCHEMA, "zstandard", 1, &record()), "zstandard"),
        (file(SCHEMA, "null", 2, &record()), "cut off"),
        (file(SCHEMA, "null", 1, &[record(), vec![0]].concat()), "longer than its records"),
        (file("\"bytes\"", "deflate", 1, &bomb), "more than"),
        (b"PAR1".to_vec(), "not an Avro file"),
    ];
    for (bytes, message) in cases {
        let error = read(&bytes).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
}

proptest! {
    /// Whatever is cut off or changed: an answer or an error, and soon.
    #[test]
    fn damaged_files_do_no_harm(at in 0..400_usize, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = file(SCHEMA, "null", 1, &record());
        let at = at % bytes.len();
        if cut {
            bytes.truncate(at);
            // What is cut off right after its header is a file without records.
            prop_assert!(read(&bytes).map_or(true, |records| records.is_empty()));
        } else {
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }
}
