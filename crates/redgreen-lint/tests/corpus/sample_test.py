"""A test file with a bit of everything."""
from __future__ import annotations

import asyncio
import unittest
from unittest import TestCase as Case, mock

import pytest

from shop import Cart, total as shop_total
from .helpers import *

pytestmark = [pytest.mark.unit]
slow = pytest.mark.skipif("not config.slow", reason="slow")


@pytest.fixture(autouse=True)
def clean():
    yield


@slow
@pytest.mark.parametrize(("a", "b"), [(1, 2), pytest.param(3, 4, marks=pytest.mark.xfail)])
def test_total(a, b):
    """Adds."""
    assert shop_total([a]) == b, f"{a!r} {b}"
    assert shop_total([]) == 0
    with pytest.raises(ValueError, match=r"negative \d+"):
        shop_total([-1])


async def test_waits():
    assert await asyncio.sleep(0, "x") == "x"


if True:
    class TestCart:
        pytestmark = pytest.mark.db

        def setup_method(self):
            self.cart = Cart()

        def test_empty(self): assert self.cart.items == []

        class TestDeep:
            def test_é(self):
                assert "é" in "café"
                assert 3 < len([1, 2, 3, 4]) <= 4
else:
    def test_never(): pass


class OldStyle(Case):
    @unittest.skip("later")
    def test_one(self):
        self.assertEqual(shop_total([1]), 1)
        self.assertAlmostEqual(shop_total([1]), 1.0, places=2)

    @mock.patch("shop.clock")
    def test_two(self, clock):
        self.assertIn("a", {"a": 1})
        self.assertRaisesRegex(ValueError, "x", shop_total, [-1])
        self.fail("no")


def test_raw():
    assert rb"\x00" == b'\\x00' and """a
b""" == 'a\nb'
    match shop_total([1]):
        case 1:
            assert True
        case _:
            raise AssertionError
