//! The log of a role: colours on terminals alone, text or JSON.

use crate::cluster::free_port;
use crate::folder::Folder;
use serde_json::Value;
use std::io::Read;
use std::process::{Command, Stdio};

/// What a metadata node writes to its log from its start to its end, under these variables. `script` runs
/// it on a terminal.
fn logged(name: &str, on_terminal: bool, more: &str, variables: &[(&str, &str)]) -> String {
    let dir = Folder::new(name);
    let token = dir.join("token");
    std::fs::write(&token, "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (at, port, node) = (dir.display(), free_port(), crate::binaries::SHARDWRIGHT);
    let line = format!(
        "{node} meta --id 1 --init --dir {at}/node --token-file {at}/token \
         --listen 127.0.0.1:{port} --until-stdin-closes {more} </dev/null"
    );
    let mut command = match on_terminal {
        true => {
            let mut c = Command::new("script");
            c.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
            c
        }
        false => {
            let mut c = Command::new("sh");
            c.args(["-c", &format!("{line} 2>&1")]);
            c
        }
    };
    command.env_remove("NO_COLOR").env("TERM", "xterm");
    command.envs(variables.iter().copied());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let out = child.stdout.as_mut().unwrap();
    out.read_to_string(&mut text).unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}: {text}");
    assert!(text.contains("metadata node is running"), "{text}");
    text
}

const COLOUR: char = '\u{1b}';

#[test]
fn colours_are_for_terminals() {
    let text = logged("log-terminal", true, "", &[]);
    assert!(text.contains(COLOUR), "{text}");
    let spared = logged("log-spared", true, "", &[("NO_COLOR", "1")]);
    assert!(!spared.contains(COLOUR), "{spared}");
    let piped = logged("log-piped", false, "", &[]);
    assert!(!piped.contains(COLOUR), "{piped}");
}

#[test]
fn json_is_an_object_a_line() {
    let flag = logged("log-json", true, "--log-format json", &[]);
    let variable = [("SHARDWRIGHT_LOG_FORMAT", "json")];
    let variable = logged("log-variable", false, "", &variable);
    for text in [flag, variable] {
        let parse = |l: &str| serde_json::from_str::<Value>(l.trim()).unwrap();
        let records: Vec<Value> = text.lines().map(parse).collect();
        let running = |r: &&Value| r["message"] == "metadata node is running";
        let record = records.iter().find(running).unwrap();
        assert_eq!(record["id"], 1);
        assert_eq!(record["level"], "INFO");
    }
}

#[test]
fn a_filter_that_cannot_be_read_is_an_error() {
    let out = Command::new(crate::binaries::SHARDWRIGHT)
        .args([
            "meta",
            "--id",
            "1",
            "--dir",
            "/nowhere",
            "--token-file",
            "t",
        ])
        .args(["--listen", "127.0.0.1:1"])
        .env("SHARDWRIGHT_LOG", "shard=loud")
        .output()
        .unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(!out.status.success());
    assert!(said.contains("SHARDWRIGHT_LOG = shard=loud"), "{said}");
}
