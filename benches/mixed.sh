#!/usr/bin/env bash
# Do slow statements hold up fast ones? 64 clients of point selects, alone and beside clients whose statements
# take 50 ms each (about 5 % of what is under way), with shared connections and without (exclusive leases).
# Prints the p99 of the fast ones; sharing must not make it more than twice that of exclusive leases.
#
#   benches/mixed.sh [rounds, default 3]
set -euo pipefail
rounds=${1:-3}
cd "$(dirname "$0")/.."
bin=$PWD/target/release/shardwright
dir=$(mktemp -d)
port=24007 admin=24080
stop() { "$bin" quickstart --stop --dir "$dir/$1" >/dev/null || true; }
trap 'stop shared; stop exclusive; rm -rf "$dir"' EXIT
cat >"$dir/slow.lua" <<'LUA'
function event() db_query("SELECT SLEEP(0.05), c FROM sbtest1 WHERE id = " .. math.random(20000)) end
LUA
bench() { # script threads command
  sysbench "$1" --mysql-host=127.0.0.1 --mysql-port=$port --mysql-user=root --mysql-db=sbtest --tables=1 \
    --table-size=20000 --db-ps-mode=disable --threads="$2" --time=6 --percentile=99 "$3"
}
p99() { bench oltp_point_select 64 run | awk '/99th/ { print $3 }'; }
for mode in shared exclusive; do
  n=1; [ $mode = exclusive ] && n=0
  "$bin" quickstart --shards 1 --dir "$dir/$mode" --mysql-port $port --admin-port $admin --no-demo --detach \
    --shared-connections $n --connections 96 >/dev/null
  mariadb --no-defaults -h127.0.0.1 -P$port -uroot -e \
    "CREATE DATABASE sbtest; CREATE SHARDING RULE FOR sbtest.sbtest1 HASH (id)"
  bench oltp_point_select 1 prepare >/dev/null
  bench oltp_point_select 64 run >/dev/null
  for r in $(seq "$rounds"); do
    alone=$(p99)
    bench "$dir/slow.lua" 4 run >/dev/null 2>&1 & slow=$!
    sleep 0.3
    beside=$(p99)
    wait $slow
    echo "$mode, round $r: p99 alone $alone ms, beside slow statements $beside ms"
  done
  stop $mode
done
