//! A lake object as the bytes that `formats` reads. (The engine has its own, which also plans and caches.)

use std::io;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use formats::ByteSource;
use futures::StreamExt;
use futures::stream::BoxStream;
use lake::Object;

/// An object, named `s3://bucket/key`.
pub struct LakeBytes {
    name: String,
    object: Object,
}

impl LakeBytes {
    /// Reads the object as it was when it was looked up.
    pub fn new(bucket: &str, object: Object) -> Self {
        Self { name: format!("s3://{bucket}/{}", object.info().key.as_str()), object }
    }
}

#[async_trait]
impl ByteSource for LakeBytes {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.object.info().size
    }

    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        self.object.read_range(range).await
    }

    fn stream(&self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        self.object.read(range).boxed()
    }
}
