# %% [markdown] words=1070 teaser="Same setting, 30 percent more loss: why?"
# # Seeds
#
# Roll a die once. It shows 5. Is the die fair? One roll can't tell. Yet people train
# one setting once, see 0.11, train another once, see 0.13, and call the first one
# better. How much of that is the die?
#
# **About 25 minutes.** By the end you'll be able to
#
# - say how much of a result is luck,
# - tell a real difference from luck,
# - decide how many seeds you need.

# %%
import hpkit as hk
import numpy as np
from hpkit.exercises import lesson_06_seeds as ex

moons, digits = hk.load_dataset("moons"), hk.load_dataset("digits")
base = hk.Hyperparameters(batch_size=32, epochs=30)
ana, jun = base.but(lr=0.25), base.but(lr=0.3)

# %% [markdown]
# ## 1. Same setting, different luck (4 minutes)
#
# Below, only the **seed** changes: the first weights and the order of the points.
#
# **Predict.** By what percentage is the highest of twenty losses above the lowest: 5,
# 15, 30?
#
# **Do.** Press **New seeds** a few times. Then move **seeds** to 20, and divide the
# highest by the lowest.

# %%
hk.SeedsPanel(moons, jun, seeds=1)

# %% [markdown]
# **What you see: mostly more than 30 percent.** One setting, twenty seeds.
# <!-- claim: seeds-same-setting-spreads --> The diamond is the **mean** of the dots,
# the bar their **spread**, the standard deviation.
#
# ## 2. Ana and Jun (4 minutes)
#
# Ana trains on moons with learning rate 0.25, Jun with 0.3, each with their own seed.
# The lower loss wins.
#
# **Predict.** In twenty such duels, does one of them always win?

# %%
# hk.train reports as it goes; *_ drops all reports but the last
*_, runs = hk.train(moons, [ana, jun], seeds=range(40))
of_ana, of_jun = runs.best_val_loss[0, :20], runs.best_val_loss[1, 20:]
print("".join("A" if win else "J" for win in of_ana < of_jun))
print("means of Ana and Jun:", *runs.mean_val_loss.round(3))
print("spreads:", *runs.std_val_loss.round(3))

# %% [markdown]
# **What you see: both win.** Sometimes Ana, sometimes Jun.
# <!-- claim: seeds-duels-go-both-ways --> Their means over 40 seeds differ by less than
# the larger spread. <!-- claim: seeds-difference-below-spread --> So **one run of each
# cannot tell** which learning rate is better.
#
# Now both want to win: each shows only the best of twenty runs.
#
# **Predict.** Whose best run beats the other's mean: Ana's, Jun's, both?

# %%
for i, name in enumerate(["Ana", "Jun"]):
    best, rival = runs.best_val_loss[i, :20].min(), runs.mean_val_loss[1 - i]
    print(f"{name}'s best run {best:.3f}, the other's mean {rival:.3f}")

# %% [markdown]
# **What you see: a lucky seed proves anything.** Each best run beats the other's
# mean. <!-- claim: seeds-luckiest-proves-anything --> So never compare by the best
# seed. Report the mean and the spread.
#
# ## 3. Far apart (2 minutes)
#
# Ana now takes 0.01; Jun stays with 0.3.
#
# **Predict.** Twenty duels: how often does each win?

# %%
*_, far = hk.train(moons, [base.but(lr=0.01), jun], seeds=range(40))
wins = far.best_val_loss[0, :20] < far.best_val_loss[1, 20:]
print(f"Ana wins {wins.sum()} of 20, Jun {20 - wins.sum()}")
ax = hk.plot_seeds(far, pairs=False)

# %% [markdown]
# **What you see: Jun, every time.** The two clouds don't even touch: a difference of
# many spreads shows in one run. <!-- claim: seeds-large-difference-one-run -->
#
# ## 4. How many seeds? (4 minutes)
#
# How much steadier is a mean? Here are 320 seeds, in groups of 1, 4 and 16.
#
# **Predict.** Do means of 4 spread a quarter as much as single seeds?

# %%
*_, many = hk.train(moons, jun, seeds=range(320))
loss = many.best_val_loss[0]
for n in (1, 4, 16):
    spread = loss.reshape(-1, n).mean(axis=1).std(ddof=1)
    print(f"mean of {n:2}: spread {spread:.4f}, {spread / loss.std(ddof=1):.2f} of one")

# %% [markdown]
# **What you see: four times the seeds, half the spread.** Sixteen times should make a
# quarter; twenty groups gave 0.18. <!-- claim: seeds-four-times-halve --> The spread of
# a mean of `n` is that of one seed, divided by the square root of `n`: its **standard
# error**. The first few seeds bring the most, so start with three to five.

# %%
ex.enough_seeds

# %%
answer = ...
ex.enough_seeds.check(answer)

# %% [markdown]
# ## 5. The same seed for both (7 minutes)
#
# Two runners on different days, in different wind: who is faster? Let them run on the
# *same* day. For networks, that is the **same seed**.
#
# **Predict.** Digits, learning rates 0.2 and 0.3, twenty duels. How many does 0.3 win
# with its own seeds, how many with shared ones?

# %%
pair = [hk.Hyperparameters(lr=lr, epochs=10, hidden=(32,)) for lr in (0.2, 0.3)]
*_, shared = hk.train(digits, pair, seeds=range(20))
ax = hk.plot_seeds(shared)
low, high = shared.best_val_loss
others = np.roll(low, 1)  # those of 0.2, each moved to the next seed
print("own seeds:  0.3 wins", (high < others).sum(), "of 20")
print("same seeds: 0.3 wins", (high < low).sum(), "of 20")
spreads = [each.std(ddof=1).round(3) for each in (low, high, high - low)]
print("spreads: 0.2, 0.3, their differences:", *spreads)

# %% [markdown]
# **What you see: shared luck drops out.** With the same seed, 0.3 wins nearly every
# duel: the gray lines, one for each seed, lean the same way. The differences spread
# much less than the losses, because a lucky seed helps two such close settings alike.
# <!-- claim: seeds-same-seed-is-fairer -->
#
# So compare two settings by their **differences**, seed by seed. Divide their mean by
# its standard error. **More than two is hardly luck**: luck alone gets there one time
# in twenty. With few seeds the spread is a guess, so it takes more (*Student's t*): 2.8
# with five, 4.3 with three. Say three seeds give differences of 0.01, 0.03 and 0.05:
# mean 0.03, standard error 0.012, ratio 2.6. Below 4.3: they can't tell.
#
# **Predict.** Ana's 0.25 and Jun's 0.3 once more: how many shared seeds tell them
# apart?
#
# **Do.** Move **seeds** to 5, 10, 20, 40, and read the verdict.

# %%
hk.SeedsPanel(moons, [ana, jun], seeds=3, most=40)

# %% [markdown]
# **What you see: more than five.** Five seeds mostly can't tell, ten often can, forty
# can. <!-- claim: seeds-forty-tell --> Choose the number first: adding seeds until they
# tell, as you did, multiplies the false alarms. <!-- claim: seeds-no-second-look -->
#
# Sharing seeds is free, so searches do it. Write the rule as code, with 2 as the limit,
# as for twenty seeds or more: <!-- claim: four-pairs-are-what-twenty-seeds-tell -->

# %%
ex.differ


# %%
def can_tell(a, b):
    return ...


ex.differ.check(can_tell)

# %%
ex.four_pairs

# %%
answer = ...
ex.four_pairs.check(answer)

# %% [markdown]
# ## 6. How many winners? (3 minutes)
#
# **Predict.** Ten seeds, seven learning rates: one winner, or several?

# %%
hk.ValidationCurvePanel(
    moons, "lr", base, param_range=[0.05, 0.1, 0.3, 0.5, 1, 2, 4], seeds=10
)

# %% [markdown]
# **What you see: several.** The panel names those that ten seeds can't tell from the
# lowest. <!-- claim: seeds-several-as-good --> It uses your rule, but stricter: the
# winner of a long list is partly the luckiest. So the best learning rate is often a
# region; take one in its middle.
#
# ## 7. Three questions (1 minute)

# %%
ex.quiz

# %%
hk.progress(6)

# %% [markdown]
# ## What you saw
#
# - 0.25 or 0.3: one run of each cannot tell, forty shared seeds can.
#   <!-- claim: seeds-duels-go-both-ways seeds-forty-tell --> 0.01 or 0.3: one run of
#   each is enough. <!-- claim: seeds-large-difference-one-run -->
# - 4 times the seeds halve the standard error. <!-- claim: seeds-four-times-halve -->
# - Between close settings shared seeds are often fairer.
#   <!-- claim: seeds-same-seed-is-fairer -->
#
# ## Further reading
#
# - X. Bouthillier and others, *Accounting for Variance in Machine Learning Benchmarks*
#   (2021): where luck comes from, and why to compare in pairs.
# - New words are in the [glossary](glossary.md).
