//! Ways to take a sample apart, and the one that fits best.

use crate::csv::scan::{Dialect, Field, Scan, scan};
use crate::options::CsvOptions;

/// The separators that Glue's built-in classifier tries.
pub(super) const DELIMITERS: [u8; 5] = [b',', b'|', b'\t', b';', 1];
/// A share of this many records must have the usual number of fields.
pub(super) const MIN_CONSISTENCY: f64 = 0.7;

/// A way to read the sample, and how well it fits.
pub(super) struct Candidate {
    pub(super) options: CsvOptions,
    /// Share of records with `width` fields.
    pub(super) consistency: f64,
    pub(super) width: usize,
    pub(super) records: usize,
    pub(super) quoted: bool,
    /// Quoted fields with text between their closing quote and the separator: more likely, that was no closing quote.
    pub(super) stray: usize,
    /// Where in the sample the record begins whose quote is never closed.
    pub(super) unclosed: Option<usize>,
    /// Bytes at the sample's start that were not looked at: a line that is no record.
    pub(super) skip: usize,
}

impl Candidate {
    /// Whether its quotes do what quotes are for: they open and close fields, all of them.
    fn is_cleanly_quoted(&self) -> bool {
        self.quoted && self.stray == 0 && self.unclosed.is_none() && self.width >= 2
    }

    fn fits(&self) -> bool {
        self.width >= 2 && self.records >= 2 && self.consistency >= MIN_CONSISTENCY && self.unclosed.is_none()
    }
}

pub(super) fn best_candidate(sample: &[u8], complete: bool, comment: Option<u8>) -> Option<Candidate> {
    best_of(candidates(sample, complete, comment).filter(Candidate::fits))
}

/// The best candidate with this separator.
pub(super) fn best_with(sample: &[u8], complete: bool, delimiter: u8) -> Option<Candidate> {
    best_of(of(sample, complete, None, &[delimiter]).filter(Candidate::fits))
}

/// The candidate that comes closest, when none fits.
pub(super) fn nearest(sample: &[u8], complete: bool) -> Option<Candidate> {
    best_of(candidates(sample, complete, None).filter(|c| c.width >= 2))
}

/// The candidate that comes closest, when all that it finds is one row, whose quotes, if there are any, are quotes.
pub(super) fn only_row(sample: &[u8], complete: bool) -> Option<Candidate> {
    let is_clear = |found: &Candidate| found.is_cleanly_quoted() || !sample.contains(&b'"');
    nearest(sample, complete).filter(|found| found.records == 1 && is_clear(found))
}

/// The most consistent candidate; among equals that with the most columns, of one separator that whose quotes close where
/// fields end, else the first.
pub(super) fn best_of(candidates: impl Iterator<Item = Candidate>) -> Option<Candidate> {
    candidates.reduce(|best, new| {
        let alike = new.consistency > best.consistency - 0.02;
        let better = new.consistency > best.consistency + 0.02
            || if new.options.delimiter == best.options.delimiter {
                alike && new.options.quote == best.options.quote && new.stray < best.stray
            } else {
                alike && new.width > best.width
            };
        if better { new } else { best }
    })
}

/// All ways to take the sample apart. Where quotes read as quotes leave nothing open, there is none that would take them for
/// text with the same separator, nor with another one when they make the whole of one record: it would cut fields in two.
fn candidates(sample: &[u8], complete: bool, comment: Option<u8>) -> impl Iterator<Item = Candidate> {
    of(sample, complete, comment, &DELIMITERS)
}

fn of(
    sample: &[u8],
    complete: bool,
    comment: Option<u8>,
    delimiters: &[u8],
) -> impl Iterator<Item = Candidate> {
    let all: Vec<Candidate> = every(sample, complete, comment, delimiters).collect();
    let clean = all.iter().filter(|candidate| candidate.is_cleanly_quoted());
    let clean: Vec<(u8, usize)> = clean.map(|found| (found.options.delimiter, found.records)).collect();
    all.into_iter().filter(move |candidate| {
        let options = &candidate.options;
        candidate.is_cleanly_quoted()
            || !clean.iter().any(|(delimiter, records)| {
                (*delimiter == options.delimiter && options.quote.is_none())
                    || (*records == 1 && candidate.records > 1)
            })
    })
}

fn every(
    sample: &[u8],
    complete: bool,
    comment: Option<u8>,
    delimiters: &[u8],
) -> impl Iterator<Item = Candidate> {
    let quotes = sample.contains(&b'"');
    let escapes = sample.contains(&b'\\');
    let dialects = [(Some(b'"'), None), (Some(b'"'), Some(b'\\')), (None, None)];
    delimiters.iter().copied().filter(|d| sample.contains(d)).flat_map(move |delimiter| {
        let usable = dialects.into_iter().filter(move |(quote, escape): &(Option<u8>, Option<u8>)| {
            (quote.is_none() || quotes) && (escape.is_none() || escapes)
        });
        usable.map(move |(quote, escape)| {
            let base = CsvOptions::open_csv(Vec::new());
            let options =
                CsvOptions { delimiter, quote, escape, comment, multiline: quote.is_some(), ..base };
            measure_padded(sample, complete, options)
        })
    })
}

/// The same, where quotes behind blanks that do not close where fields end are text.
pub(super) fn measure_padded(sample: &[u8], complete: bool, options: CsvOptions) -> Candidate {
    let found = measure(sample, complete, options.clone());
    if found.stray == 0 && found.unclosed.is_none() {
        return found;
    }
    let strict = measure(sample, complete, CsvOptions { pads_quotes: false, ..options });
    if strict.quoted { found } else { strict }
}

pub(super) fn measure(sample: &[u8], complete: bool, options: CsvOptions) -> Candidate {
    let mut widths: Vec<usize> = Vec::new();
    let mut quoted = false;
    let mut stray = 0;
    let mut unclosed = None;
    let end = each_record(sample, complete, &options, |_, fields| match fields {
        Some(fields) => {
            quoted |= fields.iter().any(|f| f.quoted);
            stray += fields.iter().filter(|f| f.stray).count();
            widths.push(fields.len());
        }
        None => unclosed = Some(()),
    });
    let unclosed = unclosed.map(|()| end);
    let mut sorted = widths.clone();
    sorted.sort_unstable();
    let (mut width, mut count) = (0, 0);
    for group in sorted.chunk_by(|a, b| a == b) {
        if group.len() >= count {
            (width, count) = (group[0], group.len());
        }
    }
    let consistency = count as f64 / widths.len().max(1) as f64;
    Candidate { options, consistency, width, records: widths.len(), quoted, stray, unclosed, skip: 0 }
}

/// Calls `each` for every whole record that is not a blank line; with `None` where a quote is never closed.
pub(super) fn each_record(
    sample: &[u8],
    complete: bool,
    options: &CsvOptions,
    mut each: impl FnMut(&[u8], Option<&[Field]>),
) -> usize {
    let dialect = Dialect::new(options);
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let window = &sample[at..];
        match scan(&dialect, window, complete, &mut fields) {
            Scan::Record { len, .. } => {
                if !(fields.len() == 1 && fields[0].span(window).trim_ascii().is_empty()) {
                    each(window, Some(&fields));
                }
                at += len;
            }
            Scan::Comment { len } => at += len,
            Scan::OpenQuote => {
                each(window, None);
                return at;
            }
            Scan::More | Scan::End => return at,
        }
    }
}
