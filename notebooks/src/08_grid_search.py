# %% [markdown] words=1140 teaser="How Ana gets unstuck."
# # Grid search
#
# In the last lesson Ana got stuck, because two things had to change at once. A grid
# can't get stuck: it tries every pair.
#
# **About 30 minutes.** By the end you'll be able to
#
# - try all combinations, and read the map of their losses,
# - choose the values of a grid: how far apart, how wide, how many,
# - say what a grid costs before you start it.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
from hpkit.exercises import lesson_08_grid_search as ex

spiral, moons = hk.load_dataset("spiral"), hk.load_dataset("moons")
base = hk.Hyperparameters(epochs=20)
lrs = [0.01, 0.03, 0.1, 0.3, 1, 3, 10]
sizes = [4, 8, 16, 32, 64, 200]

# %% [markdown]
# ## 1. The map (6 minutes)
#
# The spiral again. Jun ended lower than Ana, at learning rate 0.1, batch size 4. But
# their lists were coarse. Here every pair of seven learning rates and six batch sizes
# is a cell, trained with twenty seeds.
#
# **Predict.** Where will the low losses lie: in one corner, a row, a column, along a
# diagonal? Click the cell you think will be best, and press **This is my guess**.
#
# **Do.** Click the best cell, then one at the left edge and one at the right, and look
# at their training curves. Then choose **against batch**: as the batch grows from 4 to
# 200, does the best learning rate grow, shrink or stay?

# %%
hk.GridPanel(spiral, base=base, x_values=lrs, y_values=sizes, seeds=20, predict=True)

# %% [markdown]
# **What you see: a slanting valley.**
#
# - At the left edge training is too slow, at the right it breaks.
#   <!-- claim: grid-ends-of-the-map --> The valley between them leans: batch size 200
#   wants a learning rate at least three times as large as batch size 4.
#   <!-- claim: grid-ridge -->
# - At the bottom of the valley the loss is a third to a half lower than Jun's.
#   <!-- claim: grid-below-jun --> His list jumped from 0.1 to 1, over the best place.
# - One at a time sees one row and one column of this map. But columns disagree: at
#   learning rate 1 the best batch size lies inside the list, at 0.1 it is the smallest.
#   <!-- claim: grid-column-moves -->
#
# ## 2. Two loops, or one call (3 minutes)
#
# "All pairs" is a loop inside a loop.

# %%
ex.double_loop


# %%
def combinations(lrs, batch_sizes):
    return ...


ex.double_loop.check(combinations)

# %% [markdown]
# `hk.grid_search` is these loops with a run inside, `hk.plot_grid` draws the map.
#
# ## 3. Which values? (4 minutes)
#
# Two people try five learning rates each, from 0.001 to 10. One takes equal *steps*,
# the other equal *factors*.
#
# **Predict.** Who finds the lower loss?

# %%
steps = [0.001, 2.5, 5, 7.5, 10]
factors = [0.001, 0.01, 0.1, 1, 10]
for values in (steps, factors):
    found = hk.grid_search(spiral, base, lr=values, batch_size=sizes, seeds=range(3))
    print(values, f"lowest loss {found.mean_val_loss.min():.3f}")

# %% [markdown]
# **What you see: equal factors win.** Four of the equal-step values are 2.5 or more,
# where training bounces or breaks. <!-- claim: grid-equal-factors --> So take equal
# factors for learning rates, batch sizes, weight decays and 1 - momentum: first factors
# of 10, then factors of 3 around the best.
#
# A winner at the edge of the map is a signpost, as in lesson 02: *go on in this
# direction*. A search reports it as `edge`; section 1 had one, batch size 4.
#
# **Predict.** How much does batch size 2 gain?

# %%
follow = {"lr": [0.03, 0.1, 0.3, 1, 3], "batch_size": [2, 4]}
ax = hk.plot_grid(hk.grid_search(spiral, base, seeds=range(3), **follow))

# %% [markdown]
# **What you see: little or nothing.** The two sizes' lowest losses differ by less than
# a quarter, for twice the updates. <!-- claim: grid-smaller-batch-no-better -->

# %%
ex.wide_enough

# %%
answer = ...
ex.wide_enough.check(answer)

# %% [markdown]
# ## 4. How sure is the winner? (7 minutes)
#
# A dashed frame on the map of section 1 marks what twenty seeds can't tell from the
# winner. Jun's cell has none.
#
# **Predict.** Take Jun's cell and the winner alone. How many shared seeds tell them
# apart?
#
# **Do.** Read the verdict. Press **New seeds** a few times, then move **seeds** to 10.

# %%
jun, winner = base.but(lr=0.1, batch_size=4), base.but(lr=0.3, batch_size=4)
hk.SeedsPanel(spiral, [jun, winner], seeds=3)

# %% [markdown]
# **What you see: three to ten.** The first three are enough. Three others often aren't;
# ten nearly always are. <!-- claim: grid-ten-seeds-tell --> Of 42 cells one is always
# ahead, if only by luck, so the map asks for a larger gap. A dashed frame says "not
# told apart yet", not "equal" or "low".
#
# Now the moons, three times, each time with eight new seeds.
#
# **Predict.** Will the same pair win all three times?

# %% tags=["drawing"]
# Three maps of the moons, each with eight seeds of its own
fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.6), layout="constrained", sharey=True)
for ax, first in zip(axes, (0, 8, 16), strict=True):
    seeds = range(first, first + 8)
    values = {"lr": lrs[1:6], "batch_size": [4, 8, 16, 32, 64, 128]}
    again = hk.grid_search(moons, base.but(epochs=30), seeds=seeds, **values)
    hk.plot_grid(again, ax=ax)
    ax.set_title(f"seeds {first} to {first + 7}", pad=24)
    best, loss = again.best, again.mean_val_loss.min()
    print(f"best: lr {best.lr:g}, batch size {best.batch_size}, loss {loss:.3f}")

# %% [markdown]
# **What you see: a plateau.** With other seeds another pair may win,
# <!-- claim: grid-winner-changes --> but all winners stay within a fifth of the best,
# <!-- claim: grid-winners-as-good --> and at least four others have a dashed frame.
# <!-- claim: grid-plateau --> From batch size 4 to 32 every row comes within a fifth of
# the lowest: here 4 at the edge is no signpost. <!-- claim: grid-flat-valley --> So a
# grid's answer is not "learning rate 0.3, batch size 8" but "this region is good". Take
# a good pair in its middle, or one with large batches, which trains fastest.
#
# ## 5. What it costs (4 minutes)
#
# Runs = values x values x ... x seeds. Each new hyperparameter *multiplies*.
#
# **Predict.** 5 values each, 3 seeds, one minute a run. How long does a grid of
# two hyperparameters take? Of four?

# %%
for count in (2, 3, 4, 5, 6):
    print(f"{count} hyperparameters: {5**count * 3 / 60:7.1f} hours")

# %% [markdown]
# **What you see: hours become weeks.** Two hyperparameters take over an hour, four over
# a day, six a month. <!-- claim: grid-cost -->

# %%
ex.affordable

# %%
answer = ...
ex.affordable.check(answer)

# %% [markdown]
# So a grid is for two hyperparameters, at most three. Give every cell one seed first,
# then the best few more. <!-- claim: grid-one-seed-first -->
#
# ## 6. Three questions (2 minutes)

# %%
ex.quiz

# %%
hk.progress(8)

# %% [markdown]
# ## What you saw
#
# - A grid tries every pair, so it can't get stuck. With finer lists its best was a
#   third to a half below Jun's. <!-- claim: grid-below-jun -->
# - Learning rate and batch size make a slanting valley. <!-- claim: grid-ridge -->
# - Equal factors, not equal steps. <!-- claim: grid-equal-factors --> A winner at the
#   edge is a signpost.
# - Other seeds, another winner, about the same loss: the answer is a region.
#   <!-- claim: grid-winner-changes grid-winners-as-good grid-plateau -->
# - Cost multiplies: values x values x seeds. <!-- claim: grid-cost -->
#
# ## Further reading
#
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), section 11.4.3: grid
#   search, log scales, edges.
# - F. Pedregosa and others, *Scikit-learn: machine learning in Python* (2011); its
#   `GridSearchCV` is the best-known grid search.
# - New words are in the [glossary](glossary.md).
