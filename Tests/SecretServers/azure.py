#!/usr/bin/env python3
"""A fake of Azure's login service, of its instance metadata service, and of a key vault. It is no Azure: it checks that each
request is the one that Azure's documentation asks for, and refuses any other.

`announce.py` tells where it is.
"""
import json
from announce import announce
from authority import Authority
from strict import Handler, Refused, listen

TENANT, CLIENT, SECRET, FEDERATED = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000", "a client~secret+/=&", "a.federated_token-x"
IDENTITY = "99999999-8888-7777-6666-555555555555"
RESOURCE = "https://vault.azure.net"
SECRETS = {
    ("password", None): "correct horse\n", ("password", "0123456789abcdef0123456789abcdef"): "older",
    ("json", None): json.dumps({"user": "shop", "password": 'p"\u00e4'}), ("no-value", None): None,
}


def refusal(number, error="invalid_client"):
    return Refused(401, {"error": error, "error_description": f"AADSTS{number}: canary", "error_codes": [number]})


class Login(Handler):
    def answer(self, method, path):
        if method != "POST" or self.query:
            raise Refused(404, {})
        tenant, rest = path[1:].split("/", 1)
        if rest != "oauth2/v2.0/token":
            raise Refused(404, {})
        if tenant == "throttled":
            raise Refused(429, {"canary": ""})
        if tenant == "skewed":
            self.ahead = 7200
            raise refusal(700024)
        if tenant != TENANT:
            raise refusal(90002, "invalid_request")
        form = self.form()
        if form.pop("grant_type") != "client_credentials" or form.pop("scope") != RESOURCE + "/.default":
            raise refusal(70011, "invalid_scope")
        if form.pop("client_id") != CLIENT:
            raise refusal(700016, "unauthorized_client")
        if "client_secret" in form:
            if form.pop("client_secret") != SECRET:
                raise refusal(7000215)
        else:
            if form.pop("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
                raise refusal(900144, "invalid_request")
            if form.pop("client_assertion") != FEDERATED:
                raise refusal(700213)
        if form:
            raise refusal(9000410, "invalid_request")
        return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": "token-of-the-application"}


class Metadata(Handler):
    def answer(self, method, path):
        if method != "GET" or path != "/metadata/identity/oauth2/token":
            raise Refused(405, {})
        if self.headers.get("Metadata") != "true" or "X-Forwarded-For" in self.headers:
            raise Refused(400, {"error": "invalid_request", "error_description": "canary"})
        query = dict(self.query)
        if query.pop("api-version") != "2018-02-01" or query.pop("resource") != RESOURCE:
            raise Refused(400, {"error": "invalid_resource", "error_description": "canary"})
        if query not in ({}, {"client_id": IDENTITY}):
            raise Refused(400, {"error": "invalid_request", "error_description": "Identity not found canary"})
        return 200, {"access_token": "token-of-the-machine", "expires_in": "86399", "resource": RESOURCE, "token_type": "Bearer"}


class Vault(Handler):
    def answer(self, method, path):
        if method != "GET" or self.query != [("api-version", "7.4")]:
            raise Refused(400, {"error": {"code": "BadParameter", "message": "canary"}})
        if self.bearer() not in ("token-of-the-application", "token-of-the-machine"):
            raise Refused(401, {"error": {"code": "Unauthorized", "message": "canary"}})
        _, kind, name, *version = path.split("/")
        if kind != "secrets" or len(version) > 1:
            raise Refused(404, {})
        if name in ("forbidden", "disabled", "firewall"):
            code = {"forbidden": "ForbiddenByRbac", "disabled": "SecretDisabled", "firewall": "ForbiddenByFirewall"}[name]
            raise Refused(403, {"error": {"code": "Forbidden", "message": "canary", "innererror": {"code": code}}})
        if name == "unauthorized":
            raise Refused(401, {"canary": ""})
        if name == "busy":
            raise Refused(503, {"canary": ""})
        key = (name, version[0] if version else None)
        if key not in SECRETS:
            raise Refused(404, {"error": {"code": "SecretNotFound", "message": "canary"}})
        return 200, {"value": SECRETS[key], "id": f"{RESOURCE}/secrets/{name}", "attributes": {"enabled": True}}


authority = Authority()
context = authority.context("azure")
announce({
    "folder": authority.folder, "login": listen(Login, context), "metadata": listen(Metadata), "vault": listen(Vault, context),
    "tenant": TENANT, "client": CLIENT, "secret": SECRET, "federated": FEDERATED, "identity": IDENTITY,
}, authority.remove)
