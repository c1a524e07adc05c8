//! The `demo` binary as a user meets it.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const MOTIFS: &str = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nMOTIF ebox EBOX\n\
    letter-probability matrix: alength= 4 w= 6 nsites= 20 E= 0\n\
    0.05 0.85 0.05 0.05\n0.85 0.05 0.05 0.05\n0.05 0.85 0.05 0.05\n\
    0.05 0.05 0.85 0.05\n0.05 0.05 0.05 0.85\n0.05 0.05 0.85 0.05\n\n\
    MOTIF gata GATA1\nletter-probability matrix: alength= 4 w= 5 nsites= 20 E= 0\n\
    0.05 0.05 0.85 0.05\n0.85 0.05 0.05 0.05\n0.05 0.05 0.05 0.85\n0.85 0.05 0.05 0.05\n0.85 0.05 0.05 0.05\n";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.file("motifs.meme", MOTIFS.as_bytes());
        folder
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `demo` in the folder.
    fn demo(&self, words: &str) -> Output {
        demo(words, self.0.path()).output().unwrap()
    }

    /// The names of all files.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn demo(words: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command.args(words.split_whitespace()).current_dir(folder);
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn matches_are_listed() {
    let folder = Folder::new();
    let output = folder.demo("tomtom motifs.meme motifs.meme --evalue --thresh 2");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(
        lines[0].starts_with("Query_ID\tTarget_ID\tOptimal_offset\tp-value\tE-value\tq-value\tOverlap\t")
    );
    assert!(lines[1].starts_with("ebox\tebox\t0\t"), "{}", lines[1]);
    assert!(lines[1].ends_with("\t6\tCACGTG\tCACGTG\t+"), "{}", lines[1]);
    assert!(lines.iter().any(|line| line.starts_with("gata\tgata\t0\t")));
    let comments = lines.iter().position(|line| line.is_empty()).unwrap();
    assert!(lines[comments + 1].starts_with("# demo tomtom: version "));
    assert_eq!(lines[comments + 3], "# demo tomtom motifs.meme motifs.meme --evalue --thresh 2");
    assert_eq!(lines.len(), comments + 4);
}

#[test]
fn a_file_holds_what_standard_output_would() {
    let folder = Folder::new();
    let printed = folder.demo("tomtom motifs.meme motifs.meme --thresh 1");
    let output = folder.demo("tomtom motifs.meme motifs.meme --thresh 1 --threads 1 --output table.tsv");
    assert!(output.status.success() && output.stdout.is_empty());
    let table = |text: &str| text.split("\n\n").next().unwrap().to_owned();
    let written = fs::read_to_string(folder.path("table.tsv")).unwrap();
    assert_eq!(table(&written), table(text(&printed.stdout)));
    assert_eq!(folder.names(), ["motifs.meme", "table.tsv"]);
}

#[test]
fn other_formats_are_recognised() {
    let folder = Folder::new();
    folder.file(
        "ebox.jaspar",
        b">E1 EBOX\nA [0 19 0 0 0 0]\nC [20 0 19 1 0 1]\nG [0 1 1 19 1 19]\nT [0 0 0 0 19 0]",
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(MOTIFS.as_bytes()).unwrap();
    folder.file("motifs.gz", &gzip.finish().unwrap());
    let output = folder.demo("tomtom ebox.jaspar motifs.gz --evalue");
    assert!(text(&output.stdout).contains("\nE1\tebox\t0\t"), "{}", text(&output.stdout));
    let output = folder.demo("inspect ebox.jaspar");
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("jaspar format"), "{}", text(&output.stdout));
}

#[test]
fn bad_files_give_one_error_and_no_output_file() {
    let folder = Folder::new();
    folder.file("empty.meme", b"");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(MOTIFS.as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    folder.file("cut.meme.gz", &whole[..whole.len() - 12]);
    folder.file("cut.meme", &MOTIFS.as_bytes()[..MOTIFS.len() - 60]);
    folder
        .file("zero.meme", b"MEME version 4\n\nMOTIF nothing\nletter-probability matrix: alength= 4 w= 0\n");
    folder.file(
        "sum.meme",
        MOTIFS.replace("0.85 0.05 0.05 0.05\n0.05 0.85", "0.85 0.5 0.05 0.05\n0.05 0.85").as_bytes(),
    );
    let before = folder.names();
    let cases = [
        ("empty.meme", "empty"),
        ("cut.meme.gz", "gzip"),
        ("cut.meme", "line 17"),
        ("zero.meme", "line 4"),
        ("sum.meme", "sums to"),
        ("missing.meme", "cannot be read"),
    ];
    for (name, word) in cases {
        for files in [format!("{name} motifs.meme"), format!("motifs.meme {name}")] {
            let output = folder.demo(&format!("tomtom {files} --output table.tsv"));
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{name}: {error}");
            assert!(output.stdout.is_empty());
            assert_eq!(error.lines().count(), 1, "{name}: {error}");
            assert_eq!(error.matches("os error").count(), usize::from(name == "missing.meme"), "{error}");
            assert!(error.starts_with("error: ") && error.contains(name) && error.contains(word), "{error}");
            assert_eq!(folder.names(), before);
        }
        let output = folder.demo(&format!("inspect {name}"));
        assert_eq!((output.status.code(), text(&output.stderr).lines().count()), (Some(1), 1), "{name}");
    }
}

#[test]
fn a_page_shows_what_the_table_lists() {
    let folder = Folder::new();
    let words = "tomtom motifs.meme motifs.meme --evalue --thresh 2 --html page.html";
    let output = folder.demo(words);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let rows = text(&output.stdout).lines().filter(|line| line.contains('\t')).count() - 1;
    let page = fs::read_to_string(folder.path("page.html")).unwrap();
    assert_eq!(page.matches("<figure").count(), rows);
    assert!(
        page.contains("ebox EBOX") && page.contains(&format!("demo {words}")) && !page.contains("<script")
    );
    let output = folder.demo(&format!("{words} --html-logos 0"));
    assert!(output.status.success());
    assert!(!fs::read_to_string(folder.path("page.html")).unwrap().contains("<figure"));
    assert_eq!(folder.demo("tomtom motifs.meme motifs.meme --html-logos 3").status.code(), Some(2));
    let output = folder.demo("tomtom motifs.meme motifs.meme --html motifs.meme/page.html");
    assert_eq!((output.status.code(), text(&output.stderr).lines().count()), (Some(1), 1));
}

#[test]
fn bad_options_are_usage_errors() {
    let folder = Folder::new();
    let cases = [
        ("--thresh 0", "--thresh"),
        ("--thresh 3", "--evalue"),
        ("--thresh=-1 --evalue", "--thresh"),
        ("--thresh many", "--thresh"),
        ("--min-overlap 0", "--min-overlap"),
        ("--motif-pseudo=-1", "--motif-pseudo"),
        ("--dist euclid", "--dist"),
    ];
    for (flags, named) in cases {
        let output = folder.demo(&format!("tomtom motifs.meme motifs.meme --output table.tsv {flags}"));
        assert_eq!(output.status.code(), Some(2), "{flags}");
        assert!(text(&output.stderr).contains(named), "{flags}: {}", text(&output.stderr));
        assert_eq!(folder.names(), ["motifs.meme"]);
    }
    assert_eq!(folder.demo("tomtom motifs.meme").status.code(), Some(2));
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let folder = Folder::new();
    let output = folder.demo("tomtom motifs.meme motifs.meme --output nowhere/table.tsv");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: nowhere/table.tsv: cannot be written"));
}

#[cfg(unix)]
#[test]
fn an_output_that_is_no_file_is_written_into_and_a_link_followed() {
    let folder = Folder::new();
    let words = "tomtom motifs.meme motifs.meme --thresh 1 --output";
    folder.file("table.tsv", b"an older one");
    for (target, name) in [("/dev/stdout", "out"), ("table.tsv", "link")] {
        std::os::unix::fs::symlink(target, folder.path(name)).unwrap();
        let output = folder.demo(&format!("{words} {name}"));
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(fs::symlink_metadata(folder.path(name)).unwrap().is_symlink());
        let table = if name == "out" { output.stdout } else { fs::read(folder.path("table.tsv")).unwrap() };
        assert!(text(&table).starts_with("Query_ID\t"), "{}", text(&table));
    }
    // A file that output is appended to keeps what it holds.
    let log = folder.file("log.txt", b"before\n");
    let appended = fs::OpenOptions::new().append(true).open(&log).unwrap();
    let status = demo(&format!("{words} /dev/stdout"), folder.0.path()).stdout(appended).status().unwrap();
    assert!(status.success());
    assert!(fs::read_to_string(&log).unwrap().starts_with("before\nQuery_ID\t"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = Folder::new();
    let words = "tomtom motifs.meme motifs.meme --thresh 1";
    let mut child =
        demo(words, folder.0.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Nobody reads what the command is about to write.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));

    // A page that was asked for is made, whoever reads the table.
    let words = format!("{words} --html page.html");
    let page = |child: &mut std::process::Child| {
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        std::fs::read_to_string(folder.0.path().join("page.html")).unwrap()
    };
    let mut unread = demo(&words, folder.0.path()).stdout(Stdio::piped()).spawn().unwrap();
    let made = page(&mut unread);
    let mut whole = demo(&words, folder.0.path()).stdout(Stdio::null()).spawn().unwrap();
    assert!(made == page(&mut whole) && made.contains("</html>"));
}
