# %% [markdown]
# # Epochs
#
# **About 35 minutes.** When you are through, you can
#
# - see in a training curve whether a training was too short, too long, or right,
# - write early stopping yourself, and choose its patience,
# - say why the number of epochs need not be searched like a learning rate.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn.functional import cross_entropy
from hpkit.exercises import lesson_04_epochs as ex

moons, small = hk.load_dataset("moons"), hk.load_dataset("small_moons")
long = hk.Hyperparameters(0.1, 10, 200, momentum=0.9, hidden=(64, 64))

# %% [markdown]
# ## 1. Learning for an exam (6 minutes)
#
# You prepare for an exam with 50 old questions and their answers. You go through the
# whole pile, again and again. Once through the pile is an **epoch**.
#
# After the first epochs you are still at the beginning: you stopped **too soon**. Later
# you begin to *understand*: you would answer new questions, too. But if you go on and
# on, something else happens. You know the 50 answers **by heart**. The number of a
# question is enough for you. And new questions? Those you answer worse than before,
# because you no longer think.
#
# First the beginning. Moons, learning rate 0.1.
#
# **Predict.** How much does the loss still fall between epoch 10 and 30? And between 30
# and 100?

# %%
run = hk.fit(moons, hk.Hyperparameters(lr=0.1, epochs=100))
ax = hk.plot_training_curves(run)
for epochs in (10, 30, 100):
    ax.axvline(epochs, color="#999999", lw=1)
    low = run.val_loss[: epochs + 1].min()
    print(f"lowest validation loss up to epoch {epochs:3}: {low:.3f}")

# %% [markdown]
# **What you see.** With 30 epochs it gets lower than with 10, with 100 lower than with
# 30. <!-- claim: epochs-too-few --> Both lines go down together. Whoever stops at epoch
# ten could have got a lower loss: *under-training*.
#
# So, simply train for ever?
#
# ## 2. By heart (9 minutes)
#
# Now a harder pile: `small_moons`. Only **50** training points, and they are noisy:
# some blue ones lie among the orange ones. The network is a large one, with two layers
# of 64 units: it has plenty of room for learning by heart. (It is trained with
# *momentum*, a push that makes training quicker. Lesson 09 comes back to it.)
#
# **Predict.** 200 epochs. What will the dashed line do, the loss on the 50 training
# points? And the solid one, the loss on 200 points that it has never learned from? Draw
# both in the air before you run the cell.

# %%
hk.TrainingPanel(small, long, controls=("epochs",), seed=2)

# %% [markdown]
# **Do.** Move the slider for the epochs: 10, 20, 50, 200. Watch the ring, which marks
# the lowest validation loss.
#
# **Say what you see.** Where do the two lines part? Does the ring move when you train
# longer than that?
#
# The same run in numbers:

# %%
run = hk.fit(small, long, seed=2)
for name, epoch in (("ring", run.best_epoch), ("end", run.epochs_done)):
    both = f"training {run.train_loss[epoch]:.2f}, validation {run.val_loss[epoch]:.2f}"
    print(f"{name:4} epoch {epoch:3}: {both}")
print(f"end: {run.val_loss[-1] / run.best_val_loss:.1f} times the loss at the ring")

# %% [markdown]
# **What you see.** The training loss goes on down, and ends below the point where it
# was at the ring. <!-- claim: epochs-training-goes-on --> The validation loss falls
# too, at first. Then it turns and climbs, with nearly all seeds to more than one and a
# half times its lowest point. <!-- claim: epochs-validation-climbs --> From the ring
# on, the network learns the 50 answers by heart. This is called **over-fitting**.
#
# We can look at it. Left the network of the best epoch, right the one of the last. The
# points are the 50 training points.
#
# **Predict.** In which of the two pictures is the border smooth? In which is each
# single point on the right side?

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
for ax, epoch in zip(axes, ("best", "last"), strict=True):
    hk.plot_decision_boundary(run, ax, epoch=epoch)
    right = run.train_accuracy[run.best_epoch if epoch == "best" else -1]
    ax.set_title(f"{epoch} epoch: {50 * right:.0f} of 50 training points right")

# %% [markdown]
# **What you see.** At the end the border bends around single points, until all 50, or
# nearly all, are on the right side. <!-- claim: epochs-by-heart --> It looks like the
# better one, if you only know these points. So let us ask points that nobody knows: 200
# new ones from the same source.

# %%
new = hk.load_dataset("small_moons", seed=99).valid  # drawn anew
for epoch in ("best", "last"):
    answers = torch.tensor(run.outputs(new.X, epoch))
    loss = cross_entropy(answers, torch.tensor(new.y))
    print(f"{epoch} epoch, loss on new points: {loss:.2f}")

# %% [markdown]
# **What you see.** On new points the network of the best epoch has the lower loss.
# <!-- claim: epochs-best-wins-on-new-points --> The validation loss has told us so
# beforehand. That is what we have it for.

# %%
ex.best


# %%
def best_epoch(val_loss):
    return ...


ex.best.check(best_epoch)

# %%
# ex.best.hint()
# ex.best.solution()

# %% [markdown]
# ## 3. Not a knob to tune (6 minutes)
#
# You could treat the epochs like the learning rate: train with 5, with 10, with 20, ...
# with 200, and take the best. Let us do that once, with three seeds.
#
# **Predict.** In this chart the solid line shows the loss at the *best* epoch of each
# run, the dotted line the loss after its *last* epoch. One of them can never go up.
# Which?

# %%
curve = hk.validation_curve(
    small, long, param_name="epochs", param_range=[5, 10, 20, 50, 100, 200],
    seeds=range(3),
)  # fmt: skip
ax = hk.plot_validation_curve(curve)
last, low = curve.scores("last")[-1], curve.scores()[-1]
print(f"200 epochs: last {last:.2f}, best {low:.2f}, {last / low:.1f} times as high")

# %% [markdown]
# **What you see.** The dotted line climbs at the right end, far above the solid one:
# more than one and a half times as high with nearly all seeds. The solid line goes down
# and then stays. <!-- claim: epochs-lowest-never-rises -->
#
# Why can it not go up? Look at a short and a long run of the same seed:

# %%
short = hk.fit(small, long.but(epochs=50))
full = hk.fit(small, long)
same = np.allclose(short.val_loss, full.val_loss[:51], rtol=1e-3)
print("are the first 50 epochs of the long run the short run?", same)

# %% [markdown]
# **What you see.** The short run *is* the beginning of the long one.
# <!-- claim: epochs-same-beginning --> So one long run holds all the shorter ones. You
# need not train with 5, 10, 20, 50, 100 and 200 epochs, 385 in all. You train once,
# long enough, and **keep the best epoch**: `run.best_epoch`, `run.network("best")`.
#
# Learning rate and batch size are knobs: each value is another training. The number of
# epochs is only a question of where to look, and when to stop.
#
# That is so because the learning rate stays the same from the first step to the last.
# A **schedule** lowers it on the way, as it does for most large networks. Then a short
# run is not the beginning of a long one, and the number of epochs is a knob, too.
#
# ## 4. When to stop (9 minutes)
#
# If the best epoch is about 20, then 180 of the 200 epochs were for nothing. Can we
# stop in time, without knowing what comes?
#
# First idea: stop as soon as the validation loss rises. Second idea: wait a little. We
# stop when `patience` epochs in a row have brought no new lowest loss, and keep the
# best epoch so far. This is **early stopping**, and it is eight lines:


# %%
def stop_epoch(val_loss, patience):
    best = 0
    for epoch, loss in enumerate(val_loss):
        if loss < val_loss[best]:
            best = epoch
        if epoch - best == patience:
            return epoch
    return epoch


# %% [markdown]
# **Predict.** With patience 1, the first epoch that is not better ends the training.
# How far does it get? Tell the panel, then it opens. And with 10, 20, 50?

# %%
hk.PatiencePanel(small, long, patience=1, seed=2, predict=True)

# %% [markdown]
# **Do.** Move **patience** up from 1, and read the sentence. **Watch** shows the
# training epoch by epoch. From where on does a larger patience change nothing but the
# time?
#
# Is it only this seed? The same training with another one, and the function that you
# have just read:

# %%
run = hk.fit(small, long, seed=7)
ax = hk.plot_training_curves(run, split="valid")
for patience in (1, 10, 20, 50):
    end = stop_epoch(run.val_loss, patience)
    kept = run.val_loss[: end + 1].min()
    ax.axvline(end, color="#D55E00", lw=1, ls="--")
    ax.text(end + 1, 1, f"patience {patience}", rotation=90, va="top")
    print(f"patience {patience:2}: stops at epoch {end:3}, keeps {kept:.3f}")
print(f"200 epochs : lowest {run.best_val_loss:.3f}, ends at {run.val_loss[-1]:.3f}")

# %% [markdown]
# **What you see.** Patience 1 is too eager. It stops at the first bump, and what it
# keeps is more than five percent above the lowest loss.
# <!-- claim: epochs-patience-one-is-eager --> Patience 20 trains less than half of the
# epochs, and in most seeds keeps a loss within five percent of the lowest.
# <!-- claim: epochs-patience-twenty --> And each of the four keeps a lower loss than
# the one at which the full training ends.
# <!-- claim: epochs-any-patience-beats-the-last -->
#
# Would patience 2 or 3 not be careful enough? Let us look at another training: a spiral
# and a deep network, four layers of 16 units.

# %%
spiral = hk.load_dataset("clean_spiral")
deep = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=200, hidden=(16, 16, 16, 16))
run = hk.fit(spiral, deep)
ax = hk.plot_training_curves(run, split="valid")
ax.axvline(stop_epoch(run.val_loss, 1), color="#D55E00", lw=1, ls="--")
for patience in (1, 2, 20):
    end = stop_epoch(run.val_loss, patience)
    kept = run.val_loss[: end + 1].min()
    times = f"{kept / run.best_val_loss:4.1f} times the lowest"
    print(f"patience {patience:2}: stops at epoch {end:3}, keeps {kept:.3f}, {times}")

# %% [markdown]
# **What you see.** The loss goes down in jerks, with many small rises on the way. The
# first rise means nothing: whoever stops there (dashed line) keeps far more than the
# lowest loss, and it was more than three times as much with each seed that we tried.
# Patience 20 stops before epoch 200, too, but late: in most seeds it keeps the lowest
# loss, or one within five percent of it. <!-- claim: epochs-plateau -->
#
# No patience is right for every training. But the two mistakes are not alike: too much
# patience costs time, too little costs the result.

# %%
ex.choose_patience

# %%
answer = ...
ex.choose_patience.check(answer)

# %%
# ex.choose_patience.hint()
# ex.choose_patience.solution()

# %% [markdown]
# ## 5. Longer, shorter, enough (3 minutes)
#
# How long is "long enough"? Look where the best epoch stands:
#
# - in the **last quarter** of the epochs: the loss was still falling. *Train longer.*
# - in the **first tenth**: nearly everything came after it. *Shorter is enough.*
# - in between: *enough*.

# %%
ex.how_long

# %%
answer = ...
ex.how_long.check(answer)

# %%
# ex.how_long.hint()
# ex.how_long.solution()

# %% [markdown]
# ## 6. Four questions (2 minutes)

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - Too few epochs stop too early: on moons 100 got lower than 30, and 30 lower than
#   10. <!-- claim: epochs-too-few -->
# - With 50 noisy points and a large network the training loss goes on down, and the
#   validation loss nearly always climbs to more than 1.5 times its lowest point.
#   <!-- claim: epochs-training-goes-on epochs-validation-climbs -->
# - On new points the network of the best epoch has a lower loss than that of the last.
#   <!-- claim: epochs-best-wins-on-new-points -->
# - At a constant learning rate a short run is the beginning of the long one. So train
#   long enough, and keep the best epoch.
#   <!-- claim: epochs-same-beginning epochs-lowest-never-rises -->
# - Early stopping with patience 1 stops at a bump; with patience 20 it saved more than
#   half of the 200 epochs, at nearly no cost in most seeds.
#   <!-- claim: epochs-patience-one-is-eager epochs-patience-twenty epochs-plateau -->
#
# ## Where to read on
#
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), section 5.2
#   (over-fitting), 7.8 (early stopping; figure 7.3 is our chart).
# - L. Prechelt, *Early Stopping - But When?* (1998), in the book *Neural Networks:
#   Tricks of the Trade*: how patient to be.
# - A. Zhang, Z. Lipton, M. Li, A. Smola, *Dive into Deep Learning* (2023), section
#   5.5.3: early stopping and noisy points.
# - All words of this lesson are in the [glossary](glossary.md).
#
# **Next:** [05 Choosing by validation](05_choosing_by_validation.ipynb).
