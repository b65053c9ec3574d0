#!/usr/bin/env python3
"""AWS on loopback: the moto server, which checks signatures and permissions, and fakes of the metadata services that moto
lacks. The fakes check every request: what real ones would refuse they refuse.

`announce.py` tells where it is. Needs moto[server].
"""
import http.server, json, logging, threading
import boto3
from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.access_control import AccessDeniedError
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
import moto.settings
from announce import announce

logging.disable()
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
endpoint = "http://127.0.0.1:%d" % server.get_host_and_port()[1]
WEB_TOKEN = "a web.identity+token/="
MACHINE_TOKEN = "machine-token"
CONTAINER_TOKEN = "container-token"


def client(name, region="eu-central-1"):
    return boto3.client(name, region_name=region, endpoint_url=endpoint, aws_access_key_id="setup", aws_secret_access_key="setup")


manager, parameters, identities = client("secretsmanager"), client("ssm"), client("iam")
first = manager.create_secret(Name="shop/password", SecretString="first")
manager.put_secret_value(SecretId="shop/password", SecretString="correct horse\n", VersionStages=["AWSCURRENT"])
manager.create_secret(Name="shop/json", SecretString=json.dumps({"user": "shop", "password": 'p"\u00e4\n\\', "port": 5432, "none": None}))
manager.create_secret(Name="shop/binary", SecretBinary=bytes(range(256)))
elsewhere = client("secretsmanager", "us-west-2").create_secret(Name="elsewhere", SecretString="from the west")
manager.create_secret(Name="shop/deleted", SecretString="gone")
manager.delete_secret(SecretId="shop/deleted", RecoveryWindowInDays=7)
parameters.put_parameter(Name="/shop/password", Value="old", Type="SecureString")
parameters.put_parameter(Name="/shop/password", Value="battery staple", Type="SecureString", Overwrite=True)
parameters.label_parameter_version(Name="/shop/password", ParameterVersion=1, Labels=["before"])
parameters.put_parameter(Name="/shop/plain", Value="in the open", Type="String")

READ = {"Statement": [{"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "ssm:GetParameter"], "Resource": "*"}]}
ASSUME = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}


def user(name, policy=None):
    identities.create_user(UserName=name)
    if policy:
        identities.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", **policy}))
    return identities.create_access_key(UserName=name)["AccessKey"]


reader, nobody, taker = user("reader", READ), user("nobody", {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}), user("taker", ASSUME)
role = identities.create_role(RoleName="reading", AssumeRolePolicyDocument=json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
identities.put_role_policy(RoleName="reading", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", **READ}))


def temporary():
    """Keys of the role, as a machine or a container gets them."""
    keys = client("sts").assume_role(RoleArn=role, RoleSessionName="metadata")["Credentials"]
    return {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": keys["AccessKeyId"], "SecretAccessKey": keys["SecretAccessKey"],
            "Token": keys["SessionToken"], "Expiration": "2100-01-01T00:00:00Z"}


machine, container = temporary(), temporary()
asked = {"token": 0, "keys": 0}

# moto would ask for a signature, and not look at the token.
checked = ActionAuthenticatorMixin._authenticate_and_authorize_normal_action
def check(self, resource="*"):
    if self._get_action() == "AssumeRoleWithWebIdentity":
        if self._get_param("WebIdentityToken") != WEB_TOKEN or self.headers.get("Authorization"):
            raise AccessDeniedError(user_arn="nobody", action="sts:AssumeRoleWithWebIdentity")
        return
    checked(self, resource)
ActionAuthenticatorMixin._authenticate_and_authorize_normal_action = check


class Metadata(http.server.BaseHTTPRequestHandler):
    """A fake of the instance metadata service, version 2, and of the container credentials of ECS and EKS."""

    def log_message(self, *_):
        pass

    def answer(self, status, body=""):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def do_PUT(self):
        if self.path != "/latest/api/token" or self.headers.get("Content-Length", "0") != "0":
            return self.answer(404)
        if not 1 <= int(self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", 0)) <= 21600:
            return self.answer(400)
        asked["token"] += 1
        self.answer(200, MACHINE_TOKEN)

    def do_GET(self):
        if self.path == "/container":
            if self.headers.get("Authorization") != CONTAINER_TOKEN:
                return self.answer(403, "canary")
            return self.answer(200, json.dumps(container))
        if self.path == "/asked":
            return self.answer(200, json.dumps(asked))
        if self.headers.get("X-aws-ec2-metadata-token") != MACHINE_TOKEN:
            return self.answer(401)
        folder = "/latest/meta-data/iam/security-credentials/"
        if self.path == folder:
            return self.answer(200, "reading\n")
        if self.path == folder + "reading":
            asked["keys"] += 1
            return self.answer(200, json.dumps(machine))
        if self.path == "/latest/meta-data/placement/region":
            return self.answer(200, "eu-central-1")
        self.answer(404)


class Trouble(http.server.BaseHTTPRequestHandler):
    """A fake service in trouble, which answers as the path of the endpoint says: codes of errors, with a canary in their texts."""
    counts = {}

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        word = self.path.strip("/")
        count = self.counts[word] = self.counts.get(word, 0) + 1
        status, body = 400, json.dumps({"__type": word.split(".")[-1], "Message": "canary"})
        match word:
            case "skewed":
                body = json.dumps({"__type": "com.amazon.coral.service#InvalidSignatureException", "message": "canary"})
            case "once-throttled" if count > 1:
                status, body = 200, json.dumps({"SecretString": "at last"})
            case "once-throttled":
                body = json.dumps({"__type": "ThrottlingException", "Message": "canary"})
            case "nonsense":
                status, body = 200, "canary"
            case "no-value":
                status, body = 200, json.dumps({"Name": "canary"})
            case "html":
                status, body = 403, "<html>canary</html>"
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string(0 if word == "skewed" else None))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


def listen(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return "http://127.0.0.1:%d" % server.server_address[1]


# From here on everything has to be signed.
ActionAuthenticatorMixin.request_count = 0
moto.settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
announce({
    "endpoint": endpoint, "metadata": listen(Metadata), "trouble": listen(Trouble), "role": role, "web-token": WEB_TOKEN,
    "machine-token": MACHINE_TOKEN, "container-token": CONTAINER_TOKEN, "elsewhere": elsewhere["ARN"], "first-version": first["VersionId"],
    "reader-key": reader["AccessKeyId"], "reader-secret": reader["SecretAccessKey"],
    "nobody-key": nobody["AccessKeyId"], "nobody-secret": nobody["SecretAccessKey"],
    "taker-key": taker["AccessKeyId"], "taker-secret": taker["SecretAccessKey"],
})
