#!/usr/bin/env bash
# Runs every test of fovflow on a machine that has Rust, a C compiler and Python 3.11 or later, and sets up what else they need.
#
#   tests/run.sh            everything
#   tests/run.sh rust       formatting, lints, documentation, unit, property and end-to-end tests
#   tests/run.sh python     the same binary held against numpy, scipy, scikit-image, zarr-python and Zeiss's reader
#
# Real microscope files are used where ../shared/data (or $FOVFLOW_SHARED/data) has them; their tests are left out otherwise,
# and say so.
set -euo pipefail
cd "$(dirname "$0")/.."
what="${1:-all}"
target="${CARGO_TARGET_DIR:-target}"
profile=ci

say() { printf '\n== %s\n' "$*"; }

need() {
    command -v "$1" >/dev/null || { echo "tests/run.sh needs $1: $2" >&2; exit 1; }
}

run_rust() {
    say "formatting, lints, documentation"
    cargo fmt --all -- --check
    cargo clippy --profile "$profile" --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --profile "$profile" --workspace --no-deps
    if command -v cargo-deny >/dev/null; then
        cargo deny --offline check bans licenses sources
    else
        echo "left out: licences and sources of dependencies (cargo install cargo-deny brings the tool)"
    fi
    say "unit, property and end-to-end tests"
    cargo test --profile "$profile" --workspace
}

run_python() {
    say "Python packages for the independent checks"
    local venv="$target/venv"
    if ! cmp -s tests/parity/requirements.txt "$venv/installed.txt"; then
        rm -rf "$venv"
        python3 -m venv "$venv" || { apt-get install -y python3-venv && python3 -m venv "$venv"; }
        "$venv/bin/pip" install --quiet --requirement tests/parity/requirements.txt
        cp tests/parity/requirements.txt "$venv/installed.txt"
    fi
    export FOVFLOW_BIN="$(realpath "$target/$profile/fovflow")"
    say "bad input, memory"
    PYTHONPATH=tests/cli "$venv/bin/python" -m pytest -q -p no:cacheprovider -p known_defects tests/cli
    say "parity, pixels, accuracy"
    "$venv/bin/python" -m pytest -q -p no:cacheprovider tests/parity
}

# Thousands of small files, each synced: memory is as good a place, and spares the disk.
shm_free_kb=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1 || echo 0)
if [ "${shm_free_kb:-0}" -gt 4000000 ]; then
    TMPDIR=$(mktemp -d /dev/shm/fovflow-tests.XXXXXX)
    export TMPDIR
    trap 'rm -rf "$TMPDIR"' EXIT
fi

need cargo "install Rust 1.91 or later with rustup"
need cc "install a C compiler, such as Debian's package build-essential"
say "building"
cargo build --profile "$profile" --workspace --bins
case "$what" in
    all) run_rust; need python3 "install Python 3.11 or later"; run_python ;;
    rust) run_rust ;;
    python) need python3 "install Python 3.11 or later"; run_python ;;
    *) echo "usage: tests/run.sh [all|rust|python]" >&2; exit 1 ;;
esac
say "all tests passed"
