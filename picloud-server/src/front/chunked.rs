//! Follows the chunked transfer coding of one body, without keeping any of it.

use super::head::{TOKEN, is};
use super::refusal::Refusal;

/// Extension bytes allowed in one body. Nobody uses them; they only ever served attacks.
const EXTENSION_MAX: usize = 4 * 1024;
/// Trailer bytes allowed in one body.
const TRAILER_MAX: usize = 8 * 1024;
/// Trailer lines allowed in one body, as many as hyper takes.
const TRAILER_LINES_MAX: usize = 100;

/// Where in a chunked body the stream is.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    at: At,
    extension: usize,
    trailer: usize,
    lines: usize,
}

/// The next byte is part of…
#[derive(Clone, Copy, Debug)]
enum At {
    Size { value: u64, digits: u8 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    LineStart,
    Name,
    Value,
    LineLf,
    EndLf,
    End,
}

impl Default for At {
    fn default() -> Self {
        Self::Size { value: 0, digits: 0 }
    }
}

impl Chunked {
    /// Follows `bytes` to their end or to the end of the body; says how many belong to the body.
    ///
    /// # Errors
    ///
    /// The offset of the first byte that breaks the coding, and why.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, (usize, Refusal)> {
        let mut at = 0;
        while at < bytes.len() && !self.ended() {
            if let At::Data { left } = self.at {
                let here = (bytes.len() - at).min(usize::try_from(left).unwrap_or(usize::MAX));
                at += here;
                let left = left - here as u64;
                self.at = if left == 0 { At::DataCr } else { At::Data { left } };
                continue;
            }
            self.at = self.step(bytes[at]).map_err(|refusal| (at, refusal))?;
            at += 1;
        }
        Ok(at)
    }

    /// Whether the body is complete.
    pub(super) fn ended(&self) -> bool {
        matches!(self.at, At::End)
    }

    fn step(&mut self, byte: u8) -> Result<At, Refusal> {
        match (self.at, byte) {
            (At::Size { value, digits }, _) => Self::size(value, digits, byte),
            (At::Extension { size }, b'\r') => Ok(At::SizeLf { size }),
            (At::Extension { size }, _) => self.extension(size, byte),
            (At::SizeLf { size: 0 }, b'\n') => Ok(At::LineStart),
            (At::SizeLf { size }, b'\n') => Ok(At::Data { left: size }),
            (At::DataCr, b'\r') => Ok(At::DataLf),
            (At::DataLf, b'\n') => Ok(At::default()),
            (At::LineStart, b'\r') => Ok(At::EndLf),
            (At::EndLf, b'\n') => Ok(At::End),
            (At::LineStart | At::Name | At::Value | At::LineLf, _) => self.trailer(byte),
            _ => Err(Refusal::Chunk),
        }
    }

    fn size(value: u64, digits: u8, byte: u8) -> Result<At, Refusal> {
        match (byte, (byte as char).to_digit(16)) {
            // 15 digits cannot overflow, and no body is longer.
            (_, Some(digit)) if digits < 15 => {
                Ok(At::Size { value: value << 4 | u64::from(digit), digits: digits + 1 })
            }
            (b'\r', _) if digits > 0 => Ok(At::SizeLf { size: value }),
            (b';', _) if digits > 0 => Ok(At::Extension { size: value }),
            _ => Err(Refusal::Chunk),
        }
    }

    fn extension(&mut self, size: u64, byte: u8) -> Result<At, Refusal> {
        self.extension += 1;
        match byte {
            _ if self.extension > EXTENSION_MAX => Err(Refusal::ChunkExtension),
            0..=8 | 10..=31 | 0x7f => Err(Refusal::Chunk),
            _ => Ok(At::Extension { size }),
        }
    }

    fn trailer(&mut self, byte: u8) -> Result<At, Refusal> {
        self.trailer += 1;
        if self.trailer > TRAILER_MAX {
            return Err(Refusal::Trailer);
        }
        match (self.at, byte) {
            (At::LineStart, _) if is(byte, TOKEN) => {
                self.lines += 1;
                if self.lines > TRAILER_LINES_MAX { Err(Refusal::Trailer) } else { Ok(At::Name) }
            }
            (At::Name, b':') => Ok(At::Value),
            (At::Name, _) if is(byte, TOKEN) => Ok(At::Name),
            (At::Value, b'\r') => Ok(At::LineLf),
            (At::Value, b'\t' | b' '..=0x7e | 0x80..) => Ok(At::Value),
            (At::LineLf, b'\n') => Ok(At::LineStart),
            _ => Err(Refusal::Trailer),
        }
    }
}
