//! Listing what lies under a location, in pages, without what Hive hides.

use lake::{Key, LakeError, ListPage, ListQuery};
use store::Tx;

use crate::{
    EngineError, ObjectRef, Sources,
    location::{self, Location},
};

/// Objects per page of the index.
const PAGE: usize = 1000;

/// Lists what a table's location names: the object of exactly that key, if there is one (crawlers make a table of a
/// single file that way), and everything visible in the folder. Errors: as [`list_folder`].
pub(crate) async fn list_location(
    sources: &Sources,
    tx: &mut Tx,
    location: &Location,
    table: Option<&str>,
    out: &mut Vec<ObjectRef>,
) -> Result<(), EngineError> {
    if !location.prefix.is_empty() && !location.prefix.ends_with('/') {
        let key = Key::new(location.prefix.as_str())?;
        match sources.lake.head(tx, &location.bucket, &key, &sources.own()).await {
            Ok(info) => out.push(ObjectRef::new(&location.bucket, info)),
            // A missing bucket is reported by the listing below.
            Err(LakeError::NoSuchKey { .. } | LakeError::NoSuchBucket { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    list_folder(sources, tx, location, table, out).await
}

/// Calls `take` for every visible object under `location`, read as a folder, in key order.
/// Errors: `BucketMissing`, naming `table` if there is one; `Lake`; those of `take`.
pub(crate) async fn list_folder(
    sources: &Sources,
    tx: &mut Tx,
    location: &Location,
    table: Option<&str>,
    out: &mut Vec<ObjectRef>,
) -> Result<(), EngineError> {
    let folder = location.folder();
    list_prefix(sources, tx, location, &folder, table, out).await
}

/// Checks that the bucket of a location exists and is the account's. Errors: as [`list_folder`].
pub(crate) async fn check_bucket(
    sources: &Sources,
    tx: &mut Tx,
    location: &Location,
    table: Option<&str>,
) -> Result<(), EngineError> {
    let query = ListQuery { limit: 1, ..ListQuery::default() };
    list_page(sources, tx, location, table, &query).await.map(|_| ())
}

async fn list_page(
    sources: &Sources,
    tx: &mut Tx,
    location: &Location,
    table: Option<&str>,
    query: &ListQuery,
) -> Result<ListPage, EngineError> {
    let owned = sources.lake.check_owner(tx, &location.bucket, &sources.scope.account).await;
    let listed = match owned {
        Ok(()) => sources.lake.list(tx, &location.bucket, query).await,
        Err(error) => Err(error),
    };
    match listed {
        Ok(page) => Ok(page),
        Err(LakeError::NoSuchBucket { bucket }) => {
            let location = location::uri(&bucket, &location.prefix);
            Err(EngineError::BucketMissing { table: table.map(str::to_owned), bucket, location })
        }
        Err(error) => Err(error.into()),
    }
}

/// The same for every key that starts with `prefix`, hidden parts counted below it.
pub(crate) async fn list_prefix(
    sources: &Sources,
    tx: &mut Tx,
    location: &Location,
    prefix: &str,
    table: Option<&str>,
    out: &mut Vec<ObjectRef>,
) -> Result<(), EngineError> {
    let mut query = ListQuery { prefix: prefix.to_owned(), limit: PAGE, ..ListQuery::default() };
    loop {
        let page = list_page(sources, tx, location, table, &query).await?;
        let visible = page.objects.into_iter().filter(|info| !location::is_hidden(info.key.as_str(), prefix));
        out.extend(visible.map(|info| ObjectRef::new(&location.bucket, info)));
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(()),
        }
    }
}
