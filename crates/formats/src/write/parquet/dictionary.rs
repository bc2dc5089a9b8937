//! The dictionary of one column chunk: which values it has, and whether it is worth having.
//!
//! A dictionary of values that hardly repeat is given up after the first page, one that grows too large when it does.
//! Pages from then on are plain, those before refer to the entries they were written with. A chunk of a single page has a
//! dictionary if the two are smaller than the plain page.

use parquet::basic::Type;

use super::{hybrid, page};
use crate::write::distinct::{LEAST, PERCENT, SAMPLE};
use crate::write::intern::{Numbers, Texts};

/// Values by which a chunk of one page is judged: there are no later ones in which they could be found again.
const LEAST_OF_ONE_PAGE: usize = 512;
/// The largest dictionary, as a plain page.
const MAX_BYTES: usize = 1 << 20;

pub(super) struct Dictionary {
    entries: Entries,
    /// Entries that written pages refer to.
    used: usize,
    is_open: bool,
}

enum Entries {
    Words(Numbers),
    LongWords(Numbers),
    Texts(Texts),
}

impl Dictionary {
    /// For values of this type; flags have none.
    pub(super) fn new(physical: Type) -> Option<Self> {
        let entries = match physical {
            Type::INT32 | Type::FLOAT => Entries::Words(Numbers::new()),
            Type::INT64 | Type::DOUBLE => Entries::LongWords(Numbers::new()),
            Type::BYTE_ARRAY => Entries::Texts(Texts::new()),
            Type::BOOLEAN | Type::INT96 | Type::FIXED_LEN_BYTE_ARRAY => return None,
        };
        Some(Self { entries, used: 0, is_open: true })
    }

    /// Whether no page was encoded yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.is_open && self.used == 0
    }

    /// All pages are to be plain from now on.
    pub(super) fn give_up(&mut self) {
        self.is_open = false;
    }

    /// Gives the codes of a page of plain values, the chunk's last one or not; false when the page is to be plain.
    pub(super) fn encode(&mut self, plain: &[u8], is_last: bool, codes: &mut Vec<u32>) -> bool {
        codes.clear();
        if !self.is_open {
            return false;
        }
        let judge = match (self.used, is_last) {
            (0, true) => Some(LEAST_OF_ONE_PAGE),
            (0, false) => Some(LEAST),
            _ => None,
        };
        let is_worth = match &mut self.entries {
            Entries::Words(numbers) => {
                let values =
                    plain.as_chunks::<4>().0.iter().map(|value| u64::from(u32::from_le_bytes(*value)));
                add(values, judge, codes, |value| numbers.code(value))
            }
            Entries::LongWords(numbers) => {
                let values = plain.as_chunks::<8>().0.iter().map(|value| u64::from_le_bytes(*value));
                add(values, judge, codes, |value| numbers.code(value))
            }
            Entries::Texts(texts) => add(page::texts(plain), judge, codes, |value| texts.code(value)),
        };
        let bytes = self.plain_bytes();
        let is_smaller = || {
            let width = hybrid::width_of(self.len().saturating_sub(1) as u32);
            bytes + codes.len() * usize::from(width) / 8 < plain.len()
        };
        let is_whole = is_last && self.used == 0;
        self.is_open = is_worth && bytes <= MAX_BYTES && (!is_whole || is_smaller());
        if self.is_open {
            self.used = self.len();
        }
        self.is_open
    }

    /// Bytes of all entries as a plain page.
    pub(super) fn plain_bytes(&self) -> usize {
        match &self.entries {
            Entries::Words(numbers) => numbers.keys().len() * size_of::<u32>(),
            Entries::LongWords(numbers) => size_of_val(numbers.keys()),
            Entries::Texts(texts) => texts.data_bytes() + texts.len() * page::LENGTH_BYTES,
        }
    }

    fn len(&self) -> usize {
        match &self.entries {
            Entries::Words(numbers) | Entries::LongWords(numbers) => numbers.keys().len(),
            Entries::Texts(texts) => texts.len(),
        }
    }

    /// The largest code of written pages.
    pub(super) fn max_code(&self) -> u32 {
        self.used.saturating_sub(1) as u32
    }

    /// The entries that written pages refer to, as a plain page, and how many they are; nothing when there are none.
    pub(super) fn plain(&self) -> Option<(Vec<u8>, usize)> {
        if self.used == 0 {
            return None;
        }
        let plain = match &self.entries {
            Entries::Words(numbers) => {
                numbers.keys()[..self.used].iter().flat_map(|key| (*key as u32).to_le_bytes()).collect()
            }
            Entries::LongWords(numbers) => {
                numbers.keys()[..self.used].iter().flat_map(|key| key.to_le_bytes()).collect()
            }
            Entries::Texts(texts) => {
                let mut plain = Vec::new();
                for entry in 0..self.used {
                    page::push_text(&mut plain, texts.key(entry));
                }
                plain
            }
        };
        Some((plain, self.used))
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        match &self.entries {
            Entries::Words(numbers) | Entries::LongWords(numbers) => numbers.bytes(),
            Entries::Texts(texts) => texts.bytes(),
        }
    }
}

/// Appends the codes of all values; of values that hardly repeat, if that is to be judged by so many at least, only some: false.
fn add<T>(
    mut values: impl Iterator<Item = T>,
    judge: Option<usize>,
    codes: &mut Vec<u32>,
    mut code: impl FnMut(T) -> u32,
) -> bool {
    if let Some(least) = judge {
        codes.extend(values.by_ref().take(if least < LEAST { least } else { SAMPLE }).map(&mut code));
        let distinct = codes.iter().max().map_or(0, |max| *max as usize + 1);
        if codes.len() >= least && distinct * 100 >= codes.len() * PERCENT {
            return false;
        }
    }
    codes.extend(values.map(code));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longs(values: impl Iterator<Item = u64>) -> Vec<u8> {
        values.flat_map(u64::to_le_bytes).collect()
    }

    #[test]
    fn what_repeats_and_what_does_not() {
        let mut codes = Vec::new();
        let mut repeats = Dictionary::new(Type::INT64).unwrap();
        assert!(repeats.encode(&longs((0..20_000).map(|n| n % 1000)), false, &mut codes));
        assert_eq!((codes.len(), codes[1001], repeats.max_code()), (20_000, 1, 999));
        let (plain, entries) = repeats.plain().unwrap();
        assert_eq!((plain, entries), (longs(0..1000), 1000));
        let mut differs = Dictionary::new(Type::INT64).unwrap();
        assert!(!differs.encode(&longs(0..20_000), false, &mut codes));
        assert!(!differs.encode(&longs((0..20_000).map(|n| n % 1000)), false, &mut codes));
        assert!(differs.plain().is_none());
    }

    #[test]
    fn too_large_a_dictionary_keeps_what_was_used() {
        let mut codes = Vec::new();
        let mut grows = Dictionary::new(Type::INT64).unwrap();
        assert!(grows.encode(&longs((0..100).chain(0..100)), false, &mut codes));
        assert!(!grows.encode(&longs(0..MAX_BYTES as u64), false, &mut codes));
        assert_eq!(grows.plain().unwrap().1, 100);
    }

    #[test]
    fn one_page_has_a_dictionary_if_it_is_smaller_with_it() {
        let mut codes = Vec::new();
        let mut encode = |values: &mut dyn Iterator<Item = u64>| {
            let mut dictionary = Dictionary::new(Type::INT64).unwrap();
            assert!(dictionary.is_fresh());
            dictionary.encode(&longs(values), true, &mut codes).then_some(codes.len())
        };
        assert_eq!(encode(&mut (0..300)), None);
        assert_eq!(encode(&mut (0..3000)), None);
        // Nine bits and a little less than the value itself for each …
        assert_eq!(encode(&mut (0..400).map(|n| n * 7 % 370)), None);
        // … and half of it.
        assert_eq!(encode(&mut (0..400).map(|n| n % 200)), Some(400));
        assert_eq!(encode(&mut (0..2).map(|_| 1)), Some(2));
    }
}
