//! DeepBind's tables, labelled FASTA, and any file that is looked into.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demo_fuzz::with_file(data, |path| {
    drop(demo_data::read_deepbind(path));
    drop(demo_data::read_labelled_fasta(path));
    if let Ok(inspection) = demo_data::inspect(path) {
        assert!(!inspection.to_string().is_empty());
    }
}));
