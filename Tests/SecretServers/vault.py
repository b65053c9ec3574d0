#!/usr/bin/env python3
"""A fake of a Vault or OpenBao server: the key/value engine, versions 1 and 2, and AppRole. It is no Vault: it checks that each request
is the one that the documentation of the HTTP API asks for, and refuses any other. What it says has the forms of the real one's answers.

`announce.py` tells where it is.
"""
import json, threading, time
from urllib.parse import unquote
from announce import announce
from authority import Authority
from strict import Handler, Refused, listen

TOKEN, ROLE, SECRET, LOGIN_TOKEN = "hvs.CAESIJ-root_token", "db02de05-fa39-4855-059b-67221c5c2f63", 'secret "id"\\', "hvs.of-the-role"
TEAM = "team/a"
lock = threading.Lock()
counts = {}

# By namespace, mount and path; of version 2, a list of versions.
MOUNTS = {
    ("", "secret"): {"type": "kv", "options": {"version": "2"}},
    ("", "kv/shop"): {"type": "kv", "options": {"version": "2"}},
    ("", "old"): {"type": "kv", "options": {"version": "1"}},
    ("", "generic"): {"type": "generic", "options": None},
    ("", "pki"): {"type": "pki", "options": None},
    (TEAM, "secret"): {"type": "kv", "options": {"version": "2"}},
}
DELETED, DESTROYED = object(), object()
SECRETS = {
    ("", "secret", "shop/db"): [{"password": "older"}, DELETED, DESTROYED, {"password": 'p"\u00e4\nss', "user": "shop", "port": 5432, "none": None}],
    ("", "secret", "shop/one"): [{"value": "the only one"}],
    ("", "secret", "shop/gone"): [{"value": "canary"}, DELETED],
    ("", "secret", "shop/empty"): [{}],
    ("", "secret", "a b/\u00e4?#%"): [{"value": "odd"}],
    ("", "kv/shop", "db"): [{"value": "of a mount with a slash"}],
    ("", "old", "shop/db"): {"password": "of version 1", "user": "shop"},
    ("", "generic", "db"): {"value": "generic"},
    (TEAM, "secret", "db"): [{"value": "of the team"}],
}


class Vault(Handler):
    def count(self, what):
        with lock:
            counts[what] = counts.get(what, 0) + 1
            return counts[what]

    def answer(self, method, path):
        if path == "/counts":
            return 200, counts
        if self.headers.get_all("X-Vault-Request") != ["true"] or not path.startswith("/v1/"):
            raise Refused(412 if path.startswith("/v1/") else 404, {"errors": ["canary"]})
        namespaces = self.headers.get_all("X-Vault-Namespace") or [""]
        if len(namespaces) != 1 or namespaces[0] not in ("", TEAM):
            raise Refused(403, {"errors": ["canary: no such namespace"]})
        self.namespace = namespaces[0]
        words = path[len("/v1/"):]
        if method == "POST":
            return self.log_in(words)
        if method != "GET" or self.body:
            raise Refused(405, {"errors": ["canary"]})
        if self.headers.get_all("X-Vault-Token") not in ([TOKEN], [LOGIN_TOKEN]):
            raise Refused(403, {"errors": ["canary: permission denied"]})
        return self.read(words)

    def log_in(self, words):
        if words not in ("auth/approle/login", "auth/machines/login") or "X-Vault-Token" in self.headers or self.query:
            raise Refused(403, {"errors": ["canary"]})
        if self.headers["Content-Type"] != "application/json":
            raise Refused(400, {"errors": ["canary"]})
        body = json.loads(self.body)
        if set(body) - {"role_id", "secret_id"} or body["role_id"] != ROLE:
            raise Refused(400, {"errors": ["invalid role or secret ID: canary"]})
        # The other mount's role is bound to the machine's address, and needs no secret.
        if body.get("secret_id") != (SECRET if words == "auth/approle/login" else None):
            raise Refused(400, {"errors": ["invalid role or secret ID: canary"]})
        self.count("logins")
        return 200, {"request_id": "1", "lease_id": "", "renewable": False, "data": None, "wrap_info": None, "warnings": None, "auth": {
            "client_token": LOGIN_TOKEN, "accessor": "a", "policies": ["default"], "lease_duration": 1200, "renewable": True}}

    def read(self, words):
        if words.startswith("sys/internal/ui/mounts/"):
            self.count("detections")
            mount = MOUNTS.get((self.namespace, unquote(words[len("sys/internal/ui/mounts/"):])))
            if mount is None or self.query:
                raise Refused(403, {"errors": ["canary: preflight capability check returned 403"]})
            return 200, {"data": {"path": "secret/", "accessor": "a", "config": {}, **mount}, "lease_id": ""}
        for (namespace, mount), what in MOUNTS.items():
            if namespace == self.namespace and words.startswith(mount + "/"):
                rest = unquote(words[len(mount) + 1:])
                if rest.startswith("status/") or rest.startswith("data/status/"):
                    return self.mishap(rest.split("status/")[1])
                if (what["options"] or {}).get("version") == "2":
                    return self.read_version(mount, rest)
                if self.query:
                    raise Refused(400, {"errors": ["canary"]})
                data = SECRETS.get((namespace, mount, rest))
                if data is None:
                    raise Refused(404, {"errors": []})
                return 200, {"request_id": "1", "lease_id": "", "lease_duration": 2764800, "renewable": False, "data": data}
        raise Refused(404, {"errors": ["no handler for route canary"]})

    def read_version(self, mount, rest):
        if not rest.startswith("data/"):
            raise Refused(404, {"errors": [], "warnings": ["Invalid path for a versioned K/V secrets engine. canary"]})
        versions = SECRETS.get((self.namespace, mount, rest[len("data/"):]))
        if versions is None:
            raise Refused(404, {"errors": []})
        query = dict(self.query)
        number = int(query.pop("version", len(versions)))
        if query or number < 1 or number > len(versions):
            raise Refused(404, {"errors": []})
        data = versions[number - 1]
        metadata = {"created_time": "2026-01-02T03:04:05.06Z", "custom_metadata": None, "version": number,
                    "deletion_time": "2026-01-03T03:04:05.06Z" if data is DELETED else "", "destroyed": data is DESTROYED}
        if data in (DELETED, DESTROYED):
            raise Refused(404, {"request_id": "1", "data": {"data": None, "metadata": metadata}})
        return 200, {"request_id": "1", "lease_id": "", "data": {"data": data, "metadata": metadata}, "warnings": None}

    def mishap(self, word):
        if word == "slow":
            time.sleep(4)
            raise Refused(500, {"errors": ["canary"]})
        if word == "garbage":
            return 200, b"<html>canary"
        if word == "other":
            return 200, {"data": "canary"}
        if word.startswith("third-"):
            if self.count(word) < 3:
                raise Refused(int(word[len("third-"):]), {"errors": ["canary"]})
            return 200, {"data": {"data": {"value": "at last"}, "metadata": {}}}
        raise Refused(int(word), {"errors": ["canary"]})


authority, stranger = Authority(), Authority()
announce({
    "folder": authority.folder, "address": listen(Vault, authority.context("vault")), "stranger": listen(Vault, stranger.context("stranger")),
    "plain": listen(Vault), "token": TOKEN, "role": ROLE, "secret": SECRET, "namespace": TEAM,
}, lambda: (authority.remove(), stranger.remove()))
