//! `shardctl settings`: settings of the whole cluster.

use crate::Shown;
use crate::cli::{Format, How};
use crate::client::Client;
use crate::output::{json, table};
use admin_types::order::Order;
use admin_types::setting::SettingView;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// All settings.
    List,
    /// What one does.
    Describe {
        /// Its name.
        name: String,
    },
    /// Change one.
    Set {
        /// Its name.
        name: String,
        /// Its value; without one its default.
        value: Option<String>,
        #[command(flatten)]
        how: How,
    },
}

pub(crate) async fn run(client: &Client, verb: &Verb) -> Shown {
    let wanted = match verb {
        Verb::Set { name, value, how } => {
            let (name, value) = (name.clone(), value.clone());
            return client.order(Order::Set { name, value }, how, None).await;
        }
        Verb::List => None,
        Verb::Describe { name } => Some(name),
    };
    let mut list: Vec<SettingView> = client.get("/v1/settings").await?;
    list.retain(|s| wanted.is_none_or(|w| s.name == *w));
    if let (true, Some(name)) = (list.is_empty(), wanted) {
        return Err(
            format!("there is no setting {name}; `shardctl settings list` shows all").into(),
        );
    }
    if client.format == Format::Json {
        return json(&list);
    }
    let row = |s: &SettingView| {
        vec![
            s.name.clone(),
            s.value.clone(),
            s.default.clone(),
            s.range.clone(),
            s.help.clone(),
        ]
    };
    let rows = list.iter().map(row).collect();
    table(
        &["setting", "value", "default", "range", "what it does"],
        rows,
    );
    Ok(0)
}
