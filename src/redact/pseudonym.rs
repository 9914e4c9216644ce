//! Pseudonyms out of a secret.

use super::units::upper_unit;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key of the pseudonyms.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// First letter of the CJK block that pseudonyms for letters beyond ASCII come from, and how many.
const CJK: (u16, u16) = (0x4E00, 20_902);
/// The same for letters that have capitals: small letters of Cyrillic, which have them, too.
const CASED: (u16, u16) = (0x0430, 32);

impl Secret {
    /// A new one; `None` when the system has no randomness to give.
    pub(super) fn random() -> Option<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    fn block(&self, domain: &str, input: &[u8], counter: u32, block: u32) -> [u8; 32] {
        // HMAC takes keys of any length; the error exists only in the trait.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        mac.update(domain.as_bytes());
        mac.update(&[0]);
        mac.update(input);
        mac.update(&counter.to_le_bytes());
        mac.update(&block.to_le_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Numbers drawn for `input`; another `counter` gives others.
    pub(super) fn draw(&self, domain: &str, input: &[u8], counter: u32) -> impl Iterator<Item = u64> + '_ {
        let (domain, input) = (domain.to_owned(), input.to_vec());
        (0u32..).flat_map(move |block| {
            let bytes = self.block(&domain, &input, counter, block);
            let mut numbers = [0u64; 4];
            for (number, eight) in numbers.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *number = u64::from_le_bytes(*eight);
            }
            numbers
        })
    }

    /// A name of the same length and make as `folded`.
    pub(super) fn name(&self, folded: &str, counter: u32) -> Vec<u16> {
        let numbers = self.draw("name", folded.as_bytes(), counter);
        folded.encode_utf16().zip(numbers).map(|(unit, number)| alike(unit, number)).collect()
    }

    /// A number with as many decimal digits as `value`.
    pub(super) fn number(&self, domain: &str, context: &[u8], value: u32, limit: u32) -> u32 {
        let digits = value.checked_ilog10().unwrap_or(0);
        let low = if digits == 0 { 0 } else { 10u32.saturating_pow(digits) };
        let high = 10u64.pow(digits + 1).min(u64::from(limit) + 1);
        let span = high.saturating_sub(low.into()).max(1);
        let mut input = context.to_vec();
        input.extend_from_slice(&value.to_le_bytes());
        let drawn = self.draw(domain, &input, 0).next().unwrap_or_default() % span;
        u32::try_from(u64::from(low) + drawn).unwrap_or(value)
    }
}

/// A unit of the same make: letter for letter, digit for digit; marks stay.
fn alike(unit: u16, number: u64) -> u16 {
    let pick = |first: u16, count: u16| first + u16::try_from(number % u64::from(count)).unwrap_or_default();
    match unit {
        0x30..=0x39 => pick(0x30, 10),
        0x41..=0x5A | 0x61..=0x7A => pick(0x61, 26),
        0..0x80 => unit,
        _ if upper_unit(unit) != unit => pick(CASED.0, CASED.1),
        _ => pick(CJK.0, CJK.1),
    }
}
