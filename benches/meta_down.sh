#!/usr/bin/env bash
# What do clients notice of the metadata service? sysbench point selects with three nodes up, then with all
# three frozen (SIGSTOP), then up again, in every round; then a minute in which one node after the other is
# killed. Prints the throughput ratio and every client error.
#
#   benches/meta_down.sh [rounds, default 5]
set -euo pipefail
rounds=${1:-5}
cd "$(dirname "$0")/.."
bin=$PWD/target/release/shardwright
dir=$(mktemp -d)
port=23807 admin=23880
trap '"$bin" quickstart --stop --dir "$dir/q" >/dev/null || true; rm -rf "$dir"' EXIT
"$bin" quickstart --meta 3 --shards 1 --dir "$dir/q" --mysql-port $port --admin-port $admin --no-demo --detach >/dev/null
sql() { mariadb --no-defaults -h127.0.0.1 -P"$port" -uroot -e "$1"; }
sql "CREATE DATABASE sbtest; CREATE SHARDING RULE FOR sbtest.sbtest1 HASH (id)"
bench() { # test seconds command
  sysbench "$1" --mysql-host=127.0.0.1 --mysql-port=$port --mysql-user=root --mysql-db=sbtest --tables=1 \
    --table-size=20000 --threads=16 --time="$2" "$3"
}
bench oltp_point_select 1 prepare >/dev/null
pids() { for f in "$dir"/q/meta/n*/pid; do cat "$f"; echo; done; }
rate() { bench oltp_point_select 5 run | awk '/queries:/ { gsub(/[()]/, ""); print $3 }'; }
bench oltp_point_select 5 run >/dev/null
ratios=
# Up, down, up: a machine that drifts drifts through both.
for _ in $(seq "$rounds"); do
  up=$(rate)
  # shellcheck disable=SC2046
  kill -STOP $(pids); down=$(rate); kill -CONT $(pids)
  sleep 3; again=$(rate)
  ratios="$ratios $(awk -v u="$up" -v a="$again" -v d="$down" 'BEGIN { printf "%.3f", 2 * d / (u + a) }')"
done
echo "throughput with all nodes frozen / with all up:$ratios"
echo "median $(tr ' ' '\n' <<<"$ratios" | grep . | sort -n | sed -n "$(((rounds + 1) / 2))p")"
bench oltp_write_only 60 run >"$dir/out" 2>&1 & load=$!
kills=0
while kill -0 $load 2>/dev/null; do
  for n in 1 2 3; do kill -9 "$(cat "$dir/q/meta/n$n/pid")" 2>/dev/null && kills=$((kills + 1)); sleep 2.5; done
done
wait $load && echo "write_only for 60 s with $kills nodes killed: no client error" || { cat "$dir/out"; exit 1; }
