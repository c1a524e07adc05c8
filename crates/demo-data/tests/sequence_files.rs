//! Sequence files as users have them: every layout, and every way to be wrong.

#![expect(clippy::unwrap_used, reason = "a fixture that fails should fail its test")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use demo_core::Seed;
use demo_data::{
    Error, Example, LoadOptions, Loaded, SetFiles, read_deepbind, read_fasta, read_folder,
    read_labelled_fasta, write_deepbind, write_fasta, write_labelled_fasta,
};
use proptest::prelude::*;
use rand::Rng;
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn load_one(dir: &TempDir) -> Result<Loaded, Error> {
    read_folder(dir.path())?[0].load(&LoadOptions::default())
}

fn message(dir: &TempDir) -> String {
    let text = load_one(dir).unwrap_err().to_string();
    text.replace(dir.path().to_str().unwrap(), "DIR")
}

const HEADER: &str = "FoldID\tEventID\tseq\tBound\n";

fn deepbind(rows: &[&str]) -> String {
    rows.iter().fold(HEADER.to_owned(), |text, row| text + &row.replace(' ', "\t") + "\n")
}

fn good_test_half() -> String {
    deepbind(&[
        "A seq_00002_peak AACCGGTTAACCAT 1",
        "A seq_00004_peak TTGACATTGACGAC 1",
        "A seq_00004_shuf TTGACGACATTGAC 0",
        "A seq_00002_shuf AACCATTAACCGGT 0",
    ])
}

#[test]
fn a_training_half_alone_is_that_of_the_whole_set_and_its_test_file_is_not_opened() {
    let train = deepbind(&["A seq_00001_peak ACGGTACGATTTAC 1", "A seq_00003_peak acgtnCRtacgtaa 1"]);
    let labelled = ">1\nACGGTACGATTTAC\n>0\nACGTACGTACGTAA\n";
    let (bound, unbound) = (">a\nACGGTA\n>b\nACGTTT\n>c\nGGTTAA\n", ">d\nCATTGG\n>e\nTTGACC\n>f\nCCCATA\n");
    let sets: [&[(&str, &str)]; 3] = [
        &[("X_AC.seq", &train), ("X_B.seq", &good_test_half())],
        &[("X/train.fa", labelled), ("X/test.fa", labelled)],
        &[("X.bound.fa", bound), ("X.unbound.fa", unbound)],
    ];
    for files in sets {
        let dir = folder(files);
        let entry = read_folder(dir.path()).unwrap().remove(0);
        let whole = entry.load(&LoadOptions::default()).unwrap().set;
        if !matches!(entry.files(), SetFiles::Classes { .. }) {
            fs::remove_file(entry.files().paths()[1]).unwrap();
        }
        assert_eq!(entry.load_training(&LoadOptions::default()).unwrap(), whole.train());
    }
}

#[test]
fn deepbind_tables_pair_events_and_shuffle_training_positives() {
    let train = deepbind(&["A seq_00001_peak ACGGTACGATTTAC 1", "A seq_00003_peak acgtnCRtacgtaa 1"]);
    let dir = folder(&[("Egr1_K562_x_AC.seq.gz", &train), ("Egr1_K562_x_B.seq", &good_test_half())]);
    let Loaded { set, warnings } = load_one(&dir).unwrap();
    assert!(warnings.is_empty());
    assert_eq!((set.name(), set.tf(), set.cell(), set.length()), ("Egr1_K562_x", "EGR1", Some("K562"), 14));
    let train = set.train();
    assert_eq!(train.iter().map(|e| e.bound).collect::<Vec<_>>(), [true, false, true, false]);
    assert_eq!(train.iter().map(|e| e.pair).collect::<Vec<_>>(), [Some(0), Some(0), Some(1), Some(1)]);
    assert_eq!(train.iter().map(|e| e.rank).collect::<Vec<_>>(), [Some(1), None, Some(3), None]);
    assert_ne!(train[0].sequence, train[1].sequence);
    // Unknown bases stay in place.
    assert_eq!(train[3].sequence.as_codes()[4..7], [4, 1, 4]);
    let pairs: Vec<_> = set.test().iter().map(|e| (e.bound, e.pair, e.rank)).collect();
    let (two, four) = (Some(2), Some(4));
    assert_eq!(pairs, [(true, two, two), (true, four, four), (false, four, None), (false, two, None)]);
}

#[test]
fn shuffled_negatives_depend_on_seed_and_name_alone() {
    let mut rng = Seed::new(1).stream("test");
    let rows: Vec<String> = (0..20)
        .map(|i| {
            let letters: String = (0..50).map(|_| ['A', 'C', 'G', 'T'][rng.random_range(0..4)]).collect();
            format!("A seq_{:05}_peak {letters} 1", 2 * i + 1)
        })
        .collect();
    let train = deepbind(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let test = train.replace("\t1\n", "\t0\n").replacen("\t0\n", "\t1\n", 3);
    let dir = folder(&[("X_AC.seq", &train), ("X_B.seq", &test), ("W_AC.seq", &train), ("W_B.seq", &test)]);
    let entries = read_folder(dir.path()).unwrap();
    let load = |entry: usize, seed| {
        let options = LoadOptions { seed: Seed::new(seed), ..LoadOptions::default() };
        entries[entry].load(&options).unwrap().set.into_parts().train
    };
    assert_eq!(load(0, 3), load(0, 3));
    assert_ne!(load(0, 3), load(0, 4));
    assert_ne!(load(0, 3), load(1, 3));
}

#[test]
fn a_positive_without_another_arrangement_is_left_out_and_told() {
    let train = deepbind(&["A seq_00001_peak AAAAAAAAAAAAAA 1", "A seq_00003_peak ACGGTACGATTTAC 1"]);
    let dir = folder(&[("X_AC.seq", &train), ("X_B.seq", &good_test_half())]);
    let Loaded { set, warnings } = load_one(&dir).unwrap();
    assert_eq!(set.train().len(), 2);
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].place().line, 2);
    assert!(warnings[0].message().contains("left out"));
    // Where none is left, what was said of the first one is the error.
    let train = deepbind(&["A seq_00001_peak AAAAAAAAAAAAAA 1", "A seq_00003_peak CCCCCCCCCCCCCC 1"]);
    let text = message(&folder(&[("X_AC.seq", &train), ("X_B.seq", &good_test_half())]));
    assert!(
        text.starts_with("DIR/X_AC.seq, line 2: found 2 bound sequences, none of which can be used ("),
        "{text}"
    );
    assert!(
        text.contains(warnings[0].message()) && text.contains("or unbound sequences in the file"),
        "{text}"
    );
}

#[test]
fn test_sequences_known_from_training_are_told() {
    let train = deepbind(&["A seq_00001_peak ATGGTTAACCGGTT 1", "A seq_00003_peak ACGGTACGATTTAC 1"]);
    let dir = folder(&[("X_AC.seq", &train), ("X_B.seq", &good_test_half())]);
    let Loaded { warnings, .. } = load_one(&dir).unwrap();
    assert!(warnings[0].message().starts_with("1 of 4 test sequences"), "{}", warnings[0]);
}

#[test]
fn dashboard_files_are_read_in_every_dress() {
    let train = "> 1\r\nACGT\r\nACGA\r\n>0\r\nacgacgta\r\n\r\n>1\nNNGTACGA\n> 0\nNNGACGTA";
    let test = ">1\nTTACGACG\n>0\nTTACGACG\n";
    let dir = folder(&[
        ("GABPA_K562_x/train.fa", train),
        ("GABPA_K562_x/test.fasta", test),
        ("notes.txt", "x"),
        ("._X_AC.seq", "x"),
    ]);
    let Loaded { set, .. } = load_one(&dir).unwrap();
    assert_eq!(set.train()[0].sequence.to_string(), "ACGTACGA");
    assert_eq!(set.train()[3].sequence.to_string(), "NNGACGTA");
    assert_eq!(set.train().iter().map(|e| e.bound).collect::<Vec<_>>(), [true, false, true, false]);
    // ACGTACGA and ACGACGTA have the same dinucleotides; so have the two with unknown bases.
    assert_eq!(set.train().iter().map(|e| e.pair).collect::<Vec<_>>(), [Some(0), Some(0), Some(2), Some(2)]);
    // The set's own folder may be given, too.
    let inner = dir.path().join("GABPA_K562_x");
    assert_eq!(read_folder(&inner).unwrap(), read_folder(dir.path()).unwrap().as_slice());
}

#[test]
fn plain_fasta_by_class_is_divided_with_its_pairs() {
    let mut rng = Seed::new(2).stream("test");
    let (mut bound, mut unbound) = (String::new(), String::new());
    for number in 0..30 {
        let letters: String = (0..40).map(|_| ['A', 'C', 'G', 'T'][rng.random_range(0..4)]).collect();
        writeln!(bound, ">peak{number} any text\n{letters}").unwrap();
        let letters: String = (0..40).map(|_| ['A', 'C', 'G', 'T'][rng.random_range(0..4)]).collect();
        writeln!(unbound, ">other{number}\n{letters}").unwrap();
    }
    let dir = folder(&[("X_H1_y.bound.fa", &bound), ("X_H1_y.unbound.fa", &unbound)]);
    let Loaded { set, .. } = load_one(&dir).unwrap();
    assert_eq!((set.name(), set.train().len(), set.test().len()), ("X_H1_y", 48, 12));
    assert_eq!(set.test().iter().filter(|e| e.bound).count(), 6);
}

#[test]
fn what_is_written_reads_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let example =
        |text: &str, bound, pair, rank| Example { pair, rank, ..Example::new(text.parse().unwrap(), bound) };
    let examples = vec![
        example("ACGTAN", true, Some(2), Some(2)),
        example("AGTACN", false, Some(2), None),
        example("TTTTTT", true, None, None),
    ];
    for name in ["x.seq", "x.seq.gz"] {
        let path = dir.path().join(name);
        write_deepbind(&path, &examples).unwrap();
        assert_eq!(read_deepbind(&path).unwrap(), examples);
    }
    for name in ["x.fa", "x.fa.gz"] {
        let path = dir.path().join(name);
        write_labelled_fasta(&path, &examples).unwrap();
        let read = read_labelled_fasta(&path).unwrap();
        assert!(read.iter().zip(&examples).all(|(a, b)| (a.bound, &a.sequence) == (b.bound, &b.sequence)));
    }
    let path = dir.path().join("y.fa");
    write_fasta(&path, [("one two", &examples[0].sequence)]).unwrap();
    let read = read_fasta(&path).unwrap();
    assert_eq!((read[0].header.as_str(), &read[0].sequence), ("one two", &examples[0].sequence));
    let equal =
        |a: &str, b: &str| fs::read(dir.path().join(a)).unwrap() == fs::read(dir.path().join(b)).unwrap();
    write_deepbind(&dir.path().join("z.seq.gz"), &examples).unwrap();
    assert!(equal("x.seq.gz", "z.seq.gz"), "gzip files of equal content are equal");
}

/// Letters as files have them: either case, and codes of unknown bases.
fn letters() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"ACGTacgtNnRy".to_vec()), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn fasta_is_the_same_in_every_layout(
        records in prop::collection::vec((letters(), any::<bool>()), 1..6),
        width in 1usize..30, crlf in any::<bool>(), space in any::<bool>(), blank in any::<bool>(), end in any::<bool>(),
    ) {
        let line_end = if crlf { "\r\n" } else { "\n" };
        let mut lines = Vec::new();
        for (letters, bound) in &records {
            lines.push(format!(">{}{}", if space { " " } else { "" }, u8::from(*bound)));
            lines.extend(letters.chunks(width).map(|part| String::from_utf8_lossy(part).into_owned()));
            if blank {
                lines.push(String::new());
            }
        }
        let text = lines.join(line_end) + if end { line_end } else { "" };
        let dir = folder(&[("x.fa", &text)]);
        let read = read_fasta(&dir.path().join("x.fa")).unwrap();
        prop_assert_eq!(read.len(), records.len());
        for (record, (letters, bound)) in read.iter().zip(&records) {
            prop_assert_eq!(&record.sequence, &demo_core::DnaSequence::from_ascii(letters).unwrap());
            prop_assert_eq!(record.header == "1", *bound);
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0usize..4) {
        let heads: [&[u8]; 4] = [b"", b">1\n", HEADER.as_bytes(), &[0x1f, 0x8b, 8, 0]];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, [heads[kind], &bytes].concat()).unwrap();
        let _ = (read_fasta(&path), read_deepbind(&path), read_labelled_fasta(&path), demo_data::inspect(&path));
    }
}

#[test]
fn an_empty_file_is_named() {
    let dir = folder(&[("X_AC.seq", ""), ("X_B.seq", &good_test_half())]);
    assert_eq!(
        message(&dir),
        "DIR/X_AC.seq: found an empty file, wanted DeepBind's table: FoldID, EventID, seq, Bound"
    );
    let dir = folder(&[("X_AC.seq", HEADER), ("X_B.seq", &good_test_half())]);
    assert!(message(&dir).starts_with("DIR/X_AC.seq: found an empty file"));
    let dir = folder(&[("X/train.fa", "\n\n"), ("X/test.fa", ">1\nA\n>0\nC\n")]);
    assert_eq!(message(&dir), "DIR/X/train.fa: found an empty file, wanted FASTA records");
}

#[test]
fn a_missing_class_is_named() {
    let train = deepbind(&["A seq_00001_peak ACGGTACGATTTAC 1"]);
    let test = deepbind(&["A seq_00002_peak AACCGGTTAACCAT 1"]);
    let dir = folder(&[("X_AC.seq", &train), ("X_B.seq", &test)]);
    assert_eq!(
        message(&dir),
        "DIR/X_B.seq: found 1 sequences, none of them unbound, wanted both bound and unbound ones"
    );
    let negatives = deepbind(&["A seq_00001_shuf ACGGTACGATTTAC 0"]);
    let dir = folder(&[("X_AC.seq", &negatives), ("X_B.seq", &good_test_half())]);
    assert!(message(&dir).contains("X_AC.seq: found 1 sequences, none of them bound"));
    let dir = folder(&[("X/train.fa", ">1\nAC\n>1\nAG\n"), ("X/test.fa", ">1\nAA\n>0\nCC\n")]);
    assert!(message(&dir).contains("train.fa: found 2 sequences, none of them unbound"));
}

#[test]
fn unequal_lengths_name_both_records() {
    let train = deepbind(&["A seq_00001_peak ACGGTACGATTTAC 1", "A seq_00003_peak ACGGTACGATTTACA 1"]);
    let dir = folder(&[("X_AC.seq", &train), ("X_B.seq", &good_test_half())]);
    assert_eq!(
        message(&dir),
        "sequences of unequal length: found 14 bases at DIR/X_AC.seq, line 2 and 15 at DIR/X_AC.seq, line 3, \
         wanted one length"
    );
    // Also across the two files.
    let dir = folder(&[("X/train.fa", ">1\nACG\n>0\nAGG\n"), ("X/test.fa", ">1\nAAA\n>0\nAC\nGT\n")]);
    assert!(message(&dir).contains("3 bases at DIR/X/train.fa, line 1 and 4 at DIR/X/test.fa, line 3"));
}

#[test]
fn letters_that_are_no_dna_are_named() {
    let train = deepbind(&["A seq_00001_peak ACGGTACGATTTAC 1", "A seq_00003_peak ACGGTUCGATTTAC 1"]);
    let dir = folder(&[("X_AC.seq", &train), ("X_B.seq", &good_test_half())]);
    assert!(message(&dir).starts_with("DIR/X_AC.seq, line 3: position 6: found 'U', wanted a DNA letter"));
    // In a record of several lines, the line of the letter.
    let dir = folder(&[("X/train.fa", ">1\nAAAA\nAA-A\n>0\nAAAAAAAA\n"), ("X/test.fa", "")]);
    assert!(message(&dir).starts_with("DIR/X/train.fa, line 3: position 3: found '-'"));
}

#[test]
fn rows_that_are_no_table_are_named() {
    let with_row = |row: &str| {
        let train = deepbind(&["A seq_00001_peak ACGGTACGATTTAC 1", row]);
        message(&folder(&[("X_AC.seq", &train), ("X_B.seq", &good_test_half())]))
    };
    let place = "DIR/X_AC.seq, line 3: ";
    assert_eq!(
        with_row("A seq_00003_peak ACGG"),
        format!("{place}found 3 tab-separated columns, wanted 4: FoldID, EventID, seq, Bound")
    );
    assert_eq!(with_row("A e ACGG 2"), format!("{place}found \"2\", wanted Bound to be 1 or 0"));
    assert_eq!(with_row("A e  1"), format!("{place}found no bases, wanted at least one base"));
    let dir = folder(&[("X_AC.seq", "seq\tBound\nACG\t1\n"), ("X_B.seq", &good_test_half())]);
    assert!(message(&dir).starts_with("DIR/X_AC.seq, line 1: found \"seq\\tBound\", wanted the header"));
}

#[test]
fn fasta_that_is_none_is_named() {
    let of = |train: &str| message(&folder(&[("X/train.fa", train), ("X/test.fa", ">1\nA\n>0\nC\n")]));
    assert_eq!(of("ACGT\n"), "DIR/X/train.fa, line 1: found \"ACGT\", wanted a FASTA header: > and a name");
    assert_eq!(
        of(">1\nA\n>peak\nC\n"),
        "DIR/X/train.fa, line 3: found \">peak\", wanted a label: >1 (bound) or >0 (unbound)"
    );
    assert_eq!(
        of(">1\n>0\nA\n"),
        "DIR/X/train.fa, line 1: found a record without bases (\"1\"), wanted at least one base"
    );
}

#[test]
fn a_truncated_gzip_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = Seed::new(4).stream("test");
    let examples: Vec<Example> = (0..200)
        .map(|_| {
            let letters: String = (0..101).map(|_| ['A', 'C', 'G', 'T'][rng.random_range(0..4)]).collect();
            Example::new(letters.parse().unwrap(), true)
        })
        .collect();
    let path = dir.path().join("X_AC.seq.gz");
    write_deepbind(&path, &examples).unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    fs::write(dir.path().join("X_B.seq"), good_test_half()).unwrap();
    let error = load_one(&dir).unwrap_err();
    assert!(matches!(&error, Error::Gzip { place, .. } if place.path == path && place.line > 1), "{error}");
}

#[test]
fn a_missing_half_is_named() {
    let train = deepbind(&["A seq_00001_peak ACGGTACGATTTAC 1"]);
    let wanted = |files: &[(&str, &str)]| message(&folder(files));
    let text = wanted(&[("A_B.c_AC.seq.gz", &train), ("Y_AC.seq", &train), ("Y_B.seq", &train)]);
    assert_eq!(
        text,
        "DIR/A_B.c_AC.seq.gz: found only this file of the set, wanted DIR/A_B.c_B.seq.gz beside it"
    );
    assert!(wanted(&[("X_B.seq", &train)]).ends_with("wanted DIR/X_AC.seq beside it"));
    assert!(wanted(&[("X/train.fa", ">1\nA\n")]).ends_with("wanted DIR/X/test.fa beside it"));
    assert!(wanted(&[("X.unbound.fa.gz", ">1\nA\n")]).ends_with("wanted DIR/X.bound.fa.gz beside it"));
}

#[test]
fn duplicate_sets_are_named() {
    let train = deepbind(&["A seq_00001_peak ACGGTACGATTTAC 1"]);
    let text = message(&folder(&[("X_AC.seq", &train), ("X_AC.seq.gz", &train), ("X_B.seq", &train)]));
    assert_eq!(text, "set X: found twice, at DIR/X_AC.seq and DIR/X_AC.seq.gz, wanted one set of a name");
    let text = message(&folder(&[("X_AC.seq", &train), ("X_B.seq", &train), ("X/train.fa", ">1\nA\n")]));
    assert!(text.starts_with("set X: found twice"), "{text}");
}

#[test]
fn folders_without_sets_are_named() {
    let (table, fasta) = (good_test_half(), ">a\nACGT\n");
    let nameless: [&[(&str, &str)]; 3] = [
        &[("readme.txt", "")],
        &[("_AC.seq", &table), ("_B.seq", &table)],
        &[(".bound.fa", fasta), ("_unbound.fa", fasta)],
    ];
    for files in nameless {
        assert!(message(&folder(files)).starts_with("DIR: found no data set, wanted <set>_AC.seq.gz"));
    }
    let error = read_folder(Path::new("/no/such/folder")).unwrap_err();
    assert!(error.to_string().starts_with("/no/such/folder: cannot be read"));
}
