//! Sequences of a file one after another, long ones in pieces, so that no file has to fit in memory.
//!
//! FASTA and DeepBind's tables, plain or gzip, told apart by their first line. A piece holds the bases at which
//! windows may start and those that windows across its end reach into; the next piece goes on where the starts
//! end. Cost: one pass; memory for one piece and 64 kB of text, however long lines are.

use std::path::Path;

use demo_core::DnaSequence;

use super::deepbind::{DEEPBIND_COLUMNS, DEEPBIND_TABLE, check_header, parse_row};
use crate::text::{LineReader, shown};
use crate::{Error, Place, Result};

/// Bytes of a line that are taken at a time.
const PART: usize = 1 << 16;

/// How sequences are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceOptions {
    /// Bases at which windows start in each piece but a sequence's last; at least 1. `usize::MAX` cuts nothing.
    pub starts: usize,
    /// Bases a piece holds beyond those, one fewer than the widest window has.
    pub overlap: usize,
}

/// A sequence or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequencePiece {
    /// The sequence's name: the first word of its header, or DeepBind's event.
    pub name: String,
    /// Which sequence of the file it is, from 0.
    pub record: usize,
    /// Where the piece begins in the sequence, from 0.
    pub first: usize,
    /// How many of its bases may start a window that no other piece has.
    pub starts: usize,
    /// The bases.
    pub sequence: DnaSequence,
}

/// Reads a file of sequences piece by piece.
///
/// ```
/// use demo_data::{PieceOptions, SequencePieces};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("x.fa");
/// # std::fs::write(&path, ">one first\nACGTACGT\n>two\nTT\n")?;
///
/// let pieces = SequencePieces::open(&path, PieceOptions { starts: 5, overlap: 2 })?;
/// let pieces = pieces.collect::<Result<Vec<_>, _>>()?;
/// let shown: Vec<_> = pieces.iter().map(|p| (&*p.name, p.first, p.starts, p.sequence.to_string())).collect();
/// assert_eq!(shown[0], ("one", 0, 5, "ACGTACG".to_owned()));
/// assert_eq!(shown[1], ("one", 5, 3, "CGT".to_owned()));
/// assert_eq!(shown[2], ("two", 0, 2, "TT".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SequencePieces {
    reader: LineReader<'static>,
    options: PieceOptions,
    format: Format,
    /// Sequences begun.
    records: usize,
    open: Option<Open>,
    /// After the last piece, or an error.
    done: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Fasta,
    DeepBind,
}

/// The sequence that is being read.
struct Open {
    name: String,
    place: Place,
    record: usize,
    first: usize,
    codes: Vec<u8>,
}

impl SequencePieces {
    /// Opens a file, plain or gzip.
    ///
    /// # Errors
    /// Where the file cannot be read, is empty, or begins neither with a FASTA header nor with that of
    /// DeepBind's table.
    pub fn open(path: &Path, options: PieceOptions) -> Result<Self> {
        let mut reader = LineReader::open(path)?;
        loop {
            if !reader.advance_part(PART)? {
                return Err(Error::Empty { path: path.to_owned(), wanted: "sequences" });
            }
            if !reader.line().trim_ascii().is_empty() {
                break;
            }
        }
        let options = PieceOptions { starts: options.starts.max(1), ..options };
        let mut pieces = Self { reader, options, format: Format::Fasta, records: 0, open: None, done: false };
        let first = pieces.reader.line().trim_ascii();
        if first.split(|&byte| byte == b'\t').next() == Some(DEEPBIND_COLUMNS[0].as_bytes()) {
            check_header(&pieces.reader)?;
            pieces.format = Format::DeepBind;
        } else if first.starts_with(b">") {
            pieces.open = Some(pieces.begin()?);
        } else {
            let wanted = "sequences: a FASTA header (> and a name) or DeepBind's table".to_owned();
            return Err(Error::Line { place: pieces.reader.place(), found: shown(first), wanted });
        }
        Ok(pieces)
    }

    /// Begins the sequence whose header the reader is at.
    fn begin(&mut self) -> Result<Open> {
        self.reader.finish_line()?;
        let header = String::from_utf8_lossy(self.reader.line().trim_ascii()).into_owned();
        let name = header.trim_start_matches('>').split_whitespace().next().unwrap_or_default().to_owned();
        let record = self.records;
        self.records += 1;
        Ok(Open { name, place: self.reader.place(), record, first: 0, codes: Vec::new() })
    }

    fn next_fasta(&mut self) -> Result<Option<SequencePiece>> {
        let PieceOptions { starts, overlap } = self.options;
        while let Some(open) = &mut self.open {
            // Either may be as large as a number can be, which means not to cut.
            let length = starts.saturating_add(overlap);
            if open.codes.len() > length {
                return open.cut(starts, length).map(Some);
            }
            if !self.reader.advance_part(PART)? {
                let last = self.open.take();
                return last.map_or(Ok(None), Open::close);
            }
            let text = self.reader.line().trim_ascii();
            if self.reader.before() == 0 && text.starts_with(b">") {
                let next = self.begin()?;
                if let Some(piece) = self.open.replace(next).map_or(Ok(None), Open::close)? {
                    return Ok(Some(piece));
                }
            } else {
                let part = DnaSequence::from_ascii(text).map_err(|source| self.misplaced(source))?;
                if let Some(open) = &mut self.open {
                    open.codes.extend_from_slice(part.as_codes());
                }
            }
        }
        Ok(None)
    }

    /// An error in a part of a line, counted from the line's beginning.
    fn misplaced(&self, source: demo_core::Error) -> Error {
        let source = match source {
            demo_core::Error::Letter { position, found } => {
                demo_core::Error::Letter { position: position + self.reader.before(), found }
            }
            other => other,
        };
        Error::Value { place: self.reader.place(), source }
    }

    fn next_row(&mut self) -> Result<Option<SequencePiece>> {
        while self.reader.advance()? {
            if self.reader.line().trim_ascii().is_empty() {
                continue;
            }
            let row = parse_row(&self.reader)?;
            let record = self.records;
            self.records += 1;
            let starts = row.sequence.len();
            return Ok(Some(SequencePiece {
                name: row.event,
                record,
                first: 0,
                starts,
                sequence: row.sequence,
            }));
        }
        if self.records == 0 {
            return Err(Error::Empty { path: self.reader.path().to_owned(), wanted: DEEPBIND_TABLE });
        }
        Ok(None)
    }
}

impl Open {
    /// A piece of so many bases from the front; what follows its starts stays.
    fn cut(&mut self, starts: usize, length: usize) -> Result<SequencePiece> {
        let sequence = self.sequence(length)?;
        let (name, record, first) = (self.name.clone(), self.record, self.first);
        self.codes.drain(..starts);
        self.first += starts;
        Ok(SequencePiece { name, record, first, starts, sequence })
    }

    /// The last piece.
    fn close(self) -> Result<Option<SequencePiece>> {
        if self.codes.is_empty() {
            let found = format!("a record without bases ({})", shown(self.name.as_bytes()));
            return Err(Error::Line { place: self.place, found, wanted: "at least one base".into() });
        }
        let sequence = self.sequence(self.codes.len())?;
        let starts = sequence.len();
        Ok(Some(SequencePiece { name: self.name, record: self.record, first: self.first, starts, sequence }))
    }

    fn sequence(&self, length: usize) -> Result<DnaSequence> {
        DnaSequence::from_codes(&self.codes[..length])
            .map_err(|source| Error::Value { place: self.place.clone(), source })
    }
}

impl Iterator for SequencePieces {
    type Item = Result<SequencePiece>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = match self.format {
            Format::Fasta => self.next_fasta(),
            Format::DeepBind => self.next_row(),
        };
        self.done = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::read_fasta;

    fn pieces(text: &[u8], options: PieceOptions) -> Result<Vec<SequencePiece>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.fa");
        std::fs::write(&path, text).unwrap();
        SequencePieces::open(&path, options)?.collect()
    }

    const WHOLE: PieceOptions = PieceOptions { starts: usize::MAX / 2, overlap: 0 };

    #[test]
    fn tables_are_sequences_too() {
        let text =
            b"FoldID\tEventID\tseq\tBound\nA\tseq_00001_peak\tACGTN\t1\n\nA\tseq_00001_shuf\tTTTT\t0\n";
        let found = pieces(text, WHOLE).unwrap();
        let shown: Vec<_> = found.iter().map(|p| (&*p.name, p.record, p.sequence.to_string())).collect();
        assert_eq!(
            shown,
            [("seq_00001_peak", 0, "ACGTN".to_owned()), ("seq_00001_shuf", 1, "TTTT".to_owned())]
        );
    }

    #[test]
    fn bad_files_are_named_with_their_line() {
        let message = |text: &[u8]| pieces(text, WHOLE).unwrap_err().to_string();
        assert!(message(b"").contains("empty file, wanted sequences"));
        assert!(message(b"\n  \n").contains("empty file"));
        assert!(message(b"ACGT\n").contains("line 1: found \"ACGT\""));
        assert!(message(b">a\nAC\n>b\n>c\nA\n").contains("line 3: found a record without bases (\"b\")"));
        assert!(message(b">a\nAC\nAXG\n").contains("line 3: position 2: found 'X'"));
        assert!(message(b"FoldID\tEventID\tseq\tBound\n").contains("empty file, wanted DeepBind's table"));
        assert!(message(b"FoldID\tseq\n").contains("wanted the header"));
    }

    #[test]
    fn options_may_be_as_large_as_numbers_are() {
        for options in [(usize::MAX, 1), (usize::MAX, usize::MAX), (1, usize::MAX)] {
            let options = PieceOptions { starts: options.0, overlap: options.1 };
            let found = pieces(b">one\nACGT\nACG\n>two\nTT\n", options).unwrap();
            let shown: Vec<_> = found.iter().map(|p| (p.starts, p.sequence.to_string())).collect();
            assert_eq!(shown, [(7, "ACGTACG".to_owned()), (2, "TT".to_owned())]);
        }
    }

    #[test]
    fn a_line_may_be_longer_than_what_is_read_at_once() {
        let mut line = vec![b'A'; PART + 3];
        line.extend_from_slice(b"CG");
        let text = [b">one\n".as_slice(), &line, b"\r\n>two\nT"].concat();
        let found = pieces(&text, WHOLE).unwrap();
        assert_eq!((found[0].sequence.len(), found[1].sequence.to_string()), (PART + 5, "T".to_owned()));
        line[PART + 1] = b'*';
        let error = pieces(&[b">one\n".as_slice(), &line].concat(), WHOLE).unwrap_err().to_string();
        assert!(error.contains(&format!("line 2: position {}: found '*'", PART + 2)), "{error}");
    }

    proptest! {
        #[test]
        fn pieces_join_to_what_a_whole_file_holds(
            records in prop::collection::vec(prop::collection::vec("[ACGTNacgt]{1,9}", 1..6), 1..5),
            starts in 1usize..12,
            overlap in 0usize..6,
        ) {
            let lines = (0..).zip(&records).map(|(i, lines)| format!(">r{i} x\n{}\n", lines.join("\n")));
            let text = lines.collect::<Vec<String>>().concat();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.fa");
            std::fs::write(&path, &text).unwrap();
            let whole = read_fasta(&path).unwrap();
            let mut joined: Vec<Vec<u8>> = vec![Vec::new(); whole.len()];
            for piece in pieces(text.as_bytes(), PieceOptions { starts, overlap }).unwrap() {
                let codes = piece.sequence.as_codes();
                let into = &mut joined[piece.record];
                prop_assert_eq!(piece.first, into.len());
                prop_assert_eq!(&piece.name, &format!("r{}", piece.record));
                into.extend_from_slice(&codes[..piece.starts]);
                let rest = &whole[piece.record].sequence.as_codes()[into.len()..];
                prop_assert_eq!(&codes[piece.starts..], &rest[..overlap.min(rest.len())]);
            }
            for (joined, whole) in joined.iter().zip(&whole) {
                prop_assert_eq!(joined.as_slice(), whole.sequence.as_codes());
            }
        }
    }
}
