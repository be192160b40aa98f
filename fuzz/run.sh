#!/usr/bin/env bash
# Runs every fuzz target, or those named, for SECONDS each (default 60). Needs stable Rust and a C++
# compiler. What breaks a target is kept in fuzz/found/; run it again with fuzz/run.sh TARGET FILE.
set -euo pipefail
cd "$(dirname "$0")"
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table --cfg fuzzing"
cargo build --release --target "$host" --quiet
if [ -f "${2:-}" ]; then exec "target/$host/release/$1" "$2"; fi
mkdir -p found
for target in "${@:-packets handshake statements}"; do
  for one in $target; do
    mkdir -p "corpus/$one"
    if [ "$one" = statements ] && [ -z "$(ls corpus/statements)" ]; then
      grep -v '^--' ../tests/compare/one_shard.sql | grep . | sed 's,^,0,' | split -l 1 -a 4 - corpus/statements/seed-
    fi
    echo "fuzzing $one for ${SECONDS_EACH:-60} s"
    "target/$host/release/$one" "corpus/$one" -max_total_time="${SECONDS_EACH:-60}" -timeout=10 \
      -rss_limit_mb=2048 -artifact_prefix=found/ -print_final_stats=1 2>&1 |
      grep -E 'stat::number_of_executed|ERROR|SUMMARY|panicked|Test unit' || true
    if [ -n "$(ls found)" ]; then echo "found:"; ls found; exit 1; fi
  done
done
