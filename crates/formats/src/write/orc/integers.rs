//! ORC's run length encodings: integers (version 2), bytes and bits.
//!
//! Of the four encodings of integers three are written: repeated values, steps in one direction, and plain bits. The
//! fourth, for runs with a few large values among small ones, is an economy that readers do not need.

/// The most values of a run of integers.
const MAX_RUN: usize = 512;
/// As many equal values in a row are a run by themselves.
const MIN_REPEATS: usize = 6;
const MAX_SHORT_REPEATS: usize = 10;
const MAX_BYTES: usize = 128;
const MAX_REPEATED_BYTES: usize = 130;
const MIN_REPEATED_BYTES: usize = 3;

/// Runs of integers; values that are not `signed` must not be negative.
pub(super) fn integers(values: &[i64], signed: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = values;
    while let Some(first) = rest.first() {
        let repeats = rest.iter().take(MAX_RUN).take_while(|value| *value == first).count();
        let length = if repeats >= MIN_REPEATS { repeats } else { varied(rest) };
        let (run, behind) = rest.split_at(length);
        match repeats {
            MIN_REPEATS..=MAX_SHORT_REPEATS => short_repeat(&mut out, *first, length, signed),
            _ if !steps(&mut out, run, signed) => direct(&mut out, run, signed),
            _ => {}
        }
        rest = behind;
    }
    out
}

/// How many values come before the next repeats, or before the run is full.
fn varied(values: &[i64]) -> usize {
    let mut equal = 1;
    for (at, pair) in values.windows(2).enumerate() {
        equal = if pair[0] == pair[1] { equal + 1 } else { 1 };
        let length = at + 2;
        if equal == MIN_REPEATS {
            return length - MIN_REPEATS;
        }
        if length == MAX_RUN {
            return MAX_RUN;
        }
    }
    values.len()
}

/// The value as it is stored: signed ones with the sign in the lowest bit.
fn stored(value: i64, signed: bool) -> u64 {
    if signed { zigzag(value) } else { value.cast_unsigned() }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn short_repeat(out: &mut Vec<u8>, value: i64, count: usize, signed: bool) {
    let bytes = stored(value, signed).to_be_bytes();
    let zeros = bytes.iter().take(7).take_while(|byte| **byte == 0).count();
    out.push(((7 - zeros) << 3 | (count - 3)) as u8);
    out.extend_from_slice(&bytes[zeros..]);
}

fn direct(out: &mut Vec<u8>, run: &[i64], signed: bool) {
    let widest = run.iter().fold(0, |all, value| all | stored(*value, signed));
    let (width, code) = width_of(widest);
    header(out, 0b01, code, run.len());
    pack(out, run.iter().map(|value| stored(*value, signed)), width);
}

/// Three values and more that only rise, or only fall, and begin to at once, or whose steps are all equal. Otherwise
/// nothing is written, and the answer is no.
fn steps(out: &mut Vec<u8>, run: &[i64], signed: bool) -> bool {
    // The least number has no positive counterpart, which readers take.
    let step = |pair: &[i64]| pair[1].checked_sub(pair[0]).filter(|step| *step != i64::MIN);
    let deltas: Option<Vec<i64>> = run.windows(2).map(step).collect();
    let Some(deltas) = deltas else { return false };
    let Some((first, others)) = deltas.split_first().filter(|(_, others)| !others.is_empty()) else {
        return false;
    };
    let equal = others.iter().all(|delta| delta == first);
    let one_way = (*first > 0 && others.iter().all(|delta| *delta >= 0))
        || (*first < 0 && others.iter().all(|delta| *delta <= 0));
    if !equal && !one_way {
        return false;
    }
    let widest = others.iter().fold(0, |all, delta| all | delta.unsigned_abs());
    // The code of one bit says here that all steps are equal.
    let (width, code) = if equal { (0, 0) } else { width_of(widest.max(2)) };
    header(out, 0b11, code, run.len());
    varint(out, stored(run[0], signed));
    varint(out, zigzag(*first));
    if !equal {
        pack(out, others.iter().map(|delta| delta.unsigned_abs()), width);
    }
    true
}

fn header(out: &mut Vec<u8>, kind: u8, code: u8, length: usize) {
    let length = length - 1;
    out.push(kind << 6 | code << 1 | (length >> 8) as u8);
    out.push(length as u8);
}

/// How many bits are kept of each value, of the numbers of bits that there are, and that number's code.
fn width_of(widest: u64) -> (u32, u8) {
    let bits = (u64::BITS - widest.leading_zeros()).max(1);
    match bits {
        1..=24 => (bits, bits as u8 - 1),
        25..=26 => (26, 24),
        27..=28 => (28, 25),
        29..=30 => (30, 26),
        31..=32 => (32, 27),
        33..=40 => (40, 28),
        41..=48 => (48, 29),
        49..=56 => (56, 30),
        _ => (64, 31),
    }
}

/// The lowest `width` bits of each value, highest first.
fn pack(out: &mut Vec<u8>, values: impl Iterator<Item = u64>, width: u32) {
    let (mut held, mut bits) = (0u128, 0);
    for value in values {
        held = held << width | u128::from(value);
        bits += width;
        while bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push((held << (8 - bits)) as u8);
    }
}

/// Seven bits in a byte, lowest first.
pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Runs of bytes.
pub(super) fn bytes(values: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = values;
    let repeats = |of: &[u8]| of.iter().take(MAX_REPEATED_BYTES).take_while(|byte| **byte == of[0]).count();
    while !rest.is_empty() {
        let equal = repeats(rest);
        if equal >= MIN_REPEATED_BYTES {
            out.extend([(equal - MIN_REPEATED_BYTES) as u8, rest[0]]);
            rest = &rest[equal..];
            continue;
        }
        let most = rest.len().min(MAX_BYTES);
        let length = (1..most).find(|at| repeats(&rest[*at..]) >= MIN_REPEATED_BYTES).unwrap_or(most);
        out.push((length as u8).wrapping_neg());
        out.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

/// Runs of bits, eight in a byte, highest first.
pub(super) fn bits(values: &[bool]) -> Vec<u8> {
    let packed = values
        .chunks(8)
        .map(|eight| eight.iter().enumerate().fold(0, |byte, (at, set)| byte | u8::from(*set) << (7 - at)));
    bytes(&packed.collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the format's specification. (Its steps have four bits, of which these need three.)
    #[test]
    fn as_the_specification_has_it() {
        assert_eq!(integers(&[10000; 6], false), [0x0b, 0x27, 0x10]);
        assert_eq!(
            integers(&[23713, 43806, 57005, 48879], false),
            [0x5e, 0x03, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef]
        );
        assert_eq!(
            integers(&[2, 3, 5, 7, 11, 13, 17, 19, 23, 29], false),
            [0xc4, 0x09, 0x02, 0x02, 0x4a, 0x28, 0xa6]
        );
        assert_eq!(bytes(&[0; 100]), [0x61, 0x00]);
        assert_eq!(bytes(&[0x44, 0x45]), [0xfe, 0x44, 0x45]);
        assert_eq!(bits(&[true, false, false, false, false, false, false, false]), [0xff, 0x80]);
    }
}
