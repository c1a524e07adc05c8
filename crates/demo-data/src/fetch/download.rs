//! One file from its home to its place, continued where an earlier attempt or call broke off.
//!
//! What is here lies in `NAME.part`, beside a note of where it came from. It is continued where the
//! server confirms that it has the same version still (an `If-Range` with its entity tag or date), or
//! where the file's SHA-256 is known and will tell; else the download starts anew.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ureq::http::{HeaderMap, Response};

use super::http::{Client, Rest};
use super::sums::Wanted;
use super::{FetchConfig, Progress, RemoteFile, contents, open_locked, part_of};
use crate::{Error, Result, sha256_of_file};

/// No file that is fetched comes near; a server that sends on and on must not fill the disk.
const LARGEST: u64 = 8 << 30;
/// How much is held at a time.
const CHUNK: usize = 1 << 16;

/// Brings the file to `path`, verified; `wanted` is its SHA-256, if known.
pub(super) fn download(
    file: &RemoteFile,
    config: &FetchConfig,
    path: &Path,
    wanted: Option<&Wanted>,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let urls = match &config.mirror {
        Some(mirror) => vec![format!("{}/{}", mirror.trim_end_matches('/'), file.name)],
        None => file.homes.clone(),
    };
    let mut job =
        Job { file, config, path, wanted, client: Client::new(), part: Part::open(path)?, progress };
    let mut first = None;
    for url in &urls {
        match job.ask(url) {
            Ok(()) => return job.part.finish(path),
            // What this machine cannot write, no other home will help.
            Err(error @ Error::Write { .. }) => return Err(error),
            Err(error) => first = first.or(Some(error)),
        }
    }
    job.part.forget_if_empty();
    let none = || Error::Download {
        from: file.name.clone(),
        found: "no address".to_owned(),
        wanted: "at least one".to_owned(),
    };
    Err(first.unwrap_or_else(none))
}

struct Job<'a> {
    file: &'a RemoteFile,
    config: &'a FetchConfig,
    path: &'a Path,
    wanted: Option<&'a Wanted>,
    client: Client,
    part: Part,
    progress: &'a mut dyn FnMut(Progress),
}

/// How an attempt ended that was no error.
enum Attempt {
    /// All bytes are here.
    Whole,
    /// The rest may come with another attempt.
    Broken(String),
}

impl Job<'_> {
    fn ask(&mut self, url: &str) -> Result<()> {
        let mut pause = self.config.pause;
        let mut anew = false;
        let mut reason = String::new();
        for attempt in 0..self.config.attempts.max(1) {
            if attempt > 0 {
                std::thread::sleep(pause);
                pause *= 2;
            }
            let before = self.part.length;
            match self.attempt(url) {
                Ok(Attempt::Whole) => match self.verify() {
                    // What lay here may have been of another version: once more, from the start.
                    Err(Error::Checksum { .. }) if before > 0 && !anew => {
                        anew = true;
                        self.part.clear()?;
                        "the checksum of what was continued is wrong".clone_into(&mut reason);
                    }
                    outcome => return outcome,
                },
                Ok(Attempt::Broken(why)) => reason = why,
                Err(Error::Unreachable { source, .. }) if attempt > 0 => reason = source.to_string(),
                Err(error) => return Err(error),
            }
        }
        Err(Error::Download {
            from: url.to_owned(),
            found: format!("{} bytes in {} attempts ({reason})", self.part.length, self.config.attempts),
            wanted: "the whole file; the same command continues from there".to_owned(),
        })
    }

    fn attempt(&mut self, url: &str) -> Result<Attempt> {
        let same_home = self.part.note.url == url;
        let validator = self.part.note.validator.clone().filter(|_| same_home);
        if validator.is_none() && self.wanted.is_none() {
            self.part.clear()?;
        }
        let from = self.part.length;
        let rest = (from > 0).then_some(Rest { from, validator: validator.as_deref() });
        let response = self.client.get(url, rest).map_err(|source| Error::Unreachable {
            url: url.to_owned(),
            path: self.path.to_owned(),
            source,
        })?;
        let total = match response.status().as_u16() {
            200 => {
                self.part.clear()?;
                self.part.write_note(Note {
                    url: url.to_owned(),
                    validator: strong_validator(response.headers()),
                })?;
                self.announced(url, &response)?
            }
            206 if from > 0 => Some(self.continued(url, &response)?),
            416 if from > 0 => {
                let total = header(response.headers(), "content-range");
                let total = total.and_then(|text| text.strip_prefix("bytes */")?.trim().parse().ok());
                if total == Some(from) {
                    return Ok(Attempt::Whole);
                }
                self.part.clear()?;
                return Ok(Attempt::Broken("what was here is no part of the file".to_owned()));
            }
            status @ (429 | 500..=599) => return Ok(Attempt::Broken(format!("HTTP status {status}"))),
            status => {
                return Err(Error::Http { url: url.to_owned(), status, path: self.path.to_owned() });
            }
        };
        self.receive(url, response, total)
    }

    /// The length of a whole answer; `None` where the end of the answer is marked in itself.
    fn announced(&self, url: &str, response: &Response<ureq::Body>) -> Result<Option<u64>> {
        let length = header(response.headers(), "content-length").and_then(|text| text.trim().parse().ok());
        let marked = header(response.headers(), "transfer-encoding")
            .is_some_and(|text| text.to_ascii_lowercase().contains("chunked"));
        if length.is_none() && !marked && self.wanted.is_none() {
            // The end of such an answer looks like a broken connection.
            return Err(mismatch(url, "an answer without its length", "one with it"));
        }
        self.check_total(url, length)?;
        Ok(length)
    }

    /// The length of the whole file, from an answer that continues it.
    fn continued(&self, url: &str, response: &Response<ureq::Body>) -> Result<u64> {
        let text = header(response.headers(), "content-range").unwrap_or("nothing");
        let parse = |text: &str| {
            let (span, total) = text.strip_prefix("bytes ")?.split_once('/')?;
            let (first, last) = span.split_once('-')?;
            Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total.parse::<u64>().ok()?))
        };
        let from = self.part.length;
        match parse(text) {
            Some((first, last, total)) if first == from && last + 1 == total => {
                self.check_total(url, Some(total))?;
                Ok(total)
            }
            _ => {
                let wanted = format!("the bytes from {from} to the end of the file");
                Err(mismatch(url, &format!("the range {text:?}"), &wanted))
            }
        }
    }

    fn check_total(&self, url: &str, total: Option<u64>) -> Result<()> {
        let Some(total) = total else { return Ok(()) };
        match self.file.bytes {
            Some(bytes) if bytes != total => {
                Err(mismatch(url, &format!("a file of {total} bytes"), &format!("{bytes}")))
            }
            _ if total > LARGEST => {
                Err(mismatch(url, &format!("a file of {total} bytes"), &format!("at most {LARGEST}")))
            }
            _ => Ok(()),
        }
    }

    fn receive(&mut self, url: &str, response: Response<ureq::Body>, total: Option<u64>) -> Result<Attempt> {
        let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match body.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Attempt::Broken(error.to_string())),
            };
            self.part.append(&chunk[..read])?;
            if self.part.length > total.unwrap_or(LARGEST) {
                return Err(mismatch(url, "more bytes than were announced", "the file"));
            }
            (self.progress)(Progress { bytes: self.part.length, total: total.or(self.file.bytes) });
        }
        match total {
            Some(total) if self.part.length < total => {
                Ok(Attempt::Broken(format!("{} of {total} bytes came", self.part.length)))
            }
            _ => Ok(Attempt::Whole),
        }
    }

    /// Compares what came with what is known of it; what is wrong is not kept.
    fn verify(&mut self) -> Result<()> {
        self.part.file.sync_all().map_err(self.part.write_error())?;
        let outcome = match self.wanted {
            Some(wanted) => {
                sha256_of_file(&self.part.path).and_then(|found| wanted.compare(&self.part.path, &found))
            }
            None => contents::check(&self.part.path, self.file.kind),
        };
        if outcome.is_err() {
            self.part.clear()?;
        }
        outcome
    }
}

fn mismatch(url: &str, found: &str, wanted: &str) -> Error {
    Error::Download { from: url.to_owned(), found: found.to_owned(), wanted: wanted.to_owned() }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// An entity tag that promises equal bytes, or else the date of the last change.
fn strong_validator(headers: &HeaderMap) -> Option<String> {
    let tag = header(headers, "etag").filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| header(headers, "last-modified")).map(str::to_owned)
}

/// Where the bytes that are here came from.
#[derive(Default)]
struct Note {
    url: String,
    validator: Option<String>,
}

/// The file in the making, locked against a second process.
struct Part {
    path: PathBuf,
    note_path: PathBuf,
    file: File,
    length: u64,
    note: Note,
}

impl Part {
    fn open(path: &Path) -> Result<Self> {
        let (part, note_path) = (part_of(path, ".part"), part_of(path, ".source.part"));
        let error = |source| Error::Write { path: part.clone(), source };
        let mut file = open_locked(&part, Some("another process is fetching this file"))?;
        let length = file.seek(SeekFrom::End(0)).map_err(error)?;
        // A note that cannot be read is none, and the download starts anew.
        let text = fs::read_to_string(&note_path).unwrap_or_default();
        let mut lines = text.lines().map(str::to_owned);
        let url = lines.next().unwrap_or_default();
        let note = Note { url, validator: lines.next().filter(|line| !line.is_empty()) };
        Ok(Self { path: part, note_path, file, length, note })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(self.write_error())?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn clear(&mut self) -> Result<()> {
        self.file.set_len(0).map_err(self.write_error())?;
        self.file.rewind().map_err(self.write_error())?;
        self.length = 0;
        self.note = Note::default();
        Ok(())
    }

    fn write_note(&mut self, note: Note) -> Result<()> {
        let text = format!("{}\n{}\n", note.url, note.validator.as_deref().unwrap_or_default());
        fs::write(&self.note_path, text)
            .map_err(|source| Error::Write { path: self.note_path.clone(), source })?;
        self.note = note;
        Ok(())
    }

    fn finish(self, path: &Path) -> Result<()> {
        fs::rename(&self.path, path).map_err(|source| Error::Write { path: path.to_owned(), source })?;
        // The note has served; a leftover one does no harm.
        let _ = fs::remove_file(&self.note_path);
        Ok(())
    }

    /// Removes what no later call could continue.
    fn forget_if_empty(&self) {
        if self.length == 0 {
            // What cannot be removed does no harm.
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_file(&self.note_path);
        }
    }

    fn write_error(&self) -> impl FnOnce(io::Error) -> Error + use<> {
        let path = self.path.clone();
        move |source| Error::Write { path, source }
    }
}
