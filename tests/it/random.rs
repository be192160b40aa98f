//! Statements that nobody wrote: seeded random SQL over tables of every placement, on the proxy and on one
//! plain server. What is not refused must agree in everything that a client sees, and the tables after it.
//!
//! More of them: SHARDWRIGHT_RANDOM_SEEDS=100..200, each SHARDWRIGHT_RANDOM_STATEMENTS=1000 long.

mod grammar;
mod literals;
mod rare;
mod schema;

use crate::cluster::{connect, plain, shared};
use crate::compare::{Seen, see};
use grammar::{Grammar, Kind, Sql};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Params};
use schema::TABLES;
use std::ops::Range;

/// Seeds of an ordinary run.
const SEEDS: Range<u64> = 1..7;
/// Statements of each.
const STATEMENTS: usize = 250;
/// Statements between two looks at all the rows.
const LOOK_EVERY: usize = 50;
/// How the sessions are set, by seed.
const SETTINGS: [&str; 6] = [
    "SET sql_mode = DEFAULT",
    "SET sql_mode = ''",
    "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_ALL_TABLES'",
    "SET sql_mode = 'NO_BACKSLASH_ESCAPES', time_zone = '+05:00'",
    "SET sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ONLY_FULL_GROUP_BY'",
    "SET NAMES latin1, sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,HIGH_NOT_PRECEDENCE'",
];

/// Numbers from a seed (splitmix64, Steele, Lea and Flood 2014).
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// True `percent` times of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of a list.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

fn statements() -> usize {
    let text = std::env::var("SHARDWRIGHT_RANDOM_STATEMENTS").ok();
    text.map_or(STATEMENTS, |t| t.parse().unwrap())
}

/// The two sides and what they said.
struct Duel {
    seed: u64,
    ours: Conn,
    theirs: Conn,
    compared: usize,
    refused: usize,
    /// What may bear on the state of the sessions, for the report of a difference.
    told: Vec<String>,
    /// Writes since the last look at all rows.
    writes: Vec<String>,
}

impl Duel {
    async fn start(seed: u64, ours: Conn, theirs: Conn) -> Duel {
        let mut duel = Duel {
            seed,
            ours,
            theirs,
            compared: 0,
            refused: 0,
            told: Vec::new(),
            writes: Vec::new(),
        };
        let database = format!("random{seed}");
        duel.both(&format!("CREATE DATABASE {database}")).await;
        duel.both(&format!("USE {database}")).await;
        for t in &TABLES {
            duel.both(&t.create()).await;
        }
        duel.both("SET @v = 5").await;
        duel.both(SETTINGS[seed as usize % SETTINGS.len()]).await;
        duel
    }

    async fn both(&mut self, sql: &str) {
        self.ours
            .query_drop(sql)
            .await
            .unwrap_or_else(|e| panic!("ours: {sql}: {e}"));
        self.theirs
            .query_drop(sql)
            .await
            .unwrap_or_else(|e| panic!("theirs: {sql}: {e}"));
    }

    /// One statement on both, unless the proxy refuses it.
    async fn run(&mut self, sql: &Sql, prepared: bool) {
        let (text, params) = match prepared {
            true => sql.prepared(),
            false => (sql.text(), Params::Empty),
        };
        let sorted = !sql.is_ordered;
        let ours = see(&mut self.ours, &text, prepared, params.clone(), sorted).await;
        if matches!(ours, Seen::Error(1235, ..)) {
            self.refused += 1;
            return;
        }
        if sql.kind == Kind::Session || matches!(ours, Seen::Error(..)) {
            self.told.push(format!("{text}: {}", ours.shown()));
        }
        let theirs = see(&mut self.theirs, &text, prepared, params.clone(), sorted).await;
        self.compared += 1;
        if sql.kind != Kind::Select {
            self.writes.push(format!(
                "{text} {params:?}: {} | {}",
                ours.shown(),
                theirs.shown()
            ));
        }
        assert!(
            agree(sql, &ours, &theirs),
            "seed {}, {text} with {params:?} after\n  {}\n  ours:   {}\n  theirs: {}",
            self.seed,
            self.told[self.told.len().saturating_sub(12)..].join("\n  "),
            ours.shown(),
            theirs.shown()
        );
    }

    async fn look(&mut self) {
        for t in &TABLES {
            let sql = format!("SELECT * FROM {}", t.name);
            let ours = see(&mut self.ours, &sql, false, Params::Empty, true).await;
            let theirs = see(&mut self.theirs, &sql, false, Params::Empty, true).await;
            let writes: Vec<_> = self
                .writes
                .iter()
                .filter(|w| w.contains(t.name))
                .cloned()
                .collect();
            assert!(
                ours == theirs,
                "seed {}: {} differs after\n  {}\n  ours:   {}\n  theirs: {}",
                self.seed,
                t.name,
                writes.join("\n  "),
                ours.shown(),
                theirs.shown()
            );
        }
        self.writes.clear();
    }
}

/// What may differ is what depends on a server's own plan: how often a condition is evaluated, and warns.
fn agree(sql: &Sql, ours: &Seen, theirs: &Seen) -> bool {
    match (ours, theirs) {
        // Each shard finds the first fault of its own rows.
        (Seen::Error(..), Seen::Error(..)) if sql.gives_several_rows() => true,
        (Seen::Error(a, ..), Seen::Error(b, ..)) => a == b,
        (Seen::Answer { warnings: a, .. }, Seen::Answer { warnings: b, .. }) => {
            let told_alike = a == b || !sql.writes_given_rows();
            told_alike && ours.without_chance() == theirs.without_chance()
        }
        _ => false,
    }
}

/// Random statements of one seed on a proxy and on a server: how many were compared, and how many refused.
pub async fn compare(seed: u64, ours: Conn, theirs: Conn) -> (usize, usize) {
    let mut duel = Duel::start(seed, ours, theirs).await;
    let mut grammar = Grammar::new(Rng(seed), SETTINGS[seed as usize % SETTINGS.len()]);
    for n in 0..statements() {
        let sql = match n < 3 * TABLES.len() {
            true => grammar.first_rows(&TABLES[n % TABLES.len()]),
            false => grammar.statement(),
        };
        // MySQL prepares no transaction control.
        let prepared = sql.kind != Kind::Session && grammar.rng.chance(40);
        duel.run(&sql, prepared).await;
        if n % LOOK_EVERY == LOOK_EVERY - 1 {
            duel.look().await;
        }
    }
    (duel.compared, duel.refused)
}

/// The seeds of this run.
pub fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SHARDWRIGHT_RANDOM_SEEDS") else {
        return SEEDS;
    };
    let (from, to) = text
        .split_once("..")
        .expect("SHARDWRIGHT_RANDOM_SEEDS=FROM..TO");
    from.parse().unwrap()..to.parse().unwrap()
}

#[tokio::test]
async fn random_statements_agree() {
    let (mut compared, mut refused) = (0, 0);
    for seed in seeds() {
        let (ours, theirs) = (connect(shared().port), connect(plain().shard_port));
        let one = compare(seed, ours.await, theirs.await).await;
        (compared, refused) = (compared + one.0, refused + one.1);
    }
    println!("{compared} statements compared, {refused} refused");
    assert!(compared > refused, "{compared} compared, {refused} refused");
}
