//! Settings of who is told about job runs.

use super::{Reader, endpoint, path, text, word};
use crate::config::LineageConfig;
use wire::Secret;

/// Where events go, if anywhere.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<LineageConfig> {
    let file = reader.get("lineage.file", path);
    let url = reader.get("lineage.url", endpoint);
    let api_key = reader.get("lineage.api_key", word).map(Secret::new);
    let namespace = reader.need("lineage.namespace", text, String::new());
    let is_set = |path| reader.layers.values.contains_key(path);
    let (to_file, to_url) = (is_set("lineage.file"), is_set("lineage.url"));
    if is_set("lineage.api_key") && !to_url {
        reader.problem("lineage.api_key", "says nothing without lineage.url");
    }
    if reader.layers.values.contains_key("lineage.namespace") && !to_file && !to_url {
        reader.problem("lineage.namespace", "says nothing without lineage.file or lineage.url");
    }
    if file.is_none() && url.is_none() {
        return None;
    }
    Some(LineageConfig { file, url, api_key, namespace })
}
