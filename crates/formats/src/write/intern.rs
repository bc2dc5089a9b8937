//! Numbers values in the order in which they first appear: the entries of dictionaries, the partitions of an output.
//!
//! Open addressing over plain vectors, no allocation per value. The hashes are seeded, so that no input can be made up
//! whose values all collide.

use std::hash::{BuildHasher, RandomState};

use crate::builder::value::word;

/// Slots of an empty table.
const FEWEST_SLOTS: usize = 256;

fn seed() -> u64 {
    RandomState::new().hash_one(0u64)
}

#[inline]
fn mix(value: u64) -> u64 {
    let wide = u128::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    (wide as u64) ^ (wide >> 64) as u64
}

#[inline]
fn hash(bytes: &[u8], seed: u64) -> u64 {
    let mut state = mix(seed ^ bytes.len() as u64);
    let Some(last) = bytes.last_chunk::<8>() else { return mix(state ^ word(bytes)) };
    for word in bytes.as_chunks::<8>().0 {
        state = mix(state ^ u64::from_le_bytes(*word));
    }
    // Some of these bytes a second time: cheaper than to look how many are left.
    mix(state ^ u64::from_le_bytes(*last))
}

/// Whether two values are the same. Short ones, as most are, are compared without a call.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        0..=8 => word(one) == word(other),
        9..=16 => word(one) == word(other) && one.last_chunk::<8>() == other.last_chunk::<8>(),
        _ => one == other,
    }
}

/// Where values are: in each slot, 0 or the number of a value and one.
struct Slots {
    slots: Vec<u32>,
    /// What a hash is shifted by to be a slot.
    shift: u32,
}

impl Slots {
    fn new(count: usize) -> Self {
        Self { slots: vec![0; count], shift: 64 - count.trailing_zeros() }
    }

    /// The value with this hash that `is_it` knows, or the free slot for it.
    #[inline]
    fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Result<u32, usize> {
        let mut at = (hash >> self.shift) as usize;
        loop {
            match self.slots[at] {
                0 => return Err(at),
                found if is_it(found as usize - 1) => return Ok(found - 1),
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }

    /// Whether so many values want more room.
    fn is_tight(&self, values: usize) -> bool {
        values * 2 > self.slots.len()
    }

    /// The same values in twice the slots.
    fn grown(&self, hashes: impl Iterator<Item = u64>) -> Self {
        let mut grown = Self::new(self.slots.len() * 2);
        for (code, hash) in (0..).zip(hashes) {
            if let Err(free) = grown.find(hash, |_| false) {
                grown.slots[free] = code + 1;
            }
        }
        grown
    }
}

/// Numbers of up to 64 bits.
pub(super) struct Numbers {
    keys: Vec<u64>,
    slots: Slots,
    seed: u64,
}

impl Numbers {
    pub(super) fn new() -> Self {
        Self { keys: Vec::new(), slots: Slots::new(FEWEST_SLOTS), seed: seed() }
    }

    /// The number of `key`.
    #[inline]
    pub(super) fn code(&mut self, key: u64) -> u32 {
        let keys = &self.keys;
        match self.slots.find(mix(key ^ self.seed), |at| keys[at] == key) {
            Ok(code) => code,
            Err(free) => self.insert(key, free),
        }
    }

    fn insert(&mut self, key: u64, free: usize) -> u32 {
        self.keys.push(key);
        let count = self.keys.len() as u32;
        self.slots.slots[free] = count;
        if self.slots.is_tight(self.keys.len()) {
            let seed = self.seed;
            self.slots = self.slots.grown(self.keys.iter().map(|key| mix(key ^ seed)));
        }
        count - 1
    }

    /// The values, by their numbers.
    pub(super) fn keys(&self) -> &[u64] {
        &self.keys
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.keys.capacity() * size_of::<u64>() + self.slots.slots.len() * size_of::<u32>()
    }
}

/// Values of bytes.
pub(super) struct Texts {
    data: Vec<u8>,
    /// Where each value ends, and its hash.
    ends: Vec<(usize, u64)>,
    slots: Slots,
    seed: u64,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self { data: Vec::new(), ends: Vec::new(), slots: Slots::new(FEWEST_SLOTS), seed: seed() }
    }

    /// The number of `key`.
    #[inline]
    pub(super) fn code(&mut self, key: &[u8]) -> u32 {
        let hash = hash(key, self.seed);
        let known = |at: usize| self.ends[at].1 == hash && same(self.key(at), key);
        match self.slots.find(hash, known) {
            Ok(code) => code,
            Err(free) => self.insert(key, hash, free),
        }
    }

    fn insert(&mut self, key: &[u8], hash: u64, free: usize) -> u32 {
        self.data.extend_from_slice(key);
        self.ends.push((self.data.len(), hash));
        let count = self.ends.len() as u32;
        self.slots.slots[free] = count;
        if self.slots.is_tight(self.ends.len()) {
            self.slots = self.slots.grown(self.ends.iter().map(|(_, hash)| *hash));
        }
        count - 1
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The value of a number.
    pub(super) fn key(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before].0);
        &self.data[start..self.ends[at].0]
    }

    /// Bytes of all values.
    pub(super) fn data_bytes(&self) -> usize {
        self.data.len()
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let each = size_of::<(usize, u64)>();
        self.data.capacity() + self.ends.capacity() * each + self.slots.slots.len() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_first_appearance() {
        let mut numbers = Numbers::new();
        let codes: Vec<u32> = (0..10_000u64).map(|n| numbers.code(n * n % 977 + ((n % 3) << 60))).collect();
        for (n, code) in (0..10_000u64).zip(&codes) {
            assert_eq!(numbers.keys()[*code as usize], n * n % 977 + ((n % 3) << 60));
        }
        let mut seen = 0;
        for code in codes {
            assert!(code <= seen);
            seen = seen.max(code + 1);
        }
        assert_eq!(seen as usize, numbers.keys().len());
    }

    #[test]
    fn texts_of_all_lengths() {
        let mut texts = Texts::new();
        let made: Vec<String> = (0..3000).map(|n| "x".repeat(n % 40) + &(n % 700).to_string()).collect();
        let codes: Vec<u32> = made.iter().map(|text| texts.code(text.as_bytes())).collect();
        for (text, code) in made.iter().zip(codes) {
            assert_eq!(texts.key(code as usize), text.as_bytes());
            assert_eq!(texts.code(text.as_bytes()), code);
        }
        assert_eq!(texts.code(b""), texts.len() as u32 - 1);
    }
}
