//! Background files as the MEME Suite has them: a word and its frequency a line.
//!
//! `#` begins a comment. Words of one base are the frequencies; longer ones belong to a Markov model of higher
//! order and are passed over, since scores here are against independent bases.

use std::path::Path;

use demo_core::Background;

use crate::text::{LineReader, shown};
use crate::{Error, Place, Result};

/// Reads the frequencies of single bases from a background file, plain or gzip.
///
/// # Errors
/// Where the file cannot be read, a line is no word of bases with a number, a base is given twice or not at all, or
/// the frequencies are not positive or do not sum to 1 within 1 %.
pub fn read_background(path: &Path) -> Result<Background> {
    parse(LineReader::open(path)?)
}

/// Reads the frequencies from a text, which messages call `name`.
///
/// ```
/// use demo_data::parse_background;
///
/// let text = "# order 1\nA 0.3\nC 0.2\nG 0.2\nT 0.3\nAA 0.1\n";
/// let background = parse_background(text, "example".as_ref())?;
/// assert_eq!(background.frequencies(), [0.3, 0.2, 0.2, 0.3]);
/// # Ok::<(), demo_data::Error>(())
/// ```
///
/// # Errors
/// As [`read_background`].
pub fn parse_background(text: &str, name: &Path) -> Result<Background> {
    parse(LineReader::from_text(text, name))
}

fn parse(mut reader: LineReader<'_>) -> Result<Background> {
    let mut frequencies: [Option<f64>; 4] = [None; 4];
    let mut last = None;
    while reader.advance()? {
        let line = reader.line();
        let said = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
        if said.is_empty() {
            continue;
        }
        last = Some(reader.place());
        let (word, number) = entry(&reader, said)?;
        let &[letter] = word.as_bytes() else { continue };
        let Some(base) = b"ACGT".iter().position(|base| base.eq_ignore_ascii_case(&letter)) else {
            return Err(wrong(reader.place(), said));
        };
        if frequencies[base].replace(number).is_some() {
            let found = format!("a second frequency of {}", char::from(letter.to_ascii_uppercase()));
            let wanted = "one of each of A, C, G and T".to_owned();
            return Err(Error::Line { place: reader.place(), found, wanted });
        }
    }
    let path = reader.path().to_owned();
    let Some(place) = last else {
        return Err(Error::Empty { path, wanted: "background frequencies" });
    };
    let [Some(a), Some(c), Some(g), Some(t)] = frequencies else {
        let found = "the end of the file".to_owned();
        return Err(Error::Line {
            place,
            found,
            wanted: "frequencies of A, C, G and T before it".to_owned(),
        });
    };
    Background::new([a, c, g, t]).map_err(|source| Error::Value { place, source })
}

/// A word of bases and its frequency.
fn entry<'a>(reader: &LineReader<'_>, said: &'a [u8]) -> Result<(&'a str, f64)> {
    let words: Option<Vec<&str>> = str::from_utf8(said).ok().map(|text| text.split_whitespace().collect());
    let found = match words.as_deref() {
        Some(&[word, number]) if word.bytes().all(|letter| letter.is_ascii_alphabetic()) => {
            number.parse().ok().map(|number| (word, number))
        }
        _ => None,
    };
    found.ok_or_else(|| wrong(reader.place(), said))
}

fn wrong(place: Place, said: &[u8]) -> Error {
    Error::Line { place, found: shown(said), wanted: "a base and its frequency, such as A 0.25".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_blanks_and_longer_words_are_passed_over() {
        let text = "# tuple frequency\n\n a  0.3 # rounded\nC\t.2\ng 2e-1\nT 0.3\nAC 0.06\n";
        assert_eq!(parse_background(text, "b".as_ref()).unwrap().frequencies(), [0.3, 0.2, 0.2, 0.3]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let cases = [
            ("", "found an empty file"),
            ("# nothing\n", "found an empty file"),
            ("A 0.25\nC 0.25\nG 0.25\n", "line 3: found the end of the file"),
            ("A 0.25\nA 0.25\n", "line 2: found a second frequency of A"),
            ("A 0.25\nB 0.25\n", "line 2: found \"B 0.25\""),
            ("A\n", "line 1: found \"A\""),
            ("A many\n", "line 1: found \"A many\""),
            ("A 0.5\nC 0.5\nG 0\nT 0\n", "line 4: background frequencies"),
            ("A 0.5\nC 0.5\nG 0.5\nT 0.5\n", "line 4: background frequencies"),
            ("A nan\nC 0.5\nG 0.5\nT 0.5\n", "line 4: background frequencies"),
        ];
        for (text, wanted) in cases {
            let error = parse_background(text, "b".as_ref()).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text:?}: {error}");
        }
    }
}
