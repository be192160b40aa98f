//! The admin HTTP port: health, readiness, metrics, and the DBA's API. It knows the rest only through
//! [`Status`] and [`Orders`].

pub mod api;
pub mod openapi;

pub use api::Access;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use control::Orders;
use std::sync::Arc;

/// What the admin port tells.
pub trait Status: Send + Sync {
    /// Why the process is not ready to serve; empty if it is.
    fn not_ready(&self) -> Vec<String>;

    /// Metrics in the Prometheus text format.
    fn metrics(&self) -> String;
}

type Shared = Arc<dyn Status>;

/// Serves until the listener fails.
pub async fn serve(
    listener: tokio::net::TcpListener,
    status: Shared,
    orders: Arc<Orders>,
    access: Access,
) -> std::io::Result<()> {
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(status)
        .merge(api::routes(orders, access));
    axum::serve(listener, app).await
}

async fn ready(State(status): State<Shared>) -> (StatusCode, String) {
    let reasons = status.not_ready();
    if reasons.is_empty() {
        return (StatusCode::OK, "ready\n".to_string());
    }
    (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("not ready: {}\n", reasons.join("; ")),
    )
}

async fn metrics(State(status): State<Shared>) -> String {
    status.metrics()
}
