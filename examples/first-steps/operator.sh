#!/usr/bin/env bash
# An operator runs a site: behind a proxy, which connects through a port or a socket, with an access log that is rotated,
# durable uploads, limits, and a stop without a lost request.
. "$(dirname "$0")/lib.sh"

mkdir site
echo '<!doctype html><title>Site</title>' >site/index.html
start --web ./site --writable --durable --access-log access.log -l request.log --log-append --max-body 1M \
    --listen unix:site.sock,mode=600 --trust-proxy 127.0.0.1,unix --drain-timeout 1m \
    --header 'Strict-Transport-Security: max-age=3600' 127.0.0.1 0

expect 'the site is served' 200 "$(status -H 'X-Forwarded-For: 192.0.2.7' "$url/")"
expect 'the site is served through the socket' 200 \
    "$(status --unix-socket site.sock -H 'X-Forwarded-For: 192.0.2.9' http://localhost/)"
expect 'the socket is for its user only' 600 "$(stat -c %a site.sock)"
expect 'every response has the added field' 1 "$(curl -si "$url/" | grep -c '^Strict-Transport-Security: max-age=3600')"
head -c 2000000 /dev/zero >large
expect 'an upload over the limit is refused' 413 "$(status -T large "$url/large")"
expect 'an upload is stored durably' 201 "$(status -T site/index.html "$url/copy.html")"

# Rotation as logrotate does it: rename, then SIGHUP.
mv access.log access.log.1
kill -HUP "$server"
until [ -e access.log ]; do sleep 0.01; done
expect 'the server goes on after the rotation' 200 "$(status -H 'X-Forwarded-For: 192.0.2.8' "$url/copy.html")"

# A stop in the middle of a slow download loses nothing.
head -c 1000000 /dev/urandom >site/download
curl -s --limit-rate 2M -o download "$url/download" & download=$!
until [ -s download ]; do sleep 0.01; done
stop
wait "$download" || fail 'the download broke'
cmp site/download download || fail 'the download is not whole'
echo 'ok: a stop lets a download end'

grep -q '^192\.0\.2\.7 .*"GET / HTTP/1\.1" 200 ' access.log.1 || fail 'the access log lacks the client behind the proxy'
grep -q '^192\.0\.2\.9 .*"GET / HTTP/1\.1" 200 ' access.log.1 || fail 'the access log lacks the client behind the socket'
grep -q '^192\.0\.2\.8 .*"GET /copy.html HTTP/1\.1" 200 ' access.log || fail 'the new access log lacks its first line'
echo 'ok: both access logs have the clients behind the proxy'
if [ -e site.sock ]; then fail 'the socket is still there'; fi
httpserver-log check request.log
