//! Prose: commas divide its lines as if they were columns.
//!
//! Data that somebody writes by hand may look much like it: reviews, addresses, lists of things with a description each. All of
//! the following must therefore speak for sentences, and a CSV classifier can overrule it. A comma (or semicolon) stands as in
//! a text, with a space behind and none in front; what follows it mostly begins in lower case; what precedes it is several
//! words, that are not all capitalised as names are, and never the same; sentences begin where the line before has ended
//! one, and lines that go on with a sentence begin in lower case; and the first line that is divided is like the others, so
//! that it is no header. Nothing is quoted.

use std::collections::HashSet;

use super::candidate::Candidate;

/// So many lines are looked at.
const LINES: usize = 1_000;
/// Fewer tell nothing.
const MIN_LINES: usize = 3;
/// Words of a line of prose, on average.
const MIN_WORDS: usize = 5;

/// Whether what the candidate takes apart is prose.
pub(super) fn is_prose(sample: &[u8], best: &Candidate) -> bool {
    let delimiter = char::from(best.options.delimiter);
    if best.quoted || !matches!(delimiter, ',' | ';') {
        return false;
    }
    if is_letter(sample, delimiter) {
        return true;
    }
    let mut lines = sample.split(|byte| *byte == b'\n').map(String::from_utf8_lossy);
    let mut seen = Sentences { delimiter, ..Sentences::default() };
    for line in lines.by_ref().take(LINES) {
        let line = line.trim();
        if !line.is_empty() && !seen.take(line) {
            return false;
        }
    }
    seen.are_prose()
}

/// So long a line may be with which somebody is addressed.
const ADDRESS_WORDS: usize = 6;
/// Letters of more lines are told by their sentences.
const LETTER_LINES: usize = 60;

/// Whether the text is a letter, however short: the first line is a few words with a comma behind and nothing else (`Dear Ann,`),
/// commas stand as in a text in all others, a sentence ends somewhere, and nothing is a number.
fn is_letter(sample: &[u8], delimiter: char) -> bool {
    let text = String::from_utf8_lossy(sample);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(address) = lines.next().and_then(|line| line.strip_suffix(',')) else { return false };
    let is_address = delimiter == ','
        && !address.contains(',')
        && (1..=ADDRESS_WORDS).contains(&words(address).count())
        && address.chars().all(|c| c.is_alphabetic() || c.is_whitespace() || matches!(c, '.' | '\'' | '-'));
    if !is_address {
        return false;
    }
    let (mut count, mut ended) = (0, false);
    for line in lines {
        count += 1;
        ended |= holds_end(line) && words(line).count() >= 3;
        let stand_well = line.split(',').skip(1).all(|part| part.is_empty() || part.starts_with(' '));
        let has_number = line.split(',').any(|part| part.trim().parse::<f64>().is_ok());
        if !stand_well || line.contains(" ,") || has_number || count > LETTER_LINES {
            return false;
        }
    }
    ended
}

/// What lines have been so far.
#[derive(Default)]
struct Sentences {
    delimiter: char,
    lines: usize,
    words: usize,
    /// Lines whose separators do not stand as in a text.
    misplaced: usize,
    /// Lines that are divided, and what they begin with.
    divided: usize,
    beginnings: HashSet<String>,
    /// Of these, beginnings with a word in lower case behind the first; words of all.
    worded: usize,
    words_in_front: usize,
    /// What stands behind separators; how much of it begins in lower case.
    behind: usize,
    lower_behind: usize,
    /// Borders between lines; how many of them are such as sentences have.
    borders: usize,
    sensible: usize,
    /// Lines with the end of a sentence.
    ended: usize,
    /// Whether the line before ended one, and whether it is the first that is divided.
    before: Option<(bool, bool)>,
}

impl Sentences {
    /// Takes in a line; false when it is clear that this is no prose.
    fn take(&mut self, line: &str) -> bool {
        if let Some((ended, is_first)) = self.before {
            let is_sensible = goes_on(ended, line);
            // Titles are no sentences.
            if self.divided > 0 {
                self.borders += 1;
                self.sensible += usize::from(is_sensible);
            }
            if is_first && !is_sensible {
                return false;
            }
        }
        self.lines += 1;
        self.words += words(line).count();
        self.ended += usize::from(holds_end(line));
        let is_first = self.divided == 0 && line.contains(self.delimiter);
        if let Some((front, behind)) = line.split_once(self.delimiter) {
            self.divide(front, behind);
        }
        self.before = Some((ends(line), is_first));
        // Data has no spaces there at all.
        self.misplaced * 20 <= self.lines || self.lines < MIN_LINES
    }

    fn divide(&mut self, front: &str, behind: &str) {
        self.divided += 1;
        self.words_in_front += words(front).count();
        self.worded += usize::from(words(front).skip(1).any(|word| word.starts_with(char::is_lowercase)));
        self.beginnings.insert(front.to_owned());
        let mut in_front = front;
        let mut is_misplaced = false;
        for part in behind.split(self.delimiter) {
            let is_apart = part.is_empty() || (part.starts_with(' ') && !part.starts_with("  "));
            is_misplaced |= in_front.ends_with(char::is_whitespace) || !is_apart;
            if !part.is_empty() {
                self.behind += 1;
                self.lower_behind += usize::from(part.trim().starts_with(char::is_lowercase));
            }
            in_front = part;
        }
        self.misplaced += usize::from(is_misplaced);
    }

    fn are_prose(&self) -> bool {
        let share = |part: usize, of: usize, percent: usize| part * 100 >= of * percent;
        self.lines >= MIN_LINES
            && self.words >= MIN_WORDS * self.lines
            && self.misplaced * 20 <= self.lines
            && self.words_in_front >= 2 * self.divided
            && share(self.worded, self.divided, 50)
            && share(self.beginnings.len(), self.divided, 90)
            && share(self.lower_behind, self.behind, 60)
            && share(self.sensible, self.borders, 80)
            && share(self.ended, self.lines, 30)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| word.contains(char::is_alphabetic))
}

/// Whether a line goes on as the one before it leaves off.
fn goes_on(ended: bool, line: &str) -> bool {
    let first = line.chars().find(|c| !is_mark(*c));
    first.is_some_and(|first| first.is_alphabetic() && first.is_lowercase() != ended)
}

/// What may stand around a sentence.
fn is_mark(c: char) -> bool {
    const MARKS: &str = "\"'()[]“”„‘’«»—–-*_";
    MARKS.contains(c)
}

/// Whether a sentence ends with the line.
fn ends(line: &str) -> bool {
    line.trim_end_matches(is_mark).ends_with(is_end)
}

fn is_end(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | ':' | '。' | '！' | '？')
}

/// Whether a sentence ends in the line.
fn holds_end(line: &str) -> bool {
    line.split_whitespace().any(ends)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::executor::block_on;

    use crate::error::FormatError;
    use crate::infer::{InferOptions, Inferred, infer};
    use crate::source::MemorySource;

    fn inferred(text: &str) -> Result<Inferred, FormatError> {
        let source = Arc::new(MemorySource::new("f", text.as_bytes().to_vec()));
        block_on(infer(source, &InferOptions::default()))
    }

    #[test]
    fn prose_is_refused() {
        for text in [
            "When I went home, it was late.\nThe dog, which was brown, barked.\nShe said hello, and then left the room.\n\
             We ran away from there, we hid.\n",
            "My summer\n\nIn the morning we got up, and the sun was shining.\nMy brother was five, and he was still asleep.\n\
             After breakfast we took the train, which was late again.\nThe sea was cold, but nobody minded it.\n",
            "It was late when the old man came home, and his\nwife had gone to bed. He lit a candle, sat down at the\n\
             table and began to read, as he did every evening. The\nwind was howling, the rain beat on the roof.\n",
            "Als ich nach Hause kam, war es spät.\nDer Hund hatte schon gefressen, er schlief.\n\
             Meine Mutter fragte mich, wo ich gewesen sei.\nIm Wald, sagte ich mit leiser Stimme.\n",
            "Dear Ann,\nI am well, and you?\nYours, Bob\n",
            "Hello Bob,\n\nI came home late, and the dog was ill.\nSee you, Ann\n",
            "Liebe Oma,\ndanke für das Paket, es kam gestern an.\nDein Jan, auch im Namen der anderen\n",
        ] {
            let error = inferred(text).unwrap_err();
            assert!(error.to_string().contains("prose"), "{error}");
        }
    }

    #[test]
    fn data_of_text_is_not() {
        for text in [
            "name, comment\nAnn Smith, liked the product very much.\nBob Jones, it broke after two days.\n\
             Cyd Brown, would buy it again.\nDan White, not what was in the picture.\n",
            "Ann Smith, liked the product very much.\nBob Jones, it broke after two days.\n\
             Cyd Brown, would buy it again at once.\nDan White, not what was in the picture.\n",
            "very good,i liked it.\nnot so good,it broke at once.\nas expected,nothing to add.\nfine for me,no more words.\n",
            "The large blue shirt,soft and nice to wear.\nThe small red coat,warm and heavy.\nThe old hat,has seen better days.\n",
            "12 Main Street, Springfield\n7 Oak Avenue, Shelbyville\n1 Elm Road, Ogdenville\n9 Long Lane, North Haverbrook\n",
            "positive, i really liked this film.\nnegative, the plot was much too thin.\npositive, what a wonderful evening.\n\
             negative, we left before the end.\n",
            "apple pie with cream, sweet and good\nbread with butter, plain but tasty\nsoup of the day, hot and salty\n",
            "Where is the station?, Wo ist der Bahnhof?\nHow old are you?, Wie alt bist du?\nWhat is this called?, Wie heisst das?\n",
            "city, country\nthe old town of Bath, england\nthe port of Brest, france\nthe lake of Como, italy\n",
            "2 cups of all-purpose flour, sifted and levelled.\n1 cup of sugar, brown or white.\n3 eggs from the farm, well beaten.\n\
             4 spoons of butter, melted and cooled down.\n",
            "name,\nAnn Smith,liked it.\nBob Jones,it broke.\n",
            "city,\nBath, 3\nBrest, 4. and more to come.\n",
            "1, When I went home it was late.\n2, The dog barked at the moon.\n3, She said hello and left the room.\n",
        ] {
            let found = inferred(text).unwrap();
            assert_eq!(found.fields.len(), 2, "{text}");
        }
    }
}
