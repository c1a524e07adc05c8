//! Motif scanning: JASPAR 2016 CORE vertebrates in a simulated sequence, both strands, on one thread.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use demo_core::DnaSequence;
use demo_motifmatch::{ScanOptions, Scanner};

const BASES: usize = 100_000;

fn scan(criterion: &mut Criterion) {
    let motifs = &demo_data::embedded::jaspar2016().motifs;
    let prepare = |count: usize| {
        Scanner::new(&motifs[..count], ScanOptions::default())
            .expect("the embedded motifs can be scanned for")
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread can be started");
    let sequence = sequence();
    let mut group = criterion.benchmark_group("scan");
    group.sample_size(10);
    group.bench_function("prepare 519 motifs", |bencher| bencher.iter(|| pool.install(|| prepare(519))));
    for count in [1, 519] {
        let scanner = prepare(count);
        group.throughput(Throughput::Elements((2 * count * BASES) as u64));
        group.bench_function(format!("{count} motifs in {BASES} bases"), |bencher| {
            bencher.iter(|| pool.install(|| scanner.scan(&sequence)).len());
        });
    }
    group.finish();
}

/// Bases of a linear congruential generator, which is random enough for a clock.
fn sequence() -> DnaSequence {
    let mut state = 1u64;
    let codes: Vec<u8> = (0..BASES)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 62) as u8
        })
        .collect();
    DnaSequence::from_codes(codes).expect("two bits are a base")
}

criterion_group!(benches, scan);
criterion_main!(benches);
