#!/usr/bin/env bash
# Finds the programs the integration and browser tests start for themselves: Redis, PostgreSQL, Chromium.
# Installs the missing ones where it may (root, or sudo without a password) and can, else says what to install; the
# tests that need them are then skipped with that reason. Never fails.
set -euo pipefail

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
    missing+=(chromium)

if [ ${#missing[@]} -eq 0 ]; then
    echo "services: Redis, PostgreSQL and Chromium are here"
    exit 0
fi

go_without() {
    echo "services: missing ${missing[*]}${1:+ ($1)}; their tests are skipped. To run them: apt-get install ${missing[*]}" >&2
    exit 0
}

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    else
        go_without
    fi
fi
if ! command -v apt-get >/dev/null; then
    echo "services: missing ${missing[*]}, and this is no Debian; install them, or their tests are skipped" >&2
    exit 0
fi

echo "services: installing ${missing[*]}"
# The tests start their own servers on free ports: none may start by itself.
policy=/usr/sbin/policy-rc.d
own_policy=
cleanup() { [ -z "$own_policy" ] || "${as_root[@]}" rm -f "$policy" || true; }
trap cleanup EXIT
if [ ! -e "$policy" ]; then
    own_policy=yes
    { printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null && "${as_root[@]}" chmod +x "$policy"; } ||
        go_without "$policy cannot be written"
fi

install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}
install >/dev/null || { "${as_root[@]}" apt-get update -qq && install >/dev/null; } || go_without "apt-get failed"
