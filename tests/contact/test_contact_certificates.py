"""Certificates that no library reads whole, and hosts that no DNS can be asked for: told in words."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, ObjectIdentifier

from drivers.errors import ConnectionLost
from drivers.facts.connections import WebApiConnection
from drivers.wires.https_certificate import read_certificate
from emulators.wires.pki import _VALID_TO, CertificateFiles, _named, _unsigned, _write_private
from tests.cerberis_xgr.raw_server import always, raw_server, response
from tests.contact.contact_lab import BOB, check_one, told, web_api

if TYPE_CHECKING:
    from pathlib import Path

X400_NAME = b"\x30\x02\xa3\x00"
"""A subject alternative name of a kind that no host has: SEQUENCE { [3] }."""
ONE, TWO = ObjectIdentifier("1.3.6.1.4.1.55555.1"), ObjectIdentifier("1.3.6.1.4.1.55555.2")


def self_signed(folder: Path, *extensions: x509.UnrecognizedExtension) -> tuple[CertificateFiles, bytes]:
    """Return the files of a server whose key is there and whose certificate is not yet, and that (DER)."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _unsigned(_named("odd"), _named("odd"), key, _VALID_TO)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    files = CertificateFiles(folder / "odd.pem", folder / "odd-key.pem")
    _write_private(files.key, key)
    return files, builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def problems_of(files: CertificateFiles, der: bytes, folder: Path) -> str:
    """Serve the certificate and return what the check says of it."""
    pem = b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % base64.encodebytes(der)
    files.certificate.write_bytes(pem)
    with raw_server(files, always(response(b"{}"))) as server:
        contact = check_one(BOB, web_api(server.url, folder, None))
        assert server.heads == []
    return told(contact)


def test_a_certificate_with_an_extension_twice_is_told(tmp_path: Path) -> None:
    files, der = self_signed(
        tmp_path, x509.UnrecognizedExtension(ONE, b"\x05\x00"), x509.UnrecognizedExtension(TWO, b"\x05\x00")
    )
    # The maker of certificates here would not do it: the last byte of the second's name is changed.
    second = bytes.fromhex("2b0601040183b20302")
    assert der.count(second) == 1
    assert "its certificate cannot be read: " in problems_of(
        files, der.replace(second, second[:-1] + b"\x01"), tmp_path
    )


def test_a_certificate_for_a_name_of_an_unknown_kind_is_told(tmp_path: Path) -> None:
    name = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, X400_NAME)
    files, der = self_signed(tmp_path, name)
    assert "its certificate cannot be read: " in problems_of(files, der, tmp_path)


@pytest.mark.parametrize("host", ["alice..lab", "a" * 64 + ".lab"], ids=["empty part", "long part"])
def test_a_host_that_dns_cannot_be_asked_for_is_told(host: str, tmp_path: Path) -> None:
    with pytest.raises(ConnectionLost, match="is no name of a host"):
        read_certificate("alice", f"https://{host}", None, 1.0)
    # No inventory and no lab.json hold such an address; a check goes on all the same.
    connection = web_api("https://alice.lab", tmp_path, None)
    contact = check_one(BOB, WebApiConnection.model_copy(connection, update={"url": f"https://{host}"}))
    assert "is no name of a host -> is the host's name spelled right" in told(contact)
