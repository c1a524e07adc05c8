//! Background files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demo_fuzz::with_file(data, |path| {
    if let Ok(background) = demo_data::read_background(path, &demo_core::Alphabet::dna()) {
        let sum: f64 = background.iter().sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }
}));
