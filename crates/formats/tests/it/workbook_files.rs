//! Workbooks made by hand, so that tests can have what no program writes.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;

/// A zip archive of the given members.
pub(super) fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A record of a `.xls`.
pub(super) fn biff(kind: u16, data: &[&[u8]]) -> Vec<u8> {
    let data = data.concat();
    [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), &data].concat()
}

/// A cell of a `.xls`: a record that begins with row, column and format.
pub(super) fn biff_cell(kind: u16, row: u16, column: u16, format: u16, rest: &[u8]) -> Vec<u8> {
    let place = [row, column, format].map(u16::to_le_bytes).concat();
    biff(kind, &[&place, rest])
}

/// Text as a `.xls` has it, behind a length of two bytes.
pub(super) fn biff_text(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    [&(units.len() as u16).to_le_bytes()[..], &[1], &bytes].concat()
}

/// The stream of a `.xls`: what is to stand before the sheets' list, and the sheets with their records.
pub(super) fn biff_stream(version: u16, globals: &[u8], sheets: &[(&str, u8, Vec<u8>)]) -> Vec<u8> {
    let bof = |kind: u16| biff(0x0809, &[&version.to_le_bytes(), &kind.to_le_bytes(), &[0; 12]]);
    let end = biff(0x000a, &[]);
    let listed = |name: &str, state: u8, at: usize| {
        let flags: &[u8] = if version == 0x0600 { &[0] } else { &[] };
        biff(0x0085, &[&(at as u32).to_le_bytes(), &[state, 0, name.len() as u8], flags, name.as_bytes()])
    };
    let list: usize = sheets.iter().map(|(name, state, _)| listed(name, *state, 0).len()).sum();
    let mut stream = [bof(5), globals.to_vec()].concat();
    let (mut at, mut bodies) = (stream.len() + list + end.len(), Vec::new());
    for (name, state, records) in sheets {
        stream.extend(listed(name, *state, at));
        let body = [bof(16), records.clone(), end.clone()].concat();
        at += body.len();
        bodies.extend(body);
    }
    stream.extend(end);
    stream.extend(bodies);
    stream
}

/// A `.xls` of one visible sheet of BIFF8.
pub(super) fn xls(globals: &[u8], records: Vec<u8>) -> Vec<u8> {
    compound(&[("Workbook", &biff_stream(0x0600, globals, &[("Sheet", 0, records)]))])
}

const SECTOR: usize = 512;

/// A compound file with up to three streams at its top, each filled up to the 4096 bytes that need sectors of their own.
pub(super) fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut fat, mut bodies) = (vec![0xffff_fffd, 0xffff_fffe], Vec::new());
    let mut directory = entry("Root Entry", 5, u32::MAX, 1, 0xffff_fffe, 0);
    for (n, (name, data)) in streams.iter().enumerate() {
        let mut body = data.to_vec();
        body.resize(body.len().max(4096), 0);
        let (size, start) = (body.len(), fat.len() as u32);
        body.resize(size.next_multiple_of(SECTOR), 0);
        let sectors = (body.len() / SECTOR) as u32;
        fat.extend((1..=sectors).map(|n| if n == sectors { 0xffff_fffe } else { start + n }));
        let right = if n + 1 < streams.len() { n as u32 + 2 } else { u32::MAX };
        directory.extend(entry(name, 2, right, u32::MAX, start, size as u32));
        bodies.extend(body);
    }
    directory.resize(SECTOR, 0);
    assert!(fat.len() <= SECTOR / 4, "one sector holds the table");
    fat.resize(SECTOR / 4, u32::MAX);
    let fat: Vec<u8> = fat.into_iter().flat_map(u32::to_le_bytes).collect();
    [header(), fat, directory, bodies].concat()
}

fn header() -> Vec<u8> {
    let mut header = vec![0xff; SECTOR];
    header[..76].fill(0);
    header[..8].copy_from_slice(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
    for (at, value) in [(24, 0x3e), (26, 3), (28, 0xfffe), (30, 9), (32, 6u16)] {
        header[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    for (at, value) in [(44, 1), (48, 1), (56, 4096), (60, 0xffff_fffe), (68, 0xffff_fffe), (76, 0u32)] {
        header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    header
}

fn entry(name: &str, kind: u8, right: u32, child: u32, start: u32, size: u32) -> Vec<u8> {
    let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    entry.resize(64, 0);
    entry.extend(((name.len() as u16 + 1) * 2).to_le_bytes());
    entry.extend([kind, 1]);
    for word in [u32::MAX, right, child] {
        entry.extend(word.to_le_bytes());
    }
    entry.resize(116, 0);
    entry.extend(start.to_le_bytes());
    entry.extend(size.to_le_bytes());
    entry.resize(128, 0);
    entry
}

/// A record of a `.xlsb`.
pub(super) fn record(kind: u16, data: &[&[u8]]) -> Vec<u8> {
    let data = data.concat();
    let mut out =
        if kind < 0x80 { vec![kind as u8] } else { vec![kind as u8 & 0x7f | 0x80, (kind >> 7) as u8] };
    let mut size = data.len();
    while size >= 0x80 {
        out.push(size as u8 & 0x7f | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
    [out, data].concat()
}

/// Text as a `.xlsb` has it.
pub(super) fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    [&(units.len() as u32).to_le_bytes()[..], &bytes].concat()
}

/// A cell of a `.xlsb`, in the row that came last.
pub(super) fn cell(kind: u16, column: u32, format: u32, value: &[u8]) -> Vec<u8> {
    record(kind, &[&column.to_le_bytes(), &format.to_le_bytes(), value])
}

/// A `.xlsb`: its shared texts, the patterns of its formats, and its sheets (name, state, records of rows and cells).
pub(super) fn xlsb(shared: &[&str], patterns: &[&str], sheets: &[(&str, u32, Vec<u8>)]) -> Vec<u8> {
    let mut rels = String::from("<?xml version=\"1.0\"?><Relationships>");
    let mut relation = |id: &str, kind: &str, target: &str| {
        rels += &format!(
            "<Relationship Id=\"{id}\" Type=\"http://x/relationships/{kind}\" Target=\"{target}\"/>"
        );
    };
    relation("s", "styles", "styles.bin");
    relation("t", "sharedStrings", "/xl/sharedStrings.bin");
    let (mut workbook, mut parts) = (record(0x0099, &[&[0; 8]]), Vec::new());
    for (n, (name, state, records)) in sheets.iter().enumerate() {
        relation(&format!("r{n}"), "worksheet", &format!("worksheets/s{n}.bin"));
        let id = wide(&format!("r{n}"));
        workbook.extend(record(0x009c, &[&state.to_le_bytes(), &[1, 0, 0, 0], &id, &wide(name)]));
        let body = [record(0x0091, &[]), records.clone(), record(0x0092, &[])].concat();
        parts.push((format!("xl/worksheets/s{n}.bin"), body));
    }
    workbook.extend(record(0x0090, &[]));
    rels += "</Relationships>";
    let texts = shared.iter().flat_map(|text| record(0x0013, &[&[0], &wide(text)]));
    let texts: Vec<u8> = record(0x009f, &[&[0; 8]]).into_iter().chain(texts).collect();
    let mut members: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.bin", &workbook),
        ("xl/_rels/workbook.bin.rels", rels.as_bytes()),
        ("xl/sharedStrings.bin", &texts),
    ];
    let styles = styles(patterns);
    members.push(("xl/styles.bin", &styles));
    members.extend(parts.iter().map(|(name, body)| (name.as_str(), body.as_slice())));
    zipped(&members)
}

/// Format 0 is without a pattern, the others have them in order.
fn styles(patterns: &[&str]) -> Vec<u8> {
    let mut styles = record(0x0267, &[&[0; 4]]);
    for (n, pattern) in patterns.iter().enumerate() {
        styles.extend(record(0x002c, &[&(164 + n as u16).to_le_bytes(), &wide(pattern)]));
    }
    styles.extend(record(0x0272, &[&[0; 4]]));
    styles.extend(record(0x002f, &[&[0xff, 0xff, 14, 0]]));
    styles.extend([record(0x0273, &[]), record(0x0269, &[&[0; 4]]), record(0x002f, &[&[0; 4]])].concat());
    for n in 0..patterns.len() {
        styles.extend(record(0x002f, &[&[0; 2], &(164 + n as u16).to_le_bytes()]));
    }
    styles.extend(record(0x026a, &[]));
    styles
}

/// An `.ods` with the given sheets, and styles before them.
pub(super) fn ods(styles: &str, sheets: &str) -> Vec<u8> {
    let space = "urn:oasis:names:tc:opendocument:xmlns";
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content xmlns:office=\"{space}:office:1.0\" \
         xmlns:table=\"{space}:table:1.0\" xmlns:text=\"{space}:text:1.0\"><office:automatic-styles>{styles}\
         </office:automatic-styles><office:body><office:spreadsheet>{sheets}</office:spreadsheet></office:body>\
         </office:document-content>"
    );
    zipped(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", b"<manifest:manifest/>"),
        ("content.xml", content.as_bytes()),
    ])
}
