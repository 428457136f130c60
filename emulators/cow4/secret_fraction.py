"""Secret bits per distilled bit, and the secret key rate with the supervisor's rule.

What the number claims (docs/physics.md, "What the rates claim"): the bound of Branciard, Gisin and
Scarani, New J. Phys. 10, 013031 (2008), here as in Scarani et al., Rev. Mod. Phys. 81, 1301 (2009),
Eqs. (77) and (78). It is an UPPER bound on the key against collective attacks on single pulses and
pairs, a restricted family; it is no proof against general attacks. The proofs that are (Gao et al.
2022, Li et al. 2024) give no key on this link.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emulators.cow4.symbols import sifted_share

if TYPE_CHECKING:
    from emulators.cow4.profile import Profile

SECURITY_CLAIM = (
    "Branciard-Gisin-Scarani 2008: upper bound against a restricted family of collective attacks;"
    " no security against general attacks is claimed"
)


def binary_entropy(p: float) -> float:
    """Return the entropy in bits of a coin that falls on one side with probability `p` (0 to 1)."""
    if p <= 0.0 or p >= 1.0:
        return 0.0
    return -p * math.log2(p) - (1.0 - p) * math.log2(1.0 - p)


def eavesdropper_information(qber: float, visibility: float, mean_photon_number: float) -> float:
    """Return Eve's Holevo information per sifted bit, 0 to 1; 1 where the bound leaves no key.

    `F = (2V-1) exp(-mu) - 2 sqrt(V(1-V)) sqrt(1-exp(-2 mu))` is the cosine of the sum of two angles, and
    the bound's condition `exp(-mu) > 2 sqrt(V(1-V))` says that the sum is acute.
    """
    angle = math.acos(math.exp(-mean_photon_number)) + math.acos(2.0 * visibility - 1.0)
    if angle >= math.pi / 2.0:
        return 1.0
    return qber + (1.0 - qber) * binary_entropy((1.0 + math.cos(angle)) / 2.0)


def finite_size_cost(block_bits: int, epsilon: float) -> float:
    """Return the bits per block bit given up for the finite block: smoothing, correctness, hashing.

    `(7 sqrt(n log2(2/eps)) + log2(2/eps) + 2 log2(1/(2 eps))) / n`. It does not bound the statistical error
    of the visibility and of the QBER, which are taken at their estimates.
    """
    smoothing = 7.0 * math.sqrt(block_bits * math.log2(2.0 / epsilon))
    correctness = math.log2(2.0 / epsilon)
    hashing = 2.0 * math.log2(1.0 / (2.0 * epsilon))
    return (smoothing + correctness + hashing) / block_bits


def secret_fraction(profile: Profile, qber: float, visibility: float) -> float:
    """Return the secret bits per bit of a key block, 0 to 1, for a QBER and a visibility as fractions."""
    eve = eavesdropper_information(qber, visibility, profile.mean_photon_number)
    leak = profile.error_correction_efficiency * binary_entropy(qber)
    cost = finite_size_cost(profile.block_bits, profile.security_epsilon)
    return max(0.0, 1.0 - eve - leak - cost)


def block_bits_per_click(profile: Profile) -> float:
    """Return the bits that reach a key block for each click of D_bit."""
    kept = sifted_share(profile.bit_state_probability) * (1.0 - profile.disclosed_share)
    return kept * profile.distillation_duty


def block_time_s(profile: Profile, click_rate_cps: float) -> float:
    """Return how long a key block takes to fill in s; inf without clicks."""
    bits_per_s = block_bits_per_click(profile) * click_rate_cps
    return profile.block_bits / bits_per_s if bits_per_s > 0.0 else math.inf


def secret_key_rate_bps(profile: Profile, click_rate_cps: float, qber: float, visibility: float) -> float:
    """Return the secret key rate in bit/s; 0 when the supervisor would give the block up."""
    if block_time_s(profile, click_rate_cps) > profile.supervisor_block_limit_s:
        return 0.0
    return block_bits_per_click(profile) * click_rate_cps * secret_fraction(profile, qber, visibility)
