#!/usr/bin/env bash
# Starts a server, stores a file, fetches it, and looks at what the server says it did. Needs curl and httpserver on PATH.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; mkdir "$work/files"; mkfifo "$work/ready"
httpserver -q --root "$work/files" --ready-fd 3 --exit-after 2 --max-time 1m --summary "$work/done" 127.0.0.1 0 3>"$work/ready" &
url=$(sed 's/.*"addresses":\["\([^"]*\)".*/\1/' "$work/ready")/ABCDEFarqdeXYZxyzf012345-ab
echo hello | curl -sf -T - "$url"
test "$(curl -sf "$url")" = hello
wait $! # the server has answered two requests, and ends with status 0
grep -q '"by_status":{"200":1,"201":1}' "$work/done"
echo ok
