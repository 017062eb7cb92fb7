# Functions of the four scripts: a directory that is removed at the end, and a server that stops with the script. They
# need bash, curl, openssl, and httpserver and httpserver-log on PATH.
set -euo pipefail

work=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi
    rm -rf "$work"
}
trap finish EXIT
cd "$work"

fail() { echo "$0: $*" >&2; exit 1; }

# start ARGUMENTS: starts httpserver on a free port; its address is in $url, its stderr in server.err.
start() {
    : >server.out
    httpserver "$@" >server.out 2>server.err & server=$!
    until grep -q '^listening on ' server.out; do
        kill -0 "$server" 2>/dev/null || fail "the server did not start: $(cat server.err)"
        sleep 0.01
    done
    url=$(sed -n '/^listening on http/{s/^listening on //;p;q}' server.out)
}

# stop: stops the server as ctrl-C does; it must exit without an error.
stop() {
    kill -INT "$server"
    wait "$server" || fail "the server ended with status $?"
    server=
}

# expect WHAT EXPECTED FOUND
expect() {
    [ "$2" = "$3" ] || fail "$1: expected '$2', and found '$3'"
    echo "ok: $1"
}

# status CURL-ARGUMENTS: the status of a response.
status() { curl -s -o response -w '%{http_code}' "$@"; }
