# The only entry: make quickstart, make test, make verify, make fix, make bench.

SHELL := /bin/bash
.PHONY: help quickstart install-servers install-test-tools install-bench-tools build test test-mysql verify fix bench fuzz

help:
	@echo "make quickstart   private MariaDB shards, the proxy and a demo database on this machine"
	@echo "make test         all tests (installs MariaDB and the client drivers they need)"
	@echo "make test-mysql   the same comparison over real MySQL servers, which it brings into target/"
	@echo "make verify       format, lints, docs, house rules and tests; changes nothing"
	@echo "make fix          format, and repair what lints can"
	@echo "make fuzz        packets, logins and statements, SECONDS_EACH=60 each"
	@echo "make bench        the proxy beside the server itself and haproxy"

# Debian packages that are missing; as root, or with sudo.
define install
	@missing=; for pair in $(1); do command -v "$${pair%%:*}" >/dev/null 2>&1 \
	  || [ -x "/usr/sbin/$${pair%%:*}" ] || missing="$$missing $${pair##*:}"; done; \
	if [ -n "$$missing" ]; then \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; echo "installing:$$missing"; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; fi
endef

install-servers:
	$(call install,mariadbd:mariadb-server mariadb-install-db:mariadb-server mariadb:mariadb-client cc:gcc)

install-test-tools: install-servers
	$(call install,python3:python3 pip3:python3-pip node:nodejs npm:npm go:golang-go javac:default-jdk-headless mvn:maven)
	tests/clients/install.sh

install-bench-tools: install-servers
	$(call install,sysbench:sysbench haproxy:haproxy)

build:
	cargo build --release

quickstart: install-servers build
	target/release/shardwright quickstart $(ARGS)

test: install-test-tools
	cargo test --workspace
	cargo test -p shardwright-meta --features sled --test it storage
	@echo "not tested here: shards that are MySQL servers (make test-mysql)"

# Shards that are real MySQL servers, from Debian's unstable packages, beside the system.
test-mysql: install-test-tools
	tests/servers/mysql.sh get target/mysql-server
	SHARDWRIGHT_MYSQL=$(CURDIR)/target/mysql-server cargo test --workspace --features mysql-server --test it -- mysql

verify: install-test-tools
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features mysql-server -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	cargo test --workspace

fix:
	cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
	cargo fmt --all

bench: install-bench-tools build
	cargo bench --bench plan
	benches/oltp.sh

# Coverage-guided fuzzing of everything that parses; SECONDS_EACH=60 a target.
fuzz:
	fuzz/run.sh
