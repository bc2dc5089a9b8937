//! Durations such as `30s` and sizes such as `64MiB`.

use std::time::Duration;

/// Reads a duration: a whole number and `ms`, `s`, `m`, `h` or `d`.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let fault = || format!("{text:?} is not a duration such as 500ms, 30s, 5m or 1h");
    let (number, unit) = parts(text).ok_or_else(fault)?;
    let ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(fault()),
    };
    number.checked_mul(ms).map(Duration::from_millis).ok_or_else(fault)
}

/// Reads a size in bytes: a whole number, alone or with `KB`, `MB`, `GB`, `TB` (thousands) or `KiB`, `MiB`, `GiB`,
/// `TiB`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let fault = || format!("{text:?} is not a size such as 64MiB, 2GiB or 500MB");
    let (number, unit) = parts(text).ok_or_else(fault)?;
    let factor: u64 = match unit {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(fault()),
    };
    number.checked_mul(factor).ok_or_else(fault)
}

fn parts(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim_start()))
}

/// Writes a size as [`size`] reads it, in the largest unit that is exact.
pub(crate) fn size_text(bytes: u64) -> String {
    for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes > 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

/// Writes a duration as [`span`] reads it.
pub(crate) fn span_text(span: Duration) -> String {
    let ms = span.as_millis();
    for (factor, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
        if ms > 0 && ms.is_multiple_of(factor) {
            return format!("{}{unit}", ms / factor);
        }
    }
    format!("{ms}ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        for text in ["500ms", "30s", "5m", "1h", "2d"] {
            assert_eq!(span_text(span(text).expect(text)), text);
        }
        for text in ["64MiB", "2GiB", "1000", "1KiB", "3TiB"] {
            assert_eq!(size_text(size(text).expect(text)), text);
        }
        assert_eq!(size("1 MB"), Ok(1_000_000));
        assert_eq!(span(" 90 s "), Ok(Duration::from_secs(90)));
        for bad in ["", "s", "30", "-1s", "1.5h", "30 sec", "99999999999999999999s", "18446744073709551615d"]
        {
            assert!(span(bad).is_err(), "{bad}");
        }
        for bad in ["", "MiB", "1mib", "-1", "1.5GiB", "18446744073709551615KiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
