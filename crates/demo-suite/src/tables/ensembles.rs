//! `ensembles.tsv` and `ensemble_delong.tsv`: each model as the mean over its networks, and ensembles of
//! them, on every set.

use demo_eval::{MeanAuroc, delong_pairs, holm};
use demo_report::{Cell, Column, Format, Table};

use crate::Result;
use crate::ensembles::{Contestant, Judged};
use crate::run::Run;

/// One row a set, protocol and contestant; an ensemble of some folds or seeds only says which.
pub(crate) fn ensembles(run: &Run, judged: &[Judged]) -> Result<Table> {
    let text = |name: &str| Column::new(name, Format::Text);
    let integer = |name: &str| Column::new(name, Format::Integer);
    let fixed = |name: &str| Column::new(name, Format::Fixed(6));
    let mut columns: Vec<Column> = ["set", "tf", "data", "protocol", "name", "kind", "over"].map(text).into();
    columns.extend(["fold", "seed_number", "networks", "not_converged"].map(integer));
    columns.push(Column::new("auroc", Format::Estimate(6)));
    columns.extend(
        [
            "seed_sd",
            "lowest",
            "highest",
            "auprc",
            "accuracy",
            "mcc",
            "log_loss",
            "brier",
            "ece",
            "oracle_auroc",
            "published_deepbind_star",
        ]
        .map(fixed),
    );
    let mut table = Table::new(columns);
    for one in judged {
        let set = &run.sets[one.set];
        let figures = one.figures;
        table.push(vec![
            set.data.name().into(),
            set.data.tf().into(),
            set.data.source().to_string().into(),
            one.protocol.name().into(),
            one.contestant.name().into(),
            if one.contestant.is_ensemble() { "ensemble" } else { "single" }.into(),
            over(run, one).into(),
            one.fold.into(),
            one.seed_number.into(),
            one.networks.into(),
            one.not_converged.into(),
            super::comparison::estimate(one.auroc.value(), one.delong),
            one.seed_sd.into(),
            one.points.iter().copied().reduce(f64::min).into(),
            one.points.iter().copied().reduce(f64::max).into(),
            figures.auprc.into(),
            figures.accuracy.into(),
            figures.mcc.into(),
            figures.log_loss.into(),
            figures.brier.into(),
            figures.expected_error.into(),
            set.ceiling.as_ref().map(|ceiling| ceiling.auroc).into(),
            set.published.as_ref().map(|figures| figures.deepbind_star).into(),
        ])?;
    }
    Ok(table)
}

/// In what the networks of a contestant differ.
fn over(run: &Run, judged: &Judged) -> String {
    let folds = run.settings.folds > 1 && judged.fold.is_none();
    let network = !matches!(judged.contestant, Contestant::Single(model) if !model.is_network());
    let seeds = run.settings.seeds > 1 && judged.seed_number.is_none() && network;
    let parts = [(judged.contestant == Contestant::All, "architectures"), (folds, "folds"), (seeds, "seeds")];
    let parts: Vec<&str> = parts.into_iter().filter(|(over, _)| *over).map(|(_, name)| name).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join("+") }
}

/// DeLong's test of every ensemble against every single model, a mean over its networks, and against every
/// other ensemble. p is corrected over the tests of a set and protocol, and over all rows.
pub(crate) fn ensemble_delong(run: &Run, judged: &[Judged]) -> Result<Table> {
    let text = |name| Column::new(name, Format::Text);
    let fixed = |name| Column::new(name, Format::Fixed(6));
    let significant = |name| Column::new(name, Format::Significant(6));
    let mut table = Table::new(vec![
        text("set"),
        text("tf"),
        text("data"),
        text("protocol"),
        text("first"),
        text("second"),
        fixed("difference"),
        fixed("standard_error"),
        fixed("z"),
        significant("p"),
        significant("p_holm_set"),
        significant("p_holm_all"),
    ]);
    let mut rows: Vec<(Vec<Cell>, Option<f64>)> = Vec::new();
    let whole: Vec<&Judged> = judged.iter().filter(|one| one.is_whole()).collect();
    for panel in whole.chunk_by(|a, b| (a.set, a.protocol) == (b.set, b.protocol)) {
        let contestants: Vec<Contestant> = panel.iter().map(|one| one.contestant).collect();
        let means: Vec<&MeanAuroc> = panel.iter().map(|one| &one.auroc).collect();
        for pair in delong_pairs(&means, &pairs(&contestants))? {
            let set = &run.sets[panel[0].set].data;
            let cells = vec![
                set.name().into(),
                set.tf().into(),
                set.source().to_string().into(),
                panel[0].protocol.name().into(),
                contestants[pair.first].name().into(),
                contestants[pair.second].name().into(),
                pair.test.difference.into(),
                pair.test.standard_error.into(),
                pair.test.z.into(),
                pair.test.p.into(),
                pair.p_holm.into(),
            ];
            rows.push((cells, pair.test.p));
        }
    }
    let corrected = holm(&rows.iter().map(|(_, p)| *p).collect::<Vec<_>>());
    for ((mut cells, _), corrected) in rows.into_iter().zip(corrected) {
        cells.push(corrected.into());
        table.push(cells)?;
    }
    Ok(table)
}

/// Places of every ensemble before those of every single model, and of each two ensembles.
pub(super) fn pairs(contestants: &[Contestant]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (first, one) in contestants.iter().enumerate().filter(|(_, one)| one.is_ensemble()) {
        for (second, other) in contestants.iter().enumerate() {
            if !other.is_ensemble() || (other.is_ensemble() && second > first && one != other) {
                pairs.push((first, second));
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ModelKind::{Cnn, Rnn};

    #[test]
    fn ensembles_meet_everyone_once() {
        use Contestant::{All, Ensemble, Single};
        let contestants = [Single(Cnn), Single(Rnn), Ensemble(Cnn), Ensemble(Rnn), All];
        let found = pairs(&contestants);
        let wanted = [(2, 0), (2, 1), (2, 3), (2, 4), (3, 0), (3, 1), (3, 4), (4, 0), (4, 1)];
        assert_eq!(found, wanted);
        assert!(pairs(&contestants[..2]).is_empty());
    }
}
