"""The words of the tables of results, in each language of the site; names and figures are the same in all."""

from __future__ import annotations

LANGUAGES = ("en", "ko")

COLUMNS = {
    "en": (
        "recipe", "data", "variant", "test accuracy", "published", "95% over seeds", "95% over test images", "seeds",
        "training",
    ),
    "ko": (
        "레시피", "데이터", "변형", "테스트 정확도", "책·강의", "시드에 따른 95% 구간", "테스트 이미지에 따른 95% 구간",
        "시드", "훈련 시간",
    ),
}  # fmt: skip
SHORT_COLUMNS = ("recipe", "data", "its source prints", "by its source's protocol", "tuned")
FOLDS_COLUMNS = {
    "en": ("recipe", "data", "variant", "test accuracy", "95% over test images", "test images", "folds"),
    "ko": ("레시피", "데이터", "변형", "테스트 정확도", "테스트 이미지에 따른 95% 구간", "테스트 이미지", "폴드"),
}
FOLDS = {
    "en": "By folds each image is tested once, by a run that has not seen it, trained on as many as above:",
    "ko": "교차 검증은 이미지마다 한 번, 그 이미지를 보지 않은 실행으로 테스트합니다. "
    "훈련 이미지의 수는 위와 같습니다.",
}
MINUTES = {"en": "{:.1f} min", "ko": "{:.1f}분"}
INTERVAL = {"en": "{:.4f} to {:.4f}", "ko": "{:.4f} ~ {:.4f}"}
NONE_PRINTED = {"en": "none printed", "ko": "없음"}
UNCERTIFIED = {
    "en": "Not certified: collected from runs that were made one by one.",
    "ko": "인증한 값이 아닙니다. 하나씩 실행한 결과를 모았습니다.",
}
FOUND = {
    "en": "Some runs found activations of the frozen part on disk; the time lacks what computing those took.",
    "ko": "동결된 부분의 활성화 값이 이미 디스크에 있던 실행이 있습니다. 그 값을 계산하는 시간은 빠져 있습니다.",
}
STOOD_IN = {
    "en": "On {}, which stood in for a base whose weights could not be had.",
    "ko": "가중치를 구할 수 없는 바탕 대신 {}를 썼습니다.",
}
# What is said of a copy of a data set, by its English words; one that is not here stays as it is.
NOTICES = {
    "This copy of cifar10 went through JPEG once; the original is lossless. Accuracy may differ slightly.": (
        "이 cifar10은 한 번 JPEG로 압축했던 사본이며 원본은 무손실입니다. 정확도가 조금 다를 수 있습니다."
    )
}


def notice(said: str, language: str) -> str:
    """What is said of a copy of a data set, in that language where there is a translation."""
    return NOTICES.get(said, said) if language == "ko" else said
