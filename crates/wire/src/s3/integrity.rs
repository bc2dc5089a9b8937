//! Digests that come with the documents of S3 requests (not with objects: whoever stores those checks them).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use http::HeaderMap;
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;

use crate::fault::Fault;
use crate::model::Operation;

/// Checks `Content-MD5` and `x-amz-checksum-*` (also trailing) of a document, and that a digest comes with a
/// document where S3 demands one. Errors: `InvalidDigest`, `BadDigest`, `InvalidRequest`.
pub(crate) fn check(
    operation: &Operation,
    headers: &HeaderMap,
    trailers: Option<&HeaderMap>,
    body: &[u8],
) -> Result<(), Fault> {
    let mut found = check_md5(headers, body)?;
    // Elsewhere such a header is about the object (CompleteMultipartUpload), not about the document.
    let is_of_body = operation.checksum.is_some();
    for (name, sent) in headers.iter().chain(trailers.into_iter().flatten()).filter(|_| is_of_body) {
        let Some(algorithm) = name.as_str().strip_prefix("x-amz-checksum-") else { continue };
        let Some(computed) = checksum(algorithm, body) else {
            return Err(Fault::not_implemented(format!(
                "Checksums of the kind '{algorithm}' are not built on this server."
            )));
        };
        if sent.as_bytes() != computed.as_bytes() {
            let name = algorithm.to_ascii_uppercase();
            return Err(Fault::new(
                "BadDigest",
                format!("The {name} you specified did not match the calculated checksum."),
            ));
        }
        found = true;
    }
    if operation.checksum_required && !found && !body.is_empty() {
        let message = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*";
        return Err(Fault::new("InvalidRequest", message));
    }
    Ok(())
}

/// The base64 checksum of a kind; `None` for kinds that are not built.
fn checksum(algorithm: &str, body: &[u8]) -> Option<String> {
    let crc = |kind: CrcAlgorithm| crc_fast::checksum(kind, body);
    let narrow = |value: u64| STANDARD.encode((value as u32).to_be_bytes());
    Some(match algorithm {
        "crc32" => narrow(crc(CrcAlgorithm::Crc32IsoHdlc)),
        "crc32c" => narrow(crc(CrcAlgorithm::Crc32Iscsi)),
        "crc64nvme" => STANDARD.encode(crc(CrcAlgorithm::Crc64Nvme).to_be_bytes()),
        "sha1" => STANDARD.encode(Sha1::digest(body)),
        "sha256" => STANDARD.encode(Sha256::digest(body)),
        _ => return None,
    })
}

/// Whether `Content-MD5` is there; it then fits.
fn check_md5(headers: &HeaderMap, body: &[u8]) -> Result<bool, Fault> {
    let Some(sent) = headers.get("content-md5") else { return Ok(false) };
    let digest = Md5::digest(body);
    match STANDARD.decode(sent.as_bytes()) {
        Ok(sent) if sent.as_slice() == digest.as_slice() => Ok(true),
        Ok(other) if other.len() == digest.len() => {
            Err(Fault::new("BadDigest", "The Content-MD5 you specified did not match what we received.")
                .with("ExpectedDigest", STANDARD.encode(other))
                .with("CalculatedDigest", STANDARD.encode(digest)))
        }
        _ => Err(Fault::new("InvalidDigest", "The Content-MD5 you specified was invalid.")
            .with("Content-MD5", String::from_utf8_lossy(sent.as_bytes()).into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::model;

    #[test]
    fn digests() {
        let operation = model::get("s3").unwrap().operation("DeleteObjects").unwrap();
        let code = |headers: &HeaderMap| {
            check(operation, headers, None, b"abc").map_err(|fault| fault.code().to_owned())
        };
        let mut headers = HeaderMap::new();
        assert_eq!(code(&headers), Err("InvalidRequest".to_owned()));
        // RFC 1321, A.5: MD5 of "abc".
        for (sent, expected) in [
            ("kAFQmDzST7DWlj99KOF/cg==", Ok(())),
            ("AAFQmDzST7DWlj99KOF/cg==", Err("BadDigest".to_owned())),
            ("AA==", Err("InvalidDigest".to_owned())),
            ("?", Err("InvalidDigest".to_owned())),
        ] {
            headers.insert("content-md5", HeaderValue::from_static(sent));
            assert_eq!(code(&headers), expected, "{sent}");
        }
    }

    #[test]
    fn checksums() {
        // Check values of the CRC catalogue ("123456789") and of FIPS 180.
        for (algorithm, expected) in
            [("crc32", "y/Q5Jg=="), ("crc32c", "4waSgw=="), ("crc64nvme", "rosUhgp5mIg=")]
        {
            assert_eq!(checksum(algorithm, b"123456789").unwrap(), expected, "{algorithm}");
        }
        assert_eq!(checksum("sha1", b"abc").unwrap(), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
        let operation = model::get("s3").unwrap().operation("DeleteObjects").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-checksum-crc32", HeaderValue::from_static("y/Q5Jg=="));
        assert!(check(operation, &headers, None, b"123456789").is_ok());
        assert!(check(operation, &HeaderMap::new(), Some(&headers), b"123456789").is_ok());
        assert_eq!(check(operation, &headers, None, b"12345678").unwrap_err().code(), "BadDigest");
        headers.insert("x-amz-checksum-xxhash3", HeaderValue::from_static("AA=="));
        assert_eq!(
            check(operation, &headers, None, b"123456789").unwrap_err().code(),
            crate::NOT_IMPLEMENTED
        );
    }
}
