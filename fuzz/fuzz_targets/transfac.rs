//! Motifs in the TRANSFACs format.
#![no_main]

use demo_data::MotifFormat;

libfuzzer_sys::fuzz_target!(|data: &[u8]| demo_fuzz::motifs(Some(MotifFormat::Transfac), data));
