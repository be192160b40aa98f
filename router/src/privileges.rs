//! Which rights a statement needs, read off its kind and the names in it.
//!
//! Like [`crate::names`] it may ask for too much and never for too little: every name that could mean a
//! database or a table counts as if it did.

mod options;

use crate::analyze::scope::is_system_schema;
use crate::names::Named;
use crate::plan::PlanContext;
use crate::traits::{Traits, is_word};
use catalog::{Right, User};
use smallvec::SmallVec;
use sql::ddl::Ddl;
use sql::ident::name_of;
use sql::lexer::{Op, Token, TokenKind};
use sql::set::Set;
use sql::shard_by::RuleStatement;
use sql::show::Show;
use sql::{ObjectName, Statement};

/// One thing that a statement needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privilege {
    /// A right in a database.
    In(Right, String),
    /// Any right in a database: looking at what it has.
    Enter(String),
    /// Admin on every database, and what for.
    Server(&'static str),
}

/// Everything that a statement needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequiredPrivileges(SmallVec<[Privilege; 2]>);

const OWN_SCHEMAS: &str = "the server's own schemas";
const FILES: &str = "files on a server's machine";

/// Tables of information_schema that show what other users do or have.
const TELLTALE: [&str; 9] = [
    "PROCESSLIST",
    "USER_PRIVILEGES",
    "SCHEMA_PRIVILEGES",
    "TABLE_PRIVILEGES",
    "COLUMN_PRIVILEGES",
    "APPLICABLE_ROLES",
    "USER_STATISTICS",
    "CLIENT_STATISTICS",
    "METADATA_LOCK_INFO",
];

/// Words behind which a table stands.
const BEFORE_TABLE: [&str; 8] = [
    "FROM",
    "JOIN",
    "INTO",
    "UPDATE",
    "TABLE",
    "TABLES",
    "REFERENCES",
    "LIKE",
];

impl RequiredPrivileges {
    /// What a statement needs in a session with this database.
    pub(crate) fn of(
        ctx: PlanContext<'_>,
        text: &[u8],
        tokens: &[Token],
        statement: &Statement,
        names: &Named,
        traits: Traits,
    ) -> Self {
        let mut r = Reader {
            ctx,
            text,
            tokens,
            names,
            traits,
            out: RequiredPrivileges::default(),
        };
        r.statement(statement);
        r.out
    }

    /// The first need that a user's rights do not cover.
    pub fn missing(&self, user: &User) -> Option<&Privilege> {
        self.0.iter().find(|need| match need {
            Privilege::In(right, database) => !user.may(*right, database),
            Privilege::Enter(database) => !user.may_enter(database),
            Privilege::Server(_) => !user.is_admin(),
        })
    }

    fn add(&mut self, need: Privilege) {
        if !self.0.contains(&need) {
            self.0.push(need);
        }
    }
}

struct Reader<'a> {
    ctx: PlanContext<'a>,
    text: &'a [u8],
    tokens: &'a [Token],
    names: &'a Named,
    traits: Traits,
    out: RequiredPrivileges,
}

impl Reader<'_> {
    fn statement(&mut self, statement: &Statement) {
        let traits = self.traits;
        match statement {
            Statement::Query if traits.locking => self.rows(Right::Write),
            Statement::Query | Statement::Do | Statement::Handler | Statement::ExplainShard(_) => {
                self.rows(Right::Read);
            }
            Statement::Insert(Some(insert)) => {
                self.named_in(&insert.table, Right::Write);
                // The target itself is not read, unless its new rows come back.
                let target = (!self.has("RETURNING")).then_some(&insert.table);
                self.rows_beside(target, Right::Read);
            }
            Statement::Insert(None) | Statement::Update | Statement::Delete | Statement::Call => {
                self.rows(Right::Write);
            }
            Statement::LockTables => match self.has("WRITE") {
                true => self.rows(Right::Write),
                false => self.rows(Right::Read),
            },
            Statement::Load(_) => {
                if !self.has("LOCAL") {
                    self.server(FILES);
                }
                self.rows(Right::Write);
            }
            Statement::Explain(at) => {
                let verb = |w: &&[u8]| {
                    self.tokens
                        .get(*at)
                        .is_some_and(|t| is_word(self.text, *t, w))
                };
                // ANALYZE runs what it explains.
                let reads = [&b"SELECT"[..], b"WITH", b"TABLE", b"VALUES"]
                    .iter()
                    .any(verb);
                self.rows(if reads { Right::Read } else { Right::Write });
            }
            Statement::Set(Set::Global) => self.server("SET GLOBAL"),
            Statement::Set(_) => self.rows(Right::Read),
            Statement::Use(database) => self.enter(database),
            Statement::Show(show) => self.show(show),
            Statement::Ddl(ddl) => self.ddl(ddl),
            Statement::Rule(rule) => match &**rule {
                RuleStatement::Create { table, .. } | RuleStatement::Drop { table } => {
                    self.named_in(table, Right::Ddl);
                }
                RuleStatement::CancelJob { .. } => self.server("CANCEL DDL JOB"),
            },
            Statement::Flush => self.server("FLUSH"),
            Statement::Other => self.server("this kind of statement"),
            // The text that is prepared is looked at by itself; the others say nothing of data.
            Statement::SqlPrepare(_)
            | Statement::ExecuteImmediate(_)
            | Statement::SqlExecute
            // Checked with the user's name, which changes its own password.
            | Statement::Account(_)
            | Statement::Empty
            | Statement::Transaction(_)
            | Statement::BadClause(_)
            | Statement::Kill { .. }
            | Statement::UnlockTables
            | Statement::ServerAdmin(_) => {}
        }
        if traits.into_file || traits.reads_file {
            self.server(FILES);
        }
    }

    fn has(&self, word: &str) -> bool {
        let is = |t: &&Token| is_word(self.text, **t, word.as_bytes());
        self.tokens.iter().find(is).is_some()
    }

    fn server(&mut self, what: &'static str) {
        self.out.add(Privilege::Server(what));
    }

    fn enter(&mut self, database: &str) {
        match database.eq_ignore_ascii_case("information_schema") {
            true => {}
            false if is_system_schema(database) => self.server(OWN_SCHEMAS),
            false => self.out.add(Privilege::Enter(database.to_string())),
        }
    }

    fn need(&mut self, right: Right, database: &str) {
        match database.eq_ignore_ascii_case("information_schema") {
            true => {}
            false if is_system_schema(database) => self.server(OWN_SCHEMAS),
            false => self.out.add(Privilege::In(right, database.to_string())),
        }
    }

    /// In the database of an object that the statement names.
    fn named_in(&mut self, name: &ObjectName, right: Right) {
        if let Some(database) = name.database.as_deref().or(self.ctx.database) {
            self.need(right, database);
        }
    }

    /// The same right in every database that the statement could mean.
    fn rows(&mut self, right: Right) {
        self.rows_beside(None, right);
    }

    /// The same, as if one table were not named.
    fn rows_beside(&mut self, target: Option<&ObjectName>, right: Right) {
        let is_target = |database: &str, table: &str| {
            target.is_some_and(|t| {
                let own = t.database.as_deref().or(self.ctx.database);
                own.is_some_and(|d| d == database) && t.name == table
            })
        };
        let mut information_schema = self
            .ctx
            .database
            .is_some_and(|d| d.eq_ignore_ascii_case("information_schema"));
        let (mut elsewhere, mut found) = (target.is_some(), Vec::new());
        for (i, t) in self.tokens.iter().enumerate() {
            let Some(name) = name_of(self.text, *t) else {
                continue;
            };
            if self.tokens.get(i + 1).map(|t| t.kind) != Some(TokenKind::Op(Op::Dot)) {
                continue;
            }
            let behind = i.checked_sub(1).and_then(|b| self.tokens.get(b));
            if behind.is_some_and(|t| t.kind == TokenKind::Op(Op::Dot)) {
                continue;
            }
            if name.eq_ignore_ascii_case("information_schema") {
                information_schema = true;
            } else if is_system_schema(&name) {
                found.push(name);
            } else if let Some(known) = self.database_like(&name) {
                elsewhere = true;
                let table = self.tokens.get(i + 2).and_then(|t| name_of(self.text, *t));
                if !table.is_some_and(|t| is_target(&name, &t)) {
                    found.push(known);
                }
            }
        }
        let tables = self.names.tables.iter().map(|t| &t.name);
        let tables = tables.filter(|n| !is_target(&n.database, &n.table));
        found.extend(tables.map(|n| n.database.clone()));
        found.iter().for_each(|d| self.need(right, d));
        if self.names.unknown.is_some() {
            self.server("a database that only a shard knows");
        }
        if information_schema {
            self.telltale();
        }
        // Names that the catalog does not know stand for tables of the current database.
        if self.names.tables.is_empty()
            && !(elsewhere || information_schema)
            && (right != Right::Read || self.tokens.iter().any(|t| self.is_before_table(*t)))
            && let Some(database) = self.ctx.database
        {
            self.need(right, database);
        }
    }

    /// The catalog's spelling of a database; servers may be told to ignore the case of names.
    fn database_like(&self, name: &str) -> Option<String> {
        let databases = &self.ctx.catalog.databases;
        if databases.contains_key(name) {
            return Some(name.to_string());
        }
        databases
            .keys()
            .find(|d| d.eq_ignore_ascii_case(name))
            .cloned()
    }

    fn is_before_table(&self, t: Token) -> bool {
        BEFORE_TABLE
            .iter()
            .any(|w| is_word(self.text, t, w.as_bytes()))
    }

    fn telltale(&mut self) {
        let names = self.tokens.iter().filter_map(|t| name_of(self.text, *t));
        let tells = |name: &String| {
            let upper = name.to_ascii_uppercase();
            upper.starts_with("INNODB_") || TELLTALE.contains(&upper.as_str())
        };
        if names.into_iter().any(|n| tells(&n)) {
            self.server("tables that show what other users do");
        }
    }

    fn show(&mut self, show: &Show) {
        match show {
            Show::Table { table } => {
                if let Some(database) = table.database.as_deref().or(self.ctx.database) {
                    self.enter(database);
                }
            }
            Show::Database(database) | Show::Routine(database) => {
                if let Some(database) = database.as_deref().or(self.ctx.database) {
                    self.enter(database);
                }
            }
            Show::Shards | Show::DdlJobs => self.server("looking at the cluster"),
            Show::Anywhere if self.has("USER") => self.server("looking at accounts"),
            // SHOW EVENTS FROM database and the like.
            Show::Anywhere => {
                let behind = |w: &[Token]| {
                    let from = [&b"FROM"[..], b"IN"]
                        .iter()
                        .any(|f| is_word(self.text, w[0], f));
                    from.then(|| name_of(self.text, w[1])).flatten()
                };
                let named: Vec<_> = self.tokens.windows(2).filter_map(behind).collect();
                for name in named {
                    if let Some(database) = self.database_like(&name) {
                        self.enter(&database);
                    }
                }
            }
            // Rows that are not the user's are left out.
            Show::ShardedTables
            | Show::ProxySessions
            | Show::ProcessList { .. }
            | Show::ProxyStatus
            | Show::Unsupported
            | Show::Databases
            | Show::Grants { .. }
            | Show::Diagnostics(_)
            | Show::OneServer(_) => {}
        }
    }

    fn ddl(&mut self, ddl: &Ddl) {
        self.table_options();
        match ddl {
            Ddl::CreateTable(t) if t.temporary => self.rows(Right::Write),
            Ddl::CreateTable(t) => {
                self.named_in(&t.table, Right::Ddl);
                self.rows_if_any(Right::Read);
            }
            Ddl::AlterTable { table, .. } | Ddl::DropIndex(table) | Ddl::Truncate(table) => {
                self.named_in(table, Right::Ddl);
                self.rows(Right::Ddl);
            }
            Ddl::CreateIndex { table, .. } => self.named_in(table, Right::Ddl),
            Ddl::DropTable {
                tables, temporary, ..
            } => {
                let right = if *temporary { Right::Write } else { Right::Ddl };
                tables.iter().for_each(|t| self.named_in(t, right));
            }
            Ddl::RenameTable { pairs, .. } => pairs.iter().for_each(|(from, to)| {
                self.named_in(from, Right::Ddl);
                self.named_in(to, Right::Ddl);
            }),
            Ddl::CreateDatabase { name, .. } | Ddl::DropDatabase { name, .. } => {
                self.need(Right::Admin, name);
            }
            Ddl::AlterDatabase(name) => {
                if let Some(name) = name.as_deref().or(self.ctx.database) {
                    self.need(Right::Admin, name);
                }
            }
            // What they hold runs with the proxy's rights, whoever calls it later.
            Ddl::CreateView { view, .. } => self.definition(view),
            Ddl::Routine(name) => {
                if self.has("PREPARE") || self.has("IMMEDIATE") {
                    self.server("a routine with dynamic SQL");
                }
                self.definition(name);
            }
            Ddl::DropView { views, .. } => {
                views.iter().for_each(|v| self.named_in(v, Right::Ddl));
            }
            Ddl::Maintain(tables) => tables.iter().for_each(|t| self.named_in(t, Right::Write)),
        }
    }

    fn definition(&mut self, name: &ObjectName) {
        self.named_in(name, Right::Ddl);
        self.rows_if_any(Right::Read);
        self.rows_if_any(Right::Write);
    }

    /// Like `rows`, for statements that need not touch a table of the current database.
    fn rows_if_any(&mut self, right: Right) {
        let before = self.out.clone();
        self.rows(right);
        if self.names.tables.is_empty()
            && let Some(database) = self.ctx.database
        {
            let guessed = Privilege::In(right, database.to_string());
            if !before.0.contains(&guessed) {
                self.out.0.retain(|n| *n != guessed);
            }
        }
    }
}

#[cfg(test)]
mod tests;
