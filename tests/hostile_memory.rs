//! Memory stays within a small multiple of the file, whatever the file says of itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use peak_alloc::PeakAlloc;
use support::{Random, exercise, mutate, small};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What reading, surveying and collecting may hold at once, over the file itself: this times its size …
const TIMES: usize = 8;
/// … and this much for tables that every run has.
const FIXED: usize = 1 << 20;

/// One test alone in its process: the peak is that of all threads.
#[test]
fn no_mutated_capture_takes_more_memory_than_a_small_multiple_of_its_size() {
    // Threads and tables that are made once.
    exercise(small(true, 0).0, false);
    let mut worst = (0, 0, 0);
    for seed in 0..1_500u64 {
        let (base, starts) = small(seed % 2 == 0, seed / 50);
        let mut bytes = base;
        mutate(&mut bytes, &starts, &mut Random(seed ^ 0xA110_C000));
        let size = bytes.len();
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        exercise(bytes, false);
        let taken = MEMORY.peak_usage().saturating_sub(before);
        worst = worst.max((taken, size, seed));
        assert!(taken <= TIMES * size + FIXED, "seed {seed}: {taken} bytes for a file of {size}");
    }
    println!("most: {} bytes for a file of {} (seed {})", worst.0, worst.1, worst.2);

    // The worst on purpose: every process names one huge string, every entry of a table the same record.
    for bytes in [one_string_for_all(), one_record_for_all()] {
        let size = bytes.len();
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        exercise(bytes, false);
        let taken = MEMORY.peak_usage().saturating_sub(before);
        println!("on purpose: {taken} bytes for a file of {size}");
        assert!(taken <= TIMES * size + FIXED, "{taken} bytes for a file of {size}");
    }
}

fn put(data: &mut [u8], at: usize, value: u64, width: usize) {
    data[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
}

/// A capture of a thousand processes whose eight strings are all the same half megabyte.
fn one_string_for_all() -> Vec<u8> {
    use pmlblame::pml::write::{Header, PmlWriter, Process};
    let mut pml = PmlWriter::new(std::io::Cursor::new(Vec::new()), Header::new(true, "X", r"C:\Windows")).unwrap();
    let long = pml.add_string(&"x".repeat(250_000)).unwrap();
    for index in 1..1_000 {
        let [integrity, user, name, image_path, command_line, company, version, description] = [long; 8];
        pml.add_process(Process {
            index,
            pid: index * 4,
            integrity,
            user,
            name,
            image_path,
            command_line,
            company,
            version,
            description,
            ..Process::default()
        });
    }
    pml.finish().unwrap().into_inner()
}

/// A process table whose entries all lead to one record with many modules.
fn one_record_for_all() -> Vec<u8> {
    let (mut data, _) = small(true, 3);
    let table = data.len();
    let entries = 20_000;
    data.resize(table + 4 + 8 * entries, 0);
    put(&mut data, table, entries as u64, 4);
    let record = data.len() - table;
    for n in 0..entries {
        put(&mut data, table + 4 + 4 * n, n as u64, 4);
        put(&mut data, table + 4 + 4 * (entries + n), record as u64, 4);
    }
    let at = data.len();
    data.resize(at + 0x6C + 0x40 * 1_000, 0);
    put(&mut data, at + 0x68, 1_000, 4);
    put(&mut data, 0x250, table as u64, 8);
    data
}
