//! A node's port: messages of other nodes and requests of proxies, both with the cluster's token.

use crate::node::MetaNode;
use crate::raft::network::{self, receive};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use catalog::earlier::{SHAPE, Shape1};
use catalog::{Catalog, Command, Proposal, Rejected};
use meta_client::http::bears;
use meta_client::protocol::{NEWS_WAIT_MS_MAX, NewsReply, Renew};
use meta_client::{MemberChange, MetaError, MetaService};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Longest message; a snapshot comes in chunks well below it.
const BODY_BYTES_MAX: usize = 64 << 20;

/// How long a new service may take to have a leader before its founding is answered all the same.
const ELECTION_TIME: Duration = Duration::from_secs(5);
/// How often that is checked.
const ELECTION_LOOK: Duration = Duration::from_millis(20);

#[derive(Clone)]
struct App {
    node: MetaNode,
    address: Arc<str>,
    token: Arc<str>,
}

/// The routes of a node; the others reach it at `address`.
pub(crate) fn routes(node: MetaNode, token: &str, address: &str) -> Router {
    let app = App {
        node,
        address: address.into(),
        token: token.into(),
    };
    let raft = |path: &'static str| {
        post(move |State(app): State<App>, body: Bytes| async move {
            if path == network::APPEND {
                app.node.hears();
            }
            match receive(app.node.raft(), path, &body).await {
                Some(Ok(json)) => {
                    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
                }
                Some(Err(_)) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                None => StatusCode::BAD_REQUEST.into_response(),
            }
        })
    };
    Router::new()
        .route(network::APPEND, raft(network::APPEND))
        .route(network::VOTE, raft(network::VOTE))
        .route(network::SNAPSHOT, raft(network::SNAPSHOT))
        .route("/v1/submit", post(submit))
        .route("/v1/news", get(news))
        .route("/v1/renew", post(renew))
        .route("/v1/state", get(state))
        .route("/v1/proxies", get(proxies))
        .route("/v1/cluster", get(cluster))
        .route("/v1/members", post(members))
        .route("/v1/init", post(init))
        // Before the body is read.
        .layer(axum::middleware::from_fn_with_state(app.clone(), authorize))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(app)
}

async fn authorize(State(app): State<App>, request: Request, next: Next) -> Response {
    let sent = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    if bears(sent, &app.token) {
        return next.run(request).await;
    }
    refuse(&MetaError::Unauthorized)
}

/// An error as an answer.
pub(crate) fn refuse(e: &MetaError) -> Response {
    let status = match e {
        MetaError::Rejected(_) => StatusCode::CONFLICT,
        MetaError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        MetaError::Unknown(_) => StatusCode::GATEWAY_TIMEOUT,
        MetaError::Unauthorized => StatusCode::UNAUTHORIZED,
    };
    (status, Json(e)).into_response()
}

fn answer<T: Serialize>(result: Result<T, MetaError>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(e) => refuse(&e),
    }
}

/// A request that another node passed on is not passed on again.
#[derive(Deserialize)]
struct Hops {
    forwarded: Option<u8>,
}

impl Hops {
    fn may_forward(&self) -> bool {
        self.forwarded.is_none()
    }
}

#[derive(Deserialize)]
struct Since {
    epoch: u64,
    wait_ms: u64,
}

/// The newest shape of the catalog that who asks can read; versions before there were two do not say.
#[derive(Deserialize)]
struct Reads {
    shape: Option<u32>,
}

impl Reads {
    fn is_older(&self) -> bool {
        self.shape.unwrap_or(1) < SHAPE
    }

    /// The whole catalog in place of changes that who asks does not know.
    fn known_changes(&self, news: NewsReply, node: &MetaNode) -> NewsReply {
        if !self.is_older() || news.changes.iter().all(Command::is_in_shape_1) {
            return news;
        }
        NewsReply {
            changes: Vec::new(),
            catalog: Some(Catalog::clone(&node.watch().borrow())),
        }
    }

    /// The answer with its field `catalog` in a shape that can be read.
    fn answer<T: Serialize>(
        &self,
        result: Result<T, MetaError>,
        catalog: impl FnOnce(&T) -> Option<&Catalog>,
    ) -> Response {
        let value = match result {
            Ok(value) if self.is_older() => value,
            result => return answer(result),
        };
        let reshaped = serde_json::to_value(&value).and_then(|mut json| {
            if let Some(c) = catalog(&value) {
                json["catalog"] = serde_json::to_value(Shape1(c))?;
            }
            Ok(json)
        });
        answer(reshaped.map_err(|e| MetaError::Unavailable(e.to_string())))
    }
}

async fn submit(
    State(app): State<App>,
    Query(h): Query<Hops>,
    Json(p): Json<Proposal>,
) -> Response {
    answer(app.node.carry_out(p, h.may_forward()).await)
}

async fn news(State(app): State<App>, Query(s): Query<Since>, Query(r): Query<Reads>) -> Response {
    let wait = Duration::from_millis(s.wait_ms.min(NEWS_WAIT_MS_MAX));
    let news = app.node.news(s.epoch, wait).await;
    let news = news.map(|n| r.known_changes(n, &app.node));
    r.answer(news, |n| n.catalog.as_ref())
}

async fn renew(State(app): State<App>, Query(h): Query<Hops>, Json(r): Json<Renew>) -> Response {
    answer(app.node.renew(r, h.may_forward()).await)
}

async fn state(State(app): State<App>, Query(h): Query<Hops>, Query(r): Query<Reads>) -> Response {
    r.answer(app.node.read(h.may_forward()).await, |s| Some(&s.catalog))
}

async fn proxies(State(app): State<App>, Query(h): Query<Hops>) -> Response {
    answer(app.node.proxy_list(h.may_forward()).await)
}

async fn cluster(State(app): State<App>, Query(h): Query<Hops>) -> Response {
    answer(Ok(app.node.cluster_view(h.may_forward()).await))
}

/// Founds a service on this node. A node that belongs to one already is left alone.
async fn init(State(app): State<App>) -> Response {
    match app.node.is_member().await {
        Ok(false) => {}
        Ok(true) => {
            let why = "the node belongs to a service already".to_string();
            return refuse(&MetaError::Rejected(Rejected::Invalid(why)));
        }
        Err(e) => return refuse(&MetaError::Unavailable(e.to_string())),
    }
    if let Err(e) = app.node.found(&app.address).await {
        return refuse(&MetaError::Unavailable(e.to_string()));
    }
    // The only voter leads at once; a moment for it to say so.
    let until = tokio::time::Instant::now() + ELECTION_TIME;
    while app.node.view().leader.is_none() && tokio::time::Instant::now() < until {
        tokio::time::sleep(ELECTION_LOOK).await;
    }
    answer(Ok(app.node.view()))
}

async fn members(
    State(app): State<App>,
    Query(h): Query<Hops>,
    Json(c): Json<MemberChange>,
) -> Response {
    answer(app.node.members(c, h.may_forward()).await)
}
