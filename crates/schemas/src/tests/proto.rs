use super::{columns, refused, schema, table};
use crate::Format::Protobuf;

fn message(syntax: u8, body: &str) -> String {
    format!("syntax = \"proto{syntax}\"; package shop; message M {{ {body} }}")
}

fn bodies(syntax: u8, cases: &[(&str, &str, &str, bool, bool)]) {
    let made: Vec<(&str, String, String, bool, bool)> = cases
        .iter()
        .map(|(name, old, new, b, f)| (*name, message(syntax, old), message(syntax, new), *b, *f))
        .collect();
    let borrowed: Vec<(&str, &str, &str, bool, bool)> =
        made.iter().map(|(name, old, new, b, f)| (*name, old.as_str(), new.as_str(), *b, *f)).collect();
    table(Protobuf, &borrowed);
}

#[test]
fn fields_are_their_numbers() {
    bodies(
        3,
        &[
            ("add", "int32 a = 1;", "int32 a = 1; string b = 2;", true, true),
            ("remove", "int32 a = 1; string b = 2;", "int32 a = 1;", true, true),
            (
                "remove and reserve",
                "int32 a = 1; string b = 2;",
                "int32 a = 1; reserved 2; reserved \"b\";",
                true,
                false,
            ),
            ("rename", "int32 a = 1;", "int32 b = 1;", true, true),
            ("another number", "int32 a = 1;", "int32 a = 2;", false, false),
            ("two swap their names", "int32 a = 1; int32 b = 2;", "int32 b = 1; int32 a = 2;", false, false),
            (
                "use a reserved number",
                "int32 a = 1; reserved 5 to 7;",
                "int32 a = 1; int32 b = 6;",
                false,
                true,
            ),
            ("use a reserved name", "int32 a = 1; reserved 'b';", "int32 a = 1; int32 b = 6;", false, true),
            ("presence", "int32 a = 1;", "optional int32 a = 1;", true, true),
        ],
    );
}

#[test]
fn types_that_keep_every_value() {
    bodies(
        3,
        &[
            ("int32 to int64", "int32 a = 1;", "int64 a = 1;", true, false),
            ("uint32 to uint64", "uint32 a = 1;", "uint64 a = 1;", true, false),
            ("uint32 to int64", "uint32 a = 1;", "int64 a = 1;", true, false),
            ("sint32 to sint64", "sint32 a = 1;", "sint64 a = 1;", true, false),
            ("bool to int32", "bool a = 1;", "int32 a = 1;", true, false),
            ("string to bytes", "string a = 1;", "bytes a = 1;", true, false),
            ("int32 to uint32", "int32 a = 1;", "uint32 a = 1;", false, false),
            ("int32 to sint32", "int32 a = 1;", "sint32 a = 1;", false, false),
            ("fixed32 to sfixed32", "fixed32 a = 1;", "sfixed32 a = 1;", false, false),
            ("int32 to fixed32", "int32 a = 1;", "fixed32 a = 1;", false, false),
            ("float to double", "float a = 1;", "double a = 1;", false, false),
            ("int32 to string", "int32 a = 1;", "string a = 1;", false, false),
            ("enum to int32", "enum E { Z = 0; } E a = 1;", "int32 a = 1;", true, false),
            ("message to bytes", "message I { int32 x = 1; } I a = 1;", "bytes a = 1;", true, false),
            ("one text to several", "string a = 1;", "repeated string a = 1;", true, false),
            ("one number to several", "int32 a = 1;", "repeated int32 a = 1;", false, false),
            ("values of a map", "map<string, int32> a = 1;", "map<string, int64> a = 1;", true, false),
            ("keys of a map", "map<string, int32> a = 1;", "map<int32, int32> a = 1;", false, false),
            (
                "map to message",
                "map<string, int32> a = 1;",
                "message I { int32 x = 1; } repeated I a = 1;",
                false,
                false,
            ),
        ],
    );
}

#[test]
fn required_fields() {
    bodies(
        2,
        &[
            (
                "add required",
                "optional int32 a = 1;",
                "optional int32 a = 1; required int32 b = 2;",
                false,
                true,
            ),
            (
                "remove required",
                "required int32 a = 1; required int32 b = 2;",
                "required int32 a = 1;",
                true,
                false,
            ),
            ("optional to required", "optional int32 a = 1;", "required int32 a = 1;", false, true),
            (
                "another default",
                "optional int32 a = 1 [default = 1];",
                "optional int32 a = 1 [default = 2, deprecated = true];",
                true,
                true,
            ),
        ],
    );
    table(
        Protobuf,
        &[(
            "proto2 to proto3",
            &message(2, "optional int32 a = 1;"),
            &message(3, "optional int32 a = 1;"),
            true,
            true,
        )],
    );
}

#[test]
fn oneofs() {
    bodies(
        3,
        &[
            (
                "one field into a new one",
                "int32 a = 1;",
                "oneof o { int32 a = 1; string b = 2; }",
                true,
                true,
            ),
            (
                "two fields into one",
                "int32 a = 1; string b = 2;",
                "oneof o { int32 a = 1; string b = 2; }",
                false,
                true,
            ),
            (
                "one more choice",
                "oneof o { int32 a = 1; string b = 2; }",
                "oneof o { int32 a = 1; string b = 2; bool c = 3; }",
                true,
                false,
            ),
            (
                "renamed",
                "oneof o { int32 a = 1; string b = 2; }",
                "oneof p { int32 a = 1; string b = 2; }",
                true,
                true,
            ),
            (
                "one field joins",
                "oneof o { int32 a = 1; } string b = 2;",
                "oneof o { int32 a = 1; string b = 2; }",
                false,
                true,
            ),
        ],
    );
}

#[test]
fn messages_and_enums_within() {
    bodies(
        3,
        &[
            (
                "nested grows",
                "message I { int32 x = 1; } I a = 1;",
                "message I { int32 x = 1; int32 y = 2; } I a = 1;",
                true,
                true,
            ),
            (
                "nested changes",
                "message I { int32 x = 1; } I a = 1;",
                "message I { string x = 1; } I a = 1;",
                false,
                false,
            ),
            (
                "nested is renamed",
                "message I { int32 x = 1; } I a = 1;",
                "message J { int32 x = 1; } J a = 1;",
                true,
                true,
            ),
            (
                "nested is renamed and changes",
                "message I { int32 x = 1; } I a = 1;",
                "message J { string x = 1; } J a = 1;",
                false,
                false,
            ),
            ("holds itself", "M next = 1; int32 v = 2;", "M next = 1; int64 v = 2;", true, false),
            (
                "open enum grows",
                "enum E { Z = 0; } E a = 1;",
                "enum E { Z = 0; Y = 1; } E a = 1;",
                true,
                true,
            ),
            (
                "enum value is renamed",
                "enum E { Z = 0; Y = 1; } E a = 1;",
                "enum E { Z = 0; X = 1; } E a = 1;",
                true,
                true,
            ),
            (
                "enum value gets another number",
                "enum E { Z = 0; Y = 1; } E a = 1;",
                "enum E { Z = 0; Y = 2; } E a = 1;",
                false,
                false,
            ),
            (
                "another well-known type",
                "google.protobuf.Timestamp a = 1;",
                "google.protobuf.Duration a = 1;",
                false,
                false,
            ),
        ],
    );
    bodies(
        2,
        &[(
            "closed enum grows",
            "enum E { Z = 0; } optional E a = 1;",
            "enum E { Z = 0; Y = 1; } optional E a = 1;",
            true,
            false,
        )],
    );
    let two = "syntax = \"proto3\"; message A { int32 x = 1; } message B { A a = 1; }";
    table(
        Protobuf,
        &[
            (
                "an outermost message goes",
                "syntax = \"proto3\"; message A { } message B { }",
                "syntax = \"proto3\"; message A { }",
                false,
                true,
            ),
            ("a held message goes with its field", two, "syntax = \"proto3\"; message B { }", true, true),
            (
                "another package",
                "syntax = \"proto3\"; package x; message A { }",
                "syntax = \"proto3\"; package y; message A { }",
                true,
                true,
            ),
        ],
    );
}

#[test]
fn the_whole_grammar_is_read() {
    let text = r#"
        /* first */ syntax = "proto2"; package a.b; import public "google/protobuf/any.proto";
        option java_package = "x" "y"; option (my.opt).part = { a: 1 b { c: [1, 2] } };
        message M {
            option deprecated = true;
            required .a.b.M.In one = 1; optional In.Deep two = 0x2 [packed=true, (x) = -1.5e-3, json_name="T"];
            repeated a.b.Top three = 03; optional google.protobuf.Any four = 4;
            message In { message Deep { optional Top t = 1; } }
            map<int64, In> five = 5; reserved 10, 12 to 14, 100 to max; reserved "old", "older";
            oneof pick { string message = 6; In enum = 7; }
            optional string optional = 8;;
        }
        enum Top { option allow_alias = true; A = 0; B = -1; C = -1 [deprecated = true]; reserved 5 to 7; }
        service S { option x = y; rpc Get (M) returns (stream M.In) { option z = 1; } rpc Put (stream M) returns (M); }
    "#;
    let found = schema(Protobuf, text);
    assert!(found.can_read(&found).is_ok());
}

#[test]
fn what_is_not_protobuf() {
    let in_message = |body: &str| message(3, body);
    let bad: [(String, &str); 24] = [
        ("syntax = \"proto4\";".to_owned(), "neither"),
        ("message M {} syntax = \"proto3\";".to_owned(), "first"),
        ("edition = \"2023\";".to_owned(), "editions"),
        ("syntax = \"proto3\"; import \"other.proto\"; message M {}".to_owned(), "stand by itself"),
        ("message M { optional int32 a = 1; extensions 5 to 9; }".to_owned(), "extensions"),
        ("message M { optional group G = 1 { } }".to_owned(), "groups"),
        ("message M { int32 a = 1; }".to_owned(), "proto2"),
        (in_message("required int32 a = 1;"), "required"),
        (in_message("int32 a = 0;"), "number"),
        (in_message("int32 a = 19500;"), "number"),
        (in_message("int32 a = 536870912;"), "number"),
        (in_message("int32 a = 1; int32 b = 1;"), "have the number"),
        (in_message("int32 a = 1; int32 a = 2;"), "defined twice"),
        (in_message("int32 a = 1; reserved 1;"), "reserved"),
        (in_message("Missing a = 1;"), "not defined"),
        (in_message("map<float, int32> a = 1;"), "key"),
        (in_message("oneof o { }"), "no field"),
        (in_message("enum E { A = 1; } E e = 1;"), "first value"),
        (in_message("enum E { A = 0; B = 0; } E e = 1;"), "allow_alias"),
        (in_message("int32 a = 1"), "';'"),
        ("message M { optional string a = 1; /* ".to_owned(), "does not end"),
        ("message M { optional string a = 1; } %".to_owned(), "not expected"),
        (format!("{} {}", "message A {".repeat(40), "}".repeat(40)), "deeply"),
        ("message M {} enum M { A = 0; }".to_owned(), "both"),
    ];
    for (text, words) in bad {
        refused(Protobuf, &text, words);
    }
}

#[test]
fn columns_of_messages() {
    let text = message(
        3,
        "int32 i = 1; uint64 u = 2; string s = 3; bytes b = 4; repeated double d = 5; map<string, int64> m = 6;
         message P { float x = 1; bool ok = 2; } P p = 7; repeated P ps = 8; enum E { Z = 0; } E e = 9;
         google.protobuf.Timestamp at = 10; google.protobuf.Int64Value n = 11;",
    );
    assert_eq!(
        columns(Protobuf, &text),
        "i int, u decimal(20,0), s string, b binary, d array<double>, m map<string,bigint>, \
         p struct<x:float,ok:boolean>, ps array<struct<x:float,ok:boolean>>, e string, at timestamp, n bigint"
    );
    assert!(schema(Protobuf, "message A {} message B {}").columns().is_err());
    assert!(schema(Protobuf, "syntax='proto3'; message A { A a = 1; }").columns().is_err());
}
