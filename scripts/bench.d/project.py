"""Projects that are made up for the measurement. As a program: project.py DIRECTORY SERVICES, in the long form."""

import pathlib
import sys

# What each service runs.
COMMAND = ["sleep", "infinity"]


def many_secrets(directory, services, image=None):
    """A project of that many services with a secret each."""
    directory.mkdir(parents=True)
    surroundings = f"    image: {image}\n    network_mode: none\n    init: true\n" if image else ""
    lines = [f"name: bench{services}\n", "services:\n"]
    for number in range(services):
        lines.append(f"  s{number}:\n    command: {' '.join(COMMAND)}\n    stop_grace_period: 5s\n{surroundings}"
                     f"    secrets: [secret{number}]\n")
    lines.append("secrets:\n")
    for number in range(services):
        lines.append(f"  secret{number}:\n    file: ./secret{number}.txt\n")
        (directory / f"secret{number}.txt").write_text(f"value of secret {number}")
    (directory / "compose.yaml").write_text("".join(lines))


NETWORKS = 20

SERVICE = """\
  service{n}:
    image: registry.example.com/team/service{n}:1.{n}
    entrypoint: /usr/local/bin/start
    command: ["serve", "--port", "8080", "--name", "service{n}"]
    environment:
      NAME: service{n}
      LOG_LEVEL: ${{LOG_LEVEL:-info}}
      DATABASE_URL: postgres://app@database:5432/service{n}
      DEBUG: "false"
    labels:
      <<: *labels
      com.example.number: "{n}"
    ports:
      - name: http
        target: 8080
        published: "{port}"
        protocol: tcp
        mode: ingress
    networks:
      network{k}:
        aliases: [service{n}.internal]
        priority: 100
    volumes:
      - type: volume
        source: data{k}
        target: /var/lib/service
        read_only: false
      - type: bind
        source: ./conf/service{n}
        target: /etc/service
        read_only: true
        bind:
          create_host_path: true
      - type: tmpfs
        target: /scratch
        tmpfs:
          size: 64m
          mode: 0o1777
    secrets:
      - source: secret{n}
        target: password
        uid: "1000"
        gid: "1000"
        mode: 0o400
    configs:
      - source: config{k}
        target: /etc/service/config.yaml
        mode: 0o444
    healthcheck:
      test: ["CMD", "wget", "-q", "-O-", "http://localhost:8080/health"]
      interval: 30s
      timeout: 5s
      retries: 3
      start_period: 1m30s
    deploy:
      replicas: 2
      resources:
        limits: {{cpus: "0.50", memory: 256M, pids: 100}}
        reservations: {{cpus: "0.25", memory: 64M}}
      restart_policy: {{condition: on-failure, delay: 5s, max_attempts: 3, window: 120s}}
    logging:
      driver: json-file
      options: {{max-size: 10m, max-file: "3"}}
    ulimits:
      nofile: {{soft: 20000, hard: 40000}}
    restart: unless-stopped
    stop_grace_period: 30s
    user: "1000:1000"
    working_dir: /srv
    cap_drop: [ALL]
    extra_hosts: ["database:10.0.0.1"]
"""

DEPENDENCY = """\
    depends_on:
      service{n}:
        condition: service_started
        restart: true
        required: true
"""


def long_form(directory, services):
    """A project with that many services and secrets, 20 networks, and the long form of everything."""
    directory.mkdir(parents=True)
    lines = ["name: long\n", "x-labels: &labels\n  com.example.owner: team\n  com.example.tier: backend\n", "services:\n"]
    for number in range(services):
        lines.append(SERVICE.format(n=number, k=number % NETWORKS, port=1024 + number))
        if number > 0:
            lines.append(DEPENDENCY.format(n=number // 2))
    lines.append("secrets:\n")
    for number in range(services):
        lines.append(f"  secret{number}:\n    file: ./secret{number}.txt\n    labels:\n      number: \"{number}\"\n")
        (directory / f"secret{number}.txt").write_text(f"value of secret {number}")
    lines.append("networks:\n")
    for number in range(NETWORKS):
        lines.append(f"  network{number}:\n    driver: bridge\n    ipam:\n      config:\n"
                     f"        - subnet: 10.{number}.0.0/16\n          gateway: 10.{number}.0.1\n")
    lines += ["volumes:\n"] + [f"  data{number}:\n    driver: local\n" for number in range(NETWORKS)]
    lines += ["configs:\n"] + [f"  config{number}:\n    content: |\n      number: {number}\n" for number in range(NETWORKS)]
    (directory / "compose.yaml").write_text("".join(lines))


if __name__ == "__main__":
    long_form(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
