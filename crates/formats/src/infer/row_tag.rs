//! Which elements of XML are rows.
//!
//! Without a row tag, rows are the elements of the name that comes most often directly below the root; where the root
//! holds a single element, below that, and so on. In a root `ROWS` they are the elements `ROW`, of which a file that we
//! (or Spark) wrote may hold a single one.

use std::collections::HashMap;

use super::xml::MAX_NAMES;
use crate::error::{FormatError, Problem};
use crate::input::Input;
use crate::options::XmlOptions;
use crate::xml::read::malformed;
use crate::xml::rows::{Rows, Step};

/// Elements that come several times beside the rows could be rows of another table, and are not read.
pub(super) fn other_rows(input: &Input, found: &XmlOptions, others: &[(String, u64)]) -> Option<FormatError> {
    const NAMED: usize = 5;
    let several = || others.iter().filter(|(_, count)| *count > 1);
    let named: Vec<String> =
        several().take(NAMED).map(|(name, count)| format!("<{name}> ({count})")).collect();
    if named.is_empty() {
        return None;
    }
    let more = several().count() - named.len();
    let more = if more > 0 { format!(" and {more} other names") } else { String::new() };
    let message = format!(
        "its rows are the elements <{}>; beside them it has elements {}{more}, which are not read: custom XML \
         classifiers that name a row tag can make them the rows instead",
        found.row_tag,
        named.join(", ")
    );
    Some(FormatError::new(input.name(), Problem::Schema { message }))
}

/// A name of elements, and those beside them, with how many of each the sample has.
type Rowed = (String, Vec<(String, u64)>);

/// The name of the elements that are rows; `None` when the sample ends before any element below the root.
pub(super) fn row_tag(input: &Input) -> Result<Option<Rowed>, FormatError> {
    // Per path of an element, the names of those directly within, in the order in which they first came.
    let mut below: HashMap<String, Vec<(String, u64)>> = HashMap::new();
    let mut rows = Rows::new(None);
    let (mut at, sample) = (0, input.pending());
    let mut root = None;
    loop {
        let before = rows.path().len();
        let path: String = rows.path().map(|name| format!("/{}", crate::xml::local(name))).collect();
        let step = rows.step(&sample[at..], input.at_eof()).map_err(|bad| malformed(input.name(), bad))?;
        let Step::Pass(len) = step else { break };
        let token = &sample[at..at + len];
        if rows.path().len() > before
            || (token.ends_with(b"/>") && token.starts_with(b"<") && !token.starts_with(b"<?"))
        {
            let name = opened_name(token);
            if before == 0 {
                root.get_or_insert(name);
            } else {
                let names = below.entry(path).or_default();
                match names.iter().position(|(known, _)| *known == name) {
                    Some(at) => names[at].1 += 1,
                    None if names.len() < MAX_NAMES => names.push((name, 1)),
                    None => {}
                }
            }
        }
        rows.advance(token);
        at += len;
    }
    let Some(root) = root else { return Ok(None) };
    let (mut path, mut tag, mut others) = (format!("/{root}"), None, Vec::new());
    while let Some(names) = below.get(&path) {
        let is_written =
            |(name, _): &&(String, u64)| root == XmlOptions::ROOT_TAG && name == XmlOptions::ROW_TAG;
        if let Some((row, _)) = names.iter().find(is_written).filter(|_| tag.is_none()) {
            others.extend(names.iter().filter(|(other, _)| other != row).cloned());
            tag = Some(row.clone());
            break;
        }
        let most = names.iter().reduce(|most, new| if new.1 > most.1 { new } else { most });
        let Some((name, count)) = most else { break };
        // Several different elements, none of which repeats, are the members of the one around them.
        if *count == 1 && names.len() > 1 {
            tag.get_or_insert(root);
            break;
        }
        tag = Some(name.clone());
        if *count > 1 {
            others.extend(names.iter().filter(|(other, _)| other != name).cloned());
            break;
        }
        path = format!("{path}/{name}");
    }
    Ok(tag.map(|tag| (tag, others)))
}

fn opened_name(token: &[u8]) -> String {
    let name = token[1..].split(|b| b.is_ascii_whitespace() || matches!(b, b'/' | b'>')).next();
    crate::xml::local(&String::from_utf8_lossy(name.unwrap_or_default())).to_owned()
}
