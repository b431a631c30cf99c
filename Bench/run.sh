#!/bin/sh
# Builds what the benchmark needs and runs it. From the environment:
#   ROWS=plain,tls,sse,everything,upstreams,start,rss  which rows; all of them by default
#   ROUNDS=3   alternating rounds             SECONDS_PER_RUN=4   length of a run
#   NULL=1     nginx in Pollux's place, to see the noise; without the row "upstreams"
set -eu
cd "$(dirname "$0")/.."
folder=$PWD/.bench
mkdir -p "$folder"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$missing nginx"
command -v openssl >/dev/null || missing="$missing openssl"
command -v python3 >/dev/null || missing="$missing python3"
command -v cc >/dev/null || missing="$missing gcc libc6-dev"
if [ -n "$missing" ]; then
    as_root apt-get update -q
    # shellcheck disable=SC2086
    as_root apt-get install -y -q --no-install-recommends $missing
    case "$missing" in *nginx*)   # the package starts a server on port 80, which nobody asked for
        [ ! -d /run/systemd/system ] || as_root systemctl disable --now nginx ;;
    esac
fi
PATH=$PATH:/usr/sbin

cc -std=gnu17 -O2 -Wall -Wextra -o "$folder/loadgen" Bench/loadgen/*.c
cc -std=gnu17 -O2 -Wall -Wextra -o "$folder/sse_upstream" Bench/sse_upstream.c
if [ -z "${NULL:-}" ]; then
    scripts/build-release.sh
    scripts/build-release.sh LimiterCost
fi

exec python3 Bench/bench.py --folder "$folder" --rounds "${ROUNDS:-3}" --seconds "${SECONDS_PER_RUN:-4}" \
    ${ROWS:+--rows "$ROWS"} ${NULL:+--null}
