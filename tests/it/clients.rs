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

/// A driver and the command of its scenario.
pub type Driver = (&'static str, &'static str, &'static [&'static str]);

/// All drivers but mysql_async, which the other tests use.
pub const DRIVERS: [Driver; 4] = [PYTHON, NODE, GO, JAVA];
const PYTHON: Driver = ("python", "python3", &["scenario.py"]);
const NODE: Driver = ("node", "node", &["scenario.js"]);
const GO: Driver = ("go", "go", &["-C", "go", "run", "."]);
const JAVA: Driver = ("java", "java", &["-cp", "build/*:build", "Scenario"]);

/// Runs a driver's scenario as a user.
pub fn run((name, program, args): Driver, port: u16, user: &str, password: &str) {
    if !wanted(name) {
        eprintln!("{name} is left out by SHARDWRIGHT_CLIENTS");
        return;
    }
    let out = Command::new(program)
        .args(args)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients"))
        .env("PORT", port.to_string())
        .envs([("DBUSER", user), ("PASSWORD", password)])
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
    run(PYTHON, shared().port, "root", "");
}

#[test]
fn node_mysql2() {
    run(NODE, shared().port, "root", "");
}

#[test]
fn go_sql_driver() {
    run(GO, shared().port, "root", "");
}

#[test]
fn java_connector_j() {
    run(JAVA, shared().port, "root", "");
}
