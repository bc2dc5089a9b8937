//! Workbooks that claim more than they hold, and damaged ones: an error or a result, in bounded memory, and never a panic.

use std::sync::Arc;

use formats::{ByteSource, ExcelOptions, Format, FormatError, InferOptions, ReadOptions, infer};
use futures::executor::block_on;
use proptest::prelude::*;

use super::typed::fixture;
use super::workbook_files::{
    biff, biff_cell, biff_stream, biff_text, cell, compound, ods, record, wide, xls, xlsb, zipped,
};
use super::{read_all, schema, source};

/// What a defect of a reader, once caught, says.
const PANICKED: &str = "a part of it cannot be made out";

fn crawled(data: Vec<u8>) -> Result<(), FormatError> {
    block_on(infer(source("s3://b/f", data), &InferOptions::default())).map(|_| ())
}

fn refusal(data: Vec<u8>) -> String {
    crawled(data).unwrap_err().to_string()
}

/// The most memory that this process has taken so far, in MiB; 0 where the system does not tell.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

#[test]
fn repetitions_of_ods_are_not_made() {
    let filled = |rows: &str, columns: &str| {
        ods(
            "",
            &format!(
                "<table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"{rows}\"><table:table-cell \
             office:value-type=\"float\" office:value=\"1\" table:number-columns-repeated=\"{columns}\"/></table:table-row></table:table>"
            ),
        )
    };
    let big = u64::MAX.to_string();
    for (rows, columns, named) in [
        ("1048576", "16384", "a sheet of more than 10000000 cells (sheet S) is not supported"),
        (
            "1",
            "1099511627776",
            "a value beyond row 1048576 or column 16384 of a sheet (sheet S) is not supported",
        ),
        (
            "1099511627776",
            "1",
            "a value beyond row 1048576 or column 16384 of a sheet (sheet S) is not supported",
        ),
        (&big, &big, "a value beyond row 1048576"),
        ("0", "1", "\"0\" is no number of repetitions"),
        ("1", "-1", "\"-1\" is no number of repetitions"),
    ] {
        let error = refusal(filled(rows, columns));
        assert!(error.contains(named), "{error}");
    }
    let said = |inner: &str| {
        ods(
            "",
            &format!(
                "<table:table table:name=\"S\"><table:table-row>{inner}</table:table-row></table:table>"
            ),
        )
    };
    let blanks = said(
        "<table:table-cell office:value-type=\"string\"><text:p><text:s text:c=\"4000000000\"/></text:p></table:table-cell>",
    );
    assert!(refusal(blanks).contains("a cell with more than 16 MiB of text (sheet S) is not supported"));
    let text = format!(
        "<table:table-cell table:number-columns-repeated=\"16384\"><text:p>{}</text:p></table:table-cell>",
        "x".repeat(1 << 20)
    );
    assert!(
        refusal(said(&text)).contains("a sheet with more than 512 MiB of text (sheet S) is not supported")
    );
    let deep = "<text:span>".repeat(1000);
    assert!(
        refusal(said(&format!("<table:table-cell><text:p>{deep}")))
            .contains("nested more than 200 levels deep")
    );
    let long = format!("<table:table-cell office:string-value=\"{}\"/>", "x".repeat(17 << 20));
    assert!(refusal(said(&long)).contains("one tag or text of more than 16 MiB"));
    for cut in ["<table:table-cell>", "<table:table-cell><office:annotation>"] {
        let open = zipped(&[
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
            ("content.xml", format!(
                "<office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
                 xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
                 xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\"><b><s><table:table table:name=\"S\"><table:table-row>{cut}"
            ).as_bytes()),
        ]);
        assert!(refusal(open).contains("malformed XML"));
    }
    assert!(peak() < 1024, "{} MiB", peak());
}

#[test]
fn what_xls_claims_is_not_believed() {
    let number = |row: u16, column: u16| biff_cell(0x0203, row, column, 0, &1f64.to_le_bytes());
    let dimensions = biff(0x0200, &[&[0, 0, 0, 0], &[0xff; 4], &[0, 0], &[0xff; 2], &[0; 2]]);
    crawled(xls(&[], [dimensions, number(0, 0)].concat())).unwrap();
    assert!(refusal(xls(&[], number(0, 65_535))).contains("a value beyond row 1048576 or column 16384"));
    // Texts and formats that are not there.
    assert!(refusal(xls(&[], biff_cell(0x00fd, 0, 0, 0, &[9; 4]))).contains("a cell refers to text"));
    crawled(xls(&[], biff_cell(0x0203, 0, 0, 9999, &1f64.to_le_bytes()))).unwrap();
    let many = biff(0x00fc, &[&[0xff; 8], &biff_text("a")]);
    crawled(xls(&many, biff_cell(0x00fd, 0, 0, 0, &[0; 4]))).unwrap();
    // Many sheets that are one.
    let stream = biff_stream(0x0600, &[], &[("A", 0, biff(0x1000, &[&[0; 3000]])), ("B", 0, Vec::new())]);
    let mut twice = stream.clone();
    let list = |stream: &[u8]| stream.windows(2).position(|kind| kind == 0x0085u16.to_le_bytes()).unwrap();
    let first = list(&twice);
    let place: [u8; 4] = twice[first + 4..first + 8].try_into().unwrap();
    let second = first + 4 + list(&twice[first + 4..]);
    twice[second + 4..second + 8].copy_from_slice(&place);
    assert!(refusal(compound(&[("Workbook", &twice)])).contains("its sheets lie over each other"));
    assert!(refusal(compound(&[("Workbook", &stream)])).contains("whose sheets are empty"));
}

#[test]
fn chains_of_sectors_in_circles() {
    let whole = xls(&[], biff_cell(0x0203, 0, 0, 0, &1f64.to_le_bytes()));
    let with = |at: usize, word: u32| {
        let mut data = whole.clone();
        data[at..at + 4].copy_from_slice(&word.to_le_bytes());
        data
    };
    let (table, workbook) = (512, 1024 + 128);
    for (data, named) in [
        (with(table + 4, 1), "a chain of sectors runs in a circle"),
        (with(table + 8, 77_777), "it has no sector 77777: it is cut short or damaged"),
        (with(table + 8, 0xffff_fffd), "a chain of sectors is broken"),
        (with(table + 8, 0xffff_fffe), "its stream Workbook ends early"),
        (with(workbook + 120, u32::MAX), "its stream Workbook ends early"),
        (with(workbook + 120, 9), "a small stream lies outside of it"),
        (with(1024 + 76, 0), "holds no workbook but something else"),
    ] {
        let error = refusal(data);
        assert!(error.contains(named), "{named}: {error}");
    }
    // The stream's size ends a circle within it; a table of tables that names itself ends with the file's sectors.
    crawled(with(table + 8, 2)).unwrap();
    crawled(with(68, 0)).unwrap();
}

#[test]
fn what_xlsb_claims_is_not_believed() {
    let row = record(0, &[&0u32.to_le_bytes()]);
    let one = |records: Vec<u8>| xlsb(&["a"], &[], &[("S", 0, records)]);
    for (records, named) in [
        ([row.clone(), cell(7, 0, 0, &[1, 0, 0, 0])].concat(), "a cell refers to text 1 of 1"),
        ([row.clone(), cell(6, 0, 0, &u32::MAX.to_le_bytes())].concat(), "a record is cut short"),
        ([row.clone(), cell(4, u32::MAX, 0, &[1])].concat(), "a value beyond row"),
        ([record(0, &[&[0xff; 4]]), cell(4, 0, 0, &[1])].concat(), "a value beyond row"),
        (cell(4, 0, 0, &[1]), "a cell is in no row"),
        (vec![0x05, 0xff, 0xff, 0xff, 0x7f], "a record claims 268435455 bytes"),
        (vec![0x05, 0xff, 0x01], "a part of it is cut short or damaged"),
    ] {
        let error = refusal(one(records));
        assert!(error.contains(named), "{error}");
    }
    let twice = xlsb(&[], &[], &[("A", 0, row.clone()), ("B", 0, row)]);
    assert!(refusal(twice).contains("whose sheets are empty"));
    let rels =
        "<Relationships><Relationship Id=\"r\" Type=\"x/worksheet\" Target=\"s.bin\"/></Relationships>";
    let listed = |name: &str| record(0x009c, &[&[0; 8], &wide("r"), &wide(name)]);
    let book = [listed("A"), listed("B")].concat();
    let same = zipped(&[("xl/workbook.bin", &book), ("xl/_rels/workbook.bin.rels", rels.as_bytes())]);
    assert!(refusal(same).contains("two sheets are the part xl/s.bin"));
}

/// A directory that lies of a member's size is found out before anything is parsed.
#[test]
fn sizes_in_the_directory_are_checked() {
    let whole = zipped(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", &vec![b' '; 1 << 20]),
    ]);
    let listed = whole.windows(4).rposition(|at| at == b"PK\x01\x02").unwrap();
    for size in [0u32, 7, 2 << 20] {
        let mut data = whole.clone();
        data[listed + 24..listed + 28].copy_from_slice(&size.to_le_bytes());
        let error = refusal(data);
        assert!(error.contains("the member is not of the size that the directory gives"), "{error}");
    }
    let mut huge = whole;
    huge[listed + 24..listed + 28].copy_from_slice(&(1u32 << 30).to_le_bytes());
    assert!(refusal(huge).contains("content of more than 512 MiB in one document is not supported"));
}

/// Of two directories another library might find the one that was not checked.
#[test]
fn a_second_directory_is_refused() {
    let whole = ods("", "<table:table table:name=\"S\"/>");
    let end = whole.len() - 22;
    let mut commented = whole.clone();
    commented[end + 20] = 22;
    commented.extend_from_slice(&whole[end..]);
    let between = [&whole[..end], b"between", &whole[end..]].concat();
    for data in [between, [&commented[..commented.len() - 1], b"x"].concat()] {
        let error = refusal(data);
        assert!(error.contains("something between or behind its directory is not supported"), "{error}");
    }
    let mut plain = whole;
    plain[end + 20] = 3;
    plain.extend_from_slice(b"abc");
    assert!(refusal(plain).contains("whose sheets are empty"));
}

fn small() -> Vec<Vec<u8>> {
    let whole = |file: Arc<dyn ByteSource>| block_on(file.read(0..file.size())).unwrap().to_vec();
    let row =
        [record(0, &[&[0; 17]]), cell(7, 0, 0, &[0; 4]), cell(5, 1, 1, &45351f64.to_le_bytes())].concat();
    let xls = whole(fixture("values.xls"));
    vec![
        xls,
        whole(fixture("values.ods")),
        xlsb(&["é"], &["yyyy"], &[("S", 0, row)]),
        ods(
            "",
            "<table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"2\"><table:table-cell \
             office:value-type=\"date\" office:date-value=\"2024-01-01\"/></table:table-row></table:table>",
        ),
    ]
}

/// Reads a file, whatever it is. Fails when a reader has panicked.
fn survives(data: Vec<u8>) {
    let format = Format::Excel(ExcelOptions::default());
    let file = source("s3://b/f", data.clone());
    let read = read_all(&file, &format, &schema(&[("id", "string")]), ReadOptions::default());
    for error in [read.map(|_| ()).err(), crawled(data).err()].into_iter().flatten() {
        assert!(!error.to_string().contains(PANICKED), "{error}");
    }
}

/// Zips with other content, packed anew: a byte that is changed in a packed part fails its checksum only.
fn repacked(data: &[u8], change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(data)).unwrap();
    let mut members: Vec<(String, Vec<u8>)> = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        std::io::copy(&mut member, &mut content).unwrap();
        let name = member.name().unwrap().to_string();
        if name.ends_with("content.xml") || name.ends_with(".bin") {
            change(&mut content);
        }
        members.push((name, content));
    }
    zipped(&members.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_do_no_harm(
        which in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
        extreme in any::<bool>(),
    ) {
        let whole = small().swap_remove(which);
        let damage = |data: &mut Vec<u8>| {
            for (at, byte) in &changes {
                let at = at.index(data.len());
                data[at] = if extreme { [0, 0xff, 0x7f, 0x80][usize::from(byte % 4)] } else { *byte };
            }
            if let Some(cut) = cut {
                data.truncate(cut.index(data.len()));
            }
        };
        let mut data = whole.clone();
        damage(&mut data);
        survives(data);
        if whole.starts_with(b"PK") {
            survives(repacked(&whole, damage));
        }
        prop_assert!(peak() < 1024, "{} MiB", peak());
    }
}
