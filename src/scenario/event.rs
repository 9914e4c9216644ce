//! Event lines: `+TIME WHO OPERATION arguments -> RESULT arguments`.

use crate::nt::NtStatus;
use crate::pml::write::details::{Body, Details};

use super::args::{Args, SECOND, number, number32, ticks};
use super::error::{Place, ScenarioError, ScenarioErrorKind};
use super::lex::{Word, words};
use super::machine::Parser;
use super::{EventDecl, Part};

/// Most copies one line may make.
const MAX_REPEAT: u64 = 1_000_000;
/// Duration of a file or registry operation whose line gives none: 5.2 µs.
const USUAL_DURATION: u64 = 52;

/// What an operation may need to know of its line.
pub(super) struct Moment {
    pub(super) process: usize,
    pub(super) time: u64,
    pub(super) start: u64,
    pub(super) result: NtStatus,
    pub(super) details: Details,
}

impl Moment {
    /// The operation completed and delivered something.
    pub(super) fn succeeded(&self) -> bool {
        self.result.is_success() && self.result != NtStatus::PENDING
    }
}

impl Parser<'_> {
    /// Reads an event line, as often as its `repeat` says.
    pub(super) fn event_line(&mut self, line: &str, place: &Place) -> Result<(), ScenarioError> {
        self.variables.insert("n".to_owned(), "0".to_owned());
        let (times, every) = self.one_event(line, place, 0)?;
        for round in 1..times {
            self.variables.insert("n".to_owned(), round.to_string());
            self.one_event(line, place, round.saturating_mul(every))?;
        }
        Ok(())
    }

    /// Reads an event line once, `later` ticks after its time, and gives its `repeat` and `every`.
    fn one_event(&mut self, line: &str, place: &Place, later: u64) -> Result<(u64, u64), ScenarioError> {
        let mut all = words(line, place, &self.variables)?;
        let head = all.remove(0);
        let (result, all) = take_result(all)?;
        let mut args = Args::new(head.place.clone(), all);
        let start = self.start_or_fault(&head.place)?;
        self.use_header();
        // `+=` counts from the event line before, `+` from the start.
        let base = match head.text.strip_prefix("+=") {
            Some(after) => self.last_time.saturating_add(ticks(&head, after)?),
            None => start.saturating_add(ticks(&head, head.text.trim_start_matches('+'))?),
        };
        if later == 0 {
            self.last_time = base;
        }
        let time = base.saturating_add(later);
        let repeat = args.take("repeat");
        let times = repeat.as_ref().map_or(Ok(1), number)?;
        if let Some(word) = repeat.filter(|_| times == 0 || times > MAX_REPEAT) {
            return Err(word.bad("a number from 1 to 1000000"));
        }
        let every = args.ticks("every", SECOND / 100)?;

        let who = args.need("process")?;
        if who.text == "gap" {
            let gap = number32(&args.need("number of missing events")?)?;
            self.events.push(EventDecl { time, gap, ..EventDecl::default() });
            args.finish()?;
            return Ok((times, every));
        }
        if who.text == "file" {
            let part = match args.next() {
                Some(word) if word.text == "lost" => Part::Lost,
                Some(word) => return Err(word.fault(ScenarioErrorKind::UnknownArgument(word.text.clone()))),
                None => Part::After(args.number32("repeats", 0)?),
            };
            self.events.push(EventDecl { time, part: Some(part), ..EventDecl::default() });
            args.finish()?;
            return Ok((times, every));
        }
        let (process, tid) = self.subject(&who)?;
        let operation = args.need("operation")?;
        let details = Details::new(self.header.is_64_bit);
        let result = result.unwrap_or(NtStatus::SUCCESS);
        let moment = Moment { process, time, start, result, details };
        let duration = args.take("dur").map(|word| ticks(&word, &word.text)).transpose()?;
        let stack_word = args.take("stack");
        let body = self.operation(&operation, &mut args, &moment)?;
        // After the operation: a Load Image line brings the module that its own stack may name.
        let stack = match &stack_word {
            Some(word) => self.frames(&word.text, process, &word.place)?,
            None => match self.processes.get(process).and_then(|process| process.default_stack.clone()) {
                Some(frames) => self.frames(&frames, process, &operation.place)?,
                None => Vec::new(),
            },
        };
        args.finish()?;
        let usual = if matches!(body.class, 2 | 3) && result != NtStatus::PENDING { USUAL_DURATION } else { 0 };
        self.events.push(EventDecl {
            time,
            process,
            tid,
            result: result.0,
            duration: duration.unwrap_or(usual),
            stack,
            body: Some(body),
            ..EventDecl::default()
        });
        Ok((times, every))
    }

    /// `PROCESS` or `PROCESS:TID`; the main thread when no thread is given.
    fn subject(&self, word: &Word) -> Result<(usize, u32), ScenarioError> {
        let parts = word.text.rsplit_once(':').and_then(|(name, tid)| Some((name, tid.parse::<u32>().ok()?)));
        let (name, tid) = parts.map_or((word.text.as_str(), None), |(name, tid)| (name, Some(tid)));
        let at = self.find_process(word, name)?;
        let pid = self.processes.get(at).map_or(0, |process| process.pid);
        Ok((at, tid.unwrap_or(pid.saturating_add(4))))
    }

    fn operation(&mut self, operation: &Word, args: &mut Args, moment: &Moment) -> Result<Body, ScenarioError> {
        if let Some(body) = self.file_operation(&operation.text, args, moment)? {
            return Ok(body);
        }
        if let Some(body) = self.info_operation(&operation.text, args, moment)? {
            return Ok(body);
        }
        if let Some(body) = self.other_operation(&operation.text, args, moment)? {
            return Ok(body);
        }
        Err(operation.fault(ScenarioErrorKind::UnknownOperation(operation.text.clone())))
    }
}

/// Takes `-> RESULT WORDS` out of the line: the words up to the next `key=value`.
fn take_result(mut all: Vec<Word>) -> Result<(Option<NtStatus>, Vec<Word>), ScenarioError> {
    let Some(arrow) = all.iter().position(|word| word.key.is_none() && word.text == "->") else {
        return Ok((None, all));
    };
    let mut tail = all.split_off(arrow);
    let arrow = tail.remove(0);
    let end = tail.iter().position(|word| word.key.is_some()).unwrap_or(tail.len());
    let after = tail.split_off(end);
    let text = tail.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    all.extend(after);
    let first = tail.into_iter().next().unwrap_or(arrow);
    if text.eq_ignore_ascii_case("PENDING") {
        return Ok((Some(NtStatus::PENDING), all));
    }
    let status = NtStatus::from_text(&text).filter(|_| !text.is_empty());
    let unknown = ScenarioErrorKind::BadValue { expected: "a result as Procmon shows it", found: text };
    Ok((Some(status.ok_or_else(|| first.fault(unknown))?), all))
}
