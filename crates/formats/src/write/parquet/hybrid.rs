//! Parquet's hybrid of runs and bit-packed groups, which holds definition levels and dictionary codes.
//!
//! Source: Apache Parquet format, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".

/// Values that are packed together, and the shortest run that is written as one.
const GROUP: usize = 8;

/// Bits that numbers up to `max` need, at least one.
pub(super) fn width_of(max: u32) -> u8 {
    (32 - max.leading_zeros()).max(1) as u8
}

/// Appends `values`, each of at most `width` bits.
pub(super) fn encode(values: &[u32], width: u8, out: &mut Vec<u8>) {
    let (mut packed, mut at) = (0, 0);
    while at < values.len() {
        let run = run_length(&values[at..]);
        if run < GROUP {
            at = (at + GROUP).min(values.len());
            continue;
        }
        pack(&values[packed..at], width, out);
        encode_run(values[at], run, width, out);
        at += run;
        packed = at;
    }
    pack(&values[packed..], width, out);
}

/// Appends one value `count` times.
pub(super) fn encode_run(value: u32, count: usize, width: u8, out: &mut Vec<u8>) {
    varint((count as u64) << 1, out);
    out.extend_from_slice(&value.to_le_bytes()[..usize::from(width.div_ceil(8))]);
}

fn run_length(values: &[u32]) -> usize {
    match values.first() {
        Some(first) => values.iter().take_while(|value| *value == first).count(),
        None => 0,
    }
}

/// Appends groups of eight, the last one filled up with zeros.
fn pack(values: &[u32], width: u8, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(GROUP);
    varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * usize::from(width);
    out.reserve(groups * usize::from(width) + 4);
    let (mut waiting, mut bits) = (0u64, 0u32);
    for value in values {
        waiting |= u64::from(*value) << bits;
        bits += u32::from(width);
        if bits >= 32 {
            out.extend_from_slice(&(waiting as u32).to_le_bytes());
            waiting >>= 32;
            bits -= 32;
        }
    }
    out.extend_from_slice(&(waiting as u32).to_le_bytes());
    out.resize(end, 0);
}

/// Appends an unsigned number in groups of seven bits, the lowest first.
pub(super) fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(mut data: &[u8], width: u8, count: usize) -> Vec<u32> {
        let mut out = Vec::new();
        while out.len() < count {
            let (mut header, mut shift) = (0u64, 0);
            while let Some((byte, rest)) = data.split_first() {
                header |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                data = rest;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            if header & 1 == 0 {
                let bytes = usize::from(width.div_ceil(8));
                let mut value = [0; 4];
                value[..bytes].copy_from_slice(&data[..bytes]);
                data = &data[bytes..];
                out.extend(std::iter::repeat_n(u32::from_le_bytes(value), (header >> 1) as usize));
                continue;
            }
            let bytes = (header >> 1) as usize * usize::from(width);
            let (packed, rest) = data.split_at(bytes);
            data = rest;
            let bit = |at: usize| u32::from(packed[at / 8] >> (at % 8) & 1);
            for value in 0..(header >> 1) as usize * GROUP {
                let bits = (0..usize::from(width)).map(|b| bit(value * usize::from(width) + b) << b);
                out.push(bits.sum());
            }
        }
        assert!(data.is_empty());
        out.truncate(count);
        out
    }

    proptest! {
        #[test]
        fn comes_back(
            width in 1u8..=20,
            runs in prop::collection::vec((any::<u32>(), 1usize..30), 0..40),
        ) {
            let limit = (1u32 << width) - 1;
            let values: Vec<u32> =
                runs.iter().flat_map(|(value, count)| std::iter::repeat_n(value & limit, *count)).collect();
            let mut out = Vec::new();
            encode(&values, width, &mut out);
            prop_assert_eq!(decode(&out, width, values.len()), values);
        }
    }

    #[test]
    fn widths() {
        assert_eq!([0, 1, 2, 3, 4, 255, 256].map(width_of), [1, 1, 2, 2, 3, 8, 9]);
    }
}
