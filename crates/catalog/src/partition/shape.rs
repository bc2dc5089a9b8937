//! Splitting a partition into what is its own and what many share.

use sha2::{Digest, Sha256};

use crate::error::{CatalogError, from_doc, to_doc};
use crate::model::{PartitionInput, StorageDescriptor};

/// A shape's key: the beginning of its document's SHA-256.
pub(crate) type ShapeHash = Vec<u8>;

/// A partition as it is written.
pub(crate) struct Split {
    /// Everything but the values and the shape.
    pub(crate) doc: String,
    /// The shared part; absent when the partition has no storage descriptor.
    pub(crate) shape: Option<(ShapeHash, String)>,
}

/// Splits a partition; its values are kept elsewhere.
pub(crate) fn split(mut input: PartitionInput) -> Result<Split, CatalogError> {
    input.values.clear();
    let shape = match input.storage_descriptor.take() {
        None => None,
        Some(mut descriptor) => {
            input.storage_descriptor = Some(StorageDescriptor {
                location: descriptor.location.take(),
                additional_locations: descriptor.additional_locations.take(),
                parameters: descriptor.parameters.take(),
                ..StorageDescriptor::default()
            });
            let doc = to_doc("storage descriptor", &descriptor)?;
            Some((Sha256::digest(doc.as_bytes())[..16].to_vec(), doc))
        }
    };
    Ok(Split { doc: to_doc("partition", &input)?, shape })
}

/// The inverse of [`split`].
pub(crate) fn join(
    doc: &str,
    shape: Option<&StorageDescriptor>,
    values: Vec<String>,
) -> Result<PartitionInput, CatalogError> {
    let mut input: PartitionInput = from_doc("partition", doc)?;
    input.values = values;
    if let (Some(own), Some(shape)) = (input.storage_descriptor.take(), shape) {
        input.storage_descriptor = Some(StorageDescriptor {
            location: own.location,
            additional_locations: own.additional_locations,
            parameters: own.parameters,
            ..shape.clone()
        });
    }
    Ok(input)
}
