# %% [markdown]
# # Start here
#
# **About 10 minutes.** By the end you will be able to
#
# - train a small network in a live panel, stop it, and keep a run,
# - train the same network with one line of code,
# - say what a *run* is, and when two runs are the same.
#
# To run a cell, click into it and press **Shift + Enter**. Go from top to bottom.
# You can't break anything. Where you are asked to guess first, the answer is folded
# away: running the cell shows it. The words below it, **What you see**, open with a
# click.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
from hpkit.exercises import lesson_00_start as ex

moons = hk.load_dataset("moons")
hk.fit(moons)  # trains a first small network
print("Everything works: data, network and training. You are ready.")

# %% [markdown]
# Did you see an error instead? Open a terminal and type `python -m hpkit doctor`. It
# says what is missing and what to do.
#
# ## 1. Two moons (1 minute)
#
# In this course small networks learn to tell classes apart. Here is the first task:
# points of two classes, shaped like two moons. The network gets the two numbers `x1`
# and `x2` of a point, and says which moon the point belongs to.

# %%
ax = hk.plot_data(moons)

# %% [markdown]
# ## 2. Your first run (3 minutes)
#
# Below is a **panel**. It trains a network and draws two lines while it does.
#
# - The **loss** says how wrong the network is: high is bad, low is good.
# - An **epoch** is one pass through all training points.
# - The dashed line is the loss on the **training** points, the ones the network learns
#   from. The solid line is the loss on the **validation** points, which it never learns
#   from.
#
# **Predict.** Move the slider for the learning rate a little to the right. Will the
# line fall faster, or more slowly? Say it aloud, then do it.

# %%
start = hk.Hyperparameters(lr=0.01, epochs=60)
panel = hk.TrainingPanel(moons, start, controls=("lr", "epochs"))
panel

# %% [markdown]
# **Do.**
#
# 1. Drag the slider for the learning rate to the right, then to the left. The line
#    follows.
# 2. Look at the picture on the right: blue and orange show what the network would say
#    at each place. White means "I am not sure".
# 3. Click **Slow**, so that you can watch. Drag the slider for the epochs to the far
#    right, to 200, and let go: the lines grow for about ten seconds. Then read the
#    sentence below the chart.
#
# **Say what you see.** Tell a neighbor, or the wall: what does a larger learning rate
# do to the line? What happens at the far right of its slider?
#
# No panel, or a picture that does not move? Run all cells again, from the top: a panel
# lives only as long as the program behind the page that made it.
#
# ## 3. Stop it, keep it (3 minutes)
#
# If a run is going badly, you don't have to wait for it. Each exercise comes with hints
# and a solution: remove the `# ` in front of a line and run the cell.

# %%
ex.stop

# %%
answer = ...
ex.stop.check(answer)

# %%
# ex.stop.hint()
# ex.stop.solution()

# %% [markdown]
# **Pin** the runs that you want to compare: they keep a color while you try other
# things. A dot in the list marks them. The run that you look at is always blue; a
# pinned run shows its color as soon as you choose or train another one.

# %%
ex.name_it

# %%
answer = ...
ex.name_it.check(answer)

# %%
# ex.name_it.hint()
# ex.name_it.solution()

# %% [markdown]
# ## 4. The same again (2 minutes)
#
# Go back up to the panel and switch **Slow** off. Type into its two boxes: learning
# rate 0.1, epochs 60. Press Enter after each, and note the lowest validation loss. Next
# you will type 0.3 as the learning rate, and then 0.1 again: the network is trained
# again.
#
# **Predict.** Does it start from fresh weights, so that the lowest loss is a little
# different this time? Or is it the same again?
#
# **Do.** Try it in the panel. Then let the code do it: the next cell trains three
# times. The first two runs are alike in everything, the third has another **seed**. The
# seed is a number that fixes everything random: the first weights and the order of the
# points.

# %%
setting = hk.Hyperparameters(lr=0.1, batch_size=32, epochs=30)
first = hk.fit(moons, setting, seed=0)
again = hk.fit(moons, setting, seed=0)
other = hk.fit(moons, setting, seed=1)
print("same seed:  is it the same curve?", (first.val_loss == again.val_loss).all())
print("other seed: is it the same curve?", (first.val_loss == other.val_loss).all())

fig, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
for ax, run in zip(axes, (first, other), strict=True):
    hk.plot_training_curves(run, ax).set_title(f"seed {run.seed}")

# %% [markdown]
# **What you see.** Same setting and same seed: the same curve, to the last digit.
# <!-- claim: same-seed-same-curve --> Another seed: another curve, already at epoch 0,
# before any training. <!-- claim: other-seed-other-curve --> The panel keeps its seed:
# each training goes back to the same start, so that two settings can be compared
# fairly. If you want a new start, click **new** beside *seed*, then **Train**.
#
# **Reset** is for something else: it puts the sliders back to their first values, and
# removes all runs that are not pinned.

# %%
ex.seeds

# %%
answer = ...
ex.seeds.check(answer)

# %%
# ex.seeds.hint()
# ex.seeds.solution()

# %% [markdown]
# ## 5. Three questions (1 minute)

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - A **run** is three things: a *setting* (all that is chosen before training), a
#   *seed*, and the *curves* that come out. Same setting, same seed: same curves.
#   <!-- claim: same-seed-same-curve -->
# - Another seed gives other first weights and another curve, with the very same
#   setting. <!-- claim: other-seed-other-curve -->
#
# ## Further reading
#
# - A. Zhang, Z. Lipton, M. Li, A. Smola, *Dive into Deep Learning* (2023), section 3.1:
#   what a loss is, and what training does.
# - Words that are new to you are in the [glossary](glossary.md).
#
# **Next:** [01 Parameters and
# hyperparameters](01_parameters_and_hyperparameters.ipynb).
