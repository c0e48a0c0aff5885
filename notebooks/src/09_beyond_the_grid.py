# %% [markdown] words=1690 teaser="For when all combinations cost too much."
# # Beyond the grid
#
# You have a budget: so many epochs, and no more. A grid spends it evenly, like a farmer
# who sows every field alike. There are cleverer ways. None is magic: each fails
# somewhere.
#
# **About 45 minutes.** By the end you'll be able to
#
# - say when random draws beat a grid,
# - stop weak runs early, and know what that can lose,
# - say what learning rate, momentum and batch size have in common,
# - let Optuna search for you.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
import numpy as np
from hpkit.exercises import lesson_09_beyond_the_grid as ex

moons, digits = hk.load_dataset("moons"), hk.load_dataset("digits")
spiral = hk.load_dataset("clean_spiral")
base = hk.Hyperparameters(epochs=30)  # for the moons
small = hk.Hyperparameters(epochs=10, hidden=(32,))  # for the digits
any_lr, any_decay = hk.log_uniform(1e-4, 10), hk.log_uniform(1e-7, 1e-4)
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})  # no box

# %% [markdown]
# ## 1. The race (9 minutes)
#
# Four searches look for a learning rate and a **weight decay**, a small pull of all
# weights toward zero. Each may spend 81 epochs; a whole run takes nine.
#
# - **Grid**: every pair of three learning rates and three weight decays.
# - **Random**: nine draws; each power of ten is as likely as any other.
# - **Halving**: many draws for one epoch, the best third for longer, and so on.
# - **Bayes**, a Bayesian search: draws at first, then looks where good results are more
#   likely.
#
# **Predict.** Which one will be lowest most often? Place your bet.
#
# **Do.** Press **Start** for ten races, each with other seeds. Who was lowest? Then set
# the budget to 243: what changes for the grid?

# %%
hk.SearchRacePanel(digits, small.but(epochs=9), races=10, predict=True)

# %% [markdown]
# **What you see: look early, look wide.** With 81 epochs:
#
# - **The grid** stays far behind: section 2 says why.
#   <!-- claim: race-badly-placed-grid -->
# - **Halving** is lowest most often: it looks at 35 settings, the others at nine. It
#   begins with random's draws, so the two often tie.
#   <!-- claim: race-halving-lowest -->
# - **Bayes** hasn't begun to learn: its first ten trials are random, and it has nine.
#   Section 5 gives it thirty.
# - Must it be halving? In more than half of the races random and Bayes end within a
#   quarter of the best.
# - **With 243 epochs** all four nearly always come that close.
#   <!-- claim: race-others-close --> The grid now has five learning rates, 0.56 among
#   them, yet is hardly ever lowest. <!-- claim: race-grid-catches-up -->
#
# ## 2. Nine runs (7 minutes)
#
# **Predict.** Now the moons: a 3 x 3 grid against nine draws, twenty times over. How
# often do the draws end lower, and why?

# %%
spread = {"lr": [1e-4, 0.0316, 10], "weight_decay": [1e-7, 3.16e-6, 1e-4]}
grid = hk.grid_search(moons, base, **spread)
dice = hk.random_search(moons, base, n_trials=9, lr=any_lr, weight_decay=any_decay)
print(f"grid {grid.mean_val_loss.min():.3f}, random {dice.mean_val_loss.min():.3f}")

# %% tags=["drawing"]
# Nine runs as dots, and their shadows on the axis of the learning rate
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True, layout="constrained")
for ax, name, found in zip(axes, ("grid", "random"), (grid, dice), strict=True):
    lr, decay, loss = *map(found.values, ("lr", "weight_decay")), found.mean_val_loss
    look = {"cmap": "YlGnBu_r", "ec": "black", "norm": "log", "vmin": 0.1, "vmax": 0.7}
    dots = ax.scatter(lr, decay, 90, loss, **look)
    ax.plot(lr, [4e-8] * 9, "|", ms=22, mew=2, color="#D55E00")
    ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="weight decay")
    said = f"{name}: nine runs, {len(set(lr))} learning rates"
    hk.alt_text(ax, said).set(title=said, xlim=(5e-5, 20), ylim=(2e-8, 3e-4))
ticks = {"ticks": [0.1, 0.3, 0.7], "format": "%g"}
fig.colorbar(dots, ax=axes, label="lowest validation loss", **ticks).minorticks_off()

# %%
many = hk.random_search(moons, base, n_trials=180, lr=any_lr, weight_decay=any_decay)
nine = many.mean_val_loss.reshape(20, 9).min(1)
print("random wins", (nine < grid.mean_val_loss.min()).sum(), "of 20 times")

# %% [markdown]
# **What you see: nine tries against three.** Here random nearly always wins:
# <!-- claim: random-beats-grid-here --> on the moons such a small weight decay hardly
# changes the loss, <!-- claim: weight-decay-hardly-matters --> so only the learning
# rate counts. Nobody knows beforehand which knob does nothing: random draws are
# insurance.
#
# **Predict.** Now only up to learning rate 1. The grid has 0.0001, 0.01 and 1. Does
# random win again?

# %%
narrow = hk.grid_search(moons, base, **spread | {"lr": [1e-4, 0.01, 1]})
to_one = {"lr": hk.log_uniform(1e-4, 1), "weight_decay": any_decay}
draws = hk.random_search(moons, base, n_trials=180, **to_one)
lowest = draws.mean_val_loss.reshape(20, 9).min(1)
print("random wins", (lowest < narrow.mean_val_loss.min()).sum(), "of 20 times")

# %% [markdown]
# **What you see: only once.** This grid happens to hold a very good value, 1, so random
# wins far less often than before. <!-- claim: random-not-always --> If you *know* a
# good region, put a small grid in it. If you don't, draw.

# %%
ex.how_many

# %%
answer = ...
ex.how_many.check(answer)

# %% [markdown]
# ## 3. Send the weak ones home (9 minutes)
#
# After one lap of a race you can't name the winner, but you can name some losers. So
# train 27 settings for one epoch and keep the best 9; train these to epoch 3 and keep
# 3; to epoch 9, and keep one, which runs to epoch 27. That is **successive halving**,
# here with thirds.
#
# **Predict.** All 27 for 27 epochs make 729 epochs. What does the halving cost: half, a
# quarter, a tenth?

# %%
long = small.but(epochs=27)
halving = hk.successive_halving(digits, long, n_trials=27, lr=any_lr)
full = hk.random_search(digits, long, n_trials=27, lr=any_lr)  # all 27, to the end
chosen = full.mean_val_loss[full.settings.index(halving.best)]
print(f"{halving.cost.epochs} epochs instead of {full.cost.epochs}")
print(f"its choice: {chosen:.3f}; best of all 27: {full.mean_val_loss.min():.3f}")

# %% tags=["drawing"]
# The 27 curves of the halving; losses above 3 are drawn at 3, the early epochs wider
fig, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
colors = {1: "#AAAAAA", 3: "#E69F00", 9: "#009E73", 27: "#0072B2"}
for end, color in colors.items():
    ended = [run.val_loss for run in halving.runs if run.epochs_done == end]
    lines = ax.plot(np.clip(ended, 0, 3).T, "o-", ms=4, color=color, zorder=end)
    lines[0].set_label(f"{len(ended)} until epoch {end}")
ax.legend(frameon=False)
ax.set_xscale("function", functions=(np.log1p, np.expm1))
ax.set(xlabel="epoch", ylabel="validation loss", xticks=[0, 1, 3, 9, 27])
_ = hk.alt_text(ax, "27 curves: 18 end at epoch 1, 6 at 3, 2 at 9, one goes to 27.")

# %% [markdown]
# **What you see: about a tenth of the epochs.** And its choice is within 25% of the
# best of all 27; here it is the best. <!-- claim: halving-cheap-and-close --> On the
# digits a good learning rate shows itself early.
#
# ### Four networks
#
# On a spiral, with one to four hidden layers:

# %%
layers = [(32,), (16, 16), (16, 16, 16), (16, 16, 16, 16)]
patient = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=80)
nets = hk.grid_search(spiral, patient, hidden=layers, seeds=range(3))
so_far = np.minimum.accumulate(nets.val_loss, axis=2).mean(1)
print("layers:      1     2     3     4")
print("epoch  3:", *map("{:.3f}".format, so_far[:, 3]))

# %% [markdown]
# **Predict.** Which one do you keep? And which is best at epoch 80?

# %%
print("layers:      1     2     3     4")
for epoch in (3, 10, 20, 80):
    print(f"epoch {epoch:2}:", *map("{:.3f}".format, so_far[:, epoch]))
ax = hk.plot_training_curves(nets, split="valid")

# %% [markdown]
# **What you see: the leader loses.** At epoch 3 the network with one hidden layer
# leads. At epoch 80 its loss is four times the best or more.
# <!-- claim: slow-starters --> A cut at epoch 3 throws out the slow starters and never
# notices. So look at a few whole curves before you cut.

# %%
ex.first_cut

# %%
answer = ...
ex.first_cut.check(answer)

# %% [markdown]
# ## 4. Three knobs in one (9 minutes)
#
# A ball that rolls downhill doesn't stop at every step to look around. **Momentum**
# keeps training rolling: with 0.9, each step adds 0.9 of the step before.
#
# On the digits learning rate 0.01 is too slow: in ten epochs the loss only falls from
# about 2.4 to 1.8.
#
# **Predict.** Same learning rate, momentum 0.9. Draw the validation loss.
#
# **Do.** **Pin** the curve. Then set the momentum to 0. Which learning rate ends at
# about the same loss?

# %%
rolling = small.but(lr=0.01, momentum=0.9)
hk.TrainingPanel(digits, rolling, controls=("lr", "momentum"), predict="draw")

# %% [markdown]
# **What you see: a longer step.** Learning rate 0.01 with momentum 0.9 ends where 0.1
# ends without, within 10%. <!-- claim: momentum-is-a-longer-step --> While the slope
# stays the same, the steps add up to 1 + 0.9 + 0.9 x 0.9 + ... = 1 / (1 - 0.9) = 10
# times one step.
#
# A batch twice as large makes half as many steps. So perhaps only *one* number counts:
# **lr / ((1 - momentum) x batch size)**.
#
# **Predict.** 100 random settings, plotted against the learning rate, and against that
# number. Which picture is tidier?

# %%
space = {"batch_size": [16, 32, 64, 128], "momentum": [0, 0.5, 0.9]}
cloud = hk.random_search(
    digits, small, n_trials=100, lr=hk.log_uniform(1e-3, 1), **space
)
rows = cloud.settings
number = np.array([s.lr / ((1 - s.momentum) * s.batch_size) for s in rows])

# %% tags=["drawing"]
# Loss against the learning rate, and against the one number
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained", sharey=True)
names = "learning rate", "lr / ((1 - momentum) x batch size)"
loss = np.clip(cloud.mean_val_loss, 0, 3)
for ax, name, x in zip(axes, names, (cloud.values("lr"), number), strict=True):
    curve = np.polyval(np.polyfit(np.log(x), np.log(loss), 3), np.log(x))
    share = 1 - np.var(np.log(loss) - curve) / np.var(np.log(loss))
    ax.loglog(x, loss, "o", color="#0072B2", alpha=0.7)
    ax.set(xlabel=name, title=f"a smooth curve explains {share:.0%} of the loss")
    hk.alt_text(ax, f"100 dots, loss against {name}; a curve explains {share:.0%}.")
axes[0].set(ylabel="lowest validation loss", yticks=[0.2, 0.5, 1, 2])
_ = axes[0].yaxis.set(major_formatter="{x:g}", minor_locator=plt.NullLocator())

# %% [markdown]
# **What you see: a cloud becomes a curve.** It is the U of lesson 02: know the one
# number, and you nearly know the loss. <!-- claim: one-number-explains-most --> Here
# the three knobs are mostly one, and a grid of 4 x 4 x 3 pays 48 runs for it. Not
# everywhere: on the spiral, with 20 epochs of batch size 64, momentum 0.9 brings the
# best loss down by about half. Where steps are few, momentum allows longer ones.
# <!-- claim: momentum-when-steps-are-few -->
#
# **Parallel coordinates** show many hyperparameters at once: each line is a setting,
# the last scale is the loss.
#
# **Predict.** What do the five best, in color, share: a learning rate, a batch size, or
# a combination?

# %%
ax = hk.plot_parallel(cloud)
five = cloud.mean_val_loss.argsort()[:5]
rates = np.array(cloud.values("lr"))
for name, x in (("learning rate", rates), ("one number", number)):
    print(f"{name}, five best: within a factor of {x[five].max() / x[five].min():.1f}")
print(f"one number, all hundred: a factor of {number.max() / number.min():.0f}")

# %% [markdown]
# **What you see: a combination.** The hundred differ in the one number by more than a
# factor of a thousand. Yet the five best lie closer together in it than in the learning
# rate. <!-- claim: best-share-one-number -->

# %%
ex.with_momentum

# %%
answer = ...
ex.with_momentum.check(answer)

# %% [markdown]
# ## 5. Learn from what you have seen (8 minutes)
#
# Random draws have no memory. A **Bayesian search** remembers. Here is one with
# *Optuna*, as you would write it in any project:

# %%
import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)


# %%
def objective(trial):
    lr = trial.suggest_float("lr", 1e-4, 10, log=True)
    batch_size = trial.suggest_categorical("batch_size", [16, 32, 64, 128])
    run = hk.fit(digits, small.but(lr=lr, batch_size=batch_size), seed=0)
    return run.best_val_loss


# %%
study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
study.optimize(objective, n_trials=30)
print("best:", study.best_params, f"loss {study.best_value:.3f}")

# %% [markdown]
# The first ten trials are random. Then Optuna's rule, TPE, proposes.
#
# **Predict.** Will the later learning rates still stray a factor of ten from the best?

# %% tags=["drawing"]
# The proposed learning rates in their order; the line is the best one
tried = [trial.params["lr"] for trial in study.trials]
fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
ax.semilogy(tried, "o", ms=8, color="#0072B2")
ax.axvline(9.5, color="gray", ls="--")
ax.axhline(study.best_params["lr"], color="#D55E00")
ax.set(xlabel="trial (left of the dashed line: random)", ylabel="learning rate")
ax.yaxis.set(major_formatter="{x:g}", minor_locator=plt.NullLocator())
_ = hk.alt_text(ax, "30 proposed learning rates in their order; the best as a line.")

# %%
far = np.abs(np.log10(tried) - np.log10(study.best_params["lr"]))
for name, part in (("first ten", far[:10]), ("later", far[10:])):
    print(f"{name}: typically a factor of {10 ** np.median(part):.1f} from the best")

# %% [markdown]
# **What you see: closer on the whole.** After the dashed line the typical learning rate
# is closer to the best. <!-- claim: tpe-narrows --> TPE tries more often
# where results were good. It still tries values a factor of ten away or more:
# <!-- claim: tpe-goes-on-trying --> what it hasn't tried, it can't know.
#
# `hk.from_optuna(study, digits, small)` turns the study into an hpkit search, for all
# its charts; `hk.bayesian_search` does it all in one call.

# %%
ex.optuna_study

# %%
answer = ...
ex.optuna_study.check(answer)

# %% [markdown]
# ## 6. Which one? (3 minutes)
#
# What you search, where, and with how many seeds matters more than the search's name.
#
# - One or two hyperparameters, and a good guess of the region: a small **grid**.
# - Three or more, and no idea which one matters: **random draws**.
# - Good settings that show early: **successive halving**.
# - Dozens of runs, one after another: a **Bayesian search**.
# - Two knobs that do the same thing: fix one, tune the other.

# %%
ex.quiz

# %%
hk.progress(9)

# %% [markdown]
# ## What you saw
#
# - Nine random runs try nine learning rates, a 3 x 3 grid three.
#   <!-- claim: random-beats-grid-here --> A grid with a good value in it is as good.
#   <!-- claim: random-not-always -->
# - Halving takes about a tenth of the epochs, <!-- claim: halving-cheap-and-close -->
#   and loses slow starters. <!-- claim: slow-starters -->
# - Over many steps, momentum 0.9 makes each ten times as long;
#   <!-- claim: momentum-is-a-longer-step --> lr / ((1 - momentum) x batch size)
#   explains most of the loss. <!-- claim: one-number-explains-most -->
#
# ## Further reading
#
# - J. Bergstra, Y. Bengio, *Random search for hyper-parameter optimization* (2012):
#   figure 1 is the picture of section 2.
# - L. Li and others, *Hyperband* (2018): when to make the first cut.
# - T. Akiba and others, *Optuna* (2019).
# - New words are in the [glossary](glossary.md).
