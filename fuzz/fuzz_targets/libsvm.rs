//! `cargo fuzz run --features libfuzzer libsvm`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // A refusal is no finding; a panic is.
    let _ = wildsgd_fuzz::libsvm(data);
});
