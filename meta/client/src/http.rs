//! Requests to nodes of the service: JSON over HTTP/1.1, a token in every one.

use crate::MetaError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection may take.
const CONNECT_TIME: Duration = Duration::from_millis(1_000);

/// A client of many nodes.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    token: Arc<str>,
    scheme: &'static str,
    user: Option<Arc<str>>,
}

/// Names the person behind a request, for the audit.
pub const USER_HEADER: &str = "x-shardwright-user";

/// True if an Authorization header carries the token. Every byte is compared, so that the time which it
/// takes tells nothing.
pub fn bears(authorization: Option<&str>, token: &str) -> bool {
    let sent = authorization
        .and_then(|v| v.strip_prefix("Bearer "))
        .unwrap_or_default();
    aws_lc_rs::constant_time::verify_slices_are_equal(sent.as_bytes(), token.as_bytes()).is_ok()
}

/// Why a request failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HttpError {
    /// It was never sent.
    #[error("{at}: {why}")]
    NotSent {
        /// The node.
        at: String,
        /// What the system said.
        why: String,
    },
    /// It was sent, and no whole answer came.
    #[error("{at}: {why}")]
    NoAnswer {
        /// The node.
        at: String,
        /// What happened.
        why: String,
    },
    /// The node refused.
    #[error(transparent)]
    Refused(#[from] MetaError),
}

impl From<HttpError> for MetaError {
    fn from(e: HttpError) -> Self {
        match e {
            HttpError::NotSent { .. } => MetaError::Unavailable(e.to_string()),
            HttpError::NoAnswer { .. } => MetaError::Unknown(e.to_string()),
            HttpError::Refused(e) => e,
        }
    }
}

/// The innermost cause: "Connection refused" rather than "error sending request".
fn cause(e: &dyn std::error::Error) -> String {
    let mut e = e;
    while let Some(inner) = e.source() {
        e = inner;
    }
    e.to_string()
}

impl Http {
    /// A client that sends this token; over TLS if there is a configuration for it.
    pub fn new(token: &str, tls: Option<Arc<rustls::ClientConfig>>) -> Result<Self, String> {
        // One provider for the whole process; a second call only says that it is there.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIME)
            .tcp_nodelay(true)
            .no_proxy();
        let scheme = if let Some(tls) = tls {
            builder = builder
                .tls_backend_preconfigured((*tls).clone())
                .https_only(true);
            "https"
        } else {
            // Nothing is verified by a plain connection; the roots only must not be asked for.
            builder = builder.tls_certs_only([]);
            "http"
        };
        Ok(Self {
            client: builder.build().map_err(|e| cause(&e))?,
            token: token.into(),
            scheme,
            user: None,
        })
    }

    /// The same client, in a person's name.
    pub fn in_name_of(self, user: &str) -> Self {
        Self {
            user: Some(user.into()),
            ..self
        }
    }

    fn url(&self, at: &str, path: &str) -> String {
        format!("{}://{at}{path}", self.scheme)
    }

    /// GET with an answer of JSON.
    pub async fn get<R: DeserializeOwned>(
        &self,
        at: &str,
        path: &str,
        timeout: Duration,
    ) -> Result<R, HttpError> {
        let request = self.client.get(self.url(at, path));
        self.send(at, request, timeout).await
    }

    /// POST of JSON.
    pub async fn post<B: Serialize, R: DeserializeOwned>(
        &self,
        at: &str,
        path: &str,
        body: &B,
        timeout: Duration,
    ) -> Result<R, HttpError> {
        let request = self.client.post(self.url(at, path)).json(body);
        self.send(at, request, timeout).await
    }

    /// POST of bytes.
    pub async fn post_bytes<R: DeserializeOwned>(
        &self,
        at: &str,
        path: &str,
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<R, HttpError> {
        let request = self.client.post(self.url(at, path)).body(body);
        self.send(at, request, timeout).await
    }

    async fn send<R: DeserializeOwned>(
        &self,
        at: &str,
        request: reqwest::RequestBuilder,
        timeout: Duration,
    ) -> Result<R, HttpError> {
        let no_answer = |e: reqwest::Error| {
            let (at, why) = (at.to_string(), cause(&e));
            match e.is_connect() {
                true => HttpError::NotSent { at, why },
                false => HttpError::NoAnswer { at, why },
            }
        };
        let mut request = request.timeout(timeout).bearer_auth(&self.token);
        if let Some(user) = &self.user {
            request = request.header(USER_HEADER, &**user);
        }
        let response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(no_answer)?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|e| HttpError::NoAnswer {
                at: at.to_string(),
                why: format!("an answer that this version does not know: {e}"),
            });
        }
        let refused = serde_json::from_slice::<MetaError>(&bytes);
        Err(match refused {
            Ok(e) => e.into(),
            Err(_) => HttpError::NoAnswer {
                at: at.to_string(),
                why: format!("HTTP status {status}"),
            },
        })
    }
}
