//! The DBA's verbs over HTTP: everything that `shardctl` does, for programs too. One resource a file,
//! each with its piece of the description ([`crate::openapi`]) beside the handlers.

mod access;
mod audit;
mod cluster;
mod counters;
mod databases;
mod inspection;
mod orders;
mod proxies;
mod rules;
mod sequences;
mod sessions;
mod settings;
mod shards;
mod tables;
mod users;
mod version;

pub use access::ApiAccess;
pub(crate) use cluster::MEMBER_CHANGES;

use crate::openapi::Resource;
use axum::http::StatusCode;
use axum::{Json, Router};
use catalog::{Catalog, Rejected};
use control::Orders;
use meta_client::MetaError;
use std::sync::Arc;

/// Every resource's piece of the description.
pub(crate) const RESOURCES: [&Resource; 15] = [
    &version::RESOURCE,
    &cluster::RESOURCE,
    &shards::RESOURCE,
    &databases::RESOURCE,
    &tables::RESOURCE,
    &rules::RESOURCE,
    &proxies::RESOURCE,
    &sessions::RESOURCE,
    &counters::RESOURCE,
    &users::RESOURCE,
    &sequences::RESOURCE,
    &settings::RESOURCE,
    &audit::RESOURCE,
    &inspection::RESOURCE,
    &orders::RESOURCE,
];

/// What handlers work with.
#[derive(Clone)]
struct App {
    orders: Arc<Orders>,
    access: ApiAccess,
}

impl App {
    fn catalog(&self) -> Arc<Catalog> {
        self.orders.meta().watch().borrow().clone()
    }
}

type Failed = (StatusCode, Json<MetaError>);
type Reply<T> = Result<Json<T>, Failed>;

/// The routes that need the token.
pub(crate) fn routes(orders: Arc<Orders>, access: ApiAccess) -> Router {
    let app = App { orders, access };
    Router::new()
        .merge(version::routes())
        .merge(cluster::routes())
        .merge(shards::routes())
        .merge(databases::routes())
        .merge(tables::routes())
        .merge(rules::routes())
        .merge(proxies::routes())
        .merge(sessions::routes())
        .merge(counters::routes())
        .merge(users::routes())
        .merge(sequences::routes())
        .merge(settings::routes())
        .merge(audit::routes())
        .merge(inspection::routes())
        .merge(orders::routes())
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            access::authorize,
        ))
        .with_state(app)
}

fn failed(e: MetaError) -> Failed {
    let status = match e {
        MetaError::Rejected(Rejected::Missing(_)) => StatusCode::NOT_FOUND,
        MetaError::Rejected(_) => StatusCode::CONFLICT,
        MetaError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        MetaError::Unknown(_) => StatusCode::GATEWAY_TIMEOUT,
        MetaError::Unauthorized => StatusCode::UNAUTHORIZED,
    };
    (status, Json(e))
}
