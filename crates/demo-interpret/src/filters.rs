//! Filter motifs: what the filters of a first convolution respond to, by activation alignment.
//!
//! Windows of the sequences at which a filter exceeds a fraction of its own maximum are cut out and
//! their bases counted (Alipanahi et al. 2015; Lanchantin et al. 2017 describe it, their code lacks
//! it). A filter at position p reads the bases from p - padding on; another width than the filter's
//! keeps the window's middle, an odd base going to the right.
//!
//! What lies outside the sequence is unknown, and unknown bases count a quarter each, so every row of a
//! matrix sums to the number of sites; windows with unknown bases can be left out instead. A filter
//! that never rises above zero, or that has too few sites, is reported without a motif.
//!
//! Cost: one pass through the first layer, in batches; n × positions × filters comparisons.

use demo_core::{Background, CountMatrix, DnaSequence, Motif, Strand, UNKNOWN};
use demo_models::{FirstLayer, SequenceModel};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::ask::{self, BATCH};
use crate::error::check_setting;
use crate::sites::{Site, code_at, count, count_span, informative_span};

/// Which of a sequence's windows above the threshold count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SitesPerSequence {
    /// The one with the highest activation, the first of equals.
    Best,
    /// All of them, overlapping ones too.
    All,
}

/// What becomes of windows that hold unknown bases or reach over the edge of the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartialWindows {
    /// They count, a quarter for each base at each unknown position.
    Quarter,
    /// They do not count.
    Skip,
}

/// How filter motifs are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilterConfig {
    /// The fraction of a filter's maximum over all sequences that an activation must exceed.
    pub threshold: f32,
    /// Width of the windows; `None` for the filter's own.
    pub width: Option<usize>,
    /// Columns at both ends with less information than this, in bits, are cut off; `None` keeps all.
    pub trim: Option<f64>,
    /// Motifs narrower than this after trimming are not reported.
    pub minimum_width: usize,
    /// Filters with fewer sites have no motif.
    pub minimum_sites: usize,
    /// Which windows of a sequence count.
    pub sites: SitesPerSequence,
    /// What becomes of windows with unknown bases.
    pub partial: PartialWindows,
}

impl Default for FilterConfig {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            width: None,
            trim: None,
            minimum_width: 5,
            minimum_sites: 10,
            sites: SitesPerSequence::Best,
            partial: PartialWindows::Quarter,
        }
    }
}

/// What one filter responds to.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterMotif {
    /// Index of the filter.
    pub filter: usize,
    /// Its highest activation over all sequences.
    pub maximum: f32,
    /// The windows that were counted.
    pub sites: Vec<Site>,
    /// The motif, or why there is none.
    pub outcome: FilterOutcome,
}

/// A filter's motif, or why it has none.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterOutcome {
    /// The counts of the windows, trimmed, and the same as a motif of probabilities with its site count.
    Motif {
        /// Base counts.
        counts: CountMatrix,
        /// Base frequencies, without pseudocounts.
        motif: Motif,
    },
    /// The filter is zero on every sequence.
    Silent,
    /// Fewer windows exceed the threshold than are wanted.
    FewSites,
    /// Trimming left too few columns.
    Narrow,
}

impl FilterMotif {
    /// The motif, where there is one.
    pub fn motif(&self) -> Option<&Motif> {
        match &self.outcome {
            FilterOutcome::Motif { motif, .. } => Some(motif),
            _ => None,
        }
    }
}

/// Activation alignment with settings that were checked.
#[derive(Debug, Clone)]
pub struct FilterFinder {
    config: FilterConfig,
}

impl FilterFinder {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] at the first that is outside its range.
    pub fn new(config: FilterConfig) -> Result<Self> {
        let counted = |name, value: usize| check_setting(name, value as f64, value > 0, "at least 1");
        let within = (0.0..1.0).contains(&config.threshold);
        check_setting("threshold", config.threshold.into(), within, "at least 0, below 1")?;
        let width = config.width.unwrap_or(1);
        check_setting("width", width as f64, (1..=1000).contains(&width), "between 1 and 1000")?;
        let trim = config.trim.unwrap_or(0.0);
        check_setting("trim", trim, (0.0..=2.0).contains(&trim), "between 0 and 2 bits")?;
        counted("minimum_width", config.minimum_width)?;
        counted("minimum_sites", config.minimum_sites)?;
        Ok(Self { config })
    }

    /// The settings.
    pub fn config(&self) -> &FilterConfig {
        &self.config
    }

    /// One entry a filter, in their order; `None` where the model does not begin with a convolution.
    ///
    /// # Errors
    /// Without sequences, at a sequence of another length, at an activation that is not finite, and
    /// where the model fails.
    pub fn find(
        &self,
        model: &mut dyn SequenceModel,
        sequences: &[DnaSequence],
    ) -> Result<Option<Vec<FilterMotif>>> {
        ask::check_sequences(model, sequences, "filter motifs")?;
        let mut candidates: Vec<Candidates> = Vec::new();
        let mut shape = (0, 0);
        for (number, batch) in sequences.chunks(BATCH).enumerate() {
            let first = number * BATCH;
            let layer = ask::first_layer(model, batch).map_err(|error| ask::in_set(error, first))?;
            let Some(layer) = layer else { return Ok(None) };
            candidates.resize_with(layer.filters, Candidates::default);
            shape = (layer.width, layer.padding);
            self.collect(&layer, first, sequences, &mut candidates);
        }
        let describe = |(filter, found)| self.describe(filter, found, shape, sequences);
        candidates.into_iter().enumerate().map(describe).collect::<Result<_>>().map(Some)
    }

    /// Adds a batch's windows to those of each filter. The threshold is known only at the end, but the
    /// maximum so far never exceeds the maximum, so what fails it now can be dropped now.
    fn collect(
        &self,
        layer: &FirstLayer,
        first: usize,
        sequences: &[DnaSequence],
        candidates: &mut [Candidates],
    ) {
        let (positions, filters) = (layer.positions, layer.filters);
        let shape = (layer.width, layer.padding);
        for (n, activations) in layer.activations.chunks_exact((positions * filters).max(1)).enumerate() {
            let sequence = first + n;
            for (filter, found) in candidates.iter_mut().enumerate() {
                let values = activations.iter().skip(filter).step_by(filters);
                let windows = values
                    .enumerate()
                    .map(|(position, &activation)| (activation, self.site(sequence, position, shape)));
                found.add(windows, self.config.sites, |site| self.accepts(sequences, site, shape.0));
            }
        }
        for found in candidates {
            found.prune(self.config.threshold);
        }
    }

    /// The window that a position stands for, of the width asked for.
    fn site(&self, sequence: usize, position: usize, (width, padding): (usize, usize)) -> Site {
        let wanted = self.config.width.unwrap_or(width);
        let left = (wanted.cast_signed() - width.cast_signed()).div_euclid(2);
        let start = position.cast_signed() - padding.cast_signed() - left;
        Site { sequence, start, strand: Strand::Forward }
    }

    fn accepts(&self, sequences: &[DnaSequence], site: &Site, filter_width: usize) -> bool {
        let width = self.config.width.unwrap_or(filter_width).cast_signed();
        let codes = sequences[site.sequence].as_codes();
        let whole = || (site.start..site.start + width).all(|p| code_at(codes, p) != UNKNOWN);
        self.config.partial == PartialWindows::Quarter || whole()
    }

    fn describe(
        &self,
        filter: usize,
        found: Candidates,
        shape: (usize, usize),
        sequences: &[DnaSequence],
    ) -> Result<FilterMotif> {
        let maximum = found.maximum;
        let sites: Vec<Site> = found.windows.into_iter().map(|(_, site)| site).collect();
        let outcome = if maximum <= 0.0 {
            FilterOutcome::Silent
        } else if sites.len() < self.config.minimum_sites {
            FilterOutcome::FewSites
        } else {
            self.outcome(filter, &sites, shape.0, sequences)?
        };
        Ok(FilterMotif { filter, maximum, sites, outcome })
    }

    fn outcome(
        &self,
        filter: usize,
        sites: &[Site],
        filter_width: usize,
        sequences: &[DnaSequence],
    ) -> Result<FilterOutcome> {
        let width = self.config.width.unwrap_or(filter_width);
        let rows = count(sequences, sites, width, (0, 0)); // (width, 4)
        let all = CountMatrix::new(rows.clone())?.to_probabilities(0.0, &Background::UNIFORM);
        let bits = self.config.trim.unwrap_or(f64::NEG_INFINITY);
        let Some(span) = informative_span(&all, bits, self.config.minimum_width.min(width)) else {
            return Ok(FilterOutcome::Narrow);
        };
        let counts = count_span(&rows, span)?;
        let probabilities = counts.to_probabilities(0.0, &Background::UNIFORM);
        let motif = Motif::new(format!("filter_{filter}"), probabilities).with_site_count(sites.len() as f64);
        Ok(FilterOutcome::Motif { counts, motif })
    }
}

/// The windows of one filter that may still exceed the threshold, with their activations.
#[derive(Default)]
struct Candidates {
    maximum: f32,
    windows: Vec<(f32, Site)>,
}

impl Candidates {
    /// Adds the windows of one sequence.
    fn add(
        &mut self,
        windows: impl Iterator<Item = (f32, Site)>,
        which: SitesPerSequence,
        accepts: impl Fn(&Site) -> bool,
    ) {
        let positive = windows.filter(|(activation, _)| *activation > 0.0);
        // The maximum is the filter's, whether or not the window it is at counts.
        let positive = positive.inspect(|(activation, _)| self.maximum = self.maximum.max(*activation));
        let mut accepted = positive.filter(|(_, site)| accepts(site));
        match which {
            SitesPerSequence::All => self.windows.extend(accepted),
            SitesPerSequence::Best => {
                let first = accepted.next();
                let best = first.map(|first| accepted.fold(first, |a, b| if b.0 > a.0 { b } else { a }));
                self.windows.extend(best);
            }
        }
    }

    fn prune(&mut self, threshold: f32) {
        let limit = threshold * self.maximum;
        self.windows.retain(|(activation, _)| *activation > limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::{Filters, LogLinear, Toy, planted, random_sequences};

    const WORD: &str = "GATTACAGC";

    fn dna(text: &str) -> DnaSequence {
        text.parse().unwrap()
    }

    fn model(words: &[&str], padding: usize, length: usize) -> Toy<LogLinear> {
        let mut model = Toy::new(length, LogLinear { weights: vec![[0.0; 4]; length], bias: 0.0 });
        model.filters = Some(Filters { words: words.iter().map(|w| dna(w)).collect(), padding });
        model
    }

    fn find(config: FilterConfig, model: &mut Toy<LogLinear>, sequences: &[DnaSequence]) -> Vec<FilterMotif> {
        FilterFinder::new(config).unwrap().find(model, sequences).unwrap().unwrap()
    }

    #[test]
    fn a_planted_motif_is_recovered_with_and_without_padding() {
        let (sequences, starts) = planted(WORD, 200, 40, false, 1);
        for padding in [0, 4] {
            // The third filter sees nothing: there are no unknown bases to match.
            let mut model = model(&["CCCCCCCCC", WORD, "NNNNNNNNN"], padding, 40);
            let found = find(FilterConfig::default(), &mut model, &sequences);
            let motif = found[1].motif().unwrap();
            assert_eq!(motif.probabilities().consensus(), WORD);
            assert_eq!(motif.site_count(), Some(200.0));
            assert_eq!(motif.id(), "filter_1");
            assert!(motif.probabilities().information().iter().all(|&bits| bits > 1.99));
            for (site, start) in found[1].sites.iter().zip(&starts) {
                assert_eq!(site.start, start.cast_signed());
            }
            assert_eq!(found[2].outcome, FilterOutcome::Silent);
            assert_eq!(found[2].maximum, 0.0);
            assert!(found[2].motif().is_none());
        }
    }

    #[test]
    fn windows_over_the_edge_count_a_quarter_or_not_at_all() {
        // Six matching bases of nine at the left edge, the first three of them outside.
        let sequence = dna("TACAGCCCCCCCCCCCCCCC");
        let filters = Filters { words: vec![dna("GATTACAGC")], padding: 4 };
        let mut model = model(&[], 4, 20);
        model.filters = Some(filters);
        let config = FilterConfig { minimum_sites: 1, ..FilterConfig::default() };
        // Of nine letters six agree, one fewer than a toy filter needs: silent.
        assert_eq!(find(config.clone(), &mut model, &[sequence])[0].outcome, FilterOutcome::Silent);

        let mut model = self::model(&["GATC"], 2, 8);
        let sequences = [dna("TCAAAAAA"), dna("GATCAAAA"), dna("AAAAGATN")];
        // Only the second matches all four; a toy filter says 1 for all letters and 0 for fewer.
        let found = find(config.clone(), &mut model, &sequences);
        assert_eq!((found[0].maximum, found[0].sites.len()), (1.0, 1));
        // Wider windows reach over the left edge, where every base counts a quarter.
        let wide = FilterConfig { width: Some(7), ..config.clone() };
        match &find(wide.clone(), &mut model, &sequences)[0].outcome {
            FilterOutcome::Motif { counts, .. } => {
                assert_eq!(counts.rows()[0], [0.25; 4]);
                assert_eq!(counts.rows()[1], [0.0, 0.0, 1.0, 0.0]);
                assert_eq!(counts.width(), 7);
            }
            other => panic!("{other:?}"),
        }
        let skip = FilterConfig { partial: PartialWindows::Skip, ..wide };
        let found = find(skip, &mut model, &sequences);
        assert_eq!(found[0].outcome, FilterOutcome::FewSites);
        assert_eq!(found[0].maximum, 1.0);
    }

    #[test]
    fn one_window_a_sequence_or_all() {
        let mut model = model(&["GATC"], 0, 12);
        let sequences = [dna("GATCAAGATCAA"), dna("AAAAAAAAAAAA")];
        let config = FilterConfig { minimum_sites: 1, ..FilterConfig::default() };
        let starts = |found: &[FilterMotif]| -> Vec<(usize, isize)> {
            found[0].sites.iter().map(|site| (site.sequence, site.start)).collect()
        };
        assert_eq!(starts(&find(config.clone(), &mut model, &sequences)), [(0, 0)]);
        let all = FilterConfig { sites: SitesPerSequence::All, ..config };
        assert_eq!(starts(&find(all, &mut model, &sequences)), [(0, 0), (0, 6)]);
    }

    #[test]
    fn flanks_without_information_are_cut() {
        let (sequences, _) = planted("GATTACA", 300, 30, false, 2);
        let mut model = model(&["GATTACA"], 3, 30);
        let config = FilterConfig { width: Some(13), trim: Some(0.5), ..FilterConfig::default() };
        let found = find(config.clone(), &mut model, &sequences);
        assert_eq!(found[0].motif().unwrap().probabilities().consensus(), "GATTACA");
        let config = FilterConfig { minimum_width: 8, ..config };
        assert_eq!(find(config, &mut model, &sequences)[0].outcome, FilterOutcome::Narrow);
    }

    #[test]
    fn too_few_sites_are_no_motif() {
        let (sequences, _) = planted(WORD, 9, 40, false, 1);
        let found = find(FilterConfig::default(), &mut model(&[WORD], 0, 40), &sequences);
        assert_eq!((&found[0].outcome, found[0].sites.len()), (&FilterOutcome::FewSites, 9));
    }

    #[test]
    fn batches_make_no_difference() {
        let codes = random_sequences(2 * BATCH + 5, 30, 3);
        let sequences: Vec<DnaSequence> =
            codes.into_iter().map(|c| DnaSequence::from_codes(c).unwrap()).collect();
        let config = FilterConfig { sites: SitesPerSequence::All, ..FilterConfig::default() };
        let mut model = model(&["ACG", "TT"], 1, 30);
        model.filters = Some(Filters { words: vec![dna("ACG"), dna("TTA")], padding: 1 });
        let found = find(config, &mut model, &sequences);
        let text: Vec<String> = sequences.iter().map(ToString::to_string).collect();
        let occurrences: usize = text.iter().map(|t| t.matches("ACG").count()).sum();
        assert_eq!(found[0].sites.len(), occurrences);
        let last = found[0].sites.last().unwrap();
        assert_eq!(&text[last.sequence][last.start as usize..last.start as usize + 3], "ACG");
    }

    #[test]
    fn models_without_a_convolution_have_none() {
        let mut model = Toy::new(2, LogLinear { weights: vec![[1.0; 4]; 2], bias: 0.0 });
        let finder = FilterFinder::new(FilterConfig::default()).unwrap();
        assert!(finder.find(&mut model, &[dna("AC")]).unwrap().is_none());
        assert!(FilterFinder::new(FilterConfig { threshold: 1.0, ..FilterConfig::default() }).is_err());
    }
}
