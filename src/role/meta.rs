//! The role of a metadata node: from arguments to its configuration.

use crate::cli::MetaArgs;
use meta::run::NodeConfig;
use meta_client::token;

/// Runs a node until a signal ends it.
pub(crate) fn run(args: &MetaArgs) -> Result<(), String> {
    let server_tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(tls::from_files(cert, key)?),
        _ => None,
    };
    let config = NodeConfig {
        id: args.id,
        dir: args.dir.clone(),
        listen: args.listen,
        advertise: args.advertise.clone(),
        token: token::read(&args.token_file)?,
        init: args.init,
        join: args.join.clone(),
        server_tls,
        client_tls: args.tls_ca.as_deref().map(tls::trusting).transpose()?,
    };
    let until_stdin_closes = args.until_stdin_closes;
    meta::run::run(config, async move {
        tokio::select! {
            done = super::wait_for_signal() => done,
            () = super::stdin_closed(), if until_stdin_closes => Ok(()),
        }
    })
}
