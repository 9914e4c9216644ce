//! Security identifiers as Windows stores them.

use std::fmt;

/// A `SID`: revision, count, authority and sub-authorities, as bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid<'a>(pub &'a [u8]);

impl Sid<'_> {
    /// The account of the well-known SIDs that services run under, as an English Windows prints it.
    pub fn well_known(self) -> Option<&'static str> {
        match self.0 {
            [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, ..] => Some(r"NT AUTHORITY\SYSTEM"),
            [1, 1, 0, 0, 0, 0, 0, 5, 19, 0, 0, 0, ..] => Some(r"NT AUTHORITY\LOCAL SERVICE"),
            [1, 1, 0, 0, 0, 0, 0, 5, 20, 0, 0, 0, ..] => Some(r"NT AUTHORITY\NETWORK SERVICE"),
            [1, 1, 0, 0, 0, 0, 0, 5, 7, 0, 0, 0, ..] => Some(r"NT AUTHORITY\ANONYMOUS LOGON"),
            _ => None,
        }
    }
}

/// `S-1-5-21-…`; hex when the bytes are no SID.
impl fmt::Display for Sid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [revision, count, a, b, c, d, e, g, rest @ ..] = self.0 else { return hex(self.0, f) };
        if rest.len() < usize::from(*count) * 4 {
            return hex(self.0, f);
        }
        let authority = u64::from_be_bytes([0, 0, *a, *b, *c, *d, *e, *g]);
        write!(f, "S-{revision}-{authority}")?;
        rest.as_chunks::<4>()
            .0
            .iter()
            .take((*count).into())
            .try_for_each(|sub| write!(f, "-{}", u32::from_le_bytes(*sub)))
    }
}

impl fmt::Debug for Sid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_windows_does() {
        let system = Sid(&[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]);
        assert_eq!(system.to_string(), "S-1-5-18");
        assert_eq!(system.well_known(), Some(r"NT AUTHORITY\SYSTEM"));
        let user = Sid(&[1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0xE8, 3, 0, 0]);
        assert_eq!(user.to_string(), "S-1-5-21-1000");
        assert_eq!(user.well_known(), None);
        assert_eq!(Sid(&[1, 9, 0]).to_string(), "0x010900");
        assert_eq!(Sid(&[1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0]).to_string(), "0x010200000000000515000000");
    }
}
