//! Which of the listed objects a run has to read.

use std::collections::HashMap;

use store::{Tx, params};

use crate::JobsError;

/// Objects compared with the bookmark at once; bounds memory for sources of millions of files.
const CHUNK: usize = 5_000;

/// What a run wants of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// All objects, whatever the bookmark says.
    All,
    /// Objects that no run has processed in their present form.
    New,
    /// Objects processed by the versions after `after` up to and including `up_to`.
    Between {
        /// Excluded.
        after: i64,
        /// Included.
        up_to: i64,
    },
}

/// An object that can be compared with a bookmark.
pub(crate) trait Versioned {
    /// Bucket, key and ETag.
    fn identity(&self) -> (&str, &str, &str);
}

/// The result of [`filter`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Filtered<T> {
    /// To be read, ordered by bucket and key.
    pub(crate) read: Vec<T>,
    /// How many are left out.
    pub(crate) skipped: u64,
    /// How many of `read` were processed before in another form.
    pub(crate) rewritten: u64,
}

/// What the bookmark says of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Never,
    Rewritten,
    Since(i64),
}

fn wanted(window: Window, known: Known) -> bool {
    match (window, known) {
        (Window::All, _) | (Window::New, Known::Never | Known::Rewritten) => true,
        (Window::New, Known::Since(_)) | (Window::Between { .. }, Known::Never | Known::Rewritten) => false,
        (Window::Between { after, up_to }, Known::Since(version)) => version > after && version <= up_to,
    }
}

/// Keeps the objects that the window wants.
pub(crate) async fn filter<T: Versioned>(
    tx: &mut Tx,
    incarnation: &str,
    node: &str,
    window: Window,
    mut objects: Vec<T>,
) -> Result<Filtered<T>, JobsError> {
    objects.sort_by(|a, b| a.identity().cmp(&b.identity()));
    let mut filtered = Filtered { read: Vec::new(), skipped: 0, rewritten: 0 };
    if window == Window::All {
        filtered.read = objects;
        return Ok(filtered);
    }
    let mut rest = objects.into_iter().peekable();
    while let Some(first) = rest.next() {
        let bucket = first.identity().0.to_owned();
        let mut chunk = vec![first];
        while chunk.len() < CHUNK {
            match rest.next_if(|next| next.identity().0 == bucket) {
                Some(next) => chunk.push(next),
                None => break,
            }
        }
        let seen = seen(tx, incarnation, node, &chunk).await?;
        for object in chunk {
            let known = {
                let (_, key, etag) = object.identity();
                match seen.get(key.as_bytes()) {
                    None => Known::Never,
                    Some((processed, version)) if processed == etag => Known::Since(*version),
                    Some(_) => Known::Rewritten,
                }
            };
            if wanted(window, known) {
                filtered.rewritten += u64::from(known == Known::Rewritten);
                filtered.read.push(object);
            } else {
                filtered.skipped += 1;
            }
        }
    }
    Ok(filtered)
}

/// Key → (ETag, version) of the bookmarked objects between the first and last of a chunk of one bucket.
async fn seen<T: Versioned>(
    tx: &mut Tx,
    incarnation: &str,
    node: &str,
    chunk: &[T],
) -> Result<HashMap<Vec<u8>, (String, i64)>, JobsError> {
    let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { return Ok(HashMap::new()) };
    let ((bucket, from, _), (_, to, _)) = (first.identity(), last.identity());
    let rows = tx
        .query(
            "SELECT object_key, etag, version FROM jobs_bookmark_files \
             WHERE incarnation = $1 AND node = $2 AND bucket = $3 AND object_key >= $4 AND object_key <= $5",
            &params![incarnation, node, bucket, from.as_bytes(), to.as_bytes()],
        )
        .await?;
    rows.iter().map(|row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows() {
        let between = Window::Between { after: 2, up_to: 4 };
        let cases = [
            (Window::All, Known::Since(1), true),
            (Window::New, Known::Never, true),
            (Window::New, Known::Rewritten, true),
            (Window::New, Known::Since(1), false),
            (between, Known::Since(2), false),
            (between, Known::Since(3), true),
            (between, Known::Since(4), true),
            (between, Known::Since(5), false),
            (between, Known::Never, false),
            (between, Known::Rewritten, false),
        ];
        for (window, known, expected) in cases {
            assert_eq!(wanted(window, known), expected, "{window:?} {known:?}");
        }
    }
}
