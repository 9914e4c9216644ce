//! Times for people: in the chosen zone, to 100 ns.

use crate::lang::{Lang, report as t};
use crate::nt::FileTime;
use jiff::tz::TimeZone;

/// A zone as the user named it: `UTC`, `local`, `+08:00`, `+0800`, or an IANA name.
///
/// # Errors
/// The name when it is none of these.
pub fn parse_zone(name: &str) -> Result<TimeZone, String> {
    match name {
        "local" => return Ok(TimeZone::system()),
        "UTC" | "utc" | "Z" => return Ok(TimeZone::UTC),
        _ => {}
    }
    if let Some(offset) = parse_offset(name) {
        return Ok(TimeZone::fixed(offset));
    }
    TimeZone::get(name).map_err(|_| name.to_owned())
}

/// A distance to UTC: `+08:00`, `-0330`. No place on Earth is 14 hours and a minute away.
pub fn parse_offset(text: &str) -> Option<jiff::tz::Offset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    let on_earth = minutes < 60 && hours * 60 + minutes <= 14 * 60;
    on_earth.then(|| jiff::tz::Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok())?
}

/// The zone that is always this many minutes ahead of UTC; UTC when no place on Earth has it.
pub fn fixed_zone(minutes: i32) -> TimeZone {
    let offset = minutes.checked_mul(60).and_then(|seconds| jiff::tz::Offset::from_seconds(seconds).ok());
    offset.map_or(TimeZone::UTC, TimeZone::fixed)
}

/// A sentence of the record with its times, which are UTC there, shown in the zone.
pub fn localise(text: &str, zone: &TimeZone) -> String {
    const LENGTH: usize = "2022-10-08T05:50:57.4401234Z".len();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let stamp = from.get(..LENGTH).filter(|stamp| stamp.ends_with('Z'));
        if let Some(time) = stamp.and_then(FileTime::parse_rfc3339) {
            out.push_str(&date_time(time, zone));
            rest = from.get(LENGTH..).unwrap_or_default();
        } else {
            let digits = from.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = from.split_at(digits);
            out.push_str(number);
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Times before this one come from an export that tells no date: they lie in the first days of the calendar.
const FIRST_DATE: FileTime = FileTime(366 * 86_400 * 10_000_000);

/// `2022-10-08 13:50:57.4401234` in the zone; without the date where none is known.
pub fn date_time(time: FileTime, zone: &TimeZone) -> String {
    if time < FIRST_DATE {
        return time_of_day(time, zone);
    }
    match time.timestamp() {
        Some(stamp) => stamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S.%7f").to_string(),
        None => format!("{:#X}", time.0),
    }
}

/// `13:50:57.4401234` in the zone.
pub fn time_of_day(time: FileTime, zone: &TimeZone) -> String {
    match time.timestamp() {
        Some(stamp) => stamp.to_zoned(zone.clone()).strftime("%H:%M:%S.%7f").to_string(),
        None => format!("{:#X}", time.0),
    }
}

/// The zone with its offset at `time`: `UTC+08:00`; words where times are local times of a computer whose zone is not known.
pub fn zone_name(time: FileTime, zone: &TimeZone, lang: Lang) -> String {
    if zone.is_unknown() {
        return t::LOCAL_TIME.get(lang).to_owned();
    }
    let offset = time.timestamp().map_or(0, |stamp| zone.to_offset(stamp).seconds());
    if offset == 0 {
        return "UTC".to_owned();
    }
    let sign = if offset < 0 { '-' } else { '+' };
    format!("UTC{sign}{:02}:{:02}", offset.abs() / 3600, offset.abs() / 60 % 60)
}

/// A time the user typed: RFC 3339, or date and time in `zone`, or a time of day on the date of `day`.
pub fn parse_time(text: &str, zone: &TimeZone, day: Option<FileTime>) -> Option<FileTime> {
    if let Some(time) = FileTime::parse_rfc3339(text) {
        return Some(time);
    }
    let civil = match text.replacen(' ', "T", 1).parse::<jiff::civil::DateTime>() {
        Ok(civil) => civil,
        Err(_) => {
            let time: jiff::civil::Time = text.parse().ok()?;
            let date = day?.timestamp()?.to_zoned(zone.clone()).date();
            date.to_datetime(time)
        }
    };
    FileTime::from_timestamp(zone.to_ambiguous_zoned(civil).compatible().ok()?.timestamp())
}

/// Milliseconds as a length of time people read: `12.3 ms`, `4.50 s`, `2 min 5 s`.
pub fn duration(ms: f64) -> String {
    if ms < 1000.0 {
        format!("{ms:.1} ms")
    } else if ms < 120_000.0 {
        format!("{:.2} s", ms / 1000.0)
    } else {
        let seconds = (ms / 1000.0).round();
        format!("{} min {} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_typed_times() {
        let zone = parse_zone("+08:00").unwrap();
        let time = FileTime::parse_rfc3339("2022-10-08T05:50:57.4401234Z").unwrap();
        assert_eq!(date_time(time, &zone), "2022-10-08 13:50:57.4401234");
        assert_eq!(time_of_day(time, &TimeZone::UTC), "05:50:57.4401234");
        assert_eq!(date_time(FileTime(864_000_000_000 + 36_610_000_000), &TimeZone::UTC), "01:01:01.0000000");
        assert_eq!(zone_name(time, &zone, Lang::En), "UTC+08:00");
        assert_eq!(zone_name(time, &parse_zone("-0330").unwrap(), Lang::En), "UTC-03:30");
        assert_eq!(zone_name(time, &TimeZone::unknown(), Lang::ZhCn), "该计算机的本地时间");
        assert_eq!(date_time(time, &TimeZone::unknown()), "2022-10-08 05:50:57.4401234");
        assert_eq!(parse_time("13:50:57.4401234", &zone, Some(time)), Some(time));
        assert_eq!(parse_time("2022-10-08 13:50:57.4401234", &zone, None), Some(time));
        assert_eq!(parse_time("2022-10-08T05:50:57.4401234Z", &zone, None), Some(time));
        assert_eq!(parse_time("yesterday", &zone, Some(time)), None);
        assert_eq!(parse_zone("Mars/Olympus").unwrap_err(), "Mars/Olympus");
        assert!(parse_zone("Asia/Shanghai").is_ok());
    }

    #[test]
    fn times_in_sentences_move_to_the_zone() {
        let zone = fixed_zone(480);
        assert_eq!(
            localise("进程 3560（2022-10-08T05:50:49.3329383Z）。10.0.17763", &zone),
            "进程 3560（2022-10-08 13:50:49.3329383）。10.0.17763"
        );
        assert_eq!(localise("2022-10-08T05:50:49Z 1", &zone), "2022-10-08T05:50:49Z 1");
        assert_eq!(fixed_zone(i32::MAX), TimeZone::UTC);
    }

    #[test]
    fn lengths() {
        assert_eq!(duration(12.34), "12.3 ms");
        assert_eq!(duration(4500.0), "4.50 s");
        assert_eq!(duration(125_000.0), "2 min 5 s");
    }
}
