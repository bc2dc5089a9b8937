//! What files are taken for.

use futures::executor::block_on;

use formats::{
    ColumnNames, Compression, CsvOptions, Format, InferOptions, Inferred, JsonOptions, Problem, ReadOptions,
    Seen, infer,
};

use super::{read_all, rows, schema, source};

fn of(data: impl Into<Vec<u8>>) -> Inferred {
    block_on(infer(source("s3://b/f", data), &InferOptions::default())).unwrap()
}

fn columns(inferred: &Inferred) -> String {
    let shown: Vec<String> = inferred.fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
    shown.join(", ")
}

fn error(data: impl Into<Vec<u8>>) -> String {
    block_on(infer(source("f", data), &InferOptions::default())).unwrap_err().to_string()
}

/// Quotes behind blanks are quotes where they close fields, and else text.
#[test]
fn quotes_behind_blanks() {
    let inferred = |text: &str| block_on(infer(source("f.csv", text), &InferOptions::default())).unwrap();
    let padded = inferred("id, name, n\n1, \"a, b\",2\n3, \"c\",4\n");
    let Format::Csv(csv) = &padded.format else { panic!("{padded:?}") };
    assert_eq!((csv.quote, padded.fields.len()), (Some(b'"'), 3));
    let text = source("f.csv", "id, name, n\n1, \"a, b\",2\n3, \"c\",4\n");
    let wanted = schema(&[("id", "bigint"), ("name", "string"), ("n", "bigint")]);
    assert_eq!(
        rows(&read_all(&text, &padded.format, &wanted, ReadOptions::default()).unwrap()),
        [["1", "a, b", "2"], ["3", "c", "4"]]
    );
    let inches = inferred("id,size,n\n1, \"6\" x 4,2\n3,7 x 5,4\n");
    let Format::Csv(csv) = &inches.format else { panic!("{inches:?}") };
    assert_eq!((csv.quote, inches.fields.len()), (None, 3));
}

#[test]
fn csv_with_a_header() {
    let found = of("Id,Name,Price,Day\n1,a,1.5,2024-01-01\n2,,3,2024-01-02\n");
    assert_eq!(columns(&found), "id bigint, name string, price double, day string");
    assert_eq!(found.fields.iter().map(|f| f.nullable).collect::<Vec<_>>(), [false, true, false, false]);
    assert_eq!((found.records, found.complete, found.quoted), (2, true, false));
    let Format::Csv(csv) = found.format else { panic!() };
    assert_eq!((csv.delimiter, csv.header_lines, csv.quote), (b',', 1, None));
}

#[test]
fn csv_without_a_header() {
    let found = of("1|a\n2|b\n");
    assert_eq!(columns(&found), "col0 bigint, col1 string");
    // All text: Glue cannot tell a header from data.
    let found = of("name,city\nann,rome\nbob,oslo\n");
    assert_eq!(columns(&found), "col0 string, col1 string");
    assert_eq!(found.records, 3);
}

#[test]
fn what_a_first_row_of_text_would_name() {
    let titled = |text: &str| -> Option<String> {
        let found = of(text);
        let fields = found.titled?;
        assert!(columns(&found_of(found.fields)).starts_with("col0"), "{text}");
        Some(columns(&found_of(fields)))
    };
    for (text, wanted) in [
        ("Name,N\nann,\nbob,\n", Some("name string, n string")),
        ("name,,n\nann,x,\n", Some("name string, col1 string, n string")),
        ("ann,rome\nbob,oslo\n", Some("ann string, rome string")),
        // These have a header for sure, or none.
        ("id,n\n1,\n", None),
        ("ann,1\nbob,2\n", None),
        (",\n,\n", None),
    ] {
        assert_eq!(titled(text).as_deref(), wanted, "{text}");
    }
    let fields = of("name,n\nann,\n").titled.unwrap();
    assert_eq!((&fields[0].seen, &fields[1].seen), (&Seen::Values, &Seen::Nothing));
}

fn found_of(fields: Vec<formats::InferredField>) -> Inferred {
    Inferred { fields, ..of("{\"a\":1}") }
}

#[test]
fn what_is_a_guess_is_told() {
    let seen = |text: &str| of(text).fields[0].seen.clone();
    let items = |seen: Seen| Seen::Items(Box::new(seen));
    let member = |name: &str, seen: Seen| Seen::Members(vec![(name.to_owned(), seen)]);
    for (text, wanted) in [
        ("{\"a\":[]}", items(Seen::Nothing)),
        ("{\"a\":[null]}", items(Seen::Nothing)),
        ("{\"a\":[{}]}", items(Seen::Objects)),
        ("{\"a\":[]}\n{\"a\":[1]}", Seen::Values),
        ("{\"a\":null}", Seen::Nothing),
        ("{\"a\":{}}", Seen::Objects),
        ("{\"a\":{\"b\":null,\"c\":1}}", member("b", Seen::Nothing)),
        ("{\"a\":9007199254740993}", Seen::Wide),
        ("{\"a\":{\"b\":[9007199254740993]}}", member("b", items(Seen::Wide))),
        ("<r><row><a/></row><row><a></a></row></r>", Seen::Nothing),
        ("<r><row><a><b/><c>1</c></a></row><row><a><b/></a></row></r>", member("b", Seen::Nothing)),
        ("a,b\n9007199254740993,1\n", Seen::Wide),
        ("a,b\n9007199254740993,1\n1.5,1\n", Seen::Values),
    ] {
        assert_eq!(seen(text), wanted, "{text}");
    }
}

#[test]
fn quoted_csv_with_row_names() {
    let text = "\"\",\"Sepal.Length\",\"Species\"\n\"1\",5.1,\"a, \"\"b\"\"\"\n\"2\",4.9,\"x\ny\"\n";
    let found = of(text);
    assert_eq!(columns(&found), "col0 bigint, sepal.length double, species string");
    let Format::Csv(csv) = &found.format else { panic!() };
    assert_eq!((csv.quote, csv.escape), (Some(b'"'), None));
    let table = schema(&[("col0", "bigint"), ("species", "string")]);
    let batch = read_all(&source("f", text), &found.format, &table, formats::ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "a, \"b\""], ["2", "x\ny"]]);
}

#[test]
fn a_header_name_may_hold_a_line_break() {
    let text = "id,\"amount\n(EUR)\"\n1,2.5\n2,3\n";
    let found = of(text);
    assert_eq!(columns(&found), "id bigint, amount (eur) double");
    let table = schema(&[("id", "bigint"), ("amount (eur)", "double")]);
    let batch = read_all(&source("f", text), &found.format, &table, formats::ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "2.5"], ["2", "3.0"]]);
}

#[test]
fn other_separators_and_names_that_clash() {
    let found = of("a;A;b\n1;2;x,y\n3;4;z,w\n");
    assert_eq!(columns(&found), "a bigint, a_1 bigint, b string");
    let Format::Csv(csv) = found.format else { panic!() };
    assert_eq!(csv.delimiter, b';');
    assert_eq!(csv.names, ColumnNames::Given(vec!["a".into(), "a_1".into(), "b".into()]));
    assert_eq!(columns(&of("x\u{1}1\ny\u{1}2\n")), "col0 string, col1 bigint");
    assert_eq!(columns(&of("n\tbig\na\t9223372036854775808\nb\t1\n")), "col0 string, col1 string");
    assert_eq!(columns(&of("n,v,w\nNA,nan,1\n1,2,2\n")), "n string, v string, w bigint");
}

#[test]
fn json_shapes() {
    let found = of(concat!(
        r#"{"Id":1,"big":3000000000,"x":1,"nested":{"A":1,"b":[1,2.5]},"tags":[],"n":null,"flag":true}"#,
        "\n",
        r#"{"id":2,"x":1.5,"nested":{"c":"s"},"mixed":1}"#,
        "\n",
        r#"{"id":3,"mixed":"s"}"#
    ));
    assert_eq!(
        columns(&found),
        "id int, big bigint, x double, nested struct<a:int,b:array<double>,c:string>, tags array<string>, n string, \
         flag boolean, mixed string"
    );
    assert_eq!(found.records, 3);
    assert!(!found.fields[0].nullable && found.fields[1].nullable);
    assert_eq!(columns(&of("[\n{\"a\":1},\n{\"a\":2}\n]")), "a int");
    assert_eq!(columns(&of("{\n\"a\": 1\n}\n")), "a int");
}

#[test]
fn json_values_of_several_types_are_a_choice() {
    let found = of(concat!(
        r#"{"v":1,"w":{"a":1},"l":[1,"x"],"n":1,"b":12345678901234567890123,"o":{}}"#,
        "\n",
        r#"{"v":"s","w":{"a":true,"b":[2,{}]},"l":[2.5],"n":2.5,"b":"t","o":{"x":1}}"#,
        "\n",
        r#"{"v":{"x":1},"w":null,"v2":null,"n":3000000000}{"v":{"y":[1]}}{"v":[true]}{"v":3000000000}"#,
    ));
    assert_eq!(
        columns(&found),
        "v string, w struct<a:string,b:array<string>>, l array<string>, n double, b string, o struct<x:int>, v2 string"
    );
    let mut told = Vec::new();
    for field in &found.fields {
        field.seen.each_choice(&field.name, &mut |place, types| {
            told.push(format!("{place} {}", formats::hive::HiveType::Union(types.to_vec())));
        });
    }
    assert_eq!(
        told,
        [
            "v uniontype<bigint,string,struct<x:int,y:array<int>>,array<boolean>>",
            "w.a uniontype<int,boolean>",
            "w.b[] uniontype<int,string>",
            "l[] uniontype<double,string>",
        ]
    );
}

#[test]
fn json_values_of_several_types_are_unions_to_who_asks() {
    let options = InferOptions { choices: true, ..InferOptions::default() };
    let file = source(
        "s3://b/f",
        concat!(
            r#"{"v":1,"w":{"a":1.5},"l":[1,"x"],"n":2,"s":"t","o":{},"e":[]}"#,
            "\n",
            r#"{"v":"s","w":{"a":true},"l":[2.5],"n":3000000000,"s":"u","o":{"x":1},"e":[1]}"#,
            "\n",
            r#"{"v":1.5,"w":{"a":7},"v2":null}{"v":{"y":[1]}}{"v":[true]}{"v":3000000000}"#,
        ),
    );
    let found = block_on(infer(file, &options)).unwrap();
    assert_eq!(
        columns(&found),
        "v uniontype<bigint,string,double,struct<y:array<int>>,array<boolean>>, w struct<a:uniontype<double,boolean,int>>, \
         l array<uniontype<int,string,double>>, n bigint, s string, o struct<x:int>, e array<int>, v2 string"
    );
}

#[test]
fn a_few_bad_lines_are_reported() {
    let found = of("{\"a\":1}\n{\"a\":oops}\n{\"a\":2}\n");
    assert_eq!((found.records, found.problems.len()), (2, 1));
    assert!(
        found.problems[0].to_string().starts_with("s3://b/f, line 2: malformed JSON"),
        "{}",
        found.problems[0]
    );
}

#[test]
fn compression_is_seen() {
    use std::io::Write;
    let text = b"a,b\n1,x\n2,y\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(text).unwrap();
    // As parallel compressors write it: in front a frame that decoders skip.
    let mut skipping = b"\x50\x2a\x4d\x18\x04\x00\x00\x00size".to_vec();
    skipping.extend(zstd::encode_all(&text[..], 3).unwrap());
    for (data, wanted) in [
        (skipping, Compression::Zstd),
        (gzip.finish().unwrap(), Compression::Gzip),
        (bzip2.finish().unwrap(), Compression::Bzip2),
        (zstd::encode_all(&text[..], 3).unwrap(), Compression::Zstd),
    ] {
        let found = of(data);
        assert_eq!((columns(&found).as_str(), found.compression), ("a bigint, b string", wanted));
    }
}

#[test]
fn what_is_not_data_is_refused() {
    assert_eq!(error(""), "f: the file is empty");
    assert_eq!(error("\n \n"), "f: the file is empty");
    assert!(error(" ".repeat(3 << 20)).contains("bytes are white space"));
    assert!(error("just some words\nand more\n").contains("not recognised"));
    assert!(error(vec![0u8; 100]).contains("a NUL byte at offset 0)"));
    assert!(error(&b"a,b\n1,x\x00y\n"[..]).contains("a NUL byte at offset 7)"));
    let utf16: Vec<u8> = "id,name\n1,ann\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(error(utf16).contains("a NUL byte at offset 1: perhaps UTF-16"));
    assert!(error("PK\u{3}\u{4}xxxx").contains("incomplete zip data"));
    assert!(error("ORC\u{1}xxxxORC\u{1}").contains("damaged or unreadable ORC"));
    assert!(error("ORC is one\nmore word\n").contains("not recognised"));
    assert!(error("<?xml version=\"1.0\"?><a/>").contains("XML without an element below its root"));
    assert!(error(&b"a,b\n1,\xff\xfe\xfd\n2,x\n"[..]).contains("line 2"));
    assert_eq!(
        error("[1,2,3]"),
        "f, line 1: malformed JSON: expected an object, found 1 (byte 1 of the record)"
    );
}

#[test]
fn one_row_is_a_record_when_asked() {
    let options = InferOptions { one_row: true, ..InferOptions::default() };
    let found = |text: &str| block_on(infer(source("f", text), &options));
    for (text, wanted) in [
        ("7,ann,2.5\n", "col0 bigint, col1 string, col2 double"),
        ("7;ann", "col0 bigint, col1 string"),
        ("id,name\n", "col0 string, col1 string"),
        ("\"a,b\",c\n", "col0 string, col1 string"),
        // Two are read as ever.
        ("id,name\n1,ann\n", "id bigint, name string"),
    ] {
        let found = found(text).unwrap();
        let fields: Vec<String> = found.fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
        assert_eq!((fields.join(", ").as_str(), found.records), (wanted, 1), "{text}");
    }
    for text in ["word\n", "\"a,b\n"] {
        assert!(found(text).is_err(), "{text}");
    }
}

/// Who leaves broken records out of JSON takes what the others have for columns.
#[test]
fn mostly_broken_json() {
    let json = || Some(Format::Json(JsonOptions::default()));
    let found = |text: &str, skips_bad: bool| {
        let options = InferOptions { format: json(), skips_bad, ..InferOptions::default() };
        block_on(infer(source("f", text), &options)).map(|found| columns(&found))
    };
    for text in [
        "x\n{\"a\":1}\n",
        "x\n{\"a\":1}\ny\n{\"a\":2}\n{\"a\":2}\n",
        "{\"a\":1}\n{\"a\":\nnot json\n{\"a\":2}\n",
        "y z\n[1]\n{\"a\":3}\n",
        "{\"a\":1\n{\"a\":2\n{\"a\":3\n{\"a\":4}\n{\"a\":5}\n",
    ] {
        assert!(found(text, false).is_err(), "{text}");
        assert_eq!(found(text, true).unwrap(), "a int", "{text}");
    }
    for text in ["x\n", "x,y\n1,2\n"] {
        assert!(found(text, true).is_err(), "{text}");
    }
}

/// Also those whose text is no UTF-8, where the format is known: what a record is does not depend on it.
#[test]
fn records_without_utf8() {
    let csv = Format::Csv(CsvOptions::standard());
    let json = Format::Json(JsonOptions::default());
    for (format, bytes, wanted) in [
        (csv, &b"id,v\n1,\xff\xfe\n2,5\n3,6\n"[..], "id bigint, v string"),
        (json, &b"{\"v\":\"\xff\"}\n{\"v\":5}\n"[..], "v int"),
    ] {
        let found = |format, skips_bad| {
            let options = InferOptions { format, skips_bad, ..InferOptions::default() };
            block_on(infer(source("f", bytes), &options)).map(|found| columns(&found))
        };
        assert_eq!(found(Some(format.clone()), true).unwrap(), wanted);
        for error in [found(Some(format), false), found(None, true)] {
            assert!(error.unwrap_err().to_string().ends_with("the text is not valid UTF-8"));
        }
    }
}

#[test]
fn a_refusal_says_what_was_found_and_where() {
    for (text, wanted) in [
        (
            "id,name\r1,ann\r2,bob\r".to_owned(),
            "f: the format was not recognised: its lines end in CR alone, the first one at byte 8: \
             convert them to LF or CR LF",
        ),
        (
            "id,name,city\n".to_owned(),
            "f: the file holds no records: one row of 3 fields (comma), a header perhaps, and no data",
        ),
        ("[ ]".to_owned(), "f: the file holds no records: an empty JSON array"),
        ("{}\n{}\n".to_owned(), "f: the file holds no records: JSON objects without members"),
        ("[{\"a\":".to_owned(), "f, line 1: the JSON array is not closed at the end of the file"),
        (
            "[{\"a\":1},\n{\"a\":2},\n".to_owned(),
            "f, line 3: the JSON array is not closed at the end of the file",
        ),
        (
            "{\n\"a\": 1,\n\"b\":".to_owned(),
            "f, line 1: the JSON object is not closed at the end of the file",
        ),
        (
            "{\"a\":1,\"b\":oops}\n{\"a\":1,\"b\":oops}\n".to_owned(),
            "f, line 1: malformed JSON: expected a value, found oops} (byte 12 of the record)",
        ),
        ("id,name\n1,\"ann\n2,bob, x\n3,b,c,d\n".to_owned(), "f, line 2: a quoted field is not closed"),
        (
            "a,b\n1,2,3\n1,2,3,4\n1\n".to_owned(),
            "f: the format was not recognised: with the separator that fits best (comma), only 25 % of the 4 rows \
             looked at have the same number of fields (4)",
        ),
    ] {
        assert_eq!(error(text), wanted);
    }
    let deep = format!("{{\"a\":1,\"b\":{}{}}}\n", "[".repeat(70), "]".repeat(70)).repeat(2);
    assert_eq!(
        error(deep),
        "f, line 1: malformed JSON: nested more than 65 levels deep (byte 76 of the record)"
    );
    let wide: String = (0..20_000).map(|i| format!("\"k{i}\":1,")).collect();
    assert!(error(format!("{{{}\"z\":1}}", wide)).contains("more than 10000 different names in one object"));
}

#[test]
fn the_deepest_json_has_a_type_that_can_be_parsed() {
    let text = format!("{{\"a\":{}1{}}}\n", "[".repeat(64), "]".repeat(64));
    let found = of(text);
    let shown = found.fields[0].ty.to_string();
    assert_eq!(shown.parse::<formats::hive::HiveType>().unwrap(), found.fields[0].ty);
}

#[test]
fn csv_header_with_missing_names() {
    let found = of("a,,c\n1,x,2\n3,y,4\n");
    assert_eq!(columns(&found), "a bigint, col1 string, c bigint");
    assert_eq!(found.records, 2);
    // What differs below a missing name alone is no sign of a header.
    let found = of("ann,,x\nbob,4,y\n");
    assert_eq!(columns(&found), "col0 string, col1 bigint, col2 string");
    assert_eq!(found.records, 2);
    let found = of("ann,lee,\nbob,ray,5\ncyd,zoe,6\n");
    assert_eq!(columns(&found), "col0 string, col1 string, col2 bigint");
    assert_eq!(found.records, 3);
    let found = of("\"p\";\"a;b\";\"\"\r\n\"p\";\"#c\";\"-5\"\r\n\"r\";\"d\";\"7\"\r\n");
    assert_eq!((columns(&found).as_str(), found.records), ("col0 string, col1 string, col2 bigint", 3));
    // One field short: whether a name or a value is missing, nobody knows.
    assert_eq!(of("ann,lee\nbob,ray,5\ncyd,zoe,6\nedd,kim,7\neve,sue,8\n").records, 5);
}

#[test]
fn row_names_have_no_name_of_their_own() {
    let found = of(",name\n0,ann\n1,bob\n");
    assert_eq!((columns(&found).as_str(), found.records), ("col0 bigint, name string", 2));
    let found = of("\"\",\"a\",\"b\"\n\"1\",\"x\",\"y\"\n\"\",\"z\",\"w\"\n");
    assert_eq!((columns(&found).as_str(), found.records), ("col0 bigint, a string, b string", 2));
    // What may as well be a row of data: its text comes back, or it lacks more.
    for (text, shown) in [
        ("\tq\r\n45\tq\r\n46\tr\r\n", "col0 bigint, col1 string"),
        (",a,\n1,b,c\n2,d,e\n", "col0 bigint, col1 string, col2 string"),
        (",a,a\n1,b,c\n2,d,e\n", "col0 bigint, col1 string, col2 string"),
        // Numbers, but not those of the rows.
        (",Anna,Berlin\n17,Bob,Paris\n4,Cyd,Rome\n", "col0 bigint, col1 string, col2 string"),
        (",Anna,Berlin\n2,Bob,Paris\n3,Cyd,Rome\n", "col0 bigint, col1 string, col2 string"),
        (",Anna,Berlin\n0,Bob,Paris\n0,Cyd,Rome\n", "col0 bigint, col1 string, col2 string"),
        ("\"\",\"alpha\"\n\"\",\"beta\"\n\"5\",\"gamma\"\n", "col0 bigint, col1 string"),
    ] {
        let found = of(text);
        assert_eq!((columns(&found).as_str(), found.records), (shown, 3), "{text:?}");
    }
    let typed = of(",a,n\n1,b,1\n,c,2\n");
    assert_eq!((columns(&typed).as_str(), typed.records), ("col0 bigint, a string, n bigint", 2));
}

#[test]
fn quotes_that_span_lines_are_no_lines() {
    for text in ["\"p\"|\"l1\nl2\"|\"null\"\n", "\"p\"|\"l1, x\nl2, y\"|\"null\"\n", "\"p\",\"l1\nl2\"\n"] {
        let said = error(text);
        assert!(said.contains("one row of"), "{text:?}: {said}");
    }
    // Rows of uneven width: nothing for a reader that cuts quoted fields in two.
    let said = error("\"a\"|\"b\"\n\"p\"|\"l1\nl2\"|\"n\"\n");
    assert!(said.contains("only 50 % of the 2 rows"), "{said}");
}

#[test]
fn csv_types_as_glue_infers_them() {
    let text = "n,flag,day,at,zip,exp,plus,nan,gap\n\
                1,True,2024-01-01,2024-01-01 10:00:00,007,1e5,+1,NaN,\\N\n\
                2,FALSE,2024-01-02,2024-01-02 10:00:00,042,2e5,+2,1,3\n";
    assert_eq!(
        columns(&of(text)),
        "n bigint, flag boolean, day string, at string, zip bigint, exp double, plus bigint, nan string, gap bigint"
    );
    assert_eq!(columns(&of("a,b\ntrue,1\n0,2\n")), "a string, b bigint");
    // A boolean is no name.
    assert_eq!(columns(&of("true,x\nfalse,y\n")), "col0 boolean, col1 string");
    assert!(of("a,b\n1,\n2,\n").fields[1].seen.is_nothing());
}

#[test]
fn blank_lines_above_the_header_are_skipped_with_it() {
    let text = "\n\nid,name\n1,ann\n2,bob\n";
    let found = of(text);
    let Format::Csv(csv) = &found.format else { panic!() };
    assert_eq!(csv.header_lines, 3);
    let table = schema(&[("id", "bigint"), ("name", "string")]);
    let batch = read_all(&source("f", text), &found.format, &table, formats::ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "ann"], ["2", "bob"]]);
}

#[test]
fn integers_of_any_size_keep_their_digits() {
    let text =
        "{\"a\":99999999999999999999999,\"b\":-9223372036854775808,\"c\":18446744073709551615,\"d\":1e5}\n";
    assert_eq!(columns(&of(text)), "a string, b bigint, c string, d double");
}

#[test]
fn doubles_that_lose_digits_are_told() {
    let told = |text: &str| of(text).problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let words = "it is double, and some of its numbers are not: whole numbers beyond 2^53 lose digits, those beyond \
                 1.8e308 read as Infinity";
    for (text, place) in [
        ("a,b\n1.5,x\n9007199254740993,y\n", ", line 3, column a"),
        ("b,a\nx,1e400\ny,2\n", ", line 2, column a"),
        ("9007199254740993,x\n1.5,y\n", ", line 1, column col0"),
        ("{\"a\":1.5}\n{\"a\":9007199254740993}\n", ", column a"),
        ("{\"a\":9007199254740993}\n{\"a\":1}\n{\"a\":0.5}\n", ", column a"),
        ("{\"s\":[{\"n\":1e400}]}\n", ", column s.n"),
    ] {
        assert_eq!(told(text), format!("s3://b/f{place}: {words}"), "{text}");
    }
    for exact in [
        "a,b\n1.5,x\n9007199254740992,y\n",
        "a,b\n1,x\n9007199254740993,y\n",
        "{\"a\":1.5}\n{\"a\":9007199254740992}\n",
        "{\"a\":1}\n{\"a\":9007199254740993}\n",
        "{\"a\":9007199254740993}\n{\"a\":\"x\"}\n{\"a\":1.5}\n",
    ] {
        assert_eq!(told(exact), "", "{exact}");
    }
}

#[test]
fn a_member_without_a_name_is_left_out_and_named() {
    let found = of("{\"\":1,\"a\":2}\n");
    assert_eq!(columns(&found), "a int");
    assert_eq!(found.problems[0].to_string(), "s3://b/f: a member without a name gives no column");
}

#[test]
fn a_broken_record_leaves_no_columns_behind() {
    let found = of("{\"a\":1}\n{\"b\":2,\"c\":}\n{\"a\":2}\n");
    assert_eq!(columns(&found), "a int");
}

#[test]
fn parquet_names() {
    use arrow::array::{ArrayRef, Int32Array, RecordBatch, StructArray};
    use arrow::datatypes::{DataType, Field};
    use std::sync::Arc;
    let file = |names: [&str; 2], inner: [&str; 2]| {
        let number: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let field = |n: &str| Arc::new(Field::new(n, DataType::Int32, true));
        let nested = inner.map(|n| (field(n), Arc::clone(&number)));
        let nested: ArrayRef = Arc::new(StructArray::from(nested.to_vec()));
        let columns = names
            .into_iter()
            .zip([number, nested])
            .map(|(n, a)| (Field::new(n, a.data_type().clone(), true), a));
        let (fields, arrays): (Vec<_>, Vec<_>) = columns.unzip();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
        let format = Format::Parquet(formats::ParquetOptions {});
        let sink = formats::MemorySink::default();
        let mut writer =
            formats::Writer::new("f", &format, schema, &formats::WriteOptions::default(), sink).unwrap();
        block_on(writer.write(&batch)).unwrap();
        block_on(writer.finish()).unwrap().0.data
    };
    let found = of(file(["Id", "Address"], ["City", "Zip"]));
    assert_eq!(columns(&found), "id int, address struct<city:int,zip:int>");
    // A table cannot have two fields that only case tells apart.
    let found = of(file(["Id", "a"], ["X", "x"]));
    assert_eq!(columns(&found), "id int");
    assert!(found.problems[0].to_string().contains("two fields named x (case does not count)"));
    assert!(error(file(["Id", "ID"], ["x", "y"])).contains("two columns are named id (case does not count)"));
    assert!(error(file(["Id", ""], ["x", "y"])).contains("a column has no name"));
}

#[test]
fn parquet_says_whether_its_integers_are_wide() {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, UInt64Array};
    use std::sync::Arc;
    let seen = |column: ArrayRef| {
        let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let format = Format::Parquet(formats::ParquetOptions {});
        let (options, sink) = (formats::WriteOptions::default(), formats::MemorySink::default());
        let mut writer = formats::Writer::new("f", &format, batch.schema(), &options, sink).unwrap();
        block_on(writer.write(&batch)).unwrap();
        of(block_on(writer.finish()).unwrap().0.data).fields[0].seen.clone()
    };
    const EXACT: i64 = 1 << 53;
    for (numbers, wanted) in [
        (vec![Some(EXACT), Some(-EXACT), None], Seen::Values),
        (vec![Some(EXACT + 1), Some(0)], Seen::Wide),
        (vec![Some(-EXACT - 1), Some(0)], Seen::Wide),
        (vec![None, None], Seen::Values),
    ] {
        assert_eq!(seen(Arc::new(Int64Array::from(numbers.clone()))), wanted, "{numbers:?}");
    }
    let unsigned = |numbers: Vec<u64>| Arc::new(UInt64Array::from(numbers)) as ArrayRef;
    assert_eq!((seen(unsigned(vec![5, 0])), seen(unsigned(vec![5, u64::MAX]))), (Seen::Values, Seen::Wide));
}

#[test]
fn quotes_that_a_backslash_escapes() {
    let text = "id,text,n\n1,\"say \\\"hi\\\", he said\",5\n2,\"plain\",6\n3,\"ends \\\"so\\\"\",7\n";
    let found = of(text);
    assert_eq!(columns(&found), "id bigint, text string, n bigint");
    let Format::Csv(csv) = &found.format else { panic!() };
    assert_eq!((csv.quote, csv.escape), (Some(b'"'), Some(b'\\')));
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let table = schema(&[("text", "string"), ("n", "bigint")]);
    let batch = read_all(&source("f", text), &found.format, &table, formats::ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["say \"hi\", he said", "5"], ["plain", "6"], ["ends \"so\"", "7"]]);
    // A backslash that escapes nothing: doubled quotes, and a path that ends in one.
    let text = "id,path\n1,\"C:\\dir\\\"\n2,\"say \"\"hi\\n\"\"\"\n3,x\n";
    let found = of(text);
    let Format::Csv(csv) = &found.format else { panic!() };
    assert_eq!((csv.quote, csv.escape), (Some(b'"'), Some(b'"')));
    let table = schema(&[("path", "string")]);
    let batch = read_all(&source("f", text), &found.format, &table, formats::ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["C:\\dir\\"], ["say \"hi\\n\""], ["x"]]);
    // What the SerDe will drop is said.
    let found = of("id,text\n1,\"say \\\"hi\\\"\"\n2,\"C:\\dir\"\n3,\"a\\\\b\"\n");
    let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("s3://b/f, line 3: quotes are escaped with a backslash"), "{problems:?}");
}

#[test]
fn comments_where_they_can_be_nothing_else() {
    let read = |text: &str, table: &[(&str, &str)]| {
        let found = of(text);
        let batch =
            read_all(&source("f", text), &found.format, &schema(table), formats::ReadOptions::default())
                .unwrap();
        let Format::Csv(csv) = &found.format else { panic!() };
        (columns(&found), csv.comment, csv.header_lines, rows(&batch).concat())
    };
    let owned = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
    // In front: lines to be skipped, which every reader knows.
    let head = "# made by us\n#\nid,name\n1,a\n2,b\n";
    assert_eq!(
        read(head, &[("id", "bigint"), ("name", "string")]),
        ("id bigint, name string".to_owned(), None, 3, owned(&["1", "a", "2", "b"]))
    );
    let quotes = "# it,\"is\nid,name\n1,\"a\"\n2,b\n";
    assert_eq!(
        read(quotes, &[("id", "bigint")]),
        ("id bigint, name string".to_owned(), Some(b'#'), 2, owned(&["1", "2"]))
    );
    let within = "id,name\n1,a\n# the rest\n2,b\n";
    assert_eq!(
        read(within, &[("id", "bigint")]),
        ("id bigint, name string".to_owned(), Some(b'#'), 1, owned(&["1", "2"]))
    );
    // Values, and a header that begins so.
    let values = "color,n\n#ff0000,1\n#00ff00,2\n";
    assert_eq!(read(values, &[("color", "string")]).3, owned(&["#ff0000", "#00ff00"]));
    let header = "#id,n\n1,2\n3,4\n";
    assert_eq!(
        read(header, &[("n", "bigint")]),
        ("#id bigint, n bigint".to_owned(), None, 1, owned(&["2", "4"]))
    );
    // Other rows are ragged as well: then a line that begins so may be one.
    let ragged = "id,name,x\n1,a,1\n2,b,1\n3,c,1\n4,d,1\n#4\n5\n";
    assert_eq!(read(ragged, &[("id", "string")]).1, None);
}

#[test]
fn binary_formats_that_are_not_read_are_named() {
    for (head, named) in [
        (&b"%PDF-1.7 x"[..], "a PDF document is not supported"),
        (&[0xe0, 1, 0, 0xea, 0x21, 1][..], "malformed Ion: expected a struct"),
    ] {
        let message = error(head);
        assert!(message.contains(named), "{message}");
    }
}

/// What is said of a known separator that divides nothing.
fn undivided(data: &str, delimiter: u8, names: ColumnNames) -> Option<String> {
    let header_lines = u64::from(names == ColumnNames::Header);
    let known = CsvOptions { delimiter, names, header_lines, ..CsvOptions::standard() };
    let options = InferOptions { format: Some(Format::Csv(known)), ..InferOptions::default() };
    let inferred = block_on(infer(source("f.csv", data), &options)).unwrap();
    let found = inferred.problems.into_iter().find(|p| matches!(p.problem, Problem::Undivided { .. }));
    found.map(|problem| problem.to_string())
}

#[test]
fn a_separator_that_divides_nothing_is_a_problem() {
    let header = |data, delimiter| undivided(data, delimiter, ColumnNames::Header);
    let said = header("id^v\n1^a\n2^b\n", b',').unwrap();
    assert!(
        said.starts_with("f.csv: every line is one field with the separator comma, and '^' would divide"),
        "{said}"
    );
    assert!(
        header("id,name,price\n1,x,2.5\n", b'|').unwrap().contains("comma would divide each of them into 3")
    );
    assert!(
        header("\"id\";\"v\"\n\"1;2\";\"a\"\n", b',')
            .unwrap()
            .contains("semicolon would divide each of them into 2")
    );
    // One column indeed: prose with a comma in every line below a name, names that repeat or name nothing.
    assert_eq!(header("place\nParis, France\nUlm, Germany\n", b'|'), None);
    assert_eq!(header("a,a\n1,2\n", b'|'), None);
    assert_eq!(header("1,2\n3,4\n", b'|'), None);
    // A separator that divides some lines only.
    assert_eq!(header("id;v\n1;2\n3\n", b','), None);
    assert_eq!(header("id,v\n1,2\n", b','), None);

    let bare = |data, delimiter| undivided(data, delimiter, ColumnNames::Generated);
    assert!(bare("1;a\n2;b\n", b',').is_some() && bare("x;y;z\na;b;c\n", b',').is_some());
    assert_eq!(bare("Paris, France\nUlm, Germany\n", b'|'), None);
    // Whoever gives the names knows how many there are.
    assert_eq!(undivided("1;a\n2;b\n", b',', ColumnNames::Given(vec!["line".to_owned()])), None);
}

#[test]
fn separators_of_several_bytes_are_told() {
    let told = |text: &str| {
        let problems = of(text).problems;
        problems.iter().map(ToString::to_string).find(|told| told.contains("empty in every record"))
    };
    let said = told("id||name||price\n1||a||2.5\n2||b||3\n").unwrap();
    assert!(
        said.starts_with(
            "s3://b/f: 2 of the 5 columns are empty in every record, as if 2 separators (pipe) stood for"
        ),
        "{said}"
    );
    assert!(said.contains("one between 3 columns"), "{said}");
    assert!(
        told("1;;;a;;;x\n2;;;b;;;y\n").unwrap().contains("3 separators (semicolon) stood for one between 3")
    );
    // Something stands there once, a name at least; or an outer column is the empty one.
    assert_eq!(told("id|x|name\n1||a\n2||b\n"), None);
    assert_eq!(told("1||a\n2|x|b\n3||c\n"), None);
    assert_eq!(told("1|a|\n2|b|\n"), None);
}

#[test]
fn a_first_line_for_excel_says_the_separator_and_is_no_row() {
    for (text, names, skipped) in [
        ("sep=;\nid;n\n1;x,y\n2;z\n", "id bigint, n string", 2),
        ("sep=,\r\n\r\nid,n\r\n1,x\r\n2,y\r\n", "id bigint, n string", 3),
        ("\"sep=:\"\nid:n\n1:\"x\"\n2:y\n", "id bigint, n string", 2),
        ("sep=|\n1|x\n2|y\n", "col0 bigint, col1 string", 1),
    ] {
        let found = of(text);
        assert_eq!((columns(&found).as_str(), found.records), (names, 2), "{text:?}");
        let Format::Csv(csv) = &found.format else { panic!("not CSV") };
        assert_eq!(csv.header_lines, skipped, "{text:?}");
        let names = ColumnNames::Given(vec!["id".to_owned(), "n".to_owned()]);
        let given = Format::Csv(CsvOptions { names, ..csv.clone() });
        let table = schema(&[("id", "bigint")]);
        let batch = read_all(&source("f", text), &given, &table, formats::ReadOptions::default()).unwrap();
        assert_eq!(rows(&batch), [["1"], ["2"]], "{text:?}");
    }
    // Only a whole line of it says anything.
    assert_eq!(columns(&of("sep=;id;n\n1;x;y\n2;z;w\n")), "sep= bigint, id string, n string");
    // Who names the dialect is told that the line would be taken for a header, or for a row.
    for names in [ColumnNames::Header, ColumnNames::Generated] {
        let said = undivided("sep=;\nid;n\n1;x\n", b';', names).unwrap();
        let start = "f.csv, line 1: its first line, sep=;, tells programs the separator";
        assert!(said.starts_with(start), "{said}");
    }
}
