//! The metadata of completed instants: JSON in the older layout, Avro in the newer one.
//!
//! Sources: Hudi's technical specification, "Transaction Log (Timeline)"; the Avro schemas HoodieCommitMetadata,
//! HoodieReplaceCommitMetadata and HoodieRollbackMetadata that it names.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::avro::{self, Avro};

/// What matters of a completed write. Keys are paths of partitions.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Commit {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) partition_to_write_stats: BTreeMap<String, Vec<WriteStat>>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) partition_to_replace_file_ids: BTreeMap<String, Vec<String>>,
}

/// A file that was written.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WriteStat {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) file_id: String,
    /// Relative to the table.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) path: String,
}

fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

impl Commit {
    /// Reads the file of a completed write; `None` for an empty one. The error says what is wrong.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, String> {
        if bytes.trim_ascii().is_empty() {
            return Ok(None);
        }
        if !bytes.starts_with(b"Obj") {
            return serde_json::from_slice(bytes).map(Some).map_err(|error| error.to_string());
        }
        let record = only_record(bytes)?;
        Ok(Some(Self {
            partition_to_write_stats: map(&record, "partitionToWriteStats", |stat| {
                let of = |name: &str| stat.text(name).unwrap_or_default().to_owned();
                Some(WriteStat { file_id: of("fileId"), path: of("path") })
            })?,
            partition_to_replace_file_ids: map(&record, "partitionToReplaceFileIds", text)?,
        }))
    }
}

/// The instants that a rollback took back, each with its action where the rollback says it. The error says what is wrong.
pub(super) fn rolled_back(bytes: &[u8]) -> Result<Vec<(String, Option<String>)>, String> {
    let record = only_record(bytes)?;
    let mut all: BTreeMap<String, Option<String>> = BTreeMap::new();
    for instant in list(&record, "commitsRollback", text)? {
        all.insert(instant, None);
    }
    let info = |info: &Avro| Some((info.text("commitTime")?.to_owned(), info.text("action")?.to_owned()));
    for (instant, action) in list(&record, "instantsRollback", info)? {
        all.insert(instant, Some(action));
    }
    Ok(all.into_iter().collect())
}

fn only_record(bytes: &[u8]) -> Result<Avro, String> {
    let mut records = avro::read(bytes).map_err(|error| error.to_string())?;
    match (records.pop(), records.len()) {
        (Some(record), 0) => Ok(record),
        (_, more) => Err(format!("it has {} records, not one", if more == 0 { 0 } else { more + 1 })),
    }
}

fn text(value: &Avro) -> Option<String> {
    match value {
        Avro::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn list<T>(record: &Avro, name: &str, each: impl Fn(&Avro) -> Option<T>) -> Result<Vec<T>, String> {
    let wrong = || format!("its {name} is not as expected");
    match record.field(name) {
        None => Ok(Vec::new()),
        Some(Avro::Array(values)) => values.iter().map(each).collect::<Option<_>>().ok_or_else(wrong),
        Some(_) => Err(wrong()),
    }
}

fn map<T>(
    record: &Avro,
    name: &str,
    each: impl Fn(&Avro) -> Option<T>,
) -> Result<BTreeMap<String, Vec<T>>, String> {
    let wrong = || format!("its {name} is not as expected");
    let entries = match record.field(name) {
        None => return Ok(BTreeMap::new()),
        Some(Avro::Map(entries)) => entries,
        Some(_) => return Err(wrong()),
    };
    let entry = |(key, values): &(String, Avro)| match values {
        Avro::Array(values) => Some((key.clone(), values.iter().map(&each).collect::<Option<Vec<_>>>()?)),
        _ => None,
    };
    entries.iter().map(entry).collect::<Option<_>>().ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_and_avro_say_the_same() {
        let json = br#"{"partitionToWriteStats": {"p": [{"fileId": "f", "path": "p/f_0_1.parquet", "numWrites": 3}, {"fileId": null}]},
            "compacted": false, "extraMetadata": null, "partitionToReplaceFileIds": {"": ["g"]}, "operationType": "UPSERT"}"#;
        let found = Commit::parse(json).unwrap().unwrap();
        let stat = json!({"type": "record", "name": "HoodieWriteStat", "fields": [
            {"name": "fileId", "type": ["null", {"type": "string", "avro.java.string": "String"}]},
            {"name": "path", "type": ["null", "string"]}, {"name": "numWrites", "type": ["null", "long"]}]});
        let of = |values: serde_json::Value| json!(["null", {"type": "map", "values": {"type": "array", "items": values}}]);
        let schema = json!({"type": "record", "name": "HoodieReplaceCommitMetadata", "namespace": "org.apache.hudi.avro.model",
            "fields": [{"name": "partitionToWriteStats", "type": of(stat)},
                       {"name": "partitionToReplaceFileIds", "type": of(json!("string"))}]});
        let text = |text: &str| Avro::String(text.to_owned());
        let write = |id: Avro, path: Avro, n: Avro| {
            Avro::Record(vec![("fileId".into(), id), ("path".into(), path), ("numWrites".into(), n)])
        };
        let stats = vec![
            write(text("f"), text("p/f_0_1.parquet"), Avro::Long(3)),
            write(Avro::Null, Avro::Null, Avro::Null),
        ];
        let record = Avro::Record(vec![
            ("partitionToWriteStats".into(), Avro::Map(vec![("p".into(), Avro::Array(stats))])),
            (
                "partitionToReplaceFileIds".into(),
                Avro::Map(vec![(String::new(), Avro::Array(vec![text("g")]))]),
            ),
        ]);
        let bytes = avro::write(&schema, &[], [7; 16], &[record]).unwrap();
        assert_eq!(Commit::parse(&bytes).unwrap().as_ref(), Some(&found));
        assert_eq!(found.partition_to_replace_file_ids[""], ["g"]);
        assert_eq!(Commit::parse(b" ").unwrap(), None);
        for bad in [&b"{"[..], b"Obj\x01", b"3", br#"{"partitionToWriteStats": 1}"#] {
            Commit::parse(bad).unwrap_err();
        }
        rolled_back(b"{}").unwrap_err();
    }
}
