//! Pages of a listing, and their tokens: places in its order. Which question a token is of, `wire` sees to (`paging`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{CatalogError, to_doc};

/// A part of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The entries, in the listing's order.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last page.
    pub next: Option<String>,
}

/// The most that a decoded token may hold, in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The position of a listing by name: behind that name.
#[derive(Serialize, Deserialize)]
pub(crate) struct AfterName {
    pub(crate) after: String,
}

/// Makes an opaque token of a position.
pub(crate) fn token<T: Serialize>(position: &T) -> Result<String, CatalogError> {
    Ok(URL_SAFE_NO_PAD.encode(to_doc("token", position)?))
}

/// Reads a token that [`token`] made; an empty one counts as none.
pub(crate) fn position<T: DeserializeOwned>(token: Option<&str>) -> Result<Option<T>, CatalogError> {
    let Some(text) = token.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.len() > MAX_TOKEN_BYTES {
        return Err(CatalogError::InvalidToken);
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CatalogError::InvalidToken)?;
    match serde_json::from_slice(&bytes) {
        Ok(position) => Ok(Some(position)),
        Err(_) => Err(CatalogError::InvalidToken),
    }
}

/// Cuts rows that were read one beyond the limit; tells whether more follow.
pub(crate) fn cut<T>(items: &mut Vec<T>, limit: usize) -> bool {
    let more = items.len() > limit;
    items.truncate(limit);
    more
}
