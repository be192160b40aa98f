//! A self-signed certificate for a try on one machine.

use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;

/// Makes one for localhost; it lives as long as the process.
pub(crate) fn self_signed() -> Result<Arc<rustls::ServerConfig>, String> {
    let names = vec!["localhost".to_string(), "127.0.0.1".to_string()];
    let c = rcgen::generate_simple_self_signed(names).map_err(|e| e.to_string())?;
    let key = PrivateKeyDer::try_from(c.signing_key.serialize_der()).map_err(|e| e.to_string())?;
    tls::listener(vec![c.cert.der().clone()], key)
}
