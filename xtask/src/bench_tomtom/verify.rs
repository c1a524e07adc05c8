//! Whether motif matches are those of MEME Suite's tomtom, line by line.
//!
//! Each table in the folder, and in the folders below it, ends with the command that made it. That command names
//! the options and the motif files, which are looked for beside the table; the same comparison is run here. Of
//! the Euclidean distance every line must come out again, in its place and in every column; of the others query,
//! target, offset, overlap, consensus and orientation must, and p-values within 1e-5. A table whose command
//! names a target file that is not there cannot come out again, since centres and scale come from all targets; how
//! many of its alignments do is said, and it counts as no agreement.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use demo_core::AlphabetMotif;
use demo_data::{AlphabetCollection, MotifReading, read_any_motifs, read_background};
use demo_motifmatch::{AlphabetTomtom, Distance, Options, Scale, Scoring, Threshold, tsv};
use flate2::read::MultiGzDecoder;

/// How far a number may be off, relative to it.
const TOLERANCE: f64 = 1e-5;
/// Columns of a table.
const P: usize = 3;
const Q: usize = 5;

/// Compares all tables of the folder and fails where one differs.
pub(super) fn run(folder: &Path) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let (mut compared, mut differing, mut partial) = (0, 0, 0);
    for path in tables(folder)? {
        let name = path.strip_prefix(folder).unwrap_or(&path).display();
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
        partial += usize::from(!outcome.missing.is_empty());
        differing += usize::from(outcome.missing.is_empty() && !outcome.agrees());
    }
    if compared == 0 {
        bail!("{}: found no table of tomtom, wanted at least one", folder.display());
    }
    let whole = compared - partial;
    writeln!(out, "{} of {whole} tables agree; {partial} could be compared in part", whole - differing)?;
    if differing > 0 {
        bail!("{differing} of {whole} tables differ");
    }
    Ok(())
}

/// How a table compares.
#[derive(Debug)]
struct Outcome {
    distance: Distance,
    wanted: usize,
    made: usize,
    /// Lines that are the same in every column.
    identical: usize,
    /// Lines of the same query, target, offset, overlap, consensus and orientation.
    aligned: usize,
    /// Lines whose p-value agrees, and those whose q-value does.
    p_values: usize,
    q_values: usize,
    /// Target files that are not there.
    missing: Vec<String>,
    /// The first line that differs in what must agree, as wanted and as made.
    first: Option<(String, String)>,
    seconds: f64,
}

impl Outcome {
    fn agrees(&self) -> bool {
        let all = |lines: usize| lines == self.wanted && self.made == self.wanted;
        all(self.aligned)
            && all(self.p_values)
            && (self.distance != Distance::Euclidean || all(self.identical))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { wanted, made, identical, aligned, p_values, q_values, .. } = self;
        if self.missing.is_empty() {
            write!(
                f,
                "{identical} of {wanted} lines identical; alignments {aligned}, p {p_values}, q {q_values} of {wanted}"
            )?;
            if made != wanted {
                write!(f, "; {made} lines made")?;
            }
        } else {
            let missing = self.missing.join(", ");
            write!(
                f,
                "in part, {missing} is not there: {aligned} of {wanted} alignments with other targets"
            )?;
        }
        write!(f, " ({:.3} s)", self.seconds)?;
        if let Some((wanted, made)) = &self.first {
            write!(f, "\n  wanted {wanted}\n  made   {made}")?;
        }
        Ok(())
    }
}

/// What the last line of a table says.
#[derive(Debug)]
struct Command {
    options: Options,
    query: String,
    targets: Vec<String>,
    background: Option<String>,
    ids: Vec<String>,
    indices: Vec<usize>,
}

impl Command {
    /// Reads the command, or says why the table cannot be compared.
    fn of(table: &str) -> std::result::Result<Self, String> {
        let line = table.lines().rev().find_map(|line| line.strip_prefix("# tomtom "));
        let Some(line) = line else { return Err("its last line names no tomtom command".into()) };
        // Tomtom's own defaults; ours asks for five columns and keeps its scale from collapsing.
        let mut options = Options { min_overlap: 1, scale: Scale::Meme, ..Options::default() };
        let (mut files, mut limit, mut by_e_value) = (Vec::new(), None, false);
        let (mut background, mut ids, mut indices) = (None, Vec::new(), Vec::new());
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} has no value"));
            let number = |text: &str| text.parse::<f64>().map_err(|_| format!("{word} {text} is no number"));
            match word {
                "-no-ssc" | "-text" | "-xalph" => {}
                "-verbosity" | "-oc" | "-o" => drop(value()?),
                "-dist" => {
                    let name = value()?;
                    options.distance =
                        Distance::named(name).ok_or_else(|| format!("distance {name} is not offered"))?;
                }
                "-min-overlap" => options.min_overlap = number(value()?)? as usize,
                "-thresh" => limit = Some(number(value()?)?),
                "-evalue" => by_e_value = true,
                "-norc" => options.both_strands = false,
                "-internal" => options.internal = true,
                "-incomplete-scores" => options.scoring = Scoring::Incomplete,
                "-motif-pseudo" => options.motif_pseudocount = number(value()?)?,
                "-bfile" => background = Some(value()?.to_owned()),
                "-m" => ids.push(value()?.to_owned()),
                "-mi" => indices.push(number(value()?)? as usize),
                _ if word.starts_with('-') => return Err(format!("option {word} is not offered")),
                file => files.push(file.to_owned()),
            }
        }
        options.threshold = match (by_e_value, limit) {
            (true, limit) => Threshold::EValue(limit.unwrap_or(10.0)),
            (false, limit) => Threshold::QValue(limit.unwrap_or(0.5)),
        };
        match files.as_slice() {
            [query, targets @ ..] if !targets.is_empty() => Ok(Self {
                options,
                query: query.clone(),
                targets: targets.to_vec(),
                background,
                ids,
                indices,
            }),
            _ => Err(format!("its command names {} motif files, not two or more", files.len())),
        }
    }

    fn chooses(&self, index: usize, motif: &AlphabetMotif) -> bool {
        let all = self.ids.is_empty() && self.indices.is_empty();
        all || self.indices.contains(&(index + 1)) || self.ids.iter().any(|id| id == motif.id())
    }
}

fn compare(path: &Path, table: &str, command: &Command) -> Result<Outcome> {
    let Some(query) = beside(path, &command.query)? else {
        bail!("its command names {}, wanted that file beside it", command.query);
    };
    let query = motifs(&query)?;
    let (mut targets, mut missing) = (Vec::new(), Vec::new());
    for named in &command.targets {
        match beside(path, named)? {
            Some(found) => targets.extend(motifs(&found)?.motifs),
            None => missing.push(named.clone()),
        }
    }
    let background = match &command.background {
        Some(named) => {
            let found = beside(path, named)?.with_context(|| format!("its command names {named}"))?;
            read_background(&found, &query.alphabet)?
        }
        None => query.background.clone().unwrap_or_else(|| {
            vec![1.0 / query.alphabet.letters().len() as f64; query.alphabet.letters().len()]
        }),
    };
    let queries: Vec<AlphabetMotif> = query
        .motifs
        .iter()
        .enumerate()
        .filter(|(i, motif)| command.chooses(*i, motif))
        .map(|(_, m)| m.clone())
        .collect();
    let mut options = command.options.clone();
    if !missing.is_empty() {
        // Ranks and limits depend on the targets that are not there.
        options.threshold = Threshold::EValue(f64::MAX);
    }
    let distance = options.distance;
    let start = Instant::now();
    let tomtom = AlphabetTomtom::new(&targets, &background, options)?;
    let mut made = Vec::new();
    tomtom.query_each(&queries, |i, matches| {
        tsv::write_matches(&mut made, queries[i].id(), &matches).map_err(anyhow::Error::from)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let made = String::from_utf8(made)?;
    let made: Vec<&str> = made.lines().collect();
    let wanted: Vec<&str> = table.lines().take_while(|line| !line.is_empty()).skip(1).collect();
    let mut outcome = if missing.is_empty() {
        in_order(&wanted, &made, distance)
    } else {
        in_part(&wanted, &made, distance)
    };
    (outcome.seconds, outcome.missing) = (seconds, missing);
    Ok(outcome)
}

/// All lines, each with the one in its place.
fn in_order(wanted: &[&str], made: &[&str], distance: Distance) -> Outcome {
    let mut outcome = Outcome::new(distance, wanted.len(), made.len());
    for (&wanted, &made) in wanted.iter().zip(made) {
        let columns: (Vec<&str>, Vec<&str>) = (wanted.split('\t').collect(), made.split('\t').collect());
        let (same, aligned) = (wanted == made, is_aligned(&columns.0, &columns.1));
        let (p, q) = (is_near(&columns.0, &columns.1, P), is_near(&columns.0, &columns.1, Q));
        outcome.identical += usize::from(same);
        outcome.aligned += usize::from(aligned);
        outcome.p_values += usize::from(p);
        outcome.q_values += usize::from(q);
        let agrees = aligned && p && (same || distance != Distance::Euclidean);
        if !agrees && outcome.first.is_none() {
            outcome.first = Some((wanted.to_owned(), made.to_owned()));
        }
    }
    outcome
}

/// The alignments with targets that are there, wherever they stand.
fn in_part(wanted: &[&str], made: &[&str], distance: Distance) -> Outcome {
    let made: Vec<Vec<&str>> = made.iter().map(|line| line.split('\t').collect()).collect();
    let wanted: Vec<Vec<&str>> = wanted.iter().map(|line| line.split('\t').collect()).collect();
    let of_same = |wanted: &[&str]| made.iter().filter(|made| made[..2] == wanted[..2]).collect::<Vec<_>>();
    let known: Vec<&Vec<&str>> = wanted.iter().filter(|wanted| !of_same(wanted).is_empty()).collect();
    let mut outcome = Outcome::new(distance, known.len(), made.len());
    for wanted in known {
        let same = of_same(wanted);
        let aligned = same.iter().any(|made| is_aligned(wanted, made));
        outcome.aligned += usize::from(aligned);
        if !aligned && outcome.first.is_none() {
            outcome.first = Some((wanted.join("\t"), same[0].join("\t")));
        }
    }
    outcome
}

impl Outcome {
    fn new(distance: Distance, wanted: usize, made: usize) -> Self {
        Self {
            distance,
            wanted,
            made,
            identical: 0,
            aligned: 0,
            p_values: 0,
            q_values: 0,
            missing: Vec::new(),
            first: None,
            seconds: 0.0,
        }
    }
}

/// Whether two lines are of the same alignment: all columns but the three statistics.
fn is_aligned(wanted: &[&str], made: &[&str]) -> bool {
    wanted.len() == made.len()
        && wanted.iter().zip(made).enumerate().all(|(column, (a, b))| (P..=Q).contains(&column) || a == b)
}

fn is_near(wanted: &[&str], made: &[&str], column: usize) -> bool {
    let number = |line: &[&str]| line.get(column).and_then(|word| word.parse::<f64>().ok());
    match (number(wanted), number(made)) {
        (Some(wanted), Some(made)) => (made - wanted).abs() <= TOLERANCE * wanted.abs(),
        _ => false,
    }
}

/// A file that a command named, looked for beside the table: by its name, or by a name that begins with the
/// same stem.
fn beside(table: &Path, named: &str) -> Result<Option<PathBuf>> {
    let folder = table.parent().unwrap_or(Path::new("."));
    let named = Path::new(named);
    let exact = folder.join(named.file_name().unwrap_or_default());
    if exact.is_file() {
        return Ok(Some(exact));
    }
    let stem = named.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let similar = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with(&stem) && name.contains(".meme")
    };
    Ok(files(folder)?.into_iter().find(similar))
}

fn motifs(path: &Path) -> Result<AlphabetCollection> {
    Ok(read_any_motifs(path, &MotifReading::default())?)
}

/// The tables of a folder and of those below it, sorted by name.
fn tables(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut tables = Vec::new();
    for path in files(folder)? {
        let is_table = |path: &Path| path.extension().is_some_and(|extension| extension == "tsv");
        let is_packed = path.extension().is_some_and(|extension| extension == "gz");
        if path.is_dir() {
            tables.extend(self::tables(&path)?);
        } else if is_table(&path) || is_packed && is_table(&path.with_extension("")) {
            tables.push(path);
        }
    }
    Ok(tables)
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
            scale: Scale::Meme,
            ..Options::default()
        };
        assert_eq!((command.options, &*command.query), (options, "a.meme"));
        assert_eq!(command.targets, ["b/c.meme"]);
        let refused = |words: &str| Command::of(&format!("# tomtom {words} a b")).err().unwrap();
        assert_eq!(refused("-dist cosine"), "distance cosine is not offered");
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
        assert!(run(folder.path()).is_err());
        let text = read_text(&path).unwrap();
        let outcome = compare(&path, &text, &Command::of(&text).unwrap()).unwrap();
        let (_, made) = outcome.first.unwrap();
        assert_eq!((outcome.identical, outcome.wanted, outcome.made), (0, 1, 1));
        fs::write(&path, table(&made)).unwrap();
        run(folder.path()).unwrap();
    }
}
