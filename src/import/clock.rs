//! Times and numbers as Procmon prints them in the locale of the machine that exported.
//!
//! A time of day is the locale's long time pattern with the decimal sign and seven digits behind the seconds:
//! `7:19:37.0147934 AM`, `15:42:22,8459553`, `上午 01:09:44.8222664`, `19.04.47,3955378`. A date comes in any order.
//! Spreadsheets show times as `20:13.1`, without the hour, and save what they show: that is no time of day.

use jiff::civil::Date;

/// 100 ns ticks of a second.
pub(crate) const SECOND: u64 = 10_000_000;
/// Ticks of a day.
pub(crate) const DAY: u64 = 86_400 * SECOND;

/// In which order a locale writes day, month and year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// `7/31/2020`
    MonthDayYear,
    /// `31.07.2020`
    DayMonthYear,
    /// `2020/7/31`
    YearMonthDay,
}

/// Words for the first and the second half of the day, without dots and blanks, in lower case.
const HALVES: [(&str, &str); 23] = [
    ("am", "pm"),
    ("a", "p"),
    ("上午", "下午"),
    ("午前", "午後"),
    ("오전", "오후"),
    ("ص", "م"),
    ("صباحا", "مساء"),
    ("قظ", "بظ"),
    ("πμ", "μμ"),
    ("sa", "ch"),
    ("de", "du"),
    ("dop", "odp"),
    ("vm", "nm"),
    ("ap", "ip"),
    ("öö", "ös"),
    ("fh", "eh"),
    ("pd", "md"),
    ("fm", "em"),
    ("पूर्वाह्न", "अपराह्न"),
    ("পূর্বাহ্ণ", "অপরাহ্ণ"),
    ("காலை", "மாலை"),
    ("проб", "слоб"),
    ("предиобед", "следобед"),
];

/// The numbers of a text, each with how many digits it has, and the words between them.
struct Numbers {
    values: [(u64, u8); 8],
    count: usize,
}

fn numbers(text: &[u8], from: usize) -> Numbers {
    let mut found = Numbers { values: [(0, 0); 8], count: 0 };
    let mut inside = false;
    for byte in text.get(from..).unwrap_or_default() {
        if byte.is_ascii_digit() {
            if !inside {
                found.count += 1;
                inside = true;
            }
            if let Some((value, digits)) = found.values.get_mut(found.count - 1) {
                *value = value.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
                *digits = digits.saturating_add(1);
            }
        } else {
            inside = false;
        }
    }
    found
}

/// Ticks since midnight; `None` when the text is no time of day.
#[inline]
pub(crate) fn time_of_day(text: &[u8]) -> Option<u64> {
    let found = numbers(text, 0);
    if !(3..=4).contains(&found.count) || found.count == 3 && is_hourless(text) {
        return None;
    }
    let [(hour, _), (minute, _), (second, _), (fraction, digits), ..] = found.values;
    let hour = half_of_day(text)?.hour(hour);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second) * SECOND + scale(fraction, digits))
}

/// Whether a text of three numbers is minute, second and fraction, as spreadsheets show a time: `20:13.1`.
fn is_hourless(text: &[u8]) -> bool {
    let mut marks = text.iter().filter(|byte| matches!(byte, b':' | b'.' | b','));
    marks.next() == Some(&b':') && matches!(marks.next(), Some(b'.' | b','))
}

/// How many digits the fraction of a time has.
pub(crate) fn fraction_digits(text: &[u8]) -> u8 {
    let Numbers { values: [_, _, _, (_, digits), ..], count } = numbers(text, 0);
    if count == 4 { digits } else { 0 }
}

/// A fraction of `digits` digits in ticks.
const fn scale(fraction: u64, digits: u8) -> u64 {
    match digits {
        7 => fraction,
        0..=6 => fraction * 10u64.pow(7 - digits as u32),
        8..=18 => fraction / 10u64.pow(digits as u32 - 7),
        _ => 0,
    }
}

enum Half {
    None,
    Morning,
    Afternoon,
}

impl Half {
    const fn hour(self, printed: u64) -> u64 {
        match self {
            Self::Morning if printed == 12 => 0,
            Self::Afternoon if printed < 12 => printed + 12,
            Self::None | Self::Morning | Self::Afternoon => printed,
        }
    }
}

/// Which half of the day the words say; `None` for a word that is not known, since guessing would shift by 12 hours.
#[inline]
fn half_of_day(text: &[u8]) -> Option<Half> {
    let mut ascii = [0u8; 4];
    let mut length = 0;
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {
                if let Some(place) = ascii.get_mut(length) {
                    *place = byte.to_ascii_lowercase();
                }
                length += 1;
            }
            0x80.. => return half_of_words(text),
            _ => {}
        }
    }
    match (length, ascii.get(..length.min(4)).unwrap_or_default()) {
        (0, _) => Some(Half::None),
        (2, b"am") => Some(Half::Morning),
        (2, b"pm") => Some(Half::Afternoon),
        _ => half_of_words(text),
    }
}

fn half_of_words(text: &[u8]) -> Option<Half> {
    let text = std::str::from_utf8(text).ok()?;
    let word: String = text.chars().filter(|c| c.is_alphabetic() || is_mark(*c)).flat_map(char::to_lowercase).collect();
    if word.is_empty() {
        return Some(Half::None);
    }
    HALVES.iter().find_map(|(morning, afternoon)| match word.as_str() {
        word if word == *morning => Some(Half::Morning),
        word if word == *afternoon => Some(Half::Afternoon),
        _ => None,
    })
}

/// Vowel signs of Indic scripts, which are not alphabetic by themselves in every table.
fn is_mark(c: char) -> bool {
    ('\u{900}'..='\u{DFF}').contains(&c)
}

/// Ticks since midnight of hour and minute.
fn minutes_of_day(text: &[u8]) -> Option<u64> {
    let Numbers { values: [(hour, _), (minute, _), ..], .. } = numbers(text, 0);
    let hour = half_of_day(text)?.hour(hour);
    (hour < 24 && minute < 60).then_some((hour * 3600 + minute * 60) * SECOND)
}

/// Days since 1601-01-01 and, where the text goes on with it, ticks since midnight in whole seconds.
pub(crate) fn date_and_time(text: &[u8], order: DateOrder) -> Option<(u64, Option<u64>)> {
    let found = numbers(text, 0);
    if found.count < 3 {
        return None;
    }
    let [first, second, third, ..] = found.values;
    let (year, month, day) = match order {
        // Four digits in front are the year, whatever was expected.
        _ if first.1 >= 3 => (first, second, third),
        DateOrder::YearMonthDay => (first, second, third),
        DateOrder::MonthDayYear if second.0 > 12 || first.0 <= 12 => (third, first, second),
        DateOrder::DayMonthYear if second.0 > 12 => (third, first, second),
        DateOrder::MonthDayYear | DateOrder::DayMonthYear => (third, second, first),
    };
    let year = match year {
        (short, 1..=2) => 2000 + short,
        // The Thai calendar counts from 543 years earlier.
        (buddhist @ 2400..=2800, _) => buddhist - 543,
        (year, _) => year,
    };
    let date = Date::new(i16::try_from(year).ok()?, i8::try_from(month.0).ok()?, i8::try_from(day.0).ok()?).ok()?;
    let time = match found.count {
        0..5 => None,
        // A spreadsheet shows it without the seconds.
        5 => minutes_of_day(after_numbers(text, 3)?),
        _ => time_of_day(after_numbers(text, 3)?),
    };
    Some((days(date)?, time))
}

/// The text behind its first `count` numbers.
fn after_numbers(text: &[u8], count: usize) -> Option<&[u8]> {
    let mut seen = 0;
    let mut inside = false;
    for (at, byte) in text.iter().enumerate() {
        match (byte.is_ascii_digit(), inside) {
            (true, false) => {
                inside = true;
                seen += 1;
            }
            (false, true) => {
                if seen == count {
                    return text.get(at..);
                }
                inside = false;
            }
            _ => {}
        }
    }
    None
}

/// Days from 1601-01-01 to `date`; `None` before.
pub(crate) fn days(date: Date) -> Option<u64> {
    let epoch = Date::constant(1601, 1, 1);
    u64::try_from(epoch.until((jiff::Unit::Day, date)).ok()?.get_days()).ok()
}

/// What one row tells of the order of day and month: `None` when both readings are possible.
pub(crate) fn order_of(text: &[u8]) -> Option<DateOrder> {
    let found = numbers(text, 0);
    let [(first, digits), (second, _), ..] = found.values;
    if found.count < 3 {
        None
    } else if digits >= 3 {
        Some(DateOrder::YearMonthDay)
    } else if first > 12 {
        Some(DateOrder::DayMonthYear)
    } else if second > 12 {
        Some(DateOrder::MonthDayYear)
    } else {
        None
    }
}

/// The usual order for a date that can be read both ways: month first with slashes and `AM`/`PM`, else day first.
pub(crate) fn usual_order(text: &[u8]) -> DateOrder {
    let american = text.contains(&b'/') && (text.ends_with(b" AM") || text.ends_with(b" PM"));
    if american { DateOrder::MonthDayYear } else { DateOrder::DayMonthYear }
}

/// A duration `0.0000112` (decimal point or comma), or `1.12E-05` as spreadsheets save it, in ticks.
#[inline]
pub(crate) fn duration(text: &[u8]) -> Option<u64> {
    if let Some(at) = memchr::memchr2(b'E', b'e', text) {
        let (factor, power) = text.split_at(at);
        let power = std::str::from_utf8(power.get(1..)?).ok()?.parse::<i32>().ok()?;
        let ticks = duration(factor)?;
        let ten = 10u64.checked_pow(power.unsigned_abs())?;
        return if power < 0 { Some((ticks + ten / 2) / ten) } else { ticks.checked_mul(ten) };
    }
    let found = numbers(text, 0);
    if !text.first()?.is_ascii_digit() {
        // Some programs leave the zero in front of the point out.
        let [(fraction, digits), ..] = found.values;
        let whole = matches!(text.first(), Some(b'.' | b',')) && found.count == 1;
        return whole.then(|| scale(fraction, digits));
    }
    match (found.count, found.values) {
        (1, [(seconds, _), ..]) => seconds.checked_mul(SECOND),
        (2, [(seconds, _), (fraction, digits), ..]) => {
            seconds.checked_mul(SECOND)?.checked_add(scale(fraction, digits))
        }
        _ => None,
    }
}

/// `HH:MM:SS.fffffff`, hours without limit, in ticks.
pub(crate) fn relative(text: &[u8]) -> Option<u64> {
    let found = numbers(text, 0);
    let [(hours, _), (minutes, _), (seconds, _), (fraction, digits), ..] = found.values;
    if !(3..=4).contains(&found.count) || minutes > 59 || seconds > 59 || found.count == 3 && is_hourless(text) {
        return None;
    }
    hours
        .checked_mul(3600)?
        .checked_add(minutes * 60 + seconds)?
        .checked_mul(SECOND)?
        .checked_add(scale(fraction, digits))
}

/// A whole number with the digit grouping of any locale: `1,612`, `1.904.640`, `8 192` (no-break blanks), `-1`.
///
/// Values beyond `i64` are taken as the unsigned 64-bit number with the same bits.
pub(crate) fn grouped(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut value: u64 = 0;
    let mut any = false;
    for c in digits.chars() {
        match c {
            '0'..='9' => {
                any = true;
                value = value.checked_mul(10)?.checked_add(u64::from(c as u32 - '0' as u32))?;
            }
            ',' | '.' | '\'' | ' ' | '\u{A0}' | '\u{202F}' | '\u{2019}' => {}
            _ => return None,
        }
    }
    if !any {
        return None;
    }
    if negative { 0i64.checked_sub_unsigned(value) } else { Some(value.cast_signed()) }
}

/// A plain unsigned number.
#[inline]
pub(crate) fn plain(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 10 {
        return None;
    }
    let mut value: u64 = 0;
    for byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u64::from(byte - b'0');
    }
    u32::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tod(text: &str) -> Option<u64> {
        time_of_day(text.as_bytes())
    }

    const fn at(hour: u64, minute: u64, second: u64, fraction: u64) -> Option<u64> {
        Some((hour * 3600 + minute * 60 + second) * SECOND + fraction)
    }

    #[test]
    fn times_of_day_of_many_locales() {
        assert_eq!(tod("7:19:37.0147934 AM"), at(7, 19, 37, 147_934));
        assert_eq!(tod("12:00:00.0000001 AM"), at(0, 0, 0, 1));
        assert_eq!(tod("12:30:00.0000000 PM"), at(12, 30, 0, 0));
        assert_eq!(tod("8:16:14.4778228 PM"), at(20, 16, 14, 4_778_228));
        assert_eq!(tod("15:42:22,8459553"), at(15, 42, 22, 8_459_553));
        assert_eq!(tod("上午 01:09:44.8222664"), at(1, 9, 44, 8_222_664));
        assert_eq!(tod("下午 01:09:44.8222664"), at(13, 9, 44, 8_222_664));
        assert_eq!(tod("오후 1:09:44.8222664"), at(13, 9, 44, 8_222_664));
        assert_eq!(tod("19.04.47,3955378"), at(19, 4, 47, 3_955_378));
        assert_eq!(tod("7:19:37.0147934 p. m."), at(19, 19, 37, 147_934));
        assert_eq!(tod("7:19:37.0147934\u{202f}PM"), at(19, 19, 37, 147_934));
        assert_eq!(tod("7:19:37.0147934 μ.μ."), at(19, 19, 37, 147_934));
        assert_eq!(tod("7:19:37,0147934 a. m."), at(7, 19, 37, 147_934));
        assert_eq!(tod("PM 7:19:37.0147934"), at(19, 19, 37, 147_934));
        assert_eq!(tod("7:19:37 p.\u{a0}m."), at(19, 19, 37, 0));
        for bad in
            ["20:13.1", "20:13,1", "", "7:19", "25:00:00.0", "7:60:00.0", "abc", "7:19:37.0147934 XM", "1:2:3.4.5"]
        {
            assert_eq!(tod(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_in_every_order() {
        let expected = days(Date::constant(2020, 7, 31)).unwrap();
        assert_eq!(expected, 153_248);
        for (text, order) in [
            ("7/31/2020 7:19:37 AM", DateOrder::MonthDayYear),
            ("31.07.2020 7:19:37", DateOrder::DayMonthYear),
            ("31/07/2020 7:19:37", DateOrder::DayMonthYear),
            ("2020/7/31 上午 07:19:37", DateOrder::YearMonthDay),
            ("2020-07-31 07:19:37", DateOrder::DayMonthYear),
            ("31. 7. 2020 7:19:37", DateOrder::DayMonthYear),
            ("31/07/2563 7:19:37", DateOrder::DayMonthYear),
            ("31-07-20 7:19:37", DateOrder::DayMonthYear),
        ] {
            let time = at(7, 19, 37, 0);
            assert_eq!(date_and_time(text.as_bytes(), order), Some((expected, time)), "{text}");
        }
        assert_eq!(order_of(b"7/31/2020 7:19:37 AM"), Some(DateOrder::MonthDayYear));
        assert_eq!(order_of(b"31.07.2020 7:19:37"), Some(DateOrder::DayMonthYear));
        assert_eq!(order_of("2026/4/15 上午 09:43:51".as_bytes()), Some(DateOrder::YearMonthDay));
        assert_eq!(order_of(b"7/12/2020 1:18:10 AM"), None);
        assert_eq!(usual_order(b"7/12/2020 1:18:10 AM"), DateOrder::MonthDayYear);
        assert_eq!(usual_order(b"04.12.2023 7:45:18"), DateOrder::DayMonthYear);
        assert_eq!(date_and_time(b"31/31/2020 1:00:00", DateOrder::DayMonthYear), None);
    }

    #[test]
    fn durations_and_numbers() {
        assert_eq!(duration(b"0.0000112"), Some(112));
        assert_eq!(duration(b"12,5"), Some(125_000_000));
        assert_eq!(duration(b".0000112"), Some(112));
        assert_eq!(duration(b"-0.0000112"), None);
        assert_eq!(duration(b"1.12E-05"), Some(112));
        assert_eq!(duration(b"1,12e-05"), Some(112));
        assert_eq!(duration(b"2E+01"), Some(200_000_000));
        assert_eq!(duration(b"1E-"), None);
        assert_eq!(duration(b""), None);
        assert_eq!(relative(b"26:00:01.0000002"), Some((26 * 3600 + 1) * SECOND + 2));
        assert_eq!(grouped("1,904,640"), Some(1_904_640));
        assert_eq!(grouped("1.904.640"), Some(1_904_640));
        assert_eq!(grouped("8\u{a0}192"), Some(8192));
        assert_eq!(grouped("-1"), Some(-1));
        assert_eq!(grouped("18,446,744,073,709,551,615"), Some(-1));
        assert_eq!(grouped("99,999,999,999,999,999,999"), None);
        assert_eq!(grouped("n/a"), None);
        assert_eq!(plain(b"4294967295"), Some(u32::MAX));
        assert_eq!(plain(b"4294967296"), None);
        assert_eq!(plain(b"1,024"), None);
    }
}
