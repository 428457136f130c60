"""A throwaway certificate authority for loopback: its key is never written down and dies with the object."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost")

# Fixed dates, so that no clock is asked: what is signed is trusted only by who is given this authority.
_VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_VALID_TO = datetime(2099, 12, 31, tzinfo=UTC)
_EXPIRED = datetime(2021, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate and its private key, PEM; the key is readable by its owner only."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Pki:
    """The authority's certificate, and what it has signed, by name."""

    ca_file: Path
    servers: Mapping[str, CertificateFiles]


class Authority:
    """Signs server certificates; `ca_file` is what a client must trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ca_file = folder / "_ca.pem"  # no gear can have that name
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _named("Emulated lab throwaway CA")
        key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        builder = (
            _unsigned(self._subject, self._subject, self._key, _VALID_TO)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(key_id, critical=False)
        )
        self._certificate = builder.sign(self._key, hashes.SHA256())
        self.ca_file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def issue(
        self, name: str, *, hosts: Sequence[str] = LOOPBACK, is_expired: bool = False
    ) -> CertificateFiles:
        """Sign a server certificate `name`.pem for `hosts` (names or IPv4 addresses) and `name` itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _unsigned(_named(name), self._subject, key, _EXPIRED if is_expired else _VALID_TO)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([*map(_host, hosts), _host(name)]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        certificate = builder.sign(self._key, hashes.SHA256())
        files = CertificateFiles(self._folder / f"{name}.pem", self._folder / f"{name}-key.pem")
        files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        _write_private(files.key, key)
        return files


def make_pki(folder: Path, names: Iterable[str], addresses: Mapping[str, str] | None = None) -> Pki:
    """Make an authority and one server certificate per gear name in `folder`.

    Each is valid on loopback, under the gear's name, and at the IPv4 address that `addresses` has for it.
    """
    authority = Authority(folder)
    extra = addresses or {}
    hosts = {name: (*LOOPBACK, extra[name]) if name in extra else LOOPBACK for name in names}
    return Pki(authority.ca_file, {name: authority.issue(name, hosts=hosts[name]) for name in hosts})


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid_to: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(valid_to)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(IPv4Address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.unlink(missing_ok=True)
    # Created with its mode, so that it is never readable by others, not even for a moment.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
