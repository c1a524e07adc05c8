//! Two judges of a simulated sequence: a scan that knows the factor's matrix, and an oracle that knows
//! the whole grammar.
//!
//! **Scan.** ln Σ Π p(base) / f(base), summed over every position and both strands, with the matrix as
//! JASPAR gives it and the background's base frequencies f: the sum of likelihood ratios that
//! MEME-SUM stands for.
//!
//! **Oracle.** ln P(x | positive) / P(x | negative). Against the background, a site at i has the
//! likelihood ratio Π p(base) / Π T(base | base before), and a positive the sum of these over
//! strands, places (with their prior), distances and numbers of sites. All dinucleotide shuffles of a
//! sequence have one background probability, so a plain negative has the positives' mean ratio over
//! the shuffles of x, here its expectation under the chain that x itself suggests. Decoys have sites
//! with the partner missing or anywhere. Two things are simplified: unrelated motifs are no part of the
//! ratio, and a moved partner may be thought to overlap its site. Both can only cost the oracle.

use demo_core::Strand;

use super::LENGTH;
use super::background::PEAKS;
use super::grammar::{Grammar, JITTER, Partner, Planted};

/// The scan of one set.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    windows: [Windows; 2],
}

impl Scan {
    pub(super) fn new(grammar: &Grammar) -> Self {
        let odds = |row: &[f64; 4]| std::array::from_fn(|base| row[base] / PEAKS.frequencies[base]);
        let rows: Vec<[f64; 4]> = grammar.motif.matrix.rows().iter().map(odds).collect();
        Self { windows: Windows::both(&rows) }
    }

    pub(super) fn score(&self, sequence: &Coded) -> f64 {
        let sum: f64 =
            self.windows.iter().map(|windows| windows.products(sequence).iter().sum::<f64>()).sum();
        sum.ln()
    }
}

/// The oracle of one set.
#[derive(Debug, Clone)]
pub(super) struct Oracle<'a> {
    pub(super) grammar: &'a Grammar,
    pub(super) motif: Ratios,
    pub(super) partner: Option<Ratios>,
    /// For each strand and start: the prior of a bare site, and of a site whose partner lies at each distance.
    pub(super) bare: [Vec<f64>; 2],
    pub(super) paired: [Vec<Vec<f64>>; 2],
    /// What the sum over ways to place all sites is divided by.
    ways: f64,
}

impl<'a> Oracle<'a> {
    pub(super) fn new(grammar: &'a Grammar) -> Self {
        let prior = |strand: Strand, gap: Option<usize>| {
            let room = grammar.room(strand, gap);
            let mass = grammar.centre.mass(room.clone());
            let weight =
                |start| if room.contains(&start) { grammar.centre.weight(start) / mass } else { 0.0 };
            (0..=LENGTH - grammar.motif.width()).map(|start| 0.5 * weight(start)).collect::<Vec<f64>>()
        };
        let bare = STRANDS.map(|strand| prior(strand, None));
        let gaps: Vec<usize> = grammar.partner.iter().flat_map(Partner::gaps).collect();
        let paired = STRANDS.map(|strand| gaps.iter().map(|&gap| prior(strand, Some(gap))).collect());
        let partner = grammar.partner.as_ref().map(|partner| Ratios::new(&partner.planted));
        let mut oracle =
            Self { grammar, motif: Ratios::new(&grammar.motif), partner, bare, paired, ways: 1.0 };
        let ones: Vec<f64> =
            (0..oracle.bare[0].len()).map(|i| oracle.bare[0][i] + oracle.bare[1][i]).collect();
        oracle.ways = oracle.place(&ones, &ones);
        oracle
    }

    pub(super) fn score(&self, sequence: &Coded) -> f64 {
        let grammar = self.grammar;
        let prefix = sequence.background();
        let motif = self.motif.at_starts(sequence, &prefix);
        let bare: Vec<f64> = (0..motif[0].len())
            .map(|i| (0..2).map(|strand| self.bare[strand][i] * motif[strand][i]).sum())
            .collect();
        let expected_motif = self.motif.expected(sequence);
        let (f, n) = (grammar.site_fraction, grammar.sites as f64);
        let Some((ratios, partner)) = self.partner.as_ref().zip(grammar.partner.as_ref()) else {
            let positive = 1.0 - f + f * self.place(&bare, &bare);
            return (positive / (1.0 - f + f * expected_motif.powf(n))).ln();
        };
        let beside = ratios.at_starts(sequence, &prefix);
        let expected_partner = ratios.expected(sequence);
        let (mut whole, mut broken) = (vec![0.0; bare.len()], vec![0.0; bare.len()]);
        for (index, &strand) in STRANDS.iter().enumerate() {
            let partners = &beside[usize::from(partner.strand(strand) == Strand::Reverse)];
            let anywhere = partners.iter().sum::<f64>() / partners.len() as f64;
            let elsewhere = (expected_partner + 2.0 * anywhere) / 3.0;
            for (gap, prior) in partner.gaps().zip(&self.paired[index]) {
                for (start, &weight) in prior.iter().enumerate() {
                    if let Some(at) = partner.start((start, strand), grammar.motif.width(), gap) {
                        let ratio = weight * motif[index][start] / (2 * JITTER + 1) as f64;
                        whole[start] += ratio * partners[at];
                        broken[start] += ratio * elsewhere;
                    }
                }
            }
        }
        let q = partner.fraction;
        let mixed: Vec<f64> =
            whole.iter().zip(&bare).map(|(whole, bare)| q * whole + (1.0 - q) * bare).collect();
        let positive = 1.0 - f + f * self.place(&mixed, &bare);
        let d = grammar.decoy_fraction;
        let plain = 1.0 - f + f * expected_motif.powf(n) * (1.0 - q + q * (1.0 - d) * expected_partner);
        (positive / (plain + f * q * d * self.place(&broken, &bare))).ln()
    }

    /// The sum, over ways to place all sites without overlap, of the product of their terms: `first`
    /// for the site that may have a partner, `others` for the rest.
    fn place(&self, first: &[f64], others: &[f64]) -> f64 {
        if self.grammar.sites == 1 {
            return first.iter().sum();
        }
        let width = self.grammar.motif.width();
        // sums[k][c][p]: k sites that end by p, c of them the first one (0 or 1).
        let mut sums = vec![[vec![0.0; LENGTH + 1], vec![0.0; LENGTH + 1]]; self.grammar.sites + 1];
        sums[0][0].fill(1.0);
        for count in 1..=self.grammar.sites {
            for end in width..=LENGTH {
                let start = end - width;
                let before = &sums[count - 1];
                let without = before[0][start] * others[start];
                let with = before[0][start] * first[start] + before[1][start] * others[start];
                sums[count][0][end] = sums[count][0][end - 1] + without;
                sums[count][1][end] = sums[count][1][end - 1] + with;
            }
        }
        sums[self.grammar.sites][1][LENGTH] / self.ways
    }
}

/// A sequence as codes and as pairs of codes, which halve the look-ups.
#[derive(Debug, Clone)]
pub(super) struct Coded {
    codes: Vec<u8>,
    pairs: Vec<u8>,
}

impl Coded {
    pub(super) fn new(codes: &[u8]) -> Self {
        let pairs = codes.windows(2).map(|pair| 4 * pair[0] + pair[1]).collect();
        Self { codes: codes.to_vec(), pairs }
    }

    /// The background's probability of the first i bases, times 4^i.
    pub(super) fn background(&self) -> Vec<f64> {
        let mut product = 1.0;
        let mut prefix = vec![1.0];
        for (i, &code) in self.codes.iter().enumerate() {
            let base = usize::from(code);
            product *= 4.0
                * match i.checked_sub(1) {
                    None => PEAKS.frequencies[base],
                    Some(before) => PEAKS.transitions[usize::from(self.codes[before])][base],
                };
            prefix.push(product);
        }
        prefix
    }

    /// The chain that the sequence's own dinucleotides suggest, relative to that of peaks, and its base
    /// frequencies. One observation of the background's own row steadies each row.
    fn relative_chain(&self) -> ([[f64; 4]; 4], [f64; 4]) {
        let mut counts = PEAKS.transitions;
        for &pair in &self.pairs {
            counts[usize::from(pair / 4)][usize::from(pair % 4)] += 1.0;
        }
        let total: f64 = counts.iter().flatten().sum();
        let sums = counts.map(|row| row.iter().sum::<f64>());
        let relative = std::array::from_fn(|i| {
            std::array::from_fn(|j| counts[i][j] / sums[i] / PEAKS.transitions[i][j])
        });
        (relative, sums.map(|sum| sum / total))
    }
}

pub(super) const STRANDS: [Strand; 2] = [Strand::Forward, Strand::Reverse];

/// Products of a row's value at each base of a window, for all windows at once.
#[derive(Debug, Clone)]
struct Windows {
    pairs: Vec<[f64; 16]>,
    last: Option<[f64; 4]>,
    width: usize,
}

impl Windows {
    fn new(rows: &[[f64; 4]]) -> Self {
        let pair = |rows: &[[f64; 4]]| std::array::from_fn(|i| rows[0][i / 4] * rows[1][i % 4]);
        let pairs = rows.chunks_exact(2).map(pair).collect();
        Self { pairs, last: (rows.len() % 2 == 1).then(|| rows[rows.len() - 1]), width: rows.len() }
    }

    /// The rows as they are, and as the other strand shows them.
    fn both(rows: &[[f64; 4]]) -> [Self; 2] {
        let reverse: Vec<[f64; 4]> = rows.iter().rev().map(|&[a, c, g, t]| [t, g, c, a]).collect();
        [Self::new(rows), Self::new(&reverse)]
    }

    fn products(&self, sequence: &Coded) -> Vec<f64> {
        let count = sequence.codes.len() + 1 - self.width;
        let mut products = vec![1.0; count];
        for (index, table) in self.pairs.iter().enumerate() {
            let pairs = &sequence.pairs[2 * index..2 * index + count];
            products
                .iter_mut()
                .zip(pairs)
                .for_each(|(product, &pair)| *product *= table[usize::from(pair & 15)]);
        }
        if let Some(table) = &self.last {
            let codes = &sequence.codes[self.width - 1..self.width - 1 + count];
            products
                .iter_mut()
                .zip(codes)
                .for_each(|(product, &code)| *product *= table[usize::from(code & 3)]);
        }
        products
    }
}

/// Likelihood ratios of a planted instance against the background, at every start and strand.
#[derive(Debug, Clone)]
pub(super) struct Ratios {
    windows: [Windows; 2],
    rows: [Vec<[f64; 4]>; 2],
}

impl Ratios {
    fn new(planted: &Planted) -> Self {
        let rows: Vec<[f64; 4]> = planted.instances.rows().iter().map(|row| row.map(|p| 4.0 * p)).collect();
        let reverse = planted.instances.to_reverse_complement().rows().to_vec();
        Self { windows: Windows::both(&rows), rows: [planted.instances.rows().to_vec(), reverse] }
    }

    /// One ratio a start, for each strand; the base after the site is taken as drawn afresh.
    pub(super) fn at_starts(&self, sequence: &Coded, prefix: &[f64]) -> [Vec<f64>; 2] {
        [0, 1].map(|strand| {
            let windows = &self.windows[strand];
            let mut ratios = windows.products(sequence);
            for (start, ratio) in ratios.iter_mut().enumerate() {
                let end = start + windows.width;
                *ratio *= match sequence.codes.get(end) {
                    Some(&code) => {
                        prefix[start] * 4.0 * PEAKS.frequencies[usize::from(code)] / prefix[end + 1]
                    }
                    None => prefix[start] / prefix[end],
                };
            }
            ratios
        })
    }

    /// The mean ratio over shuffles of the sequence, taken as sequences of the chain it suggests.
    fn expected(&self, sequence: &Coded) -> f64 {
        let (relative, frequencies) = sequence.relative_chain();
        let step = |state: [f64; 4], row: &[f64; 4]| -> [f64; 4] {
            std::array::from_fn(|to| {
                (0..4).map(|from| state[from] * relative[from][to]).sum::<f64>() * row[to]
            })
        };
        let strand = |rows: &Vec<[f64; 4]>| -> f64 {
            let state = rows.iter().fold(frequencies, step);
            step(state, &PEAKS.frequencies).iter().sum()
        };
        self.rows.iter().map(strand).sum::<f64>() / 2.0
    }
}
