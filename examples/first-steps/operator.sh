#!/usr/bin/env bash
# An operator runs a site: with HTTPS and a certificate that is renewed, behind a proxy that connects through a socket, with
# an access log that is rotated, durable uploads, limits, and a stop without a lost request.
. "$(dirname "$0")/lib.sh"

# certificate NAME: a key and a certificate for it, as an authority would give.
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
        -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$1.key" -out "$1.pem" 2>openssl.err ||
        fail "$(cat openssl.err)"
}

mkdir site
echo '<!doctype html><title>Site</title>' >site/index.html
certificate old
cp old.pem cert.pem
cp old.key cert.key
start --web ./site --writable --durable --access-log access.log -l request.log --log-append --max-body 1M \
    --tls-cert cert.pem --tls-key cert.key --redirect-http 127.0.0.1:0 \
    --listen unix:site.sock,mode=600 --trust-proxy 127.0.0.1,unix --drain-timeout 1m \
    --header 'Strict-Transport-Security: max-age=3600' 127.0.0.1 0
plain=$(sed -n 's/^listening on \(http:.*\)/\1/p' server.out)
export CURL_CA_BUNDLE=$work/old.pem

expect 'the site is served' 200 "$(status -H 'X-Forwarded-For: 192.0.2.7' "$url/")"
expect 'the site is served through the socket' 200 \
    "$(status --unix-socket site.sock -H 'X-Forwarded-For: 192.0.2.9' http://localhost/)"
expect 'the socket is for its user only' 600 "$(stat -c %a site.sock)"
expect 'plain HTTP is redirected' "301 $url/" "$(curl -s -o response -w '%{http_code} %{redirect_url}' "$plain/")"
expect 'every response has the added field' 1 "$(curl -si "$url/" | grep -c '^Strict-Transport-Security: max-age=3600')"
head -c 2000000 /dev/zero >large
expect 'an upload over the limit is refused' 413 "$(status -T large "$url/large")"
expect 'an upload is stored durably' 201 "$(status -T site/index.html "$url/copy.html")"

# The certificate is renewed, and the access log is rotated as logrotate does. One SIGHUP applies to both.
certificate new
cp new.pem cert.pem
cp new.key cert.key
mv access.log access.log.1
kill -HUP "$server"
until [ -e access.log ]; do sleep 0.01; done
export CURL_CA_BUNDLE=$work/new.pem
until curl -s -o response -H 'X-Forwarded-For: 192.0.2.8' "$url/copy.html"; do sleep 0.01; done
cmp site/index.html response || fail 'the page is not whole after the renewal'
echo 'ok: new connections have the new certificate'

# A shutdown in the middle of a slow download loses nothing.
head -c 1000000 /dev/urandom >site/download
curl -s --limit-rate 2M -o download "$url/download" & download=$!
until [ -s download ]; do sleep 0.01; done
stop
wait "$download" || fail 'the download broke'
cmp site/download download || fail 'the download is not whole'
echo 'ok: a download in progress is finished at shutdown'

grep -q '^192\.0\.2\.7 .*"GET / HTTP/1\.1" 200 ' access.log.1 || fail 'the access log lacks the client behind the proxy'
grep -q '^192\.0\.2\.9 .*"GET / HTTP/1\.1" 200 ' access.log.1 || fail 'the access log lacks the client behind the socket'
grep -q '^192\.0\.2\.8 .*"GET /copy.html HTTP/1\.1" 200 ' access.log || fail 'the new access log lacks its first line'
echo 'ok: both access logs have the clients behind the proxy'
if [ -e site.sock ]; then fail 'the socket is still there'; fi
httpserver-log check request.log
