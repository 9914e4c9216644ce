//! From lines to records: headers, lines without a header, and CSI records cut into chunks.

use std::collections::VecDeque;

use super::damage;
use crate::nt::FileTime;
use crate::servicing::stamp::{LocalTime, utc};

/// Characters of one record that are kept; a record longer than this is cut.
const MAX_RECORD: usize = 1 << 20;

/// Records held back at most while a CSI record may still be continued behind another component's lines.
const MAX_HELD: usize = 64;

/// Lines without a header and without indentation that one record may have: a wrapped record has a few dozen.
const MAX_LOOSE: u64 = 256;

/// A CSI record at least this long may be a first chunk; the cut lies at 502 characters in every one seen.
const CHUNK_HINT: usize = 400;

/// The parts of a header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Local time, whole seconds.
    pub local: LocalTime,
    /// `Info`, `Error`, `Warning`, `Perf`, …
    pub level: &'a str,
    /// The bracketed number behind the level (Windows 7 and 8).
    pub code: Option<u32>,
    /// `CBS`, `CSI`, `DPX`, …; empty when missing.
    pub component: &'a str,
    /// What follows.
    pub text: &'a str,
}

/// What a line's start says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// A record begins.
    Header(Header<'a>),
    /// Shaped like a header, but the calendar has no such moment.
    Impossible,
    /// The remains of a header: most of a stamp, or a level behind something that is none.
    Damaged,
    /// No header.
    None,
}

/// Looks for a header at the start of a line.
pub fn parse_start(line: &str) -> Start<'_> {
    match parse_header(line) {
        Start::None if damage::is_damaged_header(line) => Start::Damaged,
        start => start,
    }
}

fn parse_header(line: &str) -> Start<'_> {
    let Some((stamp, rest)) = line.split_at_checked(19) else { return Start::None };
    let bytes = stamp.as_bytes();
    let digits = |from: usize, count: usize| -> Option<u32> {
        let mut value = 0u32;
        for digit in bytes.get(from..from + count)? {
            value = value * 10 + u32::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        }
        Some(value)
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, byte)| bytes.get(*at) != Some(byte)) {
        return Start::None;
    }
    let fields = (digits(0, 4), digits(5, 2), digits(8, 2), digits(11, 2), digits(14, 2), digits(17, 2));
    let (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)) = fields else {
        return Start::None;
    };
    let Some(rest) = rest.strip_prefix(',') else { return Start::None };
    let rest = rest.trim_start();
    let (level, rest) = word(rest);
    if level.is_empty() {
        return Start::None;
    }
    let Some(local) = LocalTime::new(i64::from(year), month, day, hour, minute, second) else {
        return Start::Impossible;
    };
    let mut rest = rest.trim_start();
    let mut code = None;
    if let Some((inner, after)) = rest.strip_prefix("[0x").and_then(|inner| inner.split_once(']')) {
        code = u32::from_str_radix(inner, 16).ok();
        if code.is_some() {
            rest = after.trim_start();
        }
    }
    let (component, after) = word(rest);
    let (component, text) =
        if after.is_empty() || after.starts_with([' ', '\t']) { (component, after.trim_start()) } else { ("", rest) };
    Start::Header(Header { local, level, code, component, text })
}

/// A short word of ASCII letters and digits, and the rest.
fn word(text: &str) -> (&str, &str) {
    let end = text.bytes().take(17).take_while(u8::is_ascii_alphanumeric).count();
    if end > 16 { ("", text) } else { text.split_at_checked(end).unwrap_or(("", text)) }
}

/// The head of CSI text: the sequence number and, on some records, the UTC stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Restarts at 1 with each servicing process.
    pub number: u32,
    /// UTC with milliseconds.
    pub at: Option<FileTime>,
}

/// Splits `0000001b@2022/10/8:05:50:57.440 message` or `0000001a message`.
pub fn parse_sequence(text: &str) -> Option<(Sequence, &str)> {
    let (digits, rest) = text.split_at_checked(8)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    if rest.is_empty() || rest.starts_with([' ', '\t', '\n']) {
        return Some((Sequence { number, at: None }, rest.trim_start()));
    }
    let stamp = rest.strip_prefix('@')?;
    let (stamp, rest) = stamp.split_at_checked(stamp.find([' ', '\n']).unwrap_or(stamp.len()))?;
    Some((Sequence { number, at: parse_at(stamp) }, rest.trim_start()))
}

/// `2022/10/8:05:50:57.440`
fn parse_at(stamp: &str) -> Option<FileTime> {
    let mut parts = stamp.split(['/', ':', '.']);
    let mut next = || parts.next()?.parse::<u32>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let (hour, minute, second, millis) = (next()?, next()?, next()?, next()?);
    (millis < 1000).then_some(())?;
    utc(LocalTime::new(i64::from(year), month, day, hour, minute, second)?, millis)
}

/// One record: a header line with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Physical line of the header, 1-based.
    pub line: u64,
    /// Local time.
    pub local: LocalTime,
    /// Level.
    pub level: String,
    /// Bracketed number behind the level.
    pub code: Option<u32>,
    /// Component.
    pub component: String,
    /// CSI's own number and stamp.
    pub sequence: Option<Sequence>,
    /// The text behind the header (behind the sequence for CSI), further lines joined with `\n`.
    pub text: String,
    /// Header lines this record was joined from.
    pub chunks: u32,
    /// Lines without a header that belong to it.
    pub extra_lines: u64,
}

impl Record {
    /// The number in a trailing `[gle=0x…]`.
    pub fn gle(&self) -> Option<u32> {
        let (_, gle) = split_gle(&self.text);
        gle
    }

    /// The text without a trailing `[gle=0x…]`.
    pub fn body(&self) -> &str {
        split_gle(&self.text).0
    }
}

/// Splits off a trailing `[gle=0x…]`, which may stand on a line of its own.
fn split_gle(text: &str) -> (&str, Option<u32>) {
    let trimmed = text.trim_end();
    let found = trimmed.strip_suffix(']').and_then(|inner| {
        let at = inner.rfind("[gle=0x")?;
        let code = u32::from_str_radix(inner.get(at + 7..)?, 16).ok()?;
        Some((text.get(..at)?.trim_end_matches(['\n', ' ']), Some(code)))
    });
    found.unwrap_or((text, None))
}

/// Counts of lines by what they turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LineCounts {
    /// Lines that start with a possible stamp.
    pub header_lines: u64,
    /// Records.
    pub records: u64,
    /// Lines that belong to no record, broken stamps with the lines behind them, lines that are no text of a log, and CSI
    /// continuations whose first chunk is missing.
    pub unparsed: u64,
    /// The first of those.
    pub first_unparsed: Option<u64>,
    /// Lines before the first header.
    pub before_first: u64,
    /// Characters of overlong records that were dropped.
    pub dropped: u64,
}

/// Joins lines to records and hands them out in order.
#[derive(Debug, Default)]
pub struct Assembler {
    held: VecDeque<Record>,
    /// Place in `held` to which lines without a header go.
    tail: Option<usize>,
    /// Lines without indentation that went to the record there.
    loose: u64,
    counts: LineCounts,
}

impl Assembler {
    /// Counts so far.
    pub const fn counts(&self) -> &LineCounts {
        &self.counts
    }

    /// Takes one line; finished records go to `done`.
    pub fn line(&mut self, number: u64, line: &str, done: &mut impl FnMut(Record)) {
        match parse_start(line) {
            Start::Header(header) => {
                self.counts.header_lines += 1;
                self.header(number, header, done);
            }
            Start::Impossible => {
                self.unparsed(number);
                self.extra(number, line, false);
            }
            Start::Damaged => {
                self.unparsed(number);
                // What follows belongs to the record that is lost, not to the one before it.
                self.tail = None;
            }
            Start::None if self.tail.is_some() && self.is_foreign(line) => self.unparsed(number),
            Start::None => self.extra(number, line, true),
        }
    }

    /// Whether a line without a header cannot be a part of the record before it.
    fn is_foreign(&mut self, line: &str) -> bool {
        if damage::is_noise(line) {
            return true;
        }
        self.loose += u64::from(!line.is_empty() && !line.starts_with([' ', '\t']));
        self.loose > MAX_LOOSE
    }

    /// Hands out what is left.
    pub fn finish(&mut self, done: &mut impl FnMut(Record)) {
        self.tail = None;
        self.held.drain(..).for_each(done);
    }

    fn unparsed(&mut self, number: u64) {
        self.counts.unparsed += 1;
        self.counts.first_unparsed.get_or_insert(number);
    }

    fn extra(&mut self, number: u64, line: &str, keep: bool) {
        let Some(record) = self.tail.and_then(|at| self.held.get_mut(at)) else {
            if keep {
                self.unparsed(number);
            }
            self.counts.before_first += u64::from(self.counts.records == 0);
            return;
        };
        record.extra_lines += 1;
        if !keep {
            return;
        }
        if record.sequence.is_none() && record.component == "CSI" && record.text.is_empty() {
            // A mail may break the line right behind the component.
            if let Some((sequence, rest)) = parse_sequence(line.trim_start()) {
                record.sequence = Some(sequence);
                record.text = rest.to_owned();
                return;
            }
        }
        if record.text.len() + line.len() > MAX_RECORD {
            self.counts.dropped += line.len() as u64;
            return;
        }
        record.text.push('\n');
        record.text.push_str(line);
    }

    fn header(&mut self, number: u64, header: Header<'_>, done: &mut impl FnMut(Record)) {
        let mut sequence = None;
        let mut text = header.text;
        if header.component == "CSI" && !text.is_empty() {
            match parse_sequence(text) {
                Some((found, rest)) => (sequence, text) = (Some(found), rest),
                None => {
                    self.continuation(number, header);
                    return;
                }
            }
        }
        let may_continue = header.component != "CSI"
            && self.held.len() < MAX_HELD
            && self.held.front().is_some_and(|first| {
                first.component == "CSI" && first.local == header.local && first.text.len() >= CHUNK_HINT
            });
        if !may_continue {
            self.held.drain(..).for_each(done);
        }
        self.counts.records += 1;
        self.loose = 0;
        self.tail = Some(self.held.len());
        self.held.push_back(Record {
            line: number,
            local: header.local,
            level: header.level.to_owned(),
            code: header.code,
            component: header.component.to_owned(),
            sequence,
            text: text.to_owned(),
            chunks: 1,
            extra_lines: 0,
        });
    }

    /// A CSI line without a sequence number continues the last CSI record of the same second and level.
    fn continuation(&mut self, number: u64, header: Header<'_>) {
        let place = self.held.iter().rposition(|record| {
            record.component == "CSI" && record.local == header.local && record.level == header.level
        });
        let Some(record) = place.and_then(|at| self.held.get_mut(at)) else {
            self.unparsed(number);
            self.tail = None;
            return;
        };
        let keep = split_gle(&record.text).0.len();
        record.text.truncate(keep);
        record.chunks += 1;
        self.tail = place;
        if record.text.len() + header.text.len() > MAX_RECORD {
            self.counts.dropped += header.text.len() as u64;
            return;
        }
        record.text.push_str(header.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(lines: &[&str]) -> (Vec<Record>, LineCounts) {
        let mut assembler = Assembler::default();
        let mut out = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            assembler.line(at as u64 + 1, line, &mut |record| out.push(record));
        }
        assembler.finish(&mut |record| out.push(record));
        (out, *assembler.counts())
    }

    #[test]
    fn headers_old_and_new() {
        let Start::Header(header) =
            parse_start("2022-10-09 00:00:03, Error      [0x018005] CSI    00000004 (F) Failed")
        else {
            panic!("no header");
        };
        assert_eq!((header.level, header.code, header.component), ("Error", Some(0x18005), "CSI"));
        assert_eq!(header.text, "00000004 (F) Failed");
        assert_eq!(parse_start("2022-13-40 99:99:99, Info                  CBS    x"), Start::Impossible);
        assert_eq!(parse_start("2022-10-09 00:00:03 Info CBS"), Start::Damaged);
        assert_eq!(parse_start("测试测试测试测试测试"), Start::None);
    }

    #[test]
    fn chunks_are_joined_without_a_seam() {
        let (out, counts) = records(&[
            "2022-10-08 13:50:57, Error                 CSI    0000001a (F) x, iosb = @0xe3c67fe58[gle=0xd0000056]",
            "2022-10-08 13:50:57, Error                 CSI    0, as = (null)",
            "[gle=0xd0000056]",
            "2022-10-08 13:50:57, Info                  CBS    next",
        ]);
        assert_eq!(out.len(), 2);
        assert_eq!((out[0].body(), out[0].gle()), ("(F) x, iosb = @0xe3c67fe580, as = (null)", Some(0xD000_0056)));
        assert_eq!((out[0].chunks, out[0].extra_lines, out[0].sequence.unwrap().number), (2, 1, 0x1a));
        assert_eq!((counts.header_lines, counts.records, counts.unparsed), (3, 2, 0));
    }

    #[test]
    fn a_chunk_behind_another_component_still_joins() {
        let first = format!("2022-10-08 13:50:57, Error                 CSI    0000001a (F) {}", "y".repeat(498));
        let (out, _) = records(&[
            &first,
            "2022-10-08 13:50:57, Info                  CBS    between",
            "2022-10-08 13:50:57, Error                 CSI    zz",
            "2022-10-08 13:50:57, Info                  CSI    0000001b after",
        ]);
        assert_eq!(out.iter().map(|record| record.line).collect::<Vec<_>>(), [1, 2, 4]);
        assert!(out[0].text.ends_with("yyzz"));
    }

    #[test]
    fn lines_that_belong_nowhere_are_counted() {
        let (out, counts) = records(&[
            "torn end of a record",
            "2022-10-08 13:50:57, Error                 CSI    ed without its start",
            "[gle=0xd0000056]",
            "2022-10-08 13:50:58, Info                  CBS    first",
            "2022-02-30 13:50:58, Info                  CBS    no such day",
            "extra",
        ]);
        assert_eq!(out.len(), 1);
        assert_eq!((out[0].text.as_str(), out[0].extra_lines), ("first\nextra", 2));
        assert_eq!((counts.unparsed, counts.first_unparsed), (4, Some(1)));
    }

    #[test]
    fn broken_lines_are_counted_and_no_record_takes_them() {
        let (out, counts) = records(&[
            "2022-10-08 13:50:58, Info                  CBS    first",
            "2O22-1O-08 13:50:58, Error                 CSI    0000001a (F) its head is mangled",
            "[gle=0xd0000056]",
            "2022-10-08 13:50:59, Info                  CBS    second",
            "  an indented line",
            "[_#uWcv1*H?R+{|r0k.&+P;xp`p5')G1<'H**HG5ViA1\"h%l<i[6{pb%Q:M-;",
            "half\u{1}a line",
            "its last line",
        ]);
        let texts: Vec<(&str, u64)> = out.iter().map(|record| (record.text.as_str(), record.extra_lines)).collect();
        assert_eq!(texts, [("first", 0), ("second\n  an indented line\nits last line", 2)]);
        assert_eq!((counts.header_lines, counts.unparsed, counts.first_unparsed), (2, 4, Some(2)));
        assert_eq!(counts.before_first, 0);
    }

    #[test]
    fn no_record_takes_lines_without_end() {
        let mut lines = vec!["2022-10-08 13:50:58, Info                  CBS    first"];
        lines.extend(["text without a stamp"; 300]);
        lines.push("2022-10-08 13:50:59, Info                  CBS    second");
        lines.extend(["  (0) indented"; 300]);
        let (out, counts) = records(&lines);
        assert_eq!((out[0].extra_lines, out[1].extra_lines, counts.unparsed), (256, 300, 44));
        // Noise takes no place of text: the record's own end is still found behind it.
        let mut lines = vec!["2022-10-08 13:50:58, Error                 CSI    0000001a (F) first"];
        lines.extend(["2i)A0`Z]tQ;-_$RXn!zZC}>l.I$#$tf"; 300]);
        lines.push("[gle=0xd0000056]");
        let (out, counts) = records(&lines);
        assert_eq!((out[0].gle(), out[0].extra_lines, counts.unparsed), (Some(0xD000_0056), 1, 300));
    }

    #[test]
    fn the_stamp_has_no_leading_zeros() {
        let (sequence, rest) = parse_sequence("0000001b@2022/1/8:05:50:57.440 (F) x").unwrap();
        assert_eq!(sequence.at.unwrap().to_rfc3339(), "2022-01-08T05:50:57.4400000Z");
        assert_eq!(rest, "(F) x");
        assert_eq!(parse_sequence("IBUTE_NORMAL), sa = ("), None);
    }
}
