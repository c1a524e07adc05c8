//! `cargo xtask bench tomtom`: whether motif matches are those of MEME Suite's tomtom, line by line.
//!
//! Each table in the folder ends with the command that made it. That command names the options and the two
//! motif files, which are looked for beside the table; the same comparison is run here, and every line of the
//! table must come out again, in its place.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use demo_core::{Background, Motif};
use demo_data::{MotifReading, read_motifs};
use demo_motifmatch::{Options, Scoring, Threshold, Tomtom, tsv};
use flate2::read::MultiGzDecoder;

/// Arguments of `cargo xtask bench tomtom`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder with tables of tomtom (`.tsv` or `.tsv.gz`) beside the motif files they were made from.
    #[arg(long, value_name = "DIR")]
    verify: PathBuf,
}

/// Compares all tables of the folder and fails where a line differs.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let (mut compared, mut differing) = (0, 0);
    for path in tables(&args.verify)? {
        let name = path.file_name().unwrap_or_default().display();
        let text = read_text(&path)?;
        let command = match Command::of(&text) {
            Ok(command) => command,
            Err(reason) => {
                writeln!(out, "{name}: passed over: {reason}")?;
                continue;
            }
        };
        let outcome = compare(&path, &text, &command).with_context(|| path.display().to_string())?;
        writeln!(out, "{name}: {outcome}")?;
        compared += 1;
        differing += usize::from(!outcome.is_identical());
    }
    if compared == 0 {
        bail!("{}: found no table of tomtom with -dist ed, wanted at least one", args.verify.display());
    }
    if differing > 0 {
        bail!("{differing} of {compared} tables differ");
    }
    Ok(())
}

/// How a table compares.
struct Outcome {
    identical: usize,
    wanted: usize,
    made: usize,
    /// The first line that differs, as wanted and as made.
    first: Option<(String, String)>,
    seconds: f64,
}

impl Outcome {
    fn is_identical(&self) -> bool {
        self.identical == self.wanted && self.made == self.wanted
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} lines identical", self.identical, self.wanted)?;
        if self.made != self.wanted {
            write!(f, ", {} made", self.made)?;
        }
        write!(f, " ({:.3} s)", self.seconds)?;
        if let Some((wanted, made)) = &self.first {
            write!(f, "\n  wanted {wanted}\n  made   {made}")?;
        }
        Ok(())
    }
}

/// What the last line of a table says.
struct Command {
    options: Options,
    query: String,
    target: String,
}

impl Command {
    /// Reads the command, or says why the table cannot be compared.
    fn of(table: &str) -> std::result::Result<Self, String> {
        let line = table.lines().rev().find_map(|line| line.strip_prefix("# tomtom "));
        let Some(line) = line else { return Err("its last line names no tomtom command".into()) };
        // Tomtom's own default; ours asks for five columns.
        let mut options = Options { min_overlap: 1, ..Options::default() };
        let (mut files, mut limit, mut by_e_value) = (Vec::new(), None, false);
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} has no value"));
            let number = |text: &str| text.parse::<f64>().map_err(|_| format!("{word} {text} is no number"));
            match word {
                "-no-ssc" | "-text" => {}
                "-verbosity" | "-oc" | "-o" => drop(value()?),
                "-dist" => match value()? {
                    "ed" => {}
                    other => return Err(format!("distance {other} is not offered")),
                },
                "-min-overlap" => options.min_overlap = number(value()?)? as usize,
                "-thresh" => limit = Some(number(value()?)?),
                "-evalue" => by_e_value = true,
                "-norc" => options.both_strands = false,
                "-internal" => options.internal = true,
                "-incomplete-scores" => options.scoring = Scoring::Incomplete,
                "-motif-pseudo" => options.motif_pseudocount = number(value()?)?,
                _ if word.starts_with('-') => return Err(format!("option {word} is not offered")),
                file => files.push(file.to_owned()),
            }
        }
        options.threshold = match (by_e_value, limit) {
            (true, limit) => Threshold::EValue(limit.unwrap_or(10.0)),
            (false, limit) => Threshold::QValue(limit.unwrap_or(0.5)),
        };
        match <[String; 2]>::try_from(files) {
            Ok([query, target]) => Ok(Self { options, query, target }),
            Err(files) => Err(format!("its command names {} motif files, not two", files.len())),
        }
    }
}

fn compare(path: &Path, table: &str, command: &Command) -> Result<Outcome> {
    let (queries, background) = motifs(path, &command.query)?;
    let (targets, _) = motifs(path, &command.target)?;
    let options =
        Options { background: background.unwrap_or(Background::UNIFORM), ..command.options.clone() };
    let start = Instant::now();
    let matches = Tomtom::new(&targets, options)?.query_all(&queries);
    let seconds = start.elapsed().as_secs_f64();
    let mut made = Vec::new();
    tsv::write_header(&mut made)?;
    for (query, matches) in queries.iter().zip(&matches) {
        tsv::write_matches(&mut made, query.id(), matches)?;
    }
    let made = String::from_utf8(made)?;
    let wanted: Vec<&str> = table.lines().take_while(|line| !line.is_empty()).skip(1).collect();
    let made: Vec<&str> = made.lines().skip(1).collect();
    let mut pairs = wanted.iter().zip(&made);
    let identical = pairs.clone().filter(|(wanted, made)| wanted == made).count();
    let first = pairs.find(|(wanted, made)| wanted != made);
    let first = first.map(|(wanted, made)| ((*wanted).to_owned(), (*made).to_owned()));
    Ok(Outcome { identical, wanted: wanted.len(), made: made.len(), first, seconds })
}

/// The motifs of a file that a command named, looked for beside the table: by its name, or by a name that
/// begins with the same stem.
fn motifs(table: &Path, named: &str) -> Result<(Vec<Motif>, Option<Background>)> {
    let folder = table.parent().unwrap_or(Path::new("."));
    let named = Path::new(named);
    let exact = folder.join(named.file_name().unwrap_or_default());
    let stem = named.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let similar = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with(&stem) && name.contains(".meme")
    };
    let found = if exact.is_file() { Some(exact) } else { files(folder)?.into_iter().find(similar) };
    let Some(found) = found else {
        bail!("its command names {}, wanted that file or {stem}*.meme beside it", named.display());
    };
    let collection = read_motifs(&found, &MotifReading::default())?;
    Ok((collection.motifs, collection.background))
}

/// The tables of a folder, sorted by name.
fn tables(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_table = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".tsv") || name.ends_with(".tsv.gz")
    };
    Ok(files(folder)?.into_iter().filter(is_table).collect())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn read_text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let text = if path.extension().is_some_and(|extension| extension == "gz") {
        std::io::read_to_string(MultiGzDecoder::new(bytes.as_slice()))
    } else {
        std::io::read_to_string(bytes.as_slice())
    };
    text.with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_of_a_table_is_understood() {
        let table = "Query_ID\n\n# Tomtom\n# tomtom -no-ssc -text -dist ed -evalue -norc a.meme b/c.meme\n";
        let command = Command::of(table).unwrap();
        let options = Options {
            min_overlap: 1,
            both_strands: false,
            threshold: Threshold::EValue(10.0),
            ..Options::default()
        };
        assert_eq!((command.options, &*command.query, &*command.target), (options, "a.meme", "b/c.meme"));
        let refused = |words: &str| Command::of(&format!("# tomtom {words} a b")).err().unwrap();
        assert_eq!(refused("-dist allr"), "distance allr is not offered");
        assert_eq!(refused("-seed 3"), "option -seed is not offered");
    }

    #[test]
    fn a_changed_line_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let motif = "MEME version 4\n\nMOTIF m\nletter-probability matrix: w= 2\n1 0 0 0\n0 1 0 0\n";
        fs::write(folder.path().join("m.meme"), motif).unwrap();
        let table = |line: &str| format!("header\n{line}\n\n# tomtom -thresh 1 m.meme m.meme\n");
        let path = folder.path().join("m.tsv");
        fs::write(&path, table("m\tm\t0\t0.5\t0.5\t0.5\t2\tAC\tAC\t+")).unwrap();
        assert!(run(&Args { verify: folder.path().to_owned() }).is_err());
        let text = read_text(&path).unwrap();
        let outcome = compare(&path, &text, &Command::of(&text).unwrap()).unwrap();
        let (_, made) = outcome.first.unwrap();
        assert_eq!((outcome.identical, outcome.wanted, outcome.made), (0, 1, 1));
        fs::write(&path, table(&made)).unwrap();
        run(&Args { verify: folder.path().to_owned() }).unwrap();
    }
}
