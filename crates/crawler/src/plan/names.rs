//! Names of tables and partition keys.

use catalog::expression::DEFAULT_PARTITION;
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;

/// The most bytes of a table's name.
const MAX_NAME: usize = 255;

/// Lower case; whatever is not a letter, digit or underscore becomes an underscore.
fn folded(name: &str) -> String {
    let fold = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '_' };
    name.chars().map(fold).collect()
}

fn cut(mut name: String, len: usize) -> String {
    // A prefix may hold any letters.
    let len = (0..=len.min(name.len())).rev().find(|at| name.is_char_boundary(*at)).unwrap_or_default();
    name.truncate(len);
    name
}

/// The name for a folder's table: its last part, or the bucket's name.
pub(crate) fn folder_table(prefix: &str, bucket: &str, folder: &str) -> String {
    let last = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    plain_table(prefix, if last.is_empty() { bucket } else { last })
}

/// The name for a single file's table: `orders.csv` gives `orders_csv`.
pub(crate) fn file_table(prefix: &str, key: &str) -> String {
    plain_table(prefix, key.rsplit('/').next().unwrap_or_default())
}

/// The name for what a target calls `name`.
pub(crate) fn plain_table(prefix: &str, name: &str) -> String {
    cut(format!("{}{}", prefix.to_lowercase(), folded(name)), MAX_NAME)
}

/// Tells tables of the same name apart: `_` and a hash of the location, as Glue does.
pub(crate) fn with_suffix(name: &str, location: &str) -> String {
    let hash = hex::encode(Md5::digest(location.as_bytes()));
    format!("{}_{hash}", cut(name.to_owned(), MAX_NAME - hash.len() - 1))
}

/// Key and value of a folder `k=v`, the value as Hive unescapes it. Hive writes NULL and the empty text alike, and no
/// request could name an empty value: `k=` stands for NULL.
pub(crate) fn key_value(folder: &str) -> Option<(String, String)> {
    let (key, value) = folder.split_once('=')?;
    if key.is_empty() {
        return None;
    }
    let value = if value.is_empty() { DEFAULT_PARTITION } else { value };
    Some((key.to_lowercase(), percent_decode_str(value).decode_utf8_lossy().into_owned()))
}

/// Whether a key's folders say no name.
pub(crate) fn is_unnamed(key: &str) -> bool {
    key.strip_prefix("partition_").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}

/// The partition that a path below a table with these keys lies in: its values, and as much of the path as they take; none
/// when the folders are not those of the keys. `plain`: whether a folder that is no `k=v` may be a value of the key.
pub(crate) fn partition_of<'a>(
    keys: impl IntoIterator<Item = &'a str>,
    below: &str,
    plain: impl Fn(&str) -> bool,
) -> Option<(Vec<String>, String)> {
    let mut names = below.split('/').filter(|name| !name.is_empty());
    let (mut values, mut path) = (Vec::new(), String::new());
    for key in keys {
        let name = names.next()?;
        values.push(match key_value(name) {
            Some((named, value)) if named == key => value,
            None if plain(key) => name.to_owned(),
            _ => return None,
        });
        path = format!("{path}{name}/");
    }
    Some((values, path))
}

/// A folder that is surely one of a series: a number or date.
pub(crate) fn is_date_like(folder: &str) -> bool {
    folder.contains(|c: char| c.is_ascii_digit())
        && folder.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '_' | ':' | 'T' | 'Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(folder_table("p_", "my-bucket", "a/Sales 2024/"), "p_sales_2024");
        assert_eq!(folder_table("", "my-bucket", ""), "my_bucket");
        assert_eq!(file_table("", "a/b/Orders.csv.gz"), "orders_csv_gz");
        assert_eq!(with_suffix("t", "s3://b/t/").len(), 2 + 32);
        assert_eq!(with_suffix(&"t".repeat(300), "x").len(), 255);
        assert_eq!(plain_table(&"é".repeat(200), "Größe.2").len(), 254);
        assert_eq!(plain_table("É", "Größe.2"), "égr__e_2");
        assert_eq!(key_value("Dt=2024-01-01%2010"), Some(("dt".into(), "2024-01-01 10".into())));
        assert_eq!(key_value("k="), Some(("k".into(), DEFAULT_PARTITION.into())));
        assert_eq!(key_value("plain"), None);
        assert!(is_unnamed("partition_0") && !is_unnamed("partition_day") && !is_unnamed("day"));
        let of = |below| partition_of(["day", "partition_0"], below, is_unnamed);
        assert_eq!(of("day=1/x/f"), Some((vec!["1".into(), "x".into()], "day=1/x/".into())));
        assert_eq!((of("x/y/f"), of("day=1"), of("hour=1/x")), (None, None, None));
        assert!(
            is_date_like("2024-01-01") && is_date_like("07") && !is_date_like("v1") && !is_date_like("-")
        );
    }
}
