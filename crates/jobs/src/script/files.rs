//! The files of a run: its working folder, and objects that are downloaded into it.

use std::io;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use lake::{BucketName, Conditions, Key, LakeError};
use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use super::launch::Ground;
use crate::execute::RunFailure;

/// The folder of one run; goes when it is removed or dropped.
pub(crate) struct Folder {
    path: Option<PathBuf>,
}

impl Folder {
    /// Makes it anew: a run that is executed again finds nothing of the first time.
    pub(crate) async fn make(path: PathBuf) -> io::Result<Self> {
        match fs::remove_dir_all(&path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(&path).await?;
        Ok(Self { path: Some(path) })
    }

    pub(crate) fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }

    /// Removes it. What cannot be removed is told in the server's log, and goes when the server starts again.
    pub(crate) async fn remove(mut self) {
        if let Some(path) = self.path.take() {
            told(&path, fs::remove_dir_all(&path).await);
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            told(&path, std::fs::remove_dir_all(&path));
        }
    }
}

fn told(path: &Path, removed: io::Result<()>) {
    if let Err(error) = removed {
        tracing::warn!(%error, path = %path.display(), "the working folder of a script could not be removed");
    }
}

/// Whether a text is the address of an object.
pub(crate) fn is_location(text: &str) -> bool {
    parse(text).is_some()
}

/// Bucket and key of `s3://bucket/key`; no folder.
fn parse(text: &str) -> Option<(BucketName, Key)> {
    let rest = lake::s3_path(text)?;
    let (bucket, key) = rest.split_once('/')?;
    if key.ends_with('/') {
        return None;
    }
    Some((BucketName::new(bucket).ok()?, Key::new(key).ok()?))
}

/// The name that the object of an address has as a file.
pub(super) fn file_name(location: &str) -> &str {
    let name = location.rsplit('/').next().unwrap_or(location);
    if matches!(name, "." | "..") { "file" } else { name }
}

/// Downloads the object at `location` into a folder, under its own name. `what` names it in messages.
pub(super) async fn download(
    ground: &Ground<'_>,
    what: &str,
    location: &str,
    folder: &Path,
) -> Result<PathBuf, RunFailure> {
    let failed = |cause: String| RunFailure::Script(format!("{what} {location}: {cause}"));
    let Some((bucket, key)) = parse(location) else {
        return Err(failed("it is no s3://bucket/key".to_owned()));
    };
    let lake = ground.lake;
    let own = Conditions { owner: Some(ground.scope.account.clone()), ..Conditions::NONE };
    let mut tx = ground.store.read().await?;
    let object = lake.get(&mut tx, &bucket, &key, &own).await.map_err(|error| match error {
        LakeError::NoSuchKey { .. } => failed("the object does not exist".to_owned()),
        LakeError::Store(error) => RunFailure::Store(error),
        other => failed(other.to_string()),
    })?;
    drop(tx);
    let path = folder.join(file_name(location));
    let written = async {
        let mut file = fs::File::create_new(&path).await?;
        let mut pieces = Box::pin(object.read(0..object.info().size));
        while let Some(piece) = pieces.next().await {
            file.write_all(&piece?).await?;
        }
        file.flush().await
    };
    let written: io::Result<()> = written.await;
    written.map_err(|error| failed(format!("it cannot be copied: {error}")))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_objects() {
        assert!(is_location("s3://bucket/a//b.py") && is_location("s3a://bucket/x"));
        for text in ["", "s3://bucket", "s3://bucket/", "s3://bucket/folder/", "/tmp/x.py", "s3:///x"] {
            assert!(!is_location(text), "{text}");
        }
        assert_eq!(file_name("s3://b/a/x y.py"), "x y.py");
        assert_eq!(file_name("s3://b/a/.."), "file");
    }
}
