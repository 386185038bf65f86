"""What keeps provisioning from its end, in lines for the person at the terminal."""


class ProvisionError(Exception):
    """Something was refused; each line of ``faults`` says what, where, and what to try. No line holds a secret."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class RefusedError(ProvisionError):
    """A server answered a request with a status that is no success."""

    def __init__(self, fault: str, status: int, said: str) -> None:
        super().__init__(fault)
        self.status = status
        self.said = said
