//! Definitions that run later: views, routines, triggers, events. Each gets a definer with exactly the rights
//! of the user who makes it, so that whatever it holds is judged by the server again whenever it runs.
//!
//! Only the management account may give a definition another definer than itself (and, where there is a
//! binary log, make a function or a trigger at all), so it stores them; they never run with its rights.

use super::Change;
use crate::exec::Run;
use crate::session::Stop;
use catalog::ShardId;
use errors::AvailabilityError;
use router::traits::is_word;
use shard::account::{Definer, Manager};
use sql::ObjectName;
use sql::cursor::Cursor;
use sql::ident::quote_name;
use sql::splice::Splices;
use sql::{Op, TokenKind};

/// Errors of a server that say that a right is missing.
const DENIALS: [u16; 5] = [1044, 1142, 1143, 1356, 1370];
/// Kinds of objects that have a definer.
const DEFINED: [&str; 7] = [
    "VIEW",
    "PROCEDURE",
    "FUNCTION",
    "AGGREGATE",
    "TRIGGER",
    "EVENT",
    "PACKAGE",
];

/// Where a definer stands in a CREATE or ALTER, or would.
enum Place {
    /// There: bytes, and the user that it names; `None` for the session's own.
    Named(std::ops::Range<usize>, Option<String>),
    /// It would stand at this byte.
    Free(usize),
}

impl Change<'_> {
    /// The definer of a definition, and its text with it; `None` if it has none: it runs nothing later.
    pub(super) fn with_definer(&self, run: Run<'_>) -> Result<Option<(Definer, Vec<u8>)>, Stop> {
        let cursor = Cursor::new(run.text, &run.lexed.tokens, self.client.settings.mode);
        let Some(place) = place(cursor) else {
            return Ok(None);
        };
        let mut splices = Splices::default();
        let definer = match place {
            Place::Named(range, named) => {
                let definer = match named {
                    Some(named) => self.client.definer_named(&self.worker, &named)?,
                    None => self.client.definer(),
                };
                splices.replace(range, definer.to_string());
                definer
            }
            Place::Free(at) => {
                let definer = self.client.definer();
                splices.replace(at..at, format!(" DEFINER = {definer} "));
                definer
            }
        };
        Ok(Some((definer, splices.apply(run.text))))
    }

    /// DROP TRIGGER as text of our own: with a binary log a server lets only the management account do that,
    /// and it must not reach another trigger than the one that rights were checked for.
    pub(super) fn drops_trigger(
        &self,
        name: &ObjectName,
        run: Run<'_>,
    ) -> Result<Option<String>, Stop> {
        let mut c = Cursor::new(run.text, &run.lexed.tokens, self.client.settings.mode);
        if !c.eat_all(&["DROP", "TRIGGER"]) {
            return Ok(None);
        }
        let condition = match c.eat_all(&["IF", "EXISTS"]) {
            true => "IF EXISTS ",
            false => "",
        };
        let name = self.full_name(name)?;
        let (database, trigger) = (quote_name(&name.database), quote_name(&name.table));
        Ok(Some(format!(
            "DROP TRIGGER {condition}{database}.{trigger}"
        )))
    }

    /// Makes the account of a definer on a shard, unless it has one; its rights follow the catalog's.
    pub(super) async fn let_define(&self, definer: &Definer, shard: ShardId) -> Result<(), Stop> {
        let Some(manager) = self.manager_of(shard) else {
            return Ok(());
        };
        let mut m = Manager::connect(&manager).await?;
        if m.definers().await?.contains(definer) {
            return Ok(());
        }
        if !m.lock_definers().await? {
            let shard = self.worker.catalog().shard_name(shard).to_string();
            let why = "accounts of definers are being changed; try again".to_string();
            return Err(AvailabilityError::Unreachable { shard, why }.into());
        }
        let catalog = self.worker.catalog();
        let set = match catalog.users.get(&definer.user) {
            Some(user) if !definer.of_file => catalog::RightsSet::of(user),
            _ => catalog::RightsSet::everything(),
        };
        let all = catalog.databases.keys().map(|d| (d.clone(), set.on(d)));
        let rights = all.filter(|(_, rights)| !rights.is_empty()).collect();
        Ok(m.put_definer(definer, &rights).await?)
    }

    /// Lets a shard judge the query of a view by the user's own rights, as a server does when one is made.
    pub(super) async fn may_read(
        &self,
        query: usize,
        shard: ShardId,
        run: Run<'_>,
    ) -> Result<(), Stop> {
        let tokens = &run.lexed.tokens;
        let end = |t: &sql::Token| t.kind != TokenKind::Op(Op::Semicolon);
        let last = tokens.iter().rposition(end).map_or(0, |n| n + 1);
        let option = (query..last).rev().take(4).find(|i| {
            is_word(run.text, tokens[*i], b"WITH")
                && (last.saturating_sub(1)..last).any(|l| is_word(run.text, tokens[l], b"OPTION"))
        });
        let (Some(first), Some(last)) = (
            tokens.get(query),
            tokens.get(option.unwrap_or(last).saturating_sub(1)),
        ) else {
            return Ok(());
        };
        let text = &run.text[first.start as usize..last.range().end];
        let pool = self.worker.pool(shard)?;
        let (settings, database) = (&self.client.settings.plain, self.client.database.as_ref());
        let mut lease = pool.lease(self.client.class, settings, database).await?;
        let conn = lease.conn()?;
        conn.plan_session(settings, database);
        match conn.prepare(text).await? {
            Ok(prepared) => {
                conn.queue_close(prepared.id);
                conn.flush().await?;
                Ok(())
            }
            Err(err) if DENIALS.contains(&err.code) => Err(Stop::Server(err)),
            // What else is wrong with it, CREATE VIEW says.
            Err(_) => Ok(()),
        }
    }
}

/// Finds the definer's place in `CREATE [OR REPLACE] [ALGORITHM = x] [DEFINER = user] [SQL SECURITY x] kind`.
fn place(mut c: Cursor<'_>) -> Option<Place> {
    let whole = c;
    c.eat_one(&["CREATE", "ALTER"])?;
    let altered = whole.is_word("ALTER");
    c.eat_all(&["OR", "REPLACE"]);
    if c.eat("ALGORITHM") {
        c.eat_op(Op::Eq);
        c.next();
    }
    let at = c.end_of_last();
    if !c.eat("DEFINER") {
        if c.eat_all(&["SQL", "SECURITY"]) {
            c.next();
        }
        let defined = DEFINED.iter().any(|kind| c.is_word(kind));
        // ALTER PROCEDURE and ALTER FUNCTION leave the definer as it is.
        let keeps = altered && !(c.is_word("VIEW") || c.is_word("EVENT"));
        return (defined && !keeps).then_some(Place::Free(at));
    }
    c.eat_op(Op::Eq);
    let start = c.position();
    let own = c.is_word("CURRENT_USER") || c.is_word("CURRENT_ROLE");
    let name = c.name_or_string()?;
    if own && c.is_op(Op::LParen) {
        c.skip_group();
    } else if c.peek().is_some_and(|t| t.kind == TokenKind::UserVar) {
        c.next();
    }
    Some(Place::Named(start..c.end_of_last(), (!own).then_some(name)))
}
