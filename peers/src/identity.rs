//! Who a proxy is to others: a key pair that is made at each start and lives in memory alone. What is
//! registered is the SHA-256 of its certificate, which is no secret.

use aws_lc_rs::digest::{SHA256, digest};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::sync::Arc;

/// A certificate and its private key.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    provider: Arc<CryptoProvider>,
    fingerprint: Arc<str>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.fingerprint)
    }
}

impl Identity {
    /// A new one.
    pub fn generate() -> Result<Self, String> {
        let failed = |e: &dyn std::fmt::Display| format!("no certificate for other proxies: {e}");
        let made = rcgen::generate_simple_self_signed(vec!["shardwright-peer".to_string()]);
        let made = made.map_err(|e| failed(&e))?;
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let provider = Arc::new(default_provider());
        let key = key.map_err(|e| failed(&e))?;
        let key = provider.key_provider.load_private_key(key);
        let key = key.map_err(|e| failed(&e))?;
        let certificate = made.cert.der().clone();
        Ok(Self {
            fingerprint: fingerprint(&certificate).into(),
            certified: Arc::new(CertifiedKey::new(vec![certificate], key)),
            provider,
        })
    }

    /// SHA-256 of the certificate, as it is registered.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(crate) fn provider(&self) -> Arc<CryptoProvider> {
        self.provider.clone()
    }

    /// Shows the certificate and signs with its key.
    pub(crate) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(self.certified.clone()))
    }
}

/// SHA-256 of a certificate in hexadecimal digits.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let hash = digest(&SHA256, certificate);
    hash.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}
