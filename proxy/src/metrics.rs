//! Counters of the proxy, as plain text for Prometheus and as rows for people.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident),* $(,)?) => {
        /// Counters since the start.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[doc = $doc])* pub $name: AtomicU64,)*
        }

        impl Metrics {
            /// Names, descriptions and values.
            pub fn all(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((
                    stringify!($name),
                    concat!($($doc),*).trim_ascii(),
                    self.$name.load(Ordering::Relaxed),
                ),)*]
            }
        }
    };
}

counters! {
    /// Commands that clients sent.
    commands,
    /// Statements answered over a shared connection.
    statements_shared,
    /// Statements answered over a connection of their own.
    statements_exclusive,
    /// Statements put together from several shards.
    statements_scattered,
    /// Statements refused by the planner.
    statements_refused,
    /// Statements refused because their user has no right to them.
    statements_denied,
    /// Transactions over several shards that committed.
    commits_multi_shard,
    /// Transactions over several shards of which only a part is known to have committed.
    commits_torn,
    /// Statements run again because a shared connection broke before it answered.
    retries,
    /// Plans found in the cache.
    plan_cache_hits,
    /// Plans made.
    plan_cache_misses,
    /// Statements ended by KILL or because the client left.
    cancelled,
}

/// Adds one.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
