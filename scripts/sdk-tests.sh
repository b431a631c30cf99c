#!/usr/bin/env bash
# Runs the client SDKs' tests against a gateway and simulators that the tests start; one virtual environment per set of
# SDK versions (Tests/SDK/*.txt). A set with a folder of its name has tests of its own there; the others share theirs.
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
    if [ -d "Tests/SDK/$set_name" ]; then
        "$venv/bin/python" -m pytest -q -c Tests/SDK/pytest.ini --confcutdir="Tests/SDK/$set_name" "Tests/SDK/$set_name"
    else
        "$venv/bin/python" -m pytest -q Tests/SDK
    fi
done
