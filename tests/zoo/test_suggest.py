"""Did you mean."""

from zoo.text.suggest import closest


def test_closest_names_up_to_three_choices_that_are_alike():
    assert closest("fashion_cn", ["fashion_cnn", "mnist_wide"]) == " Did you mean 'fashion_cnn'?"
    assert closest("aab", ["aaa", "aac", "aad", "aae"]).count(" or ") == 2
    assert closest("nothing", ["xyz"]) == ""
    assert closest("nothing", []) == ""
