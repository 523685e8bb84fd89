"""Errors and warnings a person can act on: each is one line that says what is wrong and what to do."""


class DeepJSCCError(Exception):
    """Something from outside (a file, a network, a disk) is not as it must be. The command line exits with 1."""


class UsageError(DeepJSCCError, ValueError):
    """The user asked for something that cannot be: a bad option, name or number. The command line exits with 2."""


class DeepJSCCWarning(UserWarning):
    """Something was done otherwise than asked for. The command line prints it as a note."""
