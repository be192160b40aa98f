//! The admin port as programs without our client use it.

use crate::cluster::shared;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// GET of a path that needs no token, with the head of the answer.
pub fn get(port: u16, path: &str) -> String {
    http(port, &format!("GET {path} HTTP/1.1\r\nHost: localhost"))
}

fn http(port: u16, head: &str) -> String {
    let mut s = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(s, "{head}\r\nConnection: close\r\n\r\n").unwrap();
    let mut out = String::new();
    s.read_to_string(&mut out).unwrap();
    out
}

#[test]
fn a_page_of_another_site_reads_nothing() {
    let cluster = shared();
    for path in ["/metrics", "/v1/openapi.json", "/v1/shards"] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nX-Shardwright-User: x");
        let answer = http(cluster.admin, &head);
        let refused = ["HTTP/1.1 421", "HTTP/1.1 409"];
        assert!(
            refused.iter().any(|r| answer.starts_with(r)),
            "{path}: {answer}"
        );
    }
    assert!(get(cluster.admin, "/metrics").starts_with("HTTP/1.1 200"));
    // Probes come under whatever name.
    let probe = http(cluster.admin, "GET /healthz HTTP/1.1\r\nHost: evil.example");
    assert!(probe.starts_with("HTTP/1.1 200"), "{probe}");
}

#[test]
fn the_metrics_are_those_that_the_documentation_names() {
    let page = get(shared().admin, "/metrics");
    assert!(page.contains("application/openmetrics-text"), "{page}");
    assert!(page.ends_with("# EOF\n"), "{page}");
    let types = page.lines().filter_map(|l| l.strip_prefix("# TYPE "));
    let name = |l: &str| l.split(' ').next().unwrap().replacen("shardwright_", "", 1);
    let mut shown: Vec<String> = types.map(name).collect();
    shown.sort_unstable();
    let documentation = include_str!("../../docs/metrics.md");
    let rows = documentation.lines().filter_map(|l| l.strip_prefix("| "));
    let first = rows.filter_map(|l| l.split(" |").next());
    let mut named: Vec<_> = first
        .filter(|n| !["counter", "gauge"].contains(n))
        .collect();
    named.sort_unstable();
    assert_eq!(shown, named);
}

/// They end, and more of them than the port has room for make the next one wait, no more.
#[test]
fn half_sent_requests_do_not_keep_the_port() {
    let servers = crate::configured::servers_of(shared(), 1);
    let users = crate::logins::users();
    let own = crate::configured::Configured::start("halves", &servers, &users);
    let half = || {
        let mut s = TcpStream::connect(("127.0.0.1", own.admin)).unwrap();
        s.write_all(b"GET /healthz HTTP/1.1\r\nHost: loc").unwrap();
        s
    };
    let since = Instant::now();
    let _halves: Vec<_> = (0..50).map(|_| half()).collect();
    assert!(get(own.admin, "/healthz").ends_with("ok\n"));
    assert!(since.elapsed() > Duration::from_secs(1));
}

#[test]
fn health_and_metrics_answer() {
    let port = shared().admin;
    assert!(get(port, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(get(port, "/readyz").contains("ready"));
    assert!(get(port, "/metrics").contains("shardwright_commands_total "));
}

#[test]
fn the_port_is_described_and_closed_to_web_pages() {
    let cluster = shared();
    let page = http(cluster.admin, "GET /v1/shards HTTP/1.1\r\nHost: 127.0.0.1");
    assert!(page.starts_with("HTTP/1.1 409"), "{page}");
    let rebound = "GET /v1/shards HTTP/1.1\r\nHost: evil.example\r\nX-Shardwright-User: x";
    assert!(http(cluster.admin, rebound).starts_with("HTTP/1.1 409"));
    let good = "GET /v1/shards HTTP/1.1\r\nHost: localhost\r\nX-Shardwright-User: x";
    assert!(http(cluster.admin, good).starts_with("HTTP/1.1 200"));
    let document = get(cluster.admin, "/v1/openapi.json");
    let body = document.split("\r\n\r\n").nth(1).unwrap();
    let document: Value = serde_json::from_str(body).unwrap();
    // Every path that answers without parameters is there, and answers what its schema says.
    for (path, methods) in document["paths"].as_object().unwrap() {
        if path.contains('{') || methods["get"].is_null() {
            continue;
        }
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Shardwright-User: x");
        let answer = http(cluster.admin, &head);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        let schema = &methods["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        fits(&document, schema, &body, path);
    }
}

/// A value against a schema of our document: types, required fields, no other fields.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return fits(
            document,
            &document["components"]["schemas"][name],
            value,
            at,
        );
    }
    if let Some(any) = schema["anyOf"].as_array() {
        if !value.is_null() {
            fits(document, &any[0], value, at);
        }
        return;
    }
    match schema["type"].as_str() {
        Some("array") => {
            let list = value.as_array().unwrap_or_else(|| panic!("{at}: {value}"));
            list.iter()
                .for_each(|v| fits(document, &schema["items"], v, at));
        }
        Some("object") => {
            let fields = value.as_object().unwrap_or_else(|| panic!("{at}: {value}"));
            let known = schema["properties"].as_object().unwrap();
            fields
                .keys()
                .for_each(|k| assert!(known.contains_key(k), "{at}: {k}"));
            for (name, kind) in known {
                fits(
                    document,
                    kind,
                    fields.get(name).unwrap_or(&Value::Null),
                    &format!("{at}.{name}"),
                );
            }
        }
        Some("string") => assert!(value.is_string(), "{at}: {value}"),
        Some("integer") => assert!(value.is_u64(), "{at}: {value}"),
        Some("boolean") => assert!(value.is_boolean(), "{at}: {value}"),
        // Whatever the resource says.
        None => assert_eq!(*schema, serde_json::json!({}), "{at}"),
        Some(other) => panic!("{at}: {other}"),
    }
}
