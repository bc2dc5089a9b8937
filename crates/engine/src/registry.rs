//! Keeps DataFusion away from any file that is not ours.
//!
//! Scans read pinned objects of the lake through handles that travel with the plan, never through an object store
//! that is looked up by URL. DataFusion still asks for one when a scan opens; it gets an empty one for our own
//! scheme, and nothing for every other: no statement can name a path of this machine and have it read.

use std::sync::Arc;

use datafusion::{
    error::{DataFusionError, Result},
    execution::object_store::{ObjectStoreRegistry, ObjectStoreUrl},
};
use object_store::{ObjectStore, memory::InMemory};
use url::Url;

/// The scheme under which our scans ask for their (unused) store.
const SCHEME: &str = "lake";

/// The URL that scans carry.
pub(crate) fn scan_url() -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse("lake://objects")
}

/// A registry with one empty store for our own scans.
#[derive(Debug, Default)]
pub(crate) struct NoStores {
    empty: Arc<InMemory>,
}

impl ObjectStoreRegistry for NoStores {
    fn register_store(&self, _url: &Url, _store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if url.scheme() == SCHEME {
            return Ok(Arc::clone(&self.empty) as Arc<dyn ObjectStore>);
        }
        Err(DataFusionError::NotImplemented(format!("reading {url} by its URL")))
    }
}
