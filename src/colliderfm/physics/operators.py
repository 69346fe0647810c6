"""The 60 CP-even dimension-6 operators with U(3)^5 flavor symmetry, and what each does to pp -> mu mu.

Names are SMEFTsim's (real parts without the suffix ``Re``), normalized as in the Warsaw basis. With
massless fermions exactly 17 operators interfere with neutral-current Drell-Yan; fourteen more are usually
sampled along with them although they enter through fermion masses only, at the size quoted here. The
couplings are in ``electroweak``, the amplitudes in ``drell_yan``.

References
----------
Grzadkowski, Iskrzynski, Misiak, Rosiek, arXiv:1008.4884, tables 2 and 3 (basis); Brivio, arXiv:2012.11343
(SMEFTsim, U(3)^5 names); Aebischer et al., arXiv:1712.05298 (WCxf names).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from colliderfm.errors import ConfigError

CONTRIBUTING: tuple[str, ...] = (
    *("cHDD", "cHWB", "cHl1", "cHl3", "cHe", "cHq1", "cHq3", "cHu", "cHd", "cll1"),
    *("clq1", "clq3", "ceu", "ced", "clu", "cld", "cqe"),
)
INERT: tuple[str, ...] = (
    *("cHbox", "ceH", "cuH", "cdH", "ceW", "ceB", "cuW", "cuB", "cdW", "cdB"),
    *("cHG", "cledq", "clequ1", "clequ3"),
)


@dataclass(frozen=True)
class Operator:
    """One operator of the list.

    Parameters
    ----------
    name : str
        SMEFTsim's name of its coefficient.
    wcxf_name : str
        The WCxf coefficient that the process sees first; it stands for its flavor-universal family.
    operator_class : str
        ``gauge``, ``higgs``, ``higgs_gauge``, ``yukawa``, ``dipole``, ``vertex``, ``four_lepton``,
        ``semileptonic`` or ``four_quark``.
    contributes : bool
        Whether it interferes for massless fermions.
    in_study : bool
        Whether it is one of the 31 whose coefficients are sampled.
    reason : str
        How it enters, or why it does not.
    quoted_size : float, optional
        Largest interference over the SM per unit coefficient at 1 TeV, from an independent generator
        with massive fermions. Quoted, not computed here; ``None`` where computed or not quoted.
    """

    name: str
    wcxf_name: str
    operator_class: str
    contributes: bool
    in_study: bool
    reason: str
    quoted_size: float | None


_INPUTS = "shifts the couplings through the input parameters"
_VERTEX = "shifts a Z coupling"
_CONTACT = "contact interaction, grows with the squared mass of the pair"
_HIGGS = "Higgs exchange only: needs two Yukawa couplings"
_DIPOLE = "dipole flips a helicity: needs fermion masses"
_SCALAR = "scalar or tensor current: needs lepton and quark masses"
_NO_LEPTON = "no leptons in it"
_NO_QUARK = "no quarks in it, and absent from muon decay"
_NO_GLUON = "needs an external or exchanged gluon"
_ABSORBED = "absorbed in the gauge field and its coupling; the rest needs a Higgs boson"
_FOUR_QUARKS = (
    *("qq1_1111", "qq1_1221", "qq3_1111", "qq3_1221", "uu_1111", "uu_1221", "dd_1111", "dd_1221"),
    *("ud1_1111", "ud8_1111", "qu1_1111", "qu8_1111", "qd1_1111", "qd8_1111"),
    *("quqd1_1111", "quqd1_1221", "quqd8_1111", "quqd8_1221"),
)
_FOUR_QUARK_NAMES = (
    *("cqq1", "cqq11", "cqq3", "cqq31", "cuu", "cuu1", "cdd", "cdd1", "cud1", "cud8"),
    *("cqu1", "cqu8", "cqd1", "cqd8", "cquqd1", "cquqd11", "cquqd8", "cquqd81"),
)

# name, WCxf name, class, reason, quoted size of those that do not contribute
_ROWS: tuple[tuple[str, str, str, str, float | None], ...] = (
    ("cG", "G", "gauge", _NO_GLUON, 0.0),
    ("cW", "W", "gauge", "triple gauge coupling, absent at tree level", 0.0),
    ("cH", "phi", "higgs", "Higgs self-coupling, absent at tree level", 0.0),
    ("cHbox", "phiBox", "higgs", _HIGGS, 3e-8),
    ("cHDD", "phiD", "higgs", _INPUTS, None),
    (
        "cHG",
        "phiG",
        "higgs_gauge",
        "gg -> h -> mu mu only: no quarks, and needs the muon mass",
        None,
    ),
    ("cHW", "phiW", "higgs_gauge", _ABSORBED, 0.0),
    ("cHB", "phiB", "higgs_gauge", _ABSORBED, 0.0),
    ("cHWB", "phiWB", "higgs_gauge", _INPUTS, None),
    ("ceH", "ephi_22", "yukawa", _HIGGS, 2e-8),
    ("cuH", "uphi_22", "yukawa", _HIGGS, 2e-8),
    ("cdH", "dphi_22", "yukawa", _HIGGS, 8e-11),
    ("ceW", "eW_22", "dipole", _DIPOLE, 8e-7),
    ("ceB", "eB_22", "dipole", _DIPOLE, 8e-7),
    ("cuG", "uG_22", "dipole", _NO_GLUON, 0.0),
    ("cuW", "uW_22", "dipole", _DIPOLE, 1.9e-4),
    ("cuB", "uB_22", "dipole", _DIPOLE, 1.3e-4),
    ("cdG", "dG_22", "dipole", _NO_GLUON, 0.0),
    ("cdW", "dW_22", "dipole", _DIPOLE, 8e-7),
    ("cdB", "dB_22", "dipole", _DIPOLE, 1e-6),
    ("cHl1", "phil1_22", "vertex", _VERTEX, None),
    ("cHl3", "phil3_22", "vertex", f"{_VERTEX} and the muon lifetime", None),
    ("cHe", "phie_22", "vertex", _VERTEX, None),
    ("cHq1", "phiq1_11", "vertex", _VERTEX, None),
    ("cHq3", "phiq3_11", "vertex", _VERTEX, None),
    ("cHu", "phiu_11", "vertex", _VERTEX, None),
    ("cHd", "phid_11", "vertex", _VERTEX, None),
    ("cHud", "phiud_11", "vertex", "right-handed charged current, no neutral one", 0.0),
    ("cll", "ll_1122", "four_lepton", _NO_QUARK, 0.0),
    ("cll1", "ll_1221", "four_lepton", "shifts the muon lifetime, so all couplings alike", None),
    ("cee", "ee_1122", "four_lepton", _NO_QUARK, 0.0),
    ("cle", "le_1122", "four_lepton", _NO_QUARK, 0.0),
    ("clq1", "lq1_2211", "semileptonic", _CONTACT, None),
    ("clq3", "lq3_2211", "semileptonic", _CONTACT, None),
    ("ceu", "eu_2211", "semileptonic", _CONTACT, None),
    ("ced", "ed_2211", "semileptonic", _CONTACT, None),
    ("clu", "lu_2211", "semileptonic", _CONTACT, None),
    ("cld", "ld_2211", "semileptonic", _CONTACT, None),
    ("cqe", "qe_1122", "semileptonic", _CONTACT, None),
    ("cledq", "ledq_2222", "semileptonic", _SCALAR, 4e-11),
    ("clequ1", "lequ1_2222", "semileptonic", _SCALAR, 3e-9),
    ("clequ3", "lequ3_2222", "semileptonic", _SCALAR, 1e-8),
    *(
        (name, wcxf_name, "four_quark", _NO_LEPTON, 0.0)
        for name, wcxf_name in zip(_FOUR_QUARK_NAMES, _FOUR_QUARKS, strict=True)
    ),
)

OPERATORS: tuple[Operator, ...] = tuple(
    Operator(
        name,
        wcxf_name,
        operator_class,
        contributes=name in CONTRIBUTING,
        in_study=name in CONTRIBUTING + INERT,
        reason=reason,
        quoted_size=quoted_size,
    )
    for name, wcxf_name, operator_class, reason, quoted_size in _ROWS
)
OPERATOR_INDEX: dict[str, Operator] = {operator.name: operator for operator in OPERATORS}


def check_operator_names(names: Iterable[str]) -> None:
    """Refuse names that are none of the 60 operators.

    Parameters
    ----------
    names : iterable of str
        Names of coefficients, SMEFTsim's spelling.

    Raises
    ------
    ConfigError
        At the first unknown one, with the closest known name.

    Examples
    --------
    >>> check_operator_names(["clq3", "cHbox"])
    """
    for name in names:
        if name not in OPERATOR_INDEX:
            raise ConfigError(
                f"unknown operator {name!r}",
                got=name,
                need=f"one of {', '.join(CONTRIBUTING)}, or of the 43 others without effect here",
                fix=_closest(name),
            )


def _closest(name: str) -> str | None:
    """Suggest the most similar name; upper and lower case count as equal at first."""
    lower = {known.lower(): known for known in OPERATOR_INDEX}
    found = difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.4)
    return f"closest: {lower[found[0]]}" if found else None
