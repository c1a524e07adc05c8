//! When does one network beat another? What finished runs say of it: `cargo xtask contrast`.
//!
//! The *gain* of a set is the AUROC of the second model less that of the first, seeds averaged, over
//! networks that converged. It is held against what can be said of a set before anything is trained:
//!
//! | quantity | of |
//! |---|---|
//! | `training_sequences` | all sets |
//! | `motif_alone` | AUROC of motifs without a network: of simulated sets a scan with the true motif on 20,000 pairs, of real ones the published MEME-SUM |
//! | `motif_bits` | the factor's own JASPAR motif, the one with the most information |
//! | `headroom` | the oracle's AUROC less that scan's, simulated sets |
//! | `grammar_bases` | bases from the first of a site to the last of its partner, simulated sets |
//!
//! Of simulated sets with sites anywhere, for which no calibration is known, the scan and the oracle are not
//! known either.
//!
//! A first model's AUROC on the same test half is no such quantity: its errors are in the gain, too. Units
//! are factors, sets of one factor averaged. Correlations are Spearman's, with a bootstrap over factors and
//! Holm's correction over the quantities of one table; simulated and real sets are never put together.

mod read;
mod tables;

use std::collections::BTreeMap;
use std::path::PathBuf;

use demo_core::Seed;
use demo_data::simulate::calibrations;
use demo_eval::{Bootstrap, Groups, Interval, bootstrap_mean, holm, paired_t, percentile_interval, spearman};

use crate::Result;
use crate::models::ModelKind;
use crate::stages::compare::Targets;
use crate::stages::evaluate::LEVEL;
use read::{ResultRow, read, refused};

const REPLICATES: usize = 10_000;
/// Bases that a unit of the published CNN's last layer sees.
const CNN_SEES: usize = 28;
/// The quantities, in the order of the tables.
const QUANTITIES: [&str; 5] =
    ["training_sequences", "motif_alone", "motif_bits", "headroom", "grammar_bases"];

/// What is compared.
#[derive(Debug, Clone)]
pub struct ContrastConfig {
    /// Tables `results.tsv` of finished runs, a set in one of them alone.
    pub results: Vec<PathBuf>,
    /// Tables `learning_curve.tsv` of finished runs.
    pub sizes: Vec<PathBuf>,
    /// The two models; the gain is the second's.
    pub models: [ModelKind; 2],
    /// Where the tables are written.
    pub out: PathBuf,
}

/// Where the tables are, and the second of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// A row a set: its gain and what is known of it.
    pub sets: PathBuf,
    /// What the gain goes with.
    pub summary: PathBuf,
}

/// A set with its gain.
struct SetGain {
    set: String,
    tf: String,
    data: String,
    /// Sequences that the networks may see.
    sequences: usize,
    first: f64,
    second: f64,
    /// In the order of [`QUANTITIES`].
    quantities: [Option<f64>; 5],
    grammar: Option<Grammar>,
}

/// Whether a simulated set has a partner motif, and whether the CNN can see both at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grammar {
    Alone,
    Within,
    Beyond,
}

/// One line of the summary.
struct Finding {
    section: &'static str,
    data: String,
    name: String,
    sets: usize,
    tfs: usize,
    /// Spearman's rho, or the mean gain.
    value: f64,
    interval: Option<Interval>,
    p: Option<f64>,
    p_holm: Option<f64>,
}

/// Reads the tables, and writes `contrast.tsv` and `contrast_summary.tsv`.
///
/// # Errors
/// [`crate::Error::Results`] where a table is none of these, lacks one of the models, or has a set that an
/// earlier one has.
pub fn contrast(config: &ContrastConfig) -> Result<Contrast> {
    let targets = Targets::jaspar2016()?;
    let mut gains: Vec<SetGain> = Vec::new();
    for path in &config.results {
        let rows = read(path, config.models)?;
        if rows.iter().any(|row| row.train_size.is_some()) {
            let wanted = "a results.tsv (learning curves go to --sizes)";
            return Err(refused(path, 1, "a column train_size".to_owned(), wanted));
        }
        for gain in of_sets(&rows, config.models, &targets) {
            if gains.iter().any(|known| (&known.set, &known.data) == (&gain.set, &gain.data)) {
                let found = format!("the {} set {}, which an earlier table has", gain.data, gain.set);
                return Err(refused(path, 1, found, "each set in one table"));
            }
            gains.push(gain);
        }
    }
    let mut findings = Vec::new();
    for data in ["simulated", "real"] {
        let of: Vec<&SetGain> = gains.iter().filter(|gain| gain.data == data).collect();
        if !of.is_empty() {
            findings.extend(findings_of(data, &of)?);
        }
    }
    for path in &config.sizes {
        let rows = read(path, config.models)?;
        let mut sizes: BTreeMap<usize, Vec<ResultRow>> = BTreeMap::new();
        for row in rows {
            sizes.entry(row.train_size.unwrap_or(row.train_sequences)).or_default().push(row);
        }
        for (size, rows) in sizes {
            let gains = of_sets(&rows, config.models, &targets);
            let of: Vec<&SetGain> = gains.iter().collect();
            findings.extend(mean("size", size.to_string(), &of)?);
        }
    }
    tables::write(config, &gains, &findings)
}

/// The gains of one table's sets, in their order: seeds averaged, then the folds in which both models have a
/// network that counts.
fn of_sets(rows: &[ResultRow], models: [ModelKind; 2], targets: &Targets) -> Vec<SetGain> {
    let mut names: Vec<&str> = Vec::new();
    for row in rows {
        if !names.contains(&row.set.as_str()) {
            names.push(&row.set);
        }
    }
    let mut gains = Vec::new();
    for name in names {
        let of = |model: ModelKind| -> BTreeMap<usize, Vec<&ResultRow>> {
            let mut folds: BTreeMap<usize, Vec<&ResultRow>> = BTreeMap::new();
            for row in rows.iter().filter(|row| row.set == name && row.model == model && row.counts()) {
                folds.entry(row.fold).or_default().push(row);
            }
            folds
        };
        let average = |rows: &[&ResultRow]| rows.iter().map(|row| row.auroc).sum::<f64>() / rows.len() as f64;
        let [first, second] = models.map(of);
        let both: Vec<[&[&ResultRow]; 2]> =
            first.iter().filter_map(|(fold, one)| Some([one.as_slice(), second.get(fold)?])).collect();
        let Some([of_first, _]) = both.first() else { continue };
        let mean =
            |model: usize| both.iter().map(|fold| average(fold[model])).sum::<f64>() / both.len() as f64;
        gains.push(SetGain::new(of_first[0], [mean(0), mean(1)], targets));
    }
    gains
}

impl SetGain {
    fn new(row: &ResultRow, [first, second]: [f64; 2], targets: &Targets) -> Self {
        let simulated = row.data == "simulated";
        let known = calibrations().iter().find(|known| simulated && known.parameters.set == row.set);
        let calibration = known.filter(|_| row.is_calibrated());
        let bits = |motif: &demo_core::Motif| motif.probabilities().information().iter().sum::<f64>();
        let width = |id: &str| targets.motif(id).map(|motif| motif.probabilities().width());
        let planted = known.map(|known| &known.parameters);
        let partner = planted.and_then(|planted| planted.partner.as_ref());
        let grammar_bases = planted.and_then(|planted| {
            let site = width(&planted.motif)?;
            match partner {
                None => Some(site),
                Some(partner) => Some(site + partner.gap + width(&partner.motif)?),
            }
        });
        let grammar = grammar_bases.map(|bases| match partner {
            None => Grammar::Alone,
            Some(_) if bases <= CNN_SEES => Grammar::Within,
            Some(_) => Grammar::Beyond,
        });
        let own = targets.own(&row.tf);
        let motif_bits = own
            .into_iter()
            .map(bits)
            .fold(None, |most: Option<f64>, bits| Some(most.map_or(bits, |most| most.max(bits))));
        let motif_alone =
            if simulated { calibration.map(|known| known.scan) } else { row.published_meme_sum };
        let headroom = calibration.map(|known| known.oracle - known.scan);
        let sequences = row.train_sequences;
        Self {
            set: row.set.clone(),
            tf: row.tf.clone(),
            data: row.data.clone(),
            sequences,
            first,
            second,
            quantities: [
                Some(sequences as f64),
                motif_alone,
                motif_bits,
                headroom,
                grammar_bases.map(|bases| bases as f64),
            ],
            grammar,
        }
    }

    fn gain(&self) -> f64 {
        self.second - self.first
    }
}

impl Grammar {
    fn name(self) -> &'static str {
        match self {
            Self::Alone => "no partner",
            Self::Within => "partner within 28 bases",
            Self::Beyond => "partner beyond 28 bases",
        }
    }
}

/// What the gain goes with over the sets of one kind.
fn findings_of(data: &str, gains: &[&SetGain]) -> Result<Vec<Finding>> {
    let mut findings: Vec<Finding> = mean("all", "all sets".to_owned(), gains)?.into_iter().collect();
    for grammar in [Grammar::Alone, Grammar::Within, Grammar::Beyond] {
        let of: Vec<&SetGain> = gains.iter().filter(|gain| gain.grammar == Some(grammar)).copied().collect();
        findings.extend(mean("grammar", grammar.name().to_owned(), &of)?);
    }
    let start = findings.len();
    for (at, name) in QUANTITIES.into_iter().enumerate() {
        findings.extend(correlation(data, name, at, gains)?);
    }
    let correlations = &mut findings[start..];
    let family: Vec<Option<f64>> = correlations.iter().map(|finding| finding.p).collect();
    for (finding, p) in correlations.iter_mut().zip(holm(&family)) {
        finding.p_holm = p;
    }
    Ok(findings)
}

/// Factors in their order, with the mean of what `value` gives for their sets.
fn by_factor(gains: &[&SetGain], value: impl Fn(&SetGain) -> f64) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, (f64, usize)> = BTreeMap::new();
    for gain in gains {
        let (sum, count) = sums.entry(gain.tf.clone()).or_default();
        *sum += value(gain);
        *count += 1;
    }
    sums.into_iter().map(|(tf, (sum, count))| (tf, sum / count as f64)).collect()
}

fn bootstrap(name: &str) -> Bootstrap {
    Bootstrap { replicates: REPLICATES, level: LEVEL, seed: Seed::new(1).child("contrast").child(name) }
}

/// The mean gain over factors; none without sets.
fn mean(section: &'static str, name: String, gains: &[&SetGain]) -> Result<Option<Finding>> {
    let Some(first) = gains.first() else { return Ok(None) };
    let factors: Vec<f64> = by_factor(gains, SetGain::gain).into_values().collect();
    let groups = Groups::singletons(factors.len());
    let interval = groups.ok().and_then(|groups| bootstrap_mean(&factors, &groups, &bootstrap(&name)).ok());
    Ok(Some(Finding {
        section,
        data: first.data.clone(),
        sets: gains.len(),
        tfs: factors.len(),
        value: factors.iter().sum::<f64>() / factors.len() as f64,
        interval,
        p: paired_t(&factors)?.map(|test| test.p),
        p_holm: None,
        name,
    }))
}

/// The rank correlation of the gain with a quantity, over factors for which it is known; none where all are
/// alike or too few.
fn correlation(data: &str, name: &str, at: usize, gains: &[&SetGain]) -> Result<Option<Finding>> {
    let known: Vec<&SetGain> = gains.iter().filter(|gain| gain.quantities[at].is_some()).copied().collect();
    let x: Vec<f64> =
        by_factor(&known, |gain| gain.quantities[at].unwrap_or(f64::NAN)).into_values().collect();
    let y: Vec<f64> = by_factor(&known, SetGain::gain).into_values().collect();
    let Some(found) = spearman(&x, &y)? else { return Ok(None) };
    let repeated = |values: &[f64], weights: &[u32]| -> Vec<f64> {
        let times = |(value, &weight): (&f64, &u32)| std::iter::repeat_n(*value, weight as usize);
        values.iter().zip(weights).flat_map(times).collect()
    };
    let interval = percentile_interval(&Groups::singletons(x.len())?, &bootstrap(name), |weights| {
        spearman(&repeated(&x, weights), &repeated(&y, weights)).ok().flatten().map(|found| found.rho)
    });
    Ok(Some(Finding {
        section: "correlation",
        data: data.to_owned(),
        name: name.to_owned(),
        sets: known.len(),
        tfs: x.len(),
        value: found.rho,
        interval: interval.ok(),
        p: found.p,
        p_holm: None,
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const HEAD: &str =
        "set\ttf\tdata\tmodel\tprotocol\tauroc\tconverged\ttrain_sequences\tpublished_meme_sum\n";

    fn row(set: &str, tf: &str, data: &str, model: &str, auroc: f64, more: &str) -> String {
        format!("{set}\t{tf}\t{data}\t{model}\thonest\t{auroc}\t{more}\n")
    }

    fn written(text: &str) -> (tempfile::TempDir, Result<Contrast>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.tsv");
        fs::write(&path, text).unwrap();
        let config = ContrastConfig {
            results: vec![path],
            sizes: Vec::new(),
            models: [ModelKind::Cnn, ModelKind::CnnRnn],
            out: folder.path().join("out"),
        };
        let outcome = contrast(&config);
        (folder, outcome)
    }

    fn cells(path: &std::path::Path) -> Vec<Vec<String>> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn gains_stand_beside_what_is_known_beforehand() {
        let mut text = HEAD.to_owned();
        // Gains .01, .02, .03, .04 fall as motifs alone get better; GATA1 has two sets, one of which counts.
        let sets = [("A", "GATA1", 0.9), ("B", "CTCF", 0.8), ("C", "REST", 0.7), ("D", "MAX", 0.6)];
        for (at, (set, tf, alone)) in sets.into_iter().enumerate() {
            let gain = 0.01 * (at + 1) as f64;
            for seed in [-0.001, 0.001] {
                text +=
                    &row(set, tf, "real", "cnn", 0.9 + seed, &format!("yes\t{}\t{alone}", 1_000 * at + 500));
                text += &row(set, tf, "real", "cnn-rnn", 0.9 + gain + seed, "yes\t9\tNA");
            }
            // What did not converge does not count.
            text += &row(set, tf, "real", "cnn-rnn", 0.1, "no\t9\tNA");
            text += &row(set, tf, "real", "rnn", 0.1, "yes\t9\tNA");
        }
        text += &row("E", "GATA1", "real", "cnn", 0.9, "no\t10\tNA");
        text += &row("E", "GATA1", "real", "cnn-rnn", 0.9, "yes\t10\tNA");
        let (_folder, outcome) = written(&text);
        let outcome = outcome.unwrap();
        let sets = cells(&outcome.sets);
        assert_eq!(sets.len(), 4);
        assert_eq!(
            sets[1][..8],
            ["B", "CTCF", "real", "0.900000", "0.920000", "0.020000", "1500", "0.800000"]
        );
        assert_eq!(sets[1][9..], ["NA", "NA", "NA"]);
        let summary = cells(&outcome.summary);
        let of = |name: &str| summary.iter().find(|row| row[2] == name).unwrap();
        assert_eq!(of("all sets")[3..6], ["4", "4", "0.025000"]);
        assert_eq!(of("training_sequences")[5], "1.000000");
        assert_eq!(of("motif_alone")[5], "-1.000000");
        assert!(!summary.iter().any(|row| row[2] == "headroom" || row[0] == "grammar"));
    }

    #[test]
    fn folds_are_compared_where_both_models_have_a_network() {
        let mut text = HEAD.replace("converged", "converged\tfold");
        let mut add = |model: &str, fold: usize, aurocs: &[f64], converged: &str| {
            for auroc in aurocs {
                text += &row("A", "MAX", "real", model, *auroc, &format!("{converged}\t{fold}\t10\tNA"));
            }
        };
        add("cnn", 1, &[0.8, 0.9, 1.0], "yes");
        add("cnn", 2, &[0.6], "yes");
        add("cnn", 3, &[0.2], "yes");
        add("cnn-rnn", 1, &[0.95], "yes");
        add("cnn-rnn", 2, &[0.7, 0.8], "yes");
        add("cnn-rnn", 3, &[0.9], "no");
        let (_folder, outcome) = written(&text);
        assert_eq!(cells(&outcome.unwrap().sets)[0][3..6], ["0.750000", "0.850000", "0.100000"]);
    }

    #[test]
    fn simulated_sets_bring_their_grammar() {
        let mut text = HEAD.to_owned();
        for known in calibrations() {
            let (set, tf) = (&known.parameters.set, &known.parameters.tf);
            text += &row(set, tf, "simulated", "cnn", known.scan, "yes\t3400\tNA");
            text += &row(set, tf, "simulated", "cnn-rnn", known.oracle, "yes\t3400\tNA");
        }
        let (_folder, outcome) = written(&text);
        let outcome = outcome.unwrap();
        let summary = cells(&outcome.summary);
        let sets_of = |section: &str| -> usize {
            summary.iter().filter(|row| row[0] == section).map(|row| row[3].parse::<usize>().unwrap()).sum()
        };
        assert_eq!((sets_of("all"), sets_of("grammar")), (57, 57));
        let of = |name: &str| summary.iter().find(|row| row[2] == name).unwrap();
        // The gain is the headroom here.
        assert_eq!(of("headroom")[5], "1.000000");
        assert_eq!(of("no partner")[3], "6");
        // GATA1's site, gap and partner are 31 bases.
        let gata = cells(&outcome.sets).into_iter().find(|row| row[0].starts_with("GATA1_")).unwrap();
        assert_eq!(gata[10..], ["31.000000", "partner beyond 28 bases"]);
        // All have one size.
        assert!(!summary.iter().any(|row| row[2] == "training_sequences"));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        let refused = |text: &str| written(text).1.unwrap_err().to_string();
        let good = row("A", "MAX", "real", "cnn", 0.9, "yes\t10\tNA");
        let none = refused(&(HEAD.to_owned() + &good));
        assert!(none.contains("line 1: found no row of cnn-rnn"), "{none}");
        let wrong = refused(&(HEAD.to_owned() + &good + &good.replace("0.9", "much")));
        assert!(wrong.contains("results.tsv, line 3: found") && wrong.contains("wanted a row of"), "{wrong}");
        let other = refused(&(HEAD.to_owned() + &good.replace("real", "other")));
        assert!(other.contains("line 2: found AUROC 0.9 of other data"), "{other}");
    }

    #[test]
    fn a_learning_curve_and_a_set_twice_are_no_results() {
        let sized = HEAD.replace("auroc", "train_size\tauroc");
        let row = |model: &str| format!("A\tMAX\tsimulated\t{model}\thonest\t500\t0.9\tyes\t426\tNA\n");
        let curve = written(&(sized + &row("cnn") + &row("cnn-rnn"))).1.unwrap_err().to_string();
        assert!(curve.contains("line 1: found a column train_size, wanted a results.tsv"), "{curve}");

        let good = |model: &str| super::tests::row("A", "MAX", "real", model, 0.9, "yes\t10\tNA");
        let folder = tempfile::tempdir().unwrap();
        let paths = ["one.tsv", "two.tsv"].map(|name| folder.path().join(name));
        for path in &paths {
            fs::write(path, HEAD.to_owned() + &good("cnn") + &good("cnn-rnn")).unwrap();
        }
        let config = ContrastConfig {
            results: paths.into(),
            sizes: Vec::new(),
            models: [ModelKind::Cnn, ModelKind::CnnRnn],
            out: folder.path().join("out"),
        };
        let twice = contrast(&config).unwrap_err().to_string();
        assert!(
            twice.contains("two.tsv, line 1: found the real set A, which an earlier table has"),
            "{twice}"
        );
        assert!(!config.out.exists());
        // A simulated set has the name of the real one that it was calibrated after.
        let simulated = |model: &str| super::tests::row("A", "MAX", "simulated", model, 0.9, "yes\t10\tNA");
        fs::write(&config.results[1], HEAD.to_owned() + &simulated("cnn") + &simulated("cnn-rnn")).unwrap();
        assert_eq!(cells(&contrast(&config).unwrap().sets).len(), 2);
    }

    #[test]
    fn sets_with_sites_anywhere_have_no_calibration() {
        let head = HEAD.replace("data", "data\tplacement");
        let set = &calibrations()[0].parameters.set;
        let row = |model: &str, placement: &str| {
            format!("{set}\tX\tsimulated\t{placement}\t{model}\thonest\t0.9\tyes\t3400\tNA\n")
        };
        for (placement, known) in [("uniform", false), ("centred", true)] {
            let text = head.clone() + &row("cnn", placement) + &row("cnn-rnn", placement);
            let (_folder, outcome) = written(&text);
            let sets = cells(&outcome.unwrap().sets);
            // The scan and the headroom over it; what is planted is the same.
            assert_eq!([7, 9].map(|at| sets[0][at] != "NA"), [known; 2], "{placement}");
            assert_ne!(sets[0][10], "NA");
        }
    }
}
