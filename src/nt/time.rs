//! Times as Windows counts them: 100 ns ticks since 1601-01-01 UTC.

use jiff::Timestamp;

/// `FILETIME`: 100 ns ticks since 1601-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileTime(pub u64);

/// A length of time in 100 ns ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticks(pub u64);

/// Ticks between 1601-01-01 and 1970-01-01.
const UNIX_EPOCH: i128 = 116_444_736_000_000_000;

impl FileTime {
    /// The same instant for calendar arithmetic; `None` beyond year 9999.
    pub fn timestamp(self) -> Option<Timestamp> {
        let nanos = (i128::from(self.0) - UNIX_EPOCH).checked_mul(100)?;
        Timestamp::from_nanosecond(nanos).ok()
    }

    /// The tick that holds `time`; `None` before 1601.
    pub fn from_timestamp(time: Timestamp) -> Option<Self> {
        u64::try_from(time.as_nanosecond().div_euclid(100) + UNIX_EPOCH).ok().map(Self)
    }

    /// RFC 3339 in UTC with seven fractional digits: `2022-10-08T05:50:57.4401234Z`.
    ///
    /// ```
    /// use pmlblame::nt::FileTime;
    /// assert_eq!(FileTime(133_096_818_574_401_234).to_rfc3339(), "2022-10-08T05:50:57.4401234Z");
    /// ```
    pub fn to_rfc3339(self) -> String {
        match self.timestamp() {
            Some(time) => format!("{time:.7}"),
            None => format!("{:#X}", self.0),
        }
    }

    /// Reads what [`Self::to_rfc3339`] writes (any offset, up to nine fractional digits).
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        Self::from_timestamp(text.parse().ok()?)
    }

    /// This time plus a length, stopping at the end of the range.
    pub const fn plus(self, ticks: Ticks) -> Self {
        Self(self.0.saturating_add(ticks.0))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub const fn since(self, earlier: Self) -> Ticks {
        Ticks(self.0.saturating_sub(earlier.0))
    }
}

impl Ticks {
    /// In milliseconds.
    pub fn as_millis(self) -> f64 {
        self.0 as f64 / 10_000.0
    }

    /// In seconds.
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / 10_000_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_to_the_tick() {
        let time = FileTime(133_096_818_574_401_234);
        assert_eq!(FileTime::parse_rfc3339(&time.to_rfc3339()), Some(time));
        assert_eq!(FileTime(0).to_rfc3339(), "1601-01-01T00:00:00.0000000Z");
        assert_eq!(FileTime(u64::MAX).to_rfc3339(), "0xFFFFFFFFFFFFFFFF");
    }
}
