#!/usr/bin/env bash
# Runs the client SDKs' tests against a gateway and simulators that the tests start; one virtual environment per set of
# SDK versions (Tests/SDK/*.txt).
set -euo pipefail
cd "$(dirname "$0")/.."
export POLLUX_BIN=${POLLUX_BIN:-$PWD/.build/debug/pollux}
for requirements in Tests/SDK/*.txt; do
    set_name=$(basename "$requirements" .txt)
    venv=.venvs/$set_name
    stamp=$venv/.installed-$(sha256sum "$requirements" | cut -c1-12)
    if [ ! -e "$stamp" ]; then
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install -q --disable-pip-version-check -r "$requirements"
        touch "$stamp"
    fi
    echo "== $set_name"
    "$venv/bin/python" -m pytest -q Tests/SDK
done
