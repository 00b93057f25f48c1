#!/bin/sh
# Installs the Debian packages whose programs tests run, where one is missing and installing is possible. What still lacks
# its program afterwards is said; its tests fail.
set -u

# program, package
needed='
redis-server redis-server
chromium chromium
nginx nginx
testssl testssl.sh
openssl openssl
'

missing() {
  echo "$needed" | while read -r program package; do
    if [ "$program" = redis-server ] && command -v valkey-server >/dev/null; then continue; fi
    [ -z "$program" ] || command -v "$program" >/dev/null || echo "$package"
  done
  # The C core of gRPC, for Debian's own Python.
  /usr/bin/python3 -c 'import grpc' 2>/dev/null || echo python3-grpcio
}

packages=$(missing)
[ -n "$packages" ] || exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq
  # shellcheck disable=SC2086 # one word each
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
fi
packages=$(missing)
[ -z "$packages" ] || echo "could not install: $packages" | tr '\n' ' ' >&2
