"""How long the start of one instance takes in a stack that runs: asked for over the control socket (docs/control-protocol.md), so no command's
start is in it. Beside it bubblewrap, where it is installed, with much the same namespaces and filesystems, but neither masks nor a filter of
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
LINE = "start of one instance (ms)"
BUBBLEWRAP = [
    "bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
    "--tmpfs", "/var/tmp", "--tmpfs", "/run", "--as-pid-1", "--die-with-parent"]


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
                if bench.has_kernel():
                    bench.figures.add(LINE, "floor", bench.kernel_times(1)[0])
                self.request(path, "stop")
                # The kernel clears up after it for a while.
                time.sleep(0.05)
                bench.figures.add(LINE, "stackup", self.request(path, "start"))
                if "bwrap" in bench.figures.peers:
                    bench.figures.add(LINE, "bwrap", self.bubblewrap())
        finally:
            bench.own(self.directory, "down")

    @staticmethod
    def request(path, what):
        """Carries out a request for the one service. Returns how long it took, in milliseconds."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            message = json.dumps({"request": what, "services": ["s0"]}).encode()
            begin = time.perf_counter()
            client.sendall(struct.pack(">I", len(message)) + message)
            while True:
                length, = struct.unpack(">I", client.recv(4, socket.MSG_WAITALL))
                reply = json.loads(client.recv(length, socket.MSG_WAITALL))
                if reply["reply"] == "event":
                    continue
                if reply["reply"] != "done":
                    sys.exit(f"bench: {what}: {reply}")
                return (time.perf_counter() - begin) * 1e3

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
