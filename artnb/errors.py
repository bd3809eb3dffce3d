"""The one family of errors whose message is written for a person."""


class ArtnbError(Exception):
    """Something went wrong that the reader can mend.

    The message is one clear sentence: what was received, what was wanted, what to do. The command line and
    the pages show it as it is, without a traceback; every error of this package derives from it.
    """
