# %% [markdown]
# # Seeds
#
# **About 30 minutes.** By the end you'll be able to
#
# - say how far the result of a run depends on luck,
# - compare two settings fairly, and tell a real difference from luck,
# - decide how many seeds you need.

# %%
import hpkit as hk
import matplotlib.pyplot as plt
import numpy as np
from hpkit.exercises import lesson_06_seeds as ex

moons, digits = hk.load_dataset("moons"), hk.load_dataset("digits")
base = hk.Hyperparameters(batch_size=32, epochs=30)
ana, jun = base.but(lr=0.25), base.but(lr=0.3)

# %% [markdown]
# ## 1. The same again, with other luck (4 minutes)
#
# Throw a die. It shows 5. Is it a good die? Nobody would say so after one throw.
#
# But with networks people do just that. They train once, see 0.11, train another
# setting once, see 0.13, and say: "the first one is better". How much of such a number
# is the die?
#
# You know the **seed** from lesson 00: it decides the first weights and the order of
# the points. Everything else below stays the same.
#
# **Predict.** Twenty seeds. How far is the highest of the twenty losses above the
# lowest? 1 percent? 5? More?

# %%
*_, runs = hk.train(moons, base.but(lr=0.3), seeds=range(20))
ax = hk.plot_seeds(runs)
loss = runs.best_val_loss[0]
print(f"lowest {loss.min():.3f}, highest {loss.max():.3f}")
print(f"mean {loss.mean():.3f}, spread {loss.std(ddof=1):.3f}")

# %% [markdown]
# **What you see.** The very same setting twenty times, and the highest loss is more
# than 10 percent above the lowest. <!-- claim: seeds-same-setting-spreads -->
#
# Two numbers sum up such a cloud of dots: its **mean** (the short bar) and its
# **spread**, the standard deviation: about how far the dots lie from the mean. `ddof=1`
# divides by one less than the number of dots, because the mean comes from the same
# dots. A single dot far out raises both, so look at the dots, too.
#
# ## 2. Ana and Jun (5 minutes)
#
# Ana trains moons with learning rate 0.25, Jun with 0.3, each with a seed of their own.
# The lower loss wins.
#
# **Predict.** They do this twenty times, always with new seeds. Does the same one win
# each time?

# %%
*_, runs = hk.train(moons, [ana, jun], seeds=range(40))
of_ana, of_jun = runs.best_val_loss[0, :20], runs.best_val_loss[1, 20:]
wins = of_ana < of_jun
print("".join("A" if win else "J" for win in wins))
print(f"Ana wins {wins.sum()} of 20, Jun {20 - wins.sum()}")
means, spreads = runs.mean_val_loss, runs.std_val_loss  # of 40 seeds
print(f"means {means.round(3)}, spreads {spreads.round(3)}")

# %% [markdown]
# **What you see.** Sometimes Ana, sometimes Jun.
# <!-- claim: seeds-duels-go-both-ways --> The means differ by less than the larger
# spread, the luck of one run. <!-- claim: seeds-difference-below-spread --> So **one
# run of each cannot tell** which learning rate is better. Can forty? See section 5.
#
# There is a nasty trick in this. Ana wants to win, so she trains with twenty seeds and
# shows her best run. Jun does the same.

# %%
for name, other, i in (("Ana", "Jun", 0), ("Jun", "Ana", 1)):
    best, rival = runs.best_val_loss[i, :20].min(), means[1 - i]
    print(f"{name}'s best run {best:.3f}, {other}'s mean {rival:.3f}: {best < rival}")

# %% [markdown]
# **What you see.** Each best run is below the other one's mean. With a seed chosen
# after looking, both can "prove" that they are right.
# <!-- claim: seeds-luckiest-proves-anything --> So never tune the seed. Report the mean
# and the spread.
#
# ## 3. When one seed is enough (3 minutes)
#
# Is a single run worth nothing, then? Ana now takes 0.01, Jun stays with 0.3.
#
# **Predict.** Twenty duels. Who wins how often?

# %%
*_, runs = hk.train(moons, [base.but(lr=0.01), jun], seeds=range(40))
wins = runs.best_val_loss[0, :20] < runs.best_val_loss[1, 20:]
print(f"Ana wins {wins.sum()} of 20, Jun {20 - wins.sum()}")
ax = hk.plot_seeds(runs, pairs=False)

# %% [markdown]
# **What you see.** Jun, each time. The two clouds do not even touch.
# <!-- claim: seeds-large-difference-one-run --> A difference of many spreads shows in
# one run. That is why the coarse list of lesson 02, with factors of three or ten
# between its values, worked so well.
#
# ## 4. How many seeds? (4 minutes)
#
# One throw of a die says little, the mean of many throws says much. How quickly does
# the luck go away? We train 320 seeds, and take the mean of groups: of 1, of 4, of 16.
#
# **Predict.** The mean of 4 seeds: is its spread a quarter of that of one seed?

# %%
*_, runs = hk.train(moons, jun, seeds=range(320))
loss = runs.best_val_loss[0]
fig, ax = plt.subplots(figsize=(7.2, 2.6), layout="constrained")
for row, n in enumerate((1, 4, 16)):
    means = loss.reshape(-1, n).mean(axis=1)
    ax.plot(means, np.full(len(means), row), "o", alpha=0.3)
    spread = means.std(ddof=1)
    print(f"mean of {n:2}: spread {spread:.4f}, {spread / loss.std(ddof=1):.2f} of one")
ax.set(yticks=range(3), ylim=(2.5, -0.5), xlabel="mean lowest validation loss")
ax.set_yticklabels(["1 seed", "mean of 4", "mean of 16"])
ax = hk.alt_text(ax, "Three rows of dots, each about half as wide as the one above.")

# %% [markdown]
# **What you see.** Four times as many seeds, about half the spread; sixteen times,
# about a quarter; twenty dots, as in the last row, show it only roughly.
# <!-- claim: seeds-four-times-halve --> As with the batches of lesson 03, the spread of
# a mean of `n` is the spread of one, divided by the square root of `n`. It is called
# the **standard error** of the mean.
#
# So the first few seeds bring the most. Three to five are a good start.

# %%
ex.enough_seeds

# %%
answer = ...
ex.enough_seeds.check(answer)

# %%
# ex.enough_seeds.hint()
# ex.enough_seeds.solution()

# %% [markdown]
# ## 5. The same seed for both (8 minutes)
#
# Two runners, each on another track, in another wind: who is faster? Better let both
# run on the *same* track on the same day. For networks: give both settings the **same
# seed**, so the same first weights and the same order of points.
#
# Digits, learning rates 0.2 and 0.3, 20 seeds.
#
# **Predict.** In how many of 20 duels does 0.3 win, if each side has seeds of its own?
# And if both have the same?

# %%
pair = [hk.Hyperparameters(lr=lr, epochs=10, hidden=(32,)) for lr in (0.2, 0.3)]
*_, runs = hk.train(digits, pair, seeds=range(20))
ax = hk.plot_seeds(runs)
low, high = runs.best_val_loss
print("own seeds:  0.3 wins", (high < np.roll(low, 1)).sum(), "of 20")
print("same seeds: 0.3 wins", (high < low).sum(), "of 20")
print(
    f"spread {low.std(ddof=1):.4f}, of the differences {(high - low).std(ddof=1):.4f}"
)

# %% [markdown]
# **What you see.** With the same seed for both, 0.3 wins nearly every duel, and nearly
# all the lines lean the same way. The differences spread much less than the losses: a
# lucky seed helps both sides, and drops out. <!-- claim: seeds-same-seed-is-fairer -->
#
# So compare two settings by their **differences**, seed by seed. Is the mean of the
# differences more than luck? Divide it by its standard error:
#
# **Predict.** Ana and Jun once more, now with shared seeds: 5, 10, 20, 40 of them. Does
# the ratio grow?

# %%
*_, runs = hk.train(moons, [ana, jun], seeds=range(40))
differences = runs.best_val_loss[0] - runs.best_val_loss[1]
for n in (5, 10, 20, 40):
    d = differences[:n]
    error = d.std(ddof=1) / np.sqrt(n)
    print(
        f"{n:2} seeds: mean difference {d.mean():.4f} = {d.mean() / error:.1f} errors"
    )

# %% [markdown]
# **What you see.** The mean difference settles, its standard error shrinks, and so the
# ratio grows. **More than two standard errors is more than luck**: two equal settings
# get there in one case of twenty. With few seeds the spread is itself a guess, so it
# takes more: 2.8 with five seeds, 4.3 with three, 12.7 with two (Student's t).
#
# So forty seeds tell Ana's learning rate from Jun's, and five mostly do not.
# <!-- claim: seeds-forty-tell --> 0.3 is better, by less than the luck of one run.
#
# The panel does the sums. Each dot is a seed, a gray line joins the same seed.

# %%
hk.SeedsPanel(moons, [ana, jun], seeds=3)

# %% [markdown]
# **Do.** Move **seeds** to 5, 10, 30. When does the verdict change?
#
# Sharing seeds costs nothing, so all searches of hpkit do it. Now write down the rule:

# %%
ex.differ


# %%
def can_tell(a, b):
    return ...


ex.differ.check(can_tell)

# %%
# ex.differ.hint()
# ex.differ.solution()

# %%
ex.four_pairs

# %%
answer = ...
ex.four_pairs.check(answer)

# %%
# ex.four_pairs.hint()
# ex.four_pairs.solution()

# %% [markdown]
# ## 6. As good as the best (4 minutes)
#
# Now you can read the band around a validation curve, one spread up and down, and the
# sentence below it.
#
# **Predict.** Learning rates 0.05 to 4, ten seeds. Is there one winner, or are there
# several that you cannot tell apart?

# %%
hk.ValidationCurvePanel(
    moons, "lr", base, param_range=[0.05, 0.1, 0.3, 0.5, 1, 2, 4], seeds=10
)

# %% [markdown]
# **What you see.** More than one: the sentence names what is "as good, as far as 10
# seeds can tell". <!-- claim: seeds-several-as-good --> Each value was compared with
# the best by your rule, in pairs. Two things are added for a whole list. The winner of
# many is partly the luckiest (lesson 05), so the more values, the more standard errors
# it takes. And with few seeds all good values share one estimate of the spread.
#
# So when somebody asks for "the best learning rate", the honest answer is often a
# region. Three values or more: take one in the middle, which has good neighbors on both
# sides. Two: take either. Then go on.
#
# ## 7. Three questions (2 minutes)

# %%
ex.quiz

# %% [markdown]
# ## What you saw
#
# - The same setting, 20 seeds: the highest loss was more than 10 percent above the
#   lowest. <!-- claim: seeds-same-setting-spreads -->
# - Learning rates 0.25 and 0.3: one run of each cannot tell, forty shared seeds can.
#   <!-- claim: seeds-duels-go-both-ways seeds-forty-tell -->
# - Learning rates 0.01 and 0.3: one run of each was enough.
#   <!-- claim: seeds-large-difference-one-run -->
# - 4 times as many seeds halve the standard error of the mean.
#   <!-- claim: seeds-four-times-halve -->
# - The same seed for both sides makes a comparison fairer, for nothing.
#   <!-- claim: seeds-same-seed-is-fairer -->
#
# ## Where to read on
#
# - X. Bouthillier and others, *Accounting for Variance in Machine Learning Benchmarks*
#   (2021): where the luck of a result comes from, and why to compare in pairs.
# - P. Henderson and others, *Deep Reinforcement Learning that Matters* (2018): results
#   that turned around with other seeds.
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), section 5.4.3 (the
#   spread of a mean), 8.4 (first weights).
# - All words of this lesson are in the [glossary](glossary.md).
#
# **Next:** [07 One at a time](07_one_at_a_time.ipynb).
