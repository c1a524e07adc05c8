//! Where a judge that knows the grammar expects sites: the posterior of every way to place them.
//!
//! Given that a sequence x has sites, P(places | x) is proportional to the prior of the places times the
//! likelihood ratios of what lies there against the background. A way to place sites is a first one,
//! which may have a partner, and the further ones, none overlapping another; sums over all ways are
//! taken from the left and from the right, so that each place needs a few products. What the oracle
//! simplifies (`score.rs`) is simplified here too. Cost: sites² × length.

use demo_core::Strand;

use super::LENGTH;
use super::grammar::{JITTER, Partner};
use super::score::{Coded, Oracle, STRANDS};

/// Something that may lie in a sequence, with its probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expected {
    pub(super) start: usize,
    pub(super) strand: Strand,
    /// Whether it is a partner, or else a site of the factor.
    pub(super) partner: bool,
    pub(super) probability: f64,
}

/// A place of the first site, with its partner where it has one there.
struct First {
    start: usize,
    strand: Strand,
    partner: Option<(usize, Strand)>,
    term: f64,
}

/// Sums over ways to place sites on one side of a position: `[k][p]` for k further ones, without and
/// with the first site beside them.
struct Ways {
    without: Vec<Vec<f64>>,
    with: Vec<Vec<f64>>,
}

impl Oracle<'_> {
    /// Every place with the probability that a site or a partner lies there, of a sequence with sites.
    pub(super) fn posterior(&self, sequence: &Coded) -> Vec<Expected> {
        let width = self.grammar.motif.width();
        let others = self.bare_sites(sequence);
        let other: Vec<f64> = others[0].iter().zip(&others[1]).map(|(a, b)| a + b).collect();
        let firsts = self.first_sites(sequence, &others);
        let mut first = vec![0.0; other.len()];
        for place in &firsts {
            first[place.start] += place.term;
        }

        let further = self.grammar.sites - 1;
        let left = Ways::to_the_left((&first, &other), width, further);
        let right = Ways::to_the_right((&first, &other), width, further);
        let around_first = |start: usize| -> f64 {
            (0..=further).map(|k| left.without[k][start] * right.without[further - k][start + width]).sum()
        };
        let around_other = |start: usize| -> f64 {
            let end = start + width;
            let ways = |k: usize| {
                let rest = further - 1 - k;
                left.with[k][start] * right.without[rest][end]
                    + left.without[k][start] * right.with[rest][end]
            };
            (0..further).map(ways).sum()
        };
        let total: f64 = first.iter().enumerate().map(|(start, term)| term * around_first(start)).sum();
        let mut found = Vec::new();
        for First { start, strand, partner, term } in firsts {
            let probability = term * around_first(start) / total;
            found.push(Expected { start, strand, partner: false, probability });
            if let Some((start, strand)) = partner {
                found.push(Expected { start, strand, partner: true, probability });
            }
        }
        if further > 0 {
            for (strand, terms) in STRANDS.into_iter().zip(&others) {
                for (start, term) in terms.iter().enumerate() {
                    let probability = term * around_other(start) / total;
                    found.push(Expected { start, strand, partner: false, probability });
                }
            }
        }
        found
    }

    /// Prior times likelihood ratio of a site alone, for each strand and start.
    fn bare_sites(&self, sequence: &Coded) -> [Vec<f64>; 2] {
        let motif = self.motif.at_starts(sequence, &sequence.background());
        [0, 1].map(|strand| self.bare[strand].iter().zip(&motif[strand]).map(|(p, r)| p * r).collect())
    }

    /// Every way to place the first site, alone or with its partner.
    fn first_sites(&self, sequence: &Coded, alone: &[Vec<f64>; 2]) -> Vec<First> {
        let fraction = self.grammar.partner.as_ref().map_or(0.0, |partner| partner.fraction);
        let mut firsts = Vec::new();
        for (strand, terms) in STRANDS.into_iter().zip(alone) {
            let place = |(start, term): (usize, &f64)| First {
                start,
                strand,
                partner: None,
                term: (1.0 - fraction) * term,
            };
            firsts.extend(terms.iter().enumerate().map(place));
        }
        let Some((ratios, partner)) = self.partner.as_ref().zip(self.grammar.partner.as_ref()) else {
            return firsts;
        };
        let prefix = sequence.background();
        let motif = self.motif.at_starts(sequence, &prefix);
        let beside = ratios.at_starts(sequence, &prefix);
        for (index, &strand) in STRANDS.iter().enumerate() {
            let reads = partner.strand(strand);
            let partners = &beside[usize::from(reads == Strand::Reverse)];
            for (gap, prior) in partner.gaps().zip(&self.paired[index]) {
                for (start, &weight) in prior.iter().enumerate() {
                    if let Some(at) = self.partner_start(partner, (start, strand), gap) {
                        let ratio = motif[index][start] * partners[at] / (2 * JITTER + 1) as f64;
                        let term = fraction * weight * ratio;
                        firsts.push(First { start, strand, partner: Some((at, reads)), term });
                    }
                }
            }
        }
        firsts
    }

    fn partner_start(&self, partner: &Partner, site: (usize, Strand), gap: usize) -> Option<usize> {
        partner.start(site, self.grammar.motif.width(), gap)
    }
}

impl Ways {
    fn new(further: usize) -> Self {
        let mut without = vec![vec![0.0; LENGTH + 1]; further + 1];
        without[0].fill(1.0);
        Self { without, with: vec![vec![0.0; LENGTH + 1]; further + 1] }
    }

    /// Sites that end by p.
    fn to_the_left((first, other): (&[f64], &[f64]), width: usize, further: usize) -> Self {
        let mut ways = Self::new(further);
        for k in 0..=further {
            for end in width..=LENGTH {
                let start = end - width;
                ways.add(k, (end - 1, end), start, (first[start], other[start]));
            }
        }
        ways
    }

    /// Sites that start at p or later.
    fn to_the_right((first, other): (&[f64], &[f64]), width: usize, further: usize) -> Self {
        let mut ways = Self::new(further);
        for k in 0..=further {
            for start in (0..=LENGTH - width).rev() {
                ways.add(k, (start + 1, start), start + width, (first[start], other[start]));
            }
        }
        ways
    }

    /// The sums at position `to` from those at its neighbour, for a site that may end there and leaves
    /// what is beyond `rest` to the others.
    fn add(&mut self, k: usize, (from, to): (usize, usize), rest: usize, (first, other): (f64, f64)) {
        let mut with = self.with[k][from] + first * self.without[k][rest];
        if k > 0 {
            self.without[k][to] = self.without[k][from] + other * self.without[k - 1][rest];
            with += other * self.with[k - 1][rest];
        }
        self.with[k][to] = with;
    }
}

#[cfg(test)]
mod tests {
    use demo_core::Seed;

    use super::*;
    use crate::simulate::{Placement, draw_pair, grammar_of, is_true_site, parameters_of};

    /// The sum of probabilities of sites of the factor is their number, and of each partner what it
    /// belongs to.
    #[test]
    fn the_right_number_of_sites_is_expected() {
        for (set, sites) in [("YY1_K562_YY1_HudsonAlpha", 2.0), ("CTCF_K562_CTCF_Broad", 1.0)] {
            for placement in Placement::ALL {
                let grammar = grammar_of(&parameters_of(set, placement).unwrap()).unwrap();
                let oracle = Oracle::new(&grammar);
                let pair = draw_pair(&grammar, Seed::new(3), 5);
                let expected = oracle.posterior(&Coded::new(&pair.positive));
                let sum = |partner: bool| -> f64 {
                    expected.iter().filter(|e| e.partner == partner).map(|e| e.probability).sum()
                };
                assert!((sum(false) - sites).abs() < 1e-9, "{set}: {}", sum(false));
                assert!(sum(true) <= 1.0 && sum(true) > 0.0);
            }
        }
    }

    /// Two sites by sums over both places at once, the slow way.
    #[test]
    fn two_sites_are_those_of_all_pairs_of_places() {
        let grammar =
            grammar_of(&parameters_of("YY1_K562_YY1_HudsonAlpha", Placement::Centred).unwrap()).unwrap();
        let oracle = Oracle::new(&grammar);
        let width = grammar.motif.width();
        let sequence = Coded::new(&draw_pair(&grammar, Seed::new(9), 1).positive);
        let others = oracle.bare_sites(&sequence);
        let firsts = oracle.first_sites(&sequence, &others);
        let mut at = vec![0.0; LENGTH];
        let mut total = 0.0;
        for first in &firsts {
            for terms in &others {
                for (start, term) in terms.iter().enumerate() {
                    if start + width <= first.start || first.start + width <= start {
                        let both = first.term * term;
                        total += both;
                        at[start] += both;
                        at[first.start] += both;
                    }
                }
            }
        }
        let mut found = vec![0.0; LENGTH];
        let expected = oracle.posterior(&sequence);
        for site in expected.iter().filter(|e| !e.partner) {
            found[site.start] += site.probability;
        }
        for (found, slow) in found.iter().zip(&at) {
            assert!((found - slow / total).abs() < 1e-9, "{found} {}", slow / total);
        }
    }

    /// Of the places that are given a probability in each tenth, as many hold a site.
    #[test]
    fn probabilities_are_frequencies() {
        for set in ["CTCF_K562_CTCF_Broad", "GATA1_K562_GATA-1_USC", "SRF_K562_SRF_HudsonAlpha"] {
            let mut grammar = grammar_of(&parameters_of(set, Placement::Centred).unwrap()).unwrap();
            // The judge does not know of unrelated motifs.
            grammar.unrelated.clear();
            let oracle = Oracle::new(&grammar);
            let mut tenths = [[0.0; 3]; 10];
            for index in 0..3_000 {
                let pair = draw_pair(&grammar, Seed::new(4), index);
                let sites: Vec<_> = pair.positive_sites.iter().filter(|site| is_true_site(site)).collect();
                if sites.is_empty() {
                    continue;
                }
                let mut at = std::collections::BTreeMap::new();
                for e in oracle.posterior(&Coded::new(&pair.positive)) {
                    *at.entry((e.partner, e.start, e.strand == Strand::Reverse)).or_insert(0.0) +=
                        e.probability;
                }
                for ((partner, start, reverse), p) in at {
                    let id = match &grammar.partner {
                        Some(second) if partner => &second.planted.id,
                        _ => &grammar.motif.id,
                    };
                    let there = sites.iter().any(|site| {
                        site.start == start
                            && (site.strand == Strand::Reverse) == reverse
                            && site.motif == *id
                    });
                    let tenth: &mut [f64; 3] = &mut tenths[((p * 10.0) as usize).min(9)];
                    tenth[0] += 1.0;
                    tenth[1] += p;
                    tenth[2] += f64::from(u8::from(there));
                }
            }
            for [count, expected, there] in tenths {
                let mean = expected / count;
                // Four standard errors of a frequency.
                let error = 4.0 * (mean * (1.0 - mean) / count).sqrt();
                assert!(
                    (there / count - mean).abs() < error + 1e-4,
                    "{set}: {} for {mean} ({count})",
                    there / count
                );
            }
        }
    }
}
