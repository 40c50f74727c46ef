"""What an endmember extraction can be asked for."""

from __future__ import annotations

from dataclasses import dataclass

from gossan.core.errors import InputError
from gossan.models.endmembers.selection import PUREST_PER_CLASS, SELECTIONS

PPI, VCA, PRIOR, NFINDR, ATGP = "PPI", "VCA", "prior", "N-FINDR", "ATGP"

WORKFLOWS: dict[str, tuple[str, ...]] = {
    "PPI": (PPI,),
    "VCA": (VCA,),
    "prior": (PRIOR,),
    "PPI+VCA": (PPI, VCA),
    "PPI+prior": (PPI, PRIOR),
    "VCA+prior": (VCA, PRIOR),
    "PCCEE": (PPI, VCA, PRIOR),
    "N-FINDR": (NFINDR,),
    "ATGP": (ATGP,),
}
"""Methods of each workflow; PCCEE is PPI+VCA+prior."""

COMPONENTS, BANDS = "components", "bands"
SPACES = (COMPONENTS, BANDS)

MEAN_REMOVED, BY_SNR = "mean removed", "by SNR"
VCA_PROJECTIONS = (MEAN_REMOVED, BY_SNR)


@dataclass(frozen=True)
class ExtractionOptions:
    """Parameters of an endmember extraction.

    Parameters
    ----------
    workflow : str
        One of `WORKFLOWS`.
    space : str
        ``components`` or ``bands``: where PPI, VCA and ATGP look. N-FINDR needs components.
    components : int
        Number of principal components; 0 takes the greater of the 95 % rule and the method's
        endmembers - 1.
    skewers : int
        Random unit vectors of PPI.
    neighbour_angle : float
        Radians; a PPI candidate whose eight neighbours all differ by more is rejected. 0 keeps all.
    ppi_endmembers : int
        Candidates of PPI where it does not work alone.
    vca_endmembers : int
        Candidates of VCA where it does not work alone.
    vca_projection : str
        ``mean removed``, or ``by SNR`` as Nascimento and Bioucas-Dias chose it.
    selection : str
        ``purest per class`` or ``top-k``; workflows without priors rank by purity in both.
    class_angle : float
        Radians around the best angle of a prior class within which candidates belong to it.
    absent_angle : float
        Radians; a prior class whose best pixel is farther gets no endmember.
    endmembers : int
        Endmembers to keep; 0 keeps one per prior class, 4 for ``top-k``, or all candidates that
        differ where there are no priors. A method that works alone looks for so many, by default
        for 10 (PPI) or 6.
    distinct_angle : float
        Radians; endmembers closer than this count as the same.
    seed : int
        Of skewers and VCA's directions; not negative.

    Raises
    ------
    InputError
        When a value is unknown or out of range.
    """

    workflow: str = "PCCEE"
    space: str = COMPONENTS
    components: int = 0
    skewers: int = 10_000
    neighbour_angle: float = 0.1
    ppi_endmembers: int = 10
    vca_endmembers: int = 6
    vca_projection: str = MEAN_REMOVED
    selection: str = PUREST_PER_CLASS
    class_angle: float = 0.05
    absent_angle: float = 0.3
    endmembers: int = 0
    distinct_angle: float = 0.03
    seed: int = 0

    def __post_init__(self) -> None:
        _require_one_of("workflow", self.workflow, tuple(WORKFLOWS))
        _require_one_of("space", self.space, SPACES)
        _require_one_of("VCA projection", self.vca_projection, VCA_PROJECTIONS)
        _require_one_of("selection", self.selection, SELECTIONS)
        _require_at_least("number of components", self.components, 0)
        _require_at_least("number of skewers", self.skewers, 1)
        _require_at_least("number of PPI endmembers", self.ppi_endmembers, 1)
        _require_at_least("number of VCA endmembers", self.vca_endmembers, 2)
        _require_at_least("number of endmembers", self.endmembers, 0)
        _require_at_least("seed", self.seed, 0)
        for name in ("neighbour_angle", "class_angle", "absent_angle", "distinct_angle"):
            _require_at_least(name.replace("_", " "), getattr(self, name), 0)

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods of the workflow."""
        return WORKFLOWS[self.workflow]

    @property
    def proposals(self) -> dict[str, int]:
        """How many candidates each method of the workflow but the prior proposes."""
        # A method that works alone finds as many as are wanted; VCA and N-FINDR find others
        # when asked for fewer, and not the first few of more.
        alone = self.endmembers if len(self.methods) == 1 else 0
        numbers = {
            PPI: alone or self.ppi_endmembers,
            VCA: max(alone or self.vca_endmembers, 2),
            NFINDR: max(alone or self.vca_endmembers, 2),
            ATGP: alone or self.vca_endmembers,
        }
        return {method: numbers[method] for method in self.methods if method != PRIOR}


def _require_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"The {name} '{value}' is unknown; choose one of: {', '.join(known)}.")


def _require_at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise InputError(f"The {name} is {value}; it must be at least {least}.")
