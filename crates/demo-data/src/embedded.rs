//! What the binary carries: motif collections and published figures, each read at its first use.
//!
//! Origin, licence and checksum of every file stand in `data/README.md`; a test compares the
//! checksums and reads every file, which is why the readers here need no errors.

use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use serde::de::DeserializeOwned;

use crate::figures::{DeepBindFigures, PanelRow, PublishedFigure};
use crate::{MotifCollection, MotifReading, parse_motifs, sha256};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../../data/", $name)).as_slice())),*]
    };
}

/// The embedded files that this module reads, by name.
static FILES: [(&str, &[u8]); 9] = files![
    "deepbind_encode505_auroc.tsv",
    "hocomoco11_core_human.jaspar.gz",
    "jaspar2016_core_vertebrates.jaspar.gz",
    "jaspar2026_core_vertebrates.jaspar.gz",
    "jaspar_families.tsv",
    "motif_relations.tsv",
    "panel57.tsv",
    "published_figures.tsv",
    "simulated57.tsv",
];

/// JASPAR 2016 CORE vertebrates, 519 motifs (Mathelier et al. 2016; CC BY 4.0), without pseudocounts.
pub fn jaspar2016() -> &'static MotifCollection {
    static MOTIFS: LazyLock<MotifCollection> =
        LazyLock::new(|| motifs("jaspar2016_core_vertebrates.jaspar.gz"));
    &MOTIFS
}

/// JASPAR 2026 CORE vertebrates, 1,019 motifs (CC BY 4.0), without pseudocounts.
pub fn jaspar2026() -> &'static MotifCollection {
    static MOTIFS: LazyLock<MotifCollection> =
        LazyLock::new(|| motifs("jaspar2026_core_vertebrates.jaspar.gz"));
    &MOTIFS
}

/// HOCOMOCO v11 core human, 401 motifs (Kulakovskiy et al. 2018; WTFPL), without pseudocounts.
pub fn hocomoco11() -> &'static MotifCollection {
    static MOTIFS: LazyLock<MotifCollection> = LazyLock::new(|| motifs("hocomoco11_core_human.jaspar.gz"));
    &MOTIFS
}

/// The 57 data sets of the published motif table.
pub fn panel57() -> &'static [PanelRow] {
    static ROWS: LazyLock<Vec<PanelRow>> = LazyLock::new(|| table("panel57.tsv"));
    &ROWS
}

/// `DeepBind`'s supplementary table: test AUROCs of four methods on 505 data sets.
pub fn deepbind_figures() -> &'static [DeepBindFigures] {
    static ROWS: LazyLock<Vec<DeepBindFigures>> = LazyLock::new(|| table("deepbind_encode505_auroc.tsv"));
    &ROWS
}

/// Published figures over many data sets, each with its status.
pub fn published_figures() -> &'static [PublishedFigure] {
    static ROWS: LazyLock<Vec<PublishedFigure>> = LazyLock::new(|| table("published_figures.tsv"));
    &ROWS
}

/// Name and SHA-256 of each embedded file, for a run's manifest.
pub fn checksums() -> Vec<(&'static str, String)> {
    FILES.iter().map(|(name, bytes)| (*name, sha256(bytes))).collect()
}

/// The rows of an embedded table; a row that cannot be read would be left out, which a test excludes.
pub(crate) fn table<T: DeserializeOwned>(name: &str) -> Vec<T> {
    csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .quoting(false)
        .from_reader(file(name))
        .into_deserialize()
        .filter_map(Result::ok)
        .collect()
}

fn motifs(name: &str) -> MotifCollection {
    let mut text = String::new();
    let read = GzDecoder::new(file(name)).read_to_string(&mut text);
    let parsed = parse_motifs(&text, Path::new(name), &MotifReading::default());
    // The tests read each file, so nothing is lost here; without motifs there is nothing to match.
    read.ok().and(parsed.ok()).unwrap_or_default()
}

fn file(name: &str) -> &'static [u8] {
    FILES.iter().find(|(known, _)| *known == name).map_or(&[], |(_, bytes)| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FigureStatus;

    #[test]
    fn the_read_me_names_each_file_with_its_checksum() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
        let read_me = std::fs::read_to_string(folder.join("README.md")).unwrap();
        let listed = |name: &str, sum: &str| {
            let row = read_me.lines().find(|line| line.contains(&format!("`{name}`")) && line.contains(sum));
            assert!(row.is_some(), "data/README.md does not list {name} with sha256 {sum}");
        };
        for (name, sum) in checksums() {
            listed(name, &sum);
        }
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name != "README.md" {
                listed(name, &sha256(&std::fs::read(&path).unwrap()));
            }
        }
    }

    #[test]
    fn collections_are_complete() {
        for (collection, count) in [(jaspar2016(), 519), (jaspar2026(), 1019), (hocomoco11(), 401)] {
            assert_eq!(collection.motifs.len(), count);
            assert!(collection.warnings.is_empty());
        }
        let runx1 = jaspar2016().find("MA0002.2").unwrap();
        // The first row of MA0002.2 in JASPAR's own MEME file, six decimals.
        let row = runx1.probabilities().rows()[0].map(|p| format!("{p:.6}"));
        assert_eq!(row, ["0.143500", "0.248000", "0.348000", "0.260500"]);
        assert_eq!((runx1.name(), runx1.site_count()), (Some("RUNX1"), Some(2000.0)));
        assert!(hocomoco11().motifs.iter().any(|motif| motif.name() == Some("FOXO1")));
    }

    #[test]
    fn tables_are_complete() {
        assert_eq!(panel57().len(), 57);
        assert_eq!(deepbind_figures().len(), 505);
        let lines = file("published_figures.tsv").split(|&byte| byte == b'\n').count() - 1;
        assert_eq!(published_figures().len(), lines - 1);
        for row in panel57() {
            let figures = deepbind_figures().iter().find(|figures| figures.set == row.set).unwrap();
            assert_eq!(
                (figures.cell.as_str(), figures.jaspar2016.as_deref()),
                ("K562", Some(&*row.jaspar2016))
            );
            assert_eq!((figures.deepbind_star, figures.meme_sum), (row.deepbind_star, row.meme_sum));
            assert!(jaspar2016().find(&row.jaspar2016).is_some());
        }
    }

    #[test]
    fn confirmed_figures_follow_from_the_table() {
        let panel: Vec<&str> = panel57().iter().map(|row| row.set.as_str()).collect();
        let mut confirmed = 0;
        for figure in published_figures().iter().filter(|figure| figure.status == FigureStatus::Confirmed) {
            let mut values: Vec<f64> = deepbind_figures()
                .iter()
                .filter(|row| match figure.selection.as_str() {
                    "K562" => row.cell == "K562",
                    _ => panel.contains(&row.set.as_str()),
                })
                .map(|row| if figure.model == "MEME-SUM" { row.meme_sum } else { row.deepbind_star })
                .collect();
            assert_eq!(values.len(), figure.sets as usize);
            values.sort_by(f64::total_cmp);
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let value = match figure.statistic.as_str() {
                "mean" => mean,
                "median" => f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]),
                _ => (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt(),
            };
            // The table gives four decimals, cut or rounded.
            assert!((value - figure.value).abs() < 1e-4, "{figure:?}: {value}");
            confirmed += 1;
        }
        assert_eq!(confirmed, 12);
    }
}
