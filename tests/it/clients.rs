//! Client libraries that nobody here wrote: each runs the same scenario with its own driver.
//!
//! `tests/clients/install.sh` brings them; a driver that is not installed fails its test unless
//! SHARDWRIGHT_CLIENTS says which ones there are (`make test` installs all five).

use crate::cluster::shared;
use std::process::Command;

fn wanted(name: &str) -> bool {
    let list = std::env::var("SHARDWRIGHT_CLIENTS").unwrap_or_else(|_| "all".to_string());
    list == "all" || list.split(',').any(|c| c == name)
}

fn run(name: &str, command: &mut Command) {
    if !wanted(name) {
        eprintln!("{name} is left out by SHARDWRIGHT_CLIENTS");
        return;
    }
    let out = command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients"))
        .env("PORT", shared().port.to_string())
        .output()
        .unwrap_or_else(|e| panic!("{name}: {e}; run tests/clients/install.sh"));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        out.status.success() && text.contains("all fine"),
        "{name}:\n{text}\n{errors}"
    );
}

#[test]
fn python_pymysql() {
    run("python", Command::new("python3").arg("scenario.py"));
}

#[test]
fn node_mysql2() {
    run("node", Command::new("node").arg("scenario.js"));
}

#[test]
fn go_sql_driver() {
    run("go", Command::new("go").args(["-C", "go", "run", "."]));
}

#[test]
fn java_connector_j() {
    run(
        "java",
        Command::new("java").args(["-cp", "build/*:build", "Scenario"]),
    );
}
