#!/usr/bin/env bash
# Minutes of sysbench through the proxy, text and prepared: every test must end without an error that a
# single server would not give too (deadlocks, 1213, are counted and repeated, as sysbench does).
# Four tables sharded by hash over two shards, and a whole oltp_read_write over one single table.
#
#   benches/soak.sh [seconds a test, default 120]
set -euo pipefail
seconds=${1:-120}
cd "$(dirname "$0")/.."
bin=$PWD/target/release/shardwright
dir=$(mktemp -d)
port=23607 admin=23680
trap '"$bin" quickstart --stop --dir "$dir/q" >/dev/null || true; rm -rf "$dir"' EXIT
"$bin" quickstart --shards 2 --dir "$dir/q" --mysql-port $port --admin-port $admin --no-demo --detach >/dev/null
sql() { mariadb --no-defaults -h127.0.0.1 -P"$port" -uroot -e "$1"; }
sql "CREATE DATABASE sbtest; CREATE DATABASE one"
for i in 1 2 3 4; do sql "CREATE SHARDING RULE FOR sbtest.sbtest$i HASH (id)"; done
bench() { # database tables mode test options
  sysbench "$4" --mysql-host=127.0.0.1 --mysql-port=$port --mysql-user=root --mysql-db="$1" --tables="$2" \
    --table-size=20000 --db-ps-mode="$3" --threads=16 --time="$seconds" --percentile=99 "${@:5}"
}
bench sbtest 4 disable oltp_write_only prepare >/dev/null
bench one 1 disable oltp_write_only prepare >/dev/null
failed=0
run() {
  if bench "$@" run >"$dir/out" 2>&1; then result=fine; else result=FAILED failed=1; fi
  awk -v what="$1 $4 ${*:5} ps=$3: $result" '/transactions:/ { t = $2 } /ignored errors:/ { e = $3 }
    /99th/ { p = $3 } END { print what, t, "transactions,", e + 0, "repeated, p99", p, "ms" }' "$dir/out"
  grep -m3 -E 'FATAL' "$dir/out" || true
}
for mode in disable auto; do
  for t in oltp_point_select oltp_insert oltp_write_only; do run sbtest 4 $mode $t; done
  run sbtest 4 $mode oltp_read_write --range_selects=off
  run one 1 $mode oltp_read_write
done
exit $failed
