//! Tomtom's table, column for column and digit for digit.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::Match;

/// The header line.
const HEADER: &str = "Query_ID\tTarget_ID\tOptimal_offset\tp-value\tE-value\tq-value\tOverlap\tQuery_consensus\tTarget_consensus\tOrientation";

/// Writes the header line.
///
/// # Errors
/// What the writer reports.
pub fn write_header(mut out: impl Write) -> io::Result<()> {
    writeln!(out, "{HEADER}")
}

/// Writes a line for each match of a query.
///
/// # Errors
/// What the writer reports.
pub fn write_matches(mut out: impl Write, query_id: &str, matches: &[Match]) -> io::Result<()> {
    let mut line = String::new();
    for found in matches {
        line.clear();
        for word in [query_id, "\t", &found.target_id, "\t"] {
            line.push_str(word);
        }
        // Writing to a string cannot fail.
        let _ = write!(line, "{}\t", found.offset);
        for number in [found.p_value, found.e_value, found.q_value] {
            push_general(&mut line, f64::from(number as f32));
            line.push('\t');
        }
        let _ = write!(line, "{}\t", found.overlap);
        for word in [&found.query_consensus, "\t", &found.target_consensus, "\t"] {
            line.push_str(word);
        }
        line.push(found.orientation.symbol());
        line.push('\n');
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// Writes the trailing comment: which program, which version, which command.
///
/// # Errors
/// What the writer reports.
pub fn write_footer(mut out: impl Write, program: &str, version: &str, command: &str) -> io::Result<()> {
    writeln!(out, "\n# {program}: version {version}")?;
    writeln!(
        out,
        "# The columns are those of Tomtom: https://meme-suite.org/meme/doc/tomtom-output-format.html"
    )?;
    writeln!(out, "# {command}")
}

/// C's `%g` of the number as single precision: six significant digits, trailing zeros dropped.
pub fn general(number: f64) -> String {
    general_double(f64::from(number as f32))
}

/// C's `%g` of the number itself.
pub(crate) fn general_double(number: f64) -> String {
    let mut text = String::new();
    push_general(&mut text, number);
    text
}

/// Appends C's `%g` of the number.
fn push_general(text: &mut String, number: f64) {
    let start = text.len();
    // Writing to a string cannot fail.
    let _ = write!(text, "{number:.5e}");
    let Some(at) = text[start..].find('e') else { return };
    let exponent: i32 = text[start + at + 1..].parse().unwrap_or(0);
    text.truncate(start + at);
    let kept = text[start..].trim_end_matches('0').trim_end_matches('.').len();
    text.truncate(start + kept);
    match exponent {
        0 => {}
        -4..=-1 => {
            // 1.234 becomes 0.001234.
            let point = text[start..].find('.');
            if let Some(point) = point {
                text.remove(start + point);
            }
            let digits = start + usize::from(text[start..].starts_with('-'));
            text.insert_str(digits, &"0.000"[..(1 - exponent) as usize]);
        }
        1..=5 => {
            // The point moves right, past zeros that were dropped.
            let point = text[start..].find('.').map_or(text.len(), |point| start + point);
            if point < text.len() {
                text.remove(point);
            }
            let wanted = point + exponent as usize;
            while text.len() < wanted {
                text.push('0');
            }
            if wanted < text.len() {
                text.insert(wanted, '.');
            }
        }
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            let _ = write!(text, "e{sign}{:02}", exponent.abs());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_c_prints_them() {
        // printf("%g", (float)x) of glibc 2.36.
        let printed = [
            (0.0, "0"),
            (1.0, "1"),
            (0.5, "0.5"),
            (518.0, "518"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.000_099_999_99, "0.0001"),
            (0.000_012_345_678, "1.23457e-05"),
            (123_456.7, "123457"),
            (999_999.5, "1e+06"),
            (1_234_567.0, "1.23457e+06"),
            (1.235_13e-40, "1.23513e-40"),
            (1e-46, "0"),
            (12.0, "12"),
            (100_000.0, "100000"),
            (-0.031_25, "-0.03125"),
            (12_345.6, "12345.6"),
            (1_200.0, "1200"),
        ];
        for (number, text) in printed {
            assert_eq!(general(number), text);
        }
    }
}
