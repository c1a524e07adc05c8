//! The comparison itself: targets prepared once, then any number of queries.

use std::sync::Arc;

use demo_core::{Background, Motif, Strand};
use rayon::prelude::*;

use crate::align::{self, Alignment, Allowed, alignments, best_alignments};
use crate::bins::{Bins, TargetColumns};
use crate::null::Null;
use crate::prepare::{columns, consensus, reverse_complement};
use crate::qvalue::{DRAWS, q_values};
use crate::twister::Twister;
use crate::{Error, Options, Result, Scoring, Threshold};

/// A target that resembles a query, in its better orientation.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The target's index in the list of targets.
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

/// One strand of one target.
#[derive(Debug)]
struct TargetStrand {
    target: usize,
    strand: Strand,
    id: Arc<str>,
    consensus: Arc<str>,
    /// Where its columns lie among those of all targets.
    span: std::ops::Range<usize>,
}

/// What a query scored against one strand of a target.
#[derive(Debug, Clone, Copy)]
struct Scored {
    alignment: Alignment,
    /// The p-value.
    p: f64,
    /// The p-value that ranks, multiplies to E and makes q: Tomtom rounds that of complete scores to single
    /// precision first.
    ranked: f64,
}

/// What is reused from query to query.
#[derive(Debug, Default)]
struct Scratch {
    bins: Bins,
    align: align::Scratch,
}

/// Queries that are given out to threads at a time; each brings a copy of the random numbers' state.
const BATCH: usize = 1024;

/// Targets ready to be searched.
///
/// ```
/// use demo_core::{Motif, ProbabilityMatrix};
/// use demo_motifmatch::{Options, Threshold, Tomtom};
///
/// let rows = |text: &str| {
///     let row = |letter| std::array::from_fn(|base| if "ACGT".find(letter) == Some(base) { 0.97 } else { 0.01 });
///     ProbabilityMatrix::new(text.chars().map(row).collect())
/// };
/// let targets = [Motif::new("box", rows("CACGTGAC")?), Motif::new("gata", rows("AGATAAGG")?)];
/// let options = Options { threshold: Threshold::EValue(2.0), ..Options::default() };
/// let tomtom = Tomtom::new(&targets, options)?;
/// let matches = tomtom.query(&Motif::new("query", rows("CTTATC")?));
/// assert_eq!(&*matches[0].target_id, "gata");
/// assert_eq!(matches[0].orientation.symbol(), '-');
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Tomtom {
    options: Options,
    background: Background,
    targets: usize,
    strands: Vec<TargetStrand>,
    columns: TargetColumns,
    /// The widths that targets have, sorted.
    widths: Vec<usize>,
    /// The indices of `strands`, forward ones first, then by identifier: the order among equals.
    by_name: Vec<usize>,
    /// Where each of `strands` stands in `by_name`.
    places: Vec<usize>,
}

impl Tomtom {
    /// Prepares the targets.
    ///
    /// # Errors
    /// [`Error::NoTargets`] without targets, and what [`Options`] cannot ask for.
    pub fn new(targets: &[Motif], options: Options) -> Result<Self> {
        options.check()?;
        if targets.is_empty() {
            return Err(Error::NoTargets);
        }
        let background =
            if options.both_strands { options.background.to_both_strands() } else { options.background };
        let mut strands = Vec::new();
        let mut all = Vec::new();
        for (target, motif) in targets.iter().enumerate() {
            let forward = columns(motif, options.motif_pseudocount, &background);
            let id: Arc<str> = motif.id().into();
            let mut add = |strand, columns: Vec<[f64; 4]>| {
                let span = all.len()..all.len() + columns.len();
                let consensus = consensus(&columns).into();
                strands.push(TargetStrand { target, strand, id: Arc::clone(&id), consensus, span });
                all.extend(columns);
            };
            let reverse = options.both_strands.then(|| reverse_complement(&forward));
            add(Strand::Forward, forward);
            if let Some(reverse) = reverse {
                add(Strand::Reverse, reverse);
            }
        }
        let mut widths: Vec<usize> = targets.iter().map(Motif::width).collect();
        widths.sort_unstable();
        widths.dedup();
        let columns = TargetColumns::new(&all);
        let mut by_name: Vec<usize> = (0..strands.len()).collect();
        by_name.sort_by_key(|&i| (strands[i].strand, &strands[i].id));
        let mut places = vec![0; strands.len()];
        for (place, &i) in by_name.iter().enumerate() {
            places[i] = place;
        }
        Ok(Self { options, background, targets: targets.len(), strands, columns, widths, by_name, places })
    }

    /// The options in force.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A run's q-values start here.
    pub fn session(&self) -> Session<'_> {
        Session { tomtom: self, stream: Twister::new(), scratch: Scratch::default() }
    }

    /// The matches of a single query, a run of its own.
    pub fn query(&self, query: &Motif) -> Vec<Match> {
        self.session().query(query)
    }

    /// The matches of each query, all in one run, the queries shared out among the threads of the rayon pool.
    /// The result does not depend on their number.
    pub fn query_all(&self, queries: &[Motif]) -> Vec<Vec<Match>> {
        if rayon::current_num_threads() == 1 {
            let mut session = self.session();
            return queries.iter().map(|query| session.query(query)).collect();
        }
        let mut stream = Twister::new();
        let mut all = Vec::with_capacity(queries.len());
        for queries in queries.chunks(BATCH) {
            let streams: Vec<Twister> = queries
                .iter()
                .map(|_| {
                    let start = stream.clone();
                    stream.skip(DRAWS);
                    start
                })
                .collect();
            let matches = queries.par_iter().zip(streams).map_init(Scratch::default, |scratch, next| {
                let (query, mut stream) = next;
                self.compare(query, &mut stream, scratch)
            });
            all.par_extend(matches);
        }
        all
    }

    fn compare(&self, query: &Motif, stream: &mut Twister, scratch: &mut Scratch) -> Vec<Match> {
        let query = columns(query, self.options.motif_pseudocount, &self.background);
        let scored = self.score(&query, scratch);
        self.matches(&query, &scored, stream)
    }

    /// What a query scores against each strand of each target.
    fn score(&self, query: &[[f64; 4]], scratch: &mut Scratch) -> Vec<Scored> {
        let centred = self.options.scoring == Scoring::Complete;
        scratch.bins.fill(query, &self.columns, self.options.distance, centred);
        match self.options.scoring {
            Scoring::Complete => self.score_complete(query.len(), scratch),
            Scoring::Incomplete => self.score_incomplete(query.len(), scratch),
        }
    }

    fn allowed(&self) -> Allowed {
        Allowed { min_overlap: self.options.min_overlap, internal: self.options.internal }
    }

    /// The best alignment with each strand of each target, its p-value over all alignments and strands.
    fn score_complete(&self, query: usize, Scratch { bins, align }: &mut Scratch) -> Vec<Scored> {
        let spans = self.strands.iter().map(|strand| strand.span.clone());
        let aligned = best_alignments(bins, query, spans, self.allowed(), align);
        let total = |alignment: &Alignment| bins.total(alignment.score);
        let low = aligned.iter().map(total).min().unwrap_or(0);
        let histograms = bins.histograms();
        let null = Null::new(&histograms, bins.zero(), low);
        let survival = null.best_of_target(&self.widths, self.options.both_strands);
        let score = |(strand, alignment): (&TargetStrand, &Alignment)| {
            let width = self.widths.binary_search(&strand.span.len()).unwrap_or(0);
            let p = survival[width][total(alignment) - low].min(1.0);
            Scored { alignment: *alignment, p, ranked: f64::from(p as f32) }
        };
        self.strands.iter().zip(&aligned).map(score).collect()
    }

    /// The alignment with the least p-value of its own with each strand of each target, corrected for how many
    /// alignments were tried.
    fn score_incomplete(&self, query: usize, Scratch { bins, align }: &mut Scratch) -> Vec<Scored> {
        let histograms = bins.histograms();
        let mut survival = vec![Vec::new(); query * (query + 1)];
        let place = |start: usize, length: usize| start * (query + 1) + length;
        Null::new(&histograms, bins.zero(), 0).for_each_span(
            query,
            |_, _| true,
            |start, length, totals| survival[place(start, length)] = totals.to_vec(),
        );
        let own = |alignment: &Alignment| {
            survival[place(alignment.start, alignment.overlap)][bins.total(alignment.score)]
        };
        let strands = if self.options.both_strands { 2 } else { 1 };
        let score = |strand: &TargetStrand| {
            let mut tried = 0;
            let scored =
                alignments(bins, query, strand.span.clone(), self.allowed(), align).map(|alignment| {
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

    /// The listing of a query: the better strand of each target, best first, up to the threshold.
    fn matches(&self, query: &[[f64; 4]], scored: &[Scored], stream: &mut Twister) -> Vec<Match> {
        let mut order: Vec<(u64, std::cmp::Reverse<usize>, usize)> = scored
            .iter()
            .zip(&self.places)
            // The bits of numbers that are not negative are in their order.
            .map(|(scored, &place)| {
                (scored.ranked.to_bits(), std::cmp::Reverse(scored.alignment.overlap), place)
            })
            .collect();
        order.sort_unstable();
        let sorted: Vec<f64> = order.iter().map(|&(ranked, ..)| f64::from_bits(ranked)).collect();
        let q = q_values(&sorted, stream);
        let query_consensus: Arc<str> = consensus(query).into();
        let mut seen = vec![false; self.targets];
        let mut matches = Vec::new();
        for ((&(.., place), &ranked), &q_value) in order.iter().zip(&sorted).zip(&q) {
            let i = self.by_name[place];
            let (strand, Scored { alignment, p, .. }) = (&self.strands[i], scored[i]);
            if std::mem::replace(&mut seen[strand.target], true) {
                continue;
            }
            let e_value = ranked * self.targets as f64;
            let above = match self.options.threshold {
                Threshold::QValue(limit) => q_value > limit,
                Threshold::EValue(limit) => e_value > limit,
            };
            if above {
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
                query_consensus: Arc::clone(&query_consensus),
                target_consensus: Arc::clone(&strand.consensus),
                orientation: strand.strand,
            });
        }
        matches
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

/// One run over queries: the random numbers behind the q-values go on from query to query.
#[derive(Debug)]
pub struct Session<'a> {
    tomtom: &'a Tomtom,
    stream: Twister,
    scratch: Scratch,
}

impl Session<'_> {
    /// The matches of the run's next query.
    pub fn query(&mut self, query: &Motif) -> Vec<Match> {
        self.tomtom.compare(query, &mut self.stream, &mut self.scratch)
    }
}

#[cfg(test)]
mod tests {
    use demo_core::ProbabilityMatrix;
    use proptest::prelude::*;

    use super::*;
    use crate::plain::{Rules, compare};

    /// Motifs whose rows come from a small pool of numbers, so that ties and equal columns are common.
    fn motif(width: std::ops::Range<usize>) -> impl Strategy<Value = Motif> {
        let row = prop::array::uniform4(prop_oneof![Just(0.01), Just(1.0), Just(5.0), 0.01f64..9.0]);
        let sites = prop::option::of(1.0f64..3000.0);
        (prop::collection::vec(row, width), sites).prop_map(|(rows, sites)| {
            let rows = rows.into_iter().map(|row| row.map(|p| p / row.iter().sum::<f64>())).collect();
            let motif = Motif::new("m", ProbabilityMatrix::new(rows).unwrap());
            match sites {
                Some(sites) => motif.with_site_count(sites),
                None => motif,
            }
        })
    }

    fn motifs(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Motif>> {
        prop::collection::vec(motif(1..9), count)
    }

    fn options() -> impl Strategy<Value = Options> {
        let scoring = prop_oneof![Just(Scoring::Complete), Just(Scoring::Incomplete)];
        let background =
            prop_oneof![Just(Background::UNIFORM), Just(Background::new([0.3, 0.15, 0.25, 0.3]).unwrap())];
        (scoring, any::<bool>(), 1usize..7, any::<bool>(), prop_oneof![Just(0.0), Just(0.1)], background)
            .prop_map(|(scoring, both_strands, min_overlap, internal, motif_pseudocount, background)| {
                Options {
                    scoring,
                    both_strands,
                    min_overlap,
                    internal,
                    motif_pseudocount,
                    background,
                    threshold: Threshold::EValue(1e9),
                    ..Options::default()
                }
            })
    }

    fn scored(tomtom: &Tomtom, query: &Motif) -> Vec<Scored> {
        let query = columns(query, tomtom.options.motif_pseudocount, &tomtom.background);
        tomtom.score(&query, &mut Scratch::default())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn the_fast_path_equals_the_slow_twin(
            targets in motifs(1..7), query in motif(1..20), options in options(),
        ) {
            let tomtom = Tomtom::new(&targets, options.clone()).unwrap();
            let prepared = |motif| columns(motif, options.motif_pseudocount, &tomtom.background);
            let strands: Vec<Vec<[f64; 4]>> = targets
                .iter()
                .flat_map(|motif| {
                    let forward = prepared(motif);
                    let reverse = options.both_strands.then(|| reverse_complement(&forward));
                    std::iter::once(forward).chain(reverse)
                })
                .collect();
            let rules = Rules {
                min_overlap: options.min_overlap,
                internal: options.internal,
                scoring: options.scoring,
                both_strands: options.both_strands,
            };
            let plain = compare(&prepared(&query), &strands, &rules);
            let fast = scored(&tomtom, &query);
            prop_assert_eq!(fast.len(), plain.len());
            for (fast, plain) in fast.iter().zip(&plain) {
                prop_assert!((fast.p - plain.p).abs() <= 1e-10 * plain.p, "{} {}", fast.p, plain.p);
                // Equal p-values of different spans may differ in the last bit, and then tie or not.
                if options.scoring == Scoring::Complete {
                    prop_assert_eq!(fast.alignment.offset, plain.offset);
                    prop_assert_eq!(fast.alignment.overlap, plain.overlap);
                }
            }
        }

        #[test]
        fn nothing_scores_above_the_motif_itself(targets in motifs(1..7), own in 0usize..6) {
            let own = own % targets.len();
            let tomtom = Tomtom::new(&targets, Options::default()).unwrap();
            let scored = scored(&tomtom, &targets[own]);
            let best = scored.iter().map(|scored| scored.alignment.score).max().unwrap();
            prop_assert_eq!(scored[2 * own].alignment.score, best);
            prop_assert_eq!(scored[2 * own].alignment.offset, 0);
        }

        #[test]
        fn p_falls_as_the_score_rises(targets in motifs(2..9), query in motif(1..9)) {
            let tomtom = Tomtom::new(&targets, Options::default()).unwrap();
            let scored = scored(&tomtom, &query);
            for (a, first) in scored.iter().zip(&tomtom.strands) {
                prop_assert!(a.p > 0.0 && a.p <= 1.0);
                for (b, second) in scored.iter().zip(&tomtom.strands) {
                    if first.span.len() == second.span.len() && a.alignment.score > b.alignment.score {
                        prop_assert!(a.p <= b.p);
                    }
                }
            }
        }

        #[test]
        fn threads_change_nothing(targets in motifs(1..7), queries in motifs(0..9)) {
            let options = Options { threshold: Threshold::QValue(1.0), ..Options::default() };
            let tomtom = Tomtom::new(&targets, options).unwrap();
            let mut session = tomtom.session();
            let one_by_one: Vec<Vec<Match>> = queries.iter().map(|query| session.query(query)).collect();
            for threads in [1, 2] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                prop_assert_eq!(&pool.install(|| tomtom.query_all(&queries)), &one_by_one);
            }
        }
    }

    #[test]
    fn equal_targets_all_match_with_certainty() {
        let flat = Motif::new("flat", ProbabilityMatrix::new(vec![[0.25; 4]; 6]).unwrap());
        let options = Options { threshold: Threshold::QValue(1.0), ..Options::default() };
        let matches = Tomtom::new(std::slice::from_ref(&flat), options).unwrap().query(&flat);
        assert_eq!((matches.len(), matches[0].p_value, matches[0].overlap), (1, 1.0, 6));
    }

    #[test]
    fn unusable_requests_are_refused() {
        let motif = Motif::new("m", ProbabilityMatrix::new(vec![[0.25; 4]]).unwrap());
        let refuse = |options| Tomtom::new(std::slice::from_ref(&motif), options).unwrap_err();
        assert_eq!(Tomtom::new(&[], Options::default()).unwrap_err(), Error::NoTargets);
        let defaults = Options::default;
        assert_eq!(refuse(Options { min_overlap: 0, ..defaults() }), Error::MinOverlap);
        let found = -0.5;
        assert_eq!(refuse(Options { motif_pseudocount: found, ..defaults() }), Error::Pseudocount { found });
        for found in [0.0, 1.5] {
            let threshold = Threshold::QValue(found);
            assert_eq!(refuse(Options { threshold, ..defaults() }), Error::QThreshold { found });
        }
        let threshold = Threshold::EValue(f64::INFINITY);
        assert_eq!(refuse(Options { threshold, ..defaults() }), Error::EThreshold { found: f64::INFINITY });
    }
}
