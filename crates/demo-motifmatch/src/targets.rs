//! The comparison itself: targets prepared once, then any number of queries over the same letters.

use std::sync::Arc;

use demo_core::Strand;

use crate::align::{self, Alignment, Allowed, alignments, best_alignments};
use crate::bins::Bins;
use crate::calibrated::Shuffles;
use crate::distance::TargetColumns;
use crate::matches::{Match, TargetScore, listing, target_scores};
use crate::null::{Null, Tails};
use crate::prepare::{Prepared, Source, on_both_strands};
use crate::shared::Shared;
use crate::twister::Twister;
use crate::{NullModel, Options, Scoring};

/// Targets over one alphabet, ready to be searched.
#[derive(Debug)]
pub(crate) struct Targets {
    pub(crate) options: Options,
    letters: Vec<char>,
    background: Vec<f64>,
    /// How many targets there are.
    pub(crate) count: usize,
    pub(crate) strands: Vec<TargetStrand>,
    columns: TargetColumns,
    /// The widths that targets have, sorted.
    widths: Vec<usize>,
    /// The indices of `strands`, forward ones first, then by identifier: the order among equals.
    pub(crate) by_name: Vec<usize>,
    /// Where each of `strands` stands in `by_name`.
    pub(crate) places: Vec<usize>,
    /// Random orders of each target's columns, for the calibrated null.
    shuffles: Option<Shuffles>,
}

/// One strand of one target.
#[derive(Debug)]
pub(crate) struct TargetStrand {
    pub(crate) target: usize,
    pub(crate) strand: Strand,
    pub(crate) id: Arc<str>,
    pub(crate) consensus: Arc<str>,
    /// Where its columns lie among those of all targets.
    pub(crate) span: std::ops::Range<usize>,
    /// Which of the widths that targets have is its own.
    width: usize,
}

/// What a query scored against one strand of a target.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored {
    pub(crate) alignment: Alignment,
    /// The p-value.
    pub(crate) p: f64,
    /// The p-value that ranks, multiplies to E and makes q: Tomtom rounds that of complete scores to single
    /// precision first.
    pub(crate) ranked: f64,
}

/// What is reused from query to query.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    bins: Bins,
    align: align::Scratch,
    shared: Shared,
}

impl Targets {
    /// Prepares targets of checked options: `letters` and `background` are of the alphabet, `complements` where it
    /// has two strands.
    pub(crate) fn new<'a, S: Source + 'a>(
        targets: impl ExactSizeIterator<Item = (&'a str, &'a S)>,
        letters: &[char],
        complements: Option<&[usize]>,
        background: &[f64],
        options: Options,
    ) -> Self {
        let complements = complements.filter(|_| options.both_strands);
        let background =
            complements.map_or_else(|| background.to_vec(), |pairs| on_both_strands(background, pairs));
        let count = targets.len();
        let mut strands = Vec::new();
        let mut prepared = Vec::new();
        let mut next = 0;
        for (target, (id, motif)) in targets.enumerate() {
            let forward = Prepared::new(motif, options.motif_pseudocount, &background);
            let id: Arc<str> = id.into();
            let mut add = |strand, motif: Prepared| {
                let span = next..next + motif.width();
                next = span.end;
                let consensus = motif.consensus(letters).into();
                strands.push(TargetStrand { target, strand, id: Arc::clone(&id), consensus, span, width: 0 });
                prepared.push(motif);
            };
            let reverse = complements.map(|pairs| forward.to_reverse_complement(pairs));
            add(Strand::Forward, forward);
            if let Some(reverse) = reverse {
                add(Strand::Reverse, reverse);
            }
        }
        let mut widths: Vec<usize> = strands.iter().map(|strand| strand.span.len()).collect();
        widths.sort_unstable();
        widths.dedup();
        for strand in &mut strands {
            strand.width = widths.binary_search(&strand.span.len()).unwrap_or(0);
        }
        let columns = TargetColumns::new(prepared.iter(), options.distance, &background);
        let mut by_name: Vec<usize> = (0..strands.len()).collect();
        by_name.sort_by_key(|&i| (strands[i].strand, &strands[i].id));
        let mut places = vec![0; strands.len()];
        for (place, &i) in by_name.iter().enumerate() {
            places[i] = place;
        }
        let shuffles = (options.null == NullModel::Calibrated).then(|| Shuffles::new(&strands));
        let letters = letters.to_vec();
        Self { options, letters, background, count, strands, columns, widths, by_name, places, shuffles }
    }

    /// A query ready to be compared.
    pub(crate) fn prepare(&self, query: &impl Source) -> Prepared {
        Prepared::new(query, self.options.motif_pseudocount, &self.background)
    }

    /// The matches of a query.
    pub(crate) fn matches(
        &self,
        query: &impl Source,
        stream: &mut Twister,
        scratch: &mut Scratch,
    ) -> Vec<Match> {
        let query = self.prepare(query);
        let scored = self.score(&query, scratch);
        listing(self, &query.consensus(&self.letters).into(), &scored, stream)
    }

    /// The best alignment of a query with each target.
    pub(crate) fn scores(&self, query: &impl Source, scratch: &mut Scratch) -> Vec<TargetScore> {
        let query = self.prepare(query);
        target_scores(self, &self.score(&query, scratch))
    }

    /// What a query scores against each strand of each target.
    pub(crate) fn score(&self, query: &Prepared, scratch: &mut Scratch) -> Vec<Scored> {
        let centred = self.options.scoring == Scoring::Complete;
        scratch.bins.fill(query, &self.columns, centred, self.options.scale);
        match self.options.scoring {
            Scoring::Complete => self.score_complete(query, scratch),
            Scoring::Incomplete => self.score_incomplete(scratch),
        }
    }

    fn allowed(&self) -> Allowed {
        Allowed { min_overlap: self.options.min_overlap, internal: self.options.internal }
    }

    /// The best alignment with each strand of each target, its p-value over all alignments and strands.
    fn score_complete(&self, query: &Prepared, Scratch { bins, align, shared }: &mut Scratch) -> Vec<Scored> {
        let spans = self.strands.iter().map(|strand| strand.span.clone());
        let aligned = best_alignments(&bins.steps(), spans, self.allowed(), align);
        if let Some(shuffles) = &self.shuffles {
            return shuffles.score(bins, query.information(), &aligned, self.allowed(), align);
        }
        let total = |alignment: &Alignment| bins.total(alignment.score);
        let mut lows = vec![usize::MAX; self.widths.len()];
        for (strand, alignment) in self.strands.iter().zip(&aligned) {
            lows[strand.width] = lows[strand.width].min(total(alignment));
        }
        let low = lows.iter().copied().min().unwrap_or(0);
        let histograms = bins.histograms();
        let mut null = Null::new(&histograms, bins.zero(), low, shared);
        let survival = null.best_of_target(&self.widths, &lows, self.options.both_strands);
        let score = |(strand, alignment): (&TargetStrand, &Alignment)| {
            let p = survival[strand.width][total(alignment) - low].min(1.0);
            Scored { alignment: *alignment, p, ranked: f64::from(p as f32) }
        };
        self.strands.iter().zip(&aligned).map(score).collect()
    }

    /// The alignment with the least p-value of its own with each strand of each target, corrected for how many
    /// alignments were tried.
    fn score_incomplete(&self, Scratch { bins, align, shared }: &mut Scratch) -> Vec<Scored> {
        let histograms = bins.histograms();
        let spans = Spans::new(&mut Null::new(&histograms, bins.zero(), 0, shared), bins.len(), &self.widths);
        let own = |alignment: &Alignment| spans.p(alignment, bins.total(alignment.score));
        let strands = if self.options.both_strands { 2 } else { 1 };
        let rows = bins.steps();
        let score = |strand: &TargetStrand| {
            let mut tried = 0;
            let scored = alignments(&rows, strand.span.clone(), self.allowed(), align).map(|alignment| {
                tried += strands;
                (own(&alignment), alignment)
            });
            let best = scored.reduce(|best, next| {
                let better = next.0 < best.0 || (next.0 == best.0 && next.1.overlap > best.1.overlap);
                if better { next } else { best }
            });
            best.map(|(p, alignment)| {
                let p = at_least_once(p, f64::from(tried));
                Scored { alignment, p, ranked: p }
            })
        };
        self.strands.iter().filter_map(score).collect()
    }
}

/// How often chance reaches each total of every span of a query that some target can lie beside.
///
/// Inside the query that is a target's whole width; at either end of the query a target may reach beyond it, so
/// that any length up to its width may be aligned. Cost: for a query of w columns and targets whose different
/// widths sum up to V, the widest W, about 100·(w·V + W²) numbers of eight bytes.
struct Spans {
    /// The longest that any target allows.
    longest: usize,
    /// By start, then by length less one.
    tails: Vec<Tails>,
}

impl Spans {
    /// `widths` are those of the targets, sorted.
    fn new(null: &mut Null<'_>, query: usize, widths: &[usize]) -> Self {
        let widest = widths.last().copied().unwrap_or(0);
        let longest = query.min(widest);
        let needed = |start: usize, length: usize| {
            let is_edge = start == 0 || start + length == query;
            let allowed = if is_edge { length <= widest } else { widths.binary_search(&length).is_ok() };
            allowed.then_some(0)
        };
        let mut spans = Self { longest, tails: vec![Tails::default(); query * longest] };
        null.for_each_span(query, needed, |start, length, span| {
            spans.tails[start * longest + length - 1] = span.to_tails();
        });
        spans
    }

    /// P(total of the alignment's span ≥ total).
    fn p(&self, alignment: &Alignment, total: usize) -> f64 {
        self.tails[alignment.start * self.longest + alignment.overlap - 1].at(total)
    }
}

/// 1 - (1 - p)ⁿ; below [`RARE`] n·p, as Tomtom has it.
fn at_least_once(p: f64, n: f64) -> f64 {
    // A sum of shares may come out a rounding above one.
    let p = p.min(1.0);
    if n * p < RARE { n * p } else { -(n * (-p).ln_1p()).exp_m1() }
}

/// Where n·p stands for the probability of at least one of n events; found from Tomtom's tables, in which the
/// change lies between 0.0003 and 0.003.
const RARE: f64 = 1e-3;

#[cfg(test)]
mod tests {
    use demo_core::{Motif, ProbabilityMatrix};

    use super::*;
    use crate::Tomtom;

    #[test]
    fn no_span_is_kept_that_no_target_can_lie_beside() {
        let motif = |width: usize| {
            let row = |column: usize| [[0.7, 0.1, 0.1, 0.1], [0.1, 0.2, 0.3, 0.4]][column % 2];
            Motif::new("m", ProbabilityMatrix::new((0..width).map(row).collect()).unwrap())
        };
        let options = Options { scoring: Scoring::Incomplete, ..Options::default() };
        let targets = Tomtom::new(&[motif(3), motif(5)], options).unwrap().targets;
        for query in [120, 4, 2] {
            let prepared = targets.prepare(&motif(query));
            let mut bins = Bins::default();
            bins.fill(&prepared, &targets.columns, false, targets.options.scale);
            let (histograms, mut shared) = (bins.histograms(), Shared::default());
            let mut null = Null::new(&histograms, bins.zero(), 0, &mut shared);
            let spans = Spans::new(&mut null, query, &targets.widths);
            let kept: usize = spans.tails.iter().map(Tails::count).sum();
            assert!(kept > 0 && kept <= 101 * (query * (3 + 5) + 5 * 5), "{query}: {kept}");
        }
    }
}
