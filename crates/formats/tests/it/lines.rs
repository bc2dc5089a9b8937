//! Log lines: recognised, read by Grok and by regular expressions, in other encodings.

use formats::{
    BadRecords, CsvOptions, Encoding, Format, InferOptions, LineLayout, LineOptions, Malformed, OnBadRecord,
    ReadOptions, infer, plan_splits, read,
};
use futures::TryStreamExt;
use futures::executor::block_on;
use std::sync::Arc;

use crate::{read_all, rows, schema, source};

const S3: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be DOC-EXAMPLE-BUCKET1 \
[06/Feb/2019:00:00:38 +0000] 192.0.2.3 79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be \
3E57427F3EXAMPLE REST.GET.VERSIONING - \"GET /DOC-EXAMPLE-BUCKET1?versioning HTTP/1.1\" 200 - 113 - 7 - \"-\" \
\"S3Console/0.4\" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 \
ECDHE-RSA-AES128-GCM-SHA256 AuthHeader DOC-EXAMPLE-BUCKET1.s3.us-west-1.amazonaws.com TLSV1.2 \
arn:aws:s3:us-west-1:123456789012:accesspoint/example-AP Yes\n";
const ALB: &str = "https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 \
10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 \"GET https://www.example.com:443/ HTTP/1.1\" \"curl/7.46.0\" \
ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 \
\"Root=1-58337281-1d84f3d73c47ec4e58577259\" \"www.example.com\" \"arn:aws:acm:us-east-2:123456789012:certificate/1234\" 1 \
2018-07-02T22:22:48.364000Z \"authenticate,forward\" \"-\" \"-\" \"10.0.0.1:80\" \"200\" \"-\" \"-\" TID_123456\n";
const ELB: &str = "2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 \
200 200 0 29 \"GET http://www.example.com:80/ HTTP/1.1\" \"curl/7.38.0\" - -\n";

fn found(text: &str) -> formats::Inferred {
    block_on(infer(source("log", text), &InferOptions::default())).unwrap()
}

#[test]
fn known_logs_get_their_names() {
    let nginx = "10.0.0.1 - - [10/Oct/2025:13:55:36 +0200] \"GET /a,b HTTP/1.1\" 200 5 \"-\" \"curl/8\"\n";
    for (text, wanted, columns, first) in [
        (S3, "s3_access", 26, "bucketowner"),
        (ALB, "alb", 34, "type"),
        (ELB, "elb", 19, "timestamp"),
        (nginx, "combinedapache", 12, "clientip"),
        ("127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 -\n", "apache", 10, "clientip"),
        ("Feb  9 07:15:00 host app[1]: a,b,c\nFeb  9 07:15:01 host kernel: d\n", "syslog", 7, "timestamp"),
        ("2025/10/10 13:55:36 [error] 12#34: *5 open() failed\n", "nginx_error", 6, "timestamp"),
        (
            "2024-01-02T03:04:05.1+00:00 host sshd[12]: a, b\n2024-01-02T03:04:06.123456+00:00 host kernel:\n",
            "syslog",
            5,
            "timestamp",
        ),
        (
            "<34>1 2003-10-11T22:14:15.003Z h.example su - ID47 [a@1 b=\"c\\]\"][d] x\n<1>1 - - - - - -\n",
            "syslog5424",
            9,
            "priority",
        ),
        ("[    0.000000] Linux version 6\n[   12.345678] usb 1-1: new\n", "linux_kernel", 2, "timestamp"),
        ("[12] 30 Jul 12:00:00.123 * Ready\n[12] 30 Jul 12:00:01.123 # Slow\n", "redislog", 5, "pid"),
        ("12:M 30 Jul 2013 12:00:00.123 * Ready\n12:M 30 Jul 2013 12:00:01.123 - x\n", "redislog", 5, "pid"),
        ("[Wed Oct 11 14:32:52 2000] [error] [client 127.0.0.1] denied\n", "apache_error", 13, "timestamp"),
    ] {
        let inferred = found(text);
        assert_eq!(inferred.format.classification(), wanted);
        let names: Vec<_> = inferred.fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!((names.len(), names[0]), (columns, first), "{wanted}: {names:?}");
        assert!(inferred.problems.is_empty());
    }
}

#[test]
fn a_program_s_own_log_is_no_syslog() {
    for line in [
        "2024-01-02T03:04:05Z INFO main: started",
        "2024-01-02T03:04:05Z FINE app: x",
        "2024-01-02T03:04:05Z main INFO: x",
        "2024-01-02T03:04:05Z 1234 main: x",
        "2024-01-02T03:04:05.123456789Z stderr F: x",
        "[1.2] note",
        "[2.5] 4 stars, good",
    ] {
        let inferred =
            block_on(infer(source("log", format!("{line}\n").repeat(9)), &InferOptions::default()));
        let found = inferred.map(|found| found.format.classification().to_owned());
        assert!(!matches!(found.as_deref(), Ok("syslog" | "linux_kernel")), "{line}: {found:?}");
    }
    let known = found("2024-01-02 03:04:05 web-1 cron[7]: x\n2024-01-02 03:04:05 web-1 kernel: z\n");
    assert_eq!(known.format.classification(), "syslog");
}

#[test]
fn the_share_of_records_that_fit_is_the_certainty() {
    let lines: String = (0..19).map(|n| format!("Feb  9 07:15:{n:02} host app[1]: x\n")).collect();
    assert_eq!(found(&lines).certainty, 1.0);
    assert_eq!(found(&format!("{lines}what is this\n")).certainty, 0.95);
    assert_eq!(found("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n{oops\n").certainty, 0.75);
    assert_eq!(found("a,b\n1,2\n3,4\n5,6\n7\n").certainty, 0.8);
    assert_eq!(found("<r><x><a>1</a></x><x><a>2</a></x></r>").certainty, 1.0);
}

#[test]
fn load_balancers_and_s3_value_by_value() {
    let wanted = schema(&[
        ("client_ip", "string"),
        ("client_port", "int"),
        ("target_processing_time", "double"),
        ("elb_status_code", "int"),
        ("request_url", "string"),
        ("actions_executed", "string"),
        ("conn_trace_id", "string"),
        ("sent_bytes", "bigint"),
    ]);
    let failed = ALB.replace("10.0.0.1:80 0.086 0.048 0.037 200 200", "- -1 -1 -1 400 -");
    let text = format!("{ALB}{failed}");
    let batch =
        read_all(&source("l", text.as_str()), &found(&text).format, &wanted, ReadOptions::default()).unwrap();
    assert_eq!(
        rows(&batch),
        [
            [
                "192.168.131.39",
                "2817",
                "0.048",
                "200",
                "https://www.example.com:443/",
                "authenticate,forward",
                "TID_123456",
                "57"
            ],
            [
                "192.168.131.39",
                "2817",
                "-1.0",
                "400",
                "https://www.example.com:443/",
                "authenticate,forward",
                "TID_123456",
                "57"
            ]
        ]
    );
    let wanted = schema(&[
        ("bytessent", "bigint"),
        ("objectsize", "bigint"),
        ("aclrequired", "string"),
        ("key", "string"),
    ]);
    let batch = read_all(&source("l", S3), &found(S3).format, &wanted, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["113", "∅", "Yes", "-"]]);
}

/// As Athena's expressions take them.
#[test]
fn requests_of_load_balancers() {
    let quoted = ALB.replace("https://www.example.com:443/ ", "https://www.example.com:443/a?q=\\\"x y\\\" ");
    let slash = ALB.replace("https://www.example.com:443/ ", "https://www.example.com:443/a\\ ");
    let classic = |request: &str| ELB.replace("GET http://www.example.com:80/ HTTP/1.1", request);
    for (text, class, columns, wanted) in [
        (
            quoted,
            "alb",
            ["request_verb", "request_url", "request_proto"],
            ["GET", "https://www.example.com:443/a?q=\\\"x y\\\"", "HTTP/1.1"],
        ),
        (
            slash,
            "alb",
            ["request_verb", "request_url", "request_proto"],
            ["GET", "https://www.example.com:443/a\\", "HTTP/1.1"],
        ),
        (classic("- - - "), "elb", ["request_verb", "url", "protocol"], ["-", "-", "- "]),
        (
            classic("GET http://a:80/b c HTTP/1.1"),
            "elb",
            ["request_verb", "url", "protocol"],
            ["GET", "http://a:80/b c", "HTTP/1.1"],
        ),
        (
            classic("GET http://a:80/\\\"c - "),
            "elb",
            ["request_verb", "url", "protocol"],
            ["GET", "http://a:80/\\\"c", "- "],
        ),
    ] {
        let inferred = found(&text);
        assert_eq!(inferred.format.classification(), class, "{text}");
        let wanted_schema = schema(&columns.map(|column| (column, "string")));
        let batch =
            read_all(&source("l", text.as_str()), &inferred.format, &wanted_schema, ReadOptions::default());
        assert_eq!(rows(&batch.unwrap()), [wanted], "{text}");
    }
}

fn grok(pattern: &str) -> LineOptions {
    LineOptions::new(
        LineLayout::Grok { pattern: pattern.to_owned(), custom: String::new() },
        "mine",
        Vec::new(),
    )
}

#[test]
fn lines_that_do_not_match_follow_the_policy() {
    let text = "1 a\r\nnothing\n3 c\n99999999999 d\n";
    let (file, wanted) = (source("l", text), schema(&[("n", "int"), ("w", "string")]));
    let options = grok("^%{INT:n:int} %{WORD:w}$");
    let batch = read_all(&file, &Format::Lines(options.clone()), &wanted, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "a"], ["∅", "∅"], ["3", "c"], ["∅", "d"]]);
    let strict = Format::Lines(LineOptions {
        unmatched: Malformed::Bad,
        malformed: Malformed::Bad,
        ..options.clone()
    });
    let error = read_all(&file, &strict, &wanted, ReadOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "l, line 2: the pattern does not match the line \"nothing\"");
    let bad = Arc::new(BadRecords::default());
    let skip = ReadOptions { on_bad_record: OnBadRecord::Skip(Arc::clone(&bad)), ..ReadOptions::default() };
    let batch = read_all(&file, &strict, &wanted, skip).unwrap();
    assert_eq!((rows(&batch).len(), bad.count()), (2, 2));
    assert_eq!(
        bad.examples()[1].to_string(),
        "l, line 4, column n: the value \"99999999999\" is not a valid int"
    );
    let lost = schema(&[("m", "int")]);
    let error = read_all(&file, &Format::Lines(options), &lost, ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("keeps no field named m"), "{error}");
}

#[test]
fn a_line_that_takes_too_long_is_an_error() {
    let text = format!("aaa\n{}!\n", "a".repeat(100));
    let wanted = schema(&[("x", "string")]);
    let format = Format::Lines(grok(r"^(?<x>(?:(a+)\2?)+)$"));
    let error = read_all(&source("l", text), &format, &wanted, ReadOptions::default()).unwrap_err();
    assert!(error.to_string().starts_with("l, line 2: the pattern takes too many steps"), "{error}");
}

#[test]
fn regular_expressions_go_by_position() {
    let layout = LineLayout::Regex { pattern: "([a-z]+) (\\d+)( x)?".to_owned(), ignore_case: true };
    let names = ["w", "n", "more", "extra"].map(str::to_owned).to_vec();
    let format = Format::Lines(LineOptions { header_lines: 1, ..LineOptions::new(layout, "regex", names) });
    let wanted = schema(&[("n", "bigint"), ("w", "string"), ("more", "string"), ("extra", "string")]);
    let text = "header\nABC 12\nabc 13 x\nabc 14 tail\n";
    let batch = read_all(&source("l", text), &format, &wanted, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["12", "ABC", "∅", "∅"], ["13", "abc", " x", "∅"], ["∅", "∅", "∅", "∅"]]);
}

#[test]
fn parts_of_a_file_hold_each_line_once() {
    let text: String = (0..2000).map(|i| format!("{i} w{i}\n")).collect();
    let (file, wanted) = (source("l", text), schema(&[("n", "int")]));
    let format = Format::Lines(LineOptions { header_lines: 3, ..grok("%{INT:n:int} %{WORD:w}") });
    let ranges = block_on(plan_splits(&*file, &format, 1000)).unwrap();
    assert!(ranges.len() > 10);
    let mut got = Vec::new();
    for range in ranges {
        let part = read(Arc::clone(&file), range, &format, Arc::clone(&wanted), ReadOptions::default());
        for batch in block_on(part.try_collect::<Vec<_>>()).unwrap() {
            got.extend(rows(&batch).into_iter().flatten());
        }
    }
    assert_eq!(got, (3..2000).map(|i| i.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_pattern_that_fits_few_lines_is_no_match() {
    let options = InferOptions { format: Some(Format::Lines(grok("^%{INT:n}$"))), ..InferOptions::default() };
    let error = block_on(infer(source("l", "1\nx\ny\n"), &options)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "l, line 2: the format was not recognised: the pattern matches 1 of the first 3 lines"
    );
    let inferred = block_on(infer(source("l", "1\n2\n3\nx\n"), &options)).unwrap();
    assert!(inferred.problems[0].to_string().starts_with("l, line 4: 1 of the 4 lines"));
}

#[test]
fn other_encodings() {
    let text = "name,n\nMünchen,1\nZürich,2\n日本,3\n";
    let utf16 = |big: bool| {
        let unit = |u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() };
        format!("\u{feff}{text}").encode_utf16().flat_map(unit).collect::<Vec<u8>>()
    };
    let wanted = schema(&[("name", "string"), ("n", "bigint")]);
    for file in [source("c", utf16(true)), source("c", utf16(false))] {
        let inferred = block_on(infer(Arc::clone(&file), &InferOptions::default())).unwrap();
        assert_eq!(inferred.fields.len(), 2);
        assert_eq!(block_on(plan_splits(&*file, &inferred.format, 5)).unwrap().len(), 1);
        let batch = read_all(&file, &inferred.format, &wanted, ReadOptions::default()).unwrap();
        assert_eq!(rows(&batch), [["München", "1"], ["Zürich", "2"], ["日本", "3"]]);
    }
    let latin: Vec<u8> = "name,n\nMünchen,1\n".chars().map(|c| c as u8).collect();
    let format = Format::Csv(CsvOptions {
        encoding: Encoding::of_label("iso-8859-1").unwrap(),
        ..CsvOptions::standard()
    });
    let batch = read_all(&source("c", latin), &format, &wanted, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["München", "1"]]);
    let mut cut = utf16(false);
    cut.pop();
    let error =
        read_all(&source("c", cut), &Format::Csv(CsvOptions::standard()), &wanted, ReadOptions::default());
    assert!(error.unwrap_err().to_string().contains("not valid UTF-16LE"));
}

/// The format of a table of lines of fixed width.
fn fixed(parameters: &[(&str, &str)], names: &[&str]) -> Result<Format, formats::serde_info::SerdeError> {
    let parameters = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    formats::serde_info::format_of(
        formats::serde_info::FIXED,
        &std::collections::BTreeMap::new(),
        &parameters,
        names,
    )
}

#[test]
fn lines_of_fixed_width() {
    let names = ["id", "name", "day"];
    let wanted = schema(&[("id", "int"), ("name", "string"), ("day", "date")]);
    let text = "ID NAME  DAY\r\n  1Müller2024-01-02\r\n\r\n 22Bo\n  3      2024-01-03   \n";
    let of = |extra: &[(&str, &str)], text: &str| {
        let mut all = vec![("widths", "3, 6,10"), ("skip.header.line.count", "1")];
        all.extend(extra);
        let format = fixed(&all, &names).unwrap();
        let info = formats::serde_info::describe(&format, &[]);
        assert_eq!(info.library, formats::serde_info::FIXED);
        read_all(&source("l", text), &format, &wanted, ReadOptions::default())
            .map(|batch| rows(&batch))
            .map_err(|error| error.to_string())
    };
    let expected = [["1", "Müller", "2024-01-02"], ["22", "Bo", "∅"], ["3", "", "2024-01-03"]];
    assert_eq!(of(&[], text).unwrap(), expected);
    let strict = of(&[("raggedLines", "fail")], text).unwrap_err();
    assert_eq!(strict, "l, line 4: expected a line of 19 characters, found 5");
    let long = "h\n  1Ann   2024-01-02tail\n";
    assert_eq!(of(&[], long).unwrap_err(), "l, line 2: expected a line of 19 characters, found 23");
    assert_eq!(of(&[("raggedLines", "pad")], long).unwrap(), [["1", "Ann", "2024-01-02"]]);
    assert_eq!(
        of(&[("trim", "false")], "h\n  1Ann   2024-01-02\n").unwrap(),
        [["1", "Ann   ", "2024-01-02"]]
    );
    let bad = of(&[], "h\n  xAnn\n").unwrap_err();
    assert_eq!(bad, "l, line 2, column id: the value \"x\" is not a valid int");
    let latin = fixed(&[("widths", "3,6,10"), ("serialization.encoding", "ISO-8859-1")], &names).unwrap();
    let file = source("l", b"  1M\xfcller2024-01-02\n".to_vec());
    assert_eq!(rows(&read_all(&file, &latin, &wanted, ReadOptions::default()).unwrap())[0][1], "Müller");
    for (name, value) in
        [("widths", "3,x"), ("widths", "3,0"), ("widths", ""), ("trim", "x"), ("raggedLines", "x")]
    {
        let mut all = vec![("widths", "3,6,10")];
        all.retain(|(known, _)| *known != name);
        all.push((name, value));
        assert!(fixed(&all, &names).unwrap_err().to_string().contains(name));
    }
    assert!(fixed(&[], &names).unwrap_err().to_string().contains("widths is missing"));
    let few = fixed(&[("widths", "3,6")], &names).unwrap();
    let error = read_all(&file, &few, &wanted, ReadOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "l: the table has 3 columns and 2 widths");
}

#[test]
fn a_log_with_other_lines_is_no_delimited_text() {
    let line = |n: u32| {
        format!(
            "10.0.0.{n} - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 200 2326 \"-\" \
             \"Mozilla/5.0 (X11; Linux x86_64; rv:1)\"\n"
        )
    };
    let log: String = (0..5).map(line).collect();
    let error = |text: String| {
        block_on(infer(source("s3://b/access.log", text), &InferOptions::default())).unwrap_err().to_string()
    };
    for (text, at) in [(format!("{log}garbage line\n"), 6), (format!("garbage line\n{log}"), 1)] {
        let said = error(text);
        let wanted = format!(
            "s3://b/access.log, line {at}: the format was not recognised: it looks like a log of the kind \
             combinedapache, but 1 of the 6 lines looked at do not match its pattern, the first of them line {at}: \
             take them out, or give the crawler a Grok classifier that they match"
        );
        assert_eq!(said, wanted);
    }
    // One in more than ten may be another.
    let many: String = (0..20).map(line).collect();
    let found = block_on(infer(source("f", format!("# begun\n{many}")), &InferOptions::default())).unwrap();
    assert_eq!((found.format.classification(), found.problems.len()), ("combinedapache", 1));
    assert!(
        error("INSERT INTO t VALUES (1,'a');\ninsert into t values (2,'b');\n".to_owned()).contains("of SQL")
    );
    let said = error("only words\nand nothing else\n".to_owned());
    assert!(said.contains("no JSON, XML, Ion or log") && said.contains("AllowSingleColumn"), "{said}");
    let named = block_on(infer(source("b/a.xlsx", "only\nwords\n"), &InferOptions::default())).unwrap_err();
    assert!(named.to_string().contains("it is named .xlsx and holds plain text"), "{named}");
}
