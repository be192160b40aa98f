#!/usr/bin/env bash
# What do reads over several shards cost? A table of 2 x N rows over two shards, and the same rows on one server;
# each statement on both in turn, one client, rows taken in full. Prints the median of each and their ratio.
#
#   benches/merge.sh [rounds, default 7] [rows per shard, default 100000]
set -euo pipefail
rounds=${1:-7} rows=$(( ${2:-100000} * 2 ))
cd "$(dirname "$0")/.."
bin=$PWD/target/release/shardwright
dir=$(mktemp -d)
port=24107 admin=24180
trap 'for q in two one; do "$bin" quickstart --stop --dir "$dir/$q" >/dev/null || true; done; rm -rf "$dir"' EXIT
start() { # name shards port admin
  "$bin" quickstart --shards "$2" --dir "$dir/$1" --mysql-port "$3" --admin-port "$4" --no-demo --detach >/dev/null
}
start two 2 $port $admin
start one 1 $((port + 1)) $((admin + 1))
two() { mariadb --no-defaults -h127.0.0.1 -P$port -uroot "$@"; }
socket=$(find "$dir/one" -name mysqld.sock | head -1)
one() { mariadb --no-defaults -S "$socket" -uroot "$@"; }
columns="id INT NOT NULL PRIMARY KEY, g INT NOT NULL, v INT NOT NULL, d DECIMAL(10,2) NOT NULL, s VARCHAR(20) NOT NULL"
two -e "CREATE DATABASE b; USE b; CREATE TABLE t ($columns) SHARD BY HASH (id)"
one -e "CREATE DATABASE b; USE b; CREATE TABLE t ($columns)"
awk -v n="$rows" 'BEGIN {
  srand(7)
  for (i = 1; i <= n; i++) {
    if (i % 1000 == 1) printf "%sINSERT INTO t VALUES ", (i > 1 ? ";\n" : "")
    printf "%s(%d,%d,%d,%.2f,\"name %06d\")", i % 1000 == 1 ? "" : ",", i, int(rand() * 35000), \
      int(rand() * 1000000000), rand() * 10000, int(rand() * 1000000)
  }
  print ";"
}' >"$dir/rows.sql"
two b <"$dir/rows.sql"
one b <"$dir/rows.sql"
for side in one two; do $side b -e "SELECT COUNT(*), SUM(v) FROM t" -N; done
seconds() { # side statement: one execution, in seconds
  local from to
  from=$(date +%s.%N)
  $1 b -N --quick -e "$2" >/dev/null
  to=$(date +%s.%N)
  awk -v a="$from" -v b="$to" 'BEGIN { printf "%.4f\n", b - a }'
}
median() { sort -n | sed -n "$(((rounds + 1) / 2))p"; }
idle_one=$(for _ in $(seq "$rounds"); do seconds one "SELECT 1"; done | median)
idle_two=$(for _ in $(seq "$rounds"); do seconds two "SELECT 1"; done | median)
pid=$(cat "$dir"/two/proxy/pid 2>/dev/null || pgrep -f "$dir/two" | head -1)
cpu() { awk '{ print ($14 + $15) / 100 }' "/proc/$pid/stat"; }
peak() { awk '/VmHWM/ { print $2 }' "/proc/$pid/status"; }
before=$(peak)
printf '%-62s %9s %9s %6s %9s\n' statement "one ms" "two ms" ratio "proxy CPU"
while read -r statement; do
  a=() b=()
  seconds one "$statement" >/dev/null; seconds two "$statement" >/dev/null
  start=$(cpu)
  for _ in $(seq "$rounds"); do
    a+=("$(seconds one "$statement")")
    b+=("$(seconds two "$statement")")
  done
  end=$(cpu)
  x=$(printf '%s\n' "${a[@]}" | median) y=$(printf '%s\n' "${b[@]}" | median)
  awk -v s="$statement" -v x="$x" -v y="$y" -v i="$idle_one" -v j="$idle_two" -v c="$start" -v d="$end" -v n="$rounds" \
    'BEGIN { printf "%-62s %9.1f %9.1f %6.2f %6.1f ms\n", s, (x - i) * 1000, (y - j) * 1000, (y - j) / (x - i), (d - c) / n * 1000 }'
done <<'SQL'
SELECT COUNT(*), SUM(v) FROM t
SELECT * FROM t ORDER BY v LIMIT 10
SELECT g, COUNT(*), SUM(d) FROM t GROUP BY g
SELECT g, COUNT(*) AS n FROM t GROUP BY g ORDER BY n DESC LIMIT 10
SELECT id, v FROM t ORDER BY v
SELECT id, s FROM t ORDER BY s
SELECT id, v FROM t ORDER BY v LIMIT 100000, 10
SELECT DISTINCT g FROM t
SELECT COUNT(DISTINCT g) FROM t
SELECT COUNT(DISTINCT g) FROM t WHERE v < 10000000
SELECT id, RANK() OVER (ORDER BY v) FROM t
SQL
echo "the proxy's largest memory grew by $(($(peak) - before)) KiB"
