//! The framing: every split of the wire bytes gives the same payload, and broken framing gives typed errors.

use bytes::Bytes;
use http::HeaderName;
use proptest::prelude::*;

use super::*;

fn framing(decoded_length: u64, signed: bool, announced: &[&'static str]) -> Framing {
    Framing {
        decoded_length,
        signed,
        trailer: true,
        announced: announced.iter().map(|name| HeaderName::from_static(name)).collect(),
    }
}

/// Feeds the pieces and returns payload and trailing checksum.
fn run(framing: Framing, pieces: Vec<Bytes>) -> Result<(Vec<u8>, Option<String>), BodyError> {
    let source = futures::stream::iter(pieces.into_iter().map(Ok::<_, BodyError>));
    let mut body = decode(Body::from_stream(source), framing, None);
    futures::executor::block_on(async {
        let data = body.read_all(1 << 20).await?;
        let trailer = body.trailers().and_then(|all| all.get("x-amz-checksum-crc32")).cloned();
        Ok((data.to_vec(), trailer.map(|value| value.to_str().unwrap_or_default().to_owned())))
    })
}

fn whole(framing: Framing, wire: &str) -> Result<(Vec<u8>, Option<String>), BodyError> {
    run(framing, vec![Bytes::copy_from_slice(wire.as_bytes())])
}

fn encode(chunks: &[Vec<u8>], trailer: Option<&str>) -> Vec<u8> {
    let mut wire = Vec::new();
    for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n");
    if let Some(value) = trailer {
        wire.extend_from_slice(format!("x-amz-checksum-crc32:{value}\r\n").as_bytes());
    }
    wire.extend_from_slice(b"\r\n");
    wire
}

fn split(wire: &[u8], cuts: &[prop::sample::Index]) -> Vec<Bytes> {
    let mut points: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len() + 1)).collect();
    points.extend([0, wire.len()]);
    points.sort_unstable();
    points.windows(2).map(|pair| Bytes::copy_from_slice(&wire[pair[0]..pair[1]])).collect()
}

proptest! {
    #[test]
    fn any_split_decodes_alike(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        with_trailer in any::<bool>(),
    ) {
        let payload = chunks.concat();
        let trailer = with_trailer.then_some("AAAAAA==");
        let announced: &[&'static str] = if with_trailer { &["x-amz-checksum-crc32"] } else { &[] };
        let wire = encode(&chunks, trailer);
        let length = payload.len() as u64;
        let decoded = run(framing(length, false, announced), split(&wire, &cuts)).expect("well formed");
        prop_assert_eq!(decoded, (payload, trailer.map(str::to_owned)));
        // Cut short anywhere, it never ends well (but for the last line end of all).
        for cut in cuts {
            let cut = cut.index(wire.len().saturating_sub(1));
            let short = vec![Bytes::copy_from_slice(&wire[..cut])];
            prop_assert!(run(framing(length, false, announced), short).is_err(), "cut at {}", cut);
        }
    }

    #[test]
    fn noise_never_panics(
        wire in prop::collection::vec(prop::sample::select(b"0123abf;:\r\nx-chunk-signature=".to_vec()), 0..200),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        signed in any::<bool>(),
    ) {
        let pieces = split(&wire, &cuts);
        let split_result = run(framing(5, signed, &[]), pieces).map_err(|error| error.to_string());
        let whole_result = run(framing(5, signed, &[]), vec![Bytes::from(wire)]).map_err(|error| error.to_string());
        prop_assert_eq!(split_result.is_ok(), whole_result.is_ok());
    }
}

#[test]
fn one_chunk_of_gigabytes_needs_no_buffer() {
    const PIECE: usize = 1 << 20;
    let pieces = 3 << 10;
    let size = (PIECE * pieces) as u64;
    let piece = Bytes::from(vec![7_u8; PIECE]);
    let head = Bytes::from(format!("{size:x}\r\n"));
    let all = std::iter::once(head)
        .chain(std::iter::repeat_n(piece, pieces))
        .chain(std::iter::once(Bytes::from_static(b"\r\n0\r\n\r\n")));
    let source = futures::stream::iter(all.map(Ok::<_, BodyError>));
    let mut body = decode(Body::from_stream(source), framing(size, false, &[]), None);
    let mut total = 0;
    futures::executor::block_on(async {
        while let Some(data) = body.chunk().await {
            let data = data.expect("well formed");
            assert!(data.len() <= PIECE);
            total += data.len() as u64;
        }
    });
    assert_eq!(total, size);
}

#[test]
fn broken_framing_is_named() {
    let plain = |wire: &str| whole(framing(3, false, &[]), wire).expect_err("broken");
    for wire in ["zz\r\nabc\r\n0\r\n\r\n", "\r\n", "-1\r\n", "3abc", "11111111111111111\r\n", "3\r\nabcd\r\n"]
    {
        let error = plain(wire);
        assert!(
            matches!(error, BodyError::MalformedChunk { .. } | BodyError::Incomplete { .. }),
            "{wire:?}: {error}"
        );
    }
    assert!(matches!(plain("4\r\nabcd\r\n0\r\n\r\n"), BodyError::Excess { expected: 3 }));
    assert!(matches!(plain("ffffffffffffffff\r\nabcd"), BodyError::Excess { expected: 3 }));
    assert!(matches!(plain("2\r\nab\r\n0\r\n\r\n"), BodyError::Incomplete { expected: 3, received: 2 }));
    assert!(matches!(plain("3\r\nab"), BodyError::Incomplete { expected: 3, received: 2 }));
    assert!(matches!(plain(&"1".repeat(100_000)), BodyError::MalformedChunk { .. }));
    assert!(matches!(plain("3\r\nabc\r\n0\r\n\r\nmore"), BodyError::MalformedChunk { .. }));
    whole(framing(3, false, &[]), "3\r\nabc\r\n0\r\n\r\n\r\n").expect("one line end too many is common");
    whole(framing(3, false, &[]), "0003 \nabc\n0\n\n").expect("bare line feeds");
}

#[test]
fn trailers_are_checked() {
    let announced = &["x-amz-checksum-crc32"];
    let body = "3\r\nabc\r\n0\r\n";
    for (tail, why) in [
        ("\r\n", "announced, not sent"),
        ("x-amz-checksum-sha1:x\r\n\r\n", "sent, not announced"),
        ("x-amz-checksum-crc32:a\r\nx-amz-checksum-crc32:b\r\n\r\n", "twice"),
        ("x-amz-checksum-crc32\r\n\r\n", "no colon"),
        (" bad name:x\r\n\r\n", "no name"),
        ("x-amz-checksum-crc32:\u{1}\r\n\r\n", "no value"),
        ("x-amz-checksum-crc32:a\r\nx-amz-trailer-signature:b\r\n\r\n", "a signature in an unsigned form"),
    ] {
        let error = whole(framing(3, false, announced), &format!("{body}{tail}")).expect_err(why);
        assert!(matches!(error, BodyError::MalformedTrailer { .. }), "{why}: {error}");
    }
    let many = format!("{body}{}", "x-amz-checksum-crc32:a\r\n".repeat(100));
    assert!(whole(framing(3, false, announced), &many).is_err());
    let no_trailer = Framing { trailer: false, ..framing(3, false, announced) };
    let error =
        whole(no_trailer, &format!("{body}x-amz-checksum-crc32:a\r\n\r\n")).expect_err("no trailer form");
    assert!(matches!(error, BodyError::MalformedChunk { .. }), "{error}");
}

#[test]
fn signed_forms_need_signatures_and_chunk_sizes() {
    let signed = || framing(10_000, true, &[]);
    let error = whole(signed(), "3\r\nabc\r\n0\r\n\r\n").expect_err("no signature");
    assert!(matches!(error, BodyError::MalformedChunk { .. }), "{error}");
    let small = format!("{0};chunk-signature=x\r\nabc\r\n{0};chunk-signature=x\r\nabc\r\n", 3);
    let error = whole(signed(), &small).expect_err("a small chunk in the middle");
    assert!(matches!(error, BodyError::ChunkTooSmall { index: 1, size: 3 }), "{error}");
}
