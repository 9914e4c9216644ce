//! What `why` tells of an event: which part of a hold is sure, which events are shown, and what of events not refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod verdicts;

use std::path::Path;
use std::process::{Command, Output};

use jiff::tz::TimeZone;
use pmlblame::case::{Confidence, Story, StoryEvent, StoryHold};
use pmlblame::lang::Lang;
use pmlblame::report::style::Style;
use pmlblame::report::why::render;
use verdicts::Built;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pmlblame"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"))
        .args(arguments)
        .args(["--lang", "en"])
        .output()
        .unwrap()
}

fn story(capture: &str, event: u64) -> Story {
    let output = run(&["why", capture, "--event", &event.to_string(), "--json", "-"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn told(story: &Story) -> String {
    render(story, &Style { lang: Lang::En, zone: TimeZone::UTC, width: None, ascii: true })
}

fn hold<'s>(story: &'s Story, process: &str) -> &'s StoryHold {
    story.holds.iter().filter(|hold| hold.process == process).max_by_key(|hold| hold.over.clone()).unwrap()
}

/// The bar of the hold that `tells` its line: before the event, at it, and after it.
fn bar(story: &Story, tells: &str) -> (String, char, String) {
    let text = told(story);
    let mut bars = text.lines().skip_while(|line| !line.starts_with("  --"));
    let ruler = bars.next().unwrap();
    let line = bars.find(|line| line.contains(tells)).unwrap_or_else(|| panic!("no {tells} in\n{text}"));
    let bar = line.split_whitespace().next().unwrap();
    let ruler = ruler.split_whitespace().next().unwrap();
    assert_eq!((bar.len(), ruler.len()), (48, 48));
    let mark = ruler.find('X').unwrap();
    (bar[..mark].to_owned(), bar[mark..].chars().next().unwrap(), bar[mark + 1..].to_owned())
}

#[test]
fn a_refuted_hold_is_not_drawn_past_the_success() {
    let story = story("refuted-by-later-success.PML", 103);
    let held = hold(&story, "HipsDaemon.exe");
    assert_eq!(held.refuted_by.map(|success| success.event), Some(62));
    assert_eq!(held.over.as_deref(), Some("2022-10-08T05:50:51.0000000Z"));
    // Its own read is the last that surely shows it.
    assert!(held.sure.as_ref().unwrap().until.as_deref().unwrap() < "2022-10-08T05:50:50.1");
    let (before, at, after) = bar(&story, "AT-11: event 62 succeeded");
    assert_eq!((before.trim_matches('.'), at), ("#???????", '.'));
    assert!(!after.contains(['#', '?']), "{after}");
    let failure = story.failure.as_ref().unwrap();
    let cleared = failure.ruled_out.iter().find(|party| party.process == "HipsDaemon.exe").unwrap();
    assert_eq!((cleared.rule.as_str(), cleared.event), ("AT-11", Some(62)));
    assert!(story.events.iter().any(|event| event.event == 62));
}

#[test]
fn a_close_under_way_is_no_sure_hold() {
    let story = story("lingering-close.PML", 96);
    let held = hold(&story, "TiWorker.exe");
    let until = held.sure.as_ref().unwrap().until.as_deref();
    assert_eq!(
        (until, held.over.as_deref()),
        (Some("2022-10-08T05:50:52.0000800Z"), Some("2022-10-08T05:50:55.0000800Z"))
    );
    let (before, at, after) = bar(&story, "its close done 05:50:55.0000800");
    assert_eq!((before.trim_start_matches('.'), at, after.trim_end_matches('.')), ("#???????", '?', "???????????????"));
    let holder = &story.failure.as_ref().unwrap().holders[0];
    assert_eq!(holder.hold.sure_until.as_deref(), until);
    let report = run(&["lingering-close.PML"]);
    let report = String::from_utf8(report.stdout).unwrap();
    assert!(
        report
            .contains("to 05:50:52.0000800, when its close began, and perhaps until that was done at 05:50:55.0000800")
    );
}

/// Microseconds before and after the refusal, in minutes of history.
const NARROW: &str = r"+0.1 V.exe CreateFile C:\w\f access=GENERIC_WRITE share=R disposition=CREATE dur=10us
+0.2 V.exe CloseFile C:\w\f dur=10us
+30 B.exe:7 CreateFile C:\w\f access=READ_ATTRIBUTES share=RWD dur=10us
+30.000030 B.exe:7 CloseFile C:\w\f dur=5us
+30.000040 A.exe CreateFile C:\w\f access=GENERIC_READ share=RW dur=5us
+30.000050 V.exe CreateFile C:\w\f access=DELETE share=RWD dur=20us -> SHARING VIOLATION
+30.000080 A.exe CloseFile C:\w\f dur=5us
+30.000090 B.exe:8 CreateFile C:\w\f access=READ_ATTRIBUTES share=RW dur=5us
+31 B.exe:8 CloseFile C:\w\f dur=5us
+90 V.exe CreateFile C:\w\f access=DELETE share=RWD dur=10us
+90.1 V.exe CloseFile C:\w\f dur=10us
";

#[test]
fn a_bar_shows_whether_a_hold_stood_at_the_event() {
    let built = Built::new(NARROW);
    let story: Story = serde_json::from_str(&built.run(&["why", "c.PML", "-e", "5", "--json", "-"])).unwrap();
    assert_eq!(story.done.as_deref(), Some("2022-10-08T05:51:18.0000700Z"));
    let ends = |tells: &str| {
        let (before, at, after) = bar(&story, tells);
        (before.ends_with('#'), at, after.starts_with('#'))
    };
    // Closed 15 us before, open throughout, opened 20 us after: each is drawn on its own side.
    assert_eq!(ends("05:51:18.0000000"), (true, '.', false));
    assert_eq!(ends("A.exe (PID 100)"), (true, '#', true));
    assert_eq!(ends("05:51:18.0000900"), (false, '.', true));
    let text = built.run(&["why", "c.PML", "-e", "5", "--tz", "utc"]);
    let heading = "Who held the file (▓ held, ░ perhaps; what stands under ✗ stood at this event)\n";
    let (_, bars) = text.split_once(heading).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(bars.lines().next(), Some(format!("  {}✗{}  event 5", "─".repeat(16), "─".repeat(31)).as_str()));
}

/// On every sample: who is proven to stand in the way by a handle stands at the event, and who had closed his does not.
#[test]
fn bars_agree_with_the_verdict() {
    let mut seen = (0, 0);
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".PML") {
            continue;
        }
        let record = run(&[&name, "--json", "-", "--no-hash"]);
        let record: serde_json::Value = serde_json::from_slice(&record.stdout).unwrap();
        for failure in record["failures"].as_array().unwrap().iter().take(2) {
            let story = story(&name, failure["event"].as_u64().unwrap());
            let text = told(&story);
            let Some(ruler) = text.lines().find(|line| line.starts_with("  --")) else { continue };
            let mark = ruler.find('X').unwrap();
            let told = story.failure.as_ref().unwrap();
            for (line, hold) in text.lines().skip_while(|line| *line != ruler).skip(1).zip(&story.holds) {
                let cell = line.as_bytes()[mark] as char;
                let certain = told.holders.iter().any(|one| {
                    one.pid == hold.pid && one.hold.start == hold.start && one.confidence == Confidence::Proven
                });
                if certain
                    && hold.implicated
                    && hold.sure.is_some()
                    && told.holders.iter().all(|one| one.handle.is_none())
                {
                    assert_eq!(cell, '#', "{name} {}: {line}", story.event);
                    seen.0 += 1;
                }
                let ended = told.ruled_out.iter().any(|party| {
                    party.pid == hold.pid
                        && party.rule == "AT-4"
                        && party.event.is_some()
                        && matches!(&hold.end, pmlblame::case::Edge::At(at) if Some(at.event) == party.event)
                });
                if ended {
                    assert_eq!(cell, '.', "{name} {}: {line}", story.event);
                    seen.1 += 1;
                }
            }
        }
    }
    assert!(seen.0 > 40 && seen.1 > 10, "{seen:?}");
}

#[test]
fn a_rename_without_the_right_is_no_lock_to_anybody() {
    let lines = r"+0.1 A.exe CreateFile C:\w\t access=READ_ATTRIBUTES share=RWD
+1 V.exe CreateFile C:\w\f access=READ_ATTRIBUTES share=RWD
+1.1 V.exe SetRenameInformationFile C:\w\f to=C:\w\t replace=yes -> ACCESS DENIED
+1.2 V.exe SetDispositionInformationFile C:\w\f delete=yes -> ACCESS DENIED
+1.3 V.exe CloseFile C:\w\f
";
    let built = Built::new(lines);
    let rule = "  not refused because of a lock\n  DP-1: Only a handle with the DELETE right can mark a file for deletion or rename it; \
                through any other both are refused, whoever has the file open.\n";
    let text = built.why(2);
    assert!(text.contains(rule), "{text}");
    // Nor is it called one by the story of another event on the file.
    for text in [text, built.why(3)] {
        assert!(text.contains("Nothing was refused on this file because of a lock."), "{text}");
        assert!(!text.contains("perhaps because of a lock"), "{text}");
    }
    let story: Story = serde_json::from_str(&built.run(&["why", "c.PML", "-e", "2", "--json", "-"])).unwrap();
    assert_eq!((story.denied_by.as_deref(), story.failure), (Some("DP-1"), None));
    assert!(story.events.iter().all(|event| !event.refused));
}

#[test]
fn every_event_named_has_its_row() {
    for (capture, event) in [("holder-exits.PML", 98), ("two-holders.PML", 115), ("driver-in-stack.PML", 64)] {
        let mut story = story(capture, event);
        let failure = story.failure.clone().unwrap();
        let series = failure.series.unwrap();
        // However much else happens in between.
        let at = story.events.iter().position(|told| told.event == event).unwrap();
        let filler = StoryEvent { operation: "ReadFile".to_owned(), ..story.events[at].clone() };
        let filler = (0..60).map(|n| StoryEvent { event: event * 1000 + n, ..filler.clone() });
        story.events.splice(at + 1..at + 1, filler);
        let text = told(&story);
        let named = [
            failure.released_by.unwrap().event,
            failure.confirmed_by.unwrap().event,
            series.first,
            series.last,
            series.ended_by.unwrap(),
        ];
        let marks = failure.deleted_by.iter().map(|mark| mark.event);
        for number in marks.chain(named) {
            assert!(text.contains(&format!("| {number} ")), "{capture}: no row for event {number}\n{text}");
        }
        assert!(!text.contains(&format!("| {} ", event * 1000 + 59)), "{text}");
    }
}

#[test]
fn an_event_that_was_not_refused_has_a_story_too() {
    let success = story("refuted-by-later-success.PML", 62);
    assert!(success.failure.is_none() && success.wait.is_none());
    assert!(success.events.iter().any(|event| event.event == 103 && event.refused));
    let text = told(&success);
    assert!(
        text.contains("not refused because of a lock\n") && text.contains("because of a lock: event 103;"),
        "{text}"
    );

    let waited = story("oplock-break-wait.PML", 64);
    let wait = waited.wait.as_ref().unwrap();
    assert_eq!((wait.waited_ms, wait.holders[0].process.as_str()), (1200.5, "HipsDaemon.exe"));
    assert!(hold(&waited, "HipsDaemon.exe").refuted_by.is_none());
    let text = told(&waited);
    assert!(text.contains("not refused, but it waited 1.20 s") && text.contains("(OP-2, OP-1 by event 51)"), "{text}");

    let none = run(&["why", "holder-exits.PML", "--event", "123"]);
    assert_eq!(none.status.code(), Some(1));
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(said.contains("event 123 is no operation on a file") && said.contains("here: 98, 114."), "{said}");
}

#[test]
fn the_end_of_a_process_tells_what_it_ended() {
    let exit = story("holder-exits.PML", 124);
    let [ended] = exit.ended.as_slice() else { panic!("{:?}", exit.ended) };
    assert_eq!((ended.failures.as_slice(), ended.confidence), ([98, 114].as_slice(), Confidence::Proven));
    assert_eq!(ended.confirmed_by.map(|success| success.event), Some(129));
    // The one handle it still had, which stood until then.
    assert_eq!(exit.holds.len(), 1);
    assert_eq!(exit.holds[0].process, "ntrtscan.exe");
    let text = told(&exit);
    assert!(text.starts_with("Event 124 and what it ended\n"), "{text}");
    assert!(
        text.contains("in the way of events 98, 114 (proven); after that it was no longer refused, event 129"),
        "{text}"
    );
    assert!(!text.contains("What happened to the file") && !text.contains("Nothing was refused"), "{text}");
}

#[test]
fn a_close_tells_what_it_ended() {
    let close = story("no-share-delete.PML", 115);
    let [ended] = close.ended.as_slice() else { panic!("{:?}", close.ended) };
    assert_eq!(ended.failures, [88, 90, 97, 110]);
    assert_eq!(ended.confirmed_by.map(|success| success.event), Some(135));
    let text = told(&close);
    assert!(text.contains("What this event ended\n  a handle on C:\\Windows\\"), "{text}");
    // A handle on another name than the one refused: the target of a rename.
    let target = story("rename-replace-access-denied.PML", 123);
    let [ended] = target.ended.as_slice() else { panic!("{:?}", target.ended) };
    let asked = target.events.iter().find(|event| event.event == 123).unwrap();
    assert!(ended.path.ends_with(r"_4c1df5a0d2b6e781\clipboardserver.dll") && asked.path == ended.path, "{ended:?}");
    assert_eq!(ended.failures, [90, 103]);
    assert!(!told(&target).contains("Nothing was refused"), "{}", told(&target));
    // The close of somebody who was in nobody's way.
    let other =
        close.events.iter().find(|event| event.process == "SearchIndexer.exe" && event.operation == "CloseFile");
    let other = story("no-share-delete.PML", other.unwrap().event);
    assert!(other.ended.is_empty());
    assert!(told(&other).contains("had been in the way of nothing that was refused here"), "{}", told(&other));
}

#[test]
fn an_unlock_tells_what_it_ended() {
    let unlock = story("byte-range-lock.PML", 91);
    let [ended] = unlock.ended.as_slice() else { panic!("{:?}", unlock.ended) };
    assert_eq!((ended.failures.as_slice(), ended.confidence), ([75, 78].as_slice(), Confidence::Proven));
    assert_eq!(ended.confirmed_by.map(|success| success.event), Some(93));
    assert!(told(&unlock).contains("What this event ended\n  a byte-range lock on C:\\Windows\\"), "{}", told(&unlock));
}

/// A process that ends with two files open, one of which nobody wanted; and operations that took long, refused nobody.
const SLOW: &str = r"kernel C:\Windows\System32\ntoskrnl.exe base=0xfffff80000000000 size=0x1000000
kernel C:\Windows\System32\drivers\FLTMGR.SYS base=0xfffff80100000000 size=0x100000
kernel C:\Windows\System32\drivers\sysdiag.sys base=0xfffff80200000000 size=0x100000 company=Huorong
stack in = FLTMGR.SYS+0x100,sysdiag.sys+0x100,FLTMGR.SYS+0x200,ntoskrnl.exe+0x100,V.exe+0x10
+0.1 A.exe CreateFile C:\w\d\a access=READ_DATA share=RWD
+0.2 A.exe CreateFile C:\w\d\b access=READ_DATA share=RW
+1 V.exe CreateFile C:\w\d\c${n} access=DELETE share=RWD repeat=20 every=0.01
+1.5 V.exe CloseFile C:\w\d\c${n} repeat=18 every=0.01
+2 V.exe CloseFile C:\w\d\c18 dur=80ms stack=@in
+3 V.exe CloseFile C:\w\d\c19 dur=80ms
+4 V.exe CreateFile C:\w\d\d access=DELETE share=RWD
+4.1 V.exe SetDispositionInformationFile C:\w\d\d delete=yes dur=3s
+8 V.exe SetRenameInformationFile C:\w\d\d to=C:\w\d\e dur=2s stack=@in
+11 V.exe CloseFile C:\w\d\e
+12 A.exe ProcessExit
";

#[test]
fn lone_slow_operations_are_told_alike_by_case_and_story() {
    let built = Built::new(SLOW);
    let record = built.record();
    let waits = record["waits"].as_array().unwrap();
    let events: Vec<(u64, f64, Option<&str>)> = waits
        .iter()
        .map(|wait| {
            let driver = wait["holders"].as_array().and_then(|holders| holders.first()?["driver"].as_str());
            (wait["event"].as_u64().unwrap(), wait["waited_ms"].as_f64().unwrap(), driver)
        })
        .collect();
    // 80 ms count with the filter in the stack, and not without it; seconds count by themselves.
    let expected = [(40, 80.0, Some("sysdiag.sys")), (43, 3000.0, None), (44, 2000.0, Some("sysdiag.sys"))];
    assert_eq!(events, expected);
    assert_eq!(record["verdict"]["code"], "no_failures");
    for wait in waits {
        let event = wait["event"].as_u64().unwrap();
        let story: serde_json::Value =
            serde_json::from_str(&built.run(&["why", "c.PML", "-e", &event.to_string(), "--json", "-"])).unwrap();
        assert_eq!(story["wait"]["waited_ms"], wait["waited_ms"]);
        assert_eq!(story["wait"]["holders"][0]["driver"], wait["holders"][0]["driver"]);
        assert_eq!(story["wait"]["holders"][0]["confidence"], wait["holders"][0]["confidence"]);
    }
    assert!(built.why(41).contains("not refused because of a lock"), "{}", built.why(41));
    // The end of a process that had been in nobody's way.
    let exit = built.why(46);
    assert!(exit.contains("in the way of nothing that was refused here"), "{exit}");
    assert!(exit.contains("What the process had open until its end"), "{exit}");
    assert!(exit.contains(r"C:\w\d\a") && exit.contains(r"C:\w\d\b"), "{exit}");
}
