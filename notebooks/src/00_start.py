# %% [markdown] words=720
# # Start here
#
# One slider decides whether a network learns quickly, slowly or not at all.
#
# **About 10 minutes.** By the end you'll be able to
#
# - train a small network, in a live panel and with one line of code,
# - say what a *run* is, and when two runs are the same.
#
# To run a cell, click into it and press **Shift + Enter**. Go from top to bottom, and
# guess before you open a folded answer. You can't break anything: running a panel's
# cell again resets it.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
from hpkit.exercises import lesson_00_start as ex

moons = hk.load_dataset("moons")
hk.fit(moons)  # trains a first small network
print("Everything works: data, network and training. You are ready.")

# %% [markdown]
# An error? In a terminal, `python3 -m hpkit doctor` tells you what to do. Back another
# day? Click where you stopped; **Run > Run All Above Selected Cell** reruns what you
# need. If it stops at one of your answers, put the `...` back.
#
# ## 1. Two moons (1 minute)
#
# Which moon is a point from? A **network** must tell from `x1` and `x2`. It computes
# with hundreds of numbers, which training changes.

# %%
ax = hk.plot_data(moons)

# %% [markdown]
# ## 2. Your first run (3 minutes)
#
# The **panel** below trains a network and draws its **loss**, how wrong the network is:
# low is good.
#
# - The dashed line is the loss on the **training** points, which the network learns
#   from; the solid line, on the **validation** points, which it never learns from.
# - An **epoch** is one pass through all training points.
# - Training moves the network's numbers in steps; the **learning rate** says how long
#   each step is.
# - The map shows the network's choice everywhere. Where the colors fade, it isn't sure.
#
# **Predict.** With a slightly larger learning rate, will the lines fall faster or more
# slowly?
#
# **Do.** Drag the slider for the learning rate right, then left. Set it to 0.1 and
# click **Slow**. Drag the slider for the epochs to the far right, to 200, and let go:
# watch the lines grow.

# %%
start = hk.Hyperparameters(lr=0.01, epochs=60)
panel = hk.TrainingPanel(moons, start, controls=("lr", "epochs"))
panel

# %% [markdown]
# **What you see: they fall faster.** That holds up to 0.3, at least.
# <!-- claim: larger-is-faster-at-first --> With much larger rates the lines jump.
# <!-- claim: u-right-too-long -->
#
# ## 3. Stop it, keep it (3 minutes)
#
# If a run goes badly, don't wait for it. Each exercise has a **Hint** button; after the
# last hint it shows a solution.

# %%
ex.stop

# %%
answer = ...
ex.stop.check(answer)

# %% [markdown]
# **Pin** runs to compare them: a pinned run keeps a color of its own when you train
# the next.

# %%
ex.name_it

# %%
answer = ...
ex.name_it.check(answer)

# %% [markdown]
# ## 4. The same again (2 minutes)
#
# **Predict.** You train with learning rate 0.02, then 0.005, then 0.02 again. Is the
# lowest validation loss the same as the first time?
#
# **Do.** In the panel above, switch **Slow** off. Type these three rates into the
# learning rate box, each followed by **Enter**.
#
# Now in code. A *setting* is all that you choose before training. `other` has the same
# setting but another **seed**, a number that fixes everything random: the order of the
# points and the first *weights*, the numbers inside the network.

# %%
setting = hk.Hyperparameters(lr=0.1, batch_size=32, epochs=30)
first = hk.fit(moons, setting, seed=0)
again = hk.fit(moons, setting, seed=0)
other = hk.fit(moons, setting, seed=1)
print("same seed:  is it the same curve?", (first.val_loss == again.val_loss).all())
print("other seed: is it the same curve?", (first.val_loss == other.val_loss).all())

# %% tags=["drawing"]
# drawing: the curves of the two seeds
fig, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
for ax, run in zip(axes, (first, other), strict=True):
    hk.plot_training_curves(run, ax).set_title(f"seed {run.seed}")

# %% [markdown]
# **What you see: same seed, same curve.** On one machine, to the last digit.
# <!-- claim: same-seed-same-curve --> With another seed the curve differs, even before
# any training. <!-- claim: other-seed-other-curve -->
#
# The panel keeps its seed, so settings are compared fairly. For a new seed, click
# **new** beside *seed*, then **Train**; **same** keeps it. **Reset** puts the sliders
# back and removes runs that aren't pinned.

# %%
ex.seeds

# %%
answer = ...
ex.seeds.check(answer)

# %% [markdown]
# ## 5. Three questions (1 minute)

# %%
ex.quiz

# %%
hk.progress(0)

# %% [markdown]
# ## What you saw
#
# - A **run** is a *setting* (everything chosen before training), a *seed*, and the
#   *curves* that follow from these two.
#
# ## Further reading
#
# - A. Zhang and others, *Dive into Deep Learning* (2023), section 3.1: the loss.
# - New words: [glossary](glossary.md).
