//! Tables whose location holds manifests: files of text that name the data files, one on each line
//! (`SymlinkTextInputFormat`, as Delta Lake and Redshift write them). What the data files hold is the SerDe's affair.
//!
//! Every manifest in the folder counts. A file that is named and not there is an error, as in Hive; so is one that is named
//! twice, whose rows would count twice.

use std::collections::HashSet;

use catalog::StorageDescriptor;
use formats::serde_info;

use super::iceberg::locate;
use crate::{
    EngineError, ObjectRef, listing, location::Location, object::Pinner, view::CatalogView, view::Reading,
};

/// The most bytes of one manifest: some hundred thousand names.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// Whether a table or partition is read through manifests.
pub(super) fn has_manifests(descriptor: &StorageDescriptor) -> bool {
    descriptor.input_format.as_deref() == Some(serde_info::SYMLINK_INPUT)
}

/// Appends the data files that the manifests at `location` name, in their order.
pub(super) async fn list(
    view: &CatalogView,
    reading: &mut Reading,
    table: &str,
    location: &Location,
    out: &mut Vec<ObjectRef>,
) -> Result<(), EngineError> {
    let mut manifests = Vec::new();
    listing::list_location(view.sources(), reading.tx(), location, Some(table), &mut manifests).await?;
    let mut named = HashSet::new();
    for manifest in &manifests {
        let bad = |what: String| EngineError::File { file: manifest.uri(), what };
        if manifest.size > MAX_MANIFEST_BYTES {
            return Err(bad(format!("a manifest of more than {} MiB is not read", MAX_MANIFEST_BYTES >> 20)));
        }
        let object = Pinner::new(view.sources()).pin(reading.tx(), manifest).await?;
        let bytes = object.read_bytes(0..manifest.size).await?;
        let text =
            std::str::from_utf8(&bytes).map_err(|_| bad("a manifest that is not valid UTF-8".to_owned()))?;
        for (line, name) in (1..).zip(text.lines().map(str::trim)).filter(|(_, name)| !name.is_empty()) {
            if !name.starts_with("s3") {
                return Err(bad(format!("line {line}: {name:?} is no location of S3")));
            }
            if !named.insert(name.to_owned()) {
                return Err(bad(format!("line {line}: {name} is named twice")));
            }
            out.push(locate(view, reading, table, name).await?);
        }
    }
    Ok(())
}
