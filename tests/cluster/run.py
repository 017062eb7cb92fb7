#!/usr/bin/env python3
"""Two servers on one root behind HAProxy, while what can fail does: servers, a brick, a mount.

    tests/cluster/run.py [--programs DIRECTORY] [--requests N] [local] [volume]

`local` is a directory of this machine, `volume` a replica-3 volume of GlusterFS with a mount for each server; without
either both are tried. A client that retries sends N mixed requests (5,000) and knows what each answer may be; the first
answer that is not true ends the run with status 1. Afterwards the directory must have what the answers promised.

It needs root, FUSE and the programs haproxy, ip, unshare and, for `volume`, glusterd. It runs in namespaces of its own
for the network, mounts and processes, so the kernel ends and removes all of it with the script. Nothing outside is changed.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import scenario  # noqa: E402 - after the line before
from machines import Failure  # noqa: E402

# All of it, in seconds.
LIMIT = 300
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INSIDE = "HTTPSERVER_CLUSTER_TEST"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", default=os.path.join(REPOSITORY, "target/debug"))
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("kinds", nargs="*", help="local, volume")
    typed = parser.parse_args()
    if unknown := set(typed.kinds) - {"local", "volume"}:
        parser.error(f"there is no {', '.join(unknown)}")
    typed.kinds = typed.kinds or ["local", "volume"]
    return typed


def what_is_missing(kinds):
    """Programs first: CI installs them. The rest is a matter of rights."""
    programs = ["haproxy", "ip", "unshare"]
    if "volume" in kinds:
        programs += ["glusterd", "gluster", "glusterfs"]
    for program in programs:
        if not shutil.which(program):
            return f"{program} is not there", True
    if os.geteuid() != 0:
        return "this takes root", False
    if "volume" in kinds and not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse cannot be opened", False
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        return f"there are no namespaces: {tried.stderr.strip()}", False
    return None, False


NAMESPACES = ["unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]


def main():
    typed = arguments()
    if os.environ.get(INSIDE):
        return run(typed)
    why, is_program = what_is_missing(typed.kinds)
    if why:
        print(f"skipped: {why}")
        return 1 if is_program and os.environ.get("CI") == "true" else 0
    environment = dict(os.environ, **{INSIDE: "1"})
    options = ["--programs", typed.programs, "--requests", str(typed.requests)]
    ends = time.monotonic() + LIMIT
    # Each kind has namespaces of its own, since it leaves a network.
    for kind in typed.kinds:
        command = [*NAMESPACES, sys.executable, os.path.abspath(__file__), *options, kind]
        try:
            status = subprocess.run(command, env=environment, timeout=ends - time.monotonic()).returncode
        except subprocess.TimeoutExpired:
            print(f"failed: it takes more than {LIMIT} s")
            return 1
        if status != 0:
            return status
    return 0


def run(typed):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    home = tempfile.mkdtemp(prefix="httpserver-cluster-")
    # Whatever is written there is gone with the namespace.
    subprocess.run(["mount", "-t", "tmpfs", "cluster", home], check=True)
    try:
        for kind in typed.kinds:
            scenario.run(kind, os.path.join(home, kind), typed, REPOSITORY)
    except Failure as failure:
        print(f"failed: {failure}")
        return 1
    finally:
        subprocess.run(["umount", "-l", home], check=False)
        os.rmdir(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
