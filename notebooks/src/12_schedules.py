# %% [markdown] words=1420 teaser="Draw the learning rate yourself."
# # Schedules
#
# So far the learning rate has been one number from first step to last. Nobody parks a
# car at highway speed. A **schedule** says how the learning rate changes during
# training. You can draw it.
#
# **About 35 minutes.** By the end you'll be able to
#
# - say when a falling learning rate helps,
# - say what warm-up is for,
# - find the region of a good learning rate in seconds,
# - compare two ideas without favoring one,
# - stop weak runs early on many machines.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
import numpy as np
import optuna
import pandas as pd
import torch
from hpkit.exercises import lesson_12_schedules as ex
from torch import nn

digits = hk.load_dataset("digits")
small = hk.Hyperparameters(epochs=10, hidden=(32,))
deep = small.but(hidden=(32, 32, 32, 32), momentum=0.9)

# %% [markdown]
# ## 1. Draw it (7 minutes)
#
# Three schedules for a network with four hidden layers: a constant rate, **cosine**,
# which falls to zero like half a wave, and one that you draw.
#
# **Predict.** All begin at 0.1. Which of the first two ends lower?
#
# **Do.**
#
# 1. Draw on the left chart, with the mouse, or with Tab and the arrow keys. Can you get
#    below cosine? Yours holds each rate for an epoch; cosine changes with every update.
# 2. Start from the shape **constant** and press **Train**. At epoch 5, pull the rest of
#    your curve down to 0.01. What does your loss do?
# 3. Type 0.03 as the learning rate. Which one is ahead now?

# %%
hk.SchedulePanel(digits, deep.but(lr=0.1), predict=True)

# %% [markdown]
# **What you see: the end wants short steps.**
#
# - At 0.1 cosine ends at less than half the constant rate's loss.
#   <!-- claim: decay-calms --> Long steps get you there quickly, but at the end you
#   jump around the bottom of the valley.
# - When you pull the rate down, the loss falls within an epoch.
#   <!-- claim: drop-drops-the-loss --> You can lower a learning rate at any time.
# - At 0.03 the constant rate gets to less than half of cosine's loss.
#   <!-- claim: decay-starves --> Here the steps were never too long. Shortening them
#   only makes you arrive later.
#
# Cosine is made for its end: at epoch 10 a run of 30 epochs isn't where a run of 10 is.
# <!-- claim: cosine-knows-its-end --> So with a schedule, tune the epochs, too.
#
# ## 2. A fair question (6 minutes)
#
# So which one is better? That isn't a fair question: whoever chose the learning rate
# chose the winner. Google's *Deep Learning Tuning Playbook* has words for that. For a
# given question, each hyperparameter is
#
# - **scientific**: you ask what it does. Here the schedule.
# - **nuisance**: it must be tuned for each value of the scientific one. Here the
#   learning rate.
# - **fixed**: it stays, so the answer holds for this value only. Here network, batch
#   size, epochs.
#
# **Predict.** Each schedule may choose among four learning rates. Do they choose the
# same one? Which wins?

# %%
rates = [0.01, 0.03, 0.1, 0.3]
fair = hk.grid_search(
    digits, deep, schedule=["constant", "cosine"], lr=rates, seeds=range(10)
)
ax = hk.plot_grid(fair)

# %% [markdown]
# **What you see: each has its own best rate.** The constant rate does best with 0.03,
# cosine with 0.1. <!-- claim: decay-moves-the-best --> With each at its best, cosine
# usually wins. <!-- claim: cosine-at-its-best -->
#
# **Predict.** The same question for `small`, with one hidden layer: does cosine win
# again?

# %%
rates, both = [0.3, 0.5, 0.7, 1], ["constant", "cosine"]
again = hk.grid_search(digits, small, schedule=both, lr=rates, seeds=range(40))
ax = hk.plot_grid(again)

# %% [markdown]
# **What you see: now the constant rate wins.** <!-- claim: constant-wins-on-small -->
# That is what *fixed* means: the answer holds for one network.

# %%
ex.roles

# %%
answer = ...
ex.roles.check(answer)

# %% [markdown]
# ## 3. Warm-up (6 minutes)
#
# The first weights are random: a long first step can throw a network somewhere it never
# comes back from. **Warm-up** lets the learning rate climb to full height first, here
# over a fifth of all updates.
#
# **Predict.** One hidden layer, learning rates from tame to nearly too large. Where
# does warm-up help?

# %%
rates = [0.1, 0.3, 1, 1.2]
warm = hk.grid_search(digits, small, warmup=[0, 0.2], lr=rates, seeds=range(40))
ax = hk.plot_grid(warm)

# %% [markdown]
# **What you see: help near the edge.** At 1 and 1.2, close to where training breaks,
# warm-up lowers the loss. <!-- claim: warmup-near-the-edge --> At 0.3 it changes the
# loss by a few percent at most, and at 0.1 it costs: a fifth of the training goes to
# short steps. <!-- claim: warmup-elsewhere -->
#
# **Predict.** At 1.2, does warm-up help every seed a little, or a few seeds a lot?

# %%
edge = hk.grid_search(digits, small, warmup=[0, 0.2], lr=[1.2], seeds=range(40))
print("above 0.21, without and with warm-up:", *(edge.best_val_loss > 0.21).sum(1))
ax = hk.plot_seeds(edge, pairs=False)

# %% [markdown]
# **What you see: a few, a lot.** Without warm-up seven of forty seeds get stuck above
# 0.21, of other forty mostly more than ten; with it, hardly any.
# <!-- claim: warmup-saves-a-few -->
#
# Each at its best, the two end within about ten percent:
# <!-- claim: warmup-at-its-best --> a small network hardly needs it. Large ones, with
# batches of thousands, want rates near the edge: there warm-up is the rule.

# %%
ex.warm_cosine


# %%
def warm_cosine(t, n, warm, lr):
    return ...


ex.warm_cosine.check(warm_cosine)

# %% [markdown]
# ## 4. A range test (8 minutes)
#
# A validation curve trains a network for every learning rate. A **range test** trains
# one: the rate grows with every update, from far too small to far too large, and you
# watch the loss.

# %% tags=["drawing"]
# The rows as tensors, and a network of a setting
X, y = torch.tensor(digits.train.X).float(), torch.tensor(digits.train.y)
torch.set_num_threads(1)  # on one core, whatever else your computer does


def network(setting, seed):
    torch.manual_seed(seed)
    layers, size = [], 64
    for wide in (*setting.hidden, 10):
        layers, size = [*layers, nn.Linear(size, wide), nn.ReLU()], wide
    return nn.Sequential(*layers[:-1])


# %% tags=["drawing"]
def range_test(setting, seed):  # its losses, smoothed
    net, losses, ramp = network(setting, seed), [], np.geomspace(1e-4, 10, 100)
    optimizer = torch.optim.SGD(net.parameters(), momentum=setting.momentum)
    for lr in ramp:
        optimizer.param_groups[0]["lr"] = lr
        rows = torch.randint(len(y), (32,))
        loss = nn.functional.cross_entropy(net(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(min(loss.item(), 10))
    return pd.Series(losses, ramp).ewm(alpha=0.1).mean()


# %% [markdown]
# One rule takes a third of the rate with the lowest loss: the dashed line.
#
# **Predict.** Is the range test's lowest point left of the validation curve's, right of
# it, or at the same rate?

# %% tags=["drawing"]
# A range test, and below it the validation curve
test, coarse = range_test(small, 0), [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
about = {"param_name": "lr", "param_range": coarse, "seeds": range(10)}
curve = hk.validation_curve(digits, small, **about)
fig, axes = plt.subplots(2, sharex=True, figsize=(8, 4.2), layout="constrained")
hk.plot_validation_curve(curve, ax=axes[1])
axes[0].plot(test, color="#0072B2")
axes[0].axvline(test.idxmin() / 3, ls="--", color="#D55E00")
axes[0].text(test.idxmin() / 3.3, 0.3, "the rule here", color="#A84900", ha="right")
axes[0].set(ylabel="loss of the batches", ylim=(0, 3))
axes[0].spines[["top", "right"]].set_visible(False)
_ = hk.alt_text(axes[0], "The loss of a range test; the rule's rate is dashed.")

# %%
for name, setting in (("one layer", small), ("four layers", deep)):
    best = hk.validation_curve(digits, setting, **about).best.lr
    thirds = [range_test(setting, seed).idxmin() / 3 for seed in range(20)]
    near = sum(best / 3.4 < third < 3.4 * best for third in thirds)  # a step
    print(f"{name}: best {best}, the rule {np.median(thirds):.2g} (median of 20)")
    print(f"    within one step of the list: {near} of 20")

# %% [markdown]
# **What you see: a region, not a value.** The test's lowest point lies further right:
# there, training is about to break. With one hidden layer the rule lands within one
# step of the curve's best with nearly every seed, for 100 updates, the price of five
# epochs. <!-- claim: range-test-lands --> With four layers and momentum it names a rate
# several times too large, with every seed.
# <!-- claim: range-test-misses --> Whether the loss falls *now* doesn't tell whether
# training survives ten epochs. Use a range test to place a validation curve, not to
# replace it.

# %%
ex.after_the_test

# %%
answer = ...
ex.after_the_test.check(answer)

# %% [markdown]
# ## 5. Halving on many machines (6 minutes)
#
# A halving: 27 runs train to epoch 1, nine of them to epoch 3, three to epoch 9. An
# epoch at which runs are cut is a **rung**. With nine machines, all wait there for the
# slowest run. **ASHA**, asynchronous successive halving, doesn't wait: a run goes on as
# soon as it is among the best third of those that have reached its rung *so far*. A few
# go on that should not, but no machine rests.
#
# Optuna calls it **pruning**: your objective reports after each epoch and asks whether
# to stop; its `SuccessiveHalvingPruner` is ASHA.
#
# **Predict.** 27 whole trials take 243 epochs, the halving takes 63. And pruning?


# %%
def objective(trial):
    lr, done = trial.suggest_float("lr", 1e-4, 10, log=True), 0
    for runs in hk.train(digits, small.but(lr=lr, epochs=9), tick=0):
        run = runs[0, 0]
        if run.epochs_done > done:
            done = run.epochs_done
            trial.report(run.val_loss[-1], done)
            if trial.should_prune():
                raise optuna.TrialPruned
    return run.best_val_loss


# %%
optuna.logging.set_verbosity(optuna.logging.WARNING)
pruner = optuna.pruners.SuccessiveHalvingPruner(reduction_factor=3)
study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0), pruner=pruner)
study.optimize(objective, n_trials=27)
epochs = sum(len(trial.intermediate_values) for trial in study.trials)
print(f"{epochs} of {27 * 9} epochs; best: {study.best_value:.3f}")

# %% [markdown]
# **What you see: less than half of the epochs.** Not waiting usually costs a few epochs
# more than halving. <!-- claim: pruning-saves --> Several machines could share the
# study.
#
# ## 6. Four questions (3 minutes)

# %%
ex.quiz

# %%
hk.progress(12)

# %% [markdown]
# ## What you saw
#
# - A falling rate calms steps that are too long for the end,
#   <!-- claim: decay-calms --> and only slows the others. <!-- claim: decay-starves -->
# - A comparison is fair when the nuisance is tuned for each side.
#   <!-- claim: decay-moves-the-best -->
# - Warm-up helps near the edge, and hardly elsewhere.
#   <!-- claim: warmup-near-the-edge warmup-elsewhere -->
# - A range test finds a region, and can miss.
#   <!-- claim: range-test-lands range-test-misses -->
# - Pruning is halving that doesn't wait.
#
# ## Further reading
#
# - I. Loshchilov, F. Hutter, *SGDR* (2017): cosine.
# - P. Goyal and others, *Accurate, large minibatch SGD* (2017): warm-up.
# - L. Smith, *Cyclical learning rates* (2017): the range test.
# - L. Li and others, *A system for massively parallel hyperparameter tuning* (2020):
#   ASHA.
# - V. Godbole and others, *Deep Learning Tuning Playbook* (2023).
# - New words are in the [glossary](glossary.md).
#
# That was the last lesson. The next network is yours.
