"""How fast a service's output is kept, as it is by default and as JSON lines: beside the program alone with its output in a file of the same file
system, which has the kernel copy from file to file (copy_file_range(2)), and beside `cat` from a pipe into a file, as a service's output comes."""

import subprocess
import time

# As a web server's log has them.
LINE = "2026-01-02T03:04:05Z INFO request served path=/api/v1/things status=200 duration=12ms bytes=5123 id={:07}\n"
LINES = 100_000


class OutputBench:
    """A service that prints lines as fast as it can, until it has ended and its supervisor has all of them."""

    def __init__(self, bench):
        self.bench = bench
        self.directory = bench.place / "output"
        self.megabytes = 100 if bench.quick else 1000

    def prepare(self):
        (self.directory / "data").mkdir(parents=True)
        lines = "".join(LINE.format(number) for number in range(LINES))
        repeats = round(self.megabytes * 1e6 / len(lines))
        (self.directory / "data/lines").write_text(lines)
        (self.directory / "print.sh").write_text(f"for turn in $(seq {repeats}); do cat $1/lines; done\n")

    def run(self):
        if not self.directory.exists():
            self.prepare()
        line = f"{self.megabytes} MB of output (MB/s)"
        size = self.kept(line, "sh print.sh data")
        self.kept(line + ", through a pipe", "sh print.sh data | cat")
        self.service(line, size, "local")
        self.service(line + ", json-file", size, "json-file")

    def service(self, line, size, driver):
        bench = self.bench
        (self.directory / "compose.yaml").write_text(
            "name: output\nservices:\n  printer:\n    command: sh /print.sh /data\n"
            f"    volumes: [./data:/data:ro, ./print.sh:/print.sh:ro]\n    logging: {{driver: {driver}}}\n")
        begin = time.perf_counter()
        bench.own(self.directory, "up", "-d")
        bench.own(self.directory, "wait", "printer")
        bench.figures.add(line, "stackup", size / 1e6 / (time.perf_counter() - begin))
        last = subprocess.run(
            [bench.stackup, "logs", "--tail", "1", "--no-log-prefix"], cwd=self.directory, env=bench.environment, check=True,
            stdout=subprocess.PIPE).stdout.decode()
        assert last == LINE.format(LINES - 1), last
        bench.own(self.directory, "down")

    def kept(self, line, command):
        """What has to be beaten: a shell's command whose output is a file. Returns its size in bytes."""
        file = self.directory / "kept"
        begin = time.perf_counter()
        subprocess.run(f"{command} > kept", shell=True, cwd=self.directory, check=True)
        size = file.stat().st_size
        self.bench.figures.add(line, "floor", size / 1e6 / (time.perf_counter() - begin))
        file.unlink()
        return size
