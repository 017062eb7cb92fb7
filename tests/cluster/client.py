"""A client that retries, and knows for each of its files what an answer may be."""

import hashlib
import http.client
import random
import threading
import time

from machines import Failure

# How long a request is sent again before it counts as refused, in seconds. Two checks of HAProxy are over by then.
GIVE_UP = 60
ABSENT = None


def content(name, version, length):
    """Content that shows by itself whether it is whole, and what it is of."""
    head = f"{name} {version} {length}\n".encode()
    body = random.Random(f"{name} {version}").randbytes(length)
    return head + body + hashlib.sha256(head + body).digest()


def name_in(found):
    """The name and version of whole content; None if it is torn."""
    if hashlib.sha256(found[:-32]).digest() != found[-32:]:
        return None
    return found.split(b"\n", 1)[0].split()[:2]


class Answers:
    """The connections of one thread, to HAProxy and to the servers."""

    def __init__(self):
        self.open = {}

    def ask(self, address, method, path, fields=(), body=None):
        """Status, fields and content of an answer. OSError or HTTPException if there is none."""
        host, port = address
        connection = self.open.pop(address, None) or http.client.HTTPConnection(host, port, timeout=30)
        try:
            connection.request(method, path, body, dict(fields))
            response = connection.getresponse()
            received = response.read()
        except BaseException:
            connection.close()
            raise
        self.open[address] = connection
        return response.status, response.headers, received


class Client(threading.Thread):
    """One thread with files of its own, which no other changes. It ends at the first answer that is not true."""

    def __init__(self, number, cluster, budget, counter):
        super().__init__(daemon=True)
        self.number, self.cluster, self.budget, self.counter = number, cluster, budget, counter
        self.random = random.Random(number)
        self.answers = Answers()
        # For each name the contents that it may have. One, unless an upload had no answer.
        self.may_be = {}
        # Removed by a request without an answer, which no log has then.
        self.unrecorded = set()
        self.failure = None
        self.version = 0
        self.retried = 0

    def run(self):
        try:
            while self.failure is None and self.budget.take():
                self.step()
        except Failure as failure:
            self.failure = failure
        except Exception as error:  # A fault of this program ends the run, too.
            self.failure = Failure(f"{type(error).__name__}: {error}")

    def step(self):
        name = f"{self.number}-{self.random.randrange(12)}"
        if self.random.random() < 0.2:
            name = f"d{self.number}/{name}"
        kind = self.random.random()
        if kind < 0.40:
            self.put(name)
        elif kind < 0.75:
            self.get(name, self.cluster.public)
        elif kind < 0.85:
            self.delete(name)
        else:
            self.counter.increment(self.answers, self.cluster.public)

    def until_answered(self, what, attempt):
        """Sends a request again until its answer is final. `attempt` returns None for one that is not."""
        end = time.monotonic() + GIVE_UP
        while True:
            try:
                done = attempt()
                if done is not None:
                    return done
            except (OSError, http.client.HTTPException):
                pass
            self.retried += 1
            if time.monotonic() > end:
                raise Failure(f"{what} is not answered for {GIVE_UP} s")
            time.sleep(0.05)

    def put(self, name):
        self.version += 1
        new = content(name, self.version, self.random.choice([0, 100, 1000, 20_000, 200_000]))
        before = self.may_be.get(name, {ABSENT})
        self.may_be[name] = before | {new}

        def attempt():
            status, _, _ = self.answers.ask(self.cluster.public, "PUT", f"/{name}", body=new)
            return self.final(f"PUT {name}", status, {201, 204})
        self.until_answered(f"PUT {name}", attempt)
        self.may_be[name] = {new}
        self.unrecorded.discard(name)
        # What was answered is read at once through each server that lives.
        for address in self.cluster.servers:
            self.get_directly(name, address)

    def delete(self, name):
        may_be = self.may_be.setdefault(name, {ABSENT})

        def attempt():
            is_there = ABSENT not in may_be
            # A request that gets no answer may have removed the file.
            may_be.add(ABSENT)
            status, _, _ = self.answers.ask(self.cluster.public, "DELETE", f"/{name}")
            if status == 404 and is_there:
                raise Failure(f"DELETE {name} is 404, but the file is there")
            return self.final(f"DELETE {name}", status, {204, 404})
        attempts, may_have_been = self.retried, may_be != {ABSENT}
        if self.until_answered(f"DELETE {name}", attempt) == 204:
            self.unrecorded.discard(name)
        elif may_have_been and self.retried > attempts:
            self.unrecorded.add(name)
        self.may_be[name] = {ABSENT}

    def get(self, name, address):
        def attempt():
            status, _, body = self.answers.ask(address, "GET", f"/{name}")
            return self.check(f"GET {name}", name, status, body)
        self.until_answered(f"GET {name}", attempt)

    def get_directly(self, name, address):
        """Once: a server that is down gives no answer."""
        try:
            status, _, body = self.answers.ask(address, "GET", f"/{name}")
        except (OSError, http.client.HTTPException):
            return
        self.check(f"GET {name} from {address[0]} after it was stored", name, status, body)

    def check(self, what, name, status, body):
        if self.final(what, status, {200, 404}) is None:
            return None
        may_be = self.may_be.get(name, {ABSENT})
        found = ABSENT if status == 404 else body
        if found not in may_be:
            shown = "404" if found is ABSENT else name_in(body) or f"torn: {body[:60]!r}"
            expected = ["404" if one is ABSENT else name_in(one) for one in may_be]
            raise Failure(f"{what} has {shown}, and may have {expected}")
        return True

    def final(self, what, status, expected):
        """None for an answer that says to try again."""
        if status in expected:
            return status
        if status >= 500:
            self.cluster.refusals[status] = self.cluster.refusals.get(status, 0) + 1
            return None
        raise Failure(f"{what} is {status}")


class Counter:
    """A number in a file that all clients increment by compare and swap (If-Match)."""

    def __init__(self):
        self.path = "/counter"
        self.lock = threading.Lock()
        # Increments that were answered, and those that may have happened.
        self.done, self.unknown = 0, 0

    def increment(self, answers, address):
        try:
            status, fields, body = answers.ask(address, "GET", self.path)
            if status == 404:
                precondition, value = ("If-None-Match", "*"), 0
            elif status == 200:
                precondition, value = ("If-Match", fields["ETag"]), int(body)
            elif status >= 500:
                return
            else:
                raise Failure(f"GET {self.path} is {status}")
        except (OSError, http.client.HTTPException):
            return
        try:
            status, _, _ = answers.ask(address, "PUT", self.path, [precondition], b"%d" % (value + 1))
        except (OSError, http.client.HTTPException):
            status = None
        with self.lock:
            if status in (201, 204):
                self.done += 1
            elif status is None or status in (500, 502, 504):
                self.unknown += 1
            elif status not in (412, 503, 507):
                raise Failure(f"PUT {self.path} is {status}")

    def check(self, value):
        if not self.done <= value <= self.done + self.unknown:
            raise Failure(f"the counter is {value}: {self.done} increments were answered, {self.unknown} had no answer")


class Budget:
    """How many requests all clients have left."""

    def __init__(self, requests):
        self.all, self.left, self.lock = requests, requests, threading.Lock()

    def take(self):
        with self.lock:
            if self.left == 0:
                return False
            self.left -= 1
            return True

    def spent(self):
        return (self.all - self.left) / self.all
