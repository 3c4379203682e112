def price(n):
    return n * 2


def subtract(a, b):
    raise NotImplementedError


def divide(a, b):
    raise NotImplementedError
