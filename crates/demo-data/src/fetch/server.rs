//! A server for tests: answers each connection by the next act of a script and notes what was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How one connection is served.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// A status line without a body.
    Status(u16),
    /// The file, or the range asked for; the connection is cut after so many bytes of the body.
    File { cut: Option<usize>, etag: Option<&'static str>, ranges: bool },
    /// Exactly these bytes after the request.
    Raw(Vec<u8>),
}

impl Act {
    /// The file with ranges and an entity tag.
    pub(super) fn whole() -> Self {
        Self::File { cut: None, etag: Some("\"v1\""), ranges: true }
    }

    /// As [`Act::whole`], but the connection is cut after so many bytes of the body.
    pub(super) fn cut(after: usize) -> Self {
        Self::File { cut: Some(after), etag: Some("\"v1\""), ranges: true }
    }
}

/// A running server.
pub(super) struct Server {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<Request>>>,
}

/// What a client asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) range: Option<String>,
    pub(super) if_range: Option<String>,
}

impl Server {
    /// Serves `file` by the script; after its end connections are refused.
    pub(super) fn start(file: Vec<u8>, script: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        std::thread::spawn(move || {
            for act in script {
                let Ok((stream, _)) = listener.accept() else { return };
                let request = read(&stream);
                notes.lock().unwrap().push(request.clone());
                // A client may leave before all is sent.
                let _ = answer(stream, &file, &act, &request);
            }
        });
        Self { url, asked }
    }

    /// What was asked so far.
    pub(super) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Request {
    let mut request = Request::default();
    for (index, line) in BufReader::new(stream).lines().map_while(Result::ok).enumerate() {
        if line.is_empty() {
            break;
        }
        if index == 0 {
            request.path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        } else if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "range" => request.range = Some(value.to_owned()),
                "if-range" => request.if_range = Some(value.to_owned()),
                _ => {}
            }
        }
    }
    request
}

fn answer(mut stream: TcpStream, file: &[u8], act: &Act, request: &Request) -> std::io::Result<()> {
    match act {
        Act::Status(status) => {
            write!(stream, "HTTP/1.1 {status} Status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        }
        Act::Raw(bytes) => stream.write_all(bytes)?,
        Act::File { cut, etag, ranges } => {
            let changed = request.if_range.is_some() && request.if_range.as_deref() != *etag;
            let from = request.range.as_deref().filter(|_| *ranges && !changed);
            let from: Option<usize> =
                from.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
            let total = file.len();
            let head = match from {
                Some(from) if from >= total => {
                    write!(
                        stream,
                        "HTTP/1.1 416 Range\r\nContent-Range: bytes */{total}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    )?;
                    return Ok(());
                }
                Some(from) => {
                    format!("206 Partial\r\nContent-Range: bytes {from}-{}/{total}", total - 1)
                }
                None => "200 OK".to_owned(),
            };
            let body = &file[from.unwrap_or(0)..];
            let tag = etag.map_or(String::new(), |tag| format!("ETag: {tag}\r\n"));
            let length = body.len();
            write!(stream, "HTTP/1.1 {head}\r\n{tag}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
            stream.write_all(&body[..cut.unwrap_or(length).min(length)])?;
        }
    }
    stream.flush()?;
    stream.shutdown(Shutdown::Both)
}
