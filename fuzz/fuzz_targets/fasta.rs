//! FASTA, whole and piece by piece.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demo_fuzz::fasta(data));
