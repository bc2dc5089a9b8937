//! Lines that look like fields of fixed width. A crawl does not cut them (where one field ends and the next begins is seen only
//! where blanks stand between them), but says how a table of them is made.

/// Lines that are looked at.
const MAX_LINES: usize = 1000;
/// So few lines can have a blank at the same place by chance, when they are not all of one length.
const FEW_LINES: usize = 8;
const MIN_LINES: usize = 3;
/// Longer lines are documents.
const MAX_CHARACTERS: usize = 4096;

/// What to do about such lines; `None` for others.
pub(super) fn hint(sample: &[u8], complete: bool) -> Option<String> {
    let lines = lines(sample, complete)?;
    let longest = lines.iter().map(Vec::len).max()?;
    if lines.len() < MIN_LINES || !(2..=MAX_CHARACTERS).contains(&longest) {
        return None;
    }
    let even = lines.iter().all(|line| line.len() == longest);
    let starts = starts(&lines, longest);
    let wide = |at: &usize| *at > 1 && is_blank(&lines, at - 2);
    if !even && (starts.is_empty() || (lines.len() < FEW_LINES && !starts.iter().any(wide))) {
        return None;
    }
    Some(format!("{}{}", advice(&widths(starts, longest)), header(&lines)))
}

fn advice(widths: &[usize]) -> String {
    if let [all] = widths {
        return format!(
            "Its lines all have {all} characters: if their fields have a width each, make a table by hand with the SerDe \
             tenon.FixedWidthSerDe, with widths = the characters of each column"
        );
    }
    let widths: Vec<String> = widths.iter().map(ToString::to_string).collect();
    format!(
        "Its lines look like fields of fixed width: make a table by hand with the SerDe tenon.FixedWidthSerDe, with a width \
         for each column (by the blanks between them, widths = {})",
        widths.join(",")
    )
}

/// What to do about a header, which may be the first line: the only one without digits.
fn header(lines: &[Vec<char>]) -> &'static str {
    let digits = |line: &Vec<char>| line.iter().any(char::is_ascii_digit);
    match lines.split_first() {
        Some((first, rest)) if !digits(first) && rest.iter().all(digits) => {
            ", and skip.header.line.count = 1, because its first line is a header: without it a query reads that line as a \
             record"
        }
        _ => ", and skip.header.line.count = 1 if its first line is a header",
    }
}

/// The whole lines, without blanks at their ends and without empty ones. `None` when they are not UTF-8.
fn lines(sample: &[u8], complete: bool) -> Option<Vec<Vec<char>>> {
    let end = if complete { sample.len() } else { memchr::memrchr(b'\n', sample)? };
    let text = std::str::from_utf8(&sample[..end]).ok()?;
    let text = text.lines().filter(|line| !line.trim().is_empty()).take(MAX_LINES);
    let mut lines: Vec<Vec<char>> = text.map(|line| line.trim_end_matches('\r').chars().collect()).collect();
    let longest = lines.iter().map(Vec::len).max()?;
    if !lines.iter().all(|line| line.len() == longest) {
        for line in &mut lines {
            let kept = line.iter().rposition(|c| *c != ' ').map_or(0, |at| at + 1);
            line.truncate(kept);
        }
    }
    Some(lines)
}

fn is_blank(lines: &[Vec<char>], at: usize) -> bool {
    lines.iter().all(|line| line.get(at).is_none_or(|c| *c == ' '))
}

/// Where fields begin but the first: behind blanks that all lines have, as far as most lines reach.
fn starts(lines: &[Vec<char>], longest: usize) -> Vec<usize> {
    // Blanks in front of the first field are its own.
    let first = (0..longest).find(|at| !is_blank(lines, *at)).unwrap_or(longest);
    let reached = |at: usize| 2 * lines.iter().filter(|line| line.len() > at).count() >= lines.len();
    let begins = |at: &usize| is_blank(lines, at - 1) && !is_blank(lines, *at) && reached(*at);
    (first + 1..longest).filter(begins).collect()
}

/// The characters from the beginning of one field to that of the next.
fn widths(mut starts: Vec<usize>, longest: usize) -> Vec<usize> {
    starts.insert(0, 0);
    let ends = starts.iter().skip(1).copied().chain([longest]);
    starts.iter().zip(ends).map(|(begin, end)| end - begin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_seen_by_the_blanks_between_them() {
        let said = |text: &str| hint(text.as_bytes(), true);
        let table =
            "ID   NAME     PRICE\n0001 Alice    12.50\n0002 Bob       3.00\n0003 Zo\u{eb} M.    0.10\n";
        let found = said(table).unwrap();
        assert!(
            found.contains("widths = 5,9,5") && found.contains("because its first line is a header"),
            "{found}"
        );
        let found = said("0001ALICE12.5\n0002BOBBY13.0\n0003CAROL10.1\n").unwrap();
        assert!(
            found.contains("all have 13 characters") && found.contains("if its first line is a header"),
            "{found}"
        );
        let ragged: String = (0..9).map(|n| format!("{n}  {}\n", "x".repeat(n + 1))).collect();
        assert!(said(&ragged).unwrap().contains("widths = 3,9"));
        for other in [
            "a b\nc\n",
            "one\ntwo words\nthree\n",
            "",
            "a\nb\nc\n",
            "some words\nof prose that\ngo on\n",
            "a\nb\nc\nd  of some length  e\n",
        ] {
            assert_eq!(said(other), None, "{other}");
        }
        assert_eq!(hint(b"\xff\xfe\n", true), None);
    }
}
