//! What `inspect` says of files of each kind.

#![expect(clippy::unwrap_used, reason = "a fixture that fails should fail its test")]

use std::fs;

use demo_data::{Error, Inspection, MotifFormat, SequenceFormat, inspect};

fn of(name: &str, text: &str) -> (Result<Inspection, Error>, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    let found = inspect(&path);
    let text = match &found {
        Ok(inspection) => inspection.to_string(),
        Err(error) => error.to_string(),
    };
    (found, text.replace(dir.path().to_str().unwrap(), "DIR"))
}

#[test]
fn labelled_sequences_are_counted() {
    let (_, text) = of("x.fa", "> 1\nACGTACGA\n>0\nACGACGTA\n>1\nTCGTACGT\n>0\nNN\n");
    assert_eq!(
        text,
        "DIR/x.fa: FASTA with labels\n  sequences    4\n  labels       2 bound, 2 unbound\n  \
         pairs        1 (a positive and a negative of its dinucleotides)\n  \
         length       2 to 8 (a data set needs one length)\n  \
         composition  A 26.92 %, C 23.08 %, G 23.08 %, T 19.23 %, unknown 7.69 %\n  \
         copies       1 of an earlier sequence or its reverse complement\n"
    );
}

#[test]
fn deepbind_tables_and_plain_fasta_are_told_apart() {
    let (found, text) = of("x.seq", "FoldID\tEventID\tseq\tBound\nA\tseq_00001_peak\tACGT\t1\n");
    let Ok(Inspection::Sequences(found)) = found else { unreachable!("{text}") };
    assert_eq!((found.format, found.sequences, found.labels), (SequenceFormat::DeepBind, 1, Some((1, 0))));
    assert!(!text.contains("pairs"), "{text}");
    let (found, text) = of("x.fa", "\n>peak 1\nACGT\n");
    let Ok(Inspection::Sequences(found)) = found else { unreachable!("{text}") };
    assert_eq!((found.format, found.labels, found.lengths), (SequenceFormat::Fasta, None, (4, 4)));
}

#[test]
fn motifs_are_listed() {
    let (found, text) = of("x.pfm", ">MA1.1 Name\nA [ 4 0 ]\nC [ 0 0 ]\nG [ 0 2 ]\nT [ 0 2 ]\n");
    let Ok(Inspection::Motifs(found)) = found else { unreachable!("{text}") };
    assert_eq!((found.format, found.motifs[0].information), (MotifFormat::Jaspar, 3.0));
    assert_eq!(
        text,
        "DIR/x.pfm: motifs in jaspar format\n  motifs       1\n  width        2\n  information  3.0 bits\n\n  \
         id     name  width   bits    sites  consensus\n  MA1.1  Name      2    3.0        4  AG\n"
    );
    let (_, text) = of("x.hocomoco", &">m\n1 0 0 0\n0 1 0 0\n0 0 3 0\n1 1 1 1\n0 0 0 1\n".repeat(25));
    assert!(text.contains("hocomoco format") && text.ends_with("  and 5 more\n"), "{text}");
    let (_, text) =
        of("x.meme", "MEME version 4\nMOTIF a\nletter-probability matrix: w= 1\n0.5 0.5 0.008 0\n");
    assert!(text.contains("  warning      DIR/x.meme, line 4: motif a: a row sums to 1.008"), "{text}");
}

#[test]
fn folders_and_refusals_are_told() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["A_AC.seq", "A_B.seq", "BB.bound.fa", "BB.unbound.fa"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let text = inspect(dir.path()).unwrap().to_string();
    assert!(text.ends_with(": 2 data sets\n  A   DeepBind tables\n  BB  FASTA by class\n"), "{text}");
    assert_eq!(of("x", "").1, "DIR/x: found an empty file, wanted sequences or motifs");
    assert_eq!(
        of("x", "a text").1,
        "DIR/x, line 1: found \"a text\", wanted motifs in MEME, JASPAR, TRANSFAC or HOCOMOCO format"
    );
    assert_eq!(of("x", ">a\n").1, "DIR/x, line 1: found \">a\", wanted bases or counts below this header");
    assert!(of("x", ">a\nACXT\n").1.starts_with("DIR/x, line 2: position 3: found 'X'"));
}
