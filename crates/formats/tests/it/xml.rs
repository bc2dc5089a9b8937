//! XML: inferred and read through the public interface.

use std::sync::Arc;

use formats::{
    BadRecords, Format, InferOptions, Inferred, Malformed, MemorySource, OnBadRecord, ReadOptions,
    XmlOptions, infer, read,
};
use futures::TryStreamExt;
use futures::executor::block_on;

use crate::{read_all, rows, schema, source};

const BOOKS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- <book> in a comment -->
<!DOCTYPE catalog [<!ELEMENT book ANY>]>
<catalog xmlns="urn:x" xmlns:m="urn:m">
  <book id="1" m:lang="en">
    <title>A &lt;b&gt; &amp; &#x63;</title>
    <author><name>Ann</name><born>1970</born></author>
    <tag>x</tag><tag>y</tag>
    <price currency="EUR">10.5</price>
    <note><![CDATA[<raw> & done]]></note>
  </book>
  <m:book id="22222222222" m:lang="de">
    <title>Zwei</title>
    <author><name>Bob</name></author>
    <tag>z</tag>
    <price currency="USD">7</price>
    <sold>true</sold>
  </m:book>
</catalog>
"#;

fn found(text: &str) -> Inferred {
    block_on(infer(source("f.xml", text), &InferOptions::default())).unwrap()
}

#[test]
fn an_element_called_as_the_text_is_the_text() {
    let text = "<r><x><s l='de'><_VALUE> a</_VALUE></s></x><x><s l='en'>b</s></x><x><s l='fr'><_VALUE></_VALUE></s></x></r>";
    let inferred = found(text);
    assert_eq!(columns(&inferred), [("s".to_owned(), "struct<_l:string,_value:string>".to_owned())]);
    let wanted = schema(&[("s", "struct<_l:string,_VALUE:string>")]);
    let batch = read_all(&source("f.xml", text), &inferred.format, &wanted, ReadOptions::default()).unwrap();
    let shown: Vec<String> = rows(&batch).into_iter().flatten().collect();
    assert_eq!(shown, ["{_l: de, _VALUE:  a}", "{_l: en, _VALUE: b}", "{_l: fr, _VALUE: }"]);
    let top = found("<r><x>b</x><x><_VALUE> a</_VALUE></x></r>");
    assert_eq!(columns(&top), [("_value".to_owned(), "string".to_owned())]);
}

fn columns(inferred: &Inferred) -> Vec<(String, String)> {
    inferred.fields.iter().map(|f| (f.name.clone(), f.ty.to_string())).collect()
}

#[test]
fn rows_and_their_types_are_found() {
    let inferred = found(BOOKS);
    assert_eq!(inferred.format, Format::Xml(XmlOptions::new("book", "xml")));
    let wanted = [
        ("_id", "bigint"),
        ("_lang", "string"),
        ("title", "string"),
        ("author", "struct<name:string,born:int>"),
        ("tag", "array<string>"),
        ("price", "struct<_currency:string,_value:double>"),
        ("note", "string"),
        ("sold", "boolean"),
    ];
    assert_eq!(columns(&inferred), wanted.map(|(n, t)| (n.to_owned(), t.to_owned())));
    assert_eq!((inferred.records, inferred.complete), (2, true));
    let nullable: Vec<_> = inferred.fields.iter().filter(|f| f.nullable).map(|f| f.name.as_str()).collect();
    assert_eq!(nullable, ["note", "sold"]);
}

#[test]
fn values_come_back() {
    let wanted = schema(&[
        ("_id", "bigint"),
        ("title", "string"),
        ("author", "struct<name:string,born:int>"),
        ("tag", "array<string>"),
        ("price", "struct<_currency:string,_value:double>"),
        ("note", "string"),
        ("missing", "int"),
    ]);
    // In pieces of every size: a token may be cut anywhere.
    for piece in [1, 2, 3, 7, 64, 4096] {
        let file: Arc<dyn formats::ByteSource> =
            Arc::new(MemorySource::new("f", BOOKS.as_bytes()).with_piece(piece));
        let batch = read_all(&file, &found(BOOKS).format, &wanted, ReadOptions::default()).unwrap();
        assert_eq!(
            rows(&batch),
            [
                [
                    "1",
                    "A <b> & c",
                    "{name: Ann, born: 1970}",
                    "[x, y]",
                    "{_currency: EUR, _value: 10.5}",
                    "<raw> & done",
                    "∅"
                ],
                [
                    "22222222222",
                    "Zwei",
                    "{name: Bob, born: ∅}",
                    "[z]",
                    "{_currency: USD, _value: 7.0}",
                    "∅",
                    "∅"
                ],
            ]
        );
    }
}

#[test]
fn which_elements_are_rows() {
    for (text, tag) in [
        ("<r><a/><a/></r>", "a"),
        ("<r><list><a>1</a><a>2</a></list></r>", "a"),
        ("<r><h>x</h><a>1</a><a>2</a></r>", "a"),
        ("<r><x>1</x><y>2</y></r>", "r"),
        ("<r><one><x>1</x><y>2</y></one></r>", "one"),
        ("<n:r><n:a>1</n:a><n:a>2</n:a></n:r>", "a"),
    ] {
        // Rows of empty elements hold nothing.
        let result = block_on(infer(source("f", text), &InferOptions::default()));
        match result {
            Ok(inferred) => assert_eq!(inferred.format, Format::Xml(XmlOptions::new(tag, "xml")), "{text}"),
            Err(error) => assert!(text.contains("<a/>") && error.is_empty_file(), "{text}: {error}"),
        }
    }
}

#[test]
fn mixed_values_and_nesting() {
    let text = "<r><row><v>1</v><w k='1'>x</w><w/></row><row><v>a</v><w>y</w></row><row xmlns:xsi='x'><v xsi:nil='true'/></row></r>";
    let inferred = found(text);
    let wanted = [("v", "string"), ("w", "array<struct<_k:int,_value:string>>")];
    assert_eq!(columns(&inferred), wanted.map(|(n, t)| (n.to_owned(), t.to_owned())));
    let wanted = schema(&wanted);
    let batch = read_all(&source("f", text), &inferred.format, &wanted, ReadOptions::default()).unwrap();
    assert_eq!(
        rows(&batch),
        [["1", "[{_k: 1, _value: x}, {_k: ∅, _value: ∅}]"], ["a", "[{_k: ∅, _value: y}]"], ["∅", "∅"]]
    );
    // An element with elements, as text: as it is written.
    let wanted = schema(&[("p", "string")]);
    let text = "<r><row><p>a <b>c</b> d</p></row></r>";
    let xml = Format::Xml(XmlOptions::new("row", "xml"));
    let batch = read_all(&source("f", text), &xml, &wanted, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["a <b>c</b> d"]]);
}

#[test]
fn encodings_by_declaration_and_by_mark() {
    let text = "<?xml version='1.0' encoding='ISO-8859-1'?>\n<r><a><n>Zürich</n></a><a><n>Genève</n></a></r>";
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let wide = format!("\u{feff}{}", text.replace("ISO-8859-1", "UTF-16"));
    let utf16: Vec<u8> = wide.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let wanted = schema(&[("n", "string")]);
    for bytes in [latin, utf16] {
        let file = source("f", bytes);
        let inferred = block_on(infer(Arc::clone(&file), &InferOptions::default())).unwrap();
        let batch = read_all(&file, &inferred.format, &wanted, ReadOptions::default()).unwrap();
        assert_eq!(rows(&batch), [["Zürich"], ["Genève"]]);
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let xml = Format::Xml(XmlOptions::new("a", "xml"));
    let wanted = schema(&[("n", "int")]);
    for (text, message) in [
        ("<r>\n<a><n>1</n></a>\n<a><n>2</m></a></r>", "f, line 3: malformed XML: "),
        ("<r>\n<a><n>x</n></a></r>", "f, line 2, column n: the value \"x\" is not a valid int"),
        ("<r>\n <a><n>&bomb;</n></a></r>", "f, line 2: malformed XML: the entity &bomb; is not defined"),
        ("<r>\n <a n='&x;'/></r>", "f, line 2: malformed XML: attribute n"),
        ("<r><a><n>1</n></a>", "f, line 1: malformed XML: the element r that begins in line 1 is not closed"),
        (
            "<r>\n  <a><n>1</n>",
            "f, line 2: malformed XML: the row that begins here is not closed at the end of the file (column 3)",
        ),
        ("<r>\n</q>", "f, line 2: malformed XML: </q> where </r> is expected"),
        ("<r></r><r></r>", "f, line 1: malformed XML: a second root element"),
        ("words", "f, line 1: malformed XML: text outside the root element (column 1)"),
    ] {
        let error = read_all(&source("f", text), &xml, &wanted, ReadOptions::default()).unwrap_err();
        assert!(error.to_string().starts_with(message), "{text}: {error}");
    }
}

#[test]
fn entities_are_never_expanded() {
    let text = r#"<?xml version="1.0"?>
<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>
<r><a><n>&b;</n></a><a><n>&x;</n></a><a><n>3</n></a></r>"#;
    let bad = Arc::new(BadRecords::default());
    let skip = ReadOptions { on_bad_record: OnBadRecord::Skip(Arc::clone(&bad)), ..ReadOptions::default() };
    let xml = Format::Xml(XmlOptions::new("a", "xml"));
    let batch = read_all(&source("f", text), &xml, &schema(&[("n", "string")]), skip).unwrap();
    assert_eq!((rows(&batch), bad.count()), (vec![vec!["3".to_owned()]], 2));
}

#[test]
fn values_that_do_not_fit_can_be_null() {
    let xml = XmlOptions { malformed_value: Malformed::Null, ..XmlOptions::new("a", "xml") };
    let text = "<r><a><n>x</n></a><a><n>1</n><n>2</n></a><a><n> 3 </n></a></r>";
    let batch =
        read_all(&source("f", text), &Format::Xml(xml), &schema(&[("n", "int")]), ReadOptions::default())
            .unwrap();
    assert_eq!(rows(&batch), [["∅"], ["∅"], ["3"]]);
}

#[test]
fn a_large_document_is_never_held_whole() {
    // Far more than the record limit: a window that held it all would be refused.
    let row = format!("<row><id>1</id><text>{}</text></row>\n", "x".repeat(1000));
    let text = format!("<rows>\n{}</rows>", row.repeat(20_000));
    let options = ReadOptions { max_record_bytes: 8 * 1024, ..ReadOptions::default() };
    let file = source("f", text.as_bytes());
    let format = Format::Xml(XmlOptions::new("row", "xml"));
    let batches: Vec<_> = block_on(
        read(Arc::clone(&file), 0..file.size(), &format, schema(&[("id", "int")]), options).try_collect(),
    )
    .unwrap();
    assert_eq!(batches.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 20_000);
    let long = format!("<rows><row>{}</row></rows>", "x".repeat(200_000));
    let options = ReadOptions { max_record_bytes: 8 * 1024, ..ReadOptions::default() };
    let error = read_all(&source("f", long), &format, &schema(&[("id", "int")]), options).unwrap_err();
    assert!(error.to_string().contains("larger than the limit"), "{error}");
}

#[test]
fn pages_of_html_are_no_tables() {
    let error =
        block_on(infer(source("f", "<!DOCTYPE html><html><p>x</p></html>"), &InferOptions::default()));
    assert!(error.unwrap_err().to_string().contains("HTML"));
}

#[test]
fn names_that_differ_in_case_only_lose_nothing() {
    // Elements: an array, as those of one name make.
    let text = "<r><row><Id>1</Id><id>2</id></row><row><ID>3</ID></row></r>";
    let inferred = found(text);
    assert_eq!(columns(&inferred), [("id".to_owned(), "array<int>".to_owned())]);
    let table = schema(&[("id", "array<int>")]);
    let batch = read_all(&source("f", text), &inferred.format, &table, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["[1, 2]"], ["[3]"]]);
    // Attributes, and an element or text that is called as one: bad records, named in the log and when they are read.
    let bad = [
        ("<row id=\"2\" ID=\"3\"/>", "\"_id\" and \"_ID\""),
        ("<row id=\"2\"><_Id>3</_Id></row>", "\"_id\" and \"_Id\""),
        ("<row value=\"2\">3</row>", "\"_value\" and \"_VALUE\""),
        ("<row id=\"1\"><o a=\"1\" A=\"2\"/></row>", "\"_a\" and \"_A\""),
    ];
    for (row, named) in bad {
        let text = format!("<r>\n<row id=\"1\">x</row>\n<row id=\"2\"><o a=\"1\">x</o></row>\n{row}\n</r>");
        let inferred = found(&text);
        let problems: Vec<String> = inferred.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [format!(
                "f.xml, line 4: the names {named} of one object are the same column, and their values differ"
            )]
        );
        let table = schema(&[("_id", "int"), ("_value", "string"), ("o", "struct<_a:int,_value:string>")]);
        let error =
            read_all(&source("f", text), &inferred.format, &table, ReadOptions::default()).unwrap_err();
        assert!(error.to_string().starts_with("f, line 4: the names "), "{error}");
    }
    let text = format!("<r>{}</r>", bad[0].0.repeat(3));
    let error = block_on(infer(source("f.xml", text), &InferOptions::default())).unwrap_err();
    assert!(error.to_string().contains("\"_id\" and \"_ID\""), "{error}");
}

#[test]
fn a_prefix_with_capital_letters_finds_its_attributes() {
    let mut options = XmlOptions::new("row", "xml");
    options.attribute_prefix = "Attr".to_owned();
    let text = "<r><row Id=\"1\"/></r>";
    let table = schema(&[("attrid", "int")]);
    let batch = read_all(&source("f", text), &Format::Xml(options), &table, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1"]]);
}

#[test]
fn other_elements_that_repeat_beside_the_rows_are_told() {
    let problems =
        |text: &str| -> Vec<String> { found(text).problems.iter().map(ToString::to_string).collect() };
    let text = "<o><r><a>1</a></r><r><a>2</a></r><q><b>1</b></q><q><b>2</b></q><q><b>3</b></q><p/><p/></o>";
    assert_eq!(
        problems(text),
        [
            "f.xml: its rows are the elements <q>; beside them it has elements <r> (2), <p> (2), which are not read: custom \
          XML classifiers that name a row tag can make them the rows instead"
        ]
    );
    // What comes once, as the title of a feed does, is no kind of rows.
    assert!(problems("<o><t>x</t><r><a>1</a></r><r><a>2</a></r></o>").is_empty());
}

#[test]
fn the_whole_of_a_file_is_looked_at() {
    let row = |n: u32| format!("<r id='{n}'><a>{n}</a></r>\n");
    let text: String = (0..40_000).map(row).collect();
    let text = format!("<x>{text}<r><a>none</a><late><b>1</b></late></r><other/></x>");
    let found = |whole: bool, tag: &str| {
        let format = Some(Format::Xml(XmlOptions::new(tag, "xml")));
        let options = InferOptions { sample_bytes: 4 << 10, whole, format, ..InferOptions::default() };
        block_on(infer(source("f.xml", text.clone()), &options))
    };
    let whole = found(true, "r").unwrap();
    let named = |name: &str, ty: &str| (name.to_owned(), ty.to_owned());
    assert_eq!(columns(&whole), [named("_id", "int"), named("a", "string"), named("late", "struct<b:int>")]);
    assert_eq!((whole.records, whole.complete), (40_001, true));
    assert_eq!(columns(&found(false, "r").unwrap()), [named("_id", "int"), named("a", "int")]);
    // Of a file that was seen to its end it is known that it has no rows; of a sample it is not.
    assert!(found(true, "none").unwrap_err().is_empty_file());
    assert!(!found(false, "none").unwrap_err().is_empty_file());
    let broken = |text: &str| {
        let format = Some(Format::Xml(XmlOptions::new("r", "xml")));
        let options = InferOptions { whole: true, format, ..InferOptions::default() };
        block_on(infer(source("f.xml", text), &options)).unwrap_err().to_string()
    };
    assert!(broken("<x><r><a>1</a></r>\n<r>").contains("line 2"), "{}", broken("<x><r><a>1</a></r>\n<r>"));
}

#[test]
fn attributes_and_white_space_as_the_options_say() {
    let text = "<x><r id='1'><a k='v'> t </a><b>  </b><c></c><n> 2 </n></r></x>";
    let read = |change: fn(&mut XmlOptions), wanted: &[(&str, &str)]| {
        let mut options = XmlOptions::new("r", "xml");
        change(&mut options);
        let format = Format::Xml(options);
        let infer_options = InferOptions { format: Some(format.clone()), ..InferOptions::default() };
        let names = columns(&block_on(infer(source("f.xml", text), &infer_options)).unwrap());
        let batch = read_all(&source("f.xml", text), &format, &schema(wanted), ReadOptions::default());
        (
            names.iter().map(|(name, ty)| format!("{name} {ty}")).collect::<Vec<_>>().join(", "),
            rows(&batch.unwrap()),
        )
    };
    let plain = [("a", "struct<_k:string,_VALUE:string>"), ("b", "string"), ("c", "string"), ("n", "int")];
    let (names, found) = read(|_| {}, &plain);
    assert_eq!(names, "_id int, a struct<_k:string,_value:string>, b string, c string, n int");
    assert_eq!(found, [["{_k: v, _VALUE:  t }", "  ", "", "2"]]);
    let texts = [("a", "string"), ("b", "string"), ("c", "string"), ("n", "int")];
    let (names, found) = read(|xml| (xml.leave_out_attributes, xml.trim) = (true, true), &texts);
    assert_eq!(names, "a string, b string, c string, n int");
    assert_eq!(found, [["t", "", "", "2"]]);
    let (_, found) = read(|xml| xml.empty_is_null = true, &plain);
    assert_eq!(found, [["{_k: v, _VALUE:  t }", "∅", "∅", "2"]]);
}
