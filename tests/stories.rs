//! What `why` tells of an event: which part of a hold is sure, which events are shown, and what of events not refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output};

use jiff::tz::TimeZone;
use pmlblame::case::{Story, StoryEvent, StoryHold};
use pmlblame::lang::Lang;
use pmlblame::report::table::Style;
use pmlblame::report::why::render;

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

/// The bar of the hold that `tells` its line.
fn bar(story: &Story, tells: &str) -> String {
    let text = told(story);
    let line = text.lines().find(|line| line.contains(tells)).unwrap_or_else(|| panic!("no {tells} in\n{text}"));
    line.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a_refuted_hold_is_not_drawn_past_the_success() {
    let story = story("refuted-by-later-success.PML", 103);
    let held = hold(&story, "HipsDaemon.exe");
    assert_eq!(held.refuted_by.map(|success| success.event), Some(62));
    assert_eq!(held.over.as_deref(), Some("2022-10-08T05:50:51.0000000Z"));
    // Its own read is the last that surely shows it.
    assert!(held.sure.as_ref().unwrap().until.as_deref().unwrap() < "2022-10-08T05:50:50.1");
    let bar = bar(&story, "AT-11: event 62 succeeded");
    assert_eq!(bar.trim_matches('.').split('X').next().unwrap().trim_end_matches('.'), "#???????");
    assert!(!bar.split('X').nth(1).unwrap().contains(['#', '?']), "{bar}");
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
    let bar = bar(&story, "its close done 05:50:55.0000800");
    assert_eq!(bar.matches('#').count(), 1, "{bar}");
    assert!(bar.contains("#???????X???"), "{bar}");
    let holder = &story.failure.as_ref().unwrap().holders[0];
    assert_eq!(holder.hold.sure_until.as_deref(), until);
    let report = run(&["lingering-close.PML"]);
    let report = String::from_utf8(report.stdout).unwrap();
    assert!(
        report
            .contains("to 05:50:52.0000800, when its close began, and perhaps until that was done at 05:50:55.0000800")
    );
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

    let none = run(&["why", "holder-exits.PML", "--event", "124"]);
    assert_eq!(none.status.code(), Some(1));
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(said.contains("event 124 is no operation on a file") && said.contains("here: 98, 114."), "{said}");
}
