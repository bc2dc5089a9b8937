//! `.xls`, `.xlsb` and `.ods`: the same results for the same content as `.xlsx`.

use std::sync::Arc;

use formats::{ByteSource, ExcelOptions, Format, InferOptions, ReadOptions, infer};
use futures::executor::block_on;

use super::typed::{all, fixture, inferred, table, types};
use super::workbook_files::{
    biff, biff_cell, biff_stream, biff_text, cell, compound, ods, record, wide, xls, xlsb, zipped,
};
use super::{read_all, rows, schema, source};

/// What a file is crawled as and holds, a line per row.
fn told(file: &Arc<dyn ByteSource>) -> (String, Vec<String>) {
    let found = inferred(file);
    assert_eq!(found.format.classification(), "excel");
    let read = rows(&all(file, &found.format, &table(&found)));
    (types(&found), read.into_iter().map(|row| row.join("|")).collect())
}

fn refusal(data: Vec<u8>) -> String {
    let file = source("s3://b/f", data);
    block_on(infer(file, &InferOptions::default())).unwrap_err().to_string()
}

/// The workbooks `values.…` are one, which LibreOffice has saved in three formats.
#[test]
fn one_workbook_in_three_formats() {
    let columns = |ok: &str| {
        format!(
            "id bigint, name string, day date, at timestamp, time string, long string, ok {ok}, share double, \
             sum double, said string, bad string, wide string"
        )
    };
    let lines = |ok: [&str; 3]| {
        [
            format!(
                "1|é  x\ny|2024-02-29|2024-02-29T13:14:15.500|01:02:03|36:05:00|{}|0.25|2.5|é  x\ny!|∅|<a> & \"b\"",
                ok[0]
            ),
            format!("2|∅|1999-12-31|2024-03-01T00:00:00|23:59:59|01:30:00|{}|1.0|4.0|Q|∅|日本語", ok[1]),
            format!("3|same|∅|∅|∅|∅|{}|1e300|1.5|∅|∅|same", ok[2]),
            "4|same|1900-03-01|9999-12-31T23:59:59|∅|∅|∅|-0.125|∅|∅|∅|∅".to_owned(),
        ]
    };
    for name in ["values.xlsx", "values.xls"] {
        let expected = (columns("boolean"), lines(["true", "false", "true"]).to_vec());
        assert_eq!(told(&fixture(name)), expected, "{name}");
    }
    // Where a formula gives them, LibreOffice stores truth values as numbers.
    let expected = (columns("bigint"), lines(["1", "0", "1"]).to_vec());
    assert_eq!(told(&fixture("values.ods")), expected);
    for name in ["values.xlsx", "values.xls", "values.ods"] {
        let gone = ExcelOptions { sheet: Some("gone".to_owned()), ..ExcelOptions::default() };
        let read = all(&fixture(name), &Format::Excel(gone), &schema(&[("secret", "bigint")]));
        assert_eq!(rows(&read), [["1"]], "{name}");
        let none = Format::Excel(ExcelOptions { sheet: Some("x".to_owned()), ..ExcelOptions::default() });
        let error = read_all(&fixture(name), &none, &schema(&[("a", "int")]), ReadOptions::default());
        assert!(error.unwrap_err().to_string().contains("there is no sheet \"x\"; there are Values, Gone"));
    }
}

fn sst(texts: &[&str]) -> Vec<u8> {
    let count = (texts.len() as u32).to_le_bytes();
    let texts: Vec<u8> = texts.iter().flat_map(|text| biff_text(text)).collect();
    biff(0x00fc, &[&count, &count, &texts])
}

fn formula(row: u16, column: u16, value: [u8; 8]) -> Vec<u8> {
    biff_cell(0x0006, row, column, 0, &[&value[..], &[0; 8]].concat())
}

#[test]
fn every_kind_of_cell_of_xls() {
    let globals = [
        biff(0x041e, &[&164u16.to_le_bytes(), &biff_text("[h]:mm")]),
        biff(0x00e0, &[&[0; 20]]),
        biff(0x00e0, &[&[0, 0, 14, 0], &[0; 16]]),
        biff(0x00e0, &[&[0, 0, 164, 0], &[0; 16]]),
        biff(0x0022, &[&[0, 0]]),
        sst(&["n", "a", "b", "c", "d", "e", "f", "ünï"]),
    ]
    .concat();
    let header = (0..7u16).map(|n| biff_cell(0x00fd, 0, n, 0, &u32::from(n).to_le_bytes()));
    let float = |v: f64| v.to_le_bytes();
    let packed = |v: i32| ((v << 2) as u32 | 2).to_le_bytes();
    let records = [
        // Chart sheets within the sheet, whose cells are others.
        biff(0x0809, &[&[0, 6, 32, 0], &[0; 12]]),
        biff_cell(0x0203, 9, 0, 0, &float(99.0)),
        biff(0x000a, &[]),
        biff(0x0200, &[&[0xff; 14]]),
        header.flatten().collect(),
        biff_cell(0x0203, 2, 0, 0, &float(2.0)),
        biff_cell(0x0203, 1, 0, 0, &float(1.0)),
        biff_cell(0x00fd, 1, 1, 0, &7u32.to_le_bytes()),
        biff(0x00bd, &[&[1, 0, 2, 0], &[1, 0], &packed(45351), &[2, 0], &float(1.5)[4..], &[3, 0]]),
        biff_cell(0x0205, 1, 4, 0, &[1, 0]),
        biff_cell(0x0205, 2, 4, 0, &[7, 1]),
        biff_cell(0x0204, 1, 5, 0, &biff_text("ž")),
        biff_cell(0x00d6, 2, 5, 0, &[&biff_text("r")[..], &[1, 0, 0, 0]].concat()),
        formula(1, 6, float(0.5)),
        formula(2, 6, [2, 0, 7, 0, 0, 0, 0xff, 0xff]),
        formula(3, 6, [3, 0, 0, 0, 0, 0, 0xff, 0xff]),
        formula(3, 1, [0, 0, 0, 0, 0, 0, 0xff, 0xff]),
        biff(0x04bc, &[&[0; 8]]),
        biff(0x0207, &[&biff_text("said")]),
        formula(3, 4, [1, 0, 1, 0, 0, 0, 0xff, 0xff]),
    ]
    .concat();
    let (columns, read) = told(&source("s3://b/a", xls(&globals, records)));
    assert_eq!(columns, "n bigint, a string, b date, c string, d boolean, e string, f double");
    assert_eq!(read, ["1|ünï|2024-02-29|36:00:00|true|ž|0.5", "2|∅|∅|∅|∅|r|∅", "∅|said|∅|∅|true|∅|∅"]);
}

#[test]
fn xls_of_excel_95_and_days_from_1904() {
    let page = |page: u16| biff(0x0042, &[&page.to_le_bytes()]);
    let label = |row: u16, text: &[u8]| {
        biff_cell(0x0204, row, 0, 0, &[&(text.len() as u16).to_le_bytes()[..], text].concat())
    };
    let date = [biff(0x00e0, &[&[0, 0, 14, 0], &[0; 12]]), biff(0x0022, &[&[1, 0]])].concat();
    let records = || {
        [label(0, b"name"), label(1, b"\xe4\xf1"), biff_cell(0x0203, 1, 1, 0, &60f64.to_le_bytes())].concat()
    };
    let book = |number: u16| {
        let globals = [page(number), date.clone()].concat();
        compound(&[(
            "Book",
            &biff_stream(0x0500, &globals, &[("Hid", 1, label(0, b"x")), ("S", 0, records())]),
        )])
    };
    let read = |number| told(&source("s3://b/a", book(number)));
    assert_eq!(read(1252), ("name string, col1 date".to_owned(), vec!["äñ|1904-03-01".to_owned()]));
    assert_eq!(read(1251).1, ["дс|1904-03-01"]);
    let error = refusal(book(437));
    assert!(error.contains("a workbook in the code page 437 (sheet S) is not supported"), "{error}");
}

#[test]
fn every_kind_of_cell_of_xlsb() {
    let row = |n: u32| record(0, &[&n.to_le_bytes(), &[0; 13]]);
    let float = |v: f64| v.to_le_bytes();
    let names = ["n", "a", "b", "c", "d", "e"];
    let header = (0..6u32).map(|n| cell(7, n, 0, &n.to_le_bytes()));
    let records = [
        record(0x0094, &[&[0xff; 16]]),
        row(2),
        header.flatten().collect(),
        row(3),
        cell(2, 0, 0, &(1u32 << 2 | 2).to_le_bytes()),
        cell(6, 1, 0, &wide("in")),
        cell(5, 2, 1, &float(45351.0)),
        cell(9, 3, 2, &float(1.5)),
        cell(4, 4, 0, &[1]),
        cell(62, 5, 0, &[&[0], &wide("rich")[..]].concat()),
        row(5),
        cell(2, 0, 0, &((-250i32 << 2) as u32 | 3).to_le_bytes()),
        cell(8, 1, 0, &[wide("said"), vec![0; 6]].concat()),
        cell(3, 2, 0, &[7]),
        cell(11, 3, 0, &[42]),
        cell(10, 4, 0, &[0]),
        cell(1, 5, 0, &[]),
    ]
    .concat();
    let sheets = [
        ("Hidden", 1, [row(0), cell(6, 0, 0, &wide("x"))].concat()),
        ("Empty", 0, row(0)),
        ("Rows", 0, records),
    ];
    let (columns, read) = told(&source("s3://b/a", xlsb(&names, &["yyyy-mm-dd", "[h]:mm:ss"], &sheets)));
    assert_eq!(columns, "n double, a string, b date, c string, d boolean, e string");
    assert_eq!(read, ["1.0|in|2024-02-29|36:00:00|true|rich", "-2.5|said|∅|∅|false|∅"]);
}

#[test]
fn every_kind_of_cell_of_ods() {
    let styles = "<style:style style:name=\"h\"><style:table-properties table:display=\"false\"/></style:style>\
                  <style:style style:name=\"v\"><style:table-properties table:display=\"true\"/></style:style>";
    let text =
        |text: &str| format!("<table:table-cell office:value-type=\"string\">{text}</table:table-cell>");
    let value = |kind: &str, attribute: &str, value: &str| {
        format!(
            "<table:table-cell office:value-type=\"{kind}\" office:{attribute}=\"{value}\"><text:p>shown</text:p></table:table-cell>"
        )
    };
    let header: String =
        ["n", "a", "b", "c", "d"].iter().map(|n| text(&format!("<text:p>{n}</text:p>"))).collect();
    let first = [
        value("currency", "value", "1.5"),
        text(
            "<office:annotation><text:p>no</text:p></office:annotation><text:p>a<text:s text:c=\"2\"/>&amp;<text:span>b</text:span>\
              <text:note><text:p>no</text:p></text:note></text:p><text:p>c<text:tab/>d<text:line-break/>e</text:p>",
        ),
        value("date", "date-value", "2024-02-29T00:00:00"),
        value("time", "time-value", "PT36H"),
        value("boolean", "boolean-value", "true"),
    ];
    let sheet = format!(
        "<table:tracked-changes><table:table><table:table-row>{}</table:table-row></table:table></table:tracked-changes>\
         <table:table table:name=\"H\" table:style-name=\"h\"><table:table-row>{}</table:table-row></table:table>\
         <table:table table:name=\"E\" table:style-name=\"v\"/>\
         <table:table table:name=\"S\"><table:shapes><table:table-row>{}</table:table-row></table:shapes>\
         <table:table-row table:number-rows-repeated=\"1048576\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
         </table:table>\
         <table:table table:name=\"T\"><table:table-header-rows><table:table-row table:number-rows-repeated=\"3\"><table:table-cell/></table:table-row>\
         <table:table-row><table:covered-table-cell table:number-columns-repeated=\"2\"/>{header}</table:table-row></table:table-header-rows>\
         <table:table-row-group><table:table-row table:number-rows-repeated=\"2\"><table:table-cell table:number-columns-repeated=\"2\"/>{}\
         </table:table-row></table:table-row-group>\
         <table:table-row><table:table-cell/><table:table-cell/>\
         <table:table-cell office:value-type=\"float\" office:value=\"7\" table:number-columns-repeated=\"2\"><table:table><table:table-row>{}\
         </table:table-row></table:table></table:table-cell>\
         <table:table-cell table:number-columns-repeated=\"16380\"/></table:table-row></table:table>",
        text("<text:p>no</text:p>"),
        text("<text:p>no</text:p>"),
        text("<text:p>no</text:p>"),
        first.concat(),
        text("<text:p>no</text:p>"),
    );
    let (columns, read) = told(&source("s3://b/a", ods(styles, &sheet)));
    assert_eq!(columns, "n double, a string, b date, c string, d boolean");
    let row = "1.5|a  &b\nc\td\ne|2024-02-29|36:00:00|true";
    assert_eq!(read, [row, row, "7.0|7|∅|∅|∅"]);
}

#[test]
fn what_is_refused_is_named() {
    let word = compound(&[("WordDocument", b"x"), ("1Table", b"x")]);
    let encrypted = compound(&[("EncryptionInfo", b"x"), ("EncryptedPackage", b"x")]);
    let stream = |globals: &[u8]| biff_stream(0x0600, globals, &[("S", 0, Vec::new())]);
    let locked = compound(&[("Workbook", &stream(&biff(0x002f, &[&[1, 0, 1, 0]])))]);
    let old = compound(&[("Book", &biff_stream(0x0400, &[], &[]))]);
    let empty = xls(&[], Vec::new());
    let text = zipped(&[("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>")]);
    let locked_ods = zipped(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        (
            "META-INF/manifest.xml",
            b"<m><manifest:file-entry><manifest:encryption-data/></manifest:file-entry></m>",
        ),
        ("content.xml", b"\x00\x01"),
    ]);
    let strange = zipped(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        (
            "content.xml",
            b"<o:document-content xmlns:o=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\"/>",
        ),
    ]);
    for (data, named) in [
        (
            word,
            "the format was not recognised: it is a compound file (OLE) that holds no workbook but a document of Word (.doc)",
        ),
        (encrypted, "a document of Office that a password protects (save it without one) is not supported"),
        (locked, "a workbook that a password protects (save it without one) is not supported"),
        (old, "a workbook of an Excel before Excel 5 is not supported"),
        (empty, "the file holds no records: a workbook whose sheets are empty"),
        (text, "an office document other than a workbook is not supported"),
        (locked_ods, "a spreadsheet that a password protects (save it without one) is not supported"),
        (
            strange,
            "a spreadsheet whose content.xml does not have the usual names and prefixes is not supported",
        ),
        (compound(&[]), "holds no workbook but something else"),
    ] {
        let error = refusal(data);
        assert!(error.contains(named), "{error}");
    }
    let stated = InferOptions {
        format: Some(Format::Json(formats::JsonOptions::default())),
        ..InferOptions::default()
    };
    for data in [xls(&[], Vec::new()), xlsb(&[], &[], &[]), ods("", "")] {
        let error = block_on(infer(source("f", data), &stated)).unwrap_err().to_string();
        assert!(error.contains("the format was not recognised"), "{error}");
    }
}
