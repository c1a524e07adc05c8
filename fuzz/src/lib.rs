//! What the fuzz targets have in common: no input makes a reader panic, and what one reader takes, its writer
//! and its twin agree on.

use std::path::Path;

use demo_data::{
    MotifFormat, MotifReading, PieceOptions, SequencePieces, format_motifs, parse_motifs, read_fasta,
};
use demo_motifmatch::{ScanOptions, Scanner};

/// Reads motifs, in a given format or one that is told from the text, and writes and reads them again.
pub fn motifs(format: Option<MotifFormat>, data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let name = Path::new("fuzz");
    let reading = MotifReading { format, ..MotifReading::default() };
    let Ok(first) = parse_motifs(text, name, &reading) else { return };
    assert!(!first.motifs.is_empty());
    let written = format_motifs(&first, MotifFormat::Meme);
    let reading = MotifReading { format: Some(MotifFormat::Meme), ..MotifReading::default() };
    let second = parse_motifs(&written, name, &reading).expect("what was written can be read");
    assert_eq!(first.motifs.len(), second.motifs.len());
    for (first, second) in first.motifs.iter().zip(&second.motifs) {
        assert_eq!(first.width(), second.width());
    }
    // Whatever is a motif can be scanned for.
    if first.motifs.iter().all(|motif| motif.width() < 40) && first.motifs.len() < 20 {
        let scanner =
            Scanner::new(&first.motifs, ScanOptions::default()).expect("what was read can be scanned for");
        scanner.scan(&"ACGTACGTNACGATTTAGCACGGATAAG".parse().expect("a sequence"));
    }
}

/// Writes the bytes to a file for a reader that takes a path.
pub fn with_file(data: &[u8], read: impl FnOnce(&Path)) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), data).expect("a written file");
    read(file.path());
}

/// Reads sequences whole and piece by piece; both agree.
pub fn fasta(data: &[u8]) {
    with_file(data, |path| {
        let whole = read_fasta(path);
        let options = PieceOptions { starts: 5, overlap: 3 };
        let pieces: Result<Vec<_>, _> =
            SequencePieces::open(path, options).and_then(|pieces| pieces.collect());
        let (Ok(whole), Ok(pieces)) = (whole, pieces) else { return };
        let mut joined = vec![Vec::new(); whole.len()];
        for piece in pieces {
            joined[piece.record].extend_from_slice(&piece.sequence.as_codes()[..piece.starts]);
        }
        for (joined, whole) in joined.iter().zip(&whole) {
            assert_eq!(joined, whole.sequence.as_codes());
        }
    });
}
