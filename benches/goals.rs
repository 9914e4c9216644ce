//! Every speed goal in one run, as multiples of the two-thread sum, with the memory each needs:
//!
//! ```text
//! cargo bench --bench goals -- [--size 1GB] [--rounds 5] [--folder DIR] [--keep] [NAME…]
//! cargo bench --bench goals -- --series 1000000,5000000 [--slim] [--hole 1GiB --every 100000] [NAME…]
//! ```
//!
//! Captures are grown first (`--folder` says where, `--keep` leaves them for the next run). Each measured program is run
//! as its own process, alternately with the sum. A NAME measures only the rows whose name holds it. `--series` measures
//! the programs at so many events instead, with one thread and with two; `--slim` makes the events small.

#[path = "support/measure.rs"]
mod measure;
mod support;

use measure::{case_options, two_thread_sum};
use pmlblame::assemble;
use pmlblame::capture::map::Bytes;
use pmlblame::capture::source::Source;
use pmlblame::capture::{Capture, OpenOptions};
use pmlblame::export::{Context, Style};
use pmlblame::pml::EventClass;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use support::{Plan, Seed, parse_size, sample};

type Error = Box<dyn std::error::Error>;

/// The program that is measured.
const PROGRAM: &str = env!("CARGO_BIN_EXE_pmlblame");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // What a run starts itself as.
        ["--sum", file] => sum_file(Path::new(file)),
        ["--decode", file] => decode(Path::new(file)),
        _ => Run::parse(arguments).and_then(|run| run.all()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("goals: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The yardstick: the sum of the words of a mapped file by two threads.
fn sum_file(file: &Path) -> Result<(), Error> {
    let bytes = Bytes::open(file, true)?;
    std::hint::black_box(two_thread_sum(&bytes));
    Ok(())
}

/// Full decode of every event.
fn decode(file: &Path) -> Result<(), Error> {
    let capture = Capture::open(file, &OpenOptions { segments: false, ..OpenOptions::default() })?;
    println!("{:?}", Context::new(&capture, Style::default()).check(&|_| ()));
    Ok(())
}

/// A row of the table.
struct Goal {
    name: &'static str,
    /// At most so many times the sum.
    most: f64,
    /// Private memory allowed, MB; none is asked of a decode.
    memory: Option<f64>,
    arguments: &'static [&'static str],
}

const FILTER: &[&str] = &["events", "FILE", "--filter", "Path contains x", "--filter", "Result is SHARING VIOLATION"];
const CSV: &[&str] = &["events", "FILE", "--format", "csv", "--columns", "all", "--tz", "UTC"];
const JSONL: &[&str] = &["events", "FILE", "--format", "jsonl", "--tz", "UTC"];
const BLAME: &[&str] = &["FILE"];

const GOALS: [Goal; 5] = [
    Goal { name: "blame", most: 1.6, memory: Some(64.0), arguments: BLAME },
    Goal { name: "filter", most: 1.6, memory: Some(64.0), arguments: FILTER },
    Goal { name: "decode", most: 5.0, memory: None, arguments: &["--decode", "FILE"] },
    Goal { name: "csv, 27 columns", most: 15.0, memory: Some(64.0), arguments: CSV },
    Goal { name: "jsonl", most: 15.0, memory: Some(64.0), arguments: JSONL },
];

/// At least so many megabytes of an export a second.
const IMPORT_SPEED: f64 = 300.0;

struct Run {
    size: u64,
    rounds: usize,
    series: Vec<u64>,
    hole: (u64, u64),
    folder: Option<PathBuf>,
    keep: bool,
    slim: bool,
    names: Vec<String>,
}

impl Run {
    fn parse(arguments: Vec<String>) -> Result<Self, Error> {
        let mut run = Self {
            size: 1_000_000_000,
            rounds: 5,
            series: Vec::new(),
            hole: (0, 0),
            folder: None,
            keep: false,
            slim: false,
            names: Vec::new(),
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            let size = |text: String| parse_size(&text).ok_or_else(|| format!("{text} is no size"));
            match argument.as_str() {
                "--size" => run.size = size(value()?)?,
                "--rounds" => run.rounds = value()?.parse()?,
                "--series" => run.series = value()?.split(',').filter_map(parse_size).collect(),
                "--hole" => run.hole.0 = size(value()?)?,
                "--every" => run.hole.1 = size(value()?)?,
                "--folder" => run.folder = Some(value()?.into()),
                "--keep" => run.keep = true,
                "--slim" => run.slim = true,
                _ => run.names.push(argument),
            }
        }
        Ok(run)
    }

    fn all(&self) -> Result<(), Error> {
        let folder = tempfile::tempdir()?;
        let folder = self.folder.as_deref().unwrap_or(folder.path());
        std::fs::create_dir_all(folder)?;
        if !self.series.is_empty() {
            return self.series(folder);
        }
        println!("multiples of the two-thread sum, medians of {} pairs: elapsed time and processor time", self.rounds);
        let kinds: [(&str, bool, bool); 3] = [
            ("nothing refused", false, false),
            ("four failures", true, false),
            ("four failures, files only", true, true),
        ];
        for (kind, failures, files_only) in kinds {
            let goals = GOALS.iter().filter(|goal| {
                let name = format!("{}, {kind}", goal.name);
                // Without failures only the analysis differs.
                (failures || goal.name == "blame")
                    && (self.names.is_empty() || self.names.iter().any(|part| name.contains(part)))
            });
            let goals: Vec<&Goal> = goals.collect();
            if goals.is_empty() {
                continue;
            }
            let file = folder.join(format!("{}.PML", kind.replace([' ', ','], "-")));
            let events = self.grow(&file, failures, files_only, Plan { bytes: Some(self.size), ..Plan::default() })?;
            println!("\n{kind}: {events} events, {} bytes", std::fs::metadata(&file)?.len());
            for goal in goals {
                self.measure(goal, &file)?;
            }
            if !self.keep {
                std::fs::remove_file(&file)?;
            }
        }
        if self.names.is_empty() || self.names.iter().any(|name| "import".contains(name.as_str())) {
            self.import(folder)?;
        }
        if self.names.is_empty() || self.names.iter().any(|name| "memory".contains(name.as_str())) {
            memory(folder)?;
        }
        if self.names.is_empty() || self.names.iter().any(|name| "cold start".contains(name.as_str())) {
            cold_start()?;
        }
        Ok(())
    }

    /// Makes the capture, unless an earlier run left it, and brings it into the page cache.
    fn grow(&self, file: &Path, failures: bool, files_only: bool, plan: Plan<'_>) -> Result<u64, Error> {
        if !file.is_file() {
            let mut seed = Seed::open(&support::default_seed())?;
            if files_only {
                seed.retain(EventClass::FILE_SYSTEM);
            }
            if self.slim {
                seed.slim();
            }
            let then = Seed::open(&sample("founding-delete-pending"))?;
            let plan = Plan { then: failures.then_some(&then), ..plan };
            seed.grow_file(file, &plan)?;
        }
        let capture = Capture::open(file, &OpenOptions { segments: false, ..OpenOptions::default() })?;
        Ok(capture.event_count())
    }

    fn measure(&self, goal: &Goal, file: &Path) -> Result<(), Error> {
        let program = if goal.name == "decode" { std::env::current_exe()? } else { PROGRAM.into() };
        let mut command = command(&program, goal.arguments, file);
        let mut sum = command_sum(file)?;
        spend(&mut sum)?;
        let (mut elapsed, mut ours, mut theirs) = (Vec::new(), Spent::default(), Spent::default());
        for _ in 0..self.rounds {
            let (a, b) = (spend(&mut command)?, spend(&mut sum)?);
            elapsed.push(a.elapsed.as_secs_f64() / b.elapsed.as_secs_f64());
            ours.add(a);
            theirs.add(b);
        }
        let ratio = median(&mut elapsed);
        let processor = ours.processor.as_secs_f64() / theirs.processor.as_secs_f64();
        let memory = peak_memory(&mut command)?;
        let met = |ok: bool| if ok { "" } else { " (missed)" };
        println!(
            "  {:<18} {ratio:6.2} elapsed ({:.2} to {:.2}; {:.3} s), {processor:6.2} processor; goal {}{}; {memory:.1} MB{}",
            goal.name,
            elapsed.first().copied().unwrap_or_default(),
            elapsed.last().copied().unwrap_or_default(),
            ours.elapsed.as_secs_f64() / self.rounds as f64,
            goal.most,
            met(ratio <= goal.most),
            goal.memory.map_or("", |most| met(memory <= most)),
        );
        Ok(())
    }

    /// The same of a CSV export with all columns, about as large, by its own measure: bytes a second.
    fn import(&self, folder: &Path) -> Result<(), Error> {
        let (capture, file) = (folder.join("to-export.PML"), folder.join("export.CSV"));
        if !file.is_file() {
            // An event takes a fifth more room in CSV.
            let plan = Plan { bytes: Some(self.size / 6 * 5), ..Plan::default() };
            self.grow(&capture, true, false, plan)?;
            let exported = command(Path::new(PROGRAM), CSV, &capture).stdout(std::fs::File::create(&file)?).status()?;
            std::fs::remove_file(&capture)?;
            if !exported.success() {
                return Err("the capture could not be exported".into());
            }
        }
        let bytes = std::fs::metadata(&file)?.len();
        println!("\nimport: CSV of 27 columns, {bytes} bytes");
        spend(&mut command_sum(&file)?)?;
        for (name, arguments) in [("blame", BLAME), ("filter", FILTER), ("csv, 27 columns", CSV)] {
            let mut command = command(Path::new(PROGRAM), arguments, &file);
            let mut speeds = Vec::new();
            for _ in 0..self.rounds {
                speeds.push(bytes as f64 / 1e6 / spend(&mut command)?.elapsed.as_secs_f64());
            }
            let speed = median(&mut speeds);
            let (slowest, fastest) = (speeds.first().copied(), speeds.last().copied());
            println!(
                "  {name:<18} {speed:6.0} MB/s ({:.0} to {:.0}); goal {IMPORT_SPEED}{}; {:.1} MB",
                slowest.unwrap_or_default(),
                fastest.unwrap_or_default(),
                if speed >= IMPORT_SPEED { "" } else { " (missed)" },
                peak_memory(&mut command)?
            );
        }
        if !self.keep {
            std::fs::remove_file(&file)?;
        }
        Ok(())
    }

    /// Times at several sizes, with one thread and with two.
    fn series(&self, folder: &Path) -> Result<(), Error> {
        println!("{:>11} {:>15}  {:<16} threads  seconds  ns an event  private memory, MB", "events", "bytes", "");
        for events in &self.series {
            let file = folder.join(format!("{events}.PML"));
            let plan =
                Plan { events: Some(*events), hole_bytes: self.hole.0, hole_every: self.hole.1, ..Plan::default() };
            let count = self.grow(&file, true, false, plan)?;
            spend(&mut command_sum(&file)?)?;
            for goal in GOALS.iter().filter(|goal| goal.name != "decode") {
                if !self.names.is_empty() && !self.names.iter().any(|part| goal.name.contains(part)) {
                    continue;
                }
                for threads in ["1", "2"] {
                    let mut command = command(Path::new(PROGRAM), goal.arguments, &file);
                    command.args(["--threads", threads]);
                    let mut times = Vec::new();
                    for _ in 0..self.rounds {
                        times.push(spend(&mut command)?.elapsed.as_secs_f64());
                    }
                    let seconds = median(&mut times);
                    println!(
                        "{count:>11} {:>15}  {:<16} {threads:>7}  {seconds:7.3}  {:11.1}  {:.1}",
                        std::fs::metadata(&file)?.len(),
                        goal.name,
                        seconds * 1e9 / count as f64,
                        peak_memory(&mut command)?
                    );
                }
            }
            if !self.keep {
                std::fs::remove_file(&file)?;
            }
        }
        Ok(())
    }
}

fn command(program: &Path, arguments: &[&str], file: &Path) -> Command {
    let mut command = Command::new(program);
    for argument in arguments {
        match *argument {
            "FILE" => command.arg(file),
            other => command.arg(other),
        };
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn command_sum(file: &Path) -> Result<Command, Error> {
    Ok(command(&std::env::current_exe()?, &["--sum", "FILE"], file))
}

/// How many operations the analysis of a capture keeps.
fn relevant(file: &Path) -> Result<usize, Error> {
    let capture = Capture::open(file, &OpenOptions { segments: false, ..OpenOptions::default() })?;
    let case =
        assemble::analyse(&capture as &dyn Source, &case_options()).map_err(|_| "the scope is not understood")?;
    Ok(case.log.ops.len())
}

/// Private memory of an analysis in which many operations are on the few files concerned.
fn memory(folder: &Path) -> Result<(), Error> {
    println!("\nmemory of blame by operations on the files concerned; goal 64 MB and 200 bytes each");
    let report = |file: &Path, kind: &str| -> Result<(), Error> {
        let peak = peak_memory(&mut command(Path::new(PROGRAM), BLAME, file))?;
        let relevant = relevant(file)? as f64;
        let most = 64.0 + 200.0 * relevant / 1e6;
        let each = peak * 1e6 / relevant;
        let missed = if peak <= most { "" } else { " (missed)" };
        println!("  {relevant:>9} operations{kind}: {peak:7.1} MB, {each:4.0} bytes each; goal {most:.0} MB{missed}");
        Ok(())
    };
    let file = folder.join("relevant.PML");
    let then = Seed::open(&sample("founding-delete-pending"))?;
    let mut seed = Seed::open(&sample("founding-delete-pending"))?;
    seed.retain_successes();
    for events in [1, 1_000_000, 2_000_000, 4_000_000] {
        seed.grow_file(&file, &Plan { events: Some(events), then: Some(&then), ..Plan::default() })?;
        report(&file, "")?;
    }
    let seed = Seed::open(&sample("founding-delete-pending"))?;
    for events in [1_000_000, 4_000_000] {
        seed.grow_file(&file, &Plan { events: Some(events), ..Plan::default() })?;
        report(&file, ", one refused in every forty events")?;
    }
    std::fs::remove_file(&file)?;
    Ok(())
}

/// The whole of a small capture, from the start of the process to its end.
fn cold_start() -> Result<(), Error> {
    println!("\ncold start, samples/founding-delete-pending.PML, medians of 31");
    let file = sample("founding-delete-pending");
    for (name, arguments) in [("blame", BLAME), ("filter", FILTER)] {
        let mut command = command(Path::new(PROGRAM), arguments, &file);
        spend(&mut command)?;
        let mut times = Vec::new();
        for _ in 0..31 {
            times.push(spend(&mut command)?.elapsed.as_secs_f64() * 1e3);
        }
        println!("  {name:<18} {:6.2} ms; goal 10", median(&mut times));
    }
    Ok(())
}

/// What a process took.
#[derive(Clone, Copy, Default)]
struct Spent {
    elapsed: Duration,
    processor: Duration,
}

impl Spent {
    fn add(&mut self, other: Self) {
        self.elapsed += other.elapsed;
        self.processor += other.processor;
    }
}

/// Runs a process to its end.
fn spend(command: &mut Command) -> Result<Spent, Error> {
    let (before, start) = (processor_of_children(), Instant::now());
    command.status()?;
    let elapsed = start.elapsed();
    Ok(Spent { elapsed, processor: processor_of_children().saturating_sub(before) })
}

/// Processor time of the processes that have ended, where the system tells, to a hundredth of a second.
fn processor_of_children() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The most private memory a process had, MB, looked at every millisecond. 0 where the system does not tell.
fn peak_memory(command: &mut Command) -> Result<f64, Error> {
    let mut child = command.spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0u64;
    while child.try_wait()?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(now.unwrap_or_default());
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(peak as f64 * 1024.0 / 1e6)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
