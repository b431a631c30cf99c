#!/usr/bin/env bash
# Runs the suites one after the other and prints the seconds of each. `quick` decides a landing; `all` adds the long ones.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-quick}
summary=()
output=$(mktemp)
trap 'rm -f "$output"' EXIT

suite() {
    local name=$1 start=$SECONDS
    shift
    echo "== $name"
    "$@" 2>&1 | tee "$output" || failed "$name"
    summary+=("$(printf '%-12s %4d s' "$name" $((SECONDS - start)))")
}

# What failed stands far above the end of a long output: it is said once more where a reader looks first.
failed() {
    echo "== $1 failed; of its output:"
    grep -nE '✘|error:|recorded an issue|FAILED|Traceback' "$output" | tail -n 40 || tail -n 40 "$output"
    exit 1
}

# What fails in seconds comes first.
suite lint swift format lint --strict -r Package.swift Sources Tests Examples Fuzz Bench
suite build swift build --build-tests
suite defects scripts/mutate.py --check
# One test at a time: many wait on real sockets, and two cores' worth of them at once would starve each other.
suite swift swift test --skip-build --no-parallel
suite sdk scripts/sdk-tests.sh
suite admin-schema scripts/admin-schema.sh
suite examples scripts/examples.sh
suite packaging scripts/dist-check.sh --dry
if [ "$mode" = all ]; then
    suite long env POLLUX_LONG=1 swift test --skip-build --no-parallel --filter 'IntegrationTests|SimulationTests'
    suite dist make -s dist
    suite sanitize scripts/sanitize.sh
    suite fuzz env FUZZ_SECONDS="${FUZZ_SECONDS:-20}" make -s fuzz
fi
echo "== seconds"
printf '%s\n' "${summary[@]}"
