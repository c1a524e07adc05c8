//! From scores to a listing: order, q-values, threshold.

use std::cmp::Reverse;
use std::sync::Arc;

use demo_core::Strand;

use crate::qvalue::{benjamini_hochberg, q_values};
use crate::targets::{Scored, Targets};
use crate::twister::Twister;
use crate::{NullModel, QValues, Threshold};

/// A target that resembles a query, in its better orientation.
///
/// With the two motifs it is all that an aligned pair of logos needs: the target, turned where the orientation
/// is [`Strand::Reverse`], lies with its column `offset` at query column 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The target's index in the list of targets, which tells targets of one name apart.
    pub target: usize,
    /// The target's identifier.
    pub target_id: Arc<str>,
    /// The target column that lies at query column 0; negative where the target begins later.
    pub offset: isize,
    /// How often chance alone gives one target a score this good.
    pub p_value: f64,
    /// How many of all targets chance alone would give a score this good.
    pub e_value: f64,
    /// The false discovery rate among the matches at least this good.
    pub q_value: f64,
    /// How many columns are aligned.
    pub overlap: usize,
    /// The query's most probable bases.
    pub query_consensus: Arc<str>,
    /// The target's most probable bases, in the orientation that matched.
    pub target_consensus: Arc<str>,
    /// Which strand of the target matched.
    pub orientation: Strand,
}

/// The best alignment of a query with one target, whether it is a match or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetScore {
    /// How often chance alone gives one target a score this good.
    pub p_value: f64,
    /// The alignment's score in steps above what unaligned columns count, larger for more alike.
    pub score: i32,
    /// The target column that lies at query column 0; negative where the target begins later.
    pub offset: i32,
    /// How many columns are aligned.
    pub overlap: u32,
    /// Which strand of the target matched.
    pub orientation: Strand,
}

/// The better strand of each target, in the order of the targets.
pub(crate) fn target_scores(targets: &Targets, scored: &[Scored]) -> Vec<TargetScore> {
    let per_target = if targets.options.both_strands { 2 } else { 1 };
    let better = |strands: &[Scored]| {
        let mut best = strands[0];
        let mut orientation = Strand::Forward;
        if let Some(other) = strands.get(1) {
            let is_better = (other.ranked, Reverse(other.alignment.overlap))
                < (best.ranked, Reverse(best.alignment.overlap));
            if is_better {
                (best, orientation) = (*other, Strand::Reverse);
            }
        }
        TargetScore {
            p_value: best.p,
            score: best.alignment.score,
            offset: best.alignment.offset as i32,
            overlap: best.alignment.overlap as u32,
            orientation,
        }
    };
    scored.chunks_exact(per_target).map(better).collect()
}

/// The listing of a query: the better strand of each target, best first, up to the threshold.
pub(crate) fn listing(
    targets: &Targets,
    query_consensus: &Arc<str>,
    scored: &[Scored],
    stream: &mut Twister,
) -> Vec<Match> {
    let mut order: Vec<(u64, Reverse<usize>, usize)> = scored
        .iter()
        .zip(&targets.places)
        // The bits of numbers that are not negative are in their order.
        .map(|(scored, &place)| (scored.ranked.to_bits(), Reverse(scored.alignment.overlap), place))
        .collect();
    order.sort_unstable();
    let mut seen = vec![false; targets.count];
    if targets.options.null == NullModel::Calibrated {
        // Its p-values are of targets, the same on either strand: one of them counts.
        order.retain(|&(.., place)| {
            let target = targets.strands[targets.by_name[place]].target;
            !std::mem::replace(&mut seen[target], true)
        });
        seen.fill(false);
    }
    let sorted: Vec<f64> = order.iter().map(|&(ranked, ..)| f64::from_bits(ranked)).collect();
    let q = match targets.options.q_values {
        QValues::Bootstrap => q_values(&sorted, stream),
        QValues::BenjaminiHochberg => benjamini_hochberg(&sorted, 1.0),
    };
    let mut matches = Vec::new();
    for ((&(.., place), &ranked), &q_value) in order.iter().zip(&sorted).zip(&q) {
        let i = targets.by_name[place];
        let (strand, Scored { alignment, p, .. }) = (&targets.strands[i], scored[i]);
        if std::mem::replace(&mut seen[strand.target], true) {
            continue;
        }
        let e_value = ranked * targets.count as f64;
        let above = match targets.options.threshold {
            Threshold::QValue(limit) => q_value > limit,
            Threshold::EValue(limit) => e_value > limit,
        };
        if above || targets.options.nearest.is_some_and(|nearest| matches.len() >= nearest) {
            break;
        }
        matches.push(Match {
            target: strand.target,
            target_id: Arc::clone(&strand.id),
            offset: alignment.offset,
            p_value: p,
            e_value,
            q_value,
            overlap: alignment.overlap,
            query_consensus: Arc::clone(query_consensus),
            target_consensus: Arc::clone(&strand.consensus),
            orientation: strand.strand,
        });
    }
    matches
}
