//! The admin HTTP port: health, readiness, metrics, and the DBA's API. It knows the rest only through
//! [`Status`] and [`Orders`].

mod api;
mod host;
mod openapi;

pub use api::ApiAccess;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use control::Orders;
use host::Hosts;
use std::sync::Arc;
use std::time::Duration;

/// How long a TLS handshake may take; this port has none yet.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// What the admin port shows of the process.
pub trait Status: Send + Sync {
    /// Why the process is not ready to serve; empty if it is.
    fn not_ready(&self) -> Vec<String>;

    /// Metrics in the OpenMetrics text format.
    fn metrics(&self) -> String;
}

/// How the port is used, and by whom.
pub struct AdminPort {
    /// Who may use the API.
    pub access: ApiAccess,
    /// Names that the port answers to beside loopback and addresses.
    pub hosts: Vec<String>,
    /// Connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// How long the head of a request may take.
    pub head_time: Duration,
}

type SharedStatus = Arc<dyn Status>;

/// Serves for as long as the process runs.
pub async fn serve(
    listener: tokio::net::TcpListener,
    status: SharedStatus,
    orders: Arc<Orders>,
    port: AdminPort,
) {
    let limits = port::Limits {
        connections: port.connections_max,
        handshake: HANDSHAKE_TIME,
        head: port.head_time,
    };
    let routes = routes(status, orders, port.access, Hosts::new(port.hosts));
    port::serve(listener, routes, None, limits, std::future::pending()).await;
}

fn routes(status: SharedStatus, orders: Arc<Orders>, access: ApiAccess, hosts: Hosts) -> Router {
    let described = get(|| async { Json(openapi::document()) });
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(status.clone())
        .route("/v1/openapi.json", described)
        .layer(axum::middleware::from_fn_with_state(hosts, host::check))
        // Probes come under whatever name, and learn little.
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(status)
        .merge(api::routes(orders, access))
}

async fn ready(State(status): State<SharedStatus>) -> (StatusCode, String) {
    let reasons = status.not_ready();
    if reasons.is_empty() {
        return (StatusCode::OK, "ready\n".to_string());
    }
    (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("not ready: {}\n", reasons.join("; ")),
    )
}

async fn metrics(State(status): State<SharedStatus>) -> impl IntoResponse {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, OPEN_METRICS)], status.metrics())
}
