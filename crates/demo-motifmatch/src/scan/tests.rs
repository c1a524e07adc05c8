//! Properties of the scan.

use demo_core::{Background, ProbabilityMatrix};
use proptest::prelude::*;

use super::*;
use crate::scan::plain;

/// Motifs with forbidden bases and equal columns among their rows.
fn motif() -> impl Strategy<Value = Motif> {
    let row = prop::array::uniform4(prop_oneof![Just(0.0), Just(1.0), 0.01f64..9.0])
        .prop_filter("a row needs a base", |row| row.iter().sum::<f64>() > 0.0);
    prop::collection::vec(row, 1..12).prop_map(|rows| {
        let rows = rows.into_iter().map(|row| row.map(|p| p / row.iter().sum::<f64>())).collect();
        Motif::new("m", ProbabilityMatrix::new(rows).unwrap())
    })
}

fn motifs() -> impl Strategy<Value = Vec<Motif>> {
    prop::collection::vec(motif(), 1..5)
}

/// Sequences with unknown bases, shorter and longer than motifs.
fn sequence() -> impl Strategy<Value = DnaSequence> {
    let code = prop_oneof![30 => 0u8..4, 1 => Just(4u8)];
    prop::collection::vec(code, 0..400).prop_map(|codes| DnaSequence::from_codes(codes).unwrap())
}

fn options() -> impl Strategy<Value = ScanOptions> {
    let background =
        prop_oneof![Just(Background::UNIFORM), Just(Background::new([0.3, 0.15, 0.25, 0.3]).unwrap())];
    let limit = prop_oneof![Just(1.0), Just(0.01), 1e-4f64..0.5];
    (any::<bool>(), prop_oneof![Just(0.0), Just(0.1)], background, limit).prop_map(
        |(both_strands, motif_pseudocount, background, limit)| ScanOptions {
            both_strands,
            motif_pseudocount,
            background,
            threshold: ScanThreshold::PValue(limit),
        },
    )
}

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_fast_path_equals_the_slow_twin(motifs in motifs(), sequence in sequence(), options in options()) {
        let scanner = Scanner::new(&motifs, options.clone()).unwrap();
        let hits = scanner.scan(&sequence);
        for (index, motif) in scanner.motifs.iter().enumerate() {
            let found: Vec<_> = hits.iter().filter(|hit| hit.motif == index).collect();
            let wanted = match motif.tail.len() {
                0 => Vec::new(),
                length => plain::scan(motif.weights.losses(), &sequence, options.both_strands, length as u64 - 1),
            };
            prop_assert_eq!(found.len(), wanted.len());
            for (hit, (start, strand, lost)) in found.into_iter().zip(wanted) {
                prop_assert_eq!((hit.start, hit.strand, u64::from(hit.loss)), (start, strand, lost));
                prop_assert_eq!(hit.end, start + motif.weights.width());
            }
        }
    }

    #[test]
    fn hits_on_a_strand_mirror_hits_on_the_other(motifs in motifs(), sequence in sequence(), options in options()) {
        let options = ScanOptions { both_strands: true, ..options };
        let scanner = Scanner::new(&motifs, options).unwrap();
        let mut mirrored: Vec<Hit> = scanner
            .scan(&sequence.to_reverse_complement())
            .into_iter()
            .map(|hit| Hit {
                start: sequence.len() - hit.end,
                end: sequence.len() - hit.start,
                strand: hit.strand.opposite(),
                ..hit
            })
            .collect();
        mirrored.sort_by_key(|hit| (hit.start, hit.motif, hit.strand));
        prop_assert_eq!(mirrored, scanner.scan(&sequence));
    }

    #[test]
    fn neither_threads_nor_cuts_change_anything(
        motifs in motifs(), sequences in prop::collection::vec(sequence(), 1..6), options in options(), cut in 1usize..300,
    ) {
        let scanner = Scanner::new(&motifs, options).unwrap();
        let whole: Vec<Stretch<'_>> = sequences.iter().map(Stretch::from).collect();
        let hits = in_pool(1, || scanner.scan_all(&whole));
        prop_assert_eq!(&in_pool(3, || scanner.scan_all(&whole)), &hits);
        let parts: Vec<(usize, usize, DnaSequence)> = sequences
            .iter()
            .enumerate()
            .flat_map(|(index, sequence)| {
                let widest = scanner.widest();
                (0..sequence.len()).step_by(cut).map(move |first| {
                    let end = (first + cut + widest - 1).min(sequence.len());
                    (index, first, DnaSequence::from_codes(&sequence.as_codes()[first..end]).unwrap())
                })
            })
            .collect();
        let stretches: Vec<Stretch<'_>> =
            parts.iter().map(|(_, first, sequence)| Stretch { sequence, first: *first, starts: cut }).collect();
        let mut joined: Vec<Vec<Hit>> = vec![Vec::new(); sequences.len()];
        for ((index, ..), hits) in parts.iter().zip(scanner.scan_all(&stretches)) {
            joined[*index].extend(hits);
        }
        prop_assert_eq!(&joined, &hits);
        // Counting finds what listing finds, and the same number of windows.
        let mut listed = Tally::new(&scanner);
        listed.add_windows(&whole);
        for hits in &hits {
            listed.add_hits(hits);
        }
        for threads in [1, 3] {
            let mut counted = Tally::new(&scanner);
            in_pool(threads, || scanner.count(&stretches, &mut counted));
            prop_assert_eq!(&counted, &listed);
        }
    }

    #[test]
    fn a_threshold_on_q_gives_what_all_windows_would(
        motifs in motifs(), sequences in prop::collection::vec(sequence(), 1..4), limit in 0.05f64..1.0,
    ) {
        let all = ScanOptions { threshold: ScanThreshold::PValue(1.0), ..ScanOptions::default() };
        let all = Scanner::new(&motifs, all).unwrap().search(&sequences);
        let options = ScanOptions { threshold: ScanThreshold::QValue(limit), ..ScanOptions::default() };
        let found = Scanner::new(&motifs, options).unwrap().search(&sequences);
        let wanted: Vec<SequenceHit> = all.iter().copied().filter(|found| found.q_value <= limit).collect();
        prop_assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(&wanted) {
            prop_assert_eq!(found.hit, wanted.hit);
            prop_assert_eq!(found.q_value, wanted.q_value);
        }
        // A tally gives the narrower scanner's windows the q-values that they have among all.
        let wide = ScanOptions { threshold: ScanThreshold::PValue(1.0), ..ScanOptions::default() };
        let wide = Scanner::new(&motifs, wide).unwrap();
        let stretches: Vec<Stretch<'_>> = sequences.iter().map(Stretch::from).collect();
        let mut tally = Tally::new(&wide);
        wide.count(&stretches, &mut tally);
        let q_values = tally.q_values(&wide);
        let narrow = wide.at_q_value(&q_values, limit);
        let narrow_q_values = tally.q_values(&narrow);
        for hit in narrow.scan_all(&stretches).iter().flatten() {
            prop_assert_eq!(narrow_q_values.of(hit), q_values.of(hit));
        }
        // Sorted by p, q-values of a motif never fall, and none is below its p-value.
        for pair in all.windows(2) {
            prop_assert!(pair[0].hit.p_value <= pair[1].hit.p_value);
        }
        prop_assert!(all.iter().all(|found| found.q_value >= found.hit.p_value && found.q_value <= 1.0));
    }
}

#[test]
fn unusable_requests_are_refused() {
    let motif = Motif::new("m", ProbabilityMatrix::new(vec![[0.25; 4]]).unwrap());
    let refuse = |options| Scanner::new(std::slice::from_ref(&motif), options).unwrap_err();
    assert_eq!(Scanner::new(&[], ScanOptions::default()).unwrap_err(), Error::NoMotifs);
    let found = -1.0;
    let options = ScanOptions { motif_pseudocount: found, ..ScanOptions::default() };
    assert_eq!(refuse(options), Error::Pseudocount { found });
    for (kind, found) in [("p-value", 0.0), ("q-value", 1.5), ("p-value", -1e-4)] {
        let threshold =
            if kind == "p-value" { ScanThreshold::PValue(found) } else { ScanThreshold::QValue(found) };
        let options = ScanOptions { threshold, ..ScanOptions::default() };
        assert_eq!(refuse(options), Error::ScanThreshold { kind, found });
    }
    let nan = ScanOptions { threshold: ScanThreshold::PValue(f64::NAN), ..ScanOptions::default() };
    assert!(matches!(refuse(nan), Error::ScanThreshold { .. }));
}

#[test]
fn a_motif_too_weak_for_the_threshold_is_told() {
    let weak = Motif::new("weak", ProbabilityMatrix::new(vec![[0.97, 0.01, 0.01, 0.01]; 4]).unwrap());
    let strong = Motif::new("strong", ProbabilityMatrix::new(vec![[0.97, 0.01, 0.01, 0.01]; 8]).unwrap());
    let scanner = Scanner::new(&[weak, strong], ScanOptions::default()).unwrap();
    assert_eq!(scanner.without_hits().collect::<Vec<_>>(), [0]);
    let hits = scanner.scan(&"AAAAAAAA".parse().unwrap());
    assert_eq!(hits.iter().map(|hit| hit.motif).collect::<Vec<_>>(), [1]);
}

#[test]
fn q_values_are_those_of_benjamini_and_hochberg() {
    // Every window of every word of three bases, once: p-values are then the ranks of an exact null.
    let codes = (0..64u8).flat_map(|word| [word / 16, word / 4 % 4, word % 4, 4]).collect::<Vec<u8>>();
    let sequence = DnaSequence::from_codes(codes).unwrap();
    let rows = vec![[0.7, 0.1, 0.15, 0.05], [0.05, 0.8, 0.05, 0.1], [0.1, 0.2, 0.3, 0.4]];
    let motif = Motif::new("m", ProbabilityMatrix::new(rows).unwrap());
    let options =
        ScanOptions { both_strands: false, threshold: ScanThreshold::PValue(1.0), ..ScanOptions::default() };
    let found = Scanner::new(&[motif], options).unwrap().search(&[sequence]);
    assert_eq!(found.len(), 64);
    // p times 64 windows over the number of windows as good is 1 for each of them.
    assert!(found.iter().all(|found| (found.q_value - 1.0).abs() < 1e-12));
    let best = found[0].hit;
    assert_eq!((best.p_value, best.start / 4), (1.0 / 64.0, 7));
}

#[test]
fn a_scanner_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Scanner>();
}

/// A scanner of one motif that prefers `base`, and a sequence that it finds.
fn one_motif(base: usize, both_strands: bool, limit: f64) -> (Scanner, DnaSequence) {
    let row: [f64; 4] = std::array::from_fn(|other| if other == base { 0.97 } else { 0.01 });
    let motif = Motif::new("m", ProbabilityMatrix::new(vec![row; 6]).unwrap());
    let threshold = ScanThreshold::PValue(limit);
    let options = ScanOptions { both_strands, threshold, ..ScanOptions::default() };
    let sequence = DnaSequence::from_codes(vec![base as u8; 9]).unwrap();
    (Scanner::new(&[motif], options).unwrap(), sequence)
}

#[test]
fn what_one_scanner_counted_is_refused_by_another() {
    let (own, sequence) = one_motif(0, true, 0.01);
    let mut tally = Tally::new(&own);
    own.count(&[Stretch::from(&sequence)], &mut tally);
    let q_values = tally.q_values(&own);
    let refused =
        |work: &mut dyn FnMut()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err();
    // Another motif of the same width and tail, one strand, and a wider threshold.
    for (base, both_strands, limit) in [(1, true, 0.01), (0, false, 0.01), (0, true, 0.5)] {
        let (other, sequence) = one_motif(base, both_strands, limit);
        let stretches = [Stretch::from(&sequence)];
        assert!(refused(&mut || other.count(&stretches, &mut tally.clone())));
        assert!(refused(&mut || drop(tally.q_values(&other))));
        let narrows = refused(&mut || drop(other.at_q_value(&q_values, 0.05)));
        assert_eq!(narrows, limit == 0.01, "a wider scanner of the same motifs may be narrowed");
    }
    // A narrower one may ask, but not count.
    let (narrow, sequence) = one_motif(0, true, 0.0005);
    assert!(refused(&mut || narrow.count(&[Stretch::from(&sequence)], &mut tally.clone())));
    assert!(!refused(&mut || drop(tally.q_values(&narrow))));
    // A hit of a motif with another best window.
    let row = [0.4, 0.2, 0.2, 0.2];
    let motif = Motif::new("m", ProbabilityMatrix::new(vec![row; 6]).unwrap());
    let foreign = Scanner::new(&[motif], own.options().clone()).unwrap().scan(&sequence);
    assert!(!foreign.is_empty());
    assert!(refused(&mut || tally.clone().add_hits(&foreign)));
    assert!(refused(&mut || assert!(q_values.of(&foreign[0]) >= 0.0)));
}
