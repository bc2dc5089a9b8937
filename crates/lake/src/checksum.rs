//! Checksums of bodies: CRC32, CRC32C, CRC64NVME, SHA1 and SHA256, whole or composed of parts, and the MD5 of ETags.
//!
//! Values are base64 of the big-endian digest, as S3 writes them. A *composite* checksum is the digest of the parts'
//! digests, written with `-<parts>` at the end; a *full-object* checksum covers the bytes, and for the CRCs it is
//! combined from the parts' values and sizes without reading a byte again.
//! Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3".

use crate::LakeError;
use base64::{Engine, engine::general_purpose::STANDARD};
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

/// A checksum algorithm that this lake computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// CRC-32 (ISO-HDLC).
    #[serde(rename = "CRC32")]
    Crc32,
    /// CRC-32C (Castagnoli).
    #[serde(rename = "CRC32C")]
    Crc32c,
    /// CRC-64/NVME.
    #[serde(rename = "CRC64NVME")]
    Crc64Nvme,
    /// SHA-1.
    #[serde(rename = "SHA1")]
    Sha1,
    /// SHA-256.
    #[serde(rename = "SHA256")]
    Sha256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Algorithm; 5] =
        [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

    /// S3's name for it (`CRC64NVME`).
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Crc32c => "CRC32C",
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
        }
    }

    /// Finds an algorithm by S3's name, in any case; none when this lake does not compute it.
    pub fn parse(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|a| a.name().eq_ignore_ascii_case(name))
    }

    /// Length of its digest in bytes.
    pub fn digest_bytes(self) -> usize {
        match self {
            Algorithm::Crc32 | Algorithm::Crc32c => 4,
            Algorithm::Crc64Nvme => 8,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
        }
    }

    /// The type a multipart upload gets when the client names none: whole for CRC64NVME, composite otherwise.
    pub fn default_multipart_type(self) -> ChecksumType {
        if self == Algorithm::Crc64Nvme { ChecksumType::FullObject } else { ChecksumType::Composite }
    }

    /// Whether S3 offers this type for multipart uploads with this algorithm.
    pub fn allows(self, kind: ChecksumType) -> bool {
        match kind {
            ChecksumType::FullObject => self.crc().is_some(),
            ChecksumType::Composite => self != Algorithm::Crc64Nvme,
        }
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Algorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Algorithm::Sha1 | Algorithm::Sha256 => None,
        }
    }
}

/// Whether a checksum covers an object's bytes or the checksums of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChecksumType {
    /// Of all bytes.
    #[serde(rename = "FULL_OBJECT")]
    FullObject,
    /// Of the parts' digests.
    #[serde(rename = "COMPOSITE")]
    Composite,
}

impl ChecksumType {
    /// S3's name for it.
    pub fn name(self) -> &'static str {
        match self {
            ChecksumType::FullObject => "FULL_OBJECT",
            ChecksumType::Composite => "COMPOSITE",
        }
    }
}

/// The checksum of an object or part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// How it was computed.
    #[serde(rename = "a")]
    pub algorithm: Algorithm,
    /// What it covers.
    #[serde(rename = "t")]
    pub kind: ChecksumType,
    /// Base64 of the digest, with `-<parts>` at the end when composite.
    #[serde(rename = "v")]
    pub value: String,
}

impl Checksum {
    /// A full-object checksum from a client's base64; none when it is not base64 of the algorithm's digest length.
    pub fn parse(algorithm: Algorithm, value: &str) -> Option<Checksum> {
        let digest = STANDARD.decode(value).ok()?;
        (digest.len() == algorithm.digest_bytes()).then(|| Checksum {
            algorithm,
            kind: ChecksumType::FullObject,
            value: value.to_owned(),
        })
    }

    fn of(algorithm: Algorithm, digest: &[u8]) -> Checksum {
        Checksum { algorithm, kind: ChecksumType::FullObject, value: STANDARD.encode(digest) }
    }

    fn digest(&self) -> Result<Vec<u8>, LakeError> {
        STANDARD.decode(&self.value).map_err(|_| LakeError::corrupt("a stored checksum is not base64"))
    }
}

enum Hasher {
    Crc(crc_fast::Digest),
    Sha(ring::digest::Context),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Hasher {
        match algorithm {
            Algorithm::Crc32 | Algorithm::Crc32c | Algorithm::Crc64Nvme => {
                let crc = algorithm.crc().unwrap_or(CrcAlgorithm::Crc64Nvme);
                Hasher::Crc(crc_fast::Digest::new(crc))
            }
            Algorithm::Sha1 => {
                Hasher::Sha(ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY))
            }
            Algorithm::Sha256 => Hasher::Sha(ring::digest::Context::new(&ring::digest::SHA256)),
        }
    }

    fn update(&mut self, data: &[u8]) {
        match self {
            Hasher::Crc(crc) => crc.update(data),
            Hasher::Sha(sha) => sha.update(data),
        }
    }

    fn finish(self, algorithm: Algorithm) -> Checksum {
        match self {
            Hasher::Crc(crc) => Checksum::of(algorithm, crc_bytes(algorithm, &crc.finalize().to_be_bytes())),
            Hasher::Sha(sha) => Checksum::of(algorithm, sha.finish().as_ref()),
        }
    }
}

/// The digest's own width out of the eight bytes that every CRC is computed in.
fn crc_bytes(algorithm: Algorithm, eight: &[u8; 8]) -> &[u8] {
    &eight[8 - algorithm.digest_bytes().min(8)..]
}

/// What the ETag of a body says of its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ETagKind {
    /// Their MD5 in hexadecimal, as of a body that S3's PutObject takes.
    #[default]
    Md5,
    /// Two CRCs in hexadecimal and `-1`, by which clients know that it is no MD5, as of what S3's multipart uploads make.
    /// For bodies that the server makes itself: MD5 was an eighth of a job's time.
    Crcs,
}

/// The ETag of a body as it comes.
enum Tag {
    Md5(Md5),
    Crcs(Box<[crc_fast::Digest; 2]>),
}

impl Tag {
    fn new(kind: ETagKind) -> Tag {
        match kind {
            ETagKind::Md5 => Tag::Md5(Md5::new()),
            ETagKind::Crcs => {
                let crcs = [CrcAlgorithm::Crc64Nvme, CrcAlgorithm::Crc64Xz].map(crc_fast::Digest::new);
                Tag::Crcs(Box::new(crcs))
            }
        }
    }

    fn update(&mut self, data: &[u8]) {
        match self {
            Tag::Md5(md5) => md5.update(data),
            Tag::Crcs(crcs) => crcs.iter_mut().for_each(|crc| crc.update(data)),
        }
    }

    fn finish(self) -> String {
        match self {
            Tag::Md5(md5) => hex::encode(md5.finalize()),
            Tag::Crcs(crcs) => {
                let [one, other] = crcs.map(|crc| crc.finalize());
                format!("{one:016x}{other:016x}-1")
            }
        }
    }
}

/// ETag and any number of checksums over one pass of the bytes.
pub(crate) struct Digests {
    tag: Tag,
    others: Vec<(Algorithm, Hasher)>,
}

impl Digests {
    pub(crate) fn new(kind: ETagKind, algorithms: impl IntoIterator<Item = Algorithm>) -> Digests {
        let mut others: Vec<(Algorithm, Hasher)> = Vec::new();
        for algorithm in algorithms {
            if !others.iter().any(|(a, _)| *a == algorithm) {
                others.push((algorithm, Hasher::new(algorithm)));
            }
        }
        Digests { tag: Tag::new(kind), others }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.tag.update(data);
        for (_, hasher) in &mut self.others {
            hasher.update(data);
        }
    }

    /// The ETag without quotes, and the checksums.
    pub(crate) fn finish(self) -> (String, Vec<Checksum>) {
        let checksums = self.others.into_iter().map(|(algorithm, hasher)| hasher.finish(algorithm)).collect();
        (self.tag.finish(), checksums)
    }
}

/// Checksum of a whole from its parts' full checksums and sizes, in order. Errors: `Corrupt` when a stored value is
/// not a digest of the algorithm, or when a hash is asked to be combined as a CRC.
pub(crate) fn combine(
    algorithm: Algorithm,
    kind: ChecksumType,
    parts: &[(Checksum, u64)],
) -> Result<Checksum, LakeError> {
    match kind {
        ChecksumType::Composite => {
            let mut hasher = Hasher::new(algorithm);
            for (part, _) in parts {
                hasher.update(&part.digest()?);
            }
            let whole = hasher.finish(algorithm);
            Ok(Checksum { algorithm, kind, value: format!("{}-{}", whole.value, parts.len()) })
        }
        ChecksumType::FullObject => {
            let crc =
                algorithm.crc().ok_or_else(|| LakeError::corrupt("a hash cannot be combined over parts"))?;
            let mut whole = crc_fast::checksum(crc, &[]);
            for (part, size) in parts {
                let digest = part.digest()?;
                let value = digest.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
                whole = crc_fast::checksum_combine(crc, whole, value, *size);
            }
            Ok(Checksum::of(algorithm, crc_bytes(algorithm, &whole.to_be_bytes())))
        }
    }
}

/// ETag of a multipart object: MD5 of the parts' MD5s, `-`, number of parts. Errors: `Corrupt` on a stored ETag that
/// is not hexadecimal.
pub(crate) fn multipart_etag<'a>(parts: impl ExactSizeIterator<Item = &'a str>) -> Result<String, LakeError> {
    let count = parts.len();
    let mut md5 = Md5::new();
    for etag in parts {
        md5.update(hex::decode(etag).map_err(|_| LakeError::corrupt("a part's ETag is not hexadecimal"))?);
    }
    Ok(format!("{}-{count}", hex::encode(md5.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(algorithm: Algorithm, data: &[u8]) -> Checksum {
        let mut digests = Digests::new(ETagKind::Md5, [algorithm]);
        digests.update(data);
        digests.finish().1.remove(0)
    }

    /// The catalogue values for "123456789" (reveng CRC catalogue; FIPS 180 for the hashes, computed by sha1sum).
    #[test]
    fn known_answers() {
        let check = |algorithm, hex_digest: &str| {
            assert_eq!(
                hex::encode(STANDARD.decode(whole(algorithm, b"123456789").value).unwrap()),
                hex_digest
            );
        };
        check(Algorithm::Crc32, "cbf43926");
        check(Algorithm::Crc32c, "e3069283");
        check(Algorithm::Crc64Nvme, "ae8b14860a799888");
        check(Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        check(Algorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
    }

    #[test]
    fn parts_combine_to_the_whole() {
        let data: Vec<u8> = (0..100_000u32).map(|i| (i * 7 % 251) as u8).collect();
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let parts: Vec<_> = data.chunks(33_333).map(|c| (whole(algorithm, c), c.len() as u64)).collect();
            let combined = combine(algorithm, ChecksumType::FullObject, &parts).unwrap();
            assert_eq!(combined, whole(algorithm, &data));
        }
    }

    #[test]
    fn composite_is_the_digest_of_digests() {
        let parts = [(whole(Algorithm::Sha256, b"a"), 1), (whole(Algorithm::Sha256, b"b"), 1)];
        let joined: Vec<u8> = parts.iter().flat_map(|(c, _)| c.digest().unwrap()).collect();
        let composite = combine(Algorithm::Sha256, ChecksumType::Composite, &parts).unwrap();
        assert_eq!(composite.value, format!("{}-2", whole(Algorithm::Sha256, &joined).value));
    }

    #[test]
    fn only_digests_of_the_right_length_parse() {
        assert!(Checksum::parse(Algorithm::Crc32, "y/Q5Jg==").is_some());
        assert!(Checksum::parse(Algorithm::Crc32c, "y/Q5Jg").is_none());
        assert!(Checksum::parse(Algorithm::Sha1, "y/Q5Jg==").is_none());
        assert!(Checksum::parse(Algorithm::Crc32, "not base64!").is_none());
    }
}
