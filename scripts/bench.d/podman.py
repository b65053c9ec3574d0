"""podman as a peer of `up` and `down`: an engine without a daemon. Its containers have a folder for their root, since no registry is
needed for that, and no network; each is started by a `podman run` of its own, as many at once as there are processors."""

import contextlib
import glob
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import processes
from supervisors import Unable


class Podman:
    name = "podman"
    # A container takes it a third of a second; more would tell nothing new.
    most = 50

    def __init__(self, place):
        self.place = place / "podman"
        self.root = self.place / "rootfs"
        self.runtime = next((name for name in ("runc", "crun") if shutil.which(name)), None)
        self.command = [
            "podman", "--root", self.place / "root", "--runroot", self.place / "run", "--tmpdir", self.place / "tmp",
            "--storage-driver", "vfs", "--runtime", self.runtime, "--cgroup-manager", "cgroupfs", "--events-backend", "none"]

        self.groups_before = self.groups()

    @staticmethod
    def groups():
        """Innermost first."""
        return sorted(glob.glob("/sys/fs/cgroup/**/libpod_parent/**/", recursive=True), reverse=True)

    def is_installed(self):
        return os.geteuid() == 0 and self.runtime is not None and all(shutil.which(program) for program in ("podman", "conmon", "busybox"))

    def prepare(self):
        (self.root / "bin").mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), self.root / "bin/busybox")
        (self.root / "bin/sleep").symlink_to("busybox")

    def call(self, *arguments):
        done = subprocess.run([*self.command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Unable(f"podman: {done.stderr.strip()}")

    def up(self, count):
        """The time until so many containers run, in milliseconds."""
        if not self.root.exists():
            self.prepare()
        # Its own limits may be more than this machine allows.
        run = ["run", "-d", "--network", "none", "--log-driver", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]
        begin = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda _: self.call(*run, "--rootfs", self.root, "/bin/sleep", "infinity"), range(count)):
                pass
        return (time.perf_counter() - begin) * 1e3

    def processes(self):
        """One beside each container."""
        names, _ = processes.tree()
        return [pid for pid, name in names.items() if name == "conmon" and processes.mentions(pid, self.place)]

    def down(self):
        begin = time.perf_counter()
        self.call("rm", "--all", "--force", "--time", "0")
        return (time.perf_counter() - begin) * 1e3

    def clear(self):
        """Ends what was started, whatever became of it."""
        if self.root.exists():
            subprocess.run([*self.command, "rm", "--all", "--force", "--time", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            subprocess.run(["umount", "-q", self.place / "root/vfs"], stderr=subprocess.DEVNULL)
            for folder in self.groups():
                if folder not in self.groups_before:
                    with contextlib.suppress(OSError):
                        os.rmdir(folder)
