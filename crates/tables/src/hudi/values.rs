//! Values of partitions, from the paths of their folders.

use percent_encoding::percent_decode_str;

use super::{HudiFile, HudiTable};

/// What stands for NULL in the name of a folder.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

impl HudiTable {
    /// The values of the partition columns of a file, as text, `None` for NULL. `names` are the columns; each is a folder of the
    /// path, but a single column takes the whole path, as Hudi's readers do it. The error says which path is not so.
    pub fn partition_values(&self, file: &HudiFile, names: &[&str]) -> Result<Vec<Option<String>>, String> {
        let path = file.partition.as_str();
        let folders: Vec<&str> = if path.is_empty() { Vec::new() } else { path.split('/').collect() };
        let parts = match names {
            [] => Vec::new(),
            [_] if !path.is_empty() => vec![path],
            _ => folders,
        };
        if parts.len() != names.len() {
            return Err(format!(
                "the folder {path:?} of the file {} is not one of the partition columns {}",
                file.location,
                names.join(", ")
            ));
        }
        parts.iter().zip(names).map(|(part, name)| self.value(part, name)).collect()
    }

    fn value(&self, part: &str, name: &str) -> Result<Option<String>, String> {
        let of_name = part.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let text = match of_name {
            Some((_, value)) => value,
            None if self.is_hive_style => {
                return Err(format!("the folder {part:?} of a partition does not begin with {name}="));
            }
            None => part,
        };
        if text == NULL_PARTITION {
            return Ok(None);
        }
        if !self.is_encoded {
            return Ok(Some(text.to_owned()));
        }
        let decoded = percent_decode_str(text).decode_utf8();
        let decoded = decoded.map_err(|_| format!("the folder {part:?} of a partition is not UTF-8"))?;
        Ok(Some(decoded.into_owned()))
    }
}
