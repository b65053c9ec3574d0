"""The stack that is disturbed: its services and secrets, and how they should be in the end."""

import random
import re
import subprocess

# What orphans of services are called.
ORPHAN = "timeout"

KINDS = {
    # kind: (command, further attributes, how each instance should be in the end)
    "steady": (["sleep", "infinity"], {}, "running"),
    "checked": (["sleep", "infinity"], {"healthcheck": {"test": ["CMD", "true"], "interval": "1s"}}, "running"),
    "noisy": (["sh", "-c", "while :; do echo a line of output; sleep 0.05; done"], {"restart": "unless-stopped"}, "running"),
    "flaky": (["sh", "-c", "sleep $$DELAY; exit 3"], {"restart": "always"}, "alive"),
    # It is started again until it has ended well.
    "unlucky": (["sh", "-c", "sleep $$DELAY; exit $$(($$(od -An -N1 -tu1 /dev/urandom) % 2))"], {"restart": "on-failure"}, "lucky"),
    # Its processes' children lose their parents, and end.
    "parent": (["sh", "-c", f"while :; do setsid -f {ORPHAN} 0.2 sleep 9; sleep 0.5; done"], {"restart": "unless-stopped"}, "running"),
    "once": (["true"], {}, "exited"),
}


class Service:
    def __init__(self, number, secrets, dice):
        self.name = f"s{number}"
        self.kind = dice.choices(list(KINDS), weights=[8, 2, 2, 3, 2, 1, 1])[0]
        self.delay = dice.uniform(0.3, 6)
        self.revision = 0
        self.scale = 1
        self.secrets = dice.sample(secrets, min(2, len(secrets)))

    def lines(self):
        command, further, _ = KINDS[self.kind]
        lines = [f"  {self.name}:", f"    command: {command}".replace("'", '"'), f"    secrets: [{', '.join(self.secrets)}]",
                 f"    scale: {self.scale}", "    stop_grace_period: 2s", "    environment:", f"      DELAY: \"{self.delay:.2f}\"",
                 f"      REVISION: \"{self.revision}\""]
        for name, value in further.items():
            lines.append(f"    {name}: {value}".replace("'", '"'))
        return lines


class Stack:
    """One project; its methods are called with its lock held, where threads share it."""

    name = "soak"

    def __init__(self, place, services, seed):
        self.place = place
        self.dice = random.Random(seed)
        self.files = {f"file{number}": 0 for number in range(4)}
        # In the store alone: how many values each was given, at least and at most.
        self.kept = {f"kept{number}": [1, 1] for number in range(4)}
        self.values = {}
        self.next = 0
        self.services = []
        self.kinds = {}
        for _ in range(services):
            self.add()
        for name in self.files:
            self.change_file(name)
        self.write()

    @property
    def secrets(self):
        return list(self.files) + list(self.kept)

    def add(self):
        service = Service(self.next, self.secrets, self.dice)
        self.services.append(service)
        self.kinds[service.name] = service.kind
        self.next += 1

    def change_file(self, name):
        self.files[name] += 1
        self.values[name] = f"{name} {self.files[name]}"
        (self.place / name).write_text(self.values[name])

    def edit(self):
        """A change as people make them."""
        service = self.dice.choice(self.services)
        what = self.dice.choice(["environment", "environment", "scale", "secrets", "file", "file", "service"])
        if what == "environment":
            service.revision += 1
        elif what == "scale":
            service.scale = self.dice.choice([0, 1, 1, 2, 3])
        elif what == "secrets":
            service.secrets = self.dice.sample(self.secrets, self.dice.choice([1, 2, 3]))
        elif what == "file":
            self.change_file(self.dice.choice(list(self.files)))
        else:
            self.services.remove(service)
            self.add()
        self.write()
        return what

    def write(self):
        lines = [f"name: {self.name}", "services:"]
        for service in self.services:
            lines += service.lines()
        lines.append("secrets:")
        lines += [f"  {name}: {{file: ./{name}}}" for name in self.files]
        lines += [f"  {name}: {{external: true}}" for name in self.kept]
        new = self.place / "compose.yaml.new"
        new.write_text("\n".join(lines) + "\n")
        new.rename(self.place / "compose.yaml")

    def complaints(self, instances):
        """What of the instances that 'ps -a' shows is not as the file asks for."""
        found = {}
        for instance in instances:
            if "-run-" in instance["Name"]:
                # A one-off: none lasts longer than a moment.
                if instance["State"] != "exited":
                    yield f"{instance['Name']}: {instance['State']}, not exited"
                continue
            found.setdefault(instance["Service"], []).append(instance)
        for service in self.services:
            there = found.pop(service.name, [])
            if len(there) != service.scale:
                yield f"{service.name}: {len(there)} instances, not {service.scale}"
            for instance in there:
                state, wanted = instance["State"], KINDS[service.kind][2]
                has_ended_well, is_alive = (state, instance["ExitCode"]) == ("exited", 0), state in ("running", "restarting")
                if not {"running": state == "running", "exited": has_ended_well, "alive": is_alive, "lucky": has_ended_well or is_alive}[wanted]:
                    yield f"{instance['Name']}: {state} ({instance['ExitCode']}), not {wanted}"
        for name in found:
            yield f"{name}: runs, and is in no file"


class Command:
    """Calls the program, and keeps count of how its calls end."""

    def __init__(self, program, stack, environment):
        self.program = program
        self.stack = stack
        self.environment = environment
        self.counts = {}
        self.reasons = {}
        self.crashes = []

    def start(self, *arguments, output):
        """Has it run beside the others."""
        return subprocess.Popen([self.program, *arguments], cwd=self.stack.place, env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=output, stderr=subprocess.PIPE, text=True)

    def __call__(self, *arguments, text=None, timeout=180):
        key = " ".join(arguments[:2]) if arguments[0] in ("secret", "store") else arguments[0]
        try:
            done = subprocess.run([self.program, *arguments], cwd=self.stack.place, env=self.environment, input=text, text=True,
                                  stdin=subprocess.DEVNULL if text is None else None, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=timeout)
        except subprocess.TimeoutExpired:
            self.crashes.append(f"{' '.join(arguments)}: not done after {timeout} s")
            return None
        good, bad = self.counts.get(key, (0, 0))
        self.counts[key] = (good + (done.returncode == 0), bad + (done.returncode != 0))
        # What a command inside a service ends with is passed on.
        is_own = arguments[0] not in ("exec", "run")
        if is_own and done.returncode != 0:
            reason = next((line for line in done.stderr.splitlines() if line.startswith("error: ")), "")
            reason = f"{key}: {re.sub('[0-9]+', 'N', reason)}"
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if done.returncode < 0 or is_own and done.returncode not in (0, 1, 64):
            self.crashes.append(f"{' '.join(arguments)}: status {done.returncode}\n{done.stderr[-2000:]}")
        return done
