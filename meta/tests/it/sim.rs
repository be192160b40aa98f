//! Whole services in one process, under faults that a seed chooses: lost, late, doubled and reordered
//! messages, partitions, slow nodes, power cuts and restarts, on a clock that jumps ahead when nobody
//! works. What must hold stands in `invariants`, one thing in a file.
//!
//! More seeds than usual: SHARDWRIGHT_SIM_SEEDS=500 cargo test -p shardwright-meta --test it sim. Raft
//! throws its own dice for elections, so a seed repeats the faults and not every turn of a run.

mod disk;
mod history;
mod invariants;
mod net;
mod world;

use world::World;

/// Seeds of an ordinary run.
const SEEDS: u64 = 12;

fn run(seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let nodes = if seed.is_multiple_of(3) { 5 } else { 3 };
        let mut world = World::start(seed, nodes).await;
        for _ in 0..120 {
            world.step().await;
            invariants::check(&world.history(), seed);
        }
        world.calm().await;
        invariants::check(&world.history(), seed);
        world.everybody_agrees(seed).await;
        world.stop().await;
    });
}

#[test]
fn what_was_promised_holds_under_every_fault() {
    let seeds = std::env::var("SHARDWRIGHT_SIM_SEEDS");
    let seeds = seeds.map_or(SEEDS, |n| n.parse().unwrap());
    (1..=seeds).for_each(run);
}
