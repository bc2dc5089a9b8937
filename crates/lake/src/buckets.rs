//! Buckets. Names are global; account and region are attributes.

use crate::index::{self, no_such_bucket};
use crate::overlay::remove_uploads;
use crate::{BucketName, Lake, LakeError};
use store::{Row, Scope, Tx, params};

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: BucketName,
    /// The owning account and the region it was made in.
    pub scope: Scope,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
}

const COLUMNS: &str = "name, account, region, created_ms";

fn bucket_of(row: &Row) -> Result<Bucket, LakeError> {
    let scope = Scope::new(row.get::<String>(1)?, row.get::<String>(2)?)
        .map_err(|_| LakeError::corrupt("a bucket has no valid account and region"))?;
    Ok(Bucket { name: BucketName::trusted(row.get(0)?), scope, created_ms: row.get(3)? })
}

impl Lake {
    /// Makes sure that a bucket is an account's own, for services that read and write on its behalf. Errors:
    /// `NoSuchBucket`, `NotOwner`.
    pub async fn check_owner(&self, tx: &mut Tx, name: &BucketName, account: &str) -> Result<(), LakeError> {
        match self.bucket(tx, name).await? {
            found if found.scope.account == account => Ok(()),
            _ => Err(LakeError::NotOwner { bucket: name.as_str().to_owned() }),
        }
    }

    /// Makes a bucket. Errors: `BucketAlreadyOwnedByYou`, `BucketAlreadyExists` (another account's).
    pub async fn create_bucket(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        name: &BucketName,
    ) -> Result<Bucket, LakeError> {
        if self.overlay().is_some() {
            return self.no_new_bucket(tx, scope, name).await;
        }
        let created_ms = tx.now_ms();
        let sql = "INSERT INTO lake_buckets (id, name, account, region, created_ms) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (name) DO NOTHING";
        let values = params![
            self.disk().new_id(),
            name.as_str(),
            scope.account.as_str(),
            scope.region.as_str(),
            created_ms
        ];
        if tx.execute(sql, &values).await? == 1 {
            return Ok(Bucket { name: name.clone(), scope: scope.clone(), created_ms });
        }
        let existing = self.bucket(tx, name).await?;
        Err(exists(scope, existing))
    }

    /// In an overlay: that there is such a bucket is said as ever.
    async fn no_new_bucket(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        name: &BucketName,
    ) -> Result<Bucket, LakeError> {
        match self.bucket(tx, name).await {
            Ok(existing) => Err(exists(scope, existing)),
            Err(LakeError::NoSuchBucket { .. }) => {
                self.only_for_all("make a bucket")?;
                Err(no_such_bucket(name))
            }
            Err(other) => Err(other),
        }
    }

    /// Looks a bucket up. Errors: `NoSuchBucket`.
    pub async fn bucket(&self, tx: &mut Tx, name: &BucketName) -> Result<Bucket, LakeError> {
        let sql = format!("SELECT {COLUMNS} FROM lake_buckets WHERE name = $1");
        let row = tx.query_opt(&sql, &params![name.as_str()]).await?;
        bucket_of(&row.ok_or_else(|| no_such_bucket(name))?)
    }

    /// The account's buckets in the order of their names, at most `limit`, after the name `after`.
    pub async fn list_buckets(
        &self,
        tx: &mut Tx,
        account: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Bucket>, LakeError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM lake_buckets WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = tx.query(&sql, &params![account, after, limit]).await?;
        rows.iter().map(bucket_of).collect()
    }

    /// Removes an empty bucket and the multipart uploads in progress in it. Errors: `NoSuchBucket`, `BucketNotEmpty`.
    pub async fn delete_bucket(&self, tx: &mut Tx, name: &BucketName) -> Result<(), LakeError> {
        self.only_for_all("delete a bucket")?;
        let id = index::bucket_id(tx, name).await?;
        let any =
            tx.query_opt("SELECT size FROM lake_objects WHERE bucket = $1 LIMIT 1", &params![id]).await?;
        if any.is_some() {
            return Err(LakeError::BucketNotEmpty { bucket: name.as_str().to_owned() });
        }
        remove_uploads(self, tx, id).await?;
        tx.execute("DELETE FROM lake_buckets WHERE id = $1", &params![id]).await?;
        Ok(())
    }
}

/// Why a bucket is not made: there is one of that name.
fn exists(scope: &Scope, existing: Bucket) -> LakeError {
    let bucket = existing.name.as_str().to_owned();
    match existing.scope.account == scope.account {
        true => LakeError::BucketAlreadyOwnedByYou { bucket, region: existing.scope.region },
        false => LakeError::BucketAlreadyExists { bucket },
    }
}
