//! Whole fetches from a server on this machine.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use proptest::prelude::*;

use super::server::{Act, Server};
use super::*;
use crate::sha256;

const MOTIF: &[u8] = b">MA0001.1 TEST\nA [ 10 0 0 ]\nC [ 0 10 0 ]\nG [ 0 0 5 ]\nT [ 0 0 5 ]\n";

/// A file whose checksum is known.
fn known(contents: &[u8], kind: FileKind) -> RemoteFile {
    let bytes = Some(contents.len() as u64);
    RemoteFile { bytes, sha256: Some(sha256(contents)), ..unknown(kind) }
}

fn unknown(kind: FileKind) -> RemoteFile {
    let name = match kind {
        FileKind::TarGz => "sets.tar.gz",
        FileKind::Zip => "sets.zip",
        FileKind::Motifs => "motifs.txt",
    };
    RemoteFile {
        name: name.to_owned(),
        holds: "a test".to_owned(),
        homes: vec!["http://127.0.0.1:9/never".to_owned()],
        bytes: None,
        sha256: None,
        kind,
    }
}

fn config(folder: &Path, server: &Server, attempts: usize) -> FetchConfig {
    FetchConfig {
        mirror: Some(server.url.clone()),
        attempts,
        pause: Duration::ZERO,
        ..FetchConfig::new(folder)
    }
}

fn run(file: &RemoteFile, config: &FetchConfig) -> Result<Fetched> {
    fetch(file, config, &mut |_| ())
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// A tar.gz of entries `(name, contents)`; a name is written as it is, whatever it says.
fn tar_gz(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, kind, contents) in entries {
        let mut header = tar::Header::new_gnu();
        // The builder's own setter refuses what this test is about.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(contents.len() as u64);
        if kind.is_symlink() || kind.is_hard_link() {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        tar.append(&header, *contents).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, contents) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(contents).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const HALF: &[u8] = b">1\nACGTACGA\n>0\nACGACGTA\n";

/// Two sets in the Dashboard's layout, below a folder of the archive's own.
fn dashboard() -> Vec<u8> {
    use tar::EntryType::{Directory, Regular};
    tar_gz(&[
        ("deepbind/", Directory, b""),
        ("deepbind/GATA1_K562_lab/train.fa", Regular, HALF),
        ("deepbind/GATA1_K562_lab/test.fa", Regular, HALF),
        ("./deepbind/REST_K562_lab/train.fa", Regular, HALF),
        ("deepbind/REST_K562_lab/test.fa", Regular, HALF),
        ("deepbind/README", Regular, b"no set"),
    ])
}

#[test]
fn an_archive_is_downloaded_verified_unpacked_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let archive = dashboard();
    let server = Server::start(archive.clone(), vec![Act::whole()]);
    let file = known(&archive, FileKind::TarGz);
    let config = config(folder.path(), &server, 1);
    let mut seen = Vec::new();
    let fetched = fetch(&file, &config, &mut |progress| seen.push(progress)).unwrap();
    assert_eq!(server.asked()[0].path, "/sets.tar.gz");
    assert_eq!((fetched.verified, fetched.was_there), (Verified::Published, false));
    assert_eq!(fetched.bytes, archive.len() as u64);
    assert_eq!(seen.last().unwrap().bytes, archive.len() as u64);
    let Contents::Sets(folders) = &fetched.contents else { panic!("{:?}", fetched.contents) };
    assert_eq!(folders[0].folder, folder.path().join("sets/deepbind"));
    let sets: Vec<&str> = folders[0].sets.iter().map(crate::SetEntry::name).collect();
    assert_eq!(sets, ["GATA1_K562_lab", "REST_K562_lab"]);
    assert_eq!(names(folder.path()), ["SHA256SUMS", "sets", "sets.tar.gz"]);

    // Once more: nothing is downloaded, all is the same.
    let again = run(&file, &config).unwrap();
    assert_eq!(again, Fetched { was_there: true, ..fetched });
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_zip_archive_is_searched_for_sets() {
    let folder = tempfile::tempdir().unwrap();
    let table: &[u8] = b"FoldID\tEventID\tseq\tBound\nA\tp1\tACGTACGA\t1\nA\tp2\tACGACGTA\t0\n";
    let archive = zip(&[
        ("code/data/encode/MYC_K562_lab_AC.seq", table),
        ("code/data/encode/MYC_K562_lab_B.seq", table),
        ("code/data/half/FOS_K562_lab_AC.seq", table),
        ("code/README.txt", b"no set"),
    ]);
    let server = Server::start(archive, vec![Act::whole()]);
    let fetched = run(&unknown(FileKind::Zip), &config(folder.path(), &server, 1)).unwrap();
    assert_eq!(fetched.verified, Verified::FirstTime);
    let Contents::Sets(folders) = fetched.contents else { panic!("no sets") };
    assert_eq!(folders.len(), 1);
    assert_eq!(folders[0].folder, folder.path().join("sets/code/data/encode"));
}

#[test]
fn what_came_first_is_noted_and_must_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(MOTIF.to_vec(), vec![Act::whole()]);
    let (file, config) = (unknown(FileKind::Motifs), config(folder.path(), &server, 1));
    let first = run(&file, &config).unwrap();
    assert_eq!((first.verified, &first.contents), (Verified::FirstTime, &Contents::Motifs(1)));
    assert_eq!(run(&file, &config).unwrap().verified, Verified::Noted);
    fs::write(folder.path().join("motifs.txt"), [MOTIF, b"\n"].concat()).unwrap();
    let error = run(&file, &config).unwrap_err().to_string();
    assert!(error.contains("motifs.txt: found the SHA-256") && error.contains(&first.sha256), "{error}");
    assert!(error.contains(&folder.path().join("SHA256SUMS").display().to_string()), "{error}");
}

#[test]
fn a_wrong_file_placed_by_hand_is_not_noted() {
    let page = "<!DOCTYPE html><html>Log in to this network</html>";
    // Also beside what another archive was unpacked to.
    for (kind, right) in
        [(FileKind::Motifs, MOTIF.to_vec()), (FileKind::TarGz, dashboard()), (FileKind::Zip, zip(&[]))]
    {
        for unpacked in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let (file, config) = (unknown(kind), FetchConfig::new(folder.path()));
            if unpacked {
                fs::create_dir(folder.path().join("sets")).unwrap();
            }
            let path = folder.path().join(&file.name);
            fs::write(&path, page).unwrap();
            assert!(run(&file, &config).is_err());
            assert!(!folder.path().join("SHA256SUMS").exists());
            fs::write(&path, &right).unwrap();
            assert_eq!(run(&file, &config).unwrap().verified, Verified::FirstTime);
        }
    }
}

#[test]
fn a_file_placed_by_hand_is_taken_without_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let archive = dashboard();
    fs::write(folder.path().join("sets.tar.gz"), &archive).unwrap();
    let file = known(&archive, FileKind::TarGz);
    assert!(run(&file, &FetchConfig::new(folder.path())).unwrap().was_there);
    // The wrong file in its place is told, and left for its owner.
    let other = RemoteFile { name: "other.tar.gz".to_owned(), ..file };
    fs::write(folder.path().join("other.tar.gz"), "something else").unwrap();
    let error = run(&other, &FetchConfig::new(folder.path())).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    assert!(folder.path().join("other.tar.gz").exists() && !folder.path().join("other").exists());
}

#[test]
fn without_a_network_the_file_to_place_by_hand_is_named() {
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago refuses connections.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = format!("http://127.0.0.1:{port}/x");
    let file = RemoteFile { homes: vec![home.clone(), home.clone()], ..unknown(FileKind::Motifs) };
    let error = run(&file, &FetchConfig::new(folder.path())).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let (text, place) = (error.to_string(), folder.path().join("motifs.txt"));
    assert!(text.contains(&home) && text.contains(&place.display().to_string()), "{text}");
    assert!(!place.exists());
}

#[test]
fn a_missing_file_is_asked_for_at_the_next_home() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Server::start(Vec::new(), vec![Act::Status(404), Act::Status(404)]);
    let full = Server::start(MOTIF.to_vec(), vec![Act::whole()]);
    let homes = vec![format!("{}/a", empty.url), format!("{}/b", full.url)];
    let file = RemoteFile { homes, ..unknown(FileKind::Motifs) };
    assert!(run(&file, &FetchConfig::new(folder.path())).is_ok());
    assert_eq!(full.asked()[0].path, "/b");

    let alone = tempfile::tempdir().unwrap();
    let error = run(&file, &config(alone.path(), &empty, 3)).unwrap_err();
    assert!(matches!(error, Error::Http { status: 404, .. }), "{error}");
    assert!(error.to_string().contains("--mirror"), "{error}");
    assert_eq!(empty.asked().len(), 2, "a missing file is asked for once a home");
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(MOTIF.to_vec(), vec![Act::Status(503), Act::Status(429), Act::whole()]);
    assert!(run(&unknown(FileKind::Motifs), &config(folder.path(), &server, 3)).is_ok());
}

#[test]
fn a_wrong_checksum_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let archive = dashboard();
    let file = RemoteFile { sha256: Some(sha256(b"another")), ..known(&archive, FileKind::TarGz) };
    let server = Server::start(archive.clone(), vec![Act::whole(), Act::whole()]);
    let error = run(&file, &config(folder.path(), &server, 3)).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    assert!(error.to_string().contains(&sha256(b"another")), "{error}");
    assert!(names(folder.path()).is_empty());
    assert_eq!(server.asked().len(), 1, "a whole file that is wrong is not asked for again");
}

#[test]
fn a_file_of_another_size_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    // What stands for a large file where its storage does not answer.
    let pointer = b"version https://git-lfs.github.com/spec/v1\n".to_vec();
    let server = Server::start(pointer, vec![Act::whole()]);
    let file = known(&dashboard(), FileKind::TarGz);
    let error = run(&file, &config(folder.path(), &server, 3)).unwrap_err().to_string();
    assert!(
        error.contains("a file of 43 bytes") && error.contains(&file.bytes.unwrap().to_string()),
        "{error}"
    );
}

#[test]
fn a_page_in_place_of_a_motif_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let page = b"<!DOCTYPE html><html>Log in to this network</html>".to_vec();
    let server = Server::start(page, vec![Act::whole()]);
    let error = run(&unknown(FileKind::Motifs), &config(folder.path(), &server, 1)).unwrap_err();
    assert!(error.to_string().contains("line 1"), "{error}");
    assert!(!folder.path().join("motifs.txt").exists() && !folder.path().join("SHA256SUMS").exists());
}

#[test]
fn an_answer_that_ends_early_is_no_file() {
    for head in ["HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
        let folder = tempfile::tempdir().unwrap();
        let raw = [head.as_bytes(), MOTIF].concat();
        let server = Server::start(Vec::new(), vec![Act::Raw(raw.clone()), Act::Raw(raw)]);
        let error = run(&unknown(FileKind::Motifs), &config(folder.path(), &server, 2)).unwrap_err();
        assert!(matches!(error, Error::Download { .. }), "{error}");
        assert!(!folder.path().join("motifs.txt").exists());
    }
}

#[test]
fn a_later_call_continues_where_an_earlier_one_broke_off() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(MOTIF.to_vec(), vec![Act::cut(20), Act::whole()]);
    let (file, config) = (unknown(FileKind::Motifs), config(folder.path(), &server, 1));
    let error = run(&file, &config).unwrap_err().to_string();
    assert!(error.contains("20 bytes in 1 attempts") && error.contains("continues from there"), "{error}");
    assert!(run(&file, &config).is_ok());
    let second = &server.asked()[1];
    assert_eq!(second.range.as_deref(), Some("bytes=20-"));
    assert_eq!(second.if_range.as_deref(), Some("\"v1\""));
    assert_eq!(fs::read(folder.path().join("motifs.txt")).unwrap(), MOTIF);
    assert_eq!(names(folder.path()), ["SHA256SUMS", "motifs.txt"]);
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_anew() {
    let folder = tempfile::tempdir().unwrap();
    let newer = Act::File { cut: None, etag: Some("\"v2\""), ranges: true };
    let server = Server::start(MOTIF.to_vec(), vec![Act::cut(20), newer]);
    assert!(run(&unknown(FileKind::Motifs), &config(folder.path(), &server, 2)).is_ok());
    assert_eq!(fs::read(folder.path().join("motifs.txt")).unwrap(), MOTIF);
}

#[test]
fn without_validator_or_checksum_nothing_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    let bare = |cut| Act::File { cut, etag: None, ranges: true };
    let server = Server::start(MOTIF.to_vec(), vec![bare(Some(20)), bare(None)]);
    assert!(run(&unknown(FileKind::Motifs), &config(folder.path(), &server, 2)).is_ok());
    assert_eq!(server.asked()[1].range, None);
}

#[test]
fn leftovers_of_another_file_cost_a_second_download_and_no_more() {
    let archive = dashboard();
    // As long, longer and shorter than the file; the server confirms the range of what it has.
    for leftover in [archive.len(), archive.len() + 5, 10] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("sets.tar.gz.part"), vec![b'x'; leftover]).unwrap();
        let server = Server::start(archive.clone(), vec![Act::whole(), Act::whole()]);
        let file = known(&archive, FileKind::TarGz);
        assert!(run(&file, &config(folder.path(), &server, 2)).is_ok());
        assert_eq!(fs::read(folder.path().join("sets.tar.gz")).unwrap(), archive);
    }
}

#[test]
fn a_range_that_was_not_asked_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let body = &MOTIF[30..];
    let head = format!(
        "HTTP/1.1 206 Partial\r\nContent-Range: bytes 30-{}/{}\r\nContent-Length: {}\r\n\r\n",
        MOTIF.len() - 1,
        MOTIF.len(),
        body.len()
    );
    let raw = [head.as_bytes(), body].concat();
    let server = Server::start(MOTIF.to_vec(), vec![Act::cut(20), Act::Raw(raw)]);
    let error = run(&unknown(FileKind::Motifs), &config(folder.path(), &server, 2)).unwrap_err().to_string();
    assert!(error.contains("bytes 30-") && error.contains("from 20"), "{error}");
}

#[test]
fn two_processes_do_not_write_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let part = fs::File::create(folder.path().join("motifs.txt.part")).unwrap();
    part.lock().unwrap();
    let server = Server::start(MOTIF.to_vec(), Vec::new());
    let error = run(&unknown(FileKind::Motifs), &config(folder.path(), &server, 1)).unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
}

#[test]
fn two_processes_do_not_unpack_one_archive() {
    let folder = tempfile::tempdir().unwrap();
    let archive = dashboard();
    fs::write(folder.path().join("sets.tar.gz"), &archive).unwrap();
    let (file, config) = (known(&archive, FileKind::TarGz), FetchConfig::new(folder.path()));
    // What the first has unpacked so far stays.
    let lock = File::create(folder.path().join("sets.lock.part")).unwrap();
    lock.lock().unwrap();
    let half = folder.path().join("sets.part/half");
    fs::create_dir(half.parent().unwrap()).unwrap();
    fs::write(&half, "written by the first").unwrap();
    let error = run(&file, &config).unwrap_err().to_string();
    assert!(error.contains("sets.lock.part") && error.contains("another process is unpacking"), "{error}");
    assert!(half.exists() && !folder.path().join("sets").exists());
    // Where the first was killed, its leftovers go.
    drop(lock);
    run(&file, &config).unwrap();
    assert_eq!(names(folder.path()), ["SHA256SUMS", "sets", "sets.tar.gz"]);
    assert_eq!(names(&folder.path().join("sets")), ["deepbind"]);
}

#[test]
fn what_another_process_has_unpacked_meanwhile_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, sets) = (folder.path().join("sets.tar.gz"), folder.path().join("sets"));
    fs::write(&archive, dashboard()).unwrap();
    fs::create_dir(&sets).unwrap();
    fs::write(sets.join("by the other"), "").unwrap();
    unpack::unpack(&archive, FileKind::TarGz, &sets, UnpackLimits::default()).unwrap();
    assert_eq!(names(&sets), ["by the other"]);
    assert_eq!(names(folder.path()), ["sets", "sets.tar.gz"]);
}

#[test]
fn hostile_archives_leave_nothing_and_are_named() {
    use tar::EntryType::{Block, Char, Fifo, Link, Regular, Symlink};
    let good = ("sets/README", Regular, b"text".as_slice());
    let hostile: [(&str, tar::EntryType, &[u8]); 11] = [
        ("../outside.txt", Regular, b"x"),
        ("sets/../../outside.txt", Regular, b"x"),
        ("/tmp/outside.txt", Regular, b"x"),
        ("..\\outside.txt", Regular, b"x"),
        ("sets/README", Regular, b"over the first"),
        ("sets/link", Symlink, b""),
        ("sets/hard", Link, b""),
        ("sets/fifo", Fifo, b""),
        ("sets/char", Char, b""),
        ("sets/block", Block, b""),
        ("sets/README/below", Regular, b"a file is no folder"),
    ];
    for entry in hostile {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("to");
        let archive = tar_gz(&[good, entry]);
        let server = Server::start(archive.clone(), vec![Act::whole()]);
        let error = run(&known(&archive, FileKind::TarGz), &config(&inner, &server, 1)).unwrap_err();
        let named = error.to_string().contains(&format!("{:?}", entry.0));
        assert!(named || matches!(error, Error::Write { .. }), "{error}");
        assert_eq!(names(folder.path()), ["to"], "{}", entry.0);
        assert_eq!(names(&inner), ["sets.tar.gz"], "{}", entry.0);
    }
}

#[test]
fn hostile_zip_archives_leave_nothing() {
    let mut linked = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    linked.add_symlink("sets/link", "/etc/passwd", zip::write::SimpleFileOptions::default()).unwrap();
    let linked = linked.finish().unwrap().into_inner();
    let outside = zip(&[("sets/README", b"text"), ("../outside.txt", b"x")]);
    let absolute = zip(&[("/tmp/outside.txt", b"x")]);
    for archive in [linked, outside, absolute] {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("to");
        let server = Server::start(archive.clone(), vec![Act::whole()]);
        let error = run(&known(&archive, FileKind::Zip), &config(&inner, &server, 1)).unwrap_err();
        assert!(matches!(error, Error::Archive { .. }), "{error}");
        assert_eq!(names(folder.path()), ["to"]);
        assert!(!inner.join("sets").exists() && !inner.join("sets.part").exists());
    }
}

#[test]
fn archives_that_unpack_to_too_much_are_refused() {
    let flood = vec![0; 100_000];
    let archives = [
        (tar_gz(&[("a", tar::EntryType::Regular, &flood)]), FileKind::TarGz),
        (zip(&[("a", &flood)]), FileKind::Zip),
    ];
    for (archive, kind) in archives {
        for limits in
            [UnpackLimits { entries: 10, bytes: 99_999 }, UnpackLimits { entries: 0, bytes: 1 << 20 }]
        {
            let folder = tempfile::tempdir().unwrap();
            let server = Server::start(archive.clone(), vec![Act::whole()]);
            let config = FetchConfig { limits, ..config(folder.path(), &server, 1) };
            let error = run(&known(&archive, kind), &config).unwrap_err().to_string();
            assert!(error.contains("more bytes") || error.contains("more entries"), "{error}");
            assert!(!folder.path().join("sets").exists());
        }
    }
}

#[test]
fn a_damaged_archive_of_unknown_checksum_is_not_kept() {
    let whole = dashboard();
    for (archive, kind) in [
        (whole[..whole.len() - 9].to_vec(), FileKind::TarGz),
        (b"no archive".to_vec(), FileKind::TarGz),
        (b"no archive".to_vec(), FileKind::Zip),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(archive, vec![Act::whole()]);
        let file = unknown(kind);
        let error = run(&file, &config(folder.path(), &server, 1)).unwrap_err().to_string();
        assert!(error.contains("a damaged archive"), "{error}");
        assert!(!folder.path().join(&file.name).exists());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Wherever and however often the connection is cut, within one call or over several, the file
    /// is whole in the end, and no byte of it is asked for twice.
    #[test]
    fn a_connection_cut_at_any_byte_is_continued(
        length in 1_usize..200_000,
        cuts in prop::collection::vec(0.0..1.0_f64, 0..5),
        attempts in 1_usize..4,
        seed in any::<u64>(),
    ) {
        use rand::{RngCore as _, SeedableRng as _};
        let mut contents = vec![0; length];
        rand_chacha::ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut contents);
        let archive = tar_gz(&[("sets/random", tar::EntryType::Regular, &contents)]);
        let mut script = Vec::new();
        let mut left = archive.len();
        for cut in cuts {
            let after = (cut * left as f64) as usize;
            script.push(Act::cut(after));
            left -= after;
        }
        script.push(Act::whole());
        let connections = script.len();
        let server = Server::start(archive.clone(), script);
        let folder = tempfile::tempdir().unwrap();
        let (file, config) = (known(&archive, FileKind::TarGz), config(folder.path(), &server, attempts));
        let mut calls = 0;
        while let Err(error) = run(&file, &config) {
            prop_assert!(matches!(error, Error::Download { .. }), "{error}");
            calls += 1;
            prop_assert!(calls < connections);
        }
        prop_assert_eq!(fs::read(folder.path().join("sets.tar.gz")).unwrap(), archive);
        prop_assert_eq!(fs::read(folder.path().join("sets/sets/random")).unwrap(), contents);
        prop_assert_eq!(server.asked().len(), connections);
    }
}
