#!/usr/bin/env bash
# Runs Schemathesis against the admin API of a gateway that it starts: no answer of 500 or above, and every answer as the
# OpenAPI document says. Bounded in time (ADMIN_SCHEMA_SECONDS) and the same at each run.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${POLLUX_BIN:-$PWD/.build/debug/pollux}
venv=.venvs/admin-schema
scripts/venv.sh admin-schema Tests/AdminSchema/requirements.txt

folder=$(mktemp -d)
children=()
finish() {
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

# Prints the address behind the first line of a program's output that tells it.
address() {
    for _ in $(seq 300); do
        sed -nE 's/.*(http:\/\/127\.0\.0\.1:[0-9]+).*/\1/p;T;q' "$1" && grep -q http "$1" && return
        sleep 0.1
    done
    echo "nothing listens: $(cat "$1")" >&2
    return 1
}

"$program" simulate openai --listen 127.0.0.1:0 >"$folder/upstream" 2>&1 &
children+=($!)
upstream=$(address "$folder/upstream")
key=$(head -c 24 /dev/urandom | base64 | tr -d '/+=\n')
cat >"$folder/settings.yaml" <<SETTINGS
server: {listen: "127.0.0.1:0", loops: "1"}
state: {folder: "$folder/state"}
admin: {key: "admin-$key"}
keys: [{name: default, key: "client-$key"}]
log: {level: warning}
providers:
  - {name: local, kind: openai-compatible, base_url: "$upstream/v1", api_keys: ["upstream-$key"], models: [sim-large]}
SETTINGS
"$program" serve --settings "$folder/settings.yaml" >"$folder/gateway" 2>"$folder/log" &
gateway=$!
children+=("$gateway")
url=$(address "$folder/gateway")/admin/api/v1

# Takes a member out of a JSON answer.
member() { python3 -c 'import json, sys; print(json.load(sys.stdin)'"$1"')'; }

ask() { curl -sSf -H "Authorization: Bearer admin-$key" -H "Content-Type: application/json" "$@"; }

ACCOUNT_ID=$(ask "$url/accounts" | member '["items"][0]["id"]')
KEY_ID=$(ask "$url/keys" -d '{"name": "schema"}' | member '["id"]')
export ACCOUNT_ID KEY_ID

timeout "${ADMIN_SCHEMA_SECONDS:-90}" "$venv/bin/schemathesis" --config-file Tests/AdminSchema/schemathesis.toml \
    run "$url/openapi.json" --url "$url" --header "Authorization: Bearer admin-$key" --phases examples,coverage,fuzzing \
    --workers 1 --max-time 50 --no-color || {
    status=$?
    [ "$status" = 124 ] && echo "schemathesis was stopped after ${ADMIN_SCHEMA_SECONDS:-90} s" >&2
    tail -20 "$folder/log" >&2
    exit "$status"
}
kill -0 "$gateway" || { echo "the gateway has gone" >&2; tail -20 "$folder/log" >&2; exit 1; }
