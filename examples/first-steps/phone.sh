#!/usr/bin/env bash
# A person shares a folder with a phone: starts the server on the network, opens the printed address on the phone,
# downloads and uploads files. This needs a network; curl on this machine is the phone.
. "$(dirname "$0")/lib.sh"

mkdir pictures
head -c 300000 /dev/urandom >pictures/photo-10.jpg
cp pictures/photo-10.jpg pictures/photo-2.jpg
start --web ./pictures --listing --writable --qr 0.0.0.0 0

until grep -q '^reachable at ' server.err; do
    if grep -q '^no other machine ' server.err; then fail 'this machine has no network'; fi
    sleep 0.01
done
phone=$(sed -n '/^reachable at /{s///;s/ .*//;p;q}' server.err)
echo "ok: the phone opens $phone"
grep -q '█' server.err || fail 'there is no QR code'
grep -q 'every client that reaches' server.err || fail 'there is no warning that every client can write'

expect 'the folder is a page' 200 "$(status -H 'Accept: text/html' "$phone/")"
grep -q 'href=.*photo-2.jpg' response || fail 'the page lacks a picture'
expect 'a picture is served' 200 "$(status "$phone/photo-10.jpg")"
cmp pictures/photo-10.jpg response || fail 'the picture came back changed'

# An interrupted download is resumed.
head -c 100000 pictures/photo-2.jpg >partial
curl -s -C - -o partial "$phone/photo-2.jpg"
cmp pictures/photo-2.jpg partial || fail 'the download was not resumed'
echo 'ok: a broken download is resumed'

echo 'from the phone' >note.txt
expect 'the phone uploads a file' 201 "$(status -T note.txt "$phone/from-phone/note.txt")"
expect 'it is in the folder' 'from the phone' "$(cat pictures/from-phone/note.txt)"
expect 'an existing file is not replaced by accident' 412 \
    "$(status -T note.txt -H 'If-None-Match: *' "$phone/photo-2.jpg")"
stop
