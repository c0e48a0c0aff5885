# %% [markdown]
# # One at a time
#
# Ana and Jun tune the same model on the same data. Both are careful. Both train eight
# settings and look at the validation loss only. They differ in one thing: Ana begins
# with the learning rate, Jun with the batch size. Will they end at the same place? You
# will see it in section 5.
#
# This lesson is about what both of them do. It is the oldest recipe for finding good
# hyperparameters, and still the one that most people use.
#
# **About 50 minutes.** When you are through, you can
#
# - tune a model one hyperparameter at a time, with a loop of your own and with one
#   call,
# - say what that costs, and what all combinations would cost,
# - tell where this recipe is enough, where it is not, and what to do then.

# %%
import math

import hpkit as hk
import matplotlib.pyplot as plt
import numpy as np
from hpkit.exercises import lesson_07_one_at_a_time as ex

digits = hk.load_dataset("digits")  # 8 x 8 pictures of the digits 0 to 9
spiral = hk.load_dataset("spiral")  # two arms that wind around each other
start = hk.Hyperparameters(lr=0.01, batch_size=32, epochs=10, hidden=(32,))
lists = {"lr": [0.001, 0.01, 0.1, 1], "batch_size": [8, 32, 128], "epochs": [5, 10, 20]}

# %% [markdown]
# ## 1. The recipe (5 minutes)
#
# You have a model and three empty boxes: learning rate, batch size, epochs. Nobody can
# tell you which numbers belong there. They depend on the data and on the model. But you
# can *look*, and this is how:
#
# 1. **Start** with a value for each, a default. It need not be good.
# 2. **Choose one** hyperparameter. Train a few copies of the model. They are alike in
#    everything, the same data, the same first weights, the same other values, and
#    differ in this **one** hyperparameter alone.
# 3. **Compare** the copies on the validation set. The lowest validation loss wins.
# 4. **Keep** the winner's value, and go back to 2 with the next hyperparameter.
#
# Why only one? Because then you know what made the difference. If two things change,
# and the loss falls, you cannot say which of the two did it.
#
# As a table, with the values that we try on the digits:
#
# ```text
# step    learning rate            batch size         epochs
# -----------------------------------------------------------------
# start   0.01                     32                 10
#   1     0.001, 0.01, 0.1 or 1?   32                 10
#   2     winner of step 1         8, 32 or 128?      10
#   3     winner of step 1         winner of step 2   5, 10 or 20?
# ```
#
# ## 2. By hand (11 minutes)
#
# ### Step 1: the learning rate
#
# **Predict.** Four copies, learning rates 0.001, 0.01, 0.1 and 1, ten epochs each.
# Which one has the lowest validation loss? Which one the highest? Say it aloud or write
# it down, then run the cell.

# %%
losses = []
for lr in lists["lr"]:
    run = hk.fit(digits, start.but(lr=lr), seed=0)
    losses.append(run.best_val_loss)
    print(f"learning rate {lr:5g}: lowest validation loss {run.best_val_loss:.3f}")

best_lr = lists["lr"][np.argmin(losses)]
print(f"\nThe lowest is at {best_lr:g}. We keep it.")

# %% [markdown]
# `start.but(lr=lr)` is the start with one value changed. `run.best_val_loss` is the
# lowest point of this run's validation loss, at its best epoch (lesson 04).
#
# Four numbers are a picture. It is the **validation curve**: the value across, the
# validation loss upwards. The recipe looks for its lowest point.

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
ax.plot(lists["lr"], losses, "o-", lw=2)
ax.plot(best_lr, min(losses), "o", ms=16, mfc="none", mec="black", mew=2)
ax.set_xscale("log")
ax.set_xticks(lists["lr"], lists["lr"])
ax.set(xlabel="learning rate", ylabel="lowest validation loss", ylim=0)
_ = hk.alt_text(
    ax, f"Four points, the loss of each learning rate; lowest at {best_lr:g}."
)

# %% [markdown]
# **What you see.** At 0.001 the loss is the highest: in ten epochs the small steps do
# not get far. From there to 0.1 it falls. <!-- claim: path-small-lr-digits --> The ring
# marks the value that we keep. If that is 1, the end of the list, then lesson 02 would
# go on to the right. Here we do not: the lists stay short, so that all combinations fit
# on one map in section 4.

# %% [markdown]
# ### Step 2: the batch size
#
# From now on the learning rate stays as it is. The batch size takes its turn.
#
# **Predict.** One of these three runs is not new. Which one, and what will its loss be?

# %%
setting, losses = start.but(lr=best_lr), []
for batch_size in lists["batch_size"]:
    run = hk.fit(digits, setting.but(batch_size=batch_size), seed=0)
    losses.append(np.inf if run.diverged else run.best_val_loss)
    said = "diverged" if run.diverged else f"lowest validation loss {losses[-1]:.3f}"
    print(f"batch size {batch_size:3}: {said}")

best_size = lists["batch_size"][np.argmin(losses)]
print(f"\nThe lowest is at {best_size}. We keep it.")

# %% [markdown]
# **What you see.** Batch size 32 gives again the number that won step 1. It is the same
# setting with the same seed, so it is the same run (lesson 00). We need not pay for it
# twice. <!-- claim: path-known-run --> And look at batch size 8. With learning rate 1
# such small batches break the training on the digits: it diverges (lesson 02), and a
# run that diverged cannot win. We count its loss as infinite, `inf`.
# <!-- claim: path-digits-small-batch-breaks --> Keep this in mind: you meet that
# setting again as the gray cell of the map in section 4.

# %% [markdown]
# ### Step 3: the epochs, and the whole recipe in a few lines
#
# You see the pattern. A loop goes through the values of one hyperparameter, and a loop
# around it goes through the hyperparameters. Between two of them the winner's value is
# kept.
#
# **Predict.** With 5, 10 and 20 epochs, which one will win on the digits? Can a run of
# 20 epochs ever have a higher *lowest* validation loss than the run of 10?

# %%
setting = start
for name in ["lr", "batch_size", "epochs"]:
    losses = []
    for value in lists[name]:
        run = hk.fit(digits, setting.but(**{name: value}), seed=0)
        losses.append(np.inf if run.diverged else run.best_val_loss)
    best = lists[name][np.argmin(losses)]
    print(f"{name:10} {lists[name]}: losses {np.round(losses, 3)}, keep {best:g}")
    setting = setting.but(**{name: best})
print("kept:", setting.lr, setting.batch_size, setting.epochs)

# %% [markdown]
# **What you see.** Each line is one step of the recipe. Its lowest loss is never above
# that of the line before, because the winner so far takes part again. And 20 epochs are
# never worse: the run of 20 epochs goes through the same first 10 epochs, and we count
# its best epoch. When that comes early, 10 and 20 epochs have the very same loss. Then
# the smaller number is kept, for it costs less. That is why lesson 04 does not tune the
# number of epochs: train long enough, keep the best epoch.
# <!-- claim: path-never-rises -->
#
# ## 3. In one call (5 minutes)
#
# `hk.one_at_a_time` does the same. It takes three seeds a setting, so that luck counts
# less (lesson 06), and it trains nothing twice.
#
# **Predict.** 4 learning rates, 3 batch sizes, 3 epochs. How many *different* settings
# must be trained?

# %%
steps = hk.one_at_a_time(digits, start, seeds=range(3), **lists)
for number, step in enumerate(steps.steps, 1):
    print(f"Step {number}: {step.name:10} new settings: {step.cost.settings}")
print("\nAll together:", steps.cost)

# %% [markdown]
# Three steps are three validation curves. Each one begins where the one before has
# ended, and all have the same scale upwards. Which step gains the most?

# %%
fig, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
for ax, step in zip(axes, steps.steps, strict=True):
    curve = hk.validation_curve(
        digits, step.base, param_name=step.name, param_range=step.values, seeds=range(3)
    )
    hk.plot_validation_curve(curve, ax=ax)

# %% [markdown]
# **What you see.** Left to right: learning rate, batch size, epochs. The ring marks the
# lowest point. The deepest fall is in the first chart: the start was far too slow.
# <!-- claim: path-first-step-gains-most -->
#
# 8 settings were trained: 4 in the first step, then 2 and 2, because in steps 2 and 3
# one of the three is known already. All combinations would have been 4 x 3 x 3 = 36.
# <!-- claim: path-cost -->
#
# "Best at the edge", says a chart? Then a better value may lie outside the list, and
# you would widen it (lesson 02). Today the lists stay short.

# %% [markdown]
# ### What does one more hyperparameter cost?
#
# Now lists of 4 values each. With every hyperparameter that joins, all combinations
# become 4 times as many. One at a time needs 3 new settings.

# %%
print("hyperparameters    all combinations    one at a time")
for count in range(1, 7):
    print(f"{count:15} {4**count:19,} {1 + 3 * count:16}")

# %% [markdown]
# This is the strength of the recipe: *plus 3*, not *times 4*.

# %%
ex.cost


# %%
def costs(sizes):
    return ...


ex.cost.check(costs)

# %%
# ex.cost.hint()
# ex.cost.solution()

# %% [markdown]
# ## 4. The whole map (7 minutes)
#
# The recipe has seen 8 of 36 places. Is there a much better one that it never visited?
# Usually you cannot know. Here the model is small, so let us cheat and train all 36,
# with three seeds each.
#
# **Predict.** How far above the best of all 36 does the recipe's winner lie: at the
# same loss, a little above, or at twice the loss?

# %%
grid = hk.grid_search(digits, start, seeds=range(3), **lists)
steps = hk.one_at_a_time(digits, start, seeds=range(3), **lists)
_, ax = plt.subplots(figsize=(8.6, 4.2), layout="constrained")
ax = hk.plot_path(steps, ax=ax, grid=grid)
ratio = steps.mean_val_loss.min() / grid.mean_val_loss.min()
print(f"All {grid.cost.settings} settings: lowest loss {grid.mean_val_loss.min():.3f}")
print(
    f"One at a time: {steps.mean_val_loss.min():.3f}, that is {ratio:.2f} times as high"
)

# %% [markdown]
# Each cell shows the loss of one pair of learning rate and batch size (the best of its
# three epochs). Dark is a low loss, light is a high one.
#
# - S is the start of the path. Each number is a step, in the cell where it ended. Two
#   of them in one cell, with a dash between: the path stayed there. Either the start's
#   value has won again, or it was the turn of the epochs, which the map does not show.
# - The thick frame is the best cell. The dashed frames are as good, as far as three
#   seeds can tell (lesson 06).
# - A gray cell with a cross has diverged.
#
# Now the other orders. There are six.
#
# **Predict.** Will they all end at the same place? And how far from the best of all 36
# is the worst of the six?

# %%
from itertools import permutations

grid = hk.grid_search(digits, start, seeds=range(3), **lists)
for order in permutations(lists):
    steps = hk.one_at_a_time(digits, start, order=order, seeds=range(3), **lists)
    ratio, end = steps.mean_val_loss.min() / grid.mean_val_loss.min(), steps.best
    print(
        f"{' > '.join(order):27} lr {end.lr:<4g} batch {end.batch_size:<4}"
        f"{ratio:.2f} times the best"
    )

# %% [markdown]
# **What you see.** The six paths need not end at the same place, and still they end
# about equally low. Whichever order and seeds you take, you end at the best loss of
# all 36 or, nearly always, at most a quarter above it, for 8 settings instead of 36.
# On the digits at least three of the 12 cells are that good, and each path runs into
# one of them. <!-- claim: path-digits-any-order --> Here the recipe is enough.
#
# ## 5. Ana and Jun (15 minutes)
#
# Now the spiral, and the two friends. Both begin with learning rate 0.001, batch size
# 200 (all training points at once) and 10 epochs. Ana's order is learning rate, batch
# size, epochs. Jun's is batch size, learning rate, epochs.
#
# **Predict.** Will they meet at the same place? Who ends lower?

# %%
begin = hk.Hyperparameters(lr=0.001, batch_size=200, epochs=10)
tries = {"lr": [0.001, 0.01, 0.1, 1], "batch_size": [4, 64, 200], "epochs": [5, 10, 20]}
ana = hk.one_at_a_time(spiral, begin, seeds=range(3), **tries)
jun = hk.one_at_a_time(
    spiral, begin, order=["batch_size", "lr", "epochs"], seeds=range(3), **tries
)
for name, steps in {"Ana": ana, "Jun": jun}.items():
    end, loss = steps.best, steps.mean_val_loss.min()
    print(
        f"{name}: {steps.cost.settings} settings, loss {loss:.3f} at lr {end.lr:g}, "
        f"batch size {end.batch_size}, {end.epochs} epochs"
    )

# %% [markdown]
# Let us look at their paths on a map. Each cell shows the loss with 10 epochs, the
# number that both keep until their last step; the frame is around the best with 10
# epochs. The title says where the path ends.

# %%
grid = hk.grid_search(spiral, begin, seeds=range(3), **tries)
pairs = {name: tries[name] for name in ("lr", "batch_size")}
ten_epochs = hk.grid_search(spiral, begin, seeds=range(3), **pairs)
fig, axes = plt.subplots(1, 2, figsize=(10.5, 4), layout="constrained")
for ax, name, steps in zip(axes, ("Ana", "Jun"), (ana, jun), strict=True):
    hk.plot_path(steps, ax=ax, grid=ten_epochs, x="lr", y="batch_size")
    ends = f"{name} ends at {steps.mean_val_loss.min():.3f}"
    ax.set_title(f"{ends}\n{ax.get_title()}", fontsize=11)
times = ana.mean_val_loss.min() / grid.mean_val_loss.min()
lowest = grid.mean_val_loss.min()
print(f"The lowest of all 36, with any number of epochs: {lowest:.3f}")
print(f"Ana's loss is {times:.1f} times as high.")

# %% [markdown]
# **What you see.** Ana goes to the right end first, then down. Jun goes down first,
# then to the right, but not to the end. Each step goes to the darkest cell of its row
# or column. (In Jun's first column the three colors are nearly the same, so read the
# numbers: the lowest stands at the bottom, and a small lead is enough to win.)
# <!-- claim: path-jun-first-step --> The last step, from 10 to 20 epochs, is not on
# this map. It takes Jun to less than half of his loss.
# <!-- claim: path-spiral-last-step --> So in the end Ana's loss is more than twice the
# lowest of all 36 (the number above the maps). Jun's *is* the lowest of all 36: his
# order gets there with most seeds, and hers with none that we tried. Both have trained
# 8 settings. <!-- claim: path-spiral-order-decides path-cost -->
#
# (A word about the numbers. At learning rate 1 this training is *chaotic*: a difference
# in the last digit, from rounding, grows until you see it. So on another computer, or
# beside other runs, such a cell may show another second digit. Trust the large
# differences.)

# %% [markdown]
# ### Why?
#
# Ana's first question was: which learning rate is best *with batch size 200*? With 200
# points in a batch there is one update an epoch, so a run of 10 epochs makes 10 steps.
# Only long steps get anywhere in 10 steps.

# %%
fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.8), layout="constrained", sharey=True)
for ax, size in zip(axes, (200, 4), strict=True):
    curve = hk.validation_curve(
        spiral,
        begin.but(batch_size=size),
        param_name="lr",
        param_range=tries["lr"],
        seeds=range(3),
    )
    hk.plot_validation_curve(curve, ax=ax)
    updates = 10 * math.ceil(200 / size)  # 10 epochs of 200 points
    ax.set_title(f"batch size {size}: {updates} updates")

# %% [markdown]
# **What you see.** With batch size 200 the best learning rate is 1. With batch size 4
# there are 500 updates instead of 10, and the best learning rate is 0.1.
# <!-- claim: path-spiral-best-lr-moves -->
#
# The lowest point of the curve *moves* when the batch size changes. Ana fixed the
# learning rate for a batch size that she gave up a minute later. Her answer was right,
# for a question that no longer mattered.
#
# This is the one sentence to take home from this lesson:
#
# > A value that one-at-a-time finds is the best **for what was held fixed**.
#
# Learning rate and batch size belong together (lesson 03): a larger batch wants longer
# steps. Whoever tunes such a pair one after the other depends on the order, and nobody
# knows the right order beforehand.

# %% [markdown]
# ### Go round once more
#
# What can Ana do? She can go on: a second round, that starts where the first one has
# ended.
#
# **Predict.** Will a second round of the same recipe bring Ana to Jun's place?

# %%
here = ana.best
for lap in (2, 3):
    again = hk.one_at_a_time(spiral, here, seeds=range(3), **tries)
    here, loss = again.best, again.mean_val_loss.min()
    print(
        f"After round {lap}: lr {here.lr:g}, batch size {here.batch_size}, "
        f"{here.epochs} epochs, loss {loss:.3f}"
    )
print(f"Lowest of all 36: {grid.mean_val_loss.min():.3f}")

# %% [markdown]
# **What you see.** Here the second round reaches the best of all 36. With other seeds,
# not shown here, it mostly does, and with some it does not.
# <!-- claim: path-second-round -->
#
# Where can such a search get stuck? A third friend, Kim, takes the order learning rate,
# epochs, batch size. Here is the place where Kim ends, then all settings that differ
# from it in a single hyperparameter, and one that differs in two.
#
# **Predict.** Does any of the single changes make the loss lower?

# %%
order = ["lr", "epochs", "batch_size"]
kim = hk.one_at_a_time(spiral, begin, order=order, seeds=range(3), **tries)
stuck = kim.best
loss = dict(zip(grid.settings, grid.mean_val_loss, strict=True))
place = f"lr {stuck.lr:g}, batch size {stuck.batch_size}, {stuck.epochs} epochs"
print(f"Kim ends at {place}: {loss[stuck]:.3f}")
for name, values in tries.items():
    for value in values:
        if value != getattr(stuck, name):
            print(f"only {name} {value}: {loss[stuck.but(**{name: value})]:.3f}")
two = stuck.but(lr=0.1, batch_size=4)
print(f"lr 0.1 and batch_size 4: {loss[two]:.3f}")

# %% [markdown]
# **What you see.** Kim ends at learning rate 1, batch size 64 and 20 epochs; so does
# this order with most other seeds. <!-- claim: path-kim-ends --> And from there every
# *single* change makes things worse, with most other seeds as well. And still there
# is a setting with about half the loss.
# <!-- claim: path-spiral-needs-two-changes-at-once --> The way there needs **two
# changes at once**: a smaller batch *and* a smaller learning rate. One at a time cannot
# take that step. A search that tries pairs can. That is the next lesson.

# %% [markdown]
# ### Now you walk
#
# In this panel the path is yours: choose the order and the place where you start.

# %%
hk.OneAtATimePanel(spiral, begin, **tries)

# %% [markdown]
# **Do.**
#
# 1. Begin with Ana's order. Press **Next step** three times, and watch the count of
#    runs.
# 2. Press **Show the grid**. The map uncovers all that the path did not see. Now each
#    cell shows the lowest loss of the three epochs, and the frame is around the best of
#    all 36.
# 3. The grid stays. Choose another order and press **All steps**. Read the end of the
#    sentence: how far from the best of all 36 does this order end? Try all six.
# 4. Now another start: move the learning rate of the start to 1, and try the order
#    epochs, batch size, learning rate.
#
# **Say what you see.** What have the orders in common that reach the best?

# %%
ex.order

# %%
answer = ...
ex.order.check(answer)

# %%
# ex.order.hint()
# ex.order.solution()

# %% [markdown]
# **What you see.** From this start, an order mostly reaches the best when the batch
# size comes before the learning rate, and never when it comes after.
# <!-- claim: path-spiral-order-decides --> With another start that is no rule any more:
# from learning rate 1, the order epochs, batch size, learning rate misses it with most
# seeds. <!-- claim: path-other-start -->
#
# ### When is one at a time enough?
#
# - You want a decent model soon, and each training takes long: begin with one at a
#   time.
# - Write down what was held fixed. When you change that later, ask again.
# - Go round a second time. If nothing changes, no single change helps any more.
# - Two hyperparameters that work on the same thing, such as learning rate and batch
#   size, are better tried *together*: lesson 08.

# %% [markdown]
# ## 6. The recipe, once more by yourself (5 minutes)

# %%
ex.recipe


# %%
def tune(loss, base, lists):
    return ...


ex.recipe.check(tune)

# %%
# ex.recipe.hint()
# ex.recipe.solution()

# %% [markdown]
# ## 7. Three questions (2 minutes)

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - The recipe: change one hyperparameter, keep the value with the lowest validation
#   loss, go on to the next.
# - It costs a *sum*: 8 settings here. All combinations cost a *product*: 36.
#   <!-- claim: path-cost -->
# - On the digits all six orders end about equally low, nearly always at most a quarter
#   above the best. <!-- claim: path-digits-any-order -->
# - On the spiral the order decides: learning rate first ends at more than twice the
#   best loss, batch size first mostly at the best.
#   <!-- claim: path-spiral-order-decides -->
# - What it finds is the best for what was held fixed: with batch size 4 the best
#   learning rate is another one than with batch size 200.
#   <!-- claim: path-spiral-best-lr-moves -->
#
# ## Where to read on
#
# - Y. Bengio, *Practical recommendations for gradient-based training of deep
#   architectures* (2012), "Coordinate Descent and Multi-Resolution Search": the name of
#   this recipe in mathematics is *coordinate descent*.
# - J. Nocedal, S. Wright, *Numerical Optimization* (2006), chapter 9: how such a search
#   can creep or get stuck.
# - D. Montgomery, *Design and Analysis of Experiments*, chapter 1: "one factor at a
#   time" in laboratories, and what it misses.
# - V. Godbole and others, *Deep Learning Tuning Playbook* (2023): which hyperparameters
#   to tune again when another one changes.
# - Words that are new to you are in the [glossary](glossary.md).
#
# **Next:** [08 Grid search](08_grid_search.ipynb), which tries the pairs.
