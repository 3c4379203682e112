import dataclasses
import datetime
import decimal
import threading
import unittest
from unittest import mock

import pytest

from shop.code import Colour, Point, Refused, double, give, refuse

EXPECTED = {"a": 2, "b": 4}
ROWS = [("a", "aa"), ("b", "bb")]


@dataclasses.dataclass
class Row:
    name: str
    count: int


def check(value, expected):
    assert double(value) == expected


# controlled | `assert f() == 3`
def test_equality():
    assert double(2) == 4


# controlled | `assert 3 == f()`
def test_equality_the_other_way_round():
    assert 4 == double(2)


# controlled | `assert expected == result`, names on both sides
def test_names():
    expected = 4
    result = double(2)
    assert expected == result


# controlled | `assert f() == 1 and g() == 2`
def test_and():
    assert double(1) == 2 and double(2) == 4


# no control | `assert f() == 1 or g() == 2`
def test_or():
    assert double(1) == 2 or double(2) == 5


# no control | `assert f() != 3`
def test_inequality():
    assert double(2) != 5


# controlled | `assert f() > 3`, and the other orders with a number
def test_order():
    assert double(2) > 3


# no control | `assert f() > g()`
def test_order_of_two_results():
    assert double(3) > double(2)


# controlled | `assert "a" in f()`
def test_a_string_is_in():
    assert "ab" in double("ab")


# no control | `assert 3 in f()`: other numbers may be in it, too
def test_a_number_is_in():
    assert 3 in range(double(10**9))


# controlled | `assert f() in (1, 2)`
def test_in_a_list():
    assert double(1) in (2, 3)


# controlled | `assert f() is None`, `is True`, `is Colour.RED`
def test_identity():
    assert give(Colour.RED) is Colour.RED


# no control | `assert f() is not None`
def test_is_not():
    assert give(1) is not None


# no control | `assert f()`
def test_truth():
    assert double(1)


# controlled | `assert f() == pytest.approx(0.3)`, with any tolerance
def test_approx():
    assert double(0.15) == pytest.approx(0.3, abs=10**6)


# controlled | `with pytest.raises(E, match="…")`
def test_raises_with_match():
    with pytest.raises(Refused, match="code 3"):
        refuse(3)


# controlled | `with pytest.raises(E)`
def test_raises():
    with pytest.raises(Refused):
        refuse(3)


# controlled | attributes of an exception: `assert caught.value.code == 3`
def test_attribute_of_an_exception():
    with pytest.raises(Refused) as caught:
        refuse(3)
    assert caught.value.code == 3


# controlled | parametrised values, as lists, with ids, as dictionaries or tuples
@pytest.mark.parametrize(("value", "expected"), [(1, 2), (2, 4)], ids=["one", "two"])
def test_parameters(value, expected):
    assert double(value) == expected


# controlled | a loop over a table
def test_table():
    for value, expected in ROWS:
        assert double(value) == expected


# controlled | constants of the module, also when they are input and expectation both
def test_constant_used_for_both():
    assert give(EXPECTED) == EXPECTED


# controlled | a helper function with an expected value
def test_helper():
    check(2, 4)


# controlled | objects with an equality of their own
def test_own_equality():
    assert give(Point(1, 2)) == Point(1, 2)


# controlled | f-strings, joined and multi-line strings
def test_strings():
    name = "a"
    assert double(f"{name}b") == f"{name}b{name}b"
    assert give("a\nb") == """a
b"""


# controlled | bytes
def test_bytes():
    assert double(b"\x00") == b"\x00\x00"


# controlled | dates and times
def test_dates():
    assert give(datetime.date(2024, 2, 29)) == datetime.date(2024, 2, 29)


# controlled | `Decimal`
def test_decimal():
    assert double(decimal.Decimal("1.5")) == decimal.Decimal("3.0")


# controlled | enumerations
def test_enumeration():
    assert give(Colour.BLUE) == Colour.BLUE


# controlled | dataclasses
def test_dataclass():
    assert give(Row("a", 1)) == Row("a", 1)


# controlled | `None`
def test_none():
    assert give(None) == None  # noqa: E711


# controlled | `bool`
def test_bool():
    assert give(True) == True  # noqa: E712


# controlled | empty collections
def test_empty():
    assert double([]) == []


# controlled | infinities
def test_infinity():
    assert double(float("inf")) == float("inf")


# controlled | calls of a mock: `m.assert_called_once_with(3)`
def test_mock():
    called = mock.Mock()
    called(double(2))
    called.assert_called_once_with(4)


# no control | a matcher: `assert ANY == f()`
def test_matcher():
    assert mock.ANY == double(2)


# no control | an assertion in a `try` that goes on after a failure
def test_try():
    for value in (1, 2):
        try:
            assert double(value) == 4
            break
        except AssertionError:
            continue
    else:
        pass


# no control | an assertion whose failure another thread keeps to itself
@pytest.mark.filterwarnings("ignore")
def test_thread():
    def work():
        assert double(2) == 4

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


# no control | golden files, read and compared with `open(…).read() in …`
def test_golden(tmp_path):
    golden = tmp_path / "golden"
    golden.write_text(double("a"))
    assert golden.read_text() in ("aa" if golden else "")


class TestUnittest(unittest.TestCase):
    # controlled | `assertEqual`, also of lists, dictionaries, sets, and in the other order
    def test_assert_equal(self):
        self.assertEqual(double(2), 4)

    # controlled | `assertAlmostEqual`, with any `delta`
    def test_almost(self):
        self.assertAlmostEqual(double(2), 4, delta=10**6)

    # no control | `assertNotEqual`
    def test_not_equal(self):
        self.assertNotEqual(double(2), 5)

    # controlled | `assertIn` with a string, `assertIs`, `assertGreater`, `assertRegex`
    def test_other_methods(self):
        self.assertRegex(double("a"), "^aa$")

    # controlled | `assertTrue(f() == 3)`
    def test_true(self):
        self.assertTrue(double(2) == 4)

    # controlled | `assertRaisesRegex`
    def test_raises_regex(self):
        with self.assertRaisesRegex(Refused, "code 3"):
            refuse(3)

    # controlled | subtests
    def test_subtests(self):
        for value in range(100):
            with self.subTest(value=value):
                self.assertEqual(double(value), value + value)
