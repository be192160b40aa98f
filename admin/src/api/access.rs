//! Who may use the API.

use super::{App, Failed, failed};
use crate::host::is_local;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use catalog::Rejected;
use meta_client::MetaError;
use meta_client::http::{USER_HEADER, bears};

/// Who may use the API.
#[derive(Clone, PartialEq, Eq)]
pub enum ApiAccess {
    /// Everybody who reaches the port, which is on loopback (a quickstart).
    Open,
    /// Whoever has the token.
    Token(String),
    /// Nobody: no token is configured.
    Closed,
}

fn invalid(why: String) -> Failed {
    failed(Rejected::Invalid(why).into())
}

pub(super) async fn authorize(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    let refused = match &app.access {
        ApiAccess::Closed => Some(invalid(
            "the administration of this process is closed: set admin.token_file".to_string(),
        )),
        ApiAccess::Token(token) if bears(authorization, token) => None,
        ApiAccess::Token(_) => Some(failed(MetaError::Unauthorized)),
        // A web page must not reach the port through somebody's browser: a header of our own makes the
        // browser ask first, and the host must be this machine by name.
        ApiAccess::Open if headers.contains_key(USER_HEADER) && is_local(headers) => None,
        ApiAccess::Open => Some(invalid(format!(
            "send the header {USER_HEADER}, to 127.0.0.1"
        ))),
    };
    match refused {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    }
}
