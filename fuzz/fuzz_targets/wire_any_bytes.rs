//! Any bytes, as any message in any of its versions: they are refused, or say the same when written and read again.
//!
//! Two bytes choose the message, one the version, the rest is read. Run it with
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run wire_any_bytes` (the fuzzer's flags want a nightly compiler; that variable lets a
//! stable one take them); `cargo run -p ottla-wire-oracle --example fuzz_corpus` gives it a message of every kind and
//! version to begin with. What it finds is kept as a test in `tests/wire-oracle/tests/any_bytes.rs`, by its bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ottla_wire_oracle::codec::CODECS;

fuzz_target!(|data: &[u8]| {
    let Some(([high, low, version], bytes)) = data.split_first_chunk::<3>() else { return };
    let codec = &CODECS[usize::from(u16::from_be_bytes([*high, *low])) % CODECS.len()];
    let count = codec.version_max - codec.version_min + 1;
    codec.check_any_bytes(bytes, codec.version_min + i16::from(*version) % count);
});
