//! Text of other kinds, which commas, pipes and quotes divide as if it were a table.

use crate::error::{FormatError, Problem};
use crate::input::Input;

/// How many lines are looked at.
const LINES: usize = 100;
/// Endings of names of documents, settings and programs.
const NO_DATA: [&str; 24] = [
    "md", "markdown", "rst", "tex", "yaml", "yml", "toml", "ini", "cfg", "conf", "py", "java", "scala", "js",
    "ts", "css", "sql", "sh", "c", "h", "cpp", "rs", "go", "proto",
];

fn unrecognised(input: &Input, reason: &str) -> FormatError {
    FormatError::new(input.name(), Problem::Unrecognised { reason: reason.to_owned() })
}

/// Whether more than half of the lines, of those with anything, are so.
fn are_most(text: &[u8], is: impl Fn(&[u8]) -> bool) -> bool {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let (mut all, mut such) = (0_u64, 0_u64);
    for line in lines.take(LINES) {
        all += 1;
        such += u64::from(is(line));
    }
    such * 2 > all
}

/// Refuses statements of SQL.
pub(super) fn refuse_statements(input: &Input) -> Result<(), FormatError> {
    const INSERT: &[u8] = b"insert into ";
    let begins =
        |line: &[u8]| line.get(..INSERT.len()).is_some_and(|words| words.eq_ignore_ascii_case(INSERT));
    if !are_most(input.pending(), begins) {
        return Ok(());
    }
    Err(unrecognised(
        input,
        "it holds statements of SQL (INSERT INTO …): export the table as CSV, JSON or Parquet",
    ))
}

/// Whether lines are values as JSON and Ion write them, perhaps with annotations of Ion: those that neither could read.
pub(super) fn is_bracketed(text: &[u8]) -> bool {
    are_most(text, |line| {
        let line = line.strip_suffix(b",").unwrap_or(line);
        let value = match line.windows(2).position(|pair| pair == b"::") {
            Some(at) if line[..at].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') => {
                &line[at + 2..]
            }
            _ => line,
        };
        matches!((value.first(), value.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')))
    })
}

/// The error of such lines.
pub(super) fn bracketed(input: &Input) -> FormatError {
    unrecognised(
        input,
        "its lines are values in brackets that make no records: write each record as an object ({…}), and nothing between them. \
         If it is Ion, begin the file with $ion_1_0",
    )
}

/// Refuses what is named as a document, settings or a program: that commas divide its lines means nothing.
pub(super) fn refuse_named(input: &Input) -> Result<(), FormatError> {
    let name = input.name().to_ascii_lowercase();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| NO_DATA.contains(ending));
    let Some(ending) = ending else { return Ok(()) };
    let reason = format!(
        "it is named .{ending}, which is no table, although commas divide its lines: if it is one, rename it or give the crawler a \
         CSV classifier"
    );
    Err(unrecognised(input, &reason))
}

/// Refuses lists as YAML and Markdown have them: lines that begin with a dash and a word.
pub(super) fn refuse_lists(input: &Input) -> Result<(), FormatError> {
    let is_item = |line: &[u8]| {
        line.strip_prefix(b"- ").and_then(|item| item.first()).is_some_and(u8::is_ascii_alphabetic)
    };
    if !are_most(input.pending(), is_item) {
        return Ok(());
    }
    Err(unrecognised(input, "its lines are items of a list (- …), as of YAML or Markdown, and no records"))
}

/// Refuses tables as Markdown has them: with a rule below the header.
pub(super) fn refuse_ruled(input: &Input) -> Result<(), FormatError> {
    let lines = input.pending().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let Some(second) = lines.filter(|line| !line.is_empty()).nth(1) else { return Ok(()) };
    let is_rule = second.windows(3).any(|three| three == b"---")
        && second.contains(&b'|')
        && second.iter().all(|byte| matches!(byte, b'|' | b'-' | b':' | b' '));
    if is_rule {
        return Err(unrecognised(
            input,
            "it is a table of Markdown (its second line is a rule): export it as CSV",
        ));
    }
    Ok(())
}

/// Refuses settings in sections, whose first line begins as a list of JSON does.
pub(super) fn refuse_settings(input: &Input) -> Result<(), FormatError> {
    let Ok(text) = std::str::from_utf8(input.pending()) else { return Ok(()) };
    let is_section = |line: &str| {
        let name = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        name.is_some_and(|name| name.starts_with(char::is_alphabetic) && !name.contains(['"', ',', '{', '[']))
    };
    let is_setting = |line: &str| line.split_once('=').is_some_and(|(name, _)| !name.trim().is_empty());
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with([';', '#']));
    let mut lines = lines.take(LINES).peekable();
    if !lines.peek().is_some_and(|line| is_section(line)) {
        return Ok(());
    }
    let (mut all, mut settings) = (0_u64, 0_u64);
    for line in lines.filter(|line| !is_section(line)) {
        all += 1;
        settings += u64::from(is_setting(line));
    }
    if settings == 0 || settings * 2 <= all {
        return Ok(());
    }
    Err(unrecognised(input, "it holds settings in sections, as INI and TOML do, and no records"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_brackets_are_no_rows() {
        for (text, wanted) in [
            ("[\"a\",\"b\"]\n[\"c\",\"d\"]\n", true),
            ("// c, d\n{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n", true),
            ("order::{id:1,v:2}\norder::{id:3,v:4}", true),
            ("{'id':1,v:2},\n{'id':3,v:4}", true),
            ("id,doc\n1,{\"a\":1}\n2,{\"a\":2}\n", false),
            ("[2024-01-02],a\n[2024-01-03],b\n", false),
            ("{x},a\n{y},b\n", false),
            ("", false),
        ] {
            assert_eq!(is_bracketed(text.as_bytes()), wanted, "{text}");
        }
    }
}
