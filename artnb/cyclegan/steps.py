"""A step of a CycleGAN's training: both generators, then both discriminators, and all that it remembers."""

from typing import Any

import tensorflow as tf

from artnb.cyclegan.augmenting import augmented
from artnb.cyclegan.networks import CycleGAN
from artnb.cyclegan.recipes import CycleRecipe
from artnb.stepping import adam

LOSSES = ("monet_generator", "photo_generator", "monet_discriminator", "photo_discriminator", "cycle", "identity")


def least_squares(realness: tf.Tensor, target: float) -> tf.Tensor:
    """Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017: how far judgements are from 0 or 1."""
    return tf.reduce_mean(tf.square(realness - target))


def cycle_loss(pictures: tf.Tensor, again: tf.Tensor) -> tf.Tensor:
    """Zhu et al., ICCV 2017, equation 2: the mean absolute difference of colours, as of [-1, 1]."""
    return tf.reduce_mean(tf.abs(again - pictures)) / 127.5


class State:
    """All that a training is made of: networks, optimisers and pools of past pictures."""

    def __init__(self, networks: CycleGAN, recipe: CycleRecipe):
        self.networks, self.recipe = networks, recipe
        rates = [recipe.learning_rate, recipe.learning_rate * recipe.discriminator_rate]
        self.variables = [
            [variable for network in pair for variable in network.trainable_variables]
            for pair in (networks.generators, networks.discriminators)
        ]
        half = networks.to_monet.dtype_policy.name == "mixed_float16"
        self.optimisers = [adam(rate, recipe.steps, recipe.decay_from, 0.5, half) for rate in rates]
        for optimiser, variables in zip(self.optimisers, self.variables, strict=True):
            optimiser.build(variables)
        self.pools = [_Pool(recipe) for _ in range(2)] if recipe.pool else []
        self.averages = [tf.Variable(v.value, trainable=False) for v in self.variables[0]] if recipe.average else []

    def step(self, photos: tf.Tensor, paintings: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Both generators, then both discriminators: (6,), the losses as LOSSES."""
        recipe, net = self.recipe, self.networks
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(_values(self.variables[0]))
            fake_paintings, fake_photos = net.to_monet(photos, training=True), net.to_photo(paintings, training=True)
            again_photos = net.to_photo(fake_paintings, training=True)
            again_paintings = net.to_monet(fake_photos, training=True)
            fooled = [
                least_squares(judge(self._augmented(fake, seed, number), training=True), 1.0)
                for number, (judge, fake) in enumerate(
                    zip(net.discriminators, (fake_paintings, fake_photos), strict=True)
                )
            ]
            cycle = cycle_loss(photos, again_photos) + cycle_loss(paintings, again_paintings)
            identity = tf.zeros(())
            if recipe.identity:
                same_photos, same_paintings = (
                    generator(batch, training=True)
                    for generator, batch in ((net.to_photo, photos), (net.to_monet, paintings))
                )
                identity = cycle_loss(photos, same_photos) + cycle_loss(paintings, same_paintings)
            loss = sum(fooled) + recipe.cycle * (cycle + recipe.identity * identity)
            scaled = self.optimisers[0].scale_loss(loss)
        self._apply(0, tape.gradient(scaled, _values(self.variables[0])))
        self._average()
        judged = []
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(_values(self.variables[1]))
            for number, (judge, real, fake) in enumerate(
                zip(net.discriminators, (paintings, photos), (fake_paintings, fake_photos), strict=True)
            ):
                fake = tf.stop_gradient(fake)
                if self.pools:
                    fake = self.pools[number].exchange(fake, seed + tf.constant([7 + 1_000_003 * number, 0]))
                both = judge(self._augmented(tf.concat([real, fake], 0), seed, 2 + number), training=True)
                for_real, for_fake = tf.split(both, 2)
                judged.append((least_squares(for_real, 1.0) + least_squares(for_fake, 0.0)) / 2)
            scaled = self.optimisers[1].scale_loss(sum(judged))
        self._apply(1, tape.gradient(scaled, _values(self.variables[1])))
        return tf.stack([*fooled, *judged, cycle / 2, identity / 2])

    def _augmented(self, pictures: tf.Tensor, seed: tf.Tensor, number: int) -> tf.Tensor:
        if not self.recipe.augment:
            return pictures
        return augmented(pictures, seed + tf.constant([0, 10_000_019 * (1 + number)]))

    def _apply(self, number: int, gradients: list[tf.Tensor]) -> None:
        self.optimisers[number].apply(gradients, self.variables[number])

    def _average(self) -> None:
        """Of the weights after this step, too; an average of a few steps forgets faster."""
        done = tf.cast(self.optimisers[0].iterations.value, tf.float32)
        kept = tf.minimum(self.recipe.average, (1 + done) / (10 + done))
        for average, variable in zip(self.averages, self.variables[0], strict=bool(self.averages)):
            average.assign(kept * average + (1 - kept) * tf.cast(variable.value, tf.float32))

    def copy_to(self, networks: CycleGAN) -> None:
        """Bring other networks to these weights, and generators to the average of theirs."""
        for old, new in zip(self.networks.all, networks.all, strict=True):
            new.set_weights(old.get_weights())
        generators = [v for network in networks.generators for v in network.trainable_variables]
        for average, variable in zip(self.averages, generators, strict=bool(self.averages)):
            variable.assign(average)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimisers[0].learning_rate)

    def all_variables(self) -> list[Any]:
        """Everything that changes in a step, in an order that is the same in every process."""
        variables = [v for network in self.networks.all for v in network.variables]
        variables += [v for optimiser in self.optimisers for v in optimiser.variables]
        return variables + self.averages + [v for pool in self.pools for v in (pool.pictures, pool.count)]


def _values(variables: list[Any]) -> list[Any]:
    return [variable.value for variable in variables]  # TensorFlow's own, which a tape can watch


class _Pool:
    """Generated pictures of the past; half of the time the discriminator sees one of them instead of the new one."""

    def __init__(self, recipe: CycleRecipe):
        self.size = recipe.pool
        self.pictures = tf.Variable(tf.zeros((recipe.pool, recipe.size, recipe.size, 3)), trainable=False)
        self.count = tf.Variable(0, trainable=False)

    def exchange(self, new: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Keep new pictures, and give back as many, some of them old ones."""
        given = []
        for number, picture in enumerate(tf.unstack(new)):
            draw = tf.random.stateless_uniform([2], seed + tf.constant([number, 0]))
            filling = self.count < self.size
            kept_at = tf.cast(draw[0] * self.size, tf.int32)
            place = tf.where(filling, self.count, kept_at)
            old = self.pictures[place]
            swap = tf.logical_and(tf.logical_not(filling), draw[1] < 0.5)
            stored = tf.where(tf.logical_or(filling, swap), picture, old)
            self.pictures.scatter_nd_update([[place]], [stored])
            self.count.assign(tf.minimum(self.count + 1, self.size))
            given.append(tf.where(swap, old, picture))
        return tf.stack(given)
