//! The command line without a cluster: arguments, files it writes, and exit codes.
#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Output};

fn shardctl(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shardctl"))
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn wrong_arguments_end_with_2() {
    for args in [&["shard", "lst"][..], &["rule", "create", "shop.t"], &[]] {
        assert_eq!(shardctl(args).status.code(), Some(2), "{args:?}");
    }
    let rights = shardctl(&["user", "grant", "app", "shop", "everything"]);
    assert_eq!(rights.status.code(), Some(2));
}

#[test]
fn a_port_that_nobody_listens_on_ends_with_1() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = free.local_addr().unwrap().to_string();
    drop(free);
    let out = shardctl(&["--endpoint", &at, "shard", "list"]);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot reach the admin port"), "{said}");
}

#[test]
fn a_connection_that_ends_without_an_answer_ends_with_3() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.read(&mut [0; 4096]).unwrap()
    });
    let out = shardctl(&["--endpoint", &at, "settings", "set", "lease_ms", "5000"]);
    assert!(server.join().unwrap() > 0);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(3), "{said}");
    assert!(said.contains("it may have happened"), "{said}");
}

#[test]
fn pages_and_completions() {
    let dir = std::env::temp_dir().join(format!("shardctl-man-{}", std::process::id()));
    let out = shardctl(&["man", dir.to_str().unwrap()]);
    assert!(out.status.success());
    let page = std::fs::read_to_string(dir.join("shardctl-user-grant.1")).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(page.contains("read, write, ddl, admin"), "{page}");
    let script = shardctl(&["completions", "bash"]).stdout;
    assert!(String::from_utf8(script).unwrap().contains("_shardctl"));
}
