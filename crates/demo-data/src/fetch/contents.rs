//! What a fetched file holds.

use std::fs;
use std::path::{Path, PathBuf};

use super::{FileKind, unpack};
use crate::motifs::{MotifReading, read_motifs};
use crate::{Error, Result, SetEntry, read_folder};

/// What a fetched file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Folders of data sets, by path.
    Sets(Vec<SetFolder>),
    /// So many motifs.
    Motifs(usize),
}

/// A folder that holds data sets, somewhere in what was unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetFolder {
    /// The folder, for `--data`.
    pub folder: PathBuf,
    /// Its sets.
    pub sets: Vec<SetEntry>,
}

/// The folders at or below `root` that hold data sets, by path.
///
/// A folder of sets is not searched further. One whose files are no complete sets is passed over,
/// since an archive holds other things too.
///
/// # Errors
/// [`Error::Read`].
pub fn set_folders(root: &Path) -> Result<Vec<SetFolder>> {
    match read_folder(root) {
        Ok(sets) => return Ok(vec![SetFolder { folder: root.to_owned(), sets }]),
        Err(error @ Error::Read { .. }) => return Err(error),
        Err(_) => {}
    }
    let read_error = |source| Error::Read { path: root.to_owned(), source };
    let mut below = Vec::new();
    for entry in fs::read_dir(root).map_err(read_error)? {
        let entry = entry.map_err(read_error)?;
        // Links are not followed, so that a circle of them ends.
        if entry.file_type().map_err(read_error)?.is_dir() {
            below.push(entry.path());
        }
    }
    below.sort();
    let mut found = Vec::new();
    for folder in below {
        found.extend(set_folders(&folder)?);
    }
    Ok(found)
}

/// The motifs of a collection.
pub(super) fn motifs(path: &Path) -> Result<Contents> {
    Ok(Contents::Motifs(read_motifs(path, &MotifReading::default())?.motifs.len()))
}

/// Whether a file of which no checksum is known is at least what it should be.
pub(super) fn check(path: &Path, kind: FileKind) -> Result<()> {
    match kind {
        FileKind::Motifs => motifs(path).map(|_| ()),
        FileKind::Zip => unpack::check_zip(path),
        FileKind::TarGz => unpack::check_tar(path),
    }
}
