//! `demo tomtom` with the options, alphabets and bad inputs that users bring.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A file of motifs over an alphabet, each given by its consensus.
fn meme(alphabet: &str, letters: &str, motifs: &[(&str, &str)]) -> String {
    let mut text = format!("MEME version 5\n\n{alphabet}\n\n");
    for (id, consensus) in motifs {
        let (width, count) = (consensus.len(), letters.len());
        let sizes = format!("alength= {count} w= {width} nsites= 50");
        text.extend(["MOTIF ", *id, "\nletter-probability matrix: ", &*sizes, "\n"]);
        for own in consensus.chars() {
            let share = 0.1 / (count - 1) as f64;
            let row = letters.chars().map(|letter| if letter == own { 0.9 } else { share }.to_string());
            text += &(row.collect::<Vec<_>>().join(" ") + "\n");
        }
    }
    text
}

struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, String)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            fs::write(folder.0.path().join(name), text).unwrap();
        }
        folder
    }

    fn tomtom(&self, words: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        command.arg("tomtom").args(words.split_whitespace()).current_dir(self.0.path()).output().unwrap()
    }

    /// The rows of the table, and what was said on standard error.
    fn rows(&self, words: &str) -> (Vec<Vec<String>>, String) {
        let output = self.tomtom(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        let table = String::from_utf8(output.stdout).unwrap();
        let rows = table.lines().skip(1).take_while(|line| !line.is_empty());
        (rows.map(|line| line.split('\t').map(str::to_owned).collect()).collect(), said)
    }

    fn error(&self, words: &str, code: i32) -> String {
        let output = self.tomtom(words);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0));
        String::from_utf8(output.stderr).unwrap()
    }
}

fn dna(motifs: &[(&str, &str)]) -> String {
    meme("ALPHABET= ACGT", "ACGT", motifs)
}

const BOXES: [(&str, &str); 4] =
    [("ebox", "CACGTGAC"), ("gata", "AGATAAGG"), ("tata", "TATAAAAG"), ("ccaat", "AGCCAATC")];

#[test]
fn queries_are_chosen_by_identifier_and_by_place() {
    let folder = Folder::new(&[("m.meme", dna(&BOXES))]);
    let queries = |words: &str| {
        let (rows, said) = folder.rows(&format!("m.meme m.meme --nearest 1 --thresh 1 {words}"));
        assert_eq!(said, "");
        rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>()
    };
    assert_eq!(queries(""), ["ebox", "gata", "tata", "ccaat"]);
    assert_eq!(queries("-m ccaat -mi 2"), ["gata", "ccaat"]);
    assert_eq!(queries("-m tata"), ["tata"]);
    assert!(folder.error("m.meme m.meme -m nobody", 2).contains("-m nobody: found no motif"));
    assert!(folder.error("m.meme m.meme -mi 5", 2).contains("-mi 5: wanted 1 to 4"));
}

#[test]
fn several_databases_are_searched_as_one() {
    let folder = Folder::new(&[("a.meme", dna(&BOXES[..2])), ("b.meme", dna(&BOXES[1..]))]);
    let (rows, said) = folder.rows("a.meme a.meme b.meme -m gata --evalue --thresh 5");
    assert_eq!(rows.iter().filter(|row| row[1] == "gata").count(), 2);
    assert_eq!(rows.len(), 5);
    assert_eq!(said, "warning: b.meme: motif gata is in a file before too; both are kept\n");
}

#[test]
fn lines_of_json_say_the_same_as_the_table() {
    let folder = Folder::new(&[("m.meme", dna(&BOXES))]);
    let (rows, _) = folder.rows("m.meme m.meme --evalue --thresh 4");
    let output = folder.tomtom("m.meme m.meme --evalue --thresh 4 --format jsonl");
    let text = String::from_utf8(output.stdout).unwrap();
    let records: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 4);
    let bits = records[0]["query_information"].as_f64().unwrap();
    // Each column: 2 + 0.9 log2 0.9 + 0.1 log2(0.1/3) = 1.3725 bits, less what the pseudocount takes.
    assert!((bits - 8.0 * 1.3725).abs() < 0.2, "{bits}");
    let matches = records.iter().flat_map(|record| record["matches"].as_array().unwrap());
    let lines: Vec<(String, String, i64)> = matches
        .map(|m| {
            let word = |key: &str| m[key].as_str().unwrap().to_owned();
            (word("target"), word("orientation"), m["offset"].as_i64().unwrap())
        })
        .collect();
    let wanted: Vec<(String, String, i64)> =
        rows.iter().map(|row| (row[1].clone(), row[9].clone(), row[2].parse().unwrap())).collect();
    assert_eq!(lines, wanted);
}

#[test]
fn alphabets_that_files_declare_are_compared() {
    let six = "ALPHABET \"Marked\" DNA-LIKE\nA \"Adenine\" 8510A8 ~ T \"Thymine\" A89610\n\
        C ~ G\nm \"5-Methyl = C\" D73027 ~ 1 \"G:5-Methyl\" 4575B4\nN = ACGT\nEND ALPHABET";
    let files = [
        ("rna.meme", meme("ALPHABET= ACGU", "ACGU", &[("u", "GACUUACG"), ("v", "UUUUGGCC")])),
        ("marked.meme", meme(six, "ACGTm1", &[("cpg", "AAm1GGTC"), ("gpc", "TTmTTACC")])),
        ("four.meme", meme("ALPHABET \"Four\"\nW\nX\nY\nZ\nEND ALPHABET", "WXYZ", &[("f", "WXYZ")])),
        ("m.meme", dna(&BOXES)),
        ("rna.bg", "# order 0\nA 0.3\nC 0.2\nG 0.2\nU 0.3\n".to_owned()),
        ("bad.bg", "A 0.3\nC 0.2\nG 0.2\nT 0.3\n".to_owned()),
    ];
    let folder = Folder::new(&files);
    let (rows, _) = folder.rows("rna.meme rna.meme --evalue --nearest 1 --bfile rna.bg");
    assert_eq!([&rows[0][7], &rows[0][8], &rows[0][9]], ["GACUUACG", "GACUUACG", "+"]);
    let error = folder.error("four.meme four.meme --html page.html", 1);
    assert!(error.contains("--html: found motif f over the alphabet Four, wanted DNA or RNA"), "{error}");
    let (rows, _) = folder.rows("marked.meme marked.meme --evalue --nearest 1 --dist allr");
    assert_eq!([&rows[0][1], &rows[0][7]], ["cpg", "AAm1GGTC"]);
    let error = folder.error("rna.meme m.meme", 1);
    assert!(
        error.contains("m.meme: found motifs over the alphabet DNA, wanted RNA as in rna.meme"),
        "{error}"
    );
    let error = folder.error("rna.meme rna.meme --bfile bad.bg", 1);
    assert!(
        error.contains("bad.bg, line 4: found \"T 0.3\", wanted one of ACGU and its frequency"),
        "{error}"
    );
}

#[test]
fn every_distance_finds_the_motif_itself() {
    let folder = Folder::new(&[("m.meme", dna(&BOXES))]);
    for name in ["ed", "pearson", "sandelin", "kullback", "allr", "blic1", "blic5", "llr1", "llr5"] {
        let (rows, _) = folder.rows(&format!("m.meme m.meme --evalue --nearest 1 --dist {name}"));
        for row in rows {
            assert_eq!(row[0], row[1], "{name}");
        }
    }
}

#[test]
fn scores_of_thousands_of_sites_are_told_apart_unless_meme_is_followed() {
    let many = dna(&BOXES).replace("nsites= 50", "nsites= 5000");
    let folder = Folder::new(&[("m.meme", many)]);
    let p = |words: &str| {
        let (rows, _) = folder.rows(&format!("m.meme m.meme --thresh 1 -m ebox {words}"));
        rows.iter().map(|row| row[3].parse::<f64>().unwrap()).collect::<Vec<f64>>()
    };
    for name in ["blic1", "blic5", "llr1", "llr5"] {
        // A quarter of the target columns match a query column: 4⁻⁸ for the one alignment that can score as much,
        // little more for the others and the other strand.
        let own = p(&format!("--dist {name}"))[0];
        assert!((1.0..1.5).contains(&(own * 65_536.0)), "{name}: {own}");
        assert_eq!(p(&format!("--dist {name} --compat meme")), [1.0; 4], "{name}");
    }
}

#[test]
fn queries_that_say_little_or_reach_too_far_are_warned_of() {
    let flat = "MEME version 5\nALPHABET= ACGT\nMOTIF flat\nletter-probability matrix: w= 12\n".to_owned()
        + &"0.25 0.25 0.25 0.25\n".repeat(12);
    let folder = Folder::new(&[("flat.meme", flat), ("m.meme", dna(&BOXES))]);
    let (_, said) = folder.rows("flat.meme m.meme");
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(said.contains("warning: motif flat: 12 columns, more than every target (at most 8)"), "{said}");
    assert!(said.contains("warning: motif flat: 0.0 bits of information, less than 5"), "{said}");
    let (rows, said) = folder.rows("flat.meme m.meme --null calibrated");
    assert_eq!((rows.len(), said.lines().count()), (0, 1));
}

#[test]
fn requests_that_cannot_be_met_are_usage_errors() {
    let folder = Folder::new(&[("m.meme", dna(&BOXES))]);
    for (words, named) in [
        ("--nearest 0", "--nearest"),
        ("--null calibrated --incomplete-scores", "--incomplete-scores"),
        ("--dist cosine", "wanted one of ed, pearson"),
        ("--qvalue none", "--qvalue"),
        ("--output page --html page", "--html: found the name of --output"),
        ("--output page --html ./page", "--html: found the name of --output"),
    ] {
        assert!(folder.error(&format!("m.meme m.meme {words}"), 2).contains(named), "{words}");
    }
}
