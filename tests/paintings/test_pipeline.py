import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from artnb.images import ImageError, fit, load_image
from artnb.paintings import pipeline
from artnb.paintings.pipeline import ORIGINAL, Augmentation, Pictures, augment, evaluation_batches, training_batches
from artnb.paintings.sources import read_collection
from artnb.paintings.splits import SplitError
from tests.conftest import draw, paintings_of

PICTURES = Pictures(
    np.random.default_rng(0).integers(0, 256, (70, 16, 16, 3), np.uint8), np.arange(70, dtype=np.int32), [""] * 70
)


def labels(batches):
    return np.concatenate([label.numpy() for _, label in batches])


@pytest.fixture
def small(tmp_path):
    for number in range(6):
        draw(tmp_path / f"images/{'Degas' if number % 2 else 'Monet'}/{number}.jpg", seed=number, size=(40, 30))
    collection = read_collection(tmp_path)
    subsets = ["train", "train", "train", "validation", "test", "test"]
    return collection, paintings_of(collection).assign(subset=subsets)


def test_pictures_are_decoded_as_a_predictor_would(small):
    collection, table = small
    data = pipeline.load_pictures(collection, table, size=24)
    assert data.class_names == ("Degas", "Monet")
    assert [len(subset) for subset in (data.train, data.validation, data.test)] == [3, 1, 2]
    assert data.train.images.dtype == np.uint8 and data.train.images.shape == (3, 24, 24, 3)
    for subset in (data.train, data.validation, data.test):
        for image, label, path in zip(subset.images, subset.labels, subset.paths, strict=True):
            assert np.array_equal(image, fit(load_image(collection.file(path)), 24))
            assert f"/{data.class_names[label]}/" in path


def test_a_broken_file_stops_the_loading_with_its_name(small):
    collection, table = small
    collection.file(table["path"][2]).write_bytes(b"no picture")
    with pytest.raises(SplitError, match="1 of the 6"):
        pipeline.load_pictures(collection, table)
    table = paintings_of(collection).assign(subset=table["subset"])
    with pytest.raises(ImageError, match=collection.file(table["path"][2]).name):
        pipeline.load_pictures(collection, table)


def test_each_file_is_read_once_and_what_is_checked_is_what_is_decoded(small, monkeypatch):
    collection, table = small
    names = []
    real = pipeline.read_bytes
    monkeypatch.setattr(pipeline, "read_bytes", lambda file: names.append(file.name) or real(file))
    monkeypatch.setattr("artnb.common.files.hashlib.file_digest", lambda *_: pytest.fail("read a second time"))
    monkeypatch.setattr("artnb.images.read_bytes", lambda *_: pytest.fail("read a second time"))
    data = pipeline.load_pictures(collection, table, 16)
    assert sorted(names) == [f"{number}.jpg" for number in range(6)]
    assert data.train.images.shape == (3, 16, 16, 3) and data.test.images.shape == (2, 16, 16, 3)


def test_training_sees_a_large_original_as_a_visitors_is_seen(tmp_path):
    """Decoded once to a smaller size and then enlarged, it would have less fine detail than what is served."""
    for number in range(6):
        draw(tmp_path / f"images/El_Greco/{number}.png", number, (1000, 800))
    collection = read_collection(tmp_path)
    table = paintings_of(collection).assign(subset=["train", "train", "train", "validation", "test", "test"])
    data = pipeline.load_pictures(collection, table, 48)
    for pictures in (data.train, data.validation, data.test):
        served = pipeline.decode([collection.file(path) for path in pictures.paths], 48)
        assert np.array_equal(pictures.images, served)


def test_missing_and_other_files_are_counted_over_all_subsets(small):
    collection, table = small
    collection.file(table["path"][0]).unlink()
    draw(collection.file(table["path"][5]), seed=99)
    with pytest.raises(SplitError, match=f"2 of the 6 .* such as '{table['path'][0]}'"):
        pipeline.load_pictures(collection, table)
    with pytest.raises(SplitError, match="1 of the 2"):
        pipeline.decode_rows(collection, table[table["subset"] == "test"], 16)


def test_a_leaky_table_is_not_loaded(small):
    collection, table = small
    with pytest.raises(SplitError, match="one painting in two subsets"):
        pipeline.load_pictures(collection, table.assign(group=0))


def test_an_epoch_holds_each_picture_once_in_another_order():
    steps = pipeline.steps_per_epoch(PICTURES, 32)
    assert steps == 3
    both = labels(training_batches(PICTURES, 32, seed=5).take(2 * steps))
    first, second = both[:70], both[70:]
    assert sorted(first) == sorted(second) == list(range(70)) and not np.array_equal(first, second)


def test_the_same_seed_gives_the_same_batches_to_the_bit():
    one, same, other = (
        [image.numpy() for image, _ in training_batches(PICTURES, 32, ORIGINAL, seed=seed).take(4)]
        for seed in (5, 5, 6)
    )
    assert all(map(np.array_equal, one, same)) and not any(map(np.array_equal, one, other))


def test_going_on_at_an_epoch_continues_as_if_never_interrupted():
    through = list(training_batches(PICTURES, 32, ORIGINAL, seed=5).take(9))[6:]
    resumed = list(training_batches(PICTURES, 32, ORIGINAL, seed=5, first_epoch=2).take(3))
    for (image, label), (again, label_again) in zip(through, resumed, strict=True):
        assert np.array_equal(image, again) and np.array_equal(label, label_again)


def test_training_pictures_are_augmented_and_the_others_are_not():
    image, label = next(iter(training_batches(PICTURES, 70, ORIGINAL, seed=5)))
    assert image.dtype == tf.float32 and image.shape == (70, 16, 16, 3)
    originals = PICTURES.images[label.numpy()]
    assert (np.abs(image - originals).mean(axis=(1, 2, 3)) > 1).all()
    untouched = np.concatenate([image.numpy() for image, _ in evaluation_batches(PICTURES, 32)])
    assert np.array_equal(untouched, PICTURES.images) and np.array_equal(
        labels(evaluation_batches(PICTURES)), range(70)
    )


def test_no_augmentation_is_no_change():
    assert np.array_equal(augment(PICTURES.images, Augmentation(), seed=[1, 2]), PICTURES.images)


def test_a_flip_alone_mirrors_about_half_of_the_pictures():
    flipped = augment(PICTURES.images, Augmentation(flip=True), seed=[1, 2]).numpy()
    mirrored = [np.allclose(new, old[:, ::-1], atol=0.01) for new, old in zip(flipped, PICTURES.images, strict=True)]
    same = [np.allclose(new, old, atol=0.01) for new, old in zip(flipped, PICTURES.images, strict=True)]
    assert sum(mirrored) + sum(same) == 70 and 20 < sum(mirrored) < 50


def test_augmentation_keeps_the_range():
    strong = augment(PICTURES.images, Augmentation(90, 0.5, 30, 0.5, True), seed=[1, 2])
    assert float(tf.reduce_min(strong)) >= 0 and float(tf.reduce_max(strong)) <= 255


@pytest.mark.parametrize(
    ("fill", "mode"), [("nearest", "nearest"), ("constant", "grid-constant"), ("reflect", "reflect")]
)
def test_one_resampling_equals_scipys_of_the_same_matrix(fill, mode):
    """The composition of ImageDataGenerator, worked out with NumPy and resampled by SciPy."""
    rng = np.random.default_rng(1)
    image = scipy.ndimage.gaussian_filter(rng.uniform(0, 255, (31, 31, 3)), (2, 2, 0)).astype(np.float32)
    angle, shear, (move_x, move_y), (zoom_x, zoom_y) = 0.4, 0.3, (3.5, -2.25), (0.85, 1.15)
    rotate = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    moved = np.array([[1, 0, move_x], [0, 1, move_y], [0, 0, 1]])
    sheared = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    to_centre = np.array([[1, 0, 15.0], [0, 1, 15.0], [0, 0, 1]])
    matrix = to_centre @ rotate @ moved @ sheared @ np.diag([zoom_x, zoom_y, 1]) @ np.linalg.inv(to_centre)
    swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])  # SciPy counts rows first
    rows_first = swap @ matrix @ swap
    expected = np.stack(
        [scipy.ndimage.affine_transform(image[..., c], rows_first, order=1, mode=mode) for c in range(3)], axis=-1
    )[:, ::-1]

    one = tf.ones(1)
    transform = pipeline.affine_matrices(
        angle * one, (move_x * one, move_y * one), shear * one, (zoom_x * one, zoom_y * one), one > 0, (15.0, 15.0)
    )
    ours = tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=transform,
        output_shape=[31, 31],
        interpolation="BILINEAR",
        fill_mode=fill.upper(),
        fill_value=0.0,
    )[0]
    assert np.abs(ours - expected).max() < 0.05


def test_the_studio_goes_through(studio):
    from artnb.paintings.preparation import load_audit
    from artnb.paintings.splits import choose_artists, split_paintings

    table = split_paintings(choose_artists(studio, load_audit(studio)))
    sample = table.groupby(["artist", "subset"]).head(2)
    data = pipeline.load_pictures(studio, sample, size=64)
    image, label = next(iter(training_batches(data.train, 16, ORIGINAL)))
    assert image.shape == (16, 64, 64, 3) and set(label.numpy()) <= set(range(11))
