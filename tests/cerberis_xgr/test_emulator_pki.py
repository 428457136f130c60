from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey

from emulators.wires.pki import make_pki

if TYPE_CHECKING:
    from pathlib import Path


def test_every_gear_gets_a_certificate_for_loopback_and_its_name(tmp_path: Path) -> None:
    pki = make_pki(tmp_path / "pki", ["alice", "bob"])
    authority = x509.load_pem_x509_certificate(pki.ca_file.read_bytes())
    public_key = authority.public_key()
    assert isinstance(public_key, EllipticCurvePublicKey)
    for name in ("alice", "bob"):
        certificate = x509.load_pem_x509_certificate(pki.servers[name].certificate.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1"}
        assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", name}
        algorithm = certificate.signature_hash_algorithm
        assert algorithm is not None
        public_key.verify(certificate.signature, certificate.tbs_certificate_bytes, ECDSA(algorithm))


def test_keys_are_for_their_owner_and_the_authoritys_is_nowhere(tmp_path: Path) -> None:
    pki = make_pki(tmp_path, ["bob"])
    assert stat.S_IMODE(pki.servers["bob"].key.stat().st_mode) == 0o600
    with_keys = [path for path in tmp_path.iterdir() if b"PRIVATE KEY" in path.read_bytes()]
    assert with_keys == [pki.servers["bob"].key]


def test_making_it_again_replaces_what_was_there(tmp_path: Path) -> None:
    first = make_pki(tmp_path, ["bob"]).ca_file.read_bytes()
    second = make_pki(tmp_path, ["bob"])
    assert second.ca_file.read_bytes() != first
    assert stat.S_IMODE(second.servers["bob"].key.stat().st_mode) == 0o600
