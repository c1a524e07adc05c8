//! Motifs in a format that is told from the text.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demo_fuzz::motifs(None, data));
