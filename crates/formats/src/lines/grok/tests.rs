//! The library against lines as programs write them; hostile patterns.

use super::library::LIBRARY;
use super::*;

fn fields(pattern: &str, line: &str) -> Option<Vec<(String, String)>> {
    let pattern = Pattern::grok(pattern, "").unwrap();
    let found = pattern.capture(line).unwrap()?;
    let named = pattern.fields().iter().enumerate().filter(|(_, f)| f.named);
    Some(named.filter_map(|(i, f)| found.field(i).map(|text| (f.name.clone(), text.to_owned()))).collect())
}

fn one(name: &str, text: &str) -> Option<String> {
    fields(&format!("%{{{name}:x}}"), text).and_then(|found| found.into_iter().next()).map(|(_, text)| text)
}

#[test]
fn every_pattern_of_the_library_compiles() {
    for (name, _) in LIBRARY {
        Pattern::grok(&format!("%{{{name}}}"), "").unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let mut names: Vec<_> = LIBRARY.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), LIBRARY.len());
}

#[test]
fn patterns_match_what_their_names_say() {
    for (name, text, wanted) in [
        ("INT", "x-12y", Some("-12")),
        ("NUMBER", "a 3.25 b", Some("3.25")),
        ("NUMBER", "none", None),
        ("POSINT", "0 7", Some("7")),
        ("WORD", "--word!", Some("word")),
        ("UUID", "id=123e4567-e89b-12d3-a456-426614174000.", Some("123e4567-e89b-12d3-a456-426614174000")),
        ("IPV4", "at 192.168.0.255:80", Some("192.168.0.255")),
        ("IPV4", "256.1.1", None),
        ("IP", "[2001:db8::ff00:42:8329]", Some("2001:db8::ff00:42:8329")),
        ("IP", "::1", Some("::1")),
        ("IP", "::ffff:10.0.0.1", Some("::ffff:10.0.0.1")),
        ("IP", "1:2:3:4:5:6:7:8", Some("1:2:3:4:5:6:7:8")),
        ("HOSTNAME", "(www.example.com)", Some("www.example.com")),
        ("QS", r#"a "b \"c\" d" e"#, Some(r#""b \"c\" d""#)),
        ("PATH", "in /var/log/x.log now", Some("/var/log/x.log")),
        ("WINPATH", r"C:\Users\me", Some(r"C:\Users\me")),
        (
            "URI",
            "see https://u:p@example.com:8080/a/b?c=d&e=f.",
            Some("https://u:p@example.com:8080/a/b?c=d&e=f."),
        ),
        ("MAC", "00:1B:44:11:3A:B7", Some("00:1B:44:11:3A:B7")),
        ("MONTH", "12 December", Some("December")),
        ("MONTHDAY", "31", Some("31")),
        ("TIMESTAMP_ISO8601", "2017-09-12 12:10:34,972 INFO", Some("2017-09-12 12:10:34,972")),
        ("TIMESTAMP_ISO8601", "2026-01-02T03:04:05.678Z", Some("2026-01-02T03:04:05.678Z")),
        ("TIMESTAMP_ISO8601", "2026-01-02T03:04:05+02:00", Some("2026-01-02T03:04:05+02:00")),
        ("HTTPDATE", "[10/Oct/2000:13:55:36 -0700]", Some("10/Oct/2000:13:55:36 -0700")),
        ("SYSLOGTIMESTAMP", "Feb  9 07:15:00 host", Some("Feb  9 07:15:00")),
        ("DATESTAMP_US", "3/10/2026 11:22", Some("3/10/2026 11:22")),
        ("DATESTAMP_EU", "10.03.2026-11:22:33", Some("10.03.2026-11:22:33")),
        ("CISCOTIMESTAMP", "Mar 10 2026 11:22:33", Some("Mar 10 2026 11:22:33")),
        ("CISCOTIMESTAMP", "Mar  1 11:22:33.5", Some("Mar  1 11:22:33.5")),
        ("MESSAGESLOG", "Mar 10 11:22:33 host app[1]: ", Some("Mar 10 11:22:33 host app[1]: ")),
        ("DATESTAMP_RFC2822", "Tue, 10 Mar 2026 11:22:33 +0100", Some("Tue, 10 Mar 2026 11:22:33 +0100")),
        ("LOGLEVEL", "12:00 WARN x", Some("WARN")),
        ("EMAILADDRESS", "<a.b+c@example.org>", Some("a.b+c@example.org")),
    ] {
        assert_eq!(one(name, text).as_deref(), wanted, "{name} in {text}");
    }
}

#[test]
fn a_number_does_not_begin_within_a_number() {
    let found = fields("%{GREEDYDATA:a}%{NUMBER:n}", "abc123").unwrap();
    assert_eq!(found, [("a".to_owned(), "abc".to_owned()), ("n".to_owned(), "123".to_owned())]);
}

#[test]
fn web_and_system_logs() {
    let line = r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)""#;
    let found = fields("%{COMBINEDAPACHELOG}", line).unwrap();
    let wanted = [
        ("clientip", "127.0.0.1"),
        ("ident", "-"),
        ("auth", "frank"),
        ("timestamp", "10/Oct/2000:13:55:36 -0700"),
        ("verb", "GET"),
        ("request", "/apache_pb.gif"),
        ("httpversion", "1.0"),
        ("response", "200"),
        ("bytes", "2326"),
        ("referrer", "\"http://www.example.com/start.html\""),
        ("agent", "\"Mozilla/4.08 [en] (Win98; I ;Nav)\""),
    ];
    assert_eq!(found, wanted.map(|(n, v)| (n.to_owned(), v.to_owned())));
    let found = fields(
        "%{SYSLOGBASE} %{GREEDYDATA:message}",
        "Feb  9 07:15:00 m4eastmail postfix/smtpd[19305]: connect from unknown[192.168.55.4]",
    );
    let wanted = [
        ("timestamp", "Feb  9 07:15:00"),
        ("logsource", "m4eastmail"),
        ("program", "postfix/smtpd"),
        ("pid", "19305"),
        ("message", "connect from unknown[192.168.55.4]"),
    ];
    assert_eq!(found.unwrap(), wanted.map(|(n, v)| (n.to_owned(), v.to_owned())));
}

#[test]
fn types_custom_patterns_and_fields_that_come_twice() {
    let pattern = Pattern::grok(
        "%{INT:n:long} (?:%{COLOUR:kind}|%{INT:kind})(?: (?<rest>.*))?",
        "COLOUR red|green\nUNUSED x",
    )
    .unwrap();
    let named: Vec<_> = pattern.fields().iter().map(|f| (f.name.as_str(), f.ty.to_string())).collect();
    assert_eq!(
        named,
        [("n", "bigint".to_owned()), ("kind", "string".to_owned()), ("rest", "string".to_owned())]
    );
    let found = pattern.capture("1 green tail").unwrap().unwrap();
    assert_eq!((found.field(0), found.field(1), found.field(2)), (Some("1"), Some("green"), Some("tail")));
    let found = pattern.capture("1 42").unwrap().unwrap();
    assert_eq!((found.field(1), found.field(2)), (Some("42"), None));
    // As a statement in SQL writes them.
    let custom = r#"INSIDE_QS ([^\"]*)\nINSIDE_BRACKETS ([^\]\n]*)"#;
    let pattern = Pattern::grok(r#"\[%{INSIDE_BRACKETS:time}\] "%{INSIDE_QS:q}""#, custom).unwrap();
    assert_eq!(pattern.capture(r#"[a b] "c d""#).unwrap().unwrap().field(1), Some("c d"));
}

#[test]
fn hostile_patterns_are_errors() {
    let grok = |pattern: &str, custom: &str| Pattern::grok(pattern, custom).map(|_| ()).unwrap_err();
    assert_eq!(grok("%{NO_SUCH}", ""), PatternError::Unknown("NO_SUCH".to_owned()));
    assert!(matches!(grok("%{A}", "A x%{B}\nB %{A}"), PatternError::TooDeep(_)));
    assert!(matches!(grok("%{INT:n:number}", ""), PatternError::Type(_)));
    assert!(matches!(grok("%{A}", "A"), PatternError::Definition(_)));
    assert!(matches!(grok("(%{INT", ""), PatternError::Syntax(_)));
    assert!(matches!(grok("a(b", ""), PatternError::Syntax(_)));
    let doubling: Vec<String> = (0..30).map(|i| format!("A{i} %{{A{}}}%{{A{}}}", i + 1, i + 1)).collect();
    let bomb = format!("{}\nA30 x", doubling.join("\n"));
    assert_eq!(grok("%{A0}", &bomb), PatternError::TooLarge);
    assert!(Pattern::grok("a{1000}", "").is_ok());
    assert!(Pattern::grok("(((a{1000}){1000}){1000})", "").is_err());
    // Exponential with backtracking: the reference back keeps it from the engine that needs none.
    let slow = Pattern::grok(r"^(?:(a+)\1?)+$", "").unwrap();
    let line = format!("{}!", "a".repeat(60));
    assert_eq!(slow.capture(&line).map(|found| found.is_some()), Err(TooHard));
}
