//! TLS in front of a test's server: certificates of a test authority, and a TLS front that records what it receives.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority that signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// Makes a new authority, which nobody else trusts.
    ///
    /// # Errors
    /// No key could be made.
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority of a test");
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Returns the authority's own certificate, as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Makes a certificate for a name, and its key.
    ///
    /// # Errors
    /// No key could be made, or the name is not valid.
    pub fn certify(&self, name: &str) -> Result<Certified> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([name.to_owned()])?.signed_by(&key, &self.issuer)?;
        Ok(Certified { certificate: certificate.der().clone(), key: key.serialize_der() })
    }
}

/// The certificate and the key of a server.
pub struct Certified {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

/// One connection as the TLS front saw it.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// The name of the host in the handshake (SNI).
    pub server_name: Option<String>,
    /// The data of all requests that the client sent on this connection.
    pub sent: String,
}

/// A TLS server that passes everything on to a server without TLS, until it is dropped.
pub struct TlsFront {
    address: SocketAddr,
    sessions: Arc<Mutex<Vec<Session>>>,
    serving: AbortHandle,
}

impl TlsFront {
    /// Listens on a free port of the loopback.
    ///
    /// # Errors
    /// No port is free, or the certificate is not valid.
    pub async fn start(certified: Certified, behind: SocketAddr) -> Result<Self> {
        let Certified { certificate, key } = certified;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
        let address = listener.local_addr()?;
        let sessions = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&sessions);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(session(stream, acceptor.clone(), behind, Arc::clone(&log)));
            }
        });
        Ok(Self { address, sessions, serving: serving.abort_handle() })
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the connections that completed the handshake.
    pub fn sessions(&self) -> Vec<Session> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Serves one connection. An error means that one side went away, or that the client does not trust the certificate.
async fn session(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    behind: SocketAddr,
    log: Arc<Mutex<Vec<Session>>>,
) -> Result<()> {
    let client = acceptor.accept(stream).await?;
    let server_name = client.get_ref().1.server_name().map(str::to_owned);
    let nth = {
        let mut sessions = log.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.push(Session { server_name, sent: String::new() });
        sessions.len() - 1
    };
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = TcpStream::connect(behind).await?.into_split();
    let back = tokio::io::copy(&mut from_server, &mut to_client);
    let there = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let length = from_client.read(&mut buffer).await?;
            if length == 0 {
                return to_server.shutdown().await;
            }
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if let Some(session) = log.lock().unwrap_or_else(PoisonError::into_inner).get_mut(nth) {
                session.sent.push_str(&text);
            }
            to_server.write_all(&buffer[..length]).await?;
        }
    };
    tokio::try_join!(back, there)?;
    Ok(())
}
