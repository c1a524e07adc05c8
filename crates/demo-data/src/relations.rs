//! What a matched JASPAR motif is to the transcription factor of a data set.
//!
//! `data/motif_relations.tsv` lists for every factor of the 505 ENCODE sets its own motifs and the
//! dimers it is part of, and its structural group; `data/jaspar_families.tsv` gives every JASPAR
//! motif's class, family (JASPAR's annotation after `TFClass`) and group. A group is the family, but
//! for the families of C2H2 zinc fingers that collect unlike factors: there it is a smaller group of
//! paralogues or nothing. For factors of other data sets the relation follows from the names. Cost: a
//! look-up in sorted maps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::embedded::table;

/// A release of JASPAR CORE vertebrates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JasparRelease {
    /// The release of the published comparison.
    #[serde(rename = "2016")]
    R2016,
    /// The latest one embedded.
    #[serde(rename = "2026")]
    R2026,
}

/// What a motif is to a factor, from the nearest to the farthest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Named after the factor, variants included.
    Own,
    /// Of a dimer that the factor is part of.
    OwnDimer,
    /// Of a factor of the same structural group.
    Family,
    /// Of an unrelated factor.
    Other,
    /// The release has no own, dimer or family motif for this factor, so that no match could be one.
    None,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Own => "own",
            Self::OwnDimer => "own_dimer",
            Self::Family => "family",
            Self::Other => "other",
            Self::None => "none",
        })
    }
}

/// A JASPAR motif with its place in the classification of factors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JasparFactor {
    release: JasparRelease,
    id: String,
    name: String,
    factors: String,
    class: String,
    family: String,
    group: String,
}

impl JasparFactor {
    /// Identifier, such as `MA0140.2`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Name as JASPAR writes it, such as `GATA1::TAL1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The factors that bind together, in upper case and without `(var.2)`.
    pub fn factors(&self) -> impl Iterator<Item = &str> {
        self.factors.split("::")
    }

    /// Class of each factor, such as `C2H2 zinc finger factors`, joined by `::`.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Family of each factor, such as `Ets-related`, joined by `::`.
    pub fn family(&self) -> &str {
        &self.family
    }

    /// Group of each factor that has one.
    fn groups(&self) -> impl Iterator<Item = &str> {
        self.group.split("::").filter(|group| !group.is_empty())
    }
}

/// One line of `motif_relations.tsv`.
#[derive(Debug, Clone, Deserialize)]
struct FactorRow {
    tf: String,
    synonyms: String,
    group: String,
    own_2016: String,
    own_dimer_2016: String,
    own_2026: String,
    own_dimer_2026: String,
}

/// What a release has for one factor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Factor {
    own: BTreeSet<String>,
    own_dimer: BTreeSet<String>,
    group: Option<String>,
}

/// The relations of factors to the motifs of one release.
///
/// ```
/// use demo_data::{JasparRelease, MotifRelations, Relation};
///
/// let relations = MotifRelations::of(JasparRelease::R2016);
/// assert_eq!(relations.relation("JUN", "JUN(var.2)"), Relation::Own);
/// assert_eq!(relations.relation("GATA1", "MA0140.2"), Relation::OwnDimer);
/// assert_eq!(relations.relation("GATA2", "Gata1"), Relation::Family);
/// assert_eq!(relations.relation("GATA2", "REST"), Relation::Other);
/// assert_eq!(relations.relation("EP300", "REST"), Relation::None);
/// ```
#[derive(Debug, Clone)]
pub struct MotifRelations {
    motifs: Vec<JasparFactor>,
    factors: BTreeMap<String, Factor>,
    /// Group of each factor that a motif of either release names.
    groups: BTreeMap<String, String>,
    synonyms: BTreeMap<String, String>,
}

impl MotifRelations {
    /// The relations to a release's motifs.
    pub fn of(release: JasparRelease) -> &'static Self {
        static R2016: LazyLock<MotifRelations> = LazyLock::new(|| MotifRelations::read(JasparRelease::R2016));
        static R2026: LazyLock<MotifRelations> = LazyLock::new(|| MotifRelations::read(JasparRelease::R2026));
        match release {
            JasparRelease::R2016 => &R2016,
            JasparRelease::R2026 => &R2026,
        }
    }

    /// What the motif, given by identifier or name, is to the factor; letters may be of either case.
    ///
    /// A motif that the release does not have is taken by its name, such as `FOXO1` or `FOS::JUN`.
    pub fn relation(&self, tf: &str, motif: &str) -> Relation {
        let name = self.canonical(tf);
        let factor = self.factor(&name);
        if factor.own.is_empty() && factor.own_dimer.is_empty() && !self.has_family(&factor, &name) {
            return Relation::None;
        }
        let Some(known) = self.motif(motif) else {
            return self.relation_by_name(&name, factor.group.as_deref(), motif);
        };
        if factor.own.contains(&known.id) {
            Relation::Own
        } else if factor.own_dimer.contains(&known.id) {
            Relation::OwnDimer
        } else if factor.group.as_deref().is_some_and(|group| known.groups().any(|other| other == group)) {
            Relation::Family
        } else {
            Relation::Other
        }
    }

    /// Identifiers of the motifs named after the factor.
    pub fn own(&self, tf: &str) -> Vec<String> {
        self.factor(&self.canonical(tf)).own.into_iter().collect()
    }

    /// Identifiers of the motifs of dimers with the factor.
    pub fn own_dimer(&self, tf: &str) -> Vec<String> {
        self.factor(&self.canonical(tf)).own_dimer.into_iter().collect()
    }

    /// The structural group of the factor, `None` where it binds no sequence of its own or is alone.
    pub fn group(&self, tf: &str) -> Option<String> {
        self.factor(&self.canonical(tf)).group
    }

    /// The motif of this identifier (of any version where this one is unknown) or name.
    pub fn motif(&self, id_or_name: &str) -> Option<&JasparFactor> {
        let by = |same: &dyn Fn(&JasparFactor) -> bool| self.motifs.iter().find(|motif| same(motif));
        let base = |id: &str| id.split('.').next().unwrap_or(id).to_ascii_uppercase();
        by(&|motif| motif.id.eq_ignore_ascii_case(id_or_name))
            .or_else(|| by(&|motif| motif.name.eq_ignore_ascii_case(id_or_name)))
            .or_else(|| by(&|motif| base(&motif.id) == base(id_or_name)))
    }

    /// All motifs of the release.
    pub fn motifs(&self) -> &[JasparFactor] {
        &self.motifs
    }

    fn read(release: JasparRelease) -> Self {
        let all: Vec<JasparFactor> = table("jaspar_families.tsv");
        let mut groups = BTreeMap::new();
        for motif in &all {
            for (factor, group) in motif.factors.split("::").zip(motif.group.split("::")) {
                if !group.is_empty() {
                    groups.insert(factor.to_owned(), group.to_owned());
                }
            }
        }
        let (mut factors, mut synonyms) = (BTreeMap::new(), BTreeMap::new());
        for row in table::<FactorRow>("motif_relations.tsv") {
            for synonym in list(&row.synonyms) {
                synonyms.insert(synonym, row.tf.clone());
            }
            let (own, own_dimer) = match release {
                JasparRelease::R2016 => (&row.own_2016, &row.own_dimer_2016),
                JasparRelease::R2026 => (&row.own_2026, &row.own_dimer_2026),
            };
            let (own, own_dimer) = (list(own).collect(), list(own_dimer).collect());
            let group = Some(row.group).filter(|group| !group.is_empty());
            factors.insert(row.tf, Factor { own, own_dimer, group });
        }
        let motifs = all.into_iter().filter(|motif| motif.release == release).collect();
        Self { motifs, factors, groups, synonyms }
    }

    /// A factor's name as the tables write it.
    fn canonical(&self, tf: &str) -> String {
        let upper = tf.to_uppercase();
        if self.factors.contains_key(&upper) {
            return upper;
        }
        let letters: String = upper.chars().filter(char::is_ascii_alphanumeric).collect();
        match self.synonyms.get(&letters) {
            Some(name) => name.clone(),
            None if self.factors.contains_key(&letters) => letters,
            None => upper,
        }
    }

    /// What the table says of a factor, or else what the motifs' names say.
    fn factor(&self, name: &str) -> Factor {
        if let Some(factor) = self.factors.get(name) {
            return factor.clone();
        }
        let mut factor = Factor { group: self.groups.get(name).cloned(), ..Factor::default() };
        for motif in self.motifs.iter().filter(|motif| motif.factors().any(|part| part == name)) {
            let alone = motif.factors().count() == 1;
            let ids = if alone { &mut factor.own } else { &mut factor.own_dimer };
            ids.insert(motif.id.clone());
        }
        factor
    }

    fn has_family(&self, factor: &Factor, name: &str) -> bool {
        factor.group.as_deref().is_some_and(|group| {
            self.motifs.iter().any(|motif| {
                motif.groups().any(|other| other == group) && !motif.factors().all(|part| part == name)
            })
        })
    }

    /// The relation to a motif the release does not have.
    fn relation_by_name(&self, name: &str, group: Option<&str>, motif: &str) -> Relation {
        let parts: Vec<String> =
            motif.split("::").map(|part| self.canonical(without_variant(part))).collect();
        let is_own = parts.iter().any(|part| part == name);
        let in_group = |part: &String| group.is_some() && self.groups.get(part).map(String::as_str) == group;
        match (is_own, parts.len()) {
            (true, 1) => Relation::Own,
            (true, _) => Relation::OwnDimer,
            _ if parts.iter().any(in_group) => Relation::Family,
            _ => Relation::Other,
        }
    }
}

/// `JUN(var.2)` without its variant.
fn without_variant(name: &str) -> &str {
    name.split('(').next().unwrap_or(name)
}

fn list(text: &str) -> impl Iterator<Item = String> {
    text.split(',').filter(|part| !part.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded;

    const RELEASES: [JasparRelease; 2] = [JasparRelease::R2016, JasparRelease::R2026];

    #[test]
    fn every_motif_has_its_place() {
        for (release, collection) in
            RELEASES.into_iter().zip([embedded::jaspar2016(), embedded::jaspar2026()])
        {
            let relations = MotifRelations::of(release);
            assert_eq!(relations.motifs().len(), collection.motifs.len());
            for motif in &collection.motifs {
                let place = relations.motif(motif.id()).unwrap();
                assert_eq!(Some(place.name()), motif.name());
                let parts = place.factors().count();
                for column in [&place.class, &place.family, &place.group] {
                    assert_eq!(column.split("::").count(), parts, "{place:?}");
                }
                let names: Vec<String> =
                    place.name().split("::").map(|part| without_variant(part).to_uppercase()).collect();
                // JASPAR 2026 writes NFE2L1 by its old name, which is also that of another factor.
                let fixed = place.id() == "MA0089.3";
                assert!(fixed || place.factors().eq(names.iter().map(String::as_str)), "{place:?}");
            }
        }
    }

    #[test]
    fn every_factor_of_the_505_sets_is_listed_with_all_motifs_of_its_name() {
        for release in RELEASES {
            let relations = MotifRelations::of(release);
            for figures in embedded::deepbind_figures() {
                let factor = relations.factors.get(&figures.tf).unwrap_or_else(|| panic!("{}", figures.tf));
                for motif in relations.motifs() {
                    let named = motif.factors().any(|part| part == figures.tf);
                    let alone = motif.factors().count() == 1;
                    assert_eq!(factor.own.contains(motif.id()), named && alone, "{} {motif:?}", figures.tf);
                    assert_eq!(factor.own_dimer.contains(motif.id()), named && !alone);
                    if named && alone {
                        assert_eq!(factor.group.as_deref(), motif.groups().next(), "{motif:?}");
                    }
                }
                let known = |id: &String| relations.motifs().iter().any(|motif| motif.id == *id);
                assert!(factor.own.iter().chain(&factor.own_dimer).all(known));
                if let Some(id) = figures.jaspar2016.as_deref().filter(|_| release == JasparRelease::R2016) {
                    assert_eq!(relations.relation(&figures.tf, id), Relation::Own);
                }
            }
        }
    }

    #[test]
    fn relations_are_what_biology_says() {
        let old = MotifRelations::of(JasparRelease::R2016);
        let new = MotifRelations::of(JasparRelease::R2026);
        for (tf, motif, wanted) in [
            ("EGR1", "MA0162.2", Relation::Own),
            ("TFAP2A", "TFAP2A(var.3)", Relation::Own),
            ("GABPA", "Gabpa", Relation::Own),
            ("MAFK", "Bach1::Mafk", Relation::OwnDimer),
            ("POU5F1", "Pou5f1::Sox2", Relation::OwnDimer),
            ("TAL1", "MA0091.1", Relation::OwnDimer),
            ("GABPA", "ELK4", Relation::Family),
            ("CTCFL", "CTCF", Relation::Family),
            ("SIX5", "ZNF143", Relation::Other),
            ("RAD21", "CTCF", Relation::None),
            ("ZNF263", "SP1", Relation::Other),
            ("CTCF", "YY1", Relation::Other),
            ("MAZ", "SP1", Relation::None),
            // Nuclear respiratory factor 1 is no basic leucine zipper.
            ("NRF1", "MAFG::NFE2L1", Relation::Other),
        ] {
            assert_eq!(old.relation(tf, motif), wanted, "{tf} {motif}");
        }
        for (tf, motif, wanted) in [
            ("MAZ", "VEZF1", Relation::Family),
            ("CTCFL", "MA1102.3", Relation::Own),
            ("NRF1", "MA0089.3", Relation::Other),
            ("CTCF", "MA0139.1", Relation::Own),
        ] {
            assert_eq!(new.relation(tf, motif), wanted, "{tf} {motif}");
        }
    }

    #[test]
    fn names_of_other_data_are_understood() {
        let relations = MotifRelations::of(JasparRelease::R2016);
        assert_eq!(relations.relation("NRSF", "REST"), Relation::Own);
        assert_eq!(relations.relation("c-Myc", "myc"), Relation::Own);
        assert_eq!(relations.relation("PU.1", "SPI1"), Relation::Own);
        assert_eq!(relations.relation("gata-1", "Gata1"), Relation::Own);
        // Factors that none of the 505 sets is of.
        assert_eq!(relations.relation("FOXP3", "FOXP3"), Relation::Own);
        assert_eq!(relations.relation("FOXP3", "FOXA1"), Relation::Family);
        assert_eq!(relations.relation("HIF1A", "MA0259.1"), Relation::OwnDimer);
        assert_eq!(relations.relation("no such factor", "FOXA1"), Relation::None);
        // Motifs of another collection.
        assert_eq!(relations.relation("FOS", "FOS::JUNB"), Relation::OwnDimer);
        assert_eq!(relations.relation("FOXA1", "FOXO1"), Relation::Family);
        assert_eq!(relations.relation("FOXA1", "my motif"), Relation::Other);
        assert_eq!(Relation::OwnDimer.to_string(), "own_dimer");
    }
}
