"""Requests and responses of a model server that come one by one: the first half waits for the other."""


class Pairs:
    pass
