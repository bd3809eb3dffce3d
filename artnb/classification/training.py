"""Training a network by a recipe: with a bar, a checkpoint every epoch, and the way back from any interruption.

A training lives in a folder. `history.csv` has a row for every epoch that is finished; it is written after the epoch's
weights, so whatever it names is there. Callbacks that remember (the plateau, the patience) are not saved but told the
history again.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from artnb.classification import networks
from artnb.classification.networks import Network
from artnb.classification.recipes import ClassifierRecipe, Phase
from artnb.common.files import replacing, write_weights
from artnb.common.precision import FULL, training_policy, under
from artnb.common.progress import progress
from artnb.common.releasing import released_graphs
from artnb.common.resuming import begin_or_resume, damaged_training, digest, in_use
from artnb.common.seeding import seed_or_default, seeded
from artnb.errors import DivergenceError, TrainingError, check_setting
from artnb.paintings.pipeline import Pictures, Subsets, evaluation_batches, steps_per_epoch, training_batches


@released_graphs()
def train_network(
    recipe: ClassifierRecipe,
    data: Subsets,
    folder: str | Path | None = None,
    seed: int | None = None,
    resume: bool = False,
    start: Network | None = None,
) -> tuple[Network, pd.DataFrame]:
    """Train a network; the same arguments give the same weights, within the noise of floating-point sums.

    Args:
        recipe: how.
        data: training and validation pictures of `recipe.size`. The test is not touched.
        folder: where checkpoints, the history and TensorBoard's logs go; None to keep nothing.
        seed: of the first weights, the order and the augmentation.
        resume: resume the training in `folder`; begin if there is none.
        start: a network of the same recipe and classes whose weights it begins with; by default they are random, or
            ImageNet's.

    Returns:
        The network with the weights that the recipe ends with, in 32 bits, and its history: a row per epoch with phase,
        epoch (from 1, counted on through the phases), seconds, learning_rate, loss, accuracy, val_loss and
        val_accuracy. Training figures are means over the epoch, under augmentation.

    Raises:
        TrainingError: the folder holds a training and `resume` is not set, another training than this one, or a damaged
            one, or somebody else trains in it.
        DivergenceError: the loss became infinite.
    """
    seed = seed_or_default(seed)
    if folder is None:
        import tempfile

        with tempfile.TemporaryDirectory() as place:
            return train_network(recipe, data, place, seed, start=start)
    with in_use(Path(folder), TrainingError):
        run = _Run(Path(folder), _identity(recipe, data, seed, start), list(recipe.phases), resume)
        return _train(recipe, data, run, seed, start), run.history


def _train(recipe: ClassifierRecipe, data: Subsets, run: "_Run", seed: int, start: Network | None) -> Network:
    strategy = _strategy()
    policy = precision(recipe)
    with under(policy), strategy.scope(), seeded(seed):
        network = _build(recipe, data, pretrained=start is None)
        if start is not None:
            network = replace(network, title=start.title)
            _copy_weights(start, network)
    steps = {
        phase.name: steps_per_epoch(data.train, recipe.batch_size) * (2 if phase.cached else 1)
        for phase in recipe.phases
    }
    total = sum(phase.epochs * steps[phase.name] for phase in recipe.phases)
    with progress(None, network.title, total, "step") as bar:
        bar.update(int(run.history["phase"].map(steps).sum()))
        for phase in recipe.phases:
            _train_phase(phase, recipe, network, data, run, strategy, seed, bar)
    if policy != FULL:
        trained, network = network, replace(_build(recipe, data, pretrained=False), title=network.title)
        _copy_weights(trained, network)
    return network


def precision(recipe: ClassifierRecipe) -> str:
    """The Keras policy that a recipe is trained under on this machine, such as "mixed_bfloat16"."""
    return training_policy(depthwise=recipe.network.startswith("efficientnet"))


def _build(recipe: ClassifierRecipe, data: Subsets, pretrained: bool) -> Network:
    size = recipe.size if recipe.crop_size is None else None  # with two sizes, a network that takes any
    return networks.build_network(recipe.network, len(data.class_names), size, pretrained=pretrained, **recipe.options)


def _copy_weights(source: Network, target: Network) -> None:
    try:
        target.model.set_weights(source.model.get_weights())
    except ValueError as error:
        raise TrainingError(
            "The model to start from has another shape than the recipe's network; start from one of the same network, "
            "options and number of artists, or from none."
        ) from error


def _train_phase(
    phase: Phase,
    recipe: ClassifierRecipe,
    network: Network,
    data: Subsets,
    run: "_Run",
    strategy: tf.distribute.Strategy,
    seed: int,
    bar: Any,
) -> None:
    """Train one phase from where it stands to its end."""
    past = run.history[run.history["phase"] == phase.name]
    if _finished(phase, past):
        run.load(network.head if phase.cached else network.model, _chosen(phase, past))
        return
    first = int(past["epoch"].max()) if len(past) else len(run.history)  # epochs before, of all phases
    last = first - len(past) + phase.epochs
    _set_trainable(network, phase)
    if phase.cached:
        model = network.head
        train_pictures, validation = _cached(network, data)
        batches = training_batches(train_pictures, recipe.batch_size, None, seed, first)
    else:
        model, train_pictures, validation = network.model, data.train, data.validation
        batches = training_batches(
            train_pictures, recipe.batch_size, recipe.augmentation, seed, first, size=recipe.crop_size or recipe.size
        )
    classes = len(data.class_names)
    steps = steps_per_epoch(train_pictures, recipe.batch_size)
    with strategy.scope():
        _compile(model, phase, steps)
    if len(past):
        run.load(model, first, with_optimiser=True)
    plateau = [keras.callbacks.ReduceLROnPlateau(factor=0.2, patience=2)] if phase.schedule == "plateau" else []
    patience = [keras.callbacks.EarlyStopping(patience=phase.patience)] if phase.patience else []
    callbacks = [
        *plateau,
        *patience,
        _Replay([*plateau, *patience], past),
        keras.callbacks.TensorBoard(run.folder / "tensorboard", write_graph=False),
        _Record(run, phase, bar, seed),
    ]
    model.fit(
        batches.map(lambda images, labels: (images, tf.one_hot(labels, classes))),
        validation_data=evaluation_batches(validation, 32 * strategy.num_replicas_in_sync).map(
            lambda images, labels: (images, tf.one_hot(labels, classes))
        ),
        initial_epoch=first,
        epochs=last,
        steps_per_epoch=steps,
        class_weight=class_weights(data.train.labels, recipe.balance),
        callbacks=callbacks,
        shuffle=False,  # the batches are in an order that a resumed training can repeat
        verbose=0,
    )
    bar.update((last - len(run.history)) * steps)  # what patience has saved
    run.load(model, _chosen(phase, run.history[run.history["phase"] == phase.name]))


def class_weights(labels: np.ndarray, balance: float) -> dict[int, float]:
    """How much a picture of each class counts: by its share of the pictures to the power of -`balance`, on average 1.

    With 0 every picture counts the same, so the artists with most paintings decide; with 1 every artist does, so a
    painting by a rare one counts several times, and the loss is noisier for it.
    """
    counts = np.bincount(labels)
    weights = np.maximum(counts, 1) ** -float(balance)
    return dict(enumerate(weights * counts.sum() / (weights * counts).sum()))


def _cached(network: Network, data: Subsets) -> tuple[Pictures, Pictures]:
    """What the frozen core finds in the pictures as they are and mirrored: it never has to look again."""
    features_of = []
    for images in (data.train.images, data.train.images[:, :, ::-1], data.validation.images):
        batches = evaluation_batches(Pictures(images, np.zeros(len(images), np.int32), ()), 64)
        features = network.core.predict(batches.map(lambda images, _: images), verbose=0)
        features_of.append(features.astype(np.float32))
    both, labels = np.concatenate(features_of[:2]), np.tile(data.train.labels, 2)
    return Pictures(both, labels, ()), replace(data.validation, images=features_of[2])


def _set_trainable(network: Network, phase: Phase) -> None:
    core = network.core.layers
    if isinstance(phase.train, int):
        first = len(core) - phase.train
    elif phase.train in ("all", "head"):
        first = 0 if phase.train == "all" else len(core)
    else:
        names = [layer.name for layer in core]
        check_setting(
            phase.train in names, "train", phase.train, f"a layer of the core, such as {names[len(names) // 2]!r}"
        )
        first = names.index(phase.train) + 1
    for number, layer in enumerate([*core, *network.head.layers]):
        frozen = phase.frozen_statistics and isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = number >= first and not frozen


def _compile(model: keras.Model, phase: Phase, steps: int) -> None:
    rate: Any = phase.learning_rate
    if phase.schedule == "cosine":
        total = phase.epochs * steps
        warm = total // 20
        rate = keras.optimizers.schedules.CosineDecay(rate / 100, total - warm, warmup_target=rate, warmup_steps=warm)
    optimiser = keras.optimizers.AdamW(rate, weight_decay=phase.weight_decay)
    optimiser.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=phase.label_smoothing)
    model.compile(optimiser, loss, metrics=[keras.metrics.CategoricalAccuracy("accuracy")])
    model.optimizer.build(model.trainable_variables)  # so that its state can be read from a checkpoint


def _finished(phase: Phase, past: pd.DataFrame) -> bool:
    if len(past) >= phase.epochs:
        return True
    if phase.patience is None or past.empty:
        return False
    return len(past) - 1 - int(past["val_loss"].argmin()) >= phase.patience


def kept_epoch(recipe: ClassifierRecipe, history: pd.DataFrame) -> pd.Series:
    """The row of the epoch whose weights a finished training ends with: what its model is worth, not its luck."""
    past = history[history["phase"] == recipe.phases[-1].name]
    if not _finished(recipe.phases[-1], past):
        raise TrainingError(f"After {len(history)} epochs the training is not finished: it diverged, or was stopped.")
    return past[past["epoch"] == _chosen(recipe.phases[-1], past)].iloc[0]


def _chosen(phase: Phase, past: pd.DataFrame) -> int:
    """The epoch whose weights a phase ends with: with patience the best on validation, otherwise the last."""
    return int(past["epoch"].iloc[past["val_loss"].argmin() if phase.patience else -1])


def _strategy() -> tf.distribute.Strategy:
    """All GPUs that there are; without one, the processor."""
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()


def _identity(recipe: ClassifierRecipe, data: Subsets, seed: int, start: Network | None) -> dict[str, Any]:
    """What makes one training another one; pictures are the same if all their pixels are."""
    arrays = [part for pictures in (data.train, data.validation) for part in (pictures.images, pictures.labels)]
    identity = {
        "recipe": recipe.to_dict(),
        "pictures": digest(*arrays),
        "artists": list(data.class_names),
        "seed": seed,
    }
    return identity if start is None else identity | {"start": digest(*start.model.get_weights())}


class _Run:
    """A training's folder: what it is, how far it has come, and the weights to resume from."""

    def __init__(self, folder: Path, identity: dict[str, Any], phases: Sequence[Phase], resume: bool):
        self.folder = folder
        begin_or_resume(folder, identity, resume, TrainingError)
        self.history = pd.DataFrame(columns=HISTORY)
        file = folder / "history.csv"
        if file.is_file():
            try:
                self.history = read_history(file)
                _check_history(self.history, phases)
            except (OSError, ValueError) as error:
                raise damaged_training(file, error) from error
        saved = [int(each.name.split(".")[0]) for each in folder.glob("checkpoints/[0-9]*.weights.h5")]
        if max(saved, default=0) > len(self.history) + 1:  # the row is written after the weights
            raise TrainingError(
                f"{file} is damaged (it has {len(self.history)} rows, and there are weights of epoch {max(saved)}); "
                "remove the folder to begin anew, or name another."
            )

    def file(self, epoch: int) -> Path:
        return self.folder / "checkpoints" / f"{epoch:04d}.weights.h5"

    def load(self, model: keras.Model, epoch: int, with_optimiser: bool = False) -> None:
        """Fill a model with what was saved after an epoch; the optimiser's moments are in the same file."""
        try:
            model.load_weights(self.file(epoch))
            if with_optimiser and not int(model.optimizer.iterations):
                raise ValueError("it holds no optimiser")
        except Exception as error:  # Keras' and HDF5's own, for a file that is missing, was cut or is something else
            raise damaged_training(self.file(epoch), error) from error

    def record(self, model: keras.Model, row: dict[str, Any]) -> None:
        """Save an epoch: its weights, then the row that says so; then remove all but each phase's last and best."""
        with replacing(self.file(row["epoch"])) as part:
            write_weights(model, part)
        new = pd.DataFrame([row], columns=HISTORY)
        self.history = new if self.history.empty else pd.concat([self.history, new], ignore_index=True)
        with replacing(self.folder / "history.csv") as part:
            self.history.to_csv(part, index=False)
        needed: set[int] = set()
        for _, past in self.history.groupby("phase"):
            needed |= {int(past["epoch"].iloc[-1]), int(past["epoch"].iloc[past["val_loss"].argmin()])}
        for file in self.file(0).parent.glob("*.weights.h5"):
            if int(file.name.split(".")[0]) not in needed:
                file.unlink()


def read_history(file: Path) -> pd.DataFrame:
    """A training's history.csv, a row per epoch.

    Raises:
        OSError, ValueError: it can't be read, or is another file.
    """
    # A phase may be called 1 or NA; pandas' own way to read numbers misses the last digit now and then.
    if not file.read_bytes().endswith(b"\n"):
        raise ValueError("its last line was cut")
    table = pd.read_csv(file, dtype={"phase": str}, keep_default_na=False, float_precision="round_trip")
    if list(table.columns) != HISTORY:
        raise ValueError(f"the columns are {', '.join(table.columns)}")
    return table


def _check_history(table: pd.DataFrame, phases: Sequence[Phase]) -> None:
    """Raise ValueError for a table that no training by these phases has written."""
    figures = table[HISTORY[1:]].apply(pd.to_numeric)
    if (
        table.empty
        or table["epoch"].tolist() != list(range(1, len(table) + 1))
        or not np.isfinite(figures.to_numpy(float)).all()
    ):
        raise ValueError("an epoch is missing, or a figure")
    in_order = [phase.name for phase in phases for _ in range((table["phase"] == phase.name).sum())]
    if table["phase"].tolist() != in_order:
        raise ValueError("its phases are others")


def _rate(model: keras.Model) -> float:
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))  # on several devices, float() alone fails


HISTORY = ["phase", "epoch", "seconds", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy"]


class _Replay(keras.callbacks.Callback):
    """Tells new callbacks what happened before, so that they treat a resumed training as if it had never stopped.

    What they did to the learning rate then is in the checkpoint already.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback], past: pd.DataFrame):
        super().__init__()
        self.callbacks, self.past = callbacks, past

    def on_train_begin(self, logs: dict | None = None) -> None:
        rate = _rate(self.model)
        for row in self.past.to_dict("records"):
            for callback in self.callbacks:
                callback.on_epoch_end(row["epoch"] - 1, dict(row))
        if _rate(self.model) != rate:
            self.model.optimizer.learning_rate = rate


class _Record(keras.callbacks.Callback):
    """Moves the bar, saves each epoch, and lets dropout's choices follow from the seed and the epoch alone."""

    def __init__(self, run: _Run, phase: Phase, bar: Any, seed: int):
        super().__init__()
        self.run, self.phase, self.bar, self.seed = run, phase, bar, seed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        # Keras does not save these counters: a resumed training would leave out other units.
        counters = [v for v in self.model.non_trainable_variables if v.name == "seed_generator_state"]
        for number, counter in enumerate(counters):
            counter.assign([self.seed + number, epoch << 16])
        self.start_time, self.rate = time.perf_counter(), _rate(self.model)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        assert logs is not None
        if not all(math.isfinite(logs[name]) for name in ("loss", "val_loss")):
            self.bar.close()
            raise DivergenceError(
                f"In epoch {epoch + 1} the loss became {logs['loss']} (validation {logs['val_loss']}); "
                "the epoch before is kept: lower the learning rate and begin in another folder."
            )
        row = {"phase": self.phase.name, "epoch": epoch + 1, "seconds": round(time.perf_counter() - self.start_time, 3)}
        row |= {"learning_rate": self.rate, **{name: logs[name] for name in HISTORY[4:]}}
        self.run.record(self.model, row)
        self.bar.set_postfix(phase=self.phase.name, validation=f"{logs['val_accuracy']:.1%}")
