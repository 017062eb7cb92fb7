#!/usr/bin/env python3
"""Measure httpserver beside nginx, other servers and the physical limit, in one run.

    benches/beside_nginx/side_by_side.py --server target/release/httpserver [--case NAME ...] [--seconds 3] [--rounds 3]

Needs wrk, and for the peers and for TLS nginx, cc and openssl (Debian: apt-get install wrk nginx gcc openssl); for
--peers h2o and uring also h2o and liburing-dev, and for lwan its binary, which the variable LWAN names. Each round
starts every server in turn, pinned to the first processor, and drives it with wrk on the last one, so what drifts with the
machine drifts for all. Printed per case: requests/s, server CPU microseconds per request, and our ratio to each peer
(median of the rounds; for req/s above 1 is faster than the peer, for cpu below 1 is cheaper). Everything is on free ports
of 127.0.0.1 and in a temp folder.

nginx runs at its best: two workers, sendfile, tcp_nopush, open_file_cache on, no access log (GET cases with
`log` have both logs on). h2o and lwan have one thread. `floor` is floor.c: one recv, one send, nothing else; `uring` is
the same with io_uring (floor_uring.c).

With --ext4 the served files lie on ext4, in a file that is made, mounted by loop and removed for each server of each round,
since what was removed from an ext4 a moment ago slows down what is made. It needs root and mkfs.ext4 (e2fsprogs).

Before each measurement a file is written and removed, as long as the logs of that measurement may become, for every server alike.
A virtual machine gives free memory back to its host, and has to ask for each page again: that costs more than what is measured.

Cases with `tls` have the same certificate (ECDSA, P-256) and cipher (AES-256-GCM) on both sides. `tls-resume-1k` is
new connections whose session is resumed by its ticket, driven by `openssl s_time -reuse` with TLS 1.2: connections/s.
"""
import argparse, contextlib, os, re, select, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

import peers
from peers import PEERS

NAME = {1024: "ABCDEFGHIJKLMNOPQRSTUVWX_1k", 102400: "ABCDEFGHIJKLMNOPQRSTUV_100k", 10485760: "ABCDEFGHIJKLMNOPQRSTUVW_10m"}
# case: (method, bytes, connections, close, logged). The last word of a name adds options of ours: `seal`, `key` (sealed
# with a key), `access` (an access log, which nginx has in all logged cases).
CASES = {
    "get-1k-c64":       ("GET", 1024, 64, False, False),
    "get-1k-c4":        ("GET", 1024, 4, False, False),
    "get-1k-c64-log":   ("GET", 1024, 64, False, True),
    "get-1k-close":     ("GET", 1024, 64, True, False),
    "get-100k-c64":     ("GET", 102400, 64, False, False),
    "get-10m-c16":      ("GET", 10485760, 16, False, False),
    "put-1k-c16":       ("PUT", 1024, 16, False, False),
    "put-1k-c16-new":   ("PUT", 1024, 16, False, False),
    "put-1k-c16-log":   ("PUT", 1024, 16, False, True),
    "put-1m-c8":        ("PUT", 1048576, 8, False, False),
    "put-1m-c8-log":    ("PUT", 1048576, 8, False, True),
    # To be compared with the same case without its last word.
    "get-1k-c64-log-access": ("GET", 1024, 64, False, True),
    "get-1k-c64-log-seal":   ("GET", 1024, 64, False, True),
    "get-1k-c64-log-key":    ("GET", 1024, 64, False, True),
    "put-1k-c16-log-seal":   ("PUT", 1024, 16, False, True),
    "put-1k-c16-log-key":    ("PUT", 1024, 16, False, True),
    "put-1m-c8-log-seal":    ("PUT", 1048576, 8, False, True),
    "put-1m-c8-log-key":     ("PUT", 1048576, 8, False, True),
    "tls-get-1k-c64":   ("GET", 1024, 64, False, False),
    "tls-get-100k-c64": ("GET", 102400, 64, False, False),
    "tls-resume-1k":    ("GET", 1024, 1, True, False),
}
PROCESSORS = [str(number) for number in sorted(os.sched_getaffinity(0))]

# PUT: a thousand names in rotation, so nearly every upload replaces a file; with the last word `new` every name is new
PUT_LUA = """
local body = string.rep("x", {size}); local n = 0
request = function() n = n + 1; return wrk.format("PUT", string.format("/PUT_{tag}_%018d", n % {names}), nil, body) end
"""

def warm(directory, case, seconds):
    """Writes and removes as much as logs may take in so many seconds: an entry, its line in the seal, the hex dump of an upload."""
    method, size, _, _, logged = CASES[case]
    if not logged:
        return
    each, most_per_second = (512, 250_000) if method == "GET" else (4 * size + 512, 100_000 if size <= 65536 else 1000)
    free = os.statvfs(directory)
    left = min(int(each * most_per_second * seconds), free.f_bavail * free.f_frsize // 2)
    block, path = bytes(1 << 20), f"{directory}/warm"
    try:
        with open(path, "wb", buffering=0) as out:
            for _ in range(left // len(block)):
                out.write(block)
    finally:
        os.unlink(path)

def cpu_seconds(pid):
    """User + system time of a process and its children, in seconds."""
    total = 0
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = open(f"/proc/{entry}/stat").read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(entry) == pid or int(fields[1]) == pid:
                total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")

def free_port():
    """A port that no socket has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]

def printed_port(child):
    """The port that our server has chosen, from its first line on stdout; None if it prints none."""
    readable, _, _ = select.select([child.stdout], [], [], 5)
    found = readable and re.search(rb":(\d+)$", child.stdout.readline().rstrip())
    return int(found.group(1)) if found else None

def accepts(port):
    """Waits until a server accepts connections, at most five seconds."""
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False

def command(who, case, tmp, root, port, server, extra):
    _, size, _, _, logged = CASES[case]
    tls = case.startswith("tls-")
    if who == "ours":
        more = {"seal": ["--seal"], "key": ["--seal", "--seal-key", f"{tmp}/key"], "access": ["--access-log", f"{tmp}/ours.access"]}
        log = ["-l", f"{tmp}/ours.log", *more.get(case.rsplit("-", 1)[1], [])] if logged else []
        secure = ["--tls-cert", f"{tmp}/cert.pem", "--tls-key", f"{tmp}/key.pem"] if tls else []
        return [server, "-N", "4", *log, *secure, *extra, "127.0.0.1", str(port)]
    return peers.command(who, tmp, root, port, size, logged, tls)

def fill(root):
    """Makes the files that are served."""
    for size, name in NAME.items():
        with open(f"{root}/{name}", "wb") as out:
            out.write(os.urandom(size))

@contextlib.contextmanager
def fresh_ext4(root, image):
    """An ext4 of its own, with the served files, mounted on root."""
    with open(image, "wb") as out:
        out.truncate(8 << 30)
    try:
        # With an inode for each block, since every file of some cases is small and new.
        subprocess.run(["mkfs.ext4", "-q", "-F", "-i", "4096", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, root], check=True)
        try:
            fill(root)
            os.sync()
            yield
        finally:
            subprocess.run(["umount", root], check=True)
    finally:
        os.unlink(image)

def measure(who, case, tmp, root, server, extra, seconds):
    method, size, conns, close, _ = CASES[case]
    if case.endswith("-key"):
        tool = os.path.join(os.path.dirname(server), "httpserver-log")
        subprocess.run([tool, "seal-key", f"{tmp}/key"], check=True, stdout=subprocess.DEVNULL)
    warm(tmp, case, seconds)
    port = 0 if who == "ours" else free_port()
    child = subprocess.Popen(["taskset", "-c", PROCESSORS[0], *command(who, case, tmp, root, port, server, extra)], cwd=root,
                             stdout=subprocess.PIPE, stderr=open(f"{tmp}/{who}.err", "a"))
    try:
        port = port or printed_port(child)
        if not port or not accepts(port):
            sys.exit(f"{who} does not accept connections: {open(f'{tmp}/{who}.err').read()[-500:].rstrip()}")
        drive = ["taskset", "-c", PROCESSORS[-1], "wrk", "-t", "1", "-c", str(conns), "-d", f"{seconds}s", "--latency"]
        if close:
            drive += ["-H", "Connection: close"]
        path = "/" + NAME.get(size, "")
        if method == "PUT":
            with open(f"{tmp}/put.lua", "w") as out:
                names = 10 ** 12 if case.endswith("-new") else 1000 if size <= 65536 else 20
                out.write(PUT_LUA.format(size=size, tag="x" * 4, names=names))
            drive += ["-s", f"{tmp}/put.lua"]
            path = "/"
        before = cpu_seconds(child.pid)
        if case.startswith("tls-resume"):
            drive = ["taskset", "-c", PROCESSORS[-1], "openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-reuse",
                     "-www", path, "-time", str(seconds)]
            said = subprocess.run(drive, capture_output=True, text=True).stdout
            used = cpu_seconds(child.pid) - before
            done = re.search(r"^(\d+) connections in (\d+) real seconds", said, re.M)
            if not done or done.group(1) == "0":
                sys.exit(f"{who} {case}: bad run:\n{said}")
            return int(done.group(1)) / int(done.group(2)), used / int(done.group(1)) * 1e6, "?"
        scheme = "https" if case.startswith("tls-") else "http"
        said = subprocess.run(drive + [f"{scheme}://127.0.0.1:{port}{path}"], capture_output=True, text=True).stdout
        used = cpu_seconds(child.pid) - before
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill(); child.wait()
        for name in os.listdir(root):
            if name.startswith("PUT_"):
                os.unlink(os.path.join(root, name))
        for name in ("ours.log", "ours.log.seal", "ours.access", "key", "access.log"):
            if os.path.exists(f"{tmp}/{name}"):
                os.unlink(f"{tmp}/{name}")
    done = re.search(r"(\d+) requests in", said)
    if not done or done.group(1) == "0" or re.search(r"Non-2xx or 3xx responses", said):
        sys.exit(f"{who} {case}: bad run:\n{said}\n{open(f'{tmp}/{who}.err').read()[-500:]}")
    p99 = re.search(r"^\s+99%\s+(\S+)", said, re.M)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1)), used / int(done.group(1)) * 1e6, p99.group(1) if p99 else "?"

def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--server", required=True)
    ask.add_argument("--case", nargs="*", choices=list(CASES), default=list(CASES))
    ask.add_argument("--seconds", type=int, default=3)
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--peers", nargs="*", choices=PEERS, default=["nginx", "floor"])
    ask.add_argument("--ext4", action="store_true", help="serve from an ext4 that is made for each server and round")
    ask.add_argument("--dir", default="/dev/shm", help="where the served files lie (tmpfs keeps the disk out of it)")
    ask.add_argument("extra", nargs="*", help="more options for our server, after --")
    args = ask.parse_args()
    server, with_tls = os.path.abspath(args.server), any(case.startswith("tls-") for case in args.case)
    if not os.path.isfile(server) or not os.access(server, os.X_OK):
        sys.exit(f"--server {args.server}: no program is there; 'cargo build --release' makes target/release/httpserver")
    needed = ["taskset", "wrk", *(["openssl"] if with_tls else []), *(["mkfs.ext4", "mount"] if args.ext4 else [])]
    for program in [*(program for program in needed if not shutil.which(program)), *peers.missing(args.peers)]:
        sys.exit(f"{program} is not there, and is needed")
    tmp = tempfile.mkdtemp(prefix="side-by-side-", dir=args.dir)
    root = f"{tmp}/www"
    os.mkdir(root)
    try:
        if not args.ext4:
            fill(root)
        if with_tls:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                            "-subj", "/CN=localhost", "-keyout", f"{tmp}/key.pem", "-out", f"{tmp}/cert.pem"],
                           check=True, stderr=subprocess.DEVNULL)
        peers.build(args.peers, tmp)
        for case in args.case:
            method, size, _, close, logged = CASES[case]
            who = ["ours", *(p for p in args.peers if peers.has_a_say(p, method, size, close, logged, case.startswith("tls-")))]
            runs = {name: [] for name in who}
            for _ in range(args.rounds):
                for name in who:
                    with fresh_ext4(root, f"{tmp}/ext4") if args.ext4 else contextlib.nullcontext():
                        runs[name].append(measure(name, case, tmp, root, server, args.extra, args.seconds))
            for name in who:
                rate = statistics.median(r[0] for r in runs[name])
                cpu = statistics.median(r[1] for r in runs[name])
                print(f"{case:21s} {name:6s} {rate:10.0f} req/s  {cpu:9.2f} cpu-us/req  p99 {runs[name][-1][2]}")
            for peer in who[1:]:
                rate = statistics.median(a[0] / b[0] for a, b in zip(runs["ours"], runs[peer]))
                cpu = statistics.median(a[1] / b[1] for a, b in zip(runs["ours"], runs[peer]) if b[1])
                print(f"{case:21s} ours/{peer}: req/s {rate:.2f}  cpu {cpu:.2f}", flush=True)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)

if __name__ == "__main__":
    main()
