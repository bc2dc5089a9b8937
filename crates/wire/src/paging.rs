//! Tokens of pages, which hold for one question only.
//!
//! What a listing gives as its token is a place in its order ("behind this name"). To another listing, or to the same one
//! asked otherwise, that would be a place, too, and entries would silently be left out. So clients get the place with a
//! fingerprint of the question before it: service, operation, account, region and every field but the token itself, the
//! size of the page, and the caller's own catalog where it is named, which leaving it out means, too. A token that comes
//! back with another question is refused before any handler sees it.
//!
//! This is done here for every operation that takes and gives `NextToken`; faces of other protocols use [`Question`]. Not
//! for listings whose tokens are made to be used otherwise: S3's markers are keys, and CloudWatch's `GetLogEvents` goes
//! forward and backward by the tokens of one answer, which belong to their stream.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Map;
use sha2::{Digest, Sha256};

use crate::call::{Document, Reply};
use crate::fault::Fault;
use crate::model::{Model, Operation};
use crate::render;
use crate::rules::Rules;
use crate::sigv4::Caller;

/// Bytes of a fingerprint: 16 characters of a token.
const FINGERPRINT_BYTES: usize = 12;
/// What members with a token are called.
const TOKENS: [&str; 2] = ["NextToken", "nextToken"];
/// What members with the size of a page are called: it may change from page to page.
const SIZES: [&str; 5] = ["MaxResults", "maxResults", "Limit", "limit", "maxItems"];

/// What members with a catalog's id are called. The account is the one that is meant where none is given (Glue API
/// Reference: "If none is provided, the AWS account ID is used by default").
const CATALOGS: [&str; 3] = ["CatalogId", "CatalogID", "ParentCatalogId"];

/// A question that is answered in pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question(String);

impl Question {
    /// The question that texts describe, in their order.
    pub fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Question {
        let mut hash = Sha256::new();
        parts.into_iter().for_each(|part| absorb_text(&mut hash, part));
        Question(URL_SAFE_NO_PAD.encode(&hash.finalize()[..FINGERPRINT_BYTES]))
    }

    /// The token of a place in the answer.
    pub fn token(&self, place: &str) -> String {
        format!("{}{place}", self.0)
    }

    /// The place in a token of this question; `None` for any other text.
    pub fn place<'a>(&self, token: &'a str) -> Option<&'a str> {
        token.strip_prefix(self.0.as_str())
    }
}

/// An operation that answers in pages, as it was asked.
pub(crate) struct Paged {
    member: &'static str,
    question: Question,
}

impl Paged {
    /// `None` for operations that answer in one piece.
    pub(crate) fn new(
        model: &Model,
        operation: &Operation,
        caller: &Caller,
        input: &Map<String, Document>,
    ) -> Option<Paged> {
        let (asked, answered) = (model.input(operation)?, model.output(operation)?);
        let both = |name: &&str| asked.member(name).is_some() && answered.member(name).is_some();
        let member = TOKENS.into_iter().find(both)?;
        let kept = input.iter().filter(|(name, value)| {
            let own = CATALOGS.contains(&name.as_str()) && value.as_str() == Some(&caller.account);
            *name != member && !SIZES.contains(&name.as_str()) && !own
        });
        let mut hash = Sha256::new();
        absorb_members(&mut hash, kept);
        let fields = hex::encode(hash.finalize());
        let parts = [model.name, operation.name, &caller.account, &caller.region, &fields];
        Some(Paged { member, question: Question::new(parts) })
    }

    /// Leaves the place in the input, where there is a token. Errors: a token of another question.
    pub(crate) fn open(
        &self,
        model: &Model,
        operation: &Operation,
        rules: Rules,
        input: &mut Map<String, Document>,
    ) -> Result<(), Fault> {
        let Some(Document::String(token)) = input.get_mut(self.member) else { return Ok(()) };
        if token.is_empty() {
            return Ok(());
        }
        let Some(place) = self.question.place(token) else {
            let known = render::allowed(model, operation, rules.token);
            let code = if known { rules.token } else { rules.validation };
            return Err(Fault::new(code, "The pagination token is not valid for this request."));
        };
        *token = place.to_owned();
        Ok(())
    }

    /// Makes a token of the place in an answer, where there is one.
    pub(crate) fn close(&self, reply: &mut Reply) {
        // An empty one says, as none does, that nothing follows.
        if let Some(Document::String(place)) = reply.output.get_mut(self.member)
            && !place.is_empty()
        {
            *place = self.question.token(place);
        }
    }
}

fn absorb_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

/// Members in the order of their names: in which order a client sends them means nothing.
fn absorb_members<'a>(hash: &mut Sha256, members: impl Iterator<Item = (&'a String, &'a Document)>) {
    let mut members: Vec<(&String, &Document)> = members.collect();
    members.sort_by_key(|(name, _)| *name);
    hash.update((members.len() as u64).to_be_bytes());
    for (name, value) in members {
        absorb_text(hash, name);
        absorb(hash, value);
    }
}

fn absorb(hash: &mut Sha256, value: &Document) {
    match value {
        Document::Object(members) => {
            hash.update(b"{");
            absorb_members(hash, members.iter());
        }
        Document::Array(values) => {
            hash.update(b"[");
            hash.update((values.len() as u64).to_be_bytes());
            values.iter().for_each(|value| absorb(hash, value));
        }
        plain => absorb_text(hash, &plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model;

    fn paged(operation: &str, account: &str, input: Document) -> Option<Paged> {
        let model = model::get("glue").unwrap();
        let region = "us-east-1".to_owned();
        let caller = Caller { access_key: None, account: account.to_owned(), region, presigned: false };
        Paged::new(model, model.operation(operation).unwrap(), &caller, input.as_object().unwrap())
    }

    fn token(operation: &str, account: &str, input: Document) -> String {
        let mut reply = Reply::from(json!({ "NextToken": "x" }));
        paged(operation, account, input).unwrap().close(&mut reply);
        reply.output["NextToken"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_token_is_of_its_question() {
        let asked = json!({"DatabaseName": "d", "Expression": "e"});
        let made = token("GetTables", "1", asked.clone());
        assert!(made.len() == 17 && made.ends_with('x'), "{made}");
        let again = json!({"Expression": "e", "DatabaseName": "d", "MaxResults": 3, "NextToken": "y"});
        assert_eq!(token("GetTables", "1", again), made, "order, size and token mean nothing");
        for other in [
            token("GetTables", "2", asked.clone()),
            token("GetUserDefinedFunctions", "1", asked),
            token("GetTables", "1", json!({"DatabaseName": "d"})),
            token("GetTables", "1", json!({"DatabaseName": "d", "Expression": ["e"]})),
            token("GetTables", "1", json!({"DatabaseName": "e", "Expression": "d"})),
        ] {
            assert_ne!(other, made);
        }
        assert!(paged("GetTable", "1", json!({})).is_none());
    }

    #[test]
    fn the_own_catalog_may_be_named_or_left_out() {
        for (operation, member) in [
            ("GetDatabases", "CatalogId"),
            ("GetPartitions", "CatalogId"),
            ("SearchTables", "CatalogId"),
            ("GetColumnStatisticsTaskRuns", "CatalogID"),
            ("GetCatalogs", "ParentCatalogId"),
        ] {
            let made = token(operation, "1", json!({}));
            assert_eq!(token(operation, "1", json!({ member: "1" })), made, "{operation}");
            assert_ne!(token(operation, "1", json!({ member: "2" })), made, "{operation}");
        }
    }

    #[test]
    fn only_tokens_of_the_question_are_opened() {
        let glue = model::get("glue").unwrap();
        let rules = crate::rules::of("glue", glue.protocol);
        for (operation, code) in
            [("GetTables", "InvalidInputException"), ("ListCrawlers", "ValidationException")]
        {
            let listing = paged(operation, "1", json!({})).unwrap();
            let open = |token: &str| {
                let mut input = json!({ "NextToken": token }).as_object().unwrap().clone();
                let opened = listing.open(glue, glue.operation(operation).unwrap(), rules, &mut input);
                opened.map(|()| input["NextToken"].as_str().unwrap().to_owned())
            };
            assert_eq!(open(&listing.question.token("a.b")).unwrap(), "a.b");
            assert_eq!(open("").unwrap(), "");
            assert_eq!(open("a.b").unwrap_err().code(), code);
        }
    }
}
