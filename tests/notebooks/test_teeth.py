"""Tests of the tests: a mistake planted in the library must fail the notebook that teaches about it."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from artnb import prepare
from artnb.settings import settings
from tests.conftest import CHECKOUT

PLANTED = {
    "a classifier that prepares pictures in its own way": (
        "00",
        "from artnb.classification import Classifier\n"
        "right = Classifier.prepare\n"
        "Classifier.prepare = lambda self, pictures: right(self, pictures) / 255",
    ),
    "a split without groups": (
        "02",
        "from artnb.paintings import splits\n"
        "with_groups = splits.split_paintings\n"
        "splits.split_paintings = lambda paintings, *args, **options: with_groups(\n"
        "    paintings.assign(group=range(len(paintings))), *args, **options)",
    ),
    "validation pictures augmented": (
        "02",
        "from artnb.paintings import pipeline\n"
        "plain = pipeline.evaluation_batches\n"
        "pipeline.evaluation_batches = lambda pictures, *args: plain(pictures, *args).map(\n"
        "    lambda images, labels: (pipeline.augment(images, pipeline.ORIGINAL, [1, 2]), labels))",
    ),
    "rows taken for columns in the augmentation": (
        "02",
        "import tensorflow as tf\n"
        "from artnb.paintings import pipeline\n"
        "right, swapped = pipeline.affine_matrices, [4, 3, 5, 1, 0, 2, 6, 7]\n"
        "pipeline.affine_matrices = lambda *args, **options: tf.gather(right(*args, **options), swapped, axis=1)",
    ),
    "a preprocessing that forgets to turn the colours around": (
        "06",
        "from artnb import layers\n"
        "layers.CaffePreprocessing.call = lambda self, images: images - layers.IMAGENET_MEAN_BGR",
    ),
    "an interval that counts every painting four times": (
        "04",
        "from artnb.classification import evaluation\n"
        "right = evaluation.bootstrap\n"
        "evaluation.bootstrap = lambda values, *args: right([*values] * 4, *args)",
    ),
    "rows taken for columns in a confusion matrix": (
        "04",
        "import sklearn.metrics as module\n"
        "right = module.confusion_matrix\n"
        "module.confusion_matrix = lambda *args, **options: right(*args, **options).T",
    ),
    "folds that test the same paintings": (
        "07",
        "from artnb.paintings import splits\n"
        "right = splits.folds\n"
        "splits.folds = lambda paintings, number: right(paintings, number)[:1] * number",
    ),
    "a temperature upside down": (
        "08",
        "from artnb.classification import model\n"
        "right = model.scale\n"
        "model.scale = lambda probabilities, temperature: right(probabilities, 1 / temperature)",
    ),
    "mangled names taken as they are": (
        "01",
        "from artnb.paintings import catalogue\ncatalogue.repair = lambda name: (name, 0)",
    ),
    "an audit that finds no twins": (
        "01",
        "import dataclasses\n"
        "from artnb.paintings import audit as module\n"
        "whole = module.audit_collection\n"
        "module.audit_collection = lambda collection: dataclasses.replace(whole(collection), near_duplicates=())",
    ),
    "labels shifted by one": (
        "03",
        "from artnb.paintings import pipeline\n"
        "right = pipeline.training_batches\n"
        "pipeline.training_batches = lambda *args, **options: right(*args, **options).map(\n"
        "    lambda images, labels: (images, (labels + 1) % 11))",
    ),
    "class weights upside down": (
        "03",
        "from artnb.classification import training\n"
        "upright = training.class_weights\n"
        "training.class_weights = lambda labels, balance: upright(labels, -balance)",
    ),
    "a search that takes its worst trial for the best": (
        "05",
        "from artnb.classification import search\n"
        "in_order = search.classifier_trials\n"
        "search.classifier_trials = lambda folder: in_order(folder)[::-1].reset_index(drop=True)",
    ),
    "an unnormalised Gram matrix": (
        "09",
        "from artnb import losses\n"
        "mean = losses.gram_matrix\n"
        "losses.gram_matrix = lambda features, *args: (\n"
        "    mean(features, *args) * features.shape[1] * features.shape[2])",
    ),
    "a content loss that looks at the channels' means only": (
        "09",
        "from keras import ops\n"
        "from artnb import losses\n"
        "whole = losses.content_loss\n"
        "losses.content_loss = lambda features, target: whole(\n"
        "    ops.mean(features, (1, 2), keepdims=True) + 0 * features, target)",
    ),
    "a smoothing with its temperature upside down": (
        "10",
        "from artnb import layers\n"
        "begin = layers.Smoothing.__init__\n"
        "layers.Smoothing.__init__ = lambda self, temperature=1.0, **options: begin(self, 1 / temperature, **options)",
    ),
    "content and style mistaken for each other by the judge": (
        "11",
        "from artnb.style import metrics\n"
        "right = metrics.measure\n"
        "metrics.measure = lambda image, content, style, *args: right(image, style, content, *args)",
    ),
    "an identity loss that is dropped": (
        "12",
        "import dataclasses\n"
        "from artnb.cyclegan import training\n"
        "whole = training.train_generators\n"
        "training.train_generators = lambda photos, paintings, recipe, *args, **options: whole(\n"
        "    photos, paintings, dataclasses.replace(recipe, identity=0.0), *args, **options)",
    ),
    "a visitor whose every word counts": (
        "14",
        "from artnb.operation import feedback\nfeedback.latest_feedback = lambda table: table",
    ),
    "a summary of ratings that shrinks its intervals": (
        "13",
        "from artnb.operation import ratings\n"
        "right = ratings.summary\n"
        "ratings.summary = lambda table: right(table).assign(low=lambda t: t['mean'], high=lambda t: t['mean'])",
    ),
}


@pytest.fixture
def home(tmp_path):
    """A home with what the other notebooks have left, which no other test will use: a fault may be trained into it."""
    prepare()
    for kind in ("audits", "models"):
        if (settings.home / kind).is_dir():
            shutil.copytree(settings.home / kind, tmp_path / "home" / kind)
    yield tmp_path / "home"
    shutil.rmtree(tmp_path / "home")


@pytest.mark.nightly
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_fails_the_notebook(fault, home, tmp_path):
    number, code = PLANTED[fault]
    (source,) = (CHECKOUT / "notebooks").glob(f"{number}_*.ipynb")
    notebook = nbformat.read(source, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(code))
    nbformat.write(notebook, tmp_path / "faulty.ipynb")
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--nbval"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", "pyproject.toml", str(tmp_path / "faulty.ipynb")],
        cwd=CHECKOUT,
        env=os.environ | {"ARTNB_HOME": str(home), "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "1 failed" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    assert code.splitlines()[0] not in done.stdout, "the fault could not even be planted"


def test_at_least_half_of_the_cells_that_print_are_compared():
    for path in (CHECKOUT / "notebooks").glob("[0-9]*.ipynb"):
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        printing = [
            cell
            for cell in cells
            if any(output.output_type == "stream" or "text/plain" in output.get("data", {}) for output in cell.outputs)
        ]
        ignored = [cell for cell in printing if "nbval-ignore-output" in cell.metadata.get("tags", ())]
        assert len(printing) >= 2 * len(ignored), path.name


def test_no_notebook_takes_more_than_its_share_of_a_clone():
    for path in (CHECKOUT / "notebooks").glob("[0-9]*.ipynb"):
        assert path.stat().st_size < 2_500_000, path.name


def test_every_notebook_has_the_courses_anatomy():
    for path in (CHECKOUT / "notebooks").glob("[0-9]*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        first = cells[0].source
        assert first.startswith("# ") and "What you will learn" in first and first.count("\n- ") == 3, path.name
        assert "What you need" in first and "**Time**" in first, path.name
        assert "setup_line()" in cells[1].source, path.name
        tags = [set(cell.metadata.get("tags", ())) for cell in cells]
        for number, tag in enumerate(tags):
            if "solution" in tag:
                assert "check" in tags[number + 1], f"{path.name}: a solution without a check"
        assert sum("solution" in tag for tag in tags) >= 2, path.name
        texts = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        for part in ("What you saw", "Where the original went wrong", "Try next"):
            assert part in texts, f"{path.name}: {part}"
