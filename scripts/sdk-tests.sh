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
    scripts/venv.sh "$set_name" "$requirements"
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
