//! Keys whose holders do not see buckets as everybody does: those of runs whose output is one commit. And keys whose
//! requests are counted.

use std::sync::Arc;

use jobs::Traffic;
use lake::Overlay;

/// What the holder of a key sees of buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// What everybody does.
    Everybody,
    /// That, and what was written through an overlay, which its writes go to.
    Own(Overlay),
    /// Nothing any more.
    Ended,
}

/// Knows which keys have a view of their own.
pub trait Views: Send + Sync {
    /// What the holder of this access key id sees.
    fn of(&self, access_key: &str) -> View;

    /// Where what requests with this access key id move of objects is counted, if anywhere.
    fn traffic(&self, access_key: &str) -> Option<Arc<Traffic>>;

    /// What the sender of a request sees that came with this access key id, if with any.
    fn of_sender(&self, access_key: Option<&str>) -> View {
        access_key.map_or(View::Everybody, |key| self.of(key))
    }
}
