//! XML bodies (restXml and the replies of awsQuery).
//!
//! Requests are parsed into a small tree ([`tree`], bounded by the body's limit and a depth) and read by shape
//! ([`decode`]); replies are written straight into text ([`encode`]). Names are compared without their prefix;
//! namespaces are not checked, as S3 does not. DTDs are refused, entities are the five of XML and character references.
//!
//! Requests hold the characters of XML 1.0 only, also by reference, as S3 has it: what else a key may hold could not be
//! named in the reply. Replies have character references for the rest ([`holds`]), as S3 writes them, where there is no
//! other way; parsers of XML 1.0 refuse these.

mod decode;
mod encode;
mod tree;

pub(crate) use decode::decode_structure;
pub(crate) use encode::{Writer, encode_members};
pub(crate) use tree::parse;

/// Whether XML 1.0 can hold all of a text. Source: Extensible Markup Language (XML) 1.0, production `Char`.
pub(crate) fn holds(text: &str) -> bool {
    !text.contains(is_foreign)
}

/// A character that is none of XML 1.0.
pub(crate) fn is_foreign(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model;

    #[test]
    fn multipart_completion() {
        let model = model::get("s3").unwrap();
        let shape = model.shapes.iter().find(|shape| shape.name == "CompletedMultipartUpload").unwrap();
        let text = "<?xml version=\"1.0\"?><!-- c --><CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n\
            <Part><ETag>&quot;a&#98;&quot;</ETag><PartNumber> 1 </PartNumber></Part>\
            <Part><PartNumber>2</PartNumber><ETag><![CDATA[x<y]]></ETag><Strange/></Part></CompleteMultipartUpload>";
        let root = parse(text.as_bytes()).unwrap();
        assert_eq!(root.name, "CompleteMultipartUpload");
        let expected =
            json!({"Parts": [{"ETag": "\"ab\"", "PartNumber": 1}, {"ETag": "x<y", "PartNumber": 2}]});
        assert_eq!(decode_structure(model, shape, &root).unwrap(), expected);
    }

    #[test]
    fn nested_lists_and_attributes() {
        let model = model::get("s3").unwrap();
        let shape = model.shapes.iter().find(|shape| shape.name == "AccessControlPolicy").unwrap();
        let text = "<AccessControlPolicy><AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
            xsi:type=\"CanonicalUser\"><ID>i</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>";
        let expected =
            json!({"Grants": [{"Grantee": {"ID": "i", "Type": "CanonicalUser"}, "Permission": "READ"}]});
        let decoded = decode_structure(model, shape, &parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(decoded, expected);
        let mut problems = Vec::new();
        let mut writer = Writer::new();
        encode_members(&mut writer, model, shape, &expected, &mut problems);
        assert_eq!(
            writer.finish(),
            "<AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:type=\"CanonicalUser\"><ID>i</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList>"
        );
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn broken_documents_are_malformed() {
        let deep = format!("{}{}", "<a>".repeat(200), "</a>".repeat(200));
        for text in [
            "",
            "   ",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a>&nope;</a>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a b=1/>",
            "<a>x</a>y",
            "<a>&#0;</a>",
            "<a>&#xFFFFFFFF;</a>",
            "<a>&#1;</a>",
            "<a>&#xFFFF;</a>",
            "<a>\u{1}</a>",
            "<a>\u{fffe}</a>",
            "<a><![CDATA[\u{b}]]></a>",
            "<a b=\"&#x1f;\"/>",
            deep.as_str(),
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"<a>\xff</a>").is_err());
        assert_eq!(
            parse("<a>&#13;&#9;\u{85}&#x10ffff;\u{fffd}</a>".as_bytes()).unwrap().text,
            "\r\t\u{85}\u{10ffff}\u{fffd}"
        );
        let model = model::get("s3").unwrap();
        let shape = model.shapes.iter().find(|shape| shape.name == "CompletedMultipartUpload").unwrap();
        for text in [
            "<C><Part><PartNumber>x</PartNumber></Part></C>",
            "<C><Part><ETag><b/></ETag></Part></C>",
            "<C>text</C>",
        ] {
            assert!(decode_structure(model, shape, &parse(text.as_bytes()).unwrap()).is_err(), "{text}");
        }
    }
}
