//! When the rows of an export began: which of its columns tell, how exactly, and the reading of them block by block.

use super::clock::{self, DAY, DateOrder, SECOND};
use super::csv::BadReason;
use super::row::Row;
use crate::capture::columns::Column;
use crate::capture::order::Order;
use crate::nt::Ticks;

/// Ticks of a minute.
const MINUTE: u64 = 60 * SECOND;

/// What is done with every row.
pub(crate) type Visit<'v> = &'v mut dyn FnMut(&Row<'_>);

/// What tells the time of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// How dates are written.
    pub(crate) order: DateOrder,
    /// Time of Day is there and can be read.
    pub(crate) of_day: bool,
    /// Date & Time is there and can be read.
    pub(crate) date: bool,
    /// Relative Time is there and can be read.
    pub(crate) relative: bool,
    /// Ticks that starts are told to: 1 as Procmon prints them. Of coarser ones the order of the rows counts.
    pub(crate) resolution: u64,
}

impl Times {
    /// No column that tells a time.
    pub(crate) const NONE: Self =
        Self { order: DateOrder::MonthDayYear, of_day: false, date: false, relative: false, resolution: 1 };

    /// Whether rows tell a time of any kind.
    pub(crate) const fn known(self) -> bool {
        self.of_day || self.date || self.relative
    }

    /// Whether starts are told as exactly as Procmon does.
    pub(crate) const fn exact(self) -> bool {
        self.known() && self.resolution == 1
    }

    /// Looks at the first rows of an export, `present` being its columns: which of them can be read, and how exact they are.
    /// Second an example of a time that cannot be read, where most of its column cannot.
    pub(crate) fn look(
        order: DateOrder,
        present: impl Fn(Column) -> bool,
        rows: &dyn Fn(Visit<'_>),
    ) -> (Self, Option<String>) {
        let mut of_day = Reading::new();
        let mut date = Reading::new();
        let mut relative = Reading::new();
        let time_of_date = |text: &[u8]| clock::date_and_time(text, order).and_then(|(_, time)| time);
        rows(&mut |row| {
            of_day.see(row.bytes(Column::TimeOfDay), clock::time_of_day);
            date.see(row.bytes(Column::DateAndTime), time_of_date);
            relative.see(row.bytes(Column::RelativeTime), clock::relative);
        });
        let usable = |column, reading: &Reading| present(column) && reading.read * 2 >= reading.rows;
        let mut times = Self {
            order,
            of_day: usable(Column::TimeOfDay, &of_day),
            date: usable(Column::DateAndTime, &date),
            relative: usable(Column::RelativeTime, &relative),
            resolution: 1,
        };
        times.resolution = match times {
            Self { of_day: true, .. } => of_day.resolution(),
            Self { date: true, .. } => date.resolution().max(SECOND),
            Self { relative: true, .. } => relative.resolution(),
            _ => 1,
        };
        let lost = [(times.of_day, of_day), (times.date, date), (times.relative, relative)];
        (times, lost.into_iter().find_map(|(usable, reading)| reading.unread.filter(|_| !usable)))
    }
}

/// What the first rows show of one column.
#[derive(Debug)]
struct Reading {
    rows: u64,
    read: u64,
    /// Most digits of a fraction.
    digits: u8,
    /// The largest of a minute, a second and its decimal parts that all times are multiples of, in ticks.
    step: u64,
    unread: Option<String>,
}

impl Reading {
    const fn new() -> Self {
        Self { rows: 0, read: 0, digits: 0, step: MINUTE, unread: None }
    }

    fn see(&mut self, text: &[u8], read: impl Fn(&[u8]) -> Option<u64>) {
        self.rows += 1;
        match read(text) {
            Some(ticks) => {
                self.read += 1;
                self.digits = self.digits.max(clock::fraction_digits(text));
                while ticks % self.step != 0 {
                    self.step = if self.step > SECOND { SECOND } else { self.step / 10 };
                }
            }
            None if self.unread.is_none() && !text.is_empty() => {
                self.unread = Some(String::from_utf8_lossy(text.get(..40).unwrap_or(text)).into_owned());
            }
            None => {}
        }
    }

    /// Ticks that the times are told to. Those of Procmon have seven digits of which now and then one of the last four is
    /// not zero.
    fn resolution(&self) -> u64 {
        const COARSE: u64 = 10_000;
        if self.read == 0 {
            return 1;
        }
        let printed = 10u64.pow(7 - u32::from(self.digits.min(7)));
        if self.step >= COARSE { self.step.max(printed) } else { printed }
    }
}

/// Reads the times of a block's rows. Local ticks: since 1601-01-01 local time, or, without a date, since the midnight
/// before the block's first row.
#[derive(Debug)]
pub(crate) struct Clock {
    times: Times,
    date: Vec<u8>,
    days: u64,
    seam: Seam,
    disorder: Disorder,
    /// Where in the block the row before stands, if it is one of a table.
    before: Option<(u32, u32)>,
    repeats: bool,
}

impl Clock {
    pub(crate) fn new(times: Times) -> Self {
        Self {
            times,
            date: Vec::new(),
            days: 0,
            seam: Seam::default(),
            disorder: Disorder::default(),
            before: None,
            repeats: false,
        }
    }

    /// The times at the edges of what was read.
    pub(crate) const fn seam(&self) -> Seam {
        self.seam
    }

    /// Whether the row read last is the one before it once more.
    pub(crate) const fn repeats(&self) -> bool {
        self.repeats
    }

    /// How the rows read stand in time.
    pub(crate) const fn disorder(&self) -> Disorder {
        self.disorder
    }

    /// The start of a row. Rows of one time, as far as it is told, are told apart by their order.
    #[inline]
    pub(crate) fn start(&mut self, row: &Row<'_>) -> Result<i64, BadReason> {
        let told = self.told(row)?;
        if self.times.exact() {
            self.repeats = self.disorder.last == Some(told) && self.is_repeated(row);
            self.before = row.place();
            self.disorder.see(told);
            return Ok(told);
        }
        self.disorder.see(told);
        let seam = &mut self.seam;
        seam.tie = if seam.last == Some(told) { seam.tie + 1 } else { 0 };
        seam.first = seam.first.or(Some(told));
        seam.last = Some(told);
        Ok(told.saturating_add(seam.tie))
    }

    /// Whether a row is the one before it once more, with the same time.
    fn is_repeated(&self, row: &Row<'_>) -> bool {
        self.before.is_some_and(|before| row.line().is_some_and(|line| row.at(before) == Some(line)))
    }

    /// The start of a row as its columns tell it.
    #[inline]
    fn told(&mut self, row: &Row<'_>) -> Result<i64, BadReason> {
        let time = match row.raw(Column::TimeOfDay) {
            Some((text, _)) if self.times.of_day => Some(clock::time_of_day(text).ok_or(BadReason::Time)?),
            _ => None,
        };
        if self.times.date {
            let seconds = self.date(row.bytes(Column::DateAndTime), time.is_none()).ok_or(BadReason::Time)?;
            let ticks = self.days.saturating_mul(DAY).saturating_add(time.unwrap_or(seconds));
            return i64::try_from(ticks).map_err(|_| BadReason::Time);
        }
        if let Some(time) = time {
            let seam = &mut self.seam;
            seam.day += midnights(seam.last_of_day, time);
            seam.last_of_day = Some(time);
            seam.first_of_day = seam.first_of_day.or(Some(time));
            return Ok(seam.day.saturating_mul(DAY.cast_signed()).saturating_add(time.cast_signed()));
        }
        if self.times.relative {
            let text = row.bytes(Column::RelativeTime);
            return clock::relative(text).and_then(|ticks| i64::try_from(ticks).ok()).ok_or(BadReason::Time);
        }
        // No time at all: the order of the rows is all there is.
        Ok(0)
    }

    /// Reads the date into `days`; the time of day too, where it is `wanted`.
    fn date(&mut self, text: &[u8], wanted: bool) -> Option<u64> {
        // The date changes once a day: only its bytes are compared.
        if !wanted && !self.date.is_empty() && text.starts_with(&self.date) {
            return Some(0);
        }
        let (days, time) = clock::date_and_time(text, self.times.order)?;
        self.days = days;
        let length = date_length(text);
        self.date.clear();
        self.date.extend_from_slice(text.get(..length).unwrap_or_default());
        if wanted { time } else { Some(0) }
    }

    /// The end of a row that began at `start`, where the export tells it. A duration says nothing where starts are rounded:
    /// it would make every operation seem to overlap its neighbours.
    #[inline]
    pub(crate) fn end(&self, row: &Row<'_>, start: i64) -> Option<i64> {
        if !self.times.exact() {
            return None;
        }
        if let Some((text, _)) = row.raw(Column::Duration) {
            return start.checked_add(i64::try_from(clock::duration(text)?).ok()?);
        }
        let end = clock::time_of_day(row.bytes(Column::CompletionTime))?;
        let from = clock::time_of_day(row.bytes(Column::TimeOfDay))?;
        let length = (end + DAY - from) % DAY;
        start.checked_add(length.cast_signed())
    }
}

/// Bytes of the date with the character behind it, so that `1/1/20` is not taken for the beginning of `1/1/2020`.
fn date_length(text: &[u8]) -> usize {
    let mut numbers = 0;
    let mut inside = false;
    for (at, byte) in text.iter().enumerate() {
        if byte.is_ascii_digit() {
            numbers += usize::from(!inside);
            inside = true;
        } else {
            if inside && numbers == 3 {
                return at + 1;
            }
            inside = false;
        }
    }
    text.len()
}

/// The times at the edges of a block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seam {
    /// Time of day of the first row.
    pub(crate) first_of_day: Option<u64>,
    /// Time of day of the last row.
    pub(crate) last_of_day: Option<u64>,
    /// Midnights passed since the first row, where no column tells the date.
    pub(crate) day: i64,
    /// What the first row tells, where times are not exact.
    pub(crate) first: Option<i64>,
    /// The same of the last row.
    pub(crate) last: Option<i64>,
    /// How many rows before the last one tell the same time, without one of another time between.
    pub(crate) tie: i64,
}

/// Midnights between two rows that follow each other: rows are in order, but for a little.
pub(crate) fn midnights(last: Option<u64>, time: u64) -> i64 {
    match last {
        Some(last) if time + DAY / 2 < last => 1,
        // A step forward is one, but for a row that comes a little late.
        Some(last) if last < MINUTE && time + MINUTE > DAY => -1,
        _ => 0,
    }
}

/// How far rows are from standing in the order of their times.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Disorder {
    first: Option<i64>,
    last: Option<i64>,
    /// Rows that began before the one in front of them.
    steps: u64,
    /// By how much, all together, in ticks.
    back: u64,
    largest: u64,
}

impl Disorder {
    #[inline]
    fn see(&mut self, time: i64) {
        if let Some(last) = self.last
            && time < last
        {
            self.steps += 1;
            self.back = self.back.saturating_add(last.abs_diff(time));
            self.largest = self.largest.max(last.abs_diff(time));
        }
        self.first = self.first.or(Some(time));
        self.last = Some(time);
    }

    /// Goes on with the rows of the next block, whose times are `shift` ahead.
    pub(crate) fn join(&mut self, next: Self, shift: i64) {
        if let Some(first) = next.first {
            self.see(first.saturating_add(shift));
        }
        self.last = next.last.map(|last| last.saturating_add(shift)).or(self.last);
        self.steps += next.steps;
        self.back = self.back.saturating_add(next.back);
        self.largest = self.largest.max(next.largest);
    }

    /// The steps back.
    pub(crate) fn order(&self) -> Order {
        Order { steps_back: self.steps, largest: Ticks(self.largest), ..Order::default() }
    }

    /// Whether `rows` rows over `span` ticks were sorted by something else, or put together from several exports. Procmon's
    /// own rows never step back but where the clock of the computer was set.
    pub(crate) const fn is_unordered(&self, rows: u64, span: u64) -> bool {
        self.steps > rows / 1000 && self.steps > 0 || self.back > span / 2
    }
}
