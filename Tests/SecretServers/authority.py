"""A throw-away certificate authority for servers on loopback."""
import shutil, ssl, subprocess, tempfile

NAMES = "DNS:localhost,IP:127.0.0.1"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """Its certificate is `ca.pem` in its folder."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.make("ca")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def make(self, name):
        self.openssl("req", "-x509", *KEY, "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name} of a test")

    def context(self, name, alternatives=NAMES, days=2):
        """What a server with a certificate for these names listens with; it has expired where `days` are negative."""
        with open(f"{self.folder}/{name}.ext", "w") as file:
            file.write(f"subjectAltName={alternatives}\n")
        self.openssl("req", *KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=test")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", str(days),
                     "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self.folder}/{name}.pem", f"{self.folder}/{name}.key")
        return context

    def remove(self):
        shutil.rmtree(self.folder)
