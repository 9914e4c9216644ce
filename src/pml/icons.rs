//! The icon table: small and large icons of programs.

use super::bytes::u32_at;
use super::layout::HEADER_SIZE;

/// An icon as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icon<'a> {
    /// Pixels a side, 16 or 32; 0 for the placeholder.
    pub dimension: u32,
    /// An `ICONIMAGE` resource or a PNG.
    pub image: &'a [u8],
}

/// The icons of the table at `table`, up to the first that does not lie in the file; none when there is no table.
pub fn icons(data: &[u8], table: u64) -> Vec<Icon<'_>> {
    let Some(table) = usize::try_from(table).ok().filter(|at| *at >= HEADER_SIZE) else { return Vec::new() };
    let Some(bytes) = data.get(table..) else { return Vec::new() };
    let count = u32_at(bytes, 0).unwrap_or_default() as usize;
    // Icons are contiguous: all that point at one large image would multiply it.
    let mut budget = bytes.len();
    let icon = |n: usize| {
        let at = u32_at(bytes, 4 + 4 * n)? as usize;
        let size = u32_at(bytes, at.checked_add(4)?)? as usize;
        budget = budget.checked_sub(size.checked_add(8)?)?;
        let start = at.checked_add(8)?;
        Some(Icon { dimension: u32_at(bytes, at)?, image: bytes.get(start..start.checked_add(size)?)? })
    };
    (0..count.min(bytes.len() / 12)).map_while(icon).collect()
}
