//! One positive and the negative made from it.

use std::ops::Range;

use demo_core::Strand;
use rand::Rng;

use super::background::PEAKS;
use super::decoy::{Pairing, misplace, shuffle_between, swap_sides};
use super::grammar::{Grammar, Planted};
use super::{BROKEN, LENGTH, UNRELATED};
use crate::Site;

/// The fraction of pairs that carry an unrelated motif, the same instance in both classes.
const UNRELATED_FRACTION: f64 = 0.5;

/// How many places an additional site of the factor may try.
const TRIES: usize = 8;

/// A positive and its negative, with all that was planted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair {
    pub(super) positive: Vec<u8>,
    pub(super) positive_sites: Vec<Site>,
    pub(super) negative: Vec<u8>,
    pub(super) negative_sites: Vec<Site>,
}

/// What the negative of a pair is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Negative {
    Plain,
    PartnerMissing,
    WrongDistance,
    WrongOrder,
}

/// Where something is planted.
#[derive(Debug, Clone)]
struct Spot {
    span: Range<usize>,
    strand: Strand,
}

impl Spot {
    fn new(start: usize, planted: &Planted, strand: Strand) -> Self {
        Self { span: start..start + planted.width(), strand }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.span.start < other.span.end && other.span.start < self.span.end
    }

    fn site(&self, motif: String) -> Site {
        Site { start: self.span.start, end: self.span.end, strand: self.strand, motif }
    }
}

/// All that a pair plants; the first site is the one with the partner.
#[derive(Debug, Default)]
struct Layout {
    sites: Vec<Spot>,
    partner: Option<Spot>,
    unrelated: Option<(usize, Spot)>,
}

/// Draws a pair. What decides the structure is drawn first, in fixed number, so that neighbouring
/// parameters give nearly equal pairs from equal streams: calibration relies on it.
pub(super) fn generate(grammar: &Grammar, rng: &mut impl Rng) -> Pair {
    let layout = draw_layout(grammar, rng);
    let negative = draw_kind(grammar, &layout, rng);
    let mut positive = PEAKS.draw(LENGTH, rng);
    for spot in &layout.sites {
        write(&mut positive, spot, &grammar.motif, rng);
    }
    if let (Some(spot), Some(partner)) = (&layout.partner, &grammar.partner) {
        write(&mut positive, spot, &partner.planted, rng);
    }
    if let Some((index, spot)) = &layout.unrelated {
        write(&mut positive, spot, &grammar.unrelated[*index], rng);
    }
    let (negative, negative_sites) = make_negative(grammar, &layout, negative, &positive, rng);
    Pair { positive_sites: name_sites(grammar, &layout, ""), positive, negative, negative_sites }
}

fn write(codes: &mut [u8], spot: &Spot, planted: &Planted, rng: &mut impl Rng) {
    codes[spot.span.clone()].copy_from_slice(&planted.draw(spot.strand, rng));
}

fn draw_layout(grammar: &Grammar, rng: &mut impl Rng) -> Layout {
    let mut layout = Layout::default();
    let [bound, paired, strand, gap, place]: [f64; 5] = rng.random();
    let others: Vec<[[f64; 2]; TRIES]> = (1..grammar.sites).map(|_| rng.random()).collect();
    if bound < grammar.site_fraction {
        let strand = strand_of(strand);
        let partner = grammar.partner.as_ref().filter(|partner| paired < partner.fraction);
        let gap = partner.map(|partner| {
            let gaps = partner.gaps();
            gaps.start() + (gap * gaps.clone().count() as f64) as usize
        });
        let start = grammar.centre.draw(grammar.room(strand, gap), place);
        layout.sites.push(Spot::new(start, &grammar.motif, strand));
        if let (Some(partner), Some(gap)) = (partner, gap) {
            let start = partner.start((start, strand), grammar.motif.width(), gap);
            layout.partner = start.map(|start| Spot::new(start, &partner.planted, partner.strand(strand)));
        }
        for tries in others {
            add_site(grammar, &mut layout, &tries);
        }
    }
    draw_unrelated(grammar, &mut layout, rng);
    layout
}

/// Adds a further site of the factor at the first of the drawn places that is free, if one is.
fn add_site(grammar: &Grammar, layout: &mut Layout, tries: &[[f64; 2]; TRIES]) {
    for &[place, strand] in tries {
        let strand = strand_of(strand);
        let start = grammar.centre.draw(grammar.room(strand, None), place);
        let spot = Spot::new(start, &grammar.motif, strand);
        if !layout.sites.iter().chain(&layout.partner).any(|other| other.overlaps(&spot)) {
            layout.sites.push(spot);
            return;
        }
    }
}

fn draw_unrelated(grammar: &Grammar, layout: &mut Layout, rng: &mut impl Rng) {
    let [present, which, place, strand]: [f64; 4] = rng.random();
    if present >= UNRELATED_FRACTION || grammar.unrelated.is_empty() {
        return;
    }
    let index = (which * grammar.unrelated.len() as f64) as usize;
    let planted = &grammar.unrelated[index];
    let free: Vec<Spot> = (0..=LENGTH - planted.width())
        .map(|start| Spot::new(start, planted, strand_of(strand)))
        .filter(|spot| !layout.sites.iter().chain(&layout.partner).any(|other| other.overlaps(spot)))
        .collect();
    layout.unrelated = free.get((place * free.len() as f64) as usize).map(|spot| (index, spot.clone()));
}

fn strand_of(number: f64) -> Strand {
    if number < 0.5 { Strand::Forward } else { Strand::Reverse }
}

fn draw_kind(grammar: &Grammar, layout: &Layout, rng: &mut impl Rng) -> Negative {
    let [decoy, kind]: [f64; 2] = rng.random();
    match layout.partner {
        Some(_) if decoy < grammar.decoy_fraction => {
            [Negative::PartnerMissing, Negative::WrongDistance, Negative::WrongOrder][(kind * 3.0) as usize]
        }
        _ => Negative::Plain,
    }
}

/// Makes the negative. Where a partner finds no other place, the decoy falls back to the next
/// simpler fault: wrong order to wrong distance to partner missing.
fn make_negative(
    grammar: &Grammar,
    layout: &Layout,
    kind: Negative,
    positive: &[u8],
    rng: &mut impl Rng,
) -> (Vec<u8>, Vec<Site>) {
    let mut codes = positive.to_vec();
    let mut left = Layout { unrelated: layout.unrelated.clone(), ..Layout::default() };
    let mut kept: Vec<Range<usize>> = left.unrelated.iter().map(|(_, spot)| spot.span.clone()).collect();
    if kind != Negative::Plain {
        left.sites.clone_from(&layout.sites);
        kept.extend(left.sites.iter().map(|spot| spot.span.clone()));
    }
    if let (Some(spot), Some(partner)) = (&layout.partner, &grammar.partner) {
        let site = &layout.sites[0];
        let pairing = Pairing {
            site: site.span.clone(),
            strand: site.strand,
            partner: spot.span.clone(),
            gap: partner.gap,
        };
        let mut start = None;
        if kind == Negative::WrongOrder {
            start = swap_sides(&mut codes, &kept, &pairing, rng);
        }
        if start.is_none() && matches!(kind, Negative::WrongOrder | Negative::WrongDistance) {
            start = misplace(&mut codes, &kept, &pairing, rng);
        }
        if let Some(start) = start {
            let moved = Spot::new(start, &partner.planted, spot.strand);
            kept.push(moved.span.clone());
            left.partner = Some(moved);
        }
    }
    shuffle_between(&mut codes, &kept, rng);
    let sites = name_sites(grammar, &left, BROKEN);
    (codes, sites)
}

/// The sites of a sequence, by place; `prefix` stands before the names of the grammar's own motifs.
fn name_sites(grammar: &Grammar, layout: &Layout, prefix: &str) -> Vec<Site> {
    let own = layout.sites.iter().map(|spot| spot.site(format!("{prefix}{}", grammar.motif.id)));
    let partner = grammar.partner.as_ref().zip(layout.partner.as_ref());
    let partner = partner.map(|(partner, spot)| spot.site(format!("{prefix}{}", partner.planted.id)));
    let unrelated = layout.unrelated.as_ref();
    let unrelated =
        unrelated.map(|(index, spot)| spot.site(format!("{UNRELATED}{}", grammar.unrelated[*index].id)));
    let mut sites: Vec<Site> = own.chain(partner).chain(unrelated).collect();
    sites.sort_by_key(|site| site.start);
    sites
}
