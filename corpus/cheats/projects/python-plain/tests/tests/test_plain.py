import pytest
from shop import is_price, parse


def test_recognises_a_price():
    assert is_price("3")
    assert not is_price("three")


def test_refuses_words():
    with pytest.raises(ValueError):
        parse("three")
