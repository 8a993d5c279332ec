# The daily commands. `just` alone lists them.
default:
    @just --list

# The fast inner loop: unit and property tests of the libraries
test:
    cargo test --profile ci --workspace --lib

# One crate's tests, `just t fovflow-worker segment`
t crate filter="":
    cargo test --profile ci -p {{crate}} --lib {{filter}}

# Everything, as continuous integration does
ci:
    tests/run.sh

# Formatting, lints, documentation, licences
lint:
    cargo fmt --all
    cargo clippy --profile ci --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --profile ci --workspace --no-deps
    cargo deny --offline check bans licenses sources

# The independent checks in Python
parity:
    tests/run.sh python

# Fuzz one target for so many seconds, `just fuzz czi 600`; needs cargo-fuzz
fuzz target seconds="600":
    cd fuzz && RUSTC_BOOTSTRAP=1 cargo fuzz run {{target}} -- -max_total_time={{seconds}} -rss_limit_mb=512 -timeout=5

# Simulate, process, show
demo:
    cargo run --release -- demo
