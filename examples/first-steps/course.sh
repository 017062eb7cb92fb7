#!/usr/bin/env bash
# A course assistant tries the assignment: store a file, fetch it, send a bad name, read the log, and rebuild the files
# from it.
. "$(dirname "$0")/lib.sh"

mkdir files
start -N 8 -l log.txt --root files 127.0.0.1 0
name=ABCDEFarqdeXYZxyzf012345-ab
echo 'ehllo; hello again; and once more.' >note.txt

expect 'PUT stores a file' 201 "$(status -T note.txt "$url/$name")"
expect 'GET serves it' 200 "$(status "$url/$name")"
cmp note.txt response || fail 'the file came back changed'
expect 'a name of 4 characters is refused' 400 "$(status "$url/abcd")"
expect 'a file that is not there is 404' 404 "$(status "$url/${name/A/a}")"
expect 'another method is 500, as the assignment has it' 500 "$(status -X DELETE "$url/$name")"

# Eight clients at once, each with a file of its own.
for client in 1 2 3 4 5 6 7 8; do
    seq "$client" 20000 >"upload.$client"
    curl -s -o /dev/null -w "%{http_code}" -T "upload.$client" "$url/client-${client}_of_eight-012345678" >"status.$client" &
    clients+=($!)
done
wait "${clients[@]}"
expect 'eight uploads at once are stored' '201201201201201201201201' "$(cat status.?)"
stop

httpserver-log check log.txt --against files || fail 'the log and the files differ'
expect 'the log has an entry for each request' 13 "$(httpserver-log list log.txt | wc -l)"
httpserver-log replay log.txt rebuilt
diff -r files rebuilt || fail 'the log does not rebuild the files'
echo 'ok: the log rebuilds the files'
