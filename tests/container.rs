//! The container reader on real captures.

mod places;

use places::corpus;
use pmlblame::pml::{Container, Pml};

#[test]
fn real_captures_have_their_events_processes_and_strings() {
    let Some(corpus) = corpus() else { return };
    let expected = [
        ("LogfileTests64bitUTC.PML", 53_214, 25),
        ("LogfileTests32bitUTC.PML", 32_930, 31),
        ("LogFileUTC64Filesystem.PML", 31_569, 38),
        ("LogFileUTC64Process.PML", 3_400, 74),
    ];
    for (name, events, processes) in expected {
        let data = std::fs::read(corpus.join(name)).unwrap();
        let container = Container::parse(&data).unwrap();
        let pml = Pml::new(&data, &container);
        assert_eq!(pml.event_count(), events, "{name}");
        assert_eq!(container.processes.len(), processes, "{name}");
        for n in 0..events {
            let event = pml.event(n).unwrap();
            assert!(pml.process(event.process_index()).is_some());
            event.detail().unwrap();
            event.extra().unwrap();
            event.stack().unwrap();
        }
        let system = container.processes.iter().find(|process| process.pid == 4).unwrap();
        assert_eq!(pml.string(system.name), "System");
    }
}
