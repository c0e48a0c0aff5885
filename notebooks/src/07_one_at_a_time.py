# %% [markdown] words=1300 teaser="Two people, one recipe: only one arrives."
# # One at a time
#
# Ana and Jun tune the same network on the same data. Both train eight settings, both
# look only at the validation loss. Ana begins with the learning rate, Jun with the
# batch size. Will they end at the same place?
#
# **About 30 minutes.** By the end you'll be able to
#
# - tune a model one hyperparameter at a time, by hand and in one call,
# - say what that costs, and what all combinations cost,
# - tell when this recipe is enough, and what to do when it isn't.

# %%
import hpkit as hk
from hpkit.exercises import lesson_07_one_at_a_time as ex

spiral, digits = hk.load_dataset("spiral"), hk.load_dataset("digits")
start = hk.Hyperparameters(lr=0.1, batch_size=200, epochs=20)
lists = {"lr": [0.01, 0.1, 1, 10], "batch_size": [4, 64, 200], "dropout": [0, 0.1, 0.3]}

# %% [markdown]
# ## 1. Ana and Jun (11 minutes)
#
# Both follow the simplest recipe:
#
# 1. **Start** with a value for each hyperparameter. It need not be good.
# 2. **Change one.** Train copies of the model that differ in this value alone.
# 3. **Keep** the value with the lowest validation loss, and go on to the next.
#
# Why only one? If two things change at once, one run can't say which one did it.
#
# Today's data: a spiral with two arms.

# %%
ax = hk.plot_data(spiral)

# %% [markdown]
# They tune the learning rate, the batch size, and the **dropout**, the share of hidden
# units that each batch leaves out. The epochs stay at 20.
#
# **Predict.** Ana's order is `lr, batch_size, dropout`, Jun's
# `batch_size, lr, dropout`. Who ends lower, or do they meet?
#
# **Do.** Follow Ana from the start, S: press **Next step** three times. Each setting is
# trained with three seeds; dropout shows only in the chart on the right. Then choose
# Jun's order and press **All steps**. Last, press **Show the grid** and wait until the
# map is full.

# %%
hk.OneAtATimePanel(spiral, start, **lists)

# %%
ex.order

# %%
answer = ...
ex.order.check(answer)

# %% [markdown]
# Try the remaining orders: **Paths**, below the charts, lists where each ended.
#
# **Say what you see.** What do the orders that end lowest have in common?
#
# **What you see: batch size before learning rate.** Jun finds the best of all 36
# settings. Ana ends at more than one and a half times that loss, often more than twice.
# All three orders with the batch size before the learning rate reach the best; no other
# does. <!-- claim: path-spiral-order-decides --> Where the full map shows a lower
# number than before, or one in place of an X, another dropout did better.
#
# ## 2. Why the order matters (7 minutes)
#
# With batch size 200 all points are in one batch, so 20 epochs are 20 steps. With so
# few, each must be long: of her four learning rates Ana rightly chose 1. Batch size 4
# makes 50 steps an epoch, a thousand in all.
#
# **Predict.** Draw the validation curve for batch size 4: the lowest loss for each
# learning rate. The bottom row of the map has three of its points.
#
# **Do.** When the true curve appears, move the batch size to 200 and back. Watch the
# lowest point.

# %%
rates = [0.01, 0.03, 0.1, 0.3, 1, 3, 10]
fours = start.but(batch_size=4)
hk.ValidationCurvePanel(spiral, "lr", fours, param_range=rates, predict="draw")

# %% [markdown]
# **What you see: the lowest point moves.** With batch size 200 the best learning rate
# is at least three times as large as with batch size 4. <!-- claim: grid-ridge --> And
# 0.3, which was on nobody's list, beats Jun's 0.1: the best of 36 is only the best of
# the *lists*. <!-- claim: grid-below-jun --> Ana fixed her learning rate for a batch
# size she gave up a minute later. Her answer was right, for a question that no longer
# mattered. Learning rate and batch size belong together: a larger batch wants longer
# steps. Tune such a pair one at a time, and the result depends on the order; nobody
# knows the right one in advance.
#
# > What one-at-a-time finds is the best **for what was held fixed**.
#
# ### Another lap
#
# **Predict.** Ana walks a second lap, from where the first ended. Does it bring her to
# Jun's place?

# %%
here = hk.one_at_a_time(spiral, start, seeds=range(3), **lists).best
again = hk.one_at_a_time(spiral, here, seeds=range(3), **lists)
for lap, end in (("first", here), ("second", again.best)):
    print(f"{lap} lap: lr {end.lr:g}, batch {end.batch_size}, dropout {end.dropout:g}")
print(f"loss {again.mean_val_loss.min():.3f}")

# %% [markdown]
# **What you see: she is stuck.** Every *single* change makes things worse, so she stays
# put, as with most seeds. <!-- claim: path-second-round --> Jun's place has a smaller
# batch *and* a smaller learning rate. Getting there takes **two changes at once**, and
# one at a time can't make them. <!-- claim: path-spiral-needs-two-changes-at-once --> A
# search that tries pairs can: lesson 08.
#
# **Do.** Is "batch size first" a rule, then? In the panel of section 1, move the
# start's learning rate to 1 and try Jun's order again.
#
# **What you see: the start matters, too.** From there Jun's order usually misses the
# best. <!-- claim: path-other-start -->
#
# ## 3. By hand, on the digits (7 minutes)
#
# Here is the recipe as two loops, starting at learning rate 0.01, batch size 32 and no
# dropout.
#
# **Predict.** Which step lowers the loss the most?

# %%
begin = hk.Hyperparameters(lr=0.01, batch_size=32, epochs=10, hidden=(32,))
short = lists | {"batch_size": [8, 32, 128]}  # the other two lists are the same

setting = begin
for name, values in short.items():
    runs = [hk.fit(digits, setting.but(**{name: value})) for value in values]
    losses = [float("inf") if run.diverged else run.best_val_loss for run in runs]
    setting = runs[losses.index(min(losses))].setting
    print(name, values, "losses", [round(loss, 3) for loss in losses])

# %% [markdown]
# **What you see: the first step.** It brings nearly all of the gain, because the start
# was far too slow. <!-- claim: path-first-step-gains-most --> No step raises the loss,
# because the winner so far takes part again. <!-- claim: path-never-rises --> A run
# that diverged counts as `inf`: it never wins.
#
# `hk.one_at_a_time` does the same with several seeds, and trains nothing twice.
#
# **Predict.** How far apart do the six orders end on the digits?

# %%
from itertools import permutations

grid = hk.grid_search(digits, begin, seeds=range(3), **short)
for order in permutations(short):
    path = hk.one_at_a_time(digits, begin, order=order, seeds=range(3), **short)
    times = path.mean_val_loss.min() / grid.mean_val_loss.min()
    print(", ".join(order), f"ends at {times:.2f} times the best of all 36")

# %% [markdown]
# **What you see: all about equally low.** Each order ends within about a tenth of the
# best. <!-- claim: path-digits-any-order --> Several of the 36 settings are good, and
# every path runs into one of them. Here the recipe is enough.

# %%
ex.recipe


# %%
def tune(loss, base, lists):
    return ...


ex.recipe.check(tune)

# %% [markdown]
# ## 4. What it costs (3 minutes)
#
# Lists of 4, 3 and 3 values make 4 x 3 x 3 = 36 combinations. One at a time trains 4,
# then 2, then 2 more, because the winner so far is trained already.
#
# **Predict.** You add a fourth list of 4 values. How many settings now, each way?

# %%
ex.cost


# %%
def costs(sizes):
    return ...


ex.cost.check(costs)

# %% [markdown]
# **What you see: 11 and 144.** One at a time, another list of 4 is *plus 3*, not *times
# 4*. <!-- claim: path-cost -->
#
# So
#
# - when training takes long, begin one at a time,
# - write down what was held fixed, and tune again when it changes,
# - do a second lap; if nothing changes, no single change helps,
# - tune *together* what belongs together.
#
# ## 5. Three questions (2 minutes)

# %%
ex.quiz

# %%
hk.progress(7)

# %% [markdown]
# ## What you saw
#
# - One at a time costs a *sum*, 8 settings; all combinations cost a *product*, 36.
#   <!-- claim: path-cost -->
# - On the digits all six orders end about equally low.
#   <!-- claim: path-digits-any-order --> On the spiral the order decides, because the
#   best learning rate moves with the batch size.
#   <!-- claim: path-spiral-order-decides --> <!-- claim: grid-ridge -->
#
# ## Further reading
#
# - Y. Bengio, *Practical recommendations for gradient-based training of deep
#   architectures* (2012): mathematics calls this recipe *coordinate descent*.
# - D. Montgomery, *Design and Analysis of Experiments*, chapter 1: "one factor at a
#   time" in laboratories, and what it misses.
# - V. Godbole and others, *Deep Learning Tuning Playbook* (2023): what to tune again
#   when something else changes.
# - New words are in the [glossary](glossary.md).
