//! The calibrated null on JASPAR's motifs: uniform where there is nothing to find, small where there is.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::io::Read as _;

use demo_core::{CountMatrix, Motif, ProbabilityMatrix, Seed};
use demo_motifmatch::{LOW_INFORMATION, NullModel, Options, QValues, Threshold, Tomtom};
use rand::seq::SliceRandom as _;

/// Every third motif of JASPAR 2016 CORE vertebrates.
fn motifs() -> Vec<Motif> {
    let bytes = include_bytes!("../../../data/jaspar2016_core_vertebrates.jaspar.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    let records: Vec<&str> = text.split('>').skip(1).step_by(3).collect();
    records.into_iter().map(motif).collect()
}

fn motif(record: &str) -> Motif {
    let mut lines = record.lines();
    let id = lines.next().unwrap().split_whitespace().next().unwrap();
    let counts: Vec<Vec<f64>> =
        lines.map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect()).collect();
    let rows = (0..counts[0].len()).map(|position| std::array::from_fn(|base| counts[base][position]));
    let counts = CountMatrix::new(rows.collect()).unwrap();
    let sites = counts.site_count();
    Motif::new(id, counts.to_probabilities(0.0, &demo_core::Background::UNIFORM)).with_site_count(sites)
}

/// The motifs with the columns of each in random order.
fn shuffled(motifs: &[Motif]) -> Vec<Motif> {
    let mut stream = Seed::new(11).stream("shuffled motifs");
    let shuffle = |motif: &Motif| {
        let mut rows = motif.probabilities().rows().to_vec();
        rows.shuffle(&mut stream);
        Motif::new(motif.id(), ProbabilityMatrix::new(rows).unwrap())
            .with_site_count(motif.site_count().unwrap())
    };
    motifs.iter().map(shuffle).collect()
}

fn flat(width: usize) -> Motif {
    Motif::new("flat", ProbabilityMatrix::new(vec![[0.25; 4]; width]).unwrap())
}

/// A motif of hardly any information: 40 % of one base.
fn poor(width: usize) -> Motif {
    let row = |i: usize| std::array::from_fn(|base| if base == i % 4 { 0.4 } else { 0.2 });
    Motif::new("poor", ProbabilityMatrix::new((0..width).map(row).collect()).unwrap())
}

fn options(null: NullModel) -> Options {
    Options {
        null,
        q_values: QValues::BenjaminiHochberg,
        threshold: Threshold::QValue(1.0),
        ..Options::default()
    }
}

/// The largest distance of the p-values' distribution from the uniform one (Kolmogorov and Smirnov).
fn distance_from_uniform(mut p: Vec<f64>) -> f64 {
    p.sort_by(f64::total_cmp);
    let n = p.len() as f64;
    let gap = |(i, p): (usize, &f64)| (p - i as f64 / n).abs().max((p - (i + 1) as f64 / n).abs());
    p.iter().enumerate().map(gap).fold(0.0, f64::max)
}

#[test]
fn p_values_are_uniform_under_shuffled_targets() {
    let motifs = motifs();
    let targets = shuffled(&motifs);
    let calibrated = Tomtom::new(&targets, options(NullModel::Calibrated)).unwrap();
    let queries = || motifs.iter().step_by(12);
    let mut all = Vec::new();
    for query in queries() {
        let p: Vec<f64> = calibrated.scores(query).iter().map(|score| score.p_value).collect();
        // The critical value of one in ten thousand for a single sample: 2.23/√n.
        let own = distance_from_uniform(p.clone());
        assert!(own < 2.23 / (p.len() as f64).sqrt(), "{}: {own}", query.id());
        all.extend(p);
    }
    // Targets are the same from query to query, so that the pooled p-values are not independent; the bound is
    // that of a tenth of them.
    let pooled = distance_from_uniform(all.clone());
    assert!(pooled < 2.23 / (all.len() as f64 / 10.0).sqrt(), "{pooled}");
    let below = |limit: f64| all.iter().filter(|&&p| p < limit).count() as f64 / all.len() as f64;
    assert!(below(0.05) < 0.075 && below(0.01) < 0.025, "{} {}", below(0.05), below(0.01));
}

#[test]
fn queries_without_information_are_not_significant() {
    let targets = motifs();
    let meme = Tomtom::new(&targets, options(NullModel::Meme)).unwrap();
    let calibrated = Tomtom::new(&targets, options(NullModel::Calibrated)).unwrap();
    for query in [flat(8), flat(12), flat(20), poor(10)] {
        assert!(meme.information(&query) < LOW_INFORMATION);
        let best = &calibrated.query(&query)[0];
        assert!(best.q_value > 0.3, "{} columns: {best:?}", query.width());
    }
    // Which Tomtom's own null does take for findings.
    assert!(meme.query(&flat(8))[0].q_value < 1e-3);
}

#[test]
fn a_run_of_one_base_is_not_found_by_itself() {
    let row = |high: usize| std::array::from_fn(|base| if base == high { 0.97 } else { 0.01 });
    let of = |id, bases: &[usize]| {
        Motif::new(id, ProbabilityMatrix::new(bases.iter().map(|&base| row(base)).collect()).unwrap())
    };
    let mut targets = motifs();
    targets.extend([of("run", &[0; 10]), of("word", &[0, 0, 2, 1, 3, 0, 1, 1, 2, 3])]);
    let calibrated = Tomtom::new(&targets, options(NullModel::Calibrated)).unwrap();
    let own = |place: usize| calibrated.scores(&targets[place])[place].p_value;
    let (run, word) = (targets.len() - 2, targets.len() - 1);
    assert!(own(run) > 0.1 && own(word) < 1e-4, "{} {}", own(run), own(word));
}

#[test]
fn a_motif_is_still_found() {
    let targets = motifs();
    let calibrated = Tomtom::new(&targets, options(NullModel::Calibrated)).unwrap();
    let informative = targets.iter().filter(|motif| calibrated.information(motif) > 14.0).step_by(10);
    for query in informative {
        let best = &calibrated.query(query)[0];
        assert!(best.q_value < 0.05, "{}: {best:?}", query.id());
    }
}
