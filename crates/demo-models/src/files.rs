//! Reading and writing of a checkpoint's files: a file is there whole or not at all, and what it holds
//! is checked against a digest before it is used.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use crate::{Error, Result};

/// A named array of `f32`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedTensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

impl NamedTensor {
    pub(crate) fn new(name: impl Into<String>, shape: &[usize], values: Vec<f32>) -> Self {
        Self { name: name.into(), shape: shape.to_vec(), values }
    }
}

/// An error about the contents of a file.
pub(crate) fn refuse(path: &Path, found: impl Into<String>, wanted: impl Into<String>) -> Error {
    Error::Checkpoint { path: path.to_path_buf(), found: found.into(), wanted: wanted.into() }
}

/// Wraps what the system says about a path.
pub(crate) fn io_error(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    |source| Error::Io { path: path.to_path_buf(), source }
}

/// Writes to a temporary name beside the file, then renames.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        // What could not be finished must not stay; a second failure has nothing to add.
        let _ = fs::remove_file(&temporary);
        Error::Io { path: path.to_path_buf(), source }
    })
}

/// The whole of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(io_error(path))
}

/// The safetensors form of arrays, with one metadata entry where `metadata` gives it (a second one
/// would make the bytes depend on the order of a hash map).
pub(crate) fn to_safetensors(
    path: &Path,
    tensors: &[NamedTensor],
    metadata: Option<(&str, String)>,
) -> Result<Vec<u8>> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let broken = |error| refuse(path, format!("arrays that cannot be written ({error})"), "safetensors");
    let mut views = Vec::with_capacity(tensors.len());
    for (tensor, bytes) in tensors.iter().zip(&bytes) {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(broken)?;
        views.push((tensor.name.as_str(), view));
    }
    let metadata = metadata.map(|(key, value)| HashMap::from([(key.to_owned(), value)]));
    serialize(views, metadata).map_err(broken)
}

/// The arrays of a safetensors file, sorted by name.
pub(crate) fn from_safetensors(path: &Path, bytes: &[u8]) -> Result<Vec<NamedTensor>> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| refuse(path, format!("no readable arrays ({error})"), "a safetensors file"))?;
    let mut tensors = Vec::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            let found = format!("{name} of type {:?}", view.dtype());
            return Err(refuse(path, found, "arrays of type F32"));
        }
        let values = view
            .data()
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect();
        tensors.push(NamedTensor::new(name, view.shape(), values));
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tensors)
}

/// One metadata entry of a safetensors file.
pub(crate) fn metadata(path: &Path, bytes: &[u8], key: &str) -> Result<String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|error| refuse(path, format!("no readable header ({error})"), "a safetensors file"))?;
    let entry = metadata.metadata().as_ref().and_then(|entries| entries.get(key)).cloned();
    entry.ok_or_else(|| refuse(path, format!("no metadata entry {key:?}"), "a training state"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_and_metadata_return() {
        let path = Path::new("a.safetensors");
        let tensors = [NamedTensor::new("a", &[2, 1], vec![1.5, -0.0]), NamedTensor::new("b", &[0], vec![])];
        let bytes = to_safetensors(path, &tensors, Some(("state", "{}".to_owned()))).unwrap();
        assert_eq!(from_safetensors(path, &bytes).unwrap(), tensors);
        assert_eq!(metadata(path, &bytes, "state").unwrap(), "{}");
        assert!(metadata(path, &bytes, "other").is_err());
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // A folder stands where the file should go, so the rename fails.
        let path = folder.path().join("taken");
        fs::create_dir_all(path.join("inside")).unwrap();
        let error = write_atomically(&path, b"x").unwrap_err();
        assert!(error.to_string().contains("taken"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
