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

/// C's `%g` of the number: six significant digits, trailing zeros dropped.
pub(crate) fn general_double(number: f64) -> String {
    let mut text = String::new();
    push_general(&mut text, number);
    text
}

/// Appends C's `%g` of the number.
fn push_general(text: &mut String, number: f64) {
    match six_digits(number) {
        Some((digits, exponent)) => push_digits(text, digits, exponent),
        None => push_printed(text, number),
    }
}

/// The first six digits of a positive number, rounded, and the exponent of the first one; none where its rounding
/// could be that of a tie.
fn six_digits(number: f64) -> Option<(u32, i32)> {
    if !(1e-280..1e280).contains(&number) {
        return None;
    }
    // Bits of the exponent over those of a decimal digit: at most one too low.
    let binary = (number.to_bits() >> 52) as i32 - 1023;
    let mut exponent = (f64::from(binary) * std::f64::consts::LOG10_2).floor() as i32;
    let mut scaled = number * 10f64.powi(5 - exponent);
    if scaled >= 999_999.5 {
        exponent += 1;
        scaled = number * 10f64.powi(5 - exponent);
    }
    // The product is off by far less than a millionth of the last digit.
    let is_sure = (scaled.fract() - 0.5).abs() > 1e-6 && (99_999.5..999_999.5).contains(&scaled);
    match scaled.round() as u32 {
        99_999 => None,
        digits => is_sure.then_some((digits, exponent)),
    }
}

/// Appends six digits in the notation that the exponent asks for, without trailing zeros.
fn push_digits(text: &mut String, digits: u32, exponent: i32) {
    let mut ascii = [b'0'; 6];
    let mut rest = digits;
    for digit in ascii.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    let kept = 6 - ascii.iter().rev().take_while(|&&digit| digit == b'0').count();
    let (before, after) = match exponent {
        -4..=-1 => {
            text.push_str(&"0.000"[..(1 - exponent) as usize]);
            (kept, &[][..])
        }
        0..=5 => {
            let point = exponent as usize + 1;
            (point, &ascii[point..kept.max(point)])
        }
        _ => (1, &ascii[1..kept]),
    };
    let push = |text: &mut String, digits: &[u8]| text.push_str(str::from_utf8(digits).unwrap_or_default());
    push(text, &ascii[..before]);
    if !after.is_empty() {
        text.push('.');
        push(text, after);
    }
    if !(-4..=5).contains(&exponent) {
        push_exponent(text, exponent);
    }
}

fn push_exponent(text: &mut String, exponent: i32) {
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing to a string cannot fail.
    let _ = write!(text, "e{sign}{:02}", exponent.abs());
}

/// The same of any number, by way of printing it.
fn push_printed(text: &mut String, number: f64) {
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
        _ => push_exponent(text, exponent),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn numbers_print_as_by_way_of_the_slow_form(digits in 1u32..10_000_000, power in -45i32..12, nudge in -2i64..3) {
            // Seven digits, so that many are ties; and their neighbours.
            let number = f64::from(digits) * 10f64.powi(power);
            let number = f64::from_bits(number.to_bits().wrapping_add_signed(nudge));
            for number in [number, f64::from(number as f32), -number, number.powi(3)] {
                let (mut fast, mut slow) = (String::new(), String::new());
                push_general(&mut fast, number);
                push_printed(&mut slow, number);
                prop_assert_eq!(fast, slow);
            }
        }
    }

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
            assert_eq!(general_double(f64::from(number as f32)), text);
        }
    }
}
