//! What can be wrong with a comparison before it starts.

/// A comparison that cannot be set up, with what was found and what was wanted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A target list without motifs.
    #[error("the target list holds no motif, wanted at least one")]
    NoTargets,
    /// A list of motifs to scan for that holds none.
    #[error("the motif list holds no motif, wanted at least one")]
    NoMotifs,
    /// A motif whose matrix cannot be scanned with.
    #[error("motif {id}: {source}")]
    Motif {
        /// The motif's identifier.
        id: String,
        /// What was found and what was wanted.
        source: demo_core::Error,
    },
    /// A threshold on the p- or q-values of a scan outside (0, 1].
    #[error("{kind} threshold {found}: wanted a number above 0 and up to 1")]
    ScanThreshold {
        /// `p-value` or `q-value`.
        kind: &'static str,
        /// The threshold as it was given.
        found: f64,
    },
    /// A pseudocount that is negative or no number.
    #[error("motif pseudocount {found}: wanted a finite number, zero or more")]
    Pseudocount {
        /// The pseudocount as it was given.
        found: f64,
    },
    /// An overlap of zero columns, which aligns nothing.
    #[error("minimum overlap 0: wanted at least 1 column")]
    MinOverlap,
    /// A list that may hold no match.
    #[error("nearest 0: wanted at least 1 match")]
    Nearest,
    /// The calibrated null, which knows no p-value of a single alignment, with incomplete scores.
    #[error("the calibrated null goes with complete scores: found incomplete ones")]
    CalibratedIncomplete,
    /// A background frequency of a letter that is no positive number.
    #[error("background frequency {found} of letter {letter}, wanted a finite number above 0")]
    BackgroundFrequency {
        /// The letter.
        letter: char,
        /// The frequency as it was given.
        found: f64,
    },
    /// Background frequencies that do not sum to 1.
    #[error("found background frequencies that sum to {found}, wanted a sum within 0.01 of 1")]
    BackgroundSum {
        /// Their sum.
        found: f64,
    },
    /// A background without a frequency for each letter.
    #[error("found {found} background frequencies, wanted {wanted}, one for each letter")]
    BackgroundLength {
        /// How many frequencies there are.
        found: usize,
        /// How many letters there are.
        wanted: usize,
    },
    /// An alphabet of more letters than can be compared.
    #[error("the alphabet {alphabet} has {found} letters, wanted at most {most}")]
    TooManyLetters {
        /// The alphabet.
        alphabet: String,
        /// How many letters it has.
        found: usize,
        /// How many it may have.
        most: usize,
    },
    /// A motif over other letters than the targets.
    #[error("motif {motif}: found the alphabet {found}, wanted {wanted} as in the rest")]
    Alphabet {
        /// The motif's identifier.
        motif: String,
        /// Its alphabet.
        found: String,
        /// The alphabet of the first target.
        wanted: String,
    },
    /// A motif of more sites than scores can be computed with.
    #[error("motif {motif}: found {found} sites, wanted at most {most}")]
    TooManySites {
        /// The motif's identifier.
        motif: String,
        /// How many sites it has.
        found: f64,
        /// How many it may have.
        most: f64,
    },
    /// Both strands of letters that have no complements.
    #[error("the letters of {alphabet} have no complements: wanted the search of one strand")]
    OneStrand {
        /// The alphabet.
        alphabet: String,
    },
    /// A q-value threshold outside (0, 1].
    #[error("q-value threshold {found}: wanted a number above 0 and up to 1; larger limits are for E-values")]
    QThreshold {
        /// The threshold as it was given.
        found: f64,
    },
    /// An E-value threshold that is not positive.
    #[error("E-value threshold {found}: wanted a finite number above 0")]
    EThreshold {
        /// The threshold as it was given.
        found: f64,
    },
}

/// The result of setting up a comparison.
pub type Result<T> = std::result::Result<T, Error>;
