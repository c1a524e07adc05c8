//! Background files as the MEME Suite has them: a word and its frequency a line.
//!
//! `#` begins a comment. Words of one letter are the frequencies; longer ones belong to a Markov model of higher
//! order and are passed over, since scores here are against independent letters.

use std::path::Path;

use demo_core::Alphabet;

use crate::motifs::{are_frequencies, letter_of};
use crate::text::{LineReader, shown};
use crate::{Error, Place, Result};

/// Reads the frequencies of an alphabet's letters, in its order, from a background file, plain or gzip.
///
/// # Errors
/// Where the file cannot be read, a line is no word of letters with a number, a letter is given twice or not at
/// all, or the frequencies are not positive or do not sum to 1 within 1 %.
pub fn read_background(path: &Path, alphabet: &Alphabet) -> Result<Vec<f64>> {
    parse(LineReader::open(path)?, alphabet)
}

/// Reads the frequencies from a text, which messages call `name`.
///
/// ```
/// use demo_core::Alphabet;
/// use demo_data::parse_background;
///
/// let text = "# order 1\nA 0.3\nC 0.2\nG 0.2\nT 0.3\nAA 0.1\n";
/// let background = parse_background(text, "example".as_ref(), &Alphabet::dna())?;
/// assert_eq!(background, [0.3, 0.2, 0.2, 0.3]);
/// # Ok::<(), demo_data::Error>(())
/// ```
///
/// # Errors
/// As [`read_background`].
pub fn parse_background(text: &str, name: &Path, alphabet: &Alphabet) -> Result<Vec<f64>> {
    parse(LineReader::from_text(text, name), alphabet)
}

fn parse(mut reader: LineReader<'_>, alphabet: &Alphabet) -> Result<Vec<f64>> {
    let mut frequencies = vec![None; alphabet.letters().len()];
    let mut last = None;
    while reader.advance()? {
        let line = reader.line();
        let said = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
        if said.is_empty() {
            continue;
        }
        last = Some(reader.place());
        let (word, number) = entry(&reader, said, alphabet)?;
        if word.chars().nth(1).is_some() {
            continue;
        }
        let Some(letter) = letter_of(alphabet, word) else {
            return Err(wrong(reader.place(), said, alphabet));
        };
        if frequencies[letter].replace(number).is_some() {
            let found = format!("a second frequency of {}", alphabet.letters()[letter]);
            let wanted = format!("one of each of {}", listed(alphabet));
            return Err(Error::Line { place: reader.place(), found, wanted });
        }
    }
    let path = reader.path().to_owned();
    let Some(place) = last else {
        return Err(Error::Empty { path, wanted: "background frequencies" });
    };
    let given: Vec<f64> = frequencies.iter().copied().flatten().collect();
    if given.len() < frequencies.len() {
        let found = "the end of the file".to_owned();
        let wanted = format!("frequencies of all of {} before it", listed(alphabet));
        return Err(Error::Line { place, found, wanted });
    }
    if !are_frequencies(&given) {
        let found = format!("background frequencies {given:?}");
        return Err(Error::Line { place, found, wanted: "positive numbers that sum to 1".into() });
    }
    let sum: f64 = given.iter().sum();
    Ok(given.into_iter().map(|p| p / sum).collect())
}

/// A word of letters and its frequency.
fn entry<'a>(reader: &LineReader<'_>, said: &'a [u8], alphabet: &Alphabet) -> Result<(&'a str, f64)> {
    let words: Option<Vec<&str>> = str::from_utf8(said).ok().map(|text| text.split_whitespace().collect());
    let found = match words.as_deref() {
        Some(&[word, number]) => number.parse().ok().map(|number| (word, number)),
        _ => None,
    };
    found.ok_or_else(|| wrong(reader.place(), said, alphabet))
}

fn wrong(place: Place, said: &[u8], alphabet: &Alphabet) -> Error {
    let wanted = format!("one of {} and its frequency, such as A 0.25", listed(alphabet));
    Error::Line { place, found: shown(said), wanted }
}

fn listed(alphabet: &Alphabet) -> String {
    alphabet.letters().iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_blanks_and_longer_words_are_passed_over() {
        let text = "# tuple frequency\n\n a  0.3 # rounded\nC\t.2\ng 2e-1\nT 0.3\nAC 0.06\n";
        assert_eq!(parse_background(text, "b".as_ref(), &Alphabet::dna()).unwrap(), [0.3, 0.2, 0.2, 0.3]);
    }

    #[test]
    fn letters_of_other_alphabets_have_frequencies_too() {
        let alphabet = Alphabet::new("XY", &[('X', None), ('Y', None)]).unwrap();
        assert_eq!(parse_background("Y 0.75\nX 0.25\n", "b".as_ref(), &alphabet).unwrap(), [0.25, 0.75]);
        let error = parse_background("A 1\n", "b".as_ref(), &alphabet).unwrap_err().to_string();
        assert!(error.contains("one of XY and its frequency"), "{error}");
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
            ("A 0.5\nC 0.5\nG 0\nT 0\n", "line 4: found background frequencies"),
            ("A 0.5\nC 0.5\nG 0.5\nT 0.5\n", "line 4: found background frequencies"),
            ("A nan\nC 0.5\nG 0.5\nT 0.5\n", "line 4: found background frequencies"),
        ];
        for (text, wanted) in cases {
            let error = parse_background(text, "b".as_ref(), &Alphabet::dna()).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text:?}: {error}");
        }
    }
}
