//! Workbooks that openpyxl wrote.

use std::sync::Arc;

use formats::{
    BadRecords, ExcelOptions, Format, InferOptions, OnBadRecord, ReadOptions, check_writable, infer,
};
use futures::executor::block_on;

use super::typed::{all, fixture, inferred, table, types};
use super::{read_all, rows, schema, source};

#[test]
fn the_first_sheet_with_something_in_it() {
    let file = fixture("orders.xlsx");
    let found = inferred(&file);
    assert_eq!(
        types(&found),
        "id bigint, name string, price double, day date, at timestamp, ok boolean, mixed string, col7 string, \
         name_1 string, time string"
    );
    assert_eq!((found.format.classification(), found.records, found.complete), ("excel", 3, true));
    let read = rows(&all(&file, &found.format, &table(&found)));
    assert_eq!(read[0].join("|"), "1|é|1.5|2024-02-29|2024-02-29T13:14:15.500|true|7|x|again|01:02:03");
    assert_eq!(read[1].join("|"), "2|∅|2.0|1999-12-31|2024-03-01T00:00:00|false|seven|∅|∅|∅");
    assert_eq!(read[2].join("|"), "3|c, \"q\"|∅|∅|∅|∅|2.5|∅|∅|∅");
    let some = all(&file, &found.format, &schema(&[("price", "string"), ("gone", "int"), ("ID", "double")]));
    assert_eq!(rows(&some)[0], ["1.5", "∅", "1.0"]);
    assert_eq!(all(&file, &found.format, &schema(&[])).num_rows(), 3);
}

#[test]
fn options_choose_sheet_header_and_rows() {
    let file = fixture("orders.xlsx");
    let plain = ExcelOptions { sheet: Some("plain".to_owned()), ..ExcelOptions::default() };
    let options = InferOptions { format: Some(Format::Excel(plain.clone())), ..InferOptions::default() };
    let found = block_on(infer(Arc::clone(&file), &options)).unwrap();
    assert_eq!(types(&found), "col0 bigint, col1 string");
    assert_eq!(
        rows(&all(&file, &found.format, &table(&found))),
        [["1", "a"], ["2", "b"], ["3", "c"], ["∅", "d"]]
    );
    let few = Format::Excel(ExcelOptions { max_rows: Some(2), skip_footer: 1, ..plain.clone() });
    assert_eq!(rows(&all(&file, &few, &schema(&[("col1", "string")]))), [["a"], ["b"]]);
    let named = Format::Excel(ExcelOptions { header: Some(true), ..plain });
    assert_eq!(rows(&all(&file, &named, &schema(&[("1", "bigint")])))[0], ["2"]);
    let nameless = Format::Excel(ExcelOptions { header: Some(false), ..ExcelOptions::default() });
    let error = read_all(&file, &nameless, &schema(&[("id", "bigint")]), ReadOptions::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("there is no column id: header is false, so that the sheet's columns are col0, col1"),
        "{error}"
    );
    let beside = schema(&[("col0", "string"), ("COL99", "string")]);
    assert_eq!(rows(&all(&file, &nameless, &beside))[0], ["Id", "∅"]);
    let missing = Format::Excel(ExcelOptions { sheet: Some("x".to_owned()), ..ExcelOptions::default() });
    let error = read_all(&file, &missing, &schema(&[("a", "int")]), ReadOptions::default()).unwrap_err();
    assert!(
        error.to_string().contains("there is no sheet \"x\"; there are Empty, Hidden, Orders, Plain"),
        "{error}"
    );
}

#[test]
fn a_value_that_does_not_fit_is_a_bad_record() {
    let file = fixture("orders.xlsx");
    let format = Format::Excel(ExcelOptions::default());
    let wanted = schema(&[("mixed", "int")]);
    let error = read_all(&file, &format, &wanted, ReadOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "s3://b/orders.xlsx, sheet Orders, line 7, column mixed: the value \"seven\" is not a valid int"
    );
    let skipped = Arc::new(BadRecords::default());
    let options =
        ReadOptions { on_bad_record: OnBadRecord::Skip(Arc::clone(&skipped)), ..ReadOptions::default() };
    assert_eq!(read_all(&file, &format, &wanted, options).unwrap().num_rows(), 1);
    assert_eq!(skipped.count(), 2);
    assert!(check_writable(&format, &wanted).unwrap_err().contains("read, not written"));
}

#[test]
fn damaged_workbooks() {
    let whole = fixture("orders.xlsx");
    let data = block_on(whole.read(0..whole.size())).unwrap().to_vec();
    let format = Format::Excel(ExcelOptions::default());
    let wanted = schema(&[("id", "bigint")]);
    for len in [1, 30, data.len() / 2, data.len() - 1] {
        let file = source("s3://b/cut.xlsx", data[..len].to_vec());
        let error = read_all(&file, &format, &wanted, ReadOptions::default()).unwrap_err();
        assert!(error.to_string().starts_with("s3://b/cut.xlsx"), "{error}");
        let _ = block_on(infer(file, &InferOptions::default())).unwrap_err();
    }
    for at in (0..data.len()).step_by(7) {
        let mut damaged = data.clone();
        damaged[at] ^= 0x41;
        let file = source("s3://b/damaged.xlsx", damaged);
        let _ = read_all(&file, &format, &wanted, ReadOptions::default());
        let _ = block_on(infer(file, &InferOptions::default()));
    }
    let stated = InferOptions { format: Some(format), ..InferOptions::default() };
    let error = block_on(infer(source("s3://b/a.xlsx", "id,name\n1,a\n"), &stated)).unwrap_err();
    assert!(error.to_string().contains("it is not an Excel workbook"), "{error}");
}
