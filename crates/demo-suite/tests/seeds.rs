//! Several seeds and learning curves on a small folder of sets: what is reported is what the stored predictions
//! give, and more seeds or sizes only add to what an earlier run has done.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files should fail there")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::SETS;
use demo_suite::{ClassAlternative, Interrupt, ModelKind, Protocol, RunConfig, reproduce};

const TABLES: [&str; 9] = [
    "results.tsv",
    "summary.tsv",
    "ensembles.tsv",
    "ensemble_delong.tsv",
    "delong.tsv",
    "predictions/JUN_K562_A.tsv",
    "predictions/FOS_K562_B.tsv",
    "report/index.html",
    "report/sets.svg",
];

/// Two sets, half of whose positives hold TGACTCA.
fn write_sets(folder: &Path) {
    common::write_sets(folder, 60, 60, 24, 2);
}

/// The published regime never asks whether a network has converged, so that a few steps make one that counts.
fn config(data: &Path, out: PathBuf, seeds: usize) -> RunConfig {
    let protocols = Some(vec![Protocol::AsPublished]);
    RunConfig { protocols, max_steps: Some(5), seeds, ..common::config(data, out) }
}

fn run(config: &RunConfig) {
    reproduce(config, &Interrupt::default()).unwrap();
}

fn tables(out: &Path) -> Vec<String> {
    TABLES.iter().map(|name| fs::read_to_string(out.join(name)).unwrap()).collect()
}

/// The rows of a table, each by the names of its columns.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    lines.map(|line| names.iter().cloned().zip(line).collect()).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

/// The journal's records of trained networks with the time each was written.
fn trained(out: &Path) -> BTreeMap<String, std::time::SystemTime> {
    let entries = fs::read_dir(out.join("journal/train")).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().modified().unwrap())
        })
        .collect()
}

/// AUROC by its definition.
fn auroc(bound: &[bool], scores: &[f64]) -> f64 {
    let of = |class: bool| scores.iter().zip(bound).filter(move |(_, b)| **b == class).map(|(s, _)| *s);
    let (mut wins, mut pairs) = (0.0, 0.0);
    for positive in of(true) {
        for negative in of(false) {
            wins +=
                f64::from(u8::from(positive > negative)) + 0.5 * f64::from(u8::from(positive == negative));
            pairs += 1.0;
        }
    }
    wins / pairs
}

fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Means over the members, example by example.
fn mean(members: &[Vec<f64>]) -> Vec<f64> {
    let at = |place: usize| members.iter().map(|m| m[place]).sum::<f64>() / members.len() as f64;
    (0..members[0].len()).map(at).collect()
}

#[test]
fn more_seeds_add_jobs_and_change_none() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    let out = folder.path().join("out");
    run(&config(&data, out.clone(), 1));
    let (one, first) = (tables(&out), trained(&out));
    assert_eq!(first.len(), 2 * 3);
    assert_eq!(rows(&out.join("results.tsv")).len(), 2 * 3);

    run(&config(&data, out.clone(), 3));
    let all = trained(&out);
    assert_eq!(all.len(), 2 * 3 * 3);
    assert!(first.iter().all(|(name, written)| all[name] == *written), "a network was trained again");
    // At once, on two threads and in banks, it is the same.
    let whole = folder.path().join("whole");
    run(&RunConfig { threads: Some(2), bank: Some(4), ..config(&data, whole.clone(), 3) });
    assert_eq!(tables(&whole), tables(&out));
    assert_eq!(trained(&whole).into_keys().collect::<Vec<_>>(), all.into_keys().collect::<Vec<_>>());

    // Fewer seeds are what they were.
    run(&config(&data, out.clone(), 1));
    assert_eq!(tables(&out), one);
    assert!(out.join("models/JUN_K562_A/cnn/as-published/seed-3/model.safetensors").exists());
}

#[test]
fn a_run_goes_on_with_other_sets_models_and_protocols() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    let (grown, whole) = (folder.path().join("grown"), folder.path().join("whole"));
    let of = |sets: &[&str], models: &[ModelKind], protocols: &[Protocol], out: &Path| RunConfig {
        sets: Some(sets.iter().map(|&set| set.to_owned()).collect()),
        models: Some(models.to_vec()),
        protocols: Some(protocols.to_vec()),
        ..config(&data, out.to_owned(), 1)
    };
    let (honest, published) = (Protocol::Honest, Protocol::AsPublished);
    let (cnn, rnn) = (ModelKind::Cnn, ModelKind::Rnn);
    run(&of(&SETS[..1], &[cnn], &[published], &grown));
    let first = trained(&grown);
    assert_eq!(first.len(), 1);
    run(&of(&SETS, &[cnn, rnn], &[honest, published], &grown));
    let all = trained(&grown);
    assert_eq!(all.len(), 2 * 2 * 2);
    assert!(first.iter().all(|(name, written)| all[name] == *written), "a network was trained again");
    run(&of(&SETS, &[cnn, rnn], &[honest, published], &whole));
    assert_eq!(tables(&grown), tables(&whole));
    // Of the tables nothing stays that the last call has not said.
    run(&of(&SETS[1..], &[rnn], &[published], &grown));
    assert_eq!(rows(&grown.join("results.tsv")).len(), 1);
    assert!(!grown.join("predictions/JUN_K562_A.tsv").exists());
    assert!(grown.join("models/JUN_K562_A/cnn/as-published/model.safetensors").exists());
    assert_eq!(trained(&grown), all);
    // A way of class optimisation is worked out beside what there is.
    let records = |stage: &str| fs::read_dir(grown.join("journal").join(stage)).map_or(0, Iterator::count);
    let explained = records("explain");
    let annealed = vec![ClassAlternative::Annealed];
    run(&RunConfig { class_optimisation: annealed, ..of(&SETS[1..], &[rnn], &[published], &grown) });
    assert_eq!((records("explain"), records("class-alternatives")), (explained, 1));
    assert!(rows(&grown.join("motifs.tsv")).iter().any(|row| row["source"] == "class-annealed"));
}

#[test]
fn means_and_ensembles_are_what_the_predictions_give() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    let out = folder.path().join("out");
    run(&config(&data, out.clone(), 3));
    assert_eq!(rows(&out.join("results.tsv")).len(), 2 * 3 * 3);
    let judged = rows(&out.join("ensembles.tsv"));
    // Three models, their ensembles and that of all.
    assert_eq!(judged.len(), 2 * 7);
    // Four ensembles against three models, and six pairs of ensembles.
    assert_eq!(rows(&out.join("ensemble_delong.tsv")).len(), 2 * (12 + 6));
    assert_eq!(rows(&out.join("delong.tsv")).len(), 2 * 3);
    let (mut singles, mut spreads) = (BTreeMap::<String, Vec<f64>>::new(), Vec::new());
    for set in SETS {
        let predictions = rows(&out.join(format!("predictions/{set}.tsv")));
        let bound: Vec<bool> = predictions.iter().map(|row| row["bound"] == "1").collect();
        assert_eq!(bound.len(), 48);
        let column = |name: &str| -> Vec<f64> { predictions.iter().map(|row| number(row, name)).collect() };
        let of_set =
            |name: &str| judged.iter().find(|row| row["set"] == set && row["name"] == name).unwrap().clone();
        let mut architectures = Vec::new();
        for model in ["cnn", "rnn", "cnn-rnn"] {
            let members: Vec<Vec<f64>> =
                (1..=3).map(|seed| column(&format!("{model}/as-published/0/{seed}"))).collect();
            assert!(members[0] != members[1] && members[1] != members[2], "{model}: seeds are alike");
            let aurocs: Vec<f64> = members.iter().map(|scores| auroc(&bound, scores)).collect();
            let average = aurocs.iter().sum::<f64>() / 3.0;
            let sd = (aurocs.iter().map(|a| (a - average).powi(2)).sum::<f64>() / 2.0).sqrt();
            let single = of_set(model);
            assert!((number(&single, "auroc") - average).abs() < 1e-6, "{single:?}");
            assert!((number(&single, "seed_sd") - sd).abs() < 1e-6, "{single:?}");
            let lowest = aurocs.iter().copied().fold(1.0, f64::min);
            assert!((number(&single, "lowest") - lowest).abs() < 1e-6);
            assert_eq!((single["kind"].as_str(), single["networks"].as_str()), ("single", "3"));
            assert!(number(&single, "auroc_low") < average && average < number(&single, "auroc_high"));

            let probabilities: Vec<Vec<f64>> =
                members.iter().map(|scores| scores.iter().copied().map(probability).collect()).collect();
            let pooled = mean(&probabilities);
            let ensemble = of_set(&format!("ensemble-{model}"));
            assert_eq!((ensemble["over"].as_str(), ensemble["networks"].as_str()), ("seeds", "3"));
            assert!((number(&ensemble, "auroc") - auroc(&bound, &pooled)).abs() < 1e-6, "{ensemble:?}");
            let brier = pooled.iter().zip(&bound).map(|(p, b)| (p - f64::from(u8::from(*b))).powi(2));
            assert!((number(&ensemble, "brier") - brier.sum::<f64>() / 48.0).abs() < 1e-6);
            let stored = column(&format!("ensemble-{model}/as-published"));
            assert!(stored.iter().zip(&pooled).all(|(s, p)| (probability(*s) - p).abs() < 1e-7));
            architectures.push(pooled);
            singles.entry(model.to_owned()).or_default().push(average);
            spreads.push((model, sd));
        }
        let all = of_set("ensemble-all");
        assert_eq!((all["over"].as_str(), all["networks"].as_str()), ("architectures+seeds", "9"));
        assert!((number(&all, "auroc") - auroc(&bound, &mean(&architectures))).abs() < 1e-6, "{all:?}");
    }
    let summary = rows(&out.join("summary.tsv"));
    for (model, values) in &singles {
        let of = |section: &str| -> Vec<&BTreeMap<String, String>> {
            summary.iter().filter(|row| row["section"] == section && row["name"] == *model).collect()
        };
        let row = of("model")[0];
        assert!((number(row, "mean") - f64::midpoint(values[0], values[1])).abs() < 1e-6, "{row:?}");
        let variances = spreads.iter().filter(|(name, _)| name == model).map(|(_, sd)| sd * sd);
        assert!((number(row, "seed_sd") - (variances.sum::<f64>() / 2.0).sqrt()).abs() < 1e-6, "{row:?}");
        let seeds: Vec<f64> = of("seed").into_iter().map(|row| number(row, "mean")).collect();
        assert_eq!(seeds.len(), 3);
        assert!((seeds.iter().sum::<f64>() / 3.0 - number(row, "mean")).abs() < 2e-6);
    }
    let sections = |section: &str| summary.iter().filter(|row| row["section"] == section).count();
    assert_eq!((sections("ensemble"), sections("pair"), sections("ensemble-pair")), (4, 3, 18));
    // A tick for each network of each set beside what the intervals draw.
    let figure = fs::read_to_string(out.join("report/sets.svg")).unwrap();
    assert_eq!(figure.matches("class=\"w0\"").count(), 2 * (3 + 1) + 2);
    assert!(fs::read_to_string(out.join("report/summary.tex")).unwrap().contains("CNN, ensemble"));
}

#[test]
fn folds_and_seeds_are_pooled_together_and_apart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    let out = folder.path().join("out");
    let settings = RunConfig {
        models: Some(vec![ModelKind::Rnn]),
        folds: Some(2),
        max_steps: Some(2),
        ..config(&data, out.clone(), 2)
    };
    run(&settings);
    let mut judged = rows(&out.join("ensembles.tsv"));
    judged.retain(|row| row["set"] == SETS[0]);
    let of = |row: &BTreeMap<String, String>| {
        ["name", "over", "fold", "seed_number", "networks"].map(|column| row[column].clone()).join(" ")
    };
    let found: Vec<String> = judged.iter().map(of).collect();
    let wanted = [
        "rnn folds+seeds NA NA 4",
        "ensemble-rnn folds+seeds NA NA 4",
        "ensemble-rnn seeds 1 NA 2",
        "ensemble-rnn seeds 2 NA 2",
        "ensemble-rnn folds NA 1 2",
        "ensemble-rnn folds NA 2 2",
    ];
    assert_eq!(found, wanted);
    let predictions = rows(&out.join(format!("predictions/{}.tsv", SETS[0])));
    let bound: Vec<bool> = predictions.iter().map(|row| row["bound"] == "1").collect();
    let of_fold = |fold: usize| -> Vec<Vec<f64>> {
        let column = |seed| format!("rnn/as-published/{fold}/{seed}");
        let scores = |name: String| predictions.iter().map(|row| probability(number(row, &name))).collect();
        (1..=2).map(|seed| scores(column(seed))).collect()
    };
    let check = |place: usize, members: &[Vec<f64>]| {
        let found = number(&judged[place], "auroc");
        assert!((found - auroc(&bound, &mean(members))).abs() < 1e-6, "{:?}", judged[place]);
    };
    let (first, second) = (of_fold(1), of_fold(2));
    check(1, &[first.clone(), second.clone()].concat());
    check(2, &first);
    check(5, &[first[1].clone(), second[1].clone()]);
}

#[test]
fn learning_curves_add_sizes_and_are_means_over_seeds_and_sets() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    let out = folder.path().join("out");
    let models = Some(vec![ModelKind::Cnn, ModelKind::Rnn]);
    let settings = RunConfig { models, ..config(&data, out.clone(), 2) };
    run(&settings);
    let (main, first) = (tables(&out), trained(&out));
    assert_eq!(first.len(), 2 * 2 * 2);
    assert!(!out.join("learning_curve.tsv").exists());

    // Two sets, two models, two sizes below the whole, two seeds.
    run(&RunConfig { train_sizes: vec![40, 80], ..settings.clone() });
    let all = trained(&out);
    assert_eq!(all.len(), first.len() + 16);
    assert!(first.iter().all(|(name, written)| all[name] == *written), "a network was trained again");
    assert_eq!(tables(&out)[..7], main[..7], "the comparison is of whole training halves");

    let networks = rows(&out.join("learning_curve.tsv"));
    assert_eq!(networks.len(), 2 * 2 * 3 * 2);
    assert!(networks.iter().all(|row| row["train_sequences"] == row["train_size"]));
    let results = rows(&out.join("results.tsv"));
    let mut whole: Vec<String> =
        networks.iter().filter(|row| row["train_size"] == "120").map(|row| row["auroc"].clone()).collect();
    let mut measured: Vec<String> = results.iter().map(|row| row["auroc"].clone()).collect();
    whole.sort();
    measured.sort();
    assert_eq!(whole, measured);
    let summary = rows(&out.join("learning_curve_summary.tsv"));
    assert_eq!(summary.len(), 2 * 3);
    for row in &summary {
        let of = |set: &str| -> f64 {
            let alike = |other: &&BTreeMap<String, String>| {
                other["set"] == set
                    && ["model", "train_size"].iter().all(|column| other[*column] == row[*column])
            };
            let aurocs: Vec<f64> =
                networks.iter().filter(alike).map(|other| number(other, "auroc")).collect();
            assert_eq!(aurocs.len(), 2);
            f64::midpoint(aurocs[0], aurocs[1])
        };
        let mean = f64::midpoint(of(SETS[0]), of(SETS[1]));
        assert!((number(row, "mean") - mean).abs() < 2e-6, "{row:?}");
        assert_eq!((row["sets"].as_str(), row["networks"].as_str()), ("2", "4"));
    }
    let figure = fs::read_to_string(out.join("report/learning-curve-as-published.svg")).unwrap();
    assert!([">40<", ">80<", ">120<"].iter().all(|tick| figure.contains(tick)));
    assert!(out.join("report/learning-curve-as-published.png").exists());
    assert!(fs::read_to_string(out.join("report/index.html")).unwrap().contains("id=\"sizes\""));

    // One size more, and all at once on two threads in banks.
    run(&RunConfig { train_sizes: vec![20, 40, 80], ..settings.clone() });
    assert_eq!(trained(&out).len(), all.len() + 8);
    let at_once = folder.path().join("at-once");
    let (threads, bank, train_sizes) = (Some(2), Some(3), vec![80, 20, 40]);
    run(&RunConfig { threads, bank, train_sizes, out: Some(at_once.clone()), ..settings.clone() });
    assert_eq!(tables(&at_once), tables(&out));
    for table in
        ["learning_curve.tsv", "learning_curve_summary.tsv", "report/learning-curve-as-published.svg"]
    {
        assert_eq!(fs::read(at_once.join(table)).unwrap(), fs::read(out.join(table)).unwrap(), "{table}");
    }

    let error = reproduce(&RunConfig { train_sizes: vec![121], ..settings }, &Interrupt::default());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("--train-sizes 121") && error.contains("at most 120"), "{error}");
}
