//! Where the fields of a block of text begin, found 64 bytes at a time.

/// Bytes looked at in one step.
const STEP: usize = 64;

/// The fields of a block's whole records.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Where each field begins, and where one behind the last would: a field ends one byte before the next begins.
    starts: Vec<u32>,
    /// For each record, how many fields there are up to its end.
    fields: Vec<u32>,
}

impl Index {
    /// Finds the fields of up to `most` records that end within `text`, which has no quotes or escapes.
    pub(super) fn find(&mut self, text: &[u8], delimiter: u8, most: usize) {
        self.starts.clear();
        self.fields.clear();
        self.starts.push(0);
        match wide::is_possible() {
            true => wide::find(self, text, delimiter, most),
            false => self.find_by(text, delimiter, most, matches),
        }
    }

    /// `matches` gives a bit for each byte that is wanted, the first one lowest.
    #[inline(always)]
    fn find_by(&mut self, text: &[u8], delimiter: u8, most: usize, matches: impl Fn(&[u8; STEP], u8) -> u64) {
        let (steps, rest) = text.as_chunks::<STEP>();
        for (number, step) in steps.iter().enumerate() {
            if self.fields.len() >= most {
                return;
            }
            let breaks = matches(step, b'\n');
            self.add(number * STEP, matches(step, delimiter) | breaks, breaks);
        }
        let mut last = [0; STEP];
        last[..rest.len()].copy_from_slice(rest);
        let known = !(u64::MAX << rest.len());
        let breaks = matches(&last, b'\n') & known;
        self.add(steps.len() * STEP, (matches(&last, delimiter) & known) | breaks, breaks);
    }

    #[inline(always)]
    fn add(&mut self, base: usize, mut ends: u64, breaks: u64) {
        while ends != 0 {
            let at = ends.trailing_zeros();
            self.starts.push((base as u32) + at + 1);
            if breaks >> at & 1 == 1 {
                self.fields.push(self.starts.len() as u32 - 1);
            }
            ends &= ends - 1;
        }
    }

    /// Fields of the first record; `None` without one.
    pub(super) fn width(&self) -> Option<usize> {
        self.fields.first().map(|fields| *fields as usize)
    }

    /// How many records of `width` fields there are in front of one with another number.
    pub(super) fn regular(&self, width: usize) -> usize {
        let is_regular = |(number, fields): &(usize, &u32)| **fields as usize == (number + 1) * width;
        self.fields.iter().enumerate().take_while(is_regular).count()
    }

    /// How many of the first `records`, of `width` fields each, begin before `end`.
    pub(super) fn before(&self, end: u64, width: usize, records: usize) -> usize {
        let starts = (0..records).map(|record| u64::from(self.starts[record * width]));
        // Nearly always all of them.
        match records.checked_sub(1).map(|last| u64::from(self.starts[last * width])) {
            Some(last) if last >= end => starts.take_while(|start| *start < end).count(),
            _ => records,
        }
    }

    /// Bytes of the first `records` of `width` fields.
    pub(super) fn bytes(&self, width: usize, records: usize) -> usize {
        self.starts[records * width] as usize
    }

    /// A field of the text, without what ends it.
    #[inline]
    pub(super) fn field<'t>(&self, text: &'t [u8], field: usize) -> &'t [u8] {
        &text[self.starts[field] as usize..self.starts[field + 1] as usize - 1]
    }
}

/// A bit for each byte that is `wanted`, the first one lowest; eight bytes at a time.
fn matches(step: &[u8; STEP], wanted: u8) -> u64 {
    const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let wanted = u64::from_le_bytes([wanted; 8]);
    step.as_chunks::<8>().0.iter().enumerate().fold(0, |found, (number, word)| {
        let differs = u64::from_le_bytes(*word) ^ wanted;
        // The highest bit of each byte that is the same.
        let same = !(((differs & LOW_BITS) + LOW_BITS) | differs | LOW_BITS);
        found | ((same >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * number)
    })
}

/// Thirty-two bytes at a time, where the processor can.
#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "instructions that not every processor has, used only where it says that it has them"
)]
mod wide {
    use std::arch::x86_64::{_mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8};

    use super::{Index, STEP};

    pub(super) fn is_possible() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1")
    }

    pub(super) fn find(index: &mut Index, text: &[u8], delimiter: u8, most: usize) {
        // SAFETY: the caller has asked `is_possible`.
        unsafe { find_wide(index, text, delimiter, most) }
    }

    #[target_feature(enable = "avx2,bmi1")]
    fn find_wide(index: &mut Index, text: &[u8], delimiter: u8, most: usize) {
        index.find_by(text, delimiter, most, |step: &[u8; STEP], wanted| {
            let wanted = _mm256_set1_epi8(wanted as i8);
            let half = |half: &[u8; STEP / 2]| {
                // SAFETY: the array has the 32 bytes that are loaded, which need not be aligned.
                let bytes = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, wanted)) as u32
            };
            let [low, high] = step.as_chunks::<{ STEP / 2 }>().0 else { return 0 };
            u64::from(half(low)) | u64::from(half(high)) << (STEP / 2)
        });
    }
}

/// Other processors have no such way here.
#[cfg(not(target_arch = "x86_64"))]
mod wide {
    pub(super) fn is_possible() -> bool {
        false
    }

    pub(super) fn find(_: &mut super::Index, _: &[u8], _: u8, _: usize) {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_ways_find_the_same(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let (mut one, mut other) = (Index::default(), Index::default());
            one.find(&text, b',', usize::MAX);
            other.starts.push(0);
            other.find_by(&text, b',', usize::MAX, matches);
            prop_assert_eq!((one.starts, one.fields), (other.starts, other.fields));
        }

        #[test]
        fn finds_what_splitting_finds(text in "[a,\n]{0,300}") {
            let mut index = Index::default();
            index.find(text.as_bytes(), b',', usize::MAX);
            let records: Vec<&str> = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).collect();
            let mut field = 0;
            for (record, fields) in records.iter().zip(&index.fields) {
                for value in record.trim_end_matches('\n').split(',') {
                    prop_assert_eq!(index.field(text.as_bytes(), field), value.as_bytes());
                    field += 1;
                }
                prop_assert_eq!(*fields as usize, field);
            }
            prop_assert_eq!(records.len(), index.fields.len());
        }
    }

    #[test]
    fn regular_records() {
        let text = b"a,b\nc,d\ne,f,g\nh,i\n";
        let mut index = Index::default();
        index.find(text, b',', 100);
        assert_eq!((index.width(), index.regular(2), index.regular(3)), (Some(2), 2, 0));
        assert_eq!((index.bytes(2, 1), index.bytes(2, 2)), (4, 8));
        assert_eq!([0, 1, 4, 5].map(|end| index.before(end, 2, 2)), [0, 1, 1, 2]);
    }
}
