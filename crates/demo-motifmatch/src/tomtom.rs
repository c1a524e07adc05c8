//! Targets that queries are compared with: of DNA, or of any alphabet.

use std::sync::Arc;

use demo_core::{Alphabet, AlphabetMotif, Motif};
use rayon::prelude::*;

use crate::distance::MAX_LETTERS;
use crate::matches::{Match, TargetScore};
use crate::prepare::{MOST_SITES, SUM_TOLERANCE, Source};
use crate::qvalue::DRAWS;
use crate::targets::{Scratch, Targets};
use crate::twister::Twister;
use crate::{Error, Options, QValues, Result};

/// Queries that are given out to threads at a time; each brings a copy of the random numbers' state.
const BATCH: usize = 64;
/// How far the sum of a background may lie from 1 before it is an error.
const BACKGROUND_TOLERANCE: f64 = 0.01;

/// Targets ready to be searched; prepared once, they may be shared between threads. A query of more than 10¹²
/// sites is compared as one of 10¹².
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
    pub(crate) targets: Targets,
}

impl Tomtom {
    /// Prepares targets of DNA.
    ///
    /// # Errors
    /// [`Error::NoTargets`] without targets, [`Error::TooManySites`] at one of more than 10¹² sites, and what
    /// [`Options`] cannot ask for.
    pub fn new(targets: &[Motif], options: Options) -> Result<Self> {
        options.check()?;
        if targets.is_empty() {
            return Err(Error::NoTargets);
        }
        for target in targets {
            check_sites(target.id(), target)?;
        }
        let dna = Alphabet::dna();
        let background = options.background.frequencies();
        let named = targets.iter().map(|motif| (motif.id(), motif));
        let targets = Targets::new(named, dna.letters(), dna.complements(), &background, options);
        Ok(Self { targets })
    }

    /// The options in force.
    pub fn options(&self) -> &Options {
        &self.targets.options
    }

    /// A run's q-values start here.
    pub fn session(&self) -> Session<'_> {
        Session { targets: &self.targets, stream: Twister::new(), scratch: Scratch::default() }
    }

    /// The matches of a single query, a run of its own.
    pub fn query(&self, query: &Motif) -> Vec<Match> {
        self.session().query(query)
    }

    /// The matches of each query, all in one run, the queries shared out among the threads of the rayon pool.
    /// The result does not depend on their number.
    pub fn query_all(&self, queries: &[Motif]) -> Vec<Vec<Match>> {
        let mut all = Vec::with_capacity(queries.len());
        let collected = self.query_each(queries, |_, matches| {
            all.push(matches);
            Ok::<(), std::convert::Infallible>(())
        });
        match collected {
            Ok(()) => all,
            Err(never) => match never {},
        }
    }

    /// Hands each query's index and matches to `visit`, in the order of the queries and as soon as those before
    /// are done, so that no more than a few queries' matches are held at a time.
    ///
    /// # Errors
    /// The first that `visit` gives; the rest is left out.
    pub fn query_each<E>(
        &self,
        queries: &[Motif],
        visit: impl FnMut(usize, Vec<Match>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        each(&self.targets, queries, |_, matches| matches, visit)
    }

    /// The best alignment of a query with each target, in the order of the targets: no threshold, no q-values.
    pub fn scores(&self, query: &Motif) -> Vec<TargetScore> {
        self.targets.scores(query, &mut Scratch::default())
    }

    /// The best alignments of each query, shared out among the threads of the rayon pool.
    pub fn scores_all(&self, queries: &[Motif]) -> Vec<Vec<TargetScore>> {
        let score = |scratch: &mut Scratch, query| self.targets.scores(query, scratch);
        if rayon::current_num_threads() == 1 {
            let mut scratch = Scratch::default();
            return queries.iter().map(|query| score(&mut scratch, query)).collect();
        }
        queries.par_iter().map_init(Scratch::default, score).collect()
    }

    /// The information content of a query in bits: against equal shares of all bases, summed over its columns as
    /// they are compared. Beneath [`LOW_INFORMATION`](crate::LOW_INFORMATION) Tomtom's null takes likeness in
    /// poverty for a finding.
    pub fn information(&self, query: &Motif) -> f64 {
        self.targets.prepare(query).information()
    }
}

/// Targets over any alphabet, ready to be searched.
///
/// ```
/// use std::sync::Arc;
///
/// use demo_core::{Alphabet, AlphabetMotif};
/// use demo_motifmatch::{AlphabetTomtom, Options};
///
/// let rna = Arc::new(Alphabet::rna());
/// let rows = [vec![0.1, 0.1, 0.1, 0.7], vec![0.7, 0.1, 0.1, 0.1], vec![0.1, 0.7, 0.1, 0.1]];
/// let motif = AlphabetMotif::new("uac", rna, &rows)?;
/// let options = Options { both_strands: false, ..Options::default() };
/// let tomtom = AlphabetTomtom::new(std::slice::from_ref(&motif), &[0.25; 4], options)?;
/// assert_eq!(&*tomtom.query(&motif)?[0].query_consensus, "UAC");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AlphabetTomtom {
    alphabet: Arc<Alphabet>,
    pub(crate) targets: Targets,
}

impl AlphabetTomtom {
    /// Prepares targets with `background`, the frequency of each letter, scaled to sum to 1 where printing has
    /// rounded it; that of the options is not used.
    ///
    /// # Errors
    /// [`Error::NoTargets`] without targets, [`Error::Alphabet`] where they are not over the same letters,
    /// [`Error::TooManyLetters`] where these are more than 64, [`Error::TooManySites`] at one of more than 10¹²
    /// sites, [`Error::BackgroundLength`] without a frequency for each letter, [`Error::BackgroundFrequency`] at one
    /// that is no positive number, [`Error::BackgroundSum`] where their sum is off 1 by more than 0.01,
    /// [`Error::OneStrand`] where both strands are asked for and the letters have no complements, and what
    /// [`Options`] cannot ask for.
    pub fn new(targets: &[AlphabetMotif], background: &[f64], options: Options) -> Result<Self> {
        options.check()?;
        let Some(alphabet) = targets.first().map(AlphabetMotif::alphabet) else {
            return Err(Error::NoTargets);
        };
        for target in targets {
            check_motif(alphabet, target)?;
        }
        let wanted = alphabet.letters().len();
        if wanted > MAX_LETTERS {
            let alphabet = alphabet.name().to_owned();
            return Err(Error::TooManyLetters { alphabet, found: wanted, most: MAX_LETTERS });
        }
        if background.len() != wanted {
            return Err(Error::BackgroundLength { found: background.len(), wanted });
        }
        let positive = |frequency: f64| frequency.is_finite() && frequency > 0.0;
        if let Some(at) = background.iter().position(|&frequency| !positive(frequency)) {
            let (letter, found) = (alphabet.letters()[at], background[at]);
            return Err(Error::BackgroundFrequency { letter, found });
        }
        let sum: f64 = background.iter().sum();
        if (sum - 1.0).abs() > BACKGROUND_TOLERANCE {
            return Err(Error::BackgroundSum { found: sum });
        }
        let divisor = if (sum - 1.0).abs() > SUM_TOLERANCE { sum } else { 1.0 };
        let background: Vec<f64> = background.iter().map(|frequency| frequency / divisor).collect();
        if options.both_strands && alphabet.complements().is_none() {
            return Err(Error::OneStrand { alphabet: alphabet.name().to_owned() });
        }
        let named = targets.iter().map(|motif| (motif.id(), motif));
        let targets = Targets::new(named, alphabet.letters(), alphabet.complements(), &background, options);
        Ok(Self { alphabet: Arc::clone(alphabet), targets })
    }

    /// The options in force.
    pub fn options(&self) -> &Options {
        &self.targets.options
    }

    /// The letters of the targets.
    pub fn alphabet(&self) -> &Arc<Alphabet> {
        &self.alphabet
    }

    /// The matches of a single query, a run of its own.
    ///
    /// # Errors
    /// [`Error::Alphabet`] where it is over other letters, [`Error::TooManySites`] where it has more than 10¹².
    pub fn query(&self, query: &AlphabetMotif) -> Result<Vec<Match>> {
        check_motif(&self.alphabet, query)?;
        Ok(self.targets.matches(query, &mut Twister::new(), &mut Scratch::default()))
    }

    /// Hands each query's index and matches to `visit`, as [`Tomtom::query_each`] does.
    ///
    /// # Errors
    /// Those of [`query`](Self::query), as one of `visit`, before any comparison, and the first error that `visit`
    /// gives.
    pub fn query_each<E: From<Error>>(
        &self,
        queries: &[AlphabetMotif],
        visit: impl FnMut(usize, Vec<Match>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.query_each_prepared(queries, |_, matches| matches, visit)
    }

    /// The same for what `prepare` makes of a query's index and matches, on the thread that compared them:
    /// text to be written, say.
    ///
    /// # Errors
    /// As [`query_each`](Self::query_each).
    pub fn query_each_prepared<T: Send, E: From<Error>>(
        &self,
        queries: &[AlphabetMotif],
        prepare: impl Fn(usize, Vec<Match>) -> T + Sync,
        visit: impl FnMut(usize, T) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        for query in queries {
            check_motif(&self.alphabet, query)?;
        }
        each(&self.targets, queries, prepare, visit)
    }

    /// The information content of a query in bits, as [`Tomtom::information`] has it.
    pub fn information(&self, query: &AlphabetMotif) -> f64 {
        self.targets.prepare(query).information()
    }
}

fn check_motif(wanted: &Alphabet, motif: &AlphabetMotif) -> Result<()> {
    if motif.alphabet().is_same_as(wanted) {
        return check_sites(motif.id(), motif);
    }
    Err(Error::Alphabet {
        motif: motif.id().to_owned(),
        found: motif.alphabet().name().to_owned(),
        wanted: wanted.name().to_owned(),
    })
}

fn check_sites(id: &str, motif: &impl Source) -> Result<()> {
    match motif.sites() {
        Some(found) if found.is_finite() && found > MOST_SITES => {
            Err(Error::TooManySites { motif: id.to_owned(), found, most: MOST_SITES })
        }
        _ => Ok(()),
    }
}

/// Compares the queries in one run, and visits in order what is made of their matches.
fn each<S: Source + Sync, T: Send, E>(
    targets: &Targets,
    queries: &[S],
    prepare: impl Fn(usize, Vec<Match>) -> T + Sync,
    mut visit: impl FnMut(usize, T) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut stream = Twister::new();
    if rayon::current_num_threads() == 1 {
        let mut scratch = Scratch::default();
        for (i, query) in queries.iter().enumerate() {
            visit(i, prepare(i, targets.matches(query, &mut stream, &mut scratch)))?;
        }
        return Ok(());
    }
    for (batch, queries) in queries.chunks(BATCH).enumerate() {
        let mut start = || {
            let start = stream.clone();
            if targets.options.q_values == QValues::Bootstrap {
                stream.skip(DRAWS);
            }
            start
        };
        let streams: Vec<(usize, Twister)> = (batch * BATCH..).zip(queries.iter().map(|_| start())).collect();
        let compared = queries
            .par_iter()
            .zip(streams)
            .map_init(Scratch::default, |scratch, (query, (i, mut stream))| {
                prepare(i, targets.matches(query, &mut stream, scratch))
            });
        let compared: Vec<T> = compared.collect();
        for (i, prepared) in (batch * BATCH..).zip(compared) {
            visit(i, prepared)?;
        }
    }
    Ok(())
}

/// One run over queries: the random numbers behind the q-values go on from query to query.
#[derive(Debug)]
pub struct Session<'a> {
    targets: &'a Targets,
    stream: Twister,
    scratch: Scratch,
}

impl Session<'_> {
    /// The matches of the run's next query.
    pub fn query(&mut self, query: &Motif) -> Vec<Match> {
        self.targets.matches(query, &mut self.stream, &mut self.scratch)
    }
}
