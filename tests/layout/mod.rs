//! What every capture that Procmon made has in common, looked up in the bytes without the library's reader.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};

const HEADER: usize = 0x3A8;

/// The places and counts of one capture, as its header has them.
pub struct Layout<'a> {
    data: &'a [u8],
    wide: bool,
    version: u32,
    events: usize,
    /// Array, processes, strings, icons, hosts, end of the file.
    places: [usize; 6],
    faults: Vec<String>,
}

/// Everything in which `data` is unlike a capture that Procmon made; empty when it is like one.
pub fn deviations(data: &[u8]) -> Vec<String> {
    if data.len() < HEADER {
        return vec!["shorter than a header".into()];
    }
    let place = |at: usize| u64::from_le_bytes(data[at..at + 8].try_into().unwrap()) as usize;
    let mut layout = Layout {
        data,
        wide: data[8] == 1,
        version: u32::from(data[4]),
        events: u32::from_le_bytes(data[0x234..0x238].try_into().unwrap()) as usize,
        places: [place(0x248), place(0x250), place(0x258), place(0x260), place(0x3A0), data.len()],
        faults: Vec::new(),
    };
    layout.header();
    if !layout.places.is_sorted() || layout.places[0] < HEADER {
        layout.fault("the tables are not in the order array, processes, strings, icons, hosts, end");
        return layout.faults;
    }
    let strings = layout.strings();
    let icons = layout.icons();
    let processes = layout.processes(&strings, icons);
    layout.events(&processes);
    layout.names();
    layout.faults
}

impl<'a> Layout<'a> {
    fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(what.into());
    }

    fn expect(&mut self, is_so: bool, what: impl Into<String>) {
        if !is_so {
            self.fault(what);
        }
    }

    fn u32(&self, at: usize) -> u32 {
        self.data.get(at..at + 4).map_or(u32::MAX, |bytes| u32::from_le_bytes(bytes.try_into().unwrap()))
    }

    fn size(&self, at: usize) -> usize {
        self.u32(at) as usize
    }

    fn u16(&self, at: usize) -> u16 {
        self.data.get(at..at + 2).map_or(u16::MAX, |bytes| u16::from_le_bytes(bytes.try_into().unwrap()))
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from(self.u32(at)) | u64::from(self.u32(at + 4)) << 32
    }

    fn pointer(&self, at: usize) -> u64 {
        if self.wide { self.u64(at) } else { u64::from(self.u32(at)) }
    }

    /// A text in a fixed field: ends with a NUL, and nothing stands behind it.
    fn fixed_text(&mut self, at: usize, size: usize, what: &str) {
        let units: Vec<u16> = (at..at + size).step_by(2).map(|at| self.u16(at)).collect();
        let end = units.iter().position(|unit| *unit == 0);
        self.expect(end.is_some_and(|end| units[end..].iter().all(|unit| *unit == 0)), format!("header: {what}"));
    }

    fn header(&mut self) {
        let [array, processes, ..] = self.places;
        self.expect(self.data.starts_with(b"PML_"), "header: magic");
        self.expect(matches!(self.version, 7 | 9) && self.u32(4) == self.version, "header: version");
        self.expect(self.u32(8) <= 1, "header: 64-bit flag");
        self.fixed_text(0x0C, 0x20, "computer name");
        self.fixed_text(0x2C, 0x208, "system root");
        self.fixed_text(0x284, 0x100, "service pack");
        self.expect(self.u64(0x238) == 0, "header: reserved field at 238h");
        self.expect(self.u64(0x240) == HEADER as u64, "header: first event");
        self.expect(self.u64(0x398) == HEADER as u64, "header: header size");
        self.expect(array.is_multiple_of(4), "header: array is not aligned to 4");
        self.expect(processes == array + 5 * self.events, "header: processes do not follow the array");
        let highest = self.u64(0x268);
        self.expect(highest & 0xFFFF == 0xFFFF && (highest > u64::from(u32::MAX)) == self.wide, "header: user limit");
        self.expect(self.u32(0x270) == 284, "header: size of the version structure");
        self.expect((5..=10).contains(&self.u32(0x274)), "header: Windows version");
        self.expect(self.u32(0x27C) > 0, "header: build");
        self.expect(self.u32(0x280) == 2, "header: platform");
        self.expect((1..=3).contains(&self.data[0x38A]), "header: product type");
        self.expect(self.u32(0x38C) > 0, "header: processors");
        self.expect(self.u64(0x390) > 0, "header: memory");
    }

    /// The ends of the entries that a directory of `count` offsets lists: one behind the other to the table's end.
    fn entries(&mut self, what: &str, table: usize, end: usize, arrays: usize) -> Vec<(usize, usize)> {
        let count = self.size(table);
        if count > (end - table) / 4 {
            self.fault(format!("{what}: count"));
            return Vec::new();
        }
        let head = 4 + 4 * arrays * count;
        let mut starts: Vec<usize> =
            (0..count).map(|n| table + self.size(table + 4 + 4 * ((arrays - 1) * count + n))).collect();
        starts.push(end);
        self.expect(starts[0] == table + head, format!("{what}: something stands between arrays and entries"));
        let is_sorted = starts.is_sorted_by(|a, b| a < b);
        self.expect(is_sorted, format!("{what}: not in order"));
        if is_sorted { starts.windows(2).map(|pair| (pair[0], pair[1])).collect() } else { Vec::new() }
    }

    fn strings(&mut self) -> Vec<Vec<u8>> {
        let [_, _, table, end, ..] = self.places;
        let entries = self.entries("strings", table, end, 1);
        let mut texts = Vec::new();
        for (number, (from, to)) in entries.into_iter().enumerate() {
            let text = self.data[(from + 4).min(to)..to].to_vec();
            self.expect(self.size(from) == text.len(), format!("string {number}: gap or overlap"));
            if number == 0 {
                self.expect(text.is_empty(), "string 0 is not empty");
            } else {
                self.expect(text.len() >= 4 && text.len().is_multiple_of(2), format!("string {number}: size"));
                self.expect(text.ends_with(&[0, 0]), format!("string {number}: no NUL at its end"));
            }
            texts.push(text);
        }
        let distinct: HashSet<&Vec<u8>> = texts.iter().collect();
        let repeated = texts.len() - distinct.len();
        self.expect(repeated == 0, format!("strings: {repeated} stand there twice"));
        self.expect(!texts.is_empty(), "strings: none");
        texts
    }

    /// How many icons there are.
    fn icons(&mut self) -> usize {
        let [_, _, _, table, end, _] = self.places;
        let entries = self.entries("icons", table, end, 1);
        for (number, (from, to)) in entries.iter().enumerate() {
            self.expect(self.size(from + 4) == to - from - 8, format!("icon {number}: gap or overlap"));
            let dimension = self.u32(*from);
            self.expect(
                if number == 0 { (dimension, to - from) == (0, 8) } else { matches!(dimension, 16 | 32) },
                format!("icon {number}: dimension {dimension}"),
            );
        }
        self.expect(!entries.is_empty(), "icons: no placeholder");
        entries.len()
    }

    /// The process numbers.
    fn processes(&mut self, strings: &[Vec<u8>], icons: usize) -> HashSet<u32> {
        let [_, table, end, ..] = self.places;
        let (head, module_size) = if self.wide { (0x6C, 0x40) } else { (0x68, 0x38) };
        let entries = self.entries("processes", table, end, 2);
        let pids: HashMap<u32, u32> = entries.iter().map(|(at, _)| (self.u32(*at), self.u32(at + 4))).collect();
        let mut last = None;
        let mut system = 0;
        let user_limit = self.u64(0x268);
        for (number, (at, to)) in entries.into_iter().enumerate() {
            let index = self.u32(at);
            let name = format!("process {index}");
            self.expect(self.u32(table + 4 + 4 * number) == index, format!("{name}: array names another"));
            self.expect(last.is_none_or(|last| last < index), format!("{name}: not ascending"));
            last = Some(index);
            let modules = self.size(at + head - 4);
            self.expect(at + head + modules.saturating_mul(module_size) == to, format!("{name}: gap or overlap"));
            self.expect(self.data[at + 0x60] == 1, format!("{name}: modules are not marked as inline"));
            self.expect(self.u32(at + 0x34) <= u32::from(self.wide), format!("{name}: 64-bit flag"));
            self.expect(matches!(self.u32(at + 0x30), 0 | 1 | u32::MAX), format!("{name}: virtualised"));
            for text in (0x38..0x58).step_by(4) {
                self.expect(self.size(at + text) < strings.len(), format!("{name}: no such string"));
            }
            for icon in [0x58, 0x5C] {
                self.expect(self.size(at + icon) < icons, format!("{name}: no such icon"));
            }
            let parent = pids.get(&self.u32(at + 0x0C));
            self.expect(parent.is_none_or(|pid| *pid == self.u32(at + 8)), format!("{name}: parent's PID"));
            let is_system = self.u32(at + 4) == 4;
            if is_system {
                system += 1;
                for field in [0x40, 0x44] {
                    let text = strings.get(self.size(at + field)).map(|text| {
                        let units: Vec<u16> = text.chunks(2).map(|pair| u16::from(pair[0])).collect();
                        String::from_utf16_lossy(&units)
                    });
                    // Version 7 counts two NULs.
                    let text = text.unwrap_or_default();
                    self.expect(text.trim_end_matches('\0') == "System", format!("System is {text:?}"));
                }
                self.expect(modules > 0, "System: no modules");
            }
            self.modules(&name, at + head, to, is_system, user_limit, strings.len());
        }
        self.expect(system == 1, format!("processes: System is there {system} times"));
        pids.into_keys().collect()
    }

    fn modules(&mut self, name: &str, from: usize, to: usize, is_system: bool, user_limit: u64, strings: usize) {
        let (size, narrow) = if self.wide { (0x40, 0) } else { (0x38, 8) };
        let base = if self.wide { 8 } else { 4 };
        let mut last = 0;
        for at in (from..to.saturating_sub(size - 1)).step_by(size) {
            let address = self.pointer(at + base);
            self.expect(address >= last, format!("{name}: modules are not ordered by address"));
            last = address;
            self.expect(is_system || address <= user_limit, format!("{name}: lists a kernel module"));
            for text in (0x14..0x24).step_by(4) {
                self.expect(self.size(at + text - narrow) < strings, format!("{name}: a module's string"));
            }
            let reserved = [0x28, 0x2C, 0x30, 0x38].map(|field| self.u32(at + field - narrow));
            self.expect(reserved == [0; 4], format!("{name}: reserved fields of a module"));
        }
    }

    fn events(&mut self, processes: &HashSet<u32>) {
        let [array, ..] = self.places;
        let width = if self.wide { 8 } else { 4 };
        let (mut end, mut time, mut sequence) = (HEADER, 0, None);
        let mut pad = 0;
        // Version 7 writes profiling events in batches, so that its array is in order of time, not of place, and extra
        // details apart from their records.
        let in_order = self.version == 9;
        for number in 0..self.events {
            let entry = array + 5 * number;
            let at = self.size(entry) | usize::from(self.data[entry + 4]) << 32;
            let name = format!("event {number}");
            if at < HEADER || at + 0x34 > array {
                self.fault(format!("{name}: outside the events"));
                return;
            }
            let (depth, detail, extra) = (self.u16(at + 0x28), self.size(at + 0x2C), self.size(at + 0x30));
            let body = 0x34 + usize::from(depth) * width + detail;
            let size = if extra == 0 { body } else { body + 2 + usize::from(self.u16(at + body)) };
            if in_order {
                self.expect(extra == 0 || extra == body, format!("{name}: extra detail elsewhere"));
                let follows = at == end || at == end + pad;
                self.expect(follows, format!("{name}: at {at:#x}, the one before ends at {end:#x}"));
                end = at + size;
                // Procmon 3.4 puts a byte behind an extra detail of 65,535 bytes.
                pad = usize::from(extra != 0 && self.u16(at + body) == 0xFFFF);
                let now = self.u32(at + 0x10);
                let numbered = now < 0x2000_0000;
                self.expect(!numbered || sequence.is_none_or(|last| last < now), format!("{name}: sequence number"));
                sequence = if numbered { Some(now) } else { sequence };
            }
            self.expect(self.u64(at + 0x1C) >= time, format!("{name}: earlier than the one before"));
            time = self.u64(at + 0x1C);
            self.expect(processes.contains(&self.u32(at)), format!("{name}: no such process"));
            self.expect((1..=6).contains(&self.u32(at + 8)), format!("{name}: class"));
            self.expect(depth <= 150, format!("{name}: depth"));
            self.expect(at + size <= array, format!("{name}: reaches into the array"));
        }
        if in_order {
            self.expect(array - end < 4, format!("{} bytes between events and array", array - end));
        }
    }

    fn names(&mut self) {
        let [.., table, end] = self.places;
        let mut at = table + 4;
        let mut last: Option<Vec<u8>> = None;
        for number in 0..self.size(table).min(self.data.len()) {
            let address = self.data.get(at..at + 16).unwrap_or_default().to_vec();
            self.expect(last.is_none_or(|last| last < address), format!("host {number}: not in order"));
            last = Some(address);
            at = self.name(at + 16, &format!("host {number}"));
        }
        let ports = self.size(at);
        at += 4;
        let mut last = None;
        for number in 0..ports.min(self.data.len()) {
            let key = (self.u16(at + 2), self.u16(at));
            self.expect(last.is_none_or(|last| last < key) && key.0 <= 1, format!("port {number}: not in order"));
            last = Some(key);
            at = self.name(at + 4, &format!("port {number}"));
        }
        self.expect(at == end, format!("the ports end at {at:#x}, the file at {end:#x}"));
    }

    /// A counted text; where it ends.
    fn name(&mut self, at: usize, what: &str) -> usize {
        let size = self.size(at);
        let end = at.saturating_add(4).saturating_add(size);
        let text = self.data.get(at + 4..end);
        self.expect(text.is_some_and(|text| text.is_empty() || text.ends_with(&[0, 0])), format!("{what}: name"));
        end
    }
}
