# Everything a newcomer needs: `make run` and `make test`.

.PHONY: run test deps test-deps fmt clippy unit dashboard fuzz release doc bench isolation durability

run: deps
	cargo run -p picloud-server

# What CI runs. Installs what a fresh Debian machine lacks.
test: test-deps fmt clippy unit dashboard fuzz release doc

deps:
	@./.ci/deps

# Also what tests run against: proxies and the like.
test-deps:
	@./.ci/deps test

fmt:
	cargo fmt --all --check

clippy:
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy -p picloud --no-default-features -- -D warnings

# A test that needs a program which is not there fails; plain `cargo test` leaves it out and says so.
unit:
	PICLOUD_REQUIRE_ALL=1 cargo test --workspace --all-features
	PICLOUD_STORE_CASES=100000 cargo test --workspace --all-features --test all -- --ignored isolation_on_memory

# The same features as for `unit`, so that nothing is built twice. Screenshots: target/dashboard-screenshots.
dashboard: test-deps
	cargo build --workspace --all-features --bin picloud
	cd picloud-server/dashboard && npm ci && npm run check && npm run fresh && npm run e2e

# schemathesis against the real server and its OpenAPI document, with a fixed budget.
fuzz: test-deps
	./.ci/fuzz

# Limits are reached the same way when optimised: stack frames and timings differ.
release:
	cargo test -p picloud --release --lib rhai::

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# What the stores promise, at length: minutes each, and not part of `test`, which does the same with less.
isolation: test-deps
	PICLOUD_REQUIRE_ALL=1 PICLOUD_STORE_CASES=100000 cargo test -p picloud -p picloud-sqlx --all-features --test all -- --ignored isolation

durability: test-deps
	PICLOUD_REQUIRE_ALL=1 PICLOUD_KILLS=230 PICLOUD_WRITES=50 cargo test -p picloud-server --all-features --test all durability -- --nocapture

# Figures and goals: docs/benchmarks.md.
bench: deps
	cargo build --release -p picloud-server
	cargo bench -p picloud-benches
