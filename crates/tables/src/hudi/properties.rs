//! `hoodie.properties`: what a table says of itself.

use std::collections::BTreeMap;

use super::{HudiKind, PartitionField};
use crate::error::TablesError;

/// Versions of tables whose timeline lies in `.hoodie` itself. Source: Hudi's technical specification up to version 6.
const FLAT: std::ops::RangeInclusive<u32> = 2..=6;
/// Versions of tables whose timeline has a folder and times of completion. Source: Hudi's technical specification, 1.0.
const TIMED: std::ops::RangeInclusive<u32> = 8..=9;

/// How the timeline is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `.hoodie/<requested>.<action>`.
    Flat,
    /// `.hoodie/timeline/<requested>_<completed>.<action>`.
    Timed,
}

/// What reading a table needs of its properties.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Properties {
    pub(super) name: String,
    pub(super) kind: HudiKind,
    pub(super) version: u32,
    pub(super) layout: Layout,
    /// The folder of the timeline below `.hoodie/`, with its slash; empty for [`Layout::Flat`].
    pub(super) timeline: String,
    pub(super) partition_fields: Vec<PartitionField>,
    /// Folders are `<field>=<value>`.
    pub(super) is_hive_style: bool,
    /// Values in folders are percent-encoded.
    pub(super) is_encoded: bool,
    /// Files do not hold the partition fields.
    pub(super) drops_partition_fields: bool,
}

impl Properties {
    /// Reads the text of the file. Errors: `Unsupported` for what is not read here; `MetadataBroken` for what is no table.
    pub(super) fn parse(location: &str, text: &str) -> Result<Self, TablesError> {
        let all = pairs(text);
        let of = |name: &str| all.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let is = |name: &str| of(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let broken = |what: String| TablesError::MetadataBroken {
            location: location.to_owned(),
            what: format!("hoodie.properties: {what}"),
        };
        let name = of("hoodie.table.name").ok_or_else(|| broken("it has no hoodie.table.name".to_owned()))?;
        let kind = match of("hoodie.table.type").unwrap_or("COPY_ON_WRITE") {
            "COPY_ON_WRITE" => HudiKind::CopyOnWrite,
            "MERGE_ON_READ" => HudiKind::MergeOnRead,
            other => return Err(broken(format!("the hoodie.table.type {other:?} is not known"))),
        };
        let (version, layout) = version(of("hoodie.table.version"), of("hoodie.timeline.layout.version"))?;
        check_files(of("hoodie.table.base.file.format"), of("hoodie.bootstrap.base.path"))?;
        Ok(Self {
            name: name.to_owned(),
            kind,
            version,
            layout,
            timeline: match layout {
                Layout::Flat => String::new(),
                Layout::Timed => {
                    format!("{}/", of("hoodie.timeline.path").unwrap_or("timeline").trim_matches('/'))
                }
            },
            partition_fields: fields(
                of("hoodie.table.partition.fields").unwrap_or_default(),
                of("hoodie.table.keygenerator.class")
                    .or(of("hoodie.table.keygenerator.type"))
                    .unwrap_or_default(),
            ),
            is_hive_style: is("hoodie.datasource.write.hive_style_partitioning"),
            is_encoded: is("hoodie.datasource.write.partitionpath.urlencode"),
            drops_partition_fields: is("hoodie.datasource.write.drop.partition.columns"),
        })
    }
}

fn version(version: Option<&str>, layout: Option<&str>) -> Result<(u32, Layout), TablesError> {
    let unsupported = |what: String| Err(TablesError::Unsupported { what });
    let number = version.and_then(|text| text.parse::<u32>().ok());
    let (number, expected, layout_number) = match number {
        Some(number) if FLAT.contains(&number) => (number, Layout::Flat, "1"),
        Some(number) if TIMED.contains(&number) => (number, Layout::Timed, "2"),
        _ => {
            return unsupported(format!(
                "Hudi tables of version {} (hoodie.table.version) are not read: versions 2 to 6, 8 and 9 are; upgrade the \
                 table with Hudi's own tools",
                version.unwrap_or("0, before 0.6")
            ));
        }
    };
    match layout {
        None => Ok((number, expected)),
        Some(given) if given == layout_number => Ok((number, expected)),
        Some(given) => unsupported(format!(
            "a Hudi table of version {number} whose timeline has the layout {given} (hoodie.timeline.layout.version) is not \
             read: its layout would be {layout_number}"
        )),
    }
}

fn check_files(format: Option<&str>, bootstrapped: Option<&str>) -> Result<(), TablesError> {
    let unsupported = |what: String| Err(TablesError::Unsupported { what });
    if let Some(other) = format.filter(|format| !format.eq_ignore_ascii_case("PARQUET")) {
        return unsupported(format!(
            "its base files are of the format {other} (hoodie.table.base.file.format); only Hudi tables of PARQUET are read"
        ));
    }
    if let Some(place) = bootstrapped {
        return unsupported(format!(
            "it is a bootstrapped Hudi table: part of its columns are in files at {place} (hoodie.bootstrap.base.path); rewrite \
             it as a table of its own"
        ));
    }
    Ok(())
}

/// `a,b:TIMESTAMP`. The key generator says whether folders hold the values as they are.
fn fields(text: &str, generator: &str) -> Vec<PartitionField> {
    let all_written = generator.contains("Timestamp") || generator.starts_with("TIMESTAMP");
    let named = text.split(',').map(str::trim).filter(|field| !field.is_empty());
    let field = |field: &str| {
        let (name, kind) = field.split_once(':').unwrap_or((field, ""));
        let is_formatted = all_written || kind.trim().eq_ignore_ascii_case("TIMESTAMP");
        PartitionField { name: name.trim().to_owned(), is_formatted }
    };
    named.map(field).collect()
}

/// The names and values of Java's `.properties`. Source: `java.util.Properties.load`.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim_start().to_owned();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        while line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1 {
            line.pop();
            match lines.next() {
                Some(next) => line.push_str(next.trim_start()),
                None => break,
            }
        }
        let (name, value) = split(&line);
        all.insert(unescaped(name), unescaped(value));
    }
    all
}

/// The name ends with the first `=`, `:` or blank that is not escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, character) in line.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '=' | ':' | ' ' | '\t' => {
                let rest = line[at..].trim_start();
                let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
                return (&line[..at], rest.trim_start());
            }
            _ => {}
        }
    }
    (line, "")
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('u') => {
                let digits: String = characters.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                plain.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Result<Properties, String> {
        Properties::parse("s3://b/t", lines).map_err(|error| error.to_string())
    }

    #[test]
    fn properties_as_java_writes_them() {
        let text = "#Updated at 2024\n! x\nhoodie.table.name=a\\:b\\u0020c\n hoodie.table.version : 6\n\
                    hoodie.table.partition.fields day\\=x,\\\n   region:SIMPLE , at:TIMESTAMP\nhoodie.table.type=MERGE_ON_READ\n\
                    hoodie.datasource.write.hive_style_partitioning=true\nempty\n";
        let found = read(text).unwrap();
        assert_eq!((found.name.as_str(), found.version, found.layout), ("a:b c", 6, Layout::Flat));
        assert_eq!(
            (found.kind, found.timeline.as_str(), found.is_hive_style),
            (HudiKind::MergeOnRead, "", true)
        );
        let fields: Vec<_> =
            found.partition_fields.iter().map(|f| (f.name.as_str(), f.is_formatted)).collect();
        assert_eq!(fields, [("day=x", false), ("region", false), ("at", true)]);
        let timed = read("hoodie.table.name=t\nhoodie.table.version=8\nhoodie.timeline.layout.version=2\nhoodie.timeline.path=/tl/").unwrap();
        assert_eq!((timed.layout, timed.timeline.as_str()), (Layout::Timed, "tl/"));
        let written = read(
            "hoodie.table.name=t\nhoodie.table.version=5\nhoodie.table.partition.fields=ts\n\
             hoodie.table.keygenerator.class=org.apache.hudi.keygen.TimestampBasedKeyGenerator",
        );
        assert!(written.unwrap().partition_fields[0].is_formatted);
    }

    #[test]
    fn what_cannot_be_read_surely_is_refused() {
        for (lines, word) in [
            ("hoodie.table.version=6", "hoodie.table.name"),
            ("hoodie.table.name=t", "version 0"),
            ("hoodie.table.name=t\nhoodie.table.version=1", "version 1"),
            ("hoodie.table.name=t\nhoodie.table.version=7", "version 7"),
            ("hoodie.table.name=t\nhoodie.table.version=10", "version 10"),
            ("hoodie.table.name=t\nhoodie.table.version=6\nhoodie.timeline.layout.version=2", "layout 2"),
            ("hoodie.table.name=t\nhoodie.table.version=8\nhoodie.timeline.layout.version=1", "layout 1"),
            ("hoodie.table.name=t\nhoodie.table.version=6\nhoodie.table.type=X", "hoodie.table.type"),
            ("hoodie.table.name=t\nhoodie.table.version=6\nhoodie.table.base.file.format=ORC", "ORC"),
            (
                "hoodie.table.name=t\nhoodie.table.version=6\nhoodie.bootstrap.base.path=s3\\://x/y",
                "s3://x/y",
            ),
        ] {
            let error = read(lines).unwrap_err();
            assert!(error.contains(word), "{lines}: {error}");
        }
    }
}
