#!/usr/bin/env bash
# Clients that start at once over the default pool: the same sysbench run against the server itself and through
# Shardwright in turn, as ratios.
#
#   benches/pool.sh [-c "64 200"] [-m "disable auto"] [-s seconds] [-r rounds]
#
# Needs: mariadb-server, sysbench, python3, target/release/shardwright. Everything on loopback.
set -euo pipefail
threads="64 200" modes="disable auto" seconds=5 rounds=5
while getopts c:m:s:r: o; do case $o in
  c) threads=$OPTARG ;; m) modes=$OPTARG ;; s) seconds=$OPTARG ;; r) rounds=$OPTARG ;;
  *) exit 2 ;; esac; done
cd "$(dirname "$0")/.."
bin=$PWD/target/release/shardwright
dir=$(mktemp -d)
port=23307
stop() {
  "$bin" quickstart --stop --dir "$dir/q" >/dev/null || true
  rm -rf "$dir"
}
trap stop EXIT
"$bin" quickstart --shards 1 --dir "$dir/q" --mysql-port $port --admin-port 23080 --no-demo --detach >/dev/null
sport=$(cat "$dir/q/shards/s1/port")
sql() { mariadb --no-defaults -h127.0.0.1 -P"$port" -uroot -e "$1"; }
run() { # port mode threads command
  sysbench oltp_point_select --mysql-host=127.0.0.1 --mysql-port="$1" --mysql-user=root --mysql-db=sbtest \
    --tables=4 --table-size=20000 --db-ps-mode="$2" --threads="$3" --time="$seconds" --percentile=99 "$4"
}
sql "CREATE DATABASE sbtest"
for i in 1 2 3 4; do sql "CREATE SHARDING RULE FOR sbtest.sbtest$i HASH (id)"; done
run $port disable 1 prepare >/dev/null
for c in $threads; do for m in $modes; do for _ in $(seq "$rounds"); do for p in "$sport" "$port"; do
  run "$p" "$m" "$c" run >"$dir/out"
  awk -v k="$c $m $p" '/queries:/ {q = $2} /99th/ {p = $3} END {print k, q, p}' "$dir/out"
done; done; done; done | python3 -c "
import statistics, sys
seen = {}
for line in sys.stdin:
    clients, mode, port, queries, p99 = line.split()
    seen.setdefault((clients, mode), {}).setdefault(port, []).append((int(queries), float(p99)))
for (clients, mode), by in seen.items():
    pairs = list(zip(by['$sport'], by['$port']))
    rate = [b[0] / a[0] for a, b in pairs]
    late = statistics.median(b[1] / a[1] for a, b in pairs)
    each = ' '.join('%.2f' % r for r in rate)
    print('%s clients, %s: %.2f of direct (%s), p99 %.2f' % (clients, mode, statistics.median(rate), each, late))
"
