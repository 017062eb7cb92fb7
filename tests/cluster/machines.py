"""What runs: servers, HAProxy, and a volume of GlusterFS. Each is started here, and ended by its process id."""

import os
import re
import signal
import socket
import subprocess
import time

# The addresses of two servers and of HAProxy, in a network of the namespace's own.
ADDRESSES = ["10.77.0.1", "10.77.0.2", "10.77.0.3"]
PORT, STATUS, PUBLIC = 8080, 9100, 80


class Failure(Exception):
    """Something is not as promised."""


def wait_for(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def call(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def make_network():
    """GlusterFS wants no loopback address."""
    call("ip", "link", "set", "lo", "up")
    call("ip", "link", "add", "cluster0", "type", "veth", "peer", "name", "cluster1")
    for address in ADDRESSES:
        call("ip", "address", "add", f"{address}/24", "dev", "cluster0")
    for interface in ("cluster0", "cluster1"):
        call("ip", "link", "set", interface, "up")


def health(address):
    """The status of /healthz, or None."""
    try:
        with socket.create_connection((address, STATUS), 5) as client:
            client.settimeout(5)
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            return int(client.recv(64).split()[1])
    except (OSError, IndexError):
        return None


class Server:
    """One server, which is started and ended several times and continues its log."""

    def __init__(self, home, programs, number, root):
        self.address, self.root, self.process = ADDRESSES[number], root, None
        self.programs = programs
        self.name = "ab"[number]
        self.log = os.path.join(home, f"{self.name}.log")
        self.stderr = os.path.join(home, f"{self.name}.stderr")

    def start(self):
        command = [
            os.path.join(self.programs, "httpserver"), "--web", self.root, "--writable", "--listing", "--shared",
            "-l", self.log, "--log-append", "--seal", "--server-id", self.name,
            "--listen", f"{self.address}:{PORT},proxy", "--trust-proxy", ADDRESSES[2],
            "--status", f"{self.address}:{STATUS}",
        ]
        # It says why it refuses a request.
        environment = dict(os.environ, RUST_LOG="debug")
        with open(self.stderr, "ab") as stderr:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
                                            env=environment)
        wait_for(f"server {self.name} is healthy", lambda: self.is_running() and health(self.address) == 200)

    def is_running(self):
        if (status := self.process.poll()) is not None:
            raise Failure(f"server {self.name} has ended with {status}: {self.said()}")
        return True

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        if (status := self.process.wait(60)) != 0:
            raise Failure(f"server {self.name} has ended with {status}: {self.said()}")

    def said(self):
        with open(self.stderr, encoding="utf-8", errors="replace") as file:
            return file.read()


class Proxy:
    """HAProxy with the configuration that is shipped, but for addresses and who runs it."""

    def __init__(self, home, repository):
        with open(os.path.join(repository, "packaging/cluster/haproxy.cfg"), encoding="utf-8") as file:
            text = file.read()
        self.socket = os.path.join(home, "admin.sock")
        for shipped, ours in [
            (r"log /dev/log local0", ""),
            (r"    (user|group) haproxy\n", ""),
            (r"maxconn \d+", "maxconn 500"),
            (r"/run/haproxy/admin.sock", self.socket),
            (r"bind :80\n", f"bind {ADDRESSES[2]}:{PUBLIC}\n"),
            (r"send-proxy-v2\n", f"send-proxy-v2 source {ADDRESSES[2]}\n"),
            (r"198.51.100.11:8080", f"{ADDRESSES[0]}:{PORT}"),
            (r"198.51.100.12:8080", f"{ADDRESSES[1]}:{PORT}"),
        ]:
            text, count = re.subn(shipped, ours, text)
            if count == 0:
                raise Failure(f"haproxy.cfg has no {shipped}")
        path = os.path.join(home, "haproxy.cfg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        with open(os.path.join(home, "haproxy.stderr"), "wb") as stderr:
            self.process = subprocess.Popen(["haproxy", "-db", "-f", path], stdout=subprocess.DEVNULL, stderr=stderr)
        wait_for("HAProxy has both servers", lambda: self.states() == {"a": "UP", "b": "UP"})

    def states(self):
        """The state of each server, as HAProxy sees it: UP or DOWN."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(self.socket)
                client.sendall(b"show stat\n")
                text = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        except OSError:
            return {}
        rows = [line.split(",") for line in text.splitlines()]
        # "UP 1/2" is one that has failed a check.
        return {row[1]: row[17].split()[0] for row in rows if row[0] == "servers" and len(row) > 17 and row[1] != "BACKEND"}

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Volume:
    """A replica-3 volume, with a brick on each address, and a mount for each server."""

    NAME = "files"
    # Nothing that another mount may have changed is kept.
    MOUNT = ["--attribute-timeout=0", "--entry-timeout=0", "--negative-timeout=0", "--fopen-keep-cache=off"]

    def __init__(self, home):
        for state in ("/var/lib/glusterd", "/var/log/glusterfs", "/run/gluster"):
            os.makedirs(state, exist_ok=True)
            call("mount", "-t", "tmpfs", "cluster", state)
        self.glusterd = subprocess.Popen(["glusterd", "-N"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("glusterd answers", lambda: self.gluster("pool", "list") is not None)
        bricks = [f"{address}:{home}/brick{number}" for number, address in enumerate(ADDRESSES)]
        for argument in (
            ["volume", "create", self.NAME, "replica", "3", *bricks, "force"],
            ["volume", "set", self.NAME, "performance.stat-prefetch", "off"],
            ["volume", "start", self.NAME],
        ):
            if self.gluster(*argument) is None:
                raise Failure(f"gluster {' '.join(argument)} does not work")
        self.mounts, self.processes = [f"{home}/mount-a", f"{home}/mount-b"], {}
        for number in range(len(self.mounts)):
            self.mount(number)

    def gluster(self, *argument):
        done = subprocess.run(["gluster", "--mode=script", *argument], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    def mount(self, number):
        path = self.mounts[number]
        os.makedirs(path, exist_ok=True)
        command = ["glusterfs", "--no-daemon", "-s", ADDRESSES[0], f"--volfile-id={self.NAME}", *self.MOUNT, path]
        self.processes[number] = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def is_mounted():
            with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
                return any(line.split()[4] == path for line in mounts) and os.statvfs(path).f_blocks > 0
        wait_for(f"{path} is mounted", is_mounted)

    def kill_mount(self, number):
        self.processes[number].kill()
        self.processes[number].wait()

    def mount_again(self, number):
        call("umount", "-l", self.mounts[number])
        self.mount(number)

    def brick(self, number):
        """The process of a brick, as glusterd knows it; None if it does not run."""
        table = self.gluster("volume", "status", self.NAME) or ""
        # A long path has a line of its own.
        found = re.search(rf"brick{number}\s+\S+\s+\S+\s+Y\s+(\d+)", table)
        return int(found[1]) if found else None

    def kill_brick(self, number):
        process = self.brick(number)
        if process is None:
            raise Failure(f"brick {number} does not run")
        os.kill(process, signal.SIGKILL)
        # This script is the first process of its namespace, so the brick is its child by now.
        os.waitpid(process, 0)
        wait_for(f"glusterd misses brick {number}", lambda: self.brick(number) is None)

    def start_brick(self, number):
        if self.gluster("volume", "start", self.NAME, "force") is None:
            raise Failure("the bricks do not start")
        wait_for(f"brick {number} runs", lambda: self.brick(number) is not None)

    def end(self):
        for path, process in zip(self.mounts, self.processes.values()):
            subprocess.run(["umount", "-l", path], check=False)
            process.terminate()
            process.wait()
        self.gluster("volume", "stop", self.NAME)
        self.glusterd.terminate()
        self.glusterd.wait()
