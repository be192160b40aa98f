#!/usr/bin/env bash
# What does the proxy cost? The same sysbench run against the server itself (direct), haproxy in front
# of it, and Shardwright in front of it, in turn within every round, so that ratios survive a noisy
# machine. Prints medians: throughput as a ratio to direct, latencies, CPU per query of the proxy.
#
#   benches/oltp.sh [-t "oltp_point_select"] [-c "1 16 64 256"] [-m "disable auto"] [-s seconds] [-r rounds]
#
# Needs: mariadb-server, sysbench, haproxy, target/release/shardwright. Everything on loopback.
set -euo pipefail
tests="oltp_point_select" threads="1 16 64 256" modes="disable auto" seconds=4 rounds=3
while getopts t:c:m:s:r: o; do case $o in
  t) tests=$OPTARG ;; c) threads=$OPTARG ;; m) modes=$OPTARG ;; s) seconds=$OPTARG ;; r) rounds=$OPTARG ;;
  *) exit 2 ;; esac; done
cd "$(dirname "$0")/.."
bin=$PWD/target/release/shardwright
dir=$(mktemp -d)
port=23307 hport=23390 admin=23080
stop() {
  [ -s "$dir/haproxy.pid" ] && kill "$(cat "$dir/haproxy.pid")" 2>/dev/null || true
  "$bin" quickstart --stop --dir "$dir/q" >/dev/null || true
  rm -rf "$dir"
}
trap stop EXIT
"$bin" quickstart --shards 1 --dir "$dir/q" --mysql-port $port --admin-port $admin --no-demo --detach \
  --connections 300 >/dev/null
sport=$(cat "$dir/q/shards/s1/port")
ppid=$(cat "$dir/q/quickstart.pid") spid=$(cat "$dir/q/shards/s1/pid")
cat >"$dir/haproxy.cfg" <<CFG
global
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen mysql
  bind 127.0.0.1:$hport
  server s 127.0.0.1:$sport
CFG
haproxy -D -f "$dir/haproxy.cfg" -p "$dir/haproxy.pid"
hpid=$(cat "$dir/haproxy.pid")
sql() { mariadb --no-defaults -h127.0.0.1 -P"$port" -uroot -e "$1"; }
sql "CREATE DATABASE sbtest"
for i in 1 2 3 4; do sql "CREATE SHARDING RULE FOR sbtest.sbtest$i HASH (id)"; done
run() { # test port mode threads
  # shellcheck disable=SC2086
  sysbench $1 --mysql-host=127.0.0.1 --mysql-port="$2" --mysql-user=root --mysql-db=sbtest --tables=4 \
    --table-size=20000 --db-ps-mode="$3" --threads="$4" --time="$seconds" --percentile=99 \
    --histogram=on --range_selects=off run
}
sysbench oltp_point_select --mysql-host=127.0.0.1 --mysql-port=$port --mysql-user=root \
  --mysql-db=sbtest --tables=4 --table-size=20000 prepare >/dev/null
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'; }
hz=$(getconf CLK_TCK)
raw=$dir/raw
for t in $tests; do for m in $modes; do for c in $threads; do for r in $(seq "$rounds"); do
  for target in direct haproxy shardwright; do
    case $target in direct) p=$sport pid=$$ ;; haproxy) p=$hport pid=$hpid ;; *) p=$port pid=$ppid ;; esac
    p0=$(ticks "$pid") s0=$(ticks "$spid")
    run "$t" "$p" "$m" "$c" >"$dir/out" 2>&1 || { grep -m3 -E "FATAL|rror" "$dir/out" >&2; continue; }
    p1=$(ticks "$pid") s1=$(ticks "$spid")
    [ $target = direct ] && p1=$p0
    awk -v key="$t $m $c $target" -v p=$((p1 - p0)) -v s=$((s1 - s0)) -v hz="$hz" '
      $2 ~ /^\|/ { v[++n] = $1; h[n] = $NF; total += $NF }
      /^ *queries:/ { q = $2 } /^ *total time:/ { time = $3 + 0 }
      function at(f, i, sum) { for (i = 1; i <= n; i++) { sum += h[i]; if (sum >= f * total) return v[i] } }
      END { print key, q / time, at(.5), at(.99), p / hz * 1e6 / q, s / hz * 1e6 / q }' "$dir/out" >>"$raw"
  done
done; done; done; done
awk '
  function median(s, a, n, i, j, x) {
    n = split(s, a, " ")
    for (i = 2; i <= n; i++) { x = a[i] + 0; for (j = i - 1; j > 0 && a[j] + 0 > x; j--) a[j + 1] = a[j]; a[j + 1] = x }
    return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
  }
  { cell = $1 " " $2 " " $3; k = cell " " $4; if (!(k in seen)) { seen[k] = 1; order[++n] = k }
    if ($4 == "direct") base = $5
    ratio[k] = ratio[k] " " (base ? $5 / base : 0)
    for (i = 5; i <= 9; i++) value[k, i] = value[k, i] " " $i }
  END {
    print "| test | mode | threads | target | queries/s | ratio to direct | p50 ms | p99 ms | proxy CPU us/query | server CPU us/query |"
    print "|---|---|---|---|---|---|---|---|---|---|"
    for (i = 1; i <= n; i++) { k = order[i]; split(k, f, " ")
      printf "| %s | %s | %s | %s | %.0f | %.2f | %.3f | %.3f | %.1f | %.1f |\n", f[1], f[2] == "auto" ? "prepared" : "text", f[3], f[4],
        median(value[k, 5]), median(ratio[k]), median(value[k, 6]), median(value[k, 7]), median(value[k, 8]), median(value[k, 9]) }
  }' "$raw"
