"""A refusal is an EslabError with its facts as attributes."""

import pytest

from eslab import errors
from eslab.errors import EslabError, WrongExpectedVersion

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_refusal_is_an_eslab_error_that_says_what_it_means(kind):
    assert issubclass(kind, EslabError)
    assert kind.__doc__.splitlines()[0].endswith(".")


def test_the_facts_of_a_refusal_are_attributes():
    error = WrongExpectedVersion("stream 'account-1' is at version 4, not 3", stream="account-1", actual=4)
    assert (error.stream, error.actual) == ("account-1", 4)
    assert error.facts == {"stream": "account-1", "actual": 4}
    assert str(error) == "stream 'account-1' is at version 4, not 3"


def test_two_refusals_do_not_share_facts():
    assert EslabError("one", n=1).facts != EslabError("two").facts == {}
