#!/bin/sh
# Redis of compose.yaml. The password stands in one place, the secret `redis_url` (redis://:PASSWORD@redis:6379), and
# never in an argument, where `ps` would show it. PASSWORD is hexadecimal (openssl rand -hex 24): nothing is escaped.
set -eu
here=$(dirname "$0")
url=$(cat "${REDIS_URL_FILE:-/run/secrets/redis_url}")
password=${url#*://*:}
password=${password%%@*}
case $url in *://*:*@*) ;; *) password= ;; esac
case $password in
  '' | *[!A-Za-z0-9]*)
    echo 'redis_url must be redis://:PASSWORD@redis:6379, with letters and digits as the password' >&2
    exit 2 ;;
esac

case ${1:-} in
  serve)
    # Settings by way of stdin; and `exec`, so that it is Redis that is told to stop.
    exec redis-server - <<SETTINGS
$(grep -v '^#' "$here/redis.conf")
port ${REDIS_PORT:-6379}
bind * -::*
dir ${REDIS_DATA:-/data}
requirepass $password
SETTINGS
    ;;
  check)
    REDISCLI_AUTH=$password redis-cli -p "${REDIS_PORT:-6379}" ping | grep -q PONG ;;
  *)
    echo 'usage: redis.sh serve|check' >&2
    exit 2 ;;
esac
