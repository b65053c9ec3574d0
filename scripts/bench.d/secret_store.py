"""What the store and the secret commands cost, beside the programs that people keep secrets with."""

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

import managers
from figures import Figures

HERE = Path(__file__).resolve().parent


def run(command, directory, environment, text=None):
    """The wall time of a whole process in ms, from before it is started until it is reaped, and what it printed."""
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=directory, env=environment, input=text, stdin=subprocess.DEVNULL if text is None else None,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    took = (time.perf_counter() - begin) * 1e3
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(map(str, command))}: status {done.returncode}\n{done.stderr}")
    return took, done.stdout


def write_project(directory, count, size=None):
    """A project whose one service is granted so many secrets, from a file each."""
    directory.mkdir(parents=True)
    (directory / "files").mkdir()
    names = [f"secret{number}" for number in range(count)]
    for number, name in enumerate(names):
        (directory / "files" / name).write_text(f"value of secret {number}" if size is None else f"{number:08d}" * (size // 8))
    lines = ["name: bench\nservices:\n  reader:\n    command: [python3, /bench/watch.py, /run/secrets/watched, /seen/seen]\n"
             f"    volumes: ['{HERE}:/bench:ro', './seen:/seen']\n"
             "    stop_grace_period: 1s\n    secrets: [watched, " + ", ".join(names) + "]\nsecrets:\n"
             "  watched: {external: true}\n"]
    lines += [f"  {name}: {{file: ./files/{name}}}\n" for name in names]
    (directory / "compose.yaml").write_text("".join(lines))
    (directory / "seen").mkdir()


class SecretsBench:
    def __init__(self, place, chosen, stackup, writer, floor):
        self.place = place / "secrets"
        self.runs = chosen["runs"]
        self.count = 1000 if chosen["quick"] else 10000
        self.stackup = stackup
        self.writer = writer
        self.floor = floor
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.place), "LANG": "C.UTF-8"}
        self.managers = []
        self.missing = []
        self.running = []

    def own(self, home, *arguments, text=None, directory=None):
        """Not in a project's folder where nothing else is said: reading its file would be measured with it."""
        return run([self.stackup, *arguments], directory or self.place, dict(self.environment, STACKUP_HOME=str(home)), text)

    def memory(self, command, directory, environment):
        """The most memory that a command has had resident, in MB."""
        run([self.floor, "rss", self.place / "rss", *command], directory, environment)
        return int((self.place / "rss").read_text()) / 1024

    def own_memory(self, home, *arguments):
        return self.memory([self.stackup, *arguments], self.place, dict(self.environment, STACKUP_HOME=str(home)))

    def prepare(self):
        self.place.mkdir()
        write_project(self.place / "many", self.count)
        # As many bytes in values, or more, as the store of many has in all.
        write_project(self.place / "large", 20, size=500 * 1024)
        write_project(self.place / "few", 20)
        self.managers, self.missing = managers.installed(self.place, self.count)
        self.figures = Figures([manager.name for manager in self.managers])

    def up(self, name, home):
        directory = self.place / name
        self.own(home, "secret", "create", "watched", "-", text="first")
        self.running.append((home, directory))
        return self.start(directory, home)

    def start(self, directory, home):
        """Brings a project up, and waits until its service watches."""
        seen = directory / "seen/seen"
        seen.unlink(missing_ok=True)
        took = self.own(home, "up", "-d", directory=directory)[0]
        while not seen.exists() or not seen.read_text():
            time.sleep(0.01)
        return took

    def down(self):
        for home, directory in self.running:
            subprocess.run([self.stackup, "down"], cwd=directory, env=dict(self.environment, STACKUP_HOME=str(home)),
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.running = []

    def disk(self, index_size, commits=True):
        """The disk's part of a commit, or of a read that the log is told of, and nothing else: what is written and waited for."""
        folder = self.place / "disk"
        folder.mkdir(exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        begin = time.perf_counter()

        def write(name, content, flags, synchronise):
            file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | flags, 0o600)
            os.write(file, content)
            synchronise(file)
            os.close(file)

        if commits:
            write(f"object{time.monotonic_ns()}", b"x" * 60, os.O_EXCL, os.fsync)
            os.fsync(descriptor)
        write("log", b"x" * 200, os.O_APPEND, os.fdatasync)
        if commits:
            write("index.new", b"x" * index_size, os.O_TRUNC, os.fsync)
            os.rename(folder / "index.new", folder / "index")
            os.fsync(descriptor)
        took = (time.perf_counter() - begin) * 1e3
        os.close(descriptor)
        return took

    def files(self, number):
        """The disk's part of the first commit of so many: a file for each, and one wait for all of them."""
        folder = self.place / f"files{number}"
        folder.mkdir()
        descriptor = os.open(folder, os.O_RDONLY)
        begin = time.perf_counter()
        for number in range(self.count):
            file = os.open(f"object{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=descriptor)
            os.write(file, b"x" * 60)
            os.close(file)
        ctypes.CDLL(None).syncfs(descriptor)
        took = (time.perf_counter() - begin) * 1e3
        os.close(descriptor)
        return took

    def run(self):
        count = self.count
        for number in range(self.runs):
            print(f"secrets, run {number + 1} of {self.runs}", file=sys.stderr)
            add = self.figures.add
            # A new store each time: what was removed a moment ago slows down the making of files.
            home = self.place / f"home{number}"
            add(f"up -d, {count} new secrets (ms)", "stackup", self.up("many", home))
            add(f"up -d, {count} new secrets (ms)", "floor", self.files(number))
            many = self.place / "many"
            add(f"up -d again, {count} secrets (ms)", "stackup", self.own(home, "up", "-d", directory=many)[0])
            for round in range(3):
                self.update(home, many, f"update until a service reads it, {count} secrets (ms)", f"value {number} {round}")
            self.down()
            index_size = (home / "store/index").stat().st_size
            for round in range(3):
                took, shown = self.own(home, "secret", "export", "bench_secret7")
                assert shown == "value of secret 7", shown
                add(f"read one of {count} (ms)", "stackup", took)
                add(f"read one of {count} (ms)", "floor", self.disk(index_size, commits=False))
                add(f"read one of {count}: RSS (MB)", "stackup", self.own_memory(home, "secret", "export", "bench_secret7"))
                add(f"commit one of {count} (ms)", "stackup", self.own(home, "secret", "create", f"new{number}-{round}", "-", text="value")[0])
                add(f"commit one of {count} (ms)", "floor", self.disk(index_size))
                for manager in self.managers:
                    command, text = manager.read()
                    add(f"read one of {count} (ms)", manager.name, run(command, manager.place, manager.environment, text)[0])
                    add(f"read one of {count}: RSS (MB)", manager.name, self.memory(command, manager.place, manager.environment))
                    command, text = manager.update(f"{number} {round}")
                    add(f"commit one of {count} (ms)", manager.name, run(command, manager.place, manager.environment, text)[0])
            for name, what in (("few", "20 small ones"), ("large", "20 of 500 KiB")):
                home = self.place / f"home-{name}"
                if number == 0:
                    self.up(name, home)
                else:
                    self.running.append((home, self.place / name))
                    self.start(self.place / name, home)
                for round in range(3):
                    self.update(home, self.place / name, f"update until a service reads it, {what} (ms)", f"value {number} {round}")
                self.down()
                add(f"read one of {what}: RSS (MB)", "stackup", self.own_memory(home, "secret", "export", "bench_secret7"))
            store, sodium = map(float, subprocess.run(
                [self.writer, "x", "x", "sealing"], check=True, stdout=subprocess.PIPE, text=True).stdout.split())
            add("sealing 500 KiB (MB/s), floor: libsodium alone", "stackup", store)
            add("sealing 500 KiB (MB/s), floor: libsodium alone", "floor", sodium)

    def update(self, home, directory, line, value):
        """From before the command is started until the service has read the new value."""
        begin = time.monotonic_ns()
        self.own(home, "secret", "update", "watched", "-", text=value)
        seen = directory / "seen/seen"
        for _ in range(1000):
            for entry in seen.read_text().splitlines():
                moment, _, text = entry.partition(" ")
                if text == value:
                    self.figures.add(line, "stackup", (int(moment) - begin) / 1e6)
                    return
            time.sleep(0.01)
        raise SystemExit("bench: the service has not seen the new value")

    def print(self):
        for reason in self.missing:
            print(f"without {reason}")
        self.figures.print()
        print("floor of `up`, a read and a commit: the disk's part alone. podman keeps secrets unencrypted, and its `inspect` shows no value here; "
              "age and pass keep a file for each, sops all in one.")

    def clear(self):
        self.down()
        for manager in self.managers:
            manager.stop()
