//! Motif comparison: JASPAR 2016 CORE vertebrates against itself, both strands, on one thread.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

use criterion::{Criterion, criterion_group, criterion_main};
use demo_core::Motif;
use demo_motifmatch::{Options, Threshold, Tomtom};

fn tomtom(criterion: &mut Criterion) {
    let motifs = &demo_data::embedded::jaspar2016().motifs;
    let options = Options { threshold: Threshold::QValue(1.0), ..Options::default() };
    let tomtom = Tomtom::new(motifs, options).expect("the embedded motifs can be compared");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread can be started");
    let mut group = criterion.benchmark_group("tomtom");
    group.sample_size(10);
    group.bench_function("519 × 519", |bencher| {
        bencher.iter(|| pool.install(|| tomtom.query_all(motifs)).iter().map(Vec::len).sum::<usize>());
    });
    group.bench_function("1 × 519", |bencher| bencher.iter(|| tomtom.query(&motifs[0])));
    let wide = wide(motifs);
    group.bench_function("1 of 101 columns × 519", |bencher| bencher.iter(|| tomtom.query(&wide)));
    group.finish();
}

/// A query as wide as a whole sequence: the first motifs one after the other.
fn wide(motifs: &[Motif]) -> Motif {
    let rows = motifs.iter().flat_map(|motif| motif.probabilities().rows()).take(101).copied().collect();
    Motif::new("wide", demo_core::ProbabilityMatrix::new(rows).expect("rows of motifs make a motif"))
}

criterion_group!(benches, tomtom);
criterion_main!(benches);
