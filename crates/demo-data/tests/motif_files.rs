//! Motif files as users have them: every format, and every way to be wrong.

#![expect(clippy::unwrap_used, reason = "a fixture that fails should fail its test")]

use std::fs;
use std::path::Path;

use demo_core::{Background, Motif, ProbabilityMatrix};
use demo_data::{
    Error, MotifCollection, MotifFormat, MotifReading, format_motifs, format_motifs_tsv, parse_motifs,
    read_any_motifs, read_motifs, write_motifs, write_motifs_tsv,
};
use proptest::prelude::*;

fn parse(text: &str) -> Result<MotifCollection, Error> {
    parse_motifs(text, "x".as_ref(), &MotifReading::default())
}

fn message(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn warnings(collection: &MotifCollection) -> Vec<String> {
    collection.warnings.iter().map(ToString::to_string).collect()
}

const MEME: &str = "MEME version 5.5.8\r\n\r\nALPHABET= ACGT\r\n\r\nstrands: + -\r\n\r\n\
    Background letter frequencies (from file):\r\nA 0.3 C 0.2\r\nG 0.2 T 0.3\r\n\r\n\
    MOTIF MA1 First\r\n\r\nletter-probability matrix: alength= 4 w= 2 nsites= 18 E= 1.5e-3\r\n\
     0.100000\t0.2 0.300000 0.400000\r\n 1 0 0 0\r\nURL http://x\r\n\r\n\
    MOTIF second\r\nletter-probability matrix: alength=4 w=1\r\n0.25 0.25 0.25 0.25";

#[test]
fn meme_text_is_read_to_its_last_digit() {
    let found = parse(MEME).unwrap();
    assert_eq!(found.background, Some(Background::new([0.3, 0.2, 0.2, 0.3]).unwrap()));
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    let [first, second] = found.motifs.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (first.id(), first.name(), second.id(), second.name()),
        ("MA1", Some("First"), "second", None)
    );
    assert_eq!((first.site_count(), first.e_value()), (Some(18.0), Some(1.5e-3)));
    assert_eq!((second.site_count(), second.e_value(), second.width()), (None, None, 1));
    assert_eq!(first.probabilities().rows(), [[0.1, 0.2, 0.3, 0.4], [1.0, 0.0, 0.0, 0.0]]);
    assert_eq!(found.find("second"), Some(second));
}

#[test]
fn the_matrices_of_full_meme_output_are_found() {
    let text = "****\nMEME - Motif discovery tool\n****\nMEME version 4.10.0\n\nALPHABET= ACGT\n\
        Letter frequencies in dataset:\nA 0.3 C 0.2 G 0.2 T 0.3\n\
        Background letter frequencies (from dataset with add-one prior applied):\nA 0.3 C 0.2 G 0.2 T 0.3 \n\
        MOTIF  1\twidth =   2   sites =  20   llr = 12   E-value = 1.0e-003\n\
        Simplified        A  1:\n\
        Motif 1 position-specific scoring matrix\nlog-odds matrix: alength= 4 w= 2 n= 80 bayes= 5 E= 1.0e-003\n\
        \u{20}  -100  100 0 0\n 100 -100 0 0\n----\n\
        Motif 1 position-specific probability matrix\n----\n\
        letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 1.0e-003 \n 0 1 0 0\n 0 0 1 0\n----\n\
        MOTIF GATA MEME-2\twidth = 1 sites = 3\n\
        letter-probability matrix: alength= 4 w= 1 nsites= 3 E= 1\n 0 0 0 1\n";
    let found = parse(text).unwrap();
    let names: Vec<_> = found.motifs.iter().map(|m| (m.id(), m.name())).collect();
    assert_eq!(names, [("1", None), ("GATA", Some("MEME-2"))]);
    assert_eq!(found.motifs[0].probabilities().consensus(), "CG");
}

#[test]
fn without_w_rows_run_to_the_first_line_that_is_none() {
    let text = "MEME version 4\nALPHABET \"DNA\" DNA-LIKE\nA \"Adenine\" CC0000 ~ T \"Thymine\" 008000\n\
        END ALPHABET\nMOTIF a\nletter-probability matrix:\n1 0 0 0\n0 1 0 0\n\nMOTIF b\n\
        letter-probability matrix: nsites= 3\n0 0 1 0\nURL x\n";
    let found = parse(text).unwrap();
    assert_eq!(found.motifs.iter().map(Motif::width).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(found.background, None);
}

#[test]
fn what_follows_a_matrix_is_no_row() {
    for rest in
        ["URL http://x\n", "\n\nMOTIF 2 3\n", "----\n1 2 3 4\n", "1 site of 3 was left out\n", "Time 0.5\n"]
    {
        for header in ["w= 1", ""] {
            let second = if rest.contains("MOTIF") { "" } else { "MOTIF b\n" };
            let text = format!(
                "MEME version 4\nMOTIF a\nletter-probability matrix: {header}\n1 0 0 0\n\n{rest}{second}\
                 letter-probability matrix: w= 1\n0 1 0 0\n"
            );
            let found = parse(&text).unwrap();
            assert_eq!(found.motifs.iter().map(Motif::width).collect::<Vec<_>>(), [1, 1], "{text}");
        }
    }
}

#[test]
fn sums_are_kept_within_tomtoms_own_tolerance_then_divided_then_refused() {
    let with =
        |row: &str| format!("MEME version 4\nMOTIF a\nletter-probability matrix: w= 2\n1 0 0 0\n{row}\n");
    let found = parse(&with("0.250001 0.250001 0.250001 0.250001")).unwrap();
    assert_eq!(found.motifs[0].probabilities().rows()[1], [0.250_001; 4]);
    assert!(found.warnings.is_empty());
    let found = parse(&with("0.5 0.5 0.008 0")).unwrap();
    assert!((found.motifs[0].probabilities().rows()[1].iter().sum::<f64>() - 1.0).abs() < 1e-15);
    assert_eq!(
        warnings(&found),
        ["x, line 5: motif a: a row sums to 1.008, wanted 1; 1 rows of a divided by their sums"]
    );
    assert_eq!(
        message(&with("0.5 0.5 0.02 0")),
        "x, line 5: motif a: matrix row 2: sums to 1.02, wanted 1 (within 0.01)"
    );
    assert!(
        message(&with("0.5 0.5 -0.1 0.1")).contains("line 5: motif a: matrix row 2: found [0.5, 0.5, -0.1")
    );
    assert!(message(&with("0.5 NaN 0.5 0")).contains("line 5: motif a: matrix row 2: found [0.5, NaN"));
}

#[test]
fn meme_errors_name_their_line() {
    let with = |text: &str| message(&format!("MEME version 4\n{text}"));
    assert_eq!(
        with("ALPHABET= ACDEFGHIKLMNPQRSTVWY"),
        "x, line 2: found alphabet \"= ACDEFGHIKLMNPQRSTVWY\", wanted ACGT"
    );
    assert!(with("ALPHABET \"DNA with covalent modifications\" DNA-LIKE").contains("line 2: found alphabet"));
    assert_eq!(
        with("MOTIF a\nMOTIF b\n"),
        "x, line 3: found motif a (line 2) without a matrix, wanted a letter-probability matrix for each MOTIF"
    );
    assert!(with("MOTIF a\n\n").contains("line 3: found motif a (line 2) without a matrix"));
    assert!(with("MOTIF\n").contains("line 2: found MOTIF without identifier"));
    assert!(with("letter-probability matrix: w= 1\n").contains("line 2: found a matrix without motif"));
    let matrix =
        |header: &str, rows: &str| with(&format!("MOTIF a\nletter-probability matrix: {header}\n{rows}"));
    assert_eq!(
        matrix("alength= 20 w= 1", "1 0 0 0"),
        "x, line 3: found alength= 20, wanted alength= 4, for DNA"
    );
    assert_eq!(matrix("w= 2", "1 0 0 0\n"), "x, line 3: found 1 rows for motif a, wanted 2, as w= says");
    assert_eq!(matrix("w= two", ""), "x, line 3: found w= two, wanted a number behind w=");
    for (key, values, wanted) in [
        ("nsites", ["nan", "-1", "1e308", "x"], "a number from 0 to 1e12"),
        ("E", ["nan", "-1", "-inf", "x"], "a number of 0 or more"),
    ] {
        for value in values {
            assert_eq!(
                matrix(&format!("w= 1 {key}= {value}"), "1 0 0 0\n"),
                format!("x, line 3: found {key}= {value}, wanted {wanted} behind {key}=")
            );
        }
    }
    assert_eq!(
        matrix("w= 1", "1 0 0\n"),
        "x, line 4: found \"1 0 0\", wanted four numbers, for A, C, G and T"
    );
    for faulty in ["zero.107209 0.2 0.3 0.4", "0.1 0.2 x 0.4", "0.1,0.2,0.3,0.4"] {
        for rows in [format!("{faulty}\n1 0 0 0\n"), format!("1 0 0 0\n{faulty}\n")] {
            for header in ["w= 2", ""] {
                let found = matrix(header, &rows);
                let line = 4 + usize::from(rows.starts_with('1'));
                let wanted =
                    format!("x, line {line}: found {faulty:?}, wanted four numbers, for A, C, G and T");
                assert_eq!(found, wanted, "{rows}");
            }
        }
    }
    assert!(
        matrix("w= 2", "1 0 0 0\nnan 0.5 0.5 0\n")
            .starts_with("x, line 5: motif a: matrix row 2: found [NaN")
    );
    assert!(matrix("w= 1", "nan nan nan nan\n").starts_with("x, line 4: motif a: matrix row 1: found [NaN"));
    for (rows, line) in [("1 0 0 0\n0 1 0 0\n", 5), ("1 0 0 0\n\n \nx 1 0 0\nURL x", 7)] {
        let wanted = format!("x, line {line}: found row 2 for motif a, wanted 1, as w= says");
        assert_eq!(matrix("w= 1", rows), wanted);
    }
    for zero in [matrix("w= 0", ""), matrix("", ""), matrix("", "\nMOTIF b")] {
        assert_eq!(zero, "x, line 3: motif a: the matrix has no rows, wanted at least one position");
    }
    assert!(
        with("Background letter frequencies\nA 0.5 C 0.5 G 0 T 0\n")
            .contains("line 3: background frequencies")
    );
    assert!(
        with("Background letter frequencies\nMOTIF a\n")
            .contains("line 3: found \"MOTIF a\", wanted background")
    );
    assert!(with("Background letter frequencies\nA 0.5").contains("line 3: found the end of the file"));
    assert_eq!(with(""), "x: found an empty file, wanted motifs");
}

#[test]
fn jaspar_is_read_with_letters_and_without() {
    let labelled = ">MA0004.1\tArnt nuclear\nA  [ 4 19 0 ]\nC[16 0 20]\nG | 0 1 0\nT 0 0 0";
    let bare = ">MA0004.1 Arnt nuclear\n4 19 0\n16 0 20\n0 1 0\n0 0 0\n\n";
    let turned = ">MA0004.1 Arnt nuclear\r\nT [0 0 0]\r\nG [0 1 0]\r\nC [16 0 20]\r\nA [4 19 0]\r\n";
    let found = parse(labelled).unwrap();
    assert_eq!(parse(bare).unwrap(), found);
    assert_eq!(parse(turned).unwrap(), found);
    let motif = &found.motifs[0];
    assert_eq!(
        (motif.id(), motif.name(), motif.site_count()),
        ("MA0004.1", Some("Arnt nuclear"), Some(20.0))
    );
    assert_eq!(
        motif.probabilities().rows(),
        [[0.2, 0.8, 0.0, 0.0], [0.95, 0.0, 0.05, 0.0], [0.0, 1.0, 0.0, 0.0]]
    );
    let alone =
        parse_motifs("4 19\n16 0\n0 1\n0 0", Path::new("dir/arnt.pfm"), &MotifReading::default()).unwrap();
    assert_eq!((alone.motifs[0].id(), alone.motifs[0].width()), ("arnt", 2));
}

#[test]
fn pseudocounts_are_as_asked() {
    let reading = MotifReading { pseudocount: 4.0, ..MotifReading::default() };
    let found = parse_motifs(">a\nA [4]\nC [0]\nG [0]\nT [0]", "x".as_ref(), &reading).unwrap();
    assert_eq!(found.motifs[0].probabilities().rows(), [[0.625, 0.125, 0.125, 0.125]]);
    assert_eq!(found.motifs[0].site_count(), Some(4.0));
}

#[test]
fn probabilities_in_a_format_of_counts_are_no_single_site() {
    let found = parse(">a\nA [0.5 1]\nC [0.5 0]\nG [0 0]\nT [0 0]\n>b\nA [1]\nC [0]\nG [0]\nT [0]").unwrap();
    assert_eq!((found.motifs[0].site_count(), found.motifs[1].site_count()), (None, Some(1.0)));
    assert!(warnings(&found)[0].starts_with("x, line 1: motif a holds probabilities"));
    assert_eq!(found.warnings.len(), 1);
}

#[test]
fn more_sites_than_any_motif_has_are_refused() {
    let wanted = |line: usize| {
        format!(
            "x, line {line}: found counts [1e77, 0.0, 0.0, 0.0] in motif a, which sum to 1e77, wanted at most 1e12 sites"
        )
    };
    assert_eq!(message(">a\nA [1 1e77]\nC [1 0]\nG [1 0]\nT [1 0]"), wanted(2));
    assert_eq!(message(">a\n1 1 1 1\n1e77 0 0 0\n1 1 1 1\n1 1 1 1\n1 1 1 1\n"), wanted(3));
    assert_eq!(message("ID a\nP0 A C G T\n01 1 1 1 1\n02 1e77 0 0 0\n//\n"), wanted(4));
}

#[test]
fn alphabets_by_name_are_read_in_every_dress() {
    let read = |symbols: &str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.meme");
        let text = format!(
            "MEME version 5\nALPHABET \"Bases\"\n{symbols}\nEND ALPHABET\nMOTIF a\n\
             letter-probability matrix: w= 1\n1 0 0 0\n"
        );
        fs::write(&path, text).unwrap();
        read_any_motifs(&path, &MotifReading::default()).map(|found| found.alphabet)
    };
    let wanted = read("A \"Adenine\" 8510A8 ~ T \"Thymine\" A89610\nC ~ G").unwrap();
    assert_eq!(wanted.letters(), ['A', 'C', 'G', 'T']);
    for symbols in [
        "A~T\nC~G",
        "A \"Adenine\" 8510A8~T \"Thymine\" A89610\nC~ G # and \"G\"~C = both\n# N = ACGT",
        "A ~T\nC ~ G\nN \"Any base\" 808080 = ACGT\nN=ACGT\nR \"A = G\" =AG",
    ] {
        assert!(read(symbols).unwrap().is_same_as(&wanted), "{symbols}");
    }
    let error = read("A ~\nC ~ G").unwrap_err().to_string();
    assert!(
        error.ends_with(
            "line 3: found \"A ~\", wanted a letter of the alphabet such as A, or two such as A ~ T"
        )
    );
}

#[test]
fn jaspar_errors_name_their_line() {
    assert_eq!(
        message(">a\nA [1 2]\nC [1 2]\nG [1 2]\n>b\n"),
        "x, line 5: found the next motif after 3 rows of a, wanted four rows, for A, C, G and T"
    );
    assert!(
        message(">a\nA [1 2]\nC [1 2]\n").contains("line 3: found the end of the file after 2 rows of a")
    );
    assert!(message(">a\nA [1 2]\nA [1 2]\n").contains("line 3: found a second row for A"));
    assert!(message(">a\nA [1 2]\nC [1 x]\n").contains("line 3: found \"C [1 x]\", wanted the counts of C"));
    assert_eq!(
        message(">a\nA [1 2]\nC [1 2]\nG [1]\nT [0 0]\n"),
        "x, line 4: found 1 counts, wanted 2, as many as for A (a, line 2)"
    );
    assert!(
        message(">a\nA [1 0]\nC [1 0]\nG [1 0]\nT [1 0]").contains("motif a: matrix row 2: found [0.0, 0.0")
    );
    assert!(
        message(">a\nA [1 -1]\nC [1 5]\nG [1 0]\nT [1 0]").contains("motif a: matrix row 2: found [-1.0")
    );
    assert!(message(">a\nA []\nC []\nG []\nT []").contains("line 1: motif a: the matrix has no rows"));
    assert!(message(">\nA [1]\nC [1]\nG [1]\nT [1]").contains("line 1: found a header without identifier"));
    assert!(
        message(">a\nA [1]\nC [1]\nG [1]\nT [1]\nrest").contains("line 6: found \"rest\", wanted a header")
    );
}

#[test]
fn hocomoco_is_told_from_bare_jaspar() {
    let text =
        ">AHR_HUMAN.H11MO.0.B\n40.5\t18.25\t56.4\t38.7\n10\t11\t34\t96\n0 0 0 150\n1 2 3 144\n2 2 2 144\n";
    let found = parse(text).unwrap();
    assert_eq!((found.motifs[0].id(), found.motifs[0].width()), ("AHR_HUMAN.H11MO.0.B", 5));
    // Four positions: the rows with equal sums are the positions.
    let square = parse(">a\n4 3 2 1\n0 10 0 0\n1 1 1 7\n5 5 0 0").unwrap();
    assert_eq!(square.motifs[0].probabilities().rows()[1], [0.0, 1.0, 0.0, 0.0]);
    let square = parse(">a\n4 0 1 5\n3 10 1 5\n2 0 1 0\n1 0 7 0").unwrap();
    assert_eq!(square.motifs[0].probabilities().rows()[1], [0.0, 1.0, 0.0, 0.0]);
    let named = MotifReading { format: Some(MotifFormat::Hocomoco), ..MotifReading::default() };
    let zero = parse_motifs(">a\n>b\n1 1 1 1\n", "x".as_ref(), &named).unwrap_err().to_string();
    assert_eq!(zero, "x, line 1: motif a: the matrix has no rows, wanted at least one position");
    let text = parse_motifs(">a\n1 1 1\n", "x".as_ref(), &named).unwrap_err().to_string();
    assert!(text.contains("line 2: found \"1 1 1\", wanted four numbers"));
    let text = parse_motifs("1 1 1 1\n", "x".as_ref(), &named).unwrap_err().to_string();
    assert!(text.contains("line 1: found \"1 1 1 1\", wanted a header"));
    let text = parse_motifs(">b\n1 1 1 1\n0 0 0 0\n", "x".as_ref(), &named).unwrap_err().to_string();
    assert!(text.starts_with("x, line 3: motif b: matrix row 2: found [0.0"), "{text}");
}

#[test]
fn transfac_is_read_in_its_dialects() {
    let text = "VV  TRANSFAC MATRIX TABLE\nXX\n//\nAC  M00001\nXX\nID  V$MYOD_01\nXX\nNA  MyoD\nXX\n\
        P0      A      C      G      T\n01      1      2      2      0      S\n02      2.  1  2  0  R\nXX\n//\n\
        AC MA0001.1\nXX\nID AGL3\nPO\tT\tG\tC\tA\n1\t4\t3\t2\t1\nXX\n//\nID only\nP0 A C G T\n01 1 0 0 0\n//\n\
        AC nothing\nXX\n//\nNA last\nP0 A C G T\n01 0 0 0 3\n//";
    let found = parse(text).unwrap();
    let names: Vec<_> = found.motifs.iter().map(|m| (m.id(), m.name(), m.width())).collect();
    let wanted =
        [("M00001", Some("MyoD"), 2), ("MA0001.1", Some("AGL3"), 1), ("only", None, 1), ("last", None, 1)];
    assert_eq!(names, wanted);
    assert_eq!(found.motifs[1].probabilities().rows(), [[0.1, 0.2, 0.3, 0.4]]);
    assert_eq!(warnings(&found), ["x, line 26: this record has no matrix and is passed over"]);
    assert!(message("ID a\nP0 A C G\n").contains("line 2: found columns \"A C G\", wanted A, C, G and T"));
    assert!(message("ID a\n01 1 2 3 4\n").contains("line 2: found \"01 1 2 3 4\", wanted a row P0"));
    assert!(
        message("ID a\nP0 A C G T\n01 1 2 x 4\n").contains("line 3: found \"1 2 x 4\", wanted four counts")
    );
    // A blank within a count leaves five numbers, of which none is a consensus.
    for row in ["10 2 0 0 7", "1 0 2 0 0", "1 2 3 4 AC"] {
        let wanted = format!("x, line 3: found {row:?}, wanted four counts");
        assert_eq!(message(&format!("ID a\nP0 A C G T\n01 {row}\n//\n")), wanted);
    }
    assert!(message("P0 A C G T\n01 1 2 3 4\n//").contains("line 1: found a matrix without identifier"));
    assert!(message("ID a\nP0 A C G T\n//\n").contains("line 1: motif a: the matrix has no rows"));
    assert!(
        message("ID a\nP0 A C G T\n01 1 1 1 1\n02 0 0 0 0\n//").contains("line 4: motif a: matrix row 2")
    );
}

#[test]
fn transfac_records_that_run_together_or_break_off_are_no_motifs() {
    let two = |between: &str| {
        format!("AC a\nP0 A C G T\n01 1 2 3 4\nXX\n{between}AC b\nP0 A C G T\n01 4 3 2 1\n//\n")
    };
    assert_eq!(parse(&two("//\n")).unwrap().motifs.len(), 2);
    assert_eq!(
        message(&two("")),
        "x, line 5: found a second AC in the record of line 1, wanted a line // between two records"
    );
    for again in ["P0", "PO"] {
        assert_eq!(
            message(&two("").replace("AC b\nP0", again)),
            "x, line 5: found a second matrix in the record of line 1, wanted a line // between two records"
        );
    }
    assert_eq!(
        message("//\nAC a\nP0 A C G T\n01 1 2 3 4\n02 1 2 3 4\n\n"),
        "x, line 6: found the end of the file after 2 rows (matrix of line 3), wanted a line // behind the matrix"
    );
}

#[test]
fn transfac_rows_follow_one_another_from_0_or_1() {
    // SwissRegulon's files begin at 00, RSAT's have no leading zeros.
    let rows = |numbers: [&str; 3]| {
        format!(
            "NA a\nPO A C G T\n{}\n//\n",
            numbers.map(|number| format!("{number}\t1\t2\t3\t4")).join("\n")
        )
    };
    for numbers in [["00", "01", "02"], ["01", "02", "03"], ["1", "2", "3"]] {
        assert_eq!(parse(&rows(numbers)).unwrap().motifs[0].width(), 3);
    }
    assert_eq!(message(&rows(["01", "03", "03"])), "x, line 4: found row \"03\", wanted row 2");
    assert_eq!(message(&rows(["00", "01", "01"])), "x, line 5: found row \"01\", wanted row 2");
    assert_eq!(message(&rows(["02", "03", "04"])), "x, line 3: found row \"02\", wanted row 0 or 1");
    assert!(message(&rows(["1", "99999999999999999999", "3"])).contains("line 4: found row \"9999"));
}

#[test]
fn what_is_no_motif_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.meme");
    fs::write(&path, "").unwrap();
    let read = || read_motifs(&path, &MotifReading::default()).unwrap_err().to_string();
    assert!(read().ends_with("m.meme: found an empty file, wanted motifs"));
    fs::write(&path, "\n# note\nhello\n").unwrap();
    assert!(read().ends_with(
        "m.meme, line 3: found \"hello\", wanted motifs in MEME, JASPAR, TRANSFAC or HOCOMOCO format"
    ));
    fs::write(&path, b"MEME version 4\n\xff\xfe\n").unwrap();
    assert!(read().contains("line 2: found"), "{}", read());
    assert!(
        "plain".parse::<MotifFormat>().unwrap_err().to_string().contains("unknown motif format \"plain\"")
    );
    assert_eq!("MEME".parse::<MotifFormat>().unwrap(), MotifFormat::Meme);
}

#[test]
fn repeated_identifiers_are_kept_and_told() {
    let found = parse(">a\nA [1]\nC [1]\nG [1]\nT [1]\n>a\nA [1]\nC [1]\nG [1]\nT [1]\n").unwrap();
    assert_eq!(found.motifs.len(), 2);
    assert_eq!(warnings(&found), ["x, line 6: motif a was already given at line 1; both are kept"]);
}

#[test]
fn files_are_written_whole_and_gzip_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let found = parse(MEME).unwrap();
    let path = dir.path().join("m.meme.gz");
    write_motifs(&path, &found, MotifFormat::Meme).unwrap();
    let again = read_motifs(&path, &MotifReading::default()).unwrap();
    assert_eq!((again.motifs.len(), again.background), (2, found.background));
    assert_eq!(again.motifs[0], found.motifs[0]);
    let path = dir.path().join("m.tsv");
    write_motifs_tsv(&path, &found).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("motif\tname\tposition\tA\tC\tG\tT\nMA1\tFirst\t1\t0.100000\t0.200000\t"));
    assert_eq!(text, format_motifs_tsv(&found));
    let missing = dir.path().join("no/such/m.meme");
    assert!(matches!(write_motifs(&missing, &found, MotifFormat::Meme), Err(Error::Write { .. })));
}

fn motif() -> impl Strategy<Value = Motif> {
    let row = prop::array::uniform4(1u32..400);
    (prop::collection::vec(row, 1..9), any::<bool>()).prop_map(|(mut counts, named)| {
        // One number of sites for all positions.
        let sites: u32 = counts.iter().map(|row| row.iter().sum::<u32>()).max().unwrap();
        for row in &mut counts {
            row[0] += sites - row.iter().sum::<u32>();
        }
        let rows = counts.iter().map(|row| row.map(|count| f64::from(count) / f64::from(sites))).collect();
        let motif = Motif::new("id.1", ProbabilityMatrix::new(rows).unwrap())
            .with_site_count(f64::from(sites))
            .with_e_value(0.0);
        if named { motif.with_name("NAME") } else { motif }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_format_reads_what_it_writes(motif in motif()) {
        let collection = MotifCollection { motifs: vec![motif.clone()], ..MotifCollection::default() };
        for format in MotifFormat::ALL {
            let text = format_motifs(&collection, format);
            let reading = MotifReading { format: Some(format), ..MotifReading::default() };
            let read = parse_motifs(&text, "x".as_ref(), &reading).unwrap();
            let again = &read.motifs[0];
            prop_assert_eq!(again.id(), motif.id());
            prop_assert_eq!(again.site_count(), motif.site_count());
            // Counts that were whole come back whole, hence the same quotients.
            prop_assert_eq!(again.probabilities(), motif.probabilities());
            if format != MotifFormat::Hocomoco {
                prop_assert_eq!(again.name(), motif.name());
            }
            if format == MotifFormat::Meme {
                prop_assert_eq!(again, &motif);
            }
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "[>A-Z0-9 .\\[\\]=:/\n-]{0,120}", kind in 0usize..4) {
        let heads = ["MEME version 4\nMOTIF a\nletter-probability matrix:", ">a\n", "ID a\nP0 A C G T\n", ""];
        let text = format!("{}{text}", heads[kind]);
        for format in [None, Some(MotifFormat::Meme), Some(MotifFormat::Jaspar), Some(MotifFormat::Transfac), Some(MotifFormat::Hocomoco)] {
            let _ = parse_motifs(&text, "x".as_ref(), &MotifReading { format, ..MotifReading::default() });
        }
    }
}
