//! Every codec: there and back, cut short, damaged, named wrongly; archives.

use std::io::{Cursor, Write};

use formats::{
    Compression, CsvOptions, Format, InferOptions, MemorySink, Problem, ReadOptions, WriteOptions, Writer,
    infer,
};
use futures::executor::block_on;
use zip::write::SimpleFileOptions;

use super::{read_all, rows, source, text_schema};

const CODECS: [Compression; 10] = [
    Compression::Gzip,
    Compression::Bzip2,
    Compression::Zstd,
    Compression::Snappy,
    Compression::HadoopSnappy,
    Compression::Lz4,
    Compression::HadoopLz4,
    Compression::Xz,
    Compression::Zlib,
    Compression::Deflate,
];

fn csv() -> Format {
    Format::Csv(CsvOptions::standard())
}

/// Lines that compress to something, larger than every codec's block.
fn many() -> arrow::array::RecordBatch {
    let mut text = String::from("c0,c1\n");
    for i in 0..20_000u64 {
        text.push_str(&format!("{i},{:x}\n", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    }
    read_all(&source("f", text), &csv(), &text_schema(2), ReadOptions::default()).unwrap()
}

fn written(batch: &arrow::array::RecordBatch, compression: Compression) -> Vec<u8> {
    let options = WriteOptions { compression, ..WriteOptions::default() };
    let mut writer = Writer::new("f", &csv(), batch.schema(), &options, MemorySink::default()).unwrap();
    block_on(writer.write(batch)).unwrap();
    block_on(writer.finish()).unwrap().0.data
}

fn name(compression: Compression) -> String {
    format!("f.csv{}", compression.extension())
}

#[test]
fn there_and_back_and_cut_short() {
    let batch = many();
    for codec in CODECS {
        let data = written(&batch, codec);
        let file = source(&name(codec), data.clone());
        let back = read_all(&file, &csv(), &text_schema(2), ReadOptions::default());
        assert!(back.unwrap() == batch, "{codec:?}");
        let found = block_on(infer(file, &InferOptions::default())).unwrap();
        assert_eq!((found.compression, found.fields.len()), (codec, 2));
        let step = data.len() / 31 + 1;
        for len in (1..data.len()).step_by(step).chain([data.len() - 1, data.len() - 4]) {
            let file = source(&name(codec), data[..len].to_vec());
            let got = read_all(&file, &csv(), &text_schema(2), ReadOptions::default());
            // Snappy's own frames and Hadoop's blocks have no end mark: a cut between two cannot be seen.
            let Err(error) = got else { panic!("{codec:?} cut to {len} of {}", data.len()) };
            assert!(error.to_string().starts_with(&name(codec)), "{error}");
        }
    }
}

#[test]
fn small_pieces_and_streams_one_after_the_other() {
    let batch = many().slice(0, 3000);
    for codec in CODECS {
        let data = written(&batch, codec);
        let piecewise =
            std::sync::Arc::new(formats::MemorySource::new(name(codec), data.clone()).with_piece(1));
        let file: std::sync::Arc<dyn formats::ByteSource> = piecewise;
        let back = read_all(&file, &csv(), &text_schema(2), ReadOptions::default());
        assert!(back.unwrap() == batch, "{codec:?}");
        let mut twice = data.clone();
        twice.extend_from_slice(&data);
        let back = read_all(&source(&name(codec), twice), &csv(), &text_schema(2), ReadOptions::default());
        match codec {
            Compression::Zlib | Compression::Deflate => {
                assert!(back.unwrap_err().to_string().contains("bytes follow the end"));
            }
            _ => assert_eq!(back.unwrap().num_rows(), 6001, "{codec:?}: the second header is a row"),
        }
    }
}

#[test]
fn flipped_bits_are_seen_where_the_codec_has_checksums() {
    let batch = many().slice(0, 2000);
    for codec in CODECS {
        let data = written(&batch, codec);
        let mut unseen = 0;
        for at in (20..data.len()).step_by(data.len() / 60) {
            let mut damaged = data.clone();
            damaged[at] ^= 0x10;
            let file = source(&name(codec), damaged);
            match read_all(&file, &csv(), &text_schema(2), ReadOptions::default()) {
                Ok(back) if back == batch => {}
                Ok(_) => unseen += 1,
                Err(error) => assert!(error.to_string().starts_with("f.csv"), "{error}"),
            }
        }
        let checked = !matches!(
            codec,
            Compression::Zstd
                | Compression::HadoopSnappy
                | Compression::HadoopLz4
                | Compression::Lz4
                | Compression::Deflate
        );
        assert!(!checked || unseen == 0, "{codec:?}: {unseen}");
    }
}

#[test]
fn a_file_that_is_not_what_its_name_says() {
    for ending in ["gz", "bz2", "zst", "snappy", "sz", "lz4", "xz", "zlib", "zip"] {
        let name = format!("s3://b/f.csv.{ending}");
        let file = source(&name, "id,name\n1,a\n2,b\n");
        let error = read_all(&file, &csv(), &text_schema(2), ReadOptions::default()).unwrap_err();
        assert!(matches!(error.problem, Problem::NotCompressed { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("{name}: the file's name says ")), "{error}");
        let error = block_on(infer(file, &InferOptions::default())).unwrap_err();
        assert!(matches!(error.problem, Problem::NotCompressed { .. }), "{error}");
        let empty = block_on(infer(source(&name, ""), &InferOptions::default())).unwrap_err();
        assert!(empty.is_empty_file(), "{empty}");
    }
    let file = source("f.deflate", "id,name\n1,a\n2,b\n");
    let error = read_all(&file, &csv(), &text_schema(2), ReadOptions::default()).unwrap_err();
    assert!(matches!(error.problem, Problem::Compression { codec: "deflate", .. }), "{error}");
}

#[test]
fn bombs_are_one_long_line() {
    let options = ReadOptions { max_record_bytes: 1 << 20, ..ReadOptions::default() };
    for codec in CODECS {
        let line = "a".repeat(1 << 16);
        let schema = text_schema(1);
        let write = WriteOptions { compression: codec, header: false, ..WriteOptions::default() };
        let lazy = Format::Csv(CsvOptions { ..CsvOptions::lazy_simple(vec!["c0".into()]) });
        // Zeros instead of line breaks, so that the file is one record.
        let mut writer = Writer::new("f", &lazy, schema.clone(), &write, MemorySink::default()).unwrap();
        let cell: arrow::array::ArrayRef =
            std::sync::Arc::new(arrow::array::StringArray::from(vec![line.repeat(256)]));
        let batch = arrow::array::RecordBatch::try_new(schema.clone(), vec![cell]).unwrap();
        block_on(writer.write(&batch)).unwrap();
        let data = block_on(writer.finish()).unwrap().0.data;
        let error = read_all(&source(&name(codec), data), &lazy, &schema, options.clone()).unwrap_err();
        assert!(matches!(error.problem, Problem::RecordTooLarge { .. }), "{codec:?} {error}");
    }
}

fn zip_of(members: &[(&str, &str)], encrypted: bool) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (i, (name, text)) in members.iter().enumerate() {
        let method =
            if i % 2 == 0 { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let mut data = zip.finish().unwrap().into_inner();
    if encrypted {
        let at = data.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        data[at + 8] |= 1;
    }
    data
}

#[test]
fn archives() {
    let two = [("in/a.csv", "c0,c1\n1,x\n2,y\n"), ("__MACOSX/._a.csv", "junk"), ("b.csv", "c0,c1\n3,z\n")];
    let file = source("s3://b/f.zip", zip_of(&two, false));
    let batch = read_all(&file, &csv(), &text_schema(2), ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "x"], ["2", "y"], ["3", "z"]]);
    let found = block_on(infer(file, &InferOptions::default())).unwrap();
    assert_eq!((found.compression, found.records, found.complete), (Compression::Zip, 3, true));
    assert_eq!(found.fields[0].ty.to_string(), "bigint");

    let error = |data: Vec<u8>| {
        let read = read_all(&source("f.zip", data.clone()), &csv(), &text_schema(2), ReadOptions::default());
        let inferred = block_on(infer(source("f.zip", data), &InferOptions::default()));
        (read.unwrap_err().to_string(), inferred.unwrap_err().to_string())
    };
    let wanted = "f.zip: the member in/a.csv: it is encrypted, which is not supported";
    assert_eq!(error(zip_of(&two, true)), (wanted.to_owned(), wanted.to_owned()));
    let cut = zip_of(&two, false);
    assert!(error(cut[..cut.len() - 30].to_vec()).0.contains("damaged or incomplete zip data"));
    let mut damaged = zip_of(&two[2..], false);
    damaged[36] ^= 1;
    let (read, _) = error(damaged);
    assert!(read.starts_with("f.zip!b.csv: damaged or incomplete"), "{read}");
    let other = zip_of(&[("a.csv", "c0,c1\n1,x\n2,y\n"), ("b.json", "{\"a\":1}\n")], false);
    let inferred = block_on(infer(source("f.zip", other), &InferOptions::default())).unwrap_err();
    assert!(inferred.to_string().contains("the members' formats differ"), "{inferred}");
    let inner = zip_of(&[("a.csv", "c0,c1\n1,x\n")], false);
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("inner.zip", SimpleFileOptions::default()).unwrap();
    zip.write_all(&inner).unwrap();
    let (read, inferred) = error(zip.finish().unwrap().into_inner());
    assert!(read.contains("an archive within an archive") && read == inferred, "{read}");
    assert!(error(zip_of(&[], false)).0.contains("a zip archive without files"));
}

#[test]
fn flipped_bits_in_an_archive_never_panic() {
    let data = zip_of(&[("a.csv", "c0,c1\n1,x\n2,y\n"), ("b.csv", "c0,c1\n3,z\n")], false);
    for at in 0..data.len() {
        for bit in [0, 4, 7] {
            let mut damaged = data.clone();
            damaged[at] ^= 1 << bit;
            let _ = read_all(&source("f.zip", damaged), &csv(), &text_schema(2), ReadOptions::default());
        }
    }
}
