//! A whole run on a small folder of sets: interrupted or not, on one thread or several, it ends with the
//! same tables; bad input leaves one clear error.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files should fail there")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use demo_suite::{
    Balance, DeviceChoice, Error, Interrupt, ModelKind, Placement, Profile, RunConfig, reproduce,
};

const TABLES: [&str; 8] = [
    "results.tsv",
    "summary.tsv",
    "motifs.tsv",
    "motif_counts.tsv",
    "delong.tsv",
    "report/index.html",
    "report/summary.tex",
    "report/motif_counts.tex",
];

/// Two sets whose positives all hold TGACTCA.
fn write_sets(folder: &Path) {
    common::write_sets(folder, 60, 48, 16, 1);
}

fn config(data: &Path, out: PathBuf) -> RunConfig {
    RunConfig { models: Some(vec![ModelKind::Rnn]), max_steps: Some(12), ..common::config(data, out) }
}

fn tables(out: &Path) -> Vec<String> {
    TABLES.iter().map(|name| fs::read_to_string(out.join(name)).unwrap()).collect()
}

#[test]
fn interrupted_runs_and_more_threads_end_with_the_same_tables() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    let whole = folder.path().join("whole");
    let models = Some(vec![ModelKind::Cnn, ModelKind::Rnn, ModelKind::ScanOwn, ModelKind::Gkm]);
    let run = |out: &Path| RunConfig { models: models.clone(), ..config(&data, out.to_owned()) };
    reproduce(&run(&whole), &Interrupt::default()).unwrap();

    let broken = folder.path().join("broken");
    let threads = RunConfig { threads: Some(3), ..run(&broken) };
    let mut interruptions = 0;
    for attempt in 0..200 {
        let interrupt = Interrupt::default();
        let flag = interrupt.clone();
        let pause = Duration::from_millis(60 + 40 * attempt);
        let stopper = std::thread::spawn(move || {
            std::thread::sleep(pause);
            flag.request();
        });
        let outcome = reproduce(&threads, &interrupt);
        stopper.join().unwrap();
        match outcome {
            Ok(_) => break,
            Err(Error::Interrupted) => interruptions += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(interruptions > 0, "the run ended before it was interrupted");
    assert_eq!(tables(&broken), tables(&whole));
    // Once more from the journal alone.
    reproduce(&threads, &Interrupt::default()).unwrap();
    assert_eq!(tables(&broken), tables(&whole));
}

#[test]
fn a_planted_motif_and_every_promised_file_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    let out = folder.path().join("out");
    let settings = RunConfig { max_steps: Some(2), folds: Some(2), ..config(&data, out.clone()) };
    let written = reproduce(&settings, &Interrupt::default()).unwrap();
    let results = fs::read_to_string(out.join("results.tsv")).unwrap();
    // Two sets, one model, two folds.
    assert_eq!(results.lines().count(), 1 + 4);
    assert!(results.starts_with(
        "set\ttf\tdata\tplacement\tmodel\tprotocol\tfold\tseed\tauroc\tauroc_low\tauroc_high\t"
    ));
    assert!(results.lines().skip(1).all(|line| line.contains("\treal\tNA\trnn\thonest\t")));
    let motifs = fs::read_to_string(out.join("motifs.tsv")).unwrap();
    assert!(motifs.contains("\tclass-optimisation\t") && !motifs.contains("\tfilter\t"));
    let counts = fs::read_to_string(out.join("motif_counts.tsv")).unwrap();
    let published = "rnn\tclass-optimisation\tnone\tany\t2\t";
    let row = counts.lines().find(|line| line.contains(published)).unwrap();
    assert!(row.ends_with("\t57\t11\tsecondary"), "{row}");
    let latex = sound_latex(&out.join("report/motif_counts.tex"));
    assert!(
        latex.contains("Sets, of 2 sets of real sequences,")
            && latex.contains("RNN & untrained-saliency & any & 2 & -- & ")
    );
    let row = latex.lines().find(|line| line.starts_with("RNN & class-optimisation & any & 2 & ")).unwrap();
    assert!(row.ends_with(" & 11 of 57 (secondary) \\\\"), "{row}");
    for name in ["truth_summary.tex", "recovery.tex", "decoys.tex"] {
        assert!(!out.join("report").join(name).exists(), "{name}");
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["inputs"].as_array().unwrap().len(), 2);
    assert_eq!(manifest["settings"]["folds"], 2);
    assert!(fs::read_to_string(&written.report).unwrap().contains("JUN_K562_A"));
    assert!(out.join("models/JUN_K562_A/rnn/fold-2/model.safetensors").exists());
    assert!(out.join("report/comparison.png").exists() || out.join("report/sets.png").exists());

    // Weights that another run put in their place are no network of this run, which is trained again.
    let [a, b] = ["JUN_K562_A", "FOS_K562_B"]
        .map(|set| out.join(format!("models/{set}/rnn/fold-1/model.safetensors")));
    let weights = fs::read(&b).unwrap();
    fs::copy(a, &b).unwrap();
    reproduce(&settings, &Interrupt::default()).unwrap();
    assert!(fs::read(&b).unwrap() == weights);
    assert_eq!(fs::read_to_string(out.join("results.tsv")).unwrap(), results);
}

#[test]
fn baselines_are_judged_like_networks_and_leave_them_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    let alone = folder.path().join("alone");
    reproduce(&config(&data, alone.clone()), &Interrupt::default()).unwrap();
    let both = folder.path().join("both");
    let models = [ModelKind::Rnn, ModelKind::ScanOwn, ModelKind::ScanBest, ModelKind::Gkm];
    let settings = RunConfig { models: Some(models.to_vec()), ..config(&data, both.clone()) };
    reproduce(&settings, &Interrupt::default()).unwrap();
    let rows = |out: &Path, name: &str, word: &str| -> Vec<String> {
        let text = fs::read_to_string(out.join(name)).unwrap();
        text.lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
    };
    let network = rows(&alone, "results.tsv", "\trnn\t");
    assert_eq!(network.len(), 2);
    assert_eq!(rows(&both, "results.tsv", "\trnn\t"), network);
    assert_eq!(rows(&both, "motifs.tsv", ""), rows(&alone, "motifs.tsv", ""));
    for (model, wanted) in [("scan-own", 0.8), ("scan-best", 0.8), ("gkm", 0.8)] {
        let found = rows(&both, "results.tsv", &format!("\t{model}\t"));
        assert_eq!(found.len(), 2, "{model}");
        for row in found {
            let auroc: f64 = row.split('\t').nth(8).unwrap().parse().unwrap();
            assert!(auroc > wanted, "{row}");
        }
    }
    // Four models, of which the RNN has not converged and is left out: three pairs a set.
    assert_eq!(rows(&both, "delong.tsv", "\treal\t").len(), 6);
    let page = fs::read_to_string(both.join("report/index.html")).unwrap();
    assert!(page.contains("own motif") && page.contains("Reliability"));
    assert!(both.join("report/critical-difference-honest.png").exists());
    let latex = fs::read_to_string(both.join("report/summary.tex")).unwrap();
    assert!(latex.contains("\\toprule") && latex.contains("gapped k-mers"), "{latex}");
}

#[test]
fn a_balance_is_kept_in_the_manifest_trains_otherwise_and_is_not_changed_midway() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    // One bound sequence of three is left.
    for set in ["JUN_K562_A", "FOS_K562_B"] {
        let path = data.join(set).join("train.fa");
        let text = fs::read_to_string(&path).unwrap();
        let records = text.split('>').skip(1).enumerate().filter(|(at, _)| at % 2 == 1 || at % 4 == 0);
        let kept: Vec<&str> = records.map(|(_, record)| record).collect();
        fs::write(&path, format!(">{}", kept.join(">"))).unwrap();
    }
    let run = |name: &str, balance| RunConfig { balance, ..config(&data, folder.path().join(name)) };
    let tables =
        [("none", Balance::None), ("weights", Balance::InverseFrequency), ("sampling", Balance::Sampling)]
            .map(|(name, balance)| {
                reproduce(&run(name, balance), &Interrupt::default()).unwrap();
                let manifest = fs::read(folder.path().join(name).join("manifest.json")).unwrap();
                let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
                let wanted = serde_json::to_value(balance).unwrap();
                assert_eq!(manifest["settings"]["balance"], wanted);
                fs::read_to_string(folder.path().join(name).join("results.tsv")).unwrap()
            });
    assert!(tables[0] != tables[1] && tables[0] != tables[2] && tables[1] != tables[2]);
    let other = reproduce(&run("none", Balance::Sampling), &Interrupt::default()).unwrap_err().to_string();
    assert!(other.contains("balance \"none\"") && other.contains("balance \"sampling\""), "{other}");
}

#[test]
fn warm_up_and_averaging_train_otherwise_and_are_not_changed_midway() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    let weights = |name: &str, warm_up, averaging| {
        let run = RunConfig { warm_up, averaging, ..config(&data, folder.path().join(name)) };
        reproduce(&run, &Interrupt::default()).unwrap();
        fs::read(folder.path().join(name).join("models/JUN_K562_A/rnn/model.safetensors")).unwrap()
    };
    let plain = weights("plain", None, None);
    // What the protocol does is no change.
    assert_eq!(weights("same", Some(100), Some(0.99)), plain);
    let [warm_up, averaging] = [weights("steep", Some(2), None), weights("last", None, Some(0.0))];
    assert!(warm_up != plain && averaging != plain && warm_up != averaging);
    let refused = |warm_up, averaging, name: &str| {
        let run = RunConfig { warm_up, averaging, ..config(&data, folder.path().join(name)) };
        reproduce(&run, &Interrupt::default()).unwrap_err().to_string()
    };
    let other = refused(Some(3), None, "steep");
    assert!(other.contains("warm_up 2") && other.contains("warm_up 3"), "{other}");
    let other = refused(None, Some(0.5), "plain");
    assert!(other.contains("averaging null") && other.contains("averaging 0.5"), "{other}");
}

#[test]
fn published_sets_are_found_below_the_folder_that_was_fetched() {
    let folder = tempfile::tempdir().unwrap();
    write_sets(&folder.path().join("made"));
    let nested = folder.path().join("data/deepmotif-dashboard/deepbind");
    fs::create_dir_all(&nested).unwrap();
    let (name, out) = ("NFE2_K562_NF-E2_Yale", folder.path().join("out"));
    fs::rename(folder.path().join("made/JUN_K562_A"), nested.join(name)).unwrap();
    fs::rename(folder.path().join("made/FOS_K562_B"), nested.join("FOS_K562_B")).unwrap();
    let settings = RunConfig {
        profile: Profile::Encode57,
        max_steps: Some(2),
        ..config(&folder.path().join("data"), out.clone())
    };
    let error = reproduce(&settings, &Interrupt::default()).unwrap_err().to_string();
    assert!(error.contains("1 of 57 sets") && error.contains("cargo xtask fetch encode"), "{error}");
    assert!(!out.exists());
    let chosen = RunConfig { sets: Some(vec![name.to_owned()]), ..settings };
    reproduce(&chosen, &Interrupt::default()).unwrap();
    let results = fs::read_to_string(out.join("results.tsv")).unwrap();
    assert_eq!(results.lines().count(), 2);
    assert!(results.contains(name) && results.contains("\t0.9968"), "{results}");
}

#[test]
fn bad_input_gives_one_error_and_no_tables() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write_sets(&data);
    let out = folder.path().join("out");
    let refused = |settings: RunConfig| reproduce(&settings, &Interrupt::default()).unwrap_err().to_string();

    let unknown = refused(RunConfig { sets: Some(vec!["JUN_K562".into()]), ..config(&data, out.clone()) });
    assert!(unknown.contains("unknown set 'JUN_K562'") && unknown.contains("JUN_K562_A"), "{unknown}");
    let missing = refused(config(&folder.path().join("nowhere"), out.clone()));
    assert!(missing.contains("nowhere"), "{missing}");
    let cuda = refused(RunConfig { device: DeviceChoice::Cuda, ..config(&data, out.clone()) });
    assert!(cuda.contains("--device cpu"), "{cuda}");
    assert!(!out.exists());
    // What leaves a set too little to train on is told before anything is trained.
    let sizes = refused(RunConfig { train_sizes: vec![2], ..config(&data, out.clone()) });
    assert!(sizes.contains("--train-sizes 2: wanted") && sizes.contains("FOS_K562_B"), "{sizes}");
    let folds = refused(RunConfig { folds: Some(49), ..config(&data, folder.path().join("folds")) });
    assert!(folds.contains("--folds 49: wanted") && folds.contains("FOS_K562_B"), "{folds}");
    assert!(!out.join("journal/train").exists() && !out.join("training").exists());

    let test = data.join("JUN_K562_A/test.fa");
    let text = fs::read_to_string(&test).unwrap();
    fs::write(&test, text.replacen("TGACTCA", "TGAC", 1)).unwrap();
    let unequal = refused(config(&data, out.clone()));
    assert!(unequal.contains("test.fa"), "{unequal}");
    assert!(!out.join("results.tsv").exists() && !out.join("report").exists());

    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let occupied = refused(config(&data, file.clone()));
    assert!(occupied.contains("file"), "{occupied}");
}

#[test]
fn simulated_sets_are_measured_against_what_was_planted() {
    let folder = tempfile::tempdir().unwrap();
    let run = |out: &str, threads: usize, placement: Placement| {
        let out = folder.path().join(out);
        let settings = RunConfig {
            profile: Profile::Smoke,
            data: None,
            placement,
            sets: Some(vec!["NFYB_K562_NF-YB_Stanford".to_owned()]),
            models: Some(vec![ModelKind::CnnSmall, ModelKind::RnnSmall, ModelKind::Gkm]),
            threads: Some(threads),
            max_steps: Some(4),
            ..config(Path::new("."), out.clone())
        };
        reproduce(&settings, &Interrupt::default()).unwrap();
        let tables = ["truth.tsv", "truth_summary.tsv", "report/truth-auprc.svg"];
        tables.map(|name| fs::read_to_string(out.join(name)).unwrap())
    };
    let [table, summary, figure] = run("one", 1, Placement::Centred);
    assert_eq!([table.clone(), summary, figure.clone()], run("two", 2, Placement::Centred));
    let maps = |table: &str, model: &str| {
        let of_model = |line: &&str| line.split('\t').nth(4) == Some(model);
        table
            .lines()
            .filter(of_model)
            .map(|line| line.split('\t').nth(7).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(maps(&table, "none"), ["prior", "scan", "oracle"]);
    let gradients = ["saliency", "gradient-x-input", "mean-centred-gradient", "in-silico-mutagenesis"];
    assert_eq!(maps(&table, "cnn-small"), gradients);
    assert_eq!(maps(&table, "rnn-small")[4..], ["temporal-prefix", "temporal-suffix", "temporal"]);
    assert!(maps(&table, "gkm").is_empty());
    assert!(figure.contains("true grammar (oracle)") && figure.contains("simulated"));
    // The oracle stands in the table of results and on the page's plots.
    let results = fs::read_to_string(folder.path().join("one/results.tsv")).unwrap();
    let column = results.lines().next().unwrap().split('\t').position(|name| name == "oracle_auroc").unwrap();
    let oracle: f64 = results.lines().nth(1).unwrap().split('\t').nth(column).unwrap().parse().unwrap();
    assert!((0.97..1.0).contains(&oracle), "{oracle}");
    untrained_networks_are_a_control(&folder.path().join("one"));
    latex_says_what_the_tables_do(&folder.path().join("one"));
    let page = fs::read_to_string(folder.path().join("one/report/index.html")).unwrap();
    // Among the ROC curves; the two plots of planted positions name it the other way round.
    assert!(page.contains("oracle (true grammar)") && page.contains("true grammar (oracle)"));
    let sets = fs::read_to_string(folder.path().join("one/report/sets.svg")).unwrap();
    assert!(sets.contains("oracle (true grammar)"));
    let [uniform, ..] = run("uniform", 1, Placement::Uniform);
    assert!(uniform.lines().skip(1).all(|line| line.contains("\tsimulated\tuniform\t")));
    assert_ne!(uniform, table);
}

/// Rows of untrained networks stand in the tables beside those of the trained ones, and on the page among the
/// counts alone.
fn untrained_networks_are_a_control(out: &Path) {
    let rows = |name: &str, source: &str| -> Vec<String> {
        let text = fs::read_to_string(out.join(name)).unwrap();
        text.lines().filter(|line| line.split('\t').any(|cell| cell == source)).map(str::to_owned).collect()
    };
    for name in ["motifs.tsv", "motif_counts.tsv", "recovery.tsv"] {
        let control = rows(name, "untrained-filter");
        assert!(!control.is_empty() && control.iter().all(|row| row.contains("\tcnn-small\t")), "{name}");
    }
    for name in ["motif_counts.tsv", "recovery.tsv"] {
        assert_eq!(rows(name, "untrained-filter").len(), rows(name, "filter").len(), "{name}");
        // Windows need not have a motif in common; of saliency they do here.
        assert!(!rows(name, "untrained-saliency").is_empty(), "{name}");
        assert!(rows(name, "untrained-temporal").iter().all(|row| row.contains("\trnn-small\t")), "{name}");
    }
    // Four steps from the same start: the filters are other ones.
    let queries = |source| -> Vec<String> {
        let cells = |row: &String| row.split('\t').skip(5).collect::<Vec<_>>().join("\t");
        rows("motifs.tsv", source).iter().map(cells).collect()
    };
    assert_ne!(queries("untrained-filter"), queries("filter"));
    let page = fs::read_to_string(out.join("report/index.html")).unwrap();
    // Without and with Bonferroni's correction.
    assert_eq!(page.matches("<td>untrained-filter").count(), 2);
    assert_eq!(page.matches("untrained-filter").count(), 2);
    assert!(page.contains("Untrained sources are a control"));
}

/// One `table` whose `tabular` has as many cells in every row as columns, with nothing left unescaped.
fn sound_latex(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_stem().unwrap().to_str().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..3], ["% Needs \\usepackage{booktabs}.", "\\begin{table}", "\\centering"]);
    assert!(lines[3].starts_with("\\caption{") && lines[3].ends_with(".}"), "{}", lines[3]);
    assert_eq!(lines[4], format!("\\label{{tab:{name}}}"));
    let columns = lines[5].strip_prefix("\\begin{tabular}{").unwrap().strip_suffix('}').unwrap().len();
    let rules = [(6, "\\toprule"), (8, "\\midrule"), (lines.len() - 3, "\\bottomrule")];
    assert!(rules.iter().all(|&(at, rule)| lines[at] == rule));
    assert_eq!(lines[lines.len() - 2..], ["\\end{tabular}", "\\end{table}"]);
    let rows: Vec<&str> = lines[9..lines.len() - 3].to_vec();
    assert!(!rows.is_empty());
    for row in std::iter::once(&lines[7]).chain(&rows) {
        assert_eq!(row.strip_suffix(" \\\\").unwrap().split(" & ").count(), columns, "{row}");
    }
    // Alignment marks and mathematics are the only special characters without a backslash.
    for line in [&lines[3..4], &lines[7..8], &rows].concat() {
        let plain = line.replace("\\%", "").replace("\\_", "").replace(" & ", "");
        assert!(!plain.contains(['%', '_', '&', '#', '<', '>']), "{line}");
    }
    text
}

/// The LaTeX of a run on one simulated set.
fn latex_says_what_the_tables_do(out: &Path) {
    let [truth, recovery, decoys, counts] = ["truth_summary", "recovery", "decoys", "motif_counts"]
        .map(|name| sound_latex(&out.join(format!("report/{name}.tex"))));
    for latex in [&truth, &recovery, &decoys, &counts] {
        let caption = latex.lines().nth(3).unwrap();
        assert!(caption.contains("1 simulated set (sites centred)"), "{caption}");
    }
    assert!(truth.contains("95 \\% intervals") && counts.contains("q \\textless{} .05"));
    let rows = |latex: &str| latex.lines().filter(|line| line.ends_with("\\\\")).count() - 1;
    let lines = |name: &str| fs::read_to_string(out.join(name)).unwrap().lines().count() - 1;
    // With one set, what is summarised is what there is.
    assert_eq!(rows(&truth), lines("truth_summary.tsv"));
    assert_eq!(rows(&recovery), lines("recovery.tsv"));
    assert_eq!(rows(&decoys), lines("decoys.tsv"));
    assert!(counts.contains("CNN, small & untrained-filter, corrected & any & 1 & "));
    let table = fs::read_to_string(out.join("recovery.tsv")).unwrap();
    let cells: Vec<&str> =
        table.lines().find(|line| line.contains("\tfilter\town\t")).unwrap().split('\t').collect();
    let correlation: f64 = cells[12].parse().unwrap();
    let wanted = format!("CNN, small & filter & own & 1 & 1 & {correlation:.3} & ");
    assert!(recovery.contains(&wanted), "{recovery}\n{wanted}");
    assert!(decoys.contains("\ntrue grammar (oracle) & -- & 1 & -- & 0.9"), "{decoys}");
}
