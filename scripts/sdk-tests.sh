#!/usr/bin/env bash
# Runs the client SDKs' tests against a gateway and simulators that the tests start; one virtual environment per set of
# SDK versions (Tests/SDK/*.txt). A set has its tests in the folder of its name, with or without the version behind it;
# the others share theirs.
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
    # google-genai-1 has its tests in google-genai.
    tests=Tests/SDK/$set_name
    [ -d "$tests" ] || tests=Tests/SDK/${set_name%-*}
    if [ -d "$tests" ]; then
        "$venv/bin/python" -m pytest -q -c Tests/SDK/pytest.ini --confcutdir="$tests" "$tests"
    else
        "$venv/bin/python" -m pytest -q Tests/SDK
    fi
done
