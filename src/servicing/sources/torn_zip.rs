//! Members of a zip archive whose directory, at the end of the file, is lost: read from their own headers, one behind the
//! other. Also those whose size the header does not tell, as packers write them that cannot go back. Layout: APPNOTE 4.3.7,
//! 4.3.9, 4.5.3.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use flate2::bufread::DeflateDecoder;

const HEADER: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// Sizes that stand in an extra field.
const ELSEWHERE: u32 = u32::MAX;
const ZIP64: u16 = 1;

/// What stands at the end of every whole archive.
const END: [u8; 4] = *b"PK\x05\x06";
/// The end may have a comment of that length behind it.
const LONGEST_COMMENT: i64 = 0xFFFF;

/// What the header of a member says.
#[derive(Debug)]
pub(super) struct Member {
    /// As stored.
    pub(super) name: Vec<u8>,
    /// Needs a password.
    pub(super) encrypted: bool,
    /// Bytes unpacked, where told.
    pub(super) size: Option<u64>,
    /// Bytes packed, where told.
    packed: Option<u64>,
    method: u16,
}

/// Whether the file ends as an archive does.
pub(super) fn has_end(file: &mut (impl Read + Seek)) -> bool {
    let mut tail = Vec::new();
    let read = file
        .seek(SeekFrom::End(0))
        .and_then(|length| file.seek(SeekFrom::Start(length.saturating_sub(22 + LONGEST_COMMENT.unsigned_abs()))))
        .and_then(|_| file.read_to_end(&mut tail))
        .and_then(|_| file.rewind());
    read.is_ok() && memchr::memmem::find(&tail, &END).is_some()
}

/// Goes to the first member, which is not at the start when something stands before it, or the start is lost.
///
/// # Errors
/// Those of the reader.
pub(super) fn find_first(input: &mut (impl BufRead + Seek)) -> io::Result<bool> {
    let mut matched = 0;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(false);
        }
        let mut used = 0;
        for byte in buffer {
            used += 1;
            matched = match HEADER.get(matched) {
                Some(expected) if expected == byte => matched + 1,
                _ => usize::from(*byte == b'P'),
            };
            if matched == HEADER.len() {
                break;
            }
        }
        input.consume(used);
        if matched == HEADER.len() {
            // Packed bytes may look like a header: its version and method must be some that exist.
            let [version, _, _, _, method, zero] = array(input)?;
            let is_header = version <= 63 && (method <= 20 || method >= 93) && zero == 0;
            let back = if is_header { 10 } else { 6 };
            input.seek_relative(-back)?;
            if is_header {
                return Ok(true);
            }
            matched = 0;
        }
    }
}

/// The next member; `None` where something else follows, such as the directory.
///
/// # Errors
/// Those of the reader.
pub(super) fn next(input: &mut impl BufRead) -> io::Result<Option<Member>> {
    let mut mark: [u8; 4] = array(input)?;
    if mark == DESCRIPTOR {
        // Checksum and sizes of the member before, of four or eight bytes each.
        let _: [u8; 12] = array(input)?;
        mark = array(input)?;
        if mark != HEADER && mark != *b"PK\x01\x02" {
            let _: [u8; 4] = array(input)?;
            mark = array(input)?;
        }
    }
    if mark != HEADER {
        return Ok(None);
    }
    let head: [u8; 26] = array(input)?;
    let half = |at: usize| u16::from_le_bytes([head.get(at), head.get(at + 1)].map(|b| b.copied().unwrap_or_default()));
    let word = |at: usize| u32::from(half(at)) | u32::from(half(at + 2)) << 16;
    let (flags, method, packed, size) = (half(2), half(4), word(14), word(18));
    let (name, extra) = (bytes(input, half(22))?, bytes(input, half(24))?);
    let streamed = flags & 8 != 0;
    let wide = zip64(&extra);
    let told = |value: u32, at: usize| match value {
        _ if streamed && value == 0 => None,
        ELSEWHERE => wide.get(at).copied(),
        value => Some(value.into()),
    };
    let member = Member {
        name,
        encrypted: flags & 1 != 0,
        size: told(size, 0),
        packed: told(packed, usize::from(size == ELSEWHERE)),
        method,
    };
    Ok(Some(member))
}

/// The contents of a member, unpacked; `None` when they cannot be.
pub(super) fn contents<'i, R: BufRead + Seek>(member: &Member, input: &'i mut R) -> Option<Box<dyn Read + 'i>> {
    match (member.method, member.packed) {
        _ if member.encrypted => None,
        (0, None) => Some(Box::new(UntilDescriptor { inner: input, held: Vec::new(), ready: 0, told: 0, end: None })),
        (0, Some(packed)) => Some(Box::new(Whole { inner: input.take(packed) })),
        (8, packed) => {
            let decoder = DeflateDecoder::new(input.take(packed.unwrap_or(u64::MAX)));
            Some(Box::new(Inflated { decoder, size: member.size }))
        }
        _ => None,
    }
}

/// Passes over a member that is not read.
///
/// # Errors
/// Those of the reader, and when nothing tells where the member ends.
pub(super) fn pass(member: &Member, input: &mut impl BufRead) -> io::Result<()> {
    let Some(packed) = member.packed else { return Err(io::ErrorKind::InvalidData.into()) };
    io::copy(&mut input.take(packed), &mut io::sink()).map(drop)
}

/// A stretch of known length; its lacking end is an error.
struct Whole<R> {
    inner: io::Take<R>,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(into)?;
        if got == 0 && !into.is_empty() && self.inner.limit() > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(got)
    }
}

/// A stored member of untold length: it ends at the descriptor that tells as many bytes as came before it.
struct UntilDescriptor<'i, R> {
    inner: &'i mut R,
    held: Vec<u8>,
    /// Bytes of `held` that may be given out.
    ready: usize,
    /// Bytes given out.
    told: u64,
    /// How it ends, once known.
    end: Option<Result<(), io::ErrorKind>>,
}

/// Signature, checksum, and two sizes of eight bytes.
const LONGEST_DESCRIPTOR: usize = 24;

impl<R: BufRead + Seek> UntilDescriptor<'_, R> {
    /// Holds more bytes, and finds out how many of them belong to the member.
    fn look(&mut self) -> io::Result<()> {
        const AHEAD: u64 = 256 * 1024;
        self.inner.by_ref().take(AHEAD).read_to_end(&mut self.held)?;
        for at in memchr::memmem::find_iter(&self.held, &DESCRIPTOR) {
            let length = self.told + at as u64;
            let number = |from: usize, bytes: usize| {
                let field = self.held.get(at + from..at + from + bytes)?;
                Some(field.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte)))
            };
            let short = (number(8, 4), number(12, 4)) == (Some(length), Some(length));
            let long = (number(8, 8), number(16, 8)) == (Some(length), Some(length));
            if short || long {
                let behind = i64::try_from(self.held.len() - at).unwrap_or_default();
                self.inner.seek_relative(-behind)?;
                self.held.truncate(at);
                (self.ready, self.end) = (at, Some(Ok(())));
                return Ok(());
            }
        }
        if (self.held.len() as u64) < AHEAD {
            (self.ready, self.end) = (self.held.len(), Some(Err(io::ErrorKind::UnexpectedEof)));
        } else {
            self.ready = self.held.len() - LONGEST_DESCRIPTOR;
        }
        Ok(())
    }
}

impl<R: BufRead + Seek> Read for UntilDescriptor<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.ready == 0 {
            match self.end {
                Some(Ok(())) => return Ok(0),
                Some(Err(error)) => return Err(error.into()),
                None => self.look()?,
            }
        }
        let count = self.ready.min(into.len());
        for (place, byte) in into.iter_mut().zip(self.held.drain(..count)) {
            *place = byte;
        }
        self.ready -= count;
        self.told += count as u64;
        Ok(count)
    }
}

/// A deflated member; its lacking end is an error, which the decoder alone does not tell.
struct Inflated<R> {
    decoder: DeflateDecoder<io::Take<R>>,
    size: Option<u64>,
}

impl<R: BufRead> Read for Inflated<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.decoder.read(into)?;
        if got == 0 && !into.is_empty() {
            let is_whole = match self.size {
                Some(size) => self.decoder.total_out() >= size,
                // Behind one of untold size stands its descriptor.
                None => !self.decoder.get_mut().fill_buf()?.is_empty(),
            };
            if !is_whole {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(got)
    }
}

/// The sizes in the extra field that holds large ones, in the order stored.
fn zip64(extra: &[u8]) -> Vec<u64> {
    let mut rest = extra;
    while let Some(([a, b, c, d], behind)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([*c, *d]));
        let Some((field, behind)) = behind.split_at_checked(length) else { break };
        if u16::from_le_bytes([*a, *b]) == ZIP64 {
            return field.as_chunks().0.iter().map(|eight| u64::from_le_bytes(*eight)).collect();
        }
        rest = behind;
    }
    Vec::new()
}

fn bytes(input: &mut impl Read, count: u16) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count.into()];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn array<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}
