# %% [markdown]
# # The batch size
#
# **About 35 minutes.** When you are through, you can
#
# - say what the batch size changes in an epoch, and what it leaves as it is,
# - change the batch size without losing what you have reached: move the learning rate
#   along,
# - answer two people: "larger batches are better, they see more data" and "small
#   batches are better, they find better models".

# %%
import hpkit as hk
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn.functional import cross_entropy
from hpkit.exercises import lesson_03_batch_size as ex

digits, moons = hk.load_dataset("digits"), hk.load_dataset("moons")
base = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=10, hidden=(32,))

# %% [markdown]
# ## 1. Asking the way in the fog (5 minutes)
#
# You stand on a hill in thick fog and want to go down to the valley. You see nothing.
# But 600 people stand around you, and each of them points: "down is *that* way". Nobody
# is quite right. On average they are.
#
# How many people do you ask before you take a step?
#
# - Ask **one**. You can start at once, but in a rather strange direction.
# - Ask **all 600**. The direction is as good as it gets. But you have asked everybody,
#   and have taken a single step.
# - Ask **16**, step, ask the next 16, step, until everybody has been asked once.
#
# The people are the training points. The number that you ask before each step is the
# **batch size**. When everybody has been asked once, an **epoch** is over. Each step
# changes all weights once; we also call it an **update**.
#
# **Predict.** The digits have 600 training points. How many updates has an epoch with
# batch size 16? With 64? With 600?

# %%
points = torch.arange(600)
for size in (16, 64, 256, 600):
    batches = points.split(size)
    sizes = [len(batch) for batch in batches]
    print(f"batch size {size:3}: {len(batches):2} updates, last batch {sizes[-1]:3}")

# %% [markdown]
# **What you see.** The larger the batch, the fewer the updates. The last batch takes
# what is left. And whatever the batch size, an epoch shows every point once: a larger
# batch is *not* more data. <!-- claim: batch-epoch-shows-every-point-once -->

# %%
ex.updates


# %%
def updates_per_epoch(n_points, batch_size):
    return ...


ex.updates.check(updates_per_epoch)

# %%
# ex.updates.hint()
# ex.updates.solution()

# %% [markdown]
# ## 2. Same epochs, larger batch (8 minutes)
#
# Learning rate 0.1, ten epochs, the same first weights. **Only the batch size
# changes.**
#
# **Predict.** The panel starts with batch size 16. You move the slider to 64, then to
# 256, then to 600. Does the line end lower, higher, or at the same place?

# %%
hk.TrainingPanel(digits, base, controls=("batch_size",))

# %% [markdown]
# **Do.** Write `batch 16` into the box beside the list of runs, and press Enter. A run
# with a name is pinned: its line keeps a color, and has the name at its end. Then go to
# 64, 256, 600. After that, go down: to 4, and to 1.
#
# **Say what you see.** Which batch sizes end low? Which have hardly begun? What happens
# at 1?
#
# The same as a picture, with three seeds for each batch size:

# %%
sizes = [1, 4, 16, 64, 256, 600]
curve = hk.validation_curve(
    digits, base, param_name="batch_size", param_range=sizes, seeds=range(3)
)
ax = hk.plot_validation_curve(curve)
low = curve.mean_val_loss[2:]
for size, loss in zip(sizes[2:], low, strict=True):
    print(f"batch size {size:3}: {loss:.2f}, {loss / low[0]:4.1f} times that of 16")

# %% [markdown]
# **What you see.** From 16 on, each larger batch ends at a higher loss. At 256 it was
# more than five times that of 16 with every seed that we tried.
# <!-- claim: batch-larger-is-higher --> And at 1 there is the X of a run that diverged:
# steps as long as these, each in the direction of a single point, lead out of the
# valley. <!-- claim: batch-one-diverges -->
#
# Are large batches bad, then? Look twice. With batch size 16 ten epochs are 380
# updates. With 256 they are 30. We gave one walker 380 steps and the other 30, and then
# we were surprised that the second one had not come far.
#
# Let us be fair and count steps.
#
# **Predict.** Left, the loss against the epoch, as always. Right, the same losses
# against the number of *updates*. Where will the three lines be?

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True, layout="constrained")
for size, look in ((16, "o-"), (64, "s--"), (256, "^:")):
    loss = hk.fit(digits, base.but(batch_size=size)).val_loss
    epochs = np.arange(len(loss))
    updates = epochs * -(-600 // size)  # rounded up, for the last batch
    axes[0].plot(epochs, loss, look, lw=2, label=f"batch size {size}")
    axes[1].plot(updates, loss, look, lw=2, label=f"batch size {size}")
axes[0].set(xlabel="epoch", ylabel="validation loss", ylim=0)
axes[1].set(xlabel="updates", xlim=(-3, 105))
axes[1].legend()
hk.alt_text(axes[1], "Three lines, far apart against epochs, nearly one on updates.")
plt.show()

# %% [markdown]
# **What you see.** Left they are far apart. Right they lie nearly on one line. After
# thirty updates the batches of 64 and of 256 have the same loss, within a few percent.
# <!-- claim: batch-updates-count --> At this learning rate it was not the size of the
# batch that made the difference. It was the number of steps.

# %%
ex.equal_epochs

# %%
answer = ...
ex.equal_epochs.check(answer)

# %%
# ex.equal_epochs.hint()
# ex.equal_epochs.solution()

# %% [markdown]
# ## 3. Fewer steps, longer steps (9 minutes)
#
# A large batch takes few steps. But it knows the direction better, so it can dare to
# take *long* ones. How long? Simple idea: with twice the batch there are half as many
# steps, so make each step twice as long. Then both walk equally far.
#
# **Do.** The panel shows batch size 8 with learning rate 0.04. Pin it. Move the batch
# size to 64: the line goes up. Now move the learning rate, until the line lies on the
# pinned one again. Which learning rate is that?

# %%
hk.TrainingPanel(digits, base.but(lr=0.04, batch_size=8), controls=("lr", "batch_size"))

# %%
ex.scaled_rate

# %%
answer = ...
ex.scaled_rate.check(answer)

# %%
# ex.scaled_rate.hint()
# ex.scaled_rate.solution()

# %% [markdown]
# Does the idea hold for other sizes too? The next cell trains seven batch sizes twice:
# once with the same learning rate for all, once with a learning rate that grows with
# the batch. (`hk.train` trains a list of settings at once. What it gives last holds
# them all.)
#
# **Predict.** Draw the two lines in the air.

# %%
sizes = [2, 4, 8, 16, 32, 64, 128]
*_, same = hk.train(digits, [base.but(batch_size=b, lr=0.04) for b in sizes])
*_, along = hk.train(digits, [base.but(batch_size=b, lr=0.005 * b) for b in sizes])

fig, ax = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
ax.plot(sizes, same.best_val_loss, "s--", lw=2, label="lr 0.04 for all")
ax.plot(sizes, along.best_val_loss, "o-", lw=2, label="lr = 0.005 x batch size")
ax.set_xscale("log", base=2)
ax.set_xticks(sizes, sizes)
ax.set(xlabel="batch size", ylabel="lowest validation loss", ylim=0)
ax.legend()
ax = hk.alt_text(ax, "One line climbs with the batch size, the other stays level.")

# %% [markdown]
# **What you see.** With one learning rate for all, the loss climbs from 8 on, higher
# with each size. <!-- claim: batch-fixed-lr-climbs --> With a learning rate that grows
# along, the line is level: from 2 to 128 all losses are within five percent.
# <!-- claim: batch-linear-scaling -->
#
# This is called **linear scaling**: *batch size times k, learning rate times k.* It is
# a rule for SGD: very large batches need a **warm-up** first, some epochs in which the
# learning rate grows, and Adam wants the square root of k instead. Behind the rule
# stands one number, `learning rate / batch size`. Let us look at a whole table of
# both. Each row and each column is four times the one before. We shall come back to
# such tables in lesson 08.
#
# **Predict.** If only `learning rate / batch size` counts, where are the cells with the
# same color?

# %%
table = hk.grid_search(
    digits, base, lr=[0.01, 0.04, 0.16, 0.64, 2.56], batch_size=[4, 16, 64, 256]
)
ax = hk.plot_grid(table)

# %% [markdown]
# **What you see.** A valley that runs slantwise. Begin at batch size 4 with 0.04, and
# go up and to the right, to 16 with 0.16 and to 64 with 0.64. Each step is four times
# the batch *and* four times the learning rate, and the loss stays nearly the same. The
# large batches do best with a far larger learning rate than batch size 4, which breaks
# there. <!-- claim: batch-valley-runs-slantwise --> But no slant goes on for ever. With
# 16 and 0.64 the network still learns. One step on, with 64 and 2.56, training breaks
# with most seeds; so it does with 4 and with 16 in this column. And 256 with 2.56, the
# end of the valley, stands at the edge: with some seeds the loss is low there, with
# others it is not. <!-- claim: batch-slant-ends -->
#
# So the two cannot be chosen one by one as if the other did not exist. Keep that in
# mind for lesson 07.

# %%
ex.scaling_breaks

# %%
answer = ...
ex.scaling_breaks.check(answer)

# %%
# ex.scaling_breaks.hint()
# ex.scaling_breaks.solution()

# %% [markdown]
# ## 4. "Small batches find better models" (3 minutes)
#
# You will hear this. So let us give each batch size the learning rate that suits it,
# and then compare.
#
# **Predict.** Is the lowest loss of batch size 4 far below that of 64? The learning
# rates are those of the table.

# %%
for size in (4, 16, 64):
    tuned = hk.validation_curve(
        digits, base.but(batch_size=size), param_name="lr",
        param_range=[0.01, 0.04, 0.16, 0.64, 2.56], seeds=range(3)
    )  # fmt: skip
    low = tuned.best_val_loss[tuned.settings.index(tuned.best)].round(3)
    print(f"batch size {size:2}: best lr {tuned.best.lr:4}, loss of three seeds:", *low)

# %% [markdown]
# **What you see.** About the same. Each batch size, with a learning rate that suits it,
# gets about as low as the others. Each of the three columns is one seed: which batch
# size is ahead changes from seed to seed. And no winner stands at an end of the list of
# learning rates. <!-- claim: batch-small-is-not-better --> So do not ask "which batch
# size is best?". Take one that is convenient, and tune the learning rate *for it*.
#
# ## 5. How much a batch shakes (5 minutes)
#
# Back to the fog. How different are the answers, if you ask 1 person, or 4, or 16, or
# 64? That we can measure: take a network and do *not* move it, draw a batch, look, and
# draw the next one. In this panel each dot is the loss of one batch.
#
# **Predict.** With four times as many points in a batch, how much closer do the dots
# come to the line? Tell the panel, then it opens.

# %%
hk.BatchNoisePanel(moons, size=4, predict=True)

# %% [markdown]
# **Do.** Go from batch size 4 to 16, to 64, to 400. Read the spread each time.
#
# The loss is one thing. What a step needs is the *direction*. So a hundred times we
# draw a batch and compute the slope, for two of the weights. Each dot is one answer.
# The cross is the answer of all 400 points.

# %%
smooth = hk.Hyperparameters(lr=0.1, epochs=1, activation="tanh")  # no unit is ever off
net = hk.fit(moons, smooth).network("last")
X = torch.tensor(moons.train.X, dtype=torch.float32)
y = torch.tensor(moons.train.y)
shuffle = torch.Generator().manual_seed(0)


def slope(size):
    rows = torch.randperm(400, generator=shuffle)[:size]
    loss = cross_entropy(net(X[rows]), y[rows])
    return torch.autograd.grad(loss, net[0].weight)[0].flatten()


# %%
whole = slope(400)
two = whole.abs().topk(2).indices  # the two weights with the steepest slopes
same = {"sharex": True, "sharey": True}
fig, axes = plt.subplots(1, 4, figsize=(11, 3), layout="constrained", **same)
for ax, size in zip(axes, (1, 4, 16, 64), strict=True):
    dots = np.array([slope(size)[two].tolist() for _ in range(100)])
    spread = np.linalg.norm(dots - whole[two].numpy(), axis=1).mean()
    ax.plot(*dots.T, ".", alpha=0.5)
    ax.plot(*whole[two], "+", ms=14, mew=2.5, color="black")
    ax.set(title=f"batch size {size}", xlabel=f"slope (mean distance {spread:.3f})")
axes[0].set(ylabel="slope of another weight")
ax = hk.alt_text(ax, "Four clouds of dots; each is half as wide as the one before.")

# %% [markdown]
# **What you see.** The cloud shrinks, and the cross stays in its middle: small batches
# are not wrong, they are shaky. Four times as many points make the distance about half
# as large, not a quarter. <!-- claim: batch-four-times-halves --> That is bad business:
# four times the work for half the shaking. It is one reason why nobody asks all points
# before each step.
#
# A little shaking does no harm. You saw it in lesson 01 as the shape *noisy*: the line
# trembles, and still goes down.
#
# ## 6. The clock (3 minutes)
#
# One thing the batch size does decide: how long an epoch takes. Here is the plain loop
# of lesson 01 with a clock around it.
#
# **Predict.** 600 points. Is an epoch of 600 small steps as quick as one of 10 large
# steps, since the points are the same?

# %%
from time import perf_counter

torch.set_num_threads(1)  # on one core, whatever else your computer does
X, y = torch.tensor(digits.train.X, dtype=torch.float32), torch.tensor(digits.train.y)


def seconds(size):
    net = torch.nn.Linear(64, 10)
    optimizer, begin = torch.optim.SGD(net.parameters(), lr=0.01), perf_counter()
    for rows in torch.randperm(600).split(size):
        loss = cross_entropy(net(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return perf_counter() - begin


# %%
seconds(64)  # the first call warms up
times = {size: min(seconds(size) for _ in range(3)) for size in (1, 16, 64, 256, 600)}
print("batch size 64 is more than five times as quick as 1:", times[1] > 5 * times[64])
# Take away the "# " of the next line, and run the cell again: your computer's times.
# times

# %% [markdown]
# **What you see.** From batch size 1 to 64 an epoch gets many times quicker.
# <!-- claim: batch-epoch-gets-faster --> Each update has a price of its own, however
# few points are in it. Beyond that it depends on your computer: look at the times. So
# this is how to choose a batch size: large enough to be quick, small enough for many
# updates, and then a learning rate that suits it.
#
# ## 7. Four questions (2 minutes)

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - The batch size says how many points are looked at before each update. An epoch shows
#   every point once, whatever the batch size.
#   <!-- claim: batch-epoch-shows-every-point-once -->
# - At the same learning rate and the same 10 epochs a larger batch ended higher, since
#   it took fewer steps. Counted in updates the lines were nearly one.
#   <!-- claim: batch-larger-is-higher batch-updates-count -->
# - Batch size times k, learning rate times k: the loss stayed within 5 percent from 2
#   to 128, until the learning rate got so large that training broke.
#   <!-- claim: batch-linear-scaling batch-scaling-breaks -->
# - With a learning rate that suits it, each of the batch sizes 4, 16 and 64 got about
#   as low as the others. <!-- claim: batch-small-is-not-better -->
# - Four times as many points in a batch halve the shaking.
#   <!-- claim: batch-four-times-halves -->
# - An epoch with batch size 64 is many times quicker than with 1.
#   <!-- claim: batch-epoch-gets-faster -->
#
# ## Where to read on
#
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), section 8.1.3: why
#   batches, and why four times the points only halve the error.
# - A. Zhang, Z. Lipton, M. Li, A. Smola, *Dive into Deep Learning* (2023), section
#   12.5: batches and the time of an epoch.
# - P. Goyal and others, *Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour*
#   (2017), section 2.1: linear scaling, on a large scale.
# - C. Shallue and others, *Measuring the Effects of Data Parallelism on Neural Network
#   Training* (2019): many batch sizes, each with its own tuned learning rate.
# - All words of this lesson are in the [glossary](glossary.md).
#
# **Next:** [04 Epochs](04_epochs.ipynb).
