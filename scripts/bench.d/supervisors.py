"""Supervisors that people use without containers, as peers of `up` and `down`. They isolate nothing and hold no secrets: what they
leave out is the price of stackup's walls. Each is started with a service for each process, and measured until all of them run."""

import os
import shutil
import signal
import subprocess
import time

import processes


class Unable(Exception):
    """A peer that does not get so many services to run."""


class Supervisor:
    """One that is given its services in files, starts all of them, and ends them when it is asked to end."""

    # How many services it is measured with at most; None: as many as stackup.
    most = None

    def __init__(self, place):
        self.place = place / self.name
        self.process = None
        self.token = None
        self.seen = set()
        self.running = set()

    def is_installed(self):
        return all(shutil.which(program) for program in self.programs)

    def up(self, count):
        """The time until so many processes run, in milliseconds."""
        # An argument that nobody else's `sleep` has.
        self.token = str(1_000_000_000 + time.monotonic_ns() % 1_000_000_000)
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        command = self.prepare(count, f"sleep {self.token}")
        self.seen = set(os.listdir("/proc"))
        begin = time.perf_counter()
        self.process = subprocess.Popen(
            command, cwd=self.place, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.running = set()
        while len(self.running) < count:
            if self.process.poll() is not None or time.perf_counter() - begin > 60:
                raise Unable(f"{self.name}: {len(self.running)} of {count} services run")
            self.look()
        return (time.perf_counter() - begin) * 1e3

    def look(self):
        """Adds the services that have come since. Looking takes time itself, so it happens every few milliseconds only."""
        time.sleep(0.005)
        for pid in set(os.listdir("/proc")) - self.seen:
            if not pid.isdigit():
                continue
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    arguments = file.read().split(b"\0")
            except OSError:
                continue
            if arguments[:2] == [b"sleep", self.token.encode()]:
                self.running.add(pid)
                self.seen.add(pid)

    def processes(self):
        """Those that look after the services."""
        return processes.family(self.process.pid) - {int(pid) for pid in self.running}

    def down(self):
        """The time until the supervisor has ended, and all services with it."""
        begin = time.perf_counter()
        for number in self.signals:
            self.process.send_signal(number)
        self.process.wait()
        while any(self.is_running(pid) for pid in self.running):
            time.sleep(0.002)
        took = (time.perf_counter() - begin) * 1e3
        self.process = None
        # Its own processes may still be on their way out.
        shutil.rmtree(self.place, ignore_errors=True)
        return took

    def is_running(self, pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return file.read().split(b"\0")[:2] == [b"sleep", self.token.encode()]
        except OSError:
            return False

    def clear(self):
        """Ends what was started, whatever became of it."""
        if not self.process:
            return
        self.process.kill()
        self.process.wait()
        self.look()
        for pid in self.running:
            if self.is_running(pid):
                os.kill(int(pid), signal.SIGKILL)
        self.process = None

    def service_folders(self, count, command):
        """A folder with a `run` for each service, as daemontools has it."""
        for number in range(count):
            folder = self.place / f"services/s{number}"
            folder.mkdir(parents=True)
            (folder / "run").write_text(f"#!/bin/sh\nexec {command}\n")
            (folder / "run").chmod(0o755)


class S6(Supervisor):
    name = "s6"
    programs = ["s6-svscan", "s6-supervise"]
    signals = [signal.SIGTERM]

    def prepare(self, count, command):
        self.service_folders(count, command)
        return ["s6-svscan", "-c", str(count + 10), "services"]


class Runit(Supervisor):
    name = "runit"
    programs = ["runsvdir", "runsv"]
    # Its TERM leaves the services running, its HUP ends them.
    signals = [signal.SIGHUP]

    def prepare(self, count, command):
        self.service_folders(count, command)
        return ["runsvdir", "services"]


class Supervisord(Supervisor):
    name = "supervisord"
    programs = ["supervisord"]
    signals = [signal.SIGTERM]

    def prepare(self, count, command):
        lines = [f"[supervisord]\nnodaemon=true\nlogfile={self.place}/log\npidfile={self.place}/pid\nminfds={3 * count + 1024}\n"]
        lines += [f"[program:s{number}]\ncommand={command}\nstartsecs=0\n" for number in range(count)]
        (self.place / "supervisord.conf").write_text("".join(lines))
        return ["supervisord", "-c", str(self.place / "supervisord.conf")]


class Parallel(Supervisor):
    name = "parallel"
    programs = ["parallel"]
    # The first has it start no more, the second ends what runs.
    signals = [signal.SIGTERM, signal.SIGTERM]

    def prepare(self, count, command):
        (self.place / "jobs").write_text(f"{command}\n" * count)
        return ["parallel", "--will-cite", "--ungroup", "-j", "0", "-a", "jobs"]

    def is_installed(self):
        # moreutils has another program of this name.
        return super().is_installed() and b"GNU" in subprocess.run(["parallel", "--version"], capture_output=True).stdout


def all_kinds(place):
    return [kind(place / "supervisors") for kind in (S6, Runit, Supervisord, Parallel)]
