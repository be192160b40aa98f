//! Password logins: each plugin and way, by raw packets and by every driver.

use crate::cluster::{Cluster, shared};
use crate::configured::{Configured, Server, servers_of, verifiers};
use crate::protocol::Raw;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, SslOpts};
use std::sync::OnceLock;
use wire::auth::{native_scramble, rsa_encrypt_password, sha2_scramble};
use wire::caps::*;
use wire::handshake::*;

/// Password of all of them.
pub const PASSWORD: &str = "s3cret! word";

/// Users: `both` plugins, `native` and `sha2` alone.
pub fn users() -> String {
    let [native, sha2] = verifiers(PASSWORD);
    let user =
        |name: &str, list: &[&str]| format!("[[users]]\nname = \"{name}\"\npassword = {list:?}\n");
    [
        user("both", &[&native, &sha2]),
        user("native", &[&native]),
        user("sha2", &[&sha2]),
    ]
    .concat()
}

/// A proxy of the test's own: a static one would outlive the tests.
fn proxy() -> Configured {
    Configured::start("logins", &servers_of(shared(), 2), &users())
}

async fn log_in(port: u16, user: &str, password: &str, tls: bool) -> Result<(), u16> {
    let ssl = SslOpts::default().with_danger_accept_invalid_certs(true);
    let opts = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(port)
        .user(Some(user))
        .pass(Some(password))
        .ssl_opts(tls.then_some(ssl.with_danger_skip_domain_validation(true)))
        .prefer_socket(false);
    match Conn::new(opts).await {
        Ok(mut c) => {
            let one: Option<u8> = c.query_first("SELECT 1").await.unwrap();
            assert_eq!(one, Some(1));
            Ok(())
        }
        Err(mysql_async::Error::Server(e)) => Err(e.code),
        Err(e) => panic!("{e}"),
    }
}

#[tokio::test]
async fn each_user_logs_in_with_the_right_password_alone() {
    let own = proxy();
    let port = own.port;
    for tls in [false, true] {
        for user in ["both", "native", "sha2"] {
            assert_eq!(log_in(port, user, PASSWORD, tls).await, Ok(()), "{user}");
            assert_eq!(log_in(port, user, "wrong", tls).await, Err(1045), "{user}");
            assert_eq!(log_in(port, user, "", tls).await, Err(1045), "{user}");
        }
        assert_eq!(log_in(port, "nobody", PASSWORD, tls).await, Err(1045));
        assert_eq!(log_in(port, "nobody", "", tls).await, Err(1045));
    }
}

/// What a client with one plugin sends first; the nonce is that of the greeting.
fn respond(raw: &mut Raw, user: &str, plugin: &str, auth: Vec<u8>) {
    let response = HandshakeResponse {
        capabilities: CLIENT_PROTOCOL_41 | CLIENT_PLUGIN_AUTH | CLIENT_SECURE_CONNECTION,
        user: user.into(),
        auth,
        plugin: Some(plugin.into()),
        ..Default::default()
    };
    let mut out = Vec::new();
    response.encode(&mut out);
    raw.send(1, &out);
}

#[test]
fn full_authentication_over_rsa_then_the_fast_path() {
    let own = proxy();
    for full in [true, false] {
        let mut raw = Raw::connect(own.port);
        let greeting = Greeting::decode(&raw.read().unwrap()).unwrap();
        let scramble = sha2_scramble(PASSWORD.as_bytes(), &greeting.nonce);
        respond(&mut raw, "sha2", CACHING_SHA2, scramble);
        let answer = raw.read().unwrap();
        if full {
            assert_eq!(answer, [1, 4], "the first login needs the password itself");
            raw.send(3, &[2]);
            let key = raw.read().unwrap();
            let pem = String::from_utf8(key[1..].to_vec()).unwrap();
            let der = pem_bytes(&pem);
            let sent = rsa_encrypt_password(&der, PASSWORD.as_bytes(), &greeting.nonce).unwrap();
            raw.send(5, &sent);
        } else {
            assert_eq!(answer, [1, 3], "the second one is proven by the scramble");
        }
        assert_eq!(raw.read().unwrap()[0], 0);
    }
}

fn pem_bytes(pem: &str) -> Vec<u8> {
    use base64::Engine;
    let text: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}

#[test]
fn a_password_in_clear_on_a_plain_socket_is_refused() {
    let own = proxy();
    let mut raw = Raw::connect(own.port);
    let greeting = Greeting::decode(&raw.read().unwrap()).unwrap();
    let scramble = sha2_scramble(PASSWORD.as_bytes(), &greeting.nonce);
    respond(&mut raw, "sha2", CACHING_SHA2, scramble);
    assert_eq!(raw.read().unwrap(), [1, 4]);
    raw.send(3, format!("{PASSWORD}\0").as_bytes());
    assert_eq!(raw.error(), 2061);
}

#[test]
fn a_client_without_the_greetings_plugin_is_asked_for_its_own() {
    let own = proxy();
    let mut raw = Raw::connect(own.port);
    Greeting::decode(&raw.read().unwrap()).unwrap();
    // As the client of MySQL 9 does: it has no mysql_native_password and sends nothing yet.
    respond(&mut raw, "both", CACHING_SHA2, Vec::new());
    let switch = AuthSwitch::decode(&raw.read().unwrap()).unwrap();
    assert_eq!(switch.plugin, CACHING_SHA2);
}

#[test]
fn unknown_users_are_answered_like_known_ones_up_to_the_verdict() {
    let own = proxy();
    for (plugin, scramble) in [
        (NATIVE, native_scramble as fn(&[u8], &[u8]) -> Vec<u8>),
        (CACHING_SHA2, sha2_scramble),
    ] {
        let mut raw = Raw::connect(own.port);
        let greeting = Greeting::decode(&raw.read().unwrap()).unwrap();
        respond(
            &mut raw,
            "nobody",
            plugin,
            scramble(b"guess", &greeting.nonce),
        );
        if plugin == CACHING_SHA2 {
            assert_eq!(raw.read().unwrap(), [1, 4]);
            raw.send(3, &[2]);
            assert_eq!(raw.read().unwrap()[0], 1);
            raw.send(5, &[7; 256]);
        }
        assert_eq!(raw.error(), 1045, "{plugin}");
    }
}

/// Every driver runs its whole scenario as a user with a caching_sha2 password alone; Connector/J takes
/// a "5.5.5-" greeting, which MariaDB 10 sends, for a server too old for that plugin.
#[test]
fn drivers_log_in_with_passwords() {
    static SERVERS: OnceLock<Cluster> = OnceLock::new();
    let servers = SERVERS.get_or_init(|| Cluster::start("drivers", 2, &[]));
    let shards: Vec<Server> = servers_of(servers, 2);
    let own = Configured::start("drivers-proxy", &shards, &users());
    for driver in crate::clients::DRIVERS {
        let user = if driver.0 == "java" { "both" } else { "sha2" };
        crate::clients::run(driver, own.port, user, PASSWORD);
    }
}
