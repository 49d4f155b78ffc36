# %% [markdown] lang="en"
# # Overfitting and dropout
#
# A network can learn its training images by heart. Then its training figures are perfect, and it is no better with
# new images. This lesson lets that happen on purpose, sees it in the curves, and treats it.

# %% [markdown] lang="ko"
# # 과대적합과 드롭아웃
#
# 신경망은 훈련 이미지를 통째로 외울 수 있습니다. 그러면 훈련 점수는 만점이 되지만 새 이미지는 더 잘 맞히지 못합니다. 이 수업에서는
# 일부러 그런 일을 일으켜 곡선에서 확인하고, 드롭아웃으로 줄여 봅니다.

# %% [markdown] lang="en"
# ## Overfitting: training and validation curves part
#
# *Overfitting* is learning what is true of the training images alone: noise, chance, single pictures. It shows where
# two curves part. The training loss keeps falling, while the validation loss stops and rises again.
#
# The fewer images and the more parameters, the sooner it comes. Here [fashion_cnn](../networks/fashion_cnn.md), with
# 333,526 parameters, gets 100 images.

# %% [markdown] lang="ko"
# ## 과대적합: 훈련 곡선과 검증 곡선이 갈라지는 순간
#
# *과대적합*(overfitting)은 훈련 이미지에만 맞는 것, 곧 잡음이나 우연, 사진 한 장에만 있는 것까지 배우는 현상입니다. 두
# 곡선이 갈라지는 곳에서 드러납니다. 훈련 손실은 계속 줄어드는데 검증 손실은 멈추었다가 다시 커집니다.
#
# 이미지가 적고 파라미터가 많을수록 빨리 찾아옵니다. 여기서는 파라미터가 333,526개인
# [fashion_cnn](../networks/fashion_cnn.md)에 이미지를 100장만 줍니다.

# %%
import keras
import numpy as np

import zoo
from recipes.data.samples import fashion_mnist_7k

train, test, class_names = fashion_mnist_7k()
few = train.pixels[:100], train.labels[:100]
validation = train.pixels[3000:3100], train.labels[3000:3100]


def train_with(dropout):
    keras.utils.set_random_seed(7)
    network = zoo.get("fashion_cnn", dropout=dropout)
    network.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network, network.fit(*few, batch_size=50, epochs=12, validation_data=validation, verbose=0).history


network, plain = train_with(0.0)
for epoch in (1, 3, 6, 9, 12):
    print(
        f"epoch {epoch:2}   training: loss {plain['loss'][epoch - 1]:.3f}, accuracy {plain['accuracy'][epoch - 1]:.2f}"
        f"   validation: loss {plain['val_loss'][epoch - 1]:.3f}, accuracy {plain['val_accuracy'][epoch - 1]:.2f}"
    )

# %% tags=["hide-input"]
import matplotlib.pyplot as plt


def draw(ax, history, title):
    epochs = range(1, len(history["loss"]) + 1)
    ax.plot(epochs, history["loss"], "C0", label="training")
    ax.plot(epochs, history["val_loss"], "C1", label="validation")
    best = int(np.argmin(history["val_loss"]))
    ax.plot(best + 1, history["val_loss"][best], "C1o")
    ax.set_title(title)
    ax.set_xlabel("epoch")
    ax.set_ylim(0, 1.6)
    ax.set_xticks([1, 3, 6, 9, 12])
    ax.spines[["top", "right"]].set_visible(False)


fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
draw(ax, plain, "100 images, no dropout")
ax.set_ylabel("loss")
legend = ax.legend(frameon=False)

# %% [markdown] lang="en"
# Loss by epoch. The dot is the best validation loss: from there on the network learns its 100 images by heart. A
# training that keeps the best epoch, as early stopping does, ends at the dot.

# %% [markdown] lang="ko"
# 에포크마다 잰 손실입니다. 점은 검증 손실이 가장 작은 곳이고, 그 뒤로 신경망은 이미지 100장을 외우고 있습니다. 조기
# 종료처럼 가장 좋은 에포크를 남기면 훈련 결과는 이 점이 됩니다.

# %% [markdown] lang="en"
# ## Why it happens
#
# 100 images against 333,526 parameters: there are many ways to give the right answer for each of them. Most of those
# ways say nothing about the next image. Training only asks about the images it has.
#
# Look at accuracy *and* loss. Validation accuracy often stays level while the loss rises. The network makes the same
# mistakes, and is ever more sure of them.
#
# Four things help, best first: more images; [augmentation](augmentation.md), which makes variants of those you have;
# stopping early; and dropout.

# %% [markdown] lang="ko"
# ## 과대적합이 생기는 이유
#
# 파라미터는 333,526개인데 이미지는 100장입니다. 100장을 모두 맞히는 방법은 아주 많고, 그 대부분은 다음 이미지에 대해
# 아무것도 알려 주지 않습니다. 훈련에서는 가진 이미지를 맞히는지만 따집니다.
#
# 정확도와 손실을 *함께* 보세요. 검증 정확도는 그대로인데 손실만 커지는 일이 많습니다. 틀리는 것은 여전히 틀리면서
# 점점 더 확신한다는 뜻입니다.
#
# 도움이 되는 방법은 네 가지입니다. 효과가 큰 것부터 적으면 이미지를 더 모으기, 가진 이미지를 변형하는 [데이터
# 증식](augmentation.md), 조기 종료, 그리고 드롭아웃입니다.

# %% [markdown] lang="en"
# ## Dropout: what it does in training, and at test time
#
# A dropout layer sets a random share of its inputs to zero, other ones in each step. No unit can rely on one other
# unit being there, so each must be useful by itself.
#
# With a share of 0.4 only 60% of the units are left. Those are divided by 0.6, so that the sum stays the same on
# average. **At test time nothing is dropped and nothing is divided:** all units answer.

# %% [markdown] lang="ko"
# ## 드롭아웃: 훈련할 때와 테스트할 때
#
# 드롭아웃 층은 입력의 일부를 무작위로 골라 0으로 만들고, 고르는 자리는 스텝마다 달라집니다. 어떤 뉴런도 다른 뉴런 하나에만 기댈 수
# 없으므로 저마다 쓸모 있는 것을 배우게 됩니다.
#
# 비율이 0.4이면 뉴런의 60%만 남습니다. 남은 값을 0.6으로 나누므로 합은 평균적으로 그대로입니다. **테스트할 때는
# 아무것도 끄지 않고 나누지도 않습니다.** 모든 뉴런을 씁니다.

# %%
layer = keras.layers.Dropout(0.4, seed=7)
ones = np.ones((1, 10), "float32")
for _ in range(3):
    print("training", np.round(np.asarray(layer(ones, training=True))[0], 2))
print("test    ", np.asarray(layer(ones, training=False))[0])

many = np.ones((1, 100_000), "float32")
print(f"mean of 100,000 ones in training: {np.asarray(layer(many, training=True)).mean():.3f}")

# %% tags=["hide-input"]
hidden = keras.Model(network.input, network.get_layer("dense").output)
boot = test.pixels[test.labels == class_names.index("Ankle boot")][:1]
units = hidden.predict(boot, verbose=0)
passes = [np.asarray(layer(units, training=True)) for _ in range(3)] + [units]

fig, axes = plt.subplots(1, 5, figsize=(9, 2.1), layout="constrained")
axes[0].imshow(boot[0, :, :, 0], "gray")
for ax, values, title in zip(axes[1:], passes, ("step 1", "step 2", "step 3", "test"), strict=True):
    ax.imshow(values.reshape(10, 10), "viridis", vmin=0, vmax=units.max() / 0.6)
    ax.set_title(title)
for ax in axes:
    ax.set_xticks([])
    ax.set_yticks([])

# %% [markdown] lang="en"
# The 100 hidden units of fashion_cnn for one boot: in three training steps other units are dropped each time, and
# what is left is brighter. In the test all are there. Units that are always dark answer 0 to this image.

# %% [markdown] lang="ko"
# 부츠 그림 하나를 본 fashion_cnn의 은닉층 뉴런 100개입니다. 훈련할 때는 스텝마다 다른 뉴런이 꺼지고 남은 뉴런은 더
# 밝아집니다. 테스트할 때는 모두 켜져 있습니다. 늘 어두운 뉴런은 이 그림에서 출력이 0인 뉴런입니다.

# %% [markdown] lang="en"
# ## Try it: drop units
#
# <div class="widget" data-widget="dropout" markdown="0"><p>A layer of units of which a share is dropped at each step.
# The units that stay are scaled up; at test time all of them answer.</p></div>
#
# Set the share to 0, 0.4 and 0.9 and take a few steps. Then switch to test: which numbers change?

# %% [markdown] lang="ko"
# ## 해 보기: 뉴런 끄기
#
# <div class="widget" data-widget="dropout" markdown="0"><p>스텝마다 일부 뉴런이 꺼지는 층입니다. 남은 뉴런의 값은 커지고, 테스트할 때는 모든 뉴런을 씁니다.</p></div>
#
# 비율을 0, 0.4, 0.9로 바꾸며 몇 스텝 진행해 보세요. 그다음 테스트로 바꾸면 어떤 숫자가 달라지나요?

# %% [markdown] lang="en"
# ## The same training with dropout
#
# The same network, images, seed and epochs, with a dropout of 0.5 before the last layer.

# %% [markdown] lang="ko"
# ## 드롭아웃을 넣은 같은 훈련
#
# 신경망과 이미지와 시드와 에포크는 그대로 두고, 마지막 층 앞에 드롭아웃 0.5만 넣습니다.

# %%
_, dropped = train_with(0.5)
results = {"dropout 0": plain, "dropout 0.5": dropped}
for name, history in results.items():
    best, last = min(history["val_loss"]), history["val_loss"][-1]
    print(
        f"{name:11} validation loss: best {best:.3f}, last {last:.3f}; best accuracy {max(history['val_accuracy']):.3f}"
    )

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained", sharey=True)
for ax, (name, history) in zip(axes, results.items(), strict=True):
    draw(ax, history, name)
axes[0].set_ylabel("loss")
legend = axes[0].legend(frameon=False)

# %% [markdown] lang="en"
# Left as before, right with dropout: the curves part later and less. With 100 validation images a figure is uncertain
# by some hundredths, so look at the shape of the curves.
#
# Dropout does not add knowledge. More images do, and nothing replaces them.
#
# The training loss with dropout is measured *with* units missing, the validation loss with all of them. So at the
# start the validation curve can lie below the training curve. That is no fault.

# %% [markdown] lang="ko"
# 왼쪽은 앞의 훈련, 오른쪽은 드롭아웃을 넣은 훈련입니다. 두 곡선이 더 늦게, 더 조금 갈라집니다. 검증 이미지가
# 100장뿐이라 정확도에는 0.05쯤 오차가 있으므로 곡선의 모양을 보세요.
#
# 드롭아웃이 새로운 것을 가르쳐 주지는 않습니다. 새로운 것은 이미지가 더 많아야 배울 수 있습니다.
#
# 드롭아웃이 있으면 훈련 손실은 뉴런 일부를 *끈 채로* 재고, 검증 손실은 모두 켜고 잽니다. 그래서 처음에는 검증 곡선이
# 훈련 곡선보다 아래에 있기도 합니다. 잘못된 것이 아닙니다.

# %% [markdown] lang="en"
# ## Check yourself
#
# A friend finds that the same image gets another probability each time it is asked. The network has dropout layers.
# What was forgotten?
#
# ??? question "Answer"
#     The network was called with `training=True`, so units are still dropped at random. `model.predict` and
#     `model(images)` drop nothing; only `fit`, or `training=True`, does.

# %% [markdown] lang="ko"
# ## 확인 문제
#
# 친구가 같은 이미지를 물어볼 때마다 확률이 다르게 나온다고 합니다. 신경망에는 드롭아웃 층이 있습니다. 무엇을
# 잘못했을까요?
#
# ??? question "정답"
#     신경망을 `training=True`로 호출했기 때문에 뉴런이 여전히 무작위로 꺼집니다. `model.predict`와 `model(images)`는
#     아무것도 끄지 않습니다. `fit`이나 `training=True`일 때만 꺼집니다.

# %% [markdown] lang="en"
# ## In the books
#
# - Hon Gong Machine Learning + Deep Learning, section 8-2: dropout 0.4 before the last layer, and early stopping with
#   a patience of 2.
# - Deep Learning with Python, 2nd edition, section 8.2.5: augmentation together with dropout 0.5.
# - 3-Minute Deep Learning with Keras, section 4.2: dropout 0.25 after the pool, 0.5 before the last layer.
#
# The recipes keep the best epoch by themselves: `python -m recipes.run fashion_cnn --variant published` is the
# training of section 8-2. Next lesson: [augmentation](augmentation.md).

# %% [markdown] lang="ko"
# ## 책에서는
#
# - 《혼자 공부하는 머신러닝+딥러닝》 8-2절: 마지막 층 앞의 드롭아웃 0.4와 `patience=2`인 조기 종료
# - 《케라스 창시자에게 배우는 딥러닝》 2판 8.2.5절: 데이터 증식과 드롭아웃 0.5를 함께 쓰기
# - 《코딩셰프의 3분 딥러닝, 케라스맛》 4.2절: 풀링 뒤의 드롭아웃 0.25와 마지막 층 앞의 드롭아웃 0.5
#
# 이 프로젝트의 레시피는 가장 좋은 에포크를 알아서 남깁니다. `python -m recipes.run fashion_cnn --variant published`가
# 8-2절의 훈련입니다. 다음 수업은 [데이터 증식](augmentation.md)입니다.
