# %% [markdown]
# # Grid search
#
# You bake bread. You want the best one, and you may set two things: how thick the loaf
# is, and how long it stays in the oven. A thick loaf wants a long time, a thin one a
# short time. So it makes no sense to ask for "the best time". You put one loaf in for
# *every pair*, and taste them all.
#
# That is a grid search. In the last lesson Ana missed the best place because two things
# had to change at once. A grid tries every pair of your lists, so it finds the best of
# them. But it has its price, and a few traps of its own.
#
# **About 45 minutes.** When you are through, you can
#
# - try all combinations, with two loops of your own and with one call,
# - choose the values of a grid: equal factors, wide enough, not too many,
# - read a map of losses: a valley, an edge, a plateau,
# - say what a grid costs before you start it.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
import numpy as np
from hpkit.exercises import lesson_08_grid_search as ex

moons = hk.load_dataset("moons")
base = hk.Hyperparameters(epochs=30)
lrs = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
sizes = [8, 16, 32, 64, 128]
# 45 settings, trained once for sections 2, 4 and 5: what it is comes in section 1
large = hk.grid_search(moons, base, lr=lrs, batch_size=sizes, seeds=range(3))

# %% [markdown]
# ## 1. Every pair, by hand (9 minutes)
#
# "All pairs" is a loop inside a loop. Write it first.

# %%
ex.double_loop


# %%
def combinations(lrs, batch_sizes):
    return ...


ex.double_loop.check(combinations)

# %%
# ex.double_loop.hint()
# ex.double_loop.solution()

# %% [markdown]
# Now put a training inside. Two learning rates and two batch sizes would make four
# runs. Here are three times three.
#
# **Predict.** Which corner of this table will hold the highest loss: small or large
# learning rate, small or large batch?

# %%
print("batch size    lr 0.01    lr 0.1    lr 1")
for batch_size in [128, 32, 8]:
    row = []
    for lr in [0.01, 0.1, 1]:
        run = hk.fit(moons, base.but(lr=lr, batch_size=batch_size), seed=0)
        row.append(run.best_val_loss)
    print(f"{batch_size:10} {row[0]:10.4f} {row[1]:9.4f} {row[2]:7.4f}")

# %% [markdown]
# `hk.grid_search` does the same in one call. It trains all runs side by side, so it is
# faster. `hk.plot_grid` draws the table as a map: dark is a low loss, light is a high
# one. (The panel below has the same colors.)

# %%
grid = hk.grid_search(moons, base, lr=[0.01, 0.1, 1], batch_size=[8, 32, 128])
ax = hk.plot_grid(grid)

# %% [markdown]
# **What you see.** The same nine numbers, as your two loops gave them.
# <!-- claim: grid-loop-equals-call --> The highest stands in the corner of the small
# learning rate and the large batch: short steps, and few of them.
# <!-- claim: grid-worst-corner --> The thick frame marks the best pair,
# and there is only one: the map rounds to three digits, so two cells may look equal.
# The fourth digit in your table then says which one is lower.
#
# On maps with several seeds a dashed frame marks what is as good as the best, as far as
# the seeds can tell (lesson 06).
#
# Note what is *not* in the grid: the epochs. Every run is judged at its best epoch
# (lesson 04), so we do not tune them. But they cost: 30 of them are what we spend on
# each run here. What more would change, you try in the next section.
#
# ## 2. A larger map (8 minutes)
#
# This panel is a grid search that you can steer. Each cell is a pair. All cells train
# side by side, so the whole map is there in about a second.
#
# **Predict.** Where will the low losses lie: in one corner, in a row, in a column,
# along a diagonal? The panel shows an empty map. Click on the cell that you think will
# be best.

# %%
hk.GridPanel(moons, base=base, x_values=lrs, y_values=sizes, predict=True)

# %% [markdown]
# **Do.**
#
# 1. Click on the cell with the orange frame, then on one at the left edge, then on one
#    further right. Beside the map you see their training curves. Which shapes of lesson
#    01 do you find?
# 2. The batch size goes from 8 up to 128. Where does the best learning rate of a row
#    go: to the left, to the right, or nowhere? Guess. Then choose **against batch**
#    above the chart beside the map. Now the batch size is across: for each one you see
#    the lowest loss of its row, and the learning rate that has it. Write these five
#    down.
# 3. So far it is 9 x 5 settings with 3 seeds, 135 runs. Add a value to one of the two
#    lists and press Enter. How many runs more? The panel says the number. (A short
#    search, about half a second by the panel's guess, starts by itself. Anything longer
#    waits for **Start**.)
# 4. Set the epochs to 200, press **Start**, and **Stop** before the end. What was
#    trained is kept. (A run whose loss jumps up just when you stop is marked as
#    diverged.) Now **Start** again and let it come to its end. Compare the five
#    learning rates of **against batch** with those that you wrote down.
#
# **What you see.** In the panel the curves at the left edge are too slow, those far on
# the right bounce or break. <!-- claim: u-left-hardly-moves u-right-too-long --> With
# 200 epochs the small learning rates have more time, and get much lower. The valley has
# become wide: the best learning rate of each row is the same as before or a smaller
# one, while the frame may jump to any good cell.
# <!-- claim: grid-more-epochs --> So a map is an answer for the epochs that you gave,
# as everything in this course is an answer for what was held fixed.
#
# Set the epochs back to 30 and press **Start**. That map as a picture, with all its
# numbers, is the grid of the set-up cell, `large`:

# %%
ax = hk.plot_grid(large)

# %% [markdown]
# **What you see.** On the map the dark cells, the low losses, form a valley. It leans
# to the right on its way up, but not by much: in most seeds the best learning rate of
# batch size 128 is one step or two of our list above that of batch size 8.
# <!-- claim: grid-ridge --> You know why from lesson 03. A larger batch makes fewer
# steps, so each of them must be longer. It is the thick loaf and the long time.
#
# One-at-a-time sees a single row and a single column of this map. The grid sees all of
# it.
#
# ## 3. Which values? (6 minutes)
#
# A grid knows nothing but the values that you give it. Two people search between 0.001
# and 10, with five learning rates each. One takes equal *steps*, the other equal
# *factors*.
#
# **Predict.** Mark the five values of each on a line from 0.001 to 10. Who finds the
# lower loss?

# %%
steps = [0.001, 2.5, 5, 7.5, 10]
factors = [0.001, 0.01, 0.1, 1, 10]
for name, values in {"equal steps": steps, "equal factors": factors}.items():
    found = hk.grid_search(moons, base, lr=values, batch_size=sizes, seeds=range(3))
    loss, best = found.mean_val_loss.min(), found.best
    print(f"{name:13} {values}: lowest loss {loss:.3f} at lr {best.lr:g}")

# %% [markdown]
# **What you see.** The same number of runs, and equal factors find the lower loss.
# <!-- claim: grid-equal-factors --> With equal steps four of the five values are 2.5 or
# more, where training bounces or breaks. Between 0.001 and 2.5, where the good ones
# are, there is none at all. So: **equal factors** for learning rates (and batch sizes,
# and weight decay). A first grid with a factor of 10, a second one with a factor of 3
# around the best.
#
# ## 4. A careful list (8 minutes)
#
# Here is somebody's grid, three careful learning rates. All runs are fine, none
# diverges.
#
# **Predict.** Look at the list. Where will the best cell be?

# %%
careful = hk.grid_search(
    moons, base, lr=[0.001, 0.003, 0.01], batch_size=sizes, seeds=range(3)
)
ax = hk.plot_grid(careful)
print("at the edge:", careful.edge)

# %% [markdown]
# **What you see.** The best learning rate is the largest that was tried. `careful.edge`
# says so, too: it names each hyperparameter whose best value is the first or the last
# of its list. (It names the batch size as well, for 8 is the smallest here. One thing
# after the other: the learning rate first.) <!-- claim: grid-edge --> The map ends in
# the middle of a slope, like a photograph that cuts off the bottom of the valley. A
# winner at the edge is no answer. It is a signpost: *go on in this direction*.
#
# The large map of section 2 has the same three columns, and six more to the right. (In
# other colors: each map is darkest at its own lowest loss.) Let us look at it from the
# side: for each learning rate the lowest loss of its column. An X at the top is a
# column in which all cells have diverged: gray with a cross on the map.
#
# **Predict.** Draw this line in the air. Where on it does the careful list end?

# %%
loss = np.where(large.diverged.any(axis=1), np.inf, large.mean_val_loss)
lowest = loss.reshape(len(lrs), len(sizes)).min(axis=1)  # of each column
gone = [lr for lr, low in zip(lrs, lowest, strict=True) if low == np.inf]
fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
ax.plot(lrs, lowest, "o-", color="0.6", label="large")
ax.plot(lrs[:3], lowest[:3], "o-", lw=3, label="careful")
top = ax.get_xaxis_transform()  # 1 is the upper edge
ax.plot(gone, np.ones(len(gone)), "X", c="#D55E00", ms=9, transform=top, clip_on=False)
ax.set(xscale="log", xlabel="learning rate", ylabel="lowest loss of the column")
ax.set(ylim=0, xticks=lrs, xticklabels=lrs)
ax.legend(loc="lower left")
_ = hk.alt_text(ax, "A valley; the careful list ends on its slope.")

# %%
print(f"lowest loss: careful {careful.mean_val_loss.min():.3f}, large {loss.min():.3f}")
print("at the edge of the large one:", large.edge)

# %% [markdown]
# **What you see.** The careful list ends on the slope, far from the bottom of the
# valley. So one widens a list until the loss rises again. The large grid finds less
# than half the loss, and its best learning rate has neighbors on both sides.
# <!-- claim: grid-widened -->
#
# And the batch size? Where 8 wins it stands at an edge, too, and is a signpost like any
# other. So follow it, to batch size 4.
#
# **Predict.** Does 4 win, and by how much?

# %%
for size in (4, 8, 32):
    row = hk.grid_search(moons, base, lr=lrs, batch_size=[size], seeds=range(3))
    print(f"batch size {size:2}: {row.mean_val_loss.min():.3f} with lr {row.best.lr:g}")

# %% [markdown]
# **What you see.** Three losses that are about alike: with a learning rate that fits,
# batch size 32 is about as good as 8, <!-- claim: grid-larger-batch-as-good --> and so
# is 4. <!-- claim: grid-smaller-batch-no-better --> Smaller batches only take more
# updates, and more time, for each epoch. So the signpost was worth a look, and nobody
# has to move there.

# %%
ex.wide_enough

# %%
answer = ...
ex.wide_enough.check(answer)

# %%
# ex.wide_enough.hint()
# ex.wide_enough.solution()

# %% [markdown]
# ## 5. How sure is the winner? (8 minutes)
#
# The frame marks *the* best pair. How much should you believe in it? Let us run five
# columns of the large map, 0.03 to 3, three times, each time with eight other seeds.
#
# **Predict.** Will the same pair win all three times?

# %%
fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.6), layout="constrained", sharey=True)
for ax, first in zip(axes, (0, 8, 16), strict=True):
    seeds = range(first, first + 8)
    again = hk.grid_search(moons, base, lr=lrs[3:8], batch_size=sizes, seeds=seeds)
    hk.plot_grid(again, ax=ax)
    ax.set_title(f"seeds {first} to {first + 7}", pad=24)
    best, loss = again.best, again.mean_val_loss.min()
    print(f"best: lr {best.lr:g}, batch size {best.batch_size}, loss {loss:.3f}")
    print(f"as good, as far as eight seeds can tell: {len(again.ties)} other pairs")

# %% [markdown]
# **What you see.** In most such repeats another pair wins.
# <!-- claim: grid-winner-changes --> But the winners are all about equally good: with
# other seeds, too, they stay within a fifth of the best.
# <!-- claim: grid-winners-as-good --> The good pairs are no needle in a haystack, they
# are a **plateau**: each time at least four others have a dashed frame.
# <!-- claim: grid-plateau --> So the answer of a grid is not "learning rate 0.3, batch
# size 8". It is "this region is good, and with eight seeds I cannot tell more". Then
# you are free to choose: take a pair in the *middle* of the dark region, or the one
# that trains fastest.

# %% [markdown]
# ### Would more values help?
#
# A fine grid against a coarse one. The fine one is `large`, 9 x 5 pairs. The coarse one
# takes every second value of both lists, 5 x 3 pairs. Each sends its winner to a fair
# contest: ten new seeds.
#
# **Predict.** Three times the work. How much lower is the loss?

# %%
coarse = hk.grid_search(moons, base, lr=lrs[::2], batch_size=sizes[::2], seeds=range(3))
for name, found in {"fine": large, "coarse": coarse}.items():
    new = hk.grid_search(moons, found.best, lr=[found.best.lr], seeds=range(50, 60))
    print(
        f"{name}: {found.cost.runs} runs, winner lr {found.best.lr:g}, batch size "
        f"{found.best.batch_size}; with new seeds {new.mean_val_loss[0]:.3f}"
    )

# %% [markdown]
# **What you see.** Three times the runs, and with new seeds the loss of the coarse
# grid's winner is at most a little higher: within 15 % in nearly all seeds.
# <!-- claim: grid-coarse-is-enough --> A coarse grid that is wide enough beats a fine
# one in the wrong place (section 4). First find the region, then look closer, if it is
# worth it.
#
# ## 6. What it costs (6 minutes)
#
# Runs = values x values x ... x seeds. Each new hyperparameter *multiplies*.
#
# **Predict.** 5 values each, 3 seeds, and a training takes one minute. How long does a
# grid of two hyperparameters take? Of four?

# %%
minutes = 1
for count in range(1, 7):
    runs = 5**count * 3
    name = "hyperparameter: " if count == 1 else "hyperparameters:"
    print(f"{count} {name} {runs:6,} runs, {runs * minutes / 60:7.1f} hours")

# %% [markdown]
# **What you see.** Two hyperparameters take a little over an hour, four take more than
# a day, six take a month. <!-- claim: grid-cost -->
#
# A search tells its cost: settings, runs, and the epochs of all runs together.
#
# **Predict.** Two learning rates, two batch sizes, two values of momentum, 3 seeds, 10
# epochs a run. How many settings, runs and epochs are that?

# %%
small = hk.grid_search(
    moons,
    base.but(epochs=10),
    lr=[0.1, 1],
    batch_size=[32, 128],
    momentum=[0, 0.5],
    seeds=range(3),
)
print(small.cost)

# %% [markdown]
# **What you see.** The cost is the product: 2 x 2 x 2 = 8 settings, 8 x 3 = 24 runs, 24
# x 10 = 240 epochs. <!-- claim: grid-cost --> Work it out before you start a grid. The
# panel of section 2 tells it, too.

# %%
ex.third_one

# %%
answer = ...
ex.third_one.check(answer)

# %%
# ex.third_one.hint()
# ex.third_one.solution()

# %% [markdown]
# So a grid is for two hyperparameters, at most three. For more there are better ways:
# the next lesson.

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - A grid search trains every combination, and judges each by its lowest validation
#   loss. It is two loops. <!-- claim: grid-loop-equals-call -->
# - Learning rate and batch size make a valley: in most seeds the largest batch wants a
#   larger learning rate than the smallest one, by one step or two of our list.
#   <!-- claim: grid-ridge -->
# - Equal factors, not equal steps. <!-- claim: grid-equal-factors -->
# - A winner at the edge is a signpost: widen the list.
#   <!-- claim: grid-edge grid-widened -->
# - The winner is one of several. Other seeds, another winner, about the same loss.
#   <!-- claim: grid-winner-changes grid-winners-as-good grid-plateau -->
# - Cost multiplies: values x values x seeds. A coarse grid does nearly as well as a
#   fine one. <!-- claim: grid-cost grid-coarse-is-enough -->
#
# ## Where to read on
#
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), section 11.4.3: grid
#   search, log scales, and what to do at the edge.
# - Y. Bengio, *Practical recommendations for gradient-based training of deep
#   architectures* (2012), "Manual Search and Grid Search": grids, coarse first.
# - F. Pedregosa and others, *Scikit-learn: machine learning in Python* (2011); its
#   `GridSearchCV` is the best known grid search.
# - Words that are new to you are in the [glossary](glossary.md).
#
# **Next:** [09 Beyond the grid](09_beyond_the_grid.ipynb).
