//! Lines of a text file, plain or gzip, with their numbers; and files written whole or not at all.
//!
//! Files are recognised as gzip by their first two bytes, never by their name. A line ends with LF or
//! CRLF, the last one with or without. Cost: one pass, one line in memory.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use crate::{Error, Place, Result};

/// The two bytes every gzip stream begins with.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How much of an offending text a message shows.
const SHOWN: usize = 40;

/// Reads a text line by line and knows where it is.
pub(crate) struct LineReader<'a> {
    inner: Box<dyn BufRead + Send + 'a>,
    path: PathBuf,
    line: usize,
    gzip: bool,
    buffer: Vec<u8>,
    /// How much of the current line came before what the buffer holds.
    before: usize,
    /// Whether the buffer ends where the line does.
    ended: bool,
}

impl LineReader<'static> {
    /// Opens a file, plain or gzip.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let read_error = |source| Error::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read_error)?;
        let mut magic = Vec::with_capacity(GZIP_MAGIC.len());
        (&file).take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic).map_err(read_error)?;
        let gzip = magic == GZIP_MAGIC;
        let whole = io::Cursor::new(magic).chain(file);
        let inner: Box<dyn BufRead + Send> = if gzip {
            Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(whole))))
        } else {
            Box::new(BufReader::new(whole))
        };
        Ok(Self::new(inner, path, gzip))
    }
}

impl<'a> LineReader<'a> {
    /// Reads a text in memory, which messages call `name`.
    pub(crate) fn from_text(text: &'a str, name: &Path) -> Self {
        let inner = Box::new(text.as_bytes());
        Self::new(inner, name, false)
    }

    fn new(inner: Box<dyn BufRead + Send + 'a>, path: &Path, gzip: bool) -> Self {
        Self { inner, path: path.to_owned(), line: 0, gzip, buffer: Vec::new(), before: 0, ended: true }
    }

    /// Goes to the next line; false after the last.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        self.buffer.clear();
        (self.before, self.ended) = (0, true);
        self.read(u64::MAX)
    }

    /// Goes to the next part of a line of at most so many bytes, for lines that need not fit in memory; false after
    /// the last. Blanks and what ends the line may come as a part of their own.
    pub(crate) fn advance_part(&mut self, most: usize) -> Result<bool> {
        self.before = if self.ended { 0 } else { self.before + self.buffer.len() };
        self.buffer.clear();
        self.read(most as u64)
    }

    /// Reads on to the end of the line that a part began.
    pub(crate) fn finish_line(&mut self) -> Result<()> {
        if !self.ended {
            self.read(u64::MAX)?;
        }
        Ok(())
    }

    /// How many bytes of the line came before the current part.
    pub(crate) fn before(&self) -> usize {
        self.before
    }

    /// Appends to the buffer up to the line's end, and at most so many bytes.
    fn read(&mut self, most: u64) -> Result<bool> {
        let begins = self.buffer.is_empty() && self.before == 0;
        match (&mut self.inner).take(most).read_until(b'\n', &mut self.buffer) {
            Ok(0) => {
                self.ended = true;
                Ok(false)
            }
            Ok(_) => {
                self.line += usize::from(begins);
                self.ended = self.buffer.ends_with(b"\n");
                Ok(true)
            }
            Err(source) if self.gzip => {
                let place = Place { path: self.path.clone(), line: self.line + 1 };
                Err(Error::Gzip { place, source })
            }
            Err(source) => Err(Error::Read { path: self.path.clone(), source }),
        }
    }

    /// The current line without its end.
    pub(crate) fn line(&self) -> &[u8] {
        let line = self.buffer.as_slice();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.line == 1 && self.before == 0 {
            line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
        } else {
            line
        }
    }

    /// The line read last.
    pub(crate) fn place(&self) -> Place {
        Place { path: self.path.clone(), line: self.line.max(1) }
    }

    /// The file, or the name of the text.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All lines with their numbers, for formats whose parts are small; a line that is not UTF-8 is an error.
    pub(crate) fn into_lines(mut self) -> Result<Vec<(usize, String)>> {
        let mut lines = Vec::new();
        while self.advance()? {
            let Ok(text) = str::from_utf8(self.line()) else {
                let found = shown(self.line());
                return Err(Error::Line { place: self.place(), found, wanted: "text in UTF-8".into() });
            };
            lines.push((self.line, text.to_owned()));
        }
        Ok(lines)
    }
}

/// The start of a text in quotes, as messages show it.
pub(crate) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

/// Writes a file beside its place and moves it there when complete, so that no partial file is left.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let result = fill(&part, path, write);
    if result.is_err() {
        // The first error is the one to tell; a leftover that cannot be removed adds nothing to it.
        let _ = fs::remove_file(&part);
    }
    result.map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn fill(part: &Path, path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let file = BufWriter::new(File::create(part)?);
    let mut file = if path.extension().is_some_and(|extension| extension == "gz") {
        // No name and no time in the header: equal content gives equal bytes.
        let mut encoder: GzEncoder<BufWriter<File>> = GzBuilder::new().write(file, Compression::best());
        write(&mut encoder)?;
        encoder.finish()?
    } else {
        let mut file = file;
        write(&mut file)?;
        file
    };
    file.flush()?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, bytes).unwrap();
        let lines = LineReader::open(&path).unwrap().into_lines().unwrap();
        lines.into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn any_line_end_is_read() {
        assert_eq!(lines(b"a\r\nb\n\nc"), ["a", "b", "", "c"]);
        assert_eq!(lines(b"\xEF\xBB\xBFa"), ["a"]);
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn gzip_is_known_by_its_bytes_and_may_have_several_members() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.gz");
        write_whole(&path, |out| out.write_all(b"a\nb\n")).unwrap();
        let once = fs::read(&path).unwrap();
        assert_eq!(lines(&once), ["a", "b"]);
        assert_eq!(lines(&[once.clone(), once].concat()), ["a", "b", "a", "b"]);
        assert!(!dir.path().join("x.gz.part").exists());
    }

    #[test]
    fn a_truncated_gzip_is_named_with_the_line_it_breaks_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.gz");
        write_whole(&path, |out| (0..9000).try_for_each(|i| writeln!(out, "line {i}"))).unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 6]).unwrap();
        let error = LineReader::open(&path).unwrap().into_lines().unwrap_err();
        assert!(matches!(&error, Error::Gzip { place, .. } if place.line > 1), "{error}");
        assert!(error.to_string().contains("truncated gzip stream"), "{error}");
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.txt");
        let full = |out: &mut dyn Write| {
            out.write_all(b"half")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        assert!(matches!(write_whole(&path, full), Err(Error::Write { .. })));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn shown_text_is_short() {
        assert_eq!(shown(b"ab\tc"), "\"ab\\tc\"");
        assert_eq!(shown(&[b'x'; 50]), format!("\"{}…\"", "x".repeat(40)));
    }
}
