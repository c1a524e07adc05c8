//! What is fetched from where. A size or checksum stands here only where its origin is known.

use std::path::{Path, PathBuf};

/// A collection of public data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collection {
    /// The ENCODE ChIP-seq sets of the published comparison: the Deep Motif Dashboard's archive, and
    /// DeepBind's supplementary software with a part of its sets.
    Encode,
    /// JASPAR CORE vertebrates, releases 2016 and 2026.
    Jaspar,
    /// HOCOMOCO v11 core, human.
    Hocomoco,
}

/// What a file is, hence what is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A gzipped tar archive, unpacked into a folder of its name.
    TarGz,
    /// A zip archive, unpacked likewise.
    Zip,
    /// A motif collection in any format that is read here.
    Motifs,
}

/// A file that has a home on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name on disk and at a mirror: one path component.
    pub name: String,
    /// What it holds, for people.
    pub holds: String,
    /// Its addresses, tried in order.
    pub homes: Vec<String>,
    /// Its size in bytes, where it is published.
    pub bytes: Option<u64>,
    /// Its SHA-256, where it is published.
    pub sha256: Option<String>,
    /// What it is.
    pub kind: FileKind,
}

impl Collection {
    /// All collections.
    pub const ALL: [Self; 3] = [Self::Encode, Self::Jaspar, Self::Hocomoco];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Jaspar => "jaspar",
            Self::Hocomoco => "hocomoco",
        }
    }

    /// The folder it is put into where a user names none.
    pub fn folder(self) -> PathBuf {
        Path::new("downloads").join(self.name())
    }

    /// The files it consists of.
    pub fn files(self) -> Vec<RemoteFile> {
        match self {
            Self::Encode => vec![dashboard(), deepbind()],
            Self::Jaspar => vec![
                motifs(
                    "JASPAR2016_CORE_vertebrates_non-redundant_pfms_jaspar.txt",
                    "JASPAR 2016 CORE vertebrates, counts (CC BY 4.0; cite JASPAR 2016)",
                    "http://jaspar2016.genereg.net/html/DOWNLOAD/JASPAR_CORE/pfm/nonredundant/pfm_vertebrates.txt",
                ),
                motifs(
                    "JASPAR2026_CORE_vertebrates_non-redundant_pfms_jaspar.txt",
                    "JASPAR 2026 CORE vertebrates, counts (CC BY 4.0; cite JASPAR 2026)",
                    "https://jaspar.elixir.no/download/data/2026/CORE/\
                     JASPAR2026_CORE_vertebrates_non-redundant_pfms_jaspar.txt",
                ),
            ],
            Self::Hocomoco => vec![motifs(
                "HOCOMOCOv11_core_pcms_HUMAN_mono.txt",
                "HOCOMOCO v11 core human, counts (WTFPL; cite HOCOMOCO)",
                "https://hocomoco11.autosome.org/final_bundle/hocomoco11/core/HUMAN/mono/\
                 HOCOMOCOv11_core_pcms_HUMAN_mono.txt",
            )],
        }
    }
}

/// The authors' own files. Size and SHA-256 are those of the pointer that stands for the archive in
/// their repository (git LFS, github.com/QData/DeepMotif, `data/deepbind.tar.gz`).
fn dashboard() -> RemoteFile {
    RemoteFile {
        name: "deepmotif-dashboard.tar.gz".to_owned(),
        holds: "the 108 K562 sets of the Deep Motif Dashboard (cite it, DeepBind and ENCODE)".to_owned(),
        homes: vec![
            "https://media.githubusercontent.com/media/QData/DeepMotif/master/data/deepbind.tar.gz"
                .to_owned(),
            "https://github.com/QData/DeepMotif/raw/master/data/deepbind.tar.gz".to_owned(),
        ],
        bytes: Some(107_022_470),
        sha256: Some("b76db7e6559dae494132ab2c1178ecf84deec5edbdc1498fa8620a4da1de4050".to_owned()),
        kind: FileKind::TarGz,
    }
}

/// No checksum is published for this one.
fn deepbind() -> RemoteFile {
    RemoteFile {
        name: "nbt3300-supplementary-software.zip".to_owned(),
        holds: "DeepBind's supplementary software, with ENCODE sets of several cell types (cite both)"
            .to_owned(),
        homes: vec![
            "http://tools.genes.toronto.edu/deepbind/nbtcode/nbt3300-supplementary-software.zip".to_owned(),
        ],
        bytes: None,
        sha256: None,
        kind: FileKind::Zip,
    }
}

/// The homes of motif collections publish no checksums.
fn motifs(name: &str, holds: &str, home: &str) -> RemoteFile {
    RemoteFile {
        name: name.to_owned(),
        holds: holds.to_owned(),
        homes: vec![home.to_owned()],
        bytes: None,
        sha256: None,
        kind: FileKind::Motifs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_single_components_and_checksums_are_whole() {
        let mut names = Vec::new();
        for file in Collection::ALL.into_iter().flat_map(Collection::files) {
            assert_eq!(std::path::Path::new(&file.name).components().count(), 1, "{}", file.name);
            assert!(!file.homes.is_empty());
            assert!(file.homes.iter().all(|home| home.starts_with("http") && !home.contains(' ')));
            assert!(file.sha256.iter().all(|sum| sum.len() == 64));
            names.push(file.name);
        }
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
