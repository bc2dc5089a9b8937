//! Compression of written text.
//!
//! Codecs are set for little memory rather than for the last percent: a file is open for every partition that a task
//! writes to. What each of them holds is counted, see [`Compressor::state_bytes`].

use std::io::{self, Write};

use crate::compression::Compression;

/// A buffer of compressed bytes behind an encoder.
pub(super) enum Compressor {
    None(Vec<u8>),
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Bzip2(bzip2::write::BzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Snappy(Box<snap::write::FrameEncoder<Vec<u8>>>),
    Hadoop(HadoopBlocks),
    Lz4(Box<lz4_flex::frame::FrameEncoder<Vec<u8>>>),
    Xz(liblzma::write::XzEncoder<Vec<u8>>),
    Zlib(flate2::write::ZlibEncoder<Vec<u8>>),
    Deflate(flate2::write::DeflateEncoder<Vec<u8>>),
    Finished(Vec<u8>),
}

/// Blocks of 300 kB. At bzip2's largest blocks an encoder holds 7.6 MB, for some percent less of output.
const BZIP2_LEVEL: u32 = 3;
const ZSTD_LEVEL: i32 = 3;
/// 256 KiB, where the level alone means 2 MiB.
const ZSTD_WINDOW_LOG: u32 = 18;
const XZ_PRESET: u32 = 2;
/// The preset's own 2 MiB would make an encoder hold 17 MiB.
const XZ_DICTIONARY_BYTES: u32 = 256 << 10;

/// An encoder of xz with a dictionary of our own choice.
fn xz() -> io::Result<liblzma::write::XzEncoder<Vec<u8>>> {
    use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
    let mut options = LzmaOptions::new_preset(XZ_PRESET)?;
    options.dict_size(XZ_DICTIONARY_BYTES);
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let stream = Stream::new_stream_encoder(&filters, Check::Crc64)?;
    Ok(liblzma::write::XzEncoder::new_stream(Vec::new(), stream))
}

/// An encoder of Zstandard with a window of our own choice.
fn zstd() -> io::Result<zstd::stream::write::Encoder<'static, Vec<u8>>> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
    encoder.window_log(ZSTD_WINDOW_LOG)?;
    // As the command's own files.
    encoder.include_checksum(true)?;
    Ok(encoder)
}

impl Compressor {
    /// Errors: a compression that is read only.
    pub(super) fn new(compression: Compression) -> io::Result<Self> {
        let level = flate2::Compression::default();
        Ok(match compression {
            Compression::None => Self::None(Vec::new()),
            Compression::Gzip => Self::Gzip(flate2::write::GzEncoder::new(Vec::new(), level)),
            Compression::Bzip2 => {
                Self::Bzip2(bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(BZIP2_LEVEL)))
            }
            Compression::Zstd => Self::Zstd(zstd()?),
            Compression::Snappy => Self::Snappy(Box::new(snap::write::FrameEncoder::new(Vec::new()))),
            Compression::HadoopSnappy => Self::Hadoop(HadoopBlocks::new(|text| {
                snap::raw::Encoder::new().compress_vec(text).map_err(io::Error::from)
            })),
            Compression::Lz4 => Self::Lz4(Box::new(lz4_flex::frame::FrameEncoder::new(Vec::new()))),
            Compression::HadoopLz4 => {
                Self::Hadoop(HadoopBlocks::new(|text| Ok(lz4_flex::block::compress(text))))
            }
            Compression::Xz => Self::Xz(xz()?),
            Compression::Zlib => Self::Zlib(flate2::write::ZlibEncoder::new(Vec::new(), level)),
            Compression::Deflate => Self::Deflate(flate2::write::DeflateEncoder::new(Vec::new(), level)),
            Compression::Zip => {
                return Err(io::Error::new(io::ErrorKind::Unsupported, "zip archives are read, not written"));
            }
        })
    }

    /// What the codec holds in memory as long as the file is open, in bytes, rounded up: its tables, its window and what
    /// it has not encoded yet.
    pub(super) fn state_bytes(&self) -> usize {
        match self {
            Self::None(_) | Self::Finished(_) => 0,
            // A window of 32 KiB and chains over it; what is kept of the text and of the output.
            Self::Gzip(_) | Self::Zlib(_) | Self::Deflate(_) => 384 << 10,
            // 400 kB and eight times the block, as bzip2's manual has it.
            Self::Bzip2(_) => 400_000 + 8 * 100_000 * BZIP2_LEVEL as usize,
            // 1.3 MiB of tables and room for a block, as the library estimates it; the window, a block in and one out.
            Self::Zstd(_) => 2 << 20,
            // One block of text, and of lz4's also tables.
            Self::Snappy(_) | Self::Hadoop(_) | Self::Lz4(_) => 256 << 10,
            // What xz's manual has for dictionaries of this size.
            Self::Xz(_) => 3 << 20,
        }
    }

    /// The bytes made so far, which are then gone from here.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let buffer = match self {
            Self::None(buffer) | Self::Finished(buffer) => buffer,
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Bzip2(encoder) => encoder.get_mut(),
            Self::Zstd(encoder) => encoder.get_mut(),
            Self::Snappy(encoder) => encoder.get_mut(),
            Self::Hadoop(encoder) => &mut encoder.out,
            Self::Lz4(encoder) => encoder.get_mut(),
            Self::Xz(encoder) => encoder.get_mut(),
            Self::Zlib(encoder) => encoder.get_mut(),
            Self::Deflate(encoder) => encoder.get_mut(),
        };
        std::mem::take(buffer)
    }

    pub(super) fn finish(&mut self) -> io::Result<()> {
        let done = match std::mem::replace(self, Self::Finished(Vec::new())) {
            Self::None(buffer) | Self::Finished(buffer) => buffer,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Bzip2(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
            Self::Snappy(encoder) => encoder.into_inner().map_err(|e| e.into_error())?,
            Self::Hadoop(encoder) => encoder.finish()?,
            Self::Lz4(encoder) => encoder.finish().map_err(io::Error::from)?,
            Self::Xz(encoder) => encoder.finish()?,
            Self::Zlib(encoder) => encoder.finish()?,
            Self::Deflate(encoder) => encoder.finish()?,
        };
        *self = Self::Finished(done);
        Ok(())
    }
}

impl Write for Compressor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(buffer) => buffer.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Bzip2(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
            Self::Snappy(encoder) => encoder.write(bytes),
            Self::Hadoop(encoder) => encoder.write(bytes),
            Self::Lz4(encoder) => encoder.write(bytes),
            Self::Xz(encoder) => encoder.write(bytes),
            Self::Zlib(encoder) => encoder.write(bytes),
            Self::Deflate(encoder) => encoder.write(bytes),
            Self::Finished(_) => Err(io::Error::other("the file is finished")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hadoop's block form, one piece to a block.
pub(super) struct HadoopBlocks {
    encode: fn(&[u8]) -> io::Result<Vec<u8>>,
    text: Vec<u8>,
    out: Vec<u8>,
}

/// Hadoop's default buffer is 256 KiB, and its reader needs room for the overhead of a block that does not compress.
const HADOOP_BLOCK_BYTES: usize = 200 << 10;

impl HadoopBlocks {
    fn new(encode: fn(&[u8]) -> io::Result<Vec<u8>>) -> Self {
        Self { encode, text: Vec::new(), out: Vec::new() }
    }

    fn end_block(&mut self) -> io::Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        let stored = (self.encode)(&self.text)?;
        self.out.extend_from_slice(&(self.text.len() as u32).to_be_bytes());
        self.out.extend_from_slice(&(stored.len() as u32).to_be_bytes());
        self.out.extend_from_slice(&stored);
        self.text.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<Vec<u8>> {
        self.end_block()?;
        Ok(self.out)
    }
}

impl Write for HadoopBlocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(HADOOP_BLOCK_BYTES - self.text.len());
        self.text.extend_from_slice(&bytes[..n]);
        if self.text.len() == HADOOP_BLOCK_BYTES {
            self.end_block()?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
