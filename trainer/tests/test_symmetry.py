"""Symmetries: groups, inverses, and moments that move as they must."""

import numpy as np
import pytest
from toy_jobs import make_job, toy_rows

from driftline_trainer.dataset import Rows
from driftline_trainer.encoding import make_encoding
from driftline_trainer.job import parse_job
from driftline_trainer.protocol import TrainerError
from driftline_trainer.summaries import NAMES, summaries
from driftline_trainer.symmetry import apply, as_tracks, augment, group

MIRROR = {"mirror": ["pad"], "negate": ["crossing_angle"]}
REVERSAL = {"negate": ["crossing_angle", "dip_angle"]}


@pytest.fixture
def job(dataset, tmp_path):
    return parse_job(make_job(dataset), tmp_path)


@pytest.fixture
def tracks(job):
    return as_tracks(
        make_encoding(job, breaks={}, periodic=[], logarithmic=[], with_fractions=True), Rows(*toy_rows(50))
    )


def moments(tracks):
    values = np.asarray(summaries(tracks.images, tracks.fractions - np.array([-3, -7]), 1.0))
    return dict(zip(NAMES, values.T, strict=True))


def test_two_generators_make_a_group_of_four_beginning_with_the_identity(job):
    members = group(job, [MIRROR, REVERSAL])
    assert len(members) == 4
    assert members[0].mirror == members[0].negate == frozenset()
    assert {a * b for a in members for b in members} == set(members)


def test_every_member_is_its_own_inverse(job, tracks):
    for member in group(job, [MIRROR, REVERSAL, {"mirror": ["time"], "negate": ["dip_angle"]}]):
        back = apply(member, apply(member, tracks))
        np.testing.assert_array_equal(back.features, tracks.features)
        np.testing.assert_allclose(back.fractions, tracks.fractions, atol=1e-7)
        np.testing.assert_array_equal(back.images, tracks.images)


def test_a_mirror_of_the_pads_changes_the_sign_of_what_is_odd_in_the_pads_and_nothing_else(job, tracks):
    mirror = group(job, [MIRROR])[1]
    before, after = moments(tracks), moments(apply(mirror, tracks))
    signs = {"mean_0": -1, "covariance": -1}
    for name in NAMES:
        np.testing.assert_allclose(after[name], signs.get(name, 1) * before[name], rtol=1e-4, atol=2e-5)
    # The rows are far from symmetric themselves: the test would see a mirror that does nothing.
    assert np.abs(before["mean_0"]).mean() > 0.01 and np.abs(before["covariance"]).mean() > 0.001


def test_reversal_keeps_the_image_and_turns_both_angles(job, tracks):
    turned = apply(group(job, [REVERSAL])[1], tracks)
    np.testing.assert_array_equal(turned.images, tracks.images)
    np.testing.assert_array_equal(turned.features, tracks.features * [-1, -1, 1, 1, 1, 1])


def test_augmented_rows_begin_with_the_rows_as_they_are(job, tracks):
    more = augment(group(job, [MIRROR, REVERSAL]), tracks)
    assert len(more.features) == 4 * len(tracks.features)
    np.testing.assert_array_equal(more.images[: len(tracks.images)], tracks.images)


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"mirror": ["pads"]}, "hyperparameters.symmetries[0].mirror"),
        ({"negate": ["angle"]}, "hyperparameters.symmetries[0].negate"),
        ({"negate": ["drift_length"]}, "hyperparameters.symmetries[0].negate"),
        ({"flip": ["pad"]}, "hyperparameters.symmetries[0]"),
    ],
)
def test_a_symmetry_that_cannot_be_is_refused(job, entry, field):
    with pytest.raises(TrainerError) as caught:
        group(job, [entry])
    assert caught.value.field == field


def test_a_window_that_is_not_symmetric_cannot_be_mirrored(dataset, tmp_path):
    content = make_job(dataset)
    content["output"]["axes"][0]["first"] = -2
    with pytest.raises(TrainerError, match="not symmetric"):
        group(parse_job(content, tmp_path), [MIRROR])
