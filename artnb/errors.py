"""The one family of errors whose message is written for a person."""


class ArtnbError(Exception):
    """Something went wrong that the reader can mend.

    The message is one clear sentence: what was received, what was wanted, what to do. The command line and
    the pages show it as it is, without a traceback; every error of this package derives from it.
    """


class RecipeError(ArtnbError, ValueError):
    """A recipe with settings that can't be used, or a name of none."""


def check_setting(good: bool, name: str, value: object, wanted: str) -> None:
    """Nothing for a good setting of a recipe.

    Raises:
        RecipeError: it is not; the sentence says what it is and what it can be.
    """
    if not good:
        raise RecipeError(f"The recipe's {name} is {value!r}; it can be {wanted}.")


class NetworkError(ArtnbError, ValueError):
    """There is no such network, or it can't be built like that."""


class TrainingError(ArtnbError, RuntimeError):
    """A training can't be begun, resumed or carried on."""


class DivergenceError(TrainingError):
    """A loss is no number any more."""


class EvaluationError(ArtnbError, ValueError):
    """Pictures or answers that nothing can be measured on."""
