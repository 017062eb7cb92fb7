#!/usr/bin/env bash
# An auditor checks what was stored, when and from where, whether the files on the disk match the log, and whether the
# log was altered. The verification key is kept on another machine.
. "$(dirname "$0")/lib.sh"

mkdir files
httpserver-log seal-key key >elsewhere.txt
start --web ./files --writable -l log.txt --seal --seal-key key --access-log access.jsonl --access-log-format json 127.0.0.1 0
echo 'first version' >first
echo 'second version' >second
expect 'a document is stored' 201 "$(status -T first "$url/contract.txt")"
expect 'it is replaced' 204 "$(status --interface 127.0.0.2 -T second "$url/contract.txt")"
expect 'another is stored' 201 "$(status -T first "$url/notes/memo.txt")"
expect 'and removed' 204 "$(status -X DELETE "$url/notes/memo.txt")"
stop

httpserver-log check log.txt --key elsewhere.txt --state key --against files || fail 'an honest log was rejected'
expect 'the replaced version is still in the log' 'first version' "$(httpserver-log extract log.txt 1)"
expect 'and so is the one that replaced it' 'second version' "$(httpserver-log extract log.txt 2)"
expect 'each change is listed' 'PUT PUT PUT DELETE' "$(echo $(httpserver-log list log.txt | grep -oE 'PUT|DELETE'))"

# The access log has the offset of a request's entry in the request log.
offset=$(httpserver-log list --json log.txt | sed -n '2s/.*"offset":\([0-9]*\).*/\1/p')
request=$(grep "\"entry\":{\"offset\":$offset," access.jsonl) || fail "no request belongs to the entry at byte $offset"
expect 'the second version came from' 127.0.0.2 "$(sed 's/.*"client":"\([^"]*\)".*/\1/' <<<"$request")"
httpserver-log stats log.txt

echo 'changed behind the back of the server' >files/contract.txt
if httpserver-log check log.txt --against files >report; then fail 'a changed file was not found'; fi
grep -q 'contract.txt' report || fail 'the report does not name the changed file'
echo 'ok: a file that was changed on the disk is found'

mkdir rebuilt
httpserver-log replay log.txt rebuilt
expect 'the log gives back what was stored' 'second version' "$(cat rebuilt/contract.txt)"

# An intruder also alters the content in the log. The log alone does not show it.
mkdir altered
sed 's/^00000000 66/00000000 46/' log.txt >altered/log.txt
httpserver-log check altered/log.txt || fail 'the altered log is no longer a valid log'
cp log.txt.seal altered/log.txt.seal
if httpserver-log check altered/log.txt >report; then fail 'an altered entry was not found'; fi
grep -q 'entry 1' report || fail 'the report does not name the altered entry'
echo 'ok: the seal shows which entry was altered'

# An intruder removes the newest entries from the log and from its seal.
mkdir shortened
start=$(httpserver-log list --json log.txt | sed -n '4s/.*"offset":\([0-9]*\).*/\1/p')
head -c "$start" log.txt >shortened/log.txt
head -n -2 log.txt.seal >shortened/log.txt.seal
if httpserver-log check shortened/log.txt --state key >report; then fail 'a shortened log was not found'; fi
echo 'ok: the state of the key shows that the end is missing'

# A changed byte makes this row invalid.
sed 's/^00000000 66/00000000 6g/' log.txt >forged.txt
if httpserver-log check forged.txt 2>report; then fail 'a corrupt log was not found'; fi
grep -q corrupt report || fail 'the report does not say that the log is corrupt'
echo 'ok: bytes that no server writes are found'
