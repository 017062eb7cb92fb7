"""A server for each test: ready before the test begins, and ended without a fault after it. Needs httpserver on PATH."""
import json
import subprocess
import time
import urllib.error
import urllib.request

import pytest


@pytest.fixture
def url(tmp_path):
    files, ready = tmp_path / "files", tmp_path / "ready"
    files.mkdir()
    options = ["-q", "--web", "--writable", "--max-time", "1m", "--ready-file", ready]
    server = subprocess.Popen(["httpserver", *options, files, "127.0.0.1", "0"])
    while not ready.exists():
        assert server.poll() is None, "the server did not start"
        time.sleep(0.01)
    yield json.loads(ready.read_text())["addresses"][0]
    server.terminate()
    assert server.wait() == 0
    assert not ready.exists()


def test_file_comes_back_as_it_was_stored(url):
    request = urllib.request.Request(f"{url}/notes.txt", data=b"hello\n", method="PUT")
    assert urllib.request.urlopen(request).status == 201
    assert urllib.request.urlopen(f"{url}/notes.txt").read() == b"hello\n"


def test_each_test_has_a_root_of_its_own(url):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{url}/notes.txt")
