//! Opening, surveying, analysing and exporting captures of three sizes, with one thread and with two.
//!
//! The captures are grown from `PMLBLAME_BENCH`, else from the 64-bit capture of the corpus (`PMLBLAME_SHARED`, else
//! `../shared`), else from a sample; a sample with failures follows each.

#![allow(clippy::expect_used, reason = "a benchmark without its input has nothing to measure")]

#[path = "support/measure.rs"]
mod measure;
mod support;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use measure::{case_options, run_benches};
use pmlblame::assemble;
use pmlblame::capture::columns::Column;
use pmlblame::capture::source::Source;
use pmlblame::capture::{Capture, OpenOptions};
use pmlblame::export::{Context, Format, Request, Style};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use support::{Plan, Seed, default_seed, sample};
use tempfile::TempDir;

/// Events of the captures.
const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder for captures"));

fn main() {
    run_benches();
    // A static is never dropped.
    let _ = std::fs::remove_dir_all(FOLDER.path());
}

/// A capture of so many events and a sample, made when first asked for.
fn capture(events: u64) -> PathBuf {
    let path = FOLDER.path().join(format!("{events}.PML"));
    if !path.is_file() {
        let seed = std::env::var_os("PMLBLAME_BENCH").map_or_else(default_seed, PathBuf::from);
        let then = Seed::open(&sample("founding-delete-pending")).expect("the sample");
        let plan = Plan { events: Some(events), then: Some(&then), ..Plan::default() };
        Seed::open(&seed).and_then(|seed| seed.grow_file(&path, &plan)).expect("a grown capture");
    }
    path
}

fn open_file(path: &Path) -> Capture {
    Capture::open(path, &OpenOptions { segments: false, ..OpenOptions::default() }).expect("a capture")
}

fn counted<'a, 'b>(bencher: Bencher<'a, 'b>, capture: &Capture) -> Bencher<'a, 'b> {
    let bytes: usize = capture.segments().iter().map(|segment| segment.bytes().len()).sum();
    bencher.counter(BytesCount::new(bytes)).counter(ItemsCount::new(capture.event_count()))
}

fn with_threads<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> impl Fn() -> T + Sync {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
    move || pool.install(&work)
}

/// Header and tables.
#[divan::bench(args = SIZES)]
fn open(bencher: Bencher<'_, '_>, events: u64) {
    let path = capture(events);
    bencher.bench(|| open_file(&path));
}

/// The first pass, the file mapped and in page cache.
#[divan::bench(args = SIZES, consts = [1, 2])]
fn scan<const THREADS: usize>(bencher: Bencher<'_, '_>, events: u64) {
    let capture = open_file(&capture(events));
    counted(bencher, &capture).bench(with_threads(THREADS, || capture.survey()));
}

/// The whole analysis, the capture opened anew each time.
#[divan::bench(args = SIZES, consts = [1, 2])]
fn blame<const THREADS: usize>(bencher: Bencher<'_, '_>, events: u64) {
    let path = capture(events);
    let counters = open_file(&path);
    counted(bencher, &counters).bench(with_threads(THREADS, || {
        assemble::analyse(&open_file(&path) as &dyn Source, &case_options()).expect("an analysis")
    }));
}

/// Events of every kind with all columns, thrown away.
fn export(bencher: Bencher<'_, '_>, events: u64, threads: usize, format: Format) {
    let capture = open_file(&capture(events));
    let request = Request { format, columns: Column::all().collect(), ..Request::default() };
    counted(bencher, &capture).bench(with_threads(threads, || {
        Context::new(&capture, Style::default()).write(&request, &mut io::sink(), &|_| true).expect("an export");
    }));
}

#[divan::bench(args = SIZES, consts = [1, 2])]
fn csv<const THREADS: usize>(bencher: Bencher<'_, '_>, events: u64) {
    export(bencher, events, THREADS, Format::Csv);
}

#[divan::bench(args = SIZES, consts = [1, 2])]
fn jsonl<const THREADS: usize>(bencher: Bencher<'_, '_>, events: u64) {
    export(bencher, events, THREADS, Format::Jsonl);
}
