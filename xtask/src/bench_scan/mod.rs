//! `cargo xtask bench scan`: the motif scan beside other scanners, on the same motifs and sequence.
//!
//! JASPAR 2016 vertebrates, a simulated sequence of independent bases, both strands, p up to 1e-4. Turns go
//! round, ours first, so that all meet the same machine; a ratio is the median of the turns' ratios. Then
//! the hits themselves are compared.

mod peer;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use demo_core::{Background, CountMatrix, DnaSequence, Motif, Seed};
use demo_motifmatch::{Hit, ScanOptions, ScanThreshold, Scanner};
use rand::Rng as _;

use peer::{Peer, Problem, ProblemMotif};

/// The threshold of FIMO and of memelite.
const P: f64 = 1e-4;

/// Arguments of `cargo xtask bench scan`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A Python with memelite, lightmotif or MOODS to compare with; without it, our own figures alone
    #[arg(long, value_name = "PYTHON")]
    peer: Option<PathBuf>,
    /// Threads of ours and of memelite; the others know one
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// Bases of the sequence
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    bases: usize,
    /// Motifs, the first ones of JASPAR that can have a hit
    #[arg(long, value_name = "N", default_value_t = 510)]
    motifs: usize,
    /// Turns of each
    #[arg(long, default_value_t = 9, value_name = "N")]
    rounds: usize,
}

/// A window that some scanner calls a hit: motif, start, whether on the forward strand.
type Window = (usize, usize, bool);

/// Measures and compares, and prints a table.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.threads == 0 || args.bases == 0 || args.motifs == 0 || args.rounds == 0 {
        bail!("--threads, --bases, --motifs, --rounds: found 0, wanted at least 1");
    }
    let options = ScanOptions { threshold: ScanThreshold::PValue(P), ..ScanOptions::default() };
    let all = &demo_data::embedded::jaspar2016().motifs;
    let able = Scanner::new(all, options.clone())?;
    let motifs: Vec<Motif> = (0..all.len())
        .filter(|&motif| able.least_score(motif).is_some())
        .take(args.motifs)
        .map(|motif| all[motif].clone())
        .collect();
    let mut stream = Seed::new(1).stream("scan benchmark");
    let codes: Vec<u8> = (0..args.bases).map(|_| stream.random_range(0..4)).collect();
    let sequence = DnaSequence::from_codes(codes)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads).build()?;
    let scanner = pool.install(|| Scanner::new(&motifs, options.clone()))?;
    let mut peer = match &args.peer {
        Some(python) => Some(Peer::start(python, args.threads, &problem(&motifs, &scanner, &sequence)?)?),
        None => None,
    };
    let ours = || -> Result<(f64, f64)> {
        let start = Instant::now();
        let fresh = pool.install(|| Scanner::new(&motifs, options.clone()))?;
        let prepared = start.elapsed().as_secs_f64();
        std::hint::black_box(pool.install(|| fresh.scan(&sequence)));
        Ok((prepared, start.elapsed().as_secs_f64() - prepared))
    };
    let hits = pool.install(|| scanner.scan(&sequence));
    let names = peer.as_ref().map(Peer::names).unwrap_or_default();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} motifs, {} bases, both strands, p <= {P}, {} threads; median of {} turns",
        motifs.len(),
        sequence.len(),
        args.threads,
        args.rounds
    )?;
    let turns = turns(args.rounds, &ours, peer.as_mut(), &names)?;
    let windows = 2.0 * motifs.len() as f64 * sequence.len() as f64;
    let (prepare, scan) = (median(turns.prepare), median(turns.scan.clone()));
    writeln!(out, "{:26} {:>9} {:>12} {:>8}", "", "seconds", "windows/s", "hits")?;
    writeln!(out, "{:26} {prepare:9.4} {:>12} {:>8}", "ours, preparing motifs", "", "")?;
    writeln!(out, "{:26} {scan:9.4} {:12.3e} {:>8}", "ours, scanning", windows / scan, hits.len())?;
    for (index, (key, name)) in names.iter().enumerate() {
        // memelite prepares its motifs within its one call, so it is compared with all of ours.
        let whole = key == "memelite";
        let our = |(prepare, scan): (f64, f64)| if whole { prepare + scan } else { scan };
        let ratio = |(turn, &seconds): (&(f64, f64), &f64)| seconds / our(*turn);
        let seconds = &turns.peers[index];
        let ratio = median(turns.ours.iter().zip(seconds).map(ratio).collect());
        let seconds = median(seconds.clone());
        let found = peer.as_mut().map(|peer| peer.hits(key)).transpose()?.unwrap_or_default();
        let beside = if whole { "of ours, preparing too" } else { "of our scan" };
        writeln!(
            out,
            "{name:26} {seconds:9.4} {:12.3e} {:>8}  {ratio:.1} times the time {beside}; {}",
            windows / seconds,
            found.len(),
            agreement(&hits, &found)
        )?;
    }
    Ok(())
}

/// Seconds of all turns.
#[derive(Default)]
struct Turns {
    prepare: Vec<f64>,
    scan: Vec<f64>,
    ours: Vec<(f64, f64)>,
    peers: Vec<Vec<f64>>,
}

fn turns(
    rounds: usize,
    ours: &dyn Fn() -> Result<(f64, f64)>,
    mut peer: Option<&mut Peer>,
    names: &[(String, String)],
) -> Result<Turns> {
    let mut turns = Turns { peers: vec![Vec::new(); names.len()], ..Turns::default() };
    // The first turn warms up.
    for round in 0..=rounds {
        let (prepare, scan) = ours()?;
        let mut seconds = Vec::new();
        if let Some(peer) = &mut peer {
            for (key, _) in names {
                seconds.push(peer.seconds(key)?);
            }
        }
        if round > 0 {
            turns.prepare.push(prepare);
            turns.scan.push(scan);
            turns.ours.push((prepare, scan));
            turns.peers.iter_mut().zip(seconds).for_each(|(all, seconds)| all.push(seconds));
        }
    }
    Ok(turns)
}

/// What the peers get: the same probabilities, log-odds and least scores that our scan has.
fn problem(motifs: &[Motif], scanner: &Scanner, sequence: &DnaSequence) -> Result<Problem> {
    let background = Background::UNIFORM;
    let one = |(index, motif): (usize, &Motif)| -> Result<ProblemMotif> {
        let sites = motif.site_count().unwrap_or(100.0);
        let counts =
            motif.probabilities().to_normalised().rows().iter().map(|row| row.map(|p| p * sites)).collect();
        let probabilities = CountMatrix::new(counts)?.to_probabilities(0.1, &background);
        let log_odds = probabilities.to_log_odds(&background).rows().to_vec();
        // Half of a score's rounding lower, so that what is on the edge for us is within for them.
        let score = scanner.least_score(index).unwrap_or(f64::INFINITY) - 0.005;
        Ok(ProblemMotif { probabilities: probabilities.rows().to_vec(), log_odds, score })
    };
    let motifs = motifs.iter().enumerate().map(one).collect::<Result<_>>()?;
    Ok(Problem { motifs, p: P, sequence: sequence.to_string() })
}

/// How many hits both have, and how many one alone.
fn agreement(ours: &[Hit], theirs: &BTreeSet<Window>) -> String {
    let ours: BTreeSet<Window> =
        ours.iter().map(|hit| (hit.motif, hit.start, hit.strand.symbol() == '+')).collect();
    let both = ours.intersection(theirs).count();
    format!("{both} hits of both, {} ours alone, {} theirs alone", ours.len() - both, theirs.len() - both)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
