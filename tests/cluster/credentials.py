"""Who is who: the authority, the API server's certificate, the key of ServiceAccount tokens, and kubeconfigs."""

import base64
import datetime as dt
import ipaddress
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFETIME = dt.timedelta(days=30)  # longer than any cluster lives
SKEW = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Files below one private folder, and the administrator's token."""

    authority: Path
    serving_certificate: Path
    serving_key: Path
    service_account_key: Path
    tokens: Path
    admin_token: str


def issue(folder: Path) -> Credentials:
    """Make all credentials of one cluster in *folder*."""
    folder.mkdir(mode=0o700)
    now = dt.datetime.now(dt.UTC)
    authority_key, serving_key, tokens_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local-cluster-authority")])
    authority = (
        x509.CertificateBuilder(
            authority_name, authority_name, authority_key.public_key(), x509.random_serial_number(), now - SKEW, now + LIFETIME
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([
        x509.DNSName("localhost"), x509.DNSName("kubernetes.default.svc"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ])  # fmt: skip
    serving_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    serving = (
        x509.CertificateBuilder(
            authority_name, serving_name, serving_key.public_key(), x509.random_serial_number(), now - SKEW, now + LIFETIME
        )
        .add_extension(names, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    admin_token = secrets.token_hex(16)
    return Credentials(
        authority=_written(folder / "ca.crt", authority.public_bytes(serialization.Encoding.PEM)),
        serving_certificate=_written(folder / "serving.crt", serving.public_bytes(serialization.Encoding.PEM)),
        serving_key=_written(folder / "serving.key", _pem(serving_key)),
        service_account_key=_written(folder / "service-accounts.key", _pem(tokens_key)),
        tokens=_written(folder / "tokens.csv", f'{admin_token},admin,admin,"system:masters"\n'.encode()),
        admin_token=admin_token,
    )


def kubeconfig(*, server: str, authority: bytes, token: str, namespace: str = "default", token_file: Path | None = None) -> str:
    """
    A kubeconfig, as JSON, which is YAML too.

    The certificate is inside, so that it works on its own. With *token_file*, clients that know how read the token anew from there.
    """
    user = {"token": token} | ({"tokenFile": str(token_file)} if token_file else {})
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "local",
        "clusters": [{"name": "local", "cluster": {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()}}],
        "users": [{"name": "local", "user": user}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local", "namespace": namespace}}],
    }, indent=1)  # fmt: skip


def write_private(path: Path, text: str) -> Path:
    """Write *text* so that only the owner can ever read it, and nobody ever reads half of it."""
    draft = path.with_name(path.name + ".draft")
    draft.touch(mode=0o600)
    draft.write_text(text)
    return draft.rename(path)


def _written(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
