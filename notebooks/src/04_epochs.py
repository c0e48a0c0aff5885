# %% [markdown] words=1120 teaser="Can training longer hurt?"
# # Epochs
#
# You prepare for an exam with 50 old questions. Going through the pile once is an
# **epoch**. At first you know too little. Then you begin to *understand*: you could
# answer new questions, too. And if you go on and on?
#
# **About 35 minutes.** By the end you'll be able to
#
# - see in a training curve whether a run was too short, too long, or right,
# - say how early stopping works, and choose its patience,
# - say why the number of epochs need not be searched like a learning rate.

# %%
import hpkit as hk
import numpy as np
import torch
from torch.nn.functional import cross_entropy
from hpkit.exercises import lesson_04_epochs as ex

moons, small = hk.load_dataset("moons"), hk.load_dataset("small_moons")
long = hk.Hyperparameters(0.1, 10, 200, momentum=0.9, hidden=(64, 64))

# %% [markdown]
# ## 1. Studying for an exam (6 minutes)
#
# **Predict.** On moons, how much does the loss still fall between epoch 10 and 30? And
# between 30 and 100?
#
# **Do.** Set the epochs to 10, 30 and 100, and read the lowest loss each time.

# %%
hk.TrainingPanel(moons, hk.Hyperparameters(lr=0.1, epochs=10), controls=("epochs",))

# %% [markdown]
# **What you see: longer is lower, here.** Both lines go down together; from 30 to 100
# the loss still falls by about half. Stopping at epoch 10 misses that:
# *under-training*. <!-- claim: epochs-too-few -->
#
# ## 2. On and on (9 minutes)
#
# Now a harder pile, `small_moons`: only **50** training points, and noisy ones. The
# network is large, two layers of 64 units; *momentum* makes its training quicker
# (lesson 09).
#
# **Predict.** What will the *validation* loss do over 200 epochs? Draw it.
#
# **Do.** Move the slider **Epoch of the map** from the ring to the end.

# %%
hk.TrainingPanel(small, long, controls=("epochs",), seed=2, predict="draw")

# %% [markdown]
# **What you see: down, then up.** The training loss ends below where it was at the
# ring. <!-- claim: lower-training-higher-validation --> But the validation loss has
# turned and climbed, to more than twice its lowest point.
# <!-- claim: epochs-lowest-never-rises --> The boundary bends around single points,
# until all 50, or nearly all, lie on their own color. <!-- claim: epochs-by-heart -->
# You know the old answers **by heart**, and are sure even where you are wrong:
# **overfitting**. <!-- claim: epochs-sure-and-wrong -->
#
# **Predict.** Which has the lower loss on 200 new points, the network at the ring or
# the one at the end?

# %%
run = hk.fit(small, long, seed=2)
new = hk.load_dataset("small_moons", seed=99).valid  # drawn anew
for epoch in ("best", "last"):
    answers = torch.tensor(run.outputs(new.X, epoch))
    loss = cross_entropy(answers, torch.tensor(new.y))
    print(f"{epoch} epoch, loss on new points: {loss:.2f}")

# %% [markdown]
# **What you see: at the ring, the best epoch.** The validation loss told us so
# beforehand. <!-- claim: epochs-best-wins-on-new-points -->

# %%
ex.best


# %%
def best_epoch(val_loss):
    return ...


ex.best.check(best_epoch)

# %% [markdown]
# ## 3. Not a knob to tune (6 minutes)
#
# You could treat the epochs like the learning rate: train with 5, 10, up to 200, and
# take the best.
#
# **Predict.** One line is the loss at the *best epoch* of each run, the other after its
# *last epoch*. One of them can never go up. Which?

# %%
lengths = [5, 10, 20, 50, 100, 200]
curve = hk.validation_curve(
    small, long, param_name="epochs", param_range=lengths, seeds=range(3)
)
ax = hk.plot_validation_curve(curve)

# %% [markdown]
# **What you see: best epoch.** It goes down and stays there; *last epoch* ends at more
# than twice its loss. <!-- claim: epochs-lowest-never-rises -->
#
# **Predict.** Are the first 50 epochs of a long run the same as a run of 50?

# %%
short, full = hk.fit(small, long.but(epochs=50)), hk.fit(small, long)
print("the same?", np.allclose(short.val_loss, full.val_loss[:51], rtol=1e-3))

# %% [markdown]
# **What you see: yes.** The short run *is* the beginning of the long one:
# <!-- claim: epochs-same-beginning --> that is why *best epoch* never goes up.

# %% [markdown]
# So train once, long enough, and **keep the best epoch**: `run.best_epoch`,
# `run.network("best")`. Each learning rate needs a run of its own; the number of epochs
# is only a question of where to look. This works while the learning rate stays the
# same. Where a **schedule** lowers it on the way, as for most large networks, the
# number of epochs is a knob, too (lesson 12).
#
# ## 4. When to stop (9 minutes)
#
# The best epoch was about 20: the other 180 were for nothing. Can we stop in time,
# without knowing what comes?
#
# Stop when `patience` epochs in a row have brought no new lowest loss, and keep the
# best epoch so far. This is **early stopping**:


# %%
def stop_epoch(val_loss, patience):
    best = 0
    for epoch, loss in enumerate(val_loss):
        if loss < val_loss[best]:
            best = epoch
        if epoch - best == patience:
            return epoch
    return epoch


stop_epoch([0.9, 0.5, 0.7, 0.6, 0.4], patience=2)  # where it stops; it keeps epoch 1

# %% [markdown]
# **Predict.** With patience 1, the first epoch that is not better ends the training.
# When is that? Tell the panel.
#
# **Do.** Move **patience** from 1 to 10, 20 and 50, and read the sentence. Which of the
# four is the first that keeps the lowest loss, or nearly?

# %%
hk.PatiencePanel(small, long, patience=1, seed=2, predict=True)

# %% [markdown]
# **What you see: 1 is too eager.** It stops at the first bump, and keeps a loss more
# than five percent above the lowest. <!-- claim: epochs-patience-one-is-eager --> Here
# 10 is enough; more only costs time. <!-- claim: epochs-patience-ten --> All four keep
# a lower loss than the full training ends with.
# <!-- claim: epochs-any-patience-beats-the-last -->
#
# Now a deep network on a spiral of two arms.
#
# **Predict.** Is a patience of 2 or 3 enough?
#
# **Do.** Move **patience** from 1 to 2, 3 and 20.

# %%
spiral = hk.load_dataset("clean_spiral")
deep = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=200, hidden=(16, 16, 16, 16))
hk.PatiencePanel(spiral, deep, patience=1)

# %% [markdown]
# **What you see: 2 and 3 are too eager.** The loss falls, but with many small bumps.
# Here patience 2 keeps a loss sixteen times the lowest, patience 3 four times; with
# most seeds both keep over 1.5 times. Patience 20 stops late, but keeps a loss within
# five percent of the lowest. <!-- claim: epochs-plateau -->
#
# No patience is always right. But too much only costs time; too little costs the
# result.

# %%
ex.choose_patience

# %%
answer = ...
ex.choose_patience.check(answer)

# %% [markdown]
# ## 5. Longer, shorter, enough (3 minutes)

# %%
ex.how_long

# %%
answer = ...
ex.how_long.check(answer)

# %% [markdown]
# ## 6. Four questions (2 minutes)

# %%
ex.quiz

# %%
hk.progress(4)

# %% [markdown]
# ## What you saw
#
# - Too few epochs stop while the loss still falls; too many may learn the points by
#   heart.
# - At a constant learning rate, train once, long enough, and keep the best epoch.
# - Patience 1 stops at a bump; on `small_moons` patience 20 saved more than half of
#   the 200 epochs, with most seeds at nearly no cost.
#   <!-- claim: epochs-patience-twenty -->
#
# ## Further reading
#
# - I. Goodfellow and others, *Deep Learning* (2016), section 5.2 (overfitting), 7.8
#   (early stopping).
# - L. Prechelt, *Early Stopping - But When?* (1998): how patient to be.
# - A. Zhang and others, *Dive into Deep Learning* (2023), section 5.5.3: early
#   stopping.
# - All words of this lesson: [glossary](glossary.md).
