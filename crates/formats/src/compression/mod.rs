//! Compressed files: the codecs, and how they are told apart.
//!
//! [`decode`] decodes in bounded steps; [`blocks`] and [`inflate`] are the decoders that the codecs' crates lack for
//! that. Archives (zip) are no streams: see `crate::archive`.

mod blocks;
mod decode;
mod gunzip;
mod inflate;

pub(crate) use decode::{Decoder, Step};
pub(crate) use inflate::Inflate;

/// The compression of a whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// None.
    None,
    /// gzip, also several members one after the other.
    Gzip,
    /// bzip2, also several streams one after the other.
    Bzip2,
    /// Zstandard.
    Zstd,
    /// Snappy in its own framing format.
    Snappy,
    /// Snappy in the blocks that Hadoop's codec writes (Hive, Spark): no magic number, known by name alone.
    HadoopSnappy,
    /// LZ4 frames.
    Lz4,
    /// LZ4 in the blocks that Hadoop's codec writes: no magic number, known by name alone.
    HadoopLz4,
    /// xz.
    Xz,
    /// Deflate with zlib's header and checksum, which is what Hadoop calls deflate.
    Zlib,
    /// Deflate without a wrapper.
    Deflate,
    /// A zip archive: its members are read one after the other, as files of their own. Not written.
    Zip,
}

/// The largest block that Hadoop's codecs are believed to have written, in bytes.
const MAX_HADOOP_BLOCK_BYTES: usize = 64 << 20;

impl Compression {
    /// Glue's `compressionType`: `none`, `gzip`, `bzip2`, `zstd`, `snappy`, `lz4`, `xz`, `deflate`, `zip`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Zstd => "zstd",
            Self::Snappy | Self::HadoopSnappy => "snappy",
            Self::Lz4 | Self::HadoopLz4 => "lz4",
            Self::Xz => "xz",
            Self::Zlib | Self::Deflate => "deflate",
            Self::Zip => "zip",
        }
    }

    /// The customary file ending, with its dot; empty for none.
    pub fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Bzip2 => ".bz2",
            Self::Zstd => ".zst",
            Self::Snappy | Self::HadoopSnappy => ".snappy",
            Self::Lz4 | Self::HadoopLz4 => ".lz4",
            Self::Xz => ".xz",
            Self::Zlib | Self::Deflate => ".deflate",
            Self::Zip => ".zip",
        }
    }

    /// Finds the compression from a file's first bytes (16 are enough), then from its name.
    /// Errors: the codec that the name promises and the first bytes are not of. An empty file is not compressed.
    pub fn detect(name: &str, head: &[u8]) -> Result<Self, &'static str> {
        if head.is_empty() {
            return Ok(Self::None);
        }
        match Self::by_magic(head) {
            Some(found) => Ok(found),
            None => Self::by_name(name, head),
        }
    }

    fn by_magic(head: &[u8]) -> Option<Self> {
        Some(match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, ..] => Self::Bzip2,
            [0xff, 6, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y', ..] => Self::Snappy,
            [4, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            // Of the four headers that zlib makes, the one that no text in UTF-8 begins with. The others go by name.
            [0x78, 0x9c, ..] => Self::Zlib,
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, rest @ ..] => Self::behind_skippable(rest)?,
            _ => return None,
        })
    }

    /// What follows a frame that decoders skip, as parallel compressors write them in front. `rest`: from its size on.
    fn behind_skippable(rest: &[u8]) -> Option<Self> {
        let (size, rest) = rest.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
        match Self::by_magic(rest.get(size..)?)? {
            found @ (Self::Zstd | Self::Lz4) => Some(found),
            _ => None,
        }
    }

    /// For files whose bytes say nothing.
    fn by_name(name: &str, head: &[u8]) -> Result<Self, &'static str> {
        let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "gz" | "gzip" => Err("gzip"),
            "bz2" | "bzip2" => Err("bzip2"),
            "zst" | "zstd" => Err("zstd"),
            "xz" => Err("xz"),
            "zip" => Err("zip"),
            "sz" => Err("snappy"),
            "snappy" => match hadoop_block(head) {
                Some((size, stored)) if stored <= snap::raw::max_compress_len(size) => Ok(Self::HadoopSnappy),
                _ => Err("snappy"),
            },
            "lz4" => match hadoop_block(head) {
                Some((size, stored)) if stored <= size + size / 255 + 16 => Ok(Self::HadoopLz4),
                _ => Err("lz4"),
            },
            "deflate" | "zlib" | "zz" => match head {
                [0x78, flags, ..] if (0x7800 + u16::from(*flags)) % 31 == 0 => Ok(Self::Zlib),
                _ if ending == "deflate" => Ok(Self::Deflate),
                _ => Err("zlib"),
            },
            _ => Ok(Self::None),
        }
    }
}

/// The sizes that the first block's header of a Hadoop stream gives: its content's, and its first piece's as stored.
fn hadoop_block(head: &[u8]) -> Option<(usize, usize)> {
    let number = |at: usize| {
        let bytes: [u8; 4] = head.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    let (size, stored) = (number(0)?, number(4)?);
    (size > 0 && stored > 0 && size <= MAX_HADOOP_BLOCK_BYTES).then_some((size, stored))
}
