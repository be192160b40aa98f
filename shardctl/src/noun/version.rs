//! `shardctl version`: of this program and of the proxy.

use crate::Shown;
use crate::cli::Format;
use crate::client::Client;
use crate::output::json;
use admin_types::version::VersionView;

pub(crate) async fn run(client: &Client) -> Shown {
    let v: VersionView = client.get("/v1/version").await?;
    if client.format == Format::Json {
        return json(&v);
    }
    println!("shardctl {}", env!("CARGO_PKG_VERSION"));
    println!("proxy    {}, catalog epoch {}", v.version, v.epoch);
    Ok(0)
}
