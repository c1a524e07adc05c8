//! `results.tsv` and `timings.tsv`: one row per set, model, protocol, fold and seed.

use demo_models::Strands;
use demo_report::{Cell, Column, Format, Table};

use crate::Result;
use crate::run::{FinishedJob, Run};

/// Measured figures of every job; the same bytes from every run of the same settings.
pub(crate) fn results(run: &Run, jobs: &[FinishedJob]) -> Result<Table> {
    let text = |name| Column::new(name, Format::Text);
    let integer = |name| Column::new(name, Format::Integer);
    let fixed = |name| Column::new(name, Format::Fixed(6));
    let mut table = Table::new(vec![
        text("set"),
        text("tf"),
        text("data"),
        text("model"),
        text("protocol"),
        integer("fold"),
        integer("seed"),
        Column::new("auroc", Format::Estimate(6)),
        fixed("auprc"),
        fixed("accuracy"),
        fixed("mcc"),
        fixed("log_loss"),
        fixed("brier"),
        integer("epochs"),
        text("converged"),
        fixed("cv_auroc"),
        fixed("delong_low"),
        fixed("delong_high"),
        fixed("validation_auroc"),
        fixed("validation_loss"),
        fixed("train_loss"),
        integer("steps"),
        text("strands"),
        integer("train_sequences"),
        integer("test_sequences"),
        fixed("saliency_truth_auroc"),
        fixed("published_deepbind_star"),
        fixed("published_meme_sum"),
        text("weights_sha256"),
    ]);
    for finished in jobs {
        let FinishedJob { job, train, evaluate, explain } = finished;
        let set = &run.sets[job.set];
        let best = train.summary.best;
        table.push(vec![
            set.data.name().into(),
            set.data.tf().into(),
            set.data.source().to_string().into(),
            job.model.name().into(),
            job.protocol.name().into(),
            job.fold.into(),
            run.settings.seed.into(),
            Cell::Estimate(evaluate.auroc, evaluate.bootstrap.low, evaluate.bootstrap.high),
            evaluate.auprc.into(),
            evaluate.accuracy.into(),
            evaluate.mcc.into(),
            evaluate.log_loss.into(),
            evaluate.brier.into(),
            train.summary.epochs.into(),
            train.converged_name().into(),
            evaluate.cv_auroc.into(),
            evaluate.delong.map(|interval| interval.low).into(),
            evaluate.delong.map(|interval| interval.high).into(),
            best.and_then(|best| best.validation_auroc).into(),
            best.and_then(|best| best.validation_loss).into(),
            best.map(|best| best.training_loss).into(),
            train.summary.steps.into(),
            strands_name(job.training.strands).into(),
            set.data.train().len().into(),
            set.data.test().len().into(),
            explain.as_ref().and_then(|explain| explain.saliency_truth).into(),
            set.published.as_ref().map(|figures| figures.deepbind_star).into(),
            set.published.as_ref().map(|figures| figures.meme_sum).into(),
            train.weights_sha256.as_str().into(),
        ])?;
    }
    Ok(table)
}

/// Seconds of every job, outside the promise of equal bytes.
pub(crate) fn timings(run: &Run, jobs: &[FinishedJob]) -> Result<Table> {
    let text = |name| Column::new(name, Format::Text);
    let seconds = |name| Column::new(name, Format::Fixed(2));
    let mut table = Table::new(vec![
        text("set"),
        text("model"),
        text("protocol"),
        Column::new("fold", Format::Integer),
        seconds("train_s"),
        seconds("evaluate_s"),
        seconds("explain_s"),
        Column::new("sequences_per_s", Format::Fixed(0)),
    ]);
    for FinishedJob { job, train, evaluate, explain } in jobs {
        let sequences = (train.summary.steps * job.training.batch as u64) as f64;
        table.push(vec![
            run.sets[job.set].data.name().into(),
            job.model.name().into(),
            job.protocol.name().into(),
            job.fold.into(),
            train.seconds.into(),
            evaluate.seconds.into(),
            explain.as_ref().map(|explain| explain.seconds).into(),
            (sequences / train.seconds.max(1e-9)).into(),
        ])?;
    }
    Ok(table)
}

fn strands_name(strands: Strands) -> &'static str {
    match strands {
        Strands::Forward => "forward",
        Strands::Both => "both",
    }
}
