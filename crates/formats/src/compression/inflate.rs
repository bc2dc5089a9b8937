//! Deflate, with or without zlib's wrapper. (The readers of `flate2` take a stream that is cut short for one that ends.)

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

/// Decodes one deflate stream; bytes behind its end are an error, unless allowed.
pub(crate) struct Inflate<R> {
    input: R,
    state: Decompress,
    ended: bool,
    may_trail: bool,
}

impl<R: BufRead> Inflate<R> {
    pub(super) fn new(input: R, zlib: bool) -> Self {
        Self { input, state: Decompress::new(zlib), ended: false, may_trail: false }
    }

    /// Without a wrapper, and with whatever bytes behind the end: fastavro leaves some of a checksum there.
    pub(crate) fn lenient(input: R) -> Self {
        Self { may_trail: true, ..Self::new(input, false) }
    }
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let input = self.input.fill_buf()?;
            let at_end = input.is_empty();
            if self.ended {
                return if at_end || self.may_trail {
                    Ok(0)
                } else {
                    Err(invalid("bytes follow the end of the stream"))
                };
            }
            let (taken, made) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(input, out, FlushDecompress::None);
            let taken = (self.state.total_in() - taken) as usize;
            let made = (self.state.total_out() - made) as usize;
            self.input.consume(taken);
            match status.map_err(|e| invalid(&e.to_string()))? {
                Status::StreamEnd => self.ended = true,
                Status::Ok | Status::BufError if made == 0 && at_end => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stream is cut short"));
                }
                Status::Ok | Status::BufError => {}
            }
            if made > 0 {
                return Ok(made);
            }
        }
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
