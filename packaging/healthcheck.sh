#!/bin/bash
# Succeeds when the gateway on this machine answers: asks /healthz with nothing but bash.
#   healthcheck.sh [PORT]
set -eu
port=${1:-${POLLUX_PORT:-7860}}
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
read -r -t 5 _ status _ <&3
[ "$status" = 200 ]
