//! Exports of a whole capture: events and output bytes a second.
//!
//! The capture is `PMLBLAME_BENCH`, else the largest of the corpus (`PMLBLAME_SHARED`, else `../shared`), else a sample.

#![allow(clippy::expect_used, reason = "a benchmark without its input has nothing to measure")]

#[path = "support/measure.rs"]
mod measure;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use pmlblame::capture::columns::Column;
use pmlblame::capture::filter::{Filter, Rule};
use pmlblame::capture::{Capture, OpenOptions};
use pmlblame::export::{Context, Format, Request, Style};
use rayon::prelude::*;
use std::io::{self, Write};
use std::path::PathBuf;

fn main() {
    measure::run_benches();
}

/// Counts the bytes and throws them away.
#[derive(Default)]
struct Count(u64);

impl Write for Count {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0 += data.len() as u64;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn capture() -> Capture {
    let manifest = env!("CARGO_MANIFEST_DIR");
    let shared = std::env::var_os("PMLBLAME_SHARED")
        .map_or_else(|| PathBuf::from(format!("{manifest}/../shared")), PathBuf::from);
    let corpus = shared.join("corpus/LogfileTests64bitUTC.PML");
    let path = match std::env::var_os("PMLBLAME_BENCH") {
        Some(path) => path.into(),
        None if corpus.is_file() => corpus,
        None => PathBuf::from(format!("{manifest}/samples/founding-delete-pending.PML")),
    };
    Capture::open(&path, &OpenOptions::default()).expect("a capture to measure")
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool")
}

fn export(bencher: Bencher<'_, '_>, threads: usize, request: &Request) {
    let capture = capture();
    let pool = pool(threads);
    let run = || {
        let mut count = Count::default();
        pool.install(|| Context::new(&capture, Style::default()).write(request, &mut count, &|_| true))
            .expect("an export");
        count.0
    };
    let bytes = run();
    bencher.counter(ItemsCount::new(capture.event_count())).counter(BytesCount::new(bytes)).bench_local(run);
}

fn request(format: Format) -> Request {
    Request { format, columns: Column::all().collect(), ..Request::default() }
}

fn filtered(rules: &[&str]) -> Request {
    let rules = rules.iter().map(|rule| Rule::parse(rule, true).expect("a rule")).collect();
    Request { filter: Filter { rules }, ..request(Format::Csv) }
}

#[divan::bench(args = [1, 2])]
fn csv_all_columns(bencher: Bencher<'_, '_>, threads: usize) {
    export(bencher, threads, &request(Format::Csv));
}

#[divan::bench(args = [1, 2])]
fn csv_default_columns(bencher: Bencher<'_, '_>, threads: usize) {
    export(bencher, threads, &Request { format: Format::Csv, ..Request::default() });
}

#[divan::bench(args = [1, 2])]
fn jsonl(bencher: Bencher<'_, '_>, threads: usize) {
    export(bencher, threads, &request(Format::Jsonl));
}

#[divan::bench(args = [1, 2])]
fn xml_all_columns(bencher: Bencher<'_, '_>, threads: usize) {
    export(bencher, threads, &request(Format::Xml));
}

#[divan::bench(args = [1, 2])]
fn filter_by_path_and_result(bencher: Bencher<'_, '_>, threads: usize) {
    export(bencher, threads, &filtered(&["Path contains InFlight", "Result is SHARING VIOLATION"]));
}

#[divan::bench(args = [1, 2])]
fn filter_by_path(bencher: Bencher<'_, '_>, threads: usize) {
    export(bencher, threads, &filtered(&["Path contains InFlight"]));
}

/// The yardstick: the sum of all 64-bit words of the file on as many threads.
#[divan::bench(args = [1, 2])]
fn sum_of_the_bytes(bencher: Bencher<'_, '_>, threads: usize) {
    let capture = capture();
    let pool = pool(threads);
    let bytes = capture.segments().first().map(|segment| segment.bytes()).unwrap_or_default();
    bencher
        .counter(BytesCount::new(bytes.len()))
        .bench_local(|| pool.install(|| bytes.par_chunks(1 << 20).map(measure::sum).reduce(|| 0, u64::wrapping_add)));
}
