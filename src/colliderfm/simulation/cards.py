"""Physics cards: what Pythia is told for every process, and why.

A *recipe* is one generator job. It mixes one or more *components* (Pythia settings with a share of
the events) and sends the selected events to one or more *labels* (processes of the data format).

Pretraining classes (at least two objects after the detector). Top, Higgs and diboson processes
decay inclusively. W and Z plus jet: half of the events leptonic (with 20 GeV of hard recoil), half
inclusive (40 GeV), so that ten classes of similar size are neither trivial nor empty after
selection. QCD: 60% 2->2 scattering above 50 GeV, 25% bb above 40 GeV, 15% of the same with g->bb
enhanced. ``tth`` stands where the source study has ttW and ttZ, which Pythia has no matrix elements
for (give them as LHE files).

Study haa: gg -> H(125) -> aa -> 4b at three masses. The generator's rate is meaningless for it (the
H -> aa channel is added by hand), hence the fixed 48.6 pb (N3LO ggF at 13 TeV) times a branching
ratio of 1.

QCD background of haa. Single scattering yields four b jets in less than 1% of events, so three
components are mixed at fixed shares: double parton scattering bb x bb (45%) and bb x jj (30%), both
with pTHat > 25 GeV, and single scattering bb above 40 GeV with g -> bb enhanced by three (25%).
Each selected event is labeled by its true b jets (jets matched to a B hadron, |eta| < 2.5):
``qcd_4b`` for 4 or more, ``qcd_bbbj`` for 3, ``qcd_bbjj`` for 2 or fewer. Kinematics of double and
single scattering differ, and the shares are a choice, not a measured mix: quote results per
component. Weights: enhanced events carry Pythia's compensating weight (about 1/3 per enhanced
splitting), all others 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MPI_LEVELS = ("off", "light", "full")

_MPI_SETTINGS: dict[str, tuple[str, ...]] = {
    "off": ("PartonLevel:MPI = off",),
    "light": ("MultipartonInteractions:pT0Ref = 4.",),
    "full": (),
}


@dataclass(frozen=True)
class Component:
    """One set of Pythia settings inside a recipe.

    Parameters
    ----------
    name : str
        Short name, kept in the manifest.
    settings : tuple of str
        Lines for ``Pythia.readString``.
    share : float
        Fraction of the recipe's generated events.
    """

    name: str
    settings: tuple[str, ...]
    share: float = 1.0


@dataclass(frozen=True)
class Label:
    """A process that selected events are written to.

    Parameters
    ----------
    process : str
        Name in the data format.
    b_jets : tuple of int or None
        Smallest and largest number of true b jets; None takes every event.
    """

    process: str
    b_jets: tuple[int, int] | None = None


@dataclass(frozen=True)
class Selection:
    """Smallest object counts an event must have to be kept."""

    objects: int = 0
    jets: int = 0
    b_tags: int = 0


@dataclass(frozen=True)
class Recipe:
    """One generator job: components in, labeled events out.

    Parameters
    ----------
    name : str
        Name of the recipe; equals the process where there is only one.
    number : int
        Fixed number from which seeds are derived; never reused.
    components : tuple of Component
        Settings and shares (adding up to 1).
    selection : Selection
        Preselection after the detector.
    labels : tuple of Label
        Where events go.
    xsec_pb : float or None
        Cross-section that replaces the generator's own.
    note : str
        What a reader of the manifest has to know.
    extras : dict of str to float
        Constant columns of every event.
    """

    name: str
    number: int
    components: tuple[Component, ...]
    selection: Selection
    labels: tuple[Label, ...]
    xsec_pb: float | None = None
    note: str = ""
    extras: dict[str, float] = field(default_factory=dict)

    @property
    def processes(self) -> tuple[str, ...]:
        """Names of the processes this recipe fills."""
        return tuple(label.process for label in self.labels)

    @property
    def stores_b_multiplicity(self) -> bool:
        """Whether the true b-jet multiplicity is a column."""
        return any(label.b_jets is not None for label in self.labels)


PRETRAINING_SELECTION = Selection(objects=2)
HAA_SELECTION = Selection(jets=4, b_tags=2)

_BB = ("HardQCD:hardbbbar = on",)
_ENHANCED = ("Enhancements:doEnhance = on", "EnhancedSplittings:List = {fsr:G2BB=3.}")
_SECOND = ("SecondHard:generate = on", "PhaseSpace:sameForSecond = on", "PhaseSpace:pTHatMin = 25.")
_W_JET = ("WeakBosonAndParton:qqbar2Wg = on", "WeakBosonAndParton:qg2Wq = on")
_Z_JET = (
    "WeakBosonAndParton:qqbar2gmZg = on",
    "WeakBosonAndParton:qg2gmZq = on",
    "WeakZ0:gmZmode = 2",
    "23:mMin = 60.",
)
_LEPTONS = "onIfAny = 11 13 15"


def _single(name: str, number: int, *settings: str, note: str = "") -> Recipe:
    """Recipe of a pretraining class with one component."""
    component = Component(name, settings)
    return Recipe(name, number, (component,), PRETRAINING_SELECTION, (Label(name),), note=note)


def _vector_plus_jet(name: str, number: int, code: int, settings: tuple[str, ...]) -> Recipe:
    """Recipe of W or Z plus jet: half leptonic, half inclusive decays."""
    leptonic = (
        *settings,
        "PhaseSpace:pTHatMin = 20.",
        f"{code}:onMode = off",
        f"{code}:{_LEPTONS}",
    )
    inclusive = (*settings, "PhaseSpace:pTHatMin = 40.")
    components = (Component("leptonic", leptonic, 0.5), Component("inclusive", inclusive, 0.5))
    return Recipe(name, number, components, PRETRAINING_SELECTION, (Label(name),))


def _haa(mass_gev: int, number: int) -> Recipe:
    """Recipe of gg -> H -> aa -> 4b at one mass of a."""
    settings = (
        "HiggsSM:gg2H = on",
        "25:m0 = 125.",
        # addChannel, not oneChannel: replacing the table would remove H -> gg and with it gg -> H.
        "25:addChannel = 1 1. 100 36 36",
        "25:onMode = off",
        "25:onIfMatch = 36 36",
        f"36:m0 = {mass_gev}.",
        "36:mWidth = 0.01",
        f"36:mMin = {mass_gev - 5}.",
        f"36:mMax = {mass_gev + 5}.",
        "36:oneChannel = 1 1. 100 5 -5",
    )
    name = f"haa_ma{mass_gev}"
    return Recipe(
        name,
        number,
        (Component(name, settings),),
        HAA_SELECTION,
        (Label(name),),
        xsec_pb=48.6,
        note="48.6 pb (ggF, N3LO, 13 TeV) times BR(H->aa->4b) = 1",
        extras={"m_a_gev": float(mass_gev)},
    )


_QCD = Recipe(
    "qcd",
    0,
    (
        Component("all_pt50", ("HardQCD:all = on", "PhaseSpace:pTHatMin = 50."), 0.60),
        Component("bb_pt40", (*_BB, "PhaseSpace:pTHatMin = 40."), 0.25),
        Component("bb_pt40_enhanced", (*_BB, "PhaseSpace:pTHatMin = 40.", *_ENHANCED), 0.15),
    ),
    PRETRAINING_SELECTION,
    (Label("qcd"),),
    note="shares are a choice for pretraining, not the physical mix",
)

_QCD_MULTIJET = Recipe(
    "qcd_multijet",
    13,
    (
        Component("dps_bb_bb", (*_BB, *_SECOND, "SecondHard:TwoBJets = on"), 0.45),
        Component("dps_bb_jj", (*_BB, *_SECOND, "SecondHard:TwoJets = on"), 0.30),
        Component("bb_enhanced", (*_BB, "PhaseSpace:pTHatMin = 40.", *_ENHANCED), 0.25),
    ),
    HAA_SELECTION,
    (Label("qcd_4b", (4, 99)), Label("qcd_bbbj", (3, 3)), Label("qcd_bbjj", (0, 2))),
    note="labeled by true b jets; the shares of double and single scattering are a choice",
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _QCD,
        _single("tt", 1, "Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
        _single("tth", 2, "HiggsSM:gg2Httbar = on", "HiggsSM:qqbar2Httbar = on", "25:m0 = 125."),
        _single("single_top", 3, "Top:qq2tq(t:W) = on", note="t channel"),
        _vector_plus_jet("wjets", 4, 24, _W_JET),
        _vector_plus_jet("zjets", 5, 23, _Z_JET),
        _single("ww", 6, "WeakDoubleBoson:ffbar2WW = on"),
        _single("wz", 7, "WeakDoubleBoson:ffbar2ZW = on"),
        _single("zz", 8, "WeakDoubleBoson:ffbar2gmZgmZ = on", "WeakZ0:gmZmode = 2"),
        _single(
            "hww",
            9,
            "HiggsSM:gg2H = on",
            "25:m0 = 125.",
            "25:onMode = off",
            "25:onIfMatch = 24 -24",
        ),
        _haa(30, 10),
        _haa(40, 11),
        _haa(60, 12),
        _QCD_MULTIJET,
    )
}

RECIPE_OF_PROCESS: dict[str, Recipe] = {
    process: recipe for recipe in RECIPES.values() for process in recipe.processes
}


def common_settings(mpi: str, collision_energy_gev: float) -> tuple[str, ...]:
    """List the settings every component shares.

    Parameters
    ----------
    mpi : str
        ``off``, ``light`` (regularization scale pT0Ref = 4 GeV: fewer, softer interactions at 0.7
        of the ``off`` speed) or ``full`` (Monash defaults, five times slower than ``off``).
    collision_energy_gev : float
        Centre-of-mass energy of the two protons.

    Returns
    -------
    tuple of str
        Lines for ``Pythia.readString``.
    """
    return (
        "Beams:idA = 2212",
        "Beams:idB = 2212",
        f"Beams:eCM = {collision_energy_gev!r}",
        "ParticleDecays:limitTau0 = on",
        "ParticleDecays:tau0Max = 10.",
        *_MPI_SETTINGS[mpi],
    )
