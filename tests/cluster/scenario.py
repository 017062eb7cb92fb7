"""What happens while the clients send: the order of failures, and what must hold after each of them and at the end."""

import http.client
import os
import re
import subprocess
import threading
import time

import client
import machines
from machines import ADDRESSES, PORT, PUBLIC, Failure, Proxy, Server, Volume, health, wait_for

THREADS = 8
# Of a server (-N), by default.
WORKERS = 4
# HAProxy checks once a second, and takes a server out after two checks; each check has at most 3 s.
OUT = 10


class Cluster:
    """Two servers, HAProxy, and the storage."""

    public = (ADDRESSES[2], PUBLIC)
    servers = [(address, PORT) for address in ADDRESSES[:2]]

    def __init__(self, kind, home, programs, repository):
        os.makedirs(home)
        self.refusals = {}
        self.volume = Volume(home) if kind == "volume" else None
        if self.volume:
            roots = self.volume.mounts
        else:
            roots = [os.path.join(home, "root")] * 2
            os.mkdir(roots[0])
        self.a, self.b = (Server(home, programs, number, root) for number, root in enumerate(roots))
        self.a.start()
        self.b.start()
        self.proxy = Proxy(home, repository)

    def end(self):
        self.proxy.stop()
        self.a.stop()
        self.b.stop()

    def wait_until(self, server, state):
        since = time.monotonic()
        wait_for(f"HAProxy has server {server.name} {state}", lambda: self.proxy.states().get(server.name) == state, OUT)
        print(f"          HAProxy has server {server.name} {state} after {time.monotonic() - since:.1f} s", flush=True)


class SlowUpload(threading.Thread):
    """An upload through one server that is in progress until it is told to go on."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.go_on, self.outcome = server, threading.Event(), None
        self.is_begun = threading.Event()

    def run(self):
        def parts():
            yield b"first "
            self.is_begun.set()
            # A restart may take longer than a server waits for the next bytes.
            while not self.go_on.wait(1):
                yield b"."
            yield b"second"
        connection = http.client.HTTPConnection(self.server.address, PORT, timeout=120)
        try:
            connection.request("PUT", f"/slow-{self.server.name}", parts(), encode_chunked=True,
                               headers={"Transfer-Encoding": "chunked"})
            self.outcome = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            self.outcome = type(error).__name__
        finally:
            connection.close()


def events(cluster):
    """What happens, each when so much of the requests has been sent."""
    a, b, volume = cluster.a, cluster.b, cluster.volume

    def kill_server():
        b.kill()
        cluster.wait_until(b, "DOWN")

    def start_server():
        b.start()
        cluster.wait_until(b, "UP")

    def restart_in_the_middle():
        """The upload through the one that is stopped is finished, and the one through the other is not touched."""
        uploads = [SlowUpload(server) for server in (a, b)]
        for upload in uploads:
            upload.start()
            if not upload.is_begun.wait(30):
                raise Failure("a slow upload does not begin")
        time.sleep(0.3)
        a.process.terminate()
        cluster.wait_until(a, "DOWN")
        uploads[0].go_on.set()
        uploads[0].join(60)
        if a.process.wait(60) != 0:
            raise Failure(f"server a does not stop: {a.said()}")
        a.start()
        cluster.wait_until(a, "UP")
        uploads[1].go_on.set()
        uploads[1].join(60)
        outcomes = [upload.outcome for upload in uploads]
        if outcomes != [201, 201]:
            raise Failure(f"uploads in progress during a restart end with {outcomes}")

    def kill_mount():
        volume.kill_mount(1)
        wait_for("server b is not healthy", lambda: health(b.address) == 503, OUT)
        cluster.wait_until(b, "DOWN")

    def mount_again():
        """The server is not restarted: its checks alone bring it back."""
        volume.mount_again(1)
        wait_for("server b is healthy", lambda: health(b.address) == 200)
        cluster.wait_until(b, "UP")

    plan = [(0.10, "server b is killed", kill_server), (0.20, "server b starts", start_server),
            (0.50, "server a restarts with uploads in progress", restart_in_the_middle)]
    if volume:
        plan += [(0.30, "brick 3 is killed", lambda: volume.kill_brick(2)),
                 (0.42, "brick 3 starts", lambda: volume.start_brick(2)),
                 (0.70, "the mount of server b dies", kill_mount),
                 (0.80, "it is mounted again", mount_again)]
    return sorted(plan, key=lambda one: one[0])


def run(kind, home, typed, repository):
    begin = time.monotonic()
    if not os.path.exists("/sys/class/net/cluster0"):
        machines.make_network()
    cluster = Cluster(kind, home, typed.programs, repository)
    say(kind, begin, "two servers are healthy, and HAProxy has both")
    budget, counter = client.Budget(typed.requests), client.Counter()
    clients = [client.Client(number, cluster, budget, counter) for number in range(THREADS)]
    sent_from = time.monotonic()
    for one in clients:
        one.start()
    for share, what, do in events(cluster):
        wait_for(f"{share:.0%} of the requests", lambda: budget.spent() >= share or any(one.failure for one in clients), 250)
        check(clients)
        say(kind, begin, what)
        do()
    for one in clients:
        one.join(250)
    check(clients)
    took = time.monotonic() - sent_from
    say(kind, begin, f"{typed.requests} requests in {took:.0f} s, {sum(one.retried for one in clients)} sent again; "
        f"answers of 500 and more: {cluster.refusals or 'none'}")
    check_directory(cluster, clients, counter)
    cluster.end()
    check_logs(cluster)
    check_history(cluster, set().union(*(one.unrecorded for one in clients)))
    for server in (cluster.a, cluster.b):
        said = server.said()
        if "panicked" in said:
            raise Failure(said)
        for line in [line for line in said.splitlines() if ": 500 Internal Server Error" in line][:5]:
            print(f"          {line}", flush=True)
    if cluster.volume:
        cluster.volume.end()
    say(kind, begin, f"all that was answered is there; the counter has {counter.done} increments, {counter.unknown} had no answer")


def check(clients):
    for one in clients:
        if one.failure:
            raise one.failure


def check_directory(cluster, clients, counter):
    """Both servers, and the file systems below them, have what the answers promised."""
    for server in (cluster.a, cluster.b):
        answers = client.Answers()
        address = (server.address, PORT)
        for one in clients:
            for name in one.may_be:
                one.get(name, address)
        counter.check(int(answers.ask(address, "GET", counter.path)[2]))
        expected = {name for one in clients for name, may_be in one.may_be.items() if client.ABSENT not in may_be}
        expected |= {"counter", "slow-a", "slow-b"}
        found = set()
        for directory, _, names in os.walk(server.root):
            found |= {os.path.relpath(os.path.join(directory, name), server.root) for name in names}
        found = {name for name in found if ".httpserver-" not in name}
        if found != expected:
            raise Failure(f"the root of server {server.name} has {sorted(found ^ expected)} or lacks it")


def check_logs(cluster):
    """Each log by itself is sound. Only the server that was killed may have torn entries: one for each worker."""
    for server, torn in ((cluster.a, 0), (cluster.b, WORKERS)):
        tool = os.path.join(server.programs, "httpserver-log")
        done = subprocess.run([tool, "check", server.log], capture_output=True, text=True)
        said = done.stdout + done.stderr
        counted = re.search(r" entries whole, (\d+) torn, ", said)
        found = int(counted[1]) if counted else 0
        is_whole = done.returncode == 0 or found > 0
        if not is_whole or found > torn or ": nothing was altered" not in said:
            raise Failure(f"{server.log}: {said}")


def check_history(cluster, unrecorded):
    """The logs of both servers are one history, which ends with the files that are there.

    Status 1 says that versions are missing: those of changes that a killed server or a mount that died had begun. No
    answer depends on them. Only such a change of a name that is `unrecorded` may be missing at the end, too.
    """
    tool = os.path.join(cluster.a.programs, "httpserver-log")
    merged = os.path.join(os.path.dirname(cluster.a.log), "merged.txt")
    done = subprocess.run([tool, "merge", cluster.a.log, cluster.b.log, "-o", merged], capture_output=True, text=True)
    if done.returncode not in (0, 1) or not os.path.exists(merged):
        raise Failure(f"the logs cannot be merged: {done.stdout}{done.stderr}")
    are_missing = done.returncode == 1
    done = subprocess.run([tool, "check", merged, "--against", cluster.a.root], capture_output=True, text=True)
    differing = set(re.findall(rf"^{re.escape(cluster.a.root)}/(\S+): (?!note)", done.stdout + done.stderr, re.M))
    if differing:
        print(f"          not in the merged logs: {sorted(differing)}, versions are missing: {are_missing}", flush=True)
    if done.returncode != 0 and not (are_missing and differing and differing <= unrecorded):
        raise Failure(f"the merged logs do not end with the files that are there: {done.stdout}{done.stderr}")


def say(kind, begin, what):
    print(f"{kind}: {time.monotonic() - begin:5.1f} s: {what}", flush=True)
