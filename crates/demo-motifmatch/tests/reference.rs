//! The tables of MEME Suite's tomtom, reproduced from JASPAR's own counts.
//!
//! Expected lines and checksums come from MEME Suite 5.5.8, `tomtom -no-ssc -text -dist ed` with the options
//! named below, run on 12 and on 518 motifs of JASPAR 2016 CORE vertebrates as that suite's motif database
//! ships them. The checksums are SHA-256 of the whole tables, header included, comments left out.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fmt::Write as _;
use std::io::Read as _;
use std::sync::LazyLock;

use demo_core::{CountMatrix, Motif, ProbabilityMatrix};
use demo_motifmatch::{Options, Scoring, Threshold, Tomtom, tsv};
use sha2::{Digest as _, Sha256};

/// The queries, in the order of the run.
const QUERIES: [&str; 12] = [
    "MA0002.2", "MA0068.2", "MA0122.2", "MA0466.2", "MA0511.2", "MA0618.1", "MA0662.1", "MA0706.1",
    "MA0750.1", "MA0794.1", "MA0838.1", "MA0882.1",
];

static TARGETS: LazyLock<Vec<Motif>> = LazyLock::new(targets);

#[test]
fn complete_scores() {
    // -min-overlap 5 -thresh 1
    let table = table(everything());
    let lines = [
        "MA0002.2 MA0002.2 0 1.23513e-40 6.39799e-38 1.2761e-37 11 GTCTGTGGTTT GTCTGTGGTTT +",
        "MA0002.2 MA0767.1 -1 0.00448223 2.3218 0.548931 10 GTCTGTGGTTT TATGCGGGTA +",
        "MA0122.2 MA0890.1 0 0.000268456 0.13906 0.0310494 9 ACCACTTAA ACCAATTAGC +",
        "MA0511.2 MA0653.1 4 0.01448 7.50065 1 9 AAACCGCAA AACGAAACCGAAACT +",
        "MA0662.1 MA0075.2 -1 4.38605e-12 2.27198e-09 4.22195e-10 8 TCTAATTAAC CCAATTAA +",
        "MA0750.1 MA0750.1 0 4.60747e-42 2.38667e-39 4.75102e-39 12 GGCGACCACCGA GGCGACCACCGA +",
        "MA0794.1 MA0609.1 -2 0.0209101 10.8314 0.996293 10 CAAGACGCCTTA TTACGTCATA -",
        "MA0882.1 MA0630.1 0 2.10028e-09 1.08795e-06 2.29752e-07 8 CCAATTAC CCAATTAA -",
    ];
    check(&table, 6216, &lines, "7a3ede11ea9488c860a0484c5fc73403e1ac6e7d09d1047af94ff9cc214e957e");
}

#[test]
fn default_overlap_and_threshold() {
    // no further option
    let table = table(Options { min_overlap: 1, ..Options::default() });
    let lines = ["MA0882.1 MA0789.1 -3 0.124599 64.5424 0.478246 5 CCAATTAC ATTTGCATA -"];
    check(&table, 858, &lines, "09e830893223abfc8693013c94ea618b7197f119b661c0bc26788111f62e48ba");
}

#[test]
fn threshold_on_e_values() {
    // -min-overlap 5 -evalue -thresh 10
    let table = table(Options { threshold: Threshold::EValue(10.0), ..Options::default() });
    let lines = ["MA0882.1 MA0680.1 3 0.0171476 8.88243 0.0847813 7 CCAATTAC TAATCGATTA +"];
    check(&table, 637, &lines, "2fca6d251270eb6856e98050e511061b31157d1eb77b79ecc52cc9772b398b0b");
}

#[test]
fn one_strand() {
    // -min-overlap 5 -thresh 1 -norc
    let table = table(Options { both_strands: false, ..everything() });
    let lines = ["MA0618.1 MA0702.1 0 2.54381e-05 0.0131769 0.00201546 8 TTAATTAG TTAATTAA +"];
    check(&table, 6216, &lines, "d6d8bb52ad39245cb2dcb074cfd60610d7f20544a76bedbabb6505d377144807");
}

#[test]
fn narrower_motif_wholly_inside() {
    // -min-overlap 5 -thresh 1 -internal
    let table = table(Options { internal: true, ..everything() });
    let lines = ["MA0882.1 MA0056.1 -1 1 518 0.858436 6 CCAATTAC TGGGGA +"];
    check(&table, 6216, &lines, "4b9d42dfef545af3b92963a35c192a4a09e29ae4890494cbd1cb979d8f8c69fb");
}

#[test]
fn incomplete_scores() {
    // -min-overlap 5 -thresh 1 -incomplete-scores
    let table = table(Options { scoring: Scoring::Incomplete, ..everything() });
    let lines = ["MA0002.2 MA0684.1 -1 5.13583e-06 0.00266036 0.00266036 10 GTCTGTGGTTT TTTGCGGTTT -"];
    check(&table, 6216, &lines, "bc25b1774b6c63aa612f6640c62e2e4c70e0d5e5443d48c6f2b9301ffae89ec1");
}

fn everything() -> Options {
    Options { threshold: Threshold::QValue(1.0), ..Options::default() }
}

fn table(options: Options) -> String {
    let find = |id: &&str| TARGETS.iter().find(|motif| motif.id() == *id).unwrap().clone();
    let queries: Vec<Motif> = QUERIES.iter().map(find).collect();
    let matches = Tomtom::new(&TARGETS, options).unwrap().query_all(&queries);
    let mut table = Vec::new();
    tsv::write_header(&mut table).unwrap();
    for (query, matches) in queries.iter().zip(&matches) {
        tsv::write_matches(&mut table, query.id(), matches).unwrap();
    }
    String::from_utf8(table).unwrap()
}

fn check(table: &str, rows: usize, lines: &[&str], sha256: &str) {
    assert_eq!(table.lines().count(), rows + 1);
    for line in lines {
        let line = line.replace(' ', "\t");
        assert!(table.lines().any(|made| made == line), "not made: {line}");
    }
    let sum = Sha256::digest(table).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    assert_eq!(sum, sha256);
}

/// JASPAR's counts as the motif database of MEME Suite prints them: probabilities of six decimals, the mean
/// count of sites, and one motif fewer.
fn targets() -> Vec<Motif> {
    let bytes = include_bytes!("../../../data/jaspar2016_core_vertebrates.jaspar.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    let records = text.split('>').skip(1);
    records.map(motif).filter(|motif| motif.id() != "MA0615.1").collect()
}

fn motif(record: &str) -> Motif {
    let mut lines = record.lines();
    let id = lines.next().unwrap().split_whitespace().next().unwrap();
    let counts: Vec<Vec<f64>> =
        lines.map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect()).collect();
    let rows: Vec<[f64; 4]> =
        (0..counts[0].len()).map(|position| std::array::from_fn(|base| counts[base][position])).collect();
    let counts = CountMatrix::new(rows).unwrap();
    let sums = counts.rows().iter().map(|row| row.iter().sum::<f64>());
    let sites = (sums.sum::<f64>() / counts.width() as f64).round();
    let mut printed: Vec<[f64; 4]> = counts
        .rows()
        .iter()
        .map(|row| row.map(|count| format!("{:.6}", count / row.iter().sum::<f64>()).parse().unwrap()))
        .collect();
    if id == "MA0867.1" {
        // 39 of 640 and 149 of 640 end in a five at the seventh decimal, which the database rounds otherwise.
        printed[8] = [0.084_375, 0.060_938, 0.621_875, 0.232_812];
    }
    Motif::new(id, ProbabilityMatrix::new(printed).unwrap()).with_site_count(sites)
}
