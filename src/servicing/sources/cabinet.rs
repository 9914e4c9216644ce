//! A look at a cabinet's tables before its reader is trusted with them: every file must lie within the data of its
//! folder. Layout: MS-CAB 2.1 to 2.4.

use std::io::{self, Read, Seek, SeekFrom};

/// One file of a cabinet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    folder: u16,
    start: u64,
    end: u64,
}

/// The cabinet is one of a set, and has files that began before or go on behind it.
#[derive(Debug, thiserror::Error)]
#[error("one cabinet of a set")]
pub(super) struct InSet;

/// Folders from this on are those of the cabinet before or behind.
const FIRST_CONTINUED: u16 = 0xFFFD;

/// Checks that every file of the cabinet lies within its folder; an error says what does not.
///
/// # Errors
/// Those of the reader, `InvalidData`, and [`InSet`].
pub(super) fn check(file: &mut (impl Read + Seek)) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut file = io::BufReader::new(file);
    let head: [u8; 36] = array(&mut file)?;
    let half = |at: usize| u16::from_le_bytes([head.get(at), head.get(at + 1)].map(|b| b.copied().unwrap_or_default()));
    let first_file = u64::from(half(16)) | u64::from(half(18)) << 16;
    let (folders, count, flags) = (half(26), half(28), half(30));
    let (mut folder_reserve, mut data_reserve) = (0u8, 0u8);
    if flags & 4 != 0 {
        let [low, high, folder, data] = array(&mut file)?;
        (folder_reserve, data_reserve) = (folder, data);
        file.seek_relative(i64::from(u16::from_le_bytes([low, high])))?;
    }
    // Names of the cabinet before and of the one behind, two strings each.
    for _ in 0..(flags & 3).count_ones() * 2 {
        skip_name(&mut file)?;
    }
    let mut starts = Vec::new();
    for _ in 0..folders {
        let [a, b, c, d, blocks_low, blocks_high, _, _] = array(&mut file)?;
        starts.push((u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([blocks_low, blocks_high])));
        file.seek_relative(i64::from(folder_reserve))?;
    }
    file.seek(SeekFrom::Start(first_file))?;
    let mut places = Vec::new();
    for _ in 0..count {
        let [s0, s1, s2, s3, o0, o1, o2, o3, folder_low, folder_high, _, _, _, _, _, _] = array(&mut file)?;
        let start = u64::from(u32::from_le_bytes([o0, o1, o2, o3]));
        let end = start + u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
        places.push(Place { folder: u16::from_le_bytes([folder_low, folder_high]), start, end });
        skip_name(&mut file)?;
    }
    if flags & 3 != 0 && places.iter().any(|place| place.folder >= FIRST_CONTINUED) {
        return Err(io::Error::other(InSet));
    }
    for (at, (start, blocks)) in starts.into_iter().enumerate() {
        let own = || places.iter().filter(|place| usize::from(place.folder) == at);
        let Some(end) = own().map(|place| place.end.max(place.start)).max() else { continue };
        file.seek(SeekFrom::Start(u64::from(start)))?;
        let mut total = 0u64;
        let mut cut_off = false;
        for _ in 0..blocks {
            let block = match array(&mut file) {
                Ok(block) => block,
                // What lies before is read; the reader meets the end itself.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    cut_off = true;
                    break;
                }
                Err(error) => return Err(error),
            };
            let [_, _, _, _, packed_low, packed_high, size_low, size_high] = block;
            total += u64::from(u16::from_le_bytes([size_low, size_high]));
            let packed = i64::from(u16::from_le_bytes([packed_low, packed_high]));
            file.seek_relative(packed + i64::from(data_reserve))?;
        }
        if end > total && !cut_off {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a file lies beyond the data of its folder"));
        }
    }
    Ok(())
}

fn array<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A name ends in NUL and has at most 256 bytes.
fn skip_name(file: &mut impl Read) -> io::Result<()> {
    for _ in 0..=256 {
        if array::<1>(file)? == [0] {
            return Ok(());
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "a name does not end"))
}
