# %% [markdown]
# # Beyond the grid
#
# You have a budget: so many epochs, so much time, no more. A grid spends it evenly,
# like a careful farmer who sows every field the same. There are cleverer ways. One
# throws dice. One sends the weak ones home early. One learns from what it has seen. And
# one way is to notice that two knobs are the same knob.
#
# None of them is magic, and each has a place where it fails. You will see both.
#
# **About 50 minutes.** When you are through, you can
#
# - say when random draws beat a grid, and when they do not,
# - stop weak runs early with successive halving, and know whom that hurts,
# - see that learning rate, momentum and batch size work on one thing,
# - let Optuna search for you,
# - compare searches fairly: same budget, several races.

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
space = {"batch_size": [16, 32, 64, 128], "momentum": [0, 0.5, 0.9]}

# %% [markdown]
# ## 1. Nine runs (10 minutes)
#
# Two hyperparameters, and time for nine runs. One is the learning rate. The other is
# the **weight decay**, which pulls all weights a little towards zero at every step.
# `hk.log_uniform(1e-4, 10)` is a range to draw from, in which each power of ten is as
# likely as any other.
#
# **Predict.** A 3 x 3 grid, or nine random draws? Which one gets to the lower loss, and
# why?

# %%
grid = hk.grid_search(
    moons, base, lr=[1e-4, 0.0316, 10], weight_decay=[1e-7, 3.16e-6, 1e-4]
)
dice = hk.random_search(moons, base, n_trials=9, lr=any_lr, weight_decay=any_decay)
for name, found in {"grid": grid, "random": dice}.items():
    loss, rates = found.mean_val_loss.min(), len(set(found.values("lr")))
    print(f"{name:6}: {rates} different learning rates, lowest loss {loss:.3f}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True, layout="constrained")
scale = {"norm": "log", "vmin": 0.1, "vmax": 0.7}  # 0.7 is about where training starts
for ax, name, found in zip(axes, ("grid", "random"), (grid, dice), strict=True):
    lrs, decays, loss = *map(found.values, ("lr", "weight_decay")), found.mean_val_loss
    dots = ax.scatter(lrs, decays, 90, loss, cmap="YlGnBu_r", ec="black", **scale)
    ax.plot(lrs, [4e-8] * 9, "|", ms=22, mew=2, color="#D55E00")
    ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="weight decay")
    said = f"{name}: nine runs, {len(set(lrs))} learning rates"
    hk.alt_text(ax, said).set(title=said, xlim=(5e-5, 20), ylim=(2e-8, 3e-4))
bar = fig.colorbar(dots, ax=axes, label="lowest validation loss", format="%g")
bar.set_ticks([0.1, 0.2, 0.3, 0.5, 0.7])
bar.minorticks_off()

# %% [markdown]
# Dark is a low loss, as on the maps; both halves have the same colors, those of the
# bar. The ticks at the bottom are the shadows of the nine points on the learning rate's
# axis. The grid has three, and each is used three times. The dice have nine.
#
# One draw may be luck. So let us draw nine settings twenty times.

# %%
many = hk.random_search(moons, base, n_trials=180, lr=any_lr, weight_decay=any_decay)
nine = many.mean_val_loss.reshape(20, 9).min(1)
wins = (nine < grid.mean_val_loss.min()).sum()
print(f"Nine random runs beat the 3 x 3 grid in {wins} of 20 draws.")

# %% [markdown]
# **What you see.** Here the dice nearly always win.
# <!-- claim: random-beats-grid-here --> The reason is in the data: on the moons such
# small weight decays hardly change the loss.
# <!-- claim: weight-decay-hardly-matters --> So the grid has spent nine runs on three
# tries. It did not know which of the two matters. Nobody does, beforehand; that is the
# point. Random draws are not careless. They are insurance against a knob that does
# nothing.

# %% [markdown]
# ### Not always
#
# **Predict.** Same race, but the learning rates go from 0.0001 to 1 only. The grid then
# has 0.0001, 0.01 and 1. Do the dice win again?

# %%
grid = hk.grid_search(moons, base, lr=[1e-4, 0.01, 1], weight_decay=[1e-7, 3e-6, 1e-4])
many = hk.random_search(
    moons, base, n_trials=180, lr=hk.log_uniform(1e-4, 1), weight_decay=any_decay
)
nine = many.mean_val_loss.reshape(20, 9).min(1)
wins = (nine < grid.mean_val_loss.min()).sum()
print(f"Nine random runs beat this grid in {wins} of 20 draws.")

# %% [markdown]
# **What you see.** No. This time the grid happens to hold a very good value, 1, and the
# dice win far less often. <!-- claim: random-not-always --> A grid can be lucky with
# its points, too. If you *know* a good region, a small grid in it is fine. If you do
# not, draw.

# %%
ex.how_many

# %%
answer = ...
ex.how_many.check(answer)

# %%
# ex.how_many.hint()
# ex.how_many.solution()

# %% [markdown]
# ## 2. Send the weak ones home (11 minutes)
#
# Look at a race after one lap. You cannot name the winner yet, but you can name some
# who will not win. So: train 27 settings for one epoch, keep the best 9. Train these on
# to epoch 3, keep the best 3. On to epoch 9, keep one. That one runs to epoch 27. This
# is **successive halving** (here with thirds).
#
# **Predict.** All 27 for 27 epochs would be 729 epochs. What does the halving cost: a
# half, a quarter, a tenth?

# %%
long = small.but(epochs=27)
halving = hk.successive_halving(digits, long, n_trials=27, lr=any_lr)
for rung in halving.rungs:
    print(f"epoch {rung.epoch}: {len(rung.settings)} there, {len(rung.kept)} go on")

full = hk.random_search(digits, long, n_trials=27, lr=any_lr)  # the same 27, to the end
chosen = full.mean_val_loss[full.settings.index(halving.best)]
print(f"\n{halving.cost.epochs} epochs instead of {full.cost.epochs}")
print(
    f"its choice has loss {chosen:.3f}; best of all 27: {full.mean_val_loss.min():.3f}"
)

# %%
fig, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
for run in halving.runs:
    ax.plot(np.clip(run.val_loss, 0, 3), "o-", ms=4, alpha=0.7)
ax.set(xlabel="epoch", ylabel="validation loss", xticks=[0, 1, 3, 9, 27])
_ = hk.alt_text(ax, "27 curves: 18 end at epoch 1, 6 at 3, 2 at 9, one goes to 27.")

# %% [markdown]
# Each line is a setting. Most of them end early, at epoch 1: they were sent home.
# (Losses above 3 are drawn at 3.) Is there a line that passes a cut and jumps up
# afterwards? Its learning rate is so large that the training broke later on. The cut
# could not know that.
#
# **What you see.** About a tenth of the epochs, and the choice is within 25 % of the
# best of all 27 in nearly all seeds. <!-- claim: halving-cheap-and-close --> It works
# because on the digits a good learning rate shows itself early.

# %% [markdown]
# ### Slow starters
#
# Now four networks on the spiral, with one, two, three and four hidden layers. Which
# one is best? At first you may look at epoch 3 only.

# %%
layers = [(32,), (16, 16), (16, 16, 16), (16, 16, 16, 16)]
patient = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=80)
nets = hk.grid_search(spiral, patient, hidden=layers, seeds=range(3))
so_far = np.minimum.accumulate(nets.val_loss, axis=2).mean(1)
print("hidden layers      1      2      3      4")
print("epoch  3      ", *(f"{loss:6.3f}" for loss in so_far[:, 3]))

# %% [markdown]
# **Predict.** You keep one, the other three are sent home. Whom do you keep? And who
# will be best at epoch 80?

# %%
print("hidden layers      1      2      3      4")
for epoch in (3, 10, 40, 80):
    print(f"epoch {epoch:2}      ", *(f"{loss:6.3f}" for loss in so_far[:, epoch]))
ratio = so_far[0, 80] / so_far[:, 80].min()
print(f"with one hidden layer: {ratio:.1f} times the best loss at epoch 80")
ax = hk.plot_training_curves(nets, split="valid")

# %% [markdown]
# **What you see.** At epoch 3 the network with one hidden layer leads. At epoch 80 it
# is not the best. The last line says how many times the best loss it has here; in
# nearly all seeds that we tried it was more than one and a half times.
# <!-- claim: slow-starters --> A halving that cuts at epoch 3 and keeps one would have
# kept the wrong one, with full confidence. Deep networks start slowly here, and then
# overtake.
#
# So the first cut must not come before the curves have sorted themselves. When you are
# not sure, look at a few whole curves first.

# %%
ex.first_cut

# %%
answer = ...
ex.first_cut.check(answer)

# %%
# ex.first_cut.hint()
# ex.first_cut.solution()

# %% [markdown]
# ## 3. Two knobs that are one (10 minutes)
#
# A ball that rolls downhill does not stop at every step to look around. It keeps a part
# of its speed. **Momentum** does this for training: with momentum 0.9 each step adds
# 0.9 of the step before.
#
# **Predict.** Learning rate 0.01 is too slow for the digits in ten epochs. We leave it
# as it is and add momentum 0.9. What happens to the curve?

# %%
three = [small.but(lr=0.01), small.but(lr=0.01, momentum=0.9), small.but(lr=0.1)]
runs = [hk.fit(digits, setting, seed=0) for setting in three]
ax = hk.plot_training_curves(runs, split="valid")
for run in runs:
    s = run.setting
    print(
        f"lr {s.lr:<4g} momentum {s.momentum:<3g}  lowest loss {run.best_val_loss:.3f}"
    )

# %% [markdown]
# **What you see.** Learning rate 0.01 with momentum 0.9 ends where learning rate 0.1
# without momentum ends, within 10 %. <!-- claim: momentum-is-a-longer-step -->
#
# The sum says why. If the slope stays the same, the steps add up to
#
# ```text
# 1 + 0.9 + 0.9 x 0.9 + 0.9 x 0.9 x 0.9 + ...  =  1 / (1 - 0.9)  =  10
# ```
#
# times one step. While steps are short, momentum 0.9 works like a learning rate ten
# times as large. With long steps it is the safer of the two: on the digits with batch
# size 16, learning rate 1 breaks with most seeds, 0.1 with momentum 0.9 with few.
# <!-- claim: momentum-breaks-later -->
#
# A batch that is twice as large makes half as many steps (lesson 03). Put together:
# perhaps only *one* number counts, **lr / ((1 - momentum) x batch size)**.
#
# **Predict.** We draw 100 random settings and plot their loss twice: against the
# learning rate, and against that one number. Which picture is the tidier one?

# %%
rates = hk.log_uniform(1e-3, 1)
cloud = hk.random_search(digits, small, n_trials=100, lr=rates, **space)
lr, size = np.array(cloud.values("lr")), np.array(cloud.values("batch_size"))
momentum = np.array(cloud.values("momentum"))
number = lr / ((1 - momentum) * size)
loss = np.clip(cloud.mean_val_loss, 0, 3)

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained", sharey=True)
names = "learning rate", "lr / ((1 - momentum) x batch size)"
for ax, name, x in zip(axes, names, (lr, number), strict=True):
    curve = np.polyfit(np.log(x), np.log(loss), 3)
    left = np.var(np.log(loss) - np.polyval(curve, np.log(x))) / np.var(np.log(loss))
    ax.loglog(x, loss, "o", alpha=0.7)
    ax.set(xlabel=name, title=f"explains {1 - left:.0%} of the differences in loss")
    hk.alt_text(ax, f"100 dots, loss against {name}; explains {1 - left:.0%}.")
_ = axes[0].set_ylabel("lowest validation loss")

# %% [markdown]
# **What you see.** Against the learning rate: a cloud. Against the one number: a curve,
# the U of lesson 02. <!-- claim: one-number-explains-most --> Three knobs, and mostly
# one thing that they do. Whoever tunes them one at a time turns the same knob three
# times. Whoever puts four learning rates, four batch sizes and three momenta into a
# grid pays for 4 x 4 x 3 = 48 runs, for what is mostly one knob.
#
# With many hyperparameters a map is no help any more. Then draw **parallel
# coordinates**: each line is a setting, each vertical scale a hyperparameter, the last
# one is the loss.

# %%
ax = hk.plot_parallel(cloud)

# %% [markdown]
# **Say what you see.** Follow the five best, the lines in color, from the left to the
# right. Do they share one learning rate? One batch size? Or a combination?
#
# **Predict.** We compute the one number for these five. How far are they apart? And all
# hundred?

# %%
for i in cloud.mean_val_loss.argsort()[:5]:
    s, loss = cloud.settings[i], cloud.mean_val_loss[i]
    print(f"loss {loss:.3f}: lr {s.lr:.3f}, batch size {s.batch_size:3}, "
          f"momentum {s.momentum:<3g}: number {number[i]:.4f}")  # fmt: skip
print(f"all hundred: numbers from {number.min():.5f} to {number.max():.2f}")

# %% [markdown]
# **What you see.** A combination. The five numbers lie within a factor of ten of each
# other, all hundred span more than a factor of a thousand.
# <!-- claim: best-share-one-number --> If some of the five have a batch size or a
# momentum in common, that is chance: another one would have done as well, with a
# learning rate that fits.

# %%
ex.with_momentum

# %%
answer = ...
ex.with_momentum.check(answer)

# %%
# ex.with_momentum.hint()
# ex.with_momentum.solution()

# %% [markdown]
# ## 4. Learn from what you have seen (9 minutes)
#
# Dice have no memory. The twentieth draw knows nothing of the nineteen before. A
# **Bayesian search** remembers: it asks after each run where good results are more
# likely, and looks there more often, but not only there. A well-known tool for it is
# *Optuna*. This is its own language, as you would write it in any project:

# %%
import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    lr = trial.suggest_float("lr", 1e-4, 10, log=True)
    batch_size = trial.suggest_categorical("batch_size", [16, 32, 64, 128])
    run = hk.fit(digits, small.but(lr=lr, batch_size=batch_size), seed=0)
    return min(run.best_val_loss, 10)  # a loss that is no number would stop it


# %%
study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
study.optimize(objective, n_trials=30)
lr, batch_size = study.best_params.values()
print(f"best: lr {lr:.3g}, batch size {batch_size}, loss {study.best_value:.3f}")

# %% [markdown]
# The first ten trials are random. From then on Optuna's rule, TPE, proposes.
#
# **Predict.** Plot the proposed learning rates in their order. How will the right part
# of the chart differ from the left?

# %%
rates = [trial.params["lr"] for trial in study.trials]
fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
ax.semilogy(rates, "o", ms=8)
ax.axvline(9.5, color="gray", ls="--")
ax.axhline(study.best_params["lr"], color="#D55E00")
ax.set(xlabel="trial", ylabel="proposed learning rate")
far = np.abs(np.log10(np.array(rates) / study.best_params["lr"]))
for name, part in {"first ten trials": far[:10], "later ones": far[10:]}.items():
    print(f"{name:16}: {(part < np.log10(3)).mean():.0%} within a factor of 3 of the "
          f"best, typical distance {np.median(part):.2f} powers of ten")  # fmt: skip
_ = hk.alt_text(ax, "30 proposed learning rates in their order; the best as a line.")

# %% [markdown]
# **What you see.** Left of the dashed line the dots are everywhere. Right of it more of
# them lie near the best learning rate, the orange line: in nearly all seeds their
# typical distance from it is smaller than before. <!-- claim: tpe-narrows --> More, not
# all. TPE goes on trying far ones, too, a factor of ten away or more.
# <!-- claim: tpe-goes-on-trying --> It must: what it has not tried it cannot know.
#
# `hk.from_optuna(study, digits, small)` makes a search of hpkit out of it, for all the
# pictures you know, and `hk.bayesian_search` does it all in one call.

# %%
ex.optuna_study

# %%
answer = ...
ex.optuna_study.check(answer)

# %%
# ex.optuna_study.hint()
# ex.optuna_study.solution()

# %% [markdown]
# ## 5. The race (10 minutes)
#
# Four searches, three hyperparameters, the same budget of at most 160 epochs.
#
# **Predict.** Put them in order: grid, random, halving, Bayesian.

# %%
seed = 0
few = {"lr": [0.001, 0.01, 0.1, 1], "batch_size": [16, 64], "momentum": [0, 0.9]}
every = {"lr": hk.log_uniform(1e-3, 1), **space}
draw = {"search_seed": seed, "seeds": [seed], **every}
long = small.but(epochs=27)
race = {
    "grid": hk.grid_search(digits, small, seeds=[seed], **few),
    "random": hk.random_search(digits, small, n_trials=16, **draw),
    "halving": hk.successive_halving(digits, long, n_trials=36, **draw),
    "Bayesian": hk.bayesian_search(digits, small, n_trials=16, **draw),
}

# %%
ax = hk.plot_best_so_far(race)
default = hk.fit(digits, small, seed=seed).best_val_loss
lowest = {name: found.mean_val_loss.min() for name, found in race.items()}
print(f"for comparison, the default setting: {default:.3f}")
for name, loss in lowest.items():
    epochs, share = race[name].cost.epochs, loss / default
    print(f"{name:8} {epochs:4} epochs  {loss:.3f}, {share:.0%} of the default's loss")
print(f"the worst is {max(lowest.values()) / min(lowest.values()):.2f} times the best")

# %% [markdown]
# **What you see.** All four end far below the default: the lines above say how far. In
# nearly all seeds that we tried each of them got below a quarter of its loss.
# <!-- claim: race-all-far-below-the-default --> And they end close together: the worst
# is rarely more than 1.4 times the best. <!-- claim: race-close --> Write another
# `seed` into the first line and run the two cells again: over many seeds the winner
# changes. <!-- claim: race-winner-changes -->
#
# So which one? Any, rather than none. What you search, over which range, on which scale
# and with how many seeds counts more than the name of the search.
#
# In the panel the race is about learning rate and weight decay, as in section 1. Each
# search has 81 epochs, and a whole run has nine of them. The panel runs many races,
# each time with other seeds.

# %%
hk.SearchRacePanel(digits, small.but(epochs=9), races=10, predict=True)

# %% [markdown]
# **Do.** Place your bet. Press **Start** for ten races. Read the sentence: who was
# lowest, how often did random beat the grid? At the right the best settings of race 1
# are in color: where do they lie? Then set the budget to 243. What changes for the
# grid?

# %% [markdown]
# **What you see.** The order, and what it is worth:
#
# - **The grid** stays behind in most races: with 81 epochs it has three learning rates,
#   the bad ones of section 1. <!-- claim: race-badly-placed-grid -->
# - **Halving** is lowest most often. <!-- claim: race-halving-lowest --> That is no
#   magic. For the same 81 epochs it looks at 35 settings, all others at nine, and on
#   the digits a good learning rate shows itself early. It begins with the very draws of
#   the random search, and adds more: so the two often tie.
# - **Bayes** has not begun to learn: its first ten trials are random, and here it has
#   nine.
# - So always halving? Look at *how far* the others are behind. Random draws and Bayes
#   end within a quarter of the best in more than half of the races. With 243 epochs the
#   grid has five learning rates, Bayes has begun to learn, and nearly always all four
#   end within that quarter. <!-- claim: race-others-close --> And remember the slow
#   starters: there the first cut sends the winner home.
#
# ### A short guide
#
# - One or two hyperparameters, and a good guess of the region: a small **grid**.
# - Three or more, and no idea which one matters: **random draws**.
# - Many settings, and curves that show early who is good: **successive halving**.
# - Trainings that take long, one after the other: a **Bayesian search**.
# - Two knobs that do the same thing: fix one of them.

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - Nine random runs try nine learning rates, a 3 x 3 grid tries three. Here that
#   decides. <!-- claim: random-beats-grid-here --> With other points of the grid it
#   does not. <!-- claim: random-not-always -->
# - Halving finds a good learning rate for about a tenth of the epochs.
#   <!-- claim: halving-cheap-and-close --> It loses slow starters when it cuts too
#   early. <!-- claim: slow-starters -->
# - While steps are short, momentum 0.9 works like a learning rate ten times as large;
#   with long ones it breaks later. One number, lr / ((1 - momentum) x batch size),
#   explains most of the loss.
#   <!-- claim: momentum-is-a-longer-step momentum-breaks-later -->
#   <!-- claim: one-number-explains-most -->
# - Optuna's TPE gathers its trials where the good ones were.
#   <!-- claim: tpe-narrows -->
# - With the same budget, and a grid that holds good values, all searches end close
#   together, and far below no search at all.
#   <!-- claim: race-close race-all-far-below-the-default -->
#
# ## Where to read on
#
# - J. Bergstra, Y. Bengio, *Random search for hyper-parameter optimization*, JMLR 13
#   (2012): figure 1 is the picture of section 1.
# - K. Jamieson, A. Talwalkar, *Non-stochastic best arm identification and
#   hyperparameter optimization* (2016): successive halving.
# - L. Li and others, *Hyperband*, JMLR 18 (2018): what to do about the first cut.
# - J. Bergstra and others, *Algorithms for hyper-parameter optimization* (2011): TPE.
#   T. Akiba and others, *Optuna* (2019).
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), section 8.3.2
#   (momentum), 11.4.4 (random search).
# - Words that are new to you are in the [glossary](glossary.md).
#
# **Next:** [10 The capstone](10_capstone.ipynb).
