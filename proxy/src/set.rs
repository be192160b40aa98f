//! SET: checked by a shard, remembered by the session, replayed on whatever connection comes next.

use crate::session::{Done, Session, error};
use sql::ident::quote_string;
use sql::set::{Assignment, Set, Target, ValueKind};
use wire::column::column_type as t;

/// Bytes of all settings and user variables of one session.
const SETTINGS_BYTES_MAX: usize = 1 << 20;

/// Variables that the proxy cannot let a session change, and why.
const REFUSED: [(&str, &str); 9] = [
    ("pseudo_thread_id", "it names a connection of the server"),
    (
        "pseudo_slave_mode",
        "it changes what statements mean on one shard",
    ),
    (
        "sql_log_bin",
        "rows would be missing from the binary log of a shard",
    ),
    ("server_id", "it belongs to the server"),
    ("gtid_seq_no", "it belongs to the server"),
    ("gtid_domain_id", "it belongs to the server"),
    (
        "insert_id",
        "ids of sharded tables come from the metadata service",
    ),
    ("skip_replication", "rows would be missing on replicas"),
    ("proxy_user", "it belongs to the server"),
];

/// True for the texts that turn a switch on.
pub fn is_true(value: &str) -> bool {
    let v = value.trim_matches(['\'', '"']);
    !(v == "0" || v.eq_ignore_ascii_case("off") || v.eq_ignore_ascii_case("false"))
}

impl Session {
    /// Runs a SET statement.
    pub async fn set(&mut self, set: &Set, text: &[u8], more: u16) -> Done {
        let list = match set {
            Set::Session(list) => list,
            Set::Global => {
                return Err(error(
                    1235,
                    "42000",
                    "SET GLOBAL would change one shard only; set it on every shard's server, \
                     in its configuration file",
                ));
            }
            Set::Account => {
                return Err(error(
                    1235,
                    "42000",
                    "passwords are kept in Shardwright's catalog, and there are no roles: \
                     shardctl user password changes one",
                ));
            }
            Set::Statement(_) => {
                return Err(error(1235, "42000", "SET STATEMENT is not one assignment"));
            }
        };
        self.diagnostics.clear();
        for a in list {
            self.assign(a, text).await?;
        }
        self.row_count = 0;
        self.note_state();
        self.ok(more);
        Ok(())
    }

    async fn assign(&mut self, a: &Assignment, text: &[u8]) -> Done {
        let value = text.get(a.value.clone()).unwrap_or_default();
        let value = String::from_utf8_lossy(value).into_owned();
        match &a.target {
            Target::Names { charset, collation } => self.names(charset, collation).await,
            Target::CharacterSet(charset) => {
                let charset = charset.clone().unwrap_or_else(|| "utf8mb4".to_string());
                check_charset(&charset)?;
                let q = format!("'{charset}'");
                let pairs = [("character_set_client", &q), ("character_set_results", &q)];
                self.check_and_keep(&pairs.map(|(n, v)| (n.to_string(), v.clone())))
                    .await
            }
            Target::Transaction {
                session,
                isolation,
                read_only,
            } => {
                self.set_transaction(*session, isolation.as_deref(), *read_only)
                    .await
            }
            Target::UserVariable(name) => {
                let literal = match a.kind {
                    ValueKind::Constant if !is_bare_word(&value) => value,
                    _ => self.evaluate(&format!("SELECT {value}")).await?,
                };
                self.keep(&[(format!("@{name}"), literal)])
            }
            Target::Session(name) => self.set_variable(name, &value, a.kind).await,
        }
    }

    async fn names(&mut self, charset: &Option<String>, collation: &Option<String>) -> Done {
        let charset = charset.clone().unwrap_or_else(|| "utf8mb4".to_string());
        check_charset(&charset)?;
        let collate = collation
            .as_ref()
            .map_or(String::new(), |c| format!(" COLLATE {c}"));
        self.check(&format!("SET NAMES {charset}{collate}")).await?;
        let mut settings = (*self.settings).clone();
        settings.set_names(&charset, collation.as_deref());
        self.set_settings(settings);
        Ok(())
    }

    async fn set_transaction(
        &mut self,
        session: bool,
        isolation: Option<&str>,
        read_only: Option<bool>,
    ) -> Done {
        if session {
            let mut pairs = Vec::new();
            if let Some(level) = isolation {
                let name = isolation_variable(self.worker.flavor.get().mariadb);
                pairs.push((name.to_string(), format!("'{}'", level.replace(' ', "-"))));
            }
            if let Some(ro) = read_only {
                let maria = self.worker.flavor.get().mariadb;
                let name = if maria {
                    "tx_read_only"
                } else {
                    "transaction_read_only"
                };
                pairs.push((name.to_string(), u8::from(ro).to_string()));
            }
            return self.check_and_keep(&pairs).await;
        }
        if self.in_transaction() {
            let text = "Transaction characteristics can't be changed while a transaction is in \
                        progress";
            return Err(error(1568, "25001", text));
        }
        let mut parts = Vec::new();
        parts.extend(isolation.map(|l| format!("ISOLATION LEVEL {l}")));
        parts.extend(read_only.map(|ro| if ro { "READ ONLY" } else { "READ WRITE" }.to_string()));
        self.transaction.next = Some(format!("SET TRANSACTION {}", parts.join(", ")));
        Ok(())
    }

    async fn set_variable(&mut self, name: &str, value: &str, kind: ValueKind) -> Done {
        if let Some((_, why)) = REFUSED.iter().find(|(n, _)| *n == name) {
            return Err(error(1235, "42000", format!("{name} cannot be set: {why}")));
        }
        match name {
            "autocommit" => return self.set_autocommit(value, kind).await,
            "last_insert_id" | "identity" => {
                let id = value.parse().map_err(|_| {
                    error(
                        1232,
                        "42000",
                        format!("Incorrect argument type to variable '{name}'"),
                    )
                })?;
                self.last_insert_id = id;
                return Ok(());
            }
            "sql_auto_is_null" if kind == ValueKind::Expression || is_true(value) => {
                let text = "sql_auto_is_null cannot be set: a shard does not know the session's last \
                            inserted row; use LAST_INSERT_ID()";
                return Err(error(1235, "42000", text));
            }
            "character_set_client" => check_charset(value.trim_matches('\''))?,
            _ => {}
        }
        let literal = match kind {
            ValueKind::Constant | ValueKind::Default => value.to_string(),
            ValueKind::Expression => self.evaluate(&format!("SELECT {value}")).await?,
        };
        self.check_and_keep(&[(name.to_string(), literal)]).await
    }

    async fn set_autocommit(&mut self, value: &str, kind: ValueKind) -> Done {
        let on = match kind {
            ValueKind::Default => true,
            ValueKind::Constant => is_true(value),
            ValueKind::Expression => is_true(&self.evaluate(&format!("SELECT {value}")).await?),
        };
        if on && !self.autocommit {
            // As on one server: turning it on commits what is open.
            self.commit_all().await?;
        }
        self.keep(&[(
            "autocommit".to_string(),
            if on { "DEFAULT" } else { "0" }.to_string(),
        )])
    }

    /// Lets a shard judge the assignments, and keeps them.
    async fn check_and_keep(&mut self, pairs: &[(String, String)]) -> Done {
        let text: Vec<_> = pairs.iter().map(|(n, v)| format!("{n} = {v}")).collect();
        self.check(&format!("SET {}", text.join(", "))).await?;
        self.keep(pairs)
    }

    /// Lets a shard judge a SET, unless it has accepted the same one before.
    async fn check(&mut self, set: &str) -> Done {
        if self.worker.is_accepted_set(set) {
            return Ok(());
        }
        let shard = self.default_shard()?;
        let index = self.acquire(shard, true).await?;
        let held = &mut self.held[index];
        let result = held.lease.conn()?.run(set).await;
        if held.pins.is_empty() && !held.in_transaction {
            // Its settings are not what the books say now.
            held.lease.conn()?.dirty = true;
        }
        self.drop_idle();
        if let Err(e) = result {
            return Err(self.doom_unless_server(e).await);
        }
        self.worker.accept_set(set.to_string());
        Ok(())
    }

    fn keep(&mut self, pairs: &[(String, String)]) -> Done {
        let mut settings = (*self.settings).clone();
        for (name, value) in pairs {
            settings.set(name, value);
        }
        if settings.bytes() > SETTINGS_BYTES_MAX {
            return Err(error(
                1235,
                "42000",
                "the settings and user variables of a session may take 1 MiB",
            ));
        }
        self.set_settings(settings);
        Ok(())
    }

    /// The value of an expression as a literal that means the same on every connection.
    async fn evaluate(&mut self, select: &str) -> Result<String, crate::session::Stop> {
        let flavor = self.worker.flavor.get();
        let lex =
            |text: &[u8]| sql::Lexed::new(text, self.mode, flavor).map_err(router::Refusal::syntax);
        let lexed = lex(select.as_bytes())?;
        let traits = router::Traits::of(select.as_bytes(), &lexed.tokens);
        if traits.named_locks || traits.writes_user_variables {
            let text =
                "GET_LOCK and the like, and := are not supported in SET; use SELECT ... INTO @name";
            return Err(error(1235, "42000", text));
        }
        let select = self.replace_session_functions(select.as_bytes(), &lexed.tokens);
        let lexed = lex(&select)?;
        let catalog = self.worker.catalog();
        let plan = router::plan(
            self.plan_context(&catalog),
            &select,
            &lexed,
            &sql::Statement::Query,
        );
        let args = self.args(&select, &lexed.tokens, &[]);
        let route = match &plan {
            router::Plan::Route(r) => Some(r.route(&catalog, &args)?),
            router::Plan::Refuse(r) => return Err(r.clone().into()),
            router::Plan::Insert(_) => None,
        };
        let shard = match route {
            Some(router::Route::One(s)) => s,
            Some(router::Route::Any) => self.any_shard(),
            _ => {
                let text = "SET from a query on a table with rows on several shards is not \
                            supported yet; read the value first";
                return Err(error(1235, "42000", text));
            }
        };
        let index = self.acquire(shard, true).await?;
        self.tell_last_insert_id(index, traits).await?;
        let conn = self.held[index].lease.conn()?;
        let answer = conn.run(&String::from_utf8_lossy(&select)).await;
        let value = answer.and_then(|a| a.rows().map_err(|e| conn.broken(e)));
        if traits.sets_last_insert_id && value.is_ok() {
            self.take_last_insert_id(index).await?;
        }
        self.drop_idle();
        let (columns, rows) = match value {
            Ok(v) => v,
            Err(e) => return Err(self.doom_unless_server(e).await),
        };
        let cell = rows
            .into_iter()
            .next()
            .and_then(|r| r.into_iter().next())
            .flatten();
        let Some(bytes) = cell else {
            return Ok("NULL".to_string());
        };
        let column = columns.first();
        let number = column.is_some_and(|c| {
            matches!(
                c.kind,
                t::DECIMAL..=t::DOUBLE | t::LONGLONG | t::INT24 | t::NEWDECIMAL
            )
        });
        Ok(match String::from_utf8(bytes) {
            Ok(text) if number => text,
            Ok(text) if column.is_none_or(|c| c.collation != 63) => {
                quote_string(&text, self.mode.no_backslash_escapes)
            }
            Ok(text) => hex(text.as_bytes()),
            Err(e) => hex(e.as_bytes()),
        })
    }

    /// An ERR packet of a shard is only an error; a broken connection ends the transaction.
    pub async fn doom_unless_server(&mut self, e: shard::ShardError) -> crate::session::Stop {
        match e {
            shard::ShardError::Server { err, .. } => crate::session::Stop::Error(err),
            e => self.doom(e).await,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("x'{digits}'")
}

/// A bare word in a user variable's value is a column name or TRUE: the server must say.
fn is_bare_word(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !value.contains('\'')
}

fn check_charset(name: &str) -> Done {
    if wire::charset::is_ascii_safe(&name.to_ascii_lowercase()) {
        return Ok(());
    }
    Err(error(
        1235,
        "42000",
        format!(
            "The character set {name} is not supported for statements, because a byte of one of \
             its characters can look like a quote; use utf8mb4"
        ),
    ))
}

fn isolation_variable(mariadb: bool) -> &'static str {
    if mariadb {
        "tx_isolation"
    } else {
        "transaction_isolation"
    }
}
