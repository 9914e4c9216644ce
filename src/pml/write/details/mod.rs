//! Detail blocks, typed in and bytes out, for either pointer width.
//!
//! [`Details`] is the factory: one method per operation gives a [`Body`], which only lacks its process, thread, time
//! and result to be a [`RawEvent`](super::RawEvent).

mod file;
mod info;
mod other;

pub use file::{CreateFile, DirectoryEntry, Lock, MappingSection, Target, Transfer};
pub use info::{
    AllInfo, BasicInfo, StandardInfo, StatInfo, Times, all_info, basic_info, id_info, name_info, network_open_info,
    standard_info, stat_info,
};
pub use other::{Endpoint, ImageLoad, NewProcess, ProcessTotals, key_basic_info, sid_bytes, value_partial_info};

/// Class, operation and detail bytes of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Event class, 1 process to 5 network.
    pub class: u32,
    /// Operation within the class.
    pub operation: u16,
    /// The detail block.
    pub detail: Vec<u8>,
    /// The extra detail block, without its size field.
    pub extra: Option<Vec<u8>>,
}

/// Builds detail blocks for a capture of one pointer width.
#[derive(Clone, Copy, Debug)]
pub struct Details {
    is_64_bit: bool,
}

impl Details {
    /// For captures of 64-bit (`true`) or 32-bit machines.
    pub fn new(is_64_bit: bool) -> Self {
        Self { is_64_bit }
    }

    /// Pointer size in bytes.
    fn pointer(self) -> usize {
        if self.is_64_bit { 8 } else { 4 }
    }

    /// Appends `value` as wide as a pointer.
    fn push_pointer(self, out: &mut Vec<u8>, value: u64) {
        out.extend_from_slice(value.to_le_bytes().get(..self.pointer()).unwrap_or_default());
    }
}

/// Bit 15 of a string's info field: one byte per character.
const ASCII: u16 = 0x8000;

/// The info field and the bytes of a string as Procmon stores it: ASCII when every character is.
///
/// Lengths have 15 bits; what is longer is cut there, as there is no way to write it.
fn stored(text: &str) -> (u16, Vec<u8>) {
    let limit = usize::from(!ASCII);
    if text.is_ascii() {
        let bytes: Vec<u8> = text.bytes().take(limit).collect();
        (ASCII | bytes.len() as u16, bytes)
    } else {
        let units: Vec<u16> = text.encode_utf16().take(limit).collect();
        (units.len() as u16, units.iter().flat_map(|unit| unit.to_le_bytes()).collect())
    }
}

/// UTF-16 bytes without NUL.
fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Leaves the 2 to 5 spare bytes that Procmon's drivers leave behind a detail.
fn with_spare(mut detail: Vec<u8>) -> Vec<u8> {
    let length = (detail.len() + 2).next_multiple_of(4);
    detail.resize(length, 0);
    detail
}

/// Extra blocks come in multiples of 4 bytes.
fn rounded(mut extra: Vec<u8>) -> Vec<u8> {
    let length = extra.len().next_multiple_of(4);
    extra.resize(length, 0);
    extra
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_chosen_exactly_when_possible() {
        assert_eq!(stored(r"C:\a"), (0x8004, br"C:\a".to_vec()));
        assert_eq!(stored("C:\\亚"), (4, vec![b'C', 0, b':', 0, b'\\', 0, 0x9A, 0x4E]));
        assert_eq!(stored(""), (0x8000, vec![]));
    }

    #[test]
    fn two_to_five_bytes_stay_spare() {
        for length in 0..9 {
            let spare = with_spare(vec![0; length]).len() - length;
            assert!((2..=5).contains(&spare), "{length}: {spare}");
        }
    }
}
