//! Procmon configurations of any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pmlblame::capture::pmc::ProcmonConfig;

fuzz_target!(|data: &[u8]| {
    if let Ok(config) = ProcmonConfig::parse(data) {
        config.filter.compile();
    }
});
