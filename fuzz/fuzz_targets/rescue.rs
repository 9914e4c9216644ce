//! The rescue walk: any bytes behind a header that was never closed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pmlblame::pml::recover::rescue;
use pmlblame::pml::{Container, Pml};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let mut bytes = vec![0; 0x3A8];
    bytes[..4].copy_from_slice(b"PML_");
    bytes[4] = 9;
    bytes[8] = first & 1;
    bytes.extend_from_slice(rest);
    let Err(cause) = Container::parse(&bytes) else { return };
    let Ok((container, report)) = rescue(&bytes, cause) else { return };
    let walk = report.walk.expect("there is no array to use");
    assert!(walk.work <= 8 * bytes.len() as u64 + 64);
    let pml = Pml::new(&bytes, &container);
    // Events found lie behind one another and do not overlap.
    let mut places: Vec<(u64, u64)> = Vec::new();
    for n in 0..pml.event_count() {
        let event = pml.event(n).expect("an event that was found is there");
        event.detail().expect("and so is its detail");
        event.stack().expect("and its stack");
        assert!(pml.process(event.process_index()).is_some());
        places.push((event.offset(), event.offset() + event.record_length()));
    }
    places.sort_unstable();
    assert!(places.windows(2).all(|pair| pair[0].1 <= pair[1].0));
});
