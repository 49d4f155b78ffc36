# %% [markdown] lang="en"
# # Fine-tuning in steps
#
# [Feature extraction](feature_extraction.md) leaves the pretrained base as it is. Fine-tuning goes on: it trains the
# upper layers of the base too, a little, for the new task. The order of the steps decides whether that helps or harms.
#
# ## What fine-tuning is
#
# Fine-tuning trains the last layers of a pretrained base together with the new head, at a low learning rate. The layers
# below stay frozen. The second edition names five steps:
#
# 1. Put a new head on the pretrained base.
# 2. Freeze the base.
# 3. Train the head.
# 4. Thaw some layers of the base, but no batch normalisation.
# 5. Train these layers and the head together.
#
# A recipe writes them as phases. Each phase names the layers that train; all others are frozen. Here are the two phases
# of `vgg16_finetune`, and what they leave to train.

# %% [markdown] lang="ko"
# # 단계별 미세 조정
#
# [특성 추출](feature_extraction.md)에서는 사전 훈련된 기반 층을 그대로 둡니다. 미세 조정은 한 걸음 더 나아가 기반 층의
# 위쪽 층도 새 문제에 맞게 조금 더 훈련합니다. 도움이 될지 해가 될지는 단계의 순서가 정합니다.
#
# ## 미세 조정이란
#
# 미세 조정은 사전 훈련된 기반 층의 마지막 몇 층을 새 머리와 함께 낮은 학습률로 훈련하는 것입니다. 그 아래 층은 동결한 채
# 둡니다. 책(2판)에서는 다섯 단계로 설명합니다.
#
# 1. 사전 훈련된 기반 층 위에 새 머리를 얹습니다.
# 2. 기반 층을 동결합니다.
# 3. 머리를 훈련합니다.
# 4. 기반 층에서 일부 층의 동결을 해제합니다. 배치 정규화 층은 해제하지 않습니다.
# 5. 동결을 해제한 층과 머리를 함께 훈련합니다.
#
# 레시피에서는 이것을 단계(phase)로 적습니다. 단계마다 훈련할 층을 지정하고 나머지는 모두 동결합니다. 다음은
# `vgg16_finetune`의 두 단계와, 각 단계에서 훈련하는 파라미터 수입니다.

# %%
import json
import textwrap
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np

import recipes
import zoo
from recipes import lint
from recipes.data.samples import mnist_5k, two_photographs
from recipes.freeze import thaw

keras.utils.set_random_seed(42)
vgg16 = zoo.get("vgg16_finetune", weights=None)
phases = recipes.get("vgg16_finetune", "published").phases
for phase in phases:
    thaw(vgg16, phase.train)
    trainable = sum(int(np.prod(weight.shape)) for weight in vgg16.trainable_weights)
    print(
        f"{phase.name:<8} rate {phase.learning_rate:g}: {trainable:>10,} of {vgg16.count_params():,} parameters train"
    )

# %% [markdown] lang="en"
# ## Why the head comes first
#
# A new head begins with random weights. Its first answers are wrong, so its first gradients are large, and they point
# nowhere. If the base is free at that time, these gradients run through it and tear apart what it has learned.
#
# Here is how far that goes. A small network learns the digits 1, 3, 5, 7 and 9. It then gets a new head for 0, 2, 4, 6
# and 8, and goes on in two ways. One trains everything at once at 1e-3. The other trains the head first, and then the
# second convolution at 1e-5. How far have the kernels moved from what they were?

# %% [markdown] lang="ko"
# ## 왜 머리를 먼저 훈련하는가
#
# 새 머리의 가중치는 무작위로 시작합니다. 처음에는 답이 틀리므로 그레이디언트가 크고 방향도 제멋대로입니다. 이때 기반 층이 동결되어
# 있지 않으면 그 그레이디언트가 기반 층까지 흘러들어 배운 것을 망가뜨립니다.
#
# 얼마나 망가지는지 재 보겠습니다. 작은 신경망에 숫자 1, 3, 5, 7, 9를 가르칩니다. 그다음 0, 2, 4, 6, 8을 위한 새 머리를
# 얹고 두 가지 방법으로 훈련을 이어 갑니다. 하나는 모든 층을 한꺼번에 1e-3으로 훈련합니다. 다른 하나는 머리를 먼저 훈련하고, 그다음
# 둘째 합성곱 층을 1e-5로 함께 훈련합니다. 커널은 원래 자리에서 얼마나 움직였을까요?

# %%
train, test, _ = mnist_5k()
old, new = (1, 3, 5, 7, 9), (0, 2, 4, 6, 8)
LOSS = "sparse_categorical_crossentropy"


def pick(images, classes, number):
    """So many pictures of some classes, and their labels counted from 0."""
    wanted = np.flatnonzero(np.isin(images.labels, classes))[:number]
    return images.pixels[wanted], np.searchsorted(classes, images.labels[wanted])


small = zoo.get("fashion_cnn", weights=None, classes=5)
small.compile("adam", LOSS)
small.fit(*pick(train, old, 500), batch_size=32, epochs=2, verbose=0)
learned = small.get_weights()


def with_new_head():
    """The trained convolutions, as they were, under a new dense layer; the base is a model of its own, as in the book."""
    small.set_weights(learned)
    base = keras.Model(small.input, small.get_layer("pool2").output, name="base")
    base.trainable = True
    layers = [keras.Input((28, 28, 1)), base, keras.layers.Flatten(), keras.layers.Dense(5, "softmax", name="head")]
    return keras.Sequential(layers), base


def moved():
    """How far the second convolution's kernel is from what was learned, as a share of its length."""
    kernel, before = small.get_layer("conv2").get_weights()[0], learned[2]
    return float(np.linalg.norm(kernel - before) / np.linalg.norm(before))


def follow(model, rate, epochs):
    """Compile, train on 200 new digits, and say how far the kernel has moved after each epoch."""
    model.compile(keras.optimizers.Adam(rate), LOSS, metrics=["accuracy"])
    epoch_end = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: path.append(100 * moved()))
    path = [100 * moved()]
    model.fit(*pick(train, new, 200), batch_size=20, epochs=epochs, verbose=0, callbacks=[epoch_end])
    return path


at_once, _ = with_new_head()
at_once.compile(keras.optimizers.Adam(1e-3), LOSS)
warnings = lint.check(at_once)
path_at_once = follow(at_once, 1e-3, 6)

steps, base = with_new_head()
base.trainable = False
path_steps = follow(steps, 1e-3, 3)
base.trainable = True
base.get_layer("conv1").trainable = False
path_steps += follow(steps, 1e-5, 3)[1:]
print(f"all at once, 1e-3:     the kernel moved by {path_at_once[-1]:.2f}%")
print(f"in steps, then 1e-5:   the kernel moved by {path_steps[-1]:.2f}%")

# %% tags=["hide-input"]
fig, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
axis.plot(path_at_once, marker="o", label="all at once, 1e-3")
axis.plot(path_steps, marker="s", label="head first, then conv2 at 1e-5")
axis.axvline(3, linestyle=":", color="grey")
axis.set_xlabel("epoch")
axis.set_ylabel("change of conv2's kernel, %")
axis.grid(alpha=0.3)
axis.legend()

# %% [markdown] lang="en"
# How far the second convolution has moved from what it had learned. At once, it leaves in the first epoch. In steps, it stays until
# the dotted line, where it is thawed, and then moves by a hair.
#
# ## Why the rate is low
#
# A pretrained kernel is nearly right already. It needs a small push, not a new search. With Adam or RMSprop a step is about as long as
# the learning rate, whatever the gradient's size. So the rate alone decides how far each weight goes.
#
# The books take 1e-5. The linter of this project warns above 1e-4, where layers that were trained before are free. It says so before
# any step is made. Here is what it found in the network that was to train at once:

# %% [markdown] lang="ko"
# 둘째 합성곱 층이 배운 자리에서 얼마나 움직였는지 보여 줍니다. 한꺼번에 훈련하면 첫 에포크부터 크게 벗어납니다. 단계별로 훈련하면
# 동결을 해제하는 점선까지는 그대로이고, 그 뒤에도 아주 조금만 움직입니다.
#
# ## 왜 학습률이 낮은가
#
# 사전 훈련된 커널은 이미 거의 맞습니다. 새로 찾을 필요 없이 조금만 움직이면 됩니다. Adam이나 RMSprop에서는 그레이디언트가
# 크든 작든 가중치가 한 스텝에 움직이는 거리는 학습률과 비슷합니다. 그래서 가중치가 얼마나 움직일지는 학습률만으로 정해집니다.
#
# 책에서는 1e-5를 씁니다. 이 프로젝트의 린터(linter)는 이미 훈련된 층을 1e-4보다 높은 학습률로 훈련하려 하면 경고합니다.
# 훈련을 한 스텝도 하기 전에 알려 줍니다. 한꺼번에 훈련하려던 신경망에서 찾은 것은 다음과 같습니다.

# %%
for finding in warnings:
    print(textwrap.fill(f"[{finding.code}] {finding.message}", 80), end="\n\n")

# %% [markdown] lang="en"
# Every warning has [a section of its own](../lint.md). A recipe is checked in this way each time it runs.
#
# ## Which layers to thaw
#
# Thaw from the top. The lower stages find edges and textures, which any photo has. The upper ones find parts of the old classes:
# these are what a new task wants otherwise. And with 2,000 photos it is a risk to train millions of parameters.
#
# So the recipes thaw the last stage. What did that bring? These are the certified results on cats and dogs, over three seeds:

# %% [markdown] lang="ko"
# 경고마다 [설명](../lint.md)이 있습니다. 레시피를 실행할 때마다 이렇게 검사합니다.
#
# ## 어느 층의 동결을 해제할까
#
# 위쪽부터 해제합니다. 아래쪽 층은 어느 사진에나 있는 에지와 질감을 찾습니다. 위쪽 층은 원래 클래스에 특화된 특성을 찾는데, 새 문제에
# 맞게 고쳐야 할 것이 바로 이 층입니다. 게다가 사진 2,000장으로 파라미터 수백만 개를 훈련하는 것은 위험합니다.
#
# 그래서 레시피는 마지막 스테이지(stage)의 동결만 해제합니다. 그 결과는 얼마나 나아졌을까요? 고양이와 개 사진을 시드 세 개로
# 확인한 결과입니다.

# %%
for name in ("vgg16_feature_extract", "vgg16_finetune", "xception_feature_extract", "xception_finetune"):
    measured = json.loads(Path(f"results/{name}-cats_vs_dogs-tuned.json").read_text())
    print(f"{name:<26}{measured['mean']:.4f} ± {measured['standard_deviation']:.4f}")

# %% [markdown] lang="en"
# Fine-tuning gains some tenths of a percent here, hardly more than the spread. It may gain more where photos look unlike those that
# the base was trained on. Measure before you believe it: first extract features, then fine-tune, and compare on the same test photos.
#
# ## Batch normalisation stays held
#
# A batch normalisation layer brings each channel to mean 0 and variance 1. In training it takes mean and variance of the batch, and
# moves its stored ones a little towards them. At prediction it uses the stored ones.
#
# The layers above were trained with the stored statistics of a million photos. When you thaw such a layer, small batches of your few
# photos overwrite them. The code shows it on three channels, red, green and blue. The layer knows both photographs of the sample. Then it
# sees one epoch of flowers: 63 batches of 32, as with 2,000 photos.

# %% [markdown] lang="ko"
# 여기서는 미세 조정으로 오른 폭이 1퍼센트포인트가 안 되며, 시드에 따른 차이와 크게 다르지 않습니다. 기반 층을 훈련한 사진과 많이
# 다른 사진이라면 더 오를 수 있습니다. 믿기 전에 재 보세요. 먼저 특성 추출을 하고, 다음에 미세 조정을 하고, 같은 테스트 사진으로
# 비교합니다.
#
# ## 배치 정규화는 동결한 채로 둔다
#
# 배치 정규화 층은 채널마다 평균을 0, 분산을 1로 맞춥니다. 훈련할 때는 그 배치의 평균과 분산을 쓰고, 저장해 둔 이동 평균을 그쪽으로 조금
# 옮깁니다. 예측할 때는 저장해 둔 값을 씁니다.
#
# 그 위의 층들은 사진 백만 장의 통계에 맞추어 훈련되었습니다. 이 층의 동결을 해제하면 얼마 안 되는 내 사진의 작은 배치가 그 통계를
# 덮어씁니다. 아래 코드는 빨강, 초록, 파랑 세 채널에서 이것을 보여 줍니다. 이 층은 패키지에 든 사진 두 장의 통계를 가지고
# 시작합니다. 그런 다음 꽃 사진만 한 에포크를 봅니다. 사진이 2,000장일 때처럼 32장씩 63배치입니다.

# %%
crops, _, _ = two_photographs()
pixels = crops.pixels.astype("float32") / 255
flowers = pixels[crops.labels == 1]


def means(trainable):
    """The stored means before and after each of 63 batches of flowers: (64, 3)."""
    layer = keras.layers.BatchNormalization()
    layer.build((None, None, None, 3))
    ones = np.ones(3)
    layer.set_weights([ones, 0 * ones, pixels.mean((0, 1, 2)), pixels.var((0, 1, 2))])
    layer.trainable = trainable
    stored = [np.array(layer.moving_mean)]
    for batch in range(63):
        layer(np.take(flowers, range(batch * 32, batch * 32 + 32), axis=0, mode="wrap")[:, ::12, ::12], training=True)
        stored.append(np.array(layer.moving_mean))
    return np.array(stored)


thawed, held = means(trainable=True), means(trainable=False)
print("stored means:          red  green   blue")
for name, row in (("before", held[0]), ("held, after", held[-1]), ("thawed, after", thawed[-1])):
    print(f"{name:<18}" + "".join(f"{value:>8.3f}" for value in row))

# %% tags=["hide-input"]
fig, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
for channel, colour in enumerate(("#c44e52", "#55a868", "#4c72b0")):
    axis.plot(thawed[:, channel], color=colour, label="thawed" if channel == 0 else None)
    axis.plot(held[:, channel], color=colour, linestyle="--", label="held" if channel == 0 else None)
axis.set_xlabel("batch")
axis.set_ylabel("stored mean")
axis.grid(alpha=0.3)
axis.legend()

# %% [markdown] lang="en"
# The stored means of red, green and blue. Held (dashed) they stay. Thawed, they run off to the flowers within one epoch, and every
# layer above gets values that it was not trained for.
#
# `recipes.freeze.thaw` therefore holds batch normalisation of a base, whatever you name. Xception has many such layers:

# %% [markdown] lang="ko"
# 빨강, 초록, 파랑 채널의 저장된 평균입니다. 동결하면(점선) 그대로입니다. 동결을 해제하면 한 에포크 만에 꽃 쪽으로 옮겨 가고, 그 위의
# 층들은 훈련할 때와 다른 값을 받게 됩니다.
#
# 그래서 `recipes.freeze.thaw`는 무엇을 지정하든 기반 층의 배치 정규화를 동결해 둡니다. Xception에는 이런 층이 많습니다.

# %%
xception = zoo.get("xception_finetune", weights=None, input_shape=(71, 71, 3))
thaw(xception, ("*",))
norms = [layer for layer in xception.layers if isinstance(layer, keras.layers.BatchNormalization)]
print(f"{len(norms)} batch normalisation layers, {sum(layer.trainable for layer in norms)} of them train")

# %% [markdown] lang="en"
# ## Climb the freeze ladder
#
# <div class="widget" data-widget="freeze" markdown="0"><p>Thaw one stage after another, and see how many parameters train, how many minutes an epoch takes and what the linter says.</p></div>
#
# Thaw step by step, and raise the rate. When does the linter begin to warn?
#
# ## A printed listing that thaws nothing
#
# The third edition's text thaws the base. Its printed code first does so, and then freezes everything again one line later. Keras says
# nothing: the head goes on training at 1e-5, and the accuracy looks fine. Here are the same lines on the small network:

# %% [markdown] lang="ko"
# ## 동결 사다리 오르기
#
# <div class="widget" data-widget="freeze" markdown="0"><p>스테이지의 동결을 하나씩 해제하면서 훈련하는 파라미터 수, 걸리는 시간, 린터의 경고를 봅니다.</p></div>
#
# 하나씩 해제하면서 학습률도 높여 보세요. 린터는 언제부터 경고하나요?
#
# ## 아무것도 해제하지 않는 책의 코드
#
# 책(3판)의 본문은 기반 층의 동결을 해제합니다. 그런데 인쇄된 코드는 해제한 다음 다시 모두 동결합니다. 케라스는 아무 말도 하지 않습니다.
# 머리만 1e-5로 계속 훈련되고 정확도도 괜찮아 보입니다. 작은 신경망에서 같은 줄을 실행해 보겠습니다.

# %%
base.trainable = True
for layer in base.layers[:-2]:
    layer.trainable = False
print("to train after the loop:", *[weight.path for weight in steps.trainable_weights], sep="\n  ")
base.trainable = False  # The line too many.
print("to train after the last line:", *[weight.path for weight in steps.trainable_weights], sep="\n  ")
steps.compile(keras.optimizers.Adam(1e-5), LOSS)
for finding in lint.check(steps):
    print(textwrap.fill(f"[{finding.code}] {finding.message}", 80))

# %% [markdown] lang="en"
# `base.trainable = False` sets every layer inside. Delete that line, and compile after the change. The recipe `xception_finetune` follows
# the text in its `published` variant:
#
# ```sh
# python -m recipes.run vgg16_finetune --plan
# python -m recipes.run xception_finetune --variant published --plan
# ```
#
# ## Check yourself
#
# ??? question "You trained the head, set `base.trainable = True`, and called `fit` at once. What is wrong?"
#     Two things. The model was not compiled again: Keras decides at `compile` and the first `fit` which weights train. And all of the
#     base is free, with its batch normalisation, at the head's high rate. Thaw the last stage, hold batch normalisation, and compile with 1e-5.
#
# ## In the books
#
# Deep Learning with Python, 2nd edition, section 8.3.2: the recipe `vgg16_finetune`. 3rd edition, chapter 8: `xception_finetune`, with
# the listing above. All chapters are in [the list of books](../books.md); [Train above a frozen part](../boundary.md) has phases of your own.

# %% [markdown] lang="ko"
# `base.trainable = False`는 안에 있는 층을 모두 동결합니다. 이 줄을 지우고, 바꾼 뒤에는 다시 컴파일하세요. `xception_finetune` 레시피의
# `published`는 본문을 따릅니다.
#
# ```sh
# python -m recipes.run vgg16_finetune --plan
# python -m recipes.run xception_finetune --variant published --plan
# ```
#
# ## 확인 문제
#
# ??? question "머리를 훈련한 다음 `base.trainable = True`로 바꾸고 바로 `fit`을 호출했습니다. 무엇이 잘못되었을까요?"
#     두 가지입니다. 첫째, 다시 컴파일하지 않았습니다. 케라스는 `compile`한 뒤 첫 `fit`에서 훈련할 가중치를 정합니다. 둘째, 기반 층
#     전체가 배치 정규화까지 머리의 높은 학습률로 훈련됩니다. 마지막 스테이지만 해제하고, 배치 정규화는 동결하고, 1e-5로 다시 컴파일하세요.
#
# ## 책에서는
#
# 《케라스 창시자에게 배우는 딥러닝》 2판 8.3.2절이며 레시피는 `vgg16_finetune`입니다. 3판 8장의 레시피는 `xception_finetune`이고, 위의
# 코드가 거기에 나옵니다. 모든 장은 [책의 장마다 따라 하기](../books.md)에, 단계를 직접 짜는 방법은 [동결 경계에서 특성 저장하기](../boundary.md)에
# 있습니다.
