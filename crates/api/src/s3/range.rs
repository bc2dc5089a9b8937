//! The `Range` header of reads and the range of part copies.

use super::errors::invalid_argument;
use lake::ObjectInfo;
use std::ops::Range;
use wire::Fault;

/// What a read is to return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything, with status 200.
    All,
    /// Some bytes, with status 206.
    Bytes(Range<u64>),
}

/// Reads a `Range` header for an object of `size` bytes. As in S3 (and RFC 9110 §14.2), a header that is no single byte
/// range is ignored. Errors: `InvalidRange` when no byte of the object is in it.
pub(super) fn parse(header: &str, size: u64) -> Result<Wanted, Fault> {
    let Some((first, last)) =
        header.trim().strip_prefix("bytes=").and_then(|spec| spec.trim().split_once('-'))
    else {
        return Ok(Wanted::All);
    };
    let number = |text: &str| {
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = match (first.is_empty(), last.is_empty()) {
        (true, true) => return Ok(Wanted::All),
        (true, false) => match number(last) {
            Some(count) => size.saturating_sub(count)..if count == 0 { 0 } else { size },
            None => return Ok(Wanted::All),
        },
        (false, true) => match number(first) {
            Some(start) => start..size,
            None => return Ok(Wanted::All),
        },
        (false, false) => match (number(first), number(last)) {
            (Some(start), Some(end)) if start <= end => start..end.saturating_add(1).min(size),
            _ => return Ok(Wanted::All),
        },
    };
    if range.start >= range.end {
        return Err(Fault::new("InvalidRange", "The requested range is not satisfiable")
            .with("RangeRequested", header)
            .with("ActualObjectSize", size));
    }
    Ok(Wanted::Bytes(range))
}

/// `Content-Range` of a reply.
pub(super) fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

/// The bytes of one part. Errors: `InvalidPartNumber` when the object has no such part.
pub(super) fn part(info: &ObjectInfo, number: u32) -> Result<Range<u64>, Fault> {
    if info.parts.is_empty() && number == 1 {
        return Ok(0..info.size);
    }
    let mut start = 0;
    for part in &info.parts {
        if part.number == number {
            return Ok(start..start + part.size);
        }
        start += part.size;
    }
    Err(Fault::new("InvalidPartNumber", "The requested partnumber is not satisfiable")
        .with_status(http::StatusCode::RANGE_NOT_SATISFIABLE)
        .with("ActualPartCount", info.parts.len().max(1) as u64)
        .with("PartNumberRequested", number))
}

/// `x-amz-copy-source-range`: both ends must be given and lie in the source. Errors: `InvalidArgument`.
pub(super) fn copy_source(header: &str, size: u64) -> Result<Range<u64>, Fault> {
    let wrong = |message: String| invalid_argument("x-amz-copy-source-range", header, message);
    let spec = header.strip_prefix("bytes=").and_then(|spec| spec.split_once('-'));
    let ends = spec.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
    let Some((first, last)) = ends.filter(|(first, last)| first <= last) else {
        let form = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
                    zero-based offsets of the first and last bytes to copy";
        return Err(wrong(form.to_owned()));
    };
    if last >= size {
        return Err(wrong(format!("Range specified is not valid for source object of size: {size}")));
    }
    Ok(first..last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_the_rfc() {
        let bytes = |header, size| match parse(header, size) {
            Ok(Wanted::Bytes(range)) => Some(range),
            Ok(Wanted::All) => None,
            Err(fault) => {
                assert_eq!(fault.code(), "InvalidRange");
                Some(0..0)
            }
        };
        assert_eq!(bytes("bytes=0-0", 10), Some(0..1));
        assert_eq!(bytes("bytes=2-", 10), Some(2..10));
        assert_eq!(bytes("bytes=-3", 10), Some(7..10));
        assert_eq!(bytes("bytes=-30", 10), Some(0..10));
        assert_eq!(bytes("bytes=5-99999999999999999999999", 10), Some(5..10));
        for ignored in
            ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "items=0-1", "bytes=0-1,3-4"]
        {
            assert_eq!(bytes(ignored, 10), None, "{ignored}");
        }
        for outside in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
            assert_eq!(bytes(outside, 10), Some(0..0), "{outside}");
        }
        assert_eq!(bytes("bytes=0-", 0), Some(0..0));
        assert_eq!(bytes("bytes=-5", 0), Some(0..0));
    }

    #[test]
    fn copy_ranges_must_fit() {
        assert_eq!(copy_source("bytes=0-9", 10).unwrap(), 0..10);
        for bad in ["bytes=0-10", "bytes=5-", "bytes=-5", "0-5", "bytes=5-4", "bytes=x-y"] {
            assert!(copy_source(bad, 10).is_err(), "{bad}");
        }
    }
}
