//! Writes motifs for other programs.
//!
//! Probabilities are printed with six decimals, as MEME does, or with as many as it takes to read the same
//! number again: what another program computes from the file is what was computed here.

use std::fmt::Write;
use std::path::Path;

use demo_core::{Background, Motif};

use super::{MotifCollection, MotifFormat};
use crate::Result;
use crate::text::write_whole;

/// Site count of a motif that does not know its own, where a format asks for counts or sites.
const SITE_COUNT: f64 = 100.0;

/// The collection as a text of this format.
///
/// Formats of counts get probability times site count, or times 100 where that is unknown.
pub fn format_motifs(collection: &MotifCollection, format: MotifFormat) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail, so these results carry nothing.
    let _ = match format {
        MotifFormat::Meme => meme(&mut text, collection),
        MotifFormat::Jaspar => jaspar(&mut text, &collection.motifs),
        MotifFormat::Transfac => transfac(&mut text, &collection.motifs),
        MotifFormat::Hocomoco => hocomoco(&mut text, &collection.motifs),
    };
    text
}

/// The motifs as a table with one line a position: `motif name position A C G T`.
pub fn format_motifs_tsv(collection: &MotifCollection) -> String {
    let mut text = String::from("motif\tname\tposition\tA\tC\tG\tT\n");
    for motif in &collection.motifs {
        for (position, row) in (1..).zip(motif.probabilities().rows()) {
            let [a, c, g, t] = row.map(decimals);
            let name = motif.name().unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}\t{name}\t{position}\t{a}\t{c}\t{g}\t{t}", motif.id());
        }
    }
    text
}

/// Writes [`format_motifs`]; gzip where the name ends with `.gz`.
///
/// # Errors
/// [`crate::Error::Write`].
pub fn write_motifs(path: &Path, collection: &MotifCollection, format: MotifFormat) -> Result<()> {
    write_whole(path, |out| out.write_all(format_motifs(collection, format).as_bytes()))
}

/// Writes [`format_motifs_tsv`]; gzip where the name ends with `.gz`.
///
/// # Errors
/// [`crate::Error::Write`].
pub fn write_motifs_tsv(path: &Path, collection: &MotifCollection) -> Result<()> {
    write_whole(path, |out| out.write_all(format_motifs_tsv(collection).as_bytes()))
}

fn meme(text: &mut String, collection: &MotifCollection) -> std::fmt::Result {
    let [a, c, g, t] = collection.background.unwrap_or(Background::UNIFORM).frequencies().map(decimals);
    write!(text, "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n")?;
    write!(text, "Background letter frequencies\nA {a} C {c} G {g} T {t}\n")?;
    for motif in &collection.motifs {
        let name = motif.name().map(|name| format!(" {name}")).unwrap_or_default();
        let sites = motif.site_count().unwrap_or(SITE_COUNT);
        let e_value = motif.e_value().unwrap_or(0.0);
        write!(text, "\nMOTIF {}{name}\n", motif.id())?;
        let width = motif.width();
        writeln!(text, "letter-probability matrix: alength= 4 w= {width} nsites= {sites} E= {e_value}")?;
        for row in motif.probabilities().rows() {
            let [a, c, g, t] = row.map(decimals);
            writeln!(text, " {a}  {c}  {g}  {t}")?;
        }
    }
    Ok(())
}

fn jaspar(text: &mut String, motifs: &[Motif]) -> std::fmt::Result {
    for motif in motifs {
        writeln!(
            text,
            ">{}{}",
            motif.id(),
            motif.name().map(|name| format!("\t{name}")).unwrap_or_default()
        )?;
        let rows = counts(motif);
        for (base, letter) in ['A', 'C', 'G', 'T'].into_iter().enumerate() {
            let numbers: Vec<String> = rows.iter().map(|row| row[base].to_string()).collect();
            writeln!(text, "{letter}  [ {} ]", numbers.join(" "))?;
        }
    }
    Ok(())
}

fn transfac(text: &mut String, motifs: &[Motif]) -> std::fmt::Result {
    for motif in motifs {
        writeln!(text, "AC {}\nXX\nID {}\nXX", motif.id(), motif.name().unwrap_or(motif.id()))?;
        writeln!(text, "P0\tA\tC\tG\tT")?;
        for (position, row) in (1..).zip(counts(motif)) {
            let [a, c, g, t] = row;
            writeln!(text, "{position:02}\t{a}\t{c}\t{g}\t{t}")?;
        }
        writeln!(text, "XX\n//")?;
    }
    Ok(())
}

fn hocomoco(text: &mut String, motifs: &[Motif]) -> std::fmt::Result {
    for motif in motifs {
        writeln!(text, ">{}", motif.id())?;
        for [a, c, g, t] in counts(motif) {
            writeln!(text, "{a}\t{c}\t{g}\t{t}")?;
        }
    }
    Ok(())
}

/// Probability times site count; what is a whole number but for rounding errors becomes one.
fn counts(motif: &Motif) -> Vec<[f64; 4]> {
    let sites = motif.site_count().filter(|&sites| sites > 0.0).unwrap_or(SITE_COUNT);
    let count = |p: f64| {
        let count = p * sites;
        if (count - count.round()).abs() < 1e-9 * sites { count.round() } else { count }
    };
    motif.probabilities().rows().iter().map(|row| row.map(count)).collect()
}

/// Six decimals, or as many as give the same number back.
fn decimals(p: f64) -> String {
    let short = format!("{p:.6}");
    if short.parse() == Ok(p) { short } else { format!("{p}") }
}
