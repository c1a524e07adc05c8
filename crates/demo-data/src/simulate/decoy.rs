//! Negatives: shuffles that keep some spans in place, and the three ways to break a grammar.
//!
//! Each operation keeps the dinucleotide counts of the positive exactly, so that no negative, decoys
//! included, can be told by its composition.

use std::ops::Range;

use demo_core::Strand;
use rand::Rng;

use super::LENGTH;
use super::grammar::JITTER;
use crate::shuffle::{SPAN, shuffle_run};

/// How far beyond a partner's ends an exchange looks for bases that fit.
const REACH: usize = 6;

/// How often a misplaced partner is drawn anew when it lands at the preferred distance.
const TRIES: usize = 20;

/// A site with its partner, as a decoy finds them.
#[derive(Debug, Clone)]
pub(super) struct Pairing {
    pub(super) site: Range<usize>,
    pub(super) strand: Strand,
    pub(super) partner: Range<usize>,
    /// The preferred distance.
    pub(super) gap: usize,
}

impl Pairing {
    /// The number of bases between the site and a partner that starts at `start` on the right side of
    /// it; `None` on the wrong side.
    fn gap_at(&self, start: usize) -> Option<usize> {
        match self.strand {
            Strand::Forward => start.checked_sub(self.site.end),
            Strand::Reverse => self.site.start.checked_sub(start + self.partner.len()),
        }
    }
}

/// Shuffles all between the kept spans, each stretch by itself, the kept bases at its ends included
/// as fixed ends.
pub(super) fn shuffle_between(codes: &mut [u8], kept: &[Range<usize>], rng: &mut impl Rng) {
    let mut spans: Vec<Range<usize>> = kept.to_vec();
    spans.sort_by_key(|span| span.start);
    spans.push(codes.len()..codes.len());
    let mut successors = Vec::with_capacity(codes.len());
    let mut done = 0usize;
    for span in spans {
        let stretch = done.saturating_sub(1)..(span.start + 1).min(codes.len());
        if span.start > done && stretch.len() > 3 {
            shuffle_run(&mut codes[stretch], &mut successors, rng);
        }
        done = span.end;
    }
}

/// Wrong distance: shuffles the stretch around the partner with the partner as one piece, until it
/// lies away from its preferred distance. Returns the partner's new start.
pub(super) fn misplace(
    codes: &mut [u8],
    kept: &[Range<usize>],
    pairing: &Pairing,
    rng: &mut impl Rng,
) -> Option<usize> {
    let partner = &pairing.partner;
    let low = kept.iter().map(|span| span.end).filter(|&end| end <= partner.start).max().unwrap_or(0);
    let high = kept.iter().map(|span| span.start).filter(|&start| start >= partner.end).min();
    let stretch = low.saturating_sub(1)..high.map_or(codes.len(), |start| start + 1);
    let mut run = codes[stretch.start..=partner.start].to_vec();
    run.push(codes[partner.end - 1] | SPAN);
    run.extend_from_slice(&codes[partner.end..stretch.end]);
    if run.len() <= 3 {
        return None;
    }
    let mut successors = Vec::with_capacity(run.len());
    for _ in 0..TRIES {
        shuffle_run(&mut run, &mut successors, rng);
        let piece = run.iter().position(|&entry| entry & SPAN != 0)?;
        let start = stretch.start + piece - 1;
        // The ends of the stretch belong to the neighbours, where there are any.
        let free = start >= low && high.is_none_or(|high| start + partner.len() <= high);
        let wrong = pairing.gap_at(start).is_none_or(|gap| gap.abs_diff(pairing.gap) > JITTER + 1);
        if free && wrong {
            let inside = codes[partner.start + 1..partner.end].to_vec();
            let (before, after) = (&run[..piece], &run[piece + 1..]);
            let new = before.iter().chain(&inside).chain(after);
            codes[stretch].iter_mut().zip(new).for_each(|(code, &entry)| *code = entry);
            return Some(start);
        }
    }
    None
}

/// Wrong order: exchanges the partner with a stretch on the other side of its site that begins and
/// ends with the same bases; both may reach a few bases beyond the partner to make the ends fit.
/// Returns the partner's new start.
pub(super) fn swap_sides(
    codes: &mut [u8],
    kept: &[Range<usize>],
    pairing: &Pairing,
    rng: &mut impl Rng,
) -> Option<usize> {
    let side = match pairing.strand {
        Strand::Forward => 0..pairing.site.start,
        Strand::Reverse => pairing.site.end..LENGTH,
    };
    let free = |span: &Range<usize>| kept.iter().all(|kept| kept.end <= span.start || span.end <= kept.start);
    let partner = &pairing.partner;
    let mut fits = Vec::new();
    for before in 0..=REACH.min(partner.start) {
        for after in 0..=REACH.min(LENGTH - partner.end) {
            let from = partner.start - before..partner.end + after;
            if !free(&from) || from.len() > side.len() {
                continue;
            }
            let ends = (codes[from.start], codes[from.end - 1]);
            for start in side.start..=side.end - from.len() {
                let to = start..start + from.len();
                if (codes[to.start], codes[to.end - 1]) == ends && free(&to) {
                    fits.push((from.clone(), to, before));
                }
            }
        }
    }
    if fits.is_empty() {
        return None;
    }
    let (from, to, before) = fits.swap_remove(rng.random_range(0..fits.len() as u32) as usize);
    for (i, j) in from.zip(to.clone()) {
        codes.swap(i, j);
    }
    Some(to.start + before)
}

#[cfg(test)]
mod tests {
    use demo_core::Seed;

    use super::*;
    use crate::simulate::background::PEAKS;

    fn dinucleotides(codes: &[u8]) -> [u32; 16] {
        let mut counts = [0; 16];
        codes.windows(2).for_each(|pair| counts[usize::from(4 * pair[0] + pair[1])] += 1);
        counts
    }

    fn pairings() -> [Pairing; 2] {
        let forward = Pairing { site: 40..50, strand: Strand::Forward, partner: 57..67, gap: 7 };
        let reverse = Pairing { site: 50..60, strand: Strand::Reverse, partner: 33..43, gap: 7 };
        [forward, reverse]
    }

    #[test]
    fn kept_spans_and_counts_stay() {
        let mut rng = Seed::new(1).stream("between");
        for kept in [vec![], vec![0..7, 60..70], vec![90..LENGTH, 30..41], vec![20..30, 30..38, 39..50]] {
            let codes = PEAKS.draw(LENGTH, &mut rng);
            let mut shuffled = codes.clone();
            shuffle_between(&mut shuffled, &kept, &mut rng);
            assert_ne!(codes, shuffled);
            assert_eq!(dinucleotides(&codes), dinucleotides(&shuffled));
            for span in kept {
                assert_eq!(codes[span.clone()], shuffled[span]);
            }
        }
    }

    #[test]
    fn a_partner_is_moved_whole_and_the_counts_stay() {
        let mut rng = Seed::new(2).stream("moved");
        let (mut moved, mut swapped) = (0, 0);
        for pairing in pairings().iter().cycle().take(400) {
            let codes = PEAKS.draw(LENGTH, &mut rng);
            let kept = [pairing.site.clone(), 80..88];
            let partner = codes[pairing.partner.clone()].to_vec();
            let check = |new: &[u8], start: usize| {
                assert_eq!(dinucleotides(&codes), dinucleotides(new));
                assert_eq!(new[start..start + partner.len()], partner);
                for span in kept.clone() {
                    assert_eq!(codes[span.clone()], new[span]);
                }
            };
            let mut new = codes.clone();
            if let Some(start) = misplace(&mut new, &kept, pairing, &mut rng) {
                check(&new, start);
                let gap = pairing.gap_at(start).expect("the stretch lies on the right side");
                assert!(gap.abs_diff(pairing.gap) > JITTER + 1);
                moved += 1;
            }
            let mut new = codes.clone();
            if let Some(start) = swap_sides(&mut new, &kept, pairing, &mut rng) {
                check(&new, start);
                assert_eq!(pairing.gap_at(start), None);
                swapped += 1;
            }
        }
        assert!(moved > 390 && swapped > 390, "{moved} {swapped}");
    }
}
