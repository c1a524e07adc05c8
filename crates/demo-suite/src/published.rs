//! Published figures over many sets, each with its status.

use demo_data::embedded::published_figures;
use demo_data::{FigureStatus, PublishedFigure};

/// A published AUROC over sets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PublishedAuroc {
    pub(crate) model: String,
    pub(crate) sets: usize,
    /// Which sets.
    pub(crate) over: String,
    pub(crate) status: FigureStatus,
    pub(crate) mean: f64,
    pub(crate) median: Option<f64>,
    pub(crate) sd: Option<f64>,
}

/// A published count of sets whose own motif was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PublishedCount {
    pub(crate) model: String,
    pub(crate) sets: usize,
    pub(crate) found: usize,
    pub(crate) status: FigureStatus,
}

/// Means over sets in the table's order; a confirmed figure takes the place of one that is not.
pub(crate) fn published_aurocs() -> Vec<PublishedAuroc> {
    let figures = published_figures();
    let means = figures.iter().filter(|figure| figure.quantity == "auroc" && figure.statistic == "mean");
    let same = |a: &PublishedFigure, b: &PublishedFigure| {
        (&a.model, a.sets, &a.selection, &a.quantity) == (&b.model, b.sets, &b.selection, &b.quantity)
    };
    let confirmed = |figure: &PublishedFigure| figure.status == FigureStatus::Confirmed;
    let kept = means
        .filter(|mean| confirmed(mean) || !figures.iter().any(|other| same(mean, other) && confirmed(other)));
    let row = |mean: &PublishedFigure| {
        let beside = |statistic: &str| {
            let of = |other: &&PublishedFigure| {
                same(mean, other) && other.status == mean.status && other.statistic == statistic
            };
            figures.iter().find(of).map(|other| other.value)
        };
        PublishedAuroc {
            model: mean.model.clone(),
            sets: mean.sets as usize,
            over: over(mean),
            status: mean.status,
            mean: mean.value,
            median: beside("median"),
            sd: beside("sd"),
        }
    };
    kept.map(row).collect()
}

/// Motifs found by class optimisation.
pub(crate) fn published_counts() -> Vec<PublishedCount> {
    let counts = published_figures().iter().filter(|figure| figure.quantity == "motifs_matched");
    let row = |figure: &PublishedFigure| PublishedCount {
        model: figure.model.clone(),
        sets: figure.sets as usize,
        found: figure.value as usize,
        status: figure.status,
    };
    counts.map(row).collect()
}

fn over(figure: &PublishedFigure) -> String {
    match figure.selection.as_str() {
        "K562" => format!("all {} K562 sets, real data", figure.sets),
        "panel57" => format!("the {} K562 sets with a JASPAR motif, real data", figure.sets),
        other => format!("{} sets ({other}), real data", figure.sets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmed_figures_stand_for_recollected_ones() {
        let rows = published_aurocs();
        let of =
            |model: &str, sets| rows.iter().filter(|row| row.model == model && row.sets == sets).collect();
        let deepbind: Vec<&PublishedAuroc> = of("DeepBind*", 108);
        assert_eq!((deepbind.len(), deepbind[0].status), (1, FigureStatus::Confirmed));
        assert_eq!((deepbind[0].mean, deepbind[0].median), (0.9037, Some(0.9319)));
        let cnn: Vec<&PublishedAuroc> = of("CNN", 108);
        assert_eq!((cnn.len(), cnn[0].mean, cnn[0].status), (1, 0.918, FigureStatus::Recollected));
        assert_eq!(published_counts().iter().map(|row| row.found).sum::<usize>(), 19 + 13 + 11);
    }
}
