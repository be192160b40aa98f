//! What a user may do, and what SHOW tells those who may not see everything.

use crate::plans::CachedPlan;
use crate::registry::{SessionInfo, SessionRow};
use crate::session::{Done, Session, Stop, error};
use crate::statement::Run;
use catalog::{Right, Rights};
use router::{Need, Needs, PlanContext, Refusal};
use sql::cursor::Cursor;
use sql::ident::{quote_name, quote_string};
use sql::{Lexed, Op, TokenKind, classify};
use wire::resultset::ResultSet;

impl Session {
    /// The session's user as the catalog has it now; `None` for users of the configuration file, who
    /// may do everything.
    fn of_cluster(&self) -> Result<Option<catalog::User>, Stop> {
        if !self.user.is_of_cluster() {
            return Ok(None);
        }
        let catalog = self.worker.catalog();
        match catalog.users.get(&self.user.name) {
            Some(user) => Ok(Some(user.clone())),
            None => Err(self.dropped()),
        }
    }

    fn dropped(&self) -> Stop {
        let text = format!(
            "Access denied for user '{}'@'%': it was dropped",
            self.user.name
        );
        error(1045, "28000", text)
    }

    /// Refuses what the user has no right to.
    pub fn authorize(&self, needs: &Needs) -> Done {
        if !self.user.is_of_cluster() {
            return Ok(());
        }
        let catalog = self.worker.catalog();
        let name = &self.user.name;
        let user = catalog.users.get(name).ok_or_else(|| self.dropped())?;
        let Some(missing) = needs.missing(user) else {
            return Ok(());
        };
        let metrics = &self.worker.shared.metrics;
        crate::metrics::count(&metrics.statements_denied);
        Err(match missing {
            Need::Enter(database) => no_entry(name, database),
            Need::In(Right::Admin, database) => no_entry(name, database),
            Need::In(right, database) => {
                let right = right.name();
                let text = format!(
                    "{right} command denied to user '{name}'@'%' for database '{database}'; a DBA grants \
                     it with: shardctl user grant {name} {database} {right}"
                );
                error(1142, "42000", text)
            }
            Need::Server(what) => {
                let text = format!(
                    "Access denied; you need (at least one of) the admin privilege(s) on all databases \
                     for this operation: {what}"
                );
                error(1227, "42000", text)
            }
        })
    }

    /// Refuses a text that is prepared or executed by another statement.
    pub fn authorize_text(&self, text: &[u8], lexed: &Lexed) -> Done {
        if !self.user.is_of_cluster() {
            return Ok(());
        }
        let catalog = self.worker.catalog();
        let (database, mode) = (self.database.as_deref(), self.mode);
        let catalog = &catalog;
        let ctx = PlanContext {
            catalog,
            database,
            mode,
            flavor: self.worker.flavor.get(),
        };
        let statement = classify(text, lexed, mode);
        self.authorize(&Needs::of(ctx, text, &lexed.tokens, &statement))
    }

    /// Refuses a database in which the user has no right at all.
    pub fn authorize_entry(&self, database: &str) -> Done {
        let Some(user) = self.of_cluster()? else {
            return Ok(());
        };
        if may_use(&user, database) {
            return Ok(());
        }
        Err(no_entry(&self.user.name, database))
    }

    /// True if the user may see and end a session.
    pub fn may_end(&self, target: &SessionInfo) -> Result<bool, Stop> {
        let user = self.of_cluster()?;
        Ok(user.is_none_or(|u| u.is_admin()) || target.user() == self.user.name)
    }

    /// The sessions that the user may see.
    pub fn visible_sessions(&self) -> Result<Vec<SessionRow>, Stop> {
        let mut rows = self.worker.shared.registry.rows();
        if self.of_cluster()?.is_some_and(|u| !u.is_admin()) {
            rows.retain(|r| r.user == self.user.name);
        }
        Ok(rows)
    }

    /// True if the user may see a database.
    pub fn sees(&self, database: &str) -> Result<bool, Stop> {
        Ok(self.of_cluster()?.is_none_or(|u| may_use(&u, database)))
    }

    /// SHOW DATABASES: a shard answers, for the databases that the user may see.
    pub async fn show_databases(&mut self, plan: &CachedPlan, run: Run<'_>) -> Done {
        let shard = self.default_shard()?;
        let user = self.of_cluster()?.filter(|u| !u.is_admin());
        let Some(user) = user else {
            return self.run_alone(shard, plan, run).await;
        };
        let catalog = self.worker.catalog();
        let mut list: Vec<String> = vec![quote_string("information_schema", false)];
        let visible = catalog.databases.keys().filter(|d| user.may_enter(d));
        list.extend(visible.map(|d| quote_string(d, self.mode.no_backslash_escapes)));
        let mut c = Cursor::new(run.text, &run.lexed.tokens, self.mode);
        c.index = 2;
        let mut text = format!("SHOW DATABASES WHERE `Database` IN ({})", list.join(", "));
        text += &databases_clause(c)?;
        let request = crate::request::Request::Query(text.into_bytes().into());
        let options = crate::relay::RelayOptions {
            status_set: run.more,
            ..Default::default()
        };
        self.run_exclusive(shard, &request, plan.traits, options, None)
            .await?;
        Ok(())
    }

    /// SHOW GRANTS: of the user, or of another one for those who may do everything.
    pub fn show_grants(&self, of: Option<&str>) -> Result<ResultSet, Stop> {
        let own = self.user.name.as_str();
        let name = of.unwrap_or(own);
        let asker = self.of_cluster()?;
        if name != own && asker.is_some_and(|u| !u.is_admin()) {
            let text = format!("Access denied for user '{own}'@'%' to the grants of '{name}'");
            return Err(error(1044, "42000", text));
        }
        let title = format!("Grants for {name}@%");
        let mut set = ResultSet::with_text_columns(&[title.as_str()]);
        let account = format!("{}@`%`", quote_name(name));
        let catalog = self.worker.catalog();
        let of_file = name == own && !self.user.is_of_cluster();
        if of_file || self.worker.shared.users.is_of_file(name) {
            set.row([format!("GRANT ALL PRIVILEGES ON *.* TO {account}")]);
            return Ok(set);
        }
        let Some(user) = catalog.users.get(name) else {
            let text = format!("There is no such grant defined for user '{name}' on host '%'");
            return Err(error(1141, "42000", text));
        };
        set.row([format!("GRANT USAGE ON *.* TO {account}")]);
        for (database, rights) in &user.grants {
            let on = match database.as_str() {
                catalog::user::EVERYWHERE => "*".to_string(),
                name => quote_name(name),
            };
            set.row([format!(
                "GRANT {} ON {on}.* TO {account}",
                privileges(*rights)
            )]);
        }
        Ok(set)
    }
}

/// What stands behind SHOW DATABASES, as a further condition. It cannot reach out of its place.
fn databases_clause(mut c: Cursor<'_>) -> Result<String, Stop> {
    let wrong =
        || Refusal::syntax("behind SHOW DATABASES stands LIKE 'pattern' or WHERE condition");
    let text = |from: usize, to: usize| String::from_utf8_lossy(&c.text[from..to]).into_owned();
    if c.at_end() {
        return Ok(String::new());
    }
    let start = c.position();
    if c.eat("LIKE") {
        c.string().filter(|_| c.at_end()).ok_or_else(wrong)?;
        return Ok(format!(" AND `Database` {}", text(start, c.end_of_last())));
    }
    if !c.eat("WHERE") {
        return Err(wrong().into());
    }
    let (start, mut depth) = (c.position(), 0usize);
    while !c.at_end() {
        match c.next().map(|t| t.kind) {
            Some(TokenKind::Op(Op::LParen)) => depth += 1,
            Some(TokenKind::Op(Op::RParen)) => depth = depth.checked_sub(1).ok_or_else(wrong)?,
            _ => {}
        }
    }
    if depth > 0 {
        return Err(wrong().into());
    }
    Ok(format!(" AND ({})", text(start, c.end_of_last())))
}

/// The server's names for rights, which tools read.
fn privileges(rights: Rights) -> String {
    if rights.allow(Right::Admin) {
        return "ALL PRIVILEGES".to_string();
    }
    let names = [
        (Right::Read, "SELECT, SHOW VIEW"),
        (
            Right::Write,
            "INSERT, UPDATE, DELETE, EXECUTE, LOCK TABLES, CREATE TEMPORARY TABLES",
        ),
        (
            Right::Ddl,
            "CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE VIEW, TRIGGER, EVENT, CREATE ROUTINE, \
             ALTER ROUTINE",
        ),
    ];
    let allowed = names.iter().filter(|(r, _)| rights.allow(*r));
    allowed.map(|(_, n)| *n).collect::<Vec<_>>().join(", ")
}

/// True if a user may make a database current.
pub fn may_use(user: &catalog::User, database: &str) -> bool {
    if router::scope::is_system_schema(database) {
        return user.is_admin() || database.eq_ignore_ascii_case("information_schema");
    }
    user.may_enter(database)
}

/// ER_DBACCESS_DENIED_ERROR.
pub fn no_entry_text(user: &str, database: &str) -> String {
    format!("Access denied for user '{user}'@'%' to database '{database}'")
}

fn no_entry(user: &str, database: &str) -> Stop {
    error(1044, "42000", no_entry_text(user, database))
}
