//! Tomtom's table, column for column and digit for digit.

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
    for found in matches {
        writeln!(
            out,
            "{query_id}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            found.target_id,
            found.offset,
            general(found.p_value),
            general(found.e_value),
            general(found.q_value),
            found.overlap,
            found.query_consensus,
            found.target_consensus,
            found.orientation,
        )?;
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
    let scientific = format!("{number:.5e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    if (-4..6).contains(&exponent) {
        let decimals = (5 - exponent) as usize;
        trimmed(&format!("{number:.decimals$}"))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trimmed(digits), exponent.abs())
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
        ];
        for (number, text) in printed {
            assert_eq!(general(number), text);
        }
    }
}
