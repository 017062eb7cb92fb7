#!/usr/bin/env python3
"""Verify logs of httpserver by their seals, as docs/log-format.md says, with the standard library only.

    examples/verify.py [--key FILE] LOG...     several LOGs are files of one log, oldest first
"""
import base64, hashlib, hmac, os, sys

def word_of(value):
    """A chain value or a code as a word of a line."""
    return base64.urlsafe_b64encode(value).rstrip(b"=")

def value_of(word):
    value = base64.urlsafe_b64decode(word + b"=")
    assert word_of(value) == word and len(value) == 32, f"not a chain value: {word}"
    return value

def seal_of(log):
    dots = [at for at in range(len(log) - 1, 0, -1) if log[at] == "."]
    return next(name for name in [log + ".seal"] + [log[:at] + ".seal" + log[at:] for at in dots] if os.path.exists(name))

def entry_of(first_line, rows):
    """An entry, and its content, which is None if it stored nothing."""
    if not first_line.startswith(b"PUT "):
        return first_line + b"\n========\n", None
    content = b"".join(bytes.fromhex(row.split(b" ", 1)[1].decode()) for row in rows)
    rows = (b"%08d %s\n" % (at, content[at:at + 20].hex(" ").encode()) for at in range(0, len(content), 20))
    return first_line + b"\n" + b"".join(rows) + b"========\n", content

def verify(path, key, before):
    """Verifies a log; returns its last chain value."""
    log, seal = open(path, "rb").read(), open(seal_of(path), "rb").read()
    lines = [line.rpartition(b" ") for line in seal.split(b"\n")[:-1]]
    torn = {text.split()[1]: text.split()[3] for text, _, _ in lines if text.startswith(b"torn ")}
    chain, end, number = before, 0, 0
    for text, _, value in lines:
        kind, *words = text.split(b" ")
        if kind == b"begin":
            end, previous = int(words[4]), value_of(words[5])
            assert before in (None, previous), "a file is missing before it"
            chain = previous
        elif kind == b"mac" and key:
            while key[0] < int(words[0]):
                key[:] = key[0] + 1, hashlib.sha256(key[1]).digest()
            assert word_of(hmac.digest(key[1], chain, "sha256")) == words[1], f"wrong code: {text}"
        chain = hashlib.sha256(chain + text).digest()
        assert word_of(chain) == value, f"not in the chain: {text}"
        if kind.isdigit():
            number += 1
            start, stop, hashed = int(words[0]), int(words[0]) + int(words[1]), b""
            assert int(kind) == number, f"not in its order: {text}"
            if torn.get(kind) == b"cut":
                continue
            assert start == end, f"not in its place: {text}"
            end, rest = stop, words[5:]
            if rest[0].startswith(b"sha256:"):
                hashed = rest.pop(0).removeprefix(b"sha256:")
            if rest[0].startswith(b"version:"):
                rest.pop(0)
            if kind not in torn:
                entry, content = entry_of(b" ".join(rest), log[start:stop].split(b"\n")[1:-2])
                assert log[start:stop] == entry, f"altered: {text}"
                assert hashed == (b"" if content is None else hashlib.sha256(content).hexdigest().encode()), f"altered: {text}"
    assert end == len(log), f"byte {end}: what follows is not sealed"
    print(f"{path}: {number} entries, {len(lines)} lines, last {word_of(chain).decode()}")
    return chain

arguments, key, chain = sys.argv[1:], None, None
if arguments[:1] == ["--key"]:
    key, arguments = [0, bytes.fromhex(open(arguments[1]).read().strip().removeprefix("seal-key-1:"))], arguments[2:]
for argument in arguments:
    chain = verify(argument, key, chain)
