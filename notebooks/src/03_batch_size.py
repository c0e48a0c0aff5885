# %% [markdown] words=1390 teaser="It moves the best learning rate."
# # The batch size
#
# "Larger batches are better, they see more data." "No, small batches are better, they
# find better models." Who is right?
#
# **About 35 minutes.** By the end you'll be able to
#
# - say what the batch size changes in an epoch, and what it doesn't,
# - change the batch size and keep your result,
# - say who is right.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
import torch
from torch.nn.functional import cross_entropy
from hpkit.exercises import lesson_03_batch_size as ex

digits, moons = hk.load_dataset("digits"), hk.load_dataset("moons")
base = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=10, hidden=(32,))

# %% [markdown]
# ## 1. Asking for directions in the fog (5 minutes)
#
# You stand on a hill in thick fog and want to go down. 600 people stand around you, and
# each of them points: "down is *that* way". Nobody is quite right. On average they are.
# How many do you ask before you take a step?
#
# - Ask **one**: you start at once, in a rather strange direction.
# - Ask **all 600**: the direction is as good as it gets, for a single step.
# - Ask **16**, step, ask the next 16, step, until everybody has been asked.
#
# The people are the training points; how many you ask before each step is the **batch
# size**. When all have been asked, an **epoch** is over. A step is also called an
# **update**.
#
# **Predict.** Digits has 600 training points. How many updates does an epoch take with
# batch size 16? With 64? With 600?

# %%
for size in (16, 64, 256, 600):
    batches = torch.arange(600).split(size)
    print(f"batch size {size}, updates: {len(batches)}, last batch: {len(batches[-1])}")

# %% [markdown]
# **What you see: larger batches, fewer updates.** Whatever the batch size, an epoch
# shows every point once: a larger batch is *not* more data.
# <!-- claim: batch-epoch-shows-every-point-once -->

# %%
ex.updates


# %%
def updates_per_epoch(n_points, batch_size):
    return ...


ex.updates.check(updates_per_epoch)

# %% [markdown]
# ## 2. Same epochs, larger batch (8 minutes)
#
# Learning rate 0.1, ten epochs. **Only the batch size changes.**
#
# **Predict.** From batch size 1 to 600, how low will the loss get? Draw it.

# %%
sizes = [1, 4, 16, 64, 256, 600]
hk.ValidationCurvePanel(
    digits, "batch_size", base, param_range=sizes, controls=["lr"], predict="draw"
)

# %% [markdown]
# **What you see: from 16 on, larger batches end higher.** At 256 the loss is more than
# five times that of 16. <!-- claim: batch-larger-is-higher --> At 1 training diverged:
# steps this long, each trusting a single point, lead out of the bowl.
# <!-- claim: batch-one-diverges --> Are large batches bad, then?
#
# **Predict.** Ten epochs are 380 updates with batch size 16, and 30 with 256. What do
# the curves look like if you count updates instead?
#
# **Do.** **Pin** batch size 16. Move to 64, 256 and 600, and **Pin** each. Now click
# **updates** above the chart.

# %%
hk.TrainingPanel(digits, base, controls=("batch_size",))

# %% [markdown]
# **What you see: one line.** After thirty updates the batches of 64 and of 256 have the
# same loss, within a few percent: <!-- claim: batch-updates-count --> the number of
# steps made the difference.

# %%
ex.equal_updates

# %%
answer = ...
ex.equal_updates.check(answer)

# %% [markdown]
# ## 3. Fewer steps, longer steps (9 minutes)
#
# A large batch takes few steps. But it knows the direction better, so it can afford
# *long* ones.
#
# **Do.** The panel shows batch size 8 with learning rate 0.04. **Pin** it. Move the
# batch size to 64: the line goes up. Now move the learning rate until the line lies on
# the pinned one again. Which learning rate is that?

# %%
hk.TrainingPanel(digits, base.but(lr=0.04, batch_size=8), controls=("lr", "batch_size"))

# %%
ex.scaled_rate

# %%
answer = ...
ex.scaled_rate.check(answer)

# %% [markdown]
# Now train seven batch sizes twice: once with one learning rate for all, once with one
# that grows with the batch.
#
# **Predict.** What will the two lines look like?

# %%
sizes = [2, 4, 8, 16, 32, 64, 128]
same = [hk.fit(digits, base.but(batch_size=b, lr=0.04)) for b in sizes]
along = [hk.fit(digits, base.but(batch_size=b, lr=0.005 * b)) for b in sizes]

# %% tags=["drawing"]
# drawing: the lowest validation loss of each
fig, ax = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
low = [[run.best_val_loss for run in runs] for runs in (same, along)]
ax.plot(sizes, low[0], "s--", color="#D55E00", lw=2, label="lr 0.04 for all")
ax.plot(sizes, low[1], "o-", color="#0072B2", lw=2, label="lr = 0.005 x batch size")
ax.set_xscale("log", base=2)
ax.set_xticks(sizes, sizes)
ax.set(xlabel="batch size", ylabel="lowest validation loss", ylim=0)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
ax = hk.alt_text(ax, "One line climbs with the batch size, the other stays level.")

# %% [markdown]
# **What you see: one climbs, one stays level.** With one learning rate for all, the
# loss climbs from 8 on. <!-- claim: batch-fixed-lr-climbs --> With one that grows with
# the batch, all losses from 2 to 128 stay within five percent.
# <!-- claim: batch-linear-scaling -->
#
# This is **linear scaling**: *batch size times k, learning rate times k.* Half as many
# steps, each twice as long, get just as far. It is a rule for SGD, the loop of lesson
# 01.
#
# The rule keeps `learning rate / batch size` the same. In the table below, each row and
# column is four times the one before.
#
# **Predict.** If only the ratio counts, where are the cells of the same color?

# %%
table = hk.grid_search(
    digits, base, lr=[0.01, 0.04, 0.16, 0.64, 2.56], batch_size=[4, 16, 64, 256]
)
ax = hk.plot_grid(table)

# %% [markdown]
# **What you see: a valley that runs diagonally.** Start at batch size 4 with 0.04 and
# go up and right, to 16 with 0.16 and 64 with 0.64: the loss stays nearly the same.
# <!-- claim: batch-valley-runs-slantwise --> But the next diagonal ends: with 16 and
# 0.64 the network learns; one step on, with 64 and 2.56, it learns hardly anything or
# diverges. <!-- claim: batch-slant-ends -->
#
# So the learning rate must fit the batch size; lesson 07 ignores this on purpose.

# %%
ex.scaling_breaks

# %%
answer = ...
ex.scaling_breaks.check(answer)

# %% [markdown]
# ## 4. "Small batches find better models" (3 minutes)
#
# Give each batch size the learning rate that suits it, and compare again, with three
# seeds.
#
# **Predict.** Does the same batch size win with each seed?

# %%
rates = [0.01, 0.04, 0.16, 0.64, 2.56]
for size in (4, 16, 64):
    tuned = hk.grid_search(digits, base, batch_size=[size], lr=rates, seeds=range(3))
    low = tuned.best_val_loss[tuned.settings.index(tuned.best)].round(4)
    print(f"batch size {size:2}: best lr {tuned.best.lr:4}, loss of three seeds:", *low)

# %% [markdown]
# **What you see: no, all are about the same.** The winner changes from seed to seed.
# <!-- claim: batch-small-is-not-better --> So here neither small nor large is better.
# Take a convenient batch size that leaves enough updates, and tune the learning rate
# *for it*.
#
# ## 5. Noise (5 minutes)
#
# Back to the fog. How far off is the average answer of 4 people, of 16, of 64? The
# network stays as it is; each dot is one batch's loss.
#
# **Predict.** With four times as many points in a batch, how much closer do the dots
# come to the line, the loss of all points? Tell the panel.
#
# **Do.** Go from batch size 4 to 16 and 64, and read the spread each time.

# %%
hk.BatchNoisePanel(moons, size=4, predict=True)

# %% [markdown]
# **What you see: half the spread, not a quarter.**
# <!-- claim: batch-four-times-halves --> The dots stay around the line: small batches
# are not wrong, they are noisy. Four times the points for half the spread is expensive:
# one reason not to ask everybody before each step.
#
# ## 6. The clock (3 minutes)
#
# Here is the loop of lesson 01, on a smaller network, with a clock around it.
#
# **Predict.** How many times as long does an epoch of 600 small batches take as one of
# 10 large ones?

# %%
from time import perf_counter

torch.set_num_threads(1)  # on one core, whatever else your computer does
X, y = torch.tensor(digits.train.X, dtype=torch.float32), torch.tensor(digits.train.y)


def seconds(size):
    net, begin = torch.nn.Linear(64, 10), perf_counter()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for rows in torch.randperm(600).split(size):
        loss = cross_entropy(net(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return perf_counter() - begin


# %% tags=["drawing"]
# drawing: the time of an epoch on this computer
seconds(64)  # the first call warms up
names = ["1", "4", "16", "64", "256", "600"]
times = [1000 * min(seconds(int(name)) for _ in range(3)) for name in names]
fig, ax = plt.subplots(figsize=(7.2, 2.6), layout="constrained")
ax.bar_label(ax.bar(names, times, color="#0072B2"), fmt="%.1f")
ax.set(xlabel="batch size", ylabel="milliseconds per epoch", yticks=[])
ax.spines[["top", "right", "left"]].set_visible(False)
ax = hk.alt_text(ax, "Six bars: an epoch takes less time the larger the batch.")

# %% [markdown]
# **What you see: many times as long.** Each update has a price of its own, however few
# points it uses. <!-- claim: batch-epoch-gets-faster --> So choose a batch large enough
# to be quick and small enough for many updates.
#
# ## 7. Four questions (2 minutes)

# %%
ex.quiz

# %%
hk.progress(3)

# %% [markdown]
# ## What you saw
#
# - An epoch shows every point once. At the same learning rate and epochs a larger batch
#   ended higher: it took fewer steps.
# - Batch size times k, learning rate times k: the loss hardly changed, until the
#   learning rate was so large that training broke. <!-- claim: batch-scaling-breaks -->
# - Each with the learning rate that suits it, batch sizes 4, 16 and 64 got about
#   equally low. <!-- claim: batch-small-is-not-better -->
# - Four times the points halve the noise; an epoch with 64 is far quicker than with 1.
#   <!-- claim: batch-epoch-gets-faster -->
#
# ## Further reading
#
# - I. Goodfellow and others, *Deep Learning* (2016), section 8.1.3: why batches.
# - P. Goyal and others, *Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour*
#   (2017), section 2.1: linear scaling, on a large scale.
# - C. Shallue and others, *Measuring the Effects of Data Parallelism on Neural Network
#   Training* (2019): each batch size with its own learning rate.
# - All words of this lesson: [glossary](glossary.md).
