//! `demo scan` as a user meets it.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

const MOTIFS: &str = "MEME version 4\n\nALPHABET= ACGT\n\nBackground letter frequencies\nA 0.3 C 0.2 G 0.2 T 0.3\n\n\
    MOTIF ebox EBOX\nletter-probability matrix: alength= 4 w= 6 nsites= 20 E= 0\n\
    0.05 0.85 0.05 0.05\n0.85 0.05 0.05 0.05\n0.05 0.85 0.05 0.05\n\
    0.05 0.05 0.85 0.05\n0.05 0.05 0.05 0.85\n0.05 0.05 0.85 0.05\n\n\
    MOTIF gata\nletter-probability matrix: alength= 4 w= 7 nsites= 20 E= 0\n\
    0.85 0.05 0.05 0.05\n0.05 0.05 0.85 0.05\n0.85 0.05 0.05 0.05\n0.05 0.05 0.05 0.85\n\
    0.85 0.05 0.05 0.05\n0.85 0.05 0.05 0.05\n0.05 0.05 0.85 0.05\n";

const HEADER: &str =
    "motif_id\tmotif_alt_id\tsequence_name\tstart\tstop\tstrand\tscore\tp-value\tq-value\tmatched_sequence";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.file("motifs.meme", MOTIFS.as_bytes());
        folder.file("x.fa", b">one first\nTTTAGATAAGNN\nCTTATCTTT\n>two\nacacgtgn\n>short\nAC\n");
        folder
    }

    fn file(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
    }

    fn gzip(&self, name: &str, content: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(content).unwrap();
        let bytes = gzip.finish().unwrap();
        self.file(name, &bytes);
        bytes
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn demo(&self, words: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        command.args(words.split_whitespace()).current_dir(self.0.path()).output().unwrap()
    }

    /// The rows of a scan that succeeds without a word.
    fn rows(&self, words: &str) -> Vec<Vec<String>> {
        let output = self.demo(&format!("scan {words}"));
        assert!(output.status.success(), "{words}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{words}");
        rows(text(&output.stdout))
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn rows(table: &str) -> Vec<Vec<String>> {
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some(HEADER));
    lines
        .take_while(|line| !line.is_empty())
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

#[test]
fn hits_are_listed_by_p_value_in_closed_positions_from_one() {
    let folder = Folder::new();
    let output = folder.demo("scan motifs.meme x.fa --thresh 5e-4");
    assert_eq!(text(&output.stderr), "");
    let table = text(&output.stdout);
    let found = rows(table);
    let places: Vec<String> = found
        .iter()
        .map(|row| {
            [&row[0], &row[1], &row[2], &row[3], &row[4], &row[5], &row[9]].map(String::as_str).join(" ")
        })
        .collect();
    let wanted = [
        "gata  one 4 10 + AGATAAG",
        "gata  one 13 19 - AGATAAG",
        "ebox EBOX two 2 7 + CACGTG",
        "ebox EBOX two 2 7 - CACGTG",
    ];
    assert_eq!(places, wanted);
    // By hand: the best word of a background of A, T .3 and C, G .2 on both strands.
    let p = |row: &Vec<String>| row[7].parse::<f64>().unwrap();
    assert!((p(&found[0]) - 0.3f64.powi(5) * 0.2f64.powi(2)).abs() < 1e-10);
    assert!((p(&found[2]) - 0.3f64.powi(2) * 0.2f64.powi(4)).abs() < 1e-10);
    // Two hits among all windows of seven known bases.
    let q = |row: &Vec<String>| row[8].parse::<f64>().unwrap();
    assert!((q(&found[0]) - p(&found[0]) * windows(7) / 2.0).abs() < 1e-9, "{table}");
    assert!(
        table.contains("\n\n# demo scan: version ")
            && table.ends_with("# demo scan motifs.meme x.fa --thresh 5e-4\n")
    );
}

/// Windows of known bases in `x.fa`, both strands.
fn windows(width: usize) -> f64 {
    let runs = [10usize, 9, 7, 2];
    2.0 * runs.iter().map(|run| (run + 1).saturating_sub(width)).sum::<usize>() as f64
}

#[test]
fn streamed_rows_stand_in_the_order_of_the_sequences_without_q() {
    let folder = Folder::new();
    let sorted = folder.rows("motifs.meme x.fa --thresh 0.01");
    let mut streamed = folder.rows("motifs.meme x.fa --thresh 0.01 --text --threads 1");
    assert!(streamed.iter().all(|row| row[8].is_empty()));
    let place = |row: &Vec<String>| (row[2] != "one", row[3].parse::<usize>().unwrap());
    assert!(streamed.windows(2).all(|pair| place(&pair[0]) <= place(&pair[1])));
    let mut sorted: Vec<Vec<String>> = sorted
        .into_iter()
        .map(|row| row.into_iter().enumerate().filter(|(i, _)| *i != 8).map(|(_, cell)| cell).collect())
        .collect();
    for row in &mut streamed {
        row.remove(8);
    }
    sorted.sort();
    streamed.sort();
    assert_eq!(streamed, sorted);
}

#[test]
fn a_threshold_on_q_lists_the_same_rows_streamed_or_not() {
    let folder = Folder::new();
    let all = folder.rows("motifs.meme x.fa --thresh 1");
    let q = |row: &Vec<String>| row[8].parse::<f64>().unwrap();
    let limit = 0.005;
    let wanted: Vec<_> = all.iter().filter(|row| q(row) <= limit).cloned().collect();
    assert!(!wanted.is_empty() && wanted.len() < all.len());
    let found = folder.rows("motifs.meme x.fa --qv-thresh --thresh 0.005");
    assert_eq!(found, wanted);
    let mut streamed = folder.rows("motifs.meme x.fa --qv-thresh --thresh 0.005 --text");
    streamed.sort();
    let mut found = found;
    found.sort();
    assert_eq!(streamed, found);
}

#[test]
fn one_strand_one_motif_and_other_backgrounds() {
    let folder = Folder::new();
    folder.file("flat.txt", b"A 0.25\nC 0.25\nG 0.25\nT 0.25\n");
    let strands: Vec<String> =
        folder.rows("motifs.meme x.fa --norc --thresh 5e-4").into_iter().map(|row| row[5].clone()).collect();
    assert_eq!(strands, ["+", "+"]);
    let only = folder.rows("motifs.meme x.fa --motif ebox --thresh 5e-4");
    assert!(only.iter().all(|row| row[0] == "ebox") && only.len() == 2);
    let uniform = folder.rows("motifs.meme x.fa --bfile --uniform-- --thresh 5e-4");
    assert_eq!(uniform[0][7], "6.10352e-05");
    assert_eq!(folder.rows("motifs.meme x.fa --bfile flat.txt --thresh 5e-4"), uniform);
    let own = folder.rows("motifs.meme x.fa --thresh 5e-4");
    assert_eq!(folder.rows("motifs.meme x.fa --bfile --motif-- --thresh 5e-4"), own);
}

#[test]
fn other_formats_and_gzip_are_read() {
    let folder = Folder::new();
    folder.gzip("motifs.gz", MOTIFS.as_bytes());
    folder.gzip("x.fa.gz", &fs::read(folder.path("x.fa")).unwrap());
    let plain = folder.rows("motifs.meme x.fa --thresh 5e-4");
    assert_eq!(folder.rows("motifs.gz x.fa.gz --thresh 5e-4"), plain);
    folder.file("x.seq", b"FoldID\tEventID\tseq\tBound\nA\tseq_00001_peak\tTTTAGATAAG\t1\n");
    let found = folder.rows("motifs.meme x.seq --thresh 5e-4 --motif gata");
    assert_eq!((found.len(), found[0][2].as_str(), found[0][3].as_str()), (1, "seq_00001_peak", "4"));
    let output = folder.demo("scan motifs.meme x.fa --thresh 5e-4 --output table.tsv");
    assert!(output.status.success() && output.stdout.is_empty());
    assert_eq!(rows(&fs::read_to_string(folder.path("table.tsv")).unwrap()), plain);
}

#[test]
fn equal_identifiers_are_kept_with_a_warning() {
    let folder = Folder::new();
    folder.file("twice.meme", MOTIFS.replace("MOTIF gata\n", "MOTIF ebox GATA\n").as_bytes());
    let output = folder.demo("scan twice.meme x.fa --thresh 5e-4");
    assert!(output.status.success());
    let warning = text(&output.stderr);
    assert!(warning.lines().count() == 1 && warning.contains("ebox was already given"), "{warning}");
    let names: Vec<String> = rows(text(&output.stdout)).into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(names, ["GATA", "GATA", "EBOX", "EBOX"]);
}

#[test]
fn what_cannot_have_hits_is_told() {
    let folder = Folder::new();
    let warned = |words: &str| {
        let output = folder.demo(&format!("scan {words}"));
        assert!(output.status.success() && rows(text(&output.stdout)).is_empty(), "{words}");
        let warning = text(&output.stderr).to_owned();
        assert_eq!(warning.lines().count(), 1, "{warning}");
        warning
    };
    assert!(warned("motifs.meme x.fa --thresh 1e-9").contains("motifs ebox, gata: even a perfect site"));
    folder.file("short.fa", b">a\nACGTA\n>b\nACGNACGT\n");
    assert!(
        warned("motifs.meme short.fa --thresh 5e-4")
            .contains("short.fa: no sequence has as many known bases")
    );
    assert!(warned("motifs.meme short.fa --thresh 5e-4 --text").contains("short.fa"));
}

#[test]
fn bad_files_give_one_error_and_no_output_file() {
    let folder = Folder::new();
    folder.file("empty", b"");
    folder
        .file("protein.meme", MOTIFS.replace("ALPHABET= ACGT", "ALPHABET= ACDEFGHIKLMNPQRSTVWY").as_bytes());
    folder.file("bare.meme", b"MEME version 4\n\nALPHABET= ACGT\n");
    folder
        .file("zero.meme", b"MEME version 4\n\nMOTIF nothing\nletter-probability matrix: alength= 4 w= 0\n");
    folder.file("none.meme", MOTIFS.replacen("0.05 0.85 0.05 0.05", "0 0 0 0", 1).as_bytes());
    folder.file("sum.meme", MOTIFS.replacen("0.05 0.85 0.05 0.05", "0.08 0.85 0.05 0.05", 1).as_bytes());
    folder.file("nan.meme", MOTIFS.replacen("0.05 0.85 0.05 0.05", "0.05 nan 0.05 0.05", 1).as_bytes());
    folder.file("cut.meme", &MOTIFS.as_bytes()[..MOTIFS.len() - 60]);
    let motif_files = [
        ("empty", "empty"),
        ("bare.meme", "empty"),
        ("protein.meme", "ALPHABET"),
        ("zero.meme", "line 4"),
        ("none.meme", "line 10"),
        ("sum.meme", "sums to 1.03"),
        ("nan.meme", "line 10"),
        ("cut.meme", "line 18"),
        ("x.fa", "line 2"),
        ("missing", "cannot be read"),
    ];
    folder.file("letters.fa", b">a\nACGT\n>b\nAC*T\n");
    folder.file("bare.fa", b">a\nACGT\n>b\n>c\nA\n");
    folder.file("headless.fa", b"ACGT\n");
    folder.file("columns.seq", b"FoldID\tEventID\tseq\tBound\nA\tseq\n");
    let whole = folder.gzip("cut.fa.gz", &b">a\nACGTTGACCATTTGAC\n".repeat(2000));
    folder.file("cut.fa.gz", &whole[..whole.len() - 12]);
    let sequence_files = [
        ("empty", "empty"),
        ("letters.fa", "line 4: position 3: found '*'"),
        ("bare.fa", "line 3"),
        ("headless.fa", "line 1"),
        ("columns.seq", "line 2"),
        ("cut.fa.gz", "gzip"),
        ("motifs.meme", "line 1"),
        ("missing", "cannot be read"),
    ];
    folder.file("bad.txt", b"A 0.5\nC 0.5\nG 0.5\nT 0.5\n");
    let before = fs::read_dir(folder.0.path()).unwrap().count();
    let motifs = motif_files.map(|(name, word)| (format!("{name} x.fa"), name, word));
    let sequences = sequence_files.map(|(name, word)| (format!("motifs.meme {name}"), name, word));
    let background = [("motifs.meme x.fa --bfile bad.txt".to_owned(), "bad.txt", "line 4")];
    for (words, name, word) in motifs.into_iter().chain(sequences).chain(background) {
        for mode in ["", "--text", "--qv-thresh"] {
            let output = folder.demo(&format!("scan {words} --thresh 5e-4 --output table.tsv {mode}"));
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{words} {mode}: {error}");
            assert!(output.stdout.is_empty());
            assert_eq!(error.lines().count(), 1, "{words}: {error}");
            // A protein's alphabet is told either way: as a letter that is none, or as other letters than DNA's.
            let told = error.to_lowercase().contains(&word.to_lowercase());
            assert!(error.starts_with("error: ") && error.contains(name) && told, "{words}: {error}");
            assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), before, "{words}");
        }
    }
}

#[test]
fn bad_options_are_usage_errors() {
    let folder = Folder::new();
    folder.file(
        "plain.jaspar",
        b">E1 EBOX\nA [0 19 0 0 0 0]\nC [20 0 19 1 0 1]\nG [0 1 1 19 1 19]\nT [0 0 0 0 19 0]",
    );
    let cases = [
        ("motifs.meme --thresh 0", "--thresh"),
        ("motifs.meme --thresh 1.5", "--thresh"),
        ("motifs.meme --thresh=-1 --qv-thresh", "--thresh"),
        ("motifs.meme --thresh nan", "--thresh"),
        ("motifs.meme --thresh few", "--thresh"),
        ("motifs.meme --motif-pseudo=-1", "--motif-pseudo"),
        ("motifs.meme --motif nobody", "nobody"),
        ("plain.jaspar --bfile --motif--", "--uniform--"),
    ];
    for (words, named) in cases {
        let (motifs, flags) = words.split_once(' ').unwrap();
        let output = folder.demo(&format!("scan {motifs} x.fa --output table.tsv {flags}"));
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(text(&output.stderr).contains(named), "{words}: {}", text(&output.stderr));
        assert!(!folder.path("table.tsv").exists());
    }
    assert_eq!(folder.demo("scan motifs.meme").status.code(), Some(2));
}
