//! Puts the demo's files into buckets, and clears what an earlier demo left there.

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};

use crate::client::Client;

/// Files that travel at the same time.
const AT_ONCE: usize = 4;

/// A file to put.
pub(super) struct File {
    /// `bucket/key`; nothing in it needs escaping but `=`.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

/// Makes the buckets, or empties those that are there.
pub(super) async fn fresh_buckets(client: &Client, buckets: &[&str]) -> Result<()> {
    for bucket in buckets {
        client.make_bucket(bucket).await.with_context(|| format!("cannot make bucket {bucket}"))?;
        empty(client, bucket).await?;
    }
    Ok(())
}

async fn empty(client: &Client, bucket: &str) -> Result<()> {
    loop {
        let (status, body) = client.s3(Method::GET, &format!("/{bucket}?list-type=2"), Bytes::new()).await?;
        ensure!(status.is_success(), "cannot list bucket {bucket}: {status}");
        let text = String::from_utf8(body.to_vec()).context("a listing that is no UTF-8")?;
        let keys = keys(&text);
        if keys.is_empty() {
            return Ok(());
        }
        for key in keys {
            let (status, _) =
                client.s3(Method::DELETE, &format!("/{bucket}/{}", escaped(&key)), Bytes::new()).await?;
            ensure!(status.is_success(), "cannot delete {bucket}/{key}: {status}");
        }
    }
}

/// The keys of a listing; those of the demo need no unescaping.
fn keys(listing: &str) -> Vec<String> {
    let parts = listing.split("<Key>").skip(1);
    parts.filter_map(|part| part.split_once("</Key>").map(|(key, _)| key.to_owned())).collect()
}

fn escaped(path: &str) -> String {
    path.replace('=', "%3D")
}

/// Puts the files, a few at a time, and returns the bytes that went.
pub(super) async fn put(client: &Client, files: impl Iterator<Item = File>, count: u64) -> Result<u64> {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(count) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("   {bar:40} {pos}/{len} files  {elapsed}") {
        bar.set_style(style);
    }
    let mut bytes = 0;
    let (mut files, shown) = (files.peekable(), &bar);
    while files.peek().is_some() {
        let batch: Vec<File> = files.by_ref().take(AT_ONCE).collect();
        let puts = batch.into_iter().map(|file| async move {
            let size = file.bytes.len() as u64;
            let path = format!("/{}", escaped(&file.path));
            let (status, body) = client.s3(Method::PUT, &path, Bytes::from(file.bytes)).await?;
            ensure!(
                status.is_success(),
                "cannot put {}: {status} {}",
                file.path,
                String::from_utf8_lossy(&body)
            );
            shown.inc(1);
            Ok(size)
        });
        bytes += futures::future::try_join_all(puts).await?.into_iter().sum::<u64>();
    }
    bar.finish_and_clear();
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_listing() {
        let listing = "<L><Contents><Key>a/b=1/c</Key></Contents><Contents><Key>d</Key></Contents></L>";
        assert_eq!(keys(listing), ["a/b=1/c", "d"]);
        assert_eq!(escaped("dt=1/x"), "dt%3D1/x");
    }
}
