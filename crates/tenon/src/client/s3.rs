//! The few S3 requests that the demo makes: plain HTTP on path-style addresses.

use bytes::Bytes;
use http::{Method, StatusCode};

use super::{Client, ClientError};

impl Client {
    /// Sends an S3 request to `path` (`/bucket/key?query`, percent-encoded) and returns status and body.
    /// Errors: the server cannot be reached.
    pub(crate) async fn s3(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let request = self.request(method, path, body.clone())?;
        let request = self.authorise(request, "s3", &body)?;
        self.send(request).await
    }
}
