//! What the proxy counts. /metrics and SHOW PROXY STATUS read the same values.
//!
//! Every counter is made and registered at the start, one for each value of a label: to count is one
//! relaxed addition, and no label is looked up on the way of a statement.

use errors::ErrorClass;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// One counter as people read it.
#[derive(Debug, Clone)]
struct Row {
    name: String,
    meaning: &'static str,
    counter: Counter,
}

/// Counters since the start.
#[derive(Debug)]
pub struct Metrics {
    /// Commands that clients sent.
    pub commands: Counter,
    /// Statements that the proxy answered without a shard.
    pub statements_local: Counter,
    /// Statements answered on a pipelined connection.
    pub statements_pipelined: Counter,
    /// Statements answered on a connection leased for them.
    pub statements_exclusive: Counter,
    /// Statements that several shards answered.
    pub statements_several: Counter,
    /// Statements that the proxy did not run or gave up, in the order of [`ErrorClass::ALL`].
    statements_refused: [Counter; ErrorClass::ALL.len()],
    /// Statements ended by KILL or because the client left.
    pub statements_cancelled: Counter,
    /// Statements run again because a pipelined connection ended before it answered.
    pub retries: Counter,
    /// Transactions over several shards that committed.
    pub commits: Counter,
    /// Transactions over several shards of which only a part is known to have committed.
    pub commits_partial: Counter,
    /// Plans found in the cache.
    pub plan_cache_hits: Counter,
    /// Plans made.
    pub plan_cache_misses: Counter,
    /// Logins that failed.
    pub logins_refused: Counter,
    registry: Registry,
    rows: Vec<Row>,
}

/// Registers counters and remembers what they mean.
struct Builder {
    registry: Registry,
    rows: Vec<Row>,
}

impl Builder {
    /// A counter without labels; `_total` is added to its name, and a full stop to its meaning.
    fn one(&mut self, name: &'static str, meaning: &'static str) -> Counter {
        let counter = Counter::default();
        self.registry.register(name, meaning, counter.clone());
        let (name, row) = (name.to_string(), counter.clone());
        self.rows.push(Row {
            name,
            meaning,
            counter: row,
        });
        counter
    }

    /// One counter for each value of a label.
    fn each<const N: usize>(
        &mut self,
        name: &'static str,
        help: &'static str,
        label: &'static str,
        values: [(&'static str, &'static str); N],
    ) -> [Counter; N] {
        let family = Family::<[(&str, &str); 1], Counter>::default();
        self.registry.register(name, help, family.clone());
        values.map(|(value, meaning)| {
            let counter = family.get_or_create(&[(label, value)]).clone();
            self.rows.push(Row {
                name: format!("{name}_{value}"),
                meaning,
                counter: counter.clone(),
            });
            counter
        })
    }

    fn statements_answered(&mut self) -> [Counter; 4] {
        self.each(
            "statements",
            "Statements that were answered, by where",
            "path",
            [
                (
                    "local",
                    "Statements that the proxy answered without a shard",
                ),
                ("pipelined", "Statements answered on a pipelined connection"),
                (
                    "exclusive",
                    "Statements answered on a connection leased for them",
                ),
                ("several_shards", "Statements that several shards answered"),
            ],
        )
    }

    fn statements_refused(&mut self) -> [Counter; ErrorClass::ALL.len()] {
        self.each(
            "statements_refused",
            "Statements that the proxy did not run or gave up, by class of the error (docs/errors.md)",
            "class",
            ErrorClass::ALL.map(|class| (class.name(), refusals_of(class))),
        )
    }

    fn transactions(&mut self) -> [Counter; 2] {
        let partly = "Transactions over several shards of which a part is known to have committed";
        self.each(
            "multi_shard_transactions",
            "Transactions over several shards, by outcome",
            "outcome",
            [
                (
                    "committed",
                    "Transactions over several shards that committed",
                ),
                ("partially_committed", partly),
            ],
        )
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut b = Builder {
            registry: Registry::with_prefix("shardwright"),
            rows: Vec::new(),
        };
        let commands = b.one("commands", "Commands that clients sent");
        let [local, pipelined, exclusive, several] = b.statements_answered();
        let refused = b.statements_refused();
        let ended = "Statements ended by KILL or because the client left";
        let cancelled = b.one("statements_cancelled", ended);
        let again = "Statements run again because a pipelined connection ended before it answered";
        let retries = b.one("statement_retries", again);
        let [commits, commits_partial] = b.transactions();
        let [plan_cache_hits, plan_cache_misses] = b.each(
            "plan_cache_lookups",
            "Look-ups of plans, by result",
            "result",
            [("hit", "Plans found in the cache"), ("miss", "Plans made")],
        );
        Metrics {
            commands,
            statements_local: local,
            statements_pipelined: pipelined,
            statements_exclusive: exclusive,
            statements_several: several,
            statements_refused: refused,
            statements_cancelled: cancelled,
            retries,
            commits,
            commits_partial,
            plan_cache_hits,
            plan_cache_misses,
            logins_refused: b.one("logins_refused", "Logins that failed"),
            registry: b.registry,
            rows: b.rows,
        }
    }
}

fn refusals_of(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Mistake => "Statements that were wrong",
        ErrorClass::Denied => "Statements that their user has no right to",
        ErrorClass::Unsupported => "Statements that Shardwright does not support",
        ErrorClass::Unavailable => {
            "Statements that found a shard, the metadata service or room missing"
        }
        ErrorClass::Aborted => "Statements that were begun and given up",
        ErrorClass::Internal => "Statements that met a fault of Shardwright or of a shard",
    }
}

impl Metrics {
    /// The counter of statements that ended with an error of this class of the proxy's own.
    pub fn refused(&self, class: ErrorClass) -> &Counter {
        let [mistake, denied, unsupported, unavailable, aborted, internal] =
            &self.statements_refused;
        match class {
            ErrorClass::Mistake => mistake,
            ErrorClass::Denied => denied,
            ErrorClass::Unsupported => unsupported,
            ErrorClass::Unavailable => unavailable,
            ErrorClass::Aborted => aborted,
            ErrorClass::Internal => internal,
        }
    }

    /// Names, meanings and values.
    pub fn all(&self) -> impl Iterator<Item = (&str, &'static str, u64)> {
        let rows = self.rows.iter();
        rows.map(|r| (r.name.as_str(), r.meaning, r.counter.get()))
    }

    /// Adds them to a page in the OpenMetrics text format.
    pub fn encode(&self, page: &mut String) {
        // Writing to a String cannot fail.
        let _ = encode_registry(page, &self.registry);
    }
}

/// Adds one.
pub(crate) fn count(counter: &Counter) {
    counter.inc();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_the_rows_show_the_same_value() {
        let m = Metrics::default();
        (0..3).for_each(|_| count(&m.statements_pipelined));
        count(&m.commands);
        let mut page = String::new();
        m.encode(&mut page);
        for line in [
            "shardwright_statements_total{path=\"pipelined\"} 3",
            "shardwright_statements_total{path=\"local\"} 0",
            "shardwright_commands_total 1",
            "# TYPE shardwright_commands counter",
        ] {
            assert!(page.lines().any(|l| l == line), "{line}: {page}");
        }
        let value = |name: &str| m.all().find(|(n, ..)| *n == name).map(|(.., v)| v);
        assert_eq!(value("statements_pipelined"), Some(3));
        assert_eq!(value("commands"), Some(1));
    }

    #[test]
    fn every_counter_has_a_row_and_a_line() {
        let m = Metrics::default();
        let mut page = String::new();
        m.encode(&mut page);
        let lines = page.lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(lines, m.all().count());
    }
}
