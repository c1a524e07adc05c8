//! Properties of the whole comparison: fast against slow, and what must hold for any motifs.

use std::sync::Arc;

use demo_core::{Alphabet, AlphabetMotif, Background, Motif, ProbabilityMatrix};
use proptest::prelude::*;

use crate::plain::{Rules, compare};
use crate::prepare::{Prepared, Source, on_both_strands};
use crate::simd::Level;
use crate::targets::{Scored, Scratch, Targets};
use crate::wide::limited_to;
use crate::{
    AlphabetTomtom, Distance, Error, Match, NullModel, Options, QValues, Scale, Scoring, Threshold, Tomtom,
};

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

/// Motifs over the first letters of an alphabet without strands, for any number of letters.
fn letters(count: usize, width: std::ops::Range<usize>) -> impl Strategy<Value = AlphabetMotif> {
    let row = prop::collection::vec(prop_oneof![Just(0.01), Just(1.0), 0.01f64..9.0], count);
    let pairs: Vec<(char, Option<char>)> = ('A'..).take(count).map(|letter| (letter, None)).collect();
    let alphabet = Arc::new(Alphabet::new("letters", &pairs).unwrap());
    let motif = move |(rows, sites): (Vec<Vec<f64>>, f64)| {
        let rows: Vec<Vec<f64>> = rows
            .into_iter()
            .map(|row| {
                let sum: f64 = row.iter().sum();
                row.into_iter().map(|p| p / sum).collect()
            })
            .collect();
        AlphabetMotif::new("m", Arc::clone(&alphabet), &rows).unwrap().with_site_count(sites)
    };
    (prop::collection::vec(row, width), 1.0f64..300.0).prop_map(motif)
}

fn options() -> impl Strategy<Value = Options> {
    let scoring = prop_oneof![Just(Scoring::Complete), Just(Scoring::Incomplete)];
    let background =
        prop_oneof![Just(Background::UNIFORM), Just(Background::new([0.3, 0.15, 0.25, 0.3]).unwrap())];
    let distance = prop::sample::select(Distance::ALL.to_vec());
    let scale = prop_oneof![Just(Scale::Sound), Just(Scale::Meme)];
    let pseudocount = prop_oneof![Just(0.0), Just(0.1)];
    let flags = (any::<bool>(), any::<bool>());
    (scoring, flags, 1usize..7, pseudocount, background, distance, scale).prop_map(
        |(scoring, (both_strands, internal), min_overlap, motif_pseudocount, background, distance, scale)| {
            Options {
                distance,
                scoring,
                both_strands,
                min_overlap,
                internal,
                motif_pseudocount,
                background,
                scale,
                threshold: Threshold::EValue(1e9),
                ..Options::default()
            }
        },
    )
}

fn everything() -> Options {
    Options { threshold: Threshold::QValue(1.0), ..Options::default() }
}

fn scored(targets: &Targets, query: &Motif) -> Vec<Scored> {
    targets.score(&targets.prepare(query), &mut Scratch::default())
}

/// The slow twin's answer, compared with the fast one's.
fn assert_equals_the_slow_twin<S: Source>(
    fast: &Targets,
    targets: &[S],
    query: &S,
    complements: Option<&[usize]>,
    background: &[f64],
) -> Result<(), TestCaseError> {
    let options = &fast.options;
    let complements = complements.filter(|_| options.both_strands);
    let background = complements.map_or(background.to_vec(), |pairs| on_both_strands(background, pairs));
    let prepared = |motif: &S| Prepared::new(motif, options.motif_pseudocount, &background);
    let strands: Vec<Prepared> = targets
        .iter()
        .flat_map(|motif| {
            let forward = prepared(motif);
            let reverse = complements.map(|pairs| forward.to_reverse_complement(pairs));
            std::iter::once(forward).chain(reverse)
        })
        .collect();
    let rules = Rules {
        min_overlap: options.min_overlap,
        internal: options.internal,
        scoring: options.scoring,
        both_strands: options.both_strands,
        distance: options.distance,
        background: background.clone(),
        scale: options.scale,
    };
    let plain = compare(&prepared(query), &strands, &rules);
    let fast = fast.score(&fast.prepare(query), &mut Scratch::default());
    prop_assert_eq!(fast.len(), plain.len());
    for (fast, plain) in fast.iter().zip(&plain) {
        prop_assert!((fast.p - plain.p).abs() <= 1e-10 * plain.p, "{} {}", fast.p, plain.p);
        // Equal p-values of different spans may differ in the last bit, and then tie or not.
        if rules.scoring == Scoring::Complete {
            prop_assert_eq!(fast.alignment.offset, plain.offset);
            prop_assert_eq!(fast.alignment.overlap, plain.overlap);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn the_fast_path_equals_the_slow_twin(
        targets in motifs(1..7), query in motif(1..20), options in options(),
    ) {
        let background = options.background.frequencies();
        let tomtom = Tomtom::new(&targets, options).unwrap();
        let pairs = Alphabet::dna();
        assert_equals_the_slow_twin(&tomtom.targets, &targets, &query, pairs.complements(), &background)?;
    }

    #[test]
    fn so_it_does_over_other_letters(
        (targets, query) in (2usize..9).prop_flat_map(|count| {
            (prop::collection::vec(letters(count, 1..9), 1..5), letters(count, 1..12))
        }),
        options in options(),
    ) {
        let letters = query.alphabet().letters().len();
        let background: Vec<f64> =
            (1..=letters).map(|i| i as f64 * 2.0 / (letters * (letters + 1)) as f64).collect();
        let options = Options { both_strands: false, ..options };
        let tomtom = AlphabetTomtom::new(&targets, &background, options).unwrap();
        assert_equals_the_slow_twin(&tomtom.targets, &targets, &query, None, &background)?;
    }
}

#[test]
fn scores_that_differ_in_the_last_bit_alone_are_binned_as_the_exact_ones() {
    let pairs = [('A', None), ('B', None), ('C', None)];
    let alphabet = Arc::new(Alphabet::new("letters", &pairs).unwrap());
    let third = 1.0f64 / 3.0;
    let above = f64::from_bits(third.to_bits() + 1);
    let motif = |rows: &[Vec<f64>]| AlphabetMotif::new("m", Arc::clone(&alphabet), rows).unwrap();
    let targets = [motif(&[vec![third, third, above], vec![above; 3]]).with_site_count(1.0)];
    let query = motif(&[vec![above; 3]]).with_site_count(1.0);
    let background = [1.0 / 6.0, 2.0 / 6.0, 3.0 / 6.0];
    let options = Options {
        distance: Distance::AverageLogLikelihoodRatio,
        both_strands: false,
        motif_pseudocount: 0.0,
        threshold: Threshold::EValue(1e9),
        ..Options::default()
    };
    let tomtom = AlphabetTomtom::new(&targets, &background, options).unwrap();
    assert_equals_the_slow_twin(&tomtom.targets, &targets, &query, None, &background).unwrap();
}

#[test]
fn wide_one_hot_queries_equal_the_slow_twin_whether_or_not_spans_are_shared() {
    let motif = |width: usize, step: usize| {
        let row = |i: usize| std::array::from_fn(|base| f64::from(u8::from(base == i * i / step % 4)));
        Motif::new("m", ProbabilityMatrix::new((0..width).map(row).collect()).unwrap())
    };
    let query = motif(42, 3);
    let (one_width, all_widths): (Vec<Motif>, Vec<Motif>) =
        ([2, 5, 7].map(|step| motif(42, step)).into(), (5..=42).map(|width| motif(width, 5)).collect());
    for targets in [one_width, all_widths] {
        let tomtom = Tomtom::new(&targets, Options::default()).unwrap();
        let (dna, background) = (Alphabet::dna(), [0.25; 4]);
        assert_equals_the_slow_twin(&tomtom.targets, &targets, &query, dna.complements(), &background)
            .unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn nothing_scores_above_the_motif_itself(targets in motifs(1..7), own in 0usize..6) {
        let own = own % targets.len();
        let tomtom = Tomtom::new(&targets, Options::default()).unwrap();
        let scored = scored(&tomtom.targets, &targets[own]);
        let best = scored.iter().map(|scored| scored.alignment.score).max().unwrap();
        prop_assert_eq!(scored[2 * own].alignment.score, best);
        prop_assert_eq!(scored[2 * own].alignment.offset, 0);
    }

    #[test]
    fn the_reverse_complement_of_a_query_swaps_the_strands(targets in motifs(1..7), query in motif(1..9)) {
        let tomtom = Tomtom::new(&targets, Options::default()).unwrap();
        let forward = scored(&tomtom.targets, &query);
        let reverse = scored(&tomtom.targets, &query.to_reverse_complement());
        for (i, scored) in forward.iter().enumerate() {
            // A sum of squares in the other order may fall on the other side of a bin's edge.
            let other = reverse[i ^ 1].alignment.score;
            prop_assert!((scored.alignment.score - other).abs() <= 1, "{} {other}", scored.alignment.score);
            if scored.alignment.score == other {
                prop_assert!((scored.p - reverse[i ^ 1].p).abs() <= 0.02 * scored.p);
            }
        }
    }

    #[test]
    fn p_falls_as_the_score_rises(targets in motifs(2..9), query in motif(1..9)) {
        let tomtom = Tomtom::new(&targets, Options::default()).unwrap();
        let scored = scored(&tomtom.targets, &query);
        let strands = &tomtom.targets.strands;
        for (a, first) in scored.iter().zip(strands) {
            prop_assert!(a.p > 0.0 && a.p <= 1.0);
            for (b, second) in scored.iter().zip(strands) {
                if first.span.len() == second.span.len() && a.alignment.score > b.alignment.score {
                    prop_assert!(a.p <= b.p);
                }
            }
        }
    }

    #[test]
    fn the_order_of_targets_does_not_matter(
        targets in motifs(1..9), query in motif(1..9), turn in 0usize..8, calibrated in any::<bool>(),
    ) {
        let null = if calibrated { NullModel::Calibrated } else { NullModel::Meme };
        let mut turned = targets.clone();
        turned.rotate_left(turn % targets.len());
        turned.reverse();
        let sorted = |targets: &[Motif]| {
            let tomtom = Tomtom::new(targets, Options { null, ..everything() }).unwrap();
            let mut found: Vec<_> = tomtom
                .query(&query)
                .iter()
                .map(|m| {
                    let numbers = [m.p_value, m.e_value, m.q_value].map(f64::to_bits);
                    (numbers, m.offset, m.overlap, m.orientation, m.target_consensus.clone())
                })
                .collect();
            found.sort();
            found
        };
        prop_assert_eq!(sorted(&targets), sorted(&turned));
    }

    #[test]
    fn threads_and_company_change_nothing(
        targets in motifs(1..5), queries in motifs(0..9), options in options(), copies in 1usize..20,
    ) {
        // Enough queries for more than one batch, and equal ones that share rows.
        let queries: Vec<Motif> = queries.iter().cycle().take(queries.len() * copies).cloned().collect();
        let tomtom = Tomtom::new(&targets, options).unwrap();
        let mut session = tomtom.session();
        let one_by_one: Vec<Vec<Match>> = queries.iter().map(|query| session.query(query)).collect();
        let alone: Vec<_> = queries.iter().map(|query| tomtom.scores(query)).collect();
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            prop_assert_eq!(&pool.install(|| tomtom.query_all(&queries)), &one_by_one);
            prop_assert_eq!(&pool.install(|| tomtom.scores_all(&queries)), &alone);
        }
    }

    #[test]
    fn instructions_change_nothing(targets in motifs(1..40), query in motif(1..20), options in options()) {
        let tomtom = Tomtom::new(&targets, options).unwrap();
        let wide = tomtom.query(&query);
        for level in [Level::Plain, Level::Avx2] {
            prop_assert_eq!(&wide, &limited_to(level, || tomtom.query(&query)));
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
    assert_eq!(refuse(Options { nearest: Some(0), ..defaults() }), Error::Nearest);
    let mixed = Options { null: NullModel::Calibrated, scoring: Scoring::Incomplete, ..defaults() };
    assert_eq!(refuse(mixed), Error::CalibratedIncomplete);
    let found = -0.5;
    assert_eq!(refuse(Options { motif_pseudocount: found, ..defaults() }), Error::Pseudocount { found });
    for found in [0.0, 1.5] {
        let threshold = Threshold::QValue(found);
        assert_eq!(refuse(Options { threshold, ..defaults() }), Error::QThreshold { found });
    }
    let threshold = Threshold::EValue(f64::INFINITY);
    assert_eq!(refuse(Options { threshold, ..defaults() }), Error::EThreshold { found: f64::INFINITY });
}

#[test]
fn letters_must_be_the_same_and_have_complements_for_both_strands() {
    let motif = |alphabet: Alphabet| {
        let rows = vec![vec![1.0 / alphabet.letters().len() as f64; alphabet.letters().len()]; 3];
        AlphabetMotif::new("m", Arc::new(alphabet), &rows).unwrap()
    };
    let (dna, rna) = (motif(Alphabet::dna()), motif(Alphabet::rna()));
    let refuse = |targets: &[AlphabetMotif], background: &[f64]| {
        AlphabetTomtom::new(targets, background, Options::default()).unwrap_err().to_string()
    };
    let mixed = "motif m: found the alphabet RNA, wanted DNA as in the rest";
    assert_eq!(refuse(&[dna.clone(), rna.clone()], &[0.25; 4]), mixed);
    assert!(refuse(std::slice::from_ref(&rna), &[0.25; 4]).contains("RNA have no complements"));
    assert_eq!(
        refuse(std::slice::from_ref(&dna), &[0.5; 2]),
        "found 2 background frequencies, wanted 4, one for each letter"
    );
    for found in [0.0, -0.1, f64::NAN] {
        assert_eq!(
            refuse(std::slice::from_ref(&dna), &[0.5, 0.25, found, 0.25]),
            format!("background frequency {found} of letter G, wanted a finite number above 0")
        );
    }
    assert_eq!(
        refuse(std::slice::from_ref(&dna), &[25.0; 4]),
        "found background frequencies that sum to 100, wanted a sum within 0.01 of 1"
    );
    let tomtom = AlphabetTomtom::new(&[dna], &[0.25; 4], Options::default()).unwrap();
    assert_eq!(tomtom.query(&rna).unwrap_err().to_string(), mixed);
}

#[test]
fn a_background_is_scaled_to_sum_to_one() {
    let rows = vec![vec![0.1, 0.2, 0.3, 0.4], vec![0.7, 0.1, 0.1, 0.1]];
    let motif = AlphabetMotif::new("m", Arc::new(Alphabet::dna()), &rows).unwrap();
    let prepared = |background: [f64; 4]| {
        let tomtom = AlphabetTomtom::new(std::slice::from_ref(&motif), &background, everything()).unwrap();
        tomtom.targets.prepare(&motif).values
    };
    let exact = prepared([0.3, 0.2, 0.2, 0.3]);
    for (found, wanted) in prepared([0.3015, 0.201, 0.201, 0.3015]).iter().zip(exact) {
        assert!((found - wanted).abs() < 1e-15, "{found} {wanted}");
    }
}

#[test]
fn motifs_of_more_sites_than_can_be_scored_are_refused_and_queries_bounded() {
    let rows = [vec![0.7, 0.1, 0.1, 0.1], vec![0.0, 0.0, 0.4, 0.6], vec![0.25; 4]];
    let motif = |sites: f64| {
        let motif = AlphabetMotif::new("m", Arc::new(Alphabet::dna()), &rows).unwrap();
        motif.with_site_count(sites)
    };
    let message = "motif m: found 2000000000000 sites, wanted at most 1000000000000";
    for distance in Distance::ALL {
        let options = || Options { distance, threshold: Threshold::EValue(1e9), ..Options::default() };
        let refused = AlphabetTomtom::new(&[motif(2e12)], &[0.25; 4], options()).unwrap_err();
        assert_eq!(refused.to_string(), message);
        let tomtom = AlphabetTomtom::new(&[motif(1e12), motif(20.0)], &[0.25; 4], options()).unwrap();
        assert_eq!(tomtom.query(&motif(1e12)).unwrap().len(), 2);
        assert_eq!(tomtom.query(&motif(2e12)).unwrap_err().to_string(), message);
        let dna = |sites: f64| {
            let rows = rows.iter().map(|row| <[f64; 4]>::try_from(row.as_slice()).unwrap()).collect();
            Motif::new("m", ProbabilityMatrix::new(rows).unwrap()).with_site_count(sites)
        };
        assert_eq!(Tomtom::new(&[dna(2e12)], options()).unwrap_err().to_string(), message);
        let tomtom = Tomtom::new(&[dna(100.0), dna(20.0)], options()).unwrap();
        assert_eq!(tomtom.query(&dna(1e308)), tomtom.query(&dna(1e12)));
    }
}

#[test]
fn an_alphabet_of_too_many_letters_is_named() {
    let made = |count: usize| {
        let pairs: Vec<(char, Option<char>)> =
            ('\u{391}'..).take(count).map(|letter| (letter, None)).collect();
        let alphabet = Arc::new(Alphabet::new("greek", &pairs).unwrap());
        let rows = vec![vec![1.0 / count as f64; count]; 3];
        let motif = AlphabetMotif::new("m", alphabet, &rows).unwrap();
        let options = Options { both_strands: false, ..Options::default() };
        AlphabetTomtom::new(&[motif], &vec![1.0 / count as f64; count], options)
    };
    assert!(made(64).is_ok());
    let message = made(65).unwrap_err().to_string();
    assert_eq!(message, "the alphabet greek has 65 letters, wanted at most 64");
}

#[test]
fn the_nearest_are_the_first_of_all() {
    let motif = |id: &str, p: f64| {
        let rows = vec![[p, (1.0 - p) / 3.0, (1.0 - p) / 3.0, (1.0 - p) / 3.0]; 6];
        Motif::new(id, ProbabilityMatrix::new(rows).unwrap())
    };
    let targets: Vec<Motif> = (0..9).map(|i| motif(&format!("m{i}"), 0.1 + 0.1 * f64::from(i))).collect();
    let query = motif("q", 0.85);
    let all = Tomtom::new(&targets, everything()).unwrap().query(&query);
    let nearest = Tomtom::new(&targets, Options { nearest: Some(3), ..everything() }).unwrap().query(&query);
    assert_eq!(all.len(), 9);
    assert_eq!(nearest, all[..3]);
    let rates = Options { q_values: QValues::BenjaminiHochberg, ..everything() };
    let exact = Tomtom::new(&targets, rates).unwrap().query(&query);
    // So few p-values estimate no share of true nulls, and the two agree.
    assert_eq!(exact, all);
}
