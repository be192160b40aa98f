#!/usr/bin/env bash
# Brings the drivers of the client tests: PyMySQL, mysql2, go-sql-driver/mysql, Connector/J.
set -euo pipefail
cd "$(dirname "$0")"
python3 -c 'import pymysql, cryptography' 2>/dev/null || python3 -m pip install --quiet --break-system-packages pymysql cryptography 2>/dev/null ||
  python3 -m pip install --quiet pymysql cryptography
[ -d node_modules/mysql2 ] || npm install --silent --no-fund --no-audit --no-package-lock mysql2@3
(cd go && go mod download)
if [ ! -f build/Scenario.class ] || [ Scenario.java -nt build/Scenario.class ]; then
  mkdir -p build
  ls build/mysql-connector-j-*.jar >/dev/null 2>&1 ||
    mvn -q dependency:copy -Dartifact=com.mysql:mysql-connector-j:9.1.0 -DoutputDirectory="$PWD/build"
  ls build/protobuf-java-*.jar >/dev/null 2>&1 || true
  javac -cp "build/*" -d build Scenario.java
fi
