//! What motif files say of their letters: alphabets and background frequencies.
//!
//! MEME text declares an alphabet as `ALPHABET= ACGT`, or by name with a line for each letter down to
//! `END ALPHABET`, as its documentation of the motif format describes. The columns of a matrix follow the order
//! of the letters: capitals, small letters, digits, others. Letters that stand for several are passed over, as are
//! names in quotes, colours and, behind `#`, comments; blanks around `=` and `~` may be missing.
//! A background file has a letter and its frequency on each line; `#` begins a comment.

use demo_core::{Alphabet, Background};

use super::rows::Lines;
use crate::text::shown;
use crate::{Error, Result};

/// How far frequencies may be from summing to 1.
const SUM_TOLERANCE: f64 = 0.01;

/// Reads what stands behind `ALPHABET`, and the lines of a named alphabet.
pub(super) fn read_alphabet(
    lines: &mut Lines<'_>,
    number: usize,
    rest: &str,
    only_dna: bool,
) -> Result<Alphabet> {
    let rest = rest.trim();
    let found = format!("alphabet {}", shown(rest.as_bytes()));
    let alphabet = if let Some(letters) = rest.strip_prefix('=') {
        let known = [Alphabet::dna(), Alphabet::rna(), Alphabet::protein()];
        let is_it = |known: &Alphabet| known.letters().iter().copied().eq(letters.trim().chars());
        known.into_iter().find(is_it)
    } else if only_dna && !rest.starts_with("\"DNA\"") {
        None
    } else {
        Some(named(lines, number, rest)?)
    };
    match alphabet {
        Some(alphabet) if !only_dna || alphabet.is_dna() => Ok(alphabet),
        _ if only_dna => Err(lines.error(number, found, "ACGT")),
        _ => Err(lines.error(
            number,
            found,
            "ACGT, ACGU, the amino acids, or a named alphabet with its letters",
        )),
    }
}

/// Reads the letters of a named alphabet down to `END ALPHABET`.
fn named(lines: &mut Lines<'_>, header: usize, rest: &str) -> Result<Alphabet> {
    let name = rest.trim_start_matches('"').split('"').next().unwrap_or_default().to_owned();
    let mut pairs: Vec<(char, Option<char>)> = Vec::new();
    loop {
        let Some((number, line)) = lines.next() else {
            return Err(lines.error(lines.last_line(), "the end of the file", "END ALPHABET"));
        };
        let line = line.to_owned();
        if line.starts_with("END ALPHABET") {
            break;
        }
        let plain = spaced(&line);
        let words: Vec<&str> = plain.split_whitespace().collect();
        let Some(letter) = words.first() else { continue };
        // `N = ACGT` stands for several letters and has no column.
        if words[1..].contains(&"=") {
            continue;
        }
        let behind = words.iter().position(|&word| word == "~").map(|i| words.get(i + 1).copied());
        let (Some(letter), Some(other)) =
            (single(letter), behind.map_or(Some(None), |b| b.and_then(single).map(Some)))
        else {
            let wanted = "a letter of the alphabet such as A, or two such as A ~ T";
            return Err(lines.error(number, shown(line.as_bytes()), wanted));
        };
        pairs.push((letter, other));
        if let Some(other) = other {
            pairs.push((other, Some(letter)));
        }
    }
    if name == "DNA" {
        return Ok(Alphabet::dna());
    }
    pairs.sort_by_key(|&(letter, _)| order(letter));
    pairs.dedup();
    Alphabet::new(name, &pairs).map_err(|source| Error::Value { place: lines.place(header), source })
}

/// Capitals before small letters before digits before others.
fn order(letter: char) -> (u8, char) {
    let class = match letter {
        'A'..='Z' => 0,
        'a'..='z' => 1,
        '0'..='9' => 2,
        _ => 3,
    };
    (class, letter)
}

fn single(word: &str) -> Option<char> {
    let mut letters = word.chars();
    letters.next().filter(|_| letters.next().is_none())
}

/// The line without comment and names in quotes, which may hold any sign, and with blanks around `=` and `~`.
fn spaced(line: &str) -> String {
    let plain = line.split('"').step_by(2).collect::<Vec<&str>>().join(" ");
    let plain = plain.split('#').next().unwrap_or_default();
    plain.replace('=', " = ").replace('~', " ~ ")
}

/// The frequencies behind a header, on one line or several.
pub(super) fn frequencies(lines: &mut Lines<'_>, header: usize, alphabet: &Alphabet) -> Result<Vec<f64>> {
    let wanted = if alphabet.is_dna() {
        "background frequencies such as A 0.25 C 0.25 G 0.25 T 0.25".to_owned()
    } else {
        format!("background frequencies of {}", alphabet.letters().iter().collect::<String>())
    };
    let mut found = vec![None; alphabet.letters().len()];
    let mut last = header;
    while found.contains(&None) {
        let Some((number, line)) = lines.next() else { break };
        let line = line.to_owned();
        let words: Vec<&str> = line.split_whitespace().collect();
        last = number;
        for pair in words.chunks(2) {
            let letter = letter_of(alphabet, pair[0]);
            let value = pair.get(1).and_then(|word| word.parse::<f64>().ok());
            let (Some(letter), Some(value)) = (letter, value) else {
                return Err(lines.error(number, shown(line.as_bytes()), wanted));
            };
            found[letter] = Some(value);
        }
    }
    match found.into_iter().collect::<Option<Vec<f64>>>() {
        None => {
            let letters = alphabet.letters().iter().map(ToString::to_string).collect::<Vec<_>>();
            let (last_letter, others) =
                letters.split_last().map_or(("", &letters[..]), |(l, o)| (l.as_str(), o));
            let wanted = format!("background frequencies of {} and {last_letter}", others.join(", "));
            Err(lines.error(last, "the end of the file", wanted))
        }
        Some(found) if alphabet.is_dna() => {
            let four = std::array::from_fn(|base| found[base]);
            let checked = Background::new(four);
            checked.map_err(|source| Error::Value { place: lines.place(last), source })?;
            Ok(found)
        }
        Some(found) if are_frequencies(&found) => Ok(found),
        Some(found) => Err(lines.error(
            last,
            format!("background frequencies {found:?}"),
            "positive numbers that sum to 1",
        )),
    }
}

/// Whether numbers are positive and sum to 1.
pub(crate) fn are_frequencies(found: &[f64]) -> bool {
    found.iter().all(|p| p.is_finite() && *p > 0.0)
        && (found.iter().sum::<f64>() - 1.0).abs() <= SUM_TOLERANCE
}

/// Which letter a word names; in alphabets without small letters these stand for capitals.
pub(crate) fn letter_of(alphabet: &Alphabet, word: &str) -> Option<usize> {
    let letter = single(word)?;
    let at = |letter: char| alphabet.letters().iter().position(|&other| other == letter);
    at(letter).or_else(|| {
        at(letter.to_ascii_uppercase()).filter(|_| !alphabet.letters().iter().any(char::is_ascii_lowercase))
    })
}
