//! How the exporting machine writes dates, times and numbers.
//!
//! Procmon formats with the Windows short date pattern, the long time pattern with seven digits inserted behind the
//! seconds, and the number grouping sign of the exporting user's locale.

use super::text;
use crate::nt::FileTime;

/// A part of a date or time pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Four digits.
    Year,
    /// Without leading zero.
    Month,
    /// Two digits.
    Month2,
    /// Without leading zero.
    Day,
    /// Two digits.
    Day2,
    /// 0–23 without leading zero.
    Hour,
    /// 00–23.
    Hour2,
    /// 1–12 without leading zero.
    Hour12,
    /// 01–12.
    Hour12Two,
    /// Two digits.
    Minute,
    /// Two digits; the fraction, where wanted, follows.
    Second,
    /// The designator of the half of the day.
    Half,
    /// Anything else.
    Literal(&'static str),
}

/// The conventions of one locale.
#[derive(Debug, PartialEq, Eq)]
pub struct Locale {
    /// BCP 47 tag, `en-US`.
    pub tag: &'static str,
    date: &'static [Part],
    time: &'static [Part],
    decimal: &'static str,
    group: &'static str,
    halves: [&'static str; 2],
}

use Part::{Day, Day2, Half, Hour, Hour2, Hour12, Hour12Two, Literal, Minute, Month, Month2, Second, Year};

const COLON: Part = Literal(":");
const DOT: Part = Literal(".");
const SLASH: Part = Literal("/");
const DASH: Part = Literal("-");
const BLANK: Part = Literal(" ");

/// `H:mm:ss`
const TIME_24: &[Part] = &[Hour, COLON, Minute, COLON, Second];
/// `HH:mm:ss`
const TIME_24_PADDED: &[Part] = &[Hour2, COLON, Minute, COLON, Second];
/// `dd/MM/yyyy`
const DAY_MONTH_YEAR_SLASH: &[Part] = &[Day2, SLASH, Month2, SLASH, Year];
/// `dd.MM.yyyy`
const DAY_MONTH_YEAR_DOT: &[Part] = &[Day2, DOT, Month2, DOT, Year];
/// `yyyy/M/d`
const YEAR_MONTH_DAY: &[Part] = &[Year, SLASH, Month, SLASH, Day];

const NO_BREAK_SPACE: &str = "\u{A0}";
const NARROW_NO_BREAK_SPACE: &str = "\u{202F}";

/// Every locale known. en-US and es-ES are checked against Procmon's own exports byte for byte; zh-TW, ru-RU and pl-PL
/// against values seen in such exports; the rest follow the defaults of Windows 10.
pub static LOCALES: [Locale; 13] = [
    Locale {
        tag: "en-US",
        date: &[Month, SLASH, Day, SLASH, Year],
        time: &[Hour12, COLON, Minute, COLON, Second, BLANK, Half],
        decimal: ".",
        group: ",",
        halves: ["AM", "PM"],
    },
    Locale {
        tag: "en-GB",
        date: DAY_MONTH_YEAR_SLASH,
        time: TIME_24_PADDED,
        decimal: ".",
        group: ",",
        halves: ["", ""],
    },
    Locale {
        tag: "zh-CN", date: YEAR_MONTH_DAY, time: TIME_24, decimal: ".", group: ",", halves: ["上午", "下午"]
    },
    Locale {
        tag: "zh-TW",
        date: YEAR_MONTH_DAY,
        time: &[Half, BLANK, Hour12Two, COLON, Minute, COLON, Second],
        decimal: ".",
        group: ",",
        halves: ["上午", "下午"],
    },
    Locale { tag: "es-ES", date: DAY_MONTH_YEAR_SLASH, time: TIME_24, decimal: ",", group: ".", halves: ["", ""] },
    Locale { tag: "de-DE", date: DAY_MONTH_YEAR_DOT, time: TIME_24_PADDED, decimal: ",", group: ".", halves: ["", ""] },
    Locale {
        tag: "fr-FR",
        date: DAY_MONTH_YEAR_SLASH,
        time: TIME_24_PADDED,
        decimal: ",",
        group: NARROW_NO_BREAK_SPACE,
        halves: ["", ""],
    },
    Locale {
        tag: "it-IT",
        date: DAY_MONTH_YEAR_SLASH,
        time: TIME_24_PADDED,
        decimal: ",",
        group: ".",
        halves: ["", ""],
    },
    Locale {
        tag: "ja-JP",
        date: &[Year, SLASH, Month2, SLASH, Day2],
        time: TIME_24,
        decimal: ".",
        group: ",",
        halves: ["午前", "午後"],
    },
    Locale {
        tag: "ko-KR",
        date: &[Year, DASH, Month2, DASH, Day2],
        time: &[Half, BLANK, Hour12, COLON, Minute, COLON, Second],
        decimal: ".",
        group: ",",
        halves: ["오전", "오후"],
    },
    Locale {
        tag: "pl-PL",
        date: DAY_MONTH_YEAR_DOT,
        time: TIME_24_PADDED,
        decimal: ",",
        group: NO_BREAK_SPACE,
        halves: ["", ""],
    },
    Locale {
        tag: "pt-BR",
        date: DAY_MONTH_YEAR_SLASH,
        time: TIME_24_PADDED,
        decimal: ",",
        group: ".",
        halves: ["", ""],
    },
    Locale {
        tag: "ru-RU",
        date: DAY_MONTH_YEAR_DOT,
        time: TIME_24,
        decimal: ",",
        group: NO_BREAK_SPACE,
        halves: ["", ""],
    },
];

impl Locale {
    /// The locale of `tag`, ignoring case.
    pub fn find(tag: &str) -> Option<&'static Self> {
        LOCALES.iter().find(|locale| locale.tag.eq_ignore_ascii_case(tag))
    }

    /// en-US.
    pub fn en_us() -> &'static Self {
        &LOCALES[0]
    }

    /// The sign between groups of three digits.
    pub const fn group(&self) -> &'static str {
        self.group
    }
}

/// A calendar date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Civil {
    year: u64,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

const TICKS_PER_SECOND: u64 = 10_000_000;
const SECONDS_PER_DAY: u64 = 86_400;

impl Civil {
    /// From seconds since 1601-01-01. The year counts from March, so that the leap day ends it.
    const fn new(seconds: u64) -> Self {
        let of_day = seconds % SECONDS_PER_DAY;
        // 1600-03-01 is 306 days before 1601-01-01 and starts a cycle of 400 years of 146,097 days.
        let days = seconds / SECONDS_PER_DAY + 306;
        let era = days / 146_097;
        let of_era = days % 146_097;
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let (month, carry) = if month_from_march < 10 { (month_from_march + 3, 0) } else { (month_from_march - 9, 1) };
        Self {
            year: 1600 + era * 400 + year_of_era + carry,
            month: month as u8,
            day: day as u8,
            hour: (of_day / 3600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
        }
    }
}

fn write_part(out: &mut Vec<u8>, part: Part, civil: Civil, halves: [&str; 2]) {
    let short = |out: &mut Vec<u8>, value: u8| {
        if value >= 10 {
            out.push(b'0' + value / 10);
        }
        out.push(b'0' + value % 10);
    };
    let two = |out: &mut Vec<u8>, value: u8| out.extend_from_slice(&[b'0' + value / 10, b'0' + value % 10]);
    let hour12 = match civil.hour % 12 {
        0 => 12,
        hour => hour,
    };
    match part {
        Year => text::padded(out, civil.year, if civil.year > 9999 { 5 } else { 4 }),
        Month => short(out, civil.month),
        Month2 => two(out, civil.month),
        Day => short(out, civil.day),
        Day2 => two(out, civil.day),
        Hour => short(out, civil.hour),
        Hour2 => two(out, civil.hour),
        Hour12 => short(out, hour12),
        Hour12Two => two(out, hour12),
        Minute => two(out, civil.minute),
        Second => two(out, civil.second),
        Half => out.extend_from_slice(halves[usize::from(civil.hour >= 12)].as_bytes()),
        Literal(text) => out.extend_from_slice(text.as_bytes()),
    }
}

/// Writes dates and times of one locale and one offset from UTC, remembering the texts of the last second.
#[derive(Clone, Debug)]
pub struct Clock {
    locale: &'static Locale,
    /// Ticks added to every FILETIME: one offset whatever the date, as Procmon does.
    offset: u64,
    second: Option<u64>,
    before_fraction: Vec<u8>,
    after_fraction: Vec<u8>,
    date: Vec<u8>,
}

/// FILETIMEs from here on are no valid dates to Windows.
const INVALID: u64 = 1 << 63;

impl Clock {
    /// For `offset_seconds` east of UTC.
    pub const fn new(locale: &'static Locale, offset_seconds: i32) -> Self {
        Self {
            locale,
            offset: (offset_seconds as i64 * TICKS_PER_SECOND as i64).cast_unsigned(),
            second: None,
            before_fraction: Vec::new(),
            after_fraction: Vec::new(),
            date: Vec::new(),
        }
    }

    /// The locale.
    pub const fn locale(&self) -> &'static Locale {
        self.locale
    }

    fn turn_to(&mut self, second: u64) {
        if self.second == Some(second) {
            return;
        }
        self.second = Some(second);
        let civil = Civil::new(second);
        let locale = self.locale;
        self.before_fraction.clear();
        self.after_fraction.clear();
        self.date.clear();
        let mut target = &mut self.before_fraction;
        for part in locale.time {
            write_part(target, *part, civil, locale.halves);
            if *part == Second {
                target = &mut self.after_fraction;
            }
        }
        self.before_fraction.extend_from_slice(locale.decimal.as_bytes());
        write_date_time(&mut self.date, locale, civil);
    }

    /// Local time of day with seven digits of fraction.
    pub fn time_of_day(&mut self, out: &mut Vec<u8>, time: FileTime) {
        let local = time.0.wrapping_add(self.offset);
        if local >= INVALID {
            return text::signed(out, time.0.cast_signed());
        }
        self.turn_to(local / TICKS_PER_SECOND);
        out.extend_from_slice(&self.before_fraction);
        out.extend_from_slice(&text::fraction(local));
        out.extend_from_slice(&self.after_fraction);
    }

    /// Local short date and time without fraction, of a time near the last one.
    pub fn date_time(&mut self, out: &mut Vec<u8>, time: FileTime) {
        let local = time.0.wrapping_add(self.offset);
        if local >= INVALID {
            return text::signed(out, time.0.cast_signed());
        }
        self.turn_to(local / TICKS_PER_SECOND);
        out.extend_from_slice(&self.date);
    }

    /// Local short date and time of any time; remembers nothing.
    pub fn any_date_time(&self, out: &mut Vec<u8>, time: FileTime) {
        let local = time.0.wrapping_add(self.offset);
        if local >= INVALID {
            return text::signed(out, time.0.cast_signed());
        }
        write_date_time(out, self.locale, Civil::new(local / TICKS_PER_SECOND));
    }
}

fn write_date_time(out: &mut Vec<u8>, locale: &Locale, civil: Civil) {
    for part in locale.date {
        write_part(out, *part, civil, locale.halves);
    }
    out.push(b' ');
    for part in locale.time {
        write_part(out, *part, civil, locale.halves);
    }
}

/// RFC 3339 in UTC with seven digits; hex when it is no date.
pub(crate) fn rfc3339(out: &mut Vec<u8>, time: FileTime) {
    if time.0 >= INVALID {
        return text::hex(out, time.0);
    }
    let civil = Civil::new(time.0 / TICKS_PER_SECOND);
    text::padded(out, civil.year, if civil.year > 9999 { 5 } else { 4 });
    let [[m, n], [d, e]] = [civil.month, civil.day].map(|value| text::two(value.into()));
    let [[h, i], [j, k], [s, t]] = [civil.hour, civil.minute, civil.second].map(|value| text::two(value.into()));
    out.extend_from_slice(&[b'-', m, n, b'-', d, e, b'T', h, i, b':', j, k, b':', s, t, b'.']);
    out.extend_from_slice(&text::fraction(time.0));
    out.push(b'Z');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tag: &str, offset: i32, time: u64) -> (String, String) {
        let mut clock = Clock::new(Locale::find(tag).unwrap(), offset);
        let (mut of_day, mut date, mut any) = (Vec::new(), Vec::new(), Vec::new());
        clock.time_of_day(&mut of_day, FileTime(time));
        clock.date_time(&mut date, FileTime(time));
        clock.any_date_time(&mut any, FileTime(time));
        assert_eq!(date, any);
        (String::from_utf8(of_day).unwrap(), String::from_utf8(date).unwrap())
    }

    /// 2020-07-31T07:19:37.0147934Z
    const MORNING: u64 = 132_406_535_770_147_934;

    #[test]
    fn each_locale_has_its_patterns() {
        let at = |tag, offset| texts(tag, offset, MORNING);
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(at("en-US", 0), pair("7:19:37.0147934 AM", "7/31/2020 7:19:37 AM"));
        assert_eq!(at("en-US", 5 * 3600), pair("12:19:37.0147934 PM", "7/31/2020 12:19:37 PM"));
        assert_eq!(at("en-us", -7 * 3600 - 1200), pair("11:59:37.0147934 PM", "7/30/2020 11:59:37 PM"));
        assert_eq!(at("en-US", -7 * 3600), pair("12:19:37.0147934 AM", "7/31/2020 12:19:37 AM"));
        assert_eq!(at("es-ES", 7200), pair("9:19:37,0147934", "31/07/2020 9:19:37"));
        assert_eq!(at("zh-CN", 8 * 3600), pair("15:19:37.0147934", "2020/7/31 15:19:37"));
        assert_eq!(at("zh-TW", 8 * 3600), pair("下午 03:19:37.0147934", "2020/7/31 下午 03:19:37"));
        assert_eq!(at("ru-RU", 0), pair("7:19:37,0147934", "31.07.2020 7:19:37"));
        assert_eq!(at("pl-PL", 0), pair("07:19:37,0147934", "31.07.2020 07:19:37"));
        assert_eq!(at("ko-KR", 0), pair("오전 7:19:37.0147934", "2020-07-31 오전 7:19:37"));
        assert_eq!(Locale::find("xx"), None);
    }

    #[test]
    fn odd_times() {
        assert_eq!(texts("en-US", 0, 0).1, "1/1/1601 12:00:00 AM");
        // Minus one tick wraps around when the offset is added.
        assert_eq!(texts("es-ES", 7200, u64::MAX).1, "01/01/1601 1:59:59");
        assert_eq!(texts("en-US", 0, u64::MAX).1, "-1");
        assert_eq!(texts("en-US", 0, 132_274_656_000_000_000).1, "2/29/2020 4:00:00 PM");
        assert_eq!(texts("en-US", 0, INVALID - 1).1, "9/14/30828 2:48:05 AM");
    }

    #[test]
    fn the_calendar_agrees_with_jiff() {
        // Every 11th day and a bit from 1601 to 2200.
        for step in 0..20_000u64 {
            let seconds = step * (11 * SECONDS_PER_DAY + 3_661);
            let civil = Civil::new(seconds);
            let time = FileTime(seconds * TICKS_PER_SECOND).timestamp().unwrap().to_zoned(jiff::tz::TimeZone::UTC);
            let expected = (time.year() as u64, time.month() as u8, time.day() as u8, time.hour() as u8);
            assert_eq!((civil.year, civil.month, civil.day, civil.hour), expected);
            assert_eq!((civil.minute, civil.second), (time.minute() as u8, time.second() as u8));
        }
    }
}
