//! Stack addresses of real captures resolve to modules.

mod places;

use places::corpus;
use pmlblame::capture::modules::StackResolver;
use pmlblame::pml::{Container, Pml};

#[test]
fn every_kernel_frame_and_nearly_every_user_frame_resolves() {
    let Some(corpus) = corpus() else { return };
    // User frames outside every module are generated code (.NET, a script engine, the antivirus's emulator).
    let expected = [
        ("LogfileTests64bitUTC.PML", [[32_297, 1_467_693], [0, 329_030]]),
        ("LogfileTests32bitUTC.PML", [[111, 1_245_635], [0, 212_682]]),
        ("LogFileUTC64Filesystem.PML", [[83_251, 600_181], [0, 283_871]]),
    ];
    for (name, expected) in expected {
        let data = std::fs::read(corpus.join(name)).unwrap();
        let container = Container::parse(&data).unwrap();
        let pml = Pml::new(&data, &container);
        let resolver = StackResolver::new(&container);
        let mut counts = [[0u32; 2]; 2];
        for n in 0..pml.event_count() {
            let event = pml.event(n).unwrap();
            for address in event.stack().unwrap().iter() {
                let frame = resolver.resolve(event.process_index(), address, event.time());
                counts[usize::from(frame.kernel)][usize::from(frame.module.is_some())] += 1;
            }
        }
        assert_eq!(counts, expected, "{name}: [user, kernel] × [unresolved, resolved]");
    }
}
