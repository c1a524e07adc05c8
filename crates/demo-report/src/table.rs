//! Tables whose columns know what they hold, written as TSV, LaTeX or HTML.
//!
//! A number is always printed by its column's format, so that the same values give the same bytes. A
//! TSV gives an estimate three columns (`x`, `x_low`, `x_high`); the other two print `.934 [.921, .945]`
//! with its leading zeros.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::write_whole;
use crate::svg::escape;
use crate::{Error, Result};

/// What a column holds and how its numbers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Text, left-aligned.
    Text,
    /// Whole numbers.
    Integer,
    /// This many decimals.
    Fixed(usize),
    /// This many significant digits, in powers of ten below .001 and above 99,999: for p, E and q.
    Significant(usize),
    /// The shortest digits that read back as the same number.
    Exact,
    /// An estimate with its interval, this many decimals.
    Estimate(usize),
}

/// A column: a name and a format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    name: String,
    format: Format,
}

impl Column {
    /// A column of this name and format.
    pub fn new(name: impl Into<String>, format: Format) -> Self {
        Self { name: name.into(), format }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A value of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Cell {
    /// For a [`Format::Text`] column.
    Text(String),
    /// For a [`Format::Integer`] column.
    Integer(i128),
    /// For a column of numbers; NaN is printed as missing.
    Number(f64),
    /// For a [`Format::Estimate`] column: estimate, lower and upper bound.
    Estimate(f64, f64, f64),
    /// Fits every column: `NA` in TSV, a dash elsewhere.
    Missing,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::Integer(number as i128)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Integer(i128::from(number))
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

/// Columns and rows that fit them.
///
/// ```
/// use demo_report::{Column, Format, Table};
///
/// let mut table = Table::new(vec![Column::new("set", Format::Text), Column::new("auroc", Format::Fixed(4))]);
/// table.push(vec!["REST".into(), 0.98765.into()])?;
/// assert_eq!(table.to_tsv(), "set\tauroc\nREST\t0.9877\n");
/// # Ok::<(), demo_report::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`Error::RowWidth`] or [`Error::Cell`] where it does not fit the columns.
    pub fn push(&mut self, row: Vec<Cell>) -> Result<()> {
        let number = self.rows.len();
        if row.len() != self.columns.len() {
            return Err(Error::RowWidth { row: number, found: row.len(), wanted: self.columns.len() });
        }
        for (cell, column) in row.iter().zip(&self.columns) {
            if !fits(cell, column.format) {
                let (found, wanted) = (kind(cell), format_kind(column.format));
                return Err(Error::Cell { row: number, column: column.name.clone(), found, wanted });
            }
        }
        self.rows.push(row);
        Ok(())
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// Tab-separated with a header; tabs and line ends within a text become spaces.
    pub fn to_tsv(&self) -> String {
        let header = self.columns.iter().flat_map(|column| match column.format {
            Format::Estimate(_) => ["", "_low", "_high"].map(|end| format!("{}{end}", column.name)).to_vec(),
            _ => vec![column.name.clone()],
        });
        let mut tsv = tsv_line(header);
        for row in &self.rows {
            let cells =
                row.iter().zip(&self.columns).flat_map(|(cell, column)| tsv_cells(cell, column.format));
            tsv.push_str(&tsv_line(cells));
        }
        tsv
    }

    /// A `tabular` with `booktabs` rules.
    pub fn to_latex(&self) -> String {
        let alignment: String =
            self.columns.iter().map(|c| if c.format == Format::Text { 'l' } else { 'r' }).collect();
        let mut latex = format!("\\begin{{tabular}}{{{alignment}}}\n\\toprule\n");
        let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
        latex.push_str(&line(self.columns.iter().map(|column| escape_latex(&column.name)).collect()));
        latex.push_str("\\midrule\n");
        for row in &self.rows {
            let cell = |(cell, column): (&Cell, &Column)| match cell {
                Cell::Text(text) => escape_latex(text),
                _ => printed(cell, column.format).map_or_else(|| "--".into(), |text| latex_number(&text)),
            };
            latex.push_str(&line(row.iter().zip(&self.columns).map(cell).collect()));
        }
        latex.push_str("\\bottomrule\n\\end{tabular}\n");
        latex
    }

    /// A `table` with its caption, escaped, above the `tabular`; its label is `tab:` and the one given.
    ///
    /// ```
    /// use demo_report::{Column, Format, Table};
    ///
    /// let mut table = Table::new(vec![Column::new("Set", Format::Text), Column::new("AUROC", Format::Fixed(3))]);
    /// table.push(vec!["REST".into(), 0.9876.into()])?;
    /// let latex = table.to_latex_float("sets", "AUROC of 100 % of the sets, simulated.");
    /// assert!(latex.contains("\\caption{AUROC of 100 \\% of the sets, simulated.}\n\\label{tab:sets}\n"));
    /// # Ok::<(), demo_report::Error>(())
    /// ```
    pub fn to_latex_float(&self, label: &str, caption: &str) -> String {
        let caption = escape_latex(caption);
        let head = format!("\\begin{{table}}\n\\centering\n\\caption{{{caption}}}\n\\label{{tab:{label}}}\n");
        format!("{head}{}\\end{{table}}\n", self.to_latex())
    }

    /// A `<table>` with right-aligned numbers; every text is escaped.
    pub fn to_html(&self) -> String {
        let class = |format: Format| if format == Format::Text { "" } else { " class=\"n\"" };
        let mut html = String::from("<table><thead><tr>");
        for column in &self.columns {
            let _ = write!(html, "<th scope=\"col\"{}>{}</th>", class(column.format), escape(&column.name));
        }
        html.push_str("</tr></thead><tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for (cell, column) in row.iter().zip(&self.columns) {
                let text = printed(cell, column.format).map_or_else(|| "–".into(), |text| escape(&text));
                let _ = write!(html, "<td{}>{text}</td>", class(column.format));
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody></table>\n");
        html
    }

    /// Writes the TSV, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Write`] naming the path.
    pub fn write_tsv(&self, path: &Path) -> Result<()> {
        write_whole(path, self.to_tsv().as_bytes())
    }
}

/// A number with significant digits, in powers of ten where it is very small or large.
pub fn significant(value: f64, digits: usize) -> String {
    let digits = digits.max(1);
    if value == 0.0 {
        return "0".into();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    // Rounding first: .00099996 belongs with .001.
    let scientific = format!("{value:.*e}", digits - 1);
    let exponent: isize = scientific.split('e').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    if !(-3..5).contains(&exponent) {
        return scientific;
    }
    let decimals = (digits - 1).saturating_add_signed(-exponent);
    format!("{value:.decimals$}")
}

fn fits(cell: &Cell, format: Format) -> bool {
    match cell {
        Cell::Missing => true,
        Cell::Text(_) => format == Format::Text,
        Cell::Integer(_) => format == Format::Integer,
        Cell::Number(_) => matches!(format, Format::Fixed(_) | Format::Significant(_) | Format::Exact),
        Cell::Estimate(..) => matches!(format, Format::Estimate(_)),
    }
}

fn kind(cell: &Cell) -> &'static str {
    match cell {
        Cell::Text(_) => "a text",
        Cell::Integer(_) => "a whole number",
        Cell::Number(_) => "a number",
        Cell::Estimate(..) => "an estimate",
        Cell::Missing => "nothing",
    }
}

fn format_kind(format: Format) -> &'static str {
    match format {
        Format::Text => "a text",
        Format::Integer => "a whole number",
        Format::Fixed(_) | Format::Significant(_) | Format::Exact => "a number",
        Format::Estimate(_) => "an estimate",
    }
}

/// The text of a cell, `None` where it is missing.
fn printed(cell: &Cell, format: Format) -> Option<String> {
    match cell {
        Cell::Missing => None,
        Cell::Text(text) => Some(text.clone()),
        Cell::Integer(number) => Some(number.to_string()),
        Cell::Number(number) => number_text(*number, format),
        Cell::Estimate(estimate, low, high) => {
            let text = |number| number_text(number, format).unwrap_or_else(|| "–".into());
            let first = number_text(*estimate, format)?;
            let alone = low.is_nan() && high.is_nan();
            Some(if alone { first } else { format!("{first} [{}, {}]", text(*low), text(*high)) })
        }
    }
}

fn number_text(number: f64, format: Format) -> Option<String> {
    if number.is_nan() {
        return None;
    }
    let text = match format {
        Format::Fixed(decimals) | Format::Estimate(decimals) => format!("{number:.decimals$}"),
        Format::Significant(digits) => significant(number, digits),
        _ => number.to_string(),
    };
    // Rounding may leave a sign on zero, which would read as a result.
    let zero = text.starts_with('-') && !text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    Some(if zero && number.is_finite() { text[1..].to_string() } else { text })
}

fn tsv_cells(cell: &Cell, format: Format) -> Vec<String> {
    let missing = || "NA".to_string();
    match (cell, format) {
        (Cell::Estimate(estimate, low, high), _) => {
            [estimate, low, high].map(|number| number_text(*number, format).unwrap_or_else(missing)).to_vec()
        }
        (Cell::Missing, Format::Estimate(_)) => vec![missing(); 3],
        (Cell::Text(text), _) => vec![text.replace(['\t', '\n', '\r'], " ")],
        _ => vec![printed(cell, format).unwrap_or_else(missing)],
    }
}

fn tsv_line(cells: impl Iterator<Item = String>) -> String {
    let mut line = cells.collect::<Vec<_>>().join("\t");
    line.push('\n');
    line
}

/// Text for LaTeX's ordinary mode.
fn escape_latex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '\n' | '\t' | '\r' => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// `1.2e-5` as a power of ten, a minus sign as a minus sign.
fn latex_number(text: &str) -> String {
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("${mantissa} \\times 10^{{{exponent}}}$"),
        None if text.contains('-') => format!("${text}$"),
        None => text.replace('–', "--"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(vec![
            Column::new("set", Format::Text),
            Column::new("n", Format::Integer),
            Column::new("auroc", Format::Estimate(3)),
            Column::new("p", Format::Significant(2)),
        ]);
        table
            .push(vec![
                "A_<&\">'".into(),
                500usize.into(),
                Cell::Estimate(0.9345, 0.92, 0.951),
                1.23e-7.into(),
            ])
            .unwrap();
        table.push(vec!["tab\there".into(), Cell::Missing, Cell::Missing, 0.04999.into()]).unwrap();
        table
    }

    #[test]
    fn tsv_is_stable() {
        assert_eq!(
            sample().to_tsv(),
            "set\tn\tauroc\tauroc_low\tauroc_high\tp\n\
             A_<&\">'\t500\t0.934\t0.920\t0.951\t1.2e-7\n\
             tab here\tNA\tNA\tNA\tNA\t0.050\n"
        );
    }

    #[test]
    fn latex_is_stable() {
        assert_eq!(
            sample().to_latex(),
            "\\begin{tabular}{lrrr}\n\\toprule\nset & n & auroc & p \\\\\n\\midrule\n\
             A\\_\\textless{}\\&\"\\textgreater{}' & 500 & 0.934 [0.920, 0.951] & $1.2 \\times 10^{-7}$ \\\\\n\
             tab here & -- & -- & 0.050 \\\\\n\\bottomrule\n\\end{tabular}\n"
        );
    }

    #[test]
    fn html_escapes_and_aligns() {
        assert_eq!(
            sample().to_html(),
            "<table><thead><tr><th scope=\"col\">set</th><th scope=\"col\" class=\"n\">n</th>\
             <th scope=\"col\" class=\"n\">auroc</th><th scope=\"col\" class=\"n\">p</th></tr></thead><tbody>\n\
             <tr><td>A_&lt;&amp;&quot;&gt;&#39;</td><td class=\"n\">500</td><td class=\"n\">0.934 [0.920, 0.951]</td>\
             <td class=\"n\">1.2e-7</td></tr>\n\
             <tr><td>tab here</td><td class=\"n\">–</td><td class=\"n\">–</td><td class=\"n\">0.050</td></tr>\n\
             </tbody></table>\n"
        );
    }

    #[test]
    fn numbers_keep_their_digits() {
        let cases = [
            (0.0, "0"),
            (0.05, "0.050"),
            (0.000_999_6, "0.0010"),
            (0.000_94, "9.4e-4"),
            (12.34, "12"),
            (123_456.0, "1.2e5"),
            (1.0, "1.0"),
        ];
        for (value, wanted) in cases {
            assert_eq!(significant(value, 2), wanted);
        }
        assert_eq!(number_text(-0.00001, Format::Fixed(3)).unwrap(), "0.000");
        assert_eq!(number_text(f64::INFINITY, Format::Exact).unwrap(), "inf");
        assert_eq!(number_text(0.1 + 0.2, Format::Exact).unwrap(), "0.30000000000000004");
        assert_eq!(number_text(f64::NAN, Format::Fixed(3)), None);
    }

    #[test]
    fn an_estimate_without_bounds_stands_alone() {
        let text = |low, high| printed(&Cell::Estimate(0.5, low, high), Format::Estimate(2)).unwrap();
        assert_eq!(text(f64::NAN, f64::NAN), "0.50");
        assert_eq!(text(0.25, f64::NAN), "0.50 [0.25, –]");
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let mut table = sample();
        let short = table.push(vec!["x".into()]).unwrap_err();
        assert_eq!(short.to_string(), "table row 2: found 1 cells, wanted 4");
        let wrong =
            table.push(vec!["x".into(), 0.5.into(), Cell::Missing, Cell::Missing]).unwrap_err().to_string();
        assert_eq!(wrong, "table row 2, column `n`: found a number, wanted a whole number");
        assert_eq!(table.rows().len(), 2);
    }
}
