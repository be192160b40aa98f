//! SHOW and DESCRIBE: answered by the proxy, by the shard of a table, by any shard, or put together.

use crate::Refusal;
use crate::analyze::scope::is_system_schema;
use crate::analyze::unknown_call::unknown_call;
use crate::plan::{Access, Forward, List, Plan, Read, Target, local, no_shards, server};
use crate::traits::is_word;
use catalog::{Catalog, Placement, ShardId};
use errors::{ClientError, ReadError};
use sql::ident::name_of;
use sql::show::Show;
use sql::{Op, TokenKind};

impl Read<'_> {
    pub(super) fn show(self, show: &Show) -> Result<Plan, Refusal> {
        self.check_condition()?;
        if let Some(plan) = local::show(show) {
            return Ok(plan);
        }
        match show {
            Show::Table { table } => {
                let database = table.database.as_deref().or(self.ctx.database);
                let database = database.ok_or_else(Refusal::no_database)?;
                self.check_database(database, Some(&table.name))?;
                self.ask(shard_of_table(self.ctx.catalog, database, &table.name)?)
            }
            Show::Database(database) => {
                // Of what is open nowhere a server lists nothing.
                let listed = database
                    .as_deref()
                    .filter(|_| !self.is_behind_show(b"OPEN"));
                listed.map_or(Ok(()), |d| self.check_database(d, None))?;
                match self.is_behind_show(b"CREATE") {
                    true => self.ask(self.default_shard()?),
                    false => self.list(database.as_deref()),
                }
            }
            Show::Routine(database) => {
                let database = database.as_deref().or(self.ctx.database);
                let home = self.ctx.catalog.default_shard(database);
                Ok(Plan::Routine(home.ok_or_else(no_shards)?))
            }
            Show::Databases => Ok(Plan::Databases(self.default_shard()?)),
            Show::OneServer(what) => Err(server::state_of_one(what)),
            _ => self.ask(self.default_shard()?),
        }
    }

    /// The condition of a SHOW filters what one shard lists. A query in it would read that shard's rows, and
    /// a stored function may do anything: both would pass by what is planned for statements on rows.
    fn check_condition(&self) -> Result<(), Refusal> {
        let is = |t: &sql::Token, word: &[u8]| is_word(self.text, *t, word);
        let Some(at) = self.tokens.iter().position(|t| is(t, b"WHERE")) else {
            return Ok(());
        };
        let condition = &self.tokens[at..];
        // Value and Table are columns too: they begin a query only in front of what a query has there.
        let begins = |w: &[sql::Token]| {
            let row = w[2].kind == TokenKind::Op(Op::LParen) || is(&w[2], b"ROW");
            w[0].kind == TokenKind::Op(Op::LParen)
                && (is(&w[1], b"WITH")
                    || is(&w[1], b"VALUES") && row
                    || is(&w[1], b"TABLE") && name_of(self.text, w[2]).is_some())
        };
        if condition.iter().any(|t| is(t, b"SELECT")) || condition.windows(3).any(begins) {
            return Err(ReadError::ShowQuery.into());
        }
        match unknown_call(self.text, condition, self.ctx.flavor) {
            Some(function) => Err(ReadError::ShowCall { function }.into()),
            None => Ok(()),
        }
    }

    fn is_behind_show(self, word: &[u8]) -> bool {
        let behind = self.tokens.get(1);
        behind.is_some_and(|t| is_word(self.text, *t, word))
    }

    /// A database that the catalog does not know is not there: a shard would only say that the proxy may not
    /// look.
    fn check_database(self, database: &str, table: Option<&str>) -> Result<(), Refusal> {
        let catalog = self.ctx.catalog;
        if catalog.databases.contains_key(database) || is_system_schema(database) {
            return Ok(());
        }
        Err(match table.filter(|_| self.ctx.flavor.mariadb) {
            Some(table) => ClientError::no_such_table(database, table),
            None => ClientError::unknown_database(database),
        })
    }

    fn ask(self, shard: ShardId) -> Result<Plan, Refusal> {
        Ok(Plan::Forward(Forward {
            access: Access::Describe,
            target: Target::Fixed(shard),
            traits: self.traits,
            // A SHOW names what it is about, but reads no rows of it.
            tables: Default::default(),
            pin: None,
            together: None,
        }))
    }

    fn list(self, database: Option<&str>) -> Result<Plan, Refusal> {
        let catalog = self.ctx.catalog;
        let database = database.or(self.ctx.database);
        let home = catalog.default_shard(database).ok_or_else(no_shards)?;
        let others = others(catalog, database, home);
        match others.is_empty() {
            true => self.ask(home),
            false => Ok(Plan::List(List { home, others })),
        }
    }
}

/// A shard that has the table.
pub fn shard_of_table(catalog: &Catalog, database: &str, table: &str) -> Result<ShardId, Refusal> {
    let of_table = match catalog.table(database, table).map(|t| &t.placement) {
        Some(Placement::Single(s) | Placement::View(s)) => Some(*s),
        Some(Placement::Sharded(s)) => s.shards().first().copied(),
        _ => None,
    };
    let or_default = of_table.or_else(|| catalog.default_shard(Some(database)));
    or_default.ok_or_else(no_shards)
}

/// Shards besides `home` that have an object of the database which the home has not.
fn others(catalog: &Catalog, db: Option<&str>, home: ShardId) -> Vec<ShardId> {
    let mut out: Vec<ShardId> = Vec::new();
    let of_database = catalog
        .tables
        .iter()
        .filter(|(n, _)| Some(&*n.database) == db);
    for (_, table) in of_database {
        let away = match &table.placement {
            Placement::Single(s) | Placement::View(s) => (*s != home).then_some(*s),
            Placement::Sharded(s) => {
                let shards = s.shards();
                let first = shards.first().copied();
                first.filter(|_| !shards.contains(&home))
            }
            Placement::Reference => None,
        };
        out.extend(away.filter(|s| !out.contains(s)));
    }
    out
}
