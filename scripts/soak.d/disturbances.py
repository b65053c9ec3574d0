"""What happens to the stack, from several sides at once."""

import json
import os
import random
import signal
import threading
import time


class Disturbance(threading.Thread):
    """Does one thing after the other until the time is over."""

    def __init__(self, soak, number, pause):
        super().__init__(daemon=True)
        self.soak = soak
        self.dice = random.Random(soak.seed * 100 + number)
        self.pause = pause
        self.failure = None

    def run(self):
        try:
            while time.monotonic() < self.soak.deadline:
                self.step()
                time.sleep(self.dice.uniform(0, self.pause))
        except Exception as error:  # A mistake of the soak's own must not look like a success.
            self.failure = error


class Editor(Disturbance):
    """Edits the Compose file, and applies it."""

    def step(self):
        with self.soak.lock:
            for _ in range(self.dice.choice([1, 1, 2, 5])):
                self.soak.count("edit: " + self.soak.stack.edit())
        self.soak.command("up", "-d", "--remove-orphans")


class Keeper(Disturbance):
    """Gives secrets new values."""

    def step(self):
        stack, name = self.soak.stack, self.dice.choice(list(self.soak.stack.kept))
        with self.soak.lock:
            value = f"{name} {stack.kept[name][1]}"
        done = self.soak.command("secret", "update", name, "-", text=value)
        with self.soak.lock:
            stack.kept[name][1] += 1
            if done and done.returncode == 0:
                stack.kept[name][0] += 1


class Visitor(Disturbance):
    """Looks at services, and into them."""

    def step(self):
        service = self.dice.choice(self.soak.stack.services).name
        self.soak.command(*self.dice.choice([
            ("exec", "-T", service, "sh", "-c", "cat /run/secrets/* >/dev/null; echo here"),
            ("ps", "-a", "--format", "json"), ("logs", "--tail", "3", service), ("grants", "--format", "json"), ("restart", "-t", "1", service),
            ("stop", "-t", "1", service), ("start", service), ("kill", service)]))


class Guest(Disturbance):
    """Runs commands of its own as services, for a moment."""

    def step(self):
        service = self.dice.choice(self.soak.stack.services).name
        status = self.dice.randrange(100)
        last = f"cat /run/secrets/* >/dev/null; sleep {self.dice.uniform(0, 2):.1f}; exit {status}"
        how = self.dice.choice([("-T", "--rm"), ("-T",), ("-d",), ("-d", "--rm")])
        done = self.soak.command("run", *how, service, "sh", "-c", last)
        if done and "-T" in how and done.returncode not in (status, 1, 125, 137):
            self.soak.complain(f"run {' '.join(how)} {service} ends with {done.returncode}, not {status}: {done.stderr}")


class Killer(Disturbance):
    """Kills processes: those of services, and in the first half of the time the supervisor, which then has the second half to grow in."""

    def step(self):
        done = self.soak.command("ps", "-a", "--format", "json")
        if not done or done.returncode != 0:
            return
        instances = json.loads(done.stdout)
        pids = [instance["PID"] for instance in instances if instance["PID"]]
        if self.dice.random() < 0.3 and time.monotonic() < self.soak.half_time and instances and instances[0]["SupervisorPID"]:
            self.kill(instances[0]["SupervisorPID"], "kill: supervisor")
        elif pids:
            self.kill(self.dice.choice(pids), "kill: instance")

    def kill(self, pid, what):
        try:
            os.kill(pid, signal.SIGKILL)
            self.soak.count(what)
        except ProcessLookupError:
            pass


class Filler(Disturbance):
    """Leaves no room for logs, for a while."""

    def step(self):
        path = self.soak.logs / "fills-the-disk"
        time.sleep(self.dice.uniform(1, 4))
        try:
            with open(path, "wb") as file:
                while True:
                    file.write(b"x" * 65536)
                    file.flush()
        except OSError:
            self.soak.count("disk: full")
        time.sleep(self.dice.uniform(0.5, 2))
        path.unlink(missing_ok=True)
