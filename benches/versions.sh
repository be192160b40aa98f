#!/usr/bin/env bash
# CPU of the proxy per query, of two binaries in turn: what a change costs.
#
#   benches/versions.sh OLD NEW [-t oltp_point_select] [-c "16 64"] [-m "disable auto"] [-s seconds] [-r rounds]
#
# Needs: mariadb-server, sysbench, python3. Everything on loopback.
set -euo pipefail
old=$1 new=$2
shift 2
test=oltp_point_select threads="16 64" modes="disable auto" seconds=3 rounds=9
while getopts t:c:m:s:r: o; do case $o in
  t) test=$OPTARG ;; c) threads=$OPTARG ;; m) modes=$OPTARG ;; s) seconds=$OPTARG ;; r) rounds=$OPTARG ;;
  *) exit 2 ;; esac; done
dir=$(mktemp -d)
stop() {
  "$old" quickstart --stop --dir "$dir/old" >/dev/null || true
  "$new" quickstart --stop --dir "$dir/new" >/dev/null || true
  rm -rf "$dir"
}
trap stop EXIT
run() { # port mode threads command
  sysbench "$test" --mysql-host=127.0.0.1 --mysql-port="$1" --mysql-user=root --mysql-db=sbtest --tables=4 \
    --table-size=20000 --db-ps-mode="$2" --threads="$3" --time="$seconds" --range_selects=off "$4"
}
start() { # binary name port
  "$1" quickstart --shards 1 --dir "$dir/$2" --mysql-port "$3" --admin-port $(($3 + 1)) --no-demo --detach \
    --connections 300 >/dev/null
  sql() { mariadb --no-defaults -h127.0.0.1 -P"$1" -uroot -e "$2"; }
  sql "$3" "CREATE DATABASE sbtest"
  for i in 1 2 3 4; do sql "$3" "CREATE SHARDING RULE FOR sbtest.sbtest$i HASH (id)"; done
  run "$3" disable 1 prepare >/dev/null
}
start "$old" old 24307
start "$new" new 25307
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'; }
hz=$(getconf CLK_TCK)
for m in $modes; do for c in $threads; do for _ in $(seq "$rounds"); do for v in old:24307 new:25307; do
  pid=$(cat "$dir/${v%%:*}/quickstart.pid")
  before=$(ticks "$pid")
  queries=$(run "${v##*:}" "$m" "$c" run | awk '/queries:/ {print $2; exit}')
  after=$(ticks "$pid")
  echo "$m $c ${v%%:*} $(((after - before) * 1000000 / hz)) $queries"
done; done; done; done | python3 -c "
import statistics, sys
seen = {}
for line in sys.stdin:
    mode, clients, version, us, queries = line.split()
    seen.setdefault((mode, clients), {}).setdefault(version, []).append(int(us) / int(queries))
for (mode, clients), by in seen.items():
    ratio = statistics.median(b / a for a, b in zip(by['old'], by['new']))
    old, new = (statistics.median(by[v]) for v in ('old', 'new'))
    print('%s, %s clients: old %.2f us, new %.2f us a query, %.3f' % (mode, clients, old, new, ratio))
"
