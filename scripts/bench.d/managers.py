"""The peers of `stackup secret`: programs that people keep secrets with on one host, as far as they are installed."""

import json
import os
import shutil
import subprocess


class Manager:
    """One of them, with a store of its own below a folder. `read`, `update` and their arguments are commands to be timed."""

    def __init__(self, place, count):
        self.place = place / self.name
        self.place.mkdir()
        self.count = count
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.place), "LANG": "C.UTF-8"}

    def run(self, *command, text=None):
        done = subprocess.run(command, cwd=self.place, env=self.environment, input=text, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def stop(self):
        pass


class Age(Manager):
    """A file for each secret; there is no store, so the number of others makes no difference."""

    name = "age"
    programs = ("age", "age-keygen")

    def prepare(self):
        self.run("age-keygen", "-o", "key")
        self.recipient = self.run("age-keygen", "-y", "key").strip()
        self.run("age", "-r", self.recipient, "-o", "secret.age", text="value")

    def read(self):
        return ["age", "-d", "-i", "key", "secret.age"], None

    def update(self, value):
        return ["age", "-r", self.recipient, "-o", "secret.age"], value


class Sops(Manager):
    """All secrets in one file, as a project's are."""

    name = "sops"
    programs = ("sops", "age-keygen")

    def prepare(self):
        self.run("age-keygen", "-o", "key")
        self.environment["SOPS_AGE_KEY_FILE"] = str(self.place / "key")
        recipient = self.run("age-keygen", "-y", "key").strip()
        plain = {f"secret{number}": f"value of secret {number}" for number in range(self.count)}
        (self.place / "secrets.json").write_text(json.dumps(plain))
        self.run("sops", "--age", recipient, "-e", "-i", "secrets.json")

    def read(self):
        return ["sops", "-d", "--extract", '["secret7"]', "secrets.json"], None

    def update(self, value):
        return ["sops", "set", "secrets.json", '["secret7"]', json.dumps(value)], None


class Pass(Manager):
    """A file for each secret, encrypted by GnuPG; its agent has the key."""

    name = "pass"
    programs = ("pass", "gpg", "gpgconf")

    def prepare(self):
        home = self.place / ".gnupg"
        home.mkdir(mode=0o700)
        self.run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "bench@example.com", "default", "default", "never")
        self.run("pass", "init", "bench@example.com")
        self.run("pass", "insert", "-m", "secret7", text="value")
        folder = self.place / ".password-store"
        for number in range(self.count):
            shutil.copy(folder / "secret7.gpg", folder / f"secret{number}x.gpg")

    def read(self):
        return ["pass", "show", "secret7"], None

    def update(self, value):
        return ["pass", "insert", "-m", "-f", "secret7"], value

    def stop(self):
        subprocess.run(["gpgconf", "--kill", "all"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Podman(Manager):
    """`podman secret`, whose file driver keeps all secrets, unencrypted, in one file. It has no way to change one: it is removed and made anew.

    A program in a container reads them; what can be timed without one is `inspect`, which shows no value in every version."""

    name = "podman"
    programs = ("podman",)

    def prepare(self):
        self.command = ["podman", "--root", str(self.place / "root"), "--runroot", str(self.place / "run"), "--storage-driver", "vfs"]
        self.run(*self.command, "secret", "create", "secret7", "-", text="value")
        # Made one by one, ten thousand would take an hour: their number goes into each.
        folder = self.place / "root/secrets"
        metadata = json.loads((folder / "secrets.json").read_text())
        data = json.loads((folder / "filedriver/secretsdata.json").read_text())
        [(identifier, entry)] = metadata["secrets"].items()
        for number in range(self.count):
            other = f"{number:025d}"
            metadata["secrets"][other] = dict(entry, id=other, name=f"secret{number}x")
            metadata["nameToID"][f"secret{number}x"] = other
            metadata["idToName"][other] = f"secret{number}x"
            data[other] = data[identifier]
        (folder / "secrets.json").write_text(json.dumps(metadata))
        (folder / "filedriver/secretsdata.json").write_text(json.dumps(data))

    def read(self):
        return [*self.command, "secret", "inspect", "secret7"], None

    def update(self, value):
        shown = " ".join(self.command)
        return ["sh", "-c", f"{shown} secret rm secret7 && {shown} secret create secret7 -"], value


def installed(place, count):
    """Those that are there, ready to be measured, and why the others are not."""
    found, missing = [], []
    for kind in (Sops, Age, Pass, Podman):
        absent = [program for program in kind.programs if not shutil.which(program)]
        if absent:
            missing.append(f"{kind.name}: {' and '.join(absent)} not installed")
            continue
        manager = kind(place, count)
        try:
            manager.prepare()
            found.append(manager)
        except (OSError, ValueError, KeyError) as reason:
            manager.stop()
            missing.append(f"{kind.name}: {reason}")
    return found, missing
