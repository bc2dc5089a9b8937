//! Which objects below a table's location are no data.

/// Whether what stands below a table's location is hidden: a part of the path begins with `.`, or with `_` and is no
/// partition folder (`_id=5`); or it names a folder. `below` is the key without the location and the `/` behind it.
///
/// Hive hides all that begins with `_`, but asks only within the locations of partitions, whose own names it does not look
/// at. Spark, which finds partitions by listing, makes the exception that is made here, so that keys may begin with `_`.
pub fn is_hidden(below: &str) -> bool {
    let hides = |part: &str| part.starts_with('.') || part.starts_with('_') && !part.contains('=');
    below.is_empty() || below.ends_with('/') || below.split('/').any(hides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_and_unfinished_files_are_hidden() {
        for below in ["", "a/", "_SUCCESS", "_temporary/0/x", "a/.b/x", "._id=5/x", ".id=5/x", "_id=5/_x"] {
            assert!(is_hidden(below), "{below:?}");
        }
    }

    #[test]
    fn partitions_by_a_key_that_begins_with_an_underscore_are_not() {
        for below in ["x", "a/x_.csv", "_id=5/x", "day=1/_id=/x.parquet"] {
            assert!(!is_hidden(below), "{below:?}");
        }
    }
}
