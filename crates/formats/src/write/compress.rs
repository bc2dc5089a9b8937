//! Compression of written text.

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

/// liblzma's own default.
const XZ_LEVEL: u32 = 6;

impl Compressor {
    /// Errors: a compression that is read only.
    pub(super) fn new(compression: Compression) -> io::Result<Self> {
        let level = flate2::Compression::default();
        Ok(match compression {
            Compression::None => Self::None(Vec::new()),
            Compression::Gzip => Self::Gzip(flate2::write::GzEncoder::new(Vec::new(), level)),
            Compression::Bzip2 => {
                Self::Bzip2(bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default()))
            }
            Compression::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), 3)?),
            Compression::Snappy => Self::Snappy(Box::new(snap::write::FrameEncoder::new(Vec::new()))),
            Compression::HadoopSnappy => Self::Hadoop(HadoopBlocks::new(|text| {
                snap::raw::Encoder::new().compress_vec(text).map_err(io::Error::from)
            })),
            Compression::Lz4 => Self::Lz4(Box::new(lz4_flex::frame::FrameEncoder::new(Vec::new()))),
            Compression::HadoopLz4 => {
                Self::Hadoop(HadoopBlocks::new(|text| Ok(lz4_flex::block::compress(text))))
            }
            Compression::Xz => Self::Xz(liblzma::write::XzEncoder::new(Vec::new(), XZ_LEVEL)),
            Compression::Zlib => Self::Zlib(flate2::write::ZlibEncoder::new(Vec::new(), level)),
            Compression::Deflate => Self::Deflate(flate2::write::DeflateEncoder::new(Vec::new(), level)),
            Compression::Zip => {
                return Err(io::Error::new(io::ErrorKind::Unsupported, "zip archives are read, not written"));
            }
        })
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
