# %% [markdown]
# # The learning rate
#
# **About 40 minutes.** When you are through, you can
#
# - say what the learning rate does, and why both ends of its scale are bad,
# - draw a validation curve and find the best learning rate of a list,
# - make a good list: one that grows by factors, and whose best value is not at its end.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
import numpy as np
from hpkit.exercises import lesson_02_learning_rate as ex

moons = hk.load_dataset("moons")
base = hk.Hyperparameters(lr=0.01, batch_size=32, epochs=30)

# %% [markdown]
# ## 1. A ball in a bowl (7 minutes)
#
# Imagine a network with one single weight. For each value of the weight there is a
# loss; drawn, it is a bowl. The best weight is at the bottom, at 0. Training stands
# somewhere on the wall of the bowl. It cannot see the bottom. It only feels the
# **slope** under its feet, and takes a step downhill:
#
# `new weight = weight - learning rate x slope`
#
# Where the wall is steep the step is long, near the bottom it is short. The learning
# rate stretches or shrinks every step.
#
# **Predict.** The ball starts at -4. What happens with a learning rate of 0.1? Of 1? Of
# 2.1? The panel asks you for the border: make your guess, then it opens.

# %%
hk.BowlPanel(lr=0.1, predict=True)

# %% [markdown]
# **Do.** Set the learning rate, click **Step** a few times, and watch; **Run** makes
# twenty steps. **To start** puts the ball back. Find the value at which the ball no
# longer comes to rest. As soon as one of your tries shows that your guess was too high
# or too low, the panel says so. Then make the bowl steeper: set the **curvature** to 2.
# Where is the border now?
#
# The same in code. The bowl is `loss = weight x weight / 2`, so its slope at each place
# is the weight itself: the wall is as steep as you are far from the bottom.
#
# **Predict.** Learning rates 0.1, 0.9, 1.8 and 2.1, eight steps each. Which ball ends
# nearest to the bottom? Which one ends higher than it began?


# %%
def walk(lr, weight=-4.0, curvature=1.0, steps=8):
    path = [weight]
    for _ in range(steps):
        slope = curvature * path[-1]
        path.append(path[-1] - lr * slope)
    return np.array(path)


# %%
fig, axes = plt.subplots(1, 4, figsize=(11, 2.9), sharey=True, layout="constrained")
w, ends = np.linspace(-9, 9, 99), []
for ax, lr in zip(axes, (0.1, 0.9, 1.8, 2.1), strict=True):
    path = walk(lr)
    ends.append(f"{round(path[-1], 2) + 0:g}")
    ax.plot(w, w**2 / 2, color="#bbbbbb")
    ax.plot(path, path**2 / 2, "o-", color="#0072B2")
    ax.set(title=f"lr {lr}: ends at {ends[-1]}", xlabel="weight")
    ax.set(xlim=(-9.5, 9.5), ylim=(-1, 41))
axes[0].set(ylabel="loss")
ax = hk.alt_text(ax, f"Four bowls; the balls end at {', '.join(ends)}.")

# %% [markdown]
# **What you see.** With 0.1 the ball creeps. With 0.9 it is at the bottom almost at
# once. With 1.8 it jumps over the bottom each time, from side to side, and still comes
# closer. With 2.1 it lands *higher* after each jump, and climbs out of the bowl. (And
# with 1, in the panel? One single step, exactly to the bottom.) At exactly 2 it jumps
# between -4 and 4 for ever: from 2 on the ball no longer comes to rest. There is a rule
# behind it. A bowl has a **curvature**: how quickly the wall gets steep (here 1). Above
# `2 / curvature` every step lands further out; below it every step comes closer.
# <!-- claim: bowl-two-over-curvature --> With curvature 2 the border is at 1.
#
# A real network has hundreds of weights and no such simple bowl. But the two bad ends
# are the same: too small, and it creeps; too large, and it jumps out.
#
# ## 2. The slider (8 minutes)
#
# Now the moons again. Batch size (32), epochs (30), the network and the seed stay
# fixed. **Only the learning rate changes.** That is the one way to know that a
# difference comes from it.
#
# **Predict.** What does the training curve look like at the left end of the slider, and
# what at the right end?

# %%
hk.TrainingPanel(moons, base, controls=("lr",))

# %% [markdown]
# **Do.** Move the slider slowly from the left end to the right end. Each time you let
# go, the run is kept as a gray line, and as a row of the list below the chart. The
# newest row is chosen, so **Pin** beside the list keeps the run that you have just seen
# in a color of its own, as soon as you move on. Pin three: one that creeps, one that is
# good, one that jumps.
#
# **Say what you see.** Where is the line flat? Where does it start to shake? Where does
# it rise?
#
# The same as a still picture, with four learning rates, and then the largest of them
# with five seeds.
#
# **Predict.** 0.001, 0.03, 0.3 and 3. Which line gets lowest? Which one shakes?

# %%
four = [hk.fit(moons, base.but(lr=lr)) for lr in (0.001, 0.03, 0.3, 3)]
ax = hk.plot_training_curves(four)
for seed in range(5):
    run = hk.fit(moons, base.but(lr=3), seed=seed)
    share = run.val_loss[-1] / run.val_loss[0]
    print(f"lr 3, seed {seed}: the loss ends at {share:.0%} of where it began")

# %% [markdown]
# **What you see.** Up to 0.3 a larger learning rate goes down faster.
# <!-- claim: larger-is-faster-at-first --> With 0.3 the line already shakes, and still
# it gets low. <!-- claim: best-shakes-too --> But "larger is faster" has an end: with 3
# the loss jumps about. Where it ends is another place with each seed, as the lines
# above the chart show, and mostly a high one: above half of the loss at the start.
# <!-- claim: three-bounces --> And with 10, the right end of the slider, many runs
# **diverge**, as in lesson 01: the panel puts an X where the line has left the chart
# for good. <!-- claim: ten-often-diverges -->
#
# Can you put four of them in order before you try?

# %%
ex.worst_to_best

# %%
answer = ...
ex.worst_to_best.check(answer)

# %%
# ex.worst_to_best.hint()
# ex.worst_to_best.solution()

# %% [markdown]
# ## 3. The validation curve (8 minutes)
#
# A slider is good for getting a feeling. To choose, we want to see all values at once.
# So: train one model for each learning rate, alike in everything else. Take the lowest
# validation loss of each. Draw it against the learning rate. This chart is the
# **validation curve**, and you will use it again and again.
#
# The values go from 0.0001 to 10. Each is about three or ten times the one before. On
# the chart equal *factors* get equal room: that is a **log scale**.
#
# **Predict.** What will it look like? First your answer in a sentence:

# %%
ex.prediction

# %%
answer = ...
ex.prediction.check(answer)

# %%
# ex.prediction.hint()
# ex.prediction.solution()

# %% [markdown]
# `seeds=range(5)` trains each value five times, from five different starts.

# %%
lrs = [0.0001, 0.001, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
curve = hk.validation_curve(
    moons, base, param_name="lr", param_range=lrs, seeds=range(5)
)
hk.plot_validation_curve(curve)
print("runs:", len(curve.runs), "  best of the list:", curve.best.lr)
ten = curve.val_loss[-1]  # of the five runs with 10
start = ten[:, 0]
print("with 10 they end at", (ten[:, -1] / start).round(1), "times their start,")
print("and on the way they reach", (ten.max(axis=1) / start).round(1), "times")

# %% [markdown]
# How to read it: each blue dot is the mean of five runs, the small dots are the five
# runs, the band shows how far apart they are. The gray dotted line, "last epoch", shows
# the loss after the *last* epoch instead of the best one. The flat dotted line, "before
# training", is the loss of the untrained network. The ring marks the lowest point.
# Beside it stand its loss and its learning rate.
#
# An X at the top means: at least one of the five runs **diverged**, in the meaning of
# lesson 01. That is, its loss is no longer a number, or its training loss ends above
# three times its start. On moons it is the second. <!-- claim: moons-no-nan -->
#
# **What you see.** A **U**.
#
# - Far left the loss has hardly moved: after 30 epochs at 0.001 the mean of five is
#   still above nine tenths of its start. <!-- claim: u-left-hardly-moves -->
# - The lowest point is at 0.3 or 1, whichever seeds we took; here you see it printed
#   above the chart. <!-- claim: u-minimum -->
# - Far right it is high again. With 10 the loss ends above its start in most seeds, as
#   the lines above the chart say, and at some epoch it has more than doubled.
#   <!-- claim: u-right-too-long -->
#
# The bottom of the U is wide. There is no single right value, so do not look for a
# third digit.
#
# The same chart, live: the same nine values, the same five seeds. On the left you see
# the training curves of all values at once (each the mean of five runs), on the right
# the validation curve that comes out. Each dot has the color of its training curve,
# light for a small learning rate, dark for a large one. Click a dot, and its curve gets
# thick and blue. The list below the charts has the numbers.

# %%
hk.ValidationCurvePanel(
    moons, "lr", base, param_range=lrs, seeds=5, controls=("batch_size",)
)

# %% [markdown]
# **Say what you see.** Choose the smallest value, the best one and the largest one:
# click on the dot or on its line in the list. Which shape of lesson 01 does each have:
# *too slow* (nearly flat), *good* (falls, then stays low), *bouncing* (up and down),
# *diverged* (out of the chart, look for the X)?
#
# **What you see.** The smallest is too slow. <!-- claim: u-left-hardly-moves --> The
# largest ends in an X: at least one of its five runs has diverged.
# <!-- claim: ten-often-diverges --> And the best one? It is a mixture: it falls and
# gets low, but it shakes, too. <!-- claim: best-shakes-too --> That does no harm here,
# for what counts is its *lowest* point. (Lesson 04 shows how to keep the network of
# that epoch.)

# %%
ex.good_rate

# %%
answer = ...
ex.good_rate.check(answer)

# %%
# ex.good_rate.hint()
# ex.good_rate.solution()

# %% [markdown]
# ## 4. A list that ends on the slope (7 minutes)
#
# Many people try learning rates like this: 0.01, 0.02, 0.03, 0.04. It looks careful.
#
# **Predict.** Which of the four wins? And what would you try next?

# %%
short = hk.validation_curve(
    moons, base, param_name="lr", param_range=[0.01, 0.02, 0.03, 0.04], seeds=range(5)
)
hk.plot_validation_curve(short)
print("best of the short list:", short.best.lr)

# %% [markdown]
# **What you see.** The largest of the four wins.
# <!-- claim: short-list-largest-wins --> The chart says so, too: the best one is at the
# edge. So the list stops while the loss is still going down. The best value is not in
# it at all!
#
# A winner at the end of a list is a message: **go on in that direction**. So begin at
# 0.01 again, but let the values grow by factors.
#
# **Predict.** How much lower will the loss get: a tenth, a half, more?

# %%
lrs = [0.01, 0.03, 0.1, 0.3, 1, 3, 10]
wide = hk.validation_curve(
    moons, base, param_name="lr", param_range=lrs, seeds=range(5)
)
for name, found in {"short list": short, "wide list": wide}.items():
    print(f"{name}: best {found.best.lr}, loss {found.mean_val_loss.min():.3f}")
ax = hk.plot_validation_curve(wide)

# %% [markdown]
# **What you see.** Seven values that grow by factors find a loss less than half as high
# as the four careful ones. <!-- claim: log-list-halves-the-loss --> With steps of 0.01
# you would need a thousand values to get from 0.01 to 10. With factors of about three
# you need seven.

# %%
ex.log_list

# %%
answer = ...
ex.log_list.check(answer)

# %%
# ex.log_list.hint()
# ex.log_list.solution()

# %% [markdown]
# ## 5. Not a number (6 minutes)
#
# Sooner or later you will see `nan` where a loss should be. It means *not a number*,
# and it looks like a bug. Let us make one on purpose. The data now are **digits**:
# small pictures of the figures 0 to 9, 64 pixels each.
#
# **Predict.** With 0.1 this network learns well. What does the loss look like with 5?

# %%
digits = hk.load_dataset("digits")
setting = hk.Hyperparameters(batch_size=32, epochs=10, hidden=(32,))
large = 5
pair = [hk.fit(digits, setting.but(lr=lr)) for lr in (0.1, large)]
for run in pair:
    print(f"lr {run.setting.lr}: validation loss at the end {run.val_loss[-1]:.2f}")
ax = hk.plot_training_curves(pair)

# %%
first = ", ".join(f"{loss:.2g}" for loss in pair[1].val_loss[:4])
print(f"lr {large}, epochs 0 to 3: {first}")
for seed in (1, 2, 3):
    again = hk.fit(digits, setting.but(lr=large), seed=seed)
    print(f"lr {large}, seed {seed}: at the end {again.val_loss[-1]:.2f}")

# %% [markdown]
# **What you see.** With 5 the loss on digits becomes `nan`; with other seeds, too.
# <!-- claim: digits-nan --> Both runs used the very same code. Nothing is broken: the
# ball has climbed out of the bowl, in steps so long that no chart can show them, as the
# first losses below the chart say. (`8e+13` is an 8 with 13 zeros.) Soon the numbers
# were too large for the computer.
#
# So when you meet `nan`, first try a learning rate ten times smaller. Then look for a
# bug.
#
# Does a learning rate that is too large always give `nan`? No. On moons it did not,
# even at 10: the loss jumped about and stayed high. <!-- claim: moons-no-nan --> That
# is the other way to diverge.

# %%
ex.diverging_rate

# %%
answer = ...
ex.diverging_rate.check(answer)

# %%
# ex.diverging_rate.hint()
# ex.diverging_rate.solution()

# %% [markdown]
# ## 6. Four questions (4 minutes)

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - A step is the learning rate times the slope. In a bowl, rates above `2 / curvature`
#   lead out of it. <!-- claim: bowl-two-over-curvature -->
# - The validation curve of the learning rate is a U: hardly moving on the left, best
#   at 0.3 or 1 here, too long steps on the right.
#   <!-- claim: u-left-hardly-moves u-minimum u-right-too-long -->
# - In the list 0.01, 0.02, 0.03, 0.04 the largest wins: the list ends on the slope.
#   <!-- claim: short-list-largest-wins -->
# - A list that grows by factors reached less than half of that loss.
#   <!-- claim: log-list-halves-the-loss -->
# - `nan` can come from correct code with a learning rate that is too large.
#   <!-- claim: digits-nan -->
#
# All this is true for *this* batch size, *these* epochs, *this* network. With another
# batch size the best learning rate moves. That is the next lesson.
#
# ## Where to read on
#
# - Y. Bengio, *Practical recommendations for gradient-based training of deep
#   architectures* (2012): its parts on the initial learning rate, and "General guidance
#   for the exploration of hyper-parameters".
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), section 4.3 (slopes
#   and steps), 11.4.1 (figure 11.1: training loss against the learning rate).
# - All words of this lesson are in the [glossary](glossary.md).
#
# **Next:** [03 The batch size](03_batch_size.ipynb).
