//! Keys of replies that XML could not hold.
//!
//! Handlers give plain keys. When a listing's `EncodingType` is `url`, its key-like members are percent-encoded here, with
//! `/` kept. A space becomes `%20`, which clients that read `+` as a space and clients that do not both decode rightly.
//!
//! Replies about one key, of uploads, have no such way. There S3 writes what no parser of XML 1.0 reads, so that its SDKs
//! cannot upload such an object in parts. The caller has named the key: here it is left out of these replies.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::call::Document;
use crate::codec::xml;

const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b'*');

/// Members of the reply itself, then of the entries of its lists. Source: Amazon S3 API Reference, `EncodingType` of
/// ListObjects, ListObjectsV2, ListObjectVersions, ListMultipartUploads.
const MEMBERS: &[&str] =
    &["Delimiter", "KeyMarker", "Marker", "NextKeyMarker", "NextMarker", "Prefix", "StartAfter"];
const LISTS: &[&str] = &["Contents", "Versions", "DeleteMarkers", "Uploads"];

fn encode(value: Option<&mut Document>) {
    if let Some(Document::String(text)) = value {
        *text = utf8_percent_encode(text, KEPT).to_string();
    }
}

/// Encodes the keys of a listing whose `EncodingType` is `url`; leaves the key that any other reply is about out of it, when
/// XML cannot hold it.
pub(crate) fn encode_keys(output: &mut Document) {
    if output.get("EncodingType").and_then(Document::as_str) != Some("url") {
        let unreadable = output.get("Key").and_then(Document::as_str).is_some_and(|key| !xml::holds(key));
        if let (Document::Object(members), true) = (output, unreadable) {
            members.remove("Key");
        }
        return;
    }
    for name in MEMBERS {
        encode(output.get_mut(*name));
    }
    let lists = LISTS.iter().map(|name| (*name, "Key")).chain([("CommonPrefixes", "Prefix")]);
    for (list, member) in lists {
        for entry in output.get_mut(list).and_then(Document::as_array_mut).into_iter().flatten() {
            encode(entry.get_mut(member));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_key_of_an_upload_is_left_out_where_xml_cannot_hold_it() {
        let mut output = json!({"Key": "a\u{1}", "UploadId": "u"});
        encode_keys(&mut output);
        assert_eq!(output, json!({"UploadId": "u"}));
        for key in ["a b&<", "\u{7f}\r\u{85}", "\u{fffd}"] {
            let plain = json!({"Key": key, "UploadId": "u"});
            let mut output = plain.clone();
            encode_keys(&mut output);
            assert_eq!(output, plain);
        }
    }

    #[test]
    fn only_when_asked() {
        let plain = json!({"Prefix": "a b", "Contents": [{"Key": "a b"}]});
        let mut output = plain.clone();
        encode_keys(&mut output);
        assert_eq!(output, plain);
        let mut output = json!({"EncodingType": "url", "Prefix": "a b/", "NextMarker": "ü", "Name": "a b",
            "Contents": [{"Key": "a+b%\u{1}/c", "Size": 1}], "CommonPrefixes": [{"Prefix": "x&/"}]});
        encode_keys(&mut output);
        let expected = json!({"EncodingType": "url", "Prefix": "a%20b/", "NextMarker": "%C3%BC", "Name": "a b",
            "Contents": [{"Key": "a%2Bb%25%01/c", "Size": 1}], "CommonPrefixes": [{"Prefix": "x%26/"}]});
        assert_eq!(output, expected);
    }
}
