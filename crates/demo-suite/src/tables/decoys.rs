//! `decoys.tsv`: how often simulated negatives with broken grammar pass for positives.
//!
//! A decoy keeps the factor's sites and lacks the partner, or has it at another distance or on the other
//! side; a plain negative is a shuffle. False positives are those with positive log-odds. The oracle, a
//! judge that knows the grammar, is the ceiling.

use demo_data::Example;
use demo_data::simulate::BROKEN;
use demo_eval::ScoredLabels;
use demo_report::{Column, Format, Table};

use crate::Result;
use crate::ensembles::log_odds;
use crate::run::{FinishedJob, Run};

/// One row for each job on a simulated set, and one for the oracle of each set.
pub(crate) fn decoys(run: &Run, jobs: &[FinishedJob]) -> Result<Table> {
    let text = |name: &str| Column::new(name, Format::Text);
    let fixed = |name: &str| Column::new(name, Format::Fixed(6));
    let mut columns: Vec<Column> = ["set", "tf", "data", "placement", "model", "protocol"].map(text).into();
    columns.extend(["fold", "decoys", "plain"].map(|name| Column::new(name, Format::Integer)));
    columns.extend(
        ["auroc_decoys", "auroc_plain", "false_positives_decoys", "false_positives_plain", "true_positives"]
            .map(fixed),
    );
    columns.push(Column::new("seed_number", Format::Integer));
    let mut table = Table::new(columns);
    for Row { set, finished, judged } in rows(run, jobs)? {
        let job = finished.map(|finished| &finished.job);
        let set = &run.sets[set];
        table.push(vec![
            set.data.name().into(),
            set.data.tf().into(),
            set.data.source().to_string().into(),
            run.settings.placement.name().into(),
            job.map_or("oracle", |job| job.model.name()).into(),
            job.map_or("NA", |job| job.protocol.name()).into(),
            job.map_or(0, |job| job.fold).into(),
            judged.decoys.into(),
            judged.plain.into(),
            judged.auroc[0].into(),
            judged.auroc[1].into(),
            judged.passed[0].into(),
            judged.passed[1].into(),
            judged.passed[2].into(),
            job.map(|job| job.seed_number).into(),
        ])?;
    }
    Ok(table)
}

/// One judge of one simulated set.
pub(super) struct Row<'a> {
    /// Position of the set in the run.
    pub(super) set: usize,
    /// The job; none for the oracle.
    pub(super) finished: Option<&'a FinishedJob>,
    pub(super) judged: Judged,
}

/// The oracle of each simulated set, followed by its jobs.
pub(super) fn rows<'a>(run: &Run, jobs: &'a [FinishedJob]) -> Result<Vec<Row<'a>>> {
    let mut rows = Vec::new();
    for (index, set) in run.sets.iter().enumerate() {
        let Some(ceiling) = &set.ceiling else { continue };
        let judge = |finished, scores: &[f64]| -> Result<Row<'a>> {
            Ok(Row { set: index, finished, judged: Judged::new(set.data.test(), scores)? })
        };
        rows.push(judge(None, &ceiling.scores)?);
        for finished in jobs.iter().filter(|finished| finished.job.set == index) {
            rows.push(judge(Some(finished), &log_odds(finished))?);
        }
    }
    Ok(rows)
}

/// Scores of positives beside those of decoys and of plain negatives.
pub(super) struct Judged {
    pub(super) decoys: usize,
    pub(super) plain: usize,
    /// Of positives against decoys, and against plain negatives.
    pub(super) auroc: [Option<f64>; 2],
    /// The share of decoys, plain negatives and positives with positive log-odds.
    pub(super) passed: [Option<f64>; 3],
}

impl Judged {
    fn new(examples: &[Example], scores: &[f64]) -> Result<Self> {
        // Decoys, plain negatives, positives.
        let mut groups: [Vec<f64>; 3] = Default::default();
        for (example, &score) in examples.iter().zip(scores) {
            let decoy = example.sites.iter().any(|site| site.motif.starts_with(BROKEN));
            groups[if example.bound { 2 } else { usize::from(!decoy) }].push(score);
        }
        let auroc = |negatives: &[f64]| -> Result<Option<f64>> {
            if negatives.is_empty() || groups[2].is_empty() {
                return Ok(None);
            }
            let labels: Vec<bool> =
                groups[2].iter().map(|_| true).chain(negatives.iter().map(|_| false)).collect();
            let scores: Vec<f64> = groups[2].iter().chain(negatives).copied().collect();
            Ok(Some(ScoredLabels::new(&labels, &scores)?.auroc()))
        };
        let passed = |scores: &Vec<f64>| {
            let passed = scores.iter().filter(|&&score| score > 0.0).count();
            (!scores.is_empty()).then(|| passed as f64 / scores.len() as f64)
        };
        Ok(Self {
            decoys: groups[0].len(),
            plain: groups[1].len(),
            auroc: [auroc(&groups[0])?, auroc(&groups[1])?],
            passed: [passed(&groups[0]), passed(&groups[1]), passed(&groups[2])],
        })
    }
}

#[cfg(test)]
mod tests {
    use demo_core::{DnaSequence, Strand};
    use demo_data::Site;

    use super::*;

    #[test]
    fn decoys_are_told_from_plain_negatives() {
        let sequence: DnaSequence = "ACGT".parse().unwrap();
        let plain = |bound| Example::new(sequence.clone(), bound);
        let site = |motif: &str| Site { start: 0, end: 2, strand: Strand::Forward, motif: motif.to_owned() };
        let decoy = Example { sites: vec![site("broken:MA0139.1")], ..plain(false) };
        let other = Example { sites: vec![site("unrelated:MA0139.1")], ..plain(false) };
        let positive = Example { sites: vec![site("MA0139.1")], ..plain(true) };
        let examples = [positive.clone(), decoy.clone(), positive, decoy, plain(false), other];
        let judged = Judged::new(&examples, &[2.0, 3.0, -1.0, -2.0, -3.0, -1.5]).unwrap();
        assert_eq!((judged.decoys, judged.plain), (2, 2));
        // 2 beats one of the decoys, -1 too.
        assert_eq!(judged.auroc, [Some(0.5), Some(1.0)]);
        assert_eq!(judged.passed, [Some(0.5), Some(0.0), Some(0.5)]);
        let judged = Judged::new(&[plain(true), plain(false)], &[1.0, 0.0]).unwrap();
        assert_eq!((judged.auroc, judged.passed[0]), ([None, Some(1.0)], None));
    }
}
