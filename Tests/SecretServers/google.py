#!/usr/bin/env python3
"""A fake of Google's token service, of its metadata server, and of Secret Manager. It is no Google: it checks that each request is
the one that Google's documentation asks for, the signature of a service account among it, and refuses any other.

`announce.py` tells where it is.
"""
import base64, hashlib, json, re, subprocess, time
from announce import announce
from authority import Authority
from strict import Handler, Refused, listen

EMAIL, KEY_ID, PROJECT = "shop@my-project.iam.gserviceaccount.com", "0123456789abcdef", "my-project"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
VALUES = {"password": {"latest": b"correct horse\n", "3": b"correct horse\n", "1": b"first"}, "binary": {"latest": bytes(range(256))},
          "json": {"latest": b'{"user": "shop", "password": "p"}'}}


def checksum(data):
    """CRC-32C, bit by bit."""
    value = 0xffffffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    return value ^ 0xffffffff


def part(text):
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_signed(text, signature):
    """RSASSA-PKCS1-v1_5 with SHA-256, by the numbers of the key (RFC 8017, section 8.2.2)."""
    size = (modulus.bit_length() + 7) // 8
    prefix = bytes.fromhex("3031300d060960864801650304020105000420")
    digest = prefix + hashlib.sha256(text).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    return len(signature) == size and pow(int.from_bytes(signature, "big"), 65537, modulus).to_bytes(size, "big") == expected


class Tokens(Handler):
    def answer(self, method, path):
        if method != "POST" or path != "/token" or self.query:
            raise Refused(404, {})
        form = self.form()
        grant = form.pop("grant_type")
        if grant == "refresh_token":
            if form != {"client_id": "a person's client", "client_secret": "a person's secret+", "refresh_token": "1//refresh"}:
                raise Refused(400, {"error": "invalid_grant", "error_description": "canary"})
            return 200, {"access_token": "token-of-a-person", "expires_in": 3599, "token_type": "Bearer"}
        if grant != "urn:ietf:params:oauth:grant-type:jwt-bearer" or set(form) != {"assertion"}:
            raise Refused(400, {"error": "unsupported_grant_type", "error_description": "canary"})
        header, claims, signature = form["assertion"].split(".")
        head, says = json.loads(part(header)), json.loads(part(claims))
        if head != {"alg": "RS256", "typ": "JWT", "kid": KEY_ID} or not is_signed(f"{header}.{claims}".encode(), part(signature)):
            raise Refused(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature. canary"})
        if says["iss"] == "late@my-project.iam.gserviceaccount.com":
            self.ahead = 7200
            raise Refused(400, {"error": "invalid_grant", "error_description": "canary"})
        if set(says) != {"iss", "scope", "aud", "iat", "exp"} or (says["iss"], says["scope"], says["aud"]) != (EMAIL, SCOPE, facts["tokens"] + "/token"):
            raise Refused(400, {"error": "invalid_grant", "error_description": "canary"})
        if abs(says["iat"] - time.time()) > 60 or not 0 < says["exp"] - says["iat"] <= 3600:
            raise Refused(400, {"error": "invalid_grant", "error_description": "canary"})
        return 200, {"access_token": "token-of-the-account", "expires_in": 3599, "token_type": "Bearer"}


class Metadata(Handler):
    def answer(self, method, path):
        if method != "GET" or self.headers.get("Metadata-Flavor") != "Google" or "X-Forwarded-For" in self.headers:
            raise Refused(403, {"canary": ""})
        if path == "/computeMetadata/v1/instance/service-accounts/default/token":
            return 200, {"access_token": "token-of-the-machine", "expires_in": 3599, "token_type": "Bearer"}
        if path == "/computeMetadata/v1/project/project-id":
            return 200, PROJECT.encode()
        raise Refused(404, {})


class Manager(Handler):
    def answer(self, method, path):
        token = self.bearer()
        if token not in ("token-of-the-account", "token-of-the-machine", "token-of-a-person"):
            raise Refused(401, {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "canary"}})
        if token == "token-of-a-person" and self.headers.get("X-Goog-User-Project") != "paying-project":
            raise Refused(403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "canary"}})
        found = re.fullmatch(r"/v1/projects/([^/]+)(?:/locations/europe-west3)?/secrets/([^/]+)/versions/([^/]+):access", path)
        if method != "GET" or self.query or not found:
            raise Refused(404, {})
        project, name, version = found.groups()
        if name == "forbidden":
            raise Refused(403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "canary"}})
        if name == "disabled":
            raise Refused(400, {"error": {"code": 400, "status": "FAILED_PRECONDITION", "message": "canary"}})
        if name == "busy":
            raise Refused(503, {"error": {"code": 503, "status": "UNAVAILABLE", "message": "canary"}})
        if name == "nonsense":
            return 200, b"canary"
        if name in ("damaged", "unchecked"):
            payload = {"data": base64.b64encode(b"canary").decode(), **({"dataCrc32c": "12345"} if name == "damaged" else {})}
            return 200, {"name": path, "payload": payload}
        data = VALUES.get(name, {}).get(version) if project == PROJECT else None
        if data is None:
            raise Refused(404, {"error": {"code": 404, "status": "NOT_FOUND", "message": "canary"}})
        return 200, {"name": path, "payload": {"data": base64.b64encode(data).decode(), "dataCrc32c": str(checksum(data))}}


authority = Authority()
context = authority.context("google")
authority.openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "account.pem")
authority.openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", "short.pem")
authority.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "curve.pem")
authority.openssl("pkcs8", "-topk8", "-in", "account.pem", "-out", "encrypted.pem", "-passout", "pass:canary")
shown = subprocess.run(["openssl", "rsa", "-in", authority.folder + "/account.pem", "-noout", "-modulus"], check=True, capture_output=True, text=True)
modulus = int(shown.stdout.strip().split("=")[1], 16)
facts = {"folder": authority.folder, "tokens": listen(Tokens, context), "metadata": listen(Metadata), "manager": listen(Manager, context),
         "email": EMAIL, "key-id": KEY_ID, "project": PROJECT}


def write(name, key, email=EMAIL):
    with open(f"{authority.folder}/{key}.pem") as file:
        content = {"type": "service_account", "project_id": PROJECT, "private_key_id": KEY_ID, "private_key": file.read(), "client_email": email,
                   "client_id": "1", "token_uri": facts["tokens"] + "/token"}
    with open(f"{authority.folder}/{name}.json", "w") as file:
        json.dump(content, file)


for key in "account", "short", "curve", "encrypted":
    write(key, key)
write("late", "account", "late@my-project.iam.gserviceaccount.com")
write("stranger", "account", "stranger@my-project.iam.gserviceaccount.com")
with open(f"{authority.folder}/person.json", "w") as file:
    json.dump({"type": "authorized_user", "client_id": "a person's client", "client_secret": "a person's secret+", "refresh_token": "1//refresh",
               "quota_project_id": "paying-project", "token_uri": facts["tokens"] + "/token"}, file)
announce(facts, authority.remove)
