#!/usr/bin/env bash
# A real MySQL server from Debian's unstable packages, with its own libraries, unpacked into a folder;
# the system is left alone. MariaDB's packages are what Debian stable has, so this is for tests only.
#   mysql.sh get DIR                 brings it
#   mysql.sh start DIR DATA PORT     starts one (root without password, loopback), prints its pid
set -euo pipefail

get() {
  local dir; mkdir -p "$1"; dir=$(cd "$1" && pwd)
  [ -e "$dir/complete" ] && return
  mkdir -p "$dir"/apt/{lists,archives}/partial "$dir/apt/state" "$dir/root"
  : >"$dir/apt/status"
  local from
  from=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources | head -1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from sid main" >"$dir/apt/sid.list"
  local apt=(apt-get -qq -o "Dir::State=$dir/apt/state" -o "Dir::State::status=$dir/apt/status"
    -o "Dir::State::Lists=$dir/apt/lists" -o "Dir::Etc::SourceList=$dir/apt/sid.list"
    -o Dir::Etc::SourceParts=/dev/null -o "Dir::Cache::archives=$dir/apt/archives"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Install-Recommends=false
    -o Debug::NoLocking=true -o APT::Keep-Downloaded-Packages=true -o APT::Sandbox::User=root)
  "${apt[@]}" update
  "${apt[@]}" -y --download-only install mysql-server-core >/dev/null
  local package
  for package in "$dir"/apt/archives/*.deb; do dpkg -x "$package" "$dir/root"; done
  touch "$dir/complete"
}

start() {
  local root data=$2 port=$3
  root=$(cd "$1" && pwd)/root
  local run=("$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu"
    "$root/usr/sbin/mysqld" --no-defaults --user=root "--basedir=$root/usr" "--datadir=$data"
    "--lc-messages-dir=$root/usr/share/mysql" "--plugin-dir=$root/usr/lib/mysql/plugin"
    "--character-sets-dir=$root/usr/share/mysql/charsets" --secure-file-priv= "--tmpdir=$data.tmp")
  mkdir -p "$data.tmp"
  [ -d "$data/mysql" ] || "${run[@]}" --initialize-insecure >"$data.init.log" 2>&1
  setsid "${run[@]}" "--port=$port" --bind-address=127.0.0.1 "--socket=$data.sock" "--pid-file=$data.pid" \
    --mysqlx=OFF --innodb-redo-log-capacity=16M --performance-schema=OFF "--server-id=$port" >"$data.log" 2>&1 </dev/null &
  for _ in $(seq 600); do [ -s "$data.pid" ] && break; sleep 0.1; done
  cat "$data.pid"
}

"$@"
