# %% [markdown] words=1390 teaser="The one to tune first."
# # The learning rate
#
# If you have time to tune only one hyperparameter, tune this one.
#
# **About 40 minutes.** By the end you'll be able to
#
# - say what the learning rate does, and why both ends of its scale are bad,
# - draw a validation curve and find the best learning rate of a list,
# - make a good list: it grows by factors, and its best value is not at either end.

# %%
import hpkit as hk
from hpkit.exercises import lesson_02_learning_rate as ex

moons, digits = hk.load_dataset("moons"), hk.load_dataset("digits")
base = hk.Hyperparameters(lr=0.01, batch_size=32, epochs=30)  # on moons
pixels = base.but(epochs=10, hidden=(32,))  # on digits

# %% [markdown]
# ## 1. A ball in a bowl (7 minutes)
#
# Imagine a network with a single weight. Draw the loss for each value of the weight: a
# bowl. Put a ball on its wall, at the weight's value. It can't see the bottom; it
# feels the **slope** where it lies and takes a step downhill:
#
# `new weight = weight - learning rate x slope`
#
# Where the wall is steep, the step is long; near the bottom it is short. The learning
# rate stretches or shrinks every step. A bowl with more **curvature** is narrower and
# steeper.
#
# **Predict.** Tell the panel: above which learning rate does the ball never settle?
#
# **Do.** Set the learning rate to 0.1, click **Step** a few times, then **Run** to go
# on to step 20. Click **Reset** before each new rate: 1, then 2.1. Then set the
# **curvature** to 2, and try 0.9 and 1.1. Where is the limit now?

# %%
hk.BowlPanel(lr=0.1, predict=True)

# %% [markdown]
# The same in code; here the slope is the curvature times the weight.
#
# **Predict.** Four balls take eight steps from -4, with learning rates 0.1, 0.9, 1.8
# and 2.1. Which ends nearest the bottom, at 0?


# %%
def walk(lr, weight=-4.0, curvature=1.0, steps=8):
    path = [weight]
    for _ in range(steps):
        slope = curvature * path[-1]
        path.append(path[-1] - lr * slope)
    return path


# %%
for lr in (0.1, 0.9, 1.8, 2.1):  # z: 0.00 in place of -0.00
    print(f"lr {lr}:", *[f"{weight:z6.2f}" for weight in walk(lr)])

# %% [markdown]
# **What you see: 0.9 gets there, 2.1 climbs out.** With 0.1 the ball creeps. With 1.8
# it jumps over the bottom each time, yet comes closer. With 2.1 it lands *higher* after
# each jump. The limit is `2 / curvature`. <!-- claim: bowl-two-over-curvature -->
#
# A real network has hundreds of weights and no such simple bowl. But too small a rate
# still creeps, and too large a rate still jumps out.
#
# ## 2. The slider (8 minutes)
#
# Now the moons of lesson 00. **Only the learning rate changes**, so every difference
# comes from it.
#
# **Predict.** What does the training curve look like at the left end of the slider, and
# at the right?
#
# **Do.** Drag the slider from end to end and let go at six places: each run stays as a
# gray line. **Pin** three: one that creeps, one that is good, one that jumps.

# %%
hk.TrainingPanel(moons, base, controls=("lr",))

# %% [markdown]
# **Say what you see.** At which rates is the line flat? Where does it start to shake?
# Where does it rise?
#
# **What you see: larger is faster, until the line jumps.** That holds up to 0.3, at
# least. <!-- claim: larger-is-faster-at-first --> At 0.3 the line already shakes, yet
# gets low. <!-- claim: best-shakes-too --> At 3 it jumps about, and usually ends above
# half its starting loss. <!-- claim: shape-bouncing --> At 10 many runs **diverge**:
# the X marks where the line leaves the chart for good.
# <!-- claim: ten-often-diverges -->

# %%
ex.worst_to_best

# %%
answer = ...
ex.worst_to_best.check(answer)

# %% [markdown]
# ## 3. The validation curve (8 minutes)
#
# A slider is for exploring. To choose, you want to see all values at once: train one
# model with each learning rate, and draw its lowest validation loss against that rate.
# This chart is the **validation curve**.
#
# The values go from 0.0001 to 10, each about three or ten times the one before. Equal
# *factors* get equal room: that is a **log scale**. Each dot will be the mean of five
# seeds; the band shows their **spread**, how far a typical seed is from the mean.
#
# **Predict.** What will the curve look like? Draw it.
#
# **Do.** In the right chart, click the smallest learning rate, the best and the
# largest. Which shape of lesson 01 does each training curve have?

# %%
lrs = [0.0001, 0.001, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
hk.ValidationCurvePanel(
    moons, "lr", base, param_range=lrs, seeds=5, controls=["batch_size"], predict="draw"
)

# %% [markdown]
# **What you see: a U.**
#
# - Far left, *too slow*: after 30 epochs at 0.001 the loss is still above nine tenths
#   of its start. <!-- claim: u-left-hardly-moves -->
# - The lowest point is at 0.3 or 1. <!-- claim: u-minimum --> Long steps make its
#   training curve *noisy*, yet it gets low. Only that curve's *lowest* point counts,
#   which is partly luck; <!-- claim: best-shakes-too lowest-point-flatters --> lesson
#   04 keeps the network of that epoch. The bottom of the U is wide: no need to
#   fine-tune.
# - Far right, *diverged*: with 10 the loss of most runs ends above its start.
#   <!-- claim: u-right-too-long --> The X says that at least one of the five has
#   diverged. <!-- claim: ten-often-diverges -->
#
# The same in code, for data of your own:

# %%
curve = hk.validation_curve(
    moons, base, param_name="lr", param_range=lrs, seeds=range(5)
)
print(f"best: {curve.best.lr}, of {len(curve.runs)} runs")

# %%
ex.good_rate

# %%
answer = ...
ex.good_rate.check(answer)

# %% [markdown]
# ## 4. A list that ends on the slope (7 minutes)
#
# Now the **digits** of lesson 01.

# %%
ax = hk.plot_data(digits)

# %% [markdown]
# Many people try learning rates like this: 0.01, 0.02, 0.03, 0.04. It looks careful.
#
# **Predict.** Which of the four wins? What would you try next?

# %%
short = hk.validation_curve(
    digits, pixels, param_name="lr", param_range=[0.01, 0.02, 0.03, 0.04]
)
ax = hk.plot_validation_curve(short)

# %% [markdown]
# **What you see: the largest wins.** <!-- claim: short-list-largest-wins --> Each run
# is best at its end, so *best epoch* and *last epoch* are one line. The list stops
# while the loss is still falling: a winner at the end of a list says **go on in that
# direction**.
#
# Begin at 0.01 again, but let the values grow by factors.
#
# **Predict.** How much lower will the loss get: by a tenth, by half, by more?

# %%
wide = hk.validation_curve(
    digits, pixels, param_name="lr", param_range=[0.01, 0.03, 0.1, 0.3, 1, 3, 10]
)
for name, found in {"short list": short, "wide list": wide}.items():
    print(f"{name}: best {found.best.lr}, loss {found.mean_val_loss.min():.3f}")
ax = hk.plot_validation_curve(wide)

# %% [markdown]
# **What you see: by more than half.** <!-- claim: log-list-halves-the-loss --> Seven
# values are enough, since they grow by factors. Other optimizers have their U
# elsewhere: for **Adam**, common in practice, try 0.0001 to 0.1. At 1 it learns nothing
# here. <!-- claim: adam-wants-less -->

# %%
ex.log_list

# %%
answer = ...
ex.log_list.check(answer)

# %% [markdown]
# ## 5. Not a number (6 minutes)
#
# Sooner or later you'll see `nan` where a loss should be: *not a number*. It looks like
# a bug. Let's make one on purpose: on digits 0.1 learns well, 5 won't.
#
# **Predict.** After which of the ten epochs is the loss no longer a number?

# %%
large = 5
pair = [hk.fit(digits, pixels.but(lr=lr)) for lr in (0.1, large)]
print("validation loss of the second, from epoch 0 on:")
print(*[f"{loss:.1g}" for loss in pair[1].val_loss])
ax = hk.plot_training_curves(pair)

# %% [markdown]
# **What you see: after the third, at the latest.** <!-- claim: digits-nan --> Nothing
# is broken: both runs used the same code. The ball has climbed out of the bowl, so far
# that the numbers became too large for the computer. `8e+13` is an 8 with 13 zeros.
#
# So when a loss *becomes* `nan`, first try a learning rate ten times smaller. If it is
# `nan` from the start, look for missing values in the data, or a bug.

# %%
ex.diverging_rate

# %%
answer = ...
ex.diverging_rate.check(answer)

# %% [markdown]
# ## 6. Four questions (4 minutes)

# %%
ex.quiz

# %%
hk.progress(2)

# %% [markdown]
# ## What you saw
#
# - Learning rates above `2 / curvature` throw the ball out of the bowl.
#   <!-- claim: bowl-two-over-curvature -->
# - The validation curve of the learning rate is a U: too slow on the left, steps too
#   long on the right.
# - A list whose largest value wins ends on the slope: go on, by factors.
# - `nan` can come from correct code with too large a learning rate.
#
# ## Further reading
#
# - Y. Bengio, *Practical recommendations for gradient-based training of deep
#   architectures* (2012): its parts on the initial learning rate, and "General guidance
#   for the exploration of hyper-parameters".
# - I. Goodfellow and others, *Deep Learning* (2016), section 4.3 (slopes and steps),
#   11.4.1 (figure 11.1: training loss against the learning rate).
# - All words of this lesson: [glossary](glossary.md).
