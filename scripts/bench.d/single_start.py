"""How long the start of one instance takes in a stack that runs: from when it is asked for over the control socket (docs/control-protocol.md) to
when the supervisor has seen that the service's program runs, which its event says. So no command's start is in it, not how long whoever
asked has to wait for the CPU that this program has taken, and not what it does with the answers: it looks at them when all is over.

Measured at rest, as a start in a stack that has nothing else to do, and right after an end, when all that is needed lies in the CPU's caches; the
floor likewise. Beside it bubblewrap, where it is installed, with much the same namespaces and filesystems, but neither masks nor a filter of
system calls, nor anybody who supervises."""

import json
import shutil
import socket
import struct
import subprocess
import sys
import time

import project

ROUNDS = 20
# In seconds; the floor's is the same.
REST = 0.05
# In seconds: long enough for any start.
LEISURE = 0.02
LINE = "start of one instance (ms)"
BUBBLEWRAP = [
    "bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
    "--tmpfs", "/var/tmp", "--tmpfs", "/run", "--as-pid-1", "--die-with-parent"]


class Connection:
    """To a supervisor."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, request):
        self.socket.sendall(self.message(request))

    @staticmethod
    def message(request):
        text = json.dumps(request).encode()
        return struct.pack(">I", len(text)) + text

    def expect_done(self):
        while (reply := self.reply())["reply"] == "event":
            pass
        if reply["reply"] != "done":
            sys.exit(f"bench: {reply}")

    def reply(self):
        length, = struct.unpack(">I", self.socket.recv(4, socket.MSG_WAITALL))
        return json.loads(self.socket.recv(length, socket.MSG_WAITALL))


class StartBench:
    def __init__(self, bench):
        self.bench = bench
        self.directory = bench.place / "own1"

    def run(self):
        bench = self.bench
        bench.own(self.directory, "up", "-d")
        try:
            path, = (bench.place / "stackup/run").glob("*/control.sock")
            for _ in range(ROUNDS):
                self.measure(path, LINE, REST)
                self.measure(path, LINE + ", no rest", 0)
                if "bwrap" in bench.figures.peers:
                    time.sleep(REST)
                    bench.figures.add(LINE, "bwrap", self.bubblewrap())
        finally:
            bench.own(self.directory, "down")

    def measure(self, path, line, rest):
        if self.bench.has_kernel():
            self.bench.figures.add(line, "floor", self.bench.kernel_times(1, *(["rest"] if rest else []))[0])
        with Connection(path) as client:
            client.send({"request": "stop", "services": ["s0"]})
            client.expect_done()
            message = client.message({"request": "start", "services": ["s0"]})
            time.sleep(rest)
            begin = time.time_ns()
            client.socket.sendall(message)
            time.sleep(LEISURE)
            client.expect_done()
        self.bench.figures.add(line, "stackup", (self.started(path, begin) - begin) / 1e6)

    @staticmethod
    def started(path, since):
        """When the service was last started, by what the supervisor says of the time since then."""
        with Connection(path) as client:
            client.send({"request": "subscribe", "since": since})
            while True:
                happened = client.reply().get("happened", {})
                if "started" in happened.get("subject", {}).get("instance", {}).get("event", {}).get("kind", {}):
                    return happened["time"]

    @staticmethod
    def is_bubblewrap_installed():
        return shutil.which("bwrap") is not None

    @staticmethod
    def bubblewrap():
        """Until its command runs: it has executed it when the pipe's other end is closed."""
        begin = time.perf_counter()
        # The command gets the pipe as its output and says something at once.
        process = subprocess.Popen([*BUBBLEWRAP, "sh", "-c", f"echo; exec {' '.join(project.COMMAND)}"], stdout=subprocess.PIPE)
        process.stdout.read(1)
        elapsed = (time.perf_counter() - begin) * 1e3
        process.kill()
        process.wait()
        process.stdout.close()
        return elapsed
