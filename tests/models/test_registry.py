"""Every job that the engine offers can be loaded and called as the engine calls it."""

from __future__ import annotations

import inspect

import pytest

from gossan.core.errors import InputError
from gossan.models import registry


@pytest.mark.parametrize("name", registry.JOBS)
def test_every_job_takes_progress_first_and_keywords_after(name):
    function = registry.load(name)
    first, *others = inspect.signature(function).parameters.values()
    assert first.name == "progress"
    assert all(
        parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        for parameter in others
    )
    assert inspect.getdoc(function)


def test_an_unknown_job_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match=r"'metals.trian'\. Did you mean 'metals.train'\?"):
        registry.load("metals.trian")
