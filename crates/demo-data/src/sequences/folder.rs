//! Finds the data sets of a folder by the names of its files; reads none of them.
//!
//! Known layouts, plain or gzip (`.gz` behind the name), also mixed:
//!
//! - DeepBind: `<set>_AC.seq`, `<set>_B.seq`
//! - Deep Motif Dashboard: `<set>/train.fa`, `<set>/test.fa`
//! - plain FASTA: `<set>.bound.fa`, `<set>.unbound.fa`, or `<set>/bound.fa`, `<set>/unbound.fa`
//!
//! `.fasta` stands for `.fa`. Other files are passed over. The folder may itself be a `<set>/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::checksum::{sha256, sha256_of_file};
use crate::{Error, Result, cell_of, tf_of};

/// The files of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetFiles {
    /// DeepBind's tables.
    DeepBind {
        /// `<set>_AC.seq.gz`
        train: PathBuf,
        /// `<set>_B.seq.gz`
        test: PathBuf,
    },
    /// The Deep Motif Dashboard's labelled FASTA.
    Dashboard {
        /// `<set>/train.fa`
        train: PathBuf,
        /// `<set>/test.fa`
        test: PathBuf,
    },
    /// Plain FASTA by class, divided into halves when it is loaded.
    Classes {
        /// Bound sequences.
        bound: PathBuf,
        /// Unbound sequences.
        unbound: PathBuf,
    },
}

impl SetFiles {
    /// The two files.
    pub fn paths(&self) -> [&Path; 2] {
        match self {
            Self::DeepBind { train, test } | Self::Dashboard { train, test } => [train, test],
            Self::Classes { bound, unbound } => [bound, unbound],
        }
    }
}

/// A data set of a folder, not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetEntry {
    name: String,
    files: SetFiles,
}

impl SetEntry {
    /// A set of given files, for files that [`read_folder`] would not find.
    pub fn new(name: impl Into<String>, files: SetFiles) -> Self {
        Self { name: name.into(), files }
    }

    /// Name of the set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The transcription factor the name begins with, in upper case.
    pub fn tf(&self) -> String {
        tf_of(&self.name)
    }

    /// The cell type, where the name has one as its second part.
    pub fn cell(&self) -> Option<&str> {
        cell_of(&self.name)
    }

    /// The files.
    pub fn files(&self) -> &SetFiles {
        &self.files
    }

    /// One checksum of the set: SHA-256 of the lines of both files' checksums.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn checksum(&self) -> Result<String> {
        let [first, second] = self.files.paths();
        Ok(sha256(format!("{}\n{}\n", sha256_of_file(first)?, sha256_of_file(second)?).as_bytes()))
    }
}

/// The data sets of a folder, sorted by name.
///
/// # Errors
/// [`Error::Read`], [`Error::NoSets`], [`Error::MissingHalf`] where one file of two is missing, and
/// [`Error::DuplicateSet`].
pub fn read_folder(folder: &Path) -> Result<Vec<SetEntry>> {
    let mut halves = Halves::default();
    // A set's own folder, given as if it held sets.
    let own_name = folder.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    for (path, is_folder) in list(folder)? {
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else { continue };
        // Hidden files are other programs' own, such as the `._` shadows that archives from a Mac bring.
        if file.starts_with('.') {
            continue;
        }
        if is_folder {
            for (inner, _) in list(&path)?.into_iter().filter(|(_, is_folder)| !is_folder) {
                halves.add_inner(file, inner)?;
            }
        } else if let Some(role) = Role::of_set_file(file) {
            halves.add(role.0.to_owned(), role.1, path.clone())?;
        } else if let Some(name) = &own_name {
            halves.add_inner(name, path)?;
        }
    }
    let entries = halves.into_entries()?;
    if entries.is_empty() {
        let wanted = "<set>_AC.seq.gz and <set>_B.seq.gz, <set>/train.fa and <set>/test.fa, or <set>.bound.fa and \
                      <set>.unbound.fa";
        return Err(Error::NoSets { path: folder.to_owned(), wanted });
    }
    Ok(entries)
}

/// What a file is to its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    DeepBindTrain,
    DeepBindTest,
    DashboardTrain,
    DashboardTest,
    Bound,
    Unbound,
}

impl Role {
    /// The role of `<set>…` and the set's name.
    fn of_set_file(file: &str) -> Option<(&str, Self)> {
        let plain = file.strip_suffix(".gz").unwrap_or(file);
        let found = match plain.strip_suffix(".seq") {
            Some(stem) => Self::of_table(stem)?,
            None => Self::of_fasta(fasta_stem(plain)?)?,
        };
        (!found.0.is_empty()).then_some(found)
    }

    fn of_table(stem: &str) -> Option<(&str, Self)> {
        let train = stem.strip_suffix("_AC").map(|set| (set, Self::DeepBindTrain));
        train.or_else(|| Some((stem.strip_suffix("_B")?, Self::DeepBindTest)))
    }

    fn of_fasta(stem: &str) -> Option<(&str, Self)> {
        let by = |suffix: &str, role| stem.strip_suffix(suffix).map(|set| (set, role));
        by(".unbound", Self::Unbound)
            .or_else(|| by("_unbound", Self::Unbound))
            .or_else(|| by(".bound", Self::Bound))
            .or_else(|| by("_bound", Self::Bound))
    }

    /// The role of a file in `<set>/`.
    fn of_inner_file(file: &str) -> Option<Self> {
        match fasta_stem(file.strip_suffix(".gz").unwrap_or(file))? {
            "train" => Some(Self::DashboardTrain),
            "test" => Some(Self::DashboardTest),
            "bound" => Some(Self::Bound),
            "unbound" => Some(Self::Unbound),
            _ => None,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::DeepBindTrain => Self::DeepBindTest,
            Self::DeepBindTest => Self::DeepBindTrain,
            Self::DashboardTrain => Self::DashboardTest,
            Self::DashboardTest => Self::DashboardTrain,
            Self::Bound => Self::Unbound,
            Self::Unbound => Self::Bound,
        }
    }

    /// What the file that goes with `path` would be called.
    fn partner_of(self, path: &Path) -> PathBuf {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let exchange = |from: &str, to: &str| {
            let at = name.rfind(from).unwrap_or(0);
            format!("{}{to}{}", &name[..at], &name[(at + from.len()).min(name.len())..])
        };
        path.with_file_name(match self {
            Self::DeepBindTrain => exchange("_AC.", "_B."),
            Self::DeepBindTest => exchange("_B.", "_AC."),
            Self::DashboardTrain => exchange("train", "test"),
            Self::DashboardTest => exchange("test", "train"),
            Self::Bound => exchange("bound", "unbound"),
            Self::Unbound => exchange("unbound", "bound"),
        })
    }
}

/// The files found so far, by set and role.
#[derive(Default)]
struct Halves {
    files: BTreeMap<String, BTreeMap<Role, PathBuf>>,
}

impl Halves {
    fn add(&mut self, name: String, role: Role, path: PathBuf) -> Result<()> {
        let roles = self.files.entry(name.clone()).or_default();
        let clash = roles.iter().find(|&(&known, _)| known == role || known != role.other());
        if let Some((_, first)) = clash {
            return Err(Error::DuplicateSet { name, first: first.clone(), second: path });
        }
        roles.insert(role, path);
        Ok(())
    }

    fn add_inner(&mut self, set: &str, path: PathBuf) -> Result<()> {
        match path.file_name().and_then(|name| name.to_str()).and_then(Role::of_inner_file) {
            Some(role) => self.add(set.to_owned(), role, path),
            None => Ok(()),
        }
    }

    fn into_entries(self) -> Result<Vec<SetEntry>> {
        let entry = |(name, roles): (String, BTreeMap<Role, PathBuf>)| {
            let mut roles = roles.into_iter();
            match (roles.next(), roles.next()) {
                (Some((role, first)), Some((_, second))) => {
                    let files = match role {
                        Role::DeepBindTrain | Role::DeepBindTest => {
                            SetFiles::DeepBind { train: first, test: second }
                        }
                        Role::DashboardTrain | Role::DashboardTest => {
                            SetFiles::Dashboard { train: first, test: second }
                        }
                        Role::Bound | Role::Unbound => SetFiles::Classes { bound: first, unbound: second },
                    };
                    Ok(Some(SetEntry { name, files }))
                }
                (Some((role, found)), None) => {
                    let wanted = role.partner_of(&found);
                    Err(Error::MissingHalf { found, wanted })
                }
                (None, _) => Ok(None),
            }
        };
        self.files.into_iter().filter_map(|files| entry(files).transpose()).collect()
    }
}

fn fasta_stem(plain: &str) -> Option<&str> {
    plain.strip_suffix(".fa").or_else(|| plain.strip_suffix(".fasta"))
}

/// What a folder holds, sorted by name, each with whether it is a folder.
fn list(folder: &Path) -> Result<Vec<(PathBuf, bool)>> {
    let read_error = |source| Error::Read { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(read_error)? {
        let path = entry.map_err(read_error)?.path();
        let is_folder = path.is_dir();
        found.push((path, is_folder));
    }
    found.sort();
    Ok(found)
}
