//! Where an object's bytes are: an ordered list of slices of immutable extents, and the counting of their references.
//!
//! `lake_extents.refs` counts the slices in all layouts (objects and parts) that name the extent. Whoever removes a
//! layout releases its slices in the same transaction: at zero the row goes, and the id of an extent in a file goes on
//! `lake_garbage`, from where the collector takes it once no reader has it pinned. Moving a layout from parts to an
//! object changes no count.

use crate::meta::{DOC_VERSION, PartInfo, Versioned};
use crate::{Lake, LakeError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{Tx, Value};

/// Number of an extent; unique for the life of the data folder, also across restarts.
pub(crate) type ExtentId = i64;

/// Bytes `offset..offset + len` of one extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(ExtentId, u64, u64, u8)", into = "(ExtentId, u64, u64, u8)")]
pub(crate) struct Slice {
    pub(crate) extent: ExtentId,
    pub(crate) offset: u64,
    pub(crate) len: u64,
    /// Whether the extent's bytes are in its row instead of a file.
    pub(crate) inline: bool,
}

impl From<(ExtentId, u64, u64, u8)> for Slice {
    fn from((extent, offset, len, inline): (ExtentId, u64, u64, u8)) -> Slice {
        Slice { extent, offset, len, inline: inline != 0 }
    }
}

impl From<Slice> for (ExtentId, u64, u64, u8) {
    fn from(slice: Slice) -> (ExtentId, u64, u64, u8) {
        (slice.extent, slice.offset, slice.len, u8::from(slice.inline))
    }
}

/// `lake_objects.layout` and `lake_parts.layout`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    pub(crate) v: u32,
    #[serde(rename = "s")]
    pub(crate) slices: Vec<Slice>,
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<PartInfo>,
    /// The multipart upload that made it: a completion asked for twice finds its own result.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) upload: Option<String>,
}

impl Versioned for Layout {
    fn version(&self) -> u32 {
        self.v
    }
}

impl Layout {
    pub(crate) fn new(slices: Vec<Slice>) -> Layout {
        Layout { v: DOC_VERSION, slices, parts: Vec::new(), upload: None }
    }

    /// The extent of a layout that is one whole inline extent.
    pub(crate) fn inline_id(&self) -> Option<ExtentId> {
        match self.slices.as_slice() {
            [only] if only.inline => Some(only.extent),
            _ => None,
        }
    }

    /// The slices that hold bytes `start..end` of the object, cut to fit.
    pub(crate) fn cut(&self, start: u64, end: u64) -> Vec<Slice> {
        let mut found = Vec::new();
        let mut position = 0u64;
        for slice in &self.slices {
            let slice_end = position + slice.len;
            let (from, to) = (start.max(position), end.min(slice_end));
            if from < to {
                found.push(Slice { offset: slice.offset + (from - position), len: to - from, ..*slice });
            }
            position = slice_end;
            if position >= end {
                break;
            }
        }
        found
    }
}

/// Joins slices that follow each other in the object and in their extent. Also returns the slices that thereby vanish:
/// each held a reference.
pub(crate) fn merge(slices: Vec<Slice>) -> (Vec<Slice>, Vec<Slice>) {
    let (mut kept, mut merged) = (Vec::<Slice>::with_capacity(slices.len()), Vec::new());
    for slice in slices {
        match kept.last_mut() {
            Some(last) if last.extent == slice.extent && last.offset + last.len == slice.offset => {
                last.len += slice.len;
                merged.push(slice);
            }
            _ => kept.push(slice),
        }
    }
    (kept, merged)
}

/// Sizes of `IN` lists: a few, so that the back end's cache of prepared statements holds them.
const LIST_SIZES: [usize; 4] = [1, 8, 64, 512];

/// Calls for `ids` in lists of one of [`LIST_SIZES`], the last id repeated to fill up.
pub(crate) fn id_lists<T: Clone>(ids: &[T]) -> Vec<Vec<T>> {
    let mut lists = Vec::new();
    for chunk in ids.chunks(LIST_SIZES[LIST_SIZES.len() - 1]) {
        let size = LIST_SIZES.into_iter().find(|size| *size >= chunk.len()).unwrap_or(chunk.len());
        let mut list = chunk.to_vec();
        if let Some(last) = chunk.last() {
            list.resize(size, last.clone());
        }
        lists.push(list);
    }
    lists
}

/// `$from,$from+1,…` for `count` values.
pub(crate) fn placeholders(from: usize, count: usize) -> String {
    let names: Vec<String> = (from..from + count).map(|n| format!("${n}")).collect();
    names.join(",")
}

pub(crate) fn int_values(ids: &[ExtentId]) -> Vec<Value> {
    ids.iter().map(|id| Value::Int(*id)).collect()
}

fn counts(slices: &[Slice]) -> BTreeMap<ExtentId, i64> {
    let mut counts = BTreeMap::new();
    for slice in slices {
        *counts.entry(slice.extent).or_insert(0) += 1;
    }
    counts
}

/// Adds a reference for each slice. Errors: `Changed` when an extent is gone (its last layout was removed meanwhile).
pub(crate) async fn retain(tx: &mut Tx, slices: &[Slice]) -> Result<(), LakeError> {
    let mut by_count: BTreeMap<i64, Vec<ExtentId>> = BTreeMap::new();
    for (id, count) in counts(slices) {
        by_count.entry(count).or_default().push(id);
    }
    for (count, ids) in by_count {
        for list in id_lists(&ids) {
            let sql = format!(
                "UPDATE lake_extents SET refs = refs + $1 WHERE id IN ({})",
                placeholders(2, list.len())
            );
            let mut values = vec![Value::Int(count)];
            values.extend(int_values(&list));
            let distinct = list.iter().collect::<std::collections::BTreeSet<_>>().len() as u64;
            if tx.execute(&sql, &values).await? != distinct {
                return Err(LakeError::Changed);
            }
        }
    }
    Ok(())
}

/// Takes away a reference for each slice; extents without any left are removed or become garbage.
pub(crate) async fn release(lake: &Lake, tx: &mut Tx, slices: &[Slice]) -> Result<(), LakeError> {
    if slices.is_empty() {
        return Ok(());
    }
    let inline: BTreeMap<ExtentId, bool> = slices.iter().map(|s| (s.extent, s.inline)).collect();
    let mut by_count: BTreeMap<i64, Vec<ExtentId>> = BTreeMap::new();
    for (id, count) in counts(slices) {
        by_count.entry(count).or_default().push(id);
    }
    let mut garbage = Vec::new();
    for (count, ids) in by_count {
        for list in id_lists(&ids) {
            let gone = release_list(tx, count, &list).await?;
            garbage.extend(gone.into_iter().filter(|id| inline.get(id) == Some(&false)));
        }
    }
    add_garbage(lake, tx, &garbage).await
}

/// Returns the ids whose rows went because no reference is left.
async fn release_list(tx: &mut Tx, count: i64, list: &[ExtentId]) -> Result<Vec<ExtentId>, LakeError> {
    let mut values = vec![Value::Int(count)];
    values.extend(int_values(list));
    let ids = placeholders(2, list.len());
    let sql = format!("DELETE FROM lake_extents WHERE refs = $1 AND id IN ({ids}) RETURNING id");
    let mut gone = Vec::new();
    for row in tx.query(&sql, &values).await? {
        gone.push(row.get::<i64>(0)?);
    }
    let distinct = list.iter().collect::<std::collections::BTreeSet<_>>().len();
    if gone.len() < distinct {
        let sql = format!("UPDATE lake_extents SET refs = refs - $1 WHERE refs > $1 AND id IN ({ids})");
        let changed = tx.execute(&sql, &values).await? as usize;
        if changed + gone.len() != distinct {
            return Err(LakeError::corrupt("an extent has fewer references than layouts name it"));
        }
    }
    Ok(gone)
}

async fn add_garbage(lake: &Lake, tx: &mut Tx, ids: &[ExtentId]) -> Result<(), LakeError> {
    if ids.is_empty() {
        return Ok(());
    }
    let now = tx.now_ms();
    let rows: Vec<Vec<Value>> = ids.iter().map(|id| vec![Value::Int(*id), Value::Int(now)]).collect();
    tx.insert_many("lake_garbage", &["id", "since_ms"], &rows).await?;
    let disk = lake.disk();
    tx.on_commit(Box::new(move || disk.wake_collector()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(extent: i64, offset: u64, len: u64) -> Slice {
        Slice { extent, offset, len, inline: false }
    }

    #[test]
    fn cutting_gives_the_slices_of_a_range() {
        let layout = Layout::new(vec![slice(1, 100, 10), slice(2, 0, 5), slice(3, 7, 20)]);
        assert_eq!(layout.cut(0, 35), layout.slices);
        assert_eq!(layout.cut(9, 16), vec![slice(1, 109, 1), slice(2, 0, 5), slice(3, 7, 1)]);
        assert_eq!(layout.cut(12, 13), vec![slice(2, 2, 1)]);
        assert!(layout.cut(35, 99).is_empty());
        assert!(layout.cut(5, 5).is_empty());
    }

    #[test]
    fn neighbours_merge() {
        let slices = vec![slice(1, 0, 5), slice(1, 5, 5), slice(1, 11, 2), slice(2, 13, 1), slice(2, 14, 1)];
        let (kept, merged) = merge(slices);
        assert_eq!(kept, [slice(1, 0, 10), slice(1, 11, 2), slice(2, 13, 2)]);
        assert_eq!(merged, [slice(1, 5, 5), slice(2, 14, 1)]);
    }

    #[test]
    fn lists_have_few_lengths_and_lose_nothing() {
        for n in [1, 2, 8, 9, 65, 512, 513, 1100] {
            let ids: Vec<i64> = (0..n).collect();
            let lists = id_lists(&ids);
            assert!(lists.iter().all(|l| LIST_SIZES.contains(&l.len())));
            let all: std::collections::BTreeSet<i64> = lists.into_iter().flatten().collect();
            assert_eq!(all.len() as i64, n);
        }
        assert!(id_lists::<ExtentId>(&[]).is_empty());
    }

    #[test]
    fn layouts_round_trip() {
        let mut layout = Layout::new(vec![slice(1 << 60, 0, 9)]);
        layout.upload = Some("u".into());
        let text = crate::meta::encode(&layout).unwrap();
        assert_eq!(text, r#"{"v":1,"s":[[1152921504606846976,0,9,0]],"u":"u"}"#);
        assert_eq!(crate::meta::decode::<Layout>(&text).unwrap(), layout);
        assert!(crate::meta::decode::<Layout>(r#"{"v":2,"s":[]}"#).is_err());
    }
}
