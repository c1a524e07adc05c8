//! A search reads training halves alone, goes on where it was interrupted, and leaves what a run takes.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files should fail there")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use demo_core::{DnaSequence, Seed};
use demo_suite::{
    Error, HeldOut, Interrupt, ModelKind, RunConfig, SearchConfig, Strategy, reproduce, search,
};
use rand::Rng;

const LENGTH: usize = 40;

/// Two sets whose positives all hold TGACTCA.
fn write_sets(folder: &Path) {
    common::write_sets(folder, LENGTH, 60, 8, 1);
}

fn config(data: &Path, out: PathBuf) -> RunConfig {
    RunConfig { models: Some(vec![ModelKind::RnnSmall]), max_steps: Some(30), ..common::config(data, out) }
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn a_search_reads_no_test_half_resumes_and_hands_its_regime_to_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    // Nothing that could be read as sequences.
    let tests = ["JUN_K562_A", "FOS_K562_B"].map(|set| data.join(set).join("test.fa"));
    let kept = tests.clone().map(|path| fs::read(path).unwrap());
    for path in &tests {
        fs::write(path, "no sequences").unwrap();
    }
    let searched = |out: &str, strategy, threads| SearchConfig {
        run: RunConfig { threads: Some(threads), ..config(&data, folder.path().join(out)) },
        strategy,
        budget: 9,
        regimes: Vec::new(),
        judge: HeldOut::Any,
    };
    let whole = search(&searched("whole", Strategy::Halving, 1), &Interrupt::default()).unwrap();
    let trials = rows(&whole.trials);
    // Nine regimes, then the best three, then the best, and always the honest one, number 0.
    let of_rung = |rung: &str| trials.iter().filter(|row| row[1] == rung).collect::<Vec<_>>();
    let numbers =
        |rows: &[&Vec<String>]| -> Vec<usize> { rows.iter().map(|row| row[3].parse().unwrap()).collect() };
    assert_eq!(of_rung("1").len(), 9);
    for (rung, next, kept) in [("1", "2", 3), ("2", "3", 1)] {
        let mut wanted = numbers(&of_rung(rung)[..kept]);
        if !wanted.contains(&0) {
            wanted.push(0);
        }
        let mut found = numbers(&of_rung(next));
        wanted.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, wanted, "{trials:?}");
    }
    assert_eq!([of_rung("1")[0][2].as_str(), of_rung("3")[0][2].as_str()], ["1/9", "1/1"]);
    // Steps of both sets: a ninth of thirty each, and all.
    assert!(of_rung("1").iter().all(|row| row[22] == "8"), "{trials:?}");
    assert_eq!(of_rung("3")[0][22], "60");
    let scores: Vec<f64> = of_rung("3").iter().map(|row| row[20].parse().unwrap()).collect();
    assert!(scores.iter().all(|score| score <= &scores[0]), "{trials:?}");
    assert_eq!(of_rung("1").iter().filter(|row| row[3] == "0" && row[4] == "0.01").count(), 1);
    let chosen: Vec<_> = trials.iter().filter(|row| row[24] == "yes").collect();
    assert_eq!(chosen, of_rung("3")[..1]);
    assert_eq!(whole.regimes.len(), 1);
    // Thirty steps are too few to converge.
    assert_eq!(chosen[0][23], "0");
    let warning = "rnn-small: the chosen regime converged on 0 of 2 sets;";
    assert!(
        whole.unfinished.len() == 1 && whole.unfinished[0].starts_with(warning),
        "{:?}",
        whole.unfinished
    );
    assert_eq!(chosen[0][4], whole.regimes[&ModelKind::RnnSmall].learning_rate.to_string());

    // Interrupted again and again, on several threads.
    let broken = searched("broken", Strategy::Halving, 3);
    let mut interruptions = 0;
    let found = (0..200).find_map(|attempt| {
        let interrupt = Interrupt::default();
        let flag = interrupt.clone();
        let stopper = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20 + 20 * attempt));
            flag.request();
        });
        let outcome = search(&broken, &interrupt);
        stopper.join().unwrap();
        match outcome {
            Ok(found) => Some(found),
            Err(Error::Interrupted) => {
                interruptions += 1;
                None
            }
            Err(error) => panic!("{error}"),
        }
    });
    assert!(interruptions > 0, "the search ended before it was interrupted");
    let found = found.unwrap();
    for (here, there) in [(&found.trials, &whole.trials), (&found.file, &whole.file)] {
        assert_eq!(fs::read(here).unwrap(), fs::read(there).unwrap());
    }
    assert_eq!(found.regimes, whole.regimes);
    // Every regime in full; another search does not go on in this folder.
    let random = search(&searched("random", Strategy::Random, 2), &Interrupt::default()).unwrap();
    assert_eq!(rows(&random.trials).len(), 9);
    let other = search(&searched("whole", Strategy::Random, 1), &Interrupt::default()).unwrap_err();
    assert!(other.to_string().contains("strategy \"halving\""), "{other}");

    for (path, text) in tests.iter().zip(kept) {
        fs::write(path, text).unwrap();
    }
    let run = RunConfig { regime: Some(whole.file.clone()), ..config(&data, folder.path().join("run")) };
    reproduce(&run, &Interrupt::default()).unwrap();
    let model = fs::read(folder.path().join("run/models/JUN_K562_A/rnn-small/config.json")).unwrap();
    let model: serde_json::Value = serde_json::from_slice(&model).unwrap();
    let regime = whole.regimes[&ModelKind::RnnSmall];
    assert_eq!(model["training"]["learning_rate"], regime.learning_rate);
    assert_eq!(model["training"]["adam"]["weight_decay"], regime.weight_decay);
    assert_eq!(model["training"]["schedule"]["warm_up_steps"], regime.warm_up);
    assert_eq!(model["training"]["reverse_complement"], regime.reverse_complement);
    let manifest = fs::read(folder.path().join("run/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let wanted = serde_json::to_value(regime).unwrap();
    assert_eq!(manifest["settings"]["regimes"]["rnn-small"], wanted);
    // A run without it is another one, and a file without the run's models changes nothing.
    let plain = RunConfig { regime: None, ..run.clone() };
    assert!(reproduce(&plain, &Interrupt::default()).unwrap_err().to_string().contains("regimes"));
    let cnn = RunConfig { models: Some(vec![ModelKind::Cnn]), ..run };
    let error = reproduce(&cnn, &Interrupt::default()).unwrap_err().to_string();
    assert!(error.contains("regime.json: wanted a regime of one of --models"), "{error}");
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_sets(folder.path());
    let run = config(folder.path(), folder.path().join("out"));
    let refused = |run: &RunConfig, budget| {
        let config = SearchConfig {
            regimes: Vec::new(),
            judge: HeldOut::Any,
            run: run.clone(),
            strategy: Strategy::Random,
            budget,
        };
        search(&config, &Interrupt::default()).unwrap_err().to_string()
    };
    assert!(refused(&run, 1).starts_with("--budget 1: wanted 2 to 10000 regimes"));
    let gkm = RunConfig { models: Some(vec![ModelKind::Cnn, ModelKind::Gkm]), ..run };
    assert!(refused(&gkm, 3).starts_with("--models gkm: wanted networks alone"));
    assert!(!folder.path().join("out").exists());
}

/// A set as DeepBind writes it, strongest peaks first: the first half of them holds TGACTCA, the others GGGCGGG.
fn write_ranked_set(folder: &Path) {
    let mut random = Seed::new(6).stream("ranked set");
    let mut row = |fold: &str, rank: u32, kind: &str, site: Option<&str>| {
        let mut codes: Vec<u8> = (0..LENGTH).map(|_| random.random_range(0..4)).collect();
        if let Some(site) = site {
            codes[20..27].copy_from_slice(site.parse::<DnaSequence>().unwrap().as_codes());
        }
        let sequence = DnaSequence::from_codes(codes).unwrap();
        format!("{fold}\tseq_{rank:05}_{kind}\t{sequence}\t{}\n", u8::from(kind == "peak"))
    };
    let header = "FoldID\tEventID\tseq\tBound\n";
    let peak = |rank| if rank <= 60 { "TGACTCA" } else { "GGGCGGG" };
    let training: String = (1..=120).map(|rank| row("A", rank, "peak", Some(peak(rank)))).collect();
    let test: String = (1..=4)
        .flat_map(|rank| [("peak", Some(peak(rank))), ("shuf", None)].map(|(kind, site)| (rank, kind, site)))
        .map(|(rank, kind, site)| row("B", rank, kind, site))
        .collect();
    fs::write(folder.join("JUN_K562_A_AC.seq"), format!("{header}{training}")).unwrap();
    fs::write(folder.join("JUN_K562_A_B.seq"), format!("{header}{test}")).unwrap();
}

#[test]
fn given_regimes_are_compared_and_ranks_are_used_where_there_are_any() {
    let folder = tempfile::tempdir().unwrap();
    let (ranked, plain) = (folder.path().join("ranked"), folder.path().join("plain"));
    fs::create_dir_all(&ranked).unwrap();
    write_ranked_set(&ranked);
    write_sets(&plain);
    let regime = |name: &str, weight: f64, validation: &str, course: &str| {
        let path = folder.path().join(name);
        let text = format!(
            r#"{{"format": "demo-regime-2", "command": "by hand", "regimes": {{"rnn-small": {{"learning_rate": 0.01,
            "weight_decay": 0.0, "dropout": 0.5, "warm_up": 100, "averaging": 0.99, "schedule": "held",
            "reverse_complement": true, "strands": "both", "lstm_start": "scaled", "rank_weight": {weight},
            "validation": "{validation}"{course}}}}}}}"#
        );
        fs::write(&path, text).unwrap();
        path
    };
    let course = r#", "batch": 8, "patience": 2, "descent": 0.1, "evaluate_every": 3"#;
    let regimes = vec![
        regime("same.json", 0.0, "any", ""),
        regime("ranks.json", 4.0, "strongest", ""),
        regime("course.json", 0.0, "any", course),
    ];
    let searched = |data: &Path, out: &str, judge| SearchConfig {
        run: RunConfig { max_steps: Some(12), ..config(data, folder.path().join(out)) },
        strategy: Strategy::Random,
        budget: 27,
        regimes: regimes.clone(),
        judge,
    };
    let found = search(&searched(&ranked, "any", HeldOut::Any), &Interrupt::default()).unwrap();
    let mut trials = rows(&found.trials);
    trials.sort_by(|a, b| a[3].cmp(&b[3]));
    let part = |row: &[String], columns: std::ops::Range<usize>| row[columns].join(" ");
    assert_eq!(trials.len(), 4);
    assert_eq!(part(&trials[0], 4..19), "0.01 0 0.5 100 0.99 held 64 12 0.2  yes both scaled 0 any");
    assert_eq!(part(&trials[2], 4..19), "0.01 0 0.5 100 0.99 held     yes both scaled 4 strongest");
    assert_eq!(part(&trials[3], 4..19), "0.01 0 0.5 100 0.99 held 8 2 0.1 3 yes both scaled 0 any");
    // The same regime gives the same.
    assert_eq!(part(&trials[0], 20..24), part(&trials[1], 20..24));
    let judged = search(&searched(&ranked, "strongest", HeldOut::Strongest), &Interrupt::default()).unwrap();
    assert_ne!(fs::read(&judged.trials).unwrap(), fs::read(&found.trials).unwrap());

    // A run takes them too, and they are other networks.
    let trained = |out: &str, regime: Option<PathBuf>| {
        let run = RunConfig { regime, max_steps: Some(12), ..config(&ranked, folder.path().join(out)) };
        reproduce(&run, &Interrupt::default()).unwrap();
        fs::read(folder.path().join(out).join("models/JUN_K562_A/rnn-small/model.safetensors")).unwrap()
    };
    let as_it_is = trained("as-it-is", Some(regimes[0].clone()));
    assert_ne!(trained("by-rank", Some(regimes[1].clone())), as_it_is);
    assert_ne!(trained("course", Some(regimes[2].clone())), as_it_is);

    // A file without the search's models is no candidate.
    let mut other = searched(&ranked, "other", HeldOut::Any);
    other.run.models = Some(vec![ModelKind::CnnSmall]);
    let error = search(&other, &Interrupt::default()).unwrap_err().to_string();
    assert!(error.contains("--regimes") && error.contains("same.json: wanted a regime of one"), "{error}");

    // Where there are no ranks, nothing can be made of them.
    let error =
        search(&searched(&plain, "none", HeldOut::Any), &Interrupt::default()).unwrap_err().to_string();
    assert!(error.contains("K562") && error.contains("no positive with a rank"), "{error}");
}
