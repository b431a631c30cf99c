#!/usr/bin/env bash
# Checks a release archive: complete, without Swift's libraries, and running in a root folder that holds nothing but the
# binary, the libraries it is linked with and the settings.
#   scripts/dist-check.sh ARCHIVE
#   scripts/dist-check.sh --dry      the scripts, the unit, the Dockerfile and packing, round a stand-in for the binary
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
gateway=
cleanup() {
    [ -z "$gateway" ] || kill "$gateway" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "dist-check: $*" >&2
    exit 1
}

check_scripts() {
    local script
    for script in scripts/*.sh packaging/*.sh; do bash -n "$script"; done
    if command -v systemd-analyze >/dev/null; then
        sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' packaging/pollux.service >"$work/pollux.service"
        systemd-analyze verify "$work/pollux.service" || fail "packaging/pollux.service"
    fi
    local package
    while IFS= read -r package; do
        grep -qF "\`$package\`" docs/install.md || fail "docs/install.md does not name $package, which packaging/requires does"
    done <packaging/requires
    # Everything that the Dockerfile copies is there, and .dockerignore lets it through.
    local path
    for path in $(sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p' Dockerfile); do
        [ -e "$path" ] || fail "the Dockerfile copies $path, which is not there"
        grep -qxF "!${path%%/*}" .dockerignore || fail ".dockerignore keeps $path out"
    done
}

# Twice, the second time from files with other times: the bytes must not tell.
check_packing() {
    local binary=$1 first second
    first=$(SOURCE_DATE_EPOCH=1767225600 scripts/pack.sh "$binary" 0.0.0 "$work/first")
    cp "$binary" "$work/binary"
    touch -d '2001-02-03' "$work/binary"
    second=$(umask 077 && TZ=Asia/Tokyo SOURCE_DATE_EPOCH=1767225600 scripts/pack.sh "$work/binary" 0.0.0 "$work/second")
    cmp "$first" "$second" || fail "packing the same files twice gives two archives"
}

unpack() {
    mkdir "$work/unpacked"
    tar -xzf "$1" -C "$work/unpacked"
    root=$(echo "$work"/unpacked/*)
    (cd "$root" && sha256sum --quiet -c SHA256SUMS) || fail "a checksum in the archive is wrong"
    local file
    for file in pollux pollux.service healthcheck.sh requires settings.yaml.example README.md LICENSE docs/install.md; do
        [ -s "$root/$file" ] || fail "$file is missing in the archive"
    done
}

# The package that a library's file belongs to. With merged /usr the two know the file by different names.
package_of() {
    local path=$1 name
    for name in "$path" "$(realpath "$path")" "/usr$path" "${path#/usr}"; do
        if dpkg-query -S "$name" 2>/dev/null | head -1 | cut -d: -f1 | grep .; then return; fi
    done
    fail "no Debian package holds $path"
}

# The libraries that the binary itself names: none of Swift's, and all in packages that the archive lists. Theirs come
# along with them.
check_libraries() {
    local needed missing library path package
    needed=$(readelf -d "$root/pollux" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
    if grep -E '^lib(swift|Foundation|dispatch|BlocksRuntime)' <<<"$needed"; then
        fail "Swift's own libraries are needed"
    fi
    if readelf -d "$root/pollux" | grep -E '\((RPATH|RUNPATH)\)' | grep -v '\$ORIGIN\]'; then
        fail "it looks for libraries in odd places"
    fi
    ldd "$root/pollux" >"$work/ldd"
    missing=$(grep 'not found' "$work/ldd" || true)
    [ -z "$missing" ] || fail "$missing"
    echo "Libraries, and the Debian packages they come from:"
    for library in $needed; do
        path=$(awk -v name="$library" '$1 == name {print $3; exit} $1 ~ "/" name "$" {print $1; exit}' "$work/ldd")
        package=$(package_of "$path")
        echo "  $library  $package"
        grep -qxF "$package" "$root/requires" || fail "$package is missing in packaging/requires"
    done
}

# A root folder with the binary, what ldd names and /proc, from which Swift's runtime reads the arguments. Nothing else can
# be read there.
check_bare() {
    local bare=$work/bare enter address
    mkdir -p "$bare"/{etc,tmp,state,proc}
    cp "$root/pollux" "$bare/pollux"
    grep -o '/[^ ]*' "$work/ldd" | while read -r library; do
        install -D "$library" "$bare$library"
    done
    # shellcheck disable=SC2016
    enter=(unshare --map-root-user --mount sh -c 'mount --rbind /proc "$0/proc" && exec chroot "$0" "$@"' "$bare")
    if ! unshare --map-root-user --mount true 2>/dev/null; then
        echo "Not tried in a root folder of its own: this machine does not let us change the root."
        return
    fi
    "${enter[@]}" /pollux version >"$work/version" 2>&1 || fail "$(cat "$work/version")"
    grep -qE '^pollux [0-9]' "$work/version" || fail "version says: $(head -3 "$work/version")"
    cat >"$bare/etc/settings.yaml" <<'SETTINGS'
server: {listen: "127.0.0.1:0"}
state: {folder: /state}
keys: [{name: a, key: "a-client-key-of-the-check"}]
providers: [{name: local, kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", models: [m]}]
SETTINGS
    "${enter[@]}" /pollux validate --settings /etc/settings.yaml >/dev/null || fail "validate fails in an empty root folder"
    "${enter[@]}" /pollux serve --settings /etc/settings.yaml >"$work/out" 2>"$work/log" &
    gateway=$!
    # The first line names the address.
    for _ in $(seq 100); do
        address=$(grep -oE '127\.0\.0\.1:[0-9]+' "$work/out" | head -1 || true)
        [ -z "$address" ] || break
        kill -0 "$gateway" 2>/dev/null || fail "serve ended in an empty root folder: $(cat "$work/log")"
        sleep 0.1
    done
    [ -n "$address" ] || fail "serve does not say where it listens: $(cat "$work/out" "$work/log")"
    bash "$root/healthcheck.sh" "${address##*:}" || fail "the health check fails"
    kill -TERM "$gateway"
    wait "$gateway" || fail "serve does not end well: status $?"
    gateway=
    echo "Ran in an empty root folder with $(find "$bare" -name '*.so*' | wc -l) libraries: $(cat "$work/version"), validate, serve, health check, drain."
}

if [ "${1:-}" = --dry ]; then
    check_scripts
    check_packing /bin/true
    unpack "$work/first"/*.tar.gz
    echo "Scripts, unit, Dockerfile and packing are in order."
else
    check_scripts
    check_packing .build/release/pollux
    (cd "$(dirname "$1")" && sha256sum --quiet -c "$(basename "$1").sha256") || fail "the archive's checksum is wrong"
    unpack "$1"
    check_libraries
    check_bare
fi
