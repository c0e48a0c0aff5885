# %% [markdown]
# # Choosing by validation
#
# **About 40 minutes.** When you are through, you can
#
# - say what training, validation and test split are for, and spot a leak between them,
# - explain why the best of many looks better than it is,
# - get a steadier number from few data, with five folds, and choose by it.

# %%
import warnings

import hpkit as hk
import matplotlib.pyplot as plt
import numpy as np
from hpkit.exercises import lesson_05_choosing_by_validation as ex

moons, small = hk.load_dataset("moons"), hk.load_dataset("small_moons")
coins, wine = hk.load_dataset("coin_flips"), hk.load_dataset("wine")

# %% [markdown]
# ## 1. Three piles of questions (6 minutes)
#
# Back to the exam of lesson 04. A good teacher has not one pile of questions but three:
#
# - **Exercises**, with answers. You learn from them, as often as you like.
# - A **mock exam**. You do not learn from it. It tells you which way of learning works
#   for you, so that you can choose.
# - The **real exam**. Once, at the end. It tells how good you are.
#
# What would a real exam be worth that you have seen before? Nothing. And one that you
# may repeat fifty times, to hand in the best? We shall see.
#
# With data it is the same. The exercises are the *training* split, the mock exam is the
# *validation* split, the real exam is the *test* split. In code their names are short:
# `train`, `valid` and `test`.

# %% tags=["drawing"]
# a drawing: the rows of moons in three piles
fig, ax = plt.subplots(figsize=(8, 2.1), layout="constrained")
piles, start = {"train": "training", "valid": "validation", "test": "test"}, 0
for (name, word), color in zip(
    piles.items(), ("#56B4E9", "#E69F00", "#BBBBBB"), strict=True
):
    n = len(getattr(moons, name).y)
    ax.barh(0, n, left=start, color=color, edgecolor="white")
    ax.text(start + n / 2, 0, f"{word}\n{n}\nmoons.{name}", ha="center", va="center")
    start += n
ax.set(yticks=[], xlabel="rows of moons", xlim=(0, start))
ax = hk.alt_text(ax, "Rows of moons: 400 training, 200 validation, 1000 test.")

# %% [markdown]
# (The test split here is a large one, so that its number is steady. With data of your
# own you have fewer rows.) Which pile is for which work?

# %%
ex.which_split

# %%
answer = ...
ex.which_split.check(answer)

# %%
# ex.which_split.hint()
# ex.which_split.solution()

# %% [markdown]
# ## 2. Why not choose by the training loss? (8 minutes)
#
# Three learning rates, five numbers of epochs: fifteen settings on the 50 noisy points
# of `small_moons`, three seeds each. Two people choose one of the fifteen. One looks at
# the training loss, at the lowest that a run has reached. The other looks at the
# validation loss after the last epoch. (Not at the lowest one: here nobody keeps the
# best epoch of lesson 04, the network is used as it is at the end.) Both take the mean
# over the three seeds.
#
# **Predict.** Do they choose the same setting? If not: which of the two takes the one
# with more epochs?

# %%
base = hk.Hyperparameters(batch_size=10, momentum=0.9, hidden=(64, 64))
fifteen = hk.grid_search(
    small, base, lr=[0.01, 0.03, 0.1], epochs=[10, 20, 50, 100, 200], seeds=range(3)
)
train_loss, val_loss = fifteen.scores("training"), fifteen.scores("last")  # means
for name, loss in (("training", train_loss), ("validation", val_loss)):
    i = int(loss.argmin())
    chosen = fifteen.settings[i]
    print(f"chosen by {name} loss: lr {chosen.lr}, {chosen.epochs} epochs,"
          f" its validation loss {val_loss[i]:.2f}")  # fmt: skip
times = val_loss[train_loss.argmin()] / val_loss.min()
print(f"the first one's validation loss is {times:.1f} times as high")

# %%
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
ax.plot(train_loss, val_loss, "o", color="#0072B2", ms=7)
for loss, name in ((train_loss, "training"), (val_loss, "validation")):
    i = int(loss.argmin())
    ax.plot(train_loss[i], val_loss[i], "o", ms=15, mfc="none", mec="#D55E00", mew=2)
    ax.text(train_loss[i] + 0.01, val_loss[i] - 0.07, f"chosen by {name} loss")
ax.set(xlabel="lowest training loss", ylabel="validation loss at the end", xlim=0)
ax.set_ylim(0, 1.1 * val_loss.max())
ax = hk.alt_text(ax, "Fifteen dots; the lowest training loss is high in validation.")

# %%
kept = fifteen.scores("validation")  # at the best epoch of each run
times = kept[train_loss.argmin()] / kept.min()
print(f"if each run kept its best epoch, it would be {times:.1f} times as high")

# %% [markdown]
# **What you see.** Two different dots. The setting with the lowest training loss is not
# the one with the lowest validation loss at the end; its validation loss there is far
# higher, as printed above the chart. With all seeds that we tried it was more than one
# and a half times as high. <!-- claim: choice-training-loss-misleads --> And it has
# trained for 200 epochs, the most that was on offer.
# <!-- claim: choice-training-loss-likes-long --> That is no accident. Whoever asks the
# exercises "who knows you best?" finds the one who has learned them by heart.
#
# The last line says what keeping the best epoch would do: most of the harm is gone.
# <!-- claim: choice-best-epoch-mends --> But how does one know the best epoch? Only
# from the validation loss (lesson 04). There is no way without it.
#
# ## 3. Fifty coins (10 minutes)
#
# So, we choose by validation. Is the number that we get then a *fair* one? Here is data
# on which we know the truth. The columns of `coin_flips` are noise, and the labels are
# coin flips: heads or tails. **Nothing can be learned.**
#
# We train 50 models anyway. They take five learning rates in turn, and each has a seed
# of its own. Then we take the one with the highest accuracy on the 40 validation rows.
#
# **Predict.** How many percent of the validation rows do the models get right on
# average? And the best one of the 50?

# %%
lrs = (0.01, 0.03, 0.1, 0.3, 1)
setting = hk.Hyperparameters(epochs=20, hidden=(16,))
fifty = [hk.fit(coins, setting.but(lr=lrs[k % 5]), seed=k) for k in range(50)]
scores = np.array([run.val_accuracy[-1] for run in fifty])
print(f"validation rows, mean of the 50: {100 * scores.mean():.1f} %")
print(f"validation rows, best of the 50: {100 * scores.max():.1f} %")

# %% [markdown]
# **What you see.** On average the models are right about half of the time. (With other
# coins a little more or less: all models are asked about the same 40 rows, so the luck
# of these rows is in all of them.) The best one has about 65 %; with other coins
# between 55 and 75 %. <!-- claim: choice-fifty-coins-climb -->
#
# A proud number. May we report it? That would be a promise about new rows.
#
# **Predict.** What does this best one get on new rows? Your guess is the answer of the
# exercise.

# %%
ex.best_of_50

# %%
answer = ...
ex.best_of_50.check(answer)

# %%
# ex.best_of_50.hint()
# ex.best_of_50.solution()

# %% [markdown]
# Now the real exam, 1000 test rows. Think of them as lying in a box that may be opened
# once. We open it for the winner.

# %%
winner = fifty[int(np.argmax(scores))]
print(f"test rows, the winner: {100 * winner.test_accuracy():.1f} %")

# %% [markdown]
# **What you see.** About 50 %. The luck is gone. <!-- claim: choice-luck-is-gone -->
#
# And what if we open the box again, for another of the fifty, in the hope of more?

# %%
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    fifty[0].test_accuracy()
print(said[0].message)

# %% [markdown]
# **What you see.** The box remembers that it has been opened.
# <!-- claim: choice-second-look-warns --> hpkit does not forbid a second look, it only
# says so. For if you look fifty times and keep the best, the test split is a second
# validation split, and no honest number is left anywhere.
#
# (Your count may be higher: every run of one of these two cells is a look. Run the
# first one again, and Python shows the same warning in red, with the place of a file in
# front.)
#
# Was our winner a rare case? And how does the luck grow with the number of models? The
# panel takes one model after the other. Each dot is the accuracy of a model on the
# validation rows (0.65 is 65 %), the blue line is the best one so far. The dashed line
# is what that best one has on the test rows. (The panel looks at them as often as it
# likes, because we know the truth anyway. With real data we must not.)
#
# **Predict.** How many models does it take until the best one has 60 %? And will it be
# more than 70 % with 100 models?

# %%
hk.CoinFlipsPanel(models=5)

# %% [markdown]
# **Do.** Press **Run** and watch. Then set **models tried** back to 5, click **New
# flips**, and run again with these other coins; three times or more.
#
# **Say what you see.** Which line would you put into an advertisement? Which one would
# you believe?
#
# **What you see.** The best one so far can only climb. With most coins fewer than 30
# models are enough for 60 %, with a few coins 100 are not enough. More than 70 % comes
# seldom, even with 100. <!-- claim: choice-hundred-coins --> No model has become
# better: we have tried more of them, and kept the luckiest.
#
# Does this mean that choosing by validation is bad? No! It is still the best way to
# *choose*. Only the number of the winner is a bit too good to *report*: the more you
# have tried, and the fewer validation rows you have, the more so. That is why the third
# pile exists.
#
# ## 4. Leaks (6 minutes)
#
# A split is only worth something if nothing leaks through. A leak is anything that the
# model, or you, could not know when it is used for real.
#
# It often happens before the training. One column of a table may go from 0 to 2000, the
# next one from 0 to 0.1. One learning rate cannot suit the weights of both. So the
# columns are put on one **scale**: from each number take the mean of its column, then
# divide by the column's spread, which says how far its numbers lie from their mean.
# After that each column has mean 0 and spread 1. But the mean and the spread come from
# rows, too, and not all rows may be asked.
#
# (To read the code in the exercise: `X.mean(0)` and `X.std(0)` are the mean and the
# spread of each column. `min(runs, key=lambda run: ...)` is the run for which the `...`
# is lowest.)

# %%
ex.find_leaks

# %%
answer = ...
ex.find_leaks.check(answer)

# %%
# ex.find_leaks.hint()
# ex.find_leaks.solution()

# %% [markdown]
# And now the whole way, honestly: choose by validation, say what you expect, open the
# box. First **choose**. Change `mine` and run this cell again, until the number is at
# most 0.2, with at most 100 epochs.

# %%
mine = hk.Hyperparameters(lr=0.01, epochs=30)  # your choice
losses = [hk.fit(moons, mine, seed=seed).best_val_loss for seed in range(5)]
print(f"mean lowest validation loss of five seeds: {np.mean(losses):.3f}")

# %% [markdown]
# Then **say what you expect**. In your answer you may write `mine`, too.

# %%
ex.honest_number

# %%
answer = ...
ex.honest_number.check(answer)

# %%
# ex.honest_number.hint()
# ex.honest_number.solution()

# %% [markdown]
# Now **open the box**. Nobody has looked into it yet: the check above has drawn new
# points, since moons come from a formula. With data of your own there are no new
# points, only this box. It opens **once**. What it has shown is kept in the folder
# `hpkit-runs` beside this notebook, so a new start of the program does not close it
# again. (A second person at this computer deletes that folder first.) The box takes
# `mine`, your choice from above, with seed 0. Run its cell now, after you have chosen;
# the panel says which setting is inside. Is that yours? Then open it.

# %%
hk.TestBoxPanel(hk.fit(moons, mine))

# %% [markdown]
# Is this number not quite the one of the check? The check had many new points and five
# seeds, the box has other points and one seed. The luck of the points is in every such
# number, in the one of the box, too.
#
# ## 5. Five folds (8 minutes)
#
# `wine` has only 178 rows: wines of three kinds, 13 measured values each. 36 rows stay
# in the test box. With the other 142, how good is a setting? We could hold back a fifth
# of them as validation rows. But *which* fifth? With so few rows, that is luck again.
#
# The way out: take **every** fifth in turn. Cut the rows into five parts, the
# **folds**. Train five times; each time another fold is the validation split. Then take
# the mean. This is **cross-validation** with five folds.

# %% tags=["drawing"]
# a drawing: five trainings, each with another fifth held back
fig, ax = plt.subplots(figsize=(6, 2.3), layout="constrained")
looks = ("training", "#56B4E9"), ("validation", "#E69F00")
for k in range(5):
    for part in range(5):
        use, color = looks[part == k]
        ax.barh(k, 1, left=part, color=color, edgecolor="white")
        ax.text(part + 0.5, k, use, ha="center", va="center")
ax.set(yticks=range(5), xticks=[], xlim=(0, 5), xlabel="the 142 rows in five parts")
ax.set_yticklabels([f"fold {k + 1} held back" for k in range(5)])
ax.invert_yaxis()
ax = hk.alt_text(ax, "Five trainings, each with another fifth for validation.")

# %% [markdown]
# In code: `last_loss` trains on some rows and gives the loss on others; `five_folds`
# calls it five times. Two cells with a little more Python than usual: you need not
# follow every line, and no exercise asks for them. Two things count, so that nothing
# leaks. `of_rows` scales the columns by the rows that it trains on. And every fold is
# judged after its last epoch: a fold that chose its own best epoch would have looked at
# the rows that are to judge it.

# %%
parts = (wine.train, wine.valid, wine.test)
scaled = np.concatenate([part.X for part in parts])
X = scaled * wine.scale + wine.center  # back to the numbers as measured
y = np.concatenate([part.y for part in parts])
rows, test = np.arange(142), np.arange(142, 178)  # for the folds; in the box
setting = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=20, hidden=(16,))


def last_loss(train, valid):
    splits = (train, valid, test)
    data = hk.Dataset.of_rows(
        "wine", X, y, splits, wine.features, wine.classes, standardize=True
    )
    return hk.fit(data, setting).val_loss[-1]


# %%
def five_folds(seed):
    shuffled = np.random.default_rng(seed).permutation(rows)
    parts = np.array_split(shuffled, 5)
    losses = []
    for k in range(5):
        others = np.concatenate(parts[:k] + parts[k + 1 :])
        losses.append(last_loss(others, parts[k]))
    return losses


print("losses of the five folds, one shuffle:", np.round(five_folds(0), 3))

# %% [markdown]
# **What you see.** The same setting, the same seed, and yet the losses differ. A fifth
# of the rows is so small that it matters which ones are in it.
# <!-- claim: choice-folds-differ -->
#
# How far can you trust *one* split, and how far the mean of five folds? We shuffle the
# rows ten times, and write down both: the loss of each fold (each is one split that you
# might have got), and the mean of the five. In the chart a dot is such a loss, a square
# such a mean; only left and right count. (Up and down they are spread within their row,
# so that none hides another.)
#
# **Predict.** Which of the two moves less from shuffle to shuffle? Much less?

# %%
ten = np.array([five_folds(seed) for seed in range(10)])
one, mean = ten.ravel(), ten.mean(axis=1)  # fifty folds, ten means

fig, ax = plt.subplots(figsize=(7.2, 2.4), layout="constrained")
ax.axvline(ten.mean(), color="#999999", lw=1)  # the mean of all
ax.plot(one, np.linspace(-0.3, 0.3, 50), "o", color="#D55E00", ms=5)
ax.plot(mean, np.linspace(0.85, 1.15, 10), "s", color="#0072B2")
ax.set(yticks=[0, 1], ylim=(-0.5, 1.5), xlabel="validation loss after 20 epochs")
ax.set_yticklabels(["one split", "mean of\nfive folds"])
spreads = one.std(ddof=1), mean.std(ddof=1)
print("spread of one split {:.3f}, of the mean of five {:.3f}".format(*spreads))
print(f"lr {setting.lr}: mean of all {ten.mean():.3f}")
ax = hk.alt_text(ax, "Fifty single splits lie far apart, ten means close together.")

# %% [markdown]
# **What you see.** The means move much less than the single splits.
# <!-- claim: choice-folds-are-steadier --> (The upright line is the mean of all. With
# one split alone you may be anywhere in the lower row: from less than half of that mean
# to more than one and a half times as much.) <!-- claim: choice-one-split-is-luck -->
# All of this is the luck of the *cut*. That we have these 142 wines, and no others, is
# luck that no folds take away.
#
# **Do.** Now choose by it. Is a learning rate of 0.01 better than 0.1 for these wines,
# or 0.3? Write down the mean of all and the spread of the mean of five. Then change
# `lr=0.1` in the cell that defines `setting`, and run that cell and the ones below it
# again. Is the difference of the means larger than the spread?
#
# **What you see.** With 0.01 the mean is far higher, many times the spread: 20 epochs
# are not enough for such short steps. With 0.3 it is about as low as with 0.1: the
# difference is smaller than the spread of the two that is larger. So the folds rule out
# 0.01, and between the other two they cannot decide.
# <!-- claim: choice-folds-choose -->
#
# The price: five trainings instead of one. So use folds when data is short and training
# is quick; one split when you have plenty of rows. And even five folds are for
# choosing. The 36 rows in the box are for the end.
#
# ## 6. Four questions (2 minutes)

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - Learn on the training split, choose on the validation split, judge once on the test
#   split.
# - The lowest training loss chose another setting than the validation loss at the end,
#   one with more than 1.5 times that loss.
#   <!-- claim: choice-training-loss-misleads -->
# - The labels were coin flips. The best of 50 models still had about 65 % on 40
#   validation rows, and about 50 % on the test rows.
#   <!-- claim: choice-fifty-coins-climb choice-luck-is-gone -->
# - The test box remembers a second look. <!-- claim: choice-second-look-warns -->
# - The mean of 5 folds moved much less than one split.
#   <!-- claim: choice-folds-are-steadier -->
#
# ## Where to read on
#
# - T. Hastie, R. Tibshirani, J. Friedman, *The Elements of Statistical Learning*
#   (2009), section 7.2 (three splits), 7.10 (cross-validation; 7.10.2: how it is done
#   wrongly).
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), section 5.3:
#   validation sets, and 5.3.1: cross-validation.
# - A. Zhang, Z. Lipton, M. Li, A. Smola, *Dive into Deep Learning* (2023), section
#   4.6.2: what happens to a test set that is used again.
# - G. Cawley, N. Talbot, *On Over-fitting in Model Selection* (2010), JMLR 11: the luck
#   of the best of many.
# - All words of this lesson are in the [glossary](glossary.md).
#
# **Next:** [06 Seeds](06_seeds.ipynb).
