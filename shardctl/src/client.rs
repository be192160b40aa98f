//! Requests to the admin port.

use crate::Failed;
use crate::cli::{Cli, Format, How};
use crate::output;
use admin_types::order::{Order, OrderReply, OrderRequest};
use catalog::Answer;
use meta_client::http::{Http, HttpError};
use meta_client::{ClusterView, MetaError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How long reading may take.
const READ_TIME: Duration = Duration::from_secs(30);
/// How long a change may take; a node that joins is sent everything.
const CHANGE_TIME: Duration = Duration::from_secs(90);

/// A connection to one admin port.
pub(crate) struct Client {
    http: Http,
    token: String,
    endpoint: String,
    /// How answers are shown.
    pub(crate) format: Format,
}

fn failed(e: HttpError) -> Failed {
    let code = match &e {
        HttpError::NoAnswer { .. } | HttpError::Refused(MetaError::Unknown(_)) => 3,
        _ => 1,
    };
    let text = match e {
        HttpError::NotSent { at, why } => format!(
            "cannot reach the admin port at {at}: {why}. Is the proxy running? --endpoint says where"
        ),
        HttpError::NoAnswer { at, why } => format!("no answer from {at} ({why}); it may have happened"),
        HttpError::Refused(MetaError::Unauthorized) => {
            "the token is missing or wrong: --token-file names the file that admin.token_file of the \
             proxy names"
                .to_string()
        }
        HttpError::Refused(e) => e.to_string(),
    };
    Failed { text, code }
}

impl Client {
    pub(crate) fn new(cli: &Cli) -> Result<Self, Failed> {
        let token = match &cli.token_file {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|e| format!("{}: {e}", path.display()))?
                .trim()
                .to_string(),
            None => String::new(),
        };
        let user = std::env::var("USER").unwrap_or_else(|_| "shardctl".to_string());
        let user: String = user.chars().filter(char::is_ascii_graphic).collect();
        Ok(Self {
            http: Http::new(&token, None)?.in_name_of(&user),
            token,
            endpoint: cli.endpoint.clone(),
            format: cli.output,
        })
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        self.http
            .get(&self.endpoint, path, READ_TIME)
            .await
            .map_err(failed)
    }

    pub(crate) async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, Failed> {
        self.http
            .post(&self.endpoint, path, body, CHANGE_TIME)
            .await
            .map_err(failed)
    }

    /// Founds the metadata service on a node, which is asked directly: there is no proxy yet.
    pub(crate) async fn init(
        &self,
        node: &str,
        tls_ca: Option<&std::path::Path>,
    ) -> Result<ClusterView, Failed> {
        let is_local = node
            .rsplit_once(':')
            .and_then(|(host, _)| {
                host.trim_matches(['[', ']'])
                    .parse::<std::net::IpAddr>()
                    .ok()
            })
            .is_some_and(|ip| ip.is_loopback());
        if tls_ca.is_none() && !is_local {
            let text = format!(
                "{node} is not an address on loopback: --tls-ca is needed, so that the \
                                token does not travel in clear"
            );
            return Err(text.into());
        }
        let tls = tls_ca.map(tls::trusting).transpose()?;
        let http = Http::new(&self.token, tls)?;
        let nothing = serde_json::json!({});
        let sent = http.post(node, "/v1/init", &nothing, CHANGE_TIME);
        sent.await.map_err(failed)
    }

    /// Gives an order and shows what came of it. `danger` is what a person is asked first.
    pub(crate) async fn order(
        &self,
        order: Order,
        how: &How,
        danger: Option<&str>,
    ) -> Result<u8, Failed> {
        if let Some(question) = danger.filter(|_| !how.dry_run) {
            output::confirm(question, how.yes)?;
        }
        let request = OrderRequest {
            order,
            dry_run: how.dry_run,
            expected_epoch: how.expected_epoch,
        };
        let reply: OrderReply = self.post("/v1/orders", &request).await?;
        if self.format == Format::Json {
            return output::json(&reply);
        }
        reply.notes.iter().for_each(|n| println!("note: {n}"));
        let what = if reply.dry_run {
            "would be done"
        } else {
            "done"
        };
        match reply.answer {
            Answer::Done { epoch } => println!("{what}; the catalog is at epoch {epoch}"),
            _ => println!("{what}"),
        }
        Ok(0)
    }
}
