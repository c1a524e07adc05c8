//! Background files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(background) = demo_data::parse_background(text, "fuzz".as_ref()) {
        let sum: f64 = background.frequencies().iter().sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }
});
