from shop import divide, subtract


def test_subtract():
    assert subtract(3, 2) == 1


def test_divide():
    assert divide(6, 3) == 2
