//! The client: `ureq` with encryption that needs no foreign code.

use std::io;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// How long a server may take to be found and to answer, and how long it may fall silent.
const CONNECT: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_mins(1);

/// Asks servers for files.
pub(super) struct Client {
    agent: Agent,
    encrypted: bool,
}

/// A part of a file: what follows the bytes that are here, of a version that is the same still.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest<'a> {
    pub(super) from: u64,
    /// An entity tag or date; without it the server cannot tell whether the file has changed.
    pub(super) validator: Option<&'a str>,
}

impl Client {
    pub(super) fn new() -> Self {
        Self::with_roots(RootCerts::WebPki)
    }

    /// A client that trusts these authorities.
    fn with_roots(roots: RootCerts) -> Self {
        let tls = encryption(roots);
        let encrypted = tls.is_some();
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("deep-motif-dashboard/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE));
        config = match tls {
            Some(tls) => config.tls_config(tls),
            // Without encryption a redirection to https must not be followed.
            None => config.max_redirects(0).max_redirects_will_error(false),
        };
        Self { agent: config.build().new_agent(), encrypted }
    }

    /// The whole file, or the rest of it; any status is an answer.
    pub(super) fn get(&self, url: &str, rest: Option<Rest<'_>>) -> io::Result<Response<ureq::Body>> {
        if url.starts_with("https:") && !self.encrypted {
            let message = "this processor has no instructions for the https that is built in";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        // What is compared is the file as it lies on the server, so no compression on the way.
        let mut request = self.agent.get(url).header("accept-encoding", "identity");
        if let Some(rest) = rest {
            request = request.header("range", format!("bytes={}-", rest.from));
            if let Some(validator) = rest.validator {
                request = request.header("if-range", validator);
            }
        }
        request.call().map_err(ureq::Error::into_io)
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn encryption(roots: RootCerts) -> Option<TlsConfig> {
    graviola::util::is_cpu_supported().then(|| {
        TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(std::sync::Arc::new(rustls_graviola::default_provider()))
            .build()
    })
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn encryption(_: RootCerts) -> Option<TlsConfig> {
    None
}

#[cfg(test)]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;

    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use ureq::tls::Certificate;

    use super::*;

    // OpenSSL 3.0, a key that protects nothing:
    //   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \
    //     -keyout localhost.key -out localhost.crt -subj /CN=localhost \
    //     -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE
    const CERTIFICATE: &[u8] = include_bytes!("../../tests/data/localhost.crt");
    const KEY: &[u8] = include_bytes!("../../tests/data/localhost.key");

    /// Answers one encrypted request with a text, if the client trusts the certificate.
    fn encrypted_server(text: &'static str) -> u16 {
        let provider = Arc::new(rustls_graviola::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
                PrivateKeyDer::from_pem_slice(KEY).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let session = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream);
            let mut request = [0; 4096];
            // A client that does not trust the certificate ends the connection here.
            if stream.read(&mut request).is_ok_and(|read| read > 0) {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", text.len());
                stream.write_all((head + text).as_bytes()).unwrap();
                stream.flush().unwrap();
            }
        });
        port
    }

    #[test]
    fn encrypted_answers_are_read_from_trusted_servers_alone() {
        if !graviola::util::is_cpu_supported() {
            let error = Client::new().get("https://localhost/", None).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            return;
        }
        let authority = Certificate::from_pem(CERTIFICATE).unwrap();
        let client = Client::with_roots(RootCerts::new_with_certs(&[authority]));
        let url = format!("https://localhost:{}/file", encrypted_server("what was asked for"));
        let mut answer = client.get(&url, None).unwrap();
        assert_eq!(answer.body_mut().read_to_string().unwrap(), "what was asked for");

        let url = format!("https://localhost:{}/file", encrypted_server("never read"));
        let error = Client::new().get(&url, None).unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
    }
}
