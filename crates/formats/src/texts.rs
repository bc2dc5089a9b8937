//! Copying short texts.

use std::ops::Range;

/// Short texts are copied with what follows them, in one piece of fixed length, and the next text takes the place of the rest: no
/// call for each, and texts that lie anywhere in memory are waited for together, not one by one.
pub(crate) const SHORT_TEXT: usize = 32;

/// Copies a text to the place `at`; what is behind it there, up to [`SHORT_TEXT`] bytes, loses its value.
#[inline]
pub(crate) fn copy_text(from: &[u8], span: Range<usize>, to: &mut [u8], at: usize) {
    let length = span.len();
    match (from[span.start..].first_chunk::<SHORT_TEXT>(), to[at..].first_chunk_mut::<SHORT_TEXT>()) {
        (Some(chunk), Some(place)) if length <= SHORT_TEXT => copy_chunk(chunk, place),
        _ => to[at..at + length].copy_from_slice(&from[span]),
    }
}

/// By numbers: as a copy of bytes it would become one with that of long texts, which is a call.
#[inline]
fn copy_chunk(from: &[u8; SHORT_TEXT], to: &mut [u8; SHORT_TEXT]) {
    const HALF: usize = size_of::<u128>();
    let (from, to) = (from.as_chunks::<HALF>().0, to.as_chunks_mut::<HALF>().0);
    for (from, to) in from.iter().zip(to) {
        *to = u128::from_ne_bytes(*from).to_ne_bytes();
    }
}
