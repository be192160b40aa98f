//! From a statement to its plan.

use crate::Source;
use crate::analyze::dml;
use crate::analyze::facts::InstanceId;
use crate::analyze::schema::SchemaNeed;
use crate::analyze::{Analysis, LooksFor, shape_block};
use crate::insert::{self, InsertPlan};
use crate::names::{Common, Named, named};
use crate::refusal::Refusal;
use crate::traits::{Traits, is_word};
use catalog::{Catalog, Placement, ShardId, TableName};
use smallvec::SmallVec;
use sql::lexer::Token;
use sql::parse::{Doubt, ParseError, Parsed};
use sql::{Flavor, LexMode, Lexed, Statement};
use std::sync::Arc;

/// What a statement does to its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads.
    Read,
    /// Reads and locks.
    LockingRead,
    /// Changes rows.
    Write,
}

/// A sharded table of a plan: how to find its shards for one execution.
#[derive(Debug, Clone)]
pub struct Keyed {
    /// The table.
    pub table: Arc<catalog::Table>,
    /// Whole keys, if the conditions name them.
    pub points: Option<Vec<SmallVec<[Source; 2]>>>,
    /// Bounds of the first key column, if the conditions give them.
    pub bounds: Option<(Option<Source>, Option<Source>)>,
}

/// Where a statement goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// This shard.
    Fixed(ShardId),
    /// Any shard answers the same.
    Any,
    /// Every shard, with the same effect (writes to reference tables).
    Everywhere,
    /// The shard whose information_schema can answer.
    Schema(SchemaNeed),
    /// By the sharding keys of these tables; `home` is a shard that other tables need.
    Keyed {
        /// The sharded tables.
        tables: Vec<Keyed>,
        /// Where single tables of the statement live.
        home: Option<ShardId>,
        /// Why more than one shard cannot answer, if so.
        scatter_block: Option<String>,
    },
}

/// A statement that is forwarded as it is.
#[derive(Debug, Clone)]
pub struct RoutePlan {
    /// What it does.
    pub access: Access,
    /// Where it goes.
    pub target: Target,
    /// What it asks of the connection.
    pub traits: Traits,
    /// Tables it uses, for people.
    pub tables: SmallVec<[TableName; 2]>,
}

/// A plan for a statement on tables.
#[derive(Debug, Clone)]
pub enum Plan {
    /// Forward it.
    Route(RoutePlan),
    /// INSERT or REPLACE into a sharded or reference table.
    Insert(Box<InsertPlan>),
    /// Do not run it.
    Refuse(Refusal),
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

/// Plans a statement that reads or changes rows, or that any shard may answer.
pub fn plan(ctx: PlanContext<'_>, text: &[u8], lexed: &Lexed, statement: &Statement) -> Plan {
    let tokens = &lexed.tokens[..];
    let traits = Traits::of(text, tokens);
    let names = named(ctx.catalog, ctx.database, text, tokens);
    if let Some(t) = &names.pending {
        // Some shards may have it already; nobody may see half a table.
        return Plan::Refuse(Refusal::no_such_table(&t.database, &t.table));
    }
    if let Some(t) = &names.unknown {
        return Plan::Refuse(match ctx.flavor.mariadb {
            true => Refusal::no_such_table(&t.database, &t.table),
            false => Refusal::unknown_database(&t.database),
        });
    }
    let result = match (statement, names.common()) {
        (Statement::Insert(Some(insert)), _) => {
            insert::plan(ctx, text, tokens, insert, &names, traits)
        }
        (_, Common::OneShard(s)) if !names.has_reference() || is_read(statement) => {
            forward(ctx, statement, &names, traits, Target::Fixed(s))
        }
        (_, Common::Nothing) => nothing_named(ctx, statement, &names, traits),
        (_, Common::Reference) if is_read(statement) => {
            forward(ctx, statement, &names, traits, Target::Any)
        }
        (_, Common::Apart(a, b)) if !parseable(statement) => Err(Refusal::unsupported(format!(
            "{a} and {b} live on different shards; Shardwright joins them in a later version"
        ))),
        (Statement::Query | Statement::Update | Statement::Delete, _) => {
            parsed(ctx, text, tokens, statement, &names, traits)
        }
        (_, common) => Err(other_statement(statement, &common)),
    };
    let result = result.and_then(|plan| match names.information_schema {
        true => with_schema(ctx, text, tokens, statement, plan),
        false => Ok(plan),
    });
    let result = result.and_then(|plan| match traits.named_locks {
        true => with_locks(ctx, plan),
        false => Ok(plan),
    });
    match result {
        Ok(plan) => check_traits(plan),
        Err(r) => Plan::Refuse(r),
    }
}

/// GET_LOCK and the like exclude other sessions only if all of them ask the same server, whatever their
/// database is.
fn with_locks(ctx: PlanContext<'_>, plan: Plan) -> Result<Plan, Refusal> {
    let keeper = ctx
        .catalog
        .shards
        .keys()
        .next()
        .copied()
        .ok_or_else(no_shards)?;
    match plan {
        Plan::Route(r) if matches!(r.target, Target::Fixed(s) if s == keeper) => Ok(Plan::Route(r)),
        Plan::Route(r) if r.tables.is_empty() && matches!(r.target, Target::Fixed(_)) => {
            let target = Target::Fixed(keeper);
            Ok(Plan::Route(RoutePlan { target, ..r }))
        }
        Plan::Refuse(r) => Err(r),
        _ => Err(Refusal::unsupported(
            "GET_LOCK and the like are kept by one shard and cannot stand in a statement on tables of \
             others; SELECT GET_LOCK(...) by itself",
        )),
    }
}

/// A plan for a statement that also asks information_schema.
fn with_schema(
    ctx: PlanContext<'_>,
    text: &[u8],
    tokens: &[Token],
    statement: &Statement,
    plan: Plan,
) -> Result<Plan, Refusal> {
    if let Statement::Explain(_) = statement {
        return Ok(plan);
    }
    let body = without_locking_clause(text, tokens);
    let Some(need) = SchemaNeed::of(ctx, text, body) else {
        return Ok(plan);
    };
    let own_tables = match &plan {
        Plan::Route(r) => !r.tables.is_empty(),
        _ => true,
    };
    match plan {
        Plan::Route(RoutePlan {
            target: Target::Fixed(s),
            access,
            traits,
            tables,
        }) => {
            let fixed = own_tables || access == Access::Write;
            let target = Target::Schema(need.within(fixed.then_some(s)));
            Ok(Plan::Route(RoutePlan {
                access,
                target,
                traits,
                tables,
            }))
        }
        Plan::Route(r) if matches!(r.target, Target::Any) => {
            let target = Target::Schema(need);
            Ok(Plan::Route(RoutePlan { target, ..r }))
        }
        Plan::Refuse(r) => Err(r),
        _ => Err(Refusal::unsupported(
            "a statement that writes several shards cannot ask information_schema; read from it before",
        )),
    }
}

fn is_read(s: &Statement) -> bool {
    matches!(s, Statement::Query | Statement::Explain(_) | Statement::Do)
}

fn parseable(s: &Statement) -> bool {
    matches!(s, Statement::Query | Statement::Update | Statement::Delete)
}

fn access_of(statement: &Statement, traits: Traits) -> Access {
    match statement {
        Statement::Query if traits.locking => Access::LockingRead,
        Statement::Query | Statement::Explain(_) | Statement::Do => Access::Read,
        _ => Access::Write,
    }
}

fn forward(
    _ctx: PlanContext<'_>,
    statement: &Statement,
    names: &Named,
    traits: Traits,
    target: Target,
) -> Result<Plan, Refusal> {
    let tables = names.tables.iter().map(|t| t.name.clone()).collect();
    Ok(Plan::Route(RoutePlan {
        access: access_of(statement, traits),
        target,
        traits,
        tables,
    }))
}

/// No table of the catalog: the database's shard answers, errors included.
fn nothing_named(
    ctx: PlanContext<'_>,
    statement: &Statement,
    names: &Named,
    traits: Traits,
) -> Result<Plan, Refusal> {
    let shard = ctx
        .catalog
        .default_shard(ctx.database)
        .ok_or_else(no_shards)?;
    forward(ctx, statement, names, traits, Target::Fixed(shard))
}

/// There is no shard at all.
pub fn no_shards() -> Refusal {
    Refusal::unsupported("there is no shard yet: add one to the configuration and restart")
}

fn other_statement(statement: &Statement, common: &Common) -> Refusal {
    let table = match common {
        Common::Sharded(t) | Common::Apart(t, _) => format!("the table {t}"),
        _ => "a reference table".to_string(),
    };
    let what = match statement {
        Statement::Call => "CALL",
        Statement::Load(_) => {
            return Refusal::unsupported(format!(
                "LOAD DATA into {table}, which has rows on several shards, is not supported yet; \
                 use INSERT, or a single table"
            ));
        }
        Statement::Explain(_) => {
            return Refusal::unsupported(format!(
                "EXPLAIN of a statement on {table}, which has rows on several shards, would show \
                 one shard only; use EXPLAIN SHARD"
            ));
        }
        Statement::LockTables => "LOCK TABLES",
        Statement::Handler => "HANDLER",
        Statement::Do => "DO",
        Statement::SqlPrepare(_) => {
            "PREPARE as an SQL statement (use the driver's prepared statements)"
        }
        Statement::Insert(None) => "this form of INSERT",
        _ => "this statement",
    };
    Refusal::unsupported(format!(
        "{what} is not supported on {table}, which is not on one shard"
    ))
}

impl Named {
    fn has_reference(&self) -> bool {
        self.tables
            .iter()
            .any(|t| t.placement == Placement::Reference)
    }
}

/// Token slice without a locking clause that the parser does not know.
fn without_locking_clause<'t>(text: &[u8], tokens: &'t [Token]) -> &'t [Token] {
    let at = tokens
        .iter()
        .rposition(|t| is_word(text, *t, b"FOR") || is_word(text, *t, b"LOCK"));
    let Some(i) = at else { return tokens };
    let next = |w: &[u8]| tokens.get(i + 1).is_some_and(|t| is_word(text, *t, w));
    // Nothing of the statement proper may stand behind it.
    let closed = !tokens[i..]
        .iter()
        .any(|t| t.kind == sql::TokenKind::Op(sql::Op::RParen));
    match closed && (next(b"UPDATE") || next(b"SHARE") || next(b"IN")) {
        true => &tokens[..i],
        false => tokens,
    }
}

fn parsed(
    ctx: PlanContext<'_>,
    text: &[u8],
    tokens: &[Token],
    statement: &Statement,
    names: &Named,
    traits: Traits,
) -> Result<Plan, Refusal> {
    let body = without_locking_clause(text, tokens);
    let Parsed { ast, doubt } = sql::parse::parse(text, body, ctx.mode).map_err(|e| {
        let table = names
            .tables
            .first()
            .map_or_else(String::new, |t| t.name.to_string());
        match e {
            ParseError::TooLarge { .. } => Refusal::unsupported(format!("{e}; split it")),
            ParseError::Syntax(m) => Refusal::unsupported(format!(
                "Shardwright's parser does not know this syntax, which it must to route a \
                 statement on {table}: {m}"
            )),
        }
    })?;
    let mut a = Analysis::of(ctx, body, &ast, doubt.is_none(), LooksFor::Tables);
    if let Some(r) = a.refusal.take() {
        return Err(r);
    }
    if a.system && !a.sharded().is_empty() {
        return Err(Refusal::unsupported(
            "a sharded table cannot be combined with the server's own schemas",
        ));
    }
    match ast.as_ref() {
        sqlparser::ast::Statement::Query(q) => {
            if let Some(what) = shape_block(q) {
                a.block(format!("it has {what}"));
            }
            if traits.aggregates {
                a.block("it has an aggregate or window function".to_string());
            }
            if traits.writes_user_variables || traits.calc_found_rows {
                a.block("it sets session state".to_string());
            }
            if matches!(doubt, Some(Doubt::Assignment | Doubt::Grammar)) {
                a.block("its syntax is not read for routing".to_string());
            }
        }
        sqlparser::ast::Statement::Update(u) => dml::check_update(&mut a, u)?,
        sqlparser::ast::Statement::Delete(d) => dml::check_delete(&mut a, d)?,
        _ => return Err(other_statement(statement, &names.common())),
    }
    a.check_colocation();
    finish(statement, names, traits, a)
}

fn finish(
    statement: &Statement,
    names: &Named,
    traits: Traits,
    a: Analysis<'_>,
) -> Result<Plan, Refusal> {
    let mut home: Option<(ShardId, TableName)> = None;
    for table in a.scopes.instances.iter().filter_map(|i| i.table.as_ref()) {
        if let Placement::Single(s) | Placement::View(s) = &table.placement {
            match &home {
                Some((other, name)) if other != s => {
                    return Err(Refusal::unsupported(format!(
                        "{name} and {} live on different shards and cannot be combined yet",
                        table.name
                    )));
                }
                _ => home = Some((*s, table.name.clone())),
            }
        }
    }
    let home = home.map(|h| h.0);
    let sharded: Vec<InstanceId> = a.sharded();
    let write_reference =
        access_of(statement, traits) == Access::Write && dml::target_is_reference(&a);
    let target = if sharded.is_empty() {
        match home {
            _ if write_reference => Target::Everywhere,
            Some(s) => Target::Fixed(s),
            None => Target::Any,
        }
    } else {
        let keyed = |&i: &InstanceId| {
            let table = a.scopes.instances[i].table.clone()?;
            let width = a.scopes.key_width(i);
            Some(Keyed {
                table,
                points: a.facts.points(i, width),
                bounds: a.facts.bounds(i),
            })
        };
        Target::Keyed {
            tables: sharded.iter().filter_map(keyed).collect(),
            home,
            scatter_block: a.scatter_block.clone(),
        }
    };
    if write_reference {
        dml::check_reference_write(&a, traits)?;
    }
    let tables = names.tables.iter().map(|t| t.name.clone()).collect();
    Ok(Plan::Route(RoutePlan {
        access: access_of(statement, traits),
        target,
        traits,
        tables,
    }))
}

/// Refusals that hold for every route.
fn check_traits(plan: Plan) -> Plan {
    match &plan {
        Plan::Route(r) if r.traits.into_file => Plan::Refuse(Refusal::unsupported(
            "INTO OUTFILE and INTO DUMPFILE write a file on a shard's machine; \
             select the rows and write the file where the client runs",
        )),
        _ => plan,
    }
}
