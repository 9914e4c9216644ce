//! Local stamps without a zone, and the offset that ties them to UTC.

use std::fmt;

use crate::nt::FileTime;

/// Seconds between 1601-01-01 and 1970-01-01.
const EPOCH_SECONDS: i64 = 11_644_473_600;

/// The calendar time that seconds are counted from.
const EPOCH: jiff::civil::DateTime = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);

/// A wall-clock second of the machine: seconds since 1970-01-01 as if the clock showed UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime(pub i64);

impl LocalTime {
    /// The second named by a date and a time; `None` when the calendar has none such.
    pub fn new(year: i64, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Option<Self> {
        if !(1601..=9999).contains(&year) || hour > 23 || minute > 59 || second > 59 || day == 0 {
            return None;
        }
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let days_in_month = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        if day > days_in_month {
            return None;
        }
        // Days from the civil date, years counted from March so that the leap day comes last.
        let shifted = if month <= 2 { year - 1 } else { year };
        let era = shifted.div_euclid(400);
        let year_of_era = shifted.rem_euclid(400);
        let month_from_march = i64::from((month + 9) % 12);
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        Some(Self(days * 86_400 + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)))
    }

    /// The instant, given how many minutes the local clock is ahead of UTC; `None` out of range.
    pub fn to_utc(self, offset_minutes: i32) -> Option<FileTime> {
        let seconds = self.0.checked_sub(i64::from(offset_minutes) * 60)?.checked_add(EPOCH_SECONDS)?;
        u64::try_from(seconds).ok()?.checked_mul(10_000_000).map(FileTime)
    }

    /// How many minutes this stamp is ahead of `utc`, to the nearest quarter of an hour; `None` when no zone on
    /// Earth has such an offset.
    pub fn offset_from(self, utc: FileTime) -> Option<i32> {
        let utc_seconds = i64::try_from(utc.0 / 10_000_000).ok()?.checked_sub(EPOCH_SECONDS)?;
        let difference = self.0.checked_sub(utc_seconds)?;
        let minutes = difference.checked_add(450)?.div_euclid(900).checked_mul(15)?;
        i32::try_from(minutes).ok().filter(|minutes| (-12 * 60..=14 * 60).contains(minutes))
    }
}

impl fmt::Display for LocalTime {
    /// `2022-10-08 13:49:31`, as the log prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A calendar time, not a moment: moments end a day before the year 9999 does.
        let time = EPOCH.checked_add(jiff::SignedDuration::from_secs(self.0));
        match time {
            Ok(time) => write!(f, "{}", time.strftime("%Y-%m-%d %H:%M:%S")),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

/// The instant of a UTC date and time with milliseconds.
pub fn utc(local: LocalTime, millis: u32) -> Option<FileTime> {
    local.to_utc(0).and_then(|time| time.0.checked_add(u64::from(millis) * 10_000)).map(FileTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_dates_round_trip() {
        for (y, mo, d, text) in [
            (2022, 10, 8, "2022-10-08 13:49:31"),
            (2024, 2, 29, "2024-02-29 13:49:31"),
            (1970, 1, 1, "1970-01-01 13:49:31"),
            (2000, 12, 31, "2000-12-31 13:49:31"),
            (9999, 12, 31, "9999-12-31 13:49:31"),
            (1601, 1, 1, "1601-01-01 13:49:31"),
        ] {
            assert_eq!(LocalTime::new(y, mo, d, 13, 49, 31).unwrap().to_string(), text);
        }
        assert_eq!(LocalTime::new(2023, 2, 29, 0, 0, 0), None);
        assert_eq!(LocalTime::new(2022, 13, 40, 99, 99, 99), None);
    }

    #[test]
    fn offsets_round_to_quarter_hours() {
        let utc_time = utc(LocalTime::new(2022, 10, 8, 16, 0, 15).unwrap(), 998).unwrap();
        assert_eq!(LocalTime::new(2022, 10, 9, 0, 0, 16).unwrap().offset_from(utc_time), Some(480));
        assert_eq!(LocalTime::new(2022, 10, 8, 21, 45, 15).unwrap().offset_from(utc_time), Some(345));
        assert_eq!(LocalTime::new(2022, 10, 8, 12, 30, 14).unwrap().offset_from(utc_time), Some(-210));
        assert_eq!(LocalTime::new(2022, 10, 10, 0, 0, 16).unwrap().offset_from(utc_time), None);
    }

    #[test]
    fn to_utc_subtracts_the_offset() {
        let local = LocalTime::new(2022, 10, 8, 13, 50, 57).unwrap();
        assert_eq!(local.to_utc(480).unwrap().to_rfc3339(), "2022-10-08T05:50:57.0000000Z");
    }
}
