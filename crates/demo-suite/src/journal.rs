//! What is finished: one small file for each piece of work, written whole or not at all.
//!
//! A piece of work is named by the SHA-256 of everything that decides its outcome (settings, input
//! checksums, results version), so a record found under that name is the outcome. A record is two
//! lines of JSON: a header with the checksum of the second line, and the outcome itself.

use std::fs;
use std::path::{Path, PathBuf};

use demo_data::sha256;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files::{make_folder, write_atomically};
use crate::{Error, Result};

/// The layout of a record; a change here makes older records foreign.
const FORMAT: &str = "demo-journal-1";

/// The finished work of one run.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    stage: String,
    id: String,
    sha256: String,
}

impl Journal {
    /// The journal in this folder, which is made if it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        make_folder(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The outcome recorded for this piece of work, `None` if it is not finished.
    pub(crate) fn read<T: DeserializeOwned>(&self, stage: &str, id: &str) -> Result<Option<T>> {
        let path = self.path(stage, id);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { path, source }),
        };
        let corrupt = |found: &str| Error::Journal {
            path: path.clone(),
            found: found.to_owned(),
            wanted: format!("a finished record of {stage} {id} ({FORMAT})"),
        };
        let text = String::from_utf8(text).map_err(|_| corrupt("found bytes that are not text"))?;
        let (header, payload) = text.split_once('\n').ok_or_else(|| corrupt("found a truncated record"))?;
        let header: Header = serde_json::from_str(header).map_err(|_| corrupt("found a foreign header"))?;
        if header.format != FORMAT || header.stage != stage || header.id != id {
            let found = format!("found a record of {} {} ({})", header.stage, header.id, header.format);
            return Err(corrupt(&found));
        }
        if sha256(payload.as_bytes()) != header.sha256 {
            return Err(corrupt("found a record that differs from its checksum"));
        }
        serde_json::from_str(payload).map(Some).map_err(|e| corrupt(&format!("found an outcome with {e}")))
    }

    /// Records an outcome and gives it back as a later reader will see it.
    pub(crate) fn write<T: Serialize + DeserializeOwned>(
        &self,
        stage: &str,
        id: &str,
        outcome: &T,
    ) -> Result<T> {
        let path = self.path(stage, id);
        let unwritable = |error: serde_json::Error| Error::Io { path: path.clone(), source: error.into() };
        let payload = serde_json::to_string(outcome).map_err(unwritable)?;
        let header = Header {
            format: FORMAT.to_owned(),
            stage: stage.to_owned(),
            id: id.to_owned(),
            sha256: sha256(payload.as_bytes()),
        };
        let header = serde_json::to_string(&header).map_err(unwritable)?;
        make_folder(&self.folder.join(stage))?;
        write_atomically(&path, format!("{header}\n{payload}").as_bytes())?;
        // Read back what was written, so that a run that continues and one that never stopped work
        // with the same values.
        serde_json::from_str(&payload).map_err(unwritable)
    }

    fn path(&self, stage: &str, id: &str) -> PathBuf {
        self.folder.join(stage).join(format!("{id}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal")).unwrap();
        (folder, journal)
    }

    #[test]
    fn outcomes_return_bit_for_bit() {
        let (_folder, journal) = journal();
        let outcome = vec![0.1_f64 + 0.2, 1.0 / 3.0, f64::MIN_POSITIVE, 1e300];
        assert_eq!(journal.read::<Vec<f64>>("train", "ab").unwrap(), None);
        assert_eq!(journal.write("train", "ab", &outcome).unwrap(), outcome);
        assert_eq!(journal.read::<Vec<f64>>("train", "ab").unwrap(), Some(outcome));
    }

    #[test]
    fn damaged_and_foreign_records_are_refused_by_name() {
        let (_folder, journal) = journal();
        journal.write("train", "ab", &vec![1.0, 2.0]).unwrap();
        let path = journal.path("train", "ab");
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(journal.path("train", "cd"), &whole).unwrap();
        for (damaged, at) in [
            (whole.replace("2.0", "3.0"), "ab"),
            (whole[..whole.len() - 2].to_owned(), "ab"),
            (whole[..10].to_owned(), "ab"),
            (String::new(), "ab"),
            ("something else\nentirely".to_owned(), "ab"),
            (whole.clone(), "cd"),
        ] {
            fs::write(journal.path("train", at), damaged).unwrap();
            let error = journal.read::<Vec<f64>>("train", at).unwrap_err().to_string();
            assert!(error.contains(&format!("{at}.json")) && error.contains("--fresh"), "{error}");
        }
    }
}
