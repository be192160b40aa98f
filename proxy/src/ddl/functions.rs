//! Stored functions without tables are on every shard: any statement can call them where its rows are.

use super::Change;
use super::job::Ends;
use crate::exec::Run;
use crate::session::Stop;
use catalog::ShardId;
use router::traits::is_word;
use shard::ShardError;
use sql::ObjectName;
use sql::ident::quote_name;

/// ER_SP_DOES_NOT_EXIST: an earlier version made it on one shard only.
const MISSING: u16 = 1305;

/// What a statement does to a function; `None` if it is about something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    /// CREATE, of a name that nobody has.
    Create,
    /// CREATE OR REPLACE, or IF NOT EXISTS.
    Put,
    /// ALTER or DROP.
    Change,
}

fn verb(run: Run<'_>) -> Option<Verb> {
    let tokens = &run.lexed.tokens;
    let is = |i: usize, w: &[u8]| tokens.get(i).is_some_and(|t| is_word(run.text, *t, w));
    let kinds: [&[u8]; 6] = [
        b"PROCEDURE",
        b"FUNCTION",
        b"TRIGGER",
        b"EVENT",
        b"SEQUENCE",
        b"PACKAGE",
    ];
    let kind = (0..tokens.len()).find(|i| kinds.iter().any(|k| is(*i, k)))?;
    if !is(kind, b"FUNCTION") {
        return None;
    }
    match is(0, b"CREATE") {
        true if is(1, b"OR") || is(kind + 1, b"IF") => Some(Verb::Put),
        true => Some(Verb::Create),
        false => Some(Verb::Change),
    }
}

impl Change<'_> {
    /// Does on the other shards what was done to a function on its database's own.
    pub(super) async fn on_other_shards(
        &mut self,
        name: &ObjectName,
        home: ShardId,
        run: Run<'_>,
    ) -> Result<(), Stop> {
        let Some(verb) = verb(run) else {
            return Ok(());
        };
        let full = match name.database {
            Some(_) => name.clone(),
            None => ObjectName {
                database: self.client.database.as_deref().map(str::to_string),
                name: name.name.clone(),
            },
        };
        let quoted: Vec<_> = full.database.iter().chain([&full.name]).collect();
        let quoted: Vec<_> = quoted.into_iter().map(|n| quote_name(n)).collect();
        let drop = format!("DROP FUNCTION IF EXISTS {}", quoted.join("."));
        let defined = match self.manager_of(home) {
            Some(_) => self.with_definer(run)?,
            None => None,
        };
        self.defines = defined.is_some();
        let sql = defined.as_ref().map_or(run.text, |(_, text)| text);
        let sql = String::from_utf8_lossy(sql).into_owned();
        let mut shards = self.worker.catalog().shard_ids();
        shards.retain(|s| *s != home);
        let mut done = vec![home];
        for shard in shards {
            let ready = match &defined {
                Some((definer, _)) => self.let_define(definer, shard).await,
                None => Ok(()),
            };
            let made = match ready {
                Ok(()) => self
                    .function_on(shard, verb, &sql, &drop)
                    .await
                    .map_err(Stop::from),
                Err(e) => Err(e),
            };
            if let Err(e) = made {
                // A function that only some shards have would answer by where its rows are.
                for shard in done.into_iter().filter(|_| verb == Verb::Create) {
                    if let Err(error) = self.run_on(shard, &drop, Ends::WithKill).await {
                        tracing::warn!(%error, drop, "a function stays on some shards only");
                    }
                }
                return Err(e);
            }
            done.push(shard);
        }
        Ok(())
    }

    async fn function_on(
        &mut self,
        shard: ShardId,
        verb: Verb,
        sql: &str,
        drop: &str,
    ) -> Result<(), ShardError> {
        if verb == Verb::Create {
            self.run_on(shard, drop, Ends::WithKill).await?;
        }
        match self.run_on(shard, sql, Ends::WithKill).await {
            Err(ShardError::Server { err, .. }) if verb == Verb::Change && err.code == MISSING => {
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }
}
