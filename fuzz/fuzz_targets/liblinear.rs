//! `cargo fuzz run --features libfuzzer liblinear`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // A refusal is no finding; a panic is.
    let _ = wildsgd_fuzz::liblinear(data);
});
