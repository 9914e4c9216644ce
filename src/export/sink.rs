//! Where decoded fields go: Procmon's Detail text, or typed JSON.
//!
//! Every field is named twice, by Procmon's label and by its JSON key, so that one walk over a structure serves both.

use super::locale::Clock;
use super::{json, text};
use crate::nt::FileTime;
use crate::pml::bytes::{DetailText, Wide};

/// A bit of a mask with its name.
pub(crate) type Bit = (u32, &'static str);

/// Takes the fields of a detail in order.
pub(crate) trait Sink {
    /// Wants typed values, all of them; else what Procmon shows, as it shows it.
    const TYPED: bool;

    /// Starts a field.
    fn key(&mut self, label: &str, key: &str);
    /// The buffer; a value follows the key.
    fn out(&mut self) -> &mut Vec<u8>;

    /// Unsigned, never grouped.
    fn decimal(&mut self, label: &str, key: &str, value: u64) {
        self.key(label, key);
        text::decimal(self.out(), value);
    }

    /// Signed, never grouped.
    fn signed(&mut self, label: &str, key: &str, value: i64) {
        self.key(label, key);
        text::signed(self.out(), value);
    }

    /// Unsigned, with the locale's grouping.
    fn grouped(&mut self, label: &str, key: &str, value: u64);
    /// Signed, with the locale's grouping.
    fn grouped_signed(&mut self, label: &str, key: &str, value: i64);
    /// `0x…`
    fn hex(&mut self, label: &str, key: &str, value: u64);
    /// `True` or `False`.
    fn boolean(&mut self, label: &str, key: &str, value: bool);
    /// Date and time.
    fn date(&mut self, label: &str, key: &str, time: FileTime);
    /// A length of time in ticks; `unit` when Procmon appends `seconds`.
    fn seconds(&mut self, label: &str, key: &str, ticks: u64, unit: bool);
    /// Text that `write` produces.
    fn write(&mut self, label: &str, key: &str, write: impl FnOnce(&mut Vec<u8>));
    /// A mask: Procmon's wording by `shown`, or the names of the bits of `value` in `names`.
    fn mask(
        &mut self,
        label: &str,
        key: &str,
        value: u32,
        names: impl Iterator<Item = Bit>,
        shown: impl FnOnce(&mut Vec<u8>),
    );

    /// A word.
    fn word(&mut self, label: &str, key: &str, word: &str) {
        self.write(label, key, |out| out.extend_from_slice(word.as_bytes()));
    }

    /// UTF-16 text.
    fn wide(&mut self, label: &str, key: &str, value: Wide<'_>) {
        self.write(label, key, |out| text::wide(out, value.0));
    }

    /// A counted string.
    fn text(&mut self, label: &str, key: &str, value: DetailText<'_>) {
        self.write(label, key, |out| text::detail_text(out, value));
    }
}

/// Procmon's Detail column: `Name: value, Name: value`.
#[derive(Debug)]
pub(crate) struct TextSink<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    clock: &'b Clock,
}

impl<'b> TextSink<'b> {
    pub(crate) const fn new(out: &'b mut Vec<u8>, clock: &'b Clock) -> Self {
        let start = out.len();
        Self { out, start, clock }
    }

    /// What `write` writes, up to its first NUL.
    fn string(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.out.len();
        write(self.out);
        text::end_at_nul(self.out, start);
    }
}

impl Sink for TextSink<'_> {
    const TYPED: bool = false;

    #[inline]
    fn key(&mut self, label: &str, _: &str) {
        if self.out.len() > self.start {
            self.out.extend_from_slice(b", ");
        }
        self.out.extend_from_slice(label.as_bytes());
        self.out.extend_from_slice(b": ");
    }

    #[inline]
    fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    fn wide(&mut self, label: &str, key: &str, value: Wide<'_>) {
        self.key(label, key);
        self.string(|out| text::wide(out, value.0));
    }

    fn text(&mut self, label: &str, key: &str, value: DetailText<'_>) {
        self.key(label, key);
        self.string(|out| text::detail_text(out, value));
    }

    fn grouped(&mut self, label: &str, key: &str, value: u64) {
        self.key(label, key);
        text::grouped(self.out, value, self.clock.locale().group());
    }

    fn grouped_signed(&mut self, label: &str, key: &str, value: i64) {
        self.key(label, key);
        text::grouped_signed(self.out, value, self.clock.locale().group());
    }

    fn hex(&mut self, label: &str, key: &str, value: u64) {
        self.key(label, key);
        text::hex(self.out, value);
    }

    fn boolean(&mut self, label: &str, key: &str, value: bool) {
        self.word(label, key, if value { "True" } else { "False" });
    }

    fn date(&mut self, label: &str, key: &str, time: FileTime) {
        self.key(label, key);
        self.clock.any_date_time(self.out, time);
    }

    fn seconds(&mut self, label: &str, key: &str, ticks: u64, unit: bool) {
        self.key(label, key);
        text::seconds(self.out, ticks);
        if unit {
            self.out.extend_from_slice(b" seconds");
        }
    }

    fn write(&mut self, label: &str, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.key(label, key);
        write(self.out);
    }

    fn mask(&mut self, label: &str, key: &str, _: u32, _: impl Iterator<Item = Bit>, shown: impl FnOnce(&mut Vec<u8>)) {
        self.write(label, key, shown);
    }
}

/// Members of a JSON object.
#[derive(Debug)]
pub(crate) struct JsonSink<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
}

impl<'b> JsonSink<'b> {
    /// Continues in `out`, behind an opening brace.
    pub(crate) const fn new(out: &'b mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start }
    }
}

impl Sink for JsonSink<'_> {
    const TYPED: bool = true;

    #[inline]
    fn key(&mut self, _: &str, key: &str) {
        if self.out.len() > self.start {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    #[inline]
    fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    fn grouped(&mut self, label: &str, key: &str, value: u64) {
        self.decimal(label, key, value);
    }

    fn grouped_signed(&mut self, label: &str, key: &str, value: i64) {
        self.signed(label, key, value);
    }

    fn hex(&mut self, label: &str, key: &str, value: u64) {
        self.write(label, key, |out| text::hex(out, value));
    }

    fn boolean(&mut self, label: &str, key: &str, value: bool) {
        self.key(label, key);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn date(&mut self, label: &str, key: &str, time: FileTime) {
        self.key(label, key);
        json::time(self.out, time);
    }

    fn seconds(&mut self, label: &str, key: &str, ticks: u64, _: bool) {
        self.key(label, key);
        text::seconds(self.out, ticks);
    }

    fn write(&mut self, label: &str, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.key(label, key);
        json::string(self.out, write);
    }

    fn mask(
        &mut self,
        label: &str,
        key: &str,
        value: u32,
        names: impl Iterator<Item = Bit>,
        _: impl FnOnce(&mut Vec<u8>),
    ) {
        self.key(label, key);
        json::bits(self.out, value, names);
    }
}
