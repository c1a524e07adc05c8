//! Draws every kind of picture and a page of 57 sets from made-up numbers, to look at them.
//!
//! `cargo run --release -p demo-report --example gallery -- FOLDER`

use std::error::Error;
use std::path::PathBuf;

use demo_core::{DnaSequence, Motif, ProbabilityMatrix, Seed, Strand};
use demo_report::{
    Across, BoxPlot, CountBesideChance, CriticalDifference, DataKind, Estimate, LearningCurves,
    LearningSeries, Logo, LogoScale, ModelReport, ModelSummary, MotifCount, MotifPair, MotifRow, PairTest,
    PublishedMotifCount, PublishedSeries, PublishedStatus, PublishedSummary, ReliabilityCurve,
    ReliabilityPlot, Report, RocCurve, RocPlot, RunInfo, SaliencyTrack, SetReport, SiteSpan, TemporalCurves,
    TrackStyle, bibliography, write_whole,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

const MODELS: [&str; 3] = ["CNN", "RNN", "CNN-RNN"];
const LENGTH: usize = 101;

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("name the folder to write to")?.into();
    let report = report()?;
    report.write(&folder)?;
    write_whole(&folder.join("references.bib"), bibliography().as_bytes())?;
    draw_single_pictures(&report, &folder.join("figures"))
}

fn draw_single_pictures(report: &Report, folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let comparison = report.box_plot().ok_or("no sets")?;
    BoxPlot { title: "AUROC over 57 data sets".into(), ..comparison }.draw()?.write(folder, "comparison")?;
    report.dot_plot().ok_or("no sets")?.draw()?.write(folder, "sets")?;
    let set = &report.sets[0];
    set.roc.as_ref().ok_or("no curves")?.draw()?.write(folder, "roc")?;
    for model in &set.models {
        let stem = |what: &str| format!("{}-{what}", model.model.to_lowercase());
        if let Some(track) = &model.saliency {
            track.draw()?.write(folder, &stem("saliency"))?;
            track.clone().with_style(TrackStyle::Bars).draw()?.write(folder, &stem("saliency-bars"))?;
        }
        if let Some(curves) = &model.temporal {
            curves.draw()?.write(folder, &stem("temporal"))?;
        }
        if let Some(logo) = &model.class_optimisation {
            logo.draw()?.write(folder, &stem("class"))?;
        }
        if let Some(pair) = &model.best_match {
            pair.draw()?.write(folder, &stem("match"))?;
        }
        if let Some(curves) = &model.learning {
            curves.draw()?.write(folder, &stem("learning"))?;
        }
    }
    ranks().draw()?.write(folder, "critical-difference")?;
    reliability().draw()?.write(folder, "reliability")?;
    by_training_size().draw()?.write(folder, "learning-by-size")?;
    let motif = Logo::from_matrix(matrix()?.probabilities());
    motif.clone().with_title("REST").draw()?.write(folder, "motif-bits")?;
    motif.with_scale(LogoScale::Probability).draw()?.write(folder, "motif-probability")?;
    let sequence = sequence(&mut Seed::new(3).stream("attribution"))?;
    let scores: Vec<f32> =
        (0..LENGTH).map(|i| (i as f32 * 0.37).sin() * (-((i as f32 - 50.0) / 15.0).powi(2)).exp()).collect();
    let title = "Attribution of a sequence";
    Logo::from_attribution(&sequence, &scores)?.with_title(title).draw()?.write(folder, "attribution")?;
    Ok(())
}

fn report() -> Result<Report, Box<dyn Error>> {
    let mut random = Seed::new(1).stream("gallery");
    let mut sets = Vec::new();
    let factors =
        ["ARID3A", "ATF1", "BHLHE40", "CEBPB", "CTCF", "E2F4", "EGR1", "GATA1", "REST", "NFYB", "USF1"];
    for number in 0..57 {
        let tf = factors[number % factors.len()];
        let difficulty: f64 = random.random_range(0.0..0.13);
        let name = format!("{tf}_K562_{tf}_(sc-{})_Stanford", 6000 + number * 37);
        sets.push(set(&name, tf, difficulty, &mut random)?);
    }
    let published = |name: &str, shift: f64| PublishedSeries {
        name: name.into(),
        status: PublishedStatus::Confirmed,
        values: sets.iter().map(|set: &SetReport| (set.name.clone(), set.published[0].1 - shift)).collect(),
    };
    let published_by_set = vec![published("DeepBind*", 0.0), published("MEME-SUM", 0.045)];
    Ok(Report {
        title: "Deep Motif Dashboard: CNN, RNN and CNN-RNN on 57 data sets".into(),
        data: DataKind::Simulated,
        data_note:
            "57 data sets made by a program with planted JASPAR 2016 motifs (simulated57). No figure on this \
                    page was measured on real ChIP-seq data unless it is marked as published."
                .into(),
        summaries: summaries(),
        published: published_summaries(),
        published_by_set,
        tests: tests(),
        ranks: vec![ranks()],
        sizes: vec![by_training_size()],
        truth: Vec::new(),
        motif_counts: motif_counts(),
        published_motif_counts: vec![
            published_count("CNN", 19),
            published_count("CNN-RNN", 13),
            published_count("RNN", 11),
        ],
        sets,
        run: RunInfo {
            command: "cargo xtask reproduce --profile standard --seed 1".into(),
            seed: 1,
            version: "demo 0.1.0 (0123abcd)".into(),
            device: "cpu, f32".into(),
            facts: vec![("Protocol".into(), "honest: validation split, early stopping on it".into())],
        },
    })
}

fn set(name: &str, tf: &str, difficulty: f64, random: &mut ChaCha8Rng) -> Result<SetReport, Box<dyn Error>> {
    let mut models = Vec::new();
    let mut curves = Vec::new();
    for (index, model) in MODELS.iter().enumerate() {
        let auroc =
            (0.985 - difficulty - [0.01, 0.04, 0.0][index] + random.random_range(-0.012..0.012)).min(0.999);
        let estimate = Estimate::new(auroc, auroc - 0.014, (auroc + 0.013).min(1.0));
        curves.push(RocCurve { name: (*model).into(), points: curve(auroc, random), auroc: estimate });
        models.push(self::model(model, index, estimate, random)?);
    }
    Ok(SetReport {
        name: name.into(),
        tf: tf.into(),
        data: DataKind::Simulated,
        ceiling: None,
        published: vec![("DeepBind*".into(), 0.975 - difficulty, PublishedStatus::Confirmed)],
        models,
        ensembles: Vec::new(),
        roc: Some(RocPlot { title: String::new(), curves }),
        reliability: Some(reliability()),
    })
}

/// A staircase of 1,000 steps around the curve y = x^k whose area is 1 / (k + 1).
fn curve(auroc: f64, random: &mut ChaCha8Rng) -> Vec<(f64, f64)> {
    let power = 1.0 / auroc - 1.0;
    let (mut x, mut y) = (0.0f64, 0.0f64);
    let mut points = vec![(0.0, 0.0)];
    while x < 0.9985 || y < 0.9985 {
        let behind = y < x.powf(power) + random.random_range(-0.01..0.01);
        if (behind && y < 0.9985) || x >= 0.9985 {
            y = (y + 0.002).min(1.0);
        } else {
            x = (x + 0.002).min(1.0);
        }
        points.push((x, y));
    }
    points
}

fn model(
    name: &str,
    index: usize,
    auroc: Estimate,
    random: &mut ChaCha8Rng,
) -> Result<ModelReport, Box<dyn Error>> {
    let sequence = sequence(random)?;
    let site = |start: usize, name: &str, strand| SiteSpan {
        start,
        end: start + 12,
        name: name.into(),
        strand: Some(strand),
    };
    let sites = vec![site(44, "REST", Strand::Forward), site(62, "SP1", Strand::Reverse)];
    let bump = |i: usize| {
        (-((i as f32 - 49.5) / 5.0).powi(2)).exp() + 0.5 * (-((i as f32 - 67.5) / 4.0).powi(2)).exp()
    };
    let scores = (0..LENGTH)
        .map(|i| bump(i) * random.random_range(0.5..1.0) + random.random_range(0.0..0.12))
        .collect();
    let rise = |i: f32, at: f32| 0.02 + 0.95 / (1.0 + (-(i - at) / 2.0).exp());
    let prefix = (0..LENGTH)
        .map(|i| (rise(i as f32, 54.0) + random.random_range(-0.02..0.02)).clamp(0.0, 1.0))
        .collect();
    let suffix = (0..LENGTH)
        .map(|i| (rise(-(i as f32), -46.0) + random.random_range(-0.02..0.02)).clamp(0.0, 1.0))
        .collect();
    let class: Vec<[f64; 4]> = (0..LENGTH)
        .map(|i| {
            let mut row: [f64; 4] = std::array::from_fn(|_| random.random_range(0.02..0.3));
            row[(i * 7 + 3) % 4] += f64::from(bump(i)) * 3.0;
            let sum: f64 = row.iter().sum();
            row.map(|v| v / sum)
        })
        .collect();
    let recurrent = index > 0;
    let query = Motif::new(
        format!("filter_{}", random.random_range(0..128)),
        matrix()?.probabilities().to_span(3..15)?,
    );
    let pair = MotifPair::new(query.to_reverse_complement(), matrix()?, 6, Strand::Reverse);
    Ok(ModelReport {
        model: name.into(),
        protocol: "honest".into(),
        auroc,
        networks: Vec::new(),
        converged: auroc.value > 0.85,
        learning: Some(learning(random)),
        saliency: Some(SaliencyTrack::new(sequence.clone(), scores)?.with_sites(sites.clone())?),
        temporal: if recurrent {
            Some(TemporalCurves::new(sequence, prefix, suffix)?.with_sites(sites)?)
        } else {
            None
        },
        class_optimisation: Some(Logo::new(class)),
        best_match: Some(pair.with_significance(3.2e-12, 1.66e-9, Some(3.3e-9))),
        motifs: vec![
            motif_row("filter", Some("MA0138.2 REST"), "own"),
            motif_row("saliency", Some("MA0079.3 SP1"), "other"),
            motif_row("class-optimisation", None, "other"),
        ],
    })
}

fn learning(random: &mut ChaCha8Rng) -> LearningCurves {
    let mut series = |name: &str, floor: f64, turn: f64| LearningSeries {
        name: name.into(),
        points: (0..60)
            .map(|epoch| {
                (
                    f64::from(epoch) * 16.0,
                    floor
                        + 0.45 * (-f64::from(epoch) / 9.0).exp()
                        + turn * f64::from(epoch)
                        + random.random_range(-0.01..0.01),
                )
            })
            .collect(),
        chosen: (turn > 0.0).then_some(16.0 * 31.0),
        band: Vec::new(),
    };
    LearningCurves {
        title: String::new(),
        across: "step".into(),
        kind: Across::Steps,
        up: "log loss".into(),
        series: vec![series("training", 0.2, -0.0005), series("validation", 0.26, 0.0006)],
    }
}

/// AUROC against the number of training sequences, with bands.
fn by_training_size() -> LearningCurves {
    let series = |name: &str, best: f64, need: f64| {
        let sizes = [250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0];
        let auroc = |size: f64| best - 0.3 * (-size / need).exp();
        LearningSeries {
            name: name.into(),
            points: sizes.iter().map(|&size| (size, auroc(size))).collect(),
            chosen: None,
            band: sizes
                .iter()
                .map(|&size: &f64| {
                    let half = 0.6 / size.sqrt();
                    (size, auroc(size) - half, auroc(size) + half)
                })
                .collect(),
        }
    };
    LearningCurves {
        title: "Made-up learning curves".into(),
        across: "training sequences".into(),
        kind: Across::Sizes,
        up: "AUROC".into(),
        series: vec![series("CNN", 0.93, 1_100.0), series("RNN", 0.91, 3_000.0)],
    }
}

/// Six models, of which some are told apart.
fn ranks() -> CriticalDifference {
    let names = ["CNN", "RNN", "CNN-RNN", "gkm", "scan-own", "scan-best"];
    let models = names.into_iter().map(str::to_owned).zip([2.1, 3.4, 1.4, 3.9, 5.4, 4.8]).collect();
    CriticalDifference {
        title: "AUROC on 57 data sets".into(),
        models,
        difference: 1.13,
        groups: vec![vec![2, 0], vec![1, 3], vec![3, 5], vec![5, 4]],
        note: "Mean ranks over 44 TFs; Friedman p 3.1e-9".into(),
    }
}

/// One model that is honest, one that is too sure.
fn reliability() -> ReliabilityPlot {
    let bins = |sharpness: f64| {
        let bin = |i: i32| {
            let p = f64::from(i) / 10.0 + 0.05;
            let odds = (p / (1.0 - p)).ln() * sharpness;
            (p, 1.0 / (1.0 + (-odds).exp()), if i == 0 || i == 9 { 0.3 } else { 0.05 })
        };
        (0..10).map(bin).collect()
    };
    let curve = |name: &str, sharpness, expected_error| ReliabilityCurve {
        name: name.into(),
        bins: bins(sharpness),
        expected_error,
    };
    ReliabilityPlot {
        title: String::new(),
        curves: vec![curve("CNN", 1.0, 0.004), curve("RNN", 0.45, 0.071)],
    }
}

fn motif_row(source: &str, target: Option<&str>, relation: &str) -> MotifRow {
    let listed = target.is_some();
    MotifRow {
        source: source.into(),
        target: target.map(str::to_string),
        p: listed.then_some(3.2e-12),
        e: listed.then_some(1.66e-9),
        q: listed.then_some(3.3e-9),
        relation: relation.into(),
    }
}

fn sequence(random: &mut ChaCha8Rng) -> Result<DnaSequence, Box<dyn Error>> {
    let codes: Vec<u8> = (0..LENGTH).map(|i| if i == 11 { 4 } else { random.random_range(0..4) }).collect();
    Ok(DnaSequence::from_codes(codes)?)
}

/// A made-up motif with strong and weak columns.
fn matrix() -> Result<Motif, Box<dyn Error>> {
    let consensus = [3, 3, 1, 0, 2, 1, 0, 1, 1, 3, 3, 2, 2, 0, 1, 0, 2, 1, 3, 2, 1];
    let row = |(column, base): (usize, &usize)| {
        let strength = [0.97, 0.6, 0.85, 0.4, 0.9][column % 5];
        std::array::from_fn(|b| if b == *base { strength } else { (1.0 - strength) / 3.0 })
    };
    let matrix = ProbabilityMatrix::new(consensus.iter().enumerate().map(row).collect())?;
    Ok(Motif::new("MA0138.2", matrix).with_name("REST"))
}

fn summaries() -> Vec<ModelSummary> {
    let row = |(model, mean): (&&str, f64)| ModelSummary {
        model: (*model).into(),
        protocol: "honest".into(),
        sets: 57,
        tfs: 44,
        mean: Estimate::new(mean, mean - 0.011, mean + 0.01),
        median: mean + 0.015,
        sd: Some(0.052),
        seed_sd: None,
        not_converged: 1,
    };
    MODELS.iter().zip([0.921, 0.893, 0.934]).map(row).collect()
}

fn published_summaries() -> Vec<PublishedSummary> {
    let row = |(model, mean, median, sd): (&str, f64, f64, f64), sets: usize, over: &str, status| {
        PublishedSummary {
            model: model.into(),
            sets,
            over: over.into(),
            mean,
            median: Some(median),
            sd: Some(sd),
            status,
        }
    };
    let all = "all K562 sets, real data";
    vec![
        row(("CNN", 0.918, 0.944, 0.081), 108, all, PublishedStatus::Recollected),
        row(("RNN", 0.878, 0.905, 0.116), 108, all, PublishedStatus::Recollected),
        row(("CNN-RNN", 0.925, 0.947, 0.075), 108, all, PublishedStatus::Recollected),
        row(
            ("DeepBind*", 0.9509, 0.977, 0.0525),
            57,
            "sets with a JASPAR motif of the TF, real data",
            PublishedStatus::Confirmed,
        ),
    ]
}

fn tests() -> Vec<PairTest> {
    let row = |first: &str, second: &str, value: f64| PairTest {
        first: first.into(),
        second: second.into(),
        family: "networks".into(),
        protocol: "honest".into(),
        tfs: 44,
        difference: Estimate::new(value, value - 0.006, value + 0.006),
        t_p: Some(0.000_013 / value.abs()),
        t_holm: Some(0.000_026 / value.abs()),
        wilcoxon_p: Some(0.000_4),
        wilcoxon_holm: Some(0.000_8),
        hedges_g: Some(value * 40.0),
        rank_biserial: Some(0.7),
    };
    vec![row("CNN-RNN", "CNN", 0.013), row("CNN-RNN", "RNN", 0.041), row("CNN", "RNN", 0.028)]
}

fn motif_counts() -> Vec<MotifCount> {
    let count = |found: usize, chance: f64| CountBesideChance { found, chance };
    let row = |model: &str, source: &str, found: usize| MotifCount {
        model: model.into(),
        source: source.into(),
        control: false,
        correction: String::new(),
        sets: 57,
        top: [count(found - 4, 0.3), count(found - 4, 0.4), count(found - 2, 1.1)],
        any: [count(found, 0.8), count(found + 2, 1.0), count(found + 9, 6.2)],
    };
    let mut rows = vec![row("CNN", "filter", 41), row("CNN-RNN", "filter", 38)];
    rows.extend(MODELS.map(|model| row(model, "class-optimisation", 17)));
    rows.extend(MODELS.map(|model| row(model, "saliency", 29)));
    rows
}

fn published_count(model: &str, found: usize) -> PublishedMotifCount {
    PublishedMotifCount {
        model: model.into(),
        source: "class-optimisation".into(),
        sets: 57,
        found,
        threshold: "threshold not known".into(),
        status: PublishedStatus::Secondary,
    }
}
