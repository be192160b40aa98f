//! One command to a working cluster: private MariaDB shards, the proxy, a demo database.

mod certificate;
mod demo;
mod nodes;
pub(crate) mod servers;

use crate::cli::QuickstartArgs;
use crate::config::{AdminConfig, Config};
use crate::role;
use control::ShardConfig;
use meta::MetaConfig;
use meta_client::token;
use nodes::Nodes;
use peers::PeersConfig;
use proxy::config::{PoolConfig, ProxyConfig, UserConfig};
use servers::Server;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a detached start may take.
const START_TIME: Duration = Duration::from_secs(120);
/// How long a killed process may take to be gone.
const GONE_TIME: Duration = Duration::from_secs(2);
/// How long a stop may take.
const STOP_TIME: Duration = Duration::from_secs(60);

/// Runs `shardwright quickstart`.
pub(crate) fn run(args: &QuickstartArgs) -> Result<(), String> {
    let dir = std::path::absolute(&args.dir).map_err(|e| e.to_string())?;
    if args.stop {
        return stop(&dir);
    }
    if let Some(pid) = still_running(&dir) {
        return Err(format!(
            "{} is in use by process {pid}; stop it with: shardwright quickstart --stop --dir {}",
            dir.display(),
            args.dir.display()
        ));
    }
    if args.fresh {
        servers::stop_all(&dir)?;
        remove(&dir)?;
    }
    std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    if args.detach {
        return detach(args, &dir);
    }
    foreground(args, &dir)
}

fn pid_file(dir: &Path) -> PathBuf {
    dir.join("quickstart.pid")
}

fn running(dir: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(pid_file(dir)).ok()?;
    text.trim()
        .parse()
        .ok()
        .filter(|pid| servers::is_running(*pid))
}

/// The same, but a process that was killed just now is given the time to be gone.
fn still_running(dir: &Path) -> Option<i32> {
    let until = Instant::now() + GONE_TIME;
    while Instant::now() < until {
        running(dir)?;
        std::thread::sleep(Duration::from_millis(50));
    }
    running(dir)
}

fn remove(dir: &Path) -> Result<(), String> {
    // Only what a quickstart makes: a wrong --dir must not cost anybody's files.
    for name in ["shards", "meta"] {
        let path = dir.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    Ok(())
}

fn stop(dir: &Path) -> Result<(), String> {
    match running(dir) {
        Some(pid) => {
            servers::terminate(pid);
            let until = Instant::now() + STOP_TIME;
            while servers::is_alive(pid) {
                if Instant::now() > until {
                    return Err(format!("process {pid} does not end"));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        None => println!("nothing was running in {}", dir.display()),
    }
    // A quickstart that was killed leaves its shards.
    servers::stop_all(dir)?;
    println!("stopped");
    Ok(())
}

/// Starts this program again without a terminal and waits for its `ready`.
fn detach(args: &QuickstartArgs, dir: &Path) -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    let log_path = dir.join("quickstart.log");
    let log =
        std::fs::File::create(&log_path).map_err(|e| format!("{}: {e}", log_path.display()))?;
    let exe = std::env::current_exe().map_err(|e| e.to_string())?;
    let own: Vec<_> = std::env::args_os()
        .skip(1)
        .filter(|a| a != "--detach" && a != "--fresh")
        .collect();
    let mut child = Command::new(exe)
        .args(own)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .process_group(0)
        .spawn()
        .map_err(|e| e.to_string())?;
    let Some(out) = child.stdout.take() else {
        return Err("no output".to_string());
    };
    let (sender, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let until = Instant::now() + START_TIME;
    loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                println!("{line}");
                if line == "ready" {
                    println!(
                        "running in the background; stop it with: shardwright quickstart \
                              --stop --dir {}",
                        args.dir.display()
                    );
                    return Ok(());
                }
            }
            Err(_) => {
                let log = std::fs::read_to_string(&log_path).unwrap_or_default();
                servers::terminate(child.id() as i32);
                return Err(format!("it did not become ready\n{log}"));
            }
        }
    }
}

fn foreground(args: &QuickstartArgs, dir: &Path) -> Result<(), String> {
    let pid = pid_file(dir);
    std::fs::write(&pid, std::process::id().to_string())
        .map_err(|e| format!("{}: {e}", pid.display()))?;
    let result = serve(args, dir);
    let stopped = servers::stop_all(dir);
    let _ = std::fs::remove_file(&pid);
    result.and(stopped)
}

fn say(text: &str) {
    // A reader that went away is no reason to end.
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn serve(args: &QuickstartArgs, dir: &Path) -> Result<(), String> {
    let runtime = role::proxy::runtime()?;
    let token_file = dir.join("token");
    token::read_or_make(&token_file)?;
    let nodes = start_nodes(args, dir, &token_file)?;
    let servers = servers::start(dir, args.shards, &args.shard_option, say)?;
    runtime.block_on(async {
        say("starting the proxy");
        let tls = if args.tls_self_signed {
            Some(certificate::self_signed()?)
        } else {
            None
        };
        let proxy = role::proxy::start(config(args, dir, &servers, &nodes.endpoints), tls).await?;
        if !args.no_demo {
            demo::make(proxy.address, say).await?;
        }
        say(&welcome(args, &proxy.address, &servers));
        say("ready");
        tokio::select! {
            done = role::wait_for_signal() => done?,
            () = role::stdin_closed(), if args.until_stdin_closes => {}
        }
        say("stopping");
        proxy.stop(Duration::from_secs(3)).await;
        Ok(())
    })
}

/// The metadata nodes that are processes of their own, if there are such.
fn start_nodes(args: &QuickstartArgs, dir: &Path, token: &Path) -> Result<Nodes, String> {
    let count = args.meta.max(nodes::known(dir));
    if count > 0 && dir.join("meta/meta.redb").exists() {
        return Err(format!(
            "the catalog of {} is inside the proxy; --meta is for a new start (--fresh)",
            dir.display()
        ));
    }
    nodes::start(dir, count, token, say)
}

fn config(args: &QuickstartArgs, dir: &Path, servers: &[Server], nodes: &[String]) -> Config {
    let shards = servers.iter().map(|s| ShardConfig {
        name: s.name.clone(),
        host: "127.0.0.1".to_string(),
        port: s.port,
        manager_user: "root".to_string(),
        ..Default::default()
    });
    Config {
        proxy: ProxyConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], args.mysql_port)),
            workers: args.workers,
            tls_cert: args.tls_cert.clone(),
            tls_key: args.tls_key.clone(),
            ..Default::default()
        },
        pool: PoolConfig {
            connections_per_shard: args.connections,
            pipelines_per_profile: args.shared_connections,
            ..Default::default()
        },
        meta: MetaConfig {
            dir: dir.join("meta"),
            endpoints: nodes.to_vec(),
            token_file: Some(dir.join("token")),
            ..Default::default()
        },
        peers: PeersConfig::default(),
        admin: AdminConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], args.admin_port)),
            open: true,
            ..Default::default()
        },
        log: Default::default(),
        shards: shards.collect(),
        shards_just_started: true,
        // Any server on this machine may join, if it takes root without a password.
        new_shards: Some(ShardConfig {
            name: "new".to_string(),
            host: "127.0.0.1".to_string(),
            port: 3306,
            manager_user: "root".to_string(),
            ..Default::default()
        }),
        users: vec![UserConfig {
            name: "root".to_string(),
            password: Vec::new(),
        }],
    }
}

fn welcome(args: &QuickstartArgs, address: &SocketAddr, servers: &[Server]) -> String {
    let mut out = String::new();
    let mut line = |s: &str| {
        out.push_str(s);
        out.push('\n');
    };
    line("");
    line("Shardwright is running.");
    line("");
    line("  connect      mariadb --host 127.0.0.1 --port PORT --user root shop");
    line("               (user root, no password, this machine only)");
    line("  health       http://127.0.0.1:ADMIN/readyz   metrics: /metrics");
    for s in servers {
        line(&format!(
            "  shard {:<6} mariadb --host 127.0.0.1 --port {} --user root     (behind the proxy)",
            s.name, s.port
        ));
    }
    line("");
    line("  Try:");
    line("    SHOW SHARDS; SHOW SHARDED TABLES;");
    line("    SELECT * FROM users WHERE id = 3;               -- one shard");
    line("    EXPLAIN SHARD SELECT * FROM orders WHERE user_id = 3;");
    line(
        "    SELECT u.name, o.total FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = 3;",
    );
    line("    INSERT INTO orders (user_id, total) VALUES (3, 9.99), (4, 5.00);  -- ids are given");
    line("    SELECT * FROM events WHERE day < '2026-01-01';  -- one range");
    line("    CREATE TABLE mine (id BIGINT PRIMARY KEY, v TEXT) SHARD BY HASH (id);");
    line("");
    let port = address.port().to_string();
    out.replace("PORT", &port)
        .replace("ADMIN", &args.admin_port.to_string())
}
