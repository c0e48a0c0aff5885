# %% [markdown] words=1640 teaser="Can you believe the lowest loss?"
# # Choosing by validation
#
# You try fifty models and keep the best one. Is it as good as its score?
#
# **About 40 minutes.** By the end you'll be able to
#
# - say what training, validation and test splits are for, and spot a leak between them,
# - explain why the best of many looks better than it is,
# - get a steadier number from scarce data, with five folds.

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
# A good teacher has three piles:
#
# - **Exercises**, with answers: you learn from them, as often as you like.
# - A **practice exam**: you don't learn from it; it shows how best to learn.
# - The **real exam**: once, at the end. It tells how good you are.
#
# What is an exam worth if you may take it a hundred times, and only the best try
# counts? Try it on data from which **nothing can be learned**: the classes are coin
# flips. The panel trains one model after another and tests each on the same 40 points,
# or *rows*, as in a table: the share it gets right is its **accuracy**.
#
# **Predict.** How many models does it take until the best one gets 60% right? Will the
# best of 100 get 70%?
#
# **Do.** Press **Run** and watch both lines. The dashed one shows how the best model so
# far does on 1000 new rows; in real work you could look there only once. Then click
# **New flips** and **Run** again, three times.

# %%
hk.CoinFlipsPanel(models=5)

# %% [markdown]
# **Say what you see.** Which line would you put in an advertisement? Which would you
# believe?
#
# **What you see: luck climbs, truth stays flat.** Half the time, ten or so models are
# enough for 60%. Other flips take more than 30; a few, more than 100. Even 100 models
# rarely get past 70%. <!-- claim: choice-hundred-coins --> No model has become better:
# we have tried more of them, and kept the luckiest.
#
# So data is cut in three: the exercises are the *training* split, the practice exam the
# *validation* split, the real exam the *test* split.

# %% tags=["drawing"]
# drawing: the rows of moons in three piles
fig, ax = plt.subplots(figsize=(8, 1.8), layout="constrained")
start, colors = 0, ("#56B4E9", "#E69F00", "#BBBBBB")
for name, color in zip(("train", "valid", "test"), colors, strict=True):
    n = len(getattr(moons, name).y)
    ax.barh(0, n, left=start, color=color, edgecolor="white")
    ax.text(start + n / 2, 0, f"moons.{name}\n{n}", ha="center", va="center")
    start += n
ax.set(yticks=[], xlabel="rows of moons", xlim=(0, start))
ax.spines[["top", "right", "left"]].set_visible(False)
ax = hk.alt_text(ax, "Rows of moons: 400 training, 200 validation, 1000 test.")

# %%
ex.which_split

# %%
answer = ...
ex.which_split.check(answer)

# %% [markdown]
# ## 2. Why not choose by the training loss? (8 minutes)
#
# Ana and Jun each choose one of fifteen settings for the 50 noisy points of
# `small_moons`: five numbers of epochs, each with three learning rates. Ana takes the
# lowest training loss, Jun the lowest validation loss after the last epoch. This time
# nobody keeps the best epoch.
#
# **Predict.** Do they choose the same setting? If not, who takes more epochs?

# %%
base = hk.Hyperparameters(batch_size=10, momentum=0.9, hidden=(64, 64))
fifteen = hk.grid_search(
    small, base, lr=[0.01, 0.03, 0.1], epochs=[10, 20, 50, 100, 200], seeds=range(3)
)
train_loss, val_loss = fifteen.scores("training"), fifteen.scores("last")

# %% tags=["drawing"]
# drawing: a dot for each setting
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for n, mark in zip((10, 20, 50, 100, 200), "os^Dv", strict=True):
    at = np.array([setting.epochs for setting in fifteen.settings]) == n
    look = {"color": plt.cm.viridis_r(np.log(n) / np.log(200)), "label": f"{n} epochs"}
    ax.plot(train_loss[at], val_loss[at], mark, ms=8, **look)
for name, i in (("Ana", train_loss.argmin()), ("Jun", val_loss.argmin())):
    ax.text(train_loss[i], val_loss[i] - 0.08, name, ha="center", weight="bold")
ax.set(xlabel="lowest training loss", ylabel="validation loss at the end", ylim=0)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
ax = hk.alt_text(ax, "Fifteen dots; the lowest training loss is high in validation.")

# %% [markdown]
# **What you see: Ana is fooled.** She takes 200 epochs, the most on offer.
# <!-- claim: choice-training-loss-likes-long --> Her validation loss is about three
# times Jun's; with other seeds, more than one and a half times.
# <!-- claim: choice-training-loss-misleads --> The best score on the exercises often
# goes to someone who knows them by heart.
#
# ## 3. The winner's number (5 minutes)
#
# So choose by validation. But can we trust the winner's score? In section 1 the best of
# 50 got about 65% of the 40 rows, with some flips 55 or 75%;
# <!-- claim: choice-fifty-coins-climb --> of 1000 new rows, half.
# <!-- claim: choice-luck-is-gone -->
#
# Would a longer practice exam help? Lesson 03 said: four times the points, half the
# noise.

# %%
ex.best_of_50

# %%
answer = ...
ex.best_of_50.check(answer)

# %% [markdown]
# **Predict.** The real exam is in a box that may be opened once. You open it for two
# models. Will hpkit let you?

# %% tags=["drawing"]
# two looks, and what Python says about the second
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for seed in (0, 1):
        hk.fit(coins, seed=seed).test_accuracy()
print(str(said[0].message).replace("; ", ";\n"))

# %% [markdown]
# **What you see: yes, with a warning.** <!-- claim: choice-second-look-warns --> Look
# fifty times and keep the best, and the test split has become a second validation
# split: no honest number is left anywhere.
#
# Validation is still the best way to *choose*. But the winner's number is too good to
# *report*: the more you have tried and the fewer rows you have, the more it flatters.
# That is what the third pile is for.
#
# ## 4. Leaks (6 minutes)
#
# A split **leaks** when training knows something about the rows that judge. Watch it
# happen in pure noise: 1000 columns, with coin flips as classes. We keep the ten
# columns that tell heads from tails best, train on 40 rows and validate on 40 others.
#
# **Predict.** What validation accuracy do you get if *all* 80 rows help to choose the
# columns? And if only the 40 training rows do?


# %% tags=["drawing"]
# the ten columns that tell heads from tails best
def best_columns(X, y, rows):
    gap = X[rows][y[rows] == 1].mean(0) - X[rows][y[rows] == 0].mean(0)
    return np.argsort(-np.abs(gap))[:10]


# %% tags=["drawing"]
# 20 data sets of noise, each tried in both ways
def accuracy(seed, chosen_by):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(80, 1000)), rng.permutation(np.arange(80) % 2)
    X, rows = X[:, best_columns(X, y, np.arange(chosen_by))], np.arange(80)
    splits, names = (rows[:40], rows[40:], rows[40:]), [f"x{k}" for k in range(10)]
    data = hk.Dataset.of_rows("noise", X, y, splits, names, "01", standardize=False)
    setting = hk.Hyperparameters(lr=0.1, batch_size=8, epochs=20, hidden=(16,))
    return 100 * hk.fit(data, setting).val_accuracy[-1]


# %% tags=["drawing"]
# drawing: a dot for each data set
fig, ax = plt.subplots(figsize=(7.2, 2.2), layout="constrained")
for row, (rows, color) in enumerate(((40, "#0072B2"), (80, "#D55E00"))):
    dots = [accuracy(seed, rows) for seed in range(20)]
    ax.plot(dots, row + np.linspace(-0.2, 0.2, 20), "o", color=color)
ax.axvline(50, color="#999999", lw=1)
ax.set(yticks=[0, 1], ylim=(-0.5, 1.5), xlabel="validation accuracy (%), on noise")
ax.set_yticklabels(["by the 40\ntraining rows", "columns chosen\nby all 80 rows"])
ax.spines[["top", "right"]].set_visible(False)
ax = hk.alt_text(ax, "With a leak about 80 percent right, without it about 50.")

# %% [markdown]
# **What you see: 80% out of nothing.** When the validation rows help to choose the
# columns, about four in five come out right; when only the training rows choose, about
# half, as it must be. <!-- claim: choice-leak-of-columns -->
#
# To **scale** a column, you subtract its mean, `X.mean(0)`, and divide by its spread,
# `X.std(0)`. That can leak, too, less visibly: from which rows should these two come?

# %%
ex.find_leaks

# %%
answer = ...
ex.find_leaks.check(answer)

# %% [markdown]
# ## 5. An honest number (5 minutes)
#
# First **choose**: change `mine` and run the cell again, until the number is at most
# 0.2.

# %%
mine = hk.Hyperparameters(lr=0.01, epochs=30)  # your choice
losses = [hk.fit(moons, mine, seed=seed).best_val_loss for seed in range(5)]
print(f"mean lowest validation loss of five seeds: {np.mean(losses):.3f}")

# %% [markdown]
# Then **say what you expect**.

# %%
ex.honest_number

# %%
answer = ...
ex.honest_number.check(answer)

# %% [markdown]
# Now **open the box**. The check above drew new points, since moons come from a
# formula; with your own data there is only this box, and it opens **once**.
#
# **Do.** Is `mine` your final choice? Then run the cell and click **Open the box**. The
# box keeps its number; after a restart, run the cell with `mine` first.

# %%
hk.TestBoxPanel(hk.fit(moons, mine))

# %% [markdown]
# Not quite the number from the check? That had five seeds and other points.
#
# ## 6. Five folds (8 minutes)
#
# `wine` has only 178 rows: wines of three kinds, with 13 measured values each. 36 stay
# in the test box. Of the other 142 we could hold back a fifth for validation, but
# *which* fifth? With so few rows that is luck again.
#
# So take **each** fifth in turn: cut the rows into five **folds**, train five times,
# each time with a different fold for validation, and take the mean. This is
# **cross-validation**.

# %% tags=["drawing"]
# drawing: five runs, each with another fifth held back
fig, ax = plt.subplots(figsize=(6, 2.3), layout="constrained")
looks = ("training", "#56B4E9"), ("validation", "#E69F00")
for k in range(5):
    for part in range(5):
        use, color = looks[part == k]
        ax.barh(k, 1, left=part, color=color, edgecolor="white")
        ax.text(part + 0.5, k, use, ha="center", va="center")
ax.set_yticks(range(5), [f"fold {k + 1} held back" for k in range(5)])
ax.set(xticks=[], xlim=(0, 5), ylim=(4.5, -0.5), xlabel="the 142 rows in five parts")
ax.spines[:].set_visible(False)
ax = hk.alt_text(ax, "Five runs, each with another fifth for validation.")

# %% [markdown]
# `hk.cross_validate` does this without a leak: only the training folds set the scale,
# and no fold chooses the best epoch.
#
# **Predict.** The rows are shuffled and cut ten times: fifty losses, ten means. How
# much less do the means spread than the losses?

# %%
setting = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=20, hidden=(16,))
ten = hk.cross_validate(wine, setting, folds=5, repeats=10)
one, mean = ten.ravel(), ten.mean(axis=1)  # fifty folds, ten means
print(f"spread of one split {one.std(ddof=1):.3f}, of the means {mean.std(ddof=1):.3f}")

# %% tags=["drawing"]
# drawing: fifty folds and ten means; only left and right count
fig, ax = plt.subplots(figsize=(7.2, 2.4), layout="constrained")
ax.axvline(ten.mean(), color="#999999", lw=1)
ax.plot(one, np.linspace(-0.3, 0.3, 50), "o", color="#D55E00", ms=5)
ax.plot(mean, np.linspace(0.85, 1.15, 10), "s", color="#0072B2")
ax.set(yticks=[0, 1], ylim=(-0.5, 1.5), xlabel="validation loss after 20 epochs")
ax.set_yticklabels(["one split", "mean of\nfive folds"])
ax.spines[["top", "right"]].set_visible(False)
ax = hk.alt_text(ax, "Fifty single splits lie far apart, ten means close together.")

# %% [markdown]
# **What you see: a fifth as large.** With other shuffles, too, it is below a third.
# <!-- claim: choice-folds-are-steadier --> Each mean uses all 142 wines: only the cut
# is luck. It matters which rows are held back: <!-- claim: choice-folds-differ --> one
# split may give less than half the overall mean, or more than 1.5 times it.
# <!-- claim: choice-one-split-is-luck -->
#
# **Predict.** Choose a learning rate by folds: 0.01, 0.1, 0.3 or 1? Is one clearly out?

# %%
rates = [0.01, 0.1, 0.3, 1]
found = hk.cross_validate(wine, [setting.but(lr=lr) for lr in rates], repeats=10)
for lr, folds in zip(rates, found, strict=True):
    means = folds.mean(axis=1)
    print(f"lr {lr:4}: mean {means.mean():.3f}, spread {means.std(ddof=1):.3f}")

# %% [markdown]
# **What you see: 0.01 is out.** Its mean is higher by many times the spread: 20 epochs
# are too few for such short steps. The other three lie within a tenth of that gap.
# <!-- claim: choice-folds-choose --> Don't rank them: leave out a fifth of the wines,
# and another may lead. <!-- claim: choice-folds-other-wines -->
#
# Folds cost five runs instead of one: use them when data is scarce and training is
# quick. They, too, are for choosing: train the chosen setting once more on all five,
# and open the box with the 36 rows.
#
# ## 7. Four questions (2 minutes)

# %%
ex.quiz

# %%
hk.progress(5)

# %% [markdown]
# ## What you saw
#
# - Learn on the training split, choose on the validation split, judge once on the test
#   split.
# - The best of 50 models of coin flips had about 65% on 40 validation rows, about 50%
#   on the test rows. <!-- claim: choice-fifty-coins-climb choice-luck-is-gone -->
# - A leak makes 80% out of noise. <!-- claim: choice-leak-of-columns -->
# - The mean of 5 folds moved less than a third as much as one split.
#   <!-- claim: choice-folds-are-steadier -->
#
# ## Further reading
#
# - T. Hastie, R. Tibshirani, J. Friedman, *The Elements of Statistical Learning*
#   (2009), section 7.2 (three splits), 7.10 (cross-validation; 7.10.2: our leak).
# - A. Zhang and others, *Dive into Deep Learning* (2023), section 4.6.2: a test set
#   that is used again.
# - G. Cawley, N. Talbot, *On Over-fitting in Model Selection* (2010), JMLR 11: the luck
#   of the best of many.
# - All words of this lesson: [glossary](glossary.md).
