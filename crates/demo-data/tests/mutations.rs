//! Files that are almost right: whatever is changed in a valid one, readers answer and do not panic.
//!
//! The seeds are those of the fuzz targets in `fuzz/`, which look further than a test can.

use std::path::Path;

use demo_core::Alphabet;
use demo_data::{
    MotifFormat, MotifReading, PieceOptions, SequencePieces, format_motifs, inspect, parse_background,
    parse_motifs, read_deepbind, read_fasta, read_labelled_fasta,
};
use proptest::prelude::*;

const MOTIFS: [&[u8]; 4] = [
    include_bytes!("../../../fuzz/seeds/meme/two.meme"),
    include_bytes!("../../../fuzz/seeds/jaspar/two.jaspar"),
    include_bytes!("../../../fuzz/seeds/transfac/one.transfac"),
    include_bytes!("../../../fuzz/seeds/hocomoco/one.txt"),
];
const SEQUENCES: [&[u8]; 3] = [
    include_bytes!("../../../fuzz/seeds/fasta/two.fa"),
    include_bytes!("../../../fuzz/seeds/fasta/labels.fa"),
    include_bytes!("../../../fuzz/seeds/sequences/two.seq"),
];
const BACKGROUND: &[u8] = include_bytes!("../../../fuzz/seeds/background/order1.txt");

/// One change to a file.
#[derive(Debug, Clone)]
enum Edit {
    /// Something else, or more, at a place.
    Put { at: usize, instead: usize, text: &'static str },
    /// The end is lost.
    Cut(usize),
    /// A line stands elsewhere, too.
    Repeat { line: usize, before: usize },
}

fn edit() -> impl Strategy<Value = Edit> {
    let text = prop::sample::select(vec![
        "",
        " ",
        "\n",
        "\r\n",
        "\t",
        ">",
        "#",
        "//",
        "-",
        "0",
        "-1",
        "1e999",
        "nan",
        "inf",
        "1e-320",
        "0.5",
        "A",
        "N",
        "Å",
        "[",
        "w= 0",
        "w= 99999999999999999999",
        "alength= 4",
        "nsites= -1",
        "MOTIF",
        "MOTIF x",
        "letter-probability matrix:",
        "P0",
        "XX",
        "\u{feff}",
    ]);
    prop_oneof![
        6 => (0usize..1000, 0usize..4, text).prop_map(|(at, instead, text)| Edit::Put { at, instead, text }),
        1 => (0usize..1000).prop_map(Edit::Cut),
        2 => (0usize..40, 0usize..40).prop_map(|(line, before)| Edit::Repeat { line, before }),
    ]
}

fn edited(seed: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for edit in edits {
        match *edit {
            Edit::Put { at, instead, text } => {
                let at = at % (bytes.len() + 1);
                let end = (at + instead).min(bytes.len());
                bytes.splice(at..end, text.bytes());
            }
            Edit::Cut(at) => bytes.truncate(at % (bytes.len() + 1)),
            Edit::Repeat { line, before } => {
                let mut lines: Vec<Vec<u8>> =
                    bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
                if !lines.is_empty() {
                    let again = lines[line % lines.len()].clone();
                    lines.insert(before % (lines.len() + 1), again);
                    bytes = lines.concat();
                }
            }
        }
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec(edit(), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn motif_files(seed in 0usize..MOTIFS.len(), edits in edits()) {
        let bytes = edited(MOTIFS[seed], &edits);
        let text = String::from_utf8_lossy(&bytes);
        for format in [None, Some(MotifFormat::ALL[seed])] {
            let reading = MotifReading { format, ..MotifReading::default() };
            if let Ok(read) = parse_motifs(&text, Path::new("x"), &reading) {
                // What was read can be written, and read again.
                let written = format_motifs(&read, MotifFormat::Meme);
                let again = parse_motifs(&written, Path::new("y"), &MotifReading::default());
                prop_assert_eq!(again.map(|again| again.motifs.len()).ok(), Some(read.motifs.len()), "{}", written);
            }
        }
    }

    #[test]
    fn background_files(edits in edits()) {
        let bytes = edited(BACKGROUND, &edits);
        if let Ok(background) = parse_background(&String::from_utf8_lossy(&bytes), Path::new("x"), &Alphabet::dna()) {
            prop_assert!((background.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn sequence_files(seed in 0usize..SEQUENCES.len(), edits in edits()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, edited(SEQUENCES[seed], &edits)).unwrap();
        let options = PieceOptions { starts: 3, overlap: 2 };
        let pieces = SequencePieces::open(&path, options).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        if let (Ok(whole), Ok(pieces)) = (read_fasta(&path), pieces) {
            let bases: usize = whole.iter().map(|record| record.sequence.len()).sum();
            prop_assert_eq!(pieces.iter().map(|piece| piece.starts).sum::<usize>(), bases);
        }
        drop((read_deepbind(&path), read_labelled_fasta(&path)));
        if let Ok(found) = inspect(&path) {
            prop_assert!(!found.to_string().is_empty());
        }
    }
}
