//! Statements that read or change rows: from the tables they name to where they go.

use crate::Refusal;
use crate::analyze::block::BlockKind;
use crate::analyze::information_schema::SchemaNeed;
use crate::analyze::instance::{TableInstance, TableInstanceId};
use crate::analyze::{Analysis, dml};
use crate::names::{Common, Named};
use crate::plan::forward::{Nevers, Together};
use crate::plan::{Access, Forward, Keyed, Plan, Read, Target, insert, no_shards};
use crate::traits::{Traits, is_word};
use catalog::{Placement, ShardId, TableName};
use errors::{ErrorClass, Obstacle, ReadError, WriteError};
use sql::Statement;
use sql::lexer::Token;
use sql::parse::{Doubt, ParseError};

impl Read<'_> {
    /// Plans a statement that reads or changes rows, or that any shard may answer.
    pub(super) fn rows(self, statement: &Statement) -> Result<Plan, Refusal> {
        let names = self.names;
        if let Some(t) = &names.pending {
            // Some shards may have it already; nobody may see half a table.
            return Err(Refusal::no_such_table(&t.database, &t.table));
        }
        if let Some(t) = &names.unknown {
            return Err(match self.ctx.flavor.mariadb {
                true => Refusal::no_such_table(&t.database, &t.table),
                false => Refusal::unknown_database(&t.database),
            });
        }
        if self.is_compound(statement) {
            crate::routine::check(self.text, self.tokens)?;
        }
        let common = names.common();
        let body = without_variables(self.text, self.tokens);
        let body = without_locking_clause(self.text, body);
        let body = without_variables(self.text, body);
        let tree = self
            .needs_tree(statement, &common)
            .then(|| sql::parse::parse(self.text, body, self.ctx.mode));
        let parsed = tree.as_ref().and_then(|t| t.as_ref().ok());
        let mut analysis = parsed.map(|p| Analysis::of(self.ctx, self.text, body, p));
        let plan = match (statement, common) {
            (Statement::Insert(Some(insert)), _) => insert::plan(self, insert)?,
            (_, Common::OneShard(s)) if self.goes_whole(statement) => {
                self.forward(statement, Target::Fixed(s))
            }
            // No table of the catalog: the database's shard answers, errors included.
            (_, Common::Nothing) => self.forward(statement, Target::Fixed(self.default_shard()?)),
            (_, Common::Reference) if is_read(statement) => self.forward(statement, Target::Any),
            (_, Common::Apart(a, b)) if !parseable(statement) => {
                return Err(different_shards(&a, &b));
            }
            (Statement::Query | Statement::Update | Statement::Delete, common) => {
                let planned = match (&mut analysis, &tree) {
                    (Some(a), _) => self.analyzed(statement, a),
                    (None, Some(Err(e))) => Err(self.unparsed(e)),
                    (None, _) => Err(other_statement(statement, &common)),
                };
                match statement {
                    Statement::Query => self.or_gathered(statement, analysis.as_ref(), planned)?,
                    _ => planned?,
                }
            }
            (_, common) => return Err(other_statement(statement, &common)),
        };
        let plan = match names.information_schema && !matches!(statement, Statement::Explain(_)) {
            true => self.with_schema(plan, analysis.as_ref())?,
            false => plan,
        };
        let plan = match self.traits.named_locks {
            true => self.with_locks(plan)?,
            false => plan,
        };
        match &plan {
            Plan::Forward(f) if f.traits.quoted_session_value => {
                Err(ReadError::QuotedFunction.into())
            }
            Plan::Forward(f) if f.traits.into_file => Err(ReadError::IntoFile.into()),
            _ => Ok(plan),
        }
    }

    /// True for BEGIN NOT ATOMIC and statements of routines that MariaDB runs outside of them.
    fn is_compound(self, statement: &Statement) -> bool {
        let words = [
            &b"BEGIN"[..],
            b"IF",
            b"CASE",
            b"LOOP",
            b"WHILE",
            b"REPEAT",
            b"FOR",
        ];
        let first = self
            .tokens
            .first()
            .filter(|_| *statement == Statement::Other);
        first.is_some_and(|t| words.iter().any(|w| is_word(self.text, *t, w)))
    }

    fn forward(self, statement: &Statement, target: Target) -> Plan {
        Plan::Forward(Forward {
            access: access_of(statement, self.traits),
            target,
            traits: self.traits,
            tables: self.names.tables.iter().map(|t| t.name.clone()).collect(),
            pin: None,
            together: None,
        })
    }

    /// A query on tables of several shards: by their keys, in parts, or on copies.
    fn or_gathered(
        self,
        statement: &Statement,
        analysis: Option<&Analysis<'_>>,
        planned: Result<Plan, Refusal>,
    ) -> Result<Plan, Refusal> {
        match planned {
            Ok(Plan::Forward(f)) => {
                let (keyed, why) = match &f.target {
                    Target::Keyed {
                        tables,
                        obstacle: Some(why),
                        ..
                    } => (tables.clone(), why.to_string()),
                    Target::Keyed {
                        tables,
                        home: Some(_),
                        ..
                    } => (tables.clone(), Obstacle::SingleTable.to_string()),
                    _ => return Ok(Plan::Forward(f)),
                };
                let apart = matches!(&f.target, Target::Keyed { home: None, .. });
                let merge = analysis.filter(|_| apart).and_then(|a| self.merge(a));
                let gather = self.gather(keyed, analysis, why);
                let together = Some(Box::new(Together { gather, merge }));
                Ok(Plan::Forward(Forward { together, ..f }))
            }
            // What the server does not know is its error to give; what only the parser does not know, or
            // what needs shards apart, can run on copies.
            Err(refusal) if refusal.class() == ErrorClass::Unsupported => {
                let gather = self.gather(Vec::new(), analysis, refusal.to_string());
                let gather = gather.map_err(|_| refusal)?;
                let Plan::Forward(f) = self.forward(statement, Target::Gathered) else {
                    return Err(no_shards());
                };
                let (gather, merge) = (Ok(gather), None);
                let together = Some(Box::new(Together { gather, merge }));
                Ok(Plan::Forward(Forward { together, ..f }))
            }
            other => other,
        }
    }

    /// GET_LOCK and the like exclude other sessions only if all of them ask the same server, whatever
    /// their database is.
    fn with_locks(self, plan: Plan) -> Result<Plan, Refusal> {
        let keeper = self.ctx.catalog.shards.keys().next().copied();
        let keeper = keeper.ok_or_else(no_shards)?;
        match plan {
            Plan::Forward(f) if matches!(f.target, Target::Fixed(s) if s == keeper) => {
                Ok(Plan::Forward(f))
            }
            Plan::Forward(f) if f.tables.is_empty() && matches!(f.target, Target::Fixed(_)) => {
                let target = Target::Fixed(keeper);
                Ok(Plan::Forward(Forward { target, ..f }))
            }
            _ => Err(ReadError::NamedLock.into()),
        }
    }

    /// A plan for a statement that also asks information_schema.
    fn with_schema(self, plan: Plan, analysis: Option<&Analysis<'_>>) -> Result<Plan, Refusal> {
        let Some(need) = SchemaNeed::of(self.ctx.database, analysis) else {
            return Ok(plan);
        };
        match plan {
            Plan::Forward(f) => {
                let target = match f.target {
                    Target::Fixed(s) => {
                        let fixed = !f.tables.is_empty() || f.access == Access::Write;
                        Target::Schema(need.within(fixed.then_some(s)))
                    }
                    Target::Any => Target::Schema(need),
                    _ => return Err(ReadError::SchemaBesideShards.into()),
                };
                Ok(Plan::Forward(Forward { target, ..f }))
            }
            _ => Err(ReadError::SchemaBesideShards.into()),
        }
    }
}

fn different_shards(left: &TableName, right: &TableName) -> Refusal {
    let (left, right) = (left.to_string(), right.to_string());
    ReadError::DifferentShards { left, right }.into()
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

fn other_statement(statement: &Statement, common: &Common) -> Refusal {
    let table = match common {
        Common::Sharded(t) | Common::Apart(t, _) => format!("the table {t}"),
        _ => "a reference table".to_string(),
    };
    let what = match statement {
        Statement::Call => "CALL",
        Statement::Load(_) => {
            return WriteError::LoadData { table }.into();
        }
        Statement::Explain(_) => {
            return ReadError::ExplainSeveral { table }.into();
        }
        Statement::LockTables => "LOCK TABLES",
        Statement::Handler => "HANDLER",
        Statement::Do => "DO",
        Statement::Insert(None) => "this form of INSERT",
        _ => "this statement",
    };
    ReadError::NotOnOneShard { what, table }.into()
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

/// Token slice without an INTO @a, @b at its end, which the parser does not know.
fn without_variables<'t>(text: &[u8], tokens: &'t [Token]) -> &'t [Token] {
    let op = |t: &Token, op| t.kind == sql::TokenKind::Op(op);
    let end = tokens
        .iter()
        .rposition(|t| !op(t, sql::Op::Semicolon))
        .map_or(0, |i| i + 1);
    let is_listed = |t: &Token| t.kind == sql::TokenKind::UserVar || op(t, sql::Op::Comma);
    let Some(into) = tokens[..end].iter().rposition(|t| !is_listed(t)) else {
        return tokens;
    };
    match into + 1 < end && is_word(text, tokens[into], b"INTO") {
        true => &tokens[..into],
        false => tokens,
    }
}

impl Read<'_> {
    /// True if a statement on tables of one shard goes there in whatever syntax.
    fn goes_whole(self, statement: &Statement) -> bool {
        !self.names.has_reference() || is_read(statement)
    }

    /// True if names alone do not tell where a statement goes.
    fn needs_tree(self, statement: &Statement, common: &Common) -> bool {
        let by_names = match common {
            Common::OneShard(_) => self.goes_whole(statement),
            Common::Reference => is_read(statement),
            Common::Nothing => true,
            Common::Apart(..) | Common::Sharded(_) => false,
        };
        self.names.information_schema && !matches!(statement, Statement::Explain(_))
            || parseable(statement) && !by_names
    }

    /// A statement that the parser does not know.
    fn unparsed(self, e: &ParseError) -> Refusal {
        let first = self.names.tables.first();
        let table = first.map_or_else(String::new, |t| t.name.to_string());
        match e {
            ParseError::TooLarge { what, max } => ReadError::TooComplex { what, max: *max },
            ParseError::Syntax(detail) => ReadError::UnknownSyntax {
                table,
                detail: detail.clone(),
            },
        }
        .into()
    }

    fn analyzed(self, statement: &Statement, a: &mut Analysis<'_>) -> Result<Plan, Refusal> {
        if let Some(r) = a.refusal.take() {
            return Err(r);
        }
        if a.system && !a.sharded().is_empty() {
            return Err(ReadError::SystemSchema.into());
        }
        let ranks = a.calls.iter().any(|c| c.is_full_text());
        if ranks && !a.sharded().is_empty() {
            return Err(ReadError::Relevance.into());
        }
        match a.blocks.first().map(|b| b.kind) {
            Some(BlockKind::Update(u)) => dml::check_update(a, u)?,
            Some(BlockKind::Delete(d)) => dml::check_delete(a, d)?,
            _ => {
                a.check_shape();
                if self.traits.writes_user_variables || self.traits.calc_found_rows {
                    a.note_obstacle(Obstacle::SessionState);
                }
                if matches!(a.doubt, Some(Doubt::Assignment | Doubt::Grammar)) {
                    a.note_obstacle(Obstacle::UnreadSyntax);
                }
            }
        }
        if self.traits.of_server {
            a.note_obstacle(Obstacle::ServerValue);
        }
        a.check_colocation();
        self.finish(statement, a)
    }

    fn finish(self, statement: &Statement, a: &Analysis<'_>) -> Result<Plan, Refusal> {
        let traits = self.traits;
        let mut home: Option<(ShardId, TableName)> = None;
        for table in a.instances.iter().filter_map(TableInstance::table) {
            if let Placement::Single(s) | Placement::View(s) = &table.placement {
                match &home {
                    Some((other, name)) if other != s => {
                        return Err(different_shards(name, &table.name));
                    }
                    _ => home = Some((*s, table.name.clone())),
                }
            }
        }
        let home = home.map(|h| h.0);
        let sharded: Vec<TableInstanceId> = a.sharded();
        let write_reference =
            access_of(statement, traits) == Access::Write && dml::target_is_reference(a);
        let target = if sharded.is_empty() {
            match home {
                _ if write_reference => Target::Everywhere,
                Some(s) => Target::Fixed(s),
                None => Target::Any,
            }
        } else {
            let keyed = |&i: &TableInstanceId| {
                Some(Keyed {
                    table: a.instances[i].table()?.clone(),
                    points: a.facts.points(i, a.key_width(i)),
                    bounds: a.facts.bounds(i),
                })
            };
            Target::Keyed {
                tables: sharded.iter().filter_map(keyed).collect(),
                home,
                obstacle: a.obstacle.clone(),
                never: Nevers::of(a),
            }
        };
        if write_reference {
            dml::check_reference_write(a, traits)?;
        }
        Ok(self.forward(statement, target))
    }
}
