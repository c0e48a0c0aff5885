# %% [markdown]
# # Tuning in fifty minutes
#
# For a class that has never trained a network. By the end you'll be able to
#
# - read a training curve, and choose by the validation loss,
# - choose a learning rate from a list that goes up by factors,
# - tune one hyperparameter after another, and know what that can miss.
#
# Press **Shift + Enter** in the first gray cell: it runs, and the next one is selected.

# %%
import hpkit as hk

moons, spiral = hk.load_dataset("moons"), hk.load_dataset("spiral")
base = hk.Hyperparameters(lr=0.01, batch_size=32, epochs=30)
start = hk.Hyperparameters(lr=0.1, batch_size=200, epochs=20)
rates = [0.0001, 0.001, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
lists = {"lr": [0.01, 0.1, 1, 10], "batch_size": [4, 64, 200], "dropout": [0, 0.1, 0.3]}

# %% [markdown]
# ## 1. One run (12 minutes)
#
# Each dot has a place and a color, its class. A small network learns to tell the class
# from the place.

# %%
ax = hk.plot_data(moons)

# %% [markdown]
# The network is made of numbers, its weights, random at first. It looks at a **batch**
# of dots, moves the weights a step toward a smaller error, and goes on to the next
# batch. One pass over all training dots is an **epoch**. The error is called **loss**:
# 0 is perfect, 0.69 is guessing.
#
# Other dots are kept apart: the **validation** dots. The network never learns from
# them, so their loss, the solid line, tells how well it does on new dots. The dashed
# line is the loss on the training dots.
#
# We set the length of a step, the **learning rate**. It is a *hyperparameter*: training
# doesn't change it.
#
# **Predict.** Ten times as long a step: is the validation loss after 30 epochs lower,
# higher, or the same?
#
# **Do.** Note the lowest validation loss. Set the learning rate to 0.1, then to 1.
# Which loss is lowest? Then try 10.

# %%
hk.TrainingPanel(moons, base, controls=("lr",))

# %% [markdown]
# **What you see: longer steps help, then hurt.** At first a larger learning rate is
# faster. <!-- claim: larger-is-faster-at-first --> With 10 the steps are too long: the
# loss jumps up and leaves the chart. <!-- claim: u-right-too-long --> *Diverged* means
# just that: the loss grew instead of falling.
#
# ## 2. The best learning rate (10 minutes)
#
# Somebody tries 0.01, 0.02, 0.03 and 0.04, and the largest one wins. Is it the best?
#
# Go up by *factors* of three or ten instead, from 0.0001 to 10, and plot the lowest
# validation loss of each: the **validation curve**. A dot is the mean of five
# **seeds**, five random beginnings.
#
# **Predict.** Draw it, and press **This is my guess**.
#
# **Do.** Which learning rate is lowest? In the right chart, click the first dot and
# the cross. What do their curves look like?

# %%
hk.ValidationCurvePanel(moons, "lr", base, param_range=rates, seeds=5, predict="draw")

# %% [markdown]
# **What you see: a U.** At 0.0001 and 0.001 the loss has hardly moved.
# <!-- claim: u-left-hardly-moves --> At 10 it leaves the chart. The lowest
# point is at 0.3 or 1, far above 0.04. <!-- claim: u-minimum --> A winner at the edge
# of a list is a signpost: go on in that direction.
#
# ## 3. One after another (13 minutes)
#
# A network has many hyperparameters. The simplest recipe: change **one**, keep the
# value with the lowest validation loss, go on to the next.
#
# Ana and Jun do that on a harder data set. Ana begins with the learning rate, Jun with
# the batch size. Both end with *dropout*, the share of the network that each batch
# leaves out.

# %%
ax = hk.plot_data(spiral)

# %% [markdown]
# **Predict.** Who ends lower, or do they meet?
#
# **Do.** Press **Next step** three times: Ana's path, from the start S. Note its loss.
# Choose the order `batch_size, lr, dropout` and press **All steps**: Jun's. Then press
# **Show the grid**: it trains every combination, and the sentence below compares the
# path with the best.

# %%
hk.OneAtATimePanel(spiral, start, **lists)

# %% [markdown]
# **What you see: the order decides.** Jun finds the best of all 36 settings. Ana ends
# at more than one and a half times that loss. <!-- claim: path-spiral-order-decides -->
# With all 200 dots in a batch there are few steps, so Ana chose long ones, too long for
# small batches. One at a time finds the best **for what was held fixed**.
#
# ## What you saw
#
# - Choose by the validation loss.
# - Factors, not steps; a winner at the edge is a signpost.
# - One at a time is cheap, 8 settings instead of 36, and its answer
#   depends on the order. <!-- claim: path-cost path-spiral-order-decides -->
#
# ## Further reading
#
# The whole course begins with [00 Start](00_start.ipynb). All words are in the
# [glossary](glossary.md).
