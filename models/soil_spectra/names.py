"""What the names of spectra and rows say: sample and replicate, or no sample at all."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gossan.core.errors import InputError

DEFAULT_PATTERN = "<sample>_<replicate>"

_SAMPLE, _REPLICATE = "<sample>", "<replicate>"

_CONTROLS = (
    (
        "laboratory blank",
        r"^(?:(?:method|reagent|procedural|prep\w*|lab\w*|field|acid)[\s_-]*)?(?:blanks?|blk)(?![a-z])",
    ),
    (
        "laboratory standard",
        r"^(?:std|stds|standards?|crm|srm|icrm|certified|reference[\s_-]*material|oreas|gxr|gbw|nist"
        r"|qc|check[\s_-]*standard)(?![a-z])|(?<![a-z])(?:standard|crm|srm)$",
    ),
    ("laboratory duplicate", r"[\s_./-]+(?:dup(?:licate)?|rpt|lab[\s_-]*rep(?:eat)?)[\s_.-]*\d*$"),
    ("laboratory duplicate", r"^(?:dup(?:licate)?|rpt)(?![a-z])"),
    (
        "limit, unit or method of the laboratory",
        r"^(?:(?:lower|upper|method|analytical|reporting|detection)[\s_-]*)+limits?(?![a-z])"
        r"|^limits?$|^(?:lod|lloq|loq|mdl|ldl|udl|l\.?d\.?|d\.?l\.?)$|^units?$|^(?:method|analyte)s?$",
    ),
    (
        "reference panel",
        r"^(?:(?:white|dark)[\s_-]*(?:ref\w*|panel|current)|spectralon|wr|panel)[\s_-]*\d*$",
    ),
)
"""Why a row or spectrum is no sample of the field, and what its name then looks like."""

_COMPILED = tuple((why, re.compile(pattern, re.IGNORECASE)) for why, pattern in _CONTROLS)


def no_sample(name: str) -> str:
    """Return why a name is none of a sample: a blank, a standard, a duplicate; or nothing."""
    text = name.strip()
    return next((why for why, pattern in _COMPILED if pattern.search(text)), "")


def key_of(name: str) -> str:
    """Return a name as it is compared: any case, blanks and underscores alike.

    They are not left out, or replicate 1 of S1, which is S1_1, would be the sample S11.
    """
    return re.sub(r"[\s_]+", " ", name).strip().casefold()


def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """Return the expression that takes sample and replicate from a name; None for no pattern.

    Parameters
    ----------
    pattern : str
        A text with ``<sample>`` and ``<replicate>``, such as ``<sample>_<replicate>``; a replicate
        is a number of up to five digits or a single letter, with ``r`` or ``rep`` before it or not.

    Raises
    ------
    InputError
        When it does not have both.
    """
    text = pattern.strip()
    if not text:
        return None
    if text.count(_SAMPLE) != 1 or text.count(_REPLICATE) != 1:
        raise InputError(
            f"The name pattern {text!r} needs {_SAMPLE} and {_REPLICATE} once each, such as "
            f"{DEFAULT_PATTERN}; leave it empty where every spectrum is a sample of its own."
        )
    expression = re.escape(text)
    expression = expression.replace(re.escape(_SAMPLE), r"(?P<sample>.+?)")
    expression = expression.replace(
        re.escape(_REPLICATE), r"(?P<replicate>(?:r|rep)?[\s.-]?\d{1,5}|[A-Za-z])"
    )
    return re.compile(f"^{expression}$", re.IGNORECASE)


def samples_of(
    names: Sequence[str], pattern: str = DEFAULT_PATTERN, known: Sequence[str] | None = None
) -> list[str]:
    """Return the sample that each spectrum is of.

    Parameters
    ----------
    names : sequence of str
        Of the spectra; equal ones are replicates of one sample.
    pattern : str
        How names tell sample and replicate; see `compile_pattern`.
    known : sequence of str, optional
        Names of the samples. A spectrum that has such a name is that sample whatever the pattern
        makes of it, so that ``sub_1`` and ``sub_2`` stay two samples where both are known.
    """
    expression = compile_pattern(pattern)
    keys = {key_of(name): name for name in known or ()}
    found = []
    for name in names:
        text = name.strip()
        if key_of(text) in keys:
            found.append(keys[key_of(text)])
            continue
        match = expression.match(text) if expression is not None else None
        sample = match.group("sample").strip() if match else text
        found.append(keys.get(key_of(sample), sample))
    return found
