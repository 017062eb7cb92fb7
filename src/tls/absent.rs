//! The types of this room in a build without TLS. None of them has a value.

use std::convert::Infallible;
use std::io;
use std::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::handshake::Handshake;
use crate::server::{After, Transport};

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The reason why a certificate cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this httpserver was built without TLS: build it with the cargo feature 'tls'")]
pub struct CertificateError;

/// The place of the key.
#[must_use]
pub fn self_signed_key(directory: &Path) -> PathBuf {
    directory.join("key.pem")
}

/// Fails.
///
/// # Errors
/// Always.
pub fn prepare_self_signed(_: &Path, _: &[String]) -> Result<CertificateFiles, CertificateError> {
    Err(CertificateError)
}

/// The maker of streams; it has no value.
pub struct TlsServer(Infallible);

/// A stream; it has no value.
pub struct TlsStream(Infallible);

/// The buffers of streams; they are empty.
#[derive(Default)]
pub struct TlsBuffers(());

/// A stream in a turn; it has no value.
pub struct Secured<'t, T>(Infallible, PhantomData<&'t T>);

impl TlsServer {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub fn load(_: CertificateFiles) -> Result<Self, CertificateError> {
        Err(CertificateError)
    }

    /// Cannot be called.
    #[must_use]
    pub fn renewing(self, _: &Path, _: Vec<String>) -> Self {
        match self.0 {}
    }

    /// Cannot be called.
    pub fn reload(&self) {
        match self.0 {}
    }

    /// Cannot be called.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match self.0 {}
    }

    /// Cannot be called.
    #[must_use]
    pub fn accept(&self, _: &[u8]) -> Option<TlsStream> {
        match self.0 {}
    }
}

impl TlsStream {
    /// Cannot be called.
    #[must_use]
    pub fn version(&self) -> Option<&'static str> {
        match self.0 {}
    }

    /// Cannot be called.
    pub fn completed_handshake(&mut self) -> Option<Handshake> {
        match self.0 {}
    }

    /// Cannot be called.
    #[must_use]
    pub fn has_completed_handshake(&self) -> bool {
        match self.0 {}
    }

    /// Cannot be called.
    #[must_use]
    pub fn kept(&self) -> usize {
        match self.0 {}
    }
}

impl<'t, T> Secured<'t, T> {
    /// Cannot be called.
    pub fn new(_: &'t T, stream: &'t mut TlsStream, _: &'t mut TlsBuffers) -> Self {
        match stream.0 {}
    }

    /// Cannot be called.
    pub fn close(&self) {
        match self.0 {}
    }

    /// Cannot be called.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        match self.0 {}
    }
}

impl<T> Transport for Secured<'_, T> {
    fn receive(&self, _: &mut [u8]) -> io::Result<usize> {
        match self.0 {}
    }

    fn send(&self, _: &[u8], _: After) -> io::Result<usize> {
        match self.0 {}
    }

    fn send_file(&self, _: BorrowedFd<'_>, _: u64, _: usize) -> io::Result<usize> {
        match self.0 {}
    }

    fn end_sending(&self) -> io::Result<()> {
        match self.0 {}
    }

    fn acknowledge(&self) {
        match self.0 {}
    }
}
