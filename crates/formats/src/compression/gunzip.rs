//! Gzip: members one behind the other, and zeros behind the last, with which tapes and disks pad files. (The reader of `flate2`
//! takes these for a damaged member.)

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

pub(super) struct Gunzip<R> {
    state: State<R>,
}

enum State<R> {
    Member(Box<GzDecoder<R>>),
    /// Behind a member.
    Between(R),
    /// In the zeros that end the file.
    Padding(R),
    /// Only while one state takes the place of another.
    Nowhere,
}

impl<R: BufRead> Gunzip<R> {
    pub(super) fn new(input: R) -> Self {
        Self { state: State::Member(Box::new(GzDecoder::new(input))) }
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let is_padded = match &mut self.state {
                State::Member(member) => {
                    let made = member.read(out)?;
                    if made > 0 || out.is_empty() {
                        return Ok(made);
                    }
                    false
                }
                State::Between(input) => match input.fill_buf()?.first() {
                    None => return Ok(0),
                    Some(first) => *first == 0,
                },
                State::Padding(input) => {
                    let zeros = input.fill_buf()?;
                    let len = zeros.len();
                    if zeros.iter().any(|byte| *byte != 0) {
                        return Err(invalid("something follows the zeros behind the last member"));
                    }
                    input.consume(len);
                    if len == 0 {
                        return Ok(0);
                    }
                    continue;
                }
                State::Nowhere => return Err(invalid("the reader has failed before")),
            };
            self.state = match std::mem::replace(&mut self.state, State::Nowhere) {
                State::Member(member) => State::Between(member.into_inner()),
                State::Between(input) if is_padded => State::Padding(input),
                State::Between(input) => State::Member(Box::new(GzDecoder::new(input))),
                other => other,
            };
        }
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn gunzip(bytes: &[u8]) -> io::Result<String> {
        // Pieces of one byte: every state ends somewhere.
        let mut text = String::new();
        Gunzip::new(io::BufReader::with_capacity(1, bytes)).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn members_and_zeros_behind_them() {
        let both = [gzip("ab"), gzip("cd")].concat();
        assert_eq!(gunzip(&both).unwrap(), "abcd");
        assert_eq!(gunzip(&[both.clone(), vec![0; 512]].concat()).unwrap(), "abcd");
        assert_eq!(gunzip(&[both.clone(), vec![0]].concat()).unwrap(), "abcd");
        for wrong in [b"x".to_vec(), b"\0\0x".to_vec(), gzip("e")[..6].to_vec()] {
            assert!(gunzip(&[both.clone(), wrong.clone()].concat()).is_err(), "{wrong:?}");
        }
        assert!(gunzip(&both[..both.len() - 3]).is_err());
    }
}
