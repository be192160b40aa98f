//! The DBA's verbs over HTTP: everything that `shardctl` does, for programs too.

use admin_types::report::{Report, Severity};
use admin_types::views::*;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use catalog::state::AuditRecord;
use catalog::{Answer, Change, Command, PendingRule, Placement, Proposal, Rejected, TableName};
use control::{ImportOrder, Imported, Orders};
use meta_client::http::{USER_HEADER, bears};
use meta_client::{ClusterView, MemberChange, MetaError, ProxyView};
use serde::Deserialize;
use std::sync::Arc;

/// Audit records of one answer unless asked for more.
const AUDIT_DEFAULT: usize = 100;

/// Who may use the API.
#[derive(Clone, PartialEq, Eq)]
pub enum Access {
    /// Everybody who reaches the port, which is on loopback (a quickstart).
    Open,
    /// Whoever has the token.
    Token(String),
    /// Nobody: no token is configured.
    Closed,
}

#[derive(Clone)]
struct App {
    orders: Arc<Orders>,
    access: Access,
}

type Failed = (StatusCode, Json<MetaError>);
type Reply<T> = Result<Json<T>, Failed>;

/// The routes.
pub fn routes(orders: Arc<Orders>, access: Access) -> Router {
    let app = App { orders, access };
    Router::new()
        .route("/v1/version", get(version))
        .route("/v1/cluster", get(cluster))
        .route("/v1/members", post(members))
        .route("/v1/shards", get(shards))
        .route("/v1/databases", get(databases))
        .route("/v1/tables", get(tables))
        .route("/v1/tables/{database}/{table}", get(table))
        .route("/v1/rules", get(rules))
        .route("/v1/proxies", get(proxies))
        .route("/v1/users", get(users))
        .route("/v1/sequences", get(sequences))
        .route("/v1/settings", get(settings))
        .route("/v1/audit", get(audit))
        .route("/v1/inspect", get(inspect))
        .route("/v1/orders", post(order))
        .layer(axum::middleware::from_fn_with_state(app.clone(), authorize))
        .route(
            "/v1/openapi.json",
            get(|| async { Json(crate::openapi::document()) }),
        )
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

fn invalid(why: impl Into<String>) -> Failed {
    failed(Rejected::Invalid(why.into()).into())
}

fn missing(what: String) -> Failed {
    failed(Rejected::Missing(what).into())
}

async fn authorize(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    let refused = match &app.access {
        Access::Closed => Some(invalid(
            "the administration of this process is closed: set admin.token_file",
        )),
        Access::Token(token) if bears(authorization, token) => None,
        Access::Token(_) => Some(failed(MetaError::Unauthorized)),
        // A web page must not reach the port through somebody's browser: a header of our own makes the
        // browser ask first, and the host must be this machine by name.
        Access::Open if headers.contains_key(USER_HEADER) && is_local(headers) => None,
        Access::Open => Some(invalid(format!(
            "send the header {USER_HEADER}, to 127.0.0.1"
        ))),
    };
    match refused {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    }
}

fn is_local(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|h| h.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

async fn version(State(app): State<App>) -> Reply<VersionView> {
    Ok(Json(VersionView {
        version: env!("CARGO_PKG_VERSION").to_string(),
        epoch: app.orders.meta().watch().borrow().epoch,
    }))
}

async fn cluster(State(app): State<App>) -> Reply<ClusterView> {
    app.orders.meta().cluster().await.map(Json).map_err(failed)
}

async fn members(State(app): State<App>, Json(c): Json<MemberChange>) -> Reply<ClusterView> {
    app.orders
        .meta()
        .change_members(c)
        .await
        .map(Json)
        .map_err(failed)
}

async fn shards(State(app): State<App>) -> Reply<Vec<ShardView>> {
    let catalog = app.orders.meta().watch().borrow().clone();
    let on = |id| {
        let there = |p: &Placement| match p {
            Placement::Single(s) | Placement::View(s) => *s == id,
            Placement::Reference => true,
            Placement::Sharded(s) => s.function.shards().contains(&id),
        };
        catalog
            .tables
            .values()
            .filter(|t| there(&t.placement))
            .count()
    };
    let view = |s: &catalog::Shard| ShardView {
        name: s.name.clone(),
        host: s.host.clone(),
        port: s.port,
        disabled: s.disabled,
        tables: on(s.id),
    };
    Ok(Json(catalog.shards.values().map(view).collect()))
}

async fn databases(State(app): State<App>) -> Reply<Vec<DatabaseView>> {
    let catalog = app.orders.meta().watch().borrow().clone();
    let view = |(name, d): (&String, &catalog::Database)| DatabaseView {
        name: name.clone(),
        default_shard: catalog.shard_name(d.default_shard).to_string(),
        tables: catalog
            .tables
            .keys()
            .filter(|t| t.database == *name)
            .count(),
    };
    Ok(Json(catalog.databases.iter().map(view).collect()))
}

async fn tables(State(app): State<App>) -> Reply<Vec<TableView>> {
    let catalog = app.orders.meta().watch().borrow().clone();
    Ok(Json(
        catalog
            .tables
            .values()
            .map(|t| TableView::new(&catalog, t))
            .collect(),
    ))
}

async fn table(
    State(app): State<App>,
    Path((database, table)): Path<(String, String)>,
) -> Reply<TableView> {
    let catalog = app.orders.meta().watch().borrow().clone();
    let found = catalog.table(&database, &table);
    let found = found.ok_or_else(|| missing(format!("table {database}.{table}")))?;
    Ok(Json(TableView::new(&catalog, found)))
}

async fn rules(State(app): State<App>) -> Reply<Vec<RuleView>> {
    let catalog = app.orders.meta().watch().borrow().clone();
    let view = |(name, rule): (&TableName, &PendingRule)| RuleView {
        database: name.database.clone(),
        table: name.table.clone(),
        clause: rule.clause.clone(),
    };
    Ok(Json(catalog.rules.iter().map(view).collect()))
}

async fn proxies(State(app): State<App>) -> Reply<Vec<ProxyView>> {
    app.orders.meta().proxies().await.map(Json).map_err(failed)
}

async fn users(State(app): State<App>) -> Reply<Vec<UserView>> {
    // The newest, so that a DBA sees what another one did at another proxy.
    let state = app.orders.meta().state().await.map_err(failed)?;
    let grant = |(database, rights): (&String, &catalog::Rights)| GrantView {
        database: database.clone(),
        rights: *rights,
    };
    let view = |(name, user): (&String, &catalog::User)| UserView {
        name: name.clone(),
        grants: user.grants.iter().map(grant).collect(),
    };
    Ok(Json(state.catalog.users.iter().map(view).collect()))
}

async fn sequences(State(app): State<App>) -> Reply<Vec<SequenceView>> {
    let state = app.orders.meta().state().await.map_err(failed)?;
    let with_ids = state.catalog.tables.values().filter(|t| draws_ids(t));
    let view = |t: &Arc<catalog::Table>| SequenceView {
        database: t.name.database.clone(),
        table: t.name.table.clone(),
        next: state.sequences.get(&t.id.0).copied().unwrap_or(1),
    };
    Ok(Json(with_ids.map(view).collect()))
}

async fn settings(State(app): State<App>) -> Reply<Vec<SettingView>> {
    let state = app.orders.meta().state().await.map_err(failed)?;
    let view = |s: &catalog::settings::Setting| SettingView {
        name: s.name.to_string(),
        value: state.setting(s.name).unwrap_or(s.default).to_string(),
        default: s.default.to_string(),
        range: s.range(),
        help: s.help.to_string(),
    };
    Ok(Json(catalog::settings::SETTINGS.iter().map(view).collect()))
}

#[derive(Deserialize)]
struct Limit {
    limit: Option<usize>,
}

async fn audit(State(app): State<App>, Query(l): Query<Limit>) -> Reply<Vec<AuditRecord>> {
    let state = app.orders.meta().state().await.map_err(failed)?;
    let newest = state.audit.into_iter().rev();
    Ok(Json(
        newest.take(l.limit.unwrap_or(AUDIT_DEFAULT)).collect(),
    ))
}

async fn inspect(State(app): State<App>) -> Json<Report> {
    Json(app.orders.inspect().await)
}

async fn order(
    State(app): State<App>,
    headers: HeaderMap,
    Json(request): Json<OrderRequest>,
) -> Reply<OrderReply> {
    let meta = app.orders.meta();
    let who = headers
        .get(USER_HEADER)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("api");
    if let Order::ImportTable {
        database,
        table,
        clause,
    } = request.order
    {
        let now = meta.watch().borrow().epoch;
        if let Some(expected) = request.expected_epoch.filter(|e| *e != now) {
            return Err(failed(Rejected::Epoch { expected, now }.into()));
        }
        let table = TableName::new(database, table);
        let (who, dry_run) = (who.to_string(), request.dry_run);
        let order = ImportOrder {
            table,
            clause,
            who,
            dry_run,
        };
        return import(&app, order).await;
    }
    let (change, notes) = checked(&app, request.order).await?;
    if request.dry_run {
        // The same code as the service's, on a copy of its state.
        let mut state = meta.state().await.map_err(failed)?;
        let proposal = Proposal {
            request: "dry run".to_string(),
            who: who.to_string(),
            at_ms: 0,
            expected_epoch: request.expected_epoch,
            change,
        };
        return match state.apply(&proposal) {
            Answer::Rejected(why) => Err(failed(why.into())),
            answer => Ok(Json(OrderReply {
                dry_run: true,
                answer,
                notes,
            })),
        };
    }
    if let Change::Catalog(Command::PutShard { name, host, port }) = &change
        && meta.watch().borrow().shard_named(name).is_none()
    {
        // What the service would refuse must not touch the server either.
        let catalog = meta.watch().borrow().clone();
        let command = Command::PutShard {
            name: name.clone(),
            host: host.clone(),
            port: *port,
        };
        catalog.apply(&command).map_err(|e| failed(e.into()))?;
        let made = app.orders.prepare(name, host, *port).await;
        made.map_err(invalid)?;
    }
    let answer = meta
        .submit(who, change, request.expected_epoch)
        .await
        .map_err(failed)?;
    if let Answer::Done { epoch } = answer {
        app.orders.settled(epoch).await;
    }
    Ok(Json(OrderReply {
        dry_run: false,
        answer,
        notes,
    }))
}

async fn import(app: &App, order: ImportOrder) -> Reply<OrderReply> {
    let dry_run = order.dry_run;
    let Imported { answer, notes } = app.orders.import(order).await.map_err(failed)?;
    if let (false, Answer::Done { epoch }) = (dry_run, &answer) {
        app.orders.settled(*epoch).await;
    }
    Ok(Json(OrderReply {
        dry_run,
        answer,
        notes,
    }))
}

/// The change behind an order, once what can be checked from here is checked.
async fn checked(app: &App, order: Order) -> Result<(Change, Vec<String>), Failed> {
    let catalog = app.orders.meta().watch().borrow().clone();
    let mut notes = Vec::new();
    let change = match order {
        Order::PutShard {
            name,
            host,
            port,
            force,
        } => {
            check_name(&name)?;
            notes = probed(app, (&name, &host, port), force).await?;
            Change::Catalog(Command::PutShard { name, host, port })
        }
        Order::DisableShard { name, disabled } => {
            let others = |s: &&catalog::Shard| s.name != name && !s.disabled;
            if disabled && catalog.shards.values().filter(others).count() == 0 {
                return Err(invalid("it is the last shard that takes new tables"));
            }
            Change::Catalog(Command::DisableShard { name, disabled })
        }
        Order::PutRule {
            database,
            table,
            clause,
        } => {
            app.orders.check_rule(&clause).map_err(invalid)?;
            let table = TableName::new(database, table);
            let rule = PendingRule { clause };
            Change::Catalog(Command::PutRule { table, rule })
        }
        Order::DropRule { database, table } => {
            let table = TableName::new(database, table);
            Change::Catalog(Command::DropRule { table })
        }
        Order::RaiseSequence {
            database,
            table,
            next,
        } => {
            let found = catalog.table(&database, &table);
            let found = found.ok_or_else(|| missing(format!("table {database}.{table}")))?;
            if !draws_ids(found) {
                let why = format!("{database}.{table} draws no ids from the metadata service");
                return Err(invalid(why));
            }
            Change::RaiseSequence {
                table: found.id,
                next,
            }
        }
        Order::Set { name, value } => Change::Set { name, value },
        Order::Drain {
            incarnation,
            draining,
        } => Change::Drain {
            incarnation,
            draining,
        },
        Order::Fence { incarnation } => Change::Fence {
            incarnation,
            why: "by order".to_string(),
        },
        // Takes another way.
        Order::ImportTable { .. } => return Err(invalid("an import is not one change")),
        Order::User(order) => Change::Catalog(order.into()),
    };
    Ok((change, notes))
}

/// Looks at a server that is to be a shard; what is no obstacle becomes notes.
async fn probed(
    app: &App,
    (name, host, port): (&str, &str, u16),
    force: bool,
) -> Result<Vec<String>, Failed> {
    let found = app.orders.probe(name, host, port).await;
    let bad = found.iter().find(|f| f.severity == Severity::Critical);
    if let (Some(first), false) = (bad, force) {
        return Err(invalid(format!(
            "{}: {}; {}",
            first.subject, first.text, first.advice
        )));
    }
    let noted = found.iter().filter(|f| f.severity > Severity::Fine);
    Ok(noted
        .map(|f| format!("{}: {}", f.subject, f.text))
        .collect())
}

/// True if ids come from the service; a single table has its own counter on its shard.
fn draws_ids(t: &catalog::Table) -> bool {
    let spread = !matches!(t.placement, Placement::Single(_) | Placement::View(_));
    spread && t.auto_increment.is_some()
}

/// A shard's name stands in rules and in file names.
fn check_name(name: &str) -> Result<(), Failed> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(invalid(
        "a shard's name has 1 to 64 letters, digits, _ and -",
    ))
}
