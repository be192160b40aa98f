//! From a statement to its plan.
//!
//! A plan is made once per digest and kept; it is what runs and what EXPLAIN SHARD prints. Where the shards
//! depend on the values of one execution, [`Forward::route`] and [`InsertPlan::route`] turn the plan into
//! an [`Operator`] with the values put in.

pub mod ddl;
pub mod explain;
pub mod filter;
mod forward;
pub mod gather;
pub mod insert;
mod local;
pub mod merge;
mod never;
mod rows;
mod server;
mod show;

use self::ddl::DdlPlan;
use crate::Refusal;
use crate::names::named;
use crate::privileges::RequiredPrivileges;
use crate::stored_code;
use crate::traits::Traits;
use catalog::{Catalog, ShardId, TableName};
use errors::{ReadError, SqlError};
use smallvec::SmallVec;
use sql::{Flavor, LexMode, Lexed, Statement, classify};

pub use forward::{
    Access, Forward, Keyed, Operator, Pin, RouteContext, SessionFacts, Shards, Target,
};
pub use insert::{InsertPlan, InsertRoute, RowIds};
pub use local::Local;
pub use show::shard_of_table;

/// What will be done with a statement.
#[derive(Debug, Clone)]
pub enum Plan {
    /// The proxy does it by itself.
    Local(Box<Local>),
    /// It is sent as it is, to one shard or to several.
    Forward(Forward),
    /// INSERT or REPLACE into a sharded or reference table: rows are split by shard.
    Insert(Box<InsertPlan>),
    /// SHOW TABLES and the like: each shard lists its own objects, merged by name.
    List(List),
    /// SHOW DATABASES: a shard answers, for the databases that the user may see.
    Databases(ShardId),
    /// SHOW CREATE PROCEDURE and the like: a shard answers, which shows a body to few.
    Routine(ShardId),
    /// A change of structure.
    Ddl(Box<DdlPlan>),
    /// It is not run.
    Refuse(Refusal),
}

/// A listing of a database whose objects may live on several shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The database's default shard, whose rows win.
    pub home: ShardId,
    /// Other shards with objects of the database that the home does not have.
    pub others: Vec<ShardId>,
}

impl List {
    /// All shards that list, the home first.
    pub fn shards(&self) -> Vec<ShardId> {
        let mut out = vec![self.home];
        out.extend(&self.others);
        out
    }
}

/// A statement with all that is read off it once.
#[derive(Debug)]
pub struct Planned {
    /// What will be done.
    pub plan: Plan,
    /// What it asks of its session and connection.
    pub traits: Traits,
    /// What it asks of its user.
    pub privileges: RequiredPrivileges,
    /// Tables of the catalog that it names.
    pub tables: SmallVec<[TableName; 2]>,
    /// True if the digest says all there is to say, so that the plan serves every text with it.
    pub is_cacheable: bool,
    /// Where and how a statement about another one (EXPLAIN, PREPARE) holds it; for those that look inside.
    pub statement: Statement,
}

/// What a statement is planned against.
#[derive(Debug, Clone, Copy)]
pub struct PlanContext<'a> {
    /// The catalog snapshot.
    pub catalog: &'a Catalog,
    /// Current database.
    pub database: Option<&'a str>,
    /// How text is read.
    pub mode: LexMode,
    /// What kind of servers the shards are.
    pub flavor: Flavor,
}

impl Planned {
    /// Reads and plans one statement.
    pub fn of(ctx: PlanContext<'_>, text: &[u8], lexed: &Lexed) -> Self {
        let statement = classify(text, lexed, ctx.mode);
        let tokens = &lexed.tokens[..];
        let mut traits = Traits::of(text, tokens);
        let names = named(ctx.catalog, ctx.database, text, tokens);
        traits.stored_code = stored_code::may_run(ctx, text, tokens, &statement, &names);
        // What runs inside may ask for it.
        traits.last_insert_id |= traits.stored_code;
        let opens_nothing = matches!(
            statement,
            Statement::Query | Statement::Do | Statement::SqlPrepare(_)
        );
        traits.keeps_conditions =
            opens_nothing && !traits.stored_code && !stored_code::has_from(text, tokens);
        let privileges = RequiredPrivileges::of(ctx, text, tokens, &statement, &names, traits);
        let source = Read {
            ctx,
            text,
            tokens,
            traits,
            names: &names,
        };
        let plan = source.plan(&statement).unwrap_or_else(Plan::Refuse);
        Self {
            plan,
            traits,
            privileges,
            tables: names.tables.iter().map(|t| t.name.clone()).collect(),
            is_cacheable: matches!(
                statement,
                Statement::Query
                    | Statement::Insert(Some(_))
                    | Statement::Update
                    | Statement::Delete
                    | Statement::Transaction(_)
            ),
            statement,
        }
    }
}

/// A statement as far as it is read: what every planner step looks at.
#[derive(Clone, Copy)]
pub(crate) struct Read<'a> {
    pub ctx: PlanContext<'a>,
    pub text: &'a [u8],
    pub tokens: &'a [sql::Token],
    pub traits: Traits,
    pub names: &'a crate::names::Named,
}

impl Read<'_> {
    fn plan(self, statement: &Statement) -> Result<Plan, Refusal> {
        match statement {
            // A server would answer from what its connection ran last, which is nobody's.
            Statement::Other if self.begins_with(b"GET") => Err(ReadError::GetDiagnostics.into()),
            Statement::Query
            | Statement::Insert(_)
            | Statement::Update
            | Statement::Delete
            | Statement::Explain(_)
            | Statement::Call
            | Statement::Load(_)
            | Statement::Do
            | Statement::Other => self.rows(statement),
            Statement::LockTables => self.lock_tables(statement),
            Statement::Handler => self.rows(statement).map(|p| pinned(p, Pin::Handler)),
            Statement::Show(show) => self.show(show),
            Statement::ServerAdmin(what) => Err(server::administration(what)),
            Statement::Ddl(ddl) => Ok(Plan::Ddl(Box::new(self.ddl(ddl)))),
            Statement::Set(set) => local::set(set),
            Statement::Empty if is_blank(self.text) => Err(SqlError::EmptyQuery.into()),
            Statement::BadClause(e) => Err(Refusal::syntax(e)),
            _ => Ok(local::of(statement)),
        }
    }

    /// Each shard locks the tables that it has.
    fn lock_tables(self, statement: &Statement) -> Result<Plan, Refusal> {
        match sql::lock::parse(sql::cursor::Cursor::new(
            self.text,
            self.tokens,
            self.ctx.mode,
        )) {
            Some(lock) => Ok(local::lock_tables(lock)),
            // A server says what is wrong with it.
            None => self.rows(statement).map(|p| pinned(p, Pin::LockedTables)),
        }
    }

    fn begins_with(&self, word: &[u8]) -> bool {
        let first = self.tokens.first();
        first.is_some_and(|t| crate::traits::is_word(self.text, *t, word))
    }

    /// The shard for statements that any shard can answer.
    fn default_shard(&self) -> Result<ShardId, Refusal> {
        let shard = self.ctx.catalog.default_shard(self.ctx.database);
        shard.ok_or_else(no_shards)
    }
}

/// True for a text without even a comment.
fn is_blank(text: &[u8]) -> bool {
    let blank = |b: &u8| b.is_ascii_whitespace() || *b == b';';
    text.iter().all(blank)
}

/// The connection stays with the session after it.
fn pinned(plan: Plan, pin: Pin) -> Plan {
    match plan {
        Plan::Forward(f) => Plan::Forward(Forward {
            pin: Some(pin),
            ..f
        }),
        other => other,
    }
}

/// There is no shard at all.
pub fn no_shards() -> Refusal {
    ReadError::NoShard.into()
}
