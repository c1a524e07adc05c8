//! Reads a data set's files into its two halves.

use std::path::Path;

use demo_core::{DnaSequence, Seed};

use super::deepbind::deepbind_records;
use super::fasta::{labelled_records, records_of_class};
use super::folder::{SetEntry, SetFiles};
use super::negatives::with_negatives;
use super::pairs::pair_by_composition;
use super::record::{Record, check_classes, check_lengths};
use crate::{DataSet, DataSetParts, Error, Example, Place, Result, Source, Split, Warning, tf_of};

/// What a reader has to add to files that do not say everything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadOptions {
    /// From which shuffled negatives and splits are drawn, for each set by its name.
    pub seed: Seed,
    /// The share of the test half where the files hold classes, not halves.
    pub test_fraction: f64,
}

impl Default for LoadOptions {
    /// Seed 0; a fifth to test on.
    fn default() -> Self {
        Self { seed: Seed::new(0), test_fraction: 0.2 }
    }
}

/// A data set and what was tolerated in its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The set.
    pub set: DataSet,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

impl SetEntry {
    /// Reads the files and checks the set.
    ///
    /// Negatives that DeepBind's training file lacks are dinucleotide shuffles of its positives, drawn
    /// from the seed and the set's name, hence the same in any run, order or choice of sets. Pairs
    /// that a file does not name are found by their dinucleotide counts.
    ///
    /// # Errors
    /// Where a file is not as its format asks, a class is missing, or lengths differ.
    pub fn load(&self, options: &LoadOptions) -> Result<Loaded> {
        let seed = options.seed.child(self.name());
        let (train, test, mut warnings) = match self.files() {
            SetFiles::DeepBind { train, test } => load_deepbind(train, test, seed)?,
            SetFiles::Dashboard { train, test } => load_dashboard(train, test)?,
            SetFiles::Classes { bound, unbound } => {
                load_classes(bound, unbound, options.test_fraction, seed)?
            }
        };
        let first = Place { path: self.files().paths()[0].to_owned(), line: 1 };
        warnings.extend(warn_of_shared(&train, &test, first));
        let set = DataSet::new(DataSetParts {
            name: self.name().to_owned(),
            tf: tf_of(self.name()),
            source: Source::Real,
            train,
            test,
        })?;
        Ok(Loaded { set, warnings })
    }

    /// The training half alone, as [`SetEntry::load`] gives it. A file of the test half is not opened; where
    /// the files hold classes, what the split puts into the test half is dropped here.
    ///
    /// # Errors
    /// Where a file is not as its format asks, a class is missing, or lengths differ.
    pub fn load_training(&self, options: &LoadOptions) -> Result<Vec<Example>> {
        let seed = options.seed.child(self.name());
        match self.files() {
            SetFiles::DeepBind { train, .. } => {
                let records = deepbind_records(train)?;
                check_lengths(&records)?;
                Ok(deepbind_training(train, records, seed)?.0)
            }
            SetFiles::Dashboard { train, .. } => {
                let records = labelled_records(train)?;
                check_lengths(&records)?;
                check_classes(train, &records)?;
                Ok(paired(records))
            }
            SetFiles::Classes { bound, unbound } => {
                Ok(load_classes(bound, unbound, options.test_fraction, seed)?.0)
            }
        }
    }
}

type Halves = (Vec<Example>, Vec<Example>, Vec<Warning>);

fn load_deepbind(train: &Path, test: &Path, seed: Seed) -> Result<Halves> {
    let (train_records, test_records) = (deepbind_records(train)?, deepbind_records(test)?);
    check_lengths(train_records.iter().chain(&test_records))?;
    check_classes(test, &test_records)?;
    let (training, warnings) = deepbind_training(train, train_records, seed)?;
    Ok((training, paired(test_records), warnings))
}

/// The examples of a training table, which keeps its negatives where it brings its own.
fn deepbind_training(path: &Path, records: Vec<Record>, seed: Seed) -> Result<(Vec<Example>, Vec<Warning>)> {
    let found = records.len();
    let (records, warnings) = if records.iter().all(|record| record.example.bound) {
        with_negatives(records, seed)
    } else {
        (records, Vec::new())
    };
    if let ([], [first, ..]) = (records.as_slice(), warnings.as_slice()) {
        return Err(Error::Line {
            place: first.place().clone(),
            found: format!("{found} bound sequences, none of which can be used ({})", first.message()),
            wanted: "one that a shuffle differs from, or unbound sequences in the file".to_owned(),
        });
    }
    check_classes(path, &records)?;
    Ok((paired(records), warnings))
}

fn load_dashboard(train: &Path, test: &Path) -> Result<Halves> {
    let (train_records, test_records) = (labelled_records(train)?, labelled_records(test)?);
    check_lengths(train_records.iter().chain(&test_records))?;
    check_classes(train, &train_records)?;
    check_classes(test, &test_records)?;
    Ok((paired(train_records), paired(test_records), Vec::new()))
}

fn load_classes(bound: &Path, unbound: &Path, test_fraction: f64, seed: Seed) -> Result<Halves> {
    let (positives, negatives) = (records_of_class(bound, true)?, records_of_class(unbound, false)?);
    check_lengths(positives.iter().chain(&negatives))?;
    let examples = paired(interleave(positives, negatives));
    let split = Split::new(&examples, test_fraction, seed)?;
    let half = |indices: &[usize]| indices.iter().map(|&index| examples[index].clone()).collect();
    Ok((half(&split.train), half(&split.held_out), Vec::new()))
}

/// The examples, with pairs where the file named none.
fn paired(records: Vec<Record>) -> Vec<Example> {
    let mut examples: Vec<Example> = records.into_iter().map(|record| record.example).collect();
    if examples.iter().all(|example| example.pair.is_none()) {
        pair_by_composition(&mut examples);
    }
    examples
}

/// Alternates the two lists; the rest of the longer one follows.
fn interleave(first: Vec<Record>, second: Vec<Record>) -> Vec<Record> {
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut all = Vec::with_capacity(first.len() + second.len());
    loop {
        let (a, b) = (first.next(), second.next());
        if a.is_none() && b.is_none() {
            return all;
        }
        all.extend(a.into_iter().chain(b));
    }
}

/// The halves come from the files as they are, so copies across them can only be told.
fn warn_of_shared(train: &[Example], test: &[Example], place: Place) -> Option<Warning> {
    let canonical = |examples: &[Example]| {
        let mut all: Vec<DnaSequence> =
            examples.iter().map(|example| example.sequence.to_canonical()).collect();
        all.sort_unstable();
        all
    };
    let train = canonical(train);
    let shared = canonical(test).iter().filter(|&sequence| train.binary_search(sequence).is_ok()).count();
    (shared > 0).then(|| {
        let message = format!(
            "{shared} of {} test sequences, or their reverse complements, also stand in the training half, so the \
             test is not independent of it",
            test.len()
        );
        Warning::new(place, message)
    })
}
