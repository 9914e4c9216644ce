//! Real captures and Procmon's own exports of them: what is read from an export must be what the capture holds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod exported;
mod places;

use exported::{as_exported, export, named};
use places::corpus;
use pmlblame::capture::lost::Gaps;
use pmlblame::capture::op::{Op, OpKind, ProcessId};
use pmlblame::capture::select::Selection;
use pmlblame::capture::source::Source;
use pmlblame::capture::{self, Capture};
use pmlblame::import::OpenOptions;
use std::collections::HashMap;

#[test]
fn each_csv_gives_the_operations_of_its_capture() {
    let Some(corpus) = corpus() else { return };
    for (name, bits, rows) in [
        ("LogfileTests64bitUTC", 64, 53_214),
        ("LogfileTests32bitUTC", 32, 32_930),
        ("LogFileUTC64Filesystem", 64, 31_569),
        ("LogFileUTC64Process", 64, 3_400),
    ] {
        let capture = Capture::open(&corpus.join(format!("{name}.PML")), &capture::OpenOptions::default()).unwrap();
        let export = export(&corpus.join(format!("{name}.CSV")), &OpenOptions::default());
        let (truth_survey, survey) = (capture.survey(), export.survey());
        assert_eq!(survey.counts, truth_survey.counts, "{name}");
        assert_eq!(survey.counts.total, rows, "{name}");
        assert_eq!(survey.span, truth_survey.span, "{name}");
        let mut coverage = truth_survey.coverage;
        // The driver's numbers and the begin that the capture's head tells are in no export.
        (coverage.sequence_gaps, coverage.sequenced, coverage.begin) = (None, None, None);
        (coverage.unnumbered, coverage.gaps) = (true, Gaps::default());
        assert_eq!(survey.coverage, coverage, "{name}");
        assert_eq!(survey.damage.records, 0, "{name}");
        assert_eq!(export.machine().bits, Some(bits), "{name}");
        let facts = export.facts();
        assert_eq!((facts.rows, facts.malformed.rows, facts.not_text), (rows, 0, 0));
        assert_eq!(facts.unknown_results, Vec::<String>::new());

        let truth = capture.collect(&Selection::everything(), &truth_survey, &|_| false);
        let log = export.collect(&Selection::everything(), &survey, &|_| false);
        // 8.3 names are read from what a directory query returned, which an export does not print.
        let expected: Vec<&Op> = truth.ops.iter().filter(|op| !matches!(op.kind, OpKind::ShortName { .. })).collect();
        assert_eq!(log.ops.len(), expected.len(), "{name}");
        let mut instances: HashMap<ProcessId, ProcessId> = HashMap::new();
        for (op, truth_op) in log.ops.iter().zip(expected) {
            let wanted = named(&truth, truth_op, as_exported(&capture, truth_op, bits));
            assert_eq!(named(&log, op, op.kind), wanted, "{name}");
            let instance = *instances.entry(truth_op.process).or_insert(op.process);
            assert_eq!(instance, op.process, "{name}: event {} belongs to another instance", op.event.0);
        }
        let mut distinct: Vec<ProcessId> = instances.values().copied().collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), instances.len(), "{name}: two processes taken for one");
        for (truth_id, id) in instances {
            let (theirs, ours) = (&truth.processes[truth_id.0 as usize], &log.processes[id.0 as usize]);
            assert_eq!(ours.parent_pid, theirs.parent_pid, "{name}: {}", theirs.name);
            assert_eq!(ours.image_path, theirs.image_path.trim(), "{name}");
            assert_eq!(ours.user, theirs.user.trim(), "{name}");
            assert_eq!((&ours.company, &ours.version), (&theirs.company, &theirs.version), "{name}");
            assert_eq!(ours.command_line.trim(), theirs.command_line.trim(), "{name}");
        }
        println!("{name}: {} operations equal", log.ops.len());
    }
}

#[test]
fn a_selection_of_files_is_collected_alike() {
    let Some(corpus) = corpus() else { return };
    let capture = Capture::open(&corpus.join("LogfileTests64bitUTC.PML"), &capture::OpenOptions::default()).unwrap();
    let export = export(&corpus.join("LogfileTests64bitUTC.CSV"), &OpenOptions::default());
    let (truth_survey, survey) = (capture.survey(), export.survey());
    let mut selection = Selection::default();
    selection.add_subtree("C:\\Users");
    selection.add_file("C:\\Windows\\System32\\ntdll.dll");
    let keep = |op: &&Op| !matches!(op.kind, OpKind::ShortName { .. });
    let truth = capture.collect(&selection, &truth_survey, &|_| false);
    let log = export.collect(&selection, &survey, &|_| false);
    let (mine, theirs): (Vec<u64>, Vec<u64>) =
        (log.ops.iter().map(|op| op.event.0).collect(), truth.ops.iter().filter(keep).map(|op| op.event.0).collect());
    assert_eq!(mine, theirs);
    assert!(mine.len() > 1000, "{}", mine.len());
    let events = |ops: &[Op]| ops.iter().map(|op| op.event.0).collect::<Vec<u64>>();
    assert_eq!(events(&survey.ops), events(&truth_survey.ops));
    assert_eq!(export.machine().bits, Some(64));
    assert_eq!(export.machine().system_root.map(|root| root.to_lowercase()).as_deref(), Some("c:\\windows"));
}

#[test]
fn the_russian_xml_has_its_events_and_processes() {
    let Some(corpus) = corpus() else { return };
    let export = export(&corpus.join("procmon-4.01-ru.XML"), &OpenOptions::default());
    let survey = export.survey();
    let facts = export.facts();
    assert_eq!((facts.rows, facts.malformed.rows, facts.ended_early), (543, 0, None));
    assert_eq!(survey.processes.len(), 185);
    assert_eq!(facts.columns.len(), 7);
    assert!(facts.clock.date_known && facts.clock.utc_offset_known);
    // The first row is the start of process 358, which the list dates to the tick.
    let log = export.collect(&Selection::everything(), &survey, &|_| false);
    let first = &log.ops[0];
    assert!(matches!(first.kind, OpKind::ProcessStart { current_directory: Some(_) }));
    let process = &log.processes[first.process.0 as usize];
    assert_eq!((process.pid, process.name.as_str(), process.parent_pid), (6824, "MpCmdRun.exe", 7308));
    assert_eq!(log.paths.get(process.current_directory.unwrap()), "C:\\Program Files\\Windows Defender\\");
    let begun = process.started.unwrap();
    assert!(first.start.0.abs_diff(begun.0) < 10_000_000, "{first:?} {begun:?}");
    let parent = process.parent.map(|parent| log.processes[parent.0 as usize].name.clone());
    println!("parent {parent:?}, {} operations, {:?}", log.ops.len(), survey.counts);
    assert_eq!(export.machine().bits, Some(64));
    assert_eq!(export.machine().system_root.map(|root| root.to_lowercase()).as_deref(), Some("c:\\windows"));
    let kernel = export.kernel_modules();
    assert!(kernel.iter().any(|module| module.name.eq_ignore_ascii_case("ntoskrnl.exe")));
    assert!(kernel.iter().all(|module| !module.name.eq_ignore_ascii_case("ntdll.dll")));
    // Every operation names a process of the list, and every create tells what it asked for.
    let creates = log.ops.iter().filter_map(|op| match op.kind {
        OpKind::Create(create) => Some(create),
        _ => None,
    });
    let mut count = 0;
    for create in creates {
        count += 1;
        assert!(create.access.is_some() && create.share.is_some() && create.disposition.is_some());
    }
    assert!(count > 0);
}
