//! Servicing logs and store listings of any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pmlblame::servicing::cbs::analyse;
use pmlblame::servicing::winsxs::Listing;

fuzz_target!(|data: &[u8]| {
    let _ = analyse(data, &mut |_| true);
    let _ = Listing::read(data);
});
