#!/bin/sh
# Installs the Debian packages whose programs tests run, where one is missing and installing is possible: as root, or with
# a sudo that asks for no password. What still lacks its program afterwards is named with the line that installs it, and
# its tests fail.
set -u

# Where Debian keeps nginx, which is on the PATH of root alone.
PATH="$PATH:/usr/sbin"

# program, package
needed='
redis-server redis-server
chromium chromium
nginx nginx
testssl testssl.sh
openssl openssl
'

there() {
  case "$1" in
    redis-server) command -v redis-server >/dev/null || command -v valkey-server >/dev/null ;;
    chromium) [ -x "${CHROMIUM_PATH:-}" ] || command -v chromium >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing() {
  echo "$needed" | while read -r program package; do
    [ -z "$program" ] || there "$program" || echo "$package"
  done
  # The C core of gRPC, for Debian's own Python.
  /usr/bin/python3 -c 'import grpc' 2>/dev/null || echo python3-grpcio
}

# Runs a command as root; fails where that cannot be.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

packages=$(missing | tr '\n' ' ')
[ -n "$packages" ] || exit 0
if command -v apt-get >/dev/null && as_root true 2>/dev/null; then
  as_root apt-get update -qq
  # shellcheck disable=SC2086 # one word each
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
fi
packages=$(missing | tr '\n' ' ')
[ -n "$packages" ] || exit 0
echo "not installed: $packages" >&2
echo "tests that need them will fail; install them as root: apt-get install --no-install-recommends $packages" >&2
exit 1
