//! The text SerDes by their parameters, as tables name them; logs of AWS services in known formats.

use std::collections::BTreeMap;

use formats::serde_info::{LAZY_SIMPLE, OPENX_JSON, format_of};
use formats::{Format, InferOptions, ReadOptions, infer, serde_info};
use futures::executor::block_on;

use crate::{read_all, rows, schema, source};

fn table(library: &str, serde: &[(&str, &str)], columns: &[(&str, &str)]) -> Format {
    let serde = serde.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let names = columns.iter().map(|(n, _)| (*n).to_owned()).collect();
    format_of(library, &serde, &BTreeMap::new(), names).unwrap()
}

#[test]
fn lazy_simple_holds_arrays_maps_and_structures() {
    let columns = [
        ("id", "int"),
        ("tags", "array<string>"),
        ("counts", "map<string,int>"),
        ("who", "struct<name:string,born:int>"),
        ("deep", "array<struct<a:int,b:array<int>>>"),
    ];
    let serde = [
        ("field.delim", ","),
        ("collection.delim", "|"),
        ("mapkey.delim", ":"),
        ("escape.delim", "\\"),
        ("serialization.null.format", "NULL"),
    ];
    let format = table(LAZY_SIMPLE, &serde, &columns);
    let text = "1,a|b\\|c|NULL,x:1|y:2,Ann|1970,1:2\u{4}3|4:\n2,,,,\n3,NULL,x:z|y,Bob,NULL\n";
    let batch = read_all(&source("f", text), &format, &schema(&columns), ReadOptions::default()).unwrap();
    assert_eq!(
        rows(&batch),
        [
            [
                "1",
                "[a, b|c, ∅]",
                "{x: 1, y: 2}",
                "{name: Ann, born: 1970}",
                "[{a: 1, b: [2, 3]}, {a: 4, b: []}]"
            ],
            ["2", "[]", "{}", "{name: , born: ∅}", "[]"],
            ["3", "∅", "{x: ∅, y: ∅}", "{name: Bob, born: ∅}", "∅"],
        ]
    );
    // Hive's own spelling, and its own separators.
    let format = table(LAZY_SIMPLE, &[("field.delim", ","), ("colelction.delim", ";")], &columns[..2]);
    let batch =
        read_all(&source("f", "1,a;b\n"), &format, &schema(&columns[..2]), ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "[a, b]"]]);
    let format = table(LAZY_SIMPLE, &[], &columns[..3]);
    let text = "1\u{1}a\u{2}b\u{1}k\u{3}7\n";
    let batch =
        read_all(&source("f", text), &format, &schema(&columns[..3]), ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "[a, b]", "{k: 7}"]]);
}

#[test]
fn open_csv_refuses_nested_columns() {
    let format = table("org.apache.hadoop.hive.serde2.OpenCSVSerde", &[], &[("a", "array<int>")]);
    let read =
        read_all(&source("f", "1\n"), &format, &schema(&[("a", "array<int>")]), ReadOptions::default());
    assert!(read.unwrap_err().to_string().contains("a list, map or struct in delimited text"));
}

#[test]
fn open_csv_reads_numbers_as_days_and_milliseconds() {
    let columns = [("d", "date"), ("t", "timestamp"), ("n", "bigint")];
    let format = table("org.apache.hadoop.hive.serde2.OpenCSVSerde", &[], &columns);
    let text = "19000,\"1704164645123\",7\n-1,-1,7\n2022-01-08,2024-01-02 03:04:05,7\n,,\n";
    let batch = read_all(&source("f", text), &format, &schema(&columns), ReadOptions::default()).unwrap();
    assert_eq!(
        rows(&batch),
        [
            ["2022-01-08", "2024-01-02T03:04:05.123", "7"],
            ["1969-12-31", "1969-12-31T23:59:59.999", "7"],
            ["2022-01-08", "2024-01-02T03:04:05", "7"],
            ["∅", "∅", "∅"],
        ]
    );
    for text in ["99999999999,0,1\n", "0,99999999999999999999,1\n", "0,noon,1\n"] {
        assert!(read_all(&source("f", text), &format, &schema(&columns), ReadOptions::default()).is_err());
    }
    // Other text SerDes take no numbers for dates.
    let format = table(LAZY_SIMPLE, &[("field.delim", ",")], &columns);
    let batch =
        read_all(&source("f", "19000,1704164645000,7\n"), &format, &schema(&columns), ReadOptions::default());
    assert_eq!(rows(&batch.unwrap()), [["∅", "∅", "7"]]);
}

#[test]
fn dates_and_times_need_no_leading_zeros() {
    let columns = [("d", "date"), ("t", "timestamp")];
    let texts =
        ["2024-1-2,2024-1-2 3:4:5\n", "2024-01-02 23:00:00,2024-1-2\n", "2024-1-32,2024-1-2 3:4:65\n"];
    let wanted = [["2024-01-02", "2024-01-02T03:04:05"], ["2024-01-02", "2024-01-02T00:00:00"], ["∅", "∅"]];
    let lazy = table(LAZY_SIMPLE, &[("field.delim", ",")], &columns);
    let by_regex = table(serde_info::REGEX, &[("input.regex", "(.*),(.*)")], &columns);
    let quoted = table(serde_info::OPEN_CSV, &[], &columns);
    for (text, wanted) in texts.into_iter().zip(wanted) {
        let read =
            |format: &Format| read_all(&source("f", text), format, &schema(&columns), ReadOptions::default());
        assert_eq!(rows(&read(&lazy).unwrap()), [wanted]);
        assert_eq!(rows(&read(&by_regex).unwrap()), [wanted]);
        match wanted[0] {
            "∅" => assert!(read(&quoted).is_err()),
            _ => assert_eq!(rows(&read(&quoted).unwrap()), [wanted]),
        }
    }
}

#[test]
fn numbers_as_times_in_json_are_seconds_unless_they_are_long() {
    let columns = [("t", "timestamp")];
    let format = table(OPENX_JSON, &[], &columns);
    let text = "{\"t\":1577934245}\n{\"t\":1577934245678}\n{\"t\":1577934245.5}\n{\"t\":-86400}\n\
        {\"t\":\"1577934245\"}\n{\"t\":\"1577934245678\"}\n{\"t\":\"1577934245.5\"}\n{\"t\":\"2020-01-02\"}\n";
    let batch = read_all(&source("f", text), &format, &schema(&columns), ReadOptions::default()).unwrap();
    let found: Vec<String> = rows(&batch).into_iter().map(|row| row[0].clone()).collect();
    let moments = ["2020-01-02T03:04:05", "2020-01-02T03:04:05.678", "2020-01-02T03:04:05.500"];
    assert_eq!(found[..3], moments);
    assert_eq!(found[3], "1969-12-31T00:00:00");
    assert_eq!(found[4..7], moments);
    assert_eq!(found[7], "2020-01-02T00:00:00");
    let read =
        read_all(&source("f", "{\"t\":\"12-5\"}\n"), &format, &schema(&columns), ReadOptions::default());
    assert!(read.is_err());
}

#[test]
fn lazy_simple_writes_bytes_in_base64() {
    let columns = [("b", "binary"), ("l", "array<binary>")];
    let format = table(LAZY_SIMPLE, &[("field.delim", ","), ("collection.delim", "|")], &columns);
    let text = "aGk=,aGk=|\n,\\N\n\\N,\\N\n";
    let batch = read_all(&source("f", text), &format, &schema(&columns), ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["6869", "[6869, ]"], ["", "∅"], ["∅", "∅"]]);
    for text in ["h!,\n", "aGk,\n", ",?\n"] {
        let read = read_all(&source("f", text), &format, &schema(&columns), ReadOptions::default());
        assert!(read.unwrap_err().to_string().contains("binary"), "{text}");
    }
}

#[test]
fn openx_parameters_act() {
    let columns = [("a_b", "int"), ("ts", "string")];
    let text = "{\"a.b\":1,\"time\":\"x\"}\nbroken\n{\"A.B\":2}\n";
    let serde = [
        ("dots.in.keys", "true"),
        ("mapping.ts", "time"),
        ("ignore.malformed.json", "true"),
        ("case.insensitive", "false"),
    ];
    let format = table(OPENX_JSON, &serde, &columns);
    let batch = read_all(&source("f", text), &format, &schema(&columns), ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "x"], ["∅", "∅"], ["∅", "∅"]]);
    let format = table(OPENX_JSON, &serde[..3], &columns);
    let batch = read_all(&source("f", text), &format, &schema(&columns), ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch)[2], ["2", "∅"]);
}

#[test]
fn the_encoding_is_a_parameter() {
    let columns = [("n", "string")];
    let format = table(LAZY_SIMPLE, &[("serialization.encoding", "windows-1252")], &columns);
    let batch = read_all(
        &source("f", b"Z\xfcrich \x80\n".to_vec()),
        &format,
        &schema(&columns),
        ReadOptions::default(),
    );
    assert_eq!(rows(&batch.unwrap()), [["Zürich €"]]);
    let unknown = BTreeMap::from([("serialization.encoding".to_owned(), "klingon".to_owned())]);
    assert!(format_of(LAZY_SIMPLE, &unknown, &BTreeMap::new(), Vec::new()).is_err());
}

#[test]
fn cloudfront_and_cloudtrail() {
    let cloudfront = "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem \
        sc-status cs(Referer) cs(User-Agent) sc-content-len\n\
        2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111.cloudfront.net\t/index.html\t200\t-\tcurl/8\t-\n";
    let file = source("f", cloudfront);
    let found = block_on(infer(std::sync::Arc::clone(&file), &InferOptions::default())).unwrap();
    let columns: Vec<_> = found.fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
    assert_eq!(
        columns[..5],
        ["date date", "time string", "x_edge_location string", "sc_bytes bigint", "c_ip string"]
    );
    assert_eq!(columns[9..], ["cs_referrer string", "cs_user_agent string", "sc_content_len bigint"]);
    let wanted = schema(&[
        ("date", "date"),
        ("sc_bytes", "bigint"),
        ("cs_host", "string"),
        ("sc_content_len", "bigint"),
    ]);
    let batch = read_all(&file, &found.format, &wanted, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["2019-12-04", "392", "d111.cloudfront.net", "∅"]]);

    let cloudtrail = r#"{"Records":[
      {"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"PutObject","eventTime":"2026-01-02T03:04:05Z",
       "userIdentity":{"type":"IAMUser","userName":"ann"},"requestParameters":{"bucketName":"b"},"responseElements":null},
      {"eventVersion":"1.08","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","eventTime":"2026-01-02T03:04:06Z",
       "userIdentity":{"type":"Root"},"requestParameters":{"n":1},"responseElements":{"x":[1]}}]}"#;
    let file = source("f", cloudtrail);
    let found = block_on(infer(std::sync::Arc::clone(&file), &InferOptions::default())).unwrap();
    assert_eq!(found.records, 2);
    let wanted = schema(&[
        ("eventname", "string"),
        ("useridentity", "struct<type:string,username:string>"),
        ("requestparameters", "string"),
        ("responseelements", "string"),
    ]);
    for (name, ty) in
        [("eventname", "string"), ("requestparameters", "string"), ("responseelements", "string")]
    {
        assert!(found.fields.iter().any(|f| f.name == name && f.ty.to_string() == ty), "{name}");
    }
    let batch = read_all(&file, &found.format, &wanted, ReadOptions::default()).unwrap();
    assert_eq!(
        rows(&batch),
        [
            ["PutObject", "{type: IAMUser, username: ann}", "{\"bucketName\":\"b\"}", "∅"],
            ["RunInstances", "{type: Root, username: ∅}", "{\"n\":1}", "{\"x\":[1]}"],
        ]
    );
}

#[test]
fn lines_at_the_end_are_left_out() {
    let text = "id|v\n1|a\n2|b\ntotal|2\n# end\n";
    let table = BTreeMap::from([
        ("skip.header.line.count".to_owned(), "1".to_owned()),
        ("skip.footer.line.count".to_owned(), "2".to_owned()),
    ]);
    let delimited = BTreeMap::from([("field.delim".to_owned(), "|".to_owned())]);
    let quoted = BTreeMap::from([("separatorChar".to_owned(), "|".to_owned())]);
    let by_regex = BTreeMap::from([("input.regex".to_owned(), "(.*)\\|(.*)".to_owned())]);
    let wanted = schema(&[("id", "int"), ("v", "string")]);
    let columns = || vec!["id".to_owned(), "v".to_owned()];
    for (library, serde) in [
        (serde_info::LAZY_SIMPLE, &delimited),
        (serde_info::OPEN_CSV, &quoted),
        (serde_info::REGEX, &by_regex),
    ] {
        let format = serde_info::format_of(library, serde, &table, columns()).unwrap();
        for (text, ids) in [
            (text.to_owned(), vec!["1", "2"]),
            (text.trim_end().to_owned(), vec!["1", "2"]),
            ("id|v\ntotal|2\n# end\n".to_owned(), vec![]),
            ("# end".to_owned(), vec![]),
        ] {
            let batch = read_all(&source("f", text), &format, &wanted, ReadOptions::default()).unwrap();
            let found: Vec<String> = rows(&batch).into_iter().map(|row| row[0].clone()).collect();
            assert_eq!(found, ids, "{library}");
        }
        let many: String = (0..40_000).map(|n| format!("{n}|value\n")).collect();
        let file = source("f", format!("id|v\n{many}x|1\ny|2"));
        let whole = block_on(formats::plan_splits(&*file, &format, 1000)).unwrap();
        assert_eq!(whole.len(), 1);
        assert_eq!(read_all(&file, &format, &wanted, ReadOptions::default()).unwrap().num_rows(), 40_000);
        let bad = BTreeMap::from([("skip.footer.line.count".to_owned(), "-1".to_owned())]);
        assert!(serde_info::format_of(library, serde, &bad, columns()).is_err());
    }
}
