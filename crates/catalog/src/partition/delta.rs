//! Counts that change with partitions: shapes in use, and kinds of values.

use std::collections::BTreeMap;

use store::{Tx, params};

use crate::error::CatalogError;
use crate::expression::kinds;
use crate::partition::shape::ShapeHash;
use crate::table::TableUid;

/// Changes that are gathered over a batch and written once.
#[derive(Default)]
pub(crate) struct Delta {
    shapes: BTreeMap<ShapeHash, (i64, Option<String>)>,
    kinds: BTreeMap<(usize, i64), i64>,
}

impl Delta {
    /// A partition comes.
    pub(crate) fn add(&mut self, values: &[String], shape: Option<&(ShapeHash, String)>) {
        if let Some((hash, doc)) = shape {
            let entry = self.shapes.entry(hash.clone()).or_default();
            entry.0 += 1;
            entry.1.get_or_insert_with(|| doc.clone());
        }
        self.count(values, 1);
    }

    /// A partition goes.
    pub(crate) fn remove(&mut self, values: &[String], shape: Option<ShapeHash>) {
        if let Some(hash) = shape {
            self.shapes.entry(hash).or_default().0 -= 1;
        }
        self.count(values, -1);
    }

    fn count(&mut self, values: &[String], by: i64) {
        for (position, value) in values.iter().enumerate() {
            *self.kinds.entry((position, kinds(value))).or_default() += by;
        }
    }

    /// Writes the changes.
    pub(crate) async fn apply(self, tx: &mut Tx, table: TableUid) -> Result<(), CatalogError> {
        for (hash, (change, doc)) in self.shapes {
            match doc {
                Some(doc) if change >= 0 => {
                    tx.execute(
                        "INSERT INTO catalog_shapes (table_uid, hash, refs, doc) \
                         VALUES ($1, $2, $3, $4) ON CONFLICT (table_uid, hash) \
                         DO UPDATE SET refs = catalog_shapes.refs + excluded.refs",
                        &params![table.0, hash, change, doc],
                    )
                    .await?;
                }
                _ => release(tx, table, hash, change).await?,
            }
        }
        for ((position, kind), change) in self.kinds {
            if change != 0 {
                tx.execute(
                    "INSERT INTO catalog_value_kinds (table_uid, pos, kind, refs) \
                     VALUES ($1, $2, $3, $4) ON CONFLICT (table_uid, pos, kind) \
                     DO UPDATE SET refs = catalog_value_kinds.refs + excluded.refs",
                    &params![table.0, position as i64, kind, change],
                )
                .await?;
            }
        }
        Ok(())
    }
}

async fn release(tx: &mut Tx, table: TableUid, hash: ShapeHash, change: i64) -> Result<(), CatalogError> {
    tx.execute(
        "UPDATE catalog_shapes SET refs = refs + $3 WHERE table_uid = $1 AND hash = $2",
        &params![table.0, hash.clone(), change],
    )
    .await?;
    tx.execute(
        "DELETE FROM catalog_shapes WHERE table_uid = $1 AND hash = $2 AND refs <= 0",
        &params![table.0, hash],
    )
    .await?;
    Ok(())
}
