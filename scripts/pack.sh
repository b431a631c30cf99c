#!/usr/bin/env bash
# Packs a release archive around a binary. The same files give the same bytes: order, times, owners and modes are fixed.
#   scripts/pack.sh BINARY VERSION FOLDER      prints the archive's path
set -euo pipefail
binary=$(realpath "$1")
version=$2
mkdir -p "$3"
output=$(realpath "$3")
cd "$(dirname "$0")/.."
name=pollux-$version-linux-$(uname -m)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/$name
mkdir "$root"
install -m 755 "$binary" "$root/pollux"
install -m 755 packaging/healthcheck.sh "$root/healthcheck.sh"
install -m 644 packaging/pollux.service packaging/requires settings.yaml.example README.md CHANGELOG.md LICENSE "$root/"
# What is written down, not what a build or a benchmark left behind.
(cd docs && find . -name '*.md' -print0) | while IFS= read -r -d '' page; do
    install -D -m 644 "docs/$page" "$root/docs/$page"
done
(cd "$root" && find . -type f ! -name SHA256SUMS -print0 | LC_ALL=C sort -z | xargs -0 sha256sum >SHA256SUMS)
find "$root" -type d -exec chmod 755 {} +
chmod 644 "$root/SHA256SUMS"

archive=$output/$name.tar.gz
LC_ALL=C tar --create --directory "$stage" --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" \
    --owner=0 --group=0 --numeric-owner "$name" | gzip -n -9 >"$archive"
(cd "$output" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
echo "$archive"
