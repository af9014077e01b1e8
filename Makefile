# Everything a newcomer needs: `make run` and `make test`.

.PHONY: run test deps fmt clippy unit release doc bench

run: deps
	cargo run -p picloud-server

# What CI runs. Installs what a fresh Debian machine lacks.
test: deps fmt clippy unit release doc

deps:
	@./.ci/deps

fmt:
	cargo fmt --all --check

clippy:
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy -p picloud --no-default-features -- -D warnings

unit:
	cargo test --workspace --all-features

# Limits are reached the same way when optimised: stack frames and timings differ.
release:
	cargo test -p picloud --release --lib rhai::

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# Figures and goals: docs/benchmarks.md.
bench: deps
	cargo build --release -p picloud-server
	cargo bench -p picloud-benches
